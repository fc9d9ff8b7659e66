"""Who is there: workers start, prove that they are alike, join, are called, and are lost.

A worker that is not in the state of the run gets a snapshot of it and the outcomes since, and replays them. It is then
the same as all others, and keeps up by the outcomes that come with whatever it is asked.
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

_POLL_SECONDS = 0.1  # how often a waiting driver looks at deadlines and whether it was asked to stop
_RECRUIT_SECONDS = 1.0  # how often it looks whether the cluster has grown; twice that after each failed start,
_RECRUIT_DOUBLINGS = 6  # at most so many times
_SURPLUS_SECONDS = 10.0  # after which a worker that has not started is given up if the cluster has shrunk
_WAIT_SECONDS = 300.0  # for new workers when all are lost
_REMIND_SECONDS = 30.0  # between messages while waiting for them
_START_ATTEMPTS = 3  # workers in a row that end before they are ready
_STRAGGLER_SECONDS = 10.0  # at least so long a run waits at its start for the second half of its workers


class Membership:
    """The workers that exist, and what is under way with each."""

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
          backend: where workers run.
          options: how many are wanted, and for how long to wait.
          on_event: is told what happens to workers.
          clock: seconds.
          deadlines: says who is late.
        """
        self._backend, self._options = backend, options
        self._on_event, self._clock = on_event, clock
        self._deadlines = deadlines
        self.workers: dict[int, RemoteWorker] = {}
        self.base_number = 0
        self.failures = 0  # workers lost so far
        self.bytes_down = 0  # of outcomes given to workers in this generation
        self._base: Any = None  # reference to a snapshot; None: the start of the run
        self._outcomes: list[tuple[Any, int]] = []  # since the base: reference, bytes
        self._calls: dict[Any, RemoteWorker] = {}
        self._lost: list[tuple[RemoteWorker, WorkerLost]] = []
        self._admission = Admission(strict=options.resync_every is None)
        self._indices, self._serials = itertools.count(), itertools.count(1)
        self._failed_starts = 0  # since a worker joined or was lost: how rarely it is tried again
        self._failed_alone = 0  # of these, while no worker was ready
        self._recruited = float("-inf")
        self._alone_since: float | None = None
        self._reminded = 0.0

    @property
    def number(self) -> int:
        """The generation that the run is at."""
        return self.base_number + len(self._outcomes)

    def ready(self) -> list[RemoteWorker]:
        """Returns the workers that are in the state of the run, busy or not."""
        return [worker for worker in self.workers.values() if worker.state.in_run]

    def stepping(self) -> list[RemoteWorker]:
        """Returns the workers that evaluate, in the state of the run or not, but for those that are late."""
        return [worker for worker in self.workers.values() if worker.awaited(Kind.STEP)]

    def answering(self) -> list[RemoteWorker]:
        """Returns the workers in the state of the run that have a call under way, but for those that are late."""
        return [w for w in self.workers.values() if w.state in (State.EVALUATING, State.ANSWERING)]

    def start(self) -> None:
        """Starts all workers and waits for them.

        Raises:
          WorkerError: when fewer than the least number are ready in time.
        """
        self._recruit()
        begun = self._reminded = self._clock()
        limit = begun + self._options.start_seconds
        half = False  # of the workers are ready: the others may take as long again, or join later
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
                f"ready within {self._options.start_seconds} s, at least {self._options.min_workers} are needed. See "
                "`ray status` for what the cluster has free, ask for fewer, or raise start_seconds."
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
        """Starts the counter of a generation, and looks for new workers."""
        self.bytes_down = 0
        self._recruit()

    def add_outcome(self, reference: Any, nbytes: int) -> None:
        """Adds what all workers have to apply next."""
        self._outcomes.append((reference, nbytes))

    def rebase(self, base: Any, number: int) -> None:
        """Replaces the snapshot by one of a later generation, from which workers join faster."""
        self._outcomes = self._outcomes[number - self.base_number :]
        self._base, self.base_number = base, number
        for worker in self.workers.values():
            if worker.state.follows_run and worker.number < number:  # the outcomes that it lacks are gone
                self._expel(worker)

    def restart(self, base: Any, number: int) -> None:
        """Begins at a snapshot of another run, or another time, at which no worker is before `rejoin_all`."""
        self._outcomes.clear()
        self._base, self.base_number = base, number
        for worker in self.workers.values():
            if worker.state.follows_run:
                worker.change(Event.EXPEL)

    def rejoin_all(self) -> None:
        """Brings all workers into the state of the run from the snapshot on."""
        for worker in self.workers.values():
            if worker.state is State.WAITING:
                self._join(worker)

    def rejoin(self, worker: RemoteWorker) -> None:
        """Takes a worker out of the run, if it is not already, until it has replayed it from the snapshot on."""
        if worker.state.in_run:
            self._expel(worker)

    def quarantine(self, worker: RemoteWorker) -> None:
        """Rebuilds a worker whose parameters are wrong; the second time it is ended and replaced."""
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
        """Asks a worker something about the current generation, for which it evaluates so many blocks."""
        news = self._news(worker)
        patience = self._deadlines.of_answer(len(news), worker.index, blocks)
        worker.begin(Event.ASK, Call(Kind.ASK, self._clock(), patience))
        self._call(worker, f"generation {self.number}: {method}", "ask", method, args, *news)

    def cancel(self, worker: RemoteWorker, work: Work | None) -> None:
        """Tells a worker not to begin this work (None: any more) of what it was sent last."""
        self._backend.call(worker.handle, "cancel", "cancel", worker.call.serial, work)

    def collect(self) -> list[tuple[RemoteWorker, Call, Any]]:
        """Waits a moment for answers, and returns them: worker, the call that it answers, answer."""
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
                self._lose(worker, WorkerLost(f"it could not start: {error}"))  # its machine's fault: others could
                continue
            worker.change(Event.ANSWER)
            if was_late:
                self._on_event("worker back", f"it answered after {self._clock() - call.since:.1f} s", worker.name)
            found.append((worker, call, answer))
            self._answered(worker, answer)
        return found

    def lost(self) -> list[tuple[RemoteWorker, WorkerLost]]:
        """Returns the workers that were lost since this was last asked, and how."""
        lost, self._lost = self._lost, []
        return lost

    def look_after(self) -> None:
        """Ends workers that are frozen, starts new ones, and waits for them when none is left.

        Raises:
          WorkerError: when no worker came in time.
        """
        now = self._clock()
        for worker in list(self.workers.values()):
            if not worker.awaited(Kind.STEP):  # `stepping` are whoever has sent them their work to look after
                self._look_after(worker, now)
        if now > self._recruited + _RECRUIT_SECONDS:
            self._recruit()
        self._mind_being_alone(now)

    def _look_after(self, worker: RemoteWorker, now: float) -> None:
        standing, seconds = self._deadlines.standing(worker, now), now - worker.call.since
        if standing is Standing.FROZEN:
            self._lose(worker, WorkerLost(f"it has not answered for {seconds:.0f} s and is taken for dead"))
        elif standing is Standing.LATE and worker.state is State.STARTING:
            self._failed_starts -= 1  # it waits for room in the cluster: no fault of its own
            self._failed_alone -= 1
            self._lose(worker, WorkerLost(f"it did not start within {self._options.start_seconds:.0f} s"))
        elif standing is Standing.LATE and not worker.state.late:
            worker.set_late(now)
            asked = "a question" if worker.call.kind is Kind.ASK else "the call to join"
            self._on_event("deadline passed", f"no answer to {asked} after {seconds:.1f} s", worker.name)

    def _call(self, worker: RemoteWorker, label: str, method: str, *args: Any) -> None:
        self._calls[self._backend.call(worker.handle, label, method, *args)] = worker

    def _news(self, worker: RemoteWorker) -> list[Any]:
        """The outcomes that a worker lacks; it will have them once it has answered."""
        assert worker.state.in_run
        news = self._outcomes[worker.number - self.base_number :]
        self.bytes_down += sum(nbytes for _, nbytes in news)
        worker.number = self.number
        return [reference for reference, _ in news]

    def _answered(self, worker: RemoteWorker, answer: Any) -> None:
        if worker.call.kind is Kind.FACTS:
            worker.facts = answer
            self._judge()
        elif worker.state is State.WAITING:  # it was expelled meanwhile
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
        """Starts the workers that are missing, and gives up those that wait for a machine that has left."""
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
        """Lets those in that have answered and are like the others, and refuses the rest, once that is known."""
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
        """Ends a worker that was let in and should not have been; its place stays empty for a while."""
        if worker.state is not State.LOST:
            self._admission.close_a_place(self._clock())
            self._refuse(worker, reason)

    def _refuse(self, worker: RemoteWorker, reason: str) -> None:
        self._remove(worker)
        self._on_event("worker refused", reason, worker.name)

    def _expel(self, worker: RemoteWorker) -> None:
        """Takes a worker out of the run; it joins at once, or when it has answered the call under way."""
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
        """Takes a dead worker out.

        Raises:
          WorkerError: when one worker after the other ends before it is ready, and none is.
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
            self._failed_starts = 0  # its successor is wanted at once
        elif not worker.rebuilt and not error.preempted:
            self._failed_starts += 1
            self._failed_alone = 0 if self.ready() else self._failed_alone + 1
            before = [w for w in self.workers.values() if not w.state.in_run and w.call.since <= worker.call.since]
            if self._failed_alone >= _START_ATTEMPTS and not before:  # nobody who began before it is still to come
                raise WorkerError(
                    f"{self._failed_alone} workers in a row ended before they were ready; the last: {reason}"
                )

    def _mind_being_alone(self, now: float) -> None:
        """Waits for the cluster while no worker is left, and says so."""
        if any(worker.call.kind is not Kind.FACTS for worker in self.workers.values()):
            self._alone_since = None
            return
        patience = _WAIT_SECONDS if self._options.wait_seconds is None else self._options.wait_seconds
        if self._backend.target():  # there is room, and somebody may be starting in it
            patience = max(patience, self._options.start_seconds)
        if self._alone_since is None:
            self._alone_since = self._reminded = now
            self._on_event("no worker left", f"waiting up to {patience:.0f} s for the cluster to give one", None)
        if now > self._alone_since + patience:
            raise WorkerError(
                f"no worker is left, and none came within {patience:.0f} s. Every generation that was evaluated is in "
                "the fitness log: continue with `eggroll-ray resume`, in Python with Run(path, resume=True), once the "
                "cluster has room (`ray status` shows it); wait_seconds sets how long to wait."
            )
        if now > self._reminded + _REMIND_SECONDS:
            self._reminded = now
            _log.warning("still no worker after %.0f s of %.0f", now - self._alone_since, patience)
