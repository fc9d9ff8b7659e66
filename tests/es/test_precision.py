"""Steps of parameters narrower than float32: the optimiser sees float32, and small steps are not lost where asked."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from eggroll_ray import fitness
from eggroll_ray.es.eggroll import eggroll
from eggroll_ray.es.leaves import LeafRules, Rounding
from eggroll_ray.es.precision import MasterState
from eggroll_ray.lowrank.parameter import densify
from eggroll_ray.lowrank.rounding import round_at_random

pytestmark = pytest.mark.usefixtures("compile_quickly")

HALVES = [jnp.bfloat16, jnp.float16]
NARROW = [*HALVES, jnp.float8_e5m2, jnp.float8_e4m3fn]
STEPS = 256
WORDS = (np.arange(STEPS, dtype=np.uint32) << np.uint32(24)) + np.uint32(1 << 23)  # evenly over all words
rounded = jax.jit(round_at_random, static_argnames="dtype")


def neighbours(x, dtype):
    """The numbers of the type next to x, below and above, in float64."""
    bits = {1: np.uint8, 2: np.uint16}[jnp.dtype(dtype).itemsize]
    with np.errstate(invalid="ignore"):
        every = np.arange(np.iinfo(bits).max + 1).astype(bits).view(dtype).astype(np.float64)
    every = np.unique(every[np.isfinite(every)])
    above = np.searchsorted(every, x.astype(np.float64), side="left")
    exact = every[above] == x
    return np.where(exact, every[above], every[above - 1]), every[above]


@pytest.mark.parametrize("dtype", NARROW, ids=lambda dtype: jnp.dtype(dtype).name)
def test_it_rounds_to_a_neighbour_as_often_as_is_right_on_average(dtype):
    finfo, rng = jnp.finfo(dtype), np.random.default_rng(0)
    least = max(float(finfo.smallest_subnormal), 2.0**-126)  # a CPU takes what is below for zero
    exponents = rng.uniform(np.log2(least) - 2, np.log2(float(finfo.max)), 500)
    x = (rng.choice([-1, 1], 500) * np.exp2(exponents)).astype(np.float32)
    x = x[(np.abs(x) < float(finfo.max)) & (np.abs(x) > 2.0**-118)]
    found = np.asarray(rounded(x[:, None], np.broadcast_to(WORDS, (len(x), STEPS)), dtype=dtype), np.float64)
    below, above = neighbours(x, dtype)
    assert ((found == below[:, None]) | (found == above[:, None])).all()
    np.testing.assert_allclose((found.mean(axis=1) - x) / (above - below), 0, atol=1 / STEPS)
    assert (np.diff(found, axis=1) <= 0).all()  # a larger word is never rounded up where a smaller one is not


@pytest.mark.parametrize("dtype", NARROW, ids=lambda dtype: jnp.dtype(dtype).name)
def test_what_the_type_holds_stays_as_it_is(dtype):
    finfo = jnp.finfo(dtype)
    tiny = max(float(finfo.smallest_subnormal), 2.0**-126)
    held = np.array(
        [0.0, 1.0, -1.75, float(finfo.max), -float(finfo.max), float(finfo.tiny), 3 * tiny, -tiny], np.float32
    )
    for word in (0, 1 << 31, (1 << 32) - 1):
        found = rounded(held, np.full(held.shape, word, np.uint32), dtype=dtype)
        np.testing.assert_array_equal(np.asarray(found, np.float32), held)


def test_what_is_not_finite_or_too_large_is_rounded_as_ever():
    largest = float(jnp.finfo(jnp.float16).max)
    given = np.array([np.inf, -np.inf, np.nan, 1e30, largest + 8, -largest - 8], np.float32)
    for word in (0, (1 << 32) - 1):
        found = rounded(given, np.full(given.shape, word, np.uint32), dtype=jnp.float16)
        np.testing.assert_array_equal(found, [np.inf, -np.inf, np.nan, np.inf, largest, -largest])


OPTIMIZERS = {
    "adam": optax.adam(0.1),
    "adamw": optax.adamw(0.1),
    "rmsprop": optax.rmsprop(0.1),
    "adagrad": optax.adagrad(0.1),
    "lamb": optax.lamb(0.1),
    "novograd": optax.novograd(0.1),
    "adabelief": optax.adabelief(0.1),
}


@pytest.mark.parametrize("dtype", HALVES, ids=lambda dtype: jnp.dtype(dtype).name)
def test_generations_of_ties_leave_parameters_finite(dtype):
    """In float16 the epsilon of these optimisers is zero, and a step of no gradient was 0 / 0."""
    params = {name: jnp.ones((3, 3), dtype) for name in OPTIMIZERS}
    es = eggroll(optimizer=optax.partition(OPTIMIZERS, {name: name for name in OPTIMIZERS}))
    state, update = es.init(params, 0), jax.jit(es.update)
    for fits in (jnp.zeros(4), jnp.zeros(4), jnp.arange(4.0)):
        state, metrics = update(state, fits)
        for name, array in state.params.items():
            assert array.dtype == dtype and np.isfinite(np.asarray(array, np.float32)).all(), name
    narrow = [x for x in jax.tree.leaves(state.opt_state) if x.dtype == dtype]
    assert not narrow and float(metrics["update_norm"]) > 0


GENERATIONS = 40
STEP = 2.0**-12  # up from 1, beside which the next number of bfloat16 is 2**-7 away


@pytest.fixture(scope="module")
def moved(compile_quickly):
    """The states of many generations of small steps."""
    rules = LeafRules(stochastic=("at random*",), master=("beside master", "wide"))
    names = ("at random", "at random, too", "beside master", "nearest")
    params = {**{name: jnp.ones(4000, jnp.bfloat16) for name in names}, "wide": jnp.ones(4000)}
    steady = optax.stateless(lambda updates, _: jax.tree.map(lambda g: jnp.full_like(g, STEP), updates))
    es = eggroll(optimizer=steady, leaves=rules)
    update, states = jax.jit(es.update), [es.init(params, 3)]
    for _ in range(GENERATIONS):
        states.append(update(states[-1], jnp.arange(4.0))[0])
    return states


def test_they_are_lost_where_the_nearest_number_is_taken(moved):
    assert (moved[-1].params["nearest"] == 1).all()


def test_they_count_in_full_beside_a_master(moved):
    masters = [state.opt_state.masters for state in moved]
    assert all(isinstance(state.opt_state, MasterState) for state in moved)
    assert {name for name, master in masters[0].items() if master is not None} == {"beside master"}
    for number, (state, master) in enumerate(zip(moved, masters, strict=True)):
        kept = master["beside master"]
        assert kept.dtype == jnp.float32 and (kept == 1 + number * STEP).all()
        assert (state.params["beside master"] == kept.astype(jnp.bfloat16)).all()
        assert (state.params["wide"] == kept).all()
    assert moved[-1].params["beside master"][0] == 1 + 2.0**-7


def test_they_count_on_average_where_they_are_rounded_at_random(moved):
    one, two = (np.asarray(moved[-1].params[name], np.float64) for name in ("at random", "at random, too"))
    expected = GENERATIONS * STEP
    for array in (one, two):
        assert abs(array.mean() - 1 - expected) < 5 * array.std() / np.sqrt(array.size)
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.08  # leaves do not share what they draw
    first, second = (np.asarray(moved[i].params["at random"], np.float64) for i in (1, 2))
    assert abs(np.corrcoef(first - 1, second - first)[0, 1]) < 0.08  # nor do generations


def test_learning_goes_on_where_the_nearest_number_stands_still():
    target = jnp.asarray(np.random.default_rng(0).normal(1.0, 0.05, 64), jnp.float32)
    names = ("master", "nearest", "stochastic")  # three populations with a fitness each, in one program
    rules = LeafRules(stochastic=("stochastic",), master=("master",))
    es = eggroll(sigma=0.05, optimizer=optax.sgd(4e-3), shaping=fitness.raw, leaves=rules)

    def errors(params):
        return {name: jnp.mean((params[name].astype(jnp.float32) - target) ** 2) for name in names}

    @jax.jit
    def step(state, _):
        formed = jax.vmap(lambda i: errors(densify(es.perturb(state, i))))(jnp.arange(64))
        return es.update(state, {name: -64 * error for name, error in formed.items()})[0], None

    start = es.init({name: jnp.ones(64, jnp.bfloat16) for name in names}, 1)
    final, _ = jax.lax.scan(step, start, None, 80)
    left = {name: float(after / errors(start.params)[name]) for name, after in errors(final.params).items()}
    assert left["nearest"] > 0.75 > 0.5 > max(left["stochastic"], left["master"]), left


def test_the_rules_name_leaves_that_are_narrow():
    params = {"half": jnp.ones(3, jnp.float16), "off": jnp.ones(3, jnp.bfloat16), "wide": jnp.ones(3)}
    for rules, rounding in (
        (LeafRules(frozen=("off",)), Rounding.NEAREST),
        (LeafRules(frozen=("off",), stochastic=("*",)), Rounding.STOCHASTIC),
        (LeafRules(frozen=("off",), master=("*",)), Rounding.MASTER),
    ):
        es = eggroll(leaves=rules)
        labels = {leaf.path: leaf for leaf in es.label(params)}
        assert [labels[name].rounding for name in ("half", "off", "wide")] == [rounding, None, None]
        assert labels["half"].recorded() == f"float16[3], dense, updated in float32, {rounding.value}"
        assert (labels["off"].recorded(), labels["wide"].recorded()) == ("bfloat16[3], frozen", "float32[3], dense")
    with pytest.raises(ValueError, match="leaf 'half' is named by stochastic and by master; name it by one"):
        eggroll(leaves=LeafRules(stochastic=("half",), master=("ha*",))).label(params)
    for name in ("stochastic", "master"):
        with pytest.raises(ValueError, match="pattern 'none' matches no leaf"):
            eggroll(leaves=LeafRules(**{name: ("none",)})).label(params)


def test_rules_that_older_runs_did_not_know_are_recorded_where_they_are_used():
    assert set(eggroll().settings["leaves"]) == {"frozen", "dense", "densify", "stacked"}
    assert eggroll(leaves=LeafRules(master=("*",))).settings["leaves"]["master"] == ("*",)
    assert eggroll(leaves=LeafRules(stochastic=("*",))).settings["leaves"]["stochastic"] == ("*",)
