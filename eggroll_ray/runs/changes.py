"""Rates and other numbers of the strategy that were changed while a run went on, logged beside the fitness."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eggroll_ray.es.steering import due
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.runs.files import append_to_file, replace_file
from eggroll_ray.runs.metrics import read_metrics

Change = tuple[str, float]  # path in the strategy's state, value; see `es.steering`


class Changes:
    """Reads and appends changes. Opening the file to write drops changes of generations that the log does not hold."""

    def __init__(self, path: Path, generations: int, writable: bool):
        """Opens the changes of a run. If there are none, there is no file.

        Args:
          path: the file.
          generations: number of generations that the fitness log holds.
          writable: whether this process owns the run.

        Raises:
          CheckpointError: if a line is not a change.
        """
        self._path = path
        self._by_generation: dict[int, list[Change]] = {}
        lines = _read(path)
        kept = [line for line in lines if line["generation"] < generations]
        for line in kept:
            self._by_generation.setdefault(line["generation"], []).append((line["name"], float(line["value"])))
        if writable and path.exists():
            replace_file(path, b"".join(_line(*line.values()) for line in kept))
        self._size = path.stat().st_size if path.exists() else 0

    def of(self, generation: int) -> tuple[Change, ...]:
        """Returns the changes that the update of a generation makes."""
        return tuple(self._by_generation.get(generation, ()))

    def put(self, generation: int, changes: Sequence[Change]) -> None:
        """Writes the changes that the update of a generation makes, and waits until they are on the disk.

        Raises:
          OSError: if writing fails; call it again later.
        """
        if not changes or self.of(generation) == tuple(
            changes
        ):  # already written by an attempt whose later part failed
            return
        data = b"".join(_line(generation, name, value) for name, value in changes)
        self._size = append_to_file(self._path, self._size, data, sync=True)
        self._by_generation[generation] = list(changes)


def still_waiting(events: Iterable[Mapping[str, Any]], generations: int, windows: int) -> dict[str, float]:
    """Returns the changes that were asked for and that no update of the log has made, values by their paths.

    Args:
      events: those of changes, in their order; ones without values, or of later generations, do not count.
      generations: that the fitness log holds.
      windows: generations that an episode spans.
    """
    found: dict[str, float] = {}
    for event in events:
        asked, values = event.get("generation"), event.get("values")
        if type(asked) is not int or not isinstance(values, Mapping) or asked > generations:
            continue
        for path, value in values.items():
            made = any(due({path: value}, number, windows) for number in range(asked, generations))
            if not made and isinstance(value, int | float):
                found[path] = value
    return found


def _line(generation: int, name: str, value: float) -> bytes:
    return json.dumps({"generation": generation, "name": name, "value": value}).encode() + b"\n"


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        lines = read_metrics(path)
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    for line in lines:
        if not _is_change(line):
            raise CheckpointError(f"{path} holds {str(line)[:80]}, which is no change; restore the file.")
    return [{"generation": line["generation"], "name": line["name"], "value": line["value"]} for line in lines]


def _is_change(line: dict[str, Any]) -> bool:
    value = line.get("value")
    known = type(line.get("generation")) is int and isinstance(line.get("name"), str)
    return known and isinstance(value, float | int) and math.isfinite(value)
