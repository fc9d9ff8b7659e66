"""Rollouts: a policy in an environment as an evaluator.

One flat batch of environments (members x episodes) is stepped; only the policy is perturbed. A loop ends
when every episode has ended, and no trajectory is kept.

Letters in shapes: `n` members, `e` episodes per member, `b = n e` environments, `a` agents, `g` groups.
"""

import dataclasses
import functools
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray

from eggroll_ray.compiling.block_program import BlockProgram
from eggroll_ray.compiling.program import SharedProgram
from eggroll_ray.es.eggroll import ESState
from eggroll_ray.es.noise import fold_in, stream_key
from eggroll_ray.evaluators.functions import (
    CompiledBlock,
    Earlier,
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
from eggroll_ray.lowrank.interpreter import lift
from eggroll_ray.models.policies import Policy
from eggroll_ray.rl.actions import DeterministicHead, Head
from eggroll_ray.rl.agents import Agents, Groups, Shown, make_groups
from eggroll_ray.rl.env import AnyEnv, Env, Timestep
from eggroll_ray.rl.trained_policy import TrainedPolicy


class Cast(Protocol):
    """Who acts, and what the members are paid for; `cast.Groups` says what each method does."""

    learners: Groups  # who acts by the parameters that are evolved
    multiple: int  # a member plays some multiple of so many episodes

    def carry(self, members: int, episodes: int) -> Any: ...

    def act(
        self, members: Members, context: Any, shown: Shown, carry: Any, keys: Key[Array, "n e"], /
    ) -> tuple[Array, Any]: ...

    def returns(self, totals: Any, episodes: int) -> Any: ...

    def add_moments(self, moments: Any, shown: Shown, alive: Any, context: Any, /) -> Any: ...

    def context(self, statistics: Any, past: Mapping[int, Earlier], seed: int, generation: int) -> Any:
        """What acting needs beside the members: observation normalisers, opponents. Made on the host."""
        ...

    def keeps(self) -> Callable[[int], Collection[int]] | None:
        """See `Evaluator.keeps`."""
        ...


@dataclasses.dataclass(frozen=True)
class Play:
    """How the members of a generation play.

    Attributes:
      episodes: `e`, episodes per member and generation, at least 1.
      shared_by: how many consecutive members play the same episodes (common random numbers): 2 is twins, 1 is
        each its own, None is all members of a generation.
      on_nan: policy for a return that is not finite.
      window: steps of an episode per generation; None: all of them.
    """

    episodes: int = 1
    shared_by: int | None = 2
    on_nan: Invalid = Invalid.DROP_PAIR
    window: int | None = None

    def __post_init__(self) -> None:
        if self.episodes < 1:
            raise ValueError(f"episodes={self.episodes} must be at least 1, the episodes each member plays.")
        if self.window is not None and self.window < 1:
            raise ValueError(f"window={self.window} must be at least 1 step, or None for whole episodes.")
        check_shared_by(self.shared_by)
        Invalid(self.on_nan)


class _Loop(NamedTuple):
    """Carry of the rollout loop; environments are flat, `(b, ...)`."""

    time: Int[Array, ""]
    env_state: Any
    shown: Shown
    carry: Any
    totals: Array  # (b,) or (b, a)
    alive: Array
    steps: Array  # of all environments together, until each ended
    moments: Any


def from_env(
    env: Env,
    policy: Policy | Mapping[str, Policy] | None = None,
    *,
    episodes: int = 1,
    head: Head = DeterministicHead(),  # noqa: B008 - immutable
    normalize_observations: bool = False,
    shared_by: int | None = 2,
    on_nan: Invalid = Invalid.DROP_PAIR,
    agents: Agents = Agents(),  # noqa: B008 - frozen
    window: int | None = None,
) -> Evaluator:
    """Evolves a policy in an environment; the fitness is its mean return.

    Where several groups of agents have parameters of their own, these are `{group: params}`, and each group has its
    own fitness.

    Args:
      env: the environment.
      policy: the network, or one for each group of agents; default: a CNN for images, an MLP of 2 x 64 otherwise.
      episodes: `e`, episodes per member and generation, at least 1.
      head: turns the network's outputs into actions.
      normalize_observations: by running mean and standard deviation, frozen within a generation.
      shared_by: how many consecutive members play the same episodes (common random numbers): 2 is twins, 1 is
        each its own, None is all members of a generation.
      on_nan: policy for a return that is not finite.
      agents: how several agents share parameters and reward.
      window: steps of an episode per generation: an episode then spans `ceil(max_steps / window)` generations, over
        which the environments of each member go on, and the fitness is the return within the window. Choose a
        strategy that corrects for what the window leaves out: `eggroll(persistent=...)` or `eggroll(noise_reuse=...)`
        of that many generations. None: whole episodes.

    Raises:
      ValueError: when policy, head and environment do not fit, before any work starts.
    """
    play = Play(episodes, shared_by, Invalid(on_nan), window)
    check_kind("from_env", env, Env, policy)
    groups = make_groups(env, policy, head, agents, normalize_observations)
    return play_env(env, Everyone(groups), play)


def check_kind(caller: str, env: Any, kind: Any, policy: Any) -> None:
    """Raises ValueError when what was given is no environment, or no policy."""
    maker = "envs.make('gymnax/CartPole-v1')" if kind is Env else "envs.make('gym/CartPole-v1')"
    for value, wanted, remedy in (
        (env, kind, maker),
        (policy, Policy | Mapping | None, "mlp(), or feedforward(init, apply) around your own network"),
    ):
        if not isinstance(value, wanted):
            raise ValueError(f"{caller} was given {value!r}, a {type(value).__name__}; give {remedy}.")


class Everyone:
    """The cast in which all agents act by the parameters that are evolved."""

    def __init__(self, groups: Groups):
        self.learners, self.multiple = groups, 1
        self.carry, self.act, self.add_moments = groups.carry, groups.act, groups.add_moments

    def returns(self, totals: Any, episodes: int) -> Any:
        del episodes
        return self.learners.returns(totals)

    def context(self, statistics: Any, past: Mapping[int, Earlier], seed: int, generation: int) -> Any:
        del past, seed, generation
        return self.learners.freeze(statistics)

    def keeps(self) -> None:
        return None


def play_env(env: Env, cast: Cast, play: Play) -> Evaluator:
    """Makes the evaluator of a cast in an environment."""
    play_mean = mean_player(env, cast)

    def test(
        params: Params, statistics: Any, key: PRNGKeyArray, episodes: int, past: Mapping[int, Earlier] | None = None
    ) -> np.ndarray:
        whole = -(-episodes // cast.multiple) * cast.multiple
        totals = play_mean(params, context_of_test(cast, statistics, past, key), split_keys(key[None], whole))
        return cast.returns(totals, whole)[:episodes]

    if play.window is None:
        return make_evaluator(env, cast, play, _whole_episodes(env, cast, play), test)._replace(concurrent=True)
    windows = -(-env.max_steps // play.window)
    evaluator = make_evaluator(env, cast, play, _windows(env, cast, play), test)
    return evaluator._replace(windows=windows, keeps=_episode_so_far(windows))


def context_of_test(cast: Cast, statistics: Any, past: Mapping[int, Earlier] | None, key: PRNGKeyArray) -> Any:
    """The context in which the mean parameters are tested, with opponents of the newest generation that is kept."""
    if past is None:
        return cast.context(statistics, {}, 0, 0)
    seed = int(jax.random.bits(jax.random.fold_in(key, 0), (), jnp.uint32))
    return cast.context(statistics, past, seed, max(past))


def mean_player(env: Env, cast: Cast) -> Callable[[Params, Any, Key[Array, "1 e"]], np.ndarray]:
    """Plays episodes of unperturbed parameters: parameters, context, keys -> returns `(e,)` or `(e, a)`."""

    @SharedProgram
    def play(params: Params, context: Any, keys: Key[Array, "1 e"]) -> Array:
        start = _begin(env, cast, keys)
        return _run(env, cast, Members(params, 1), context, keys, start, env.max_steps).totals

    return lambda params, context, keys: np.asarray(play(params, context, keys))


def make_evaluator(
    env: AnyEnv, cast: Cast, play: Play, bind: Callable[[Perturb], EvaluateBlock], test: Callable[..., np.ndarray]
) -> Evaluator:
    """Makes the evaluator of any environment, of how its blocks are evaluated and the mean parameters tested."""
    learners = cast.learners

    def check(perturb: Perturb, state: ESState) -> object:
        def one(state: ESState) -> Any:
            params = perturb(state, jnp.int32(0))
            return [
                lift(group.policy.apply)(learners.part(params, group), group.observed(), group.policy.initial_carry())
                for group in learners.groups
            ]

        return jax.eval_shape(one, state)

    settings = {
        "env": env.name,
        "episodes": play.episodes,
        "normalize_observations": learners.normalize,
        "shared_by": play.shared_by,
        **learners.settings(),
        # Named only where it is used: runs of before it existed can be continued.
        **({} if play.window is None else {"window": play.window}),
    }
    return Evaluator(
        init=lambda seed: learners.init(stream_key(seed, "policy")),
        bind=bind,
        test=test,
        test_episodes=128,
        settings=settings,
        episodes=play.episodes,
        statistics=learners.statistics(),
        moments=learners.moments(),
        merge=learners.merge,
        policy=lambda params, statistics: TrainedPolicy(learners, params, learners.freeze(statistics)),
        check=check,
        groups=learners.names,
        keeps=cast.keeps(),
    )


def _whole_episodes(env: Env, cast: Cast, play: Play) -> Callable[[Perturb], EvaluateBlock]:
    def bind(perturb: Perturb) -> EvaluateBlock:
        @BlockProgram
        def block(state: ESState, context: Any, members: Array) -> tuple[Array, Array, Any]:
            keys = split_keys(member_keys(generation_key(state), members, play.shared_by), play.episodes)
            start = _begin(env, cast, keys)
            end = _run(env, cast, perturb_block(perturb, state, members), context, keys, start, env.max_steps)
            return _fitness(cast, end, keys), end.steps, end.moments

        def evaluate(
            state: ESState, statistics: Any, members: np.ndarray, past: Mapping[int, Earlier] | None = None
        ) -> Evaluation:
            context = cast.context(statistics, past or {}, int(state.seed), int(state.generation))
            returns, steps, moments = block(state, context, members)
            fitness = judge(returns.mean(axis=1), state, members, play.on_nan)
            return Evaluation(fitness, int(steps), moments)

        def trace(
            state: ESState, statistics: Any, members: np.ndarray, past: Mapping[int, Earlier] | None = None
        ) -> jax.stages.Traced:
            context = cast.context(statistics, past or {}, int(state.seed), int(state.generation))
            return block.trace(state, context, members)

        return CompiledBlock(evaluate, trace, env.max_steps)

    return bind


class _Held(NamedTuple):
    """Episodes of a block between two generations."""

    generation: int  # that goes on with them
    source: Earlier  # the mean at the generation before, from which they come
    loop: _Loop


def _episode_so_far(windows: int) -> Callable[[int], range]:
    return lambda generation: range(generation - generation % windows, generation + 1)


def _windows(env: Env, cast: Cast, play: Play) -> Callable[[Perturb], EvaluateBlock]:
    """Episodes in windows: all begin in the same generation, and a worker holds those of its blocks.

    A worker that has to evaluate a block that another had before plays its episodes up to now again, with the means
    of the generations since they began: the same programs, so the same bits.
    """
    window = play.window
    assert window is not None
    windows = -(-env.max_steps // window)

    def bind(perturb: Perturb) -> EvaluateBlock:
        held: dict[int, _Held] = {}

        def episode_keys(state: ESState, first: Array, members: Array) -> Key[Array, "n e"]:
            key = generation_key(state._replace(generation=first))
            return split_keys(member_keys(key, members, play.shared_by), play.episodes)

        @SharedProgram
        def begin(state: ESState, members: Array) -> _Loop:
            return _begin(env, cast, episode_keys(state, state.generation, members))

        @functools.partial(SharedProgram, simulates=True)
        def go_on(state: ESState, first: Array, context: Any, members: Array, loop: _Loop) -> tuple[_Loop, Array]:
            keys = episode_keys(state, first, members)
            loop = loop._replace(
                totals=jnp.zeros_like(loop.totals), steps=jnp.int32(0), moments=cast.learners.moments()
            )
            stop = jnp.minimum((state.generation - first + 1) * window, env.max_steps)
            loop = _run(env, cast, perturb_block(perturb, state, members), context, keys, loop, stop)
            return loop, _fitness(cast, loop, keys)

        def evaluate(state: ESState, statistics: Any, members: np.ndarray, past: Mapping[int, Earlier]) -> Evaluation:
            number, block = int(state.generation), int(members[0])
            first = number - number % windows
            for stale in [place for place, entry in held.items() if entry.generation < number]:
                del held[stale]
            entry = held.get(block)
            if number > first and entry and entry.generation == number and entry.source is past[number - 1]:
                loop = entry.loop
            else:
                loop = begin(state._replace(generation=jnp.int32(first)), members)
                for then in range(first, number):
                    earlier = state._replace(params=past[then].params, generation=jnp.int32(then))
                    context = cast.context(past[then].statistics, past, int(state.seed), then)
                    loop, _ = go_on(earlier, jnp.int32(first), context, members, loop)
            context = cast.context(statistics, past, int(state.seed), number)
            loop, returns = go_on(state, jnp.int32(first), context, members, loop)
            held[block] = _Held(number + 1, past[number], loop)
            returns, steps, moments = jax.device_get((returns, loop.steps, loop.moments))
            return Evaluation(judge(returns.mean(axis=1), state, members, play.on_nan), int(steps), moments)

        def trace(
            state: ESState, statistics: Any, members: np.ndarray, past: Mapping[int, Earlier]
        ) -> jax.stages.Traced:
            number = int(state.generation)
            context = cast.context(statistics, past, int(state.seed), number)
            first = jnp.int32(number - number % windows)
            return go_on.trace(state, first, context, members, begin.trace(state, members).out_info)

        return CompiledBlock(evaluate, trace, window)

    return bind


def _begin(env: Env, cast: Cast, keys: Key[Array, "n e"]) -> _Loop:
    """Starts an episode for each key."""
    count = keys.shape[0] * keys.shape[1]
    env_state, first = jax.vmap(env.reset)(_use(keys, jnp.int32(0)))
    return _Loop(
        jnp.int32(0),
        env_state,
        Shown(first.observation, first.mask),
        cast.carry(*keys.shape),
        jnp.zeros_like(first.reward, jnp.float32),
        jnp.ones(count, bool),
        jnp.int32(0),
        cast.learners.moments(),
    )


def _run(
    env: Env, cast: Cast, members: Members, context: Any, keys: Key[Array, "n e"], start: _Loop, stop: int | Array
) -> _Loop:
    """Plays until every episode has ended, or to time `stop`."""

    def advance(loop: _Loop) -> _Loop:
        acting = _use(keys, 2 * loop.time + 1).reshape(keys.shape)
        actions, carry = cast.act(members, context, loop.shown, loop.carry, acting)
        env_state, timestep = jax.vmap(env.step)(loop.env_state, actions, _use(keys, 2 * loop.time + 2))
        return _Loop(
            loop.time + 1,
            env_state,
            Shown(timestep.observation, timestep.mask),
            carry,
            loop.totals + _counted(timestep, loop.alive),
            loop.alive & ~timestep.done,
            loop.steps + jnp.sum(loop.alive, dtype=jnp.int32),
            cast.add_moments(loop.moments, loop.shown, loop.alive, context),
        )

    return jax.lax.while_loop(lambda loop: (loop.time < stop) & loop.alive.any(), advance, start)


def _use(keys: Key[Array, "n e"], use: Array) -> Key[Array, " b"]:
    """Uses of an episode's key: 0 its reset, 2 t + 1 the action at time t, 2 t + 2 the step that follows it."""
    return jax.vmap(fold_in, (0, None))(keys.reshape(-1), use)


def _counted(timestep: Timestep, alive: Array) -> Array:
    reward = timestep.reward.astype(jnp.float32)
    return jnp.where(alive.reshape(-1, *(1,) * (reward.ndim - 1)), reward, 0.0)


def _fitness(cast: Cast, end: _Loop, keys: Key[Array, "n e"]) -> Float[Array, "n e *g"]:
    returns = cast.returns(end.totals, keys.shape[1])
    return returns.reshape(*keys.shape, *returns.shape[1:])


def split_keys(keys: Key[Array, " n"], episodes: int) -> Key[Array, "n e"]:
    """(n,) keys of members -> (n, e) keys of episodes."""
    return jax.vmap(lambda key: jax.random.split(key, episodes))(keys)
