"""A loop of one's own has the bits of a trainer that is told the same fitness."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import eggroll_ray as er
from eggroll_ray.ask_tell import AskTell
from eggroll_ray.evaluators.record import FitnessError, Invalid

pytestmark = pytest.mark.usefixtures("compile_quickly")
PARAMS = {"w": jnp.linspace(-1, 1, 48).reshape(6, 8), "b": jnp.ones(8)}
N = 16


def loop(**options):
    strategy = options.pop("strategy", None) or er.eggroll(sigma=0.1, optimizer=optax.adam(0.05))
    return AskTell(strategy, PARAMS, **{"population_size": N, "seed": 3, **options})


def score(params, key):
    return -jnp.sum((jnp.ones((4, 6)) @ params["w"] + params["b"][None]) ** 2) + jax.random.normal(key)


def noise(generation):
    return np.random.default_rng(generation).normal(size=N).astype(np.float32)


def step(own):
    return np.asarray(own.ask().apply(score, own.keys()))


@pytest.mark.parametrize("shaping", [er.fitness.centred_rank, er.fitness.antithetic_sign])
def test_it_has_the_bits_of_a_trainer(shaping):
    strategy = er.eggroll(sigma=0.1, optimizer=optax.adam(0.05), shaping=shaping)
    evaluator = er.from_fitness(lambda members, keys: members.apply(score, keys), PARAMS, er.batched())
    with er.Trainer(evaluator, strategy, population_size=N, seed=3, block_size=N) as trainer:
        expected = trainer.fit(4)
    own = loop(strategy=strategy)
    for _ in range(4):
        metrics = own.tell(step(own))
    assert (own.generation, own.digest()) == (4, expected.digest) and metrics["update_norm"] > 0
    np.testing.assert_array_equal(own.params["w"], expected.params["w"])


def test_dense_members_are_those_of_the_factors_and_parts_are_those_of_the_whole():
    own = loop()
    keys = own.keys()
    expected = np.asarray(own.ask().apply(score, keys))
    dense = own.ask(dense=True)
    assert dense["w"].shape == (N, 6, 8) and isinstance(dense["w"], np.ndarray)
    np.testing.assert_allclose(jax.vmap(score)(dense, keys), expected, rtol=1e-4)
    np.testing.assert_allclose(
        own.ask([4, 5, 0, 1]).apply(score, keys[np.array([4, 5, 0, 1])]), expected[[4, 5, 0, 1]], rtol=1e-5
    )
    np.testing.assert_allclose(dense["w"].mean(axis=0), PARAMS["w"], atol=1e-6)  # twins
    assert len({*map(bytes, np.asarray(jax.random.key_data(own.keys(1))))}) == N


def test_a_loop_goes_on_from_a_state_that_travelled():
    first = loop()
    for generation in range(2):
        first.ask()
        first.tell(noise(generation))
    second = loop()
    second.restore(pickle.loads(pickle.dumps(first.state)))
    for own in (first, second):
        own.ask()
        own.ask()
        own.tell(noise(9))
    assert first.digest() == second.digest() and second.generation == 3


def test_what_is_not_finite_is_dealt_with_by_the_rule():
    fitness = noise(0)
    spoiled, lowest = fitness.copy(), fitness.copy()
    spoiled[3], lowest[3] = np.nan, np.delete(fitness, 3).min()
    found = {}
    for rule, told in ((Invalid.WORST, spoiled), (Invalid.DROP_PAIR, lowest), (Invalid.RAISE, lowest)):
        own = loop(on_nan=rule)
        own.ask()
        own.tell(told.tolist())
        found[rule] = own.digest()
    assert found[Invalid.WORST] == found[Invalid.DROP_PAIR] == found[Invalid.RAISE]
    own = loop()
    own.ask()
    assert own.tell(spoiled)["invalid_members"] == 2 and own.digest() != found[Invalid.WORST]
    raising = loop(on_nan=Invalid.RAISE)
    raising.ask()
    with pytest.raises(FitnessError, match="member 3 of generation 0 has fitness nan"):
        raising.tell(spoiled)
    with pytest.raises(FitnessError, match="no pair of generation 1 has a finite fitness"):
        own.ask()
        own.tell(np.full(N, np.inf))
    own.tell(fitness)  # nothing of what failed is left


@pytest.mark.parametrize(
    ("do", "text"),
    [
        (lambda own: own.tell(noise(0)), "tell was called before ask for generation 0"),
        (lambda own: (own.ask(), own.tell(noise(0)), own.tell(noise(0))), "before ask for generation 1"),
        (lambda own: (own.ask(), own.tell(noise(0)[:-1])), r"shape \(15,\); give one number for each of the 16"),
        (lambda own: (own.ask(), own.tell(["a"] * N)), "the loop returned str a"),
        (lambda own: own.ask([0, 2]), r"members=\[0, 2\] must have the two of a pair"),
        (lambda own: own.ask([1, 2]), "must be whole pairs"),
        (lambda own: own.ask([16, 17]), r"of members in \[0, 16\)"),
        (lambda own: own.ask([]), "must be whole pairs"),
        (lambda own: own.restore(loop(seed=4).state), "the state is of seed 4, this loop of 3"),
        (
            lambda own: own.restore(loop(strategy=er.eggroll(optimizer=optax.sgd(0.1))).state),
            "of other parameters or another optimiser",
        ),
        (lambda own: loop(population_size=3), "population_size=3 must be even"),
        (lambda own: loop(strategy=optax.adam(0.1)), "the strategy is of type"),
    ],
)
def test_what_is_wrong_is_explained(do, text):
    with pytest.raises(ValueError, match=text):
        do(loop())
