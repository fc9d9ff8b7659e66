"""Benchmarks of learning: the comparisons of the paper, and further ones."""
