"""The report of a run that is trained from Python, written when `fit` ends: it must cost little and never end a run."""

import importlib.util
import logging
import time
from pathlib import Path

from eggroll_ray.report.write import write_report

_log = logging.getLogger(__name__)
_SHARE = 0.05  # of the time since the last report that the next one may take


class ReportAtEnd:
    """Writes the report of a run at the end of `fit`, and what is still to be written when the trainer is closed.

    A loop that calls `fit` for one generation after the other would draw for longer than it trains; so a report is left
    for later where the last one took more than a twentieth of the time since.
    """

    def __init__(self, run: Path | None):
        """Begins; `run` is the run folder, None where no report is wanted."""
        self._run = run if run is not None and importlib.util.find_spec("matplotlib") is not None else None
        self._written_at, self._took, self._is_due = -float("inf"), 0.0, False

    def fitted(self) -> None:
        """Writes it, unless that would take too much of the time; then it is left for later."""
        self._is_due = True
        if self._took <= _SHARE * (time.monotonic() - self._written_at):
            self.close()

    def close(self) -> None:
        """Writes what was left for later."""
        if self._run is None or not self._is_due:
            return
        started, self._is_due = time.monotonic(), False
        try:
            write_report(self._run)
        except Exception as error:  # whatever a drawing raises, the run is done and recorded
            _log.warning("the report of %s could not be written: %s: %s", self._run, type(error).__name__, error)
        self._written_at = time.monotonic()
        self._took = self._written_at - started
