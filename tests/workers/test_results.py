"""A generation gathered from replies: the same for any order, duplicates and workers that are not trusted."""

import dataclasses
import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eggroll_ray import fitness
from eggroll_ray.evaluators.record import FitnessError
from eggroll_ray.runs import rows
from eggroll_ray.runs.rows import fitness_columns
from eggroll_ray.workers.fitness_vector import PackedPairs, pack_fitness
from eggroll_ray.workers.messages import Reply, Work
from eggroll_ray.workers.plan import Plan
from eggroll_ray.workers.results import Gathering, Round, usable_fitness
from eggroll_ray.workers.worker import _spread

PLAN = Plan(population_size=24, block_size=4, seed=0, test_episodes=2)
BLOCKS = range(PLAN.blocks)
ALL, TESTED = Work(tuple(BLOCKS)), Work(tuple(BLOCKS), test=True)
FITNESS = np.random.default_rng(0).normal(size=24).astype(np.float32)
FITNESS[[5, 18]] = np.nan  # drops pairs 2 and 9
FITNESS[[8, 9]] = 1.5  # a tie


def reply(blocks, packed=False, values=FITNESS, digest="d", test=False) -> Reply:
    """What a worker that evaluates these blocks, and perhaps the test, answers."""
    each = [values[PLAN.members(block)] for block in blocks]
    together = np.concatenate([np.zeros(0, np.float32), *each])
    return Reply(
        number=3,
        digest=digest,
        blocks=np.array(blocks, np.int32),
        fitness=pack_fitness(together) if packed else together,
        spread=np.array([_spread(values[PLAN.members(block)], block) for block in blocks]).reshape(-1, 6),
        steps=np.array([100 + block for block in blocks], np.int64),
        moments=tuple(f"moments {block}" for block in blocks),
        failures=tuple((block, f"failure of {block}") for block in blocks if block % 2),
        test=np.float32([7.0, 9.0]) if test else None,
        metrics={"gradient_norm": 1.0},
        update_seconds=0.5,
        test_seconds=0.0,
        block_seconds=np.ones(len(blocks), np.float32),
        seconds=2.0 + len(blocks),
    )


def gather(replies, packed=False, work=ALL, plan=PLAN) -> Round:
    gathering = Gathering(dataclasses.replace(plan, signs_only=packed), work)
    for worker, found in enumerate(replies):
        gathering.add(worker, found)
    return gathering.result({})


def same(one: Round, two: Round) -> bool:
    def plain(found: Round) -> list:
        values = dataclasses.asdict(found) | {"update_seconds": 0, "evaluate_seconds": 0}
        return [np.asarray(value).tolist() if isinstance(value, np.ndarray) else value for value in values.values()]

    return repr(plain(one)) == repr(plain(two))


def test_a_generation_in_one_reply():
    found = gather([reply(BLOCKS, test=True)], work=TESTED)
    assert found.complete and found.digest == "d" and found.metrics == {"gradient_norm": 1.0}
    np.testing.assert_array_equal(found.fitness, FITNESS)
    assert found.steps == sum(100 + block for block in BLOCKS)
    assert found.moments == tuple(f"moments {block}" for block in BLOCKS)
    assert found.failures == ("failure of 1", "failure of 3", "failure of 5")
    assert found.test.tolist() == [7.0, 9.0]
    finite = FITNESS[np.isfinite(FITNESS)].astype(np.float64)
    expected = [22, finite.sum(), (finite**2).sum(), finite.min(), finite.max(), sum(BLOCKS)]
    np.testing.assert_allclose(found.spread, expected, rtol=1e-12)
    assert (found.update_seconds, found.evaluate_seconds) == (0.5, 7.5)


