"""Whether workers compute the same bits: what most of them are is the rule for all."""

import collections
from collections.abc import Sequence

Facts = dict[str, str]


class Alike:
    """The rule that every worker's facts must fulfil, and how many did not."""

    def __init__(self, strict: bool):
        """Args: whether there is a rule; without, every worker is let in."""
        self._strict = strict
        self._rule: Facts | None = None
        self._target = 0
        self._refused = 0

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

    def refuse(self, facts: Facts) -> str | None:
        """Says why a worker is refused, None if it is not; once that is settled."""
        if self._rule is None or facts == self._rule:
            return None
        self._refused += 1
        differ = {name: (facts.get(name), self._rule.get(name)) for name in sorted({*facts, *self._rule})}
        shown = [f"{name} {own!r} instead of {others!r}" for name, (own, others) in differ.items() if own != others]
        return (
            f"it has {', '.join(shown)}, and would compute other bits; use machines with the same device, the same JAX "
            "and the same version of this package, or set resync_every to let it in and give up the same bits"
        )

    def wanted(self, target: int) -> int:
        """Returns how many workers to have of a number there is room for: the places of refused ones stay empty.

        When machines leave, those of refused workers may be among them, and whoever comes may try again.
        """
        self._refused = max(0, self._refused - max(0, self._target - target))
        self._target = target
        return target - self._refused
