"""Does it learn, and does rank 1 need more than dense noise? Curves of EGGROLL and OpenAI-ES over seeds.

    python -m benchmarks.rl.learning            # runs all, writes docs/learning.json
    python -m benchmarks.rl.learning --plot     # draws docs/learning.png and prints the table from that file

Each run ends when the mean policy reaches the target in 128 new episodes and again in 128 others, or at the limit of
generations. The cost is counted in episodes of members, which does not depend on the machine.
"""

import dataclasses
import json
import statistics
import time
from pathlib import Path
from typing import Any

import optax
import tyro

import eggroll_ray as er
import envs
from benchmarks.shared.measured import head, whole
from benchmarks.shared.page import DOCS, table, write_record


@dataclasses.dataclass(frozen=True)
class Task:
    """An environment and the settings that both strategies share."""

    env: str
    target: float
    generations: int
    population_size: int = 512
    learning_rate: float = 0.05
    sigma: float = 0.1
    hidden: tuple[int, ...] = (64, 64)


TASKS = (
    Task("gymnax/CartPole-v1", target=475.0, generations=20, learning_rate=0.1),
    Task("gymnax/Pendulum-v1", target=-250.0, generations=200),
)
STRATEGIES = {"eggroll, rank 1": 1, "openai_es": 0}


def strategy(rank: int, task: Task) -> er.ES:
    """EGGROLL of a rank, or OpenAI-ES for rank 0, with the task's settings."""
    optimizer = optax.adam(task.learning_rate)
    if rank:
        return er.eggroll(rank=rank, sigma=task.sigma, optimizer=optimizer)
    return er.openai_es(sigma=task.sigma, optimizer=optimizer)


def train(task: Task, rank: int, seed: int) -> dict[str, Any]:
    """One run in this process."""
    evaluator = er.from_env(envs.make(task.env), er.mlp(task.hidden))
    trainer = er.Trainer(
        evaluator,
        strategy(rank, task),
        population_size=task.population_size,
        seed=seed,
        workers=0,
        watch=er.Watch(target=task.target),
    )
    curve: list[float] = []
    started = time.monotonic()
    with trainer:
        result = whole(trainer.fit(task.generations, lambda row: curve.append(row["mean_policy_return"])))
    assert result.test is not None
    return {
        "seed": seed,
        "solved": result.status == "solved" or float(result.test.mean()) >= task.target,
        "generations": result.generations,
        "member_episodes": result.generations * task.population_size,
        "return": float(result.test.mean()),
        "seconds": time.monotonic() - started,
        "curve": curve,
    }


def summary(runs: list[dict[str, Any]]) -> str:
    """A Markdown table with one row per environment and strategy."""
    rows = []
    for task in TASKS:
        baseline = statistics.median(_costs(runs, task, "openai_es"))
        for name in STRATEGIES:
            own = [run for run in runs if run["env"] == task.env and run["strategy"] == name]
            generations = [run["generations"] for run in own]
            cost = statistics.median(_costs(runs, task, name))
            solved = f"{sum(run['solved'] for run in own)} of {len(own)}"
            took = f"{statistics.median(generations):g}; {min(generations)}-{max(generations)}"
            goal = f"{task.env} >= {task.target:g}"
            rows.append((goal, name, solved, took, f"{cost:g}", f"{cost / baseline:.2f}"))
    heads = ("environment", "strategy", "solved", "generations (median; min-max)", "member-episodes (median)", "ratio")
    return "\n".join(table(heads, rows))


def draw(runs: list[dict[str, Any]], path: Path) -> None:
    """One panel per environment; a line per seed, thick where the strategy is EGGROLL."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    colours = dict(zip(STRATEGIES, ("#0b6e99", "#d1741f"), strict=True))
    for axes, task in zip(figure.subplots(1, len(TASKS)), TASKS, strict=True):
        for run in (run for run in runs if run["env"] == task.env):
            label = run["strategy"] if run["seed"] == 0 else None
            axes.plot(run["curve"], color=colours[run["strategy"]], alpha=0.75, linewidth=1.4, label=label)
        axes.axhline(task.target, color="#777777", linestyle="--", linewidth=1)
        axes.set(title=task.env, xlabel="generation (512 members)", ylabel="return of the mean policy")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.savefig(path, dpi=130)


def _costs(runs: list[dict[str, Any]], task: Task, name: str) -> list[int]:
    return [run["member_episodes"] for run in runs if run["env"] == task.env and run["strategy"] == name]


def main(seeds: int = 5, plot: bool = False) -> None:
    """Runs the benchmark, or draws what it found.

    Args:
      seeds: runs per environment and strategy.
      plot: draw docs/learning.png and print the table of the last run instead.
    """
    path = DOCS / "learning.json"
    if not plot:
        runs = []
        for task in TASKS:
            for seed in range(seeds):
                for name, rank in STRATEGIES.items():
                    run = {"env": task.env, "strategy": name, **train(task, rank, seed)}
                    runs.append(run)
                    print(f"{task.env} {name} seed {seed}: {run['return']:.1f} after {run['generations']} generations")
        record = head(f"python -m benchmarks.rl.learning --seeds {seeds}", "jax", "optax", "gymnax")
        record |= {"tasks": [dataclasses.asdict(task) for task in TASKS], "runs": runs}
        write_record(path, record)
    runs = json.loads(path.read_text())["runs"]
    draw(runs, DOCS / "learning.png")
    print(summary(runs))


if __name__ == "__main__":
    tyro.cli(main)
