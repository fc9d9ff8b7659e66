"""The common parts of benchmarks: pages, facts about measurements, timing, and rows kept in files."""
