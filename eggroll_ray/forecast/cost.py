"""Computes the time of a generation on a number of devices from measured or assumed rates.

    generation = evaluation + idle devices + update + driver + network

Evaluation is divided among the devices, in whole blocks. The update is not divided. Every device rebuilds the noise of
the whole population, so that only fitness has to cross the network.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

from eggroll_ray.workers.plan import Plan

# Time of the driver on Ray, fitted to docs/driver.json (1 to 32 workers on 2 cores). The measured values are 0.6 to 1.5
# times those of the fit.
DRIVER_SECONDS = 7e-3  # per generation
DRIVER_WORKER_SECONDS = 9e-5  # per worker
DRIVER_BYTE_SECONDS = 5.7e-9  # per byte of one copy down and all answers up
# Bytes of a reply for each block: its number, spread, steps and seconds.
_BLOCK_BYTES = 4 + 48 + 8 + 4

ADVICE = {
    "evaluation": "the evaluation of members: more devices shorten it",
    "idle devices": "blocks that do not divide evenly among the devices: choose a smaller block size or more members",
    "update": "the update, which every device makes for all members: more devices do not shorten it; a lower rank, "
    "Rademacher noise or fewer members do",
    "driver": "the driver: choose more members or episodes per generation, or fewer and larger devices",
    "network": "the network: antithetic-sign shaping sends a fortieth of the bytes",
    "memory": "the memory of a device: choose a smaller block size",
}


class Rates(NamedTuple):
    """Seconds that one device takes."""

    block: float  # per block; if several are evaluated at once, their time divided by their number
    generation: float  # per generation, in addition to the blocks: digests and the reply
    update: float  # per update, independent of the population
    update_member: float  # per update and member
    at_once: int = 1  # number of blocks evaluated at once
    driver: float | None = None  # per generation, of the driver in the process of a single device; None: on Ray
    driver_block: float = 0.0  # per block, of the driver in the process of a single device


class Job(NamedTuple):
    """The work of a generation."""

    plan: Plan
    steps: float  # environment steps per member, 1 if there are none
    moments: int  # bytes that a generation adds to the statistics; a block sends twice as many
    trained: int  # number of trained parameters


class Cluster(NamedTuple):
    """How devices are connected, and how they share the update."""

    network_gbps: float = 10.0  # gigabits per second of each machine
    per_machine: int = 8  # devices per machine; traffic inside a machine is part of the driver's time
    split_update: bool = False  # whether each device updates one slice of the parameters and sends it to all others


class Prediction(NamedTuple):
    """The predicted seconds and bytes of a generation on a number of devices."""

    devices: int
    evaluation: float
    idle: float  # time in which devices wait for the last blocks
    update: float
    driver: float
    network: float
    bytes_down: int  # to all devices together
    bytes_up: int  # from all devices together
    steps: float  # environment steps of all members, or the number of members if there are no steps

    @property
    def generation(self) -> float:
        return sum(self.terms().values())

    @property
    def member_steps_per_second(self) -> float:
        return self.steps / self.generation

    @property
    def limit(self) -> str:
        """The name of the largest term."""
        return max(self.terms().items(), key=lambda term: term[1])[0]

    def terms(self) -> dict[str, float]:
        """Returns the seconds of each term, with the names in `ADVICE`."""
        return {
            "evaluation": self.evaluation,
            "idle devices": self.idle,
            "update": self.update,
            "driver": self.driver,
            "network": self.network,
        }


def predict_generation(job: Job, rates: Rates, cluster: Cluster, devices: int) -> Prediction:
    """Predicts a generation on a number of devices, which must be at least 1."""
    plan = job.plan
    most = math.ceil(plan.blocks / devices)  # blocks of the device that has the most
    last = math.ceil(most / rates.at_once) * rates.at_once * rates.block
    busy = plan.blocks / devices * rates.block
    down, up = bytes_down(job), bytes_up(job, devices)
    update = rates.update + rates.update_member * plan.population_size / (devices if cluster.split_update else 1)
    in_process = None if rates.driver is None or devices > 1 else rates.driver + plan.blocks * rates.driver_block
    return Prediction(
        devices=devices,
        evaluation=rates.generation + busy,
        idle=last - busy,
        update=update,
        driver=_driver(devices, down + up) if in_process is None else in_process,
        network=_network(job, cluster, devices, down, up),
        bytes_down=devices * down,
        bytes_up=up,
        steps=plan.population_size * job.steps,
    )


def bytes_down(job: Job) -> int:
    """Returns the bytes of a generation's outcome, fitness and statistics, which is sent to every device."""
    results = job.plan.blocks * job.plan.block_results
    return _fitness_bytes(job, results) + job.moments


