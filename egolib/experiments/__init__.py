"""Runs of the study: one profile, the notebooks headless, sweeps, manifest, publishing."""
