"""What is said of a run while it goes on: in the log of the process, and in the record of the run if there is one."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from eggroll_ray.es.record import NotFiniteError
from eggroll_ray.evaluators.record import FitnessError
from eggroll_ray.runs.recorder import Recorder
from eggroll_ray.runs.result import summary
from eggroll_ray.runs.rows import Rows
from eggroll_ray.workers.messages import WorkerError

_log = logging.getLogger(__name__)
# Events that ask for nothing: they are logged as information, and all others as warnings.
_QUIET = ("resumed", "worker joined", "worker back", "record restored", "changed", "settings kept")


class Logbook:
    """Takes the events of a run and how it ends.

    Attributes:
      recorder: of the run; None as long as it has none.
      rows: makes the rows of metrics, and knows the time and the totals; set before the first event of a recorded run.
    """

    recorder: Recorder | None
    rows: Rows

    def __init__(self, target: float | None, generation: Callable[[], int]):
        """Begins without a record.

        Args:
          target: of the run, None if it has none.
          generation: returns the number of the generation that is evaluated next.
        """
        self._target, self._generation = target, generation
        self.recorder = None

    def event(
        self, name: str, detail: str, worker: str | None = None, values: Mapping[str, float] | None = None
    ) -> None:
        """Logs an event, and writes it into the record.

        Args:
          name: what happened, in a word or two.
          detail: the rest, in a sentence.
          worker: that it happened to.
          values: by their names, for events that are read again when the run is resumed.
        """
        level, generation = logging.INFO if name in _QUIET else logging.WARNING, self._generation()
        who = "" if worker is None else f"worker {worker}: "
        _log.log(level, "generation %d: %s: %s%s", generation, name, who, detail)
        if self.recorder is not None:
            event = {"event": name, "generation": generation, "time": self.rows.seconds()}
            self.recorder.write(event | {"detail": detail, "worker": worker} | ({"values": values} if values else {}))

    def end(self, status: str, generations: int, test: np.ndarray | None, digest: str, message: str = "") -> None:
        """Writes how the run ended into the record; the arguments are those of `summary`."""
        if self.recorder is not None:
            totals = {"target": self._target, "seconds": self.rows.seconds(), **self.rows.totals}
            self.recorder.finish(summary(status, generations, test, digest, message) | totals)

    def fail(self, name: str, message: str, test: np.ndarray | None) -> None:
        """Writes into the record that the run failed, and after which test. Without a record it says nothing."""
        if self.recorder is not None:
            self.event(name, message)
            self.end("failed", self._generation(), test, "", message)

    @contextlib.contextmanager
    def failures(self, last_test: Callable[[], np.ndarray | None]) -> Iterator[None]:
        """Writes into the record why the run failed within it. The log already holds the generations before."""
        try:
            yield
        except (FitnessError, NotFiniteError, WorkerError) as error:
            self.fail("failed", str(error), last_test())
            raise
