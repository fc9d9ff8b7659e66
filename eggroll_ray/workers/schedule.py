"""Decides which worker evaluates which block, when a call is late, and who then evaluates its blocks.

At first, each worker gets blocks in proportion to its measured speed, in one call. A worker that has finished takes
blocks from the queue, which holds the blocks of lost and late workers. If the queue is empty, it takes over the last
blocks of the worker that would finish last. If that worker is overdue with its last block, a second copy of the block
is evaluated, and the first answer counts. Results do not depend on who evaluates a block, so nothing here changes them.

This module is pure: the time is an argument.
"""

import dataclasses
import enum
import itertools
import math
import statistics
from collections import Counter, deque
from collections.abc import Collection, Iterable, Sequence

from eggroll_ray.workers.messages import Work

_MEMORY = 0.3  # weight of the newest time in a worker's running mean
_WORTH_SECONDS = 0.02  # least work, in seconds, for which another call is made
# A call may take `_PATIENCE` times the expected time plus `_GRACE_SECONDS`. Then its blocks go to other workers.
_PATIENCE = 5.0
_GRACE_SECONDS = 2.0
_OVERDUE = 1.5  # when a call takes this many times the expected time, its last block is also given to another worker
_FIRST_DEADLINE = 3600.0  # seconds allowed for a call while nothing is known about its duration
_UNKNOWN_UPDATE = 60.0  # seconds assumed for each update while none was measured, in addition to `_FIRST_DEADLINE`
_UNKNOWN_TEST = 60.0  # seconds assumed for a test of the mean parameters while none was measured
_CULPRIT_DEATHS = 3  # deaths of workers on the same block after which the block is taken to be the cause


class Speeds:
    """How long workers take, learned from their answers. Lasts for the whole run."""

    def __init__(self) -> None:
        self._each: dict[int, float] = {}  # worker -> seconds per block
        self._only: dict[int, float] = {}  # worker -> seconds of its first block, as long as it has evaluated no other
        self._update: float | None = None  # seconds
        self._rest: float | None = None  # seconds of a call beyond evaluation, update and test: network and hashing
        self._test: float | None = None
        # By how many seconds a worker's first evaluation and first update take longer, because they compile. The
        # largest values so far.
        self._first_evaluation: float | None = None
        self._first_update: float | None = None
        self._evaluated: set[int] = set()
        self._updated: set[int] = set()

    def observe(
        self,
        worker: int,
        block_seconds: Sequence[float],
        update_seconds: float | None,
        rest: float,
        test_seconds: float | None = None,
    ) -> None:
        """Learns from one answer.

        Args:
          worker: number of the worker.
          block_seconds: time of each block. The first block of a worker's first call includes compilation.
          update_seconds: time of the update, None if there was none.
          rest: the rest of the time between question and answer, in seconds.
          test_seconds: time of the test of the mean parameters, None if there was none.
        """
        if test_seconds is not None:
            self._test = max(self._test or 0.0, test_seconds)  # tests are too rare for a mean, so keep the slowest
        times = list(block_seconds)
        if worker not in self._evaluated and times:
            self._evaluated.add(worker)
            typical = statistics.median(times[1:]) if len(times) > 1 else self.block(worker) or 0.0
            self._first_evaluation = max(self._first_evaluation or 0.0, times[0] + rest - typical)
            self._only[worker], times = times[0], times[1:]
        elif times:
            self._rest = rest if self._rest is None else self._rest + _MEMORY * (rest - self._rest)
        if times:
            self._only.pop(worker, None)
            new = statistics.fmean(times)
            old = self._each.get(worker, new)
            self._each[worker] = old + _MEMORY * (new - old)
        if update_seconds is None:
            return
        if worker in self._updated:
            self._update = self._update or update_seconds
            self._update += _MEMORY * (update_seconds - self._update)
        else:
            self._updated.add(worker)
            self._first_update = max(self._first_update or 0.0, update_seconds)

    def forget(self, worker: int) -> None:
        """Drops what is known about a worker that is gone."""
        self._each.pop(worker, None)
        self._only.pop(worker, None)
        self._evaluated.discard(worker)
        self._updated.discard(worker)

    def block(self, worker: int) -> float | None:
        """Returns a worker's seconds per block, or the median of all workers if unknown; None if nothing is known."""
        if worker in self._each:
            return self._each[worker]
        return statistics.median(self._each.values()) if self._each else None

    def call(self, worker: int, blocks: int, update: bool, test: bool = False) -> float | None:
        """Returns the seconds that a call is expected to take; None if too little is known.

        Args:
          worker: number of the worker.
          blocks: number of blocks in the call.
          update: whether it begins with an update.
          test: whether it ends with a test of the mean parameters.
        """
        first = 0.0
        if worker not in self._evaluated:
            if self._first_evaluation is None:
                return None
            first += self._first_evaluation
        if update and worker not in self._updated:
            if self._first_update is None:
                return None
            first += self._first_update
        elif update and self._update is None:
            first += self._first_update or 0.0  # an upper bound
        if test:
            first += _UNKNOWN_TEST if self._test is None else self._test
        each = max(self.block(worker) or 0.0, self._only.get(worker, 0.0))
        return first + blocks * each + (self._update or 0.0) + max(self._rest or 0.0, 0.0)

    def patience_of_updates(self, updates: int) -> float:
        """Returns the seconds that this number of updates may take."""
        longest = max((seconds for seconds in (self._update, self._first_update) if seconds is not None), default=None)
        if longest is None:
            return _FIRST_DEADLINE * (updates > 0) + _UNKNOWN_UPDATE * updates
        return updates * _PATIENCE * longest

    def patience(self, worker: int, blocks: int, update: bool, test: bool = False) -> float:
        """Returns the seconds that a call may take before its blocks go to other workers."""
        expected = self.call(worker, blocks, update, test)
        return _FIRST_DEADLINE if expected is None else _PATIENCE * expected + _GRACE_SECONDS

    def shares(self, workers: Sequence[int], blocks: int) -> list[int]:
        """Splits a number of blocks so that all workers finish at the same time. The shares sum to `blocks`."""
        rates = [1.0 / max(self.block(worker) or 1.0, 1e-9) for worker in workers]
        edges = [round(blocks * sum(rates[:i]) / sum(rates)) for i in range(len(rates) + 1)]
        return [high - low for low, high in itertools.pairwise(edges)]


