"""The interface of a pool of workers, which the trainer uses, and the pool that is one worker in this process."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from eggroll_ray.workers.messages import Outcome, Request, state_changed
from eggroll_ray.workers.plan import Plan
from eggroll_ray.workers.results import Gathering, Round
from eggroll_ray.workers.worker import Worker


@runtime_checkable
class Pool(Protocol):
    """Workers that all hold the same state, in this process or elsewhere."""

    @property
    def count(self) -> int:
        """Number of workers; 0 means that this process evaluates."""
        ...

    def step(self, request: Request, cancelled: Callable[[], bool]) -> Round:
        """Updates to the request's generation and evaluates its blocks, or fewer if cancelled."""
        ...

    def update(self, outcome: Outcome) -> object:
        """Applies the outcome of the current generation."""
        ...

    def test(self, stream: str) -> np.ndarray:
        """Evaluates the mean parameters on fresh episodes."""
        ...

    def digest(self) -> str:
        """Returns the digest of the state, on which all workers agree."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """Returns the state as NumPy arrays."""
        ...

    def catch_up(self, snapshot: dict[str, Any] | None, log: Sequence[Outcome]) -> None:
        """Takes over a snapshot (None: the initial state) and applies the outcomes of the later generations."""
        ...

    def close(self) -> None:
        """Ends the workers."""
        ...


class LocalPool:
    """One worker in this process."""

    count = 0

    def __init__(self, worker: Worker, plan: Plan):
        self._worker, self._plan = worker, plan
        self.test = worker.test
        self.digest = worker.digest
        self.snapshot = worker.snapshot
        self.catch_up = worker.catch_up

    def step(self, request: Request, cancelled: Callable[[], bool]) -> Round:
        gathering = Gathering(self._plan, request.work)
        reply = self._worker.step(request, lambda _: cancelled())
        if reply.changed:
            raise state_changed(request.number)
        gathering.add(0, reply)
        return gathering.result({})

    def update(self, outcome: Outcome) -> object:
        return self._worker.advance([outcome])  # `advance`, since a step that an exception ended may have applied it

    def close(self) -> None:
        pass
