"""What a fitness function may return: real numbers; and what float32 leaves of them.

A fitness travels, is logged and is shaped as float32, which has 24 bits of precision and ends at 3.4e38.

Letters in shapes: `n` members of a block.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from eggroll_ray.es.record import ESState
from eggroll_ray.evaluators.record import Evaluation, Invalid, judge


def real_numbers(returned: Any, who: str) -> np.ndarray:
    """Returns what a fitness function has returned as an array, in the type of numbers that it has.

    Args:
      returned: a number, or an array or list of them.
      who: names the function in the error.

    Raises:
      ValueError: for complex numbers, None, texts, and whatever else is no real number.
    """
    values = np.asarray(returned)
    if is_real(values.dtype):
        return values
    first = next((x for x in values.reshape(-1).tolist() if not is_real(np.asarray(x).dtype)), returned)
    raise ValueError(
        f"{who} returned {type(first).__name__} {str(first)[:40]}; a fitness is a real number that float64 holds, and "
        "float('nan') where there is none."
    )


def is_real(dtype: Any) -> bool:
    """Whether numbers of this type are real; False counts as 0 and True as 1."""
    return any(jnp.issubdtype(dtype, kind) for kind in (jnp.floating, jnp.integer, jnp.bool_))


def evaluation_of(values: np.ndarray, state: ESState, members: np.ndarray, on_nan: Invalid) -> Evaluation:
    """Makes an evaluation of the numbers `(n,)` that a fitness function has returned, in the type that it has.

    A number that is too large for float32 counts as one that is not finite, and is named among the failures.

    Raises:
      FitnessError: with `Invalid.RAISE`, naming the first member whose fitness is not finite.
    """
    fitness = judge(values, state, members, on_nan)
    finite = np.isfinite(fitness)
    # What JAX computes in float32 has overflowed before it comes here. As the worst, -inf may be what is meant.
    too_large = np.isfinite(values) | (np.isinf(values) & (on_nan is Invalid.DROP_PAIR))
    failures = tuple(
        f"member {members[i]} of generation {int(state.generation)}: fitness {values[i]:g} is beyond what float32 "
        f"holds, {np.finfo(np.float32).max:.2g}; return a smaller number"
        for i in np.flatnonzero(~finite & too_large)
    )
    ties = len(np.unique(values[finite])) - len(np.unique(fitness[finite]))
    return Evaluation(fitness, 0, (), failures, ties)
