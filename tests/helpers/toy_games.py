"""Small environments whose returns can be worked out by hand."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eggroll_ray.rl.env import Box, Discrete, Env, HostEnv, HostTimestep, Timestep

TARGETS = {"hunter_0": 0.5, "hunter_1": -0.25, "prey_0": 0.75}


def team_env(steps: int = 3) -> Env:
    """Two hunters that see two numbers and a prey that sees one; each is paid minus the square of how far off it is."""
    targets = jnp.asarray(list(TARGETS.values()), jnp.float32)

    def shown(time: Any, reward: Any) -> Timestep:
        seen = jnp.stack([jnp.ones(3), jnp.asarray([0.5, -0.5, 0.0])], axis=1)  # the prey's second entry is padding
        return Timestep(seen.astype(jnp.float32), reward, time >= steps)

    def reset(key: Any) -> Any:
        return jnp.int32(0), shown(jnp.int32(0), jnp.zeros(3, jnp.float32))

    def step(time: Any, action: Any, key: Any) -> Any:
        return time + 1, shown(time + 1, -((action[:, 0] - targets) ** 2))

    box, wide, narrow = Box.of((1,)), Box.of((2,)), Box.of((1,))
    spaces = ((wide, box), (wide, box), (narrow, box))
    return Env("toy/team", reset, step, wide, box, steps, tuple(TARGETS), spaces)


def higher_card(cards: int = 3) -> Env:
    """A symmetric game: both choose a card at once, the higher takes a point; a card may be forbidden by the mask."""

    def shown(reward: Any, done: bool) -> Timestep:
        mask = jnp.ones((2, cards), bool).at[:, cards - 1].set(False)  # nobody may play the best one
        return Timestep(jnp.ones((2, 1), jnp.float32), reward, jnp.bool_(done), mask)

    def reset(key: Any) -> Any:
        return jnp.int32(0), shown(jnp.zeros(2, jnp.float32), False)

    def step(state: Any, action: Any, key: Any) -> Any:
        won = jnp.sign(action[0] - action[1]).astype(jnp.float32)
        return state + 1, shown(jnp.stack([won, -won]), True)

    return Env("toy/higher_card", reset, step, Box.of((1,), 0, 1), Discrete(cards), 1, ("player_0", "player_1"))


def delayed(steps: int = 8, lag: int = 4, cost: float = 3.0) -> Env:
    """An action is paid at once, and costs `cost` times as much `lag` steps later; at the end what is due is forgiven.

    The best action of a policy that cannot tell the time apart is -1 if `cost (steps - lag) > steps`, while within
    windows of `lag` steps it seems to be +1.
    """

    def reset(key: Any) -> Any:
        return (jnp.int32(0), jnp.zeros(lag, jnp.float32)), Timestep(
            jnp.ones(1, jnp.float32), jnp.float32(0), jnp.bool_(False)
        )

    def step(state: Any, action: Any, key: Any) -> Any:
        time, due = state
        reward = action[0] - cost * due[0]
        due = jnp.concatenate([due[1:], action])
        return (time + 1, due), Timestep(jnp.ones(1, jnp.float32), reward, time + 1 >= steps)

    return Env("toy/delayed", reset, step, Box.of((1,), 1, 1), Box.of((1,)), steps)


class _NoisyWalks:
    """Each environment starts at a number drawn from its seed; one action moves it; its distance to 1 is paid."""

    def __init__(self, size: int, steps: int, agents: int, faults: dict[str, Any]):
        self._size, self._steps, self._agents, self._faults = size, steps, agents, faults
        self.calls: list[np.ndarray] = []

    def _shown(self, reward: Any, failed: dict[int, str]) -> HostTimestep:
        done = (self._time >= self._steps) | np.isin(np.arange(self._size), list(failed))
        seen = self._place.astype(np.float32)
        shape = (self._size, self._agents) if self._agents > 1 else (self._size,)
        seen = np.broadcast_to(seen.reshape(-1, *(1,) * len(shape)), (*shape, 1)).astype(np.float32)
        reward = np.broadcast_to(np.reshape(reward, (-1, *(1,) * (len(shape) - 1))), shape).astype(np.float32)
        return HostTimestep(seen, reward, done, (), failed)

    def reset(self, seeds: np.ndarray) -> HostTimestep:
        self._seeds, self._time = seeds, np.zeros(self._size, np.int32)
        self._place = np.array([np.random.default_rng(int(seed)).normal() for seed in seeds])
        return self._shown(np.zeros(self._size), {})

    def step(self, actions: np.ndarray, alive: np.ndarray) -> HostTimestep:
        self.calls.append(alive.copy())
        moves = actions.reshape(self._size, -1).mean(axis=1)
        self._place = np.where(alive, self._place + 0.1 * moves, self._place)
        self._time = self._time + alive
        reward = -np.abs(self._place - 1.0)
        fails = self._faults.get("raises")
        failed = {int(i): "boom" for i in np.flatnonzero(alive & (self._seeds % 1000 < fails))} if fails else {}
        if "nan" in self._faults:
            reward = np.where(self._seeds % 1000 < self._faults["nan"], np.nan, reward)
        return self._shown(np.where(alive, reward, 99.0), failed)

    def close(self) -> None:
        pass


def walks(steps: int = 4, agents: int = 1, **faults: Any) -> HostEnv:
    """An environment on the host; `raises=k` and `nan=k` spoil those whose seed modulo 1000 is below k."""
    names = ("agent",) if agents == 1 else tuple(f"walker_{i}" for i in range(agents))
    return HostEnv(
        "toy/walks", lambda size: _NoisyWalks(size, steps, agents, faults), Box.of((1,)), Box.of((1,)), steps, names
    )


def constant_policy(outputs_at_start: float = 0.0) -> Any:
    """A policy that is one vector, its outputs, whatever it observes."""
    from eggroll_ray.models.policies import feedforward

    return feedforward(
        lambda key, observation, outputs: {"bias": jnp.full(outputs, outputs_at_start, jnp.float32)},
        lambda params, observation: params["bias"] + 0.0 * jnp.sum(observation),
    )


def states(tree: Any) -> list[np.ndarray]:
    """All arrays of a tree, on the host."""
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]
