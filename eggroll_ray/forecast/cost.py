"""What a generation costs on so many devices: arithmetic on measured or assumed rates alone.

    generation = evaluation + idle devices + update + driver + network

Evaluation is divided by the devices, in whole blocks. The update is not: every device rebuilds the noise of the whole
population, so that nothing but fitness crosses the network.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

from eggroll_ray.workers.plan import Plan

# Of the driver on Ray, fitted to docs/driver.json (1 to 32 workers on 2 cores; its rows are within 0.6 to 1.5 of it).
DRIVER_SECONDS = 7e-3  # per generation
DRIVER_WORKER_SECONDS = 9e-5  # per worker
DRIVER_BYTE_SECONDS = 5.7e-9  # per byte of one copy down and all answers up
# Of an answer, for each block: its number, spread, steps and seconds.
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

    block: float  # for a block, where `at_once` are evaluated together: their time over their number
    generation: float  # once per generation beside the blocks: digests, the answer
    update: float  # of an update, whatever the population
    update_member: float  # of an update, for each member
    at_once: int = 1  # blocks evaluated together
    driver: float | None = None  # of the driver, with one device in its own process; None: with one on Ray
    driver_block: float = 0.0  # of the driver in the device's process, for each block


class Job(NamedTuple):
    """What is evaluated."""

    plan: Plan
    steps: float  # environment steps per member, 1 where there are none
    moments: int  # bytes of the statistics of a generation; those of a block are twice as many
    trained: int  # numbers that are trained


class Cluster(NamedTuple):
    """How devices are connected, and what they share."""

    network_gbps: float = 10.0  # of each machine
    per_machine: int = 8  # devices; what travels within a machine is part of the driver's time
    split_update: bool = False  # each device sums the noise for its slice of the parameters, and sends that to all


class Prediction(NamedTuple):
    """A generation on some devices: seconds and bytes."""

    devices: int
    evaluation: float
    idle: float  # of devices that wait for the last blocks
    update: float
    driver: float
    network: float
    bytes_down: int  # to all devices
    bytes_up: int  # from all devices
    steps: float  # of all members; members, where there are no steps

    @property
    def generation(self) -> float:
        return sum(self.terms().values())

    @property
    def member_steps_per_second(self) -> float:
        return self.steps / self.generation

    @property
    def limit(self) -> str:
        """The largest term."""
        return max(self.terms().items(), key=lambda term: term[1])[0]

    def terms(self) -> dict[str, float]:
        """Returns the seconds of each term, by the names of `ADVICE`."""
        return {
            "evaluation": self.evaluation,
            "idle devices": self.idle,
            "update": self.update,
            "driver": self.driver,
            "network": self.network,
        }


def predict_generation(job: Job, rates: Rates, cluster: Cluster, devices: int) -> Prediction:
    """Predicts a generation on so many devices, at least 1."""
    plan = job.plan
    most = math.ceil(plan.blocks / devices)  # blocks of the busiest device
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
    """Returns the bytes of a generation's outcome, which goes to every device: fitness and statistics."""
    results = job.plan.blocks * job.plan.block_results
    return _fitness_bytes(job, results) + job.moments


def bytes_up(job: Job, devices: int) -> int:
    """Returns the bytes of all answers, of devices that have evaluated as many blocks each as can be."""
    each, more = divmod(job.plan.blocks, devices)
    shares = {each + 1: more, each: devices - more}
    fitness = sum(count * _fitness_bytes(job, blocks * job.plan.block_results) for blocks, count in shares.items())
    return fitness + job.plan.blocks * (_BLOCK_BYTES + 2 * job.moments)


def _fitness_bytes(job: Job, results: int) -> int:
    return math.ceil(results / 2 / 5) if job.plan.signs_only else 4 * results


def _driver(workers: int, size: int) -> float:
    return DRIVER_SECONDS + DRIVER_WORKER_SECONDS * workers + DRIVER_BYTE_SECONDS * size


def _network(job: Job, cluster: Cluster, devices: int, down: int, up: int) -> float:
    """Seconds of what enters and leaves the driver's machine, and of the slices where the update is split."""
    machines = math.ceil(devices / cluster.per_machine)
    others = (machines - 1) / machines
    size = (machines - 1) * down + others * up + (others * 4 * job.trained if cluster.split_update else 0)
    return 8 * size / (cluster.network_gbps * 1e9)


def largest_population(job: Job, rates: Rates, cluster: Cluster, devices: int, seconds: float) -> int:
    """Returns the most members, in whole blocks, of a generation that takes no more than so many seconds; 0 if none."""

    def fits(blocks: int) -> bool:
        plan = dataclasses.replace(job.plan, population_size=blocks * job.plan.block_size)
        return predict_generation(job._replace(plan=plan), rates, cluster, devices).generation <= seconds

    return job.plan.block_size * _largest(fits)


def _largest(fits: Callable[[int], bool]) -> int:
    """Returns the largest number that fits, where all below it do; 0 if none does."""
    high = 1
    while fits(high) and high < 1 << 40:
        high *= 2
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


class Footprint(NamedTuple):
    """Bytes of a device's memory; what XLA and Python need for themselves is not counted."""

    state: int  # parameters and optimiser state
    block: int | None  # of the evaluation of one block: noise, environments; None where it is not one program
    at_once: int  # blocks
    update: int  # beside the state: its next value, chunks of noise, fitness
    member: float  # of the update, for each further member
    available: float
    members: int  # of the population
    kept: float = 0.0  # of each member's episodes, where they go on in the next generation; devices share them

    def total(self, devices: int) -> float:
        """Returns the bytes of each of so many devices."""
        kept = self.members * self.kept / devices
        return self.state + kept + max(self.at_once * (self.block or 0), self.update)

    def fits(self, devices: int) -> bool:
        """Whether each of so many devices has room for it."""
        return self.total(devices) <= self.available

    def largest_population(self, devices: int) -> int:
        """Returns the even number of members that fit on so many devices; 0 where a block does not."""
        room = self.available - self.state
        beside_blocks = room - self.at_once * (self.block or 0)
        if beside_blocks < 0:
            return 0
        kept = self.kept / devices
        by_update = (room - self.update + self.member * self.members) / (self.member + kept)
        by_blocks = beside_blocks / kept if kept else math.inf
        return max(0, 2 * int(min(by_update, by_blocks) / 2))

    def largest_block(self, block_size: int) -> int | None:
        """Returns the even number of members that fit into a block, of the footprint of so many; None: not known."""
        if not self.block:
            return None
        return 2 * int((self.available - self.state) / (self.at_once * self.block) * block_size / 2)
