"""Rollouts in JAX environments: makes an evaluator of a policy in an environment.

The environments of all members and episodes are stepped as one flat batch. Only the policy is perturbed. The loop ends
when every episode has ended, and no trajectory is stored.

Letters in shapes: `n` members, `e` episodes per member, `b = n e` environments, `a` agents, `g` groups.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from eggroll_ray.compiling.block_program import BlockProgram
from eggroll_ray.es.record import ESState, Perturbation
from eggroll_ray.evaluators.members import generation_key, member_keys, perturb_block
from eggroll_ray.evaluators.record import (
    NO_PAST,
    CompiledBlock,
    Earlier,
    EvaluateBlock,
    Evaluation,
    Evaluator,
    Given,
    Invalid,
    Params,
    judge,
)
from eggroll_ray.models.policies import Policy
from eggroll_ray.rl.actions import DeterministicHead, Head
from eggroll_ray.rl.agents import Agents, make_groups
from eggroll_ray.rl.env import Env
from eggroll_ray.rl.episodes import begin_episodes, fitness_of, mean_player, play_episodes
from eggroll_ray.rl.recipe import describe
from eggroll_ray.rl.rollout import Cast, Everyone, Play, check_kind, context_of_test, make_evaluator, split_keys
from eggroll_ray.rl.windows import episode_so_far, windowed_episodes


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
    """Makes an evaluator that evolves a policy in a JAX environment. The fitness of a member is its mean return.

    If several groups of agents have parameters of their own, these are `{group: params}`, and each group has its own
    fitness.

    Args:
      env: the environment.
      policy: the network, or one for each group of agents. Default: a CNN for images, otherwise an MLP of 2 x 64.
      episodes: `e`, episodes per member and generation, at least 1.
      head: turns the network's outputs into actions.
      normalize_observations: whether to normalise observations by running mean and standard deviation, which are
        frozen within a generation.
      shared_by: number of consecutive members that play the same episodes (common random numbers). 2 means twins, 1
        means that no members share episodes, None means that all members of a generation do.
      on_nan: how to treat a return that is not finite.
      agents: how several agents share parameters and reward.
      window: number of steps of an episode that one generation plays. An episode then spans `ceil(max_steps / window)`
        generations, and the fitness is the return within the window. Use a strategy that corrects for the rest of the
        episode: `eggroll(persistent=...)` or `eggroll(noise_reuse=...)` with that number of generations. None: each
        generation plays whole episodes.

    Raises:
      ValueError: when policy, head and environment do not fit together. It is raised before any work starts.
    """
    play = Play(episodes, shared_by, Invalid(on_nan), window)
    check_kind("from_env", env, Env, policy)
    groups = make_groups(env, policy, head, agents, normalize_observations)
    common = {"normalize_observations": normalize_observations, **play.recipe(), "window": play.window}
    recipe = describe("from_env", env, policy, head, agents, common)
    return play_env(env, Everyone(groups), play)._replace(recipe=recipe)


def play_env(env: Env, cast: Cast, play: Play) -> Evaluator:
    """Makes the evaluator of a cast in a JAX environment."""
    play_mean = mean_player(env, cast)

    def test(
        params: Params, statistics: Any, key: PRNGKeyArray, episodes: int, past: Mapping[int, Earlier] = NO_PAST
    ) -> np.ndarray:
        whole = -(-episodes // cast.multiple) * cast.multiple
        totals = play_mean(params, context_of_test(cast, statistics, past, key), split_keys(key[None], whole))
        return cast.returns(totals, whole)[:episodes]

    if play.window is None:
        return make_evaluator(env, cast, play, _whole_episodes(env, cast, play), test)._replace(concurrent=True)
    windows = -(-env.max_steps // play.window)
    evaluator = make_evaluator(env, cast, play, windowed_episodes(env, cast, play), test)
    return evaluator._replace(windows=windows, keeps=episode_so_far(windows))


def _whole_episodes(env: Env, cast: Cast, play: Play) -> Callable[[Perturbation], EvaluateBlock]:
    def bind(perturb: Perturbation) -> EvaluateBlock:
        @BlockProgram
        def block(state: ESState, context: Any, members: Array) -> tuple[Array, Array, Any]:
            keys = split_keys(member_keys(generation_key(state), members, play.shared_by), play.episodes)
            start = begin_episodes(env, cast, keys)
            end = play_episodes(env, cast, perturb_block(perturb, state, members), context, keys, start, env.max_steps)
            return fitness_of(cast, end, keys), end.steps, end.sums

        def context_of(given: Given) -> Any:
            return cast.context(given.statistics, given.past, int(given.state.seed), int(given.state.generation))

        def evaluate(given: Given) -> Evaluation:
            state, members, context = given.state, given.members, context_of(given)
            returns, steps, sums = block(state, context, members)
            fitness = judge(returns.mean(axis=1), state, members, play.on_nan)
            return Evaluation(fitness, int(steps), cast.learners.block_moments(sums, given.statistics))

        def trace(given: Given) -> jax.stages.Traced:
            return block.trace(given.state, context_of(given), given.members)

        return CompiledBlock(evaluate, trace, env.max_steps)

    return bind
