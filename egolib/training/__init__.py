"""From batches to a trained checkpoint, stage by stage."""
