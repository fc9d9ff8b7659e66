"""The record of a run: its folder, fitness log, checkpoints and metrics."""
