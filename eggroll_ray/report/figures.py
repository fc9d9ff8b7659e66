"""Figures of a report: SVG whose colours are CSS variables, so that they follow the reader's theme.

Each is drawn twice, for wide and for narrow screens, because text in a scaled drawing would become too small to read.
"""

import functools
import io
import math
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from eggroll_ray.report.html import escape
from eggroll_ray.report.score import moving_score
from eggroll_ray.report.text import format_number, plural
from eggroll_ray.runs.history import History, timed_seconds
from eggroll_ray.runs.metrics import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Draw = Callable[["Figure", bool], None]  # the last argument: for a narrow screen
Size = tuple[float, float]  # heights in inches, of the wide and of the narrow drawing
Legend = Sequence[tuple[str, str]]  # class of the swatch, text

_POINTS = 800  # rows drawn in one line at most; more cannot be seen
_CHANGES = 40  # of rates and of sigma that are drawn at most

# Stand-ins that matplotlib writes into the SVG and that become CSS variables; see html.py.
INK, FAINT, CARD = "#010101", "#020202", "#030303"
BLUE, ORANGE, GREEN, VIOLET, RED = "#040404", "#050505", "#060606", "#070707", "#080808"
_VARIABLES = {
    INK: "muted",
    FAINT: "line",
    CARD: "card",
    BLUE: "blue",
    ORANGE: "orange",
    GREEN: "green",
    VIOLET: "violet",
    RED: "red",
}
_UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_UPDATE_KEYS = (
    ("gradient_norm", "gradient norm"),
    ("update_ratio", "update ratio"),
    ("sigma", "sigma"),
)


def learning(run: History) -> str:
    """Draws the return of the mean policy and the fitness of the population over the generations."""
    if not run.rows:
        return '<p class="none">No generation has been recorded yet.</p>'
    alt = f"Mean policy return and population fitness over {plural(len(run.rows), 'generation')}."
    if run.evaluated:
        first, last = (run.evaluated[i]["mean_policy_return"] for i in (0, -1))
        alt += f" The mean policy goes from {format_number(first)} to {format_number(last)}."
    legend = [
        ("line blue", "mean policy" + (", against opponents that change" if moving_score(run) else "")),
        ("blue band", "\N{PLUS-MINUS SIGN} std over its episodes"),
        ("line orange", "population median" + (" of a window" if run.in_windows else "")),
        ("orange band", "25\N{EN DASH}75 %"),
        ("orange range", "min\N{EN DASH}max"),
    ]
    if run.target is not None:
        legend.append(("dash green", f"target {format_number(run.target)}"))
    if _changed(run):
        legend.append(("upright dots muted", "rate or sigma changed"))
    return drawing("learning", functools.partial(_draw_learning, run), (3.9, 3.5), alt, legend)


def speed(run: History) -> str:
    """Draws how fast the run is, and what its time is spent on; nothing without generations."""
    if not run.rows:
        return ""
    alt = f"{run.rate_name}, and the share of evaluation, update and driver in the time."
    legend = (
        ("blue box", "evaluate"),
        ("orange box", "update"),
        ("green box", "driver"),
    )
    return drawing("speed", functools.partial(_draw_speed, run), (2.9, 4.6), alt, legend)


def update(run: History) -> str:
    """Draws the size of the updates and the noise; nothing without generations."""
    if not run.rows:
        return ""
    parts = [f"{title} {format_number(run.rows[-1].get(key))}" for key, title in _UPDATE_KEYS]
    alt = f"Last values: {', '.join(parts)}."
    return drawing("update", functools.partial(_draw_update, run), (2.6, 5.6), alt)


def drawing(name: str, draw: Draw, size: Size, alt: str, legend: Legend = ()) -> str:
    """Draws a figure as HTML.

    Args:
      name: Makes its ids unique on the page.
      draw: Draws into an empty figure, twice.
      size: Its heights, inches.
      alt: What it shows, in words and numbers, for those who do not see it.
      legend: HTML below which it is drawn.

    Raises:
      ImportError: matplotlib is not installed.
    """
    spans = "".join(f'<span><i class="{swatch}"></i>{text}</span>' for swatch, text in legend)
    caption = f"<figcaption>{spans}</figcaption>" if legend else ""
    drawn = "".join(_svg(name, draw, size, alt, narrow) for narrow in (False, True))
    return f"<figure>{caption}{drawn}</figure>"


