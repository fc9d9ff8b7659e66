"""The figure of a run's workers: a lane of time for each, and below it what their coming and going cost.

On the same axis of time follow the share of time in which workers were idle, how many there were, and how many blocks
were handed out again.
"""

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

from eggroll_ray.report.figures import BLUE, CARD, GREEN, INK, ORANGE, RED, VIOLET, drawing, dress
from eggroll_ray.report.html import escape
from eggroll_ray.report.text import format_bytes, format_seconds, number, plural, printable
from eggroll_ray.report.worker_timeline import Lane, Timeline, make_timeline
from eggroll_ray.runs.history import History
from eggroll_ray.runs.metrics import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LANES = 20  # drawn at most
_SHAPES = 1500  # bars or marks in one drawing at most, so that the page stays small
_STEPS = 240  # of a panel at most: a single generation is still wide enough to be seen
_NAME = 12  # letters of a worker's name
_UNITS = ((2 * 86400, 86400, "days"), (2 * 3600, 3600, "hours"), (2 * 60, 60, "minutes"), (0, 1, "seconds"))


class _Mark(NamedTuple):
    shape: str  # of matplotlib
    colour: str
    swatch: str  # class of the same shape and colour in the legend
    text: str


# In the order of the legend; where marks overlap, the first lies on top.
_MARKS = {
    "worker lost": _Mark("X", RED, "mark cross red", "lost"),
    "worker preempted": _Mark("v", ORANGE, "mark down orange", "preempted"),
    "worker quarantined": _Mark("D", VIOLET, "mark diamond violet", "quarantined"),
    "deadline passed": _Mark("s", BLUE, "mark square blue", "deadline passed"),
    "worker back": _Mark("^", GREEN, "mark up green", "back after a deadline"),
    "worker left": _Mark("<", INK, "mark left muted", "left"),
    "worker joined": _Mark(">", GREEN, "mark right green", "joined"),
}
_LINES = {
    "resumed": _Mark("--", INK, "upright muted", "run resumed"),
    "no worker left": _Mark(":", RED, "upright dots red", "no worker left"),
}


class _Panel(NamedTuple):
    key: str
    title: str
    scale: float
    together: Callable[[Iterable[float]], float]  # the value of generations that share a step
    colour: str
    least: float  # where the axis ends at least


_PANELS = (
    _Panel("idle_share", "idle share of the workers' time, %", 100.0, fmean, VIOLET, 10.0),
    _Panel("workers", "number of workers", 1.0, min, BLUE, 1.0),
    _Panel("requeued_blocks", "blocks of a generation handed out again", 1.0, max, ORANGE, 1.0),
)


def workers(run: History) -> str:
    """Shows the workers of a run; nothing for a run in process, or from before workers had names.

    Returns:
      HTML.
    """
    timeline = make_timeline(run.records)
    if not timeline.lanes and not any(_known(timeline.rows, "idle_share")):
        return ""
    panels = [panel for panel in _PANELS if any(_known(timeline.rows, panel.key))]
    lanes = timeline.most_eventful(_LANES)
    height = (0.6 + 0.21 * len(lanes) if lanes else 0.0) + 1.0 * len(panels) + 0.3
    counts = timeline.counts
    marks = {name: mark for name, mark in (_MARKS | _LINES).items() if counts[name]}
    legend = [("blue range", "present")] if lanes else []
    legend += [(mark.swatch, f"{mark.text} <b>{counts[name]}</b>") for name, mark in marks.items()]
    draw = functools.partial(_draw, timeline, lanes, panels)
    notes = [*_costs(timeline.rows), *_left_out(timeline, lanes)]
    note = f'<p class="note">{escape(" ".join(notes))}</p>' if notes else ""
    alt = " ".join([_counted(timeline), *notes])
    return drawing("workers", draw, (height, height), alt, legend) + note


def _counted(timeline: Timeline) -> str:
    counts = timeline.counts
    parts = [f"{mark.text} {counts[name]}" for name, mark in (_MARKS | _LINES).items() if counts[name]]
    text = f"{plural(len(timeline.lanes), 'worker')} over {format_seconds(timeline.end)}"
    return f"{text}: {', '.join(parts)}." if parts else f"{text}."


def _left_out(timeline: Timeline, lanes: list[Lane]) -> list[str]:
    missing = len(timeline.lanes) - len(lanes)
    return [f"The {len(lanes)} most eventful workers are drawn, {missing} are left out."] if missing else []


def _costs(rows: list[Row]) -> list[str]:
    """Says in sentences what the rows add up to."""
    sentences = []
    idle = _known(rows, "idle_share")
    if idle:
        seconds = [number(row, "time_generation") or 1.0 for row in rows if number(row, "idle_share") is not None]
        mean = sum(share * weight for share, weight in zip(idle, seconds, strict=True)) / sum(seconds)
        sentences.append(
            f"Workers were idle {_percent(mean)} of their time, at most {_percent(max(idle))} of a generation."
        )
    requeued, skipped = (int(sum(_known(rows, key))) for key in ("requeued_blocks", "results_skipped"))
    if requeued:
        sentences.append(f"{plural(requeued, 'block')} handed out again.")
    if skipped:
        sentences.append(f"{plural(skipped, 'result')} came twice or late.")
    down, up = (sum(_known(rows, key)) for key in ("bytes_down", "bytes_up"))
    if down or up:
        sentences.append(f"{format_bytes(down)} went to the workers, {format_bytes(up)} came back.")
    return sentences


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.0995 else f"{100 * share:.0f} %"


