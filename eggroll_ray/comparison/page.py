"""A comparison -> one HTML page with curves, scores, differences, and every run that was given.

The page is one file that asks nothing of the network and runs no script.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eggroll_ray.comparison.figure import ON_PAGE, draw_panel, swatch
from eggroll_ray.comparison.groups import Group, Grouped, Panel, describe
from eggroll_ray.comparison.scores import Axis
from eggroll_ray.comparison.statistics import FEWEST, RESAMPLES
from eggroll_ray.report.figures import drawing
from eggroll_ray.report.html import Html, document, escape, fold, section, table
from eggroll_ray.report.text import format_number, format_seconds, plural

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Remarks = Sequence[tuple[str, str]]  # run, what is to be said of it

_METHOD = f"""
<p>The score of a run is the mean return, or fitness, of its mean parameters over the fresh episodes of a test. The
final score is the last test, the best score the highest of all tests, which luck lifts where tests are noisy.</p>
<p>A line is the interquartile mean over seeds: the highest and the lowest quarter, rounded down to whole runs, are left
out, so that with three seeds it is the mean. The band, and the numbers in brackets, hold 95 % of {RESAMPLES} means of
seeds drawn anew with replacement (the percentile bootstrap, within each environment). These are the definitions of
Agarwal et al. (2021), <cite>Deep Reinforcement Learning at the Edge of the Statistical Precipice</cite>, arXiv
2108.13264, and of their library rliable. With few seeds such an interval is too narrow: of normally distributed scores
it held the true mean in 75 % of 1000 trials with three seeds, 91 % with five, 95 % with ten. Environments are not
averaged, since their scores have different units.</p>
<p>Where runs were tested at different places, a score between two tests is taken from the straight line between them.
A run that its target, or another rule of its own, has ended keeps its last score from there on; otherwise a curve ends
where the first run of its group does.</p>
<p>A run has reached the target at which it was to stop where fresh episodes have confirmed it, and any other target at
its first test that is as high. Time and steps to the target are medians over all runs of the group, in which a run
that missed it counts as longer than all others.</p>
"""


def write_page(grouped: Grouped, by: Axis, left_out: Remarks, remarks: Remarks) -> str:
    """Writes the page.

    Args:
      grouped: the runs.
      by: what the scores are drawn over.
      left_out: runs of which nothing is shown, and why.
      remarks: what is to be known of others.

    Raises:
      ImportError: matplotlib is not installed.
    """
    groups = [group for panel in grouped.panels for group in panel.groups]
    count = sum(len(group.runs) for group in groups)
    names = [panel.environment for panel in grouped.panels]
    sentence = f"{plural(count, 'run')} in {plural(len(groups), 'group')}"
    if len(names) > 1:
        sentence += f", in {len(names)} environments"
    if left_out:
        sentence += f"; {plural(len(left_out), 'run')} left out"
    body = [_panel(number, panel, by) for number, panel in enumerate(grouped.panels)]
    body += [
        section("What the groups differ in", _differences(grouped)),
        section("Left out", table(("Run", "Reason"), [*left_out])),
        section("To be known of some runs", table(("Run", "Remark"), [*remarks])),
        section("Runs", fold(plural(count, "run"), _runs(grouped.panels))),
        section("How these numbers are made", f'<div class="prose">{_METHOD}</div>'),
    ]
    return document(
        title=", ".join(names) if len(names) < 4 else f"{len(names)} environments",
        header=f'<p class="outcome">{escape(sentence)}.</p>',
        body="".join(body),
        footer="",
        kind="eggroll-ray comparison",
    )


def _panel(number: int, panel: Panel, by: Axis) -> str:
    legend = [(swatch(group.number), escape(group.label)) for group in panel.groups]

    def draw(figure: "Figure", narrow: bool) -> None:
        del narrow
        draw_panel(figure.add_subplot(), panel, by, ON_PAGE)

    drawn = drawing(f"scores-{number}", draw, (4.2, 3.6), describe(panel), legend)
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in _notes(panel))
    return section(escape(panel.environment), drawn + _scores(panel) + notes)


def _scores(panel: Panel) -> str:
    head = ["Group", "Runs", "Final score", "Best score"]
    if panel.target is not None:
        target = f"target {format_number(panel.target)}"
        head += [f"Reached the {target}", "Time to it"]
        head += ["Steps to it"] if _counts_steps(panel) else ["Generations to it"]
    return table(
        head, [_row(group, group.row(panel.target), _counts_steps(panel)) for group in panel.groups], "numbers"
    )


def _row(group: Group, row: Mapping[str, Any], counts_steps: bool) -> list[str]:
    count = str(row["runs"]) if row["counted"] == row["runs"] else f"{row['counted']} of {row['runs']}"
    cells = [Html(f'<i class="{swatch(group.number)}"></i>{escape(group.label)}'), count]
    cells += [_with_interval(row, "final"), _with_interval(row, "best")]
    if row["target"] is not None:
        seconds = row["seconds_to_target"]
        amount = row["steps_to_target" if counts_steps else "generations_to_target"]
        cells += [f"{row['reached']} of {row['runs']}", "-" if seconds is None else format_seconds(seconds)]
        cells += [format_number(amount)]
    return cells


def _with_interval(row: Mapping[str, Any], name: str) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    bounds = "" if low is None else f" [{format_number(low)}, {format_number(high)}]"
    return format_number(row[name]) + bounds


def _notes(panel: Panel) -> Iterable[str]:
    for moving in dict.fromkeys(run.moving for group in panel.groups for run in group.runs if run.moving):
        yield f"This score does not say how good the policies are. {moving}; eggroll-ray league lets generations play."
    few = [group.label for group in panel.groups if len(group.counted) < FEWEST]
    if few:
        yield (
            f"With fewer than {FEWEST} runs there is no interval; the line is the mean, and each run is drawn thinly: "
            f"{'; '.join(few)}."
        )
    part = [group for group in panel.groups if len(group.counted) < len(group.runs)]
    if part:
        shares = "; ".join(f"{len(group.counted)} of {len(group.runs)} of {group.label}" for group in part)
        yield f"Curves and scores are of the runs that came to their end: {shares}. Those that failed may be the worst."


def _differences(grouped: Grouped) -> str:
    names = list(dict.fromkeys(name for settings in grouped.differences.values() for name in settings))
    if not names:
        return ""
    rows = [[label, *(settings.get(name, "-") for name in names)] for label, settings in grouped.differences.items()]
    return table(("Group", *(name.replace("_", " ") for name in names)), rows, "numbers")


def _runs(panels: Sequence[Panel]) -> str:
    head = ["Group", "Seed", "Ended", "Generations", "Final", "Best", "Folder"]
    several = len(panels) > 1
    rows = [
        [
            f"{panel.environment}: {group.label}" if several else group.label,
            "-" if run.seed is None else str(run.seed),
            run.status,
            str(run.generations),
            format_number(float(run.score[-1])),
            format_number(float(run.score.max())),
            str(run.path),
        ]
        for panel in panels
        for group in panel.groups
        for run in group.runs
    ]
    return table(head, rows, "numbers")


def _counts_steps(panel: Panel) -> bool:
    return any(run.counts_steps for group in panel.groups for run in group.runs)
