"""The search behind `block_size="auto"`: the fastest of the blocks that fit into the memory of a device.

Its outcome is kept in the user's cache folder, so that a model is measured once on a kind of device. The size of a
block decides the last bits of a run: whoever searches writes the number into the run's record, and takes it from there
when the run is continued.
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
_ACCELERATOR_SIZES = (256, 1024, 4096, 16384)  # fewer, since each is compiled
_REPEATS = 5
_BUDGET_SECONDS = 30.0  # after which no further repeat begins
_LEAST_SECONDS = 0.1  # of one measurement, as far as a generation has enough blocks
_TIE = 0.03  # sizes whose times differ by less are equally fast
_SEARCH_SECONDS = 1800.0  # for the search on a worker, compilation included
_NOT_OF_SPEED = ("sigma", "shaping")  # settings of a strategy that do not matter to it: a tuner varies them


class Probe(Protocol):
    """A block size that can be measured."""

    def needed_bytes(self) -> int | None:
        """Compiles, and returns the memory that evaluation takes; None: unknown."""
        ...

    def seconds(self) -> float:
        """Measures once and returns how long the evaluation of a generation takes."""
        ...


def check_block_size(block_size: int | str | None) -> None:
    """Raises ValueError for a string other than "auto"."""
    if isinstance(block_size, str) and block_size != "auto":
        raise ValueError(
            f"block_size={block_size!r} must be an even divisor of the population size, None or 'auto'; choose None "
            "for the default, which goes by the model alone, or 'auto' for the fastest on this machine."
        )


def can_be_timed(evaluator: Evaluator, strategy: ES) -> bool:
    """Whether a block is one compiled program: it can be run for its time alone, and tells its memory before."""
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

    The sizes are even divisors of the population near 16, 32, ..., 1024 (on an accelerator 256, 1024, 4096, 16384)
    and the default. Each is compiled; those that take more than the memory are left out, the others are timed in the
    initial state, by turns. Among those within 3% of the fastest, the default is taken, or else the smallest. That
    takes as long as compiling some blocks and about half a minute at most beyond, more where one round of blocks
    takes longer than seconds.

    The outcome is kept below the folder `EGGROLL_RAY_CACHE` (by default `eggroll_ray` in the user's cache folder;
    "off": nowhere) for the same parameters, settings, population, device, cores, versions and code. It does not
    notice that a fitness function of the same name became another: delete the folder then.

    A fitness or environment that is Python outside of `jit` is never run for its time alone: it gets the default.

    Args:
      evaluator: what is optimised.
      strategy: what perturbs it.
      population_size: members, even.
      seed: of the parameters and episodes that are timed.
      threads: of a worker, see `Worker`; None: one for each core of this process.
      workers: that share the blocks of a generation; each is taken to be as fast as this process.
      memory_bytes: that blocks may take; None: all that JAX takes of a GPU, on the CPU half of the memory of this
        machine or container, or the part of it that corresponds to the threads.

    Raises:
      ValueError: for a number out of range, or where even the smallest block takes more than the memory, and where
        EGGROLL_RAY_CACHE is neither "off" nor an absolute path.
    """
    threads = cores() if threads is None else threads
    for name, value in (("threads", threads), ("workers", workers), ("memory_bytes", memory_bytes)):
        if value is not None and value < 1:
            raise ValueError(f"{name}={value} must be at least 1; leave it out for the default.")
    # 2 divides every population: what is wrong is another number.
    prepared = prepare(evaluator, strategy, population_size, block_size=2, seed=seed, test_episodes=1)
    strategy = prepared.strategy
    if not can_be_timed(evaluator, strategy):
        default = default_block_size(population_size, prepared.noise_bytes)
        _log.warning(
            "block_size='auto' times compiled blocks, and this fitness or environment is Python: taking the default "
            "of %d; set block_size yourself for another",
            default,
        )
        return default
    sizes = set(candidates(population_size, _CPU_SIZES if jax.default_backend() == "cpu" else _ACCELERATOR_SIZES))
    default = None
    with contextlib.suppress(ValueError):  # not every population has one
        default = default_block_size(population_size, prepared.noise_bytes)
        sizes.add(default)
    if len(sizes) == 1:
        return sizes.pop()
    memory_bytes = _device_memory(threads) if memory_bytes is None else memory_bytes

    def search() -> int:
        names = ", ".join(map(str, sorted(sizes)))
        _log.warning("block_size='auto': timing blocks of %s members for the first time", names)
        state = strategy.init(evaluator.init(seed), seed)  # one for the workers of all sizes
        held = strategy._replace(init=lambda *_: state), evaluator._replace(init=lambda _: state.params)

        def probe(size: int) -> Probe:
            plan = prepared.plan.with_block_size(size)
            return _WorkerProbe(Worker(*held, plan, threads), plan, workers)

        return choose(sizes, default, memory_bytes, probe)

    key = _key(evaluator, strategy, prepared.leaves, population_size, threads, workers)
    return cached(key | {"memory_bytes": memory_bytes}, sizes, search)


