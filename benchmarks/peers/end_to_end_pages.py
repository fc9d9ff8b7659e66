"""The page and the picture of `benchmarks.peers.end_to_end`, made from its three files alone."""

import itertools
import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks.peers.end_to_end_rows import (
    ANT_ENTRANTS,
    FILES,
    GRID,
    OURS,
    TASKS,
    Entrant,
    Task,
    find,
    outcome,
    seconds,
    setting_of,
)
from benchmarks.peers.end_to_end_run import WARM_UP
from benchmarks.shared.kept_rows import Row, load
from benchmarks.shared.page import source_of_rows, spread, table, write_page

_INTRODUCTION = f"""\
# End to end: from the start of a program to a policy that solves its task

`python -m benchmarks.peers.end_to_end`; data: `docs/end_to_end.json`, `_ant.json`, `_tuning.json`. Ours is EGGROLL of
rank 1, in its own process or on two Ray workers: with Adam, as evosax's Open_ES has it, or with ClipUp, as EvoTorch's
PGPE has it by default, which runs on two Ray actors. All have the same network (2 x 64, tanh, weights of variance
1 / fan_in), population, episodes per member (1), deterministic actions, antithetic twins, centred ranks, and no
normalisation of observations.

A run is solved when the mean policy reaches the target in 128 fresh episodes, and again in 128 others; it is tested
after every generation. Testing is not timed, for none of them. Each run of a race is a process of its own that has the
machine to itself and finds nothing compiled; seed by seed the programs take turns.

- *From the start*: seconds since the process was started: imports, Ray and its actors, compiling and training.
- *Compiled*: seconds of training once everything is compiled and every actor is there. To that end each program does
  {WARM_UP} generations and a test and goes back to the untrained policy. *From the start* counts these generations
  once: what repeating them takes is left out.
- Numbers are medians [lowest, highest]. `> 180` is a run that had not reached the target when it ended.
- *Times ours* compares medians with the first program of the table, from the start / compiled; *ours faster* counts
  the seeds in which ours took fewer seconds, from the start / compiled, for each of ours in the order of the table.

What is not alike: the whole population plays the same episode in evosax, whose problem classes know nothing else, and
in ours with Adam; twins alone do in ours with ClipUp, our default; EvoTorch draws one for each member, by nothing that
can be seeded, and also learns its sigmas. evosax draws its first weights uniformly. Of our two workers one compiles
and the other loads, as they do by default; EvoTorch compiles nothing. Ours ends each generation with a digest and a
copy of its parameters on the host, and counts that. `gymnax/` are environments in JAX, `gym/` are Gymnasium's in
Python: the same equations, at very different speeds. EvoTorch steps the latter, so it is compared with ours there.
"""


def render(docs: Path) -> None:
    """Writes end_to_end.md and end_to_end.png of what has been measured."""
    race, ant, tune = (load(docs / FILES[part]) for part in ("race", "ant", "tune"))
    write_page(docs / "end_to_end.md", page(race, ant, tune))
    if any(row["curve"] for row in race):
        draw(race, docs / "end_to_end.png")


def page(race: Sequence[Row], ant: Sequence[Row], tune: Sequence[Row]) -> str:
    """Markdown of the rows of the three parts; a part without rows is left out."""
    lines = [_INTRODUCTION]
    for task in TASKS:
        if any(row["settings"]["env"] == task.env for row in race):
            lines += _race(task, race)
    if race:
        lines += ["![Returns over seconds](end_to_end.png)", ""]
    if ant:
        lines += _ant(ant)
    if tune:
        lines += _tuning(tune)
    lines += _crashes([*race, *ant, *tune])
    return "\n".join([*lines, _source([*race, *ant, *tune])]) + "\n"


def _race(task: Task, race: Sequence[Row]) -> list[str]:
    ours = find(race, task.entrants[0].name, task.env)
    heads = ("program", "sigma, rate", "solved", "from the start, s", "compiled, s", "member-episodes", "times ours")
    body = []
    for entrant in task.entrants:
        if not (rows := find(race, entrant.name, task.env)):
            continue
        ran = _ran(rows)
        cells = [
            entrant.name,
            _settings(rows),
            _solved(rows),
            _outcomes(ran, lambda row: seconds(row, False), ".1f"),
            _outcomes(ran, lambda row: seconds(row, True), ".1f"),
            _outcomes(ran, lambda row: row["curve"][-1][2], ",.0f"),
            _ratios(ran, _ran(ours)),
            _wins(task, race, rows) if entrant.module != OURS.module else "",
        ]
        body.append(cells)
    return [f"## {task.env}, return of {task.target:g}", "", *table((*heads, "ours faster"), body), ""]


