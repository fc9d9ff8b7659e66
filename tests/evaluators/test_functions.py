"""Evaluators: the forms of a fitness against explicit members, and what a fitness may not return."""

import dataclasses
import json

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from evaluating import SLOPE, N, evaluate, formed, members, plain, sharing, start, strategy

from eggroll_ray.es.eggroll import openai_es
from eggroll_ray.evaluators.blocking import blocking
from eggroll_ray.evaluators.functions import batched, from_fitness, jittable
from eggroll_ray.evaluators.members import generation_key, member_keys, perturb_block
from eggroll_ray.evaluators.record import FitnessError, Given, Invalid
from eggroll_ray.lowrank.parameter import densify, member_axes, twin_axes

pytestmark = pytest.mark.usefixtures("compile_quickly")

MODEL = {"b": jnp.zeros(3), "w": jnp.linspace(-1, 1, 28).reshape(7, 4)[:, :3]}
X = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)


# --- the three forms of a fitness ----------------------------------------------------------------


def in_jax(params, key):
    del key
    return -jnp.mean(jnp.tanh(jnp.asarray(X) @ params["w"] + params["b"][None, :]) ** 2)


def in_numpy(params, seed):
    del seed
    return -np.mean(np.tanh(X @ params["w"] + params["b"]) ** 2)


