"""Ends a run whose tests no longer improve."""

import math
from collections.abc import Iterable


class Plateau:
    """Counts the generations since the last improvement in the tests of the mean parameters.

    Its state follows from the rows of metrics alone, so a resumed run continues the count.

    Attributes:
      reached: whether the run must end.
    """

    def __init__(self, patience: int | None, min_delta: float, tests: Iterable[tuple[int, float | None]] = ()):
        """Begins a run, or continues one.

        Args:
          patience: the run ends after this number of generations without a better test; None never ends it.
          min_delta: a test counts as better only if it exceeds the best one by more than this; at least 0.
          tests: of a resumed run, the earlier tests: generation, and mean return or None.
        """
        self._patience, self._min_delta = patience, min_delta
        self._best, self._since, self.reached = -math.inf, 0, False
        for generation, mean_return in tests:
            self.take(generation, mean_return)

    def take(self, generation: int, mean_return: float | None) -> None:
        """Records a test.

        Args:
          generation: number of the generation that was tested.
          mean_return: mean over the episodes of the test; None if there was no test.
        """
        if mean_return is None or math.isnan(mean_return):
            return
        if mean_return > self._best + self._min_delta or math.isinf(self._best):
            self._best, self._since = max(mean_return, self._best), generation
        self.reached = self._patience is not None and generation - self._since >= self._patience
