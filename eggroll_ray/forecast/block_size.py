"""The search behind `block_size="auto"`: finds the fastest block size that fits into the memory of a device.

The result is kept in the user's cache folder, so that a model is measured only once per kind of device. The block size
affects the last bits of a run. The number that was found is therefore written into the run's record, and read from
there when the run is resumed.
"""

import contextlib
import functools
import hashlib
import json
import logging
import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import jax

from eggroll_ray.compiling.cache import cache_folder
from eggroll_ray.compiling.threads import cores
from eggroll_ray.es.digest import code_digest
from eggroll_ray.es.leaves import Leaf
from eggroll_ray.es.record import ES
from eggroll_ray.evaluators.record import CompiledBlock, Evaluator
from eggroll_ray.forecast.hardware import memory_here
from eggroll_ray.runs.checkpoint import as_json, write_json
from eggroll_ray.workers.messages import Request
from eggroll_ray.workers.options import Workers
from eggroll_ray.workers.plan import Plan, default_block_size
from eggroll_ray.workers.prepare import prepare
from eggroll_ray.workers.worker import Worker

_log = logging.getLogger(__name__)

_CPU_SIZES = (16, 32, 64, 128, 256, 512, 1024)
_ACCELERATOR_SIZES = (256, 1024, 4096, 16384)  # fewer sizes, since compiling each of them takes long
_REPEATS = 5
_BUDGET_SECONDS = 30.0  # after this time no further repetition begins
_LEAST_SECONDS = 0.1  # least duration of one measurement, if a generation has enough blocks
_TIE = 0.03  # sizes whose times differ by a smaller share count as equally fast
_SEARCH_SECONDS = 1800.0  # time limit of the search on a worker, compilation included
_NOT_OF_SPEED = ("sigma", "shaping")  # settings that do not affect speed; not in the key, so a tuner reuses the result


class Probe(Protocol):
    """Measures one block size."""

    def needed_bytes(self) -> int | None:
        """Compiles the evaluation, and returns the bytes that it needs, or None if that is unknown."""
        ...

    def seconds(self) -> float:
        """Measures once, and returns the seconds that the evaluation of a generation takes."""
        ...


def check_block_size(block_size: int | str | None) -> None:
    """Raises ValueError for a string other than "auto"."""
    if isinstance(block_size, str) and block_size != "auto":
        raise ValueError(
            f"block_size={block_size!r} must be an even divisor of the population size, None or 'auto'. Choose None "
            "for the default, which depends on the model and the population alone, or 'auto' for the fastest on this "
            "machine."
        )


def can_be_timed(evaluator: Evaluator, strategy: ES) -> bool:
    """Whether a block is one compiled program. Only such a block may be run just to time it, and reports its memory."""
    return isinstance(evaluator.bind(strategy.perturb), CompiledBlock)


