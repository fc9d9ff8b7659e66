"""Forecasts of a small run: what can be checked to the byte, and that times are of the right things."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from toy_games import constant_policy, higher_card

import eggroll_ray as er
from eggroll_ray import fitness as shapings
from eggroll_ray import noise
from eggroll_ray.evaluators.record import Given
from eggroll_ray.forecast import calibrate, operations
from eggroll_ray.forecast.cost import Job, bytes_down, bytes_up, predict_generation
from eggroll_ray.forecast.predict import Forecast
from eggroll_ray.workers import pool
from eggroll_ray.workers.fitness_vector import pack_fitness
from eggroll_ray.workers.messages import Outcome, Request
from eggroll_ray.workers.plan import Plan
from eggroll_ray.workers.results import Gathering
from eggroll_ray.workers.worker import Worker

pytestmark = pytest.mark.usefixtures("compile_quickly")

PARAMS = {"w": jnp.zeros((12, 6)), "b": jnp.zeros(6)}
MATRIX = {"w": jnp.ones((3, 3))}
SHAPINGS = {"floats": shapings.centred_rank, "signs": shapings.antithetic_sign}


def score(params, key):
    return jnp.sum(jnp.tanh(jax.random.normal(key, (12,)) @ params["w"] + params["b"]))


def toy_env(steps=5):
    def reset(key):
        state = jax.random.normal(key, (12,))
        return state, er.Timestep(state, state[0], jnp.bool_(False))

    def step(state, action, key):
        state = jnp.tanh(state + jnp.tile(action, 6))
        return state, er.Timestep(state, state[0], jnp.bool_(False))

    return er.Env("toy", reset, step, er.Box.of((12,)), er.Box.of((2,)), steps)


def strategy(**options):
    return er.eggroll(optimizer=optax.adam(0.1), law=noise.rademacher, **options)  # it compiles sooner


@pytest.fixture(scope="module")
def here(compile_quickly) -> Forecast:
    evaluator = er.from_env(toy_env(), er.mlp((8,)), episodes=2, normalize_observations=True)
    return er.predict(evaluator, strategy(), population_size=64, block_size=8, devices=(1, 4, 16))


@pytest.fixture(scope="module")
def elsewhere(compile_quickly) -> Forecast:
    evaluator = er.from_env(toy_env(), er.mlp((8,)), episodes=2)
    return er.predict(evaluator, strategy(), population_size=64, block_size=8, device="H100", devices=(1, 64))


def test_this_machine_is_measured(here):
    rates = here.rates
    assert 0 < rates.block < 5 and 0 < rates.generation < 5 and 0 < rates.update + rates.update_member and rates.driver
    assert here.job.steps == 2 * 5
    assert [found.devices for found in here.curve] == [1, 4, 16]
    assert all(found.member_steps_per_second > 0 and found.generation > 0 for found in here.curve)
    assert here.curve[1].evaluation < here.curve[0].evaluation and here.curve[1].update == here.curve[0].update


@pytest.mark.parametrize("shaping", SHAPINGS)
def test_the_driver_is_timed_on_whole_generations_of_copies_of_what_was_evaluated(monkeypatch, shaping):
    generations = []

    class Noted(Gathering):
        def result(self, of_pool):
            generations.append(super().result(of_pool))
            return generations[-1]

    monkeypatch.setattr(calibrate, "Gathering", Noted)
    monkeypatch.setattr(pool, "Gathering", Noted)
    evaluator, es = er.from_fitness(score, PARAMS), strategy(shaping=SHAPINGS[shaping])
    found = calibrate.calibrate(evaluator, es, Plan(64, 8, 0, 1, signs_only=es.signs_only), 2, repeats=2)
    assert found.rates.driver and found.rates.driver_block > 0
    first, many = generations[0].fitness, [found for found in generations if found.spread[0] >= 8 * calibrate._COPIES]
    assert len(many) == 3 and all(found.complete for found in many)
    one, other = (fit.fitness() if es.signs_only else fit for fit in (first, many[0].fitness))
    np.testing.assert_array_equal(other, np.tile(one, len(other) // len(one)))


@pytest.mark.parametrize("kind", ["windows", "self-play"])
def test_what_needs_earlier_generations_is_measured_too(kind):
    if kind == "self-play":
        evaluator = er.self_play(higher_card(), constant_policy(), rivals=er.Rivals(count=2, every=2))
    else:
        evaluator = er.from_env(toy_env(), er.mlp((8,)), window=2)
    forecast = er.predict(evaluator, strategy(), population_size=16, block_size=8, devices=(1, 64))
    assert forecast.memory.block and forecast.curve[0].evaluation > 0
    assert ("episodes kept for their next window" in str(forecast)) == (kind == "windows") == (forecast.memory.kept > 0)
    if kind == "windows":
        state = strategy().init(evaluator.init(0), 0)
        program = operations.block_program(evaluator, strategy(), state, Plan(16, 8, 0, 1))
        assert program is not None
        episodes = sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(program.traced.out_info))
        assert 0 <= 8 * forecast.memory.kept - episodes < 500  # a pointer to each array
    assert forecast.cluster.per_machine == 1  # a CPU is a machine


def test_its_text_says_all_that_was_asked_for(here):
    text = str(here)
    rows = ("memory", "evaluation, s", "update, s", "driver, s", "down to all, MB", "up from all, MB", "members in 1 s")
    for name in (*rows, "Fits into the memory", "member-steps per second", "speed-up", "limit", "What limits is"):
        assert name.lower() in text.lower()
    assert "measured with the initial parameters on 64 members" in text and "NOT measured" not in text
    assert max(map(len, text.split("\n\n")[1].splitlines())) <= 80


def test_other_devices_are_of_their_datasheets(elsewhere):
    assert "NOT measured" in str(elsewhere) and "starting kernels" in str(elsewhere)
    assert elsewhere.memory.available == 80e9 and elsewhere.memory.at_once == 1
    assert elsewhere.job.steps == 2 * 5
    assert elsewhere.rates.block >= 5 * 5e-6  # a kernel per step at the least


@pytest.mark.parametrize("kind", SHAPINGS)
def test_bytes_are_those_of_the_messages(kind):
    es = strategy(shaping=SHAPINGS[kind])
    plan = Plan(48, 8, 0, 1, signs_only=es.signs_only)
    worker = Worker(es, er.from_fitness(score, PARAMS), plan)
    replies = [worker.step(Request(0, (), (2 * i, 2 * i + 1))) for i in range(3)]
    job = Job(plan, 1.0, 0, 0)
    assert bytes_up(job, 3) == sum(reply.nbytes for reply in replies)
    fitness = np.zeros(48, np.float32)
    outcome = Outcome(0, pack_fitness(fitness) if es.signs_only else fitness)
    assert bytes_down(job) == outcome.nbytes
    assert (bytes_down(job) == 5) == (kind == "signs")


def test_memory_is_what_xla_says_of_the_programs():
    evaluator, es = er.from_env(toy_env(), er.mlp((8,))), strategy()
    forecast = er.predict(evaluator, es, population_size=64, block_size=8, device="H100", devices=(1,))
    state = es.init(evaluator.init(0), 0)
    program = operations.block_program(evaluator, es, state, Plan(64, 8, 0, 1))
    assert program is not None
    compiled = program.traced.lower().compile().memory_analysis()
    assert compiled is not None
    assert forecast.memory.block == compiled.temp_size_in_bytes + compiled.output_size_in_bytes
    held = sum(leaf.nbytes for leaf in jax.tree.leaves(state))
    assert forecast.memory.state == held
    assert forecast.memory.update >= held  # the next state
    assert 4 <= forecast.memory.member < 500  # fitness, ranks, weights
    assert forecast.memory.total(1) == held + max(forecast.memory.block, forecast.memory.update)


def test_the_program_that_is_counted_is_the_one_that_evaluates():
    evaluator, es = er.from_env(toy_env(), er.mlp((8,))), strategy()
    state = es.init(evaluator.init(0), 0)
    program = operations.block_program(evaluator, es, state, Plan(64, 8, 0, 1))
    assert program is not None
    fitness, steps, _ = program.traced.lower().compile()(state, None, np.arange(8, dtype=np.int32))
    expected = evaluator.bind(es.perturb)(Given(state, (), np.arange(8, dtype=np.int32)))
    np.testing.assert_array_equal(np.asarray(fitness)[:, 0], expected.fitness)
    assert program.steps == 5 and int(steps) == expected.steps == 8 * 5
    flops = [operations.work_of(program._replace(steps=steps)).flops for steps in (1, 2, 5)]
    assert flops[2] - flops[1] == 3 * (flops[1] - flops[0])
    assert flops[1] - flops[0] >= 8 * 2 * (12 * 8 + 8 * 2)  # the policy's products
    assert not program.calls_out


def test_programs_that_call_lapack_are_known():
    evaluator = er.from_fitness(lambda params, key: jnp.linalg.cholesky(jnp.eye(3) + params["w"] ** 2)[0, 0], MATRIX)
    es = strategy(leaves=er.LeafRules(densify=("w",)))
    program = operations.block_program(evaluator, es, es.init(MATRIX, 0), Plan(2, 2, 0, 1))
    assert program is not None and program.calls_out


def test_an_evaluator_that_is_no_program_is_measured_without_its_memory():
    def total(members, keys):
        del keys
        return np.asarray(members.apply(lambda params: jnp.sum(params["w"]) + jnp.sum(params["b"])))

    evaluator = er.from_fitness(total, PARAMS, er.batched())
    forecast = er.predict(evaluator, strategy(), population_size=16, devices=(1,))
    assert forecast.memory.block is None and "not known" in str(forecast)
    assert forecast.job.steps == 1.0 and forecast.curve[0].steps == 16
    with pytest.raises(ValueError, match="device='H100' can be predicted only for evaluators that are one compiled"):
        er.predict(evaluator, strategy(), population_size=16, device="H100")


def test_a_device_without_room_is_limited_by_its_memory(elsewhere):
    small = elsewhere.memory._replace(available=1000.0)
    full = Forecast(**{**vars(elsewhere), "memory": small})
    assert {full.limit(found) for found in full.curve} == {"memory"} and "smaller block size" in str(full)


def test_members_within_a_time_are_in_time(elsewhere):
    found = elsewhere.population_within(1.0, 1)
    assert found > 64 and found % 8 == 0
    plan = Plan(found + 8, 8, 0, 1)
    later = predict_generation(elsewhere.job._replace(plan=plan), elsewhere.rates, elsewhere.cluster, 1)
    assert later.generation > 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "H1000"}, "device='H1000' is unknown; choose one of 'this machine', 'H100', 'H200', 'A100-80GB'"),
        ({"devices": ()}, r"devices=\(\) must name at least one"),
        ({"devices": (8, 0)}, r"devices=\(8, 0\) must name at least one number of devices, each at least 1"),
        ({"network_gbps": 0.0}, "network_gbps=0.0 must be positive"),
        ({"population_size": 7}, "population_size=7 must be even"),
        ({"population_size": 16, "block_size": 6}, "population_size=16 is no multiple of block_size=6"),
    ],
)
def test_bad_input_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        er.predict(er.from_fitness(score, PARAMS), strategy(), **options)
