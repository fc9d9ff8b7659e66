"""Arithmetic intensity: the paper's formulas for a linear layer (App F), and the balance of the machine at hand.

A layer whose operations per byte of memory traffic are below the machine's operations per byte of bandwidth waits for
memory. Each byte is counted once, whatever the caches do, and the operations at the speed of a large matrix product;
so a bound is the shortest time that the formulas allow, not a forecast.

Letters: `m` dimension of a square layer, `B` members of a batch with one input each, `r` rank, `s` bytes per number.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Balance(NamedTuple):
    """What a machine can do at most."""

    operations: float  # per second, in a large matrix product
    bytes: float  # per second read and written by a copy


class Work(NamedTuple):
    """What one layer takes: operations and bytes of each member, and bytes for all members together."""

    operations: float
    bytes: float
    shared_bytes: float

    def intensity(self, batch: int) -> float:
        """Returns the operations per byte of a batch."""
        return self.operations * batch / (self.bytes * batch + self.shared_bytes)

    def batch_for(self, intensity: float) -> float:
        """Returns the batch that has this intensity; infinite if none has."""
        spare = self.operations - intensity * self.bytes
        return intensity * self.shared_bytes / spare if spare > 0 else math.inf

    def seconds(self, batch: int, balance: Balance) -> float:
        """Returns the least time of a batch: that of its operations or of its bytes, whichever is longer."""
        moved = self.bytes * batch + self.shared_bytes
        return max(self.operations * batch / balance.operations, moved / balance.bytes)


def inference(m: int, s: int) -> Work:
    """The unperturbed layer: an input and an output per member, the weights once. At s=2: `B m / (2 B + m)`."""
    return Work(2.0 * m * m, 2.0 * s * m, 1.0 * s * m * m)


def eggroll(m: int, r: int, s: int) -> Work:
    """A low-rank perturbation per member, its factors read from memory.

    At s=2: `(m + 2 r + 1/2) / (2 + r (2 + 2/m) + m/B)`. Twins count as two, though ours share their factors.
    """
    return Work(m * (2.0 * m + 4 * r + 1), s * m * (2 + r * (2 + 2 / m)), 1.0 * s * m * m)


def dense(m: int, s: int) -> Work:
    """A whole matrix per member, read from memory. At s=2: `m / (2 + m)`, whatever the batch."""
    return Work(2.0 * m * m, s * m * (2.0 + m), 0.0)


class Machine(NamedTuple):
    """The programs that measure a balance, and the work of each."""

    cases: dict[str, Callable[[], jax.Array]]
    operations: float  # of the product
    bytes: float  # of the copy

    def balance(self, product_seconds: float, copy_seconds: float) -> Balance:
        return Balance(self.operations / product_seconds, self.bytes / copy_seconds)


def machine(size: int, dtype: str, copy_bytes: int) -> Machine:
    """Returns what measures the machine: `product`, of two square matrices, and `copy`, which changes each sign.

    Args:
      size: rows and columns of the matrices.
      dtype: of the matrices.
      copy_bytes: of the array that is copied; far more than the caches hold.
    """
    random = np.random.default_rng(0)
    first, second = (jnp.asarray(random.normal(size=(size, size)), dtype) for _ in range(2))
    array = jnp.ones(copy_bytes // 4, jnp.float32)
    product, copy = jax.jit(jnp.matmul), jax.jit(jnp.negative)
    cases = {"product": lambda: product(first, second), "copy": lambda: copy(array)}
    return Machine(cases, 2.0 * size**3, 2.0 * array.nbytes)
