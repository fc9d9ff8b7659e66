"""What this machine takes for a model, measured on a few blocks and two small populations, by the worker itself."""

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

_ROUNDS = 4  # of blocks for each thread, as far as the members suffice
_COPIES = 256  # blocks at least, of which the driver's time is measured


class Calibration(NamedTuple):
    """What was measured, and on how many members at most."""

    rates: Rates
    steps: float  # environment steps per member, 1 where there are none
    members: int


def calibrate(
    evaluator: Evaluator, strategy: ES, plan: Plan, threads: int, *, members: int = 4096, repeats: int = 5
) -> Calibration:
    """Measures the rates of one device: this process, with the initial parameters.

    Blocks are timed `threads` at a time where the evaluator allows it. An update is timed for two populations, and
    what lies between them is put down to their members.

    Args:
      evaluator: what is optimised.
      strategy: how.
      plan: of the run that is to be predicted; its blocks are what is evaluated.
      threads: blocks evaluated at once, on a CPU.
      members: the largest population that is measured, where one round of blocks is no larger.
      repeats: of each measurement, of which the median counts.
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
    """The seconds of a generation with these blocks alone, and with none."""

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
    """Seconds of the driver for each further block: of copies of a reply, since a few blocks are lost in the noise."""
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
    """Seconds of an update whatever the population, and for each member."""
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
