"""A run folder -> one HTML page with its outcome, figures, events, settings and pictures.

The page is one file that asks nothing of the network and runs no script. Its figures are SVG whose
colours are CSS variables, so that they follow the reader's light or dark theme; each is drawn twice,
for wide and for narrow screens, because text in a scaled drawing would become too small to read.
"""

import base64
import dataclasses
import html
import io
import json
import math
import re
import shlex
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from eggroll_ray.files import replace_file
from eggroll_ray.metrics import Row, format_number, format_seconds, read_metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_Draw = Callable[["Figure", "_Run", bool], None]  # the last argument: for a narrow screen
_Size = tuple[float, float]  # heights in inches, of the wide and of the narrow drawing
_Legend = Sequence[tuple[str, str]]  # class of the swatch, text

_POINTS = 800  # rows drawn in one line at most; more cannot be seen

# Stand-ins that matplotlib writes into the SVG and that become CSS variables; see _CSS.
_INK, _FAINT, _CARD = "#010101", "#020202", "#030303"
_BLUE, _ORANGE, _GREEN, _VIOLET = "#040404", "#050505", "#060606", "#070707"
_VARIABLES = {
    _INK: "muted",
    _FAINT: "line",
    _CARD: "card",
    _BLUE: "blue",
    _ORANGE: "orange",
    _GREEN: "green",
    _VIOLET: "violet",
}


@dataclasses.dataclass(frozen=True)
class _Run:
    path: Path
    config: dict[str, Any]
    result: dict[str, Any] | None
    rows: list[Row]
    events: list[Row]

    @property
    def target(self) -> float | None:
        target = (self.result or {}).get("target", self.config.get("target"))
        return target if isinstance(target, int | float) else None

    @property
    def has_steps(self) -> bool:
        return any(row.get("steps") for row in self.rows)

    @property
    def evaluated(self) -> list[Row]:
        return [row for row in self.rows if row.get("mean_policy_return") is not None]


def write_report(run: Path) -> Path:
    """Writes `report.html` into a run folder, from what is there; a run may be unfinished.

    Args:
      run: The folder, with `config.json`, `metrics.jsonl`, and, if they exist, `result.json` and
        pictures in `episodes/`.

    Returns:
      The path of the page. It is replaced in one step, so a reader never sees half of it.

    Raises:
      FileNotFoundError: `run` is not a folder.
      ImportError: matplotlib is not installed.
    """
    if not run.is_dir():
        raise FileNotFoundError(f"{run} is not a folder; give the folder that a run was saved in")
    path = run / "report.html"
    replace_file(path, _page(_load(run)).encode())
    return path


def _load(run: Path) -> _Run:
    metrics = run / "metrics.jsonl"
    rows = read_metrics(metrics) if metrics.exists() else []
    return _Run(
        path=run,
        config=_read_json(run / "config.json") or {},
        result=_read_json(run / "result.json"),
        rows=[row for row in rows if "event" not in row],
        events=[row for row in rows if "event" in row],
    )


def _read_json(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is not JSON ({error}); restore or remove it") from error


def _page(run: _Run) -> str:
    title = html.escape(_title(run))
    versions = _flat(run.config.get("versions", {}))
    machine = _flat(run.config.get("machine", {}))
    settings = {k: v for k, v in run.config.items() if k not in ("versions", "machine")}
    sections = [
        _section("Learning", _learning(run)),
        _section("Speed", _speed(run)),
        _section("Update", _update(run)),
        _section("Episodes", _pictures(run)),
        _section("Events", _events(run)),
        _section("Configuration", _table(("Setting", "Value"), _flat(settings))),
        '<div class="pair">',
        _section("Versions", _table(("Package", "Version"), versions)),
        _section("Machine", _table(("Property", "Value"), machine)),
        "</div>",
    ]
    digest = (run.result or (run.rows[-1] if run.rows else {})).get("digest")
    footer = f"<p>Parameters <code>{html.escape(str(digest))}</code></p>" if digest else ""
    status, sentence = _outcome(run)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; img-src data:; frame-src 'self' file:\">"
        f"<title>{title}</title><style>{_CSS}</style></head><body>"
        f'<header><p class="kind">eggroll-ray run</p><h1>{title}</h1>'
        f'<p class="outcome {status}">{sentence}</p></header><main>'
        f'<dl class="tiles">{"".join(_tiles(run))}</dl>{"".join(sections)}</main>'
        f"<footer><p>Run folder <code>{html.escape(str(run.path))}</code></p>{footer}</footer>"
        "</body></html>\n"
    )


