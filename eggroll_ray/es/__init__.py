"""Evolution strategies as records of pure functions: noise, labels of leaves, shaping, optimisers, the update."""
