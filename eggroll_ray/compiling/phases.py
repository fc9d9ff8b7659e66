"""What a process is busy with before it has results, for whoever shows that to people: `with phase("compiling"):`."""

import contextlib
import time
from collections.abc import Iterator
from typing import Protocol

FIRST = "evaluating the first generation"
TRACING = "tracing the model"
COMPILING = "compiling"
ENVIRONMENT = "making the environment"
RAY = "starting Ray"
LOADING = "loading JAX"


class Listener(Protocol):
    """Is told when a phase begins and ends; one may lie within another."""

    def begin(self, name: str) -> None: ...

    def end(self, name: str, seconds: float) -> None: ...


_listeners: list[Listener] = []


@contextlib.contextmanager
def phase(name: str) -> Iterator[None]:
    """Tells whoever listens that what is done inside is this phase. Without a listener it does nothing.

    Args:
      name: in the words that people are shown, such as `making the environment`.
    """
    told = tuple(_listeners)
    for listener in told:
        listener.begin(name)
    started = time.monotonic()
    try:
        yield
    finally:
        for listener in told:
            listener.end(name, time.monotonic() - started)


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Has a listener told of the phases of this process."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
