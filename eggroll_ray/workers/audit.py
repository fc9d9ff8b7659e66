"""Chooses blocks that two workers evaluate, and compares the results, which must be the same bits.

A worker that evaluates wrongly still applies the same updates, so its parameters have the right digest. Only its
results give it away. The first results of every worker are therefore compared with another worker's, and after that a
small share of all blocks.

This module is pure: it reads no clock and makes no calls.
"""

import collections
import enum
import itertools
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_TRIES = 3  # attempts to compare a worker's first results; a block with failures has no fingerprint to compare


class Finding(enum.Enum):
    """Why two workers returned different results for one block."""

    WORKERS = enum.auto()  # some workers compute, or once computed, other results than the majority
    FITNESS = enum.auto()  # the fitness is not deterministic
    UNKNOWN = enum.auto()  # there is no majority among the workers


class Verdict(NamedTuple):
    """Which workers, given by number, returned wrong results for a block, and why."""

    finding: Finding
    always: frozenset[int] = frozenset()  # wrong again when they evaluate the block again
    once: frozenset[int] = frozenset()  # wrong the first time, right when they evaluate the block again


class Audit:
    """Chooses the blocks that are evaluated twice, and collects the fingerprints of the results."""

    def __init__(self, share: float):
        """Compares nothing yet.

        Args:
          share: the share of blocks to compare, from 0 (none) to 1.
        """
        self._share = share
        self._proven: set[int] = set()  # workers whose results agreed with another worker's
        self._tries = collections.Counter[int]()  # worker -> attempts to compare its first results
        self._blocks: Sequence[int] = ()
        self._drawn = 0  # number of blocks drawn for comparison in this generation
        self._left: list[int] = []  # drawn blocks that no second worker was asked to evaluate yet
        self._found: dict[int, dict[int, int]] = {}  # block -> worker -> fingerprint

    @property
    def on(self) -> bool:
        """Whether any blocks are compared."""
        return self._share > 0

    def begin(self, seed: int, number: int, blocks: Sequence[int]) -> None:
        """Begins a generation and draws the blocks to compare in it."""
        self._blocks, self._found = blocks, collections.defaultdict(dict)
        limit = self._share * 2**32
        self._left = [block for block in blocks if zlib.crc32(f"{seed} {number} {block}".encode()) < limit]
        self._drawn = len(self._left)

    def choose(self, worker: int, own: Sequence[int], workers: int) -> tuple[int, ...]:
        """Returns the blocks that a worker evaluates in addition to its own, so that results can be compared.

        Args:
          worker: number of the worker.
          own: blocks that it is asked to evaluate anyway.
          workers: how many workers take part.
        """
        if not self.on or workers < 2 or not own:
            return ()
        # Begin behind the worker's own blocks and wrap around. Otherwise the blocks left for the last worker could be
        # its own, which it cannot check.
        others = sorted({*self._left} - {*own}, key=lambda block: (block < own[-1], block))
        chosen = others[: math.ceil(self._drawn / workers)]
        if not chosen and worker not in self._proven and self._tries[worker] < _TRIES:
            self._tries[worker] += 1
            mine = {*own}
            chosen = list(itertools.islice((block for block in self._blocks if block not in mine), 1))
        self._left = [block for block in self._left if block not in chosen]
        return tuple(chosen)

    def note(self, worker: int, fingerprints: Mapping[int, int]) -> None:
        """Records the fingerprints (block -> fingerprint) of a worker's results."""
        for block, fingerprint in fingerprints.items():
            self._found[block][worker] = fingerprint
            if len(self._found[block]) > 1 and len({*self._found[block].values()}) == 1:
                self._proven.update(self._found[block])

    def disputed(self) -> tuple[int, dict[int, int]] | None:
        """Returns a block with different results and the fingerprint of each worker; None if all results agree."""
        return next(((block, dict(of)) for block, of in self._found.items() if len({*of.values()}) > 1), None)

    def forget(self, worker: int) -> None:
        """Drops the results of a worker in this generation, and the record that it was compared."""
        self._proven.discard(worker)
        del self._tries[worker]
        for of in self._found.values():
            of.pop(worker, None)

    def stop(self) -> None:
        """Ends all comparisons for the rest of the run."""
        self._share, self._left, self._found = 0.0, [], collections.defaultdict(dict)


def judge(first: Mapping[int, int], again: Mapping[int, Sequence[int]]) -> Verdict:
    """Decides which workers returned wrong results for a block.

    Args:
      first: worker -> fingerprint of its result, where the results differ.
      again: worker -> fingerprints of several later evaluations of the block, by these workers and others.
    """
    unsteady = {worker for worker, found in again.items() if len({*found}) > 1}
    if not again:  # no worker is left that could decide, so neither result is trusted
        return Verdict(Finding.WORKERS, once=frozenset(first))
    if 2 * len(unsteady) >= len(again):
        return Verdict(Finding.FITNESS)
    steady = {worker: found[0] for worker, found in again.items() if worker not in unsteady}
    truth, most = collections.Counter(steady.values()).most_common(1)[0]
    if 2 * most <= len(again):
        return Verdict(Finding.UNKNOWN)
    always = unsteady | {worker for worker, found in steady.items() if found != truth}
    once = {worker for worker, found in first.items() if found != truth} - always
    return Verdict(Finding.WORKERS, frozenset(always), frozenset(once))
