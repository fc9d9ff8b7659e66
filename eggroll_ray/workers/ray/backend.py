"""Workers as Ray actors: where they run, how they are called, and what Ray's errors mean.

One call per generation and worker, as a rule; only NumPy arrays and scalars cross the network.
"""

import contextlib
import functools
import logging
import math
import os
import socket
import sys
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jax
import numpy as np
import ray
from ray._private import ray_constants
from ray._private.runtime_env.constants import RAY_JOB_CONFIG_JSON_ENV_VAR
from ray.autoscaler.sdk import request_resources
from ray.exceptions import RayActorError, RayError, RayTaskError

from eggroll_ray.compiling.cache import SETTING, keep_programs
from eggroll_ray.es.eggroll import ES
from eggroll_ray.evaluators.functions import Evaluator
from eggroll_ray.forecast.block_size import fastest_block_size
from eggroll_ray.workers.backend import WorkerLost
from eggroll_ray.workers.coordinator import Fleet
from eggroll_ray.workers.messages import Generation, Plan, Reply, Request, WorkerError
from eggroll_ray.workers.pool import OnEvent, Workers
from eggroll_ray.workers.worker import Worker

_log = logging.getLogger(__name__)

_CONNECT_SECONDS = 10.0
_RESOURCE_SECONDS = 20.0  # at the start, for a cluster that has too little
_INLINE_BYTES = 100_000  # of a generation's outcome that travels with each call, as long as all of them together
_INLINE_TOTAL_BYTES = 4_000_000  # are no more than that
_LOOK_SECONDS = 1.0  # between looks at what the cluster has
_SEARCH_SECONDS = 1800.0  # for the search of a block size, compilation included


def ray_fleet(strategy: ES, evaluator: Evaluator, plan: Plan, workers: Workers, on_event: OnEvent) -> Fleet:
    """Starts the workers of a run on Ray.

    Raises:
      WorkerError: when there is no cluster, it lacks the resources asked for, or too few workers start in time.
    """
    make = functools.partial(Worker, strategy, evaluator, plan, threads=_threads(workers))
    cluster = RayCluster(make, plan.blocks, workers)
    return Fleet(cluster, plan, workers, strategy.signs_only, on_event)


