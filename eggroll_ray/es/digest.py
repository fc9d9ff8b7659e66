"""Fingerprints of arrays and of this package's source, by which workers and runs are compared.

They detect accidents; they are not cryptographically secure.
"""

import hashlib
from pathlib import Path
from typing import Any

import jax
import numpy as np

from eggroll_ray.es.leaves import is_key

_LARGE = 1 << 16  # arrays of at least this many bytes are condensed first, since hashing them would take too long
_WORDS = 1 << 12  # number of 8-byte words that are summed in parallel; they fit into a core's cache
_ROOT = Path(__file__).parents[2]
# Folders whose code cannot change the bits of a run: the report, the command line, and other sinks for metrics.
_CHANGES_NO_BIT = ("eggroll_ray/report/", "eggroll_ray/cli/", "eggroll_ray/runs/sinks/")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # odd, so that multiplication modulo 2**64 loses no bit


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
    """Returns a NumPy array. Random keys, which NumPy does not know, are converted to their words."""
    return np.asarray(jax.random.key_data(leaf) if is_key(leaf) else leaf)


def _condense(rows: np.ndarray) -> np.ndarray:
    """Condenses many rows to one, as a polynomial modulo 2**64. It is as fast as reading the rows.

    If one word differs, the result differs. If several words differ by chance, the result is the same with a
    probability of only 2**-64.
    """
    total = np.zeros(rows.shape[1], np.uint64)
    for row in rows:
        total *= _MULTIPLIER
        total += row
    return total


def code_digest(root: Path = _ROOT) -> str:
    """Returns a fingerprint of the source code that decides the bits of a run.

    It covers this package and the package `envs`, without the parts that cannot change the bits.

    Args:
      root: the folder that contains both packages.
    """
    hasher = hashlib.blake2b(digest_size=4)
    for package in ("eggroll_ray", "envs"):
        for path in sorted((root / package).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if not name.startswith(_CHANGES_NO_BIT):
                hasher.update(name.encode() + b"\0" + path.read_bytes())
    return hasher.hexdigest()
