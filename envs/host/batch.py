"""Batches of Python environments: lists that are stepped one by one in this process.

Gymnasium's own vector environments are not used. They also step environments that have ended, and one exception loses
the whole batch. They are also not faster (measured with 128 environments on two busy cores): as fast as this list in
one process, and with several processes 0.2 times as fast for CartPole and 0.7 times for HalfCheetah. EnvPool is faster;
see `envs.host.envpool_batch`.

Letters in shapes: `b` environments, `a` agents (no axis for a single one), `o` observation axes, `k` entries of a mask.
"""

import functools
import inspect
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from eggroll_ray.rl.env import Box, HostEnv, HostTimestep, Space, action_shape
from envs.host import render as host_render
from envs.host.spaces import choices

_SEED_BITS = 2**31 - 1
_log = logging.getLogger(__name__)


class Layout(NamedTuple):
    """The shapes and dtypes of an environment's arrays."""

    observation_space: Box
    action_space: Space
    dtype: type[np.generic]  # of observations
    decode: Callable[[np.ndarray], Any]  # actions (b, [a], ...) -> a sequence with what each environment expects
    masked: bool = False
    agents: tuple[str, ...] = ("agent",)
    agent_spaces: tuple[tuple[Box, Space], ...] = ()
    encode: Callable[[Any], tuple[np.ndarray, Any]] | None = None  # see `HostEnv.encode`

    def axes(self, *shape: int) -> tuple[int, ...]:
        """Puts the axis of agents in front, if there are several."""
        return (len(self.agents), *shape) if len(self.agents) > 1 else shape


class Shown(NamedTuple):
    """What one environment returns after a reset or a step."""

    observation: np.ndarray  # ([a], *o)
    reward: Any  # a number, or (a,)
    done: bool
    mask: np.ndarray | None = None  # ([a], k); None if every action is possible


class Game(Protocol):
    """One environment of a suite. An exception that it raises ends its episode."""

    layout: Layout
    metadata: dict[str, Any]  # the suite's metadata, such as "render_modes" and "render_fps"

    def reset(self, seed: int) -> Shown: ...

    def step(self, action: Any) -> Shown: ...  # an element of what `layout.decode` returned

    def draw(self) -> np.ndarray: ...  # (rows, columns, 3) bytes

    def close(self) -> None: ...


MakeGame = Callable[[str | None], Game]  # render mode -> a new environment; picklable


def host_env(name: str, make: MakeGame, max_steps: int, *, drawable: bool = True, renew: bool = False) -> HostEnv:
    """Makes the record of an environment. It makes one environment to read its spaces.

    Args:
        name: name of the record.
        make: makes one environment.
        max_steps: number of steps after which episodes are cut off, at least 1.
        drawable: whether `make` uses the render mode.
        renew: whether to make a new environment for each episode, because its reset does not restore its first state.

    Raises:
        ValueError: when its spaces cannot be used.
    """
    if max_steps < 1:
        raise ValueError(f"max_steps={max_steps} of {name} must be at least 1, as no episode is shorter")
    try:
        game = make(None)
    except ValueError as error:
        raise ValueError(f"{name} cannot be used: {error}") from error
    layout, metadata = game.layout, game.metadata
    game.close()
    env = HostEnv(
        name=name,
        make=functools.partial(ListBatch, make, max_steps, renew),
        observation_space=layout.observation_space,
        action_space=layout.action_space,
        max_steps=max_steps,
        agents=layout.agents,
        agent_spaces=layout.agent_spaces,
        encode=layout.encode,
    )
    if not drawable or "rgb_array" not in metadata.get("render_modes", ()):
        return env
    return env._replace(render=functools.partial(_render, env, make))


def _render(env: HostEnv, make: MakeGame, act: Callable[[HostTimestep], np.ndarray], seed: int, path: Path) -> Path:
    return host_render.render(env, make, act, seed & _SEED_BITS, path)


