"""Benchmarks of the noise: its quality and its speed."""
