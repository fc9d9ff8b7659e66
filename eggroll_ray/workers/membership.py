"""Who is there: workers start, prove that they are alike, join, are called, and are lost.

A worker that is not in the state of the run gets a snapshot of it and the outcomes since, and replays them. It is then
the same as all others, and keeps up by the outcomes that come with whatever it is asked.
"""

import dataclasses
import itertools
import logging
from collections.abc import Callable
from typing import Any

from eggroll_ray.workers.admission import Admission, Facts
from eggroll_ray.workers.backend import Backend, WorkerLost
from eggroll_ray.workers.messages import Work, WorkerError
from eggroll_ray.workers.options import OnEvent, Workers

_log = logging.getLogger(__name__)

_POLL_SECONDS = 0.1  # how often a waiting driver looks at deadlines and whether it was asked to stop
_RECRUIT_SECONDS = 1.0  # how often it looks whether the cluster has grown; twice that after each failed start,
_RECRUIT_DOUBLINGS = 6  # at most so many times
_SURPLUS_SECONDS = 10.0  # after which a worker that has not started is given up if the cluster has shrunk
_FROZEN_SECONDS = 30.0  # so long after its deadline, and
_FROZEN_TIMES = 5.0  # after so many times what it was given, a worker that has not answered is ended, but
_FROZEN_MOST = 600.0  # so many seconds after its deadline at the latest
_ANSWER_SECONDS = 120.0  # for what is not the evaluation of blocks, such as a snapshot
_WAIT_SECONDS = 300.0  # for new workers when all are lost
_REMIND_SECONDS = 30.0  # between messages while waiting for them
_START_ATTEMPTS = 3  # workers in a row that end before they are ready
_STRAGGLER_SECONDS = 10.0  # at least so long a run waits at its start for the second half of its workers


@dataclasses.dataclass(eq=False)
class RemoteWorker:
    """A worker as the driver sees it; it has one call under way at a time."""

    index: int
    handle: Any
    since: float  # when the newest call was made
    kind: str = "facts"  # of the newest call: facts, join, step, ask
    under_way: bool = True
    number: int | None = None  # generation of its state; None: not in the state of the run
    joining: int = 0  # generation it will be at after the join under way
    epoch: int = 0  # in which that began
    patience: float = 0.0  # seconds after which a question or a join is taken to be lost
    facts: Facts | None = None
    digest: str = ""  # after its last join
    answer: Any = None  # to the last question
    serial: int = 0  # of its newest step, by which that is cancelled
    work: Work = dataclasses.field(default_factory=Work)  # of its newest step
    busy: float = 0.0  # seconds of work in this generation
    late: bool = False  # it has not answered in time
    late_after: float = 0.0  # seconds
    rebuilt: bool = False
    lost: WorkerLost | None = None

    @property
    def name(self) -> str:
        """What it is called in events and metrics."""
        return str(self.index)

    @property
    def idle(self) -> bool:
        """Whether it can be asked to evaluate."""
        return not self.under_way and self.number is not None


