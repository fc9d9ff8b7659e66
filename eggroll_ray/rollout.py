"""Rollouts: a policy in an environment as an evaluator.

One flat batch of environments (members x episodes) is stepped; only the policy is perturbed. A loop ends
when every episode has ended, and no trajectory is kept.

Letters in shapes: `n` members, `e` episodes per member, `b = n e` environments, `o` observation axes.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray

from eggroll_ray import observation
from eggroll_ray.env import Discrete, Env
from eggroll_ray.es import ESState
from eggroll_ray.evaluate import (
    EvaluateBlock,
    Evaluation,
    Evaluator,
    Invalid,
    Members,
    Params,
    Perturb,
    check_shared_by,
    generation_key,
    judge,
    member_keys,
    perturb_block,
)
from eggroll_ray.lift import lift
from eggroll_ray.noise import stream_key
from eggroll_ray.observation import Moments, Normalizer
from eggroll_ray.policies import DeterministicHead, Head, Policy, default_policy


class _Task(NamedTuple):
    """What a rollout is made of."""

    env: Env
    policy: Policy
    head: Head


class _Rollout(NamedTuple):
    returns: Float[Array, "n e"]
    steps: Int[Array, ""]  # of all environments together, until each ended
    moments: Moments


class _Loop(NamedTuple):
    """Carry of the rollout loop; environments are flat, `(b, ...)`."""

    time: Int[Array, ""]
    env_state: Any
    observation: Array
    carry: Any  # (n, e, ...)
    returns: Array
    alive: Array
    steps: Array
    moments: Moments


def from_env(
    env: Env,
    policy: Policy | None = None,
    *,
    episodes: int = 1,
    head: Head = DeterministicHead(),  # noqa: B008 - immutable
    normalize_observations: bool = False,
    shared_by: int | None = 2,
    on_nan: Invalid = Invalid.DROP_PAIR,
) -> Evaluator:
    """Evolves a policy in an environment; the fitness is its mean return.

    Args:
      env: the environment.
      policy: the network; default: a small CNN for images, an MLP of 2 x 64 otherwise.
      episodes: `e`, episodes per member and generation, at least 1.
      head: turns the network's outputs into actions.
      normalize_observations: by running mean and standard deviation, frozen within a generation.
      shared_by: how many consecutive members play the same episodes (common random numbers): 2 is twins, 1 is
        each its own, None is all members of a generation.
      on_nan: policy for a return that is not finite.

    Raises:
      ValueError: when policy, head and environment do not fit, before any work starts.
    """
    if episodes < 1:
        raise ValueError(f"episodes={episodes} must be at least 1, the episodes each member plays.")
    check_shared_by(shared_by)
    on_nan = Invalid(on_nan)
    for value, kind, remedy in (
        (env, Env, "envs.make('gymnax/CartPole-v1')"),
        (policy, Policy | None, "mlp(), or feedforward(init, apply) around your own network"),
    ):
        if not isinstance(value, kind):
            raise ValueError(f"from_env was given {value!r}, a {type(value).__name__}; give {remedy}.")
    task = _Task(env, policy or default_policy(env.observation_space.shape), head)
    _check_fit(task)
    observed = env.observation_space.shape if normalize_observations else ()

    def init(seed: int) -> Params:
        return _init_params(task, stream_key(seed, "policy"))

    def normalizer(statistics: observation.Statistics) -> Normalizer | None:
        return observation.normalizer(statistics) if normalize_observations else None

    def bind(perturb: Perturb) -> EvaluateBlock:
        @jax.jit
        def block(state: ESState, frozen: Normalizer | None, members: Array) -> _Rollout:
            keys = member_keys(generation_key(state), members, shared_by)
            return _rollout(task, perturb_block(perturb, state, members), frozen, _split(keys, episodes))

        def evaluate(state: ESState, statistics: Any, members: np.ndarray) -> Evaluation:
            result = jax.device_get(block(state, normalizer(statistics), members))
            fitness = judge(result.returns.mean(axis=1), state, members, on_nan)
            return Evaluation(fitness, int(result.steps), result.moments if normalize_observations else ())

        return evaluate

    @jax.jit
    def mean_rollout(params: Params, frozen: Normalizer | None, keys: Key[Array, "1 e"]) -> Array:
        return _rollout(task, Members(params, 1), frozen, keys).returns[0]

    def test(params: Params, statistics: Any, key: PRNGKeyArray, episodes: int) -> np.ndarray:
        return np.asarray(mean_rollout(params, normalizer(statistics), _split(key[None], episodes)))

    def trained(params: Params, statistics: Any) -> TrainedPolicy:
        return TrainedPolicy(task, params, normalizer(statistics))

    def check(perturb: Perturb, state: ESState) -> object:
        def one(state: ESState) -> Any:
            zeros = jnp.zeros(env.observation_space.shape, jnp.float32)
            return lift(task.policy.apply)(perturb(state, jnp.int32(0)), zeros, task.policy.initial_carry())

        return jax.eval_shape(one, state)

    settings = {
        "env": env.name,
        "episodes": episodes,
        "head": type(head).__name__,
        "normalize_observations": normalize_observations,
        "shared_by": shared_by,
    }
    evaluator = Evaluator(init, bind, test, 128, settings, episodes, policy=trained, check=check)
    if not normalize_observations:
        return evaluator
    return evaluator._replace(
        statistics=observation.no_observations(observed),
        moments=observation.no_moments(observed),
        merge=observation.merge,
    )


class TrainedPolicy:
    """A policy with its parameters and its observation normaliser inside: `action = policy(observation)`."""

    def __init__(self, task: _Task, params: Params, frozen: Normalizer | None):
        self._task = task
        self._frozen = frozen
        self.params = params

    def initial_carry(self) -> Any:
        """Returns the recurrent state at the start of an episode, `()` if there is none."""
        return self._task.policy.initial_carry()

    def step(self, observation: Array, carry: Any, key: PRNGKeyArray) -> tuple[Array, Any]:
        """Returns the action and the next recurrent state; the key is used by sampling heads only."""
        if self._frozen is not None:
            observation = self._frozen(observation)
        outputs, carry = self._task.policy.apply(self.params, observation, carry)
        return self._task.head.action(self._task.env.action_space, outputs, key), carry

    def __call__(self, observation: Array, key: PRNGKeyArray | None = None) -> Array:
        """Returns the action for one observation `(*o,)`.

        Raises:
          ValueError: for a recurrent policy, whose state `step` carries.
        """
        carry = self.initial_carry()
        if jax.tree.leaves(carry):
            raise ValueError("this policy is recurrent: call step(observation, carry, key) and keep the carry.")
        return self.step(jnp.asarray(observation), carry, jax.random.key(0) if key is None else key)[0]


def record_episode(env: Env, policy: TrainedPolicy, key: PRNGKeyArray) -> tuple[list[Any], float]:
    """Plays one episode and keeps its states.

    Returns:
      The environment's states, first to last, as NumPy pytrees (what `Env.render` takes), and the return.
    """
    reset = jax.jit(env.reset)

    @jax.jit
    def advance(state: Any, observation: Array, carry: Any, time: Array) -> Any:
        action, carry = policy.step(observation, carry, jax.random.fold_in(key, 2 * time + 1))
        return *env.step(state, action, jax.random.fold_in(key, 2 * time + 2)), carry

    state, timestep = reset(jax.random.fold_in(key, 0))
    carry, states, total = policy.initial_carry(), [jax.device_get(state)], 0.0
    for time in range(env.max_steps):
        state, timestep, carry = advance(state, timestep.observation, carry, jnp.int32(time))
        states.append(jax.device_get(state))
        total += float(timestep.reward)
        if bool(timestep.done):
            break
    return states, total


def _rollout(task: _Task, members: Members, frozen: Normalizer | None, keys: Key[Array, "n e"]) -> _Rollout:
    """Plays one episode for each of the `(n, e)` keys."""
    env, count = task.env, keys.shape[0] * keys.shape[1]
    flat_keys = keys.reshape(count)
    act = _act(task, members, frozen)

    def fold(use: Array) -> Key[Array, " b"]:
        # Uses of an episode's key: 0 its reset, 2 t + 1 the action at time t, 2 t + 2 the step that follows it.
        return jax.vmap(jax.random.fold_in, (0, None))(flat_keys, use)

    def advance(loop: _Loop) -> _Loop:
        actions, carry = act(loop.observation, loop.carry, fold(2 * loop.time + 1).reshape(keys.shape))
        env_state, timestep = jax.vmap(env.step)(loop.env_state, actions, fold(2 * loop.time + 2))
        reward = timestep.reward.astype(jnp.float32)
        return _Loop(
            loop.time + 1,
            env_state,
            timestep.observation,
            carry,
            loop.returns + jnp.where(loop.alive, reward, 0.0),
            loop.alive & ~timestep.done,
            loop.steps + jnp.sum(loop.alive, dtype=jnp.int32),
            _add_moments(loop.moments, loop.observation, loop.alive, frozen),
        )

    def unfinished(loop: _Loop) -> Array:
        return (loop.time < env.max_steps) & loop.alive.any()

    env_state, first = jax.vmap(env.reset)(fold(jnp.int32(0)))
    carry = jax.tree.map(lambda x: jnp.broadcast_to(x, (*keys.shape, *x.shape)), task.policy.initial_carry())
    zeros = jnp.zeros(env.observation_space.shape if frozen is not None else (), jnp.float32)
    start = _Loop(
        jnp.int32(0),
        env_state,
        first.observation,
        carry,
        jnp.zeros(count, jnp.float32),
        jnp.ones(count, bool),
        jnp.int32(0),
        Moments(jnp.float32(0), zeros, zeros),
    )
    end = jax.lax.while_loop(unfinished, advance, start)
    return _Rollout(end.returns.reshape(keys.shape), end.steps, end.moments)


def _act(task: _Task, members: Members, frozen: Normalizer | None) -> Callable[..., tuple[Array, Any]]:
    """Maps observations (b, *o), carries (n, e, ...) and keys (n, e) to actions (b, ...) and carries."""
    space = task.env.action_space

    def one(params: Params, observation: Array, carry: Any, key: PRNGKeyArray) -> tuple[Array, Any]:
        outputs, carry = task.policy.apply(params, observation, carry)
        return task.head.action(space, outputs, key), carry

    def act(observations: Array, carry: Any, keys: Key[Array, "n e"]) -> tuple[Array, Any]:
        if frozen is not None:
            observations = frozen(observations)
        by_member = observations.reshape(*keys.shape, *observations.shape[1:])
        actions, carry = members.apply(jax.vmap(one, (None, 0, 0, 0)), by_member, carry, keys)
        return actions.reshape(observations.shape[0], *actions.shape[2:]), carry

    return act


def _add_moments(moments: Moments, observations: Array, alive: Array, frozen: Normalizer | None) -> Moments:
    if frozen is None:
        return moments
    axes = (1,) * (observations.ndim - 1)
    centred = observations - frozen.mean[None]
    centred = jnp.where(alive.reshape(-1, *axes), centred, 0.0)
    return Moments(
        moments.samples + jnp.sum(alive, dtype=jnp.float32),
        moments.first + centred.sum(axis=0),
        moments.second + (centred * centred).sum(axis=0),
    )


def _split(keys: Key[Array, " n"], episodes: int) -> Key[Array, "n e"]:
    """(n,) keys of members -> (n, e) keys of episodes."""
    return jax.vmap(lambda key: jax.random.split(key, episodes))(keys)


def _init_params(task: _Task, key: PRNGKeyArray) -> Params:
    zeros = jnp.zeros(task.env.observation_space.shape, jnp.float32)
    return task.policy.init(key, zeros, task.head.outputs(task.env.action_space))


def _check_fit(task: _Task) -> None:
    """Traces one action of the policy, and raises if environment, policy and head do not fit."""
    env = task.env
    shape, space = env.observation_space.shape, env.action_space
    outputs = task.head.outputs(space)
    zeros = jax.ShapeDtypeStruct(shape, jnp.float32)

    def action() -> Array:
        params = _init_params(task, jax.random.key(0))
        found, carry = task.policy.apply(params, jnp.zeros(shape), task.policy.initial_carry())
        if found.shape != (outputs,):
            raise ValueError(f"it returns outputs of shape {found.shape}, not ({outputs},)")
        before, after = _shapes(task.policy.initial_carry()), _shapes(carry)
        if before != after:
            raise ValueError(f"the carry it returns is {after}, its initial_carry() is {before}")
        return task.head.action(space, found, jax.random.key(0))

    try:
        result = jax.eval_shape(action)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the policy does not fit {env.name} (observations {zeros.shape}, {_describe(space)}, so "
            f"{outputs} outputs): {error}"
        ) from error
    expected = () if isinstance(space, Discrete) else space.shape
    if result.shape != expected:
        raise ValueError(
            f"the head {type(task.head).__name__} makes actions of shape {result.shape} for {env.name}, which "
            f"takes {expected}; choose another head."
        )


def _shapes(tree: Any) -> Any:
    return jax.tree.map(lambda x: f"{jnp.result_type(x)}{list(jnp.shape(x))}", tree)


def _describe(space: Any) -> str:
    return f"{space.n} actions" if isinstance(space, Discrete) else f"actions of shape {space.shape}"
