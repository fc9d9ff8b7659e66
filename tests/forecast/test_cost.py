"""The arithmetic of forecasts, and what programs are counted to cost: pure numbers."""

import dataclasses
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eggroll_ray.forecast import cost, hardware, operations
from eggroll_ray.forecast.cost import ADVICE, Cluster, Footprint, Job, Rates, largest_population, predict_generation
from eggroll_ray.forecast.hardware import ACCELERATORS, bounds
from eggroll_ray.forecast.operations import Operations, Program
from eggroll_ray.workers.plan import Plan

JOB = Job(Plan(4096, 256, 0, 1), steps=100.0, moments=0, trained=10_000)
RATES = Rates(block=1.0, generation=0.0, update=0.1, update_member=1e-4, driver=0.001)
DRIVER_JSON = Path(__file__).parents[2] / "docs" / "driver.json"


def predicted(devices=1, job=JOB, cluster=None, **rates):
    return predict_generation(job, RATES._replace(**rates), cluster or Cluster(), devices)


def test_evaluation_is_divided_by_the_devices_and_the_update_is_not():
    one, four = predicted(1), predicted(4)
    assert (one.evaluation, four.evaluation, one.idle, four.idle) == (16.0, 4.0, 0.0, 0.0)
    assert one.update == four.update == pytest.approx(0.1 + 0.4096)
    assert one.driver == 0.001 and four.driver > cost.DRIVER_SECONDS
    assert predicted(1, driver_block=0.01).driver == pytest.approx(0.001 + 16 * 0.01)
    assert one.member_steps_per_second == pytest.approx(4096 * 100 / (16 + 0.5096 + 0.001))
    assert four.generation == pytest.approx(sum(four.terms().values()))


def test_blocks_are_not_divided():
    assert predicted(3).evaluation + predicted(3).idle == pytest.approx(6.0)
    assert predicted(64).evaluation + predicted(64).idle == pytest.approx(1.0)
    assert predicted(1, at_once=3).evaluation + predicted(1, at_once=3).idle == pytest.approx(18.0)


def test_a_split_update_is_divided_and_its_slices_cross_the_network():
    whole, split = predicted(16, cluster=Cluster(10.0)), predicted(16, cluster=Cluster(10.0, split_update=True))
    assert split.update == pytest.approx(0.1 + 0.4096 / 16)
    assert split.network - whole.network == pytest.approx(8 * 4 * 10_000 / 2 / 10e9)  # half of it is on this machine
    assert predicted(8, cluster=Cluster(10.0, split_update=True)).network == 0.0


LIMITED = {
    "evaluation": predicted(1),
    "idle devices": predicted(64),
    "update": predicted(1, update_member=1.0),
    "driver": predicted(64, block=1e-6, update=0.0, update_member=0.0),
    "network": predicted(16, block=1e-6, update=0.0, update_member=0.0, cluster=Cluster(1e-3)),
}


@pytest.mark.parametrize("limit", LIMITED)
def test_every_limit_is_reached_and_comes_with_advice(limit):
    assert LIMITED[limit].limit == limit and ADVICE[limit]
    assert {*ADVICE} == {*LIMITED, "memory"}


def test_bytes_of_signs_are_a_fortieth_of_those_of_floats():
    signs = JOB._replace(plan=dataclasses.replace(JOB.plan, signs_only=True))
    assert cost.bytes_down(JOB) == 4 * 4096 and cost.bytes_down(signs) == 410
    assert cost.bytes_up(JOB, 5) == 4 * 4096 + 16 * 64
    assert cost.bytes_up(signs, 16) == 16 * (26 + 64)
    assert cost.bytes_down(JOB._replace(moments=100)) == 4 * 4096 + 100
    assert predicted(8).bytes_down == 8 * 4 * 4096


@pytest.mark.parametrize(("seconds", "devices"), [(0.2, 1), (3.0, 1), (10.0, 7), (100.0, 64)])
def test_the_largest_population_is_the_last_that_is_in_time(seconds, devices):
    found = largest_population(JOB, RATES, Cluster(), devices, seconds)

    def took(members):
        job = JOB._replace(plan=dataclasses.replace(JOB.plan, population_size=members))
        return predicted(devices, job).generation

    assert found % 256 == 0 and took(found + 256) > seconds
    assert found == 0 or took(found) <= seconds
    assert (found > 0) == (seconds > 1)


def test_a_footprint_says_what_fits():
    footprint = Footprint(state=100, block=400, at_once=2, update=300, member=2.0, available=1000.0, members=64)
    assert footprint.total(1) == footprint.total(8) == 900 and footprint.fits(1)
    assert footprint.largest_population(1) == footprint.largest_population(8) == 64 + 300
    assert footprint.largest_block(8) == 8
    larger = footprint._replace(block=500)
    assert not larger.fits(1) and larger.largest_population(1) == 0 and larger.largest_block(8) == 6
    assert footprint._replace(block=None).largest_block(8) is None
    assert footprint._replace(block=None).total(1) == 400


