"""The metrics of a run: rows that are written as JSON lines during training, and read later."""

import contextlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

from eggroll_ray.runs.files import append_to_file, parse_json, replace_file

Row = dict[str, Any]
CHANGED = "changed"  # the event of a change of rates; its `values` are the new ones by their paths


@runtime_checkable
class Sink(Protocol):
    """Another destination of the rows, such as TensorBoard, a live view, or a list in a test.

    An exception of a sink stops training, after the row has been written to disk. A sink whose failure should not stop
    training must catch its own exceptions.
    """

    def __call__(self, row: Row, /) -> object:
        """Takes one row (a generation or an event), in plain Python types, `None` for NaN."""

    def close(self) -> None:
        """Flushes and releases what the sink holds; called once."""


class MetricsWriter:
    """Appends rows to a JSON-lines file and passes them to sinks; a context manager.

    A killed process loses at most the line that it was writing. If rows cannot be written because the disk is full or
    the folder is gone, they are kept in memory and written with a later row.

    Args:
      path: The file. It and its folder are created if they are missing. Existing rows are kept.
      sinks: Called with every row, in order. They are closed with the writer.
      resume_from: The first generation that will be written again. Existing rows of this and later generations,
        including events, are removed, except a change of rates that this generation was to bring. None keeps all rows.
    """

    def __init__(self, path: Path, sinks: Sequence[Sink] = (), resume_from: int | None = None) -> None:
        self._path, self._sinks = path, list(sinks)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            _truncate(path, math.inf if resume_from is None else resume_from)
        else:
            path.touch()
        self._size = path.stat().st_size
        self._unwritten = b""
        self.error: OSError | None = None  # why rows could not be written yet, None if all are written

    def write(self, row: Mapping[str, Any]) -> None:
        """Writes one row. NaN and infinities become null, and NumPy values become plain ones.

        Args:
          row: Numbers, strings, booleans, `None`, and lists and dictionaries of these.

        Raises:
          TypeError: when a value has another type. Nothing is written then.
        """
        plain = {str(key): _plain(value, str(key)) for key, value in row.items()}
        self._unwritten += json.dumps(plain, allow_nan=False).encode() + b"\n"
        self._flush()
        for sink in self._sinks:
            sink(plain)

    def add_sink(self, sink: Sink) -> None:
        """Adds a sink that gets all later rows and is closed with the writer."""
        self._sinks.append(sink)

    def _flush(self) -> None:
        try:
            self._size = append_to_file(self._path, self._size, self._unwritten, sync=False)
        except OSError as error:
            self.error = error
        else:
            self._unwritten, self.error = b"", None

    def close(self) -> None:
        """Writes the remaining rows, and closes every sink, even if one of them raises."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._flush)
            for sink in self._sinks:
                stack.callback(sink.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def read_metrics(path: Path) -> list[Row]:
    """Reads the rows of a metrics file. A last line that a crash left incomplete is ignored.

    Args:
      path: The file that a `MetricsWriter` wrote.

    Returns:
      The rows in the order of the file. Values that were NaN or infinite are `None`.

    Raises:
      ValueError: when a line before the last is not a JSON object.
    """
    return [row for _, row in _lines(path)]


def _truncate(path: Path, generation: float) -> None:
    kept = [line for line, row in _lines(path) if _generation(row) < generation or _waits(row, generation)]
    data = b"".join(line + b"\n" for line in kept)
    if data != path.read_bytes():
        replace_file(path, data)


def _waits(row: Row, generation: float) -> bool:
    return row.get("event") == CHANGED and "values" in row and _generation(row) == generation


def _generation(row: Row) -> float:
    found = row.get("generation")
    return found if isinstance(found, int | float) else -math.inf


def _lines(path: Path) -> list[tuple[bytes, Row]]:
    lines = path.read_bytes().rstrip().split(b"\n")
    pairs: list[tuple[bytes, Row]] = []
    for number, line in enumerate(lines, start=1):
        row = _parse(line)
        if row is not None:
            pairs.append((line, row))
        elif number < len(lines):  # a crash can leave only the last line incomplete
            raise ValueError(
                f"{path}, line {number}: expected a JSON object, found {line[:60]!r}; "
                "the file was damaged or edited, remove that line to read the rest"
            )
    return pairs


def _parse(line: bytes) -> Row | None:
    try:
        row = parse_json(line, lambda _: None)
    except ValueError:  # of JSON or of UTF-8
        return None
    return row if isinstance(row, dict) else None


def _plain(value: Any, key: str) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _plain(item, f"{key}.{name}") for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, key) for item in value]
    raise TypeError(
        f"the metric {key!r} is a {type(value).__name__}; a row holds numbers, strings, booleans, "
        "None, lists and dictionaries: convert it with float(...), int(...) or str(...)"
    )
