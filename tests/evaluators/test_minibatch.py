"""Minibatches: one for all members of a generation, decided by seed and generation; and a test on what is held out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from evaluating import evaluate, members

import eggroll_ray as er
from eggroll_ray.evaluators.blocking import blocking
from eggroll_ray.evaluators.data import Data
from eggroll_ray.evaluators.functions import batched, from_fitness, jittable
from eggroll_ray.evaluators.minibatch import Minibatches, minibatches, taken
from eggroll_ray.runs.checkpoint import CheckpointError

pytestmark = pytest.mark.usefixtures("compile_quickly")
KEY = jax.random.key(1)
MODEL = {"w": jnp.linspace(-1, 1, 28).reshape(7, 4)[:, :3]}


def table(examples=50, seed=0):
    rng = np.random.default_rng(seed)
    return {"x": rng.normal(size=(examples, 7)).astype(np.float32), "y": rng.normal(size=examples).astype(np.float32)}


def in_jax(params, data, key):
    return -jnp.mean(((data["x"] @ params["w"]).sum(axis=1) - data["y"]) ** 2) + jax.random.uniform(key)


def in_batches(members, data, keys):
    return members.apply(lambda params, key: in_jax(params, data, key), keys)


def test_an_epoch_has_every_example_once_and_an_order_of_its_own():
    batches = Minibatches(4, 14)  # three a generation; two examples are left over
    epochs = [np.concatenate([batches.places(5, 3 * epoch + i) for i in range(3)]) for epoch in range(40)]
    assert all(len({*epoch.tolist()}) == 12 for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 40
    counts = np.bincount(np.concatenate(epochs), minlength=14)
    assert len(counts) == 14 and abs(counts / 40 - 12 / 14).max() < 0.2  # whichever is left over changes
    assert (batches.places(5, 7) != batches.places(6, 7)).any()
    assert batches.places(5, 7).dtype == np.int32


def test_the_order_of_a_seed_stays_what_it_was():
    assert Minibatches(5, 10).places(3, 0).tolist() == [1, 2, 9, 5, 7]


@pytest.mark.parametrize("form", [jittable, batched])
def test_all_members_see_the_examples_of_their_generation(form):
    data, fn = table(), in_jax if form is jittable else in_batches
    given = from_fitness(fn, MODEL, form(minibatch=8), data=data)
    for generation in (2, 3):
        seen = taken(data, Minibatches(8, 50).places(1, generation))
        expected = evaluate(from_fitness(fn, MODEL, form(), data=seen), generation=generation).fitness
        halves = [evaluate(given, numbers=members(i, i + 4), generation=generation).fitness for i in (0, 4)]
        np.testing.assert_allclose(np.concatenate(halves), expected, rtol=1e-5)


def rows(params, data, key):
    """A mean over examples."""
    return (data["x"] @ params["w"]).mean()


@pytest.mark.parametrize("test_batch", [None, 10, 7, 100])
def test_the_mean_parameters_are_tested_on_all_that_is_held_out(test_batch):
    held_out = table(31, seed=3)
    form = jittable(minibatch=8, test_batch=test_batch)
    evaluator = from_fitness(in_jax, MODEL, form, data=table(), test_data=held_out, test=rows)
    found = evaluator.test(MODEL, (), KEY, 2)
    np.testing.assert_allclose(found, [rows(MODEL, held_out, None)] * 2, rtol=1e-5)


def test_without_a_set_of_its_own_the_test_is_on_all_of_the_data():
    for form, fn in ((jittable(minibatch=8), rows), (batched(minibatch=8), None)):
        scored = fn or (lambda members, data, keys: members.apply(lambda p, key: rows(p, data, key), keys))
        evaluator = from_fitness(scored, MODEL, form, data=table())
        np.testing.assert_allclose(evaluator.test(MODEL, (), KEY, 1), rows(MODEL, table(), None), rtol=1e-5)


def trainer(run, minibatch=8, **options):
    form = jittable(minibatch=minibatch)
    evaluator = from_fitness(in_jax, MODEL, form, data=table(), test_data=table(20, seed=3), test=rows)
    return er.Trainer(evaluator, population_size=8, run=run, **options)


def test_a_run_goes_on_with_the_minibatches_that_it_would_have_had(tmp_path):
    with trainer(None, block_size=8) as whole:
        expected = whole.fit(9)
    with trainer(tmp_path / "run", block_size=8) as first:
        first.fit(4)
    with trainer(er.Run(tmp_path / "run", resume=True)) as second:
        result = second.fit(9)
    assert result.digest == expected.digest
    assert result.test is not None and expected.test is not None
    np.testing.assert_array_equal(result.test, expected.test)
    with pytest.raises(CheckpointError, match="minibatch"):
        trainer(er.Run(tmp_path / "run", resume=True), minibatch=4)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: from_fitness(in_jax, MODEL, jittable(minibatch=8)), "minibatch needs data: from_fitness"),
        (lambda: minibatches(Data((table(),)), 51), r"minibatch=51 must be in \[1, 50\]"),
        (lambda: minibatches(Data((table(),)), 0), r"minibatch=0 must be in"),
        (lambda: minibatches(Data((table(),)), 2.5), "minibatch=2.5"),
        (
            lambda: minibatches(Data((table() | {"scale": np.float32(2), "z": np.ones(3)},)), 8),
            "but of examples scale has none, x has 50, y has 50, z has 3; let the function close over",
        ),
        (lambda: from_fitness(in_jax, MODEL, test_data=table()), "test_data needs data"),
        (
            lambda: from_fitness(in_jax, MODEL, data=table(), test=lambda p, d, key: d["y"]),
            r"returned float32\[50\]; a jittable fitness returns one real number",
        ),
        (
            lambda: from_fitness(in_jax, MODEL, jittable(test_batch=0), data=table(), test_data=table()),
            "test_batch=0 must be at least 1",
        ),
        (
            lambda: from_fitness(in_jax, MODEL, blocking(), data=table(), test_data=table()),
            "test and test_data do not go with blocking",
        ),
    ],
)
def test_what_does_not_fit_is_refused_at_once(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_a_minibatch_is_of_the_examples_of_every_array():
    data = {"x": jnp.arange(6), "deep": (jnp.arange(12).reshape(6, 2),)}
    found = taken(data, np.array([4, 1]))
    assert found["x"].tolist() == [4, 1] and found["deep"][0].tolist() == [[8, 9], [2, 3]]
