"""Predators and prey that evolve together: each role against frozen opponents of earlier generations.

    python -m benchmarks.rl.coevolution          # three runs; writes docs/coevolution.json, .md and .png

Settings are those of `examples/predator_prey.py`; earlier generations are rebuilt from the seed and the fitness log.
"""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import optax
import tyro

import eggroll_ray as er
import envs
from benchmarks.shared.measured import head, whole
from benchmarks.shared.page import DOCS, extremes, source_of_record, table, write_page, write_record

TASK = "jaxmarl/MPE_simple_tag_v3"
POPULATION, EPISODES, SIGMA, RATE = 512, 4, 0.1, 0.02
TITLES = {"predator": "Return of a predator", "prey": "Return of the prey"}


def train(generations: int, entries: int, games: int, seed: int) -> dict[str, Any]:
    """One run, and the returns of the predators of some generations and of the prey of each of them in games.

    Returns:
      `generations`, `entries` of them; the returns of a `predator` and of the `prey`, a row per generation of
      predators and a column per generation of prey; `minutes` of training.
    """
    evaluator = er.from_env(envs.make(TASK), er.mlp((64, 64)), episodes=EPISODES, normalize_observations=True)
    strategy = er.eggroll(sigma=SIGMA, optimizer=optax.adam(RATE))
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        watch = er.Watch(every=0)
        with er.Trainer(evaluator, strategy, population_size=POPULATION, seed=seed, run=run, watch=watch) as trainer:
            whole(trainer.fit(generations))
            minutes = (time.perf_counter() - begin) / 60
            numbers = er.spread_out(generations, entries)
            found = er.play_league(evaluator, trainer.means_at(numbers), numbers, games, seed)
    returns = {"predator": found.score.tolist(), "prey": found.second_score.tolist()}
    return {"seed": seed, "generations": list(numbers), **returns, "minutes": round(minutes, 2)}


def gains(run: dict[str, Any]) -> dict[str, float]:
    """How much more the last generation of each side gets than the first, against the same frozen opponents.

    Against those of all generations but the first, which do nothing to escape or to catch; the mean over them.
    """
    predator, prey = np.array(run["predator"]), np.array(run["prey"])
    return {
        "predator": float((predator[-1] - predator[0])[1:].mean()),
        "prey": float((prey[:, -1] - prey[:, 0])[1:].mean()),
    }


def page(record: dict[str, Any]) -> str:
    """The Markdown page of the data."""
    runs = record["runs"]
    numbers = runs[0]["generations"]
    lines = [
        "# Predators and prey",
        "",
        source_of_record(record),
        "",
        f"`{TASK}`: three predators share one network, the prey has another; both are perturbed at once and meet in "
        f"the same episodes. {POPULATION} members, {EPISODES} episodes each, {numbers[-1]} generations, sigma "
        f"{SIGMA:g}, Adam {RATE:g}; {statistics.median(run['minutes'] for run in runs):.1f} minutes a run. A catch "
        "pays a predator 10 and costs the prey 10; the prey also pays for leaving the field.",
        "",
        f"Mean returns of {record['games']} episodes and {len(runs)} runs; rows are generations of the predators, "
        "columns of the prey.",
    ]
    for side, title in TITLES.items():
        means = zip(numbers, _mean(runs, side), strict=True)
        rows = [(number, *(f"{value:.1f}" for value in row)) for number, row in means]
        lines += ["", f"{title}:", "", *table(("predators \\ prey", *numbers), rows)]
    learned = {side: [gains(run)[side] for run in runs] for side in TITLES}
    lines += [
        "",
        f"Against the same frozen opponents, those of generations {numbers[1]} to {numbers[-1]}, the last predators "
        f"get {_range(learned['predator'])} more than the first, and the last prey {_range(learned['prey'])} more "
        "than the first (mean; lowest and highest run in brackets).",
        "",
        "![Returns](coevolution.png)",
        "",
    ]
    return "\n".join(lines)


def _mean(runs: list[dict[str, Any]], side: str) -> np.ndarray:
    return np.mean([run[side] for run in runs], axis=0)


def _range(values: list[float]) -> str:
    return extremes(values, "{:.1f}".format, statistics.fmean)


def draw(record: dict[str, Any], path: Path) -> None:
    """Two panels: each side by its generation, a line per generation of its frozen opponent."""
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    numbers = record["runs"][0]["generations"]
    curves = {"predator": _mean(record["runs"], "predator").T, "prey": _mean(record["runs"], "prey")}
    figure = Figure(figsize=(11, 4), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (side, lines), other in zip(figure.subplots(1, 2), curves.items(), ("prey", "predators"), strict=True):
        for place, (number, line) in enumerate(zip(numbers, lines, strict=True)):
            colour = colormaps["viridis"](place / len(numbers))
            axes.plot(numbers, line, marker="o", color=colour, label=f"generation {number}")
        axes.set(xlabel=f"generation of the {side}", ylabel=TITLES[side])
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8, title=f"against {other} of", loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(path, dpi=130)


def main(seeds: int = 3, generations: int = 200, entries: int = 5, games: int = 512, docs: Path = DOCS) -> None:
    """Runs the benchmark.

    Args:
      seeds: runs, with the seeds 0, 1, ...
      generations: of each run.
      entries: generations of each role that play, from the untrained one to the last.
      games: episodes of each pair.
      docs: where the results go.
    """
    runs = []
    for seed in range(seeds):
        runs.append(train(generations, entries, games, seed))
        learned = gains(runs[-1])
        print(f"seed {seed}: predators {learned['predator']:+.1f}, prey {learned['prey']:+.1f}", flush=True)
    command = f"python -m benchmarks.rl.coevolution --seeds {seeds} --generations {generations}"
    record = head(command, "jax", "jaxmarl", "optax") | {"games": games, "runs": runs}
    write_record(docs / "coevolution.json", record)
    write_page(docs / "coevolution.md", page(record))
    draw(record, docs / "coevolution.png")


if __name__ == "__main__":
    tyro.cli(main)
