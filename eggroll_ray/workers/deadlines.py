"""How long a worker may take to answer. Only this module decides who is late and who is taken for dead."""

import enum

from eggroll_ray.workers.remote_worker import Call, Kind, RemoteWorker
from eggroll_ray.workers.schedule import Schedule, Speeds

_ANSWER_SECONDS = 120.0  # allowed for an answer that needs no evaluation of blocks, such as a snapshot
# A late worker is taken for dead when its call has lasted `_FROZEN_TIMES` times what it was allowed. That is at least
# `_FROZEN_SECONDS` and at most `_FROZEN_MOST` seconds after the deadline.
_FROZEN_SECONDS = 30.0
_FROZEN_TIMES = 5.0
_FROZEN_MOST = 600.0


class Standing(enum.Enum):
    """Whether a worker answers its call in time."""

    ON_TIME = enum.auto()  # or no call is under way
    LATE = enum.auto()  # the deadline has passed
    FROZEN = enum.auto()  # the deadline passed so long ago that no answer is expected


class Deadlines:
    """The deadlines of all calls."""

    def __init__(self, speeds: Speeds):
        """Derives deadlines from measured speeds.

        Args:
          speeds: how long workers take, as measured so far.
        """
        self._speeds = speeds

    def of_answer(self, updates: int, worker: int = 0, blocks: int = 0) -> float:
        """Returns the seconds that a question, or a join, may take.

        Args:
          updates: number of updates that the worker applies first.
          worker: number of the worker that is asked.
          blocks: number of blocks that it evaluates for its answer.
        """
        evaluation = self._speeds.patience(worker, blocks, update=False) if blocks else 0.0
        return _ANSWER_SECONDS + self._speeds.patience_of_updates(updates) + evaluation

    def standing(self, worker: RemoteWorker, now: float, schedule: Schedule | None = None) -> Standing:
        """Returns whether a worker is on time with its newest call.

        Args:
          worker: the worker.
          now: the time on the driver's clock, in seconds.
          schedule: schedule of the generation under way, which knows how long its steps may take.
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
