"""What every committed measurement says of itself."""

import os
import platform
import subprocess
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

from eggroll_ray.threads import cores


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


def _commit() -> str | None:
    """Of the source; with a + where files differ from it. None outside of a repository."""
    command = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        found = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()
