"""Does EGGROLL learn as well with Rademacher noise, which is cheaper to draw, as with normal noise?

    python -m benchmarks.rl.laws            # runs what is missing in docs/laws.json, writes docs/laws.md and .png
    python -m benchmarks.rl.laws --render   # writes the page and the picture of the existing runs

Runs with both distributions use the same settings and seeds: rank 1, and the same population, generations and
optimiser. The comparison is by the return of the mean policy after the same number of members' episodes, which does not
depend on the machine.
"""

import dataclasses
import operator
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import optax
import tyro
from scipy import stats

import eggroll_ray as er
import envs
from benchmarks.shared import kept_rows
from benchmarks.shared.measured import provenance, whole
from benchmarks.shared.page import DOCS, source_of_rows, spread, table, write_page
from eggroll_ray import noise

LAWS = {"normal": noise.normal, "rademacher": noise.rademacher}
_COLOURS = {"normal": "#0b6e99", "rademacher": "#d1741f"}
Curve = Sequence[Sequence[float]]  # [member-episodes, return of the mean policy]
key = operator.itemgetter("env", "law", "seed")  # of a run
_CONFIDENCE = 0.95
_CLOSE = 0.10  # share of what was learned by which one law may be behind and still learn as well
_TELLING = 0.25  # share that an interval may be wide at most to say anything


@dataclasses.dataclass(frozen=True)
class Task:
    """An environment and the settings that both laws share.

    Attributes:
      env: its id.
      generations: of a run.
      every: generations between tests of the mean policy.
      population_size: members, one episode each.
      learning_rate: of Adam.
      sigma: of the noise.
      hidden: layers of the policy, tanh.
      normalize_observations: by their running mean and deviation.
    """

    env: str
    generations: int
    every: int = 1
    population_size: int = 512
    learning_rate: float = 0.05
    sigma: float = 0.1
    hidden: tuple[int, ...] = (64, 64)
    normalize_observations: bool = False


TASKS = (
    Task("gymnax/CartPole-v1", generations=20, learning_rate=0.1),
    Task("gymnax/Pendulum-v1", generations=200, every=4),
    Task("brax/inverted_double_pendulum", 60, every=3, population_size=256, normalize_observations=True),
)


def train(task: Task, law: str, seed: int) -> dict[str, Any]:
    """One run in this process.

    Returns:
      curve: `[member-episodes, return of the mean policy]`, from before the first generation to after the last.

    Raises:
      KeyboardInterrupt: when a signal ended it before that.
    """
    trainer = er.Trainer(
        er.from_env(envs.make(task.env), er.mlp(task.hidden), normalize_observations=task.normalize_observations),
        er.eggroll(rank=1, sigma=task.sigma, optimizer=optax.adam(task.learning_rate), law=LAWS[law]),
        population_size=task.population_size,
        seed=seed,
        watch=er.Watch(every=task.every),
    )
    curve: list[tuple[int, float]] = []

    def note(row: dict[str, Any]) -> None:
        if row["mean_policy_return"] is not None:
            curve.append((row["generation"] * task.population_size, row["mean_policy_return"]))

    with trainer:
        result = whole(trainer.fit(task.generations, note))
    assert result.test is not None
    return {"curve": [*curve, (task.generations * task.population_size, float(result.test.mean()))]}


class Comparison(NamedTuple):
    """Rademacher less normal noise, in one measure of the curves of some seeds.

    Attributes:
      difference: of the means over seeds.
      low: of the interval of the difference.
      high: of the interval of the difference.
      share: `(difference, low, high)` as a share of what normal noise learned; None where it learned nothing.
      verdict: in words.
    """

    difference: float
    low: float
    high: float
    share: tuple[float, float, float] | None
    verdict: str


def whole_curve(curve: Curve) -> float:
    """The mean return over all tests, which are equally far apart: the faster a run learns, the higher."""
    return float(np.mean([value for _, value in curve]))


def last_quarter(curve: Curve) -> float:
    """The mean return over the tests in the last quarter of the member-episodes."""
    end = curve[-1][0]
    return float(np.mean([value for at, value in curve if at >= 0.75 * end]))


MEASURES = {"whole curve": whole_curve, "last quarter": last_quarter}