def _section(heading: str, body: str) -> str:
    return f"<section><h2>{heading}</h2>{body}</section>" if body else ""


def _title(run: _Run) -> str:
    for key in ("env", "fitness"):
        value = run.config.get(key)
        if isinstance(value, Mapping):
            value = value.get("name")
        if value:
            return str(value)
    return run.path.resolve().name


def _outcome(run: _Run) -> tuple[str, str]:
    result = run.result or {}
    done = result.get("generations", run.rows[-1]["generation"] + 1 if run.rows else 0)
    total = run.config.get("generations")
    known = isinstance(total, int)
    of_total = f"{done} of {total}" if known else str(done)
    resume = f"<code>eggroll-ray resume {html.escape(shlex.quote(str(run.path)))}</code>"
    status = str(result.get("status", "unfinished"))
    if status in ("solved", "finished"):
        seconds = format_seconds(result.get("seconds") or 0.0)
        sentence = f"{_mean_policy(result)} after {_plural(done, 'generation')}, {seconds}"
        if status == "finished" and run.target is not None:
            sentence += f"; the target {format_number(run.target)} was not reached"
    elif status == "failed":
        message = str(result.get("message") or "")
        sentence = f"at generation {of_total}" + (f": {html.escape(message)}" if message else "")
    elif status == "stopped":
        sentence = f"at generation {of_total}; resume with {resume}"
    else:
        count = f"{of_total} generations" if known else _plural(done, "generation")
        sentence = f"{count} recorded; if it is not running, resume with {resume}"
    joint = " " if status in ("failed", "stopped") else ": "
    return re.sub(r"\W", "", status), f"<b>{html.escape(status.capitalize())}</b>{joint}{sentence}"


def _mean_policy(result: Mapping[str, Any]) -> str:
    value = format_number(result.get("mean_policy_return"))
    episodes = result.get("episodes")
    return f"mean policy {value}" + (f" over {episodes} fresh episodes" if episodes else "")


def _plural(count: Any, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _tiles(run: _Run) -> Iterator[str]:
    result = run.result or {}
    last = run.rows[-1] if run.rows else {}
    final = result if result.get("mean_policy_return") is not None else None
    final = final or (run.evaluated[-1] if run.evaluated else {})
    spread = final.get("mean_policy_return_std")
    note = "" if spread is None else f"\N{PLUS-MINUS SIGN} {format_number(spread)}"
    yield _tile("Mean policy", format_number(final.get("mean_policy_return")), note)
    if run.evaluated:
        best = max(run.evaluated, key=lambda row: row["mean_policy_return"])
        note = f"at generation {best['generation']}"
        yield _tile("Best seen", format_number(best["mean_policy_return"]), note)
    if run.target is not None:
        yield _tile("Target", format_number(run.target))
    total = run.config.get("generations")
    done = result.get("generations", last.get("generation", -1) + 1)
    yield _tile("Generations", str(done), f"of {total}" if isinstance(total, int) else "")
    seconds = result.get("seconds", last.get("time"))
    each = [_seconds(row) for row in run.rows]
    note = f"{format_seconds(statistics.median(each))} a generation" if any(each) else ""
    yield _tile("Time", "-" if seconds is None else format_seconds(seconds), note)
    episodes = result.get("total_episodes", last.get("total_episodes"))
    if run.has_steps:
        steps = format_number(result.get("total_steps", last.get("total_steps")))
        yield _tile("Environment steps", steps, f"{format_number(episodes)} episodes")
    elif episodes:
        yield _tile("Evaluations", format_number(episodes))
    rates = [rate for row in run.rows if (rate := _rate(run, row))]
    if rates:
        yield _tile(_rate_name(run), format_number(statistics.median(rates)), "median")
    population = run.config.get("population_size")
    workers = _plural(last["workers"], "worker") if "workers" in last else ""
    if isinstance(population, int):
        yield _tile("Population", format_number(population), workers)
    invalid = sum(row.get("invalid_members") or 0 for row in run.rows)
    if invalid:
        yield _tile("Invalid members", format_number(invalid), "weighed zero")


def _tile(name: str, value: str, note: str = "") -> str:
    small = f"<small>{html.escape(note)}</small>" if note else ""
    return f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}{small}</dd></div>"


