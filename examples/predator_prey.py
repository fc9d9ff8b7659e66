"""Predators and prey evolve against each other (JaxMARL's simple_tag), and are then tested against each other's past.

Run: python examples/predator_prey.py [--generations 200] [--workers 2] [--run runs/predator-prey]

Both roles are perturbed at the same time and play in the same episodes, but each has its own fitness. At the end the
parameters of earlier generations are rebuilt from the seed and the fitness log, and every generation of one role plays
against every generation of the other. The example also writes an animation of one episode to the current folder.
"""

import tempfile
from pathlib import Path

import jax
import numpy as np
import optax
import tyro

import eggroll_ray as er
import envs


def main(
    generations: int = 200,
    population_size: int = 512,
    workers: int = 0,
    seed: int = 0,
    entries: int = 5,
    games: int = 256,
    run: Path | None = None,
    picture: Path = Path("predator-prey"),
) -> None:
    env = envs.make("jaxmarl/MPE_simple_tag_v3")
    evaluator = er.from_env(env, er.mlp((64, 64)), episodes=4, normalize_observations=True)
    folder = run or Path(tempfile.mkdtemp()) / "predator-prey"
    trainer = er.Trainer(
        evaluator,
        er.eggroll(sigma=0.1, optimizer=optax.adam(0.02)),
        population_size=population_size,
        seed=seed,
        workers=workers,
        run=folder,
        watch=er.Watch(every=20),
    )
    with trainer:
        result = trainer.fit(generations, on_row=show)
        numbers = er.spread_out(result.generations, entries)
        means = trainer.means_at(numbers)

    found = er.play_league(evaluator, means, numbers, games, seed)
    predator, prey = found.groups
    print(f"return of the {predator} of a generation (rows) against the {prey} of another (columns):")
    print_matrix(numbers, found.score)
    print(f"return of the {prey} (columns) in the same games:")
    print_matrix(numbers, found.second_score)

    states, returns = er.record_episode(env, result.policy, jax.random.key(seed))
    assert env.render is not None
    print(f"one episode of {len(states) - 1} steps, returns {returns}: {env.render(states, picture)}")


def print_matrix(numbers: tuple[int, ...], returns: np.ndarray) -> None:
    print("          " + "".join(f"{number:>9}" for number in numbers))
    for number, row in zip(numbers, returns, strict=True):
        print(f"{number:>9} " + "".join(f"{value:9.1f}" for value in row))


def show(row: dict) -> None:
    means = {name.split("/")[1]: value for name, value in row.items() if name.startswith("fitness_mean/")}
    if row["generation"] % 20 == 0:
        print(
            f"generation {row['generation']:3}  " + "  ".join(f"{name} {value:7.1f}" for name, value in means.items())
        )


if __name__ == "__main__":
    tyro.cli(main)