def _ran(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if outcome(row) != "crashed"]


def _settings(rows: Sequence[Row]) -> str:
    return "; ".join(sorted({f"{row['settings']['sigma']:g}, {row['settings']['learning_rate']:g}" for row in rows}))


def _solved(rows: Sequence[Row]) -> str:
    crashed = sum(outcome(row) == "crashed" for row in rows)
    text = f"{sum(outcome(row) == 'solved' for row in rows)} of {len(rows)}"
    return f"{text}, {crashed} crashed" if crashed else text


def _outcomes(rows: Sequence[Row], value: Callable[[Row], float], form: str) -> str:
    """Median [lowest, highest]; runs that were not solved come last, with > before what they had come to."""
    if not rows:
        return ""
    ordered = sorted((outcome(row) != "solved", value(row)) for row in rows)
    return spread(_middle(ordered), ordered[0], ordered[-1], lambda found: _bound(*found, form=form))


def _bound(unsolved: bool, value: float, form: str) -> str:
    return f"{'> ' if unsolved else ''}{value:{form}}"


def _middle(ordered: Sequence[tuple[bool, float]]) -> tuple[bool, float]:
    """The median; of an even number of runs the mean of the two in the middle, unsolved if one of them is."""
    two = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return two[1][0], statistics.mean(found for _, found in two)


def _ratios(rows: Sequence[Row], ours: Sequence[Row]) -> str:
    """Medians over those of ours, from the start and compiled; a bound where one of them is one."""
    texts = []
    for compiled in (False, True):
        if not rows or not ours:
            return ""
        theirs, own = (
            _middle(sorted((outcome(row) != "solved", seconds(row, compiled)) for row in side)) for side in (rows, ours)
        )
        if own[0]:
            return ""
        texts.append(_bound(theirs[0], theirs[1] / max(own[1], 1e-9), ".1f"))
    return " / ".join(texts)


def _wins(task: Task, race: Sequence[Row], theirs: Sequence[Row]) -> str:
    """In how many of the seeds each of ours was solved in fewer seconds than a peer, from the start / compiled."""
    own = [find(race, entrant.name, task.env) for entrant in task.entrants if entrant.module == OURS.module]
    return "; ".join(_won(rows, theirs) for rows in own if rows)


def _won(ours: Sequence[Row], theirs: Sequence[Row]) -> str:
    by_seed = {row["settings"]["seed"]: row for row in _ran(theirs)}
    pairs = [(row, by_seed[seed]) for row in _ran(ours) if (seed := row["settings"]["seed"]) in by_seed]
    won = [
        sum(outcome(own) == "solved" and seconds(own, compiled) < seconds(other, compiled) for own, other in pairs)
        for compiled in (False, True)
    ]
    return f"{won[0]} / {won[1]} of {len(pairs)}"


def _ant(rows: Sequence[Row]) -> list[str]:
    steps = max(row["settings"]["max_steps"] for row in rows)
    lines = [
        "## brax/ant",
        "",
        f"Generations per second once compiled, episodes of {steps} steps at most, backend generalized, without tests:",
        "median [lowest, highest] of processes. Ours runs blocks of members in threads, evosax one compiled program.",
        "",
    ]
    ready = f"ready after (with {WARM_UP} generations), s"
    heads = ("members", "program", "processes", "generations", "generations/s", ready, "times ours")
    body = []
    for size in sorted({row["settings"]["population_size"] for row in rows}):
        speeds = {entrant.name: [_speed(row) for row in _ran(_of(rows, entrant, size))] for entrant in ANT_ENTRANTS}
        own = speeds[ANT_ENTRANTS[0].name]
        for entrant in ANT_ENTRANTS:
            if not (ran := _ran(_of(rows, entrant, size))):
                continue
            found = sorted(speeds[entrant.name])
            speed = spread(statistics.median(found), found[0], found[-1], "{:.3g}".format)
            start = f"{statistics.median(row['start_seconds'] for row in ran):.0f}"
            ratio = f"{statistics.median(found) / statistics.median(own):.2f}" if own else ""
            done = "; ".join(sorted({str(row["curve"][-1][0]) for row in ran}))
            body.append((f"{size:,}", entrant.name, len(ran), done, speed, start, ratio))
    return [*lines, *table(heads, body), ""]


def _of(rows: Iterable[Row], entrant: Entrant, size: int) -> list[Row]:
    return [row for row in rows if row["entrant"] == entrant.name and row["settings"]["population_size"] == size]