def fastest_block_size(
    evaluator: Evaluator,
    strategy: ES,
    population_size: int,
    *,
    seed: int = 0,
    threads: int | None = None,
    workers: int = 1,
    memory_bytes: int | None = None,
) -> int:
    """Returns the block size with which the population is evaluated fastest on the device of this process.

    The candidates are the default and the even divisors of the population near 16, 32, ..., 1024 (on an accelerator
    256, 1024, 4096, 16384). Each is compiled, and those that need too much memory are left out. The others are timed in
    turns, in the initial state. Of all sizes within 3% of the fastest, the default is chosen, or else the smallest.
    The search takes the time to compile these blocks plus about half a minute; more if one round of blocks takes
    longer than some seconds.

    The result is kept in the folder `EGGROLL_RAY_CACHE` (by default `eggroll_ray` in the user's cache folder; "off"
    keeps nothing). It is reused for the same parameters, settings, population, device, cores, versions and code. A
    change inside a fitness function that keeps its name is not noticed: delete the folder after such a change.

    A fitness or environment in Python, outside of `jit`, is never run just to time it. It gets the default.

    Args:
      evaluator: what is optimised.
      strategy: how it is optimised.
      population_size: number of members, even.
      seed: seed of the parameters and episodes that are timed.
      threads: threads of a worker, see `Worker`. None means one for each core of this process.
      workers: number of workers that share the blocks of a generation, each assumed as fast as this process.
      memory_bytes: bytes that blocks may take. None means all memory that JAX reserves on a GPU. On the CPU it means
        half of the memory of this machine or container, in proportion to the threads.

    Raises:
      ValueError: for a number out of range, if even the smallest block needs too much memory, or if EGGROLL_RAY_CACHE
        is neither "off" nor an absolute path.
    """
    threads = cores() if threads is None else threads
    for name, value in (("threads", threads), ("workers", workers), ("memory_bytes", memory_bytes)):
        if value is not None and value < 1:
            raise ValueError(f"{name}={value} must be at least 1; leave it out for the default.")
    # Block size 2 divides every population, so an error is about one of the other numbers.
    prepared = prepare(evaluator, strategy, population_size, block_size=2, seed=seed, test_episodes=1)
    strategy = prepared.strategy
    if not can_be_timed(evaluator, strategy):
        default = default_block_size(population_size, prepared.noise_bytes)
        _log.warning(
            "block_size='auto' can time only compiled blocks, and this fitness or environment is Python. Using the "
            "default of %d; set block_size yourself for another one",
            default,
        )
        return default
    sizes = set(candidates(population_size, _CPU_SIZES if jax.default_backend() == "cpu" else _ACCELERATOR_SIZES))
    default = None
    with contextlib.suppress(ValueError):  # some populations have no default
        default = default_block_size(population_size, prepared.noise_bytes)
        sizes.add(default)
    if len(sizes) == 1:
        return sizes.pop()
    memory_bytes = _device_memory(threads) if memory_bytes is None else memory_bytes

    def search() -> int:
        names = ", ".join(map(str, sorted(sizes)))
        _log.warning("block_size='auto': timing blocks of %s members for the first time", names)
        state = strategy.init(evaluator.init(seed), seed)  # shared by the workers of all sizes
        held = strategy._replace(init=lambda *_: state), evaluator._replace(init=lambda _: state.params)

        def probe(size: int) -> Probe:
            plan = prepared.plan.with_block_size(size)
            return _WorkerProbe(Worker(*held, plan, threads), plan, workers)

        return choose(sizes, default, memory_bytes, probe)

    key = _key(evaluator, strategy, prepared.leaves, population_size, threads, workers)
    return cached(key | {"memory_bytes": memory_bytes}, sizes, search)


