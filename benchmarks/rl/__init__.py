"""What is learned: the comparisons of the paper and our own."""
