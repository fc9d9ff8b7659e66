"""CartPole from Python: train until it is solved, read the metrics during training, and use the policy.

Run: python examples/cartpole.py [--workers 2] [--run runs/cartpole] [--generations 50]

`--workers 0` evaluates in this process. Any other number starts that many Ray workers, and gives the same result bit
for bit. `--run` names a new folder for the metrics, the fitness log and the checkpoints.
"""

import jax
import optax
import tyro

import eggroll_ray as er
import envs


def main(
    generations: int = 50,
    population_size: int = 512,
    workers: int = 0,
    seed: int = 0,
    run: str | None = None,
) -> None:
    env = envs.make("gymnax/CartPole-v1")
    trainer = er.Trainer(
        er.from_env(env, er.mlp(hidden=(32, 32))),
        er.eggroll(rank=1, sigma=0.1, optimizer=optax.adam(0.03)),
        population_size=population_size,
        seed=seed,
        workers=workers,
        run=run,
        watch=er.Watch(target=475.0),  # the mean return at which CartPole-v1 counts as solved
    )
    with trainer:
        result = trainer.fit(generations, on_row=show)

    returns = result.test  # of the mean parameters, in 128 episodes that no member of the population played
    assert returns is not None and result.policy is not None
    print(f"{result.status} after {result.generations} generations: mean return {returns.mean():.1f}")

    _, first = env.reset(jax.random.key(1))
    action = result.policy(first.observation)
    print(f"observation {first.observation} -> action {action}")
    _, episode_return = er.record_episode(env, result.policy, jax.random.key(1))
    print(f"one more episode: return {episode_return:.0f}")


def show(row: dict) -> None:
    print(
        f"generation {row['generation']:3}  "
        f"population {row['fitness_mean']:6.1f}  mean parameters {row['mean_policy_return']:6.1f}"
    )


if __name__ == "__main__":
    tyro.cli(main)
