"""Runs in groups that differ only in the seed, with curves and numbers of each group."""

import dataclasses
import functools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from eggroll_ray.comparison import differences
from eggroll_ray.comparison.scores import Axis, RunScores
from eggroll_ray.comparison.statistics import FEWEST, interquartile_mean, interval
from eggroll_ray.report.text import format_number

_POINTS = 201  # of a curve whose runs were not tested at the same places


@dataclasses.dataclass(frozen=True)
class Curve:
    """The score of a group on its way.

    Attributes:
      x: generations, member steps or seconds, `(points,)`.
      runs: score of each run that counts, `(runs, points)`.
      middle: their interquartile mean, or their mean where they are fewer than three, `(points,)`.
      low: lower bounds of the interval; None with fewer than three runs.
      high: upper bounds.
    """

    x: np.ndarray
    runs: np.ndarray
    middle: np.ndarray
    low: np.ndarray | None
    high: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class Group:
    """Runs that differ only in the seed.

    Attributes:
      label: what tells it from the other groups.
      number: of the label among all labels of the comparison; it decides the colour.
      runs: all of them.
    """

    label: str
    number: int
    runs: tuple[RunScores, ...]

    @functools.cached_property
    def counted(self) -> tuple[RunScores, ...]:
        """The runs that the scores are of: those that came to their end, or all where none did."""
        return tuple(run for run in self.runs if run.ended) or self.runs

    def curve(self, by: Axis) -> Curve:
        """Brings the runs to the same places, and takes their interquartile mean there.

        Where all were tested at the same places these are the places. Otherwise there are 201 at equal distances, and a
        score between two tests is on the straight line between them. A run that a rule of its own has ended early, such
        as the target, keeps its last score; the curve ends where the first of the others does.
        """
        places, early = [run.x[by] for run in self.counted], [run.ended_early for run in self.counted]
        ends = [x[-1] for x, held in zip(places, early, strict=True) if not held]
        end = min(ends) if ends else max(x[-1] for x in places)
        start = min(max(x[0] for x in places), end)
        same = all(np.array_equal(x, places[0]) for x in places)
        x = places[0] if same else np.linspace(start, end, _POINTS if end > start else 1)
        runs = np.stack([np.interp(x, run.x[by], run.score) for run in self.counted])
        bounds = interval(runs)
        low, high = (None, None) if bounds is None else bounds
        return Curve(x, runs, interquartile_mean(runs), low, high)

    def row(self, target: float | None) -> dict[str, Any]:
        """Returns the numbers of the group by name, those that are unknown as None."""
        row: dict[str, Any] = {
            "group": self.label,
            "runs": len(self.runs),
            "seeds": [run.seed for run in self.runs],
            "ended": sum(run.ended for run in self.runs),
            "counted": len(self.counted),
            "statistic": "interquartile mean" if len(self.counted) >= FEWEST else "mean",
        }
        for name, scores in (
            ("final", [run.score[-1] for run in self.counted]),
            ("best", [run.score.max() for run in self.counted]),
        ):
            bounds = interval(np.array(scores))
            row[name] = float(interquartile_mean(np.array(scores)))
            row[f"{name}_low"], row[f"{name}_high"] = (None, None) if bounds is None else map(float, bounds)
        return row | self._to_target(target)

    def _to_target(self, target: float | None) -> dict[str, Any]:
        """What it took to the target: medians over all runs, where one that missed it counts as longer than all."""
        tests = [None if target is None else run.reached(target) for run in self.runs]
        row: dict[str, Any] = {"target": target, "reached": sum(test is not None for test in tests)}
        names: dict[str, Axis] = {"seconds": "time", "steps": "steps", "generations": "generations"}
        for name, axis in names.items():
            took = [
                math.inf if test is None else float(run.x[axis][test])
                for run, test in zip(self.runs, tests, strict=True)
            ]
            middle = float(np.median(took)) if row["reached"] else math.inf
            row[f"{name}_to_target"] = middle if math.isfinite(middle) else None
        return row


@dataclasses.dataclass(frozen=True)
class Panel:
    """The groups in one environment.

    Attributes:
      environment: its id, or the name of the fitness.
      groups: in the order in which they were given.
      target: a score to be reached, None without one.
    """

    environment: str
    groups: tuple[Group, ...]
    target: float | None


@dataclasses.dataclass(frozen=True)
class Grouped:
    """Runs in groups.

    Attributes:
      panels: one for each environment.
      differences: for each label the settings that differ between groups of one environment, by name.
      unknown: settings that only some runs record, and that are therefore not compared.
      repeated: runs that are there more than once, each with the one that counts.
    """

    panels: tuple[Panel, ...]
    differences: dict[str, dict[str, str]]
    unknown: tuple[str, ...]
    repeated: tuple[tuple[RunScores, RunScores], ...]


def group(runs: Sequence[tuple[str | None, RunScores]], target: float | None = None) -> Grouped:
    """Groups runs that differ only in the seed.

    Args:
      runs: each with the name that the user gave it, None for one that is to be named by its settings.
      target: a score to be reached, in place of the targets of the runs.
    """
    compared, unknown = differences.compared([run for _, run in runs])
    made: dict[tuple[str, str | None, str], list[int]] = {}
    for i, (name, run) in enumerate(runs):
        made.setdefault((run.environment, name, differences.identity(compared[i])), []).append(i)
    keys = [(environment, name) for environment, name, _ in made]
    settings = [compared[members[0]] for members in made.values()]
    differing = differences.differing([environment for environment, _ in keys], settings)
    shown = [differences.shown(each, differing) for each in settings]
    labels = differences.labels(keys, shown)
    numbers = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    panels: dict[str, list[Group]] = {}
    repeated: list[tuple[RunScores, RunScores]] = []
    for (environment, _), members, label in zip(keys, made.values(), labels, strict=True):
        kept = _once([runs[i][1] for i in members], repeated)
        panels.setdefault(environment, []).append(Group(label, numbers[label], kept))
    return Grouped(
        tuple(
            Panel(name, tuple(groups), _target(groups) if target is None else target) for name, groups in panels.items()
        ),
        {label: settings for label, settings in zip(labels, shown, strict=True) if settings},
        unknown,
        tuple(repeated),
    )


def _once(runs: Sequence[RunScores], repeated: list[tuple[RunScores, RunScores]]) -> tuple[RunScores, ...]:
    """Runs of one group in the order of their seeds; of those with the same seed, one."""
    kept: dict[Any, RunScores] = {}
    for run in sorted(runs, key=lambda run: (not run.ended, -run.generations)):
        key = run.path.resolve() if run.seed is None else run.seed
        if key in kept:
            repeated.append((run, kept[key]))
        kept.setdefault(key, run)
    return tuple(sorted(kept.values(), key=lambda run: (run.seed is None, run.seed or 0)))


def _target(groups: Iterable[Group]) -> float | None:
    """The target of the runs, the highest where they have several."""
    return max((run.target for each in groups for run in each.runs if run.target is not None), default=None)


def describe(panel: Panel) -> str:
    """Says in words and numbers what a panel shows."""
    parts = []
    for each in panel.groups:
        row = each.row(panel.target)
        part = f"{each.label}: {row['statistic']} {format_number(row['final'])} at the end"
        if row["final_low"] is not None:
            part += f", interval {format_number(row['final_low'])} to {format_number(row['final_high'])}"
        parts.append(part)
    return f"Scores in {panel.environment}. {'; '.join(parts)}."