FORMS = {
    "jittable": (in_jax, jittable()),
    "batched": (lambda members, keys: members.apply(in_jax, keys), batched()),
    "blocking": (in_numpy, blocking()),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_gives_the_fitness_of_the_explicit_member(name):
    fn, form = FORMS[name]
    evaluator = from_fitness(fn, MODEL, form)
    es = strategy(rank=1)
    result = evaluate(evaluator, es)
    explicit = formed(es, start(evaluator, es))
    expected = [in_numpy(jax.tree.map(lambda x, i=i: x[i], explicit), 0) for i in range(N)]
    np.testing.assert_allclose(result.fitness, expected, rtol=1e-5)
    assert result.fitness.dtype == np.float32 and (result.steps, result.failures) == (0, ())
    assert np.unique(result.fitness).size == N
    found = evaluator.test(MODEL, evaluator.statistics, jax.random.key(0), 2)
    np.testing.assert_allclose(found, [in_numpy(jax.device_get(MODEL), 0)] * 2, rtol=1e-5)
    json.dumps(evaluator.settings)


@pytest.mark.parametrize("es", [strategy(rank=1), openai_es(sigma=0.5)], ids=["eggroll", "openai_es"])
def test_any_blocks_give_the_same_fitness_and_one_block_size_the_same_bits(es, compile_fully):
    # Both terms are of one sign: where they cancelled, a relative bound would measure the cancellation.
    evaluator = from_fitness(lambda params, key: in_jax(params, key) - jax.random.uniform(key), MODEL)
    state, block = start(evaluator, es), evaluator.bind(es.perturb)
    whole = block(Given(state, (), members())).fitness
    for size in (2, 4):
        starts = list(range(0, N, size))
        blocks = {i: block(Given(state, (), members(i, i + size))).fitness for i in starts}
        again = {i: block(Given(state, (), members(i, i + size))).fitness for i in reversed(starts)}
        fresh = evaluator.bind(es.perturb)  # another worker, which gets the second half only
        for i in starts:
            assert blocks[i].tobytes() == again[i].tobytes()
            if i >= N // 2:
                assert blocks[i].tobytes() == fresh(Given(state, (), members(i, i + size))).fitness.tobytes()
        np.testing.assert_allclose(np.concatenate([blocks[i] for i in starts]), whole, rtol=1e-5)


@sharing
@pytest.mark.parametrize("form", [jittable, batched])
def test_members_share_their_key_or_have_one_each(form, shared_by, distinct):
    def one(params, key):
        return jax.random.uniform(key) + 0.0 * params["w"].sum()

    fn = one if form is jittable else lambda members, keys: members.apply(one, keys)
    evaluator = from_fitness(fn, SLOPE, form(shared_by=shared_by))
    draws = np.stack([evaluate(evaluator, generation=g, seed=s).fitness for g, s in ((0, 1), (1, 1), (0, 2))])
    assert [len(np.unique(row)) for row in draws] == [distinct] * 3
    assert len(np.unique(draws)) == 3 * distinct
    assert (draws.reshape(3, distinct, -1) == draws[:, :: N // distinct, None]).all()  # consecutive members


def test_keys_depend_on_the_member_and_the_generation_alone():
    key = jax.random.key(0)
    keys = [jax.random.key_data(member_keys(key, jnp.arange(a, b), 2)) for a, b in ((0, 8), (4, 8))]
    np.testing.assert_array_equal(keys[0][-4:], keys[1])
    state = plain().init(SLOPE, 0)
    generations = [generation_key(state._replace(generation=jnp.int32(g))) for g in (0, 0, 1)]
    first, again, second = (jax.random.key_data(key).tolist() for key in generations)
    assert first == again != second


@pytest.mark.parametrize("form", [jittable, batched, blocking])
def test_sharing_by_less_than_one_is_refused(form):
    with pytest.raises(ValueError, match="shared_by=0 must be at least 1"):
        form(shared_by=0)


def test_a_block_holds_the_mean_parameters_once():
    es = plain()
    block = jax.eval_shape(lambda: perturb_block(es.perturb, es.init(MODEL, 0), jnp.arange(N)))
    low = block.params["w"]
    assert low.w.shape == (7, 3) and low.a.shape == (N // 2, 1, 7) and low.b.shape == (N // 2, 1, 3)
    assert low.sign.shape == (N // 2, 2) and block.params["b"].value.shape == (N // 2, 2, 3)


def test_twins_share_a_draw_and_get_what_each_alone_gets():
    es, numbers = strategy(rank=2), jnp.array([4, 5, 1, 0, 7, 6])
    state, pairs = es.init(MODEL, 3), []

    def draw(state, pair):
        pairs.append(pair)
        return es.perturb.draw(state, pair)

    block = jax.jit(lambda: perturb_block(dataclasses.replace(es.perturb, draw=draw), state, numbers))()
    params = block.params
    found = jax.vmap(jax.vmap(densify, (twin_axes(params),)), (member_axes(params),))(params)
    found = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), found)
    alone = jax.jit(lambda member: densify(es.perturb(state, member)))
    # Once for the shapes, and once under `vmap` over the pairs.
    assert [pair.shape for pair in pairs] == [(), ()]
    for place, member in enumerate(numbers):
        for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(alone(member)), strict=True):
            np.testing.assert_allclose(one[place], other, rtol=1e-6)


def test_twins_may_carry_arrays_without_elements():
    es = plain()

    @jax.jit
    def carried(state):
        members = perturb_block(es.perturb, state, jnp.arange(N))
        return members.apply(lambda params, carry: (carry, params["b"].sum()), jnp.zeros((N, 0, 2)))

    carry, number = carried(es.init(MODEL, 3))
    assert carry.shape == (N, 0, 2) and number.shape == (N,)


def test_members_that_are_no_twins_get_no_noise_of_others():
    es = plain()
    params = jax.jit(lambda state: perturb_block(es.perturb, state, jnp.array([0, 1, 2, 5])).params)(es.init(MODEL, 3))
    finite = np.isfinite(np.asarray(params["b"].value)).all(axis=2)
    assert finite.tolist() == [[True, True], [False, False]]
    np.testing.assert_array_equal(np.isfinite(params["w"].sign), finite)


def test_a_batched_fitness_needs_no_keys_for_the_test_either():
    evaluator = from_fitness(lambda members, keys: members.apply(lambda params: in_jax(params, None)), MODEL, batched())
    assert evaluate(evaluator).fitness.shape == (N,)
    np.testing.assert_allclose(evaluator.test(MODEL, (), jax.random.key(0), 2), in_jax(MODEL, None))


def test_evaluators_can_be_shipped():
    for name, (fn, form) in FORMS.items():
        evaluator = from_fitness(fn, MODEL, form)
        there = cloudpickle.loads(cloudpickle.dumps(evaluator))
        assert there.settings == evaluator.settings
        if name != "blocking":  # its processes start at the first call
            np.testing.assert_array_equal(evaluate(there).fitness, evaluate(evaluator).fitness)


# --- what a fitness may not return ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("fn", "found"),
    [
        (lambda params, key: params["w"], r"float32\[7, 3\]"),
        (lambda params, key: params["b"][:1], r"float32\[1\]"),
        (lambda params, key: (1.0, 2.0), "tuple"),
        (lambda params, key: None, "NoneType"),
    ],
)
def test_a_jittable_fitness_of_another_shape_is_refused_before_any_work(fn, found):
    with pytest.raises(ValueError, match=f"returned {found}; a jittable fitness returns one real number"):
        from_fitness(fn, MODEL)


def test_a_batched_fitness_of_another_shape_is_refused():
    evaluator = from_fitness(lambda members, keys: np.zeros((len(keys), 1)), MODEL, batched())
    text = r"returned shape \(8, 1\) for 8 members; return one number per member, shape \(8,\)"
    with pytest.raises(ValueError, match=text):
        evaluate(evaluator)


@pytest.mark.parametrize("leaf", [1.0, "relu", jnp.tanh])
def test_parameters_that_are_no_arrays_are_refused(leaf):
    with pytest.raises(ValueError, match=f"leaf 'act' of params is a {type(leaf).__name__}, not an array; keep"):
        from_fitness(in_jax, {"w": jnp.zeros(3), "act": leaf})


# --- a fitness that is not finite ----------------------------------------------------------------


def bad_when_positive(value):
    return lambda params, key: jnp.where(params["w"][0] > 0, jnp.float32(value), 1.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("form", [jittable, batched])
def test_policies_for_a_fitness_that_is_not_finite(form, value):
    fn = bad_when_positive(value)
    if form is batched:
        one, fn = fn, lambda members, keys: members.apply(one, keys)
    es = plain()
    bad = formed(es, start(from_fitness(fn, SLOPE, form()), es))["w"][:, 0] > 0
    assert bad.sum() == N // 2  # one of each pair
    for policy, expected in ((Invalid.DROP_PAIR, np.nan), (Invalid.WORST, -np.inf)):
        found = evaluate(from_fitness(fn, SLOPE, form(on_nan=policy)), es).fitness
        np.testing.assert_array_equal(found, np.where(bad, expected, 1.0).astype(np.float32))
    first = np.flatnonzero(bad)[0]
    text = f"member {first} of generation 2 has fitness {np.float32(value)}; return a finite number that"
    with pytest.raises(FitnessError, match=text):
        evaluate(from_fitness(fn, SLOPE, form(on_nan=Invalid.RAISE)), es)
    with pytest.raises(FitnessError, match=f"member {np.flatnonzero(bad)[-1]} of"):
        evaluate(from_fitness(fn, SLOPE, form(on_nan=Invalid.RAISE)), es, np.flatnonzero(bad)[-1:].astype(np.int32))
