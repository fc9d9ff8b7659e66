"""Rates and other numbers of the strategy that were changed while a run went on, logged beside the fitness."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.runs.files import append_to_file, replace_file
from eggroll_ray.runs.metrics import read_metrics

Change = tuple[str, float]  # path in the strategy's state, value; see `es.steering`


class Changes:
    """Reads and appends. What is of generations that the log does not hold is dropped when it is opened to write."""

    def __init__(self, path: Path, generations: int, writable: bool):
        """Opens the changes of a run, of which there may be none, and then no file.

        Args:
          path: of the file.
          generations: that the fitness log holds.
          writable: whether this process owns the run.

        Raises:
          CheckpointError: when a line is no change.
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
        """Returns what changes with the update of a generation."""
        return tuple(self._by_generation.get(generation, ()))

    def put(self, generation: int, changes: Sequence[Change]) -> None:
        """Writes what changes with the update of a generation, and waits until it is on the disk.

        Raises:
          OSError: when that fails; it can be tried again.
        """
        if not changes or self.of(generation) == tuple(changes):  # there already, from an attempt to log the rest
            return
        data = b"".join(_line(generation, name, value) for name, value in changes)
        self._size = append_to_file(self._path, self._size, data, sync=True)
        self._by_generation[generation] = list(changes)


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
