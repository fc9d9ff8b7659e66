"""What every committed measurement says of itself."""

import os
import platform
import time
from importlib import metadata
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
    """Returns the command, the date, the machine and the versions of packages, for the record of a benchmark."""
    return {
        "command": command,
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "versions": {name: metadata.version(name) for name in packages},
    }
