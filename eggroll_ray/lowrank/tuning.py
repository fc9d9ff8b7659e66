"""How products with a low-rank parameter are computed on each backend: all choices that were made by measurement.

The rules read these values and contain no tuned numbers of their own. A backend with kernels of its own would choose
them here as well.
"""

from typing import NamedTuple

import jax


class Tuning(NamedTuple):
    """The fastest choices on a backend. All choices compute the same products, but the last bits may differ."""

    # The second step of a skinny product is unrolled up to this rank, so that XLA fuses it with the following sum.
    unrolled_ranks: int
    # A result with fewer entries than this is computed by one product. XLA would recompute an unrolled one wherever it
    # is used, and environments use an action often.
    narrow: int
    # The first step is summed in `lanes` partial sums. This is done for sums of at least `lanes` and at most `longest`
    # inputs (each slice adds to the compiled program), and for at most `few_rows` rows of the other operand.
    lanes: int
    longest: int
    few_rows: int
    # Whether `w @ x` is computed as `x @ w^T`. The members that `jax.vmap` adds to `x` then remain rows.
    w_last: bool


# The measurements are in docs/log.md. All figures are relative to the setting switched off, or to the speed of the
# policy without noise:
# - unrolled at rank 4: 0.74 of the speed without noise, otherwise 0.64
# - narrow: a vector register of 512 bits has 16 entries
# - lanes, with 3 layers of 256: a generation takes 0.91 of the time at rank 4, and 0.98 at rank 1. There is no gain
#   with 8 rows, nor with 4,096 inputs at rank 1. Without lanes, XLA makes a call for every pair.
# - w_last, with one layer of 1,024: 0.92 of the speed without noise, otherwise 0.68
CPU = Tuning(unrolled_ranks=8, narrow=16, lanes=32, longest=2048, few_rows=4, w_last=True)
# Not measured on an accelerator yet. Same as on a CPU, but without lanes, which suit the vector units of CPUs.
ACCELERATOR = CPU._replace(few_rows=0)

TUNINGS = {"cpu": CPU}


def tuning() -> Tuning:
    """Returns the choices for the backend that programs are compiled for."""
    return TUNINGS.get(jax.default_backend(), ACCELERATOR)
