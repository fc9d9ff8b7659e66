"""Compiles programs, keeps them on disk and shares them between processes. Independent of evolution strategies."""
