"""Beside other systems: evosax, EvoTorch."""
