"""Rebuilds any past generation of a run from its seed and fitness log. No other code rebuilds states.

Every state of a run follows from its seed and its fitness log. A checkpoint only makes rebuilding faster.
"""

import dataclasses
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from eggroll_ray.es.record import ES
from eggroll_ray.evaluators.record import Earlier, Evaluator
from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.runs.fitness_log import FitnessLog
from eggroll_ray.runs.history import load_history
from eggroll_ray.runs.settings import strategy_as_begun
from eggroll_ray.workers.messages import Outcome
from eggroll_ray.workers.plan import Plan
from eggroll_ray.workers.worker import Worker

_log = logging.getLogger(__name__)


def _warn(event: str, detail: str) -> None:
    _log.warning("%s: %s", event, detail)


@dataclasses.dataclass(frozen=True)
class Rebuilt:
    """The result of rebuilding a run from its seed and its log.

    Attributes:
      worker: a worker in the requested state.
      compared: the generations whose digest was recorded and has been compared.
      differ: those of them whose state differs: generation, recorded digest, rebuilt digest.
    """

    worker: Worker
    compared: tuple[int, ...]
    differ: tuple[tuple[int, str, str], ...]


class Replay:
    """The past of a recorded run, which may still be going on.

    Attributes:
      log: the fitness log, read only.
    """

    def __init__(
        self,
        run: Path | str,
        evaluator: Evaluator,
        strategy: ES,
        plan: Plan,
        on_event: Callable[[str, str], object] = _warn,
    ):
        """Opens a record.

        Args:
          run: the run folder.
          evaluator: of the run.
          strategy: of the run.
          plan: of the run.
          on_event: called for each checkpoint that is skipped because it is damaged.

        Raises:
          CheckpointError: if the fitness log belongs to another run.
        """
        self._on_event = on_event
        self._run, self._evaluator, self._plan = Path(run), evaluator, plan
        self._strategy = strategy_as_begun(strategy, self._run)
        self.log = FitnessLog(self._run, plan, evaluator.moments, writable=False)

    def state_before(self, generation: int, template: Any) -> tuple[Any, list[Outcome]]:
        """Returns the newest snapshot at or before a generation (None: the start), and the outcomes that follow it.

        If evaluations need earlier generations, the snapshot is from before all of these, so that they are rebuilt as
        well. A damaged snapshot is skipped; an earlier one, or the start, takes its place.

        Args:
          generation: number of updates.
          template: a snapshot of the same structure, as a new worker gives it.

        Raises:
          CheckpointError: if the log does not hold the generation, or the outcomes between it and every snapshot.
        """
        keeps = self._evaluator.keeps
        first = generation if keeps is None else min(keeps(generation), default=generation)
        reached = [number for number in checkpoint.checkpoints(self._run) if number <= first]
        damaged: list[str] = []
        found = checkpoint.newest_checkpoint(self._run, reached, template, damaged.append, keeps is not None)
        start, snapshot = (0, None) if found is None else found
        for text in damaged:
            self._on_event("checkpoint damaged", f"{text} The run is rebuilt from generation {start} on.")
        try:
            return snapshot, list(self.log.read(start, generation))
        except CheckpointError as error:
            raise CheckpointError(" ".join([*damaged, str(error)])) from error

    def newest(self) -> int:
        """Returns the generation of the newest checkpoint, or of the end of the log if there is none."""
        saved = checkpoint.checkpoints(self._run)
        return saved[-1] if saved else len(self.log)

    def worker_at(self, generation: int, *, from_start: bool = False) -> Worker:
        """Returns a worker in this process, in the state after a number of updates.

        Args:
          generation: number of updates.
          from_start: use only the seed and the log, and no checkpoint.

        Raises:
          CheckpointError: for a generation that the log does not hold.
        """
        worker = Worker(self._strategy, self._evaluator, self._plan)
        if from_start:
            worker.catch_up(None, list(self.log.read(0, generation)))
        else:
            worker.catch_up(*self.state_before(generation, worker.snapshot()))
        return worker

    def rebuild(self, generation: int) -> Rebuilt:
        """Rebuilds a run from its seed and its log alone, and compares every state whose digest was recorded.

        Args:
          generation: number of updates.

        Raises:
          CheckpointError: for a generation that the log does not hold.
        """
        worker, recorded = self.worker_at(0, from_start=True), self._recorded_digests()
        compared, differ = [], []
        for number in range(generation + 1):
            worker.advance(self.log.read(worker.number, number))
            if number in recorded:
                compared.append(number)
                digest = worker.digest()
                differ += [(number, known, digest) for known in recorded[number] if known != digest]
        return Rebuilt(worker, tuple(compared), tuple(differ))

    def _recorded_digests(self) -> dict[int, list[str]]:
        """Returns the recorded digests of each generation: in rows of metrics, checkpoints and the result."""
        history = load_history(self._run)
        found = [(row.get("generation"), row.get("digest")) for row in history.rows]
        found += [(at, checkpoint.recorded_digest(self._run, at)) for at in checkpoint.checkpoints(self._run)]
        if history.result is not None:
            found.append((history.result.get("generations"), history.result.get("digest")))
        recorded: dict[int, list[str]] = {}
        for number, digest in found:
            if isinstance(number, int) and isinstance(digest, str) and digest:
                recorded.setdefault(number, []).append(digest)
        return {number: sorted({*digests}) for number, digests in recorded.items()}

    def means(self, generations: Sequence[int]) -> list[Earlier]:
        """Rebuilds the mean parameters of generations, given in rising order, from the seed and the fitness log alone.

        Raises:
          ValueError: if they are not in rising order.
          CheckpointError: for a generation that the log does not hold.
        """
        if list(generations) != sorted(set(generations)):
            raise ValueError(f"generations={list(generations)} must rise; give {sorted(set(generations))}.")
        worker = self.worker_at(0, from_start=True)
        means = []
        for number in generations:
            worker.advance(self.log.read(worker.number, number))
            means.append(worker.mean())
        return means
