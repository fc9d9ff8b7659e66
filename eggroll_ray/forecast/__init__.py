"""Predicts the time and memory of a run before it starts, and finds the fastest block size."""
