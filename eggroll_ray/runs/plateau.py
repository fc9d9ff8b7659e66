"""The end of a run whose tests have stopped getting better."""

import math
from collections.abc import Iterable


class Plateau:
    """Counts the generations since the tests of the mean parameters last got better.

    What it knows follows from the rows of metrics alone, so that a run that is resumed goes on counting.

    Attributes:
      reached: whether the run is at its end.
    """

    def __init__(self, patience: int | None, min_delta: float, tests: Iterable[tuple[int, float | None]] = ()):
        """Begins a run, or continues one.

        Args:
          patience: generations without a better test after which the run is at its end; None: never.
          min_delta: by how much a test must exceed the best one to count as better, at least 0.
          tests: of the part before: generation, and mean return or None.
        """
        self._patience, self._min_delta = patience, min_delta
        self._best, self._since, self.reached = -math.inf, 0, False
        for generation, mean_return in tests:
            self.take(generation, mean_return)

    def take(self, generation: int, mean_return: float | None) -> None:
        """Takes note of a test, None if there was none.

        Args:
          generation: that was tested.
          mean_return: mean over the episodes of the test.
        """
        if mean_return is None or math.isnan(mean_return):
            return
        if mean_return > self._best + self._min_delta or math.isinf(self._best):
            self._best, self._since = max(mean_return, self._best), generation
        self.reached = self._patience is not None and generation - self._since >= self._patience
