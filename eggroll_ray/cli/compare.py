"""The command that compares runs: `compare`."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from rich.console import Console
from rich.table import Table
from rich.text import Text

from eggroll_ray.cli.say import UsageError, loading, say, usage
from eggroll_ray.report.text import format_number, format_seconds, printable

if TYPE_CHECKING:
    from eggroll_ray.comparison.compare import Comparison


@dataclasses.dataclass(frozen=True)
class Compare:
    """Compare runs over their seeds: one page, and the figure as PNG and PDF."""

    runs: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN...")] = ()
    """Run folders, or folders that contain run folders, such as `train --seeds` writes.
    NAME=FOLDER gives one a name."""
    output: Path | None = None
    """Folder to write to; by default the folder of runs, if exactly one is given, or else comparison."""
    by: Literal["time", "steps", "generations"] | None = None
    """Horizontal axis of the figures; by default environment steps if all runs count them."""
    target: float | None = None
    """Score for which the time to reach it is compared; by default the target of the runs."""
    width: float = 5.5
    """Width of the PNG and the PDF in inches."""


def compare(command: Compare) -> int:
    if not command.runs:
        raise UsageError("no run is given; give run folders or folders that hold them: eggroll-ray compare runs/")
    if not 1 <= command.width <= 50:
        raise UsageError(f"width={command.width:g} must be between 1 and 50 inches; 5.5 is the text of many papers.")
    given = [_named(text) for text in command.runs]
    for _, path in given:
        if not path.is_dir():
            raise UsageError(f"{path} is not a folder; give a run folder, or a folder of runs.")
    with loading():
        from eggroll_ray.comparison.compare import compare_named
    with usage():
        found = compare_named(given, command.by, command.target)
        page = found.write(command.output or _output(given), command.width)
    _show(found)
    say(f"Comparison: {page}, with comparison.png and comparison.pdf beside it")
    return 0


def _named(text: str) -> tuple[str | None, Path]:
    """NAME=FOLDER or FOLDER; a folder may have an equals sign in its name."""
    name, equals, path = text.partition("=")
    if not equals or Path(text).exists() or not name or not path:
        return None, Path(text)
    return name, Path(path)


def _output(given: list[tuple[str | None, Path]]) -> Path:
    path = given[0][1]
    return path if len(given) == 1 and not (path / "config.json").exists() else Path("comparison")


def _show(found: "Comparison") -> None:
    """Prints the scores, and what is to be known of runs, to the terminal."""
    for panel in found.grouped.panels:
        say(f"{panel.environment}, over the seeds of each group:")
        rows = [each.row(panel.target) for each in panel.groups]
        # As wide as it is: a line that is longer than the terminal's is better than a column of three letters.
        Console(highlight=False, width=500).print(_table(rows, panel.target is not None))
    for path, reason in found.left_out:
        say(f"Left out: {path}: {reason}")
    for path, remark in found.remarks:
        say(f"{path}: {remark}")


def _table(rows: Sequence[Mapping[str, Any]], with_target: bool) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("group", "runs", "final", "best", *(("reached", "time to it") if with_target else ())):
        table.add_column(name, no_wrap=True)
    for row in rows:
        cells = [row["group"], str(row["runs"])]
        for name in ("final", "best"):
            low, high = row[f"{name}_low"], row[f"{name}_high"]
            bounds = "" if low is None else f" [{format_number(low)}, {format_number(high)}]"
            cells.append(format_number(row[name]) + bounds)
        if with_target:
            seconds = row["seconds_to_target"]
            cells += [f"{row['reached']} of {row['runs']}", "-" if seconds is None else format_seconds(seconds)]
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table
