"""A lock that gives a run folder one owner at a time, and names the owner to others."""

import contextlib
import fcntl
import getpass
import json
import logging
import os
import socket
import time
from pathlib import Path

from eggroll_ray.runs.checkpoint import LOCK, CheckpointError

_log = logging.getLogger(__name__)


class RunLock:
    """Holds the lock on the file `lock` of a run folder until it is closed or its process ends, however it ends."""

    def __init__(self, run: Path):
        """Takes the lock.

        Raises:
          CheckpointError: when another process holds it, which the message names, or when the folder is not writable.
        """
        self._descriptor: int | None = None
        try:
            self._descriptor = os.open(run / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise CheckpointError(f"the run folder {run} cannot be written: {error}.") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = _describe((run / LOCK).read_text())
            self.close()
            raise CheckpointError(
                f"the run in {run} is still going on: {owner} owns it. Wait for it, or end that process first."
            ) from error
        except OSError as error:  # a file system without locks
            _log.warning("%s cannot be locked (%s): make sure that no other process continues this run", run, error)
        name = {"host": socket.gethostname(), "pid": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
        with contextlib.suppress(KeyError, OSError):  # a user without a name
            name["user"] = getpass.getuser()
        with contextlib.suppress(OSError):  # the lock also works if the name cannot be written, as on a full disk
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps(name).encode(), 0)

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Releases the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _describe(text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        return "another process"
    if (found.get("host"), found.get("pid")) == (socket.gethostname(), os.getpid()):
        return "another trainer of this process, which is not closed,"
    user, since = found.get("user", "a user"), found.get("since")
    return f"process {found.get('pid')} of {user} on {found.get('host')}, since {since},"
