"""Reinforcement learning: environments and agents, rollouts in JAX and on the host, self-play."""
