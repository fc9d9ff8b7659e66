"""Brax ant with the network of the paper (3 x 256, pqn activation) and normalised observations.

The default settings are for a GPU: a generation has up to 2 million steps of physics, and a CPU computes only some
thousands per second. To try it on a laptop, make everything smaller. This takes a minute, most of it for compilation:

Run: python examples/brax_ant.py --generations 3 --population-size 64 --episode-length 100 --hidden 64 64

`--workers 2` spreads the population over two Ray workers, `--workers auto` over all GPUs of the cluster.
"""

import time
from typing import Literal

import optax
import tyro

import eggroll_ray as er
import envs


def main(
    generations: int = 200,
    population_size: int = 2048,
    hidden: tuple[int, ...] = (256, 256, 256),
    task: str = "brax/ant",
    episode_length: int = 1000,
    test_episodes: int = 64,
    workers: int | Literal["auto"] = 0,
    seed: int = 0,
    run: str | None = None,
) -> None:
    print(
        f"A generation has up to {population_size} x {episode_length} steps of physics. This is slow on a CPU, which "
        "compiles for a minute and then computes some thousand steps per second: see --help for smaller settings."
    )
    env = envs.make(task, episode_length=episode_length)
    trainer = er.Trainer(
        er.from_env(env, er.mlp(hidden, activation=er.pqn), normalize_observations=True),
        er.eggroll(rank=1, sigma=0.05, optimizer=optax.adam(0.01)),
        population_size=population_size,
        seed=seed,
        workers=workers,
        run=run,
        watch=er.Watch(every=10, episodes=test_episodes),  # not every generation, since a test plays whole episodes
    )
    started = time.perf_counter()
    with trainer:
        result = trainer.fit(generations, on_row=show)
    seconds = time.perf_counter() - started
    assert result.test is not None
    print(
        f"{result.status} after {result.generations} generations in {seconds:.0f} s: "
        f"mean return {result.test.mean():.1f} +- {result.test.std():.1f} in {len(result.test)} episodes"
    )


def show(row: dict) -> None:
    line = f"generation {row['generation']:3}  population {row['fitness_mean']:8.2f}"
    if row["mean_policy_return"] is not None:  # tested in this generation
        line += f"  mean parameters {row['mean_policy_return']:8.2f}"
    print(f"{line}  {row['member_steps_per_second']:.0f} steps/s", flush=True)


if __name__ == "__main__":
    tyro.cli(main)
