"""Where else the rows of metrics go: what every such sink shares.

No sink can stop training: a failure is a warning once, and the rows are in the run's metrics.jsonl anyway. Each touches
the run folder with its first row only, since a new run's folder must not exist before, and goes on where it was when
the run is resumed.
"""

import contextlib
import importlib
import json
import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from eggroll_ray.runs.files import replace_file
from eggroll_ray.runs.metrics import Row

_log = logging.getLogger(__name__)

# The names of OpenAI's evolution-strategies-starter, where it has the number. Its Norm and GradNorm are squares; ours
# are Euclidean norms. Other keys keep our name.
OPENAI_NAMES = {
    "fitness_mean": "EpRewMean",
    "fitness_std": "EpRewStd",
    "episode_length_mean": "EpLenMean",
    "mean_policy_return": "EvalEpRewMean",
    "mean_policy_return_std": "EvalEpRewStd",
    "mean_policy_rank": "EvalPopRank",
    "mean_policy_episodes": "EvalEpCount",
    "params_norm": "Norm",
    "gradient_norm": "GradNorm",
    "update_ratio": "UpdateRatio",
    "episodes": "EpisodesThisIter",
    "total_episodes": "EpisodesSoFar",
    "steps": "TimestepsThisIter",
    "total_steps": "TimestepsSoFar",
    "workers": "UniqueWorkers",
    "results_skipped_share": "ResultsSkippedFrac",
    "time_generation": "TimeElapsedThisIter",
    "time": "TimeElapsed",
}

_RETRY_SECONDS = (1.0, 10.0, 60.0)  # waits before a row that failed is tried again
_CLOSE_SECONDS = 30.0  # how long `close` waits for rows that are still under way
_MOST_WAITING = 100_000  # rows kept while a server is away


def scalars(row: Row) -> dict[str, float]:
    """Returns the numbers of a row by the name they are shown under, without the generation.

    Args:
      row: of metrics; a nested dictionary becomes `key/name`, and what is no number is left out.
    """
    return {OPENAI_NAMES.get(key, key): value for key, value in numbers(row) if key != "generation"}


def numbers(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yields the numbers of a row by key; those of a nested dictionary as `key/name`."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from numbers(value, f"{prefix}{key}/")
        elif isinstance(value, bool | int | float):
            yield f"{prefix}{key}", float(value)


def describe(event: Row) -> str:
    """Writes an event in one line for people."""
    worker = "" if event.get("worker") is None else f" ({event['worker']})"
    return f"{event['event']}{worker}: {event.get('detail', '')}"


class Guard:
    """Calls what may fail, so that it cannot stop training: the first failure is a warning, later ones are quiet."""

    def __init__(self, name: str) -> None:
        """Takes the name that stands in log lines."""
        self._name = name
        self._failed = False

    def __call__(self, act: Callable[..., object], *arguments: Any) -> bool:
        """Returns whether the call went well."""
        try:
            act(*arguments)
        except Exception as error:  # whatever a library or a disk comes up with
            level = logging.DEBUG if self._failed else logging.WARNING
            self._failed = True
            text = "%s failed: %s: %s (training goes on; further failures of it are logged at level DEBUG)"
            _log.log(level, text, self._name, type(error).__name__, error)
            return False
        return True


class Background:
    """Hands rows to a thread of its own, so that a slow or dead server cannot hold up training.

    A row that cannot be written is tried again a few times, while later rows wait behind it.
    """

    def __init__(self, name: str, write: Callable[[Row], object], finish: Callable[[], object]) -> None:
        """Starts nothing yet: the thread begins with the first row.

        Args:
          name: stands in log lines.
          write: called with each row in order, in the thread; a call that raises is repeated.
          finish: called in the thread after the last row.
        """
        self._guard = Guard(name)
        self._name, self._write, self._finish = name, write, finish
        self._rows: queue.SimpleQueue[Row | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._lost = 0

    def __call__(self, row: Row) -> None:
        """Takes a row and returns at once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=f"eggroll-{self._name}", daemon=True)
            self._thread.start()
        if self._rows.qsize() < _MOST_WAITING:
            self._rows.put(row)
        else:
            self._lost += 1

    def close(self) -> None:
        """Waits some seconds for what is under way; does nothing the second time."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._closing.set()
        self._rows.put(None)
        thread.join(_CLOSE_SECONDS)
        lost = self._lost + (self._rows.qsize() if thread.is_alive() else 0)
        if lost:
            _log.warning("%s lacks %d rows of this run; metrics.jsonl has them all", self._name, lost)

    def _work(self) -> None:
        while (row := self._rows.get()) is not None:
            if not self._send(row):
                self._lost += 1
        self._guard(self._finish)

    def _send(self, row: Row) -> bool:
        for wait in _RETRY_SECONDS:
            if self._guard(self._write, row):
                return True
            if self._closing.wait(wait):
                break
        return self._guard(self._write, row)


class Events:
    """The events since the last row of a generation; they go out with the next one."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.generation = 0
        self.failed = False
        self._counts: Counter[str] = Counter()

    def add(self, event: Row) -> None:
        """Takes in an event."""
        self._counts[f"events/{event['event']}"] += 1
        self.lines.append(describe(event))
        self.generation = event["generation"]
        self.failed = event["event"] == "failed"

    def counts(self) -> dict[str, float]:
        """Returns how many there were of each kind, by `events/<kind>`."""
        return dict(self._counts)

    def clear(self) -> None:
        """Forgets them: they have gone out."""
        self._counts.clear()
        self.lines.clear()


def import_tracker(module: str, what: str, extra: str) -> Any:
    """Imports the package of a tracker; the ImportError of a missing one names the extra that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"{what} needs another package: pip install 'eggroll-ray[{extra}]' ({error})") from error


def remembered(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Reads a small JSON file, after making it if it is missing."""
    with contextlib.suppress(FileNotFoundError):
        return json.loads(path.read_text())
    values = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, json.dumps(values).encode())
    return values
