"""The common parts of the sinks, through which metrics also go to trackers such as TensorBoard.

These sinks cannot stop training. The first failure is logged as a warning, and the rows are in the run's metrics.jsonl
in any case. A sink writes to the run folder only when it gets its first row, because the folder of a new run must not
exist before. When a run is resumed, a sink continues what it wrote before.
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

# The names of OpenAI's evolution-strategies-starter for the numbers that it has as well. Its Norm and GradNorm are
# squared norms, but ours are Euclidean norms. All other numbers keep our names.
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

_RETRY_SECONDS = (1.0, 10.0, 60.0)  # waiting times before a row that failed is sent again
_CLOSE_SECONDS = 30.0  # how long `close` waits for rows that are not sent yet
_MOST_WAITING = 100_000  # most rows that are kept while a server does not answer


def scalars(row: Row) -> dict[str, float]:
    """Returns the numbers of a row under the names by which they are displayed, without the generation.

    Args:
      row: a row of metrics. Entries of a nested dictionary get the name `key/name`. Values that are not numbers are
        left out.
    """
    return {OPENAI_NAMES.get(key, key): value for key, value in numbers(row) if key != "generation"}


def numbers(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yields the numbers of a row with their keys. Entries of a nested dictionary get the key `key/name`."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from numbers(value, f"{prefix}{key}/")
        elif isinstance(value, bool | int | float):
            yield f"{prefix}{key}", float(value)


def describe(event: Row) -> str:
    """Returns an event as one line of text."""
    worker = "" if event.get("worker") is None else f" ({event['worker']})"
    return f"{event['event']}{worker}: {event.get('detail', '')}"


class Guard:
    """Calls functions so that their exceptions do not stop training. The first one is logged as a warning."""

    def __init__(self, name: str) -> None:
        """Takes the name for messages in the log."""
        self._name = name
        self._failed = False

    def __call__(self, act: Callable[..., object], *arguments: Any) -> bool:
        """Calls a function, and returns whether it succeeded."""
        try:
            act(*arguments)
        except Exception as error:  # a library or a disk may raise anything
            level = logging.DEBUG if self._failed else logging.WARNING
            self._failed = True
            text = "%s failed: %s: %s (training goes on; further failures of it are logged at level DEBUG)"
            _log.log(level, text, self._name, type(error).__name__, error)
            return False
        return True


class Background:
    """Sends rows from a thread of its own, so that a slow or dead server cannot delay training.

    A row that cannot be sent is tried again a few times, while later rows wait.
    """

    def __init__(self, name: str, write: Callable[[Row], object], finish: Callable[[], object]) -> None:
        """Starts nothing yet: the thread begins with the first row.

        Args:
          name: the name for messages in the log.
          write: called in the thread with each row, in order. A call that raises is repeated.
          finish: called in the thread after the last row.
        """
        self._guard = Guard(name)
        self._name, self._write, self._finish = name, write, finish
        self._rows: queue.SimpleQueue[Row | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._lost = 0

    def __call__(self, row: Row) -> None:
        """Queues a row and returns at once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=f"eggroll-{self._name}", daemon=True)
            self._thread.start()
        if self._rows.qsize() < _MOST_WAITING:
            self._rows.put(row)
        else:
            self._lost += 1

    def close(self) -> None:
        """Waits up to 30 seconds until all rows are sent. Does nothing when it is called again."""
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
    """Collects the events since the last row of a generation, which are sent together with the next row."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.generation = 0
        self.failed = False
        self._counts: Counter[str] = Counter()

    def add(self, event: Row) -> None:
        """Adds an event."""
        self._counts[f"events/{event['event']}"] += 1
        self.lines.append(describe(event))
        self.generation = event["generation"]
        self.failed = event["event"] == "failed"

    def counts(self) -> dict[str, float]:
        """Returns the number of events of each kind, under the name `events/<kind>`."""
        return dict(self._counts)

    def clear(self) -> None:
        """Removes all events, after they were sent."""
        self._counts.clear()
        self.lines.clear()


def import_tracker(module: str, what: str, extra: str) -> Any:
    """Imports the package of a tracker. If it is missing, the ImportError names the extra that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"{what} needs another package: pip install 'eggroll-ray[{extra}]' ({error})") from error


def remembered(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Reads a small JSON file. If it is missing, it is created with the result of `make`."""
    with contextlib.suppress(FileNotFoundError):
        return json.loads(path.read_text())
    values = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, json.dumps(values).encode())
    return values