class Membership:
    """The workers that exist, and what is under way with each."""

    def __init__(
        self,
        backend: Backend,
        workers: Workers,
        on_event: OnEvent,
        clock: Callable[[], float],
        patience_of_updates: Callable[[int], float],
    ):
        self._backend, self._workers = backend, workers
        self._on_event, self._clock = on_event, clock
        self._patience_of_updates = patience_of_updates
        self.actors: dict[int, RemoteWorker] = {}
        self.base_number = 0
        self.failures = 0  # workers lost so far
        self.bytes_down = 0  # of outcomes given to workers in this generation
        self._base: Any = None  # reference to a snapshot; None: the start of the run
        self._outcomes: list[tuple[Any, int]] = []  # since the base: reference, bytes
        self._calls: dict[Any, RemoteWorker] = {}
        self._lost: list[RemoteWorker] = []
        self._admission = Admission(strict=workers.resync_every is None)
        self._indices, self._serials = itertools.count(), itertools.count(1)
        self._failed_starts = 0  # since a worker joined or was lost: how rarely it is tried again
        self._failed_alone = 0  # of these, while no worker was ready
        self._epoch = 0  # counts restarts: what a worker joined before one has nothing to do with the run
        self._recruited = float("-inf")
        self._alone_since: float | None = None
        self._reminded = 0.0

    @property
    def number(self) -> int:
        """The generation that the run is at."""
        return self.base_number + len(self._outcomes)

    def ready(self) -> list[RemoteWorker]:
        """Returns the workers that are in the state of the run, busy or not."""
        return [actor for actor in self.actors.values() if actor.number is not None]

    def stepping(self) -> list[RemoteWorker]:
        """Returns the workers that evaluate blocks."""
        return [actor for actor in self.actors.values() if actor.under_way and actor.kind == "step" and not actor.late]

    def answering(self) -> list[RemoteWorker]:
        """Returns the workers in the state of the run that have a call under way, but for those that are late."""
        return [actor for actor in self.ready() if actor.under_way and not actor.late]

    def start(self) -> None:
        """Starts all workers and waits for them.

        Raises:
          WorkerError: when fewer than the least number are ready in time.
        """
        self._recruit()
        begun = self._reminded = self._clock()
        limit = begun + self._workers.start_seconds
        half = False  # of the workers are ready: the others may take as long again, or join later
        while len(self.ready()) < max(self._wanted(), 1):
            for _ in self.collect():
                pass
            self._lost.clear()
            now = self._clock()
            self._judge(at_once=now > begun + self._workers.start_seconds / 4)
            if not half and len(self.ready()) >= max(self._workers.min_workers, self._wanted() / 2):
                half, limit = True, min(limit, now + max(now - begun, _STRAGGLER_SECONDS))
            if now > limit:
                break
            if now > self._reminded + _REMIND_SECONDS:
                self._reminded = now
                _log.warning("%d of %d workers are ready; waiting for the others", len(self.ready()), self._wanted())
            self._recruit()
        if len(self.ready()) < self._workers.min_workers:
            raise WorkerError(
                f"{len(self.ready())} of {max(self._wanted(), 1)} workers with {self._workers.cpus} CPUs each were "
                f"ready within {self._workers.start_seconds} s, at least {self._workers.min_workers} are needed. See "
                "`ray status` for what the cluster has free, ask for fewer, or raise start_seconds."
            )

    def close(self) -> None:
        """Ends all workers."""
        for actor in self.actors.values():
            self._backend.kill(actor.handle)
        self.actors.clear()
        self._calls.clear()
        self._backend.close()

    # The state of the run.

    def begin_generation(self) -> None:
        """Starts the counters of a generation, and looks for new workers."""
        self.bytes_down = 0
        for actor in self.actors.values():
            actor.busy = 0.0
        self._recruit()

    def add_outcome(self, reference: Any, nbytes: int) -> None:
        """Adds what all workers have to apply next."""
        self._outcomes.append((reference, nbytes))

    def rebase(self, base: Any, number: int) -> None:
        """Replaces the snapshot by one of a later generation, from which workers join faster."""
        self._outcomes = self._outcomes[number - self.base_number :]
        self._base, self.base_number = base, number
        for actor in self.ready():
            if actor.number is not None and actor.number < number:  # the outcomes that it lacks are gone
                self.rejoin(actor)

    def restart(self, base: Any, number: int) -> None:
        """Begins at a snapshot of another run, or another time."""
        self._outcomes.clear()
        self._base, self.base_number = base, number
        self._epoch += 1

    def rejoin_all(self) -> None:
        """Brings all workers into the state of the run from the snapshot on."""
        for actor in self.actors.values():
            self.rejoin(actor)

    def rejoin(self, actor: RemoteWorker) -> None:
        """Takes a worker out of the run until it has replayed it from the snapshot on."""
        actor.number = None
        if not actor.under_way:
            self._join(actor)

    def quarantine(self, actor: RemoteWorker) -> None:
        """Rebuilds a worker whose parameters are wrong; the second time it is ended and replaced."""
        if actor.rebuilt:
            self._lose(actor, WorkerLost("its parameters were wrong a second time"))
            return
        actor.rebuilt = True
        self.rejoin(actor)

    # Calls.

    def send(self, actor: RemoteWorker, number: int, work: Work) -> None:
        """Asks a worker to evaluate."""
        actor.serial, actor.work = next(self._serials), work
        label = f"generation {number}: evaluate {len(work)} blocks"
        self._call(actor, "step", label, "step", actor.serial, number, work, *self._news(actor))

    def ask(self, actor: RemoteWorker, method: str, *args: Any) -> None:
        """Asks a worker something about the current generation."""
        news = self._news(actor)
        actor.patience = _ANSWER_SECONDS + self._patience_of_updates(len(news))
        self._call(actor, "ask", f"generation {self.number}: {method}", "ask", method, args, *news)

    def cancel(self, actor: RemoteWorker, work: Work | None) -> None:
        """Tells a worker not to begin this work (None: any more) of what it was sent last."""
        self._backend.call(actor.handle, "cancel", "cancel", actor.serial, work)

    def set_late(self, actor: RemoteWorker) -> None:
        """Notes that a worker has not answered in time."""
        actor.late, actor.late_after = True, self._clock() - actor.since

    def collect(self) -> list[tuple[RemoteWorker, str, Any]]:
        """Waits a moment for answers, and returns them: worker, kind of the call, answer."""
        found = []
        for call in self._backend.wait(list(self._calls), _POLL_SECONDS):
            actor = self._calls.pop(call)
            if self.actors.get(actor.index) is not actor:
                continue
            actor.under_way = False
            try:
                answer = self._backend.result(call)
            except WorkerLost as error:
                self._lose(actor, error)
                continue
            except Exception as error:
                if actor.kind not in ("facts", "join") or not self.ready():
                    raise
                self._lose(actor, WorkerLost(f"it could not start: {error}"))  # its machine's fault: others could
                continue
            if actor.late:
                actor.late = False
                self._on_event("worker back", f"it answered after {self._clock() - actor.since:.1f} s", actor.name)
            found.append((actor, actor.kind, answer))
            self._answered(actor, answer)
        return found

    def lost(self) -> list[RemoteWorker]:
        """Returns the workers that were lost since this was last asked."""
        lost, self._lost = self._lost, []
        return lost

    def look_after(self) -> None:
        """Ends workers that are frozen, starts new ones, and waits for them when none is left.

        Raises:
          WorkerError: when no worker came in time.
        """
        now = self._clock()
        for actor in list(self.actors.values()):
            if not actor.under_way:
                continue
            frozen = min(max((_FROZEN_TIMES - 1) * actor.late_after, _FROZEN_SECONDS), _FROZEN_MOST)
            if actor.late and now > actor.since + actor.late_after + frozen:
                self._lose(
                    actor, WorkerLost(f"it has not answered for {now - actor.since:.0f} s and is taken for dead")
                )
            elif actor.kind == "facts" and now > actor.since + self._workers.start_seconds:
                self._failed_starts -= 1  # it waits for room in the cluster: no fault of its own
                self._failed_alone -= 1
                self._lose(actor, WorkerLost(f"it did not start within {self._workers.start_seconds:.0f} s"))
            elif actor.kind in ("ask", "join") and not actor.late and now > actor.since + actor.patience:
                self.set_late(actor)
                asked = "a question" if actor.kind == "ask" else "the call to join"
                self._on_event("deadline passed", f"no answer to {asked} after {now - actor.since:.1f} s", actor.name)
        if now > self._recruited + _RECRUIT_SECONDS:
            self._recruit()
        self._mind_being_alone(now)

    def _call(self, actor: RemoteWorker, kind: str, label: str, method: str, *args: Any) -> None:
        actor.kind, actor.since, actor.under_way, actor.late = kind, self._clock(), True, False
        self._calls[self._backend.call(actor.handle, label, method, *args)] = actor

    def _news(self, actor: RemoteWorker) -> list[Any]:
        """The outcomes that a worker lacks; it will have them once it has answered."""
        assert actor.number is not None
        news = self._outcomes[actor.number - self.base_number :]
        self.bytes_down += sum(nbytes for _, nbytes in news)
        actor.number = self.number
        return [reference for reference, _ in news]

    def _answered(self, actor: RemoteWorker, answer: Any) -> None:
        if actor.kind == "facts":
            actor.facts = answer
            self._judge()
        elif actor.kind == "join" and actor.epoch == self._epoch and actor.joining >= self.base_number:
            actor.number, (actor.digest, seconds) = actor.joining, answer
            replayed = actor.joining - self.base_number
            self._failed_starts, self._failed_alone, self._alone_since = 0, 0, None
            detail = f"at generation {actor.joining}, {replayed} of them replayed in {seconds:.2f} s"
            self._on_event("worker joined", detail, actor.name)
        elif actor.number is None or actor.number < self.base_number:
            actor.number = None
            self._join(actor)
        elif actor.kind == "ask":
            actor.answer = answer

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
        missing = self._wanted() - len(self.actors)
        for _ in range(missing):
            actor = RemoteWorker(next(self._indices), None, now)
            actor.handle = self._backend.start(actor.index)
            self.actors[actor.index] = actor
            self._call(actor, "facts", "prove to be alike", "facts")
        if missing < 0:
            waiting = [a for a in self.actors.values() if a.facts is None and now > a.since + _SURPLUS_SECONDS]
            for actor in waiting[missing:]:
                self._remove(actor)

    def _judge(self, at_once: bool = False) -> None:
        """Lets those in that have answered and are like the others, and refuses the rest, once that is known."""
        known = [actor for actor in self.actors.values() if actor.facts is not None]
        if not self._admission.settle([actor.facts or {} for actor in known], self._wanted(), at_once):
            return
        for actor in known:
            if actor.kind != "facts" or actor.under_way:
                continue
            if (reason := self._admission.refuse(actor.facts or {}, self._clock())) is None:
                self._join(actor)
            else:
                self._remove(actor)
                self._on_event("worker refused", reason, actor.name)

    def _join(self, actor: RemoteWorker) -> None:
        actor.joining, actor.epoch = self.number, self._epoch
        actor.patience = _ANSWER_SECONDS + self._patience_of_updates(len(self._outcomes))
        references = [reference for reference, _ in self._outcomes]
        self.bytes_down += sum(nbytes for _, nbytes in self._outcomes)
        label = f"join at generation {self.number}"
        self._call(actor, "join", label, "join", self._base, *references)

    def _remove(self, actor: RemoteWorker) -> None:
        del self.actors[actor.index]
        self._calls = {call: other for call, other in self._calls.items() if other is not actor}
        self._backend.kill(actor.handle)

    def _lose(self, actor: RemoteWorker, error: WorkerLost) -> None:
        """Takes a dead worker out.

        Raises:
          WorkerError: when one worker after the other ends before it is ready, and none is.
        """
        self._remove(actor)
        actor.under_way, actor.lost = False, error
        self._lost.append(actor)
        self.failures += 1
        reason = str(error).strip()
        self._on_event(
            "worker preempted" if error.preempted else "worker lost",
            f"{' '.join(reason.split())[:300]}; {len(self.ready())} left",
            actor.name,
        )
        if actor.number is not None:
            self._failed_starts = 0  # its successor is wanted at once
        elif not actor.rebuilt and not error.preempted:
            self._failed_starts += 1
            self._failed_alone = 0 if self.ready() else self._failed_alone + 1
            others = [other for other in self.actors.values() if other.number is None and other.since <= actor.since]
            if self._failed_alone >= _START_ATTEMPTS and not others:  # nobody who began before it is still to come
                raise WorkerError(
                    f"{self._failed_alone} workers in a row ended before they were ready; the last: {reason}"
                )

    def _mind_being_alone(self, now: float) -> None:
        """Waits for the cluster while no worker is left, and says so."""
        if any(actor.number is not None or actor.kind != "facts" for actor in self.actors.values()):
            self._alone_since = None
            return
        patience = _WAIT_SECONDS if self._workers.wait_seconds is None else self._workers.wait_seconds
        if self._backend.target():  # there is room, and somebody may be starting in it
            patience = max(patience, self._workers.start_seconds)
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
