"""Distributes the work of a run to its workers, so that no generation is lost when workers fail, lag, join or leave.

The coordinator keeps a snapshot of the run and the outcomes of all later generations. From these it brings any worker
to the state of the run: one that joins, one that was away, or one whose parameters were found to be wrong.
`membership.py` tracks which workers there are; this module decides what they do. Noise and episodes depend on the
member alone, so nothing that happens here changes the result.
"""

import collections
import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from eggroll_ray.workers.audit import Audit, Finding, judge
from eggroll_ray.workers.backend import Backend, WorkerLost
from eggroll_ray.workers.deadlines import Deadlines, Standing
from eggroll_ray.workers.lifecycle import State
from eggroll_ray.workers.membership import Membership
from eggroll_ray.workers.messages import Outcome, Reply, Request, Work, WorkerError, state_changed
from eggroll_ray.workers.options import OnEvent, Workers
from eggroll_ray.workers.plan import Plan
from eggroll_ray.workers.remote_worker import Call, Kind, RemoteWorker
from eggroll_ray.workers.results import Gathering, Round
from eggroll_ray.workers.schedule import Schedule, Speeds
from eggroll_ray.workers.trust import Trust

_WATCH_SECONDS = 0.05  # seconds between checks for late workers, and for idle workers that could take over blocks
_THIEVES = 16  # most idle workers that take over blocks of others in one check
_CANCEL_SECONDS = 5.0  # seconds that blocks under way may take when the run is stopped
_WITNESSES = 3  # further workers that evaluate a block about which some disagree
_TIMES = 2  # how often each of them evaluates it again
_PEEKS = 3  # busy workers that are asked for the state when the run is stopped
_CHANGES_MOST = 3  # replies with changed parameters in one generation, at which the fitness is blamed and the run ends
_SNAPSHOT_EVERY = 100  # most generations that a worker has to replay when it joins


class _Current:
    """The generation that is being evaluated."""

    def __init__(self, plan: Plan, request: Request, speeds: Speeds, now: float):
        self.number = request.number
        self.gathering = Gathering(plan, request.work)
        self.schedule = Schedule(request.work, speeds, request.number > 0)
        self.started = now
        self.skipped = 0  # results ignored because another worker had already sent them
        self.changed = 0  # replies of workers whose state changed while they evaluated