def fastest_on_ray(strategy: ES, evaluator: Evaluator, population_size: int, seed: int, workers: Workers) -> int:
    """Returns the block size that is fastest on a worker; see `fastest_block_size`. One process searches for all.

    Raises:
      WorkerError: when there is no cluster, when it lacks the resources, or when the search takes too long.
      ValueError: when even the smallest block needs too much memory.
    """
    from eggroll_ray.workers.ray.backend import RayBackend
    from eggroll_ray.workers.ray.environment import worker_threads  # Ray is imported only where it is used

    cluster = RayBackend(lambda: None, population_size // 2, workers)
    try:
        given = {"seed": seed, "threads": worker_threads(workers), "workers": max(1, cluster.target())}
        search = functools.partial(fastest_block_size, evaluator, strategy, population_size, **given)
        return cluster.run(search, "search the block size", _SEARCH_SECONDS)
    finally:
        cluster.close()


def fastest_for_workers(evaluator: Evaluator, strategy: ES, population_size: int, seed: int, workers: Workers) -> int:
    """Returns the block size that is fastest on the machines of a run's workers; see `fastest_block_size`."""
    if workers.count == 0 or not can_be_timed(evaluator, strategy):
        return fastest_block_size(evaluator, strategy, population_size, seed=seed)
    return fastest_on_ray(strategy, evaluator, population_size, seed, workers)


def candidates(population_size: int, wanted: Collection[int]) -> list[int]:
    """Returns, for each wanted size, the even divisor of the population nearest in ratio. The result is sorted."""
    divisors = [size for size in range(2, population_size + 1, 2) if population_size % size == 0]
    return sorted({min(divisors, key=lambda size: abs(math.log(size / near))) for near in wanted})


def choose(sizes: Collection[int], default: int | None, memory_bytes: int, make_probe: Callable[[int], Probe]) -> int:
    """Returns the fastest size that fits. Of equally fast sizes it returns the default, or else the smallest.

    Args:
      sizes: the candidates.
      default: preferred among equally fast sizes; None if there is no default.
      memory_bytes: bytes that a block may take.
      make_probe: makes the probe that measures a size.

    Raises:
      ValueError: if even the smallest size needs more memory.
    """
    probes: dict[int, Probe] = {}
    for size in sorted(sizes):
        probe = make_probe(size)
        needed = probe.needed_bytes()
        if needed is not None and needed > memory_bytes:
            if not probes:
                raise ValueError(
                    f"even blocks of {size} members take {needed:,} bytes, but only {memory_bytes:,} are available; "
                    "use a device with more memory, make the model smaller, or set block_size yourself."
                )
            break  # larger sizes need even more
        probes[size] = probe
    seconds = _median_seconds(probes)
    limit = min(seconds.values()) * (1 + _TIE)
    fastest = [size for size, value in seconds.items() if value <= limit]
    chosen = default if default in fastest else min(fastest)
    times = ", ".join(f"{size}: {value:.3g} s" for size, value in seconds.items())
    _log.info("block_size='auto' chose %d; evaluation of a generation: %s", chosen, times)
    return chosen


def cached(key: Mapping[str, Any], sizes: Collection[int], search: Callable[[], int]) -> int:
    """Returns the size that is stored for this key, or else searches for it and stores it."""
    folder = cache_folder()
    if folder is None:
        return search()
    key = as_json(key)
    name = hashlib.blake2b(json.dumps(key, sort_keys=True).encode(), digest_size=16).hexdigest()
    path = folder / "blocks" / f"{name}.json"
    with contextlib.suppress(OSError, ValueError):  # missing or damaged, so search again
        kept = json.loads(path.read_text())
        size = kept.get("block_size") if isinstance(kept, dict) and kept.get("key") == key else None
        if isinstance(size, int) and size in sizes:
            return size
    size = search()
    try:
        for place in (folder, path.parent):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_json(path, {"block_size": size, "key": key})
    except OSError as error:
        _log.warning("block_size=%d could not be stored and will be searched again: %s", size, error)
    return size


class _WorkerProbe:
    """Measures a block size with a worker of its own, in the initial state."""

    def __init__(self, worker: Worker, plan: Plan, workers: int):
        self._worker = worker
        self._at_once = min(self._worker.at_once, math.ceil(plan.blocks / workers))
        self._rounds = math.ceil(plan.blocks / (self._at_once * workers))  # rounds of each worker in a generation
        self._whole = plan.blocks // self._at_once  # most full rounds that can be measured
        self._timed = 1  # rounds in the next measurement

    def needed_bytes(self) -> int | None:
        return self._worker.block_bytes()

    def seconds(self) -> float:
        rest = self._step(0)  # time of a generation that does not depend on its blocks
        each = max(self._step(self._timed * self._at_once) - rest, 1e-9) / self._timed
        self._timed = min(math.ceil(_LEAST_SECONDS / each), self._rounds, self._whole)
        return each * self._rounds

    def _step(self, blocks: int) -> float:
        return self._worker.step(Request(self._worker.number, (), tuple(range(blocks)))).seconds


def _median_seconds(probes: Mapping[int, Probe]) -> dict[int, float]:
    """Returns the medians of interleaved measurements, after one warm-up measurement of each size.

    If a size turns out to need too much memory, it and all larger sizes are left out.
    """
    found: dict[int, list[float]] = {}
    for size, probe in probes.items():
        try:
            probe.seconds()
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error) or not found:
                raise
            break
        found[size] = []
    started = time.perf_counter()
    for _ in range(_REPEATS):
        for size, values in found.items():
            values.append(probes[size].seconds())
        if time.perf_counter() > started + _BUDGET_SECONDS:
            break
    return {size: statistics.median(values) for size, values in found.items()}


def _device_memory(threads: int) -> int:
    if jax.default_backend() != "cpu":
        return memory_here()
    return int(memory_here() / 2 * min(1.0, threads / cores()))


def _key(
    evaluator: Evaluator, strategy: ES, leaves: Sequence[Leaf], population_size: int, threads: int, workers: int
) -> dict[str, Any]:
    """Everything known that affects the speed of a block."""
    return {
        "parameters": {leaf.path: f"{leaf.dtype}{list(leaf.shape)}" for leaf in leaves},
        "evaluator": evaluator.settings,
        "strategy": {name: value for name, value in strategy.settings.items() if name not in _NOT_OF_SPEED},
        "population_size": population_size,
        "device": _device(),
        "cores": cores(),
        "xla_threads": os.environ.get("NPROC"),
        "threads": threads,
        "workers": workers,
        "versions": [metadata.version(name) for name in ("jax", "jaxlib")],
        "x64": bool(jax.config.jax_enable_x64),  # pyright: ignore[reportAttributeAccessIssue]
        "code": code_digest(),
    }


def _device() -> str:
    """Returns the name of the device: its kind, or the model of the CPU if the system reports it."""
    device = jax.devices()[0]
    if device.platform != "cpu":
        return device.device_kind
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
