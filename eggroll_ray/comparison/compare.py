"""Compares runs: reads their folders, groups them, and writes the page and the figures."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eggroll_ray.comparison import figure as figures
from eggroll_ray.comparison.groups import Grouped, group
from eggroll_ray.comparison.page import write_page
from eggroll_ray.comparison.scores import AXES, Axis, RunScores, read_scores, run_folders
from eggroll_ray.report.text import plural
from eggroll_ray.runs.files import replace_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Runs = Mapping[str, Path | str] | Iterable[Path | str] | Path | str


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Runs in groups that differ only in the seed, as `compare` returns them.

    Attributes:
      by: what scores are shown over: "time", "steps" or "generations".
      grouped: the runs in their groups, one panel for each environment.
      left_out: runs of which nothing is shown: folder, and why.
      remarks: what is to be known of others, such as that they are unfinished: folder, and remark.
    """

    by: Axis
    grouped: Grouped
    left_out: tuple[tuple[str, str], ...]
    remarks: tuple[tuple[str, str], ...]

    @property
    def scores(self) -> list[dict[str, Any]]:
        """One row for each group: `environment`, `group`, `runs`, `final` and `best` score, each with `_low` and
        `_high`, `target`, how many `reached` it, and `seconds_to_target`, `steps_to_target`, `generations_to_target`.

        A score is the interquartile mean over seeds with its 95 % bootstrap interval; with fewer than three seeds it is
        the mean, and the bounds are None. What it took to the target is the median over all runs of the group, in which
        a run that missed it counts as longer than all others; None if that is the median, or without a target.
        """
        return [
            {"environment": panel.environment, **each.row(panel.target)}
            for panel in self.grouped.panels
            for each in panel.groups
        ]

    @property
    def differences(self) -> list[dict[str, str]]:
        """One row for each group, with the settings that differ between the groups of an environment, as text."""
        return [{"group": label, **settings} for label, settings in self.grouped.differences.items()]

    @property
    def runs(self) -> list[dict[str, Any]]:
        """One row for each run: `environment`, `group`, `seed`, `status`, `generations`, `final`, `best`, `path`."""
        return [
            {
                "environment": panel.environment,
                "group": each.label,
                "seed": run.seed,
                "status": run.status,
                "generations": run.generations,
                "final": float(run.score[-1]),
                "best": float(run.score.max()),
                "path": str(run.path),
            }
            for panel in self.grouped.panels
            for each in panel.groups
            for run in each.runs
        ]

    @property
    def curves(self) -> list[dict[str, Any]]:
        """One row for each group: `environment`, `group`, and arrays: `x`, `score`, its bounds `low` and `high`, each
        `(points,)`, the bounds None with fewer than three runs, and `runs`, `(runs, points)`."""
        found = []
        for panel in self.grouped.panels:
            for each in panel.groups:
                curve = each.curve(self.by)
                row: dict[str, np.ndarray | None] = {"x": curve.x, "score": curve.middle}
                row |= {"low": curve.low, "high": curve.high, "runs": curve.runs}
                found.append({"environment": panel.environment, "group": each.label, **row})
        return found

    def figure(self, width: float = 5.5) -> "Figure":
        """Draws the curves into a figure of matplotlib, which can be changed before it is saved.

        Args:
          width: inches; 5.5 is the text of a NeurIPS paper, 3.25 a column of an ICML paper.

        Raises:
          ImportError: matplotlib is not installed.
        """
        return figures.paper_figure(self.grouped.panels, self.by, width)

    def write(self, folder: Path | str, width: float = 5.5) -> Path:
        """Writes `comparison.html`, `comparison.png` and `comparison.pdf` into a folder, which is made if missing.

        Args:
          folder: where to; files of these names are replaced.
          width: of the PNG and the PDF, inches.

        Returns:
          The path of the page.

        Raises:
          ImportError: matplotlib is not installed.
        """
        page = write_page(self.grouped, self.by, self.left_out, self.remarks).encode()
        folder = Path(folder)
        drawn = self.figure(width)
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("comparison.png", "comparison.pdf"):
            replace_file(folder / name, figures.saved(drawn, name.rpartition(".")[2]))
        replace_file(folder / "comparison.html", page)
        return folder / "comparison.html"


