"""Who evaluates which block, until when, and what becomes of it when that does not happen. Pure: time is an argument.

At first every worker gets a share after its measured speed, in one call. A worker that is done takes blocks from the
queue (what lost workers left), then from the tail of the worker that would finish last; of a block that is overdue a
second copy is evaluated, and the first answer counts. Since results do not depend on who evaluates a block, nothing
here can change them.
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
_WORTH_SECONDS = 0.02  # of work that is worth another call
_PATIENCE = 5.0  # a call may take so many times what was expected, and
_GRACE_SECONDS = 2.0  # so much longer, before its blocks go to others
_OVERDUE = 1.5  # a call that takes so many times what was expected gets a helper
_FIRST_DEADLINE = 3600.0  # seconds of a call that nothing is known about
_UNKNOWN_UPDATE = 60.0  # seconds of an update, before there was one and beyond the first, which compiles
_UNKNOWN_TEST = 60.0  # seconds of a test of the mean parameters, before there was one
_CULPRIT_DEATHS = 3  # workers that died on a block before it is held to be the reason


class Speeds:
    """How long workers take, learned from their answers. Kept over generations."""

    def __init__(self) -> None:
        self._each: dict[int, float] = {}  # worker -> seconds per block
        self._only: dict[int, float] = {}  # worker -> seconds of its first block, while there is no other
        self._update: float | None = None  # seconds
        self._rest: float | None = None  # of a call, beside all that: network and hashing
        self._test: float | None = None
        # What a worker's first evaluation and first update take longer, since they compile; the longest so far.
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
          worker: its number.
          block_seconds: of each block; the first of a worker's first call compiles.
          update_seconds: of the update, None if there was none.
          rest: what else there was between question and answer, in seconds.
          test_seconds: of the test of the mean parameters, None if there was none.
        """
        if test_seconds is not None:
            self._test = max(self._test or 0.0, test_seconds)  # it is rare: the slowest so far, with compilation
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
        """Drops what is known of a worker that is gone."""
        self._each.pop(worker, None)
        self._only.pop(worker, None)
        self._evaluated.discard(worker)
        self._updated.discard(worker)

    def block(self, worker: int) -> float | None:
        """Returns the seconds per block of a worker, or those of a typical one; None if nothing is known."""
        if worker in self._each:
            return self._each[worker]
        return statistics.median(self._each.values()) if self._each else None

    def call(self, worker: int, blocks: int, update: bool, test: bool = False) -> float | None:
        """Returns the expected seconds of a call, with an update and a test or without; None if too little is known."""
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
            first += self._first_update or 0.0  # it cannot take longer
        if test:
            first += _UNKNOWN_TEST if self._test is None else self._test
        each = max(self.block(worker) or 0.0, self._only.get(worker, 0.0))
        return first + blocks * each + (self._update or 0.0) + max(self._rest or 0.0, 0.0)

    def patience_of_updates(self, updates: int) -> float:
        """Returns the seconds that so many updates may take at most."""
        longest = max((seconds for seconds in (self._update, self._first_update) if seconds is not None), default=None)
        if longest is None:
            return _FIRST_DEADLINE * (updates > 0) + _UNKNOWN_UPDATE * updates
        return updates * _PATIENCE * longest

    def patience(self, worker: int, blocks: int, update: bool, test: bool = False) -> float:
        """Returns the seconds after which a call is taken to be lost."""
        expected = self.call(worker, blocks, update, test)
        return _FIRST_DEADLINE if expected is None else _PATIENCE * expected + _GRACE_SECONDS

    def shares(self, workers: Sequence[int], blocks: int) -> list[int]:
        """Splits a number of blocks so that all workers finish together; the sum is `blocks`."""
        rates = [1.0 / max(self.block(worker) or 1.0, 1e-9) for worker in workers]
        edges = [round(blocks * sum(rates[:i]) / sum(rates)) for i in range(len(rates) + 1)]
        return [high - low for low, high in itertools.pairwise(edges)]


