"""What every committed measurement says of itself."""

import os
import platform
import time
from importlib import metadata
from typing import Any


def head(command: str, *packages: str) -> dict[str, Any]:
    """Returns the command, the date, the machine and the versions of packages, for the record of a benchmark."""
    return {
        "command": command,
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, no GPU",
        "versions": {name: metadata.version(name) for name in packages},
    }
