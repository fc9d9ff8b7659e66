"""The interface through which the coordinator starts and calls workers. `ray.backend.RayBackend` implements it."""

from collections.abc import Sequence
from typing import Any, Protocol


class WorkerLost(Exception):
    """Raised when a worker is gone because its process or its machine ended."""

    def __init__(self, reason: str, preempted: bool = False):
        """Records why the worker is gone.

        Args:
          reason: what ended it, in words.
          preempted: whether the provider took the machine back, as happens to spot machines.
        """
        super().__init__(reason)
        self.preempted = preempted


class Backend(Protocol):
    """Starts workers and calls their methods by name. Calls are asynchronous."""

    def target(self) -> int:
        """Returns how many workers there should be now."""
        ...

    def start(self, index: int) -> Any:
        """Begins to start a worker and returns a handle to it."""
        ...

    def put(self, value: Any) -> Any:
        """Stores a value and returns a reference that many calls can take as an argument."""
        ...

    def call(self, worker: Any, label: str, method: str, *args: Any) -> Any:
        """Calls a method of a worker and returns a handle to the call. The label describes it in Ray's tools."""
        ...

    def wait(self, calls: Sequence[Any], seconds: float) -> Sequence[Any]:
        """Waits until a call is answered, at most `seconds`, and returns all calls that are answered by then."""
        ...

    def result(self, call: Any) -> Any:
        """Returns the answer to a call.

        Raises:
          WorkerLost: when the worker is gone.
          Exception: whatever the worker's method raised.
        """
        ...

    def kill(self, worker: Any) -> None:
        """Ends a worker at once, whatever it is doing."""
        ...

    def close(self) -> None:
        """Ends all remaining workers and releases what the backend holds."""
        ...
