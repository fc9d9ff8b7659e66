"""What the commands say and raise."""

import contextlib
from collections.abc import Iterator

from rich.console import Console

from eggroll_ray.report.text import printable

STOPPED = 130  # exit status after SIGINT or SIGTERM


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
