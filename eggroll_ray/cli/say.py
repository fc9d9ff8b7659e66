"""What the commands say and raise."""

import contextlib
import sys
import threading
from collections.abc import Iterator

from rich.console import Console

from eggroll_ray.report.text import printable

STOPPED = 130  # exit status after SIGINT or SIGTERM
_SILENT_SECONDS = 0.5  # of loading, before it is said


class UsageError(Exception):
    """What the user asked for cannot be done; the message is all that they need."""


@contextlib.contextmanager
def usage() -> Iterator[None]:
    """What is raised while a command is put together is the user's to mend, and needs no traceback."""
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