def interval(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """Welch's interval of mean(other) - mean(one), which lets the two have different variances.

    Args:
      one: at least two numbers.
      other: at least two numbers.
    """
    difference = float(np.mean(other) - np.mean(one))
    parts = [np.var(values, ddof=1) / len(values) for values in (one, other)]
    if sum(parts) == 0:
        return difference, difference
    freedom = sum(parts) ** 2 / sum(part**2 / (len(x) - 1) for part, x in zip(parts, (one, other), strict=True))
    half = float(stats.t.ppf((1 + _CONFIDENCE) / 2, freedom) * np.sqrt(sum(parts)))
    return difference - half, difference + half


def learned(curves: Sequence[Curve]) -> float | None:
    """How much higher the last quarter is than the start, mean over seeds; None if that may be nothing.

    It may be nothing where the interval of its mean reaches down to zero.
    """
    gains = [last_quarter(curve) - curve[0][1] for curve in curves]
    if len(gains) < 2:
        return None
    low, _ = interval((0.0, 0.0), gains)  # against a constant it is Student's interval of one mean
    return float(np.mean(gains)) if low > 0 else None


def compare(
    normal: Sequence[Curve], rademacher: Sequence[Curve], measure: Callable[[Curve], float]
) -> Comparison | None:
    """Compares curves of the two laws; None with fewer than two of either."""
    if min(len(normal), len(rademacher)) < 2:
        return None
    one, other = ([measure(curve) for curve in curves] for curves in (normal, rademacher))
    difference = float(np.mean(other) - np.mean(one))
    low, high = interval(one, other)
    gain = learned(normal)
    share = None if gain is None else (difference / gain, low / gain, high / gain)
    return Comparison(difference, low, high, share, verdict(share))


def verdict(share: tuple[float, float, float] | None) -> str:
    """What an interval of the difference, as a share of what was learned, says."""
    if share is None:
        return "nothing was learned"
    _, low, high = share
    widest = max(abs(low), abs(high))
    if low > 0 or high < 0:
        least, most = sorted((abs(low), abs(high)))
        return f"Rademacher {'higher' if low > 0 else 'lower'} by {least:.0%} to {most:.0%}"
    if widest <= _CLOSE:
        return f"as well, within {widest:.0%}"
    if widest <= _TELLING:
        return f"no difference beyond the interval of {widest:.0%}"
    return "too few seeds to tell"


def page(rows: Sequence[dict[str, Any]]) -> str:
    """The page of the runs.

    Raises:
      ValueError: when runs of one environment have different settings.
    """
    settings = _settings(rows)
    heads = ("environment", "member-episodes", "measure", "seeds", "normal", "rademacher", "difference")
    body = []
    for env, curves in _curves(rows).items():
        for name, measure in MEASURES.items():
            means = [f"{np.mean([measure(c) for c in own]):.4g}" if own else "-" for own in curves.values()]
            found = compare(curves["normal"], curves["rademacher"], measure)
            counts = "/".join(str(len(own)) for own in curves.values())
            end = max(curve[-1][0] for own in curves.values() for curve in own)
            body.append([env, f"{end:,}", name, counts, *means, *_cells(found)])
    lines = [_INTRODUCTION, *table((*heads, "share of what was learned", "verdict"), body)]
    lines += ["", "![Curves](laws.png)", "", "Settings, the same for both laws (rank 1, Adam, tanh):", ""]
    for env in _curves(rows):
        own = settings[env]
        layers = " x ".join(map(str, own["hidden"]))
        lines.append(
            f"- {env}: {own['population_size']} members, {own['generations']} generations, learning rate "
            f"{own['learning_rate']:g}, sigma {own['sigma']:g}, layers {layers}"
            f"{', normalised observations' if own['normalize_observations'] else ''}."
        )
    return "\n".join([*lines, "", source_of_rows(rows)]) + "\n"


def _settings(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Environment -> what all of its runs were set to.

    Raises:
      ValueError: where two of them were not.
    """
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        own = row["settings"]
        known = found.setdefault(row["env"], own)
        names = [name for name in known | own if known.get(name) != own.get(name)]
        if names:
            differ = ", ".join(f"{name} ({known.get(name)} and {own.get(name)})" for name in names)
            raise ValueError(
                f"the runs of {row['env']} differ in {differ} and cannot be compared; run all of their seeds "
                "with the settings of today, or take the older ones out of laws.json."
            )
    return found


_MISSES = 1 - _CONFIDENCE ** (len(MEASURES) * len(TASKS))
_INTRODUCTION = f"""\
# Does Rademacher noise learn as well as normal noise?

`python -m benchmarks.rl.laws`; data: `docs/laws.json`. EGGROLL of rank 1 with both laws of noise, all else the same.
The return is that of the mean policy over 128 fresh episodes, after the same number of episodes of members. Measures of
a run: the mean over its whole curve (how fast it learns) and over the last quarter (how far it comes). The difference
is Rademacher less normal, of the means over seeds, with Welch's {_CONFIDENCE:.0%} interval; what was learned is the
last quarter less the start, with normal noise.

"As well" is said where the interval is within {_CLOSE:.0%} of what was learned, "too few seeds to tell" where it has
zero in it and reaches beyond {_TELLING:.0%}. What was learned is taken as exact there, though it is a mean over seeds
too. Were they independent, one at least of {len(MEASURES) * len(TASKS)} such intervals would miss the truth in
{_MISSES:.0%} of such comparisons.
"""


def _cells(found: Comparison | None) -> list[str]:
    if found is None:
        return ["-", "-", "too few seeds to tell"]
    share = "-" if found.share is None else spread(*found.share, form="{:+.0%}".format)
    return [spread(found.difference, found.low, found.high, "{:+.4g}".format), share, found.verdict]


def _curves(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, list[Any]]]:
    """Environment, in the order of the tasks, and law -> curves."""
    order = [task.env for task in TASKS]
    names = sorted(
        {row["env"] for row in rows}, key=lambda env: (order.index(env) if env in order else len(order), env)
    )
    return {
        env: {law: [row["curve"] for row in rows if (row["env"], row["law"]) == (env, law)] for law in LAWS}
        for env in names
    }


def draw(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """A panel per environment: seeds thin, their mean thick."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    found = _curves(rows)
    figure = Figure(figsize=(4.2 * len(found), 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (env, curves) in zip(figure.subplots(1, len(found), squeeze=False)[0], found.items(), strict=True):
        for law, own in curves.items():
            for curve in own:
                axes.plot(*zip(*curve, strict=True), color=_COLOURS[law], alpha=0.35, linewidth=0.8)
            if own:
                mean = np.mean([[value for _, value in curve] for curve in own], axis=0)
                axes.plot([at for at, _ in own[0]], mean, color=_COLOURS[law], linewidth=2.4, label=law)
        axes.set(title=env, xlabel="member-episodes")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.supylabel("return of the mean policy", fontsize=10)
    figure.savefig(path, dpi=120)


def main(
    seeds: int = 5,
    env: tuple[str, ...] = tuple(task.env for task in TASKS),
    render: bool = False,
    docs: Path = DOCS,
) -> None:
    """Runs what is missing, and writes the page and the picture.

    Args:
      seeds: runs of each environment and law.
      env: which environments.
      render: only write the page and the picture of the runs there are.
      docs: where laws.json, laws.md and laws.png are.

    Raises:
      ValueError: for another environment than those, before any work starts.
    """
    names = [task.env for task in TASKS]
    if unknown := sorted(set(env) - set(names)):
        raise ValueError(f"env={unknown[0]!r} has no settings here; choose from {', '.join(names)}.")
    path = docs / "laws.json"
    for task in [] if render else [task for task in TASKS if task.env in env]:
        for seed in range(seeds):
            for law in LAWS:
                run(path, task, law, seed)
    rows = kept_rows.load(path)
    if not rows:
        raise ValueError(f"there are no runs in {path}; run it without --render.")
    write_page(docs / "laws.md", page(rows))
    draw(rows, docs / "laws.png")
    print(page(rows))


def run(path: Path, task: Task, law: str, seed: int) -> None:
    """Trains, and adds the run to the file, unless it is there with these settings."""
    known = {"env": task.env, "law": law, "seed": seed, "settings": dataclasses.asdict(task)}
    if kept_rows.find(kept_rows.load(path), known):
        print(f"{task.env} {law} seed {seed}: is there already", flush=True)
        return
    row = known | train(task, law, seed) | provenance("jax", "optax", task.env.partition("/")[0])
    kept_rows.save(path, row, key)
    print(f"{task.env} {law} seed {seed}: {row['curve'][0][1]:.4g} to {row['curve'][-1][1]:.4g}", flush=True)


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
