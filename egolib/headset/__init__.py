"""Poses from images of a headset: camera input, framing, runtimes, pose output."""
