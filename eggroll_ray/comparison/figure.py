"""The figure of a comparison: a panel for each environment, on a page or in a paper."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eggroll_ray.comparison.groups import Panel
from eggroll_ray.comparison.scores import Axis
from eggroll_ray.report import figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("blue", "orange", "green", "violet", "red")
DASHES: tuple[tuple[str, Any], ...] = (
    ("line", "solid"),
    ("dash", (0, (5, 2))),
    ("dotted", (0, (1, 1.5))),
)  # on the page, for matplotlib
ON_PAGE = {
    **dict(zip(COLOURS, (figures.BLUE, figures.ORANGE, figures.GREEN, figures.VIOLET, figures.RED), strict=True)),
    "target": figures.INK,
}
IN_PAPER = {
    **dict(zip(COLOURS, ("#0b62b8", "#bd5b00", "#00805f", "#7440ad", "#c02638"), strict=True)),
    "target": "#565e6c",
}
_PAPER_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.edgecolor": "#d0d4dc",
    "grid.color": "#e1e4ea",
    "axes.labelcolor": "#15181d",
    "xtick.color": "#15181d",
    "ytick.color": "#15181d",
    "text.color": "#15181d",
    "text.parse_math": False,  # names are anybody's: a dollar is a dollar
    "pdf.fonttype": 42,  # TrueType, which conferences ask for, and which other programs can edit
    "savefig.dpi": 200,
}
_UNITS = ((7200.0, 3600.0, "hours"), (300.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))


def swatch(number: int) -> str:
    """Returns the classes of a label's swatch on the page; after 15 labels they begin anew."""
    return f"{DASHES[number // len(COLOURS) % len(DASHES)][0]} {COLOURS[number % len(COLOURS)]}"


def draw_panel(axes: "Axes", panel: Panel, by: Axis, colours: Mapping[str, str]) -> None:
    """Draws the groups of an environment.

    Args:
      axes: an empty panel.
      panel: the groups.
      by: what the score is drawn over.
      colours: by their names, and that of the target.
    """
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    curves = [(group.number, group.curve(by)) for group in panel.groups]
    scale, label = _unit(by, max(curve.x[-1] for _, curve in curves))
    seen: list[float] = []
    for number, curve in curves:
        colour = colours[COLOURS[number % len(COLOURS)]]
        x = curve.x / scale
        alone = "o" if len(x) == 1 else ""
        if curve.low is not None and curve.high is not None:
            axes.fill_between(x, curve.low, curve.high, color=colour, alpha=0.18, linewidth=0)
            seen += [*curve.low, *curve.high]
        elif len(curve.runs) > 1:
            axes.plot(x, curve.runs.T, color=colour, alpha=0.4, linewidth=0.9)
            seen += [*curve.runs.flat]
        dashes = DASHES[number // len(COLOURS) % len(DASHES)][1]
        axes.plot(x, curve.middle, color=colour, linewidth=2, linestyle=dashes, marker=alone)
        seen += [*curve.middle]
    figures.limit(axes, seen, target=panel.target)
    if panel.target is not None:
        figures.draw_target(axes, panel.target, colours["target"], named=True)
    axes.margins(x=0.01)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=by != "time", min_n_ticks=1))
    axes.xaxis.set_major_formatter(FuncFormatter(figures.short_numbers(axes.get_xlim())))
    figures.dress(axes, _score_name(panel))
    axes.set_xlabel(label)


def paper_figure(panels: Sequence[Panel], by: Axis, width: float) -> "Figure":
    """Draws all panels into one figure of matplotlib, with a legend below them.

    Args:
      panels: one for each environment.
      by: what the scores are drawn over.
      width: inches.

    Raises:
      ImportError: matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
        from matplotlib.lines import Line2D
    except ImportError as error:
        raise ImportError("a comparison is drawn with matplotlib: pip install 'eggroll-ray[report]'") from error
    columns = min(len(panels), max(1, round(width / 2.6)))
    rows = math.ceil(len(panels) / columns)
    labels = {group.number: group.label for panel in panels for group in panel.groups}
    with matplotlib.rc_context(_PAPER_STYLE):
        height = rows * min(0.62 * width / columns + 0.4, 3.2) + 0.2 * math.ceil(len(labels) / 2)
        figure = Figure((width, height), layout="constrained")
        cells = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, panel in zip(cells, panels, strict=False):
            draw_panel(axes, panel, by, IN_PAPER)
            if len(panels) > 1:
                axes.set_title(f"{panel.environment}: {_score_name(panel)}", loc="left", fontsize=9)
        for axes in cells[len(panels) :]:
            axes.remove()
        lines = []
        for number in sorted(labels):
            dashes = DASHES[number // len(COLOURS) % len(DASHES)][1]
            lines.append(Line2D([], [], color=IN_PAPER[COLOURS[number % len(COLOURS)]], linewidth=2, linestyle=dashes))
        if len(labels) > 1:
            wide = max(map(len, labels.values()))
            figure.legend(
                lines,
                [labels[number] for number in sorted(labels)],
                loc="outside lower center",
                ncols=max(1, min(len(labels), int(width * 14 / (wide + 6)))),
                frameon=False,
            )
    return figure


def saved(figure: "Figure", kind: str) -> bytes:
    """Returns a figure as "png" or "pdf"; equal figures give equal bytes, and a PDF holds its fonts as TrueType."""
    import matplotlib

    data = io.BytesIO()
    nothing = ("Creator", "Producer", "CreationDate") if kind == "pdf" else ("Software",)
    with matplotlib.rc_context(_PAPER_STYLE):
        figure.savefig(data, format=kind, metadata=dict.fromkeys(nothing))
    return data.getvalue()


def _score_name(panel: Panel) -> str:
    runs = [run for group in panel.groups for run in group.runs]
    return "return of the mean policy" if any(run.counts_steps for run in runs) else "fitness of the mean parameters"


def _unit(by: Axis, last: float) -> tuple[float, str]:
    """What x is divided by, and the label of its axis."""
    if by != "time":
        return 1.0, {"steps": "environment steps", "generations": "generation"}[by]
    scale, name = next((scale, name) for least, scale, name in _UNITS if last >= least)
    return scale, f"training time, {name}"
