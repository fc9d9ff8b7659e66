"""Measures Gymnasium environments: whether they train, what batched calls of the policy save, and EvoTorch's speed.

    python -m benchmarks.peers.host calls       # one call per step for all environments, against one for each
    python -m benchmarks.peers.host learn       # CartPole-v1, Pendulum-v1, Hopper-v5 and HalfCheetah-v5 on two workers
    python -m benchmarks.peers.host evotorch    # member-steps/s against GymNE with two actors; pip install evotorch
    python -m benchmarks.peers.host render      # docs/host.md and docs/host.png of what was measured

Each writes its part of docs/host.json.
"""

import dataclasses
import itertools
import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import optax
import tyro

import eggroll_ray as er
import envs
from benchmarks.shared.measured import head
from benchmarks.shared.page import DOCS, extremes, source_of_record, table, write_page, write_record
from eggroll_ray.evaluators.record import Given

HIDDEN = (64, 64)
CALLS = ("gym/CartPole-v1", "gym/Pendulum-v1", "gym/HalfCheetah-v5")
# Episodes of a fixed length, so that learning does not change how much there is to do.
RACES = ("gym/Pendulum-v1", "gym/HalfCheetah-v5")


@dataclasses.dataclass(frozen=True)
class Task:
    """An environment to be learned, and the settings."""

    env: str
    target: float
    generations: int
    population_size: int
    sigma: float
    learning_rate: float
    normalize_observations: bool = False


TASKS = (
    Task("gym/CartPole-v1", target=475.0, generations=30, population_size=256, sigma=0.1, learning_rate=0.1),
    Task("gym/Pendulum-v1", target=-250.0, generations=200, population_size=512, sigma=0.1, learning_rate=0.05),
    Task("gym/Hopper-v5", 1000.0, 60, 128, sigma=0.1, learning_rate=0.03, normalize_observations=True),
    Task("gym/HalfCheetah-v5", 1000.0, 60, 128, sigma=0.1, learning_rate=0.03, normalize_observations=True),
)


def calls(rounds: int, members: int) -> list[dict[str, Any]]:
    """Evaluates the same members in one batch and one at a time, in turn.

    Both run the same code, in blocks of all members or of one.

    Args:
      rounds: evaluations of each kind, after a warm-up.
      members: evaluated in each.
    """
    rows = []
    for env in CALLS:
        evaluator = er.from_host_env(envs.make(env), er.mlp(HIDDEN))
        strategy = er.eggroll(sigma=0.1)
        state = strategy.init(evaluator.init(0), 0)
        evaluate = evaluator.bind(strategy.perturb)

        def steps(size: int, state: Any = state, evaluate: Any = evaluate) -> int:
            blocks = np.arange(members).reshape(-1, size)
            return sum(int(evaluate(Given(state, (), block)).steps) for block in blocks)

        sides = {"one call for all": lambda: steps(members), "one call for each": lambda: steps(1)}
        for side in sides.values():
            side()
        speeds = interleaved(sides, rounds)
        print(env, _summary(speeds), flush=True)
        rows.append({"env": env, "members": members, "steps_per_second": speeds})
    return rows


def interleaved(sides: dict[str, Callable[[], int]], rounds: int) -> dict[str, list[float]]:
    """Runs the sides in turn; each returns the steps it took.

    Returns:
      Steps per second of every round.
    """
    speeds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            began = time.perf_counter()
            steps = side()
            speeds[name].append(steps / (time.perf_counter() - began))
    return speeds


def learn(seeds: int, names: Sequence[str]) -> list[dict[str, Any]]:
    """Trains in these environments on two workers until the target, or the limit of generations."""
    rows = []
    for task in (task for task in TASKS if task.env in names):
        for seed in range(seeds):
            evaluator = er.from_host_env(
                envs.make(task.env), er.mlp(HIDDEN), normalize_observations=task.normalize_observations
            )
            trainer = er.Trainer(
                evaluator,
                er.eggroll(sigma=task.sigma, optimizer=optax.adam(task.learning_rate)),
                population_size=task.population_size,
                seed=seed,
                workers=2,
                watch=er.Watch(target=task.target, every=1),
            )
            seen: list[er.Row] = []
            began = time.monotonic()
            with trainer:
                result = trainer.fit(task.generations, seen.append)
            assert result.test is not None
            row = {
                "env": task.env,
                "seed": seed,
                "return": float(result.test.mean()),
                "generations": result.generations,
                "steps": int(sum(one["steps"] for one in seen)),
                "minutes": (time.monotonic() - began) / 60,
                "curve": [one["mean_policy_return"] for one in seen],
            }
            print({name: value for name, value in row.items() if name != "curve"}, flush=True)
            rows.append(row)
    return rows


def evotorch(rounds: int, members: int) -> list[dict[str, Any]]:
    """Whole generations of ours on two workers and of EvoTorch's PGPE with GymNE on two actors, in turn.

    Args:
      rounds: generations of each, after two for warming up.
      members: of the population.
    """
    import ray

    ray.init(num_cpus=4, include_dashboard=False, configure_logging=False)  # two for each side, which waits in turn
    rows = []
    for env in RACES:
        trainer = er.Trainer(
            er.from_host_env(envs.make(env), er.mlp(HIDDEN)),
            er.eggroll(sigma=0.1, optimizer=optax.adam(0.01)),
            population_size=members,
            seed=0,
            workers=2,
            watch=er.Watch(every=0),
        )
        with trainer:
            sides = {"eggroll_ray": _ours(trainer), "EvoTorch": _theirs(env.removeprefix("gym/"), members)}
            for side in sides.values():
                for _ in range(2):
                    side()
            speeds = interleaved(sides, rounds)
        print(env, _summary(speeds), flush=True)
        rows.append({"env": env, "members": members, "steps_per_second": speeds})
    return rows


