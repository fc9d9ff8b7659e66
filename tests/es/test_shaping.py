"""Fitness shaping against hand-computed values, and what each shaping is invariant to."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eggroll_ray import fitness

pytestmark = pytest.mark.usefixtures("compile_quickly")

NAN, INF = np.nan, np.inf
SHAPINGS = {
    "raw": fitness.raw,
    "centred_rank": fitness.centred_rank,
    "z_score": fitness.z_score,
    "group_z_score": fitness.group_z_score(2),
    "antithetic_sign": fitness.antithetic_sign,
}
every_shaping = pytest.mark.parametrize("shaping", SHAPINGS.values(), ids=SHAPINGS)


compiled = functools.cache(jax.jit)  # of each shaping once: the operations one by one take ten times as long
by_groups_of = functools.cache(fitness.group_z_score)


def weights(shaping, values):
    shaped = compiled(shaping)(np.asarray(values, np.float32))
    assert shaped.weights.dtype == jnp.float32 and shaped.valid.dtype == bool
    return np.asarray(shaped.weights)


def check(shaping, values, expected, rtol=1e-6):
    np.testing.assert_allclose(weights(shaping, values), np.float32(expected), rtol=rtol, atol=1e-7)


@pytest.mark.parametrize("lost", [NAN, INF, -INF])
def test_a_member_without_fitness_takes_its_twin_with_it(lost):
    found = fitness.valid_members(jnp.asarray([1.0, lost, 2.0, 3.0, lost, lost]))
    assert found.tolist() == [False, False, True, True, False, False]


# --- hand-computed values ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0, -1.0, 1e30, 0.0], [3.0, -1.0, 1e30, 0.0]),
        ([3.0, NAN, 2.0, 1.0], [0, 0, 2.0, 1.0]),
        ([3.0, 1.0, INF, 1.0, 2.0, -INF], [3.0, 1.0, 0, 0, 0, 0]),
    ],
)
def test_raw(values, expected):
    check(fitness.raw, values, expected)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 2.0], [-0.5, 0.5]),
        ([2.0, 2.0], [0, 0]),
        ([30.0, 10.0, 20.0, 40.0], [1 / 6, -0.5, -1 / 6, 0.5]),
        ([1.0, 1.0, 2.0, 3.0], [-1 / 3, -1 / 3, 1 / 6, 0.5]),  # ranks 0.5 0.5 2 3 of 3
        ([5.0, 7.0, 7.0, 7.0, 7.0, 9.0], [-0.5, 0, 0, 0, 0, 0.5]),
        ([-1e30, 1e30, 0.0, 1e-30], [-0.5, 0.5, -1 / 6, 1 / 6]),
        ([3.4e38, -3.4e38, 0.0, 1.0], [0.5, -0.5, -1 / 6, 1 / 6]),
        ([4.0] * 6, [0] * 6),
        ([NAN, 9.0, 1.0, 2.0], [0, 0, -0.5, 0.5]),
        ([9.0, INF, 1.0, 2.0, 2.0, 3.0], [0, 0, -0.5, 0, 0, 0.5]),
        ([9.0, -INF, -5.0, 2.0, 2.0, 3.0], [0, 0, -0.5, 0, 0, 0.5]),
        ([NAN, NAN], [0, 0]),
    ],
)
def test_centred_rank(values, expected):
    check(fitness.centred_rank, values, expected)


def test_centred_rank_is_scipys():
    values = np.random.default_rng(0).integers(0, 20, 64).astype(np.float32)
    check(fitness.centred_rank, values, (stats.rankdata(values) - 1) / 63 - 0.5)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 3.0], [-1, 1]),
        ([3.0, 1.0], [1, -1]),
        ([0.0, 0.0, 0.0, 4.0], np.array([-1, -1, -1, 3]) / np.sqrt(3)),
        ([5.0, 5.0, 5.0, 5.0], [0, 0, 0, 0]),
        ([NAN, 100.0, 1.0, 3.0], [0, 0, -1, 1]),
        ([1.0, INF, 1.0, 3.0, 5.0, 3.0], [0, 0, -np.sqrt(2), 0, np.sqrt(2), 0]),
        ([1e30, -1e30, 1e30, -1e30], [1, -1, 1, -1]),
        ([1e-30, -1e-30, 1e-30, -1e-30], [1, -1, 1, -1]),
        ([1e30, 1e30], [0, 0]),
        ([NAN, NAN], [0, 0]),
    ],
)
def test_z_score(values, expected):
    check(fitness.z_score, values, expected)


def test_z_score_is_scipys():
    values = np.random.default_rng(0).normal(50, 7, 64).astype(np.float32)
    check(fitness.z_score, values, stats.zscore(values.astype(np.float64)), rtol=1e-4)


@pytest.mark.parametrize(
    ("size", "values", "expected"),
    [
        # Deviations -1 1 -2 2 from the groups' means; the spread of all is sqrt(10 / 4).
        (2, [1.0, 3.0, 100.0, 104.0], np.array([-1, 1, -2, 2]) / np.sqrt(2.5)),
        (4, [0.0, 0.0, 0.0, 4.0], np.array([-1, -1, -1, 3]) / np.sqrt(3)),
        (2, [7.0, 7.0, 1.0, 3.0], np.array([0, 0, -1, 1]) / np.sqrt(0.5)),
        (2, [NAN, 7.0, 1.0, 3.0], [0, 0, -1, 1]),
        (4, [NAN, 7.0, 1.0, 3.0, 10.0, 10.0, 12.0, 12.0], np.array([0, 0, -1, 1, -1, -1, 1, 1])),
        (2, [5.0, 5.0, 6.0, 6.0], [0, 0, 0, 0]),
        (2, [1e30, -1e30, 1e30, -1e30], [1, -1, 1, -1]),
        (2, [NAN] * 4, [0] * 4),
    ],
)
def test_group_z_score(size, values, expected):
    check(by_groups_of(size), values, expected)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 2.0, 5.0, 5.0, 9.0, -9.0], [-1, 1, 0, 0, 1, -1]),
        ([NAN, 2.0, INF, 3.0, 1.0, -INF], [0] * 6),
        ([1e30, 2e30, 3.4e38, -3.4e38], [-1, 1, 1, -1]),
        ([2e-30, 1e-30], [1, -1]),
        ([0.0, -0.0], [0, 0]),
    ],
)
def test_antithetic_sign(values, expected):
    check(fitness.antithetic_sign, values, expected)


# --- what all shapings have in common ------------------------------------------------------------


@every_shaping
def test_values_that_are_not_finite_weigh_zero_and_so_do_their_twins(shaping):
    values = np.array([NAN, 1.0, 2.0, INF, -INF, 3.0, 4.0, 6.0, 5.0, 9.0], np.float32)
    found = weights(shaping, values)
    np.testing.assert_array_equal(found[:6], 0)
    np.testing.assert_allclose(found[6:], weights(shaping, values[6:]), rtol=1e-6)


@every_shaping
def test_the_better_twin_has_the_larger_weight(shaping):
    values = np.random.default_rng(1).normal(size=32)
    found = weights(shaping, values)
    np.testing.assert_array_equal(np.sign(found[0::2] - found[1::2]), np.sign(values[0::2] - values[1::2]))


@every_shaping
def test_no_finite_fitness_gives_a_weight_that_is_not_finite(shaping):
    largest = float(np.finfo(np.float32).max)
    for values in ([1e30, -1e30, 1e30, 1e30], [1e38, -1e38, 5e37, 0.0], [largest / 9, -largest / 9, 1.0, 1e-38]):
        assert np.isfinite(weights(shaping, values)).all()


@pytest.mark.parametrize(
    ("values", "expected"),
    [([3e38, 3e38, 1.0, 2.0], [1, 1, -1, -1]), ([3e38, -3e38, 1.0, 2.0], [np.sqrt(2), -np.sqrt(2), 0, 0])],
)
def test_z_score_of_the_largest_numbers(values, expected):
    check(fitness.z_score, values, expected)


@every_shaping
def test_shaping_under_jit_is_the_same(shaping):
    values = jnp.asarray([1.0, 5.0, NAN, 2.0, 3.0, 3.0, 8.0, -2.0])
    for one, two in zip(jax.jit(shaping)(values), shaping(values), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-7)


# --- invariances ----------------------------------------------------------------------------------

# Eighths, so that no affine map below makes two different values equal, or rounds.
populations = st.lists(
    st.integers(-80, 80).map(lambda i: i / 8) | st.sampled_from([NAN, INF, -INF]), min_size=8, max_size=8
)
examples = settings(max_examples=60, deadline=None, derandomize=True)


@examples
@given(populations)
def test_centred_rank_is_invariant_to_increasing_maps(values):
    values = np.asarray(values, np.float32)
    expected = weights(fitness.centred_rank, values)
    for increasing in (np.exp, lambda x: x**3, np.arctan, lambda x: 1e30 * x, lambda x: x / 64 - 100):
        with np.errstate(all="ignore"):
            mapped = np.where(np.isfinite(values), increasing(values), values)
        np.testing.assert_array_equal(weights(fitness.centred_rank, mapped), expected)
    np.testing.assert_allclose(weights(fitness.centred_rank, -values), -expected, atol=1e-6)


@examples
@given(populations, st.sampled_from([0.25, 3.0, 1000.0]), st.sampled_from([-64.0, 0.0, 5.0]))
def test_z_scores_are_invariant_to_increasing_affine_maps(values, scale, shift):
    values = np.asarray(values, np.float32)
    for shaping in (fitness.z_score, by_groups_of(4)):
        expected = weights(shaping, values)
        np.testing.assert_allclose(weights(shaping, scale * values + shift), expected, atol=1e-3)
        np.testing.assert_allclose(weights(shaping, -values), -expected, atol=1e-5)


@examples
@given(populations)
def test_normalised_weights_have_the_moments_they_promise(values):
    values = np.asarray(values, np.float32)
    valid = np.asarray(compiled(fitness.valid_members)(values))
    ranks = weights(fitness.centred_rank, values)
    assert abs(ranks.sum()) < 1e-5
    assert np.abs(ranks).max() <= 0.5
    scores = weights(fitness.z_score, values)
    assert abs(scores.sum()) < 1e-3
    if len(np.unique(values[valid])) > 1:
        np.testing.assert_allclose((scores[valid] ** 2).mean(), 1, rtol=1e-4)
    groups = weights(by_groups_of(4), values).reshape(2, 4)
    assert np.abs(groups.sum(axis=1)).max() < 1e-3
    signs = weights(fitness.antithetic_sign, values)
    np.testing.assert_array_equal(signs[0::2], -signs[1::2])


# --- what it refuses -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 3, -2])
def test_a_group_that_would_part_twins_is_refused(size):
    with pytest.raises(ValueError, match=f"group_size={size} must be even and at least 2"):
        fitness.group_z_score(size)


def test_a_group_that_does_not_divide_the_population_is_refused():
    with pytest.raises(ValueError, match="group_size=4 does not divide the population of 6"):
        fitness.group_z_score(4)(jnp.zeros(6))


def test_a_shaping_states_whether_signs_are_all_it_needs():
    assert {name: shaping.signs_only for name, shaping in SHAPINGS.items()} == {
        **dict.fromkeys(SHAPINGS, False),
        "antithetic_sign": True,
    }
    values = np.float32([3.0, 1.0, 2.0, 5.0])
    for name, shaping in SHAPINGS.items():  # whoever says so has the weights of the signs
        same = np.array_equal(weights(shaping, values), weights(shaping, np.sign(values - values[[1, 0, 3, 2]])))
        assert same or not shaping.signs_only, name


def test_a_function_of_the_users_is_a_shaping_that_needs_the_fitness_itself():
    def halved(values):
        return fitness.Shaped(0.5 * values, fitness.valid_members(values))

    shaping = fitness.as_shaping(halved)
    assert (shaping.name, shaping.signs_only) == ("halved", False) and fitness.as_shaping(shaping) is shaping
    check(shaping, [2.0, -4.0], [1.0, -2.0])


def test_shapings_have_the_names_that_records_hold():
    assert {name: shaping.name for name, shaping in SHAPINGS.items()} == {
        **{name: name for name in SHAPINGS},
        "group_z_score": "shape",
    }


@pytest.mark.parametrize("shaping", [fitness.z_score, fitness.group_z_score(4)], ids=["z_score", "group_z_score"])
@pytest.mark.parametrize("scale", [1e30, 2e30])  # from where on the sums are scaled down
def test_large_fitness_is_weighed_as_small(shaping, scale):
    values = np.array([0.25, -1.0, 0.5, 0.75], np.float32)
    np.testing.assert_allclose(weights(shaping, scale * values), weights(shaping, values), rtol=1e-5)