class _Test(enum.Enum):
    MEAN = "the test of the mean parameters"


# What is handed out whole: the number of a block, or the test. Inside this file pieces stand in lists, since their
# order matters; `Work` is what goes in and out.
_Piece = int | _Test


@dataclasses.dataclass
class _Assignment:
    """One call to one worker."""

    pieces: list[_Piece]  # that it is to evaluate, and nobody else
    sent: float
    checks: int = 0  # blocks of others that it evaluates after these, to be compared
    late: bool = False  # its deadline has passed, and its pieces are given to others


class Schedule:
    """The work of one generation."""

    def __init__(self, work: Work, speeds: Speeds, update: bool):
        """Args: the work, how long workers take, and whether their calls begin with an update."""
        self._queue = deque(_pieces(work))
        self._speeds, self._update = speeds, update
        self._assigned: dict[int, _Assignment] = {}
        self._done: set[_Piece] = set()
        self._deaths: Counter[_Piece] = Counter()
        self._overdue: Counter[_Piece] = Counter()
        self._copies: Counter[_Piece] = Counter()
        self.requeued = 0  # pieces that were handed out again

    def hand_out(self, idle: Sequence[int], now: float) -> dict[int, Work]:
        """Gives idle workers their work out of the queue, by their speed; a worker may get none."""
        queue = deque(piece for piece in self._queue if piece not in self._done)
        given: dict[int, list[_Piece]] = {}
        idle = list(idle)
        # A piece on which a worker died travels alone: should it be the reason, it takes no others with it.
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
        """Notes that a worker evaluates so many blocks of others beside what it was given."""
        self._assigned[worker].checks = checks

    def steal(self, thief: int, now: float) -> tuple[int, Work] | None:
        """Finds work for an idle worker when the queue is empty: (the worker it comes from, the work)."""
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
        """Notes an answer with the results of this work; what it left out is to be had again."""
        self._done |= set(_pieces(done))
        call = self._assigned.pop(worker, None)
        if call is not None and not call.late:
            self._requeue(call.pieces)

    def lose(self, worker: int, died: bool = True) -> Work:
        """Takes back the work of a worker that is gone, and returns it."""
        call = self._assigned.pop(worker, None)
        if call is None:
            return Work()
        pieces = self._open(call.pieces)
        if died:
            self._deaths.update(pieces)
        return Work() if call.late else self._requeue(pieces)

    def reopen(self, work: Work) -> None:
        """Makes work whose results were not to be trusted missing again."""
        self._done -= set(_pieces(work))
        self._requeue(_pieces(work))

    def take_back(self, late: Collection[int]) -> dict[int, Work]:
        """Takes back the work of workers whose deadline has passed: worker -> work, of those that have any."""
        found = {}
        for worker, call in self._assigned.items():
            if worker in late and not call.late:
                call.late = True
                self._overdue.update(call.pieces)
                found[worker] = self._requeue(call.pieces)
        return found

    def patience(self, worker: int, asked: Work) -> float:
        """Returns the seconds that a call may take: twice as many for each time that a piece of it was overdue already.

        A call of an earlier generation is judged as if it had begun with an update. It has no work left here.
        """
        update = self._update or worker not in self._assigned
        leniency = 2 ** max((self._overdue[piece] for piece in _pieces(asked)), default=0)
        return leniency * self._speeds.patience(worker, asked.evaluations, update, asked.test)

    def culprit(self) -> Work:
        """Returns the block, or the test, on which so many workers have died that it must be the reason, if any."""
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
        """When a call is expected to end; one that is overdue, or of which nothing is known, ends last."""
        expected = self._expected(worker, call)
        if expected is None:
            return math.inf
        end = call.sent + expected
        return end if end > now else now + (now - end) + expected

    def _tail(self, victim: int, call: _Assignment, thief: int, now: float) -> list[_Piece]:
        """The pieces at the end of a call that it has not begun, as many as let both finish together."""
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
        """The last open piece of a call that is overdue, unless two workers have it already."""
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
