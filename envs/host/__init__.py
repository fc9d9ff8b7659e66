"""The common parts of suites that run in Python: batches of environments, spaces, agents, pictures."""
