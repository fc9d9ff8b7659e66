"""A local Ray for tests, also on a busy machine.

Ray's own server ends itself when its helper has not started within 15 seconds, and `ray.init` then gives up, whatever
it is told (ray-project/ray issue 65983). Beside other work on a machine of two cores that happens, so a start that ran
out of this time is tried again; any other error is an error.
"""

import time
import traceback
from collections.abc import Callable

from ray._private.node import Node

STARTS = 4
_PAUSE_SECONDS = 15.0  # between two starts: what keeps the machine busy may end
_TOO_SLOW = ("timed out during startup", "Timed out waiting for file")


def too_slow(text: str) -> bool:
    """Whether an error says that Ray's processes took too long to start."""
    return any(part in text for part in _TOO_SLOW)


def start_ray(start: Callable[[], object]) -> None:
    """Calls what starts Ray in this process, again when the machine was too busy for it."""
    for left in reversed(range(STARTS)):
        try:
            start()
            return
        except Exception as error:  # Ray raises no narrower class
            _end_what_started(error)
            if not left or not too_slow(str(error)):
                raise
            time.sleep(_PAUSE_SECONDS)


def _end_what_started(error: Exception) -> None:
    """Ends the processes of a Ray that did not start; nothing but the frames of its error knows them any more."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        node = frame.f_locals.get("self")
        if isinstance(node, Node):
            node.kill_all_processes(check_alive=False, wait=True)