def test_devices_share_the_episodes_that_are_kept():
    footprint = Footprint(
        state=100, block=400, at_once=2, update=300, member=2.0, available=1000.0, members=64, kept=10.0
    )
    assert [footprint.total(devices) for devices in (1, 2, 64)] == [1540, 1220, 910]
    assert [footprint.fits(devices) for devices in (1, 2, 64)] == [False, False, True]
    for devices in (1, 2, 64):
        members = footprint.largest_population(devices)
        for count, fits in ((members, True), (members + 2, False)):
            grown = footprint._replace(members=count, update=300 + 2.0 * (count - 64))
            assert grown.fits(devices) == fits


def test_the_time_of_the_driver_is_that_of_the_measurements_on_ray():
    for row in json.loads(DRIVER_JSON.read_text())["ray"]:
        job = JOB._replace(
            plan=Plan(row["population"], row["population"] // 32, 0, 1, signs_only=row["fitness"] != "float32")
        )
        found = predict_generation(job, RATES._replace(driver=None), Cluster(), row["workers"])
        assert 0.6 < 1e3 * found.driver / row["overhead_ms"] < 1.6


def test_a_device_is_as_slow_as_the_slowest_of_its_parts():
    h100 = ACCELERATORS["H100"]
    found = [*bounds(Operations(flops=67e12, bytes=3.35e12, kernels=2e5), h100, False).values()]
    assert found == pytest.approx([1 / hardware.REACHED, 1 / hardware.REACHED, 1.0])
    arithmetic, *_ = bounds(Operations(flops=989e12), h100, True).values()
    assert arithmetic == pytest.approx(1 / hardware.REACHED)
    assert hardware.memory_here() > 1e8


def counted(fn, *args, steps=1):
    return operations.operations_of(Program(jax.jit(fn).trace(*args), steps))


A, B = np.ones((8, 16), np.float32), np.ones((16, 32), np.float32)
PRODUCT = 2 * 8 * 16 * 32
EDGES = 4 * (8 * 16 + 16 * 32 + 8 * 32)


def test_products_are_counted_as_xla_counts_them():
    found = counted(jnp.matmul, A, B)
    assert found == Operations(PRODUCT, 2 * EDGES, 2)
    compiled = jax.jit(jnp.matmul).lower(A, B).compile().cost_analysis()
    assert compiled is not None and found.flops == compiled["flops"]
    batched = counted(jax.vmap(jnp.matmul), np.ones((5, *A.shape), np.float32), np.ones((5, *B.shape), np.float32))
    assert batched.flops == 5 * PRODUCT


def test_convolutions_and_reductions_are_counted():
    image, kernel = np.ones((1, 3, 10, 10), np.float32), np.ones((4, 3, 3, 3), np.float32)
    found = counted(lambda x, k: jax.lax.conv(x, k, (1, 1), "VALID"), image, kernel)
    assert found.flops == 2 * (4 * 8 * 8) * (3 * 3 * 3)
    assert counted(jnp.sum, A).flops == A.size
    assert counted(lambda x: jnp.tanh(x) * 2.0, A).flops == 2 * A.size


def test_loops_count_as_often_as_they_run():
    square = np.ones((8, 8), np.float32)
    once = 2 * 8**3

    def scanned(x):
        return jax.lax.fori_loop(0, 7, lambda _, x: x @ x, x)

    def until(x):
        return jax.lax.while_loop(lambda x: x[0, 0] > 0, lambda x: jax.lax.fori_loop(0, 3, lambda _, y: y @ y, x), x)

    def branch(x):
        return jax.lax.cond(x[0, 0] > 0, lambda x: x @ x @ x, lambda x: x @ x, x)

    assert 7 * once <= counted(scanned, square).flops < 7.1 * once
    assert 15 * once <= counted(until, square, steps=5).flops < 15.2 * once
    assert 2 * once <= counted(branch, square).flops < 2.1 * once
    assert counted(jax.jit(scanned), square) == counted(scanned, square)


def test_a_loop_reads_what_it_uses_in_every_iteration():
    def loop(w, x):
        return jax.lax.fori_loop(0, 10, lambda _, x: jnp.sum(w * x[None]) * x, x)

    small, large = (counted(loop, np.ones((n, 4), np.float32), np.ones((4,), np.float32)).bytes for n in (100, 200))
    assert large - small == pytest.approx(11 * 100 * 4 * 4)  # ten iterations, and the argument itself
