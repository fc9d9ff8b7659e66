"""EnvPool's environments, which step a whole batch in C++ with several threads.

They have the same names as Gymnasium's environments, but are different programs. Atari is preprocessed to (4, 84, 84)
bytes, and floating-point numbers differ. EnvPool seeds an environment only when it is made. Each reset therefore makes
a new batch, so that an episode depends on its seed alone. Measured on two busy cores with 128 environments, a reset
takes 4 ms for CartPole and 0.3 s for HalfCheetah, and EnvPool makes 10 and 3 times as many steps per second as a list
of Gymnasium's environments.
"""

import functools
import os
import warnings
from typing import Any

import numpy as np

from eggroll_ray.rl.env import Box, HostEnv, HostTimestep, action_shape
from envs.host.batch import finite_rows
from envs.host.spaces import Acted, Observed, acted, observed

_NO_LIMIT = np.iinfo(np.int32).max


def make(name: str, **options: Any) -> HostEnv:
    """Makes a `HostEnv` of one EnvPool environment for one agent.

    An error inside one environment ends the process, because it happens in C++. There are no masks and no drawings.

    Args:
        name: EnvPool's id, such as `CartPole-v1`, `HalfCheetah-v5` or `Pong-v5` (without `ALE/`).
        **options: arguments of `envpool.make_gymnasium`, such as `max_episode_steps=200` or `num_threads=4` (default:
            the cores this process may use).

    Raises:
        ValueError: EnvPool is missing, does not know the id or an option, or its spaces cannot be used.
    """
    try:
        pool = _pool(name, options, np.zeros(1, np.uint32))
        view, action = _view(pool)
        limit = pool.config.get("max_episode_steps", _NO_LIMIT)
        players = pool.config.get("max_num_players", 1)
    except Exception as error:
        raise ValueError(f"gym/{name} cannot be made by EnvPool: {type(error).__name__}: {error}") from error
    if players > 1:
        raise ValueError(f"gym/{name} has up to {players} players in EnvPool; only games with one player can be used")
    if limit >= _NO_LIMIT:
        raise ValueError(f"gym/{name} has no limit of steps in EnvPool; give max_episode_steps=1000 or so")
    return HostEnv(
        name=f"gym/{name}",
        make=functools.partial(EnvPoolBatch, name, options, int(limit)),
        observation_space=view.box,
        action_space=action.space,
        max_steps=int(limit),
    )


class EnvPoolBatch:
    """A `HostBatch` of EnvPool's environments. It also steps those that have ended, and ignores what they return."""

    def __init__(self, name: str, options: dict[str, Any], max_steps: int, size: int):
        self._name, self._options, self._max_steps = name, options, max_steps
        self._size, self._time = size, 0
        self._pool: Any = _pool(name, options, np.zeros(size, np.uint32))
        self._view, self._action = _view(self._pool)

    def reset(self, seeds: np.ndarray) -> HostTimestep:
        """See `HostBatch.reset`."""
        seeds, self._time = np.asarray(seeds, np.uint32), 0
        if seeds.shape != (self._size,):
            raise ValueError(f"seeds of shape {seeds.shape} for a batch of {self._size}; give one for each")
        self._pool = _pool(self._name, self._options, seeds)
        observations, _ = self._pool.reset()
        return self._shown(observations, np.zeros(self._size), np.zeros(self._size, bool), np.ones(self._size, bool))

    def step(self, actions: np.ndarray, alive: np.ndarray) -> HostTimestep:
        """See `HostBatch.step`. An action that is not finite ends the episode with reward NaN: no failure of ours."""
        actions, alive = np.asarray(actions), np.asarray(alive)
        expected = (self._size, *action_shape(self._action.space))
        if actions.shape != expected:
            raise ValueError(f"actions of shape {actions.shape} where {expected} is expected: one for each environment")
        self._time += 1
        given = finite_rows(actions)
        decoded = self._action.decode(np.nan_to_num(actions))
        observations, rewards, terminated, truncated, _ = self._pool.step(decoded)
        rewards = np.where(given, rewards, np.nan)
        return self._shown(observations, rewards, terminated | truncated | ~given, alive)

    def close(self) -> None:
        """Ends EnvPool's threads."""
        self._pool = None

    def _shown(self, observations: Any, rewards: np.ndarray, done: np.ndarray, alive: np.ndarray) -> HostTimestep:
        shown = self._encode(observations)
        finite = finite_rows(shown)
        broken = np.flatnonzero(alive & ~finite).tolist()
        failed = {place: f"step {self._time}: the observation is not finite" for place in broken}
        sound = alive & finite
        shown[~sound] = 0
        rewards = np.where(sound, rewards, 0).astype(np.float32)
        return HostTimestep(shown, rewards, done | ~sound | (self._time >= self._max_steps), failed=failed)

    def _encode(self, observations: Any) -> np.ndarray:
        shape = (self._size, *self._view.box.shape)
        if isinstance(observations, np.ndarray) and observations.shape == shape:
            return observations.astype(self._view.dtype)
        rows = [_row(observations, place) for place in range(self._size)]
        return np.stack([self._view.encode(row) for row in rows])


def _pool(name: str, options: dict[str, Any], seeds: np.ndarray) -> Any:
    options = {"num_threads": _cores()} | options
    with warnings.catch_warnings():  # hides warnings about the precision of EnvPool's own bounds
        warnings.simplefilter("ignore")
        import envpool  # pyright: ignore[reportMissingImports] - an extra of its own, too large for the tests

        # EnvPool's seeds are int32, so reinterpret the 32 bits as signed.
        pool = envpool.make_gymnasium(name, num_envs=len(seeds), seed=seeds.view(np.int32), **options)
        _view(pool)  # EnvPool builds its spaces when asked for them
    return pool


def _cores() -> int:
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdecimal():
        return max(1, int(given))  # set for workers to their number of cores
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _view(pool: Any) -> tuple[Observed, Acted]:
    view = observed(pool.observation_space)
    if view.dtype is np.float32:  # observations leave the bounds that EnvPool declares, such as those of LunarLander
        view = view._replace(box=Box.of(view.box.shape))
    return view, acted(pool.action_space)


def _row(observations: Any, place: int) -> Any:
    if isinstance(observations, dict):
        return {key: _row(entry, place) for key, entry in observations.items()}
    return observations[place]
