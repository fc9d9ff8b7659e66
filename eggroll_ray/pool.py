"""Who evaluates: what a pool of workers can do, and the pool of one worker in this process."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from eggroll_ray.messages import Generation, Reply, Request
from eggroll_ray.worker import Worker


@dataclasses.dataclass(frozen=True)
class Workers:
    """Who evaluates: no worker is this process; more are Ray actors.

    Attributes:
      count: number of workers; "auto" takes what the cluster has: one per GPU if there are GPUs, one per
        `cpus` cores otherwise.
      cpus: cores of each worker, whose threads are limited to them; may be a fraction.
      gpus: GPUs of each worker; None: 1 with "auto" on a cluster that has GPUs, 0 otherwise.
      address: of a Ray cluster; None: the one of `RAY_ADDRESS`, or a new one on this machine alone.
      start_seconds: how long workers may take to start.
    """

    count: int | str = "auto"
    cpus: float = 1.0
    gpus: float | None = None
    address: str | None = None
    start_seconds: float = 120.0

    def __post_init__(self) -> None:
        if self.count != "auto" and not (isinstance(self.count, int) and self.count >= 0):
            raise ValueError(f"workers={self.count!r} must be 'auto' or a number of at least 0 (0: in process).")
        if not self.cpus > 0:
            raise ValueError(f"cpus={self.cpus} per worker must be positive, such as 1 or 0.5.")


@runtime_checkable
class Pool(Protocol):
    """Workers that all hold the same state, wherever they are."""

    @property
    def count(self) -> int:
        """Number of workers, 0 in process."""
        ...

    def step(self, request: Request, cancelled: Callable[[], bool]) -> Sequence[Reply]:
        """Updates all workers and evaluates the request's blocks, fewer if cancelled."""
        ...

    def update(self, outcome: Generation) -> object: ...

    def test(self, stream: str) -> np.ndarray: ...

    def digest(self) -> str: ...

    def snapshot(self) -> dict[str, Any]: ...

    def catch_up(self, snapshot: dict[str, Any] | None, log: Sequence[Generation]) -> None: ...

    def events(self) -> list[tuple[str, str]]:
        """Returns what has happened to workers since the last call: (name, detail)."""
        ...

    def close(self) -> None: ...


class LocalPool:
    """One worker in this process."""

    count = 0

    def __init__(self, worker: Worker):
        self._worker = worker
        self.update = worker.update
        self.test = worker.test
        self.digest = worker.digest
        self.snapshot = worker.snapshot
        self.catch_up = worker.catch_up

    def step(self, request: Request, cancelled: Callable[[], bool]) -> Sequence[Reply]:
        return [self._worker.step(request, cancelled)]

    def events(self) -> list[tuple[str, str]]:
        return []

    def close(self) -> None:
        pass
