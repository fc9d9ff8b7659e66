"""How products with a low-rank parameter are written down for a backend: all that was chosen by measuring.

The rules ask here and hold no number of their own. A kernel of a backend enters here as well.
"""

from typing import NamedTuple

import jax


class Tuning(NamedTuple):
    """What is fastest on a backend. Every choice computes the same product, with other last bits."""

    # Up to this rank the second step of a skinny product is unrolled: XLA fuses it with the sum that follows.
    unrolled_ranks: int
    # A result of fewer entries is left to one product: XLA would compute an unrolled one anew wherever it is used, and
    # environments use an action often.
    narrow: int
    # The first step is summed in so many lanes, for sums of at least as many and at most `longest` inputs (each slice
    # is compiled), and for at most `few_rows` rows of the other operand.
    lanes: int
    longest: int
    few_rows: int
    # Whether `w @ x` is written as `x @ w^T`: the members that `jax.vmap` puts into `x` then stay rows.
    w_last: bool


# Figures: docs/log.md. Unrolled at rank 4: 0.74 instead of 0.64 of the speed of the policy without noise. Narrow: a
# vector of 512 bits has 16 entries. Lanes, at 3 x 256: a generation takes 0.91 of the time at rank 4 and 0.98 at rank
# 1; 8 rows are no faster, nor are 4,096 inputs at rank 1. XLA would make a call for every pair of the product instead.
# `w_last`, one layer of 1,024: 0.92 instead of 0.68 of the speed without noise.
CPU = Tuning(unrolled_ranks=8, narrow=16, lanes=32, longest=2048, few_rows=4, w_last=True)
# Not measured on one yet: as on a CPU, but for the lanes, which are made for its vectors.
ACCELERATOR = CPU._replace(few_rows=0)

TUNINGS = {"cpu": CPU}


def tuning() -> Tuning:
    """Returns what is fastest on the backend that programs are compiled for."""
    return TUNINGS.get(jax.default_backend(), ACCELERATOR)
