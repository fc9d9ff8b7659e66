"""Runs workers as Ray actors: starts them, calls them, and translates Ray's errors.

There is usually one call per generation and worker. Only NumPy arrays and scalars are sent over the network.
"""

import functools
import logging
import math
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import ray
from ray.autoscaler.sdk import request_resources
from ray.exceptions import RayActorError, RayError, RayTaskError

from eggroll_ray.compiling.cache import keep_programs
from eggroll_ray.es.record import ES
from eggroll_ray.evaluators.record import Evaluator
from eggroll_ray.workers.backend import WorkerLost
from eggroll_ray.workers.coordinator import Coordinator
from eggroll_ray.workers.messages import Outcome, Reply, Work, WorkerError
from eggroll_ray.workers.options import OnEvent, Workers
from eggroll_ray.workers.plan import Plan
from eggroll_ray.workers.ray.connect import cluster_address, connect
from eggroll_ray.workers.ray.environment import (
    explain_failed_start,
    gpus_if_known,
    process_variables,
    runtime_environment,
    worker_threads,
)
from eggroll_ray.workers.ray.resources import find_places, gpus_of_each, outcome_bytes, room_for, what_is_lacking
from eggroll_ray.workers.ray.shared import share, started_with
from eggroll_ray.workers.worker import Worker

_log = logging.getLogger(__name__)

_RESOURCE_SECONDS = 20.0  # how long to wait, at the start, for a cluster that is too small
# Largest outcome of a generation that is sent inside each call, and the most bytes that this may take for all workers
# together. Larger outcomes go through Ray's object store.
_INLINE_BYTES = 100_000
_INLINE_TOTAL_BYTES = 4_000_000
_LOOK_SECONDS = 1.0  # between queries of the cluster's resources
_TELL_SECONDS = 30.0  # between messages about resources that are still missing


def ray_coordinator(strategy: ES, evaluator: Evaluator, plan: Plan, workers: Workers, on_event: OnEvent) -> Coordinator:
    """Starts the workers of a run on Ray.

    Raises:
      WorkerError: when there is no cluster, when it lacks the resources, or when too few workers start in time.
    """
    make = functools.partial(Worker, strategy, evaluator, plan, threads=worker_threads(workers))
    cluster = RayBackend(make, plan.blocks, workers)
    return Coordinator(cluster, plan, workers, on_event)


def _call(function: Callable[[], Any]) -> Any:
    keep_programs()
    return function()


class _Actor:
    """The Ray actor around a worker. A second thread accepts cancellations while the first evaluates."""

    def __init__(self, make: Callable[[], Worker]):
        keep_programs()
        self._worker = make()
        self._cancelled: list[tuple[int, Work | None]] = []  # (serial number of the step, its cancelled work or None)

    def facts(self) -> dict[str, str]:
        return self._worker.facts()

    def join(self, snapshot: dict[str, Any] | None, *log: Outcome) -> tuple[str, float]:
        """Brings the worker to the state of the run. Returns the digest of the state, and the seconds it took."""
        started = time.perf_counter()
        self._worker.catch_up(snapshot, log)
        return self._worker.digest(), time.perf_counter() - started

    def step(self, serial: int, number: int, work: Work, *outcomes: Outcome) -> Reply:
        self._cancelled = [entry for entry in self._cancelled if entry[0] >= serial]

        def cancelled(part: Work) -> bool:
            return any(which is None or which.overlaps(part) for of, which in self._cancelled if of == serial)

        return self._worker.step(work.request(number, outcomes), cancelled)

    def ask(self, method: str, args: tuple[Any, ...], *outcomes: Outcome) -> Any:
        self._worker.advance(outcomes)
        return getattr(self._worker, method)(*args)

    def peek(self) -> tuple[int, str, dict[str, Any]]:
        """Returns the worker's generation, digest and snapshot. Works while the worker evaluates."""
        digest, snapshot = self._worker.digest_and_snapshot()
        return int(snapshot["state"].generation), digest, snapshot

    def cancel(self, serial: int, work: Work | None) -> None:
        """Leaves out the given work of a step (None: all of it) if it has not begun."""
        self._cancelled.append((serial, work))


