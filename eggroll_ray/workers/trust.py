"""Decides which parameters and results are right when workers disagree, and rebuilds or removes workers that err."""

import collections
from collections.abc import Callable, Collection, Sequence

from eggroll_ray.workers.admission import REMEDY
from eggroll_ray.workers.audit import Finding, Verdict
from eggroll_ray.workers.membership import Membership
from eggroll_ray.workers.messages import WorkerError
from eggroll_ray.workers.options import OnEvent
from eggroll_ray.workers.remote_worker import RemoteWorker


class Trust:
    """The digest on which the workers agree, and how a disagreement is resolved."""

    def __init__(
        self, membership: Membership, on_event: OnEvent, until: Callable[[Callable[[], bool]], object], strict: bool
    ):
        """Knows nothing yet.

        Args:
          membership: the workers.
          on_event: called with the events of workers that are wrong.
          until: waits for a condition, and processes answers in the meantime.
          strict: whether workers must agree. They need not if they copy each other's parameters (`resync_every`).
        """
        self._membership, self._on_event, self._until = membership, on_event, until
        self._strict = strict
        self._agreed: tuple[int, str] | None = None  # generation, digest

    def known(self, number: int) -> str | None:
        """Returns the digest that was agreed on for a generation, None if there is none."""
        return self._agreed[1] if self._agreed and self._agreed[0] == number else None

    def agree(self, number: int, digest: str) -> None:
        """Records the digest that was agreed on for a generation."""
        self._agreed = number, digest

    def forget(self) -> None:
        """Forgets what was agreed on."""
        self._agreed = None

    def doubted(self, number: int, digests: Collection[str]) -> bool:
        """Whether these digests of one generation differ from each other, or from the one that was agreed on."""
        return self._strict and (len({*digests}) != 1 or self.known(number) not in (None, *digests))

    def settle(self, digests: dict[RemoteWorker, str], cast: Sequence[str]) -> tuple[str | None, list[RemoteWorker]]:
        """Decides which digest is right, and which workers have another one.

        The digest of the majority is right. Without a majority, all workers rebuild their state, and its digest is.

        Args:
          digests: digests of the workers that still exist.
          cast: the digests of all workers that sent one, including workers that are gone by now.

        Returns:
          The right digest, None if it could not be found yet, and the workers with another one.

        Raises:
          WorkerError: when workers that rebuilt the same state disagree again.
        """
        votes = collections.Counter(cast)
        if len(votes) == 1 or not self._strict:
            return next(iter(votes)), []
        truth, most = votes.most_common(1)[0]
        if 2 * most <= len(cast):
            truth = self._rebuild(digests)
        return truth, [worker for worker, digest in digests.items() if digest != truth]

    def quarantine(self, worker: RemoteWorker) -> None:
        """Takes a worker with wrong parameters out of the run until it is rebuilt. The second time it is ended."""
        detail = f"its parameters are not those of generation {self._membership.number}; its results are dropped"
        self._on_event("worker quarantined", f"{detail} and it is rebuilt", worker.name)
        self._membership.quarantine(worker)

    def settle_dispute(self, verdict: Verdict, first: Collection[int], what: str) -> None:
        """Removes workers that are repeatedly wrong about some members, and rebuilds those that were wrong once.

        Args:
          verdict: which workers are wrong.
          first: the workers whose results differed.
          what: the members, in words.

        Raises:
          WorkerError: when there is no majority.
        """
        who = " and ".join(map(str, sorted(first)))
        if verdict.finding is Finding.FITNESS:
            detail = f"workers {who} have different results for {what}, and so has one worker that repeats them"
            self._on_event("fitness not deterministic", f"{detail}; results are no longer compared", None)
        elif verdict.finding is Finding.UNKNOWN:
            raise WorkerError(
                f"workers {who} compute different results for {what}. Each repeats its own results, and there is no "
                "majority: either one of their machines computes wrongly, or the fitness depends on the machine that "
                "evaluates it. None of these results was logged. Resume with at least three workers, so that a "
                f"majority can show which one is wrong; or {REMEDY}."
            )
        workers = self._membership.workers
        for worker in [workers[index] for index in sorted(verdict.always) if index in workers]:
            self._membership.refuse(worker, f"its results for {what} differ from those of most workers; {REMEDY}")
        for worker in [workers[index] for index in sorted(verdict.once) if index in workers]:
            detail = f"its results for {what} once differed from those of most workers; they are dropped, it is rebuilt"
            self._on_event("worker quarantined", detail, worker.name)
            self._membership.quarantine(worker)

    def _rebuild(self, workers: Collection[RemoteWorker]) -> str | None:
        """Lets workers rebuild their state, and returns its digest; None if none of them has finished in time."""
        for worker in workers:
            self._membership.rejoin(worker)
        self._until(lambda: not any(worker.state.awaited for worker in workers))
        rebuilt = {worker.digest for worker in workers if worker.state.in_run}
        if len(rebuilt) > 1:
            raise WorkerError(
                f"the workers disagree on the parameters of generation {self._membership.number} "
                f"({sorted(rebuilt)}) even after they were rebuilt from the same checkpoint and log, so they compute "
                "different bits. Resume from the last checkpoint on machines of one kind."
            )
        return rebuilt.pop() if rebuilt else None