def _ours(trainer: er.Trainer) -> Callable[[], int]:
    done = 0

    def generation() -> int:
        nonlocal done
        seen: list[er.Row] = []
        done = trainer.fit(done + 1, seen.append).generations
        return seen[0]["steps"]

    return generation


def _theirs(env: str, members: int) -> Callable[[], int]:
    from evotorch.algorithms import PGPE  # pyright: ignore[reportMissingImports]
    from evotorch.neuroevolution import GymNE  # pyright: ignore[reportMissingImports]

    widths = ("obs_length", *map(str, HIDDEN))
    layers = [f"Linear({m}, {n}) >> Tanh()" for m, n in itertools.pairwise(widths)]
    problem = GymNE(env, " >> ".join([*layers, f"Linear({HIDDEN[-1]}, act_length)"]), num_actors=2)
    searcher = PGPE(problem, popsize=members, center_learning_rate=0.01, stdev_learning_rate=0.1, stdev_init=0.1)

    def generation() -> int:
        before = searcher.status.get("total_interaction_count", 0)
        searcher.step()
        return searcher.status["total_interaction_count"] - before

    return generation


def _summary(speeds: dict[str, list[float]]) -> str:
    return ", ".join(f"{name} {statistics.median(values):,.0f} steps/s" for name, values in speeds.items())


def page(record: dict[str, Any]) -> str:
    """The Markdown page of what was measured."""
    lines = ["# Gymnasium on the host", "", "`python -m benchmarks.peers.host`; data: `docs/host.json`.", ""]
    titles = {
        "calls": "## One policy call for all environments, against one for each\n\nThe same members, environments and "
        "code; the policy is called with all rows at once, or once per row. Steps/s of the whole evaluation, the "
        "environments' own time included.",
        "evotorch": "## Against EvoTorch\n\nWhole generations, two Ray workers here, GymNE and PGPE with two actors "
        "there, the same network and population, in turn.",
    }
    for name, title in titles.items():
        if name in record:
            lines += [title, "", *_ratios(record[name]), "", source_of_record(record[name]), ""]
    if "learn" in record:
        lines += ["## Learning", "", *_learned(record["learn"]["rows"]), "", source_of_record(record["learn"]), ""]
        lines += ["![Curves](host.png)", ""]
    return "\n".join(lines)


def _ratios(part: dict[str, Any]) -> list[str]:
    first, second = part["rows"][0]["steps_per_second"]
    rows = []
    for row in part["rows"]:
        one, two = row["steps_per_second"].values()
        speeds = [f"{statistics.median(side):,.0f}" for side in (one, two)]
        factors = [a / b for a, b in zip(one, two, strict=True)]
        rows.append([row["env"], row["members"], *speeds, extremes(factors, "{:.1f}".format)])
    return table(("environment", "members", first, second, "factor (lowest to highest)"), rows)


def _learned(runs: list[dict[str, Any]]) -> list[str]:
    tasks = {task.env: task for task in TASKS}
    rows = []
    for run in runs:
        task = tasks[run["env"]]
        cells = [task.env, f"{task.target:g}", run["seed"], f"{run['return']:.1f}", run["generations"]]
        rows.append([*cells, task.population_size, f"{run['steps']:,}", f"{run['minutes']:.1f}"])
    return table(("environment", "target", "seed", "return", "generations", "population", "steps", "minutes"), rows)


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """A panel per environment, a line per seed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    tasks = [task for task in TASKS if any(row["env"] == task.env for row in rows)]
    figure = Figure(figsize=(4 * len(tasks), 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, task in zip(figure.subplots(1, len(tasks), squeeze=False)[0], tasks, strict=True):
        for row in (row for row in rows if row["env"] == task.env):
            axes.plot(np.arange(len(row["curve"])), row["curve"], color="#0b6e99", alpha=0.75)
        axes.axhline(task.target, color="#777777", linestyle="--", linewidth=1)
        axes.set(title=task.env, xlabel=f"generation ({task.population_size} members)")
        axes.spines[["top", "right"]].set_visible(False)
    figure.supylabel("return of the mean policy", fontsize=10)
    figure.savefig(path, dpi=120)


def main(
    what: tyro.conf.Positional[Literal["calls", "learn", "evotorch", "render"]],
    rounds: int = 7,
    members: int = 128,
    seeds: int = 1,
    env: tuple[str, ...] = tuple(task.env for task in TASKS),
) -> None:
    """Measures one part, or renders all.

    Args:
      what: the part.
      rounds: measurements of each side.
      members: evaluated in each measurement.
      seeds: runs of each environment that is learned.
      env: which of them; what was learned in the others before is kept.
    """
    path = DOCS / "host.json"
    record = json.loads(path.read_text()) if path.exists() else {}
    if what == "render":
        write_page(DOCS / "host.md", page(record))
        if "learn" in record:
            draw(record["learn"]["rows"], DOCS / "host.png")
        return
    rows, command = (
        (learn(seeds, env), f"learn --seeds {seeds}")
        if what == "learn"
        else (
            (calls if what == "calls" else evotorch)(rounds, members),
            f"{what} --rounds {rounds} --members {members}",
        )
    )
    if what == "learn" and what in record:
        rows = [row for row in record[what]["rows"] if row["env"] not in env] + rows
    packages = ("jax", "gymnasium", "ray", *(["evotorch", "torch"] if what == "evotorch" else []))
    record[what] = head(f"python -m benchmarks.peers.host {command}", *packages) | {"rows": rows}
    write_record(path, record)


if __name__ == "__main__":
    tyro.cli(main)
