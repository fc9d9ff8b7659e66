"""Long episodes in windows: truncated ES learns the wrong action, persistent and noise-reuse ES the right one.

    python -m benchmarks.rl.persistent          # runs all (three minutes), writes docs/persistent.json, .md and .png

In this toy task an action is rewarded at once, and costs `COST` times as much `DELAY` steps later, after the window.
The best action is -1, but within a window +1 looks best. All methods use the same number of environment steps.
"""

import statistics
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import tyro

import eggroll_ray as er
from benchmarks.shared.measured import head, whole
from benchmarks.shared.page import DOCS, source_of_record, table, write_page, write_record

STEPS, DELAY, WINDOW, COST = 400, 100, 50, 3.0
WINDOWS = STEPS // WINDOW
EPISODES, POPULATION, RATE = 60, 64, 0.02  # of each method
# Name -> window, and what the strategy is told.
METHODS: dict[str, tuple[int | None, dict[str, Any]]] = {
    "whole episodes": (None, {}),
    "truncated": (WINDOW, {}),
    "persistent (PES)": (WINDOW, {"persistent": WINDOWS}),
    "noise reuse (NRES)": (WINDOW, {"noise_reuse": WINDOWS}),
}


def debts() -> er.Env:
    """The task; a policy sees how far the episode has come."""

    def shown(time: Any, reward: Any) -> er.Timestep:
        return er.Timestep(jnp.reshape(time / STEPS, (1,)).astype(jnp.float32), reward, time >= STEPS)

    def reset(key: Any) -> Any:
        del key
        return (jnp.int32(0), jnp.zeros(DELAY, jnp.float32)), shown(jnp.int32(0), jnp.float32(0))

    def step(state: Any, action: Any, key: Any) -> Any:
        del key
        time, due = state
        now = time % DELAY
        reward = (action[0] - COST * due[now]) / STEPS
        return (time + 1, due.at[now].set(action[0])), shown(time + 1, reward)

    return er.Env("toy/debts", reset, step, er.Box.of((1,), 0, 1), er.Box.of((1,), -1, 1), STEPS)


def train(name: str, seed: int) -> list[float]:
    """The return of the mean policy after each episode's worth of steps, the start first."""
    window, corrected = METHODS[name]
    generations = 1 if window is None else WINDOWS  # of one episode
    rate = RATE / generations  # so that an episode's updates are as long with each method
    trainer = er.Trainer(
        er.from_env(debts(), er.mlp((8,)), window=window),
        er.eggroll(sigma=0.1, optimizer=optax.adam(rate), shaping=er.fitness.z_score, **corrected),
        population_size=POPULATION,
        seed=seed,
        watch=er.Watch(every=generations, episodes=1),
    )
    with trainer:
        curve: list[float] = []
        result = whole(trainer.fit(EPISODES * generations, lambda row: curve.append(row["mean_policy_return"])))
    assert result.test is not None
    return [value for value in curve if value is not None] + [float(result.test.mean())]


def page(record: dict[str, Any]) -> str:
    """The Markdown page of the data."""
    rows = []
    for name in METHODS:
        last = [run["curve"][-1] for run in record["runs"] if run["method"] == name]
        rows.append((name, f"{statistics.median(last):.2f}; {min(last):.2f} to {max(last):.2f}", len(last)))
    lines = [
        "# Long episodes in windows",
        "",
        source_of_record(record),
        "",
        f"Episodes of {STEPS} steps; an action `x` in [-1, 1] pays `x` at once and costs `{COST:g} x` {DELAY} steps "
        f"later; {POPULATION} members, {EPISODES} episodes each, Adam {RATE:g} an episode. The best return is "
        f"{best():.2f} (always -1); always +1 gives {-best():.2f}. Windows have {WINDOW} steps.",
        "",
        *table(("method", "return of the mean policy (median; min to max)", "seeds"), rows),
        "",
        "![Curves](persistent.png)",
        "",
    ]
    return "\n".join(lines)


def best() -> float:
    """The highest return: each step pays -1, each but the last `DELAY` earns `COST`."""
    return (COST * (STEPS - DELAY) - STEPS) / STEPS


def draw(runs: list[dict[str, Any]], path: Path) -> None:
    """A line per run."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    colours = dict(zip(METHODS, ("#555555", "#c0392b", "#0b6e99", "#2e8b57"), strict=True))
    for run in runs:
        label = run["method"] if run["seed"] == 0 else None
        axes.plot(np.arange(len(run["curve"])), run["curve"], color=colours[run["method"]], label=label, alpha=0.8)
    axes.axhline(best(), color="#777777", linestyle="--", linewidth=1)
    axes.set(xlabel=f"environment steps per member / {STEPS}", ylabel="return of the mean policy")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=130)


def main(seeds: int = 5) -> None:
    """Runs the benchmark.

    Args:
      seeds: runs of each method.
    """
    runs = []
    for name in METHODS:
        for seed in range(seeds):
            runs.append({"method": name, "seed": seed, "curve": train(name, seed)})
            print(f"{name}, seed {seed}: {runs[-1]['curve'][0]:.2f} to {runs[-1]['curve'][-1]:.2f}")
    record = head(f"python -m benchmarks.rl.persistent --seeds {seeds}", "jax", "optax") | {"runs": runs}
    write_record(DOCS / "persistent.json", record)
    write_page(DOCS / "persistent.md", page(record))
    draw(runs, DOCS / "persistent.png")


if __name__ == "__main__":
    tyro.cli(main)
