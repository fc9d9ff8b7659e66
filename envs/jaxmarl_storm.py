"""JaxMARL's three STORM games with the interface of its other environments: dictionaries by agent, flat observations.

Letters in shapes: `a` agents.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp


class Storm:
    """Wraps `storm`, `storm_2p` or `storm_np`, whose agents are numbers and which take and give arrays and tuples."""

    def __init__(self, suite_env: Any):
        self.suite_env = suite_env
        self.agents = [str(agent) for agent in suite_env.agents]

    def observation_space(self, agent: str) -> Any:
        """The suite's space of one agent; it is one of an array in `storm_np` alone."""
        return self.suite_env.observation_spaces[int(agent)]

    def action_space(self, agent: str) -> Any:
        """The suite's space of one agent."""
        return self.suite_env.action_spaces[int(agent)]

    def reset(self, key: Any) -> tuple[dict[str, Any], Any]:
        """Starts an episode: observations by agent, and the suite's state."""
        seen, state = self.suite_env.reset(key)
        return self._by_agent(_observations(seen)), state

    def step_env(self, key: Any, state: Any, actions: dict[str, Any]) -> tuple[dict[str, Any], Any, Any, Any, Any]:
        """Takes a step: observations, state, rewards, dones and infos, by agent where the suite's are."""
        chosen = [actions[agent] for agent in self.agents]
        seen, state, rewards, dones, infos = self.suite_env.step_env(key, state, chosen)
        return self._by_agent(_observations(seen)), state, self._by_agent(rewards), dones, infos

    def _by_agent(self, values: Any) -> dict[str, Any]:
        return {agent: values[index] for index, agent in enumerate(self.agents)}


def _observations(seen: Any) -> Any:
    """One array for each agent: what lies in front of it, and after that what it and others carry, if that is told."""
    if isinstance(seen, tuple):  # storm_2p: a dictionary for each agent
        return [_flat([each["observation"], each["inventory"]]) for each in seen]
    if isinstance(seen, dict):  # storm: inventories (5, a)
        return jax.vmap(lambda *parts: _flat(parts))(seen["observations"], seen["inventory"].T)
    return seen


def _flat(parts: Sequence[Any]) -> jax.Array:
    return jnp.concatenate([part.astype(jnp.float32).reshape(-1) for part in parts])