def _speed(row: Row) -> float:
    """Generations per second, by the median of its generations."""
    times = [point[1] for point in row["curve"]]
    return 1 / statistics.median(after - before for before, after in itertools.pairwise(times))


def _tuning(rows: Sequence[Row]) -> list[str]:
    tried = [task for task in TASKS if any(row["settings"]["env"] == task.env for row in rows)]
    lines = [
        "## Tuning",
        "",
        f"The same {len(GRID)} settings for each, with seeds that no race has: three, and seven more for the three",
        "settings with the lowest medians (bold). Of these the one with the lowest median of all seeds goes into the",
        "races. Numbers are generations to the target: median [lowest, highest] of the seeds. A setting that two of",
        "the first three seeds have missed is run no more. Ours on Ray has the settings of ours in process, in",
        "`gymnax/` for `gym/` too: the equations are the same. The rate is Adam's; ClipUp gets the one that makes",
        "steps as long (`benchmarks/peers/end_to_end_run.py`).",
        "Generations at most: " + ", ".join(f"{task.tuning_generations} in {task.env}" for task in tried) + ".",
        "",
    ]
    heads = ("program", "environment", "seeds", *(f"{sigma:g}, {rate:g}" for sigma, rate in GRID))
    body = []
    for task in tried:
        for entrant in task.entrants:
            found = find(rows, entrant.name, task.env)
            if found and task.tuned_as(entrant) == (entrant.name, task.env):
                runs = [[row for row in found if setting_of(row) == setting] for setting in GRID]
                counts = sorted({len(_ran(rows)) for rows in runs})
                seeds = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else f"{counts[0]}"
                cells = [
                    f"**{_tried(rows)}**" if len(counts) > 1 and len(_ran(rows)) == counts[-1] else _tried(rows)
                    for rows in runs
                ]
                body.append((entrant.name, task.env, seeds, *cells))
    return [*lines, *table(heads, body), ""]


def _tried(rows: Sequence[Row]) -> str:
    crashed = sum(outcome(row) == "crashed" for row in rows)
    texts = [_outcomes(_ran(rows), lambda row: row["curve"][-1][0], "g"), f"{crashed} crashed" if crashed else ""]
    return ", ".join(filter(None, texts))


def _crashes(rows: Sequence[Row]) -> list[str]:
    lines = []
    for row in (row for row in rows if outcome(row) == "crashed"):
        asked = row["settings"]
        why = [line for line in row["stderr"].splitlines() if line.strip()]
        lines.append(f"- {row['entrant']} in {asked['env']}, seed {asked['seed']}: {why[0]} ... `{why[-1].strip()}`")
    return ["## Crashed", "", "These runs say nothing about the target.", "", *lines, ""] if lines else []


def _source(rows: Sequence[Row]) -> str:
    """How the rows were measured; the versions are those of the process that trained."""
    if not rows:
        return "Nothing has been measured yet."
    return source_of_rows([row["measured"] | {"versions": row.get("versions", {})} for row in rows])


def draw(race: Sequence[Row], path: Path) -> None:
    """A panel per environment, a line per run: the return over the seconds from the start of the process."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    tasks = [task for task in TASKS if any(row["settings"]["env"] == task.env and row["curve"] for row in race)]
    figure = Figure(figsize=(4.2 * len(tasks), 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    names = dict.fromkeys(entrant.name for task in TASKS for entrant in task.entrants)
    colours = dict(zip(names, ("#0b6e99", "#5fb0d0", "#2e8b57", "#d1741f", "#8fc79f", "#7a4fa3"), strict=True))
    for axes, task in zip(figure.subplots(1, len(tasks), squeeze=False)[0], tasks, strict=True):
        for entrant in task.entrants:
            label: str | None = entrant.name
            for row in (row for row in find(race, entrant.name, task.env) if row["curve"]):
                times = [seconds({**row, "curve": row["curve"][: i + 1]}, False) for i in range(len(row["curve"]))]
                returns = [math.nan if point[3] is None else point[3] for point in row["curve"]]
                axes.plot(times, returns, color=colours[entrant.name], alpha=0.75, linewidth=1.2, label=label)
                label = None
        axes.axhline(task.target, color="#777777", linestyle="--", linewidth=1)
        axes.set(title=task.env, xlabel="seconds from the start")
        axes.set_xlim(left=0.0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8)
    figure.supylabel("return of the mean policy", fontsize=10)
    figure.savefig(path, dpi=120)
