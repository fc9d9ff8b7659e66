"""Benchmarks of clusters: recovery from faults, cost of the driver, and accuracy of forecasts."""
