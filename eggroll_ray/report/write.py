"""A run folder -> one HTML page with its outcome, figures, workers, events, settings and pictures.

The page is one file that asks nothing of the network and runs no script.
"""

import base64
import math
import re
import shlex
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from eggroll_ray.league import load_league
from eggroll_ray.report import figures, league_figure
from eggroll_ray.report.html import document, escape, fold, section, table, tile
from eggroll_ray.report.score import environment_of, moving_score
from eggroll_ray.report.settings import configuration
from eggroll_ray.report.text import format_number, format_seconds, plural
from eggroll_ray.report.workers_figure import workers
from eggroll_ray.runs.files import replace_file
from eggroll_ray.runs.history import History, load_history, timed_seconds
from eggroll_ray.runs.metrics import Row

_IMAGES = {".gif": "image/gif", ".png": "image/png", ".svg": "image/svg+xml"}
_OPEN_EVENTS = 40  # shown at once; earlier ones are folded
_FOLDED_EVENTS = 2000  # at most; what is earlier still is in the file


def write_report(run: Path, command: str | None = None) -> Path:
    """Writes `report.html` into a run folder, from what is there; a run may be unfinished.

    Args:
      run: The folder, with `config.json`, `metrics.jsonl`, and, if they exist, `result.json` and
        pictures in `episodes/`.
      command: The command line that trains such a run, to be copied; None for a run that was begun from Python.

    Returns:
      The path of the page. It is replaced in one step, so a reader never sees half of it.

    Raises:
      FileNotFoundError: `run` is not a folder.
      ImportError: matplotlib is not installed.
    """
    history = load_history(run)
    path = run / "report.html"
    replace_file(path, _page(history, command).encode())
    return path


def _page(run: History, command: str | None) -> str:
    sections = [
        section("Learning", figures.learning(run) + _moving(run)),
        section("Speed", figures.speed(run)),
        section("Update", figures.update(run)),
        section("Generations against each other", league_figure.league(load_league(run.path))),
        section("Workers", workers(run)),
        section("Episodes", _pictures(run)),
        section("Events", _events(run)),
        configuration(run.config),
    ]
    digest = (run.result or (run.rows[-1] if run.rows else {})).get("digest")
    footer = f"<p>Parameters <code>{escape(digest)}</code></p>" if digest else ""
    status, sentence = _outcome(run)
    return document(
        title=environment_of(run),
        header=f'<p class="outcome {status}">{sentence}</p>{_to_copy(run, command)}',
        body=f'<dl class="tiles">{"".join(_tiles(run))}</dl>{"".join(sections)}',
        footer=f"<p>Run folder <code>{escape(run.path)}</code></p>{footer}",
    )


def _to_copy(run: History, command: str | None) -> str:
    """The command that trains such a run anew, and the line of Python that loads what it has trained."""
    load = "policy = er.load" if run.has_steps else "params = er.load_params"
    loaded = f"{load}({str(run.path)!r})" if run.rows else ""
    lines = [line.split(" ") for line in (command, loaded) if line]
    # A browser would break lines at any hyphen, also inside of an option.
    words = [" ".join(f"<span>{escape(word)}</span>" for word in line) for line in lines]
    return "".join(f'<pre class="copy"><code>{line}</code></pre>' for line in words)


def _moving(run: History) -> str:
    """Says of a score against opponents that change what it does not say."""
    why = moving_score(run)
    if not why:
        return ""
    league = f"<code>eggroll-ray league {escape(shlex.quote(str(run.path)))}</code>"
    return (
        f'<p class="note">The score does not say how good the policy is. {escape(why)}: a level curve may hide '
        f"progress. {league} lets generations play against each other.</p>"
    )


def _outcome(run: History) -> tuple[str, str]:
    result = run.result or {}
    if result.get("status") == "unfinished":  # of some generation while the run went on
        result = {}
    done = result.get("generations", run.rows[-1]["generation"] + 1 if run.rows else 0)
    total = run.config.get("generations")
    known = isinstance(total, int)
    of_total = f"{done} of {total}" if known else str(done)
    resume = f"<code>eggroll-ray resume {escape(shlex.quote(str(run.path)))}</code>"
    status = str(result.get("status", "unfinished"))
    if status in ("solved", "finished", "plateau"):
        seconds = format_seconds(result.get("seconds") or 0.0)
        sentence = f"{_mean_policy(result)} after {plural(done, 'generation')}, {seconds}"
        if status != "solved" and run.target is not None:
            sentence += f"; the target {format_number(run.target)} was not reached"
    elif status == "failed":
        message = str(result.get("message") or "")
        sentence = f"at generation {of_total}" + (f": {escape(message)}" if message else "")
    elif status == "stopped":
        sentence = f"at generation {of_total}; resume with {resume}"
    else:
        count = f"{of_total} generations" if known else plural(done, "generation")
        sentence = f"{count} recorded; if it is not running, resume with {resume}"
    joint = " " if status in ("failed", "stopped") else ": "
    return re.sub(r"\W", "", status), f"<b>{escape(status.capitalize())}</b>{joint}{sentence}"


