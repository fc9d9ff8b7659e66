"""Brax environments as `Env` records.

An `Env` made here holds only a name and options; each process builds the physics system when it
first needs it. So a pickled environment is small, and loading one starts no JAX backend.
"""

import contextlib
import functools
import inspect
import io
import types
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from eggroll_ray.rl.env import Box, Env, Timestep
from envs.foreign import Options, building, frozen, lenient, strong

_NAMES = (
    *("ant", "fast", "halfcheetah", "hopper", "humanoid", "humanoidstandup", "inverted_pendulum"),
    *("inverted_double_pendulum", "pusher", "reacher", "swimmer", "walker2d"),
)
UNSUPPORTED: dict[str, str] = {}
_INVISIBLE = {"fast"}  # has no bodies to draw, since it is only for tests of speed


class BraxState(NamedTuple):
    """The suite's state and the number of steps, which brax counts in a wrapper that is not used here."""

    suite_state: Any
    time: Int[Array, ""]


def names() -> tuple[str, ...]:
    """Returns the ids that work, without importing brax."""
    return _NAMES


def make(name: str, episode_length: int = 1000, **options: Any) -> Env:
    """Makes one brax environment, without brax's auto-reset.

    Args:
        name: brax's id, such as `ant`.
        episode_length: largest number of steps in an episode.
        **options: arguments of the environment's constructor, such as `backend="spring"` (generalized, spring,
            positional or mjx). With the default, generalized, an ant that stands still sinks into the floor, which ends
            its episode; with the others it does not.

    Returns:
        The environment. Actions are in -1 .. 1.
    """
    if episode_length < 1:
        raise ValueError(f"episode_length={episode_length} of brax/{name} must be at least 1")
    fixed = frozen(name, options)
    suite_env = _build(name, fixed)
    with lenient():
        observation = jax.eval_shape(suite_env.reset, jax.random.key(0)).obs
    if not isinstance(observation, jax.ShapeDtypeStruct):
        raise ValueError(
            f"brax/{name} observes {sorted(observation)}, not one array; choose options that give "
            "one, such as obs_mode='ndarray'"
        )
    return Env(
        name=f"brax/{name}",
        reset=functools.partial(_reset, name, fixed),
        step=functools.partial(_step, name, fixed, episode_length),
        observation_space=Box.of(observation.shape),
        action_space=Box.of((suite_env.action_size,), -1, 1),
        max_steps=episode_length,
        render=None if name in _INVISIBLE else functools.partial(_render, name, fixed),
    )


@functools.lru_cache(maxsize=64)
def _build(name: str, options: Options) -> Any:
    # Hides that MuJoCo's MJX prints a message about missing warp, and that brax warns that it is no longer maintained.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), building():
        warnings.simplefilter("ignore")
        import brax.envs

        _mend_fluid()
        try:
            return brax.envs.get_environment(name, **dict(options))
        except TypeError as error:
            raise ValueError(f"brax/{name} refuses its options {dict(options)}: {error}") from error


def _mend_fluid() -> None:
    """Makes the swimmer work: brax 0.14 calls `clip` with a keyword that JAX 0.10 no longer has."""
    from brax import fluid

    if fluid.jp is jnp and "a_min" not in inspect.signature(jnp.clip).parameters:
        mended = {**vars(jnp), "clip": lambda array, a_min: jnp.clip(array, a_min)}
        fluid.jp = types.SimpleNamespace(**mended)  # pyright: ignore[reportAttributeAccessIssue]


def _reset(name: str, options: Options, key: Any) -> tuple[BraxState, Timestep]:
    with lenient():
        state = _build(name, options).reset(key)
    return _result(state, jnp.zeros((), jnp.int32), jnp.zeros((), bool))


def _step(
    name: str, options: Options, episode_length: int, state: BraxState, action: Any, key: Any
) -> tuple[BraxState, Timestep]:
    del key  # brax's steps are deterministic
    time = state.time + 1
    with lenient():
        suite_state = _build(name, options).step(state.suite_state, action)
    return _result(suite_state, time, time >= episode_length)


def _result(suite_state: Any, time: Any, truncated: Any) -> tuple[BraxState, Timestep]:
    return strong(BraxState(suite_state, time)), Timestep(
        jnp.asarray(suite_state.obs, jnp.float32),
        jnp.asarray(suite_state.reward, jnp.float32),
        (suite_state.done > 0.5) | truncated,
    )


def _render(name: str, options: Options, states: list[BraxState], path: Path) -> Path:
    from envs.render import brax as brax_render

    return brax_render.render(_build(name, options), [s.suite_state for s in states], path)
