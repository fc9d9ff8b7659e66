"""What every committed measurement says of itself."""

import os
import platform
import time
from importlib import metadata
from typing import Any

import jax


def machine() -> str:
    """Returns the machine, the cores that this process may use, and the device that it computes on."""
    device = jax.devices()[0]
    kind = "no GPU" if device.platform == "cpu" else device.device_kind
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = f"{os.cpu_count()} cores" if own == os.cpu_count() else f"{own} of {os.cpu_count()} cores"
    return f"{platform.machine()}, {cores}, {kind}"


def head(command: str, *packages: str) -> dict[str, Any]:
    """Returns the command, the date, the machine and the versions of packages, for the record of a benchmark."""
    return {
        "command": command,
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "versions": {name: metadata.version(name) for name in packages},
    }
