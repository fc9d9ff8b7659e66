"""`predict`: forecasts the time, memory and traffic of a run before it starts."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from eggroll_ray.compiling.threads import cores
from eggroll_ray.es.eggroll import eggroll
from eggroll_ray.es.leaves import Kind
from eggroll_ray.es.record import ES, ESState
from eggroll_ray.evaluators.record import Evaluator
from eggroll_ray.forecast.calibrate import Calibration, calibrate
from eggroll_ray.forecast.cost import (
    ADVICE,
    Cluster,
    Footprint,
    Job,
    Prediction,
    Rates,
    largest_population,
    predict_generation,
)
from eggroll_ray.forecast.hardware import ACCELERATORS, HERE, KERNEL_SECONDS, REACHED, bounds, check_device, memory_here
from eggroll_ray.forecast.operations import Program, block_program, memory_of, operations_of, update_program
from eggroll_ray.workers.plan import Plan
from eggroll_ray.workers.prepare import prepare

_MANY = 1 << 16  # a population so large that chunks of noise are a small part of the update's memory


@dataclasses.dataclass(frozen=True)
class Forecast:
    """The forecast of a run. `str` formats it as a page of text.

    Attributes:
      device: name of the device.
      job: the work of a generation.
      rates: the speed of one device.
      cluster: how devices are connected.
      memory: the memory needed on one device.
      curve: the predicted generation for each number of devices that was asked for.
      assumptions: the assumptions of the forecast, one sentence each.
    """

    device: str
    job: Job
    rates: Rates
    cluster: Cluster
    memory: Footprint
    curve: tuple[Prediction, ...]
    assumptions: tuple[str, ...]

    def limit(self, prediction: Prediction) -> str:
        """Returns what limits the run on a predicted number of devices: one of the names in `cost.ADVICE`."""
        return prediction.limit if self.memory.fits(prediction.devices) else "memory"

    def population_within(self, seconds: float, devices: int) -> int:
        """Returns the largest population, in whole blocks, that fits and takes at most `seconds` per generation.

        It is 0 if not even one block does.
        """
        fit = self.memory.largest_population(devices)
        fit -= fit % self.job.plan.block_size
        return min(fit, largest_population(self.job, self.rates, self.cluster, devices, seconds))

    def __str__(self) -> str:
        return "\n".join([*self._head(), "", *self._table(), "", *self._advice(), "", *self._notes()])

    def _head(self) -> list[str]:
        plan, memory, devices = self.job.plan, self.memory, self.curve[0].devices
        block = "not known" if memory.block is None else f"{_mb(memory.at_once * memory.block)}"
        largest = memory.largest_block(plan.block_size)
        share = memory.kept * plan.population_size / devices
        kept = f"episodes kept for their next window {_mb(share)}, " if share else ""
        return [
            f"{plan.population_size:,} members in {plan.blocks:,} blocks of {plan.block_size:,}, on {self.device}",
            f"Memory per device: {_mb(memory.total(devices))} of {_mb(memory.available)} MB: parameters and optimiser "
            f"{_mb(memory.state)}, {kept}and the larger of {memory.at_once} blocks at once ({block}) and the update "
            f"({_mb(memory.update)})",
            f"Fits into the memory: {memory.largest_population(devices):,} members"
            + ("" if largest is None else f", blocks of {largest:,}"),
        ]

    def _table(self) -> list[str]:
        """A row for each quantity, a column for each number of devices."""
        first = self.curve[0].member_steps_per_second
        rows: dict[str, list[str]] = {
            "devices": [f"{found.devices:,}" for found in self.curve],
            "evaluation, s": [f"{found.evaluation:.3g}" for found in self.curve],
            "idle devices, s": [f"{found.idle:.3g}" for found in self.curve],
            "update, s": [f"{found.update:.3g}" for found in self.curve],
            "driver, s": [f"{found.driver:.3g}" for found in self.curve],
            "network, s": [f"{found.network:.3g}" for found in self.curve],
            "generation, s": [f"{found.generation:.3g}" for found in self.curve],
            "member-steps per second": [f"{found.member_steps_per_second:,.0f}" for found in self.curve],
            "speed-up": [f"{found.member_steps_per_second / first:.3g}" for found in self.curve],
            "down to all, MB": [f"{found.bytes_down / 1e6:.3g}" for found in self.curve],
            "up from all, MB": [f"{found.bytes_up / 1e6:.3g}" for found in self.curve],
            "members in 1 s": [f"{self.population_within(1.0, found.devices):,}" for found in self.curve],
            "limit": [self.limit(found) for found in self.curve],
        }
        table = [[name, *cells] for name, cells in rows.items()]
        first_width, *widths = (max(map(len, column)) for column in zip(*table, strict=True))
        return ["  ".join([name.ljust(first_width), *map(str.rjust, cells, widths)]).rstrip() for name, *cells in table]

    def _advice(self) -> list[str]:
        limits = dict.fromkeys(self.limit(found) for found in self.curve)
        return [f"What limits is {ADVICE[limit]}." for limit in limits]

    def _notes(self) -> list[str]:
        return ["This rests on:", *(f"- {text}" for text in self.assumptions)]


def predict(
    evaluator: Evaluator,
    strategy: ES | None = None,
    *,
    population_size: int = 512,
    block_size: int | None = None,
    device: str = HERE,
    devices: Sequence[int] = (1, 8, 64, 512),
    network_gbps: float = 10.0,
    split_update: bool = False,
) -> Forecast:
    """Predicts memory, speed and traffic of a run, and says what limits it.

    This machine is measured, for some seconds after compilation, on at most 4,096 members. For other devices the
    prediction uses their makers' figures. Tests of the mean policy and writing the record are not included.

    Args:
      evaluator: what is optimised. On this machine, episodes are assumed to be as long as with the initial parameters;
        on other devices, to last for their maximum length. Use `evaluator._replace(init=lambda seed: params)` to
        measure with other parameters.
      strategy: how it is optimised; default: `eggroll()`.
      population_size: members per generation, even.
      block_size: members of a block. None means the same default as in a `Trainer`.
      device: "this machine", or a name in `forecast.hardware.ACCELERATORS`, such as "H100".
      devices: the numbers of devices to predict for, each at least 1.
      network_gbps: gigabits per second in and out of each machine.
      split_update: predict as if each device summed the noise for its slice of the parameters and sent the slice to
        all others. Runs do not support this yet.

    Raises:
      ValueError: for a value out of range, an unknown device, or a device other than this machine for an evaluator that
        is not one compiled program.
    """
    strategy = strategy or eggroll()
    _check(device, devices, network_gbps)
    prepared = prepare(evaluator, strategy, population_size, block_size=block_size)
    strategy, plan = prepared.strategy, prepared.plan
    state = strategy.init(evaluator.init(0), 0)
    program = block_program(evaluator, strategy, state, plan)
    if device == HERE:
        threads = 1 if program is not None and program.calls_out else cores()
        found, available = calibrate(evaluator, strategy, plan, threads), memory_here()
        rates, steps, sources = found.rates, found.steps, _measured(found)
    else:
        if program is None:
            raise ValueError(
                f"device={device!r} can be predicted only for evaluators that are one compiled program: from_env, or a "
                f"fitness in JAX. Choose device={HERE!r}."
            )
        update = update_program(strategy, state, population_size, evaluator.groups)
        narrow = all(leaf.dtype == jnp.bfloat16 for leaf in jax.tree.leaves(state.params))
        rates, sources = _from_datasheet(device, program, narrow, update, population_size)
        steps, available = float(program.steps * evaluator.episodes), ACCELERATORS[device].memory
    job = Job(plan, steps, _nbytes(evaluator.moments), _trained(strategy, state))
    cluster = Cluster(network_gbps, per_machine=_per_machine(device), split_update=split_update)
    return Forecast(
        device=device,
        job=job,
        rates=rates,
        cluster=cluster,
        memory=_footprint(strategy, evaluator, state, plan, program, rates.at_once, available),
        curve=tuple(predict_generation(job, rates, cluster, count) for count in devices),
        assumptions=(*sources, *_common(cluster)),
    )


def _check(device: str, devices: Sequence[int], network_gbps: float) -> None:
    check_device(device)
    if not devices or min(devices) < 1:
        raise ValueError(f"devices={tuple(devices)} must name at least one number of devices, each at least 1.")
    if not network_gbps > 0:
        raise ValueError(f"network_gbps={network_gbps} must be positive, such as 10.")


def _from_datasheet(
    device: str, program: Program, narrow: bool, update: Program, population_size: int
) -> tuple[Rates, list[str]]:
    """Rates of a device that is not available, and the assumptions behind them."""
    evaluation = bounds(operations_of(program), ACCELERATORS[device], narrow)
    # The update is summed in float32, whatever the dtype of the parameters.
    each = max(bounds(operations_of(update), ACCELERATORS[device], False).values()) / population_size
    rates = Rates(block=max(evaluation.values()), generation=0.0, update=0.0, update_member=each)
    return rates, [
        f"{device}: numbers of its maker, NOT measured; programs are assumed to reach {REACHED:.0%} of them and to "
        f"start a kernel every {1e6 * KERNEL_SECONDS:.0f} us",
        f"a block takes as long as {max(evaluation, key=lambda bound: evaluation[bound])}",
        "operations and bytes of the programs as they are traced, episodes that last to their end, float32 without "
        "TF32; loops of unknown length within a time step are counted once",
        f"memory as XLA plans it for {jax.default_backend()}",
    ]


def _footprint(
    strategy: ES,
    evaluator: Evaluator,
    state: ESState,
    plan: Plan,
    program: Program | None,
    at_once: int,
    available: float,
) -> Footprint:
    def update(members: int) -> int:
        program = update_program(strategy, state, members, evaluator.groups)
        return memory_of(program).total + 4 * members * plan.groups

    block = None if program is None else memory_of(program)
    # Nearly all that the program of a window returns are the episodes, which continue in the next generation.
    kept = 0.0 if block is None or evaluator.windows == 1 else block.outputs / plan.block_size
    needed, many = update(plan.population_size), max(_MANY, 2 * plan.population_size)
    return Footprint(
        state=_nbytes(state) + _nbytes(evaluator.statistics),
        block=None if block is None else block.total,
        at_once=at_once,
        update=needed,
        member=(update(many) - needed) / (many - plan.population_size),
        available=available,
        members=plan.population_size,
        kept=kept,
    )


def _nbytes(tree: Any) -> int:
    return sum(array.size * array.dtype.itemsize for array in jax.tree.leaves(tree))


def _trained(strategy: ES, state: ESState) -> int:
    leaves = strategy.label(state.params)
    return sum(math.prod(leaf.shape) for leaf in leaves if leaf.kind is not Kind.FROZEN)


def _measured(found: Calibration) -> list[str]:
    steps = "" if found.steps == 1 else f", {found.steps:.0f} steps per member; longer episodes take longer"
    return [
        f"{HERE} ({jax.devices()[0].device_kind}), measured with the initial parameters on {found.members:,} members, "
        f"{found.rates.at_once} blocks at once{steps}",
        "several devices are machines like this one, each with all of its cores or GPU",
    ]


def _per_machine(device: str) -> int:
    """Devices per machine: those of this machine, where a CPU counts as one, or the usual number for other devices."""
    if device != HERE:
        return Cluster().per_machine
    return 1 if jax.default_backend() == "cpu" else jax.local_device_count()


def _common(cluster: Cluster) -> list[str]:
    update = "each device rebuilds the noise of the whole population"
    if cluster.split_update:
        update = (
            "the update is split into slices of the parameters, noise and all, and these are gathered: not built yet"
        )
    return [
        "a generation is the sum of its terms; evaluation is divided by the devices in whole blocks",
        update,
        "the driver on Ray as in docs/driver.md, which was measured for no more than 32 workers",
        f"{cluster.per_machine} device{'s' * (cluster.per_machine > 1)} to a machine, {cluster.network_gbps:g} Gbit/s "
        "in and out of it, one copy of the fitness to each machine",
    ]


def _mb(size: float) -> str:
    return f"{size / 1e6:,.1f}"
