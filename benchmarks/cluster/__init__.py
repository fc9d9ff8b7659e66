"""Faults, the driver, and forecasts."""