def fastest_on_ray(strategy: ES, evaluator: Evaluator, population_size: int, seed: int, workers: Workers) -> int:
    """Returns the block size that is fastest on a worker, see `fastest_block_size`; one searches for all.

    Raises:
      WorkerError: when there is no cluster, it lacks the resources of the workers, or the search takes too long.
      ValueError: where even the smallest block takes more than the memory.
    """
    cluster = RayCluster(lambda: None, population_size // 2, workers)
    try:
        given = {"seed": seed, "threads": _threads(workers), "workers": max(1, cluster.target())}
        search = functools.partial(fastest_block_size, evaluator, strategy, population_size, **given)
        return cluster.run(search, "search the block size", _SEARCH_SECONDS)
    finally:
        cluster.close()


def _call(function: Callable[[], Any]) -> Any:
    keep_programs()
    return function()


class _RemoteWorker:
    """A worker in an actor. A second thread takes cancellations while the first evaluates."""

    def __init__(self, make: Callable[[], Worker]):
        keep_programs()
        self._worker = make()
        self._cancelled: list[tuple[int, tuple[int, ...] | None]] = []  # serial number of the step, blocks

    def facts(self) -> dict[str, str]:
        return self._worker.facts()

    def join(self, snapshot: dict[str, Any] | None, *log: Generation) -> tuple[str, float]:
        """Brings the worker into the state of the run; returns its digest and how long that took."""
        started = time.perf_counter()
        self._worker.catch_up(snapshot, log)
        return self._worker.digest(), time.perf_counter() - started

    def step(self, serial: int, number: int, blocks: tuple[int, ...], *outcomes: Generation) -> Reply:
        self._cancelled = [entry for entry in self._cancelled if entry[0] >= serial]

        def cancelled(block: int) -> bool:
            return any(which is None or block in which for of, which in self._cancelled if of == serial)

        return self._worker.step(Request(number, outcomes, blocks), cancelled)

    def ask(self, method: str, args: tuple[Any, ...], *outcomes: Generation) -> Any:
        self._worker.advance(outcomes)
        return getattr(self._worker, method)(*args)

    def cancel(self, serial: int, blocks: tuple[int, ...] | None) -> None:
        """Leaves out those blocks of a step, None for all, that have not begun."""
        self._cancelled.append((serial, blocks))


class RayCluster:
    """Ray actors with one worker each. Implements `cluster.Cluster`."""

    def __init__(self, make: Callable[[], Any], blocks: int, workers: Workers):
        """Connects to Ray, or starts it on this machine, and checks that it has what is asked for.

        Args:
          make: makes a worker, in the actor.
          blocks: of a generation; more workers than that would have nothing to do.
          workers: how many, and what each has.

        Raises:
          WorkerError: when there is no cluster, or it lacks the resources.
        """
        self._local = not (ray.is_initialized() or _address(workers))  # a Ray of this machine, which will not grow
        # The processes that a Ray starts with become workers, if they need no other environment than its own.
        self._inherited = _variables(workers, _gpus_known(workers), here=True) if self._local else {}
        self._own_ray = _connect(workers, self._inherited)
        self._local = self._local or ray.util.get_current_placement_group() is not None  # nor will a trial's group
        self._workers, self._blocks = workers, blocks
        self._asked = False
        self._looked, self._target = -math.inf, 0
        self._name = f"eggroll-{uuid.uuid4().hex[:6]}"  # actor names must be new in the cluster
        try:
            self._request_room()
            self._gpus = self._wait_for_resources()
            self._task = ray.put(make)
            self._remote = ray.remote(_RemoteWorker)
        except BaseException:
            self.close()
            raise

    def target(self) -> int:
        if self._workers.count != "auto":
            return int(self._workers.count)
        if time.monotonic() > self._looked + _LOOK_SECONDS:
            self._looked = time.monotonic()
            room = _room(_places(), self._workers.cpus, self._gpus)
            self._target = min(room, self._blocks, self._workers.max_workers or room)
        return self._target

    def start(self, index: int) -> Any:
        options = _runtime_env(self._workers, self._gpus, self._inherited)
        actor = self._remote.options(
            name=f"{self._name} worker {index}",
            num_cpus=self._workers.cpus,
            num_gpus=self._gpus,
            runtime_env=options,
            max_concurrency=2,
        )
        return actor.remote(self._task)

    def run(self, function: Callable[[], Any], label: str, seconds: float) -> Any:
        """Calls a function once where a worker could be, in a process that ends with it, and returns what it returns.

        Raises:
          WorkerError: when its process was lost, or has no result after so many seconds.
        """
        task = ray.remote(
            max_calls=1,
            max_retries=0,
            num_cpus=self._workers.cpus,
            num_gpus=self._gpus,
            runtime_env=_runtime_env(self._workers, self._gpus, self._inherited),
        )(_call)
        call = task.options(name=label).remote(ray.put(function))
        finished = False
        try:
            finished = bool(self.wait([call], seconds))
        finally:
            if not finished:  # Ray 2.60 may end this very process when what has just finished is cancelled
                ray.cancel(call, force=True)
        if not finished:
            raise WorkerError(f"{label}: no result after {seconds:.0f} s; see `ray status`, or give a number.")
        try:
            return self.result(call)
        except WorkerLost as error:
            raise WorkerError(f"{label}: its process was lost: {error}; give a number.") from error

    def put(self, value: Any) -> Any:
        if isinstance(value, Generation):
            size = _size(value)
            if size <= _INLINE_BYTES and size * self.target() <= _INLINE_TOTAL_BYTES:
                return value  # faster than through the object store
        return ray.put(value)

    def call(self, worker: Any, label: str, method: str, *args: Any) -> Any:
        return getattr(worker, method).options(name=label).remote(*args)

    def wait(self, calls: Sequence[Any], seconds: float) -> Sequence[Any]:
        if not calls:
            time.sleep(seconds)
            return []
        calls = list(calls)
        ready, rest = ray.wait(calls, timeout=seconds)
        if ready and rest:
            more, _ = ray.wait(rest, num_returns=len(rest), timeout=0)
            ready = [*ready, *more]
        return ready

    def result(self, call: Any) -> Any:
        try:
            return ray.get(call)
        except RayTaskError as error:
            cause = error.as_instanceof_cause()
            if isinstance(error.cause, RayError):  # an argument was lost with its machine
                raise WorkerLost(str(error.cause)) from error
            raise cause from None
        except RayActorError as error:
            if error.actor_init_failed:
                raise WorkerError(_explain_start(str(error))) from error
            raise WorkerLost(str(error), error.preempted) from error
        except RayError as error:
            raise WorkerLost(str(error)) from error

    def kill(self, worker: Any) -> None:
        ray.kill(worker)

    def close(self) -> None:
        if self._asked and ray.is_initialized():
            request_resources(bundles=[])
            self._asked = False
        if self._own_ray:
            ray.shutdown()
            self._own_ray = False

    def _request_room(self) -> None:
        """Asks a cluster that scales by itself for as many workers as may be used."""
        wanted = self._workers.max_workers if self._workers.count == "auto" else int(self._workers.count)
        if wanted and not self._local:
            bundle = {"CPU": self._workers.cpus} | ({"GPU": self._workers.gpus} if self._workers.gpus else {})
            request_resources(bundles=[bundle] * wanted)
            self._asked = True

    def _wait_for_resources(self) -> float:
        """Waits until the cluster has what is asked for, and returns the GPUs of each worker.

        Raises:
          WorkerError: when it has not in time.
        """
        patience = _RESOURCE_SECONDS if self._workers.wait_seconds is None else self._workers.wait_seconds
        started, told = time.monotonic(), False
        while True:
            places = _places()
            gpus = _gpus_each(self._workers, places)
            lacking = _lacking(self._workers, places, gpus)
            if lacking is None:
                return gpus
            if self._local or time.monotonic() > started + patience:
                raise WorkerError(lacking)
            if not told:
                _log.warning("waiting up to %.0f s for the cluster to grow: %s", patience, lacking)
                told = True
            time.sleep(min(_LOOK_SECONDS, patience))


def _size(outcome: Generation) -> int:
    return outcome.nbytes + sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(outcome.moments))


