"""The results of one generation as they come in: in any order, some twice, some from a worker not to be trusted."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from eggroll_ray.evaluators.record import FitnessError, no_total
from eggroll_ray.workers.fitness_vector import PackedPairs, flatten, pack_signs, unflatten
from eggroll_ray.workers.messages import Outcome, Reply, Work
from eggroll_ray.workers.plan import Plan

Total = Callable[[Sequence[Any]], Any]

_DROPPED = 2  # in place of the sign of a pair that has no result


@dataclasses.dataclass(frozen=True)
class Round:
    """One generation, evaluated: the same whoever evaluated what.

    Attributes:
      complete: whether every block is there; the rest has no meaning otherwise.
      fitness: `(n,)` float32, or packed signs.
      spread: count, sum, sum of squares, lowest and highest of the finite fitness, and members whose fitness differed
        from that of others until it became float32.
      steps: environment steps.
      moments: of each block, in block order.
      failures: a text for each member that failed.
      test: fitness of the mean parameters in each episode, None where that was not asked for.
      digest: of the parameters at the start of the generation, on which all workers agree.
      metrics: of the update to this generation, empty when there was none.
      update_seconds: of the slowest worker.
      evaluate_seconds: of the slowest worker.
      pool: what the pool tells of its workers, for the row of metrics.
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
    """Collects replies. Of a block that comes twice the first result counts; it would be the same bits."""

    def __init__(self, plan: Plan, work: Work):
        """Waits for the results of some work.

        Args:
          plan: of the run.
          work: what is to be evaluated.
        """
        self._plan = plan
        each = plan.block_results // 2 if plan.signs_only else plan.block_results
        # Signs of pairs as int8, or fitness of members as float32.
        self._values = np.zeros((plan.blocks, each), np.int8 if plan.signs_only else np.float32)
        self._spread = np.zeros((plan.blocks, 6))
        self._steps = np.zeros(plan.blocks, np.int64)
        self._moments: list[Any] = [()] * plan.blocks
        self._failures: dict[int, list[str]] = {}
        self._test: np.ndarray | None = None
        self._sources: dict[int, int] = {}  # block -> worker
        self._tester: int | None = None  # worker whose test is kept
        self._replies: list[tuple[int, Reply]] = []
        self._missing = set(work.blocks)
        self._test_missing = work.test

    @property
    def missing(self) -> Work:
        """What has not come in yet."""
        return Work(tuple(sorted(self._missing)), self._test_missing)

    @property
    def complete(self) -> bool:
        """Whether all has come in."""
        return not self._missing and not self._test_missing

    def add(self, worker: int, reply: Reply) -> int:
        """Takes in a reply, and returns how many of its results were there already, the test among them."""
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
        """Returns the digest that each worker named last."""
        return {worker: reply.digest for worker, reply in self._replies}

    def discard(self, worker: int) -> Work:
        """Forgets all that a worker has sent, and returns what is missing again."""
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
        """Returns what has come in."""
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

    The lowest finite fitness (of its group) takes the place of a member that counts as the worst (-inf).

    Raises:
      FitnessError: when no pair is left, with what the first member that failed has raised.
    """
    fitness = found.fitness
    if isinstance(fitness, PackedPairs):
        usable = len(fitness.dropped) < fitness.pairs and found.spread[0] > 0
    elif found.spread[0] == len(fitness):
        usable = True  # all are finite, as a rule
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
    """Decides what a generation that was evaluated comes to: what is logged, and what every worker's update takes.

    Args:
      found: the generation.
      number: its number.
      groups: of parameters.
      total: of the evaluator, see `Evaluator.total`.

    Raises:
      FitnessError: see `usable_fitness`.
    """
    return Outcome(number, usable_fitness(found, number, groups), (total(found.moments),))
