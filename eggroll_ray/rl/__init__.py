"""Reinforcement learning: environments, agents, rollouts in JAX and in Python, and self-play."""
