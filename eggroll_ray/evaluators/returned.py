"""Checks what a fitness function returns, which must be real numbers, and converts it to float32.

A fitness is sent, logged and shaped as float32, which has 24 bits of precision and a largest value of 3.4e38.

Letters in shapes: `n` members of a block.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from eggroll_ray.es.record import ESState
from eggroll_ray.evaluators.record import Evaluation, Invalid, judge


def real_numbers(returned: Any, who: str) -> np.ndarray:
    """Returns the values that a fitness function returned as an array, without changing their dtype.

    Args:
      returned: a number, or an array or list of numbers.
      who: name of the function in the error message.

    Raises:
      ValueError: for complex numbers, None, texts, and anything else that is not a real number.
    """
    values = np.asarray(returned)
    if is_real(values.dtype):
        return values
    first = next((x for x in values.reshape(-1).tolist() if not is_real(np.asarray(x).dtype)), returned)
    raise ValueError(
        f"{who} returned {type(first).__name__} {str(first)[:40]}; a fitness must be a real number that float64 can "
        "hold. Return float('nan') if there is none."
    )


def is_real(dtype: Any) -> bool:
    """Whether values of this dtype are real numbers. Booleans are: False counts as 0 and True as 1."""
    return any(jnp.issubdtype(dtype, kind) for kind in (jnp.floating, jnp.integer, jnp.bool_))


def evaluation_of(values: np.ndarray, state: ESState, members: np.ndarray, on_nan: Invalid) -> Evaluation:
    """Makes an evaluation of the numbers `(n,)` that a fitness function returned, in their own dtype.

    A number that is too large for float32 counts as not finite, and is listed among the failures.

    Raises:
      FitnessError: with `Invalid.RAISE`, naming the first member whose fitness is not finite.
    """
    fitness = judge(values, state, members, on_nan)
    finite = np.isfinite(fitness)
    # JAX's float32 has overflowed to infinity before it comes here, so count infinities as too large. But with
    # `Invalid.WORST` an infinity may be intended.
    too_large = np.isfinite(values) | (np.isinf(values) & (on_nan is Invalid.DROP_PAIR))
    failures = tuple(
        f"member {members[i]} of generation {int(state.generation)}: fitness {values[i]:g} is beyond the range of "
        f"float32, {np.finfo(np.float32).max:.2g}; return a smaller number"
        for i in np.flatnonzero(~finite & too_large)
    )
    ties = len(np.unique(values[finite])) - len(np.unique(fitness[finite]))
    return Evaluation(fitness, 0, (), failures, ties)
