"""A place where workers run, as the coordinator sees it. `ray.backend.RayBackend` is the one on Ray."""

from collections.abc import Sequence
from typing import Any, Protocol


class WorkerLost(Exception):
    """A worker, its process or its machine is gone."""

    def __init__(self, reason: str, preempted: bool = False):
        """Args: why, and whether its machine was taken back by its owner, as spot machines are."""
        super().__init__(reason)
        self.preempted = preempted


class Backend(Protocol):
    """Starts workers and calls their methods by name; answers come later."""

    def target(self) -> int:
        """Returns how many workers there should be now."""
        ...

    def start(self, index: int) -> Any:
        """Begins to start a worker and returns it."""
        ...

    def put(self, value: Any) -> Any:
        """Returns a reference to a value that many calls can be given."""
        ...

    def call(self, worker: Any, label: str, method: str, *args: Any) -> Any:
        """Calls a method of a worker and returns the call; the label is for people."""
        ...

    def wait(self, calls: Sequence[Any], seconds: float) -> Sequence[Any]:
        """Returns those calls that have an answer, as soon as there is one, or after so many seconds."""
        ...

    def result(self, call: Any) -> Any:
        """Returns the answer; raises WorkerLost, or what the worker raised."""
        ...

    def kill(self, worker: Any) -> None:
        """Ends a worker at once, in whatever state it is."""
        ...

    def close(self) -> None:
        """Ends what is left."""
        ...