def _rate_name(run: _Run) -> str:
    return "Member-steps / s" if run.has_steps else "Evaluations / s"


def _rate(run: _Run, row: Row) -> float | None:
    rate, seconds = row.get("member_steps_per_second"), _seconds(row)
    if not rate and not run.has_steps and seconds:
        return (run.config.get("population_size") or 0) / seconds or None
    return rate or None


def _seconds(row: Row) -> float:
    return sum(row.get(f"time_{part}") or 0.0 for part in ("update", "evaluate", "driver"))


def _figure(run: _Run, draw: _Draw, size: _Size, alt: str, legend: _Legend = ()) -> str:
    if not run.rows:
        return ""
    spans = "".join(f'<span><i class="{swatch}"></i>{text}</span>' for swatch, text in legend)
    caption = f"<figcaption>{spans}</figcaption>" if legend else ""
    drawn = "".join(_svg(run, draw, size, alt, narrow) for narrow in (False, True))
    return f"<figure>{caption}{drawn}</figure>"


def _svg(run: _Run, draw: _Draw, size: _Size, alt: str, narrow: bool) -> str:
    try:
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("the report draws with matplotlib: pip install 'eggroll-ray[report]'") from error
    width = "narrow" if narrow else "wide"
    name = f"{draw.__name__.strip('_')}-{width}"  # makes the ids unique on the page
    style: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "font.size": 9.5,
        "axes.edgecolor": _FAINT,
        "axes.labelcolor": _INK,
        "xtick.color": _INK,
        "ytick.color": _INK,
        "text.color": _INK,
    }
    text = io.StringIO()
    with matplotlib.rc_context(style):
        figure = Figure((3.8, size[1]) if narrow else (10, size[0]))
        figure.set_layout_engine("constrained")
        figure.patch.set_visible(False)
        draw(figure, run, narrow)
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(text, metadata=nothing)
    svg = text.getvalue()[text.getvalue().index("<svg") :]
    svg = re.sub(r'\bid="|href="#|url\(#', lambda match: match[0] + name + "-", svg)
    svg = re.sub(r'<svg ([^>]*?)width="[^"]*" height="[^"]*"', r"<svg \1", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    start = svg.index(">") + 1
    return (
        f'<svg role="img" aria-labelledby="{name}-alt" class="{width}" {svg[5:start]}'
        f'<title id="{name}-alt">{html.escape(alt)}</title>{svg[start:]}'
    )


def _axes(axes: "Axes", title: str, rows: int, x_label: bool = True) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_facecolor("none")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="y", color=_FAINT, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, pad=5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, min_n_ticks=1))
    axes.set_title(title, loc="left", fontsize=10, color=_INK, pad=8)
    axes.margins(x=0.01)
    if rows == 1:
        middle = sum(axes.get_xlim()) / 2
        axes.set_xlim(middle - 0.6, middle + 0.6)
    if axes.get_yscale() == "linear":
        top = max(abs(value) for value in axes.get_ylim())
        unit, letter = next((u for u in _UNITS if top >= 4 * u[0]), (1.0, ""))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v / unit:g}{letter if v else ''}"))
    if x_label:
        axes.set_xlabel("generation")


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