def fastest_on_ray(strategy: ES, evaluator: Evaluator, population_size: int, seed: int, workers: Workers) -> int:
    """Returns the block size that is fastest on a worker, see `fastest_block_size`; one searches for all.

    Raises:
      WorkerError: when there is no cluster, it lacks the resources of the workers, or the search takes too long.
      ValueError: where even the smallest block takes more than the memory.
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
    """Returns the block size that is fastest where the workers of a run will compute; see `fastest_block_size`."""
    if workers.count == 0 or not can_be_timed(evaluator, strategy):
        return fastest_block_size(evaluator, strategy, population_size, seed=seed)
    return fastest_on_ray(strategy, evaluator, population_size, seed, workers)


def candidates(population_size: int, wanted: Collection[int]) -> list[int]:
    """Returns for each wanted size the even divisor of the population that is nearest in ratio, in rising order."""
    divisors = [size for size in range(2, population_size + 1, 2) if population_size % size == 0]
    return sorted({min(divisors, key=lambda size: abs(math.log(size / near))) for near in wanted})


def choose(sizes: Collection[int], default: int | None, memory_bytes: int, make_probe: Callable[[int], Probe]) -> int:
    """Returns the fastest size that fits; of equally fast ones the default, or else the smallest.

    Args:
      sizes: to choose from.
      default: preferred among equals; None: there is none.
      memory_bytes: that a block may take.
      make_probe: size -> what measures it.

    Raises:
      ValueError: where even the smallest takes more.
    """
    probes: dict[int, Probe] = {}
    for size in sorted(sizes):
        probe = make_probe(size)
        needed = probe.needed_bytes()
        if needed is not None and needed > memory_bytes:
            if not probes:
                raise ValueError(
                    f"even blocks of {size} members take {needed:,} bytes, above the {memory_bytes:,} that they may "
                    "take; give the device more memory, make the model smaller, or set block_size yourself."
                )
            break  # larger ones take more
        probes[size] = probe
    seconds = _median_seconds(probes)
    limit = min(seconds.values()) * (1 + _TIE)
    fastest = [size for size, value in seconds.items() if value <= limit]
    chosen = default if default in fastest else min(fastest)
    times = ", ".join(f"{size}: {value:.3g} s" for size, value in seconds.items())
    _log.info("block_size='auto' chose %d; evaluation of a generation: %s", chosen, times)
    return chosen


def cached(key: Mapping[str, Any], sizes: Collection[int], search: Callable[[], int]) -> int:
    """Returns the size that was found under this key before, or searches and keeps it."""
    folder = cache_folder()
    if folder is None:
        return search()
    key = as_json(key)
    name = hashlib.blake2b(json.dumps(key, sort_keys=True).encode(), digest_size=16).hexdigest()
    path = folder / "blocks" / f"{name}.json"
    with contextlib.suppress(OSError, ValueError):  # missing, or damaged: it is found anew
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
        _log.warning("block_size=%d will be searched again, it could not be kept: %s", size, error)
    return size


class _WorkerProbe:
    """Measures by a worker of its own, in the initial state."""

    def __init__(self, worker: Worker, plan: Plan, workers: int):
        self._worker = worker
        self._at_once = min(self._worker.at_once, math.ceil(plan.blocks / workers))
        self._rounds = math.ceil(plan.blocks / (self._at_once * workers))  # of a worker in a generation
        self._whole = plan.blocks // self._at_once  # rounds that there are blocks for
        self._timed = 1  # rounds of the next measurement

    def needed_bytes(self) -> int | None:
        return self._worker.block_bytes()

    def seconds(self) -> float:
        rest = self._step(0)  # what a generation takes whatever the blocks
        each = max(self._step(self._timed * self._at_once) - rest, 1e-9) / self._timed
        self._timed = min(math.ceil(_LEAST_SECONDS / each), self._rounds, self._whole)
        return each * self._rounds

    def _step(self, blocks: int) -> float:
        return self._worker.step(Request(self._worker.number, (), tuple(range(blocks)))).seconds


def _median_seconds(probes: Mapping[int, Probe]) -> dict[int, float]:
    """Medians of interleaved measurements, after one of each that does not count.

    A size for which the memory does not suffice after all is left out, and so are those after it.
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
    """All that the speed of a block goes by, as far as it is known."""
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
    """Names the kind of the device; of a CPU the model, where the system tells it."""
    device = jax.devices()[0]
    if device.platform != "cpu":
        return device.device_kind
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
