"""Benchmarks of speed and memory: generations, layers, compilation, memory."""