def _draw_learning(figure: "Figure", run: _Run, narrow: bool) -> None:
    axes = figure.add_subplot()
    rows, means = _thin(run.rows), _thin(run.evaluated)
    x = _x(rows)
    low, q25, median, q75, high = (_column(rows, f"fitness_{q}") for q in ("min", "q25", "median", "q75", "max"))
    _band(axes, x, low, high, color=_ORANGE, alpha=0.14)
    _band(axes, x, q25, q75, color=_ORANGE, alpha=0.30)
    alone = "o" if len(x) == 1 else ""
    axes.plot(x, median, color=_ORANGE, linewidth=1.4, marker=alone)
    value = _column(means, "mean_policy_return")
    spread = [0.0 if math.isnan(s) else s for s in _column(means, "mean_policy_return_std")]
    below = [v - s for v, s in zip(value, spread, strict=True)]
    above = [v + s for v, s in zip(value, spread, strict=True)]
    _band(axes, _x(means), below, above, color=_BLUE, alpha=0.20)
    dot = "o" if len(means) <= 40 else ""
    axes.plot(_x(means), value, color=_BLUE, linewidth=2.2, marker=dot, markeredgecolor=_CARD)
    if run.target is not None:
        axes.axhline(run.target, color=_GREEN, linewidth=1.4, dashes=(5, 3))
    _limit(axes, [*q25, *q75, *below, *above], [*low, *high], run.target)
    _axes(axes, "return" if run.has_steps else "fitness", len(rows))


def _limit(axes: "Axes", core: list[float], all_: list[float], target: float | None) -> None:
    """Keeps one wild member from flattening everything else."""
    core = [v for v in [*core, *([] if target is None else [target])] if math.isfinite(v)]
    if not core:
        return
    low, high = min(core), max(core)
    reach = 1.5 * (high - low) or 1.0
    finite = [v for v in all_ if math.isfinite(v)] + core
    low, high = max(min(finite), low - reach), min(max(finite), high + reach)
    edge = 0.05 * (high - low) or 0.5
    axes.set_ylim(low - edge, high + edge)


def _draw_speed(figure: "Figure", run: _Run, narrow: bool) -> None:
    speed, split = figure.subplots(2, 1, sharex=True) if narrow else figure.subplots(1, 2)
    rows = _thin([row for row in run.rows if _seconds(row) > 0] or run.rows)
    x = _x(rows)
    rates = [_rate(run, row) or math.nan for row in rows]
    speed.plot(x, rates, color=_VIOLET, linewidth=1.8, marker="o" if len(x) == 1 else "")
    top = max([rate for rate in rates if math.isfinite(rate)], default=1.0)
    speed.set_ylim(0, 1.08 * top)
    _axes(speed, _rate_name(run).lower(), len(rows), x_label=not narrow)
    wide = (x[-1] - x[0]) / (len(x) - 1) if len(x) > 1 else 1.0
    edges = [x[0] - wide / 2, *(v + wide / 2 for v in x)]
    base = [0.0] * len(rows)
    for part, colour in (("evaluate", _BLUE), ("update", _ORANGE), ("driver", _GREEN)):
        share = [100 * (row.get(f"time_{part}") or 0.0) / (_seconds(row) or 1.0) for row in rows]
        above = [a + b for a, b in zip(base, share, strict=True)]
        split.stairs(above, edges, baseline=base, fill=True, color=colour, alpha=0.8, lw=0)
        base = above
    split.set_ylim(0, 100)
    _axes(split, "share of a generation's time, %", len(rows))


