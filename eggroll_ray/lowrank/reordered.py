"""Reorders products with a weighted sum of matrices, such as `x @ (g1 W1 + g2 W2)`, if that makes less work.

If the weights differ between members, as those of a mixture of experts do, the sum is one matrix per member. Computing
`x` times each matrix first and the weighted sum afterwards gives the same result, and is small if `x` has few rows.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from eggroll_ray.lowrank.parameter import LowRank
from eggroll_ray.lowrank.rule import Trace, UnsupportedPrimitiveError

Ids = list[int]
_OTHER = 40  # names of the other operand's axes begin here, beyond the number of axes of any array


class _Product(NamedTuple):
    """The product as which a plain value was computed: a parameter times weights, with names for all axes."""

    low: LowRank
    low_names: Ids
    weights: Any
    weight_names: Ids
    names: Ids  # names of the axes of the value


def reordered_product(trace: Trace, eqn: Any, operands: Sequence[Any]) -> Any:
    """Evaluates a `dot_general` of plain values, one of which was computed as a product of a parameter.

    Returns:
      The result, or None if there is no such value or if another order is no better.
    """
    for place, value in enumerate(operands):
        product, x = _product_of(trace, value), operands[1 - place]
        if product is not None and product.low.dtype == product.weights.dtype == x.dtype:
            names = [product.names, [_OTHER + i for i in range(x.ndim)]]
            out, names = _named(eqn, names if place == 0 else names[::-1], place)
            found = _reordered(trace, eqn, product, x, names[1 - place], out)
            if found is not None:
                return found
    return None


def _product_of(trace: Trace, value: Any) -> _Product | None:
    origin, order = trace.facts.origin(value), range(np.ndim(value))
    if origin is not None and origin[0].primitive.name == "transpose":
        order = origin[0].params["permutation"]
        origin = trace.facts.origin(origin[1][0])
    if origin is None or origin[0].primitive.name != "dot_general":
        return None
    eqn, (x, y) = origin
    if isinstance(x, LowRank) == isinstance(y, LowRank):
        return None
    made, (x_names, y_names) = _named(eqn, [list(range(x.ndim)), [x.ndim + i for i in range(y.ndim)]], 0)
    names = [made[i] for i in order]
    if isinstance(x, LowRank):
        return _Product(x, x_names, y, y_names, names)
    return _Product(y, y_names, x, x_names, names)


def _reordered(trace: Trace, eqn: Any, product: _Product, x: Any, x_names: Ids, out: Ids) -> Any:
    low, low_names, weights, weight_names, made = product
    left = {low.roles[i] for i, name in enumerate(low_names) if name in made and low.shape[i] > 1}
    if not {"row", "col"} <= left:
        return None  # an activation
    middle = [i for i in dict.fromkeys([*low_names, *x_names]) if i in weight_names or i in out]
    sizes: dict[int, int] = {}
    for array, names in ((low, low_names), (weights, weight_names), (x, x_names)):
        sizes.update(zip(names, array.shape, strict=True))
    summed = {*low_names} & {*x_names} - {*out, *weight_names}
    if not summed or 2 * math.prod(sizes[i] for i in middle) > math.prod(sizes[i] for i in made):
        return None
    precision = eqn.params["precision"]
    try:
        each = trace.call(lambda w, x: jnp.einsum(w, low_names, x, x_names, middle, precision=precision), low, x)
    except UnsupportedPrimitiveError:
        return None
    return jnp.einsum(each, middle, weights, weight_names, out, precision=precision)


def _named(eqn: Any, names: list[Ids], kept: int) -> tuple[Ids, list[Ids]]:
    """Names of the axes of a product and of its operands. Common axes are named as in the operand `kept`."""
    names = [[*names[0]], [*names[1]]]
    (x_sum, y_sum), (x_batch, y_batch) = eqn.params["dimension_numbers"]
    for pair in zip((*x_sum, *x_batch), (*y_sum, *y_batch), strict=True):
        names[1 - kept][pair[1 - kept]] = names[kept][pair[kept]]
    gone = (*x_sum, *x_batch), (*y_sum, *y_batch)
    free = [name for side in (0, 1) for i, name in enumerate(names[side]) if i not in gone[side]]
    return [*(names[0][i] for i in x_batch), *free], names
