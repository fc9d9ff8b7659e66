"""The same bits for any number of cores."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eggroll_ray as er
from eggroll_ray.compiling import threads
from eggroll_ray.compiling.block_program import calls_out
from eggroll_ray.workers.messages import Request, Work
from eggroll_ray.workers.plan import Plan
from eggroll_ray.workers.worker import Worker

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
    # From a cache each of them would take what another compiled for as many threads as that one has.
    environment |= {"JAX_PLATFORMS": "cpu", "JAX_ENABLE_COMPILATION_CACHE": "false", **variables}
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


FACTORISING = """
import jax, jax.numpy as jnp
import eggroll_ray as er
from eggroll_ray.workers.messages import Request, Work
from eggroll_ray.workers.plan import Plan
from eggroll_ray.workers.worker import Worker

def fitness(params, key):
    x = params["w"] @ jnp.ones(8)
    start = 100 * jnp.eye(24) + jnp.outer(x, x)
    return jax.lax.fori_loop(0, 10, lambda i, m: m + 0.01 * jnp.linalg.cholesky(m), start).sum()

evaluator = er.from_fitness(fitness, {"w": jnp.zeros((24, 8))})
worker = Worker(er.eggroll(), evaluator, Plan(2048, 64, 0, 1), threads=2)
asked = Request(0, (), tuple(range(32)))
found = [worker.step(asked) for _ in range(2)]
print(len(found), found[0].fitness.size)
"""


def worker(count: int, fitness) -> Worker:
    evaluator = er.from_fitness(fitness, {"w": jnp.zeros((6, 5))}, er.jittable(on_nan=er.Invalid.RAISE))
    return Worker(er.eggroll(), evaluator, Plan(64, 4, 0, 1), count)


def test_blocks_in_threads_have_the_bits_of_one_after_the_other():
    def fitness(params, key):
        return jnp.tanh(params["w"] @ jnp.linspace(0.0, 1.0, 5)).sum() + jax.random.normal(key, ())

    asked = Request(0, (), (*range(1, 16), 0), test=True)
    one, several = (worker(count, fitness).step(asked) for count in (1, 3))
    np.testing.assert_array_equal(one.blocks, several.blocks)
    np.testing.assert_array_equal(one.fitness, several.fitness)
    np.testing.assert_array_equal(one.test, several.test)
    again = worker(3, fitness)
    less = again.step(asked, cancelled=Work((3, 15), test=True).overlaps)
    assert less.blocks.tolist() == [1, 2, *range(4, 15), 0] and less.test is None


def test_blocks_of_programs_that_call_lapack_do_not_wait_for_each_other_for_ever():
    """Two at once may each wait for threads of XLA's that the other has: such blocks are evaluated one at a time."""
    done = subprocess.run(
        [sys.executable, "-c", FACTORISING],
        capture_output=True,
        text=True,
        timeout=240,  # seconds; without the rule it never ends
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["2", "2048"]


@pytest.mark.parametrize(
    ("fn", "found"),
    [
        (jnp.tanh, False),
        (jax.random.normal, False),
        (jnp.linalg.cholesky, True),
        (lambda x: jax.lax.fori_loop(0, 3, lambda i, x: jax.pure_callback(lambda x: x, x, x), x), True),
    ],
    ids=["tanh", "normal", "cholesky", "callback"],
)
def test_a_program_that_calls_out_is_known_by_its_text(fn, found):
    given = jax.random.key(0) if fn is jax.random.normal else jnp.eye(3)
    assert calls_out(jax.jit(fn).trace(given)) is found


def test_of_several_blocks_that_fail_in_threads_the_first_is_named():
    def fitness(params, key):
        del key
        return jnp.where((params["w"] @ jnp.ones(5)).sum() > 0.3, jnp.nan, 0.0)

    with pytest.raises(er.FitnessError) as alone:
        worker(1, fitness).step(Request(0, (), tuple(range(16))))
    with pytest.raises(er.FitnessError) as threaded:
        worker(4, fitness).step(Request(0, (), tuple(range(16))))
    assert str(threaded.value) == str(alone.value)
