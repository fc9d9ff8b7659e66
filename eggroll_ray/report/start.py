"""What a run is busy with before its first generation, and how long that took the last time."""

import time
from collections.abc import Callable

from eggroll_ray.compiling.durations import Durations
from eggroll_ray.report.text import format_seconds

_WORTH_TELLING_SECONDS = 1.0  # shorter than that, nobody waits for it


class Start:
    """Follows the phases of a start; a `compiling.phases.Listener`.

    Args:
      durations: of the last time; None: nothing is known, and nothing is kept.
      tell: is told each phase once, when it begins.
    """

    def __init__(self, durations: Durations | None = None, tell: Callable[[str], object] = lambda text: None):
        self._durations, self._tell = durations, tell
        self._seconds: dict[str, float] = {}  # of each phase that has ended, all of one name together
        self._open: tuple[tuple[str, float], ...] = ()  # the phases under way, the innermost last, and since when

    def begin(self, name: str) -> None:
        """Takes note that a phase begins, and tells of it the first time."""
        known = name in self._seconds or any(name == other for other, _ in self._open)
        self._open = (*self._open, (name, time.monotonic()))
        if not known:
            self._tell(f"{name}{self._last(name)}")

    def end(self, name: str, seconds: float) -> None:
        """Takes note that a phase has ended."""
        left = [i for i, (other, _) in enumerate(self._open) if other == name][-1:]
        self._open = tuple(entry for i, entry in enumerate(self._open) if i not in left)
        self._seconds[name] = self._seconds.get(name, 0.0) + seconds

    def text(self) -> str:
        """What is going on at this moment, for how long, and how long it took the last time."""
        if not self._open:
            return "starting"
        name, since = self._open[-1]
        seconds = self._seconds.get(name, 0.0) + time.monotonic() - since
        return f"{name}, {seconds:.0f} s{self._last(name)}"

    def done(self) -> None:
        """Keeps how long the phases took, for the next run."""
        if self._durations is not None:
            self._durations.keep(self._seconds)

    def _last(self, name: str) -> str:
        seconds = 0.0 if self._durations is None else self._durations.last.get(name, 0.0)
        return f" ({format_seconds(round(seconds))} the last time)" if seconds >= _WORTH_TELLING_SECONDS else ""
