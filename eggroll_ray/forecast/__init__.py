"""What a run will take before it is started, and the block size that is fastest."""
