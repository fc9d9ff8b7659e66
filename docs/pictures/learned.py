"""Draws docs/pictures/learned.png: a pendulum learns to swing up and to stay there.

Run: python docs/pictures/learned.py      (about half a minute)

Trains gymnax/Pendulum-v1 with seed 0 in this process, rebuilds the policies of some generations from the seed and the
fitness log, and has each play the same episode.
"""

import tempfile
from pathlib import Path
from typing import Any

import jax
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import eggroll_ray as er
import envs

GENERATIONS = (0, 20, 60)
FRAMES = range(0, 200, 10)


def train(run: Path) -> tuple[er.Evaluator, list[Any], list[dict[str, Any]]]:
    """Trains, and returns the evaluator, the means of GENERATIONS, and the rows of metrics."""
    evaluator = er.from_env(envs.make("gymnax/Pendulum-v1"), er.mlp(hidden=(64, 64)))
    strategy, rows = er.eggroll(rank=1, sigma=0.1, optimizer=er.clipup(0.04)), []
    with er.Trainer(evaluator, strategy, population_size=512, seed=0, run=run) as trainer:
        trainer.fit(GENERATIONS[-1] + 1, rows.append)
        return evaluator, trainer.means_at(GENERATIONS), rows


def draw(evaluator: er.Evaluator, means: list[Any], rows: list[dict[str, Any]]) -> Figure:
    """The curve above, and an episode of each generation below, one pendulum every tenth step."""
    figure = Figure(figsize=(11, 5.2), dpi=110)
    FigureCanvasAgg(figure)
    parts = figure.add_gridspec(1 + len(means), 1, height_ratios=(1.9, *(1 for _ in means)), hspace=0.6)
    axes = figure.add_subplot(parts[0])
    axes.plot([row["mean_policy_return"] for row in rows], color="#0969da")
    axes.set(xlabel="generation (512 members)", ylabel="return", xlim=(-1, GENERATIONS[-1] + 1))
    axes.set_title("gymnax/Pendulum-v1: return of the mean policy over 128 fresh episodes", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    env = envs.make("gymnax/Pendulum-v1")
    assert evaluator.policy is not None
    for place, (generation, mean) in enumerate(zip(GENERATIONS, means, strict=True), 1):
        states, episode_return = er.record_episode(env, evaluator.policy(*mean), jax.random.key(4))
        row = figure.add_subplot(parts[place], aspect="equal")
        row.set(xlim=(-1.2, 2.4 * len(FRAMES) - 1.2), ylim=(-1.2, 1.2))
        row.set_title(f"one episode in generation {generation}: return {episode_return:.0f}", fontsize=10, loc="left")
        row.set_axis_off()
        for column, step in enumerate(FRAMES):
            angle = float(np.asarray(states[step].theta))
            tip = 2.4 * column - np.sin(angle), np.cos(angle)
            row.plot([2.4 * column, tip[0]], [0, tip[1]], color="#bc4c00", linewidth=4.5, solid_capstyle="round")
            row.plot(2.4 * column, 0, ".", color="black", markersize=5)
    return figure


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        figure = draw(*train(Path(folder) / "run"))
    figure.savefig(Path(__file__).parent / "learned.png", bbox_inches="tight")


if __name__ == "__main__":
    main()
