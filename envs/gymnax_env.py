"""Gymnax environments (classic control, MinAtar, bsuite, misc) as `Env` records.

An `Env` made here holds only a name and options; each process builds the suite's object when it
first needs it. So a pickled environment is small, and loading one starts no JAX backend.
"""

import dataclasses
import functools
import importlib
import sys
import types
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eggroll_ray.rl.env import Box, Discrete, Env, Timestep
from envs.foreign import Options, building, frozen, lenient, strong

_NAMES = (
    *("CartPole-v1", "Pendulum-v1", "Acrobot-v1", "MountainCar-v0", "MountainCarContinuous-v0"),
    *("Asterix-MinAtar", "Breakout-MinAtar", "Freeway-MinAtar", "Seaquest-MinAtar"),
    *("SpaceInvaders-MinAtar", "Catch-bsuite", "DeepSea-bsuite", "MemoryChain-bsuite"),
    *("UmbrellaChain-bsuite", "DiscountingChain-bsuite", "SimpleBandit-bsuite", "FourRooms-misc"),
    *("MetaMaze-misc", "PointRobot-misc", "BernoulliBandit-misc", "GaussianBandit-misc"),
    *("Reacher-misc", "Swimmer-misc", "Pong-misc", "FrozenLake-misc"),
)
UNSUPPORTED = {
    "MNISTBandit-bsuite": "gymnax downloads MNIST on every worker when the environment is made, and reads the "
    "pixels as signed bytes"
}

# Environments whose observations leave the bounds that gymnax declares.
_WRONG_BOUNDS = {"MemoryChain-bsuite", "MetaMaze-misc", "GaussianBandit-misc"}


def names() -> tuple[str, ...]:
    """Returns the ids that work, without importing gymnax."""
    return _NAMES


def make(name: str, **options: Any) -> Env:
    """Makes one gymnax environment, without gymnax's auto-reset.

    Args:
        name: gymnax's id, such as `CartPole-v1`.
        **options: fields of the environment's params, such as `max_steps_in_episode=200`, or
            arguments of its constructor.

    Returns:
        The environment. Observations are float32; a discrete observation becomes one-hot.
    """
    fixed = frozen(name, options)
    suite_env, params = _build(name, fixed)
    with building():
        observation_space = _space(suite_env.observation_space(params))
        action_space = _space(suite_env.action_space(params))
    if isinstance(observation_space, Discrete):
        observation_space = Box.of((observation_space.n,), 0, 1)
    elif name in _WRONG_BOUNDS:
        observation_space = Box.of(observation_space.shape)
    return Env(
        name=f"gymnax/{name}",
        reset=functools.partial(_reset, name, fixed),
        step=functools.partial(_step, name, fixed),
        observation_space=observation_space,
        action_space=action_space,
        max_steps=int(params.max_steps_in_episode),
        render=functools.partial(_render, name, fixed),
    )


class _Seaborn(types.ModuleType):
    """Stands for seaborn, and imports it when something of it is used: gymnax only draws with it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module("seaborn"), name)


def _gymnax() -> Any:
    """Imports gymnax without seaborn, which takes as long to import as JAX."""
    if "gymnax" in sys.modules or "seaborn" in sys.modules:
        return importlib.import_module("gymnax")
    sys.modules["seaborn"] = _Seaborn("seaborn")
    try:
        return importlib.import_module("gymnax")
    finally:
        del sys.modules["seaborn"]


@functools.lru_cache(maxsize=64)
def _build(name: str, options: Options) -> tuple[Any, Any]:
    gymnax = _gymnax()
    with building():
        suite_env, params = gymnax.make(name)
        fields = {field.name for field in dataclasses.fields(params)}
        arguments = {key: value for key, value in options if key not in fields}
        if arguments:
            try:
                suite_env, params = gymnax.make(name, **arguments)
            except TypeError as error:
                raise ValueError(
                    f"gymnax/{name} has no option among {sorted(arguments)}; its parameters are "
                    f"{sorted(fields)}, and its constructor says: {error}"
                ) from error
        return suite_env, params.replace(**{key: value for key, value in options if key in fields})


def _reset(name: str, options: Options, key: Any) -> tuple[Any, Timestep]:
    suite_env, params = _build(name, options)
    with lenient():
        observation, state = suite_env.reset_env(key, params)
        observation = _observation(suite_env, params, observation)
    return strong(state), Timestep(observation, jnp.zeros((), jnp.float32), jnp.zeros((), bool))


def _step(name: str, options: Options, state: Any, action: Any, key: Any) -> tuple[Any, Timestep]:
    suite_env, params = _build(name, options)
    with lenient():
        observation, state, reward, terminated, _ = suite_env.step_env(key, state, action, params)
        done = jnp.logical_or(terminated, suite_env.is_truncated(state, params))
        observation = _observation(suite_env, params, observation)
        reward = jnp.asarray(reward, jnp.float32)
    return strong(state), Timestep(observation, reward, done)


def _observation(suite_env: Any, params: Any, observation: Any) -> jax.Array:
    from gymnax.environments import spaces

    space = suite_env.observation_space(params)
    if isinstance(space, spaces.Discrete):
        return jax.nn.one_hot(observation, space.n, dtype=jnp.float32)
    return jnp.asarray(observation, jnp.float32)


def _space(space: Any) -> Discrete | Box:
    from gymnax.environments import spaces

    if isinstance(space, spaces.Discrete):
        return Discrete(int(space.n))
    if isinstance(space, spaces.Box):
        return Box.of(tuple(space.shape), _bound(space.low), _bound(space.high))
    raise ValueError(f"gymnax space {space} is neither Discrete nor Box; flatten it in a wrapper")


def _bound(value: Any) -> np.ndarray:
    """Converts the largest float, which the suite uses for "no bound", to infinity."""
    value = np.asarray(value, np.float32)
    return np.where(np.abs(value) >= np.finfo(np.float32).max, np.copysign(np.inf, value), value)


def _render(name: str, options: Options, states: list[Any], path: Path) -> Path:
    from envs.render import gymnax as gymnax_render

    suite_env, params = _build(name, options)
    return gymnax_render.render(name, suite_env, params, states, path)
