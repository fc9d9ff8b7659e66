"""Fingerprints by which workers and runs are compared: of arrays, and of this package's source.

They detect accidents; they are not cryptographically secure.
"""

import hashlib
from pathlib import Path
from typing import Any

import jax
import numpy as np

from eggroll_ray.es.leaves import is_key

_LARGE = 1 << 16  # bytes of an array, from which on a hash function would be what a generation waits for
_WORDS = 1 << 12  # of 8 bytes, summed side by side; they stay in a core's cache
_ROOT = Path(__file__).parents[2]
# What people see of a run, how it is asked for on the command line, and where else its metrics go.
_CHANGES_NO_BIT = ("eggroll_ray/report/", "eggroll_ray/cli/", "eggroll_ray/runs/sinks/")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no bit of a word is ever multiplied away


def digest(tree: Any) -> str:
    """Returns a 64-bit fingerprint of all arrays of a pytree, in hexadecimal."""
    hasher = hashlib.blake2b(digest_size=8)
    for leaf in jax.tree.leaves(tree):
        array = host_array(leaf)
        named = leaf if is_key(leaf) else array
        hasher.update(f"{named.dtype}{named.shape}".encode())
        flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        if flat.nbytes >= _LARGE:
            whole = flat.nbytes - flat.nbytes % (8 * _WORDS)
            hasher.update(_condense(flat[:whole].view(np.uint64).reshape(-1, _WORDS)).data)
            flat = flat[whole:]
        hasher.update(flat.data)
    return hasher.hexdigest()


def host_array(leaf: Any) -> np.ndarray:
    """Returns an array on the host; of random keys, which NumPy does not know, the words that they are made of."""
    return np.asarray(jax.random.key_data(leaf) if is_key(leaf) else leaf)


def _condense(rows: np.ndarray) -> np.ndarray:
    """Returns one row in place of many, a polynomial of them modulo 2**64: at the speed of reading them.

    If one word differs, so does the result; if several do by chance, in all but one case of 2**64.
    """
    total = np.zeros(rows.shape[1], np.uint64)
    for row in rows:
        total *= _MULTIPLIER
        total += row
    return total


def code_digest(root: Path = _ROOT) -> str:
    """Returns a fingerprint of the source that decides the bits of a run: another version of it may compute others.

    It covers this package and the environments beside it, but for what cannot change a bit.

    Args:
      root: the folder that both lie in.
    """
    hasher = hashlib.blake2b(digest_size=4)
    for package in ("eggroll_ray", "envs"):
        for path in sorted((root / package).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if not name.startswith(_CHANGES_NO_BIT):
                hasher.update(name.encode() + b"\0" + path.read_bytes())
    return hasher.hexdigest()
