"""The form in which the fitness of a population is sent and logged: one vector, or one sign per pair.

As a vector: with one group it is the fitness in member order. With several groups it is flattened so that the two
members of a pair stay neighbours: the fitness of pair `i` in group `j` is at `2 (i g + j)` and the place after it.

As signs, for a strategy whose update needs no more: the result of a pair is the sign (-1, 0 or +1) of the fitness of
its even member minus that of its odd member. Five signs are packed into one byte `sum_i (sign_i + 1) 3^i` (paper
section 6.1, App. J). That is 1.6 bits per sign; the least possible is log2(3) = 1.585.

Letters in shapes: `n` members, `g` groups, `p` pairs.
"""

import dataclasses
import functools

import numpy as np

_PER_BYTE = 5
_POWERS = 3 ** np.arange(_PER_BYTE, dtype=np.int32)


def flatten(fitness: np.ndarray) -> np.ndarray:
    """(n,) or (n, g) -> (n g,)."""
    if fitness.ndim == 1:
        return fitness
    groups = fitness.shape[1]
    return fitness.reshape(-1, 2, groups).transpose(0, 2, 1).reshape(-1)


def unflatten(vector: np.ndarray, groups: int) -> np.ndarray:
    """(n g,) -> (n, g)."""
    return vector.reshape(-1, groups, 2).transpose(0, 2, 1).reshape(-1, groups)


@dataclasses.dataclass(frozen=True)
class PackedPairs:
    """The signs of some pairs, five to a byte.

    Attributes:
      pairs: number of pairs `p`.
      data: `(ceil(p / 5),)` uint8; the unused places after the last pair hold sign 0.
      dropped: indices of the pairs that have no result, int32, ascending; usually empty. Their sign reads 0.
    """

    pairs: int
    data: np.ndarray
    dropped: np.ndarray

    @property
    def nbytes(self) -> int:
        return self.data.nbytes + self.dropped.nbytes

    def signs(self) -> np.ndarray:
        """Returns `(p,)` int8.

        Raises:
          ValueError: when a byte is no result of packing, or there are too few of them.
        """
        if len(self.data) != -(-self.pairs // _PER_BYTE) or (len(self.data) and self.data.max() >= 3**_PER_BYTE):
            raise ValueError(
                f"{len(self.data)} bytes, the highest {self.data.max(initial=0)}, are not the packed results of "
                f"{self.pairs} pairs: there are five to a byte, and no byte is above {3**_PER_BYTE - 1}."
            )
        return _table()[self.data].reshape(-1)[: self.pairs]

    def fitness(self) -> np.ndarray:
        """Returns `(2 p,)` float32 with the same signs: +-1 or 0 for twins, NaN where the pair was dropped."""
        signs = self.signs().astype(np.float32)
        signs[self.dropped] = np.nan
        return np.stack([signs, -signs], axis=1).reshape(-1)


def pack_fitness(fitness: np.ndarray) -> PackedPairs:
    """Packs the fitness of whole pairs.

    Args:
      fitness: `(2 p,)`. A pair with a NaN is dropped. A member at -inf loses; if both are at -inf, they tie.
    """
    pairs = fitness.reshape(-1, 2)
    signs = (pairs[:, 0] > pairs[:, 1]).astype(np.int8) - (pairs[:, 0] < pairs[:, 1]).astype(np.int8)
    dropped = np.flatnonzero(np.isnan(pairs).any(axis=1)).astype(np.int32)
    return pack_signs(signs, dropped)


def pack_signs(signs: np.ndarray, dropped: np.ndarray) -> PackedPairs:
    """Packs `(p,)` signs of pairs; the pairs whose indices are in `dropped` have no result."""
    digits = np.ones(-(-len(signs) // _PER_BYTE) * _PER_BYTE, np.uint8)
    digits[: len(signs)] = signs + 1
    digits[dropped] = 1
    data = np.zeros(len(digits) // _PER_BYTE, np.uint8)
    for place, digit in enumerate(digits.reshape(-1, _PER_BYTE).T):
        data += digit * np.uint8(3**place)  # the sum is at most 242, so it fits
    return PackedPairs(len(signs), data, dropped.astype(np.int32))


@functools.cache
def _table() -> np.ndarray:
    """(243, 5) int8: the five signs of each byte."""
    return (np.arange(3**_PER_BYTE)[:, None] // _POWERS % 3 - 1).astype(np.int8)