def _mean_policy(result: Mapping[str, Any]) -> str:
    value = format_number(result.get("mean_policy_return"))
    episodes = result.get("episodes")
    return f"mean policy {value}" + (f" over {episodes} fresh episodes" if episodes else "")


def _tiles(run: History) -> Iterator[str]:
    result = run.result or {}
    last = run.rows[-1] if run.rows else {}
    final = result if result.get("mean_policy_return") is not None else None
    final = final or (run.evaluated[-1] if run.evaluated else {})
    spread = final.get("mean_policy_return_std")
    note = "" if spread is None else f"\N{PLUS-MINUS SIGN} {format_number(spread)}"
    yield tile("Mean policy", format_number(final.get("mean_policy_return")), note)
    if (best := run.best) is not None:
        spread = f"\N{PLUS-MINUS SIGN} {format_number(best.std)} " if math.isfinite(best.std) else ""
        yield tile("Best test", format_number(best.mean), f"{spread}at generation {best.generation}")
    if run.target is not None:
        yield tile("Target", format_number(run.target))
    total = run.config.get("generations")
    done = result.get("generations", last.get("generation", -1) + 1)
    yield tile("Generations", str(done), f"of {total}" if isinstance(total, int) else "")
    seconds = result.get("seconds", last.get("time"))
    each = [timed_seconds(row) for row in run.rows]
    note = f"{format_seconds(statistics.median(each))} a generation" if any(each) else ""
    yield tile("Time", "-" if seconds is None else format_seconds(seconds), note)
    episodes = result.get("total_episodes", last.get("total_episodes"))
    if run.has_steps:
        steps = format_number(result.get("total_steps", last.get("total_steps")))
        yield tile("Environment steps", steps, f"{format_number(episodes)} episodes")
    elif episodes:
        yield tile("Evaluations", format_number(episodes))
    rates = [rate for row in run.rows if (rate := run.rate(row))]
    if rates:
        yield tile(run.rate_name, format_number(statistics.median(rates)), "median")
    population = run.config.get("population_size")
    if isinstance(population, int):
        count = last.get("workers")
        note = "" if count is None else plural(count, "worker") if count else "in the process that trains"
        yield tile("Population", format_number(population), note)
    invalid = sum(row.get("invalid_members") or 0 for row in run.rows)
    if invalid:
        yield tile("Invalid members", format_number(invalid), "weighed zero")


def _pictures(run: History) -> str:
    parts, folder = [], run.path / "episodes"
    paths = [] if folder.is_symlink() else sorted(folder.glob("*"))
    for path in paths:
        if path.is_symlink() or not path.is_file():  # a link would show what it leads to, from wherever
            continue
        name, kind = escape(path.stem), path.suffix.lower()
        if kind in _IMAGES:
            data = base64.b64encode(path.read_bytes()).decode()
            body = f'<img alt="Episode {name}" src="data:{_IMAGES[kind]};base64,{data}">'
        elif kind == ".html":
            link = escape("episodes/" + quote(path.name))
            body = (
                f'<iframe title="Episode {name}" src="{link}" sandbox="allow-scripts" '
                f'loading="lazy"></iframe><a href="{link}">open alone</a>'
            )
        else:
            continue
        parts.append(f"<figure><figcaption>{name}</figcaption>{body}</figure>")
    return f'<div class="pictures">{"".join(parts)}</div>' if parts else ""


def _events(run: History) -> str:
    head = ("Generation", "Time", "Event", "Detail")
    shown = table(head, [_event(event) for event in run.events[-_OPEN_EVENTS:]], "events")
    earlier = run.events[:-_OPEN_EVENTS]
    if not earlier:
        return shown
    summary = plural(len(earlier), "earlier event")
    if len(earlier) > _FOLDED_EVENTS:
        earlier = earlier[-_FOLDED_EVENTS:]
        summary += f" (the last {_FOLDED_EVENTS} here, all in metrics.jsonl)"
    return fold(summary, table(head, [_event(event) for event in earlier], "events")) + shown


def _event(event: Row) -> tuple[str, ...]:
    return (
        str(event.get("generation", "-")),
        "-" if event.get("time") is None else format_seconds(event["time"]),
        str(event["event"]),
        str(event.get("detail") or ""),
    )
