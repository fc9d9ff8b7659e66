"""Plays a flat batch of JAX environments until every episode has ended.

Only the policy is perturbed, and no trajectory is stored.

Letters in shapes: `n` members, `e` episodes per member, `b = n e` environments, `a` agents, `g` groups.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from eggroll_ray.compiling.program import SharedProgram
from eggroll_ray.es.random import fold_in
from eggroll_ray.evaluators.members import Members
from eggroll_ray.evaluators.record import Params
from eggroll_ray.rl import stepping
from eggroll_ray.rl.agents import Shown
from eggroll_ray.rl.env import Env, Timestep
from eggroll_ray.rl.rollout import Cast


class Loop(NamedTuple):
    """The carry of the rollout loop. Environments are on one axis, `(b, ...)`."""

    time: Int[Array, ""]
    env_state: Any
    shown: Shown
    carry: Any
    totals: Array  # sums of rewards, (b,) or (b, a)
    alive: Array
    steps: Array  # number of steps of all environments together
    sums: Any  # sums over the observations of all agents, if observations are normalised


def mean_player(env: Env, cast: Cast) -> Callable[[Params, Any, Key[Array, "1 e"]], np.ndarray]:
    """Makes a function that plays episodes of unperturbed parameters.

    It takes parameters, context and keys, and gives the returns, `(e,)` or `(e, a)`.
    """

    @SharedProgram
    def play(params: Params, context: Any, keys: Key[Array, "1 e"]) -> Array:
        start = begin_episodes(env, cast, keys)
        return play_episodes(env, cast, Members(params, 1), context, keys, start, env.max_steps).totals

    return lambda params, context, keys: np.asarray(play(params, context, keys))


def begin_episodes(env: Env, cast: Cast, keys: Key[Array, "n e"]) -> Loop:
    """Starts an episode for each key."""
    count = keys.shape[0] * keys.shape[1]
    env_state, first = jax.vmap(functools.partial(stepping.reset, env))(_use(keys, jnp.int32(0)))
    return Loop(
        jnp.int32(0),
        env_state,
        Shown(first.observation, first.mask),
        cast.carry(*keys.shape),
        jnp.zeros_like(first.reward, jnp.float32),
        jnp.ones(count, bool),
        jnp.int32(0),
        cast.learners.sums(count),
    )


def play_episodes(
    env: Env, cast: Cast, members: Members, context: Any, keys: Key[Array, "n e"], start: Loop, stop: int | Array
) -> Loop:
    """Plays until every episode has ended, or until time `stop`."""
    step = functools.partial(stepping.step, env)

    def advance(loop: Loop) -> Loop:
        acting = _use(keys, 2 * loop.time + 1).reshape(keys.shape)
        actions, carry = cast.act(members, context, loop.shown, loop.carry, acting)
        use = _use(keys, 2 * loop.time + 2)
        env_state, timestep = jax.vmap(step)(loop.env_state, loop.shown.observation, actions, use)
        return Loop(
            loop.time + 1,
            env_state,
            Shown(timestep.observation, timestep.mask),
            carry,
            loop.totals + _counted(timestep, loop.alive),
            loop.alive & ~timestep.done,
            loop.steps + jnp.sum(loop.alive, dtype=jnp.int32),
            cast.learners.observe(loop.sums, loop.shown, loop.alive),
        )

    return jax.lax.while_loop(lambda loop: (loop.time < stop) & loop.alive.any(), advance, start)


def _use(keys: Key[Array, "n e"], use: Array) -> Key[Array, " b"]:
    """Derives keys from those of episodes. `use` 0 is for the reset, 2 t + 1 and 2 t + 2 for action and step at t."""
    return jax.vmap(fold_in, (0, None))(keys.reshape(-1), use)


def _counted(timestep: Timestep, alive: Array) -> Array:
    reward = timestep.reward.astype(jnp.float32)
    return jnp.where(alive.reshape(-1, *(1,) * (reward.ndim - 1)), reward, 0.0)


def fitness_of(cast: Cast, end: Loop, keys: Key[Array, "n e"]) -> Float[Array, "n e *g"]:
    """Returns the fitness of each episode of each member; with several groups, that of each group."""
    returns = cast.returns(end.totals, keys.shape[1])
    return returns.reshape(*keys.shape, *returns.shape[1:])
