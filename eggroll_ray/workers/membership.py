"""Tracks the workers of a run: starts them, admits them, lets them join, calls them, and replaces those that are lost.

A worker joins by taking a snapshot of the run and replaying the later outcomes. After that it has the same state as all
others. It stays up to date because each call brings the outcomes that it lacks.
"""

import itertools
import logging
from collections.abc import Callable
from typing import Any

from eggroll_ray.workers.admission import Admission
from eggroll_ray.workers.backend import Backend, WorkerLost
from eggroll_ray.workers.deadlines import Deadlines, Standing
from eggroll_ray.workers.lifecycle import Event, State
from eggroll_ray.workers.messages import Work, WorkerError
from eggroll_ray.workers.options import OnEvent, Workers
from eggroll_ray.workers.remote_worker import Call, Kind, RemoteWorker

_log = logging.getLogger(__name__)

_POLL_SECONDS = 0.1  # longest wait for answers, after which the driver checks deadlines and whether to stop
_RECRUIT_SECONDS = 1.0  # between checks for new capacity; doubles after each failed start, `_RECRUIT_DOUBLINGS` times
_RECRUIT_DOUBLINGS = 6
_SURPLUS_SECONDS = 10.0  # if the cluster has shrunk, workers that have not started after this time are given up
_WAIT_SECONDS = 300.0  # for new workers when all are lost
_REMIND_SECONDS = 30.0  # between messages while waiting for them
_START_ATTEMPTS = 3  # failed starts in a row, while no worker is ready, that end the run
_STRAGGLER_SECONDS = 10.0  # least time that a starting run waits for the second half of its workers


