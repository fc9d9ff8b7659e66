"""How long the phases of a run's start took the last time, on this machine, for the same kind of run.

It is kept in the user's cache, not in the run: a comfort for people, which no result depends on. Where it cannot be
read or written, nothing is known of the last time, and nobody is told.
"""

import contextlib
import hashlib
import json
import math
import os
import platform
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eggroll_ray.compiling.folder import cache_folder
from eggroll_ray.compiling.threads import cores

_MOST_FILES = 500


class Durations:
    """Seconds that each phase took, by its name."""

    def __init__(self, kind: Any):
        """Reads what is known of the last run of this kind on this machine.

        Args:
          kind: what decides how long the phases take, as JSON writes it: environment, model, population and the like.
        """
        text = json.dumps([platform.node(), cores(), kind], sort_keys=True, default=str)
        self._name = f"{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}.json"
        self.last: Mapping[str, float] = self._read()

    def keep(self, seconds: Mapping[str, float]) -> None:
        """Remembers how long each phase took, for the next run of this kind."""
        with contextlib.suppress(OSError, ValueError):
            folder = self._folder()
            if folder is None:
                return
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            kept = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
            for path in kept[:-_MOST_FILES]:
                path.unlink(missing_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as file:
                json.dump({name: round(value, 2) for name, value in seconds.items()}, file)
            os.replace(file.name, folder / self._name)

    def _folder(self) -> Path | None:
        cache = cache_folder()
        return None if cache is None else cache / "durations"

    def _read(self) -> dict[str, float]:
        with contextlib.suppress(OSError, ValueError, RecursionError):
            folder = self._folder()
            found = {} if folder is None else json.loads((folder / self._name).read_bytes())
            if isinstance(found, dict):
                return {name: x for name, x in found.items() if isinstance(x, int | float) and 0 <= x < math.inf}
        return {}