def _known(rows: list[Row], key: str) -> list[float]:
    return [value for row in rows if (value := number(row, key)) is not None]


def _draw(timeline: Timeline, lanes: list[Lane], panels: Sequence[_Panel], figure: "Figure", narrow: bool) -> None:
    end = timeline.end or 1.0
    unit, name = next((seconds, name) for least, seconds, name in _UNITS if end >= least)
    heights = [0.6 + 0.21 * len(lanes)] * bool(lanes) + [1.0] * len(panels)
    stack = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    if lanes:
        _draw_lanes(stack[0], _thin(lanes, end), unit, narrow)
        all_ = len(timeline.lanes)
        dress(stack[0], "workers" if len(lanes) == all_ else f"the {len(lanes)} most eventful of {all_} workers")
        stack[0].grid(visible=False)
        _name_lanes(stack[0], lanes)
    for axes, panel in zip(stack[bool(lanes) :], panels, strict=True):
        _draw_panel(axes, panel, timeline.rows, unit)
        dress(axes, panel.title)
    for kind, mark in _LINES.items():
        times = {round(100 * time / end): time / unit for what, time in timeline.lines if what == kind}
        style: dict[str, Any] = {"color": mark.colour, "ls": mark.shape, "lw": 1.2}
        for axes in stack if times else ():
            axes.vlines([*times.values()], 0, 1, transform=axes.get_xaxis_transform(), **style)
    stack[0].set_xlim(-0.012 * end / unit, 1.012 * end / unit)
    stack[-1].set_xlabel(f"{name} since the start")


def _draw_lanes(axes: "Axes", lanes: list[Lane], unit: float, narrow: bool) -> None:
    least = max(end for lane in lanes for _, end in lane.spans) / 500
    for y, lane in enumerate(lanes):
        bars = [(start / unit, max(end - start, least) / unit) for start, end in lane.spans]
        axes.broken_barh(bars, (y - 0.28, 0.56), facecolor=BLUE, alpha=0.22, linewidth=0)
    for kind, mark in reversed(_MARKS.items()):
        points = [(time / unit, y) for y, lane in enumerate(lanes) for what, time in lane.marks if what == kind]
        if points:
            style: dict[str, Any] = {"marker": mark.shape, "color": mark.colour, "edgecolor": CARD, "lw": 0.6}
            axes.scatter(*zip(*points, strict=True), s=30 if narrow else 44, clip_on=False, zorder=3, **style)
    axes.set_ylim(len(lanes) - 0.4, -0.6)


def _name_lanes(axes: "Axes", lanes: list[Lane]) -> None:
    names = [" ".join(printable(lane.worker).split()) or "-" for lane in lanes]
    short = [name if len(name) <= _NAME else name[: _NAME - 1] + "\N{HORIZONTAL ELLIPSIS}" for name in names]
    axes.set_yticks(range(len(lanes)), short)


def _draw_panel(axes: "Axes", panel: _Panel, rows: list[Row], unit: float) -> None:
    from matplotlib.ticker import MaxNLocator

    known = [row for row in rows if number(row, panel.key) is not None]
    size = math.ceil(len(known) / _STEPS)
    groups = [known[i : i + size] for i in range(0, len(known), size)]
    first = known[0]["time"] - (number(known[0], "time_generation") or known[0]["time"])
    ends = [group[-1]["time"] for group in groups]
    edges = [edge / unit for edge in itertools.accumulate([max(first, 0.0), *ends], max)]
    values = [panel.scale * panel.together(_known(group, panel.key)) for group in groups]
    if panel.key == "workers":
        axes.stairs(values, edges, baseline=None, color=panel.colour, lw=1.8)
    else:
        axes.stairs(values, edges, fill=True, color=panel.colour, alpha=0.8, lw=0)
    axes.set_ylim(0, max(panel.least, 1.15 * max(values)))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True, min_n_ticks=2))


def _thin(lanes: list[Lane], end: float) -> list[Lane]:
    """Leaves out marks, and gaps between spans, that could not be told from their neighbours."""
    near = end / 300
    while True:
        thinned = [Lane(lane.worker, _joined(lane.spans, near), _apart(lane.marks, near)) for lane in lanes]
        if max(_shapes(thinned)) <= _SHAPES:
            return thinned
        near *= 2


def _shapes(lanes: list[Lane]) -> tuple[int, int]:
    return sum(len(lane.spans) for lane in lanes), sum(len(lane.marks) for lane in lanes)


def _apart(marks: list[tuple[str, float]], near: float) -> list[tuple[str, float]]:
    apart = {(name, round(time / near)): time for name, time in marks}
    return [(name, time) for (name, _), time in apart.items()]


def _joined(spans: list[tuple[float, float]], near: float) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for start, end in spans:
        if joined and start - joined[-1][1] < near:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