class Membership:
    """The workers that exist, and the call under way with each."""

    def __init__(
        self,
        backend: Backend,
        options: Workers,
        on_event: OnEvent,
        clock: Callable[[], float],
        deadlines: Deadlines,
    ):
        """Starts nothing yet.

        Args:
          backend: starts and calls the workers.
          options: how many workers there should be, and how long to wait for them.
          on_event: called with each event that concerns workers.
          clock: returns the time in seconds.
          deadlines: decides which workers are late.
        """
        self._backend, self._options = backend, options
        self._on_event, self._clock = on_event, clock
        self._deadlines = deadlines
        self.workers: dict[int, RemoteWorker] = {}
        self.base_number = 0
        self.failures = 0  # workers lost so far
        self.bytes_down = 0  # bytes of outcomes sent to workers in this generation
        self._base: Any = None  # reference to a snapshot; None: the start of the run
        self._outcomes: list[tuple[Any, int]] = []  # outcomes since the snapshot: (reference, bytes)
        self._calls: dict[Any, RemoteWorker] = {}
        self._lost: list[tuple[RemoteWorker, WorkerLost]] = []
        self._admission = Admission(strict=options.resync_every is None)
        self._indices, self._serials = itertools.count(), itertools.count(1)
        self._failed_starts = 0  # failed starts since a worker joined or was lost; more of them, rarer attempts
        self._failed_alone = 0  # how many of these failed in a row while no worker was ready
        self._recruited = float("-inf")
        self._alone_since: float | None = None
        self._reminded = 0.0

    @property
    def number(self) -> int:
        """The current generation of the run."""
        return self.base_number + len(self._outcomes)

    def ready(self) -> list[RemoteWorker]:
        """Returns the workers that are in the run (see `State`), busy or not."""
        return [worker for worker in self.workers.values() if worker.state.in_run]

    def stepping(self) -> list[RemoteWorker]:
        """Returns the workers that are evaluating and not late, whether they are in the run or not."""
        return [worker for worker in self.workers.values() if worker.awaited(Kind.STEP)]

    def answering(self) -> list[RemoteWorker]:
        """Returns the workers in the run that have a call under way and are not late."""
        return [w for w in self.workers.values() if w.state in (State.EVALUATING, State.ANSWERING)]

    def start(self) -> None:
        """Starts all workers and waits for them.

        Raises:
          WorkerError: when fewer than the least number are ready in time.
        """
        self._recruit()
        begun = self._reminded = self._clock()
        limit = begun + self._options.start_seconds
        half = False  # whether half of the workers are ready; the rest get as long again, and then may join later
        while len(self.ready()) < max(self._wanted(), 1):
            for _ in self.collect():
                pass
            self._lost.clear()
            now = self._clock()
            self._judge(at_once=now > begun + self._options.start_seconds / 4)
            if not half and len(self.ready()) >= max(self._options.min_workers, self._wanted() / 2):
                half, limit = True, min(limit, now + max(now - begun, _STRAGGLER_SECONDS))
            if now > limit:
                break
            if now > self._reminded + _REMIND_SECONDS:
                self._reminded = now
                _log.warning("%d of %d workers are ready; waiting for the others", len(self.ready()), self._wanted())
            self._recruit()
        if len(self.ready()) < self._options.min_workers:
            raise WorkerError(
                f"{len(self.ready())} of {max(self._wanted(), 1)} workers with {self._options.cpus} CPUs each were "
                f"ready within {self._options.start_seconds} s, but at least {self._options.min_workers} are needed. "
                "`ray status` shows what the cluster has free; ask for fewer workers, or raise start_seconds."
            )

    def close(self) -> None:
        """Ends all workers."""
        for worker in self.workers.values():
            self._backend.kill(worker.handle)
        self.workers.clear()
        self._calls.clear()
        self._backend.close()

    # The state of the run.

    def begin_generation(self) -> None:
        """Resets the counter of bytes for a new generation, and starts missing workers."""
        self.bytes_down = 0
        self._recruit()

    def add_outcome(self, reference: Any, nbytes: int) -> None:
        """Adds the outcome that all workers have to apply next."""
        self._outcomes.append((reference, nbytes))

    def rebase(self, base: Any, number: int) -> None:
        """Replaces the snapshot by one of a later generation, so that joining workers have less to replay."""
        self._outcomes = self._outcomes[number - self.base_number :]
        self._base, self.base_number = base, number
        for worker in self.workers.values():
            if worker.state.follows_run and worker.number < number:  # the outcomes that it lacks are no longer kept
                self._expel(worker)

    def restart(self, base: Any, number: int) -> None:
        """Sets the run to another snapshot, and takes all workers out of it. `rejoin_all` brings them back."""
        self._outcomes.clear()
        self._base, self.base_number = base, number
        for worker in self.workers.values():
            if worker.state.follows_run:
                worker.change(Event.EXPEL)

    def rejoin_all(self) -> None:
        """Lets all waiting workers join from the snapshot."""
        for worker in self.workers.values():
            if worker.state is State.WAITING:
                self._join(worker)

    def rejoin(self, worker: RemoteWorker) -> None:
        """Takes a worker out of the run, if it is in it, and lets it join again from the snapshot."""
        if worker.state.in_run:
            self._expel(worker)

    def quarantine(self, worker: RemoteWorker) -> None:
        """Rebuilds a worker whose parameters are wrong. If they are wrong a second time, it is ended and replaced."""
        if worker.state is State.LOST:
            return
        if worker.rebuilt:
            self._lose(worker, WorkerLost("its parameters were wrong a second time"))
            return
        worker.rebuilt = True
        self.rejoin(worker)

    # Calls.

    def send(self, worker: RemoteWorker, number: int, work: Work) -> None:
        """Asks a worker to evaluate."""
        call = Call(Kind.STEP, self._clock(), serial=next(self._serials), work=work)
        label = f"generation {number}: evaluate {len(work)} blocks"
        news = self._news(worker)
        worker.begin(Event.EVALUATE, call)
        self._call(worker, label, "step", call.serial, number, work, *news)

    def ask(self, worker: RemoteWorker, method: str, *args: Any, blocks: int = 0) -> None:
        """Calls a method of a worker at the current generation, for which it evaluates this number of blocks."""
        news = self._news(worker)
        patience = self._deadlines.of_answer(len(news), worker.index, blocks)
        worker.begin(Event.ASK, Call(Kind.ASK, self._clock(), patience))
        self._call(worker, f"generation {self.number}: {method}", "ask", method, args, *news)

    def cancel(self, worker: RemoteWorker, work: Work | None) -> None:
        """Tells a worker not to begin this part of its newest call (None: to begin nothing more of it)."""
        self._backend.call(worker.handle, "cancel", "cancel", worker.call.serial, work)

    def collect(self) -> list[tuple[RemoteWorker, Call, Any]]:
        """Waits a moment for answers, and returns them as (worker, the call that it answers, answer)."""
        found = []
        for reference in self._backend.wait(list(self._calls), _POLL_SECONDS):
            worker = self._calls.pop(reference)
            if self.workers.get(worker.index) is not worker:
                continue
            call, was_late = worker.call, worker.state.late
            try:
                answer = self._backend.result(reference)
            except WorkerLost as error:
                self._lose(worker, error)
                continue
            except BaseException as error:
                starts = call.kind in (Kind.FACTS, Kind.JOIN)
                if not (isinstance(error, Exception) and starts and self.ready()):
                    worker.change(Event.RAISE)
                    raise
                # Other workers have started, so the fault lies with this worker's machine.
                self._lose(worker, WorkerLost(f"it could not start: {error}"))
                continue
            worker.change(Event.ANSWER)
            if was_late:
                self._on_event("worker back", f"it answered after {self._clock() - call.since:.1f} s", worker.name)
            found.append((worker, call, answer))
            self._answered(worker, answer)
        return found

    def lost(self) -> list[tuple[RemoteWorker, WorkerLost]]:
        """Returns the workers that were lost since the last call of this method, and why."""
        lost, self._lost = self._lost, []
        return lost

    def look_after(self) -> None:
        """Ends workers that are taken for dead, and starts missing ones.

        Raises:
          WorkerError: when no worker has been left for too long.
        """
        now = self._clock()
        for worker in list(self.workers.values()):
            if not worker.awaited(Kind.STEP):  # the coordinator, which knows the work, judges the workers in `stepping`
                self._look_after(worker, now)
        if now > self._recruited + _RECRUIT_SECONDS:
            self._recruit()
        self._mind_being_alone(now)

    def _look_after(self, worker: RemoteWorker, now: float) -> None:
        standing, seconds = self._deadlines.standing(worker, now), now - worker.call.since
        if standing is Standing.FROZEN:
            self._lose(worker, WorkerLost(f"it has not answered for {seconds:.0f} s and is taken for dead"))
        elif standing is Standing.LATE and worker.state is State.STARTING:
            self._failed_starts -= 1  # does not count: it probably waits for room in the cluster
            self._failed_alone -= 1
            self._lose(worker, WorkerLost(f"it did not start within {self._options.start_seconds:.0f} s"))
        elif standing is Standing.LATE and not worker.state.late:
            worker.set_late(now)
            asked = "a question" if worker.call.kind is Kind.ASK else "the call to join"
            self._on_event("deadline passed", f"no answer to {asked} after {seconds:.1f} s", worker.name)

    def _call(self, worker: RemoteWorker, label: str, method: str, *args: Any) -> None:
        self._calls[self._backend.call(worker.handle, label, method, *args)] = worker

    def _news(self, worker: RemoteWorker) -> list[Any]:
        """The outcomes that a worker lacks, for its next call. From now on they count as applied."""
        assert worker.state.in_run
        news = self._outcomes[worker.number - self.base_number :]
        self.bytes_down += sum(nbytes for _, nbytes in news)
        worker.number = self.number
        return [reference for reference, _ in news]

    def _answered(self, worker: RemoteWorker, answer: Any) -> None:
        if worker.call.kind is Kind.FACTS:
            worker.facts = answer
            self._judge()
        elif worker.state is State.WAITING:  # it was expelled while the call was under way
            self._join(worker)
        elif worker.call.kind is Kind.JOIN:
            worker.digest, seconds = answer
            replayed = worker.number - self.base_number
            self._failed_starts, self._failed_alone, self._alone_since = 0, 0, None
            detail = f"at generation {worker.number}, {replayed} of them replayed in {seconds:.2f} s"
            self._on_event("worker joined", detail, worker.name)
        elif worker.call.kind is Kind.ASK:
            worker.answer = answer

    # Coming and going.

    def _wanted(self) -> int:
        return self._backend.target() - self._admission.refused(self._clock())

    def _recruit(self) -> None:
        """Starts missing workers, and gives up surplus ones that still wait to start after the cluster has shrunk."""
        now = self._clock()
        doublings = min(self._failed_starts, _RECRUIT_DOUBLINGS)
        if doublings > 0 and now < self._recruited + _RECRUIT_SECONDS * 2**doublings:
            return
        self._recruited = now
        missing = self._wanted() - len(self.workers)
        for _ in range(missing):
            index = next(self._indices)
            handle = self._backend.start(index)
            call = Call(Kind.FACTS, self._clock(), self._options.start_seconds)
            self.workers[index] = worker = RemoteWorker(index, handle, call)
            self._call(worker, "prove to be alike", "facts")
        if missing < 0:
            starting = [w for w in self.workers.values() if w.facts is None and now > w.call.since + _SURPLUS_SECONDS]
            for worker in starting[missing:]:
                self._remove(worker)

    def _judge(self, at_once: bool = False) -> None:
        """Once the common facts are known, admits the workers that have them and refuses the others."""
        known = [worker for worker in self.workers.values() if worker.facts is not None]
        if not self._admission.settle([worker.facts or {} for worker in known], self._wanted(), at_once):
            return
        for worker in known:
            if worker.state is not State.WAITING:
                continue
            if (reason := self._admission.refuse(worker.facts or {}, self._clock())) is None:
                self._join(worker)
            else:
                self._refuse(worker, reason)

    def refuse(self, worker: RemoteWorker, reason: str) -> None:
        """Ends a worker that was admitted but computes wrong results. Its place stays empty for a while."""
        if worker.state is not State.LOST:
            self._admission.close_a_place(self._clock())
            self._refuse(worker, reason)

    def _refuse(self, worker: RemoteWorker, reason: str) -> None:
        self._remove(worker)
        self._on_event("worker refused", reason, worker.name)

    def _expel(self, worker: RemoteWorker) -> None:
        """Takes a worker out of the run. It joins again at once, or after it has answered the call under way."""
        worker.change(Event.EXPEL)
        if worker.state is State.WAITING:
            self._join(worker)

    def _join(self, worker: RemoteWorker) -> None:
        worker.number = self.number
        references = [reference for reference, _ in self._outcomes]
        self.bytes_down += sum(nbytes for _, nbytes in self._outcomes)
        worker.begin(Event.JOIN, Call(Kind.JOIN, self._clock(), self._deadlines.of_answer(len(references))))
        self._call(worker, f"join at generation {self.number}", "join", self._base, *references)

    def _remove(self, worker: RemoteWorker) -> None:
        worker.change(Event.LOSE)
        del self.workers[worker.index]
        self._calls = {call: other for call, other in self._calls.items() if other is not worker}
        self._backend.kill(worker.handle)

    def _lose(self, worker: RemoteWorker, error: WorkerLost) -> None:
        """Removes a dead worker.

        Raises:
          WorkerError: when no worker is ready and several in a row ended before they were.
        """
        was_in_run = worker.state.in_run
        self._remove(worker)
        self._lost.append((worker, error))
        self.failures += 1
        reason = str(error).strip()
        self._on_event(
            "worker preempted" if error.preempted else "worker lost",
            f"{' '.join(reason.split())[:300]}; {len(self.ready())} left",
            worker.name,
        )
        if was_in_run:
            self._failed_starts = 0  # so that a replacement starts at once
        elif not worker.rebuilt and not error.preempted:
            self._failed_starts += 1
            self._failed_alone = 0 if self.ready() else self._failed_alone + 1
            before = [w for w in self.workers.values() if not w.state.in_run and w.call.since <= worker.call.since]
            if self._failed_alone >= _START_ATTEMPTS and not before:  # no worker that began earlier is still starting
                raise WorkerError(
                    f"{self._failed_alone} workers in a row ended before they were ready; the last: {reason}"
                )

    def _mind_being_alone(self, now: float) -> None:
        """While no worker is left, reports it, and ends the run when the cluster gives none in time."""
        if any(worker.call.kind is not Kind.FACTS for worker in self.workers.values()):
            self._alone_since = None
            return
        patience = _WAIT_SECONDS if self._options.wait_seconds is None else self._options.wait_seconds
        if self._backend.target():  # the cluster has room, so a worker may be starting
            patience = max(patience, self._options.start_seconds)
        if self._alone_since is None:
            self._alone_since = self._reminded = now
            self._on_event("no worker left", f"waiting up to {patience:.0f} s for the cluster to provide one", None)
        if now > self._alone_since + patience:
            raise WorkerError(
                f"no worker is left, and none came within {patience:.0f} s. Every generation that was evaluated is in "
                "the fitness log. When the cluster has room again (`ray status` shows it), continue with "
                "`eggroll-ray resume`, or in Python with Run(path, resume=True). wait_seconds sets how long to wait."
            )
        if now > self._reminded + _REMIND_SECONDS:
            self._reminded = now
            _log.warning("still no worker after %.0f s of %.0f", now - self._alone_since, patience)