class ListBatch:
    """A `HostBatch` in which environments fail independently. One that failed is replaced for the next episode."""

    def __init__(self, make: MakeGame, max_steps: int, renew: bool, size: int):
        self._make, self._max_steps, self._renew = make, max_steps, renew
        games = [make(None) for _ in range(size)]
        self._layout = games[0].layout
        self._games: list[Game | None] = [*games]
        self._seeds = np.zeros(size, np.uint32)
        self._time = 0  # steps since the last reset, the same for all environments

    def reset(self, seeds: np.ndarray) -> HostTimestep:
        """See `HostBatch.reset`. Only the lower 31 bits of a seed are used, since some suites store it as signed."""
        self._seeds, self._time = np.asarray(seeds, np.uint32) & _SEED_BITS, 0
        if self._seeds.shape != (len(self._games),):
            raise ValueError(f"seeds of shape {self._seeds.shape} for a batch of {len(self._games)}; give one for each")
        if self._renew:
            self.close()
        return self._play(range(len(self._games)), lambda place: self._game(place).reset(int(self._seeds[place])))

    def step(self, actions: np.ndarray, alive: np.ndarray) -> HostTimestep:
        """See `HostBatch.step`. An action that is not finite ends the episode with reward NaN, not as a failure."""
        actions, alive = np.asarray(actions), np.asarray(alive)
        expected = (len(self._games), *self._layout.axes(*action_shape(self._layout.action_space)))
        if actions.shape != expected:
            raise ValueError(f"actions of shape {actions.shape} where {expected} is expected: one for each environment")
        self._time += 1
        given = finite_rows(actions)
        decoded = self._layout.decode(np.nan_to_num(actions))

        def step(place: int) -> Shown:
            game = self._games[place]
            if game is None:
                raise RuntimeError("its episode had failed before; step those that are alive")
            return game.step(decoded[place])

        shown = self._play(np.flatnonzero(alive & given).tolist(), step)
        shown.reward[alive & ~given] = np.nan
        return shown

    def close(self) -> None:
        """Closes every environment."""
        for place in range(len(self._games)):
            self._drop(place)

    def _game(self, place: int) -> Game:
        game = self._games[place]
        if game is None:
            game = self._games[place] = self._make(None)
            spaces = [layout.observation_space.shape for layout in (game.layout, self._layout)]
            if spaces[0] != spaces[1]:
                raise ValueError(f"a new environment has observations of shape {spaces[0]}, earlier ones {spaces[1]}")
        return game

    def _play(self, places: Iterable[int], call: Callable[[int], Shown]) -> HostTimestep:
        shown, failed = self._blank(), {}
        for place in places:
            # Catch whatever the environment raises, so that an error in one does not lose the others.
            try:
                self._put(shown, place, call(place))
            except Exception as error:
                failed[place] = _text(error)
        for place in np.flatnonzero(~finite_rows(shown.observation)).tolist():
            failed[place] = f"observation {shown.observation[place]} is not finite"
        moment = f"step {self._time}" if self._time else "reset"
        for place, text in failed.items():
            self._drop(place)
            shown.observation[place], shown.reward[place], shown.done[place] = 0, 0, True
            failed[place] = f"{moment} of the episode with seed {self._seeds[place]}: {text}"
        if self._time >= self._max_steps:
            shown.done[:] = True
        return shown._replace(failed=failed)

    def _blank(self) -> HostTimestep:
        layout, size = self._layout, len(self._games)
        k = sum(choices(layout.action_space))
        return HostTimestep(
            np.zeros((size, *layout.axes(*layout.observation_space.shape)), layout.dtype),
            np.zeros((size, *layout.axes()), np.float32),
            np.ones(size, bool),
            np.ones((size, *layout.axes(k)), bool) if layout.masked else (),
        )

    def _put(self, shown: HostTimestep, place: int, one: Shown) -> None:
        shown.observation[place] = one.observation
        shown.reward[place] = one.reward
        shown.done[place] = one.done
        if self._layout.masked and one.mask is not None:
            shown.mask[place] = one.mask

    def _drop(self, place: int) -> None:
        game, self._games[place] = self._games[place], None
        if game is None:
            return
        try:
            game.close()
        except Exception as error:
            _log.warning("environment %d of a batch could not be closed: %s", place, _text(error))


def number(reward: Any, name: str = "reward") -> float:
    """Returns a number that an environment returned, possibly as an array with one entry.

    Raises:
        ValueError: when it is not a number, or more than one.
    """
    if isinstance(reward, float | int | np.floating):
        return float(reward)
    array = np.asarray(reward)
    if array.size != 1 or array.dtype.kind not in "buif":
        raise ValueError(f"{name} {reward!r} is not one number; return a float for each step")
    return float(array.reshape(()))


def flag(value: Any, name: str) -> bool:
    """Returns a truth value that an environment returned, possibly as an array with one entry.

    Raises:
        ValueError: when it is not a truth value, or more than one.
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "buif":
        raise ValueError(f"{name} {value!r} is not one truth value; return a bool for each step, of one environment")
    return bool(array.reshape(()))


def names_argument(make: Callable[..., Any], argument: str) -> bool:
    """Whether a function or a class has an argument of this name. `**kwargs` does not count."""
    return argument in inspect.signature(make).parameters


def finite_rows(array: np.ndarray) -> np.ndarray:
    """Returns `(b,)` bool: which rows contain neither NaN nor infinities."""
    if array.dtype.kind != "f":
        return np.ones(len(array), bool)
    return np.asarray(np.isfinite(array).reshape(len(array), -1).all(axis=1))


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
