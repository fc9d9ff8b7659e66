"""What benchmarks share: their pages, where results come from, times, rows that are kept."""
