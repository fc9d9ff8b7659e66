"""Gives this package's environments the interface of gymnax that rejax uses: auto-reset, five results of a step.

Action masks are ignored, as in the paper. Letters in shapes: `b` and `e` environments of a batch, `a` agents.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key, PRNGKeyArray

from eggroll_ray.rl.env import Discrete, Env, MultiDiscrete, Space, action_shape
from envs.foreign import lenient

_CHUNK = 8  # environments that are reset together


class _Spaces:
    """What rejax asks for the spaces of an environment; those of several agents are padded."""

    _env: Env

    def observation_space(self, params: Any) -> Any:
        """The box of observations; bounds that are infinite stay so."""
        del params
        return _gymnax_space(self._env.observation_space)

    def action_space(self, params: Any) -> Any:
        """Gymnax's space of actions."""
        del params
        return _gymnax_space(self._env.action_space)


class AsGymnax(_Spaces):
    """One of our environments for rejax, which maps `reset` and `step` over a batch.

    The parameters that rejax hands around are not used: give it `()`.
    """

    def __init__(self, env: Env):
        """Takes over an environment with one agent.

        Raises:
          ValueError: for several agents, or actions that rejax has no policy for.
        """
        if len(env.agents) > 1 or isinstance(env.action_space, MultiDiscrete):
            raise ValueError(
                f"environment {env.name!r} has {len(env.agents)} agents and actions {env.action_space}; rejax's PPO "
                "takes one agent whose actions are Discrete or a Box."
            )
        self._env = env
        self._restart = _restarter(env)

    def reset(self, key: PRNGKeyArray, params: Any) -> tuple[Array, Any]:
        """Starts an episode: observation and state."""
        del params
        state, first = self._env.reset(key)
        return first.observation, state

    def step(self, key: PRNGKeyArray, state: Any, action: Array, params: Any) -> tuple[Array, Any, Array, Array, Any]:
        """Steps; after the last step of an episode state and observation are those of a new one."""
        del params
        key_step, key_reset = jax.random.split(key)
        action = action.reshape(action_shape(self._env.action_space))
        state, shown = self._env.step(state, action, key_step)
        state, observation = self._restart(key_reset, state, shown.observation, shown.done)
        return observation, state, shown.reward, shown.done, {}


class AgentsAsGymnax(_Spaces):
    """The agents of `e` of our environments as `e a` rows, each of which seems to be an environment to rejax.

    Rows are in the order of environments, then of agents. What reset and step take and return is a batch already:
    their state has the axis `e`.
    """

    def __init__(self, env: Env):
        """Takes over an environment with several agents.

        Raises:
          ValueError: for actions that are not `Discrete`.
        """
        spaces = [space for _, space in env.agent_spaces] or [env.action_space] * len(env.agents)
        if not all(isinstance(space, Discrete) for space in spaces):
            raise ValueError(f"environment {env.name!r} has the actions {spaces}; all must be Discrete here.")
        self._env = env
        self._actions = jnp.array([space.n for space in spaces if isinstance(space, Discrete)])

    def reset(self, keys: Key[Array, " rows"], params: Any) -> tuple[Array, Any]:
        """Starts an episode in each environment; its key is that of its first row."""
        del params
        state, first = jax.vmap(self._env.reset)(keys[:: len(self._env.agents)])
        return self._rows(first.observation), state

    def step(
        self, keys: Key[Array, " rows"], state: Any, actions: Int[Array, " rows"], params: Any
    ) -> tuple[Array, Any, Array, Array, Any]:
        """Steps; an action that an agent does not have counts as its last one. Then as `AsGymnax.step`."""
        del params
        agents = len(self._env.agents)
        key_step, key_reset = jax.vmap(jax.random.split, out_axes=1)(keys[::agents])
        actions = jnp.minimum(actions.reshape(-1, agents), self._actions[None] - 1)
        state, shown = jax.vmap(self._env.step)(state, actions, key_step)
        state, observation = _restart_batch(self._env, key_reset, (state, shown.observation), shown.done)
        return self._rows(observation), state, self._rows(shown.reward), jnp.repeat(shown.done, agents), {}

    def _rows(self, x: Array) -> Array:
        return x.reshape(-1, *x.shape[2:])


def _gymnax_space(space: Space) -> Any:
    from gymnax.environments import spaces

    if isinstance(space, Discrete):
        return spaces.Discrete(space.n)
    assert not isinstance(space, MultiDiscrete)
    with lenient():
        return spaces.Box(jnp.asarray(space.low), jnp.asarray(space.high), space.shape)


def _restarter(env: Env) -> Callable[..., tuple[Any, Array]]:
    """Makes (key, state, observation, done) -> state and observation, those of a new episode where done.

    Under vmap only as many environments are reset as have ended, some at a time: a reset may cost much more than a
    step, and to reset all in every step and to select, as gymnax does, would cost just that.
    """

    @jax.custom_batching.custom_vmap
    def restart(key: PRNGKeyArray, state: Any, observation: Array, done: Array) -> tuple[Any, Array]:
        def fresh() -> tuple[Any, Array]:
            new, first = env.reset(key)
            return new, first.observation

        return jax.lax.cond(done, fresh, lambda: (state, observation))

    @restart.def_vmap
    def _(size: int, batched: Any, *arguments: Any) -> tuple[Any, Any]:
        keys, state, observation, done = jax.tree.map(
            lambda leaf, is_batched: leaf if is_batched else jnp.broadcast_to(leaf, (size, *jnp.shape(leaf))),
            arguments,
            tuple(batched),
        )
        restarted = _restart_batch(env, keys, (state, observation), done)
        return restarted, jax.tree.map(lambda _: True, restarted)

    return restart


def _restart_batch(env: Env, keys: PRNGKeyArray, shown: tuple[Any, Array], done: Array) -> tuple[Any, Array]:
    """Replaces the states and observations `(b, ...)` of those that are done."""
    size = done.shape[0]

    def reset_some(loop: tuple[Any, Array]) -> tuple[Any, Array]:
        shown, waiting = loop
        places = jnp.nonzero(waiting, size=min(_CHUNK, size), fill_value=size)[0]
        state, first = jax.vmap(env.reset)(keys.at[places].get(mode="clip"))

        def put(leaf: Array, new: Array) -> Array:
            return leaf.at[places].set(new, mode="drop")  # those of the fill value are outside

        shown = jax.tree.map(put, shown, (state, first.observation))
        return shown, waiting.at[places].set(False, mode="drop")

    return jax.lax.while_loop(lambda loop: loop[1].any(), reset_some, (shown, done))[0]
