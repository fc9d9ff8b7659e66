"""Functions on low-rank perturbed weights, which are never formed: the parameter, the interpreter and its rules."""
