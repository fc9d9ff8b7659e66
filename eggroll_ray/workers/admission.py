"""Whether workers compute the same bits: what most of them are is the rule for all."""

import collections
from collections.abc import Sequence

from eggroll_ray.workers.facts import Facts, differences

REMEDY = (
    "use machines with the same device, packages, source and flags, or set resync_every to let it in and give up the "
    "same bits"
)
_CLOSED_SECONDS = 60.0  # the place of the first worker that is refused stays empty; twice as long with each more,
_CLOSED_DOUBLINGS = 6  # at most so many times


class Admission:
    """The rule that every worker's facts must fulfil, and how many did not."""

    def __init__(self, strict: bool):
        """Args: whether there is a rule; without, every worker is let in."""
        self._strict = strict
        self._rule: Facts | None = None
        self._closed: list[float] = []  # until when the place of each refused worker stays empty

    def settle(self, known: Sequence[Facts], wanted: int, at_once: bool) -> bool:
        """Makes what most workers are the rule, as soon as it is known: the first to answer may be the odd one.

        Args:
          known: facts of the workers that have answered.
          wanted: how many there are to be.
          at_once: whether those that have answered decide, however few they are.

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
        """Says why a worker is refused, None if it is not; once that is settled."""
        if self._rule is None or not (unlike := differences(facts, self._rule)):
            return None
        self.close_a_place(now)
        shown = [f"{name} {facts.get(name)!r} instead of {self._rule.get(name)!r}" for name in unlike]
        return f"it has {', '.join(shown)}, and would compute other bits; {REMEDY}"

    def close_a_place(self, now: float) -> None:
        """Leaves the place of a worker that is refused empty for a while."""
        self._closed.append(now + _CLOSED_SECONDS * 2 ** min(len(self._closed), _CLOSED_DOUBLINGS))

    def refused(self, now: float) -> int:
        """Returns how many places stay empty, since their workers were refused lately; others may come there later."""
        return sum(until > now for until in self._closed)