def _svg(name: str, draw: Draw, size: Size, alt: str, narrow: bool) -> str:
    try:
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("the report draws with matplotlib: pip install 'eggroll-ray[report]'") from error
    width = "narrow" if narrow else "wide"
    name = f"{name}-{width}"
    style: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "font.size": 9.5,
        "axes.edgecolor": FAINT,
        "grid.color": FAINT,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "text.color": INK,
        "text.parse_math": False,  # names are anybody's: a dollar is a dollar
    }
    text = io.StringIO()
    with matplotlib.rc_context(style):
        figure = Figure((3.8, size[1]) if narrow else (10, size[0]))
        figure.set_layout_engine("constrained")
        figure.patch.set_visible(False)
        draw(figure, narrow)
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(text, metadata=nothing)
    svg = text.getvalue()[text.getvalue().index("<svg") :]
    svg = "".join(letter if letter == "\n" or letter.isprintable() else " " for letter in svg)
    svg = re.sub(r'\bid="|href="#|url\(#', lambda match: match[0] + name + "-", svg)
    svg = re.sub(r'<svg ([^>]*?)width="[^"]*" height="[^"]*"', r"<svg \1", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(f": {colour}", f": var(--{variable})")
    start = svg.index(">") + 1
    return (
        f'<svg role="img" aria-labelledby="{name}-alt" class="{width}" {svg[5:start]}'
        f'<title id="{name}-alt">{escape(alt)}</title>{svg[start:]}'
    )


def dress(axes: "Axes", title: str) -> None:
    """Gives a panel the look of all: a title, faint horizontal lines, short numbers, in the colours of the style."""
    from matplotlib.ticker import FuncFormatter

    axes.set_facecolor("none")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="y", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, pad=5)
    axes.set_title(title, loc="left", fontsize=10, pad=8)
    if axes.get_yscale() == "log":  # whose own numbers are formulas
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
        axes.yaxis.set_minor_formatter(FuncFormatter(lambda v, _: ""))
    if axes.get_yscale() == "linear":
        axes.yaxis.set_major_formatter(FuncFormatter(short_numbers(axes.get_ylim())))


def short_numbers(limits: Sequence[float]) -> Callable[[float, int], str]:
    """Returns what writes the numbers of an axis with these limits: `1.5M`, `0`, `40`."""
    top = max(abs(value) for value in limits)
    unit, letter = next((u for u in _UNITS if top >= 4 * u[0]), (1.0, ""))
    return lambda value, _: f"{value / unit:g}{letter if value else ''}"


def limit(axes: "Axes", core: Sequence[float], rest: Sequence[float] = (), target: float | None = None) -> None:
    """Scales a panel by its data, so that neither one wild member nor a target out of reach flattens everything else.

    Args:
      axes: the panel.
      core: values that must be seen.
      rest: values that may be cut off where they lie far from those.
      target: one that is shown in its place if that is near, and by an arrow at the edge otherwise.
    """
    seen = [value for value in core if math.isfinite(value)]
    if not seen:
        return
    low, high = min(seen), max(seen)
    span = high - low
    if target is not None and low - span / 2 <= target <= high + span / 2:
        low, high = min(low, target), max(high, target)
    reach = 1.5 * (high - low) or 1.0
    finite = [value for value in rest if math.isfinite(value)] + [low, high]
    low, high = max(min(finite), low - reach), min(max(finite), high + reach)
    edge = 0.05 * (high - low) or 0.5
    axes.set_ylim(low - edge, high + edge)


def draw_target(axes: "Axes", target: float, colour: str, named: bool = False) -> None:
    """Draws a target as a line, or, where it lies outside of the panel, as an arrow at the edge with its value.

    Args:
      axes: the panel, whose limits are final.
      target: a score.
      colour: of both.
      named: whether the line has its value as well.
    """
    low, high = axes.get_ylim()
    if low <= target <= high:
        axes.axhline(target, color=colour, linewidth=1.4, dashes=(5, 3))
        if named:
            place = {"xy": (0, target), "xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
            axes.annotate(f"target {format_number(target)}", xytext=(2, 3), color=colour, fontsize="small", **place)
        return
    y, side, arrow = (0.98, "top", "\N{UPWARDS ARROW}") if target > high else (0.02, "bottom", "\N{DOWNWARDS ARROW}")
    text = f"target {format_number(target)} {arrow}"
    axes.text(0.99, y, text, ha="right", va=side, color=colour, transform=axes.transAxes)


def _axes(axes: "Axes", title: str, rows: int, x_label: bool = True) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, min_n_ticks=1))
    axes.margins(x=0.01)
    if rows == 1:
        middle = sum(axes.get_xlim()) / 2
        axes.set_xlim(middle - 0.6, middle + 0.6)
    dress(axes, title)
    if x_label:
        axes.set_xlabel("generation")


