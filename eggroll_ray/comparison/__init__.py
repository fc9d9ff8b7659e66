"""Runs against each other: curves with intervals over seeds, and what the runs differ in."""
