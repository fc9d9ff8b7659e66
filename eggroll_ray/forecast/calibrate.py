"""Measures how fast this machine is with a model, using a real worker on a few blocks and two small populations."""

import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from eggroll_ray.es.record import ES
from eggroll_ray.evaluators.record import Evaluator
from eggroll_ray.forecast.cost import Rates
from eggroll_ray.workers.fitness_vector import PackedPairs, pack_fitness
from eggroll_ray.workers.messages import Outcome, Reply, Request, Work
from eggroll_ray.workers.plan import Plan
from eggroll_ray.workers.pool import LocalPool
from eggroll_ray.workers.results import Gathering
from eggroll_ray.workers.worker import Worker

_ROUNDS = 4  # blocks per thread that are timed, if there are enough members
_COPIES = 256  # least number of blocks with which the driver's time is measured


class Calibration(NamedTuple):
    """What was measured."""

    rates: Rates
    steps: float  # environment steps per member, 1 if there are none
    members: int  # the largest population that was measured


def calibrate(
    evaluator: Evaluator, strategy: ES, plan: Plan, threads: int, *, members: int = 4096, repeats: int = 5
) -> Calibration:
    """Measures the rates of the device of this process, with the initial parameters.

    Blocks are timed `threads` at a time if the evaluator allows it. The update is timed for two populations, and the
    difference gives the time per member.

    Args:
      evaluator: what is optimised.
      strategy: how it is optimised.
      plan: plan of the run to predict, whose blocks are evaluated.
      threads: number of blocks to evaluate at once, on a CPU.
      members: the largest population to measure, unless a single round of blocks is larger.
      repeats: number of repetitions, of which the median is used.
    """
    worker = Worker(strategy, evaluator, plan, threads)
    pool = LocalPool(worker, plan)
    at_once = threads if evaluator.concurrent and jax.default_backend() == "cpu" else 1
    rounds = max(1, min(_ROUNDS, members // (at_once * plan.block_size)))
    blocks = tuple(range(min(rounds * at_once, plan.blocks)))
    reply = worker.step(Request(0, (), blocks))  # compiles
    some, none = _evaluation(pool, blocks, repeats)
    driver_block = _driver_block(reply, plan, repeats)
    most = min(members, plan.population_size)

    def outcome(size: int, fitness: np.ndarray) -> Outcome:
        moments = evaluator.total((reply.moments[0],) * max(1, size // plan.block_size))
        return Outcome(worker.number, pack_fitness(fitness) if plan.signs_only else fitness, (moments,))

    fixed, member = _update(worker, plan.groups, most, repeats, outcome)
    rates = Rates(
        block=max(0.0, some.evaluation - none.evaluation) / len(blocks),
        generation=none.evaluation,
        update=fixed,
        update_member=member,
        at_once=min(at_once, len(blocks)),
        driver=max(0.0, some.driver - driver_block * len(blocks)),
        driver_block=driver_block,
    )
    evaluated, steps = len(blocks) * plan.block_size, int(reply.steps.sum())
    return Calibration(rates, steps / evaluated if steps else 1.0, max(evaluated, most))


class _Seconds(NamedTuple):
    evaluation: float
    driver: float


def _evaluation(pool: LocalPool, blocks: tuple[int, ...], repeats: int) -> tuple[_Seconds, _Seconds]:
    """Returns the seconds of a generation with these blocks, and of one without blocks."""

    def step(blocks: tuple[int, ...]) -> _Seconds:
        before = time.perf_counter()
        found = pool.step(Request(0, (), blocks), lambda: False)
        return _Seconds(found.evaluate_seconds, time.perf_counter() - before - found.evaluate_seconds)

    some, none = [], []
    for _ in range(repeats):
        some.append(step(blocks))
        none.append(step(()))
    return _medians(some), _medians(none)


def _driver_block(reply: Reply, plan: Plan, repeats: int) -> float:
    """Returns the driver's seconds per additional block.

    It is measured with many copies of a reply, because the time for a few blocks is below the measurement noise.
    """
    copies = _COPIES // len(reply.blocks) + 1
    many = dataclasses.replace(
        reply,
        blocks=np.arange(copies * len(reply.blocks), dtype=np.int32),
        fitness=_copied(reply.fitness, copies),
        spread=np.tile(reply.spread, (copies, 1)),
        steps=np.tile(reply.steps, copies),
        moments=reply.moments * copies,
    )
    seconds: list[list[float]] = [[], []]
    for repeat in range(repeats + 1):
        for given, times in zip((reply, many), seconds, strict=True):
            whole = dataclasses.replace(plan, population_size=len(given.blocks) * plan.block_size)
            before = time.perf_counter()
            gathering = Gathering(whole, Work(tuple(given.blocks.tolist())))
            gathering.add(0, given)
            gathering.result({})
            if repeat:
                times.append(time.perf_counter() - before)
    small, large = map(statistics.median, seconds)
    return max(0.0, large - small) / (len(many.blocks) - len(reply.blocks))


def _copied(fitness: np.ndarray | PackedPairs, copies: int) -> np.ndarray | PackedPairs:
    if isinstance(fitness, PackedPairs):
        return pack_fitness(np.tile(fitness.fitness(), copies))
    return np.tile(fitness, copies)


def _medians(seconds: list[_Seconds]) -> _Seconds:
    return _Seconds(*map(statistics.median, zip(*seconds, strict=True)))


def _update(
    worker: Worker, groups: int, members: int, repeats: int, outcome: Callable[[int, np.ndarray], Outcome]
) -> tuple[float, float]:
    """Returns the seconds of an update: the part independent of the population, and the part per member."""
    draw = np.random.default_rng(0)
    sizes = sorted({members, max(2, members // 8 * 2)})
    seconds: list[list[float]] = [[] for _ in sizes]
    for repeat in range(repeats + 1):
        for size, times in zip(sizes, seconds, strict=True):
            given = outcome(size, draw.normal(size=size * groups).astype(np.float32))
            before = time.perf_counter()
            worker.update(given)
            if repeat:  # the first compiles
                times.append(time.perf_counter() - before)
    medians = [statistics.median(times) for times in seconds]
    if len(sizes) == 1:
        return 0.0, medians[0] / members
    slope = max(0.0, (medians[1] - medians[0]) / (sizes[1] - sizes[0]))
    return max(0.0, medians[1] - slope * sizes[1]), slope