def _changed(run: History) -> list[float]:
    """Generations from which on a rate or sigma was another; those of the last changes, if they are very many."""
    found = {event["generation"] for event in run.events if event["event"] == "changed" and "generation" in event}
    return sorted(number for number in found if number is not None)[-_CHANGES:]


def _thin(rows: list[Row]) -> list[Row]:
    step = math.ceil(len(rows) / _POINTS) or 1
    return rows[::-step][::-1]


def _column(rows: list[Row], key: str) -> list[float]:
    return [math.nan if row.get(key) is None else float(row[key]) for row in rows]


def _x(rows: list[Row]) -> list[float]:
    return [row["generation"] for row in rows]


def _band(axes: "Axes", x: list[float], low: list[float], high: list[float], **style: Any) -> None:
    if len(x) == 1:  # an area needs some width
        x, low, high = [x[0] - 0.25, x[0] + 0.25], low * 2, high * 2
    axes.fill_between(x, low, high, linewidth=0, **style)


def _draw_learning(run: History, figure: "Figure", narrow: bool) -> None:
    axes = figure.add_subplot()
    rows, means = _thin(run.rows), _thin(run.evaluated)
    x = _x(rows)
    low, q25, median, q75, high = (_column(rows, f"fitness_{q}") for q in ("min", "q25", "median", "q75", "max"))
    _band(axes, x, low, high, color=ORANGE, alpha=0.14)
    _band(axes, x, q25, q75, color=ORANGE, alpha=0.30)
    alone = "o" if len(x) == 1 else ""
    axes.plot(x, median, color=ORANGE, linewidth=1.4, marker=alone)
    value = _column(means, "mean_policy_return")
    spread = [0.0 if math.isnan(s) else s for s in _column(means, "mean_policy_return_std")]
    below = [v - s for v, s in zip(value, spread, strict=True)]
    above = [v + s for v, s in zip(value, spread, strict=True)]
    _band(axes, _x(means), below, above, color=BLUE, alpha=0.20)
    dot = "o" if len(means) <= 40 else ""
    axes.plot(_x(means), value, color=BLUE, linewidth=2.2, marker=dot, markeredgecolor=CARD)
    limit(axes, [*q25, *q75, *below, *above], [*low, *high], run.target)
    if run.target is not None:
        draw_target(axes, run.target, GREEN)
    for generation in _changed(run):
        axes.axvline(generation, color=INK, linewidth=1.0, linestyle=":")
    _axes(axes, "return" if run.has_steps else "fitness", len(rows))


def _draw_speed(run: History, figure: "Figure", narrow: bool) -> None:
    speed, split = figure.subplots(2, 1, sharex=True) if narrow else figure.subplots(1, 2)
    rows = _thin([row for row in run.rows if timed_seconds(row) > 0] or run.rows)
    x = _x(rows)
    rates = [run.rate(row) or math.nan for row in rows]
    speed.plot(x, rates, color=VIOLET, linewidth=1.8, marker="o" if len(x) == 1 else "")
    top = max([rate for rate in rates if math.isfinite(rate)], default=1.0)
    speed.set_ylim(0, 1.08 * top)
    _axes(speed, run.rate_name.lower(), len(rows), x_label=not narrow)
    wide = (x[-1] - x[0]) / (len(x) - 1) if len(x) > 1 else 1.0
    edges = [x[0] - wide / 2, *(v + wide / 2 for v in x)]
    base = [0.0] * len(rows)
    for part, colour in (("evaluate", BLUE), ("update", ORANGE), ("driver", GREEN)):
        share = [100 * (row.get(f"time_{part}") or 0.0) / (timed_seconds(row) or 1.0) for row in rows]
        above = [a + b for a, b in zip(base, share, strict=True)]
        split.stairs(above, edges, baseline=base, fill=True, color=colour, alpha=0.8, lw=0)
        base = above
    split.set_ylim(0, 100)
    _axes(split, "share of a generation's time, %", len(rows))


def _draw_update(run: History, figure: "Figure", narrow: bool) -> None:
    panels = figure.subplots(3, 1, sharex=True) if narrow else figure.subplots(1, 3)
    rows = _thin(run.rows)
    for axes, (key, title) in zip(panels, _UPDATE_KEYS, strict=True):
        values = _column(rows, key)
        axes.plot(_x(rows), values, color=VIOLET, lw=1.8, marker="o" if len(rows) == 1 else "")
        positive = [value for value in values if math.isfinite(value)]
        if positive and min(positive) > 0 and max(positive) > 30 * min(positive):
            axes.set_yscale("log")
        elif positive and min(positive) >= 0:
            axes.set_ylim(0, 1.1 * max(positive) or 1.0)
        _axes(axes, title, len(rows), x_label=not narrow or axes is panels[-1])