def _draw_update(figure: "Figure", run: _Run, narrow: bool) -> None:
    panels = figure.subplots(3, 1, sharex=True) if narrow else figure.subplots(1, 3)
    rows = _thin(run.rows)
    for axes, (key, title) in zip(panels, _UPDATE_KEYS, strict=True):
        values = _column(rows, key)
        axes.plot(_x(rows), values, color=_VIOLET, lw=1.8, marker="o" if len(rows) == 1 else "")
        positive = [value for value in values if math.isfinite(value)]
        if positive and min(positive) > 0 and max(positive) > 30 * min(positive):
            axes.set_yscale("log")
        elif positive and min(positive) >= 0:
            axes.set_ylim(0, 1.1 * max(positive) or 1.0)
        _axes(axes, title, len(rows), x_label=not narrow or axes is panels[-1])


_UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_UPDATE_KEYS = (
    ("gradient_norm", "gradient norm"),
    ("update_ratio", "update ratio"),
    ("sigma", "sigma"),
)


def _learning(run: _Run) -> str:
    if not run.rows:
        return '<p class="none">No generation has been recorded yet.</p>'
    alt = f"Mean policy return and population fitness over {_plural(len(run.rows), 'generation')}."
    if run.evaluated:
        first, last = (run.evaluated[i]["mean_policy_return"] for i in (0, -1))
        alt += f" The mean policy goes from {format_number(first)} to {format_number(last)}."
    legend = [
        ("line blue", "mean policy"),
        ("blue band", "\N{PLUS-MINUS SIGN} std over its episodes"),
        ("line orange", "population median"),
        ("orange band", "25\N{EN DASH}75 %"),
        ("orange range", "min\N{EN DASH}max"),
    ]
    if run.target is not None:
        legend.append(("dash green", f"target {format_number(run.target)}"))
    return _figure(run, _draw_learning, (3.9, 3.5), alt, legend)


def _speed(run: _Run) -> str:
    alt = f"{_rate_name(run)}, and the share of evaluation, update and driver in the time."
    legend = (
        ("blue box", "evaluate"),
        ("orange box", "update"),
        ("green box", "driver"),
    )
    return _figure(run, _draw_speed, (2.9, 4.6), alt, legend)


def _update(run: _Run) -> str:
    parts = [f"{title} {format_number(run.rows[-1].get(key))}" for key, title in _UPDATE_KEYS if run.rows]
    return _figure(run, _draw_update, (2.6, 5.6), f"Last values: {', '.join(parts)}.")


def _pictures(run: _Run) -> str:
    parts = []
    for path in sorted((run.path / "episodes").glob("*")):
        name, kind = html.escape(path.stem, quote=True), path.suffix.lower()
        if kind in (".gif", ".png"):
            data = base64.b64encode(path.read_bytes()).decode()
            body = f'<img alt="Episode {name}" src="data:image/{kind[1:]};base64,{data}">'
        elif kind == ".html":
            link = html.escape("episodes/" + quote(path.name))
            body = (
                f'<iframe title="Episode {name}" src="{link}" sandbox="allow-scripts" '
                f'loading="lazy"></iframe><a href="{link}">open alone</a>'
            )
        else:
            continue
        parts.append(f"<figure><figcaption>{name}</figcaption>{body}</figure>")
    return f'<div class="pictures">{"".join(parts)}</div>' if parts else ""


