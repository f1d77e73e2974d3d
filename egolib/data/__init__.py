"""A tree of frames on disk -> batches of tensors."""
