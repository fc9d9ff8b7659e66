"""Keeps the rows of a long benchmark in one JSON file, which is replaced in one step after each row."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from eggroll_ray.runs.files import replace_file

Row = dict[str, Any]


def load(path: Path) -> list[Row]:
    """Returns the rows of a file, or none if there is no file.

    Raises:
      ValueError: when it is no such file.
    """
    if not path.exists():
        return []
    rows = json.loads(path.read_text())
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{path} is no list of rows; it is not a file of this benchmark: choose another --docs.")
    return rows


def find(rows: Sequence[Row], known: Row) -> Row | None:
    """Returns the row that has all entries of `known`, None if there is none."""
    known = json.loads(json.dumps(known))  # tuples become lists, as in the file
    return next((row for row in rows if known.items() <= row.items()), None)


def save(path: Path, row: Row, key: Callable[[Row], object]) -> None:
    """Adds a row to the file as it is now, in place of those of the same key; a row is a line."""
    row = json.loads(json.dumps(row))
    rows = [old for old in load(path) if key(old) != key(row)] + [row]
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, ("[\n" + ",\n".join(json.dumps(one) for one in rows) + "\n]\n").encode())
