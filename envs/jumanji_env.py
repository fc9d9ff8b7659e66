"""Jumanji environments (puzzles, packing, routing, swarms) as `Env` records.

An `Env` made here holds only a name and options; each process builds the suite's object when it
first needs it. So a pickled environment is small, and loading one starts no JAX backend.
"""

import contextlib
import functools
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from eggroll_ray.rl.env import Box, Discrete, Env, MultiDiscrete, Space, Timestep
from envs.foreign import Options, building, frozen, lenient, strong
from envs.render.frames import thinned

_NAMES = (
    *("Game2048-v1", "GraphColoring-v1", "Minesweeper-v0", "RubiksCube-v0", "RubiksCube-partly-scrambled-v0"),
    *("SlidingTilePuzzle-v0", "Sudoku-v0", "Sudoku-very-easy-v0", "BinPack-v2", "FlatPack-v0", "JobShop-v0"),
    *("Knapsack-v1", "Tetris-v0", "Cleaner-v0", "Connector-v3", "CVRP-v1", "LevelBasedForaging-v0", "Maze-v0"),
    *("MMST-v0", "MultiCVRP-v0", "PacMan-v1", "RobotWarehouse-v0", "Snake-v1", "TSP-v1", "SearchAndRescue-v0"),
)
UNSUPPORTED = {
    "Sokoban-v0": "jumanji downloads its levels from Hugging Face on every worker when the environment is made",
}

_UNLIMITED = 1000  # limit of steps if the suite declares none, as in rejax
_DOTS_PER_INCH = 40  # resolution of pictures, which are 10 inches wide
_FRAMES = 100  # most frames of an animation; matplotlib takes a tenth of a second for each
_INVISIBLE = {"MMST-v0"}  # the suite draws only blank pictures of it


class JumanjiState(NamedTuple):
    """The suite's state and the number of steps, which some environments do not count."""

    suite_state: Any
    time: Int[Array, ""]


class _Actions(NamedTuple):
    space: Space
    joint: tuple[int, ...]  # sizes of the suite's choices if one number encodes all of them, otherwise ()
    masked: bool


def names() -> tuple[str, ...]:
    """Returns the ids that work, without importing jumanji."""
    return _NAMES


def make(name: str, mask: bool = True, max_steps: int | None = None, **options: Any) -> Env:
    """Makes one jumanji environment.

    All fields of its observation, in alphabetical order, are flattened, cast to float32 and concatenated. The
    `action_mask` is one of them. If several agents act, one policy chooses for all of them, and the reward is the sum
    of their rewards.

    Args:
        name: jumanji's id, such as `Snake-v1`.
        mask: whether to exclude actions that the suite's `action_mask` forbids, which end the episode in most
            environments. If the mask forbids combinations of several choices (such as the row, column and digit of a
            Sudoku), one number encodes a combination, and the space is `Discrete`. With `mask=False` nothing is
            excluded, and the choices are separate; this is the setting of the paper.
        max_steps: largest number of steps in an episode; default: the suite's own limit, or 1000 if it has none.
        **options: arguments of the environment's constructor, such as `time_limit=500`.

    Returns:
        The environment.
    """
    if max_steps is not None and max_steps < 1:
        raise ValueError(f"max_steps={max_steps} of jumanji/{name} must be at least 1")
    fixed = frozen(name, options)
    suite_env = _build(name, fixed)
    limit = getattr(suite_env, "time_limit", max_steps or _UNLIMITED)
    limit = int(limit if max_steps is None else min(limit, max_steps))
    with _running():
        shape = jax.eval_shape(lambda key: _flat(suite_env.reset(key)[1].observation), jax.random.key(0)).shape
    return Env(
        name=f"jumanji/{name}",
        reset=functools.partial(_reset, name, fixed, mask),
        step=functools.partial(_step, name, fixed, mask, limit),
        observation_space=Box.of(shape),
        action_space=_actions(name, fixed, mask).space,
        max_steps=limit,
        render=None if name in _INVISIBLE else functools.partial(_render, name, fixed),
    )


@functools.lru_cache(maxsize=64)
def _build(name: str, options: Options) -> Any:
    with building():
        from jumanji import registration

        try:
            return registration.make(name, **dict(options))
        except TypeError as error:
            raise ValueError(f"jumanji/{name} refuses its options {dict(options)}: {error}") from error