class _Test(enum.Enum):
    MEAN = "the test of the mean parameters"


# The smallest unit of work: the number of a block, or the test. This file keeps pieces in lists, since their order
# matters. Its public methods take and return `Work`.
_Piece = int | _Test


@dataclasses.dataclass
class _Assignment:
    """One call to one worker."""

    pieces: list[_Piece]  # what this worker should evaluate, without pieces that others have taken over
    sent: float
    checks: int = 0  # number of blocks of others that it evaluates afterwards for comparison
    late: bool = False  # whether its deadline has passed, so that its pieces went back to the queue


class Schedule:
    """The work of one generation."""

    def __init__(self, work: Work, speeds: Speeds, update: bool):
        """Puts all work into the queue.

        Args:
          work: the work of the generation.
          speeds: how long workers take.
          update: whether calls of this generation begin with an update.
        """
        self._queue = deque(_pieces(work))
        self._speeds, self._update = speeds, update
        self._assigned: dict[int, _Assignment] = {}
        self._done: set[_Piece] = set()
        self._deaths: Counter[_Piece] = Counter()
        self._overdue: Counter[_Piece] = Counter()
        self._copies: Counter[_Piece] = Counter()
        self.requeued = 0  # pieces that were handed out again

    def hand_out(self, idle: Sequence[int], now: float) -> dict[int, Work]:
        """Gives idle workers work from the queue, in proportion to their speed. A worker may get none."""
        queue = deque(piece for piece in self._queue if piece not in self._done)
        given: dict[int, list[_Piece]] = {}
        idle = list(idle)
        # A piece on which a worker died is sent alone. If the piece was the cause, no other work is lost with it.
        for piece in [piece for piece in queue if self._deaths[piece]][: len(idle)]:
            queue.remove(piece)
            given[idle.pop(0)] = [piece]
        safe = [piece for piece in queue if not self._deaths[piece]]
        if idle and safe:
            busy = [worker for worker, call in self._assigned.items() if not call.late]
            everyone = [*idle, *busy] if self.requeued else idle
            shares = self._speeds.shares(everyone, len(safe))[: len(idle)]
            if not sum(shares):
                shares[0] = 1
            for worker, share in zip(idle, shares, strict=True):
                if share:
                    given[worker] = [safe.pop(0) for _ in range(share)]
        self._queue = deque([*(piece for piece in queue if self._deaths[piece]), *safe])
        return {worker: self._assign(worker, pieces, now) for worker, pieces in given.items()}

    def add_checks(self, worker: int, checks: int) -> None:
        """Records how many blocks of others a worker evaluates in addition to its work."""
        self._assigned[worker].checks = checks

    def steal(self, thief: int, now: float) -> tuple[int, Work] | None:
        """Finds work for an idle worker when the queue is empty.

        Returns:
          The worker from which the work is taken and the work; None if there is none to take.
        """
        open_calls = {
            worker: call for worker, call in self._assigned.items() if not call.late and self._open(call.pieces)
        }
        if not open_calls or any(piece not in self._done for piece in self._queue):
            return None
        victim = max(open_calls, key=lambda worker: self._ends(worker, open_calls[worker], now))
        call = open_calls[victim]
        pieces = self._tail(victim, call, thief, now)
        self._copies.subtract(pieces)  # the victim will not begin them
        pieces = pieces or self._copy(victim, call, now)
        if not pieces:
            return None
        call.pieces = [piece for piece in call.pieces if piece not in pieces]
        self.requeued += len(pieces)
        return victim, self._assign(thief, pieces, now)

    def finish(self, worker: int, done: Work) -> None:
        """Records an answer that contains the results of `done`. The rest of the worker's work returns to the queue."""
        self._done |= set(_pieces(done))
        call = self._assigned.pop(worker, None)
        if call is not None and not call.late:
            self._requeue(call.pieces)

    def lose(self, worker: int, died: bool = True) -> Work:
        """Returns the work of a worker that is gone to the queue.

        Args:
          worker: number of the worker.
          died: whether its work may be the cause, in contrast to a preempted machine.

        Returns:
          The work that was put back.
        """
        call = self._assigned.pop(worker, None)
        if call is None:
            return Work()
        pieces = self._open(call.pieces)
        if died:
            self._deaths.update(pieces)
        return Work() if call.late else self._requeue(pieces)

    def reopen(self, work: Work) -> None:
        """Returns work to the queue because its results are not trusted."""
        self._done -= set(_pieces(work))
        self._requeue(_pieces(work))

    def take_back(self, late: Collection[int]) -> dict[int, Work]:
        """Returns the work of late workers to the queue. Returns worker -> work for those that are newly late."""
        found = {}
        for worker, call in self._assigned.items():
            if worker in late and not call.late:
                call.late = True
                self._overdue.update(call.pieces)
                found[worker] = self._requeue(call.pieces)
        return found

    def patience(self, worker: int, asked: Work) -> float:
        """Returns the seconds that a call may take.

        The time doubles with each time that one of its pieces was overdue before. A call of an earlier generation is
        judged as if it began with an update.
        """
        update = self._update or worker not in self._assigned
        leniency = 2 ** max((self._overdue[piece] for piece in _pieces(asked)), default=0)
        return leniency * self._speeds.patience(worker, asked.evaluations, update, asked.test)

    def culprit(self) -> Work:
        """Returns a block, or the test, that is taken to be the cause because several workers died on it, if any."""
        return _work([piece for piece, deaths in self._deaths.items() if deaths >= _CULPRIT_DEATHS][:1])

    def _assign(self, worker: int, pieces: list[_Piece], now: float) -> Work:
        work = _work(pieces)
        self._assigned[worker] = _Assignment(list(pieces), now)
        self._copies.update(pieces)
        return work

    def _expected(self, worker: int, call: _Assignment) -> float | None:
        blocks, test = _count(call.pieces)
        return self._speeds.call(worker, blocks + call.checks, self._update, test)

    def _open(self, pieces: Iterable[_Piece]) -> list[_Piece]:
        return [piece for piece in pieces if piece not in self._done]

    def _requeue(self, pieces: Iterable[_Piece]) -> Work:
        pieces = [piece for piece in self._open(pieces) if piece not in self._queue]
        self._queue.extend(pieces)
        self.requeued += len(pieces)
        return _work(pieces)

    def _ends(self, worker: int, call: _Assignment, now: float) -> float:
        """When a call is expected to end. Calls that are overdue or of unknown duration sort last."""
        expected = self._expected(worker, call)
        if expected is None:
            return math.inf
        end = call.sent + expected
        return end if end > now else now + (now - end) + expected

    def _tail(self, victim: int, call: _Assignment, thief: int, now: float) -> list[_Piece]:
        """Pieces from the end of a call that were not begun, so many that both workers finish at the same time."""
        each, expected = self._speeds.block(victim), self._expected(victim, call)
        unbegun = len(call.pieces) - 1
        if each and expected is not None:
            evaluating = now - call.sent - (expected - (_count(call.pieces)[0] + call.checks) * each)
            unbegun = len(call.pieces) - max(0, math.floor(evaluating / each)) - 1
            if unbegun * each < _WORTH_SECONDS:
                return []
        if unbegun < 1:
            return []
        taken = max(1, self._speeds.shares([victim, thief], unbegun)[1])
        return self._open(call.pieces[-taken:])

    def _copy(self, worker: int, call: _Assignment, now: float) -> list[_Piece]:
        """The last unfinished piece of an overdue call, unless two workers already have it."""
        expected = self._expected(worker, call)
        if expected is None or now - call.sent < _OVERDUE * expected + _WORTH_SECONDS:
            return []
        pieces = self._open(call.pieces)[-1:]
        return pieces if all(self._copies[piece] < 2 for piece in pieces) else []


def _pieces(work: Work) -> list[_Piece]:
    return [*work.blocks, *([_Test.MEAN] if work.test else [])]


def _count(pieces: Sequence[_Piece]) -> tuple[int, bool]:
    test = _Test.MEAN in pieces
    return len(pieces) - test, test


def _work(pieces: Sequence[_Piece]) -> Work:
    return Work(tuple(piece for piece in pieces if isinstance(piece, int)), _Test.MEAN in pieces)
