"""Collects the results of one generation. They come in any order, some twice, some from workers that are distrusted."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from eggroll_ray.evaluators.record import FitnessError, no_total
from eggroll_ray.workers.fitness_vector import PackedPairs, flatten, pack_signs, unflatten
from eggroll_ray.workers.messages import Outcome, Reply, Work
from eggroll_ray.workers.plan import Plan

Total = Callable[[Sequence[Any]], Any]

_DROPPED = 2  # marks a pair without a result, where the others have a sign


@dataclasses.dataclass(frozen=True)
class Round:
    """The results of one generation. They do not depend on which worker evaluated which block.

    Attributes:
      complete: whether all results have come in. If not, the other fields are meaningless.
      fitness: `(n,)` float32, or packed signs.
      spread: count, sum, sum of squares, lowest and highest of the finite fitness, and the number of members whose
        fitness differed from that of others only before it was rounded to float32.
      steps: number of environment steps.
      moments: one entry per block, in block order.
      failures: a text for each member that failed.
      test: fitness of the mean parameters in each episode, or None if no test was asked for.
      digest: digest of the state at the start of the generation, on which all workers agree.
      metrics: metrics of the update to this generation; empty if there was none.
      update_seconds: seconds that the slowest worker took for the update.
      evaluate_seconds: seconds that the slowest worker took for the rest of its call.
      pool: fields about the workers for the row of metrics.
    """

    complete: bool
    fitness: np.ndarray | PackedPairs
    spread: np.ndarray
    steps: int
    moments: tuple[Any, ...]
    failures: tuple[str, ...]
    test: np.ndarray | None
    digest: str
    metrics: dict[str, float]
    update_seconds: float
    evaluate_seconds: float
    pool: dict[str, Any] = dataclasses.field(default_factory=dict)


class Gathering:
    """Collects replies. If a block comes twice, the first result is kept; both are the same bits."""

    def __init__(self, plan: Plan, work: Work):
        """Has no results yet.

        Args:
          plan: plan of the run.
          work: the work whose results are expected.
        """
        self._plan = plan
        each = plan.block_results // 2 if plan.signs_only else plan.block_results
        # One row per block: the signs of its pairs as int8, or the fitness of its members as float32.
        self._values = np.zeros((plan.blocks, each), np.int8 if plan.signs_only else np.float32)
        self._spread = np.zeros((plan.blocks, 6))
        self._steps = np.zeros(plan.blocks, np.int64)
        self._moments: list[Any] = [()] * plan.blocks
        self._failures: dict[int, list[str]] = {}
        self._test: np.ndarray | None = None
        self._sources: dict[int, int] = {}  # block -> worker
        self._tester: int | None = None  # worker whose test result is kept
        self._replies: list[tuple[int, Reply]] = []
        self._missing = set(work.blocks)
        self._test_missing = work.test

    @property
    def missing(self) -> Work:
        """The work whose results have not come in yet."""
        return Work(tuple(sorted(self._missing)), self._test_missing)

    @property
    def complete(self) -> bool:
        """Whether all results have come in."""
        return not self._missing and not self._test_missing

    def add(self, worker: int, reply: Reply) -> int:
        """Adds a reply. Returns how many of its results, the test included, were already known."""
        blocks = reply.blocks
        fresh = np.array([int(block) in self._missing for block in blocks], bool)
        kept = blocks[fresh]
        if len(kept):
            rows = self._rows(reply)
            self._values[kept] = rows if fresh.all() else rows[fresh]
            self._spread[kept] = reply.spread[fresh]
            self._steps[kept] = reply.steps[fresh]
            for place in np.flatnonzero(fresh):
                self._moments[blocks[place]] = reply.moments[place]
        taken = {int(block) for block in kept}
        for block in taken:
            self._failures[block] = [text for number, text in reply.failures if number == block]
        self._missing -= taken
        self._sources.update(dict.fromkeys(taken, worker))
        tests = reply.test is not None
        if fresh_test := tests and self._test_missing:
            self._test, self._tester, self._test_missing = reply.test, worker, False
        self._replies.append((worker, reply))
        return len(blocks) + tests - len(taken) - fresh_test

    def digests(self) -> dict[int, str]:
        """Returns the last digest that each worker sent."""
        return {worker: reply.digest for worker, reply in self._replies}

    def discard(self, worker: int) -> Work:
        """Drops all results of a worker, and returns the work that is missing again because of that."""
        blocks = tuple(block for block, source in self._sources.items() if source == worker)
        lost = Work(blocks, self._tester == worker)
        for block in blocks:
            del self._sources[block]
        self._missing |= set(blocks)
        if lost.test:
            self._tester, self._test_missing = None, True
        self._replies = [entry for entry in self._replies if entry[0] != worker]
        return lost

    def result(self, pool: dict[str, Any]) -> Round:
        """Returns the results that have come in.

        Args:
          pool: fields about the workers for the row of metrics.
        """
        replies = [reply for _, reply in self._replies]
        finite = self._spread[self._spread[:, 0] > 0]
        sums = finite[:, :3].sum(axis=0)
        lowest, highest = (finite[:, 3].min(), finite[:, 4].max()) if len(finite) else (np.nan, np.nan)
        return Round(
            complete=self.complete,
            fitness=self._fitness(),
            spread=np.array([*sums, lowest, highest, self._spread[:, 5].sum()]),
            steps=int(self._steps.sum()),
            moments=tuple(self._moments),
            failures=tuple(text for block in sorted(self._failures) for text in self._failures[block]),
            test=self._test,
            digest=replies[0].digest if replies else "",
            metrics=next((reply.metrics for reply in replies if reply.metrics), {}),
            update_seconds=max((reply.update_seconds for reply in replies), default=0.0),
            evaluate_seconds=max((reply.seconds - reply.update_seconds for reply in replies), default=0.0),
            pool=pool,
        )

    def _rows(self, reply: Reply) -> np.ndarray:
        if isinstance(reply.fitness, PackedPairs):
            signs = reply.fitness.signs()
            signs[reply.fitness.dropped] = _DROPPED
            return signs.reshape(len(reply.blocks), -1)
        return reply.fitness.reshape(len(reply.blocks), -1)

    def _fitness(self) -> np.ndarray | PackedPairs:
        values = self._values.reshape(-1)
        return pack_signs(values, np.flatnonzero(values == _DROPPED)) if self._plan.signs_only else values


def usable_fitness(found: Round, number: int, groups: int = 1) -> np.ndarray | PackedPairs:
    """Returns the fitness of a generation as it is logged and applied.

    A fitness of -inf marks a member as the worst. It is replaced by the lowest finite fitness (of its group).

    Raises:
      FitnessError: when no pair has two usable members. The message contains the first failure.
    """
    fitness = found.fitness
    if isinstance(fitness, PackedPairs):
        usable = len(fitness.dropped) < fitness.pairs and found.spread[0] > 0
    elif found.spread[0] == len(fitness):
        usable = True  # the usual case: all are finite
    else:
        by_group = unflatten(fitness, groups)
        lowest = np.where(np.isfinite(by_group), by_group, np.inf).min(axis=0)
        worst = (by_group == -np.inf) & np.isfinite(lowest)[None]
        fitness = flatten(np.where(worst, lowest[None], by_group).astype(np.float32))
        usable = np.isfinite(fitness).reshape(-1, 2).all(axis=1).any()
    if not usable:
        first = f"The first failure: {found.failures[0]}\n" if found.failures else ""
        raise FitnessError(
            f"no pair of generation {number} has a finite fitness in both members. {first}Run one member alone with "
            f"trainer.reproduce({number}, member=0); check the fitness for NaN, and sigma for being too large."
        )
    return fitness


def outcome_of(found: Round, number: int, groups: int = 1, total: Total = no_total) -> Outcome:
    """Returns the outcome of an evaluated generation: what is logged, and what the update of every worker takes.

    Args:
      found: the results of the generation.
      number: number of the generation.
      groups: number of groups of parameters.
      total: sums the moments of the blocks; see `Evaluator.total`.

    Raises:
      FitnessError: see `usable_fitness`.
    """
    return Outcome(number, usable_fitness(found, number, groups), (total(found.moments),))
