"""Fingerprints by which workers and runs are compared: of arrays, and of this package's source.

They are to find damage and disagreement, not to withstand anyone who wants two states to look alike.
"""

import hashlib
from pathlib import Path
from typing import Any

import jax
import numpy as np

_LARGE = 1 << 16  # bytes of an array, from which on a hash function would be what a generation waits for
_WORDS = 1 << 12  # of 8 bytes, summed side by side; they stay in a core's cache
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no bit of a word is ever multiplied away


def digest(tree: Any) -> str:
    """Returns a 64-bit fingerprint of all arrays of a pytree, in hexadecimal."""
    hasher = hashlib.blake2b(digest_size=8)
    for leaf in jax.tree.leaves(tree):
        array = np.asarray(leaf)
        hasher.update(f"{array.dtype}{array.shape}".encode())
        flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        if flat.nbytes >= _LARGE:
            whole = flat.nbytes - flat.nbytes % (8 * _WORDS)
            hasher.update(_condense(flat[:whole].view(np.uint64).reshape(-1, _WORDS)).data)
            flat = flat[whole:]
        hasher.update(flat.data)
    return hasher.hexdigest()


def _condense(rows: np.ndarray) -> np.ndarray:
    """Returns one row in place of many, a polynomial of them modulo 2**64: at the speed of reading them.

    If one word differs, so does the result; if several do by chance, in all but one case of 2**64.
    """
    total = np.zeros(rows.shape[1], np.uint64)
    for row in rows:
        total *= _MULTIPLIER
        total += row
    return total


def code_digest() -> str:
    """Returns a fingerprint of this package's source: another version of it may compute other bits."""
    hasher = hashlib.blake2b(digest_size=4)
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        hasher.update(path.read_bytes())
    return hasher.hexdigest()
