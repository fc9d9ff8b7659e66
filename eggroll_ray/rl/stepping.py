"""Environments in the types that the loop of a rollout carries: those of the reset, and what is meant of the rest.

Everything here happens while a program is traced. A suite that computes in other types after a step than at the reset,
as some do where JAX has 64 bits, is brought back.
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
      ValueError: for what is no timestep of it.
    """
    with _naming(env):
        state, shown = env.reset(key)
    return jax.tree.map(jnp.asarray, state), _typed(env, "reset", shown)


def step(env: Env, state: Any, before: Array, action: Array, key: PRNGKeyArray) -> tuple[Any, Timestep]:
    """Steps one environment.

    Args:
      env: the environment.
      state: its state.
      before: what it showed last.
      action: of its agent, or agents.
      key: consumed.

    Raises:
      ValueError: for a state of another type than that before, and for what is no timestep of it.
    """
    types = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), state)  # brax changes dicts in the state
    with _naming(env):
        after, shown = env.step(state, action, key)
    shown = _typed(env, "step", shown)
    return _as_before(env, types, after), shown._replace(observation=shown.observation.astype(before.dtype))


@contextlib.contextmanager
def _naming(env: Env) -> Iterator[None]:
    """Names an environment whose own code mixes types where JAX has 64 bits."""
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
            f"{where} of {env.name} shows an observation of shape {observation.shape}, but its observation_space says "
            f"{wanted}; let both be the same."
        )
    reward = _of_shape(env, f"{where} of {env.name} gives reward", shown.reward, axis).astype(jnp.float32)
    done = _of_shape(env, f"{where} of {env.name} gives done", shown.done, ()).astype(bool)
    return Timestep(observation, reward, done, shown.mask)


def _of_shape(env: Env, what: str, value: Any, shape: tuple[int, ...]) -> Array:
    """The value; one entry in more axes is one entry."""
    array = jnp.asarray(value)
    if array.shape == shape or (array.size == 1 and not shape):
        return array.reshape(shape)
    each = f"one for each of the {len(env.agents)} agents" if shape else "one number"
    raise ValueError(f"{what} of shape {array.shape}; give {each}, shape {shape}.")


def _as_before(env: Env, before: Any, after: Any) -> Any:
    """The state after a step, in the types of the state before."""
    trees = jax.tree.structure(before), jax.tree.structure(after)
    if trees[0] != trees[1]:
        raise ValueError(
            f"the state of {env.name} is {trees[0]} at first, {trees[1]} after step; return the same pytree."
        )

    def same(path: Any, old: jax.ShapeDtypeStruct, new: Any) -> Array:
        new = jnp.asarray(new)
        kinds = [kind for kind in (jnp.floating, jnp.integer) if jnp.issubdtype(old.dtype, kind)]
        alike = old.dtype == new.dtype or any(jnp.issubdtype(new.dtype, kind) for kind in kinds)
        if old.shape != new.shape or not alike:
            found = f"{old.dtype}{list(old.shape)} at first, {new.dtype}{list(new.shape)} after step"
            name = jax.tree_util.keystr(path, simple=True, separator="/") or "itself"
            raise ValueError(f"state {name} of {env.name} is {found}; return the same shape and type from both.")
        return new if old.dtype == new.dtype else new.astype(old.dtype)

    return jax.tree_util.tree_map_with_path(same, before, after)
