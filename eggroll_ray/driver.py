"""Workers as Ray actors: the only file that imports Ray.

One call per generation and worker. A worker that is lost leaves its blocks to the others; since noise and
episodes depend on the member alone, the result is the same bits. Only NumPy and scalars cross the network.
"""

import contextlib
import logging
import math
import os
import socket
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import ray
from ray._private import ray_constants
from ray.exceptions import GetTimeoutError, RayActorError, RayTaskError

from eggroll_ray.es import ES
from eggroll_ray.evaluate import Evaluator
from eggroll_ray.messages import Generation, Plan, Reply, Request, WorkerError
from eggroll_ray.pool import Workers
from eggroll_ray.worker import Worker

_CONNECT_SECONDS = 10.0
_POLL_SECONDS = 0.1  # how often a waiting driver looks whether it was asked to stop


class _RemoteWorker(Worker):
    """A worker in an actor, where a second thread can cancel a step or take a snapshot."""

    def __init__(self, task: tuple[ES, Evaluator, Plan]):
        super().__init__(*task)
        self._cancelled = -1

    def step_remotely(self, number: int, previous: Generation | None, blocks: tuple[int, ...], test: bool) -> Reply:
        return self.step(Request(number, previous, blocks, test), lambda: self._cancelled == number)

    def cancel(self, number: int) -> None:
        """Leaves out the blocks of generation `number` that have not begun."""
        self._cancelled = number


class RayPool:
    """Actors with one worker each, all in the same state. Implements `pool.Pool`."""

    def __init__(self, strategy: ES, evaluator: Evaluator, plan: Plan, workers: Workers):
        """Connects to Ray, or starts it on this machine, and waits until every worker is ready.

        Raises:
          WorkerError: when the cluster lacks the resources asked for, a worker cannot start in time, or
            the workers' devices or versions differ.
        """
        self._own_ray = _connect(workers)
        self._actors: dict[int, Any] = {}
        self._events: list[tuple[str, str]] = []
        try:
            count, gpus = _resources(workers, plan)
            options: dict[str, Any] = {
                "num_cpus": workers.cpus,
                "num_gpus": gpus,
                "runtime_env": {"env_vars": _environment(workers.cpus, gpus)},
                "max_concurrency": 2,
            }
            task = ray.put((strategy, evaluator, plan))
            remote = ray.remote(_RemoteWorker).options(**options)
            self._actors = {index: remote.remote(task) for index in range(count)}
            self._wait_until_ready(workers)
        except BaseException:
            self.close()
            raise

    @property
    def count(self) -> int:
        return len(self._actors)

    def step(self, request: Request, cancelled: Callable[[], bool]) -> Sequence[Reply]:
        previous = None if request.previous is None else ray.put(request.previous)
        waiting: dict[Any, int] = {}  # call -> worker

        def ask(index: int, blocks: tuple[int, ...], test: bool) -> None:
            call = self._actors[index].step_remotely.remote(request.number, previous, blocks, test)
            waiting[call] = index

        indices = list(self._actors)
        for place, index in enumerate(indices):
            # The test goes to the worker that has the fewest blocks.
            ask(index, request.blocks[place :: len(indices)], request.test and place == len(indices) - 1)
        replies: list[Reply] = []
        told = False
        while waiting:
            if cancelled() and not told:
                told = True
                for actor in self._actors.values():
                    actor.cancel.remote(request.number)
            ready, _ = ray.wait(list(waiting), timeout=_POLL_SECONDS)
            for call in ready:
                index = waiting.pop(call)
                try:
                    replies.append(_get(call))
                except RayActorError as error:
                    self._lose(index, error)
            if not waiting and not told:
                blocks = _missing_blocks(request, replies)
                test = request.test and all(reply.test is None for reply in replies)
                survivors = list(self._actors)
                if blocks or test:
                    for place, index in enumerate(survivors):
                        ask(index, blocks[place :: len(survivors)], test and place == 0)
        return replies

    def update(self, outcome: Generation) -> None:
        self._all("update", ray.put(outcome))

    def test(self, stream: str) -> np.ndarray:
        return self._any("test", stream)

    def digest(self) -> str:
        digests = set(self._all("digest"))
        if len(digests) > 1:
            raise WorkerError(f"the workers disagree on the final parameters: {sorted(digests)}.")
        return digests.pop()

    def snapshot(self) -> dict[str, Any]:
        return self._any("snapshot")

    def catch_up(self, snapshot: dict[str, Any] | None, log: Sequence[Generation]) -> None:
        self._all("catch_up", ray.put(snapshot), ray.put(log))

    def events(self) -> list[tuple[str, str]]:
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        for actor in self._actors.values():
            ray.kill(actor)
        self._actors = {}
        if self._own_ray:
            ray.shutdown()
            self._own_ray = False

    def _all(self, method: str, *args: Any) -> list[Any]:
        """Calls a method on every worker; those that are lost meanwhile leave the pool."""
        calls = {index: getattr(actor, method).remote(*args) for index, actor in self._actors.items()}
        results = []
        for index, call in calls.items():
            try:
                results.append(_get(call))
            except RayActorError as error:
                self._lose(index, error)
        return results

    def _any(self, method: str, *args: Any) -> Any:
        """Calls a method on one worker, and on the next if that is lost."""
        while True:
            index, actor = next(iter(self._actors.items()))
            try:
                return _get(getattr(actor, method).remote(*args))
            except RayActorError as error:
                self._lose(index, error)

    def _lose(self, index: int, error: RayActorError) -> None:
        """Takes a dead worker out of the pool.

        Raises:
          WorkerError: when it was the last one.
        """
        del self._actors[index]
        reason = str(error).strip().splitlines()[0]
        self._events.append(("worker lost", f"worker {index}: {reason}; {self.count} left"))
        if not self._actors:
            raise WorkerError(
                f"the last worker was lost: {error}\nNothing that was evaluated is lost: continue with --resume, or "
                "Run(path, resume=True)."
            ) from error

    def _wait_until_ready(self, workers: Workers) -> None:
        calls = {index: actor.facts.remote() for index, actor in self._actors.items()}
        try:
            facts = [_get(call, workers.start_seconds) for call in calls.values()]
        except GetTimeoutError as error:
            raise WorkerError(
                f"{len(calls)} workers of {workers.cpus} CPUs were not ready within {workers.start_seconds} s; free "
                f"now: {_show(ray.available_resources())}. See `ray status`, ask for fewer, or raise start_seconds."
            ) from error
        except RayActorError as error:
            raise WorkerError(
                f"a worker could not start: {error}\nIf it fails on a class of yours, move the class out of the script "
                "into a module beside it: classes of a script travel by value, which not all survive."
            ) from error
        for index, found in zip(calls, facts, strict=True):
            if found != facts[0]:
                raise WorkerError(
                    f"worker {index} has {found}, worker 0 has {facts[0]}: they would compute other bits; use "
                    "machines with the same device and the same JAX."
                )