def compare(runs: Runs, *, by: Axis | None = None, target: float | None = None) -> Comparison:
    """Compares runs over their seeds.

    Runs that differ only in the seed are one group. A group is labelled by the settings in which it differs from the
    others, or by the name that it is given. Each environment is a panel of its own: scores of several are not averaged.

    Args:
      runs: run folders, or folders that hold run folders, such as the seeds of `train --seeds`; a mapping gives them
        names.
      by: what scores are shown over: "time" (seconds of training), "steps" (member steps in the environment) or
        "generations". Default: steps where all runs count them, else generations.
      target: a score to be reached. Default: the target of the runs.

    Returns:
      The comparison: tables as lists of dicts, and `write(folder)`.

    Raises:
      FileNotFoundError: a folder is not there, or holds no run.
      ValueError: for another `by`, or when none of the runs can be compared; the message says why not.

    Example:
      >>> comparison = er.compare({"rank 1": "runs/rank1", "dense": "runs/dense"})  # doctest: +SKIP
      >>> comparison.scores[0]["final"], comparison.write("figures")  # doctest: +SKIP
    """
    if by is not None and by not in AXES:
        raise ValueError(f"by={by!r} must be one of {', '.join(map(repr, AXES))}.")
    return compare_named(_named(runs), by, target)


def compare_named(runs: Iterable[tuple[str | None, Path]], by: Axis | None, target: float | None) -> Comparison:
    """Does what `compare` does, for pairs of a name, None without one, and a folder; a name may be there again."""
    found: list[tuple[str | None, RunScores]] = []
    left_out: list[tuple[str, str]] = []
    for name, given in runs:
        for path in run_folders(given):
            try:
                found.append((name, read_scores(path)))
            except (ValueError, OSError) as error:
                left_out.append((str(path), str(error)))
    if not found:
        why = "; ".join(f"{path}: {reason}" for path, reason in left_out[:5])
        raise ValueError(f"none of the {len(left_out)} runs can be compared. {why}")
    grouped = group(found, target)
    left_out += [(str(run.path), _why_once(run, kept)) for run, kept in grouped.repeated]
    if by is None:
        by = "steps" if all(run.counts_steps for _, run in found) else "generations"
    return Comparison(by, grouped, tuple(left_out), tuple(_remarks(grouped)))


def _named(runs: Runs) -> list[tuple[str | None, Path]]:
    if isinstance(runs, Mapping):
        return [(str(name), Path(path)) for name, path in runs.items()]
    return [(None, Path(path)) for path in ([runs] if isinstance(runs, Path | str) else runs)]


def _remarks(grouped: Grouped) -> Iterable[tuple[str, str]]:
    """What is to be known of runs that are shown."""
    for panel in grouped.panels:
        for each in panel.groups:
            for run in each.runs:
                if not run.ended:
                    yield str(run.path), _not_ended(run, run in each.counted)
                for change in run.changed:
                    yield str(run.path), f"it was changed while it went on: {change}"
            versions = {tuple(sorted((k, str(v)) for k, v in run.versions.items())) for run in each.runs}
            if len(versions) > 1:
                differing = sorted(
                    {name for name, _ in set.union(*map(set, versions)) - set.intersection(*map(set, versions))}
                )
                yield (
                    f"{each.label}, {panel.environment}",
                    f"its runs have different versions of {', '.join(differing)}",
                )
    if grouped.unknown:
        yield "all", f"only some runs record these options, so they were not compared: {', '.join(grouped.unknown)}"


def _why_once(run: RunScores, kept: RunScores) -> str:
    """Says why one of two runs with the same settings and seed does not count, and whether they are the same."""
    same = f"it has the settings and the seed of {kept.path}"
    equal = run.has_bits_of(kept)
    if equal is None:
        return f"{same}, which counts; whether both have the same bits is not recorded"
    if equal:
        return f"{same}, and the same bits: that one counts"
    common = sorted(run.digests.keys() & kept.digests.keys())
    first = next(generation for generation in common if run.digests[generation] != kept.digests[generation])
    return (
        f"{same}, but not its bits: after {plural(first, 'update')} they are in different states, for which the "
        "records give no reason; that one counts"
    )


def _not_ended(run: RunScores, counts: bool) -> str:
    of = "" if run.planned is None else f" of {run.planned}"
    why = f": {run.message}" if run.message else ""
    seen = "it counts as far as it goes, since no run of its group came to its end"
    return (
        f"{run.status} at generation {run.generations}{of}{why}; {seen if counts else 'it is not in curves and scores'}"
    )
