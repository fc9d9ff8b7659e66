"""The facts that every committed measurement records about itself."""

import os
import platform
import subprocess
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

from eggroll_ray import Result
from eggroll_ray.compiling.threads import cores


def machine() -> str:
    """Returns the machine, the cores that this process may use, and the device that it computes on."""
    device = jax.devices()[0]
    kind = "no GPU" if device.platform == "cpu" else device.device_kind
    total = os.cpu_count()
    share = f"{total} cores" if cores() == total else f"{cores()} of {total} cores"
    return f"{platform.machine()}, {share}, {kind}"


def head(command: str, *packages: str) -> dict[str, Any]:
    """Returns the command and the provenance, for the record of a benchmark that is measured as a whole."""
    return {"command": command, **provenance(*packages)}


def provenance(*packages: str) -> dict[str, Any]:
    """Returns the machine, the versions of packages, the commit and the date, for what was measured now."""
    return {
        "machine": machine(),
        "versions": {name: metadata.version(name) for name in packages},
        "commit": _commit(),
        "date": time.strftime("%Y-%m-%d"),
    }


def whole(result: Result) -> Result:
    """Returns the result of a run, which must have come to its end.

    A trainer ends in order on Ctrl-C, and what it then returns looks like any other result.

    Raises:
      KeyboardInterrupt: when a signal has ended it.
    """
    if result.status == "stopped":
        raise KeyboardInterrupt(f"a run was ended after {result.generations} generations; it is not kept")
    return result


def check_same(path: Path, record: dict[str, Any], now: dict[str, Any], remedy: str) -> None:
    """Checks that rows which are added now belong under what a record says of itself.

    Args:
      path: of the record.
      record: that is to be gone on with.
      now: the provenance of the new rows.
      remedy: what the user can do instead, a sentence.

    Raises:
      ValueError: for another machine, version or commit.
    """
    for name in ("machine", "versions", "commit"):
        if record.get(name) != now[name]:
            rule = "its page can only say one of them"
            raise ValueError(f"{path} has {name} {record.get(name)}, new rows would have {now[name]}; {rule}. {remedy}")


def _commit() -> str | None:
    """Of the source; with a + where files differ from it, but for docs, where results go. None without a repository."""
    try:
        commit = _git("rev-parse", "--short", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":/", ":(top,exclude)docs")
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{commit}+" if changed else commit


def _git(*words: str) -> str:
    folder = Path(__file__).parent
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
