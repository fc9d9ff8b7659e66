"""Ends a run cleanly: on a signal, or on a call of `stop` from any thread."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any


class Stop:
    """Whether a run must end, and whether a signal or a call asked for it."""

    def __init__(self) -> None:
        self._asked, self._signalled = threading.Event(), threading.Event()

    def ask(self) -> None:
        """Asks the run to end cleanly; may be called from any thread."""
        self._asked.set()

    def is_asked(self) -> bool:
        """Whether the run must end."""
        return self._asked.is_set()

    @property
    def by_signal(self) -> bool:
        """Whether a signal asked for it. Then nothing is started that may take long."""
        return self._signalled.is_set()

    def clear(self) -> None:
        """Withdraws the request, so that the run can go on."""
        self._asked.clear()
        self._signalled.clear()

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """Turns the first SIGINT or SIGTERM into a stop; outside the main thread it changes nothing."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def handle(number: int, frame: Any) -> None:
            if self._asked.is_set() and number == signal.SIGINT:
                raise KeyboardInterrupt
            self._signalled.set()
            self._asked.set()

        before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
