"""A policy with all that it needs to act, and one recorded episode of it."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from eggroll_ray.evaluators.members import Members
from eggroll_ray.evaluators.record import Params
from eggroll_ray.rl.agents import Groups, Shown
from eggroll_ray.rl.env import Env


class TrainedPolicy:
    """A policy with its parameters and its observation normaliser inside: `action = policy(observation)`.

    In an environment of several agents it acts for all of them: observations and actions have an axis of agents.

    Attributes:
      params: its parameters.
      normalizer: maps observations to what the network sees; of several groups, one of each by its name. None where
        observations are not normalised.
    """

    def __init__(self, cast: Groups, params: Params, frozen: Any):
        self._cast = cast
        self.params, self.normalizer = params, frozen

    def initial_carry(self) -> Any:
        """Returns the recurrent state at the start of an episode, without leaves if there is none."""
        return self._cast.carry(1, 1)

    def step(self, observation: Array, carry: Any, key: PRNGKeyArray, mask: Any = ()) -> tuple[Array, Any]:
        """Returns the action and the next recurrent state.

        Args:
          observation: of one environment, as its `Timestep` shows it.
          carry: the recurrent state.
          key: consumed; used by sampling heads only.
          mask: which actions are possible, as its `Timestep` shows it.
        """
        shown = jax.tree.map(lambda x: jnp.asarray(x)[None], Shown(observation, mask))
        actions, carry = self._cast.act(Members(self.params, 1), self.normalizer, shown, carry, key.reshape(1, 1))
        return actions[0], carry

    def __call__(self, observation: Array, key: PRNGKeyArray | None = None, mask: Any = ()) -> Array:
        """Returns the action for one observation `(*o,)`, or those of all agents for `(a, *o)`.

        Raises:
          ValueError: for a recurrent policy, whose state `step` carries.
        """
        carry = self.initial_carry()
        if jax.tree.leaves(carry):
            raise ValueError("this policy is recurrent: call step(observation, carry, key) and keep the carry.")
        return self.step(jnp.asarray(observation), carry, jax.random.key(0) if key is None else key, mask)[0]


def record_episode(env: Env, policy: TrainedPolicy, key: PRNGKeyArray) -> tuple[list[Any], float | list[float]]:
    """Plays one episode and keeps its states.

    Returns:
      The environment's states, first to last, as NumPy pytrees (what `Env.render` takes), and the return, of each
      agent if there are several.
    """
    reset = jax.jit(env.reset)

    @jax.jit
    def advance(state: Any, observation: Array, mask: Any, carry: Any, time: Array) -> Any:
        action, carry = policy.step(observation, carry, jax.random.fold_in(key, 2 * time + 1), mask)
        return *env.step(state, action, jax.random.fold_in(key, 2 * time + 2)), carry

    state, timestep = reset(jax.random.fold_in(key, 0))
    carry, states, total = policy.initial_carry(), [jax.device_get(state)], jnp.zeros_like(timestep.reward)
    for time in range(env.max_steps):
        state, timestep, carry = advance(state, timestep.observation, timestep.mask, carry, jnp.int32(time))
        states.append(jax.device_get(state))
        total = total + timestep.reward
        if bool(timestep.done):
            break
    return states, total.tolist()
