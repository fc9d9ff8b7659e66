"""A policy with all that it needs to act, and one recorded episode of it."""

import functools
import math
from collections.abc import Callable
from typing import Any

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from eggroll_ray.evaluators.members import Members
from eggroll_ray.evaluators.record import Params
from eggroll_ray.rl import stepping
from eggroll_ray.rl.actions import draws
from eggroll_ray.rl.agents import Groups, Shown, own
from eggroll_ray.rl.env import Env


class TrainedPolicy:
    """A policy with its parameters and its observation normaliser inside: `action = policy(observation)`.

    In an environment of several agents it acts for all of them: observations and actions have an axis of agents. Any
    number of observations at once have their own axes in front, and so have the actions. It is compiled when it is
    first called, once for each number of observations.

    It can be pickled, and then needs neither the environment nor its suite: what it was made of travels by value
    (`cloudpickle`), lambdas too. A pickle is for the same versions of Python and of this package; `er.load` reads a run
    folder with any.

    Attributes:
      params: its parameters.
      normalizer: maps observations to what the network sees; of several groups, one of each by its name. None where
        observations are not normalised.
    """

    def __init__(self, cast: Groups, params: Params, frozen: Any):
        self._cast = cast
        self.params, self.normalizer = params, frozen
        self._program: Any = None
        self._kept: Any = (None, None)  # the parameters, and on the device what the program takes

    def __reduce__(self) -> Any:
        # Plain pickle cannot write the functions that a network is made of.
        arrays = jax.device_get((self.params, self.normalizer))
        return _restored, (cloudpickle.dumps((acting_alone(self._cast), *arrays)),)

    @property
    def cast(self) -> Groups:
        """Who acts by which parameters, and in which environment."""
        return self._cast

    def initial_carry(self, count: int = 1) -> Any:
        """Returns the recurrent state at the start of an episode, without leaves if there is none.

        Args:
          count: of observations that are given at once.
        """
        return self._cast.carry(1, count)

    def step(self, observation: Array, carry: Any, key: PRNGKeyArray, mask: Any = ()) -> tuple[Array, Any]:
        """Returns the action and the next recurrent state.

        Args:
          observation: of one environment, or of several, `(..., *o)`: an array as its `Timestep` shows it, or what a
            Gymnasium or PettingZoo environment itself shows, such as a dictionary; of several environments its arrays
            have one more axis in front. A mask that is part of a dictionary is kept to.
          carry: the recurrent state, of as many.
          key: consumed; used by sampling heads only.
          mask: which actions are possible, as its `Timestep` shows it, of as many.

        Raises:
          ValueError: for what is no observation of the environment.
        """
        array, own_mask = self._observation(observation)
        mask = mask if jax.tree.leaves(mask) else own_mask
        if self._program is None:
            self._program = jax.jit(self._act)
        if self._kept[0] is not self.params:
            with jax.ensure_compile_time_eval():  # also where some caller is being traced
                self._kept = self.params, jax.tree.map(jnp.asarray, (self.params, self.normalizer))
        return self._program(*self._kept[1], array, mask, carry, key)

    def __call__(self, observation: Array, key: PRNGKeyArray | None = None, mask: Any = ()) -> Array:
        """Returns the action for one observation `(*o,)`, or those of all agents for `(a, *o)`; or for several of them.

        Args:
          observation, mask: see `step`.
          key: of the action; only a policy that samples its actions needs one, another one at every call.

        Raises:
          ValueError: for a recurrent policy, whose state `step` carries; for a policy that samples and is given no key;
            and for what is no observation.
        """
        carry = self._carry_of_none()
        if key is None and self._draws:
            raise ValueError(
                "this policy samples its actions, so it needs another key at every call: "
                "policy(observation, key=jax.random.key(step))."
            )
        return self.step(observation, carry, _any_key() if key is None else key, mask)[0]

    @functools.cached_property
    def _draws(self) -> bool:
        return any(draws(group.head, group.action_space) for group in self._cast.groups)

    def _carry_of_none(self) -> Any:
        carry = self.initial_carry()
        if jax.tree.leaves(carry):
            raise ValueError("this policy is recurrent: call step(observation, carry, key) and keep the carry.")
        return carry

    def _act(
        self, params: Params, frozen: Any, observation: Array, mask: Any, carry: Any, key: PRNGKeyArray
    ) -> tuple[Array, Any]:
        before = observation.shape[: observation.ndim - len(self._shape)]
        count = math.prod(before)
        shown = jax.tree.map(lambda x: jnp.reshape(x, (count, *x.shape[len(before) :])), Shown(observation, mask))
        keys = jax.random.split(key, count) if before else key
        actions, carry = self._cast.act(Members(params, 1), frozen, shown, carry, keys.reshape(1, count))
        return actions.reshape(*before, *actions.shape[1:]), carry

    @property
    def _shape(self) -> tuple[int, ...]:
        """Of one observation, with the axis of agents if there is one."""
        env = self._cast.env
        return (len(env.agents), *env.observation_space.shape) if self._cast.axis else env.observation_space.shape

    def _observation(self, given: Any) -> tuple[Any, Any]:
        """What was given as an array, of float32 or bytes, and the mask that came with it, () if none did."""
        env, wanted, encode = self._cast.env, self._shape, getattr(self._cast.env, "encode", None)
        if encode is not None and not _is_array_of(given, wanted):
            try:
                return encoded(encode, given)
            except Exception as error:  # whatever the space says to what is none of its observations
                if isinstance(given, dict):
                    raise ValueError(
                        f"the policy of {env.name} cannot read the observation that it was given: "
                        f"{type(error).__name__}: {error}; give what reset and step show, one or as many as you like."
                    ) from error
        if isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], dict):
            raise ValueError(f"the policy of {env.name} was given all that reset returns; give its first part.")
        if isinstance(given, dict):
            raise ValueError(f"the policy of {env.name} was given a dict; give it as one array of shape {wanted}.")
        array = given if isinstance(given, jax.Array) else np.asarray(given)
        if array.dtype.kind not in "buif" and not jnp.issubdtype(array.dtype, jnp.floating):
            raise ValueError(f"the policy of {env.name} was given {given!r}; give an array of shape {wanted}.")
        if array.shape[max(0, array.ndim - len(wanted)) :] != wanted:
            raise ValueError(
                f"the policy of {env.name} was given an observation of shape {array.shape}; give one of shape "
                f"{wanted}, or any number of them, (n, {', '.join(map(str, wanted))})."
            )
        return array if array.dtype in (np.float32, np.uint8) else array.astype(np.float32), ()