def _events(run: _Run) -> str:
    rows = [
        (
            str(event.get("generation", "-")),
            "-" if event.get("time") is None else format_seconds(event["time"]),
            str(event["event"]),
            str(event.get("detail") or ""),
        )
        for event in run.events
    ]
    return _table(("Generation", "Time", "Event", "Detail"), rows)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    cells = "".join(f'<th scope="col">{name}</th>' for name in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>'


def _flat(value: Any, key: str = "") -> list[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        dot = "." if key else ""
        return [pair for name in value for pair in _flat(value[name], f"{key}{dot}{name}")]
    if not key:
        return []
    return [(key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))]


_CSS = """
:root { color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #15181d; --muted: #565e6c; --line: #e1e4ea;
  --blue: #0b62b8; --orange: #bd5b00; --green: #00805f; --red: #c02638; --violet: #7440ad; }
@media (prefers-color-scheme: dark) { :root {
  --page: #111317; --card: #191c22; --ink: #eceef2; --muted: #a3abb9; --line: #2d323c;
  --blue: #5eb0f7; --orange: #f0a04b; --green: #3fcf9f; --red: #ff7b86; --violet: #bf9af5; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1120px; padding: 2.5rem 1.5rem 3rem; background: var(--page);
  color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { margin: 0; font-size: clamp(1.6rem, 4vw, 2.4rem); line-height: 1.15; letter-spacing: -.02em;
  overflow-wrap: anywhere; }
h2 { margin: 0 0 .9rem; font-size: 1.05rem; letter-spacing: -.01em; }
p { margin: 0; } code { font: .9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  overflow-wrap: anywhere; }
.kind, footer, small, dt, figcaption, .none { color: var(--muted); }
.kind { margin-bottom: .3rem; font-size: .85rem; }
.outcome { margin: .9rem 0 1.8rem; padding-left: .9rem; border-left: 4px solid var(--blue);
  font-size: 1.1rem; overflow-wrap: anywhere; }
.outcome.solved { border-color: var(--green); } .solved b { color: var(--green); }
.outcome.failed { border-color: var(--red); } .failed b { color: var(--red); }
.outcome.stopped, .outcome.unfinished { border-color: var(--orange); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); margin: 0;
  overflow: hidden; border: 1px solid var(--line); border-radius: 12px; background: var(--card); }
.tiles div { padding: .9rem 1.1rem; box-shadow: 0 0 0 .5px var(--line); } dt { font-size: .82rem; }
dd { margin: 0; font-size: 1.5rem; font-weight: 600; letter-spacing: -.02em;
  font-variant-numeric: tabular-nums; }
dd small { display: block; font-size: .82rem; font-weight: 400; letter-spacing: 0; }
section { margin-top: 1.25rem; padding: 1.25rem 1.4rem; border: 1px solid var(--line);
  border-radius: 12px; background: var(--card); }
figure { margin: 0; } figcaption { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem;
  margin-bottom: .5rem; font-size: .86rem; }
figcaption span { display: inline-flex; align-items: center; gap: .45rem; }
i { display: inline-block; width: 1.1rem; height: .7rem; border-radius: 2px;
  background: currentColor; } i.line { height: 3px; } i.range { opacity: .22; }
i.band { opacity: .42; } i.box { width: .7rem; opacity: .8; }
i.dash { height: 0; border-top: 2px dashed; background: none; border-radius: 0; }
i.blue { color: var(--blue); } i.orange { color: var(--orange); } i.green { color: var(--green); }
svg { display: block; width: 100%; height: auto; } svg.narrow { display: none; }
svg text { font-family: inherit !important; font-variant-numeric: tabular-nums; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr));
  gap: 0 1.25rem; align-items: start; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr));
  gap: 1.2rem; }
.pictures img { display: block; max-width: 100%; border-radius: 8px; }
iframe { width: 100%; aspect-ratio: 4 / 3; border: 1px solid var(--line); border-radius: 8px; }
a { color: var(--blue); } .scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
th { padding: 0 1.2rem .45rem 0; color: var(--muted); font-weight: 500; text-align: left; }
td { padding: .4rem 1.2rem .4rem 0; border-top: 1px solid var(--line); vertical-align: top;
  overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
td:first-child { width: 1%; padding-right: 2.5rem; white-space: nowrap; }
footer { margin-top: 1.6rem; font-size: .85rem; }
@media (max-width: 640px) { body { padding: 1.4rem .9rem 2rem; }
  section { padding: 1rem; } svg.wide { display: none; } svg.narrow { display: block; }
  .tiles { grid-template-columns: 1fr 1fr; } table { font-size: .84rem; }
  td:first-child { padding-right: 1rem; white-space: normal; overflow-wrap: normal; } }
@media print { body { max-width: none; padding: 0; } section { break-inside: avoid; } }
"""
