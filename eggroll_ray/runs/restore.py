"""What a recorded run is continued and rebuilt from: a checkpoint, and the fitness log from there on."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.fitness_log import FitnessLog
from eggroll_ray.workers.messages import Outcome

Keeps = Callable[[int], Collection[int]] | None  # see `Evaluator.keeps`


def load_state(
    run: Path, log: FitnessLog, template: Any, generation: int, keeps: Keeps = None
) -> tuple[Any, list[Outcome]]:
    """Returns the newest snapshot at or before a generation (None: the start), and the outcomes from it to there.

    Where evaluations need earlier generations, the snapshot is from before all of these: they are rebuilt on the way.

    Args:
      run: the run folder.
      log: its fitness log.
      template: a snapshot of the same structure, as a new worker gives it.
      generation: number of updates.
      keeps: the evaluator's.
    """
    first = generation if keeps is None else min(keeps(generation), default=generation)
    reached = [number for number in checkpoint.checkpoints(run) if number <= first]
    if not reached:
        return None, list(log.read(0, generation))
    snapshot = checkpoint.load_checkpoint(run, reached[-1], template)
    return snapshot, list(log.read(reached[-1], generation))
