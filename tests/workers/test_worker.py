"""The worker alone, on a real engine: which generation it is at, what it answers, and what it refuses."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from evaluating import bound_once, plain

from eggroll_ray.es.random import stream_key
from eggroll_ray.evaluators.functions import batched, from_fitness
from eggroll_ray.evaluators.record import Invalid
from eggroll_ray.workers.fitness_vector import PackedPairs
from eggroll_ray.workers.messages import Outcome, Request, Work
from eggroll_ray.workers.plan import Plan
from eggroll_ray.workers.worker import Worker, _spread

pytestmark = pytest.mark.usefixtures("compile_quickly")

PLAN = Plan(population_size=12, block_size=4, seed=3, test_episodes=5)
ALL = (0, 1, 2)
PARAMS = {"w": np.zeros(2, np.float32)}


def fitness(params, key):
    return params["w"].sum() + 0.01 * jax.random.normal(key)


@functools.cache
def evaluator():
    return bound_once(from_fitness(fitness, PARAMS))


def worker(plan=PLAN, of=None, threads=1) -> Worker:
    return Worker(plain(), of or evaluator(), plan, threads)


def outcome(number: int) -> Outcome:
    return Outcome(number, np.arange(PLAN.population_size, dtype=np.float32) + number, ((),) * PLAN.blocks)


def at(number: int) -> Worker:
    found = worker()
    found.catch_up(None, [outcome(earlier) for earlier in range(number)])
    return found


# --- generations ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "asked", "given"), [(0, 1, ()), (2, 1, ()), (1, 3, (1,)), (2, 1, (0,)), (0, 3, (0, 1))]
)
def test_it_evaluates_no_other_generation_than_it_is_at(there, asked, given):
    found = at(there)
    with pytest.raises(
        RuntimeError, match=rf"asked for generation {asked}, but this worker is at \d .* replay the fit"
    ):
        found.step(Request(asked, tuple(map(outcome, given)), ALL))


@pytest.mark.parametrize(("there", "number"), [(0, 1), (1, 0), (2, 5)])
def test_it_applies_the_outcome_of_no_other_generation(there, number):
    found = at(there)
    before = found.digest()
    with pytest.raises(RuntimeError, match=f"asked to apply generation {number} at generation {there}"):
        found.update(outcome(number))
    assert found.digest() == before
    if number > there:
        with pytest.raises(RuntimeError, match="asked to apply"):
            found.advance([outcome(number)])
        with pytest.raises(RuntimeError, match="asked to apply"):
            found.catch_up(None, [outcome(number)])


def test_outcomes_that_it_has_applied_are_passed_over():
    found = at(1)
    reply = found.step(Request(3, tuple(map(outcome, range(3))), ()))
    assert (found.number, reply.number) == (3, 3) and reply.digest == found.digest() == at(3).digest()
    again = found.step(Request(3, tuple(map(outcome, range(3))), ()))
    assert again.digest == reply.digest and reply.update_seconds > again.update_seconds == 0.0


def test_every_generation_has_another_digest_and_the_way_to_it_does_not_matter():
    digests = [at(number).digest() for number in range(3)]
    assert len({*digests}) == 3
    found = at(2)
    found.catch_up(at(1).snapshot(), [outcome(1)])
    assert found.digest() == digests[2] == found.digest_and_snapshot()[0]
    found.catch_up(None, [])
    assert found.digest() == digests[0] and found.number == 0
    found.restore(at(1).snapshot())
    assert found.digest() == digests[1] and found.number == 1


def test_metrics_are_of_the_update_to_this_generation_and_not_of_another_run():
    found = worker()
    assert found.step(Request(0, (), ())).metrics == {}
    first = found.step(Request(1, (outcome(0),), ())).metrics
    assert first["gradient_norm"] > 0 and found.step(Request(1, (), ())).metrics == first
    found.restore(found.snapshot())
    assert found.step(Request(1, (), ())).metrics == {}
    found.update(outcome(1))
    found.catch_up(None, [])
    assert found.step(Request(0, (), ())).metrics == {}


# --- answers --------------------------------------------------------------------------------------


def test_an_answer_has_the_blocks_in_the_order_asked_for_and_nothing_that_was_not():
    found = worker()
    reply = found.step(Request(0, (), (2, 0)))
    assert reply.blocks.tolist() == [2, 0] and reply.blocks.dtype == np.int32
    each = [found.evaluate(block) for block in ALL]
    np.testing.assert_array_equal(reply.fitness, np.concatenate([each[2].fitness, each[0].fitness]))
    np.testing.assert_array_equal(reply.spread, [_spread(each[block].fitness, 0) for block in (2, 0)])
    assert reply.steps.tolist() == [0, 0] and reply.moments == ((), ()) and reply.failures == ()
    assert reply.test is None and reply.test_seconds == 0.0 and not reply.changed
    assert reply.fingerprints == {} and len(reply.block_seconds) == 2 and reply.seconds >= reply.block_seconds.sum()
    nothing = found.step(Request(0, (), ()))
    assert nothing.fitness.shape == (0,) and nothing.spread.shape == (0, 6) and nothing.blocks.shape == (0,)
    for member in (0, 5, 11):
        block, place = divmod(member, PLAN.block_size)
        assert found.reproduce(member) == each[block].fitness[place]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_change_nothing_but_who_waits(threads):
    found = worker(threads=threads)
    assert found.at_once == threads
    np.testing.assert_array_equal(found.step(Request(0, (), ALL)).fitness, worker().step(Request(0, (), ALL)).fitness)
    assert worker(of=evaluator()._replace(concurrent=False), threads=threads).at_once == 1


@pytest.mark.parametrize("threads", [1, 2])
def test_what_is_cancelled_is_left_out(threads):
    left_out = [Work((1,)), Work(checks=(2,)), Work(test=True)]
    found = worker(threads=threads)
    reply = found.step(Request(0, (), (0, 1), test=True, checks=(2,)), lambda work: work in left_out)
    assert reply.blocks.tolist() == [0] and reply.fingerprints == {} and reply.test is None
    reply = found.step(Request(0, (), (0, 1), test=True, checks=(2,)), lambda work: work in left_out[:1])
    assert reply.blocks.tolist() == [0] and {*reply.fingerprints} == {2} and reply.test is not None


def test_blocks_that_are_evaluated_to_be_compared_come_to_fingerprints_alone():
    found = worker()
    reply = found.step(Request(0, (), (0, 1), checks=(2,), compare=True))
    assert reply.blocks.tolist() == [0, 1] and len(reply.fitness) == 8 and reply.check_seconds > 0
    assert {*reply.fingerprints} == {0, 1, 2} and len({*reply.fingerprints.values()}) == 3
    assert worker().step(Request(0, (), (), checks=ALL)).fingerprints == reply.fingerprints
    assert [worker().fingerprints(block, 2) for block in ALL] == [(reply.fingerprints[block],) * 2 for block in ALL]
    assert found.step(Request(1, (outcome(0),), (0, 1), checks=(2,), compare=True)).fingerprints.keys() == {0, 1, 2}


def test_every_part_of_a_result_is_in_its_fingerprint():
    result = worker().evaluate(0)
    other = np.nextafter(result.fitness, np.float32(9))
    changed = [{"fitness": other}, {"steps": 1}, {"moments": np.float32([1])}]
    found = {type(result)(**{**vars(result), **change}).fingerprint() for change in changed}
    assert len(found) == 3 and result.fingerprint() not in found
    assert type(result)(**{**vars(result), "block": 7, "seconds": 9.0}).fingerprint() == result.fingerprint()


def test_a_state_that_changes_while_blocks_are_evaluated_is_told():
    found = worker()
    reply = found.step(Request(0, (), (0,)), lambda work: found.update(outcome(0)))
    assert reply.changed and reply.digest == at(1).digest()


def test_failures_are_told_with_their_block_and_are_not_compared():
    def failing(members, keys):
        raise_in.append(len(raise_in))
        return np.full(len(keys), np.nan if raise_in[-1] == 1 else 1.0, np.float32)

    raise_in: list[int] = []
    of = from_fitness(failing, PARAMS, batched(on_nan=Invalid.DROP_PAIR))
    bind = of.bind

    def with_failures(perturb):
        block = bind(perturb)

        def evaluate(given):
            found = block(given)
            return found._replace(failures=("it failed",) if np.isnan(found.fitness).any() else ())

        return evaluate

    reply = worker(of=of._replace(bind=with_failures)).step(Request(0, (), (2, 1, 0), compare=True))
    assert reply.failures == ((1, "it failed"),) and {*reply.fingerprints} == {0, 2}
    assert np.isnan(reply.fitness).tolist() == [False] * 4 + [True] * 4 + [False] * 4


def test_one_member_of_a_fitness_that_is_not_compiled_is_evaluated_alone():
    sizes = []

    def fitness(members, keys):
        sizes.append(len(keys))
        return np.arange(len(keys), dtype=np.float32) + 7

    assert worker(of=from_fitness(fitness, PARAMS, batched())).reproduce(6) == 7.0 and sizes == [1]


def test_where_signs_are_enough_signs_travel():
    plan = Plan(**{**vars(PLAN), "signs_only": True})
    reply, whole = (worker(of).step(Request(0, (), ALL)) for of in (plan, PLAN))
    assert isinstance(reply.fitness, PackedPairs)
    twins = whole.fitness.reshape(-1, 2)
    assert reply.fitness.signs().tolist() == np.sign(twins[:, 0] - twins[:, 1]).tolist()
    found = worker(plan)
    found.update(Outcome(0, reply.fitness, ((),) * 3))
    other = worker()
    other.update(Outcome(0, reply.fitness.fitness(), ((),) * 3))
    assert found.digest() == other.digest()


def test_the_mean_is_tested_on_episodes_of_the_generation_and_the_stream():
    found = at(1)
    reply = found.step(Request(1, (), (), test=True))
    assert reply.test is not None and reply.test.shape == (5,) and reply.test_seconds > 0
    key = jax.random.fold_in(stream_key(PLAN.seed, "test"), 1)
    np.testing.assert_array_equal(reply.test, found.test_on(key, 5))
    draws = {found.test().tobytes(), found.test("confirmation").tobytes(), found.test_on(key, 5)[::-1].tobytes()}
    state = found.mean().params
    found.catch_up(at(2).snapshot(), [])
    draws.add((found.test() - found.mean().params["w"].sum() + state["w"].sum()).tobytes())
    assert len(draws) == 4


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], (0, 0, 0, np.inf, -np.inf, 7)),
        ([np.nan, -np.inf], (0, 0, 0, np.inf, -np.inf, 7)),
        ([3.0, np.nan, -1.0, np.inf], (2, 2.0, 10.0, -1.0, 3.0, 7)),
    ],
)
def test_the_spread_is_of_what_is_finite(values, expected):
    assert _spread(np.float32(values), 7) == expected


# --- switches of JAX ------------------------------------------------------------------------------


def test_no_switch_of_jax_changes_what_the_package_draws():
    of = from_fitness(lambda params, key: params["w"].sum() + jax.random.normal(key, (3,)).sum(), PARAMS)
    found = []
    for partitionable in (True, False):
        jax.config.update("jax_threefry_partitionable", partitionable)
        try:
            one = worker(of=of)
            one.advance([outcome(0)])
            found.append((one.fingerprints(0, 1), one.test().tolist(), one.digest()))
        finally:
            jax.config.update("jax_threefry_partitionable", True)
    assert found[0] == found[1]
    assert jnp.asarray(found[0][1]).std() > 0
