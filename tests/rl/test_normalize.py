"""Running observation statistics against NumPy's mean and variance over all the data."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eggroll_ray.rl import normalize
from eggroll_ray.rl.normalize import Moments, Normalizer, Statistics

SHAPES = ((), (3,), (2, 4))


def moments(data, mean, dtype=np.float64):
    """What a rollout collects of one block: sums around the mean frozen for the generation."""
    centred = np.asarray(data, np.float64) - mean
    sums = (len(data), centred.sum(axis=0), (centred * centred).sum(axis=0))
    return Moments(*(np.asarray(x, dtype) for x in sums))


def generation(statistics, blocks, dtype=np.float64):
    mean = normalize.normalizer(statistics).mean.astype(np.float64)
    return normalize.merge(statistics, [moments(block, mean, dtype) for block in blocks])


def played(rows):
    """What a rollout collects of rows `(r, t, *o)`, all alive at each time."""
    sums = normalize.no_sums(len(rows), rows.shape[2:])
    for shown in np.moveaxis(np.asarray(rows, np.float32), 1, 0):
        sums = jax.jit(normalize.observe)(sums, shown, jnp.ones(len(shown), bool))
    return sums


def after(statistics, blocks):
    """Statistics after a generation in which these blocks of rows were played."""
    found = [normalize.block_moments(played(block), statistics) for block in blocks]
    return normalize.merge(statistics, [normalize.total(found)])


OFFSETS = np.array([0.0, -1e4, 1e6, 3e-3, 1e6, 0.0])
DEVIATIONS = np.array([1.0, 1.0, 1.0, 1e-3, 0.0, 1e12])


def test_one_generation_is_enough_whatever_the_offset_and_the_scale():
    """Sums of squares around zero would cancel: with offset 1e6 nothing of the variance would be left."""
    rows = np.random.default_rng(4).normal(OFFSETS, DEVIATIONS, (40, 100, 6)).astype(np.float32)
    statistics = after(normalize.no_observations((6,)), [rows])
    data = rows.reshape(-1, 6).astype(np.float64)
    assert (np.abs(statistics.mean - data.mean(axis=0)) <= 1e-5 * DEVIATIONS).all()
    deviations = np.sqrt(statistics.squares / statistics.samples)
    np.testing.assert_allclose(deviations, data.std(axis=0), rtol=1e-3)
    np.testing.assert_allclose(deviations[:4], DEVIATIONS[:4], rtol=0.05)
    assert normalize.normalizer(statistics).std[4] == 1  # never changed, so it is not blown up
    again = after(statistics, [rows[:7], rows[7:]])
    np.testing.assert_allclose(again.squares / again.samples, statistics.squares / statistics.samples, rtol=1e-3)


def test_a_first_observation_far_from_all_others_costs_no_digits():
    rows = np.random.default_rng(5).normal(1e6, 1.0, (8, 400, 1))
    rows[:, 0] = 0.0  # such as what a sensor shows before it is read
    statistics = after(normalize.no_observations((1,)), [rows])
    np.testing.assert_allclose(statistics.squares / statistics.samples, rows.astype(np.float32).var(), rtol=1e-3)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 11), max_size=4, unique=True), st.booleans())
def test_any_split_into_blocks_has_the_same_bits(cuts, backwards):
    rows = np.random.default_rng(6).normal(OFFSETS, DEVIATIONS, (12, 5, 6))
    whole = after(normalize.no_observations((6,)), [rows])
    blocks = np.split(rows, sorted(cuts))
    split = after(normalize.no_observations((6,)), blocks[::-1] if backwards else blocks)
    for one, two in zip(whole, split, strict=True):
        assert one.tobytes() == two.tobytes()


def assert_statistics(statistics, data, rtol=1e-9):
    assert statistics.samples == len(data)
    np.testing.assert_allclose(statistics.mean, data.mean(axis=0), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(statistics.squares, data.var(axis=0) * len(data), rtol=rtol, atol=rtol)
    assert all(np.asarray(x).dtype == np.float64 for x in statistics)
    assert statistics.mean.shape == statistics.squares.shape == data.shape[1:]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=4), min_size=1, max_size=4), st.sampled_from(SHAPES))
def test_any_split_into_blocks_and_generations_gives_the_moments_of_all_data(sizes, shape):
    rng = np.random.default_rng(0)
    statistics, seen = normalize.no_observations(shape), []
    for generation_sizes in sizes:
        blocks = [rng.normal(5.0, 3.0, (size, *shape)) for size in generation_sizes]
        statistics = generation(statistics, blocks)
        seen += blocks
        data = np.concatenate(seen)
        if len(data):
            assert_statistics(statistics, data)
        else:
            assert statistics.samples == 0


def test_float32_sums_of_the_workers_are_enough_far_from_zero():
    rng = np.random.default_rng(1)
    data = rng.normal(1000.0, 1.0, (8, 500, 3))
    statistics = normalize.no_observations((3,))
    for blocks in data.reshape(4, 2, 500, 3):
        statistics = generation(statistics, blocks, np.float32)
    # The first generation has no mean to centre on, and loses digits to it.
    np.testing.assert_allclose(statistics.mean, data.reshape(-1, 3).mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(statistics.squares / statistics.samples, data.reshape(-1, 3).var(axis=0), rtol=0.05)


def test_blocks_of_an_older_log_are_merged_in_their_order():
    rng = np.random.default_rng(2)
    blocks = [moments(rng.normal(3.0, 9.0, (size, 5)), 0.0, np.float32) for size in (7, 1, 30, 11)]
    start = normalize.no_observations((5,))
    once, again = normalize.merge(start, blocks), normalize.merge(start, tuple(blocks))
    for x, y in zip(once, again, strict=True):
        assert x.tobytes() == y.tobytes()
    turned = normalize.merge(start, blocks[::-1])
    assert once.mean.tobytes() != turned.mean.tobytes()  # so the order has to be fixed
    np.testing.assert_allclose(once.mean, turned.mean, rtol=1e-12)


def test_blocks_without_observations_change_nothing():
    start = generation(normalize.no_observations((2,)), [np.array([[1.0, 2.0], [3.0, 5.0]])])
    assert normalize.merge(start, []) is start
    assert normalize.merge(start, [normalize.no_moments((2,))] * 3) is start


def test_merging_does_not_change_what_it_was_given():
    start = generation(normalize.no_observations((2,)), [np.ones((4, 2))])
    kept = [x.copy() for x in start]
    normalize.merge(start, [moments(np.full((3, 2), 7.0), start.mean)])
    for x, y in zip(start, kept, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_observations_give_the_identity(shape, count):
    data = np.full((count, *shape), 7.0)
    frozen = normalize.normalizer(generation(normalize.no_observations(shape), [data]))
    assert frozen.mean.dtype == frozen.std.dtype == np.float32
    x = np.linspace(-9, 9, 2 * int(np.prod(shape)), dtype=np.float32).reshape(2, *shape)
    np.testing.assert_array_equal(frozen(x), x)


def test_normalised_data_has_zero_mean_and_unit_variance():
    data = np.random.default_rng(3).normal([0.0, 100.0, -3.0], [1e-2, 50.0, 1.0], (4000, 3))
    frozen = normalize.normalizer(generation(normalize.no_observations((3,)), [data]))
    normalised = np.asarray(frozen(data.astype(np.float32)), np.float64)
    np.testing.assert_allclose(normalised.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(normalised.std(axis=0), 1, rtol=1e-3)


def test_one_observation_and_a_batch_of_them_are_normalised_alike():
    frozen = Normalizer(np.array([[1.0, 2.0]], np.float32), np.array([[2.0, 4.0]], np.float32))
    one = np.array([[3.0, -2.0]], np.float32)
    np.testing.assert_allclose(frozen(one), [[1.0, -1.0]])
    batch = np.stack([one, 2 * one, 3 * one]).reshape(3, 1, 1, 2)
    assert frozen(batch).shape == batch.shape
    np.testing.assert_allclose(frozen(batch)[:, 0, 0], [[1, -1], [2.5, -1.5], [4, -2]])


def test_what_is_far_out_is_clipped_at_ten_deviations():
    frozen = Normalizer(np.array([1.0], np.float32), np.array([2.0], np.float32))
    x = np.array([[1e9], [-1e9], [20.9], [21.1], [np.inf]], np.float32)
    np.testing.assert_allclose(np.asarray(frozen(x)).ravel(), [10, -10, 9.95, 10, 10], rtol=1e-6)
    identity = normalize.normalizer(normalize.no_observations((1,)))
    np.testing.assert_allclose(np.asarray(identity(x)).ravel(), [10, -10, 10, 10, 10])


def test_an_observation_that_never_changes_is_centred_but_not_blown_up():
    data = np.column_stack([np.full(1000, 3.0), np.linspace(-1, 1, 1000)])
    statistics = normalize.no_observations((2,))
    for block in np.split(data, 4):
        statistics = generation(statistics, np.split(block, 2), np.float32)
    frozen = normalize.normalizer(statistics)
    assert frozen.std[0] == 1
    np.testing.assert_allclose(frozen(np.array([3.5, 0.0], np.float32))[0], 0.5, atol=1e-5)
    assert (statistics.squares >= 0).all()


def test_what_is_not_finite_does_not_count():
    data = np.column_stack([np.linspace(-1, 1, 50), np.linspace(3, 5, 50)])
    spoiled = np.concatenate([data, [[np.nan, 4.0], [0.0, np.inf]]])
    empty = normalize.no_observations((2,))
    blocks = [normalize.block_moments(played(x[:, None]), empty) for x in (data, spoiled)]
    for one, two in zip(*blocks, strict=True):
        np.testing.assert_array_equal(one, two)
    too_large = Moments(np.float32(3), np.array([np.inf, 0], np.float32), np.ones(2, np.float32))
    sound = normalize.total(blocks[:1])
    merged, clean = normalize.merge(empty, [sound, too_large]), normalize.merge(empty, [sound])
    for one, two in zip(merged, clean, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_row_too_large_for_float32_is_left_out_whatever_its_block():
    """Others of its block count."""
    rows = np.array([[[1.0], [3e19], [2.0]], [[1.0], [2.0], [3.0]]])  # two rows, three steps, one observation
    statistics = after(normalize.no_observations((1,)), [rows])
    assert (statistics.samples, statistics.mean, statistics.squares) == (3, 2, 2)


def test_templates_have_the_types_that_workers_send():
    template = normalize.no_moments((3, 2))
    assert [x.shape for x in template] == [(), (3, 2), (3, 2)]
    assert all(x.dtype == np.float64 for x in template)
    added = normalize.total([normalize.block_moments(played(np.ones((4, 2, 3, 2))), normalize.no_observations((3, 2)))])
    assert [(x.shape, x.dtype) for x in added] == [(x.shape, x.dtype) for x in template]
    assert isinstance(normalize.no_observations((3,)), Statistics)


def test_the_variance_is_that_of_the_observations_and_never_negative():
    frozen = normalize.normalizer(Statistics(np.array(2.0), np.array([1.0]), np.array([8.0])))
    assert frozen.std[0] == 2.0  # over the number of observations, not one less
    rounded = Moments(np.float32(4), np.float32([4e3]), np.float32([3.9e6]))  # less than the mean alone comes to
    merged = normalize.merge(normalize.no_observations((1,)), [rounded])
    assert merged.squares[0] == 0 and merged.mean[0] == 1e3
