"""What is optimised: the record `Evaluator`, and fitness functions in JAX, in batches, or in plain Python."""
