"""Ray Tune chooses sigma, learning rate and rank for CartPole; each trial trains with a Ray worker of its own.

ASHA stops early the trials that fall behind. Population-based training (pbt) trains a few side by side: every few
generations the worst goes on from the parameters of the best, with changed settings; it takes three times as long.

Run: python examples/tune_cartpole.py [--scheduler pbt] [--trials 8] [--generations 15]

Needs the extra: pip install 'eggroll-ray[gymnax,tune]'
"""

import tempfile
from typing import Any, Literal

import optax
import ray
import tyro
from ray import tune
from ray.tune.schedulers import AsyncHyperBandScheduler, PopulationBasedTraining, TrialScheduler
from ray.tune.search import BasicVariantGenerator

import eggroll_ray as er
import envs
from eggroll_ray import tune as er_tune

SPACE = {
    "sigma": tune.loguniform(0.01, 1.0),
    "learning_rate": tune.loguniform(0.001, 0.1),
    "rank": tune.choice([1, 2, 4]),
}
CHECK_EVERY = 5  # generations between the looks of a scheduler


def make_trainer(config: Any) -> er.Trainer:
    """Is called in the process of a trial, whose workers are inside its placement group."""
    return er.Trainer(
        er.from_env(envs.make("gymnax/CartPole-v1"), er.mlp(hidden=(16,))),
        er.eggroll(rank=config["rank"], sigma=config["sigma"], optimizer=optax.adam(config["learning_rate"])),
        population_size=64,
        workers=er.Workers("auto", cpus=0.5),
        watch=er.Watch(episodes=32),
    )


def make_scheduler(name: str, generations: int) -> TrialScheduler:
    """Iterations are generations: a trainable of eggroll_ray reports once in each."""
    if name == "asha":
        return AsyncHyperBandScheduler(
            max_t=generations, grace_period=min(CHECK_EVERY, generations), reduction_factor=2
        )
    return PopulationBasedTraining(
        time_attr="training_iteration", perturbation_interval=CHECK_EVERY, hyperparam_mutations=dict(SPACE)
    )


def main(
    scheduler: Literal["asha", "pbt"] = "asha",
    trials: int = 4,
    generations: int = 15,
    seed: int = 0,
    storage: str | None = None,
) -> None:
    er_tune.connect()
    trial = er_tune.trainable(make_trainer, generations, checkpoint_every=CHECK_EVERY)
    with tempfile.TemporaryDirectory() as temporary:
        tuner = tune.Tuner(
            tune.with_resources(trial, er_tune.resources(workers=1, cpus=0.5, driver_cpus=0.5)),
            param_space=SPACE,
            tune_config=tune.TuneConfig(
                metric="mean_policy_return",
                mode="max",
                scheduler=make_scheduler(scheduler, generations),
                search_alg=BasicVariantGenerator(random_state=seed),
                num_samples=trials,
                reuse_actors=True,  # a trial takes over the process of one that has ended
            ),
            run_config=tune.RunConfig(storage_path=storage or temporary, verbose=0),
        )
        results = tuner.fit()
    for result in results:
        show(result)
    best = results.get_best_result()
    assert best.metrics is not None
    print(f"best: {describe(best.config)}: mean return {best.metrics['mean_policy_return']:.1f}")
    ray.shutdown()


def show(result: tune.Result) -> None:
    assert result.metrics is not None
    print(
        f"{describe(result.config)}  {result.metrics['training_iteration']:2} generations  "
        f"mean return {result.metrics['mean_policy_return']:6.1f}"
    )


def describe(config: Any) -> str:
    return f"sigma {config['sigma']:.3f}, learning rate {config['learning_rate']:.4f}, rank {config['rank']}"


if __name__ == "__main__":
    tyro.cli(main)
