"""Any past generation of a run from its seed and fitness log: the one way in which a state is rebuilt.

A run is its seed and its fitness log. Every state of it follows from these; a checkpoint only saves the way.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eggroll_ray.es.record import ES
from eggroll_ray.evaluators.record import Earlier, Evaluator
from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.fitness_log import FitnessLog
from eggroll_ray.workers.messages import Outcome
from eggroll_ray.workers.plan import Plan
from eggroll_ray.workers.worker import Worker


class Replay:
    """The past of a recorded run, which may be going on.

    Attributes:
      log: the fitness log, read only.
    """

    def __init__(self, run: Path | str, evaluator: Evaluator, strategy: ES, plan: Plan):
        """Opens a record.

        Args:
          run: the run folder.
          evaluator: of the run.
          strategy: of the run.
          plan: of the run.

        Raises:
          CheckpointError: when the fitness log is of another run.
        """
        self._run, self._evaluator, self._strategy, self._plan = Path(run), evaluator, strategy, plan
        self.log = FitnessLog(self._run, plan, evaluator.moments, writable=False)

    def state_before(self, generation: int, template: Any) -> tuple[Any, list[Outcome]]:
        """Returns the newest snapshot at or before a generation (None: the start), and the outcomes from it to there.

        Where evaluations need earlier generations, the snapshot is from before all of these: they are rebuilt on the
        way.

        Args:
          generation: number of updates.
          template: a snapshot of the same structure, as a new worker gives it.

        Raises:
          CheckpointError: for a generation that the log does not hold.
        """
        keeps = self._evaluator.keeps
        first = generation if keeps is None else min(keeps(generation), default=generation)
        reached = [number for number in checkpoint.checkpoints(self._run) if number <= first]
        if not reached:
            return None, list(self.log.read(0, generation))
        snapshot = checkpoint.load_checkpoint(self._run, reached[-1], template)
        return snapshot, list(self.log.read(reached[-1], generation))

    def newest(self) -> int:
        """Returns the generation of the newest checkpoint, or of the end of the log where there is none."""
        saved = checkpoint.checkpoints(self._run)
        return saved[-1] if saved else len(self.log)

    def worker_at(self, generation: int, *, from_start: bool = False) -> Worker:
        """Returns a worker of this process in the state after some updates.

        Args:
          generation: number of updates.
          from_start: by the seed and the log alone, without a checkpoint.

        Raises:
          CheckpointError: for a generation that the log does not hold.
        """
        worker = Worker(self._strategy, self._evaluator, self._plan)
        if from_start:
            worker.catch_up(None, list(self.log.read(0, generation)))
        else:
            worker.catch_up(*self.state_before(generation, worker.snapshot()))
        return worker

    def means(self, generations: Sequence[int]) -> list[Earlier]:
        """Rebuilds the mean parameters of generations, in rising order, from the seed and the fitness log alone.

        Raises:
          ValueError: when they are not rising.
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
