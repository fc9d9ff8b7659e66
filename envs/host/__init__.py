"""What the suites that run in Python share: batches of environments, spaces, agents, pictures."""
