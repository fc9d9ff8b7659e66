"""Packed pairs: what goes in comes out, in a fifth of a byte and never from bytes that are not packed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eggroll_ray.workers.fitness_vector import PackedPairs, pack_fitness, pack_signs

NAN, INF = np.nan, np.inf
NONE = np.zeros(0, np.int32)


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        ([], []),
        ([-1] * 5, [0]),
        ([0] * 5, [121]),
        ([1] * 5, [242]),
        ([1, 0, -1, 0, 1], [2 + 3 + 0 + 27 + 162]),
        ([1], [2 + 3 + 9 + 27 + 81]),  # places after the last pair hold zeros
        ([-1], [0 + 3 + 9 + 27 + 81]),
        ([0, 0, 0, 0, 0, -1, 1], [121, 0 + 6 + 9 + 27 + 81]),
    ],
)
def test_bytes_are_as_computed_by_hand(signs, expected):
    packed = pack_signs(np.array(signs, np.int8), NONE)
    assert packed.data.dtype == np.uint8 and packed.data.tolist() == expected
    assert packed.signs().dtype == np.int8 and packed.signs().tolist() == signs


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 1), st.booleans()), max_size=40))
def test_any_signs_and_dropped_pairs_come_back(pairs):
    signs = np.array([sign for sign, _ in pairs], np.int8)
    dropped = np.flatnonzero([out for _, out in pairs]).astype(np.int32)
    packed = pack_signs(signs, dropped)
    assert packed.pairs == len(pairs) and packed.dropped.tolist() == dropped.tolist()
    expected = [0 if out else sign for sign, out in pairs]
    assert packed.signs().tolist() == expected
    fitness = packed.fitness()
    assert fitness.dtype == np.float32 and fitness.shape == (2 * len(pairs),)
    kept = [value for sign, out in pairs for value in ((NAN, NAN) if out else (sign, -sign))]
    np.testing.assert_array_equal(fitness, np.float32(kept))
    again = pack_fitness(fitness)
    assert again.data.tolist() == packed.data.tolist() and again.dropped.tolist() == packed.dropped.tolist()


@pytest.mark.parametrize(
    ("even", "odd", "expected"),
    [
        (2.0, 1.0, 1),
        (1.0, 2.0, -1),
        (3.0, 3.0, 0),
        (0.0, -0.0, 0),
        (1e-45, 0.0, 1),  # the least positive float32
        (3.4e38, -3.4e38, 1),
        (-INF, -1e30, -1),
        (-1e30, -INF, 1),
        (-INF, -INF, 0),
        (NAN, 1.0, None),
        (1.0, NAN, None),
        (NAN, -INF, None),
    ],
)
def test_the_better_twin_wins_and_a_nan_drops_the_pair(even, odd, expected):
    packed = pack_fitness(np.float32([5.0, 4.0, even, odd]))
    assert packed.signs().tolist() == [1, expected or 0]
    assert packed.dropped.tolist() == ([1] if expected is None else [])


@pytest.mark.parametrize(("pairs", "size"), [(1, 1), (5, 1), (6, 2), (1000, 200), (100_000, 20_000)])
def test_five_pairs_are_a_byte(pairs, size):
    assert pack_signs(np.ones(pairs, np.int8), NONE).nbytes == size
    assert pack_signs(np.ones(pairs, np.int8), np.zeros(1, np.int32)).nbytes == size + 4


@pytest.mark.parametrize(("pairs", "data"), [(6, [1]), (5, [1, 1]), (0, [1]), (1, []), (5, [243]), (10, [0, 255])])
def test_bytes_that_are_not_packed_are_refused(pairs, data):
    with pytest.raises(ValueError, match=f"are not the packed results of {pairs} pairs"):
        PackedPairs(pairs, np.array(data, np.uint8), NONE).signs()


def test_the_signs_of_one_do_not_share_memory_with_those_of_another():
    packed = pack_signs(np.ones(5, np.int8), NONE)
    packed.signs()[:] = 0
    assert packed.signs().tolist() == [1] * 5
