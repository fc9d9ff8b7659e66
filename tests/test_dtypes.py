"""Runs whose parameters, or whose optimiser's state, are not all float32: trained, resumed, replayed and sent on."""

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import eggroll_ray as er
from eggroll_ray.es.digest import digest
from eggroll_ray.replay import Replay
from eggroll_ray.workers.prepare import prepare
from eggroll_ray.workers.worker import Worker

pytestmark = pytest.mark.usefixtures("compile_quickly")

FROZEN = {
    "keys": jax.random.split(jax.random.key(7), 2),  # frozen as they are
    "other generator": jax.random.key(7, impl="rbg"),
    "int4": np.arange(-2, 3).astype(jnp.int4),
    "float8": np.arange(-2, 3).astype(jnp.float8_e4m3fn),
    "mask": np.array([-np.inf, 0.0], np.float32),
}


def evaluator(trained):
    def fitness(params, key):
        moved = params["w"].astype(jnp.float32) + jax.random.normal(params["keys"][1])
        return -jnp.sum(moved**2) + params["float8"].astype(jnp.float32).sum()

    return er.from_fitness(fitness, {"w": np.ones(4, trained), **FROZEN})


def strategy(**options):
    rules = er.LeafRules(frozen=("int4", "float8", "mask"))
    return er.eggroll(**{"optimizer": optax.noisy_sgd(0.1, 0.01, key=jax.random.key(5)), "leaves": rules, **options})


def train(generations, trained=np.float32, run=None, **options):
    trainer = er.Trainer(evaluator(trained), strategy(**options), population_size=8, block_size=8, seed=3, run=run)
    with trainer:
        return trainer.fit(generations)


CASES = {"noise of the optimiser": (np.float32, {})}


@pytest.mark.parametrize("name", CASES)
def test_a_run_is_resumed_and_replayed_to_the_bit(name, tmp_path):
    trained, options = CASES[name]
    folder = tmp_path / "run"
    whole = train(4, trained, er.Run(folder, checkpoint_every=2), **options)
    for name, array in FROZEN.items():
        assert digest(whole.params[name]) == digest(array) and whole.params[name].dtype == array.dtype
    train(3, trained, er.Run(tmp_path / "part", checkpoint_every=2), **options)
    assert train(4, trained, er.Run(tmp_path / "part", resume=True), **options).digest == whole.digest
    made = strategy(**options)
    plan = prepare(evaluator(trained), made, 8, block_size=8, seed=3).plan
    past = Replay(folder, evaluator(trained), made, plan)
    assert past.worker_at(4, from_start=True).digest() == past.worker_at(4).digest() == whole.digest
    there = Worker(made, evaluator(trained), plan)
    there.catch_up(cloudpickle.loads(cloudpickle.dumps(past.worker_at(3).snapshot())), list(past.log.read(3, 4)))
    assert there.digest() == whole.digest
