"""Blocks that two workers evaluate, to be compared: they must come to the same bits. Pure: no clock, no calls.

A worker that computes something else has the same parameters as all others, and so the same digest. It is found by its
results: the first ones of every worker are compared with another's, and from then on a small share of all.
"""

import collections
import enum
import itertools
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_TRIES = 3  # to compare a worker's first results; a block with failures in it proves nothing


class Finding(enum.Enum):
    """What is behind two results of one block."""

    WORKERS = enum.auto()  # some workers compute something else, or have once
    FITNESS = enum.auto()  # it is not deterministic
    UNKNOWN = enum.auto()  # half of the workers compute one thing, and half another


class Verdict(NamedTuple):
    """Who is wrong about a block: numbers of workers."""

    finding: Finding
    always: frozenset[int] = frozenset()  # they compute something else
    once: frozenset[int] = frozenset()  # they did, and do not any more


class Audit:
    """Who evaluates what a second time, and what that came to."""

    def __init__(self, share: float):
        """Args: the share of blocks to be compared; with 0 there is nothing to do."""
        self._share = share
        self._proven: set[int] = set()  # workers whose results were compared with another's
        self._tries = collections.Counter[int]()  # how often a worker was asked to prove itself
        self._blocks: Sequence[int] = ()
        self._drawn = 0  # blocks of the share
        self._left: list[int] = []  # those of them that nobody was asked to evaluate again
        self._found: dict[int, dict[int, int]] = {}  # block -> worker -> fingerprint

    @property
    def on(self) -> bool:
        """Whether anything is compared."""
        return self._share > 0

    def begin(self, seed: int, number: int, blocks: Sequence[int]) -> None:
        """Begins a generation, and draws the blocks that are to be compared."""
        self._blocks, self._found = blocks, collections.defaultdict(dict)
        limit = self._share * 2**32
        self._left = [block for block in blocks if zlib.crc32(f"{seed} {number} {block}".encode()) < limit]
        self._drawn = len(self._left)

    def choose(self, worker: int, own: Sequence[int], workers: int) -> tuple[int, ...]:
        """Returns the blocks that a worker is to evaluate beside its own, to be compared.

        Args:
          worker: its number.
          own: blocks that it is asked to evaluate anyway.
          workers: how many there are.
        """
        if not self.on or workers < 2 or not own:
            return ()
        # From its own on, round and round, so that none is left that the last worker has evaluated itself.
        others = sorted({*self._left} - {*own}, key=lambda block: (block < own[-1], block))
        chosen = others[: math.ceil(self._drawn / workers)]
        if not chosen and worker not in self._proven and self._tries[worker] < _TRIES:
            self._tries[worker] += 1
            mine = {*own}
            chosen = list(itertools.islice((block for block in self._blocks if block not in mine), 1))
        self._left = [block for block in self._left if block not in chosen]
        return tuple(chosen)

    def note(self, worker: int, fingerprints: Mapping[int, int]) -> None:
        """Takes in what blocks came to."""
        for block, fingerprint in fingerprints.items():
            self._found[block][worker] = fingerprint
            if len(self._found[block]) > 1 and len({*self._found[block].values()}) == 1:
                self._proven.update(self._found[block])

    def disputed(self) -> tuple[int, dict[int, int]] | None:
        """Returns a block that came to different results, with each worker's fingerprint; None if there is none."""
        return next(((block, dict(of)) for block, of in self._found.items() if len({*of.values()}) > 1), None)

    def forget(self, worker: int) -> None:
        """Drops what a worker has sent, and what is known of it."""
        self._proven.discard(worker)
        del self._tries[worker]
        for of in self._found.values():
            of.pop(worker, None)

    def stop(self) -> None:
        """Compares nothing any more."""
        self._share, self._left, self._found = 0.0, [], collections.defaultdict(dict)


def judge(first: Mapping[int, int], again: Mapping[int, Sequence[int]]) -> Verdict:
    """Says who is wrong about a block.

    Args:
      first: worker -> fingerprint of the results that differ.
      again: worker -> fingerprints of several evaluations since, of these workers and others.
    """
    unsteady = {worker for worker, found in again.items() if len({*found}) > 1}
    if not again:  # nobody is there any more who could be believed
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
