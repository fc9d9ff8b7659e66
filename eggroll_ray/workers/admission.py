"""Whether workers compute the same bits: what most of them are is the rule for all."""

import collections
from collections.abc import Sequence

Facts = dict[str, str]

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
            votes = collections.Counter(tuple(sorted(facts.items())) for facts in known)
            facts, most = votes.most_common(1)[0]
            if at_once or 2 * most > wanted or len(known) >= wanted:
                self._rule = dict(facts)
        return self._rule is not None or not self._strict

    def refuse(self, facts: Facts, now: float) -> str | None:
        """Says why a worker is refused, None if it is not; once that is settled."""
        if self._rule is None or facts == self._rule:
            return None
        self._closed.append(now + _CLOSED_SECONDS * 2 ** min(len(self._closed), _CLOSED_DOUBLINGS))
        differ = {name: (facts.get(name), self._rule.get(name)) for name in sorted({*facts, *self._rule})}
        shown = [f"{name} {own!r} instead of {others!r}" for name, (own, others) in differ.items() if own != others]
        return (
            f"it has {', '.join(shown)}, and would compute other bits; use machines with the same device, the same JAX "
            "and the same version of this package, or set resync_every to let it in and give up the same bits"
        )

    def refused(self, now: float) -> int:
        """Returns how many places stay empty, since their workers were refused lately; others may come there later."""
        return sum(until > now for until in self._closed)