def _is_array_of(given: Any, shape: tuple[int, ...]) -> bool:
    """Whether something is an array whose last axes have this shape."""
    found = getattr(given, "shape", None)
    return found is not None and found[max(0, len(found) - len(shape)) :] == shape


def encoded(encode: Callable[[Any], tuple[np.ndarray, Any]], given: Any) -> tuple[np.ndarray, Any]:
    """Encodes what one environment shows, or what several show, with one more axis in front or as a list.

    Returns:
      The array, and the mask, () if there is none.

    Raises:
      Exception: whatever `encode` raises for what was given.
    """
    try:
        return encode(given)
    except Exception as error:
        try:
            shown, masks = zip(*map(encode, _apart(given)), strict=True)
        except Exception:
            raise error from None  # what is wrong with one says more than what is wrong with its parts
        return np.stack(shown), () if isinstance(masks[0], tuple) else np.stack(masks)


def _apart(given: Any) -> list[Any]:
    """The observations of several environments, one by one; none where the axes in front differ."""
    if isinstance(given, list):
        return given
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(given)]
    counts = {leaf.shape[0] if leaf.ndim else 0 for leaf in leaves}
    if len(counts) != 1:
        return []
    return [jax.tree.map(lambda leaf, i=i: np.asarray(leaf)[i], given) for i in range(counts.pop())]


def _refuse(*_: Any) -> Any:
    raise RuntimeError(
        "a policy that was pickled acts, but holds no environment, which this needs: load it from its run with "
        "er.load(run), or use the policy of the trainer."
    )


def acting_alone(cast: Groups) -> Groups:
    """Returns a cast without what acting does not need: the environment's functions, initial parameters, credit."""
    env = cast.env._replace(render=None, recipe=None)
    env = env._replace(reset=_refuse, step=_refuse) if isinstance(env, Env) else env._replace(make=_refuse)
    groups = tuple(group._replace(policy=group.policy._replace(init=_refuse, recipe=None)) for group in cast.groups)
    return Groups(env, groups, own, cast.normalize)


def _restored(pickled: bytes) -> TrainedPolicy:
    return TrainedPolicy(*cloudpickle.loads(pickled))


@functools.cache
def _any_key() -> PRNGKeyArray:
    with jax.ensure_compile_time_eval():
        return jax.random.key(0)


def record_episode(env: Env, policy: TrainedPolicy, key: PRNGKeyArray) -> tuple[list[Any], float | list[float]]:
    """Plays one episode and keeps its states.

    Returns:
      The environment's states, first to last, as NumPy pytrees (what `Env.render` takes), and the return, of each
      agent if there are several.
    """
    reset = jax.jit(functools.partial(stepping.reset, env))

    @jax.jit
    def advance(state: Any, observation: Array, mask: Any, carry: Any, time: Array) -> Any:
        action, carry = policy.step(observation, carry, jax.random.fold_in(key, 2 * time + 1), mask)
        return *stepping.step(env, state, observation, action, jax.random.fold_in(key, 2 * time + 2)), carry

    state, timestep = reset(jax.random.fold_in(key, 0))
    carry, states, total = policy.initial_carry(), [jax.device_get(state)], jnp.zeros_like(timestep.reward)
    for time in range(env.max_steps):
        state, timestep, carry = advance(state, timestep.observation, timestep.mask, carry, jnp.int32(time))
        states.append(jax.device_get(state))
        total = total + timestep.reward
        if bool(timestep.done):
            break
    return states, total.tolist()
