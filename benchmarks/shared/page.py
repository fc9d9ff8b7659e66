"""Makes a committed page from its data: its folder, its tables, its numbers, and how they were measured."""

import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eggroll_ray.runs.files import replace_file

ROOT = Path(__file__).parents[2]  # of the repository
DOCS = ROOT / "docs"  # where the committed pages and their data are
Form = Callable[[Any], str]  # makes a number text, such as "{:.1f}".format


def table(heads: Sequence[object], rows: Iterable[Sequence[object]]) -> list[str]:
    """Returns the lines of a Markdown table.

    Args:
      heads: the titles of the columns.
      rows: the cells of each row, one for each column; what is no text is written by `str`.

    Raises:
      ValueError: for a row that has more or fewer cells than there are columns.
    """
    lines = [_line(heads), f"|{'---|' * len(heads)}"]
    for row in rows:
        if len(row) != len(heads):
            raise ValueError(f"row {list(row)} has {len(row)} cells for {len(heads)} columns; give it one for each.")
        lines.append(_line(row))
    return lines


def _line(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def spread(middle: Any, low: Any, high: Any, form: Form) -> str:
    """Returns `middle [low, high]`, each of them as `form` writes it."""
    return f"{form(middle)} [{form(low)}, {form(high)}]"


def quartiles(times: Mapping[str, float], form: Form) -> str:
    """Returns `median [low, high]` of times that `timing.interleave` has measured."""
    return spread(times["median"], times["low"], times["high"], form)


def extremes(
    values: Sequence[float], form: Form, middle: Callable[[Sequence[float]], float] = statistics.median
) -> str:
    """Returns `middle (lowest to highest)` of values; the middle is their median unless another is given."""
    return f"{form(middle(values))} ({form(min(values))} to {form(max(values))})"


def source_of_record(record: Mapping[str, Any]) -> str:
    """Returns how a record was measured that was measured as a whole: its command, date, machine and versions.

    Args:
      record: with what `measured.head` returned.
    """
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    return f"`{record['command']}`, {record['date']}, {record['machine']}, {versions}."


def source_of_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    """Returns how rows were measured that were added one by one: the last date; all machines, versions and commits.

    Args:
      rows: one at least, each with what `measured.provenance` returned; old ones may have no `commit`.
    """
    rows = list(rows)
    machines = sorted({row["machine"] for row in rows})
    versions = sorted({f"{name} {version}" for row in rows for name, version in row["versions"].items()})
    commits = sorted({row["commit"] or "no commit" for row in rows if "commit" in row})
    parts = [*machines, ", ".join(versions), f"commit {', '.join(commits)}" if commits else ""]
    return f"Measured up to {max(row['date'] for row in rows)} on {'; '.join(filter(None, parts))}."


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Writes a record as JSON in one step, and makes its folder if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, (json.dumps(record, indent=1) + "\n").encode())


def write_page(path: Path, text: str) -> None:
    """Writes the Markdown of a page in one step, and makes its folder if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, text.encode())