def test_mean_and_spread_are_those_of_the_finite_fitness():
    columns = fitness_columns(gather([reply(BLOCKS)]), FITNESS)
    finite = FITNESS[np.isfinite(FITNESS)].astype(np.float64)
    assert columns["fitness_mean"] == pytest.approx(finite.mean())
    assert columns["fitness_std"] == pytest.approx(finite.std())
    assert (columns["invalid_members"], columns["tied_members"]) == (2, sum(BLOCKS))
    # Of two groups: members 0 and 1 have numbers 0, 1 and 2, 3; one is not finite in both, one in none.
    grouped = np.float32([np.nan, 1, np.nan, 1])
    found = dataclasses.replace(gather([reply(BLOCKS)]), spread=np.array([2.0, 2.0, 2.0, 1.0, 1.0, 0.0]))
    assert fitness_columns(found, grouped, ("one", "two"))["invalid_members"] == 1
    names = ("fitness_min", "fitness_q25", "fitness_median", "fitness_q75", "fitness_max")
    found = [columns[name] for name in names]
    np.testing.assert_allclose(found, np.quantile(finite, [0.0, 0.25, 0.5, 0.75, 1.0]), rtol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=1, max_size=30),
)
def test_quartiles_are_numpys(values):
    expected = np.quantile(np.float64(values), [0.25, 0.5, 0.75])
    size = max(abs(value) for value in values)
    given_values = np.float32(values)
    np.testing.assert_allclose(rows._quartiles(given_values), expected, rtol=1e-6, atol=1e-6 * size)
    assert given_values.tolist() == np.float32(values).tolist()


@settings(max_examples=60, deadline=None)
@given(st.permutations(BLOCKS), st.lists(st.integers(1, 6), max_size=4), st.booleans(), st.data())
def test_any_split_in_any_order_is_the_same(order, cuts, packed, data):
    edges = sorted({0, 6, *cuts})
    parts = [order[low:high] for low, high in itertools.pairwise(edges)]
    extra = data.draw(st.lists(st.sampled_from(parts), max_size=2))
    replies = data.draw(st.permutations([reply(part, packed) for part in [*parts, *extra]]))
    assert same(gather(replies, packed), gather([reply(BLOCKS, packed)], packed))


@pytest.mark.parametrize("packed", [False, True])
def test_of_a_block_that_comes_twice_the_first_counts_and_the_second_is_told(packed):
    gathering = Gathering(dataclasses.replace(PLAN, signs_only=packed), TESTED)
    assert gathering.add(0, reply([0, 1, 2], packed, test=True)) == 0
    assert gathering.add(1, reply([2, 3, 4], packed, -FITNESS)) == 1
    assert gathering.add(0, reply([5, 0], packed, -FITNESS, test=True)) == 2
    assert not gathering.missing and gathering.complete
    expected = np.where(np.arange(24) < 12, FITNESS, -FITNESS)
    found = gathering.result({}).fitness
    if packed:
        expected, found = pack_fitness(expected).fitness(), found.fitness()
    np.testing.assert_array_equal(found, expected)


def test_it_is_incomplete_until_all_blocks_and_the_test_are_there():
    gathering = Gathering(PLAN, TESTED)
    assert not gathering.result({}).complete
    gathering.add(0, reply(BLOCKS))
    assert gathering.missing == Work(test=True) and not gathering.result({}).complete
    gathering.add(1, reply([], test=True))
    assert gathering.result({}).complete


@pytest.mark.parametrize("packed", [False, True])
def test_what_a_worker_sent_is_forgotten_when_it_is_not_trusted(packed):
    gathering = Gathering(dataclasses.replace(PLAN, signs_only=packed), TESTED)
    wrong = np.where(np.isnan(FITNESS), np.float32(0), -FITNESS)
    gathering.add(1, reply([1, 3], packed, wrong, "wrong", test=True))
    gathering.add(0, reply([0, 2, 3], packed))
    gathering.add(1, reply([4], packed, wrong, "wrong"))
    assert gathering.digests() == {0: "d", 1: "wrong"}
    lost = gathering.discard(1)
    assert sorted(lost.blocks) == [1, 3, 4] and lost.test
    assert gathering.missing == Work((1, 3, 4, 5), test=True) and gathering.digests() == {0: "d"}
    gathering.add(1, reply([3, 5], packed))
    gathering.add(0, reply([1, 4], packed, test=True))
    assert same(gathering.result({}), gather([reply(BLOCKS, packed, test=True)], packed, TESTED))


