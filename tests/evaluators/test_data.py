"""Data of a fitness: the same numbers as if it were closed over, put once, shipped once, and in no program."""

import pickle

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from evaluating import N, evaluate, formed, members, plain, start
from jax.experimental.serialize_executable import serialize

import eggroll_ray as er
from eggroll_ray.compiling.jaxprs import constant_bytes
from eggroll_ray.evaluators.blocking import blocking
from eggroll_ray.evaluators.functions import batched, from_fitness, jittable
from eggroll_ray.evaluators.record import Given
from eggroll_ray.runs.checkpoint import CheckpointError

pytestmark = pytest.mark.usefixtures("compile_quickly")

MODEL = {"w": jnp.linspace(-1, 1, 28).reshape(7, 4)[:, :3]}


def table(rows=50, seed=0):
    rng = np.random.default_rng(seed)
    return {"x": rng.normal(size=(rows, 7)).astype(np.float32), "y": rng.normal(size=rows).astype(np.float32)}


def in_jax(params, data, key):
    return -jnp.mean(((data["x"] @ params["w"]).sum(axis=1) - data["y"]) ** 2) + jax.random.uniform(key)


def in_batches(members, data, keys):
    assert isinstance(data["x"], np.ndarray)
    return members.apply(lambda params, key: in_jax(params, data, key), keys)


def in_python(params, data, seed):
    assert isinstance(data["x"], np.ndarray)
    return float((data["x"] @ params["w"]).sum())


@pytest.mark.parametrize("form", [jittable, batched])
def test_a_fitness_with_data_is_that_of_one_that_closes_over_it(form):
    data, fn = table(), in_jax if form is jittable else in_batches
    over = from_fitness(lambda params, key: fn(params, data, key), MODEL, form())
    given = from_fitness(fn, MODEL, form(), data=data)
    np.testing.assert_allclose(evaluate(given).fitness, evaluate(over).fitness, rtol=1e-5)
    key = jax.random.key(1)
    np.testing.assert_allclose(given.test(MODEL, (), key, 3), over.test(MODEL, (), key, 3), rtol=1e-5)
    assert len(np.unique(evaluate(given).fitness)) == N


def test_a_blocking_fitness_gets_the_data_in_its_process():
    data, es = table(), plain()
    evaluator = from_fitness(in_python, MODEL, blocking(), data=data)
    explicit = formed(es, start(evaluator, es), 2)["w"]
    expected = [float((data["x"] @ w).sum()) for w in explicit]
    np.testing.assert_allclose(evaluate(evaluator, numbers=members(0, 2)).fitness, expected, rtol=1e-5)


def test_data_may_be_added_to_a_weight_which_stays_low_rank():
    data, model, es = table(), {"w": jnp.ones((8, 9))}, er.eggroll()
    base = np.random.default_rng(1).normal(size=(8, 9)).astype(np.float32)

    def fn(params, data, key):
        return (data["x"][:, :1] @ (params["w"] + data["base"])[:1]).sum() + (data["base"].T @ params["w"]).mean()

    evaluator = from_fitness(fn, model, data={**data, "base": base})
    assert evaluator.check is not None
    evaluator.check(es.perturb, es.init(model, 0))
    block = evaluator.bind(es.perturb)(Given(es.init(model, 0), (), members(0, 2)))
    explicit = formed(es, es.init(model, 0), 2)["w"]
    expected = [fn({"w": w}, {**data, "base": base}, None) for w in explicit]
    np.testing.assert_allclose(block.fitness, expected, rtol=1e-4)


def test_data_is_put_on_the_device_once(monkeypatch):
    puts, put = [], jax.device_put
    monkeypatch.setattr(jax, "device_put", lambda *args: puts.append(args) or put(*args))
    evaluator, es = from_fitness(in_jax, MODEL, data=table()), plain()
    block, state = evaluator.bind(es.perturb), start(evaluator, es)
    for half in (members(0, 4), members(4, 8), members(0, 4)):
        block(Given(state, (), half))
    evaluator.test(MODEL, (), jax.random.key(0), 2)
    assert len(puts) == 1


def test_data_is_shipped_once_beside_what_is_pickled():
    """Ray keeps such buffers in its object store, which all workers of a machine read."""
    data, buffers = table(rows=20_000), []
    evaluator = from_fitness(in_jax, MODEL, data=data)
    body = cloudpickle.dumps(evaluator, protocol=5, buffer_callback=buffers.append)
    large = [buffer.raw().nbytes for buffer in buffers if buffer.raw().nbytes > 10_000]
    assert sorted(large) == sorted(array.nbytes for array in data.values()) and len(body) < 100_000
    there = pickle.loads(body, buffers=buffers)
    assert evaluate(there).fitness.tobytes() == evaluate(evaluator).fitness.tobytes()


def program_bytes(evaluator):
    es = plain()
    compiled = evaluator.bind(es.perturb).trace(Given(start(evaluator, es), (), members())).lower().compile()
    return len(serialize(compiled)[0])


def test_a_compiled_program_does_not_hold_the_data():
    """What is serialized is what the cache of programs keeps."""
    rows = 40_000
    small, large = (program_bytes(from_fitness(in_jax, MODEL, data=table(count))) for count in (50, rows))
    data = jax.tree.map(jnp.asarray, table(rows))
    over = program_bytes(from_fitness(lambda params, key: in_jax(params, data, key), MODEL))
    held = sum(array.nbytes for array in data.values())
    assert abs(large - small) < held / 10 and over - small > 0.9 * held  # so it would be seen


def test_a_fitness_that_closes_over_much_is_told_of_data(caplog):
    small, large = (jax.tree.map(jnp.asarray, table(rows)) for rows in (1_000, 40_000))
    from_fitness(lambda params, key: in_jax(params, small, key), MODEL)
    from_fitness(in_jax, MODEL, data=large)
    assert not caplog.records

    def greedy(params, key):
        return in_jax(params, large, key)

    from_fitness(greedy, MODEL)
    (record,) = caplog.records  # of 40,000 rows of 8 numbers
    assert record.getMessage().startswith("the fitness greedy closes over 1.3 MB of arrays: they become part of every")


def test_constants_are_counted_once_wherever_they_are():
    held = np.ones(1000, np.float32)

    def inner(x):
        return x + jnp.asarray(held)

    def outer(x):
        return jax.lax.scan(lambda carry, _: (jax.jit(inner)(carry) * held, None), x + held, None, length=3)[0]

    assert 4000 <= constant_bytes(jax.make_jaxpr(outer)(jnp.zeros(1000))) <= 12000


@pytest.mark.parametrize(
    ("leaf", "message"),
    [
        ("text", r"leaf 'labels' of data is a str .* no array of numbers"),
        (object(), r"leaf 'labels' of data is a object"),
        (np.array([1, 2**40]), r"leaf 'labels' of data is int64 and has numbers beyond 32 bits"),
    ],
)
def test_data_that_jax_cannot_hold_is_refused(leaf, message):
    with pytest.raises(ValueError, match=message):
        from_fitness(in_jax, MODEL, data={**table(), "labels": leaf})


def test_a_run_goes_on_with_its_own_data_alone(tmp_path):
    def trainer(data, resume=False):
        run = er.Run(tmp_path / "run", resume=resume)
        return er.Trainer(from_fitness(in_jax, MODEL, data=data), plain(), population_size=N, run=run)

    trainer(table()).close()
    with pytest.raises(CheckpointError, match="data"):
        trainer(table(seed=1), resume=True)
    trainer(table(), resume=True).close()