class Coordinator:
    """Workers that all hold the same state. Implements `pool.Pool`."""

    def __init__(
        self,
        backend: Backend,
        plan: Plan,
        workers: Workers,
        on_event: OnEvent,
        clock: Callable[[], float] = time.monotonic,
    ):
        """Starts the workers and waits until they are ready.

        Args:
          backend: starts and calls the workers.
          plan: plan of the run.
          workers: how many workers there should be, and how long to wait for them.
          on_event: called with each event that concerns workers.
          clock: returns the time in seconds.

        Raises:
          WorkerError: when too few workers are ready in time.
        """
        self._plan = plan
        self._resync_every = workers.resync_every
        self._on_event, self._clock = on_event, clock
        self._backend = backend
        self._speeds = Speeds()
        self._deadlines = Deadlines(self._speeds)
        self._current: _Current | None = None
        self._stopped_at: tuple[int, dict[str, Any]] | None = None  # (generation, state) when stopped with all busy
        self._watched = self._helped = float("-inf")
        self._audit = Audit(workers.compare if workers.resync_every is None else 0.0)
        self._up = 0  # bytes of replies in this generation
        self._busy = collections.defaultdict[int, float](float)  # worker -> seconds of work in this generation
        self._membership = Membership(backend, workers, on_event, clock, self._deadlines)
        self._trust = Trust(self._membership, on_event, self._until, strict=not workers.resync_every)
        try:
            self._membership.start()
        except BaseException:
            self.close()
            raise

    @property
    def count(self) -> int:
        """Number of workers that take part."""
        return len(self._membership.ready())

    def step(self, request: Request, cancelled: Callable[[], bool]) -> Round:
        """Brings the workers to the request's generation and evaluates its blocks, or fewer if cancelled.

        Raises:
          WorkerError: when no worker is left and none comes, or the disagreement of workers cannot be resolved.
        """
        for outcome in request.outcomes:
            self.update(outcome)
        membership = self._membership
        membership.begin_generation()
        self._up = 0
        self._busy.clear()
        if membership.number - membership.base_number >= _SNAPSHOT_EVERY:
            self.snapshot()
        if self._resync_every and request.number and request.number % self._resync_every == 0:
            self._resync()
        current = _Current(self._plan, request, self._speeds, self._clock())
        self._current = current
        self._audit.begin(self._plan.seed, request.number, request.blocks)
        try:
            self._evaluate(current, cancelled)
            while current.gathering.complete and (self._distrust(current) or self._disagree(current)):
                self._evaluate(current, cancelled)
        finally:
            self._current = None
        result = current.gathering.result(self._stats(current))
        if result.complete:
            self._trust.agree(current.number, result.digest)
        self._cancel_rest()
        return result

    def update(self, outcome: Outcome) -> None:
        """Adds the outcome of the current generation. Workers receive and apply it with their next call."""
        if outcome.number == self._membership.number:  # otherwise a step that an exception ended has added it already
            self._membership.add_outcome(self._backend.put(outcome), outcome.nbytes)

    def test(self, stream: str) -> np.ndarray:
        """Evaluates the mean parameters of the current generation on fresh episodes."""
        self.digest()  # finds the workers with wrong parameters, so that none of them is asked
        return self._ask_any("test", stream)[1]

    def digest(self) -> str:
        """Returns the digest of the current state. All workers agree on it; those that do not are rebuilt."""
        number = self._membership.number
        while (digest := self._trust.known(number)) is None:
            found = self._ask_all("digest")
            truth, wrong = self._trust.settle(found, list(found.values()))
            for worker in wrong:
                self._trust.quarantine(worker)
            if truth is not None:
                self._trust.agree(number, truth)
        return digest

    def snapshot(self) -> dict[str, Any]:
        """Returns the current state, from a worker whose digest is the one that was agreed on."""
        truth = self.digest()
        if self._stopped_at is not None and self._stopped_at[0] == self._membership.number:
            return self._without_past(self._stopped_at[1])
        while True:
            worker, (found, snapshot) = self._ask_any("digest_and_snapshot")
            if found == truth or self._resync_every:
                self._membership.rebase(self._backend.put(snapshot), self._membership.number)
                return self._without_past(snapshot)
            self._trust.quarantine(worker)

    @staticmethod
    def _without_past(snapshot: dict[str, Any]) -> dict[str, Any]:
        return {name: part for name, part in snapshot.items() if name != "past"}  # replaying the log rebuilds it

    def catch_up(self, snapshot: dict[str, Any] | None, log: Sequence[Outcome]) -> None:
        """Brings all workers to the state of a run that is being resumed: a snapshot and the later outcomes."""
        number = 0 if snapshot is None else int(snapshot["state"].generation)
        self._trust.forget()
        self._stopped_at = None
        self._membership.restart(None if snapshot is None else self._backend.put(snapshot), number)
        for outcome in log:
            self.update(outcome)
        self._membership.rejoin_all()
        self._until(lambda: any(worker.idle for worker in self._membership.workers.values()))

    def close(self) -> None:
        """Ends all workers."""
        self._membership.close()

    # Evaluation.

    def _evaluate(self, current: _Current, cancelled: Callable[[], bool]) -> None:
        while not current.gathering.complete or self._checking():
            if cancelled():
                self._cancel_rest()
                self._await_cancelled()
                return
            self._hand_out(current)
            self._turn()

    def _checking(self) -> bool:
        """Whether a worker that is not late is evaluating blocks for comparison."""
        there = self._membership.workers.values()
        return any(worker.state is State.EVALUATING and worker.call.work.checks for worker in there)

    def _await_cancelled(self) -> None:
        """Waits a few seconds for the blocks under way, but not for compilation, which may take minutes."""
        limit = self._clock() + _CANCEL_SECONDS
        self._until(lambda: not self._membership.stepping() or self._clock() > limit)
        if not any(worker.idle for worker in self._membership.workers.values()):
            self._peek()

    def _peek(self) -> None:
        """Stores the state that busy workers agree on, so that the run can be saved without waiting for them."""
        number, found = self._membership.number, list[tuple[str, dict[str, Any]]]()
        for worker in self._membership.ready()[:_PEEKS]:
            call = self._backend.call(worker.handle, "look at the state", "peek")
            try:
                if not self._backend.wait([call], _CANCEL_SECONDS):
                    continue
                at, digest, snapshot = self._backend.result(call)
            except WorkerLost:
                continue  # `Membership.collect` records the loss
            if at == number and self._trust.known(number) in (None, digest):
                found.append((digest, snapshot))
        if len({digest for digest, _ in found}) == 1 or (found and self._resync_every):
            digest, snapshot = found[0]
            self._trust.agree(number, digest)
            self._stopped_at = number, snapshot

    def _hand_out(self, current: _Current) -> None:
        membership, schedule, now = self._membership, current.schedule, self._clock()
        idle = [worker.index for worker in membership.workers.values() if worker.idle]
        given, count = schedule.hand_out(idle, now), self.count if idle else 0
        for index, work in given.items():
            self._send(current, index, work, count)
        if now < self._helped + _WATCH_SECONDS:
            return
        self._helped = now
        for index in [index for index in idle if index not in given][:_THIEVES]:
            if (stolen := schedule.steal(index, now)) is None:
                break
            victim, work = stolen
            self._send(current, index, work, count)
            if victim in membership.workers:
                membership.cancel(membership.workers[victim], work)

    def _send(self, current: _Current, index: int, work: Work, workers: int) -> None:
        """Sends a worker its work, together with blocks of others that it evaluates for comparison."""
        checks = self._audit.choose(index, work.blocks, workers)
        current.schedule.add_checks(index, len(checks))
        work = dataclasses.replace(work, checks=checks, compare=self._audit.on)
        self._membership.send(self._membership.workers[index], current.number, work)

    def _turn(self) -> None:
        """Waits a moment for answers, processes them, and deals with workers that are late or lost."""
        for worker, call, answer in self._membership.collect():
            if call.kind is Kind.STEP:
                self._take(worker, call, answer)
        current, now = self._current, self._clock()
        for worker, error in self._membership.lost():
            work = current.schedule.lose(worker.index, died=not error.preempted) if current else Work()
            self._speeds.forget(worker.index)
            if work:
                self._on_event("blocks re-queued", f"blocks {_show(work)}", worker.name)
        if now < self._watched + _WATCH_SECONDS:  # the check below goes through all workers, so do not repeat it often
            return
        self._watched = now
        self._take_back(now)
        if current is not None:
            self._check_culprit(current)
        self._membership.look_after()

    def _take_back(self, now: float) -> None:
        """Takes the work of late workers back, so that others get it."""
        schedule = self._current.schedule if self._current else None
        stepping = self._membership.stepping()
        late = [w for w in stepping if self._deadlines.standing(w, now, schedule) is Standing.LATE]
        taken = schedule.take_back({worker.index for worker in late}) if schedule else {}
        for worker in late:
            self._membership.cancel(worker, None)  # if it is only slow, it is free again after its current block
            worker.set_late(now)
            given = f"; blocks {_show(work)} go to others" if (work := taken.get(worker.index)) else ""
            detail = f"no answer after {now - worker.call.since:.1f} s{given}"
            self._on_event("deadline passed", detail, worker.name)

    def _take(self, worker: RemoteWorker, call: Call, reply: Reply) -> None:
        seconds = self._clock() - call.since  # not `worker.call`: an expelled worker may already have a call to join
        self._busy[worker.index] += reply.seconds
        self._up += reply.nbytes
        update = reply.update_seconds or None  # zero means that there was no update
        test = None if reply.test is None else reply.test_seconds
        rest = seconds - reply.update_seconds - float(reply.block_seconds.sum()) - reply.test_seconds
        rest -= reply.check_seconds
        self._speeds.observe(worker.index, reply.block_seconds.tolist(), update, rest, test)
        current = self._current
        if current is None or reply.number != current.number:
            return
        if not worker.state.in_run:  # its parameters were found to be wrong meanwhile, so its results do not count
            current.schedule.finish(worker.index, Work())
            return
        if reply.changed:
            current.schedule.finish(worker.index, Work())
            self._drop_results(current, worker.index)
            current.changed += 1
            if current.changed >= _CHANGES_MOST:
                raise state_changed(current.number)
            self._trust.quarantine(worker)
            return
        current.skipped += current.gathering.add(worker.index, reply)
        self._audit.note(worker.index, reply.fingerprints)
        done = Work(tuple(int(block) for block in reply.blocks), reply.test is not None)
        current.schedule.finish(worker.index, done)

    def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._turn()

    def _cancel_rest(self) -> None:
        for worker in self._membership.stepping():
            self._membership.cancel(worker, None)

    def _check_culprit(self, current: _Current) -> None:
        culprit = current.schedule.culprit()
        if not culprit:
            return
        first, what = 0, f"the test of the mean parameters of generation {current.number}"
        if not culprit.test:
            first = self._plan.members(culprit.blocks[0])[0]
            what = self._show_members(culprit.blocks[0], current.number)
        raise WorkerError(
            f"several workers died one after another while they evaluated {what}: the evaluation itself seems to end "
            "the process (by using too much memory, or by a crash in native code). Reproduce it with "
            f"trainer.reproduce({current.number}, {first}). No earlier generation is lost: correct the cause and "
            "resume the run."
        )

    def _distrust(self, current: _Current) -> bool:
        """Compares the workers' digests and drops the results of those that are wrong; whether any are missing now."""
        digests = current.gathering.digests()
        if not self._trust.doubted(current.number, digests.values()):
            return False
        there, truth = self._membership.workers, self._trust.known(current.number)
        if not truth:
            alive = {there[index]: digest for index, digest in digests.items() if index in there}
            truth, _ = self._trust.settle(alive, list(digests.values()))
        for index, digest in digests.items():
            if digest == truth:
                continue
            self._drop_results(current, index)
            if index in there:
                self._trust.quarantine(there[index])
        return not current.gathering.complete

    def _disagree(self, current: _Current) -> bool:
        """Settles which workers are wrong about a block with different results; returns whether there is such a block.

        The workers that differ, and a few others, evaluate the block again. The results of those that are wrong are
        dropped.
        """
        if (disputed := self._audit.disputed()) is None:
            return False
        block, first = disputed
        self._cancel_rest()
        there = self._membership.workers
        self._until(lambda: not self._membership.answering() and any(worker.idle for worker in there.values()))
        asked = [worker for worker in there.values() if worker.idle and worker.index in first]
        asked += [worker for worker in there.values() if worker.idle and worker.index not in first][:_WITNESSES]
        again = self._ask(asked, "fingerprints", block, _TIMES, blocks=_TIMES)
        verdict = judge(first, {worker.index: found for worker, found in again.items()})
        self._trust.settle_dispute(verdict, first, self._show_members(block, current.number))
        if verdict.finding is Finding.FITNESS:
            self._audit.stop()
        for index in verdict.always | verdict.once:
            self._drop_results(current, index)
        return True

    def _drop_results(self, current: _Current, index: int) -> None:
        self._audit.forget(index)
        current.schedule.reopen(current.gathering.discard(index))

    def _show_members(self, block: int, number: int) -> str:
        first, *_, last = self._plan.members(block)
        return f"members {first} to {last} of generation {number}"

    def _resync(self) -> None:
        """Gives all workers the parameters of the first worker that answers."""
        reference, (_, snapshot) = self._ask_any("digest_and_snapshot")
        self._membership.rebase(self._backend.put(snapshot), self._membership.number)
        for worker in self._membership.ready():
            if worker is not reference:
                self._membership.rejoin(worker)
        there = self._membership.workers.values()
        self._until(lambda: all(worker.state.in_run or worker.state.late for worker in there if worker.facts))

    # Questions to workers.

    def _ask_any(self, method: str, *args: Any) -> tuple[RemoteWorker, Any]:
        """Asks the first idle worker. If it is lost or does not answer in time, asks the next."""
        there = self._membership.workers.values()
        while True:
            self._until(lambda: any(worker.idle for worker in there))
            worker = next(worker for worker in there if worker.idle)
            found = self._ask([worker], method, *args)
            if worker in found:
                return worker, found[worker]

    def _ask_all(self, method: str) -> dict[RemoteWorker, Any]:
        """Asks all idle workers, and returns at least one answer. Workers that are lost or too slow are left out."""
        found: dict[RemoteWorker, Any] = {}
        there = self._membership.workers.values()
        while not found:
            self._until(lambda: not self._membership.answering() and any(worker.idle for worker in there))
            found = self._ask([worker for worker in there if worker.idle], method)
        return found

    def _ask(
        self, workers: Sequence[RemoteWorker], method: str, *args: Any, blocks: int = 0
    ) -> dict[RemoteWorker, Any]:
        for worker in workers:
            self._membership.ask(worker, method, *args, blocks=blocks)
        self._until(lambda: not any(worker.awaited(Kind.ASK) for worker in workers))
        return {w: w.answer for w in workers if w.state is not State.LOST and not w.state.late}

    def _stats(self, current: _Current) -> dict[str, Any]:
        """The fields about workers in the row of metrics of this generation."""
        seconds = max(self._clock() - current.started, 1e-9)
        idle = {
            worker.name: max(0.0, seconds - (seconds if worker.state.under_way else self._busy[worker.index]))
            for worker in self._membership.ready()
        }
        return {
            "worker_failures": self._membership.failures,
            "requeued_blocks": current.schedule.requeued,
            "results_skipped": current.skipped,
            "idle_share": sum(idle.values()) / (len(idle) * seconds) if idle else None,
            "idle_seconds": idle,
            "bytes_down": self._membership.bytes_down,
            "bytes_up": self._up,
        }


def _show(work: Work) -> str:
    parts = [*map(str, work.blocks), *["test"] * work.test]
    return ", ".join(parts[:8]) + (f" and {len(parts) - 8} more" if len(parts) > 8 else "")