@functools.lru_cache(maxsize=64)
def _actions(name: str, options: Options, mask: bool) -> _Actions:
    suite_env = _build(name, options)
    with building(), _running():
        shown = jax.eval_shape(suite_env.reset, jax.random.key(0))[1].observation
        shape = shown.action_mask.shape if "action_mask" in shown._fields else ()
        space = _space(suite_env.action_spec, shape)
    if isinstance(space, Box) or not mask or not shape:
        return _Actions(space, (), False)
    if isinstance(space, MultiDiscrete) and shape == space.n:
        return _Actions(Discrete(math.prod(space.n)), space.n, True)
    alone = (space.n,) if isinstance(space, Discrete) else (len(space.n), space.n[0])
    if shape != alone:
        raise ValueError(f"jumanji/{name} has a mask {shape} that does not fit its {space}; make it with mask=False")
    return _Actions(space, (), True)


def _space(spec: Any, mask_shape: tuple[int, ...]) -> Space:
    from jumanji import specs

    if isinstance(spec, specs.DiscreteArray):
        return Discrete(int(spec.num_values))
    if isinstance(spec, specs.MultiDiscreteArray):
        return MultiDiscrete(tuple(map(int, np.ravel(spec.num_values))))
    if not isinstance(spec, specs.BoundedArray):
        raise ValueError(f"jumanji's action {spec} is neither discrete nor bounded; wrap the environment")
    if np.issubdtype(spec.dtype, np.integer):
        agents, choices = mask_shape  # MultiCVRP: its bounds allow one number more than it has nodes, so use the mask
        return MultiDiscrete((choices,) * agents)
    return Box.of(tuple(spec.shape), spec.minimum, spec.maximum)


@contextlib.contextmanager
def _running() -> Iterator[None]:
    """Like `lenient`. In addition, hides JAX's warnings about environments that write floats into integer arrays."""
    with lenient(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "scatter inputs have incompatible types", FutureWarning)
        yield


def _reset(name: str, options: Options, mask: bool, key: Any) -> tuple[JumanjiState, Timestep]:
    with _running():
        suite_state, shown = _build(name, options).reset(key)
        timestep = _timestep(shown, _actions(name, options, mask), jnp.zeros((), bool))
    return strong(JumanjiState(suite_state, jnp.zeros((), jnp.int32))), timestep


def _step(
    name: str, options: Options, mask: bool, max_steps: int, state: JumanjiState, action: Any, key: Any
) -> tuple[JumanjiState, Timestep]:
    del key  # the suite's state has its own
    actions = _actions(name, options, mask)
    if actions.joint:
        action = jnp.stack(jnp.unravel_index(action, actions.joint)).astype(jnp.int32)
    time = state.time + 1
    with _running():
        suite_state, shown = _build(name, options).step(state.suite_state, action)
        timestep = _timestep(shown, actions, shown.last() | (time >= max_steps))
    return strong(JumanjiState(suite_state, time)), timestep


def _timestep(shown: Any, actions: _Actions, done: Any) -> Timestep:
    reward = jnp.sum(jnp.asarray(shown.reward, jnp.float32))
    mask: Any = ()
    if actions.masked:
        choices = len(actions.space.n) if isinstance(actions.space, MultiDiscrete) else 1
        mask = shown.observation.action_mask.reshape(choices, -1)
        # In a dead end the suite's mask allows nothing. Then allow every action.
        mask = (mask | ~mask.any(axis=1, keepdims=True)).reshape(-1)
    return Timestep(_flat(shown.observation), reward, done, mask)


def _flat(observation: Any) -> jax.Array:
    fields = jax.tree.leaves(observation._asdict())
    return jnp.concatenate([jnp.asarray(field, jnp.float32).reshape(-1) for field in fields])


def _render(name: str, options: Options, states: list[JumanjiState], path: Path) -> Path:
    import matplotlib
    from matplotlib.animation import PillowWriter

    shown = thinned(f"jumanji/{name}", [state.suite_state for state in states], _FRAMES)
    shown = jax.tree.map(jnp.asarray, shown)
    path.parent.mkdir(parents=True, exist_ok=True)
    gif = path.with_name(path.name + ".gif")
    # The suite's viewers change options of matplotlib, and cause warnings about layouts and identical states.
    with lenient(), matplotlib.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        animation = _build(name, options).animate([shown[0], *shown], interval=100)
        animation.save(gif, writer=PillowWriter(fps=10), dpi=_DOTS_PER_INCH)
    return gif
