"""Decides which workers may take part: all must have the same facts (device, versions, source), so the same bits.

The facts that most workers share become the rule. A worker whose facts differ is refused.
"""

import collections
from collections.abc import Sequence

from eggroll_ray.workers.facts import Facts, differences

REMEDY = (
    "use machines with the same device, packages, source and flags, or set resync_every, which admits such workers but "
    "gives up identical bits"
)
# Seconds for which the place of a refused worker stays empty. Doubles with each refusal, at most `_CLOSED_DOUBLINGS`
# times.
_CLOSED_SECONDS = 60.0
_CLOSED_DOUBLINGS = 6


class Admission:
    """The facts that every worker must have, and the places that stay empty because a worker did not have them."""

    def __init__(self, strict: bool):
        """Knows no facts yet.

        Args:
          strict: whether workers must have the same facts. If false, every worker is let in.
        """
        self._strict = strict
        self._rule: Facts | None = None
        self._closed: list[float] = []  # for each refused worker, the time until which its place stays empty

    def settle(self, known: Sequence[Facts], wanted: int, at_once: bool) -> bool:
        """Makes the facts of the majority the rule, once a majority is known.

        It waits for a majority because the first worker to answer may be the one that differs.

        Args:
          known: facts of the workers that have answered.
          wanted: number of workers that the run should have.
          at_once: whether to decide by the workers that have answered, however few they are.

        Returns:
          Whether the workers that have answered can be judged.
        """
        if self._rule is None and self._strict and known:
            kinds = collections.Counter(tuple(sorted(facts.items())) for facts in known)
            votes = {
                kind: sum(count for other, count in kinds.items() if not differences(dict(kind), dict(other)))
                for kind in kinds
            }
            facts = max(votes, key=lambda kind: votes[kind])
            if at_once or 2 * votes[facts] > wanted or len(known) >= wanted:
                self._rule = dict(facts)
        return self._rule is not None or not self._strict

    def refuse(self, facts: Facts, now: float) -> str | None:
        """Returns why a worker is refused, or None if it may join. Call it after `settle` has returned True."""
        if self._rule is None or not (unlike := differences(facts, self._rule)):
            return None
        self.close_a_place(now)
        shown = [f"{name} {facts.get(name)!r} instead of {self._rule.get(name)!r}" for name in unlike]
        return f"it has {', '.join(shown)}, and could compute different bits; {REMEDY}"

    def close_a_place(self, now: float) -> None:
        """Keeps the place of a refused worker empty for a while."""
        self._closed.append(now + _CLOSED_SECONDS * 2 ** min(len(self._closed), _CLOSED_DOUBLINGS))

    def refused(self, now: float) -> int:
        """Returns how many places are kept empty now because their workers were refused. Each opens again later."""
        return sum(until > now for until in self._closed)
