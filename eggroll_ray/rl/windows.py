"""Episodes in windows: each generation plays a fixed number of steps of an episode, and the next one continues it.

Letters in shapes: `n` members, `e` episodes per member.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from eggroll_ray.compiling.program import SharedProgram
from eggroll_ray.es.record import ESState, Perturbation
from eggroll_ray.evaluators.members import generation_key, member_keys, perturb_block
from eggroll_ray.evaluators.record import CompiledBlock, Earlier, EvaluateBlock, Evaluation, Given, judge
from eggroll_ray.rl.env import Env
from eggroll_ray.rl.episodes import Loop, begin_episodes, fitness_of, play_episodes
from eggroll_ray.rl.rollout import Cast, Play, split_keys


class _Held(NamedTuple):
    """The episodes of a block between two generations."""

    generation: int  # the generation that continues them
    source: Earlier  # the mean at the generation that played them last
    loop: Loop


def episode_so_far(windows: int) -> Callable[[int], range]:
    """Returns the `Evaluator.keeps` for episodes of `windows` windows: all generations since the episode began."""
    return lambda generation: range(generation - generation % windows, generation + 1)


def windowed_episodes(env: Env, cast: Cast, play: Play) -> Callable[[Perturbation], EvaluateBlock]:
    """Returns the `Evaluator.bind` of episodes in windows.

    All episodes begin in the same generation, and a worker keeps those of its blocks. If a worker gets a block that
    another worker had before, it replays the block's episodes with the means of the generations since they began. It
    runs the same programs, so the result has the same bits.
    """
    window = play.window
    assert window is not None
    windows = -(-env.max_steps // window)

    def bind(perturb: Perturbation) -> EvaluateBlock:
        held: dict[int, _Held] = {}

        def episode_keys(state: ESState, first: Array, members: Array) -> Key[Array, "n e"]:
            key = generation_key(state._replace(generation=first))
            return split_keys(member_keys(key, members, play.shared_by), play.episodes)

        @SharedProgram
        def begin(state: ESState, members: Array) -> Loop:
            return begin_episodes(env, cast, episode_keys(state, state.generation, members))

        @functools.partial(SharedProgram, simulates=True)
        def go_on(state: ESState, first: Array, context: Any, members: Array, loop: Loop) -> tuple[Loop, Array]:
            keys = episode_keys(state, first, members)
            loop = loop._replace(
                totals=jnp.zeros_like(loop.totals), steps=jnp.int32(0), sums=cast.learners.sums(len(loop.alive))
            )
            stop = jnp.minimum((state.generation - first + 1) * window, env.max_steps)
            loop = play_episodes(env, cast, perturb_block(perturb, state, members), context, keys, loop, stop)
            return loop, fitness_of(cast, loop, keys)

        def evaluate(given: Given) -> Evaluation:
            state, statistics, members, past = given
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
            returns, steps, sums = jax.device_get((returns, loop.steps, loop.sums))
            fitness = judge(returns.mean(axis=1), state, members, play.on_nan)
            return Evaluation(fitness, int(steps), cast.learners.block_moments(sums, statistics))

        def trace(given: Given) -> jax.stages.Traced:
            state, statistics, members, past = given
            number = int(state.generation)
            context = cast.context(statistics, past, int(state.seed), number)
            first = jnp.int32(number - number % windows)
            return go_on.trace(state, first, context, members, begin.trace(state, members).out_info)

        return CompiledBlock(evaluate, trace, window)

    return bind