def bytes_up(job: Job, devices: int) -> int:
    """Returns the bytes of all replies, if blocks are divided among the devices as evenly as possible."""
    each, more = divmod(job.plan.blocks, devices)
    shares = {each + 1: more, each: devices - more}
    fitness = sum(count * _fitness_bytes(job, blocks * job.plan.block_results) for blocks, count in shares.items())
    return fitness + job.plan.blocks * (_BLOCK_BYTES + 2 * job.moments)


def _fitness_bytes(job: Job, results: int) -> int:
    return math.ceil(results / 2 / 5) if job.plan.signs_only else 4 * results


def _driver(workers: int, size: int) -> float:
    return DRIVER_SECONDS + DRIVER_WORKER_SECONDS * workers + DRIVER_BYTE_SECONDS * size


def _network(job: Job, cluster: Cluster, devices: int, down: int, up: int) -> float:
    """Seconds for the traffic of the driver's machine and, if the update is split, for exchanging the slices."""
    machines = math.ceil(devices / cluster.per_machine)
    others = (machines - 1) / machines
    size = (machines - 1) * down + others * up + (others * 4 * job.trained if cluster.split_update else 0)
    return 8 * size / (cluster.network_gbps * 1e9)


def largest_population(job: Job, rates: Rates, cluster: Cluster, devices: int, seconds: float) -> int:
    """Returns the largest population, in whole blocks, whose generation takes at most this many seconds; 0 if none."""

    def fits(blocks: int) -> bool:
        plan = dataclasses.replace(job.plan, population_size=blocks * job.plan.block_size)
        return predict_generation(job._replace(plan=plan), rates, cluster, devices).generation <= seconds

    return job.plan.block_size * _largest(fits)


def _largest(fits: Callable[[int], bool]) -> int:
    """Returns the largest number that fits, assuming that all smaller ones fit too; 0 if none does."""
    high = 1
    while fits(high) and high < 1 << 40:
        high *= 2
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


class Footprint(NamedTuple):
    """Bytes of a device's memory that a run needs, without those of XLA and Python themselves."""

    state: int  # parameters and optimiser state
    block: int | None  # evaluation of one block: noise and environments; None if it is not one compiled program
    at_once: int  # number of blocks evaluated at once
    update: int  # update, in addition to the state: the new state, chunks of noise, fitness
    member: float  # update, for each additional member
    available: float
    members: int  # size of the population
    kept: float = 0.0  # each member's episodes, if they continue in the next generation; divided among the devices

    def total(self, devices: int) -> float:
        """Returns the bytes needed on each device, with this number of devices."""
        kept = self.members * self.kept / devices
        return self.state + kept + max(self.at_once * (self.block or 0), self.update)

    def fits(self, devices: int) -> bool:
        """Whether each device has enough memory, with this number of devices."""
        return self.total(devices) <= self.available

    def largest_population(self, devices: int) -> int:
        """Returns the largest even number of members that fit on this number of devices; 0 if not even a block fits."""
        room = self.available - self.state
        beside_blocks = room - self.at_once * (self.block or 0)
        if beside_blocks < 0:
            return 0
        kept = self.kept / devices
        by_update = (room - self.update + self.member * self.members) / (self.member + kept)
        by_blocks = beside_blocks / kept if kept else math.inf
        return max(0, 2 * int(min(by_update, by_blocks) / 2))

    def largest_block(self, block_size: int) -> int | None:
        """Returns the largest even block size that fits, or None if it is not known.

        Args:
          block_size: the block size for which this footprint was computed.
        """
        if not self.block:
            return None
        return 2 * int((self.available - self.state) / (self.at_once * self.block) * block_size / 2)
