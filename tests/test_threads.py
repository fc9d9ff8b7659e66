"""The same bits for any number of cores."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eggroll_ray as er
from eggroll_ray import threads
from eggroll_ray.messages import TEST, Plan, Request
from eggroll_ray.worker import Worker

# The moments of normalised observations are summed over the rows of a block, and z-scores over the population.
CODE = """
import sys, os, hashlib
if sys.argv[1]:
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: int(sys.argv[1])]))
import eggroll_ray as er
import jax, jax.numpy as jnp, numpy as np
assert jax.device_count() == 1
trainer = er.Trainer(
    er.from_env(__import__("envs").make("gymnax/CartPole-v1"), er.mlp((8,)), episodes=8, normalize_observations=True),
    er.eggroll(shaping=er.fitness.z_score), population_size=256, seed=0, watch=er.Watch(every=0),
)
with trainer:
    result = trainer.fit(3)
fitness = jax.random.normal(jax.random.key(0), (65536,))
rows = jax.random.normal(jax.random.key(1), (4096, 64))
both = jax.jit(lambda x, y: (er.fitness.z_score(x), y.sum(axis=0)))(fitness, rows)
leaves = jax.tree.leaves((result.params, both))
print(hashlib.sha256(b"".join(np.asarray(x).tobytes() for x in leaves)).hexdigest())
"""


def digest(cores: str = "", **variables: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "NPROC"}
    environment |= {"JAX_PLATFORMS": "cpu", **variables}
    done = subprocess.run([sys.executable, "-c", CODE, cores], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be chosen here")
def test_one_core_computes_the_bits_of_several():
    assert digest(cores="1") == digest(NPROC="3")


@pytest.mark.parametrize(("given", "cores", "used"), [("1", 8, "2"), ("4", 1, "4"), ("", 1, "2"), ("", 8, "")])
def test_xla_is_never_given_one_thread(monkeypatch, given, cores, used):
    monkeypatch.setenv("NPROC", given)
    monkeypatch.setattr(threads, "cores", lambda: cores)
    threads.use_two_or_more()
    assert os.environ["NPROC"] == used


def worker(count: int, fitness) -> Worker:
    evaluator = er.from_fitness(fitness, {"w": jnp.zeros((6, 5))}, er.jittable(on_nan=er.Invalid.RAISE))
    return Worker(er.eggroll(), evaluator, Plan(64, 4, 0, 1), count)


def test_blocks_in_threads_have_the_bits_of_one_after_the_other():
    def fitness(params, key):
        return jnp.tanh(params["w"] @ jnp.linspace(0.0, 1.0, 5)).sum() + jax.random.normal(key, ())

    asked = Request(0, (), (*range(1, 16), TEST, 0))
    one, several = (worker(count, fitness).step(asked) for count in (1, 3))
    np.testing.assert_array_equal(one.blocks, several.blocks)
    np.testing.assert_array_equal(one.fitness, several.fitness)
    np.testing.assert_array_equal(one.test, several.test)
    again = worker(3, fitness)
    assert again.step(asked, cancelled=lambda block: block in (TEST, 3, 15)).blocks.tolist() == [
        *(1, 2, *range(4, 15)),
        0,
    ]


def test_of_several_blocks_that_fail_in_threads_the_first_is_named():
    def fitness(params, key):
        del key
        return jnp.where((params["w"] @ jnp.ones(5)).sum() > 0.3, jnp.nan, 0.0)

    with pytest.raises(er.FitnessError) as alone:
        worker(1, fitness).step(Request(0, (), tuple(range(16))))
    with pytest.raises(er.FitnessError) as threaded:
        worker(4, fitness).step(Request(0, (), tuple(range(16))))
    assert str(threaded.value) == str(alone.value)
