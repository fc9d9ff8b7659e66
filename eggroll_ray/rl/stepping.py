"""Resets and steps environments so that shapes and dtypes stay the same, as the carry of a loop requires.

Some suites return other dtypes from a step than from a reset, for instance if JAX uses 64 bits. They are cast back to
the dtypes of the reset. All checks here happen while a program is traced.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from eggroll_ray.rl.env import Env, Timestep


def reset(env: Env, key: PRNGKeyArray) -> tuple[Any, Timestep]:
    """Starts an episode of one environment.

    Raises:
      ValueError: when the timestep does not have the shapes that the environment declares.
    """
    with _naming(env):
        state, shown = env.reset(key)
    return jax.tree.map(jnp.asarray, state), _typed(env, "reset", shown)


def step(env: Env, state: Any, before: Array, action: Array, key: PRNGKeyArray) -> tuple[Any, Timestep]:
    """Steps one environment.

    Args:
      env: the environment.
      state: its state.
      before: its last observation.
      action: the action of its agent, or of all agents.
      key: consumed.

    Raises:
      ValueError: when the state changes its structure, shapes or kinds of dtypes, or when the timestep does not have
        the shapes that the environment declares.
    """
    # Taken before the step, because brax modifies dictionaries in the state.
    types = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), state)
    with _naming(env):
        after, shown = env.step(state, action, key)
    shown = _typed(env, "step", shown)
    return _as_before(env, types, after), shown._replace(observation=shown.observation.astype(before.dtype))


@contextlib.contextmanager
def _naming(env: Env) -> Iterator[None]:
    """Raises a clear error for an environment whose own code does not work with JAX's 64-bit mode."""
    try:
        yield
    except TypeError as error:
        if not jax.config.jax_enable_x64:  # pyright: ignore[reportAttributeAccessIssue]
            raise
        raise ValueError(f"{env.name} does not work with JAX_ENABLE_X64=1; turn that off. It says: {error}") from error


def _typed(env: Env, where: str, shown: Timestep) -> Timestep:
    axis = (len(env.agents),) if len(env.agents) > 1 else ()
    observation = jnp.asarray(shown.observation)
    if observation.dtype == jnp.float64:
        observation = observation.astype(jnp.float32)
    wanted = (*axis, *env.observation_space.shape)
    if observation.shape != wanted:
        raise ValueError(
            f"{where} of {env.name} returns an observation of shape {observation.shape}, but its observation_space has "
            f"shape {wanted}; make both the same."
        )
    reward = _of_shape(env, f"{where} of {env.name} gives reward", shown.reward, axis).astype(jnp.float32)
    done = _of_shape(env, f"{where} of {env.name} gives done", shown.done, ()).astype(bool)
    return Timestep(observation, reward, done, shown.mask)


def _of_shape(env: Env, what: str, value: Any, shape: tuple[int, ...]) -> Array:
    """Returns the value in this shape. A single entry may have any number of axes of size 1."""
    array = jnp.asarray(value)
    if array.shape == shape or (array.size == 1 and not shape):
        return array.reshape(shape)
    each = f"one for each of the {len(env.agents)} agents" if shape else "one number"
    raise ValueError(f"{what} of shape {array.shape}; give {each}, shape {shape}.")


def _as_before(env: Env, before: Any, after: Any) -> Any:
    """Returns the state after a step, cast to the dtypes of the state before it."""
    trees = jax.tree.structure(before), jax.tree.structure(after)
    if trees[0] != trees[1]:
        raise ValueError(
            f"the state of {env.name} is {trees[0]} after reset, but {trees[1]} after step; return the same pytree."
        )

    def same(path: Any, old: jax.ShapeDtypeStruct, new: Any) -> Array:
        new = jnp.asarray(new)
        kinds = [kind for kind in (jnp.floating, jnp.integer) if jnp.issubdtype(old.dtype, kind)]
        alike = old.dtype == new.dtype or any(jnp.issubdtype(new.dtype, kind) for kind in kinds)
        if old.shape != new.shape or not alike:
            found = f"{old.dtype}{list(old.shape)} after reset, but {new.dtype}{list(new.shape)} after step"
            name = jax.tree_util.keystr(path, simple=True, separator="/") or "itself"
            raise ValueError(f"state {name} of {env.name} is {found}; return the same shape and type from both.")
        return new if old.dtype == new.dtype else new.astype(old.dtype)

    return jax.tree_util.tree_map_with_path(same, before, after)
