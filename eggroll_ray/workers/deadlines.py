"""How long a worker may take to answer: the one place that says who is late, and who is taken for dead."""

import enum

from eggroll_ray.workers.remote_worker import Call, Kind, RemoteWorker
from eggroll_ray.workers.schedule import Schedule, Speeds

_ANSWER_SECONDS = 120.0  # for what is not the evaluation of blocks, such as a snapshot
_FROZEN_SECONDS = 30.0  # so long after its deadline, and
_FROZEN_TIMES = 5.0  # after so many times what it was given, a worker that has not answered is ended, but
_FROZEN_MOST = 600.0  # so many seconds after its deadline at the latest


class Standing(enum.Enum):
    """How a worker does with its call."""

    ON_TIME = enum.auto()  # also of one that has no call under way
    LATE = enum.auto()  # its deadline has passed
    FROZEN = enum.auto()  # and it will hardly answer any more


class Deadlines:
    """The rule for all calls."""

    def __init__(self, speeds: Speeds):
        """Args: what is known of how long workers take."""
        self._speeds = speeds

    def of_answer(self, updates: int, worker: int = 0, blocks: int = 0) -> float:
        """Returns the seconds that a question, or a join, may take that begins with so many updates.

        Args:
          updates: number of them.
          worker: who is asked.
          blocks: that it has to evaluate for its answer.
        """
        evaluation = self._speeds.patience(worker, blocks, update=False) if blocks else 0.0
        return _ANSWER_SECONDS + self._speeds.patience_of_updates(updates) + evaluation

    def standing(self, worker: RemoteWorker, now: float, schedule: Schedule | None = None) -> Standing:
        """Says whether a worker is on time.

        Args:
          worker: whose newest call is judged.
          now: seconds of the driver's clock.
          schedule: of the generation under way, which knows how long its steps may take.
        """
        call = worker.call
        if not worker.state.under_way:
            return Standing.ON_TIME
        if call.late_after is not None:
            frozen = min(max((_FROZEN_TIMES - 1) * call.late_after, _FROZEN_SECONDS), _FROZEN_MOST)
            return Standing.FROZEN if now > call.since + call.late_after + frozen else Standing.LATE
        late = now > call.since + self._patience(worker.index, call, schedule)
        return Standing.LATE if late else Standing.ON_TIME

    def _patience(self, worker: int, call: Call, schedule: Schedule | None) -> float:
        if call.patience is not None:
            return call.patience
        assert call.kind is Kind.STEP
        if schedule is not None:
            return schedule.patience(worker, call.work)
        return self._speeds.patience(worker, call.work.evaluations, update=True, test=call.work.test)
