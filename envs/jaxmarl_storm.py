"""Gives JaxMARL's three STORM games the interface of its other environments: dictionaries by agent, flat observations.

Letters in shapes: `a` agents.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp


class Storm:
    """Wraps `storm`, `storm_2p` or `storm_np`, whose agents are numbers and which use arrays and tuples."""

    def __init__(self, suite_env: Any):
        self.suite_env = suite_env
        self.agents = [str(agent) for agent in suite_env.agents]

    def observation_space(self, agent: str) -> Any:
        """The suite's observation space of one agent. Only in `storm_np` does it describe an array."""
        return self.suite_env.observation_spaces[int(agent)]

    def action_space(self, agent: str) -> Any:
        """The suite's action space of one agent."""
        return self.suite_env.action_spaces[int(agent)]

    def reset(self, key: Any) -> tuple[dict[str, Any], Any]:
        """Starts an episode. Returns observations by agent, and the suite's state."""
        seen, state = self.suite_env.reset(key)
        return self._by_agent(_observations(seen)), state

    def step_env(self, key: Any, state: Any, actions: dict[str, Any]) -> tuple[dict[str, Any], Any, Any, Any, Any]:
        """Takes a step. Returns observations and rewards by agent, with the suite's state, dones and infos."""
        chosen = [actions[agent] for agent in self.agents]
        seen, state, rewards, dones, infos = self.suite_env.step_env(key, state, chosen)
        return self._by_agent(_observations(seen)), state, self._by_agent(rewards), dones, infos

    def _by_agent(self, values: Any) -> dict[str, Any]:
        return {agent: values[index] for index, agent in enumerate(self.agents)}


def _observations(seen: Any) -> Any:
    """One array for each agent: what it sees in front of it, followed by the inventories if the game shows them."""
    if isinstance(seen, tuple):  # storm_2p: a dictionary for each agent
        return [_flat([each["observation"], each["inventory"]]) for each in seen]
    if isinstance(seen, dict):  # storm: inventories (5, a)
        return jax.vmap(lambda *parts: _flat(parts))(seen["observations"], seen["inventory"].T)
    return seen


def _flat(parts: Sequence[Any]) -> jax.Array:
    return jnp.concatenate([part.astype(jnp.float32).reshape(-1) for part in parts])
