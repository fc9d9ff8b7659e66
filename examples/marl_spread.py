"""Three agents cover three landmarks (JaxMARL's simple_spread): one shared policy, one per agent, own or team reward.

Run: python examples/marl_spread.py [--groups shared|agent] [--credit own|team] [--generations 300] [--workers 2]

Agents with separate parameters evolve at the same time, each with its own column of the fitness. The example also
writes an animation of one episode to the current folder.
"""

from pathlib import Path
from typing import Literal

import jax
import optax
import tyro

import eggroll_ray as er
import envs

GROUPS = {"shared": er.by_role, "agent": er.by_agent}
CREDIT = {"own": er.own, "team": er.team}


def main(
    groups: Literal["shared", "agent"] = "shared",
    credit: Literal["own", "team"] = "own",
    generations: int = 300,
    population_size: int = 512,
    workers: int = 0,
    seed: int = 0,
    run: str | None = None,
    picture: Path = Path("spread"),
) -> None:
    env = envs.make("jaxmarl/MPE_simple_spread_v3")
    evaluator = er.from_env(
        env,
        er.mlp((64, 64, 64)),
        episodes=4,
        agents=er.Agents(GROUPS[groups], CREDIT[credit]),
        normalize_observations=True,
    )
    trainer = er.Trainer(
        evaluator,
        er.eggroll(sigma=0.1, optimizer=optax.adam(0.02)),
        population_size=population_size,
        seed=seed,
        workers=workers,
        run=run,
        watch=er.Watch(every=20),
    )
    with trainer:
        result = trainer.fit(generations, on_row=show)

    assert result.test is not None
    print(f"after {result.generations} generations: mean return of an agent {result.test.mean():.1f}")
    states, returns = er.record_episode(env, result.policy, jax.random.key(seed))
    assert env.render is not None
    print(f"one episode of {len(states) - 1} steps, returns {returns}: {env.render(states, picture)}")


def show(row: dict) -> None:
    if row["mean_policy_return"] is not None:
        print(f"generation {row['generation']:3}  mean return of an agent {row['mean_policy_return']:7.1f}")


if __name__ == "__main__":
    tyro.cli(main)
