"""Keeps track of the tests of a run: the last, the best, and whether the target is reached."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from eggroll_ray.runs.best import BestSoFar, Score, part_of
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.runs.plateau import Plateau
from eggroll_ray.runs.watch import Watch
from eggroll_ray.workers.worker import Worker

Snapshot = Callable[[], Mapping[str, Any]]  # of the state that is tested


class TestsSoFar:
    """The tests of the mean parameters of a run so far.

    Attributes:
      best: the best test.
      last: fitness in each episode of the last test; None before the first.
      plateau: says whether the tests have stopped improving.
    """

    def __init__(
        self, watch: Watch, best: BestSoFar, comparable: bool, before: Iterable[tuple[int, float | None]] = ()
    ):
        """Begins a run, or continues one.

        Args:
          watch: when there is a test, and the target.
          best: the best test of the part before a resume.
          comparable: whether tests of different generations can be compared. In self-play they cannot, because each
            has other opponents.
          before: the tests of the part before a resume: generation, and mean return or None.
        """
        self.plateau = Plateau(watch.patience, watch.min_delta, before)
        self._watch, self.best, self._comparable = watch, best, comparable
        self.last: np.ndarray | None = None
        self._last_of = -1  # updates that had been applied

    def is_due(self, generation: int) -> bool:
        """Whether the parameters of a generation must be tested."""
        return self._watch.every > 0 and generation % self._watch.every == 0

    def is_missing(self, generation: int) -> bool:
        """Whether the final parameters of a run must be tested and have not been."""
        return self._watch.every > 0 and self._last_of != generation

    def of(self, generation: int) -> np.ndarray | None:
        """Returns the last test if it was of this generation, None otherwise."""
        return self.last if self._last_of == generation else None

    def take(self, generation: int, test: np.ndarray, digest: str, snapshot: Snapshot) -> None:
        """Records the test of the state that the workers hold."""
        self.last, self._last_of = test, generation
        if self._comparable:
            self.best.consider(Score.of(generation, test, digest), snapshot)

    def confirms(self, generation: int, mean_return: float | None, again: Callable[[], np.ndarray]) -> bool:
        """Whether the target is reached. A second test, on other fresh episodes, must confirm the first.

        Args:
          generation: number of the generation that was tested.
          mean_return: mean return of the first test; None if there was none.
          again: runs the second test.
        """
        target = self._watch.target
        if target is None or mean_return is None or mean_return < target:
            return False
        test = again()
        confirmed = float(test.mean()) >= target
        if confirmed:
            self.last, self._last_of = test, generation
        return confirmed

    def best_found(
        self, rebuild: Callable[[int], Worker] | None, on_event: Callable[[str, str], object]
    ) -> tuple[Score, Mapping[str, Any]] | None:
        """Returns the best test, with the parameters and statistics that it was of.

        None if there is none, if tests cannot be compared, and if the parameters were not kept and cannot be rebuilt.

        Args:
          rebuild: returns a worker in the state of a generation, from the fitness log; None if there is no time for it,
            or no log.
          on_event: is told if the parameters cannot be rebuilt, or not with the same bits.
        """
        tested = self.best.tested if self._comparable else None
        if tested is not None and self.best.held is None and rebuild is not None:
            try:
                worker = rebuild(tested.generation)
            except CheckpointError as error:  # the log could not be written
                on_event("best not rebuilt", str(error))
                return None
            if tested.digest and worker.digest() != tested.digest:
                on_event("best differs", f"generation {tested.generation} was rebuilt here with other last bits")
            self.best.hold(part_of(worker.snapshot()))
        return None if tested is None or self.best.held is None else (tested, self.best.held)
