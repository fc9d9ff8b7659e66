"""A speaker tells a listener where to go (PettingZoo's simple_speaker_listener): two roles, each with its own network.

Run: python examples/marl_pettingzoo.py [--generations 150] [--workers 2]

The environment is plain Python. It is stepped in Python, while all members of a block act in one compiled call. The two
agents have different observations and actions, and each role has its own parameters. The fitness of both is the return
of the team. The example also writes an animation of one episode to the current folder.
"""

from pathlib import Path

import jax
import optax
import tyro

import eggroll_ray as er
import envs
from eggroll_ray.rl.host_rollout import acting


def main(
    generations: int = 150,
    population_size: int = 256,
    workers: int = 0,
    seed: int = 0,
    run: str | None = None,
    picture: Path = Path("speaker-listener"),
) -> None:
    env = envs.make("pettingzoo/mpe2.simple_speaker_listener_v4")
    evaluator = er.from_host_env(
        env,
        {"speaker": er.mlp((32,)), "listener": er.mlp((32, 32))},
        episodes=2,
        agents=er.Agents(er.by_role, er.team),
    )
    trainer = er.Trainer(
        evaluator,
        er.eggroll(sigma=0.1, optimizer=optax.adam(0.03)),
        population_size=population_size,
        seed=seed,
        workers=workers,
        run=run,
        watch=er.Watch(every=10, episodes=32),
    )
    with trainer:
        result = trainer.fit(generations, on_row=show)

    assert result.test is not None
    print(f"after {result.generations} generations: mean return {result.test.mean():.1f}")
    assert env.render is not None
    print(f"one episode: {env.render(acting(result.policy, jax.random.key(seed)), seed, picture)}")


def show(row: dict) -> None:
    if row["mean_policy_return"] is not None:
        print(f"generation {row['generation']:3}  mean return {row['mean_policy_return']:7.1f}")


if __name__ == "__main__":
    tyro.cli(main)