class RayBackend:
    """Ray actors with one worker each. Implements `workers.backend.Backend`."""

    def __init__(self, make: Callable[[], Any], blocks: int, workers: Workers):
        """Connects to Ray, or starts it on this machine, and checks that it has the resources that are asked for.

        Args:
          make: makes a worker; called in the actor.
          blocks: number of blocks in a generation. More workers than that would have nothing to do.
          workers: how many workers there should be, and what each of them has.

        Raises:
          WorkerError: when there is no cluster, or it lacks the resources.
        """
        # A Ray that is started here, for this machine alone, cannot get more resources later.
        shared = started_with()
        self._local = shared is not None or not (ray.is_initialized() or cluster_address(workers))
        # Ray starts with some idle processes. They can become workers, which is faster, if workers need no environment
        # other than Ray's own. So give Ray the variables of workers from the start.
        variables = process_variables(workers, gpus_if_known(workers), here=True) if self._local else {}
        self._inherited = variables if shared is None else shared
        self._own_ray = connect(workers, self._inherited) and not share(self._inherited if self._local else None)
        self._local = self._local or ray.util.get_current_placement_group() is not None  # a trial's group cannot grow
        self._workers, self._blocks = workers, blocks
        self._asked = False
        self._looked, self._target = -math.inf, 0
        self._name = f"eggroll-{uuid.uuid4().hex[:6]}"  # actor names must be new in the cluster
        try:
            self._request_room()
            self._gpus = self._wait_for_resources()
            self._task = ray.put(make)
            self._remote = ray.remote(_Actor)
            self._tell_of_idle_workers()
        except BaseException:
            self.close()
            raise

    def target(self) -> int:
        if self._workers.count != "auto":
            return int(self._workers.count)
        if time.monotonic() > self._looked + _LOOK_SECONDS:
            self._looked = time.monotonic()
            room = room_for(find_places(), self._workers.cpus, self._gpus)
            self._target = min(room, self._blocks, self._workers.max_workers or room)
        return self._target

    def start(self, index: int) -> Any:
        options = runtime_environment(self._workers, self._gpus, self._inherited)
        actor = self._remote.options(
            name=f"{self._name} worker {index}",
            num_cpus=self._workers.cpus,
            num_gpus=self._gpus,
            runtime_env=options,
            max_concurrency=2,
        )
        return actor.remote(self._task)

    def run(self, function: Callable[[], Any], label: str, seconds: float) -> Any:
        """Calls a function in a process with the resources of a worker, and returns its result.

        Args:
          function: called once. The process ends with it.
          label: what the call is for, in Ray's tools and in error messages.
          seconds: how long it may take.

        Raises:
          WorkerError: when the process was lost, or has no result in time.
        """
        task = ray.remote(
            max_calls=1,
            max_retries=0,
            num_cpus=self._workers.cpus,
            num_gpus=self._gpus,
            runtime_env=runtime_environment(self._workers, self._gpus, self._inherited),
        )(_call)
        call = task.options(name=label).remote(ray.put(function))
        finished = False
        try:
            finished = bool(self.wait([call], seconds))
        finally:
            if not finished:  # Ray 2.60 may end the calling process if a task is cancelled that has just finished
                ray.cancel(call, force=True)
        if not finished:
            raise WorkerError(f"{label}: no result after {seconds:.0f} s; see `ray status`, or give a number.")
        try:
            return self.result(call)
        except WorkerLost as error:
            raise WorkerError(f"{label}: its process was lost: {error}; give a number.") from error

    def put(self, value: Any) -> Any:
        if isinstance(value, Outcome):
            size = outcome_bytes(value)
            if size <= _INLINE_BYTES and size * self.target() <= _INLINE_TOTAL_BYTES:
                return value  # sent inside the call, which is faster than the object store
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
            if isinstance(error.cause, RayError):  # an argument was lost because its machine is gone
                raise WorkerLost(str(error.cause)) from error
            raise cause from None
        except RayActorError as error:
            if error.actor_init_failed:
                raise WorkerError(explain_failed_start(str(error))) from error
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
        """Asks the autoscaler of a cluster, if it has one, for room for all workers that may be used."""
        wanted = self._workers.max_workers if self._workers.count == "auto" else int(self._workers.count)
        if wanted and not self._local:
            bundle = {"CPU": self._workers.cpus} | ({"GPU": self._workers.gpus} if self._workers.gpus else {})
            request_resources(bundles=[bundle] * wanted)
            self._asked = True

    def _tell_of_idle_workers(self) -> None:
        if self._workers.count == "auto":
            room = room_for(find_places(), self._workers.cpus, self._gpus)
            wanted = min(room, self._workers.max_workers or room)
        else:
            wanted = int(self._workers.count)
        if wanted > self._blocks:
            _log.warning(
                "there are %d workers, but a generation has %d blocks, so %d workers have nothing to do; a smaller "
                "block_size, which must be an even divisor of population_size, makes more blocks",
                *(wanted, self._blocks, wanted - self._blocks),
            )

    def _wait_for_resources(self) -> float:
        """Waits until the cluster has the resources that are asked for, and returns the GPUs of each worker.

        Raises:
          WorkerError: when it lacks them for too long.
        """
        patience = _RESOURCE_SECONDS if self._workers.wait_seconds is None else self._workers.wait_seconds
        started, tell_after = time.monotonic(), 0.0
        while True:
            places = find_places()
            gpus = gpus_of_each(self._workers, places)
            lacking = what_is_lacking(self._workers, places, gpus)
            if lacking is None:
                return gpus
            waited = time.monotonic() - started
            if self._local or waited > patience:
                raise WorkerError(lacking)
            if waited >= tell_after:
                _log.warning("waiting up to %.0f s for the cluster to grow: %s", patience - waited, lacking)
                tell_after = waited + _TELL_SECONDS
            time.sleep(min(_LOOK_SECONDS, patience))
