"""The best test of the mean parameters in a run, and the parameters that were tested.

The rows of metrics say which test is the best. Its parameters are copied when the test is made. The folder `best/`
holds them and the generation of the test. If it is missing or holds another test, they are rebuilt from the fitness
log.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.runs.metrics import Row
from eggroll_ray.runs.rows import episode_returns

FOLDER = "best"
_WRITE_SECONDS = 10.0  # shortest time between two writes without a checkpoint
_COPY_SHARE = 0.05  # largest share of a recorded run's time that copying the best parameters takes


@dataclasses.dataclass(frozen=True)
class Score:
    """The outcome of a test of the mean parameters.

    Attributes:
      generation: number of updates that had been applied.
      mean: mean fitness over the episodes, and over groups if there are several.
      std: standard deviation of the fitness over the episodes.
      episodes: number of episodes.
      digest: of the state that was tested; "" if it is not known.
    """

    generation: int
    mean: float
    std: float
    episodes: int
    digest: str = ""

    @classmethod
    def of(cls, generation: int, test: np.ndarray, digest: str) -> Self:
        """Sums up a test: the fitness in each episode, `(episodes,)` or `(episodes, groups)`."""
        return cls(generation, float(test.mean()), float(episode_returns(test).std()), len(test), digest)

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Self | None:
        """Reads the test out of a row of metrics, or of `best/`; None where there was none."""
        mean, generation = row.get("mean_policy_return"), row.get("generation")
        if not isinstance(mean, int | float) or type(generation) is not int or not math.isfinite(mean):
            return None
        names = ("mean_policy_return_std", "mean_policy_episodes", "digest")
        std, episodes, digest = (row.get(name) for name in names)
        return cls(
            generation,
            float(mean),
            float(std) if isinstance(std, int | float) else math.nan,
            episodes if type(episodes) is int else 0,
            digest if isinstance(digest, str) else "",
        )

    def row(self) -> Row:
        """Returns it under the names that it has in a row of metrics."""
        return {
            "generation": self.generation,
            "mean_policy_return": self.mean,
            "mean_policy_return_std": self.std,
            "mean_policy_episodes": self.episodes,
            "digest": self.digest,
        }


def is_better(one: Score, other: Score | None) -> bool:
    """Whether a test is better than another one. If they are equal, the earlier is better."""
    if other is None or one.mean != other.mean:
        return other is None or one.mean > other.mean
    return one.generation < other.generation


def best_of(rows: Iterable[Mapping[str, Any]]) -> Score | None:
    """Returns the best test of some rows of metrics, None if there is none."""
    best = None
    for row in rows:
        if "event" not in row and (found := Score.of_row(row)) is not None and is_better(found, best):
            best = found
    return best


def score_in_folder(run: Path) -> Score | None:
    """Returns the test that `best/` of a run is about, None if there is no such folder or it is damaged."""
    try:
        return Score.of_row(checkpoint.read_manifest(run / FOLDER))
    except (CheckpointError, OSError):
        return None


class BestSoFar:
    """Follows the tests of a run, and holds the parameters and statistics of the best one.

    Attributes:
      tested: the best test so far, None before the first.
      held: the parameters and statistics that were tested, `{"params": ..., "statistics": ...}` of NumPy arrays. None
        if they were not copied and have to be rebuilt.
    """

    def __init__(self, run: Path | None = None, rows: Iterable[Row] = ()):
        """Begins with what is known of a run.

        Args:
          run: the run folder. Without one, every new best is copied. With one, parameters can be rebuilt, so copies are
            made only as often as they take at most a twentieth of the time.
          rows: if the run is resumed, its earlier rows of metrics.
        """
        self._run, self.tested, self.held = run, best_of(rows), None
        self._unwritten = False
        self._copy_from, self._write_from = -math.inf, time.monotonic() + _WRITE_SECONDS

    def consider(self, tested: Score, snapshot: Callable[[], Mapping[str, Any]]) -> None:
        """Takes note of a test.

        Args:
          tested: the test.
          snapshot: returns the state that was tested, as a worker's snapshot.
        """
        again = self.tested is not None and self.held is None and tested == self.tested
        if not math.isfinite(tested.mean) or not (again or is_better(tested, self.tested)):
            return
        self.tested, self.held, self._unwritten = tested, None, False  # what was held is of another test
        started = time.monotonic()
        if self._run is None or started >= self._copy_from:
            self.hold(part_of(snapshot()))
            self._copy_from = time.monotonic() + (time.monotonic() - started) / _COPY_SHARE

    def hold(self, held: Mapping[str, Any]) -> None:
        """Keeps the parameters and statistics of the best test."""
        self.held, self._unwritten = held, True

    def load(self, template: Mapping[str, Any], generations: int) -> None:
        """Loads what `best/` holds, if it belongs to the best test of the rows or to a better test that has no row.

        Such a test exists because a run ends by testing the last parameters, for which no generation was evaluated.

        Args:
          template: a worker's snapshot.
          generations: that the run has done.
        """
        assert self._run is not None
        found = score_in_folder(self._run)
        if found is None or found.generation > generations:
            return
        try:
            if found == self.tested or is_better(found, self.tested):
                self.held, self.tested = checkpoint.load_folder(self._run / FOLDER, part_of(template)), found
        except CheckpointError:  # missing or damaged: it is rebuilt when needed
            return

    def is_due(self) -> bool:
        """Whether there is something to write, and the last write was long enough ago."""
        return self._unwritten and time.monotonic() >= self._write_from

    def save(self) -> None:
        """Writes `best/`, if there is something new to write.

        Raises:
          OSError: if writing fails; call it again later.
        """
        if self._run is None or not self._unwritten or self.tested is None or self.held is None:
            return
        self._write_from = time.monotonic() + _WRITE_SECONDS
        checkpoint.save_folder(self._run / FOLDER, self.held, self.tested.row())
        self._unwritten = False


def part_of(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the part of a worker's snapshot that a policy needs: parameters and statistics."""
    return {"params": snapshot["state"].params, "statistics": snapshot["statistics"]}