# Eighths: where two differ, XLA finds the same sign (it takes differences below 1e-38 for none).
members = st.one_of(st.sampled_from([np.nan, 1.0, -2.0]), st.integers(-40, 40).map(lambda x: x / 8))


@settings(max_examples=40, deadline=None)
@given(st.lists(members, min_size=24, max_size=24))
def test_packed_signs_give_the_weights_that_the_fitness_gives(values):
    values = np.float32(values)
    values[:2] = 1.0, 2.0  # one pair at least
    plain, packed = (gather([reply([3, 1], p, values), reply([0, 5, 2, 4], p, values)], p) for p in (False, True))
    weights = []
    for found in (plain, packed):
        usable = usable_fitness(found, 3)
        usable = usable.fitness() if isinstance(usable, PackedPairs) else usable
        weights.append(np.asarray(fitness.antithetic_sign(jnp.asarray(usable)).weights))
    np.testing.assert_array_equal(*weights)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("lost", [np.nan, -np.inf])
def test_a_generation_in_which_every_member_failed_is_an_error(packed, lost):
    found = gather([reply(BLOCKS, packed, np.full(24, lost, np.float32))], packed)
    with pytest.raises(FitnessError, match="no pair of generation 3 has a finite fitness"):
        usable_fitness(found, 3)


def test_a_member_that_counts_as_the_worst_gets_the_lowest_finite_fitness_of_its_group():
    values = FITNESS.copy()
    values[0], values[11] = -np.inf, 99.0
    found = usable_fitness(gather([reply(BLOCKS, values=values)]), 3)
    lowest = np.nanmin(values[1:])
    assert found[0] == lowest < found[1] and np.isnan(found[[5, 18]]).all() and found.dtype == np.float32
    np.testing.assert_array_equal(np.delete(found, 0), np.delete(values, 0))
    # Of two groups: members 2p and 2p + 1 have numbers 4p, 4p + 1 in the one and 4p + 2, 4p + 3 in the other.
    grouped = np.float32([5, -np.inf, 50, -np.inf, 3, 4, 30, 40])
    round_ = dataclasses.replace(gather([reply(BLOCKS)]), fitness=grouped, spread=np.array([6.0, 0, 0, 3, 50, 0]))
    assert usable_fitness(round_, 3, groups=2).tolist() == [5, 3, 50, 30, 3, 4, 30, 40]
    none = dataclasses.replace(
        round_, fitness=np.float32([1, 2, np.nan, -np.inf]), spread=np.array([2.0, 0, 0, 1, 2, 0])
    )
    assert usable_fitness(none, 3, groups=2)[:2].tolist() == [1, 2]


def test_one_pair_with_a_finite_fitness_is_enough_and_half_a_pair_is_not():
    values = np.full(24, np.nan, np.float32)
    values[3] = 1.0
    with pytest.raises(FitnessError, match=r"no pair of generation 3 .* The first failure: failure of 1\n"):
        usable_fitness(gather([reply(BLOCKS, values=values)]), 3)
    values[2] = 2.0
    assert usable_fitness(gather([reply(BLOCKS, values=values)]), 3)[2:4].tolist() == [2.0, 1.0]
    packed = gather([reply(BLOCKS, True, values)], True)
    assert usable_fitness(packed, 3) is packed.fitness and len(packed.fitness.dropped) == 11


def test_the_slowest_worker_and_whoever_made_an_update_are_told():
    slow = dataclasses.replace(reply([0, 1]), update_seconds=3.0, seconds=4.0, metrics={})
    busy = dataclasses.replace(reply([2, 3, 4, 5]), update_seconds=1.0, seconds=9.0, metrics={"gradient_norm": 2.0})
    found = gather([slow, busy])
    assert (found.update_seconds, found.evaluate_seconds) == (3.0, 8.0) and found.metrics == {"gradient_norm": 2.0}
    nothing = Gathering(PLAN, ALL).result({"a": 1})
    assert (nothing.update_seconds, nothing.evaluate_seconds, nothing.digest, nothing.metrics) == (0.0, 0.0, "", {})
    assert nothing.pool == {"a": 1} and np.isnan(nothing.spread[3:5]).all() and nothing.spread[0] == 0
