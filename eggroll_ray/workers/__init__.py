"""Who evaluates: what is said to workers, what one does, and how many of them agree, join and fail."""