def _get(call: Any, timeout: float | None = None) -> Any:
    """`ray.get` that raises a user's error as it was raised in the worker."""
    try:
        return ray.get(call, timeout=timeout)
    except RayTaskError as error:
        raise error.as_instanceof_cause() from None


def _missing_blocks(request: Request, replies: Sequence[Reply]) -> tuple[int, ...]:
    done = {result.block for reply in replies for result in reply.blocks}
    return tuple(block for block in request.blocks if block not in done)


def _connect(workers: Workers) -> bool:
    """Connects to a cluster, or starts Ray on this machine alone; returns whether it was started."""
    if ray.is_initialized():
        return False
    quiet: dict[str, Any] = {"configure_logging": False, "logging_level": logging.WARNING}
    address = workers.address or os.environ.get("RAY_ADDRESS")
    if address:
        _check_reachable(address)
        try:
            ray.init(address=address, **quiet)
        except (ConnectionError, RuntimeError) as error:
            raise WorkerError(f"no Ray cluster at {address}: {error}") from error
        return True
    # Two CPUs at least, so that the shortest example, with two workers, runs on a machine with one.
    cpus = max(2, os.cpu_count() or 1)
    with _on_loopback(), warnings.catch_warnings():
        # Ray forks and executes its servers at once; JAX's threads are not used in between.
        warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
        ray.init(num_cpus=cpus, include_dashboard=False, **quiet)
    return True


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
def _on_loopback() -> Iterator[None]:
    """Makes a Ray that starts here listen to this machine only, report no usage and say nothing.

    Ray takes the network address of the machine, even where it is told 127.0.0.1, unless clusters are off;
    it reads that switch when it is imported.
    """
    variables = {ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR: "0", "RAY_USAGE_STATS_ENABLED": "0"}
    before = {name: os.environ.get(name) for name in variables}
    clusters, logger = ray_constants.ENABLE_RAY_CLUSTER, logging.getLogger("ray")
    level = logger.level
    os.environ.update(variables)
    ray_constants.ENABLE_RAY_CLUSTER = False
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = clusters
        logger.setLevel(level)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _resources(workers: Workers, plan: Plan) -> tuple[int, float]:
    """Returns the number of workers and the GPUs of each.

    Raises:
      WorkerError: when the cluster does not have them.
    """
    cluster: Mapping[str, float] = ray.cluster_resources()
    cpus, gpus = cluster.get("CPU", 0.0), cluster.get("GPU", 0.0)
    if workers.count == "auto":
        each = workers.gpus if workers.gpus is not None else float(gpus >= 1)
        count = int(gpus // each) if each else int(cpus // workers.cpus)
        count = min(max(count, 1), plan.blocks)  # more workers than blocks would have nothing to do
    else:
        each, count = workers.gpus or 0.0, int(workers.count)
    if count * workers.cpus > cpus or count * each > gpus:
        raise WorkerError(
            f"asked for {count} workers with {workers.cpus} CPUs and {each} GPUs each, but the cluster has "
            f"{cpus:g} CPUs and {gpus:g} GPUs; ask for fewer workers, for workers='auto', or for less each "
            "(Workers(cpus=0.5))."
        )
    return count, each


def _environment(cpus: float, gpus: float) -> dict[str, str]:
    """Environment variables that must be set before a worker imports JAX."""
    threads = str(max(1, math.ceil(cpus)))
    variables = {"NPROC": threads, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    if not gpus:
        variables["JAX_PLATFORMS"] = "cpu"  # Ray 2.60 shows the GPUs of a node to every process on it
    elif gpus < 1:
        variables["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{0.9 * gpus:.3f}"
    host = socket.gethostname()
    if all(node["NodeManagerHostname"] == host for node in ray.nodes() if node["Alive"]):
        # What this process can import, its workers can: a cluster of this machine alone has the same files.
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    return variables


def _show(resources: Mapping[str, float]) -> str:
    return ", ".join(f"{value:g} {name}" for name, value in resources.items() if name in ("CPU", "GPU"))