def _places() -> Sequence[Mapping[str, float]]:
    """Resources of each machine, or of each bundle for workers where this process is a trial of Ray Tune."""
    group = ray.util.get_current_placement_group()
    if group is None:
        return [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return group.bundle_specs[1:]  # the first is this process


def _total(places: Sequence[Mapping[str, float]], resource: str) -> float:
    return sum(place.get(resource, 0.0) for place in places)


def _gpus_each(workers: Workers, places: Sequence[Mapping[str, float]]) -> float:
    if workers.gpus is not None:
        return workers.gpus
    most = max((place.get("GPU", 0.0) for place in places), default=0.0)  # a bundle may have a part of one
    return min(most, 1.0) if workers.count == "auto" else 0.0


def _room(places: Sequence[Mapping[str, float]], cpus: float, gpus: float) -> int:
    """Number of workers that there is room for; a worker needs its room in one place."""

    def room(place: Mapping[str, float]) -> int:
        by_cpu = int(place.get("CPU", 0.0) / cpus + 1e-9)
        return min(by_cpu, int(place.get("GPU", 0.0) / gpus + 1e-9)) if gpus else by_cpu

    return sum(room(place) for place in places)


def _lacking(workers: Workers, places: Sequence[Mapping[str, float]], gpus: float) -> str | None:
    """Says what the cluster lacks, None if nothing."""
    wanted = workers.min_workers if workers.count == "auto" else int(workers.count)
    if (room := _room(places, workers.cpus, gpus)) < wanted:
        return (
            f"asked for {wanted} workers with {workers.cpus:g} CPUs and {gpus:g} GPUs each, but the cluster has "
            f"{_total(places, 'CPU'):g} CPUs and {_total(places, 'GPU'):g} GPUs on {len(places)} machines, room for "
            f"{room}; ask for fewer workers, for workers='auto', for less each (Workers(cpus=0.5)), or give a cluster "
            "that grows more time (wait_seconds)."
        )
    if workers.nodes is not None and len(places) < workers.nodes:
        return (
            f"asked for {workers.nodes} machines, but the cluster has {len(places)}: some did not join. See what "
            "`ray start` printed on them, and `ray status`."
        )
    return None


def _explain_start(text: str) -> str:
    """What to do about a worker whose constructor raised."""
    if "No module named 'eggroll_ray'" in text or "No module named 'envs'" in text:
        remedy = "Install eggroll-ray on every machine of the cluster, in the version that runs here."
    elif "ModuleNotFoundError" in text or "ImportError" in text:
        remedy = (
            "Install that package on every machine of the cluster, or name it in Workers(runtime_env={'pip': [...]}); "
            "a module of yours travels if it lies beside the script."
        )
    else:
        remedy = (
            "If it fails on a class of yours, move the class out of the script into a module beside it: classes of a "
            "script travel by value, which not all survive."
        )
    return f"a worker could not start: {text}\n{remedy}"


def _connect(workers: Workers, variables: Mapping[str, str] = MappingProxyType({})) -> bool:
    """Connects to a cluster, or starts Ray on this machine alone; returns whether this call did.

    Args:
      workers: say where.
      variables: of the environment of a Ray that is started.
    """
    if ray.is_initialized():
        return False
    quiet: dict[str, Any] = {"configure_logging": False, "logging_level": logging.WARNING}
    address = _address(workers)
    if address:
        _check_reachable(address)
        try:
            ray.init(address=address, runtime_env=_shipped_code(), **quiet)
        except (ConnectionError, RuntimeError) as error:
            raise WorkerError(f"no Ray cluster at {address}: {error}") from error
        return True
    # Two CPUs at least, so that the shortest example, with two workers, runs on a machine with one.
    cpus = max(2, os.cpu_count() or 1)
    with _on_loopback(variables):
        # "local": without it Ray would join whatever cluster somebody has started on this machine.
        ray.init(address="local", num_cpus=cpus, include_dashboard=False, **quiet)
    return True


def _address(workers: Workers) -> str | None:
    return workers.address or os.environ.get("RAY_ADDRESS")


def _shipped_code() -> dict[str, Any]:
    """The runtime environment that takes this package and the user's own modules to the workers.

    A job that was submitted brings its own environment, and its workers have it already.
    """
    if os.environ.get(RAY_JOB_CONFIG_JSON_ENV_VAR):
        return {}
    own = [Path(__file__).parents[2], Path(__file__).parents[3] / "envs"]
    return {"py_modules": [str(path) for path in (*own, *_modules_beside_script()) if path.exists()]}


def _modules_beside_script() -> list[Path]:
    """Modules and packages that were imported from the script's folder: files of the user's, not of a library."""
    script = getattr(sys.modules["__main__"], "__file__", None)
    if script is None:
        return []
    folder = Path(script).resolve().parent
    found = set()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is None or "." in name or name in ("__main__", "eggroll_ray", "envs"):
            continue
        path = Path(file).resolve()
        if path.parent == folder and path.suffix == ".py":
            found.add(path)
        elif path.name == "__init__.py" and path.parent.parent == folder:
            found.add(path.parent)
    return sorted(found)


def _check_reachable(address: str) -> None:
    """Raises WorkerError where nothing answers at host:port; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except OSError as error:
        raise WorkerError(
            f"nothing answers at {address} ({error}); give the address that `ray start --head` printed, or none for a "
            "local Ray."
        ) from error


@contextlib.contextmanager
def _on_loopback(more: Mapping[str, str] = MappingProxyType({})) -> Iterator[None]:
    """Makes a Ray that starts here, with more variables, listen to this machine only, report no usage and say nothing.

    Ray takes the network address of the machine, even where it is told 127.0.0.1, unless clusters are off;
    it reads that switch when it is imported.
    """
    variables = {ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR: "0", "RAY_USAGE_STATS_ENABLED": "0", **more}
    before = {name: os.environ.get(name) for name in variables}
    clusters, logger = ray_constants.ENABLE_RAY_CLUSTER, logging.getLogger("ray")
    level = logger.level
    os.environ.update(variables)
    ray_constants.ENABLE_RAY_CLUSTER = False
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # Ray forks and executes its servers at once; JAX's threads are not used in between.
            warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
            yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = clusters
        logger.setLevel(level)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _threads(workers: Workers) -> int:
    return max(1, math.ceil(workers.cpus))


def _gpus_known(workers: Workers) -> float | None:
    """GPUs of each worker, None where that depends on the cluster."""
    return 0.0 if workers.gpus is None and workers.count != "auto" else workers.gpus


def _variables(workers: Workers, gpus: float | None, here: bool) -> dict[str, str]:
    """What must be set in a worker's process before it imports JAX.

    Args:
      workers: how many cores each has.
      gpus: of each; None: not known yet, and what depends on it is left out.
      here: whether it runs on this machine.
    """
    threads = str(_threads(workers))  # of XLA the worker takes two at least: threads.py
    variables = {"NPROC": threads, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    if gpus == 0:
        variables["JAX_PLATFORMS"] = "cpu"  # Ray 2.60 shows the GPUs of a node to every process on it
    elif gpus is not None and gpus < 1:
        variables["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{0.9 * gpus:.3f}"
    # A cluster that is running has an environment of its own.
    caches = (SETTING, "JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE")
    variables |= {name: os.environ[name] for name in caches if name in os.environ}
    if here:
        # What this process can import, its workers can: a cluster of this machine alone has the same files.
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    return variables


def _runtime_env(workers: Workers, gpus: float, inherited: Mapping[str, str]) -> dict[str, Any]:
    """The runtime environment of a worker: under the user's own; {} where it inherits all that it needs."""
    host = socket.gethostname()
    here = all(node["NodeManagerHostname"] == host for node in ray.nodes() if node["Alive"])
    variables, given = _variables(workers, gpus, here), dict(workers.runtime_env)
    if not given and variables.items() <= inherited.items():
        return {}
    return {**given, "env_vars": variables | dict(given.get("env_vars", {}))}
