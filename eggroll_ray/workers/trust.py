"""Which parameters and results are the right ones when workers disagree, and what becomes of those that have others."""

import collections
from collections.abc import Callable, Collection, Sequence

from eggroll_ray.workers.admission import REMEDY
from eggroll_ray.workers.audit import Finding, Verdict
from eggroll_ray.workers.membership import Membership
from eggroll_ray.workers.messages import WorkerError
from eggroll_ray.workers.options import OnEvent
from eggroll_ray.workers.remote_worker import RemoteWorker


class Trust:
    """What the workers agreed on, and how that is found out."""

    def __init__(
        self, membership: Membership, on_event: OnEvent, until: Callable[[Callable[[], bool]], object], strict: bool
    ):
        """Knows nothing yet.

        Args:
          membership: the workers.
          on_event: is told whose parameters are wrong.
          until: waits for a condition, and takes answers meanwhile.
          strict: whether workers must agree at all.
        """
        self._membership, self._on_event, self._until = membership, on_event, until
        self._strict = strict
        self._agreed: tuple[int, str] | None = None  # generation, digest

    def known(self, number: int) -> str | None:
        """Returns the digest of a generation, None if it is not known."""
        return self._agreed[1] if self._agreed and self._agreed[0] == number else None

    def agree(self, number: int, digest: str) -> None:
        """Notes the digest of a generation."""
        self._agreed = number, digest

    def forget(self) -> None:
        """Forgets what was agreed on."""
        self._agreed = None

    def doubted(self, number: int, digests: Collection[str]) -> bool:
        """Whether these digests, of one generation, differ from each other or from the one that is known."""
        return self._strict and (len({*digests}) != 1 or self.known(number) not in (None, *digests))

    def settle(self, digests: dict[RemoteWorker, str], cast: Sequence[str]) -> tuple[str | None, list[RemoteWorker]]:
        """Decides which digest is right, and who has another: the majority is, or else whoever rebuilds the state.

        Args:
          digests: of the workers that are there.
          cast: of all that have voted; those of workers that are gone since count as well.

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
        """Takes a worker with wrong parameters out until it has been rebuilt; ends it the second time."""
        detail = f"its parameters are not those of generation {self._membership.number}; its results are dropped"
        self._on_event("worker quarantined", f"{detail}, it is rebuilt", worker.name)
        self._membership.quarantine(worker)

    def settle_dispute(self, verdict: Verdict, first: Collection[int], what: str) -> None:
        """Takes out the workers that are wrong about some members: for good those that are wrong again and again.

        Args:
          verdict: about them.
          first: the workers whose results differ.
          what: the members, in words.

        Raises:
          WorkerError: when there is no majority.
        """
        who = " and ".join(map(str, sorted(first)))
        if verdict.finding is Finding.FITNESS:
            detail = (
                f"workers {who} have other results for {what}, and so has the same worker when it evaluates them again"
            )
            self._on_event("fitness not deterministic", f"{detail}; results are not compared any more", None)
        elif verdict.finding is Finding.UNKNOWN:
            raise WorkerError(
                f"workers {who} compute other results for {what}, each the same again and again, and there is no "
                "majority: one of their machines computes something else, or the fitness depends on where it is. None "
                "of it was logged. Resume with three workers or more, which find out which one it is; or "
                f"{REMEDY}."
            )
        workers = self._membership.workers
        for worker in [workers[index] for index in sorted(verdict.always) if index in workers]:
            self._membership.refuse(worker, f"it computes other results than most for {what}; {REMEDY}")
        for worker in [workers[index] for index in sorted(verdict.once) if index in workers]:
            detail = f"it had other results than most for {what}, once; its results are dropped, it is rebuilt"
            self._on_event("worker quarantined", detail, worker.name)
            self._membership.quarantine(worker)

    def _rebuild(self, workers: Collection[RemoteWorker]) -> str | None:
        """Rebuilds the state of all workers, and returns the digest of those that have; None if none has in time."""
        for worker in workers:
            self._membership.rejoin(worker)
        self._until(lambda: not any(worker.state.awaited for worker in workers))
        rebuilt = {worker.digest for worker in workers if worker.state.in_run}
        if len(rebuilt) > 1:
            raise WorkerError(
                f"the workers disagree on the parameters of generation {self._membership.number} "
                f"({sorted(rebuilt)}) even after they were rebuilt from the same checkpoint and log: one of them "
                "computes other bits. Resume from the last checkpoint on machines of one kind."
            )
        return rebuilt.pop() if rebuilt else None
