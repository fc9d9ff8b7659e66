"""How commands print messages and raise errors for the user."""

import contextlib
import sys
import threading
from collections.abc import Iterator

from rich.console import Console

from eggroll_ray.report.text import printable

STOPPED = 130  # exit status after SIGINT or SIGTERM
_SILENT_SECONDS = 0.5  # of loading before the user is told


class UsageError(Exception):
    """The command cannot be carried out. The message tells the user all that they need; no traceback is shown."""


@contextlib.contextmanager
def usage() -> Iterator[None]:
    """Turns errors while a command is prepared into UsageError: the user can correct them without a traceback."""
    try:
        yield
    except (ValueError, ImportError, FileNotFoundError) as error:
        raise UsageError(str(error)) from error


def say(text: str) -> None:
    Console(highlight=False, soft_wrap=True).print(printable(text), markup=False)


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Says in a terminal that packages are being imported, if that takes longer than half a second."""
    if not sys.stderr.isatty():
        yield
        return
    stream, text, shown = sys.stderr, "eggroll-ray: loading ...", threading.Event()

    def show() -> None:
        stream.write(f"{text}\r")
        stream.flush()
        shown.set()

    timer = threading.Timer(_SILENT_SECONDS, show)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        if shown.is_set():
            stream.write(f"{' ' * len(text)}\r")
            stream.flush()
