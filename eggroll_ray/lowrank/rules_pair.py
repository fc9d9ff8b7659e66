"""Products of two low-rank parameters that are summed over axes, such as `W + A @ B` with all three trained, and norms.

They are computed as `(w + a b) y = w y + a (b y)`. If the result has rows of one parameter and columns of the other, it
is low-rank, and its rank is the sum of both ranks. If only one side is left, as for the norms of columns, the result is
a plain array no larger than a factor. No intermediate result is as large as a matrix of a member.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

from eggroll_ray.lowrank.parameter import LowRank, Role, signed
from eggroll_ray.lowrank.rule import (
    Trace,
    UnsupportedPrimitiveError,
    joined_paths,
    refuse_both,
    refuse_scaled,
    simplify,
)

Ids = Sequence[int]


def dot_pair(trace: Trace, eqn: Any, x: LowRank, y: LowRank) -> Any:
    """`dot_general` of two low-rank parameters."""
    (x_sum, y_sum), (x_batch, y_batch) = eqn.params["dimension_numbers"]
    x_ids, y_ids = list(range(x.ndim)), [x.ndim + i for i in range(y.ndim)]
    for i, j in zip((*x_sum, *x_batch), (*y_sum, *y_batch), strict=True):
        y_ids[j] = i
    x_free = [i for i in x_ids if i not in (*x_sum, *x_batch)]
    out = [*x_batch, *x_free, *(i for i in y_ids if i >= x.ndim)]
    return sum_of_product(trace, eqn, (x, x_ids), (y, y_ids), out)


def sum_of_product(trace: Trace, eqn: Any, left: tuple[LowRank, Ids], right: tuple[LowRank, Ids], out: Ids) -> Any:
    """Computes `einsum(x, x_ids, y, y_ids, out)` of two low-rank parameters, whose axes are named by integers.

    Returns:
      A plain array, or a `LowRank` whose rows are the remaining axes of `x`, and whose columns are those of `y`.

    Raises:
      UnsupportedPrimitiveError: if the result has rows and columns of the same parameter.
    """
    (x, x_ids), (y, y_ids) = left, right
    refuse_scaled(eqn, x, y)
    multiply, dtype = _Einsum(trace, eqn), eqn.outvars[0].aval.dtype
    if 1 in (x.extent("row"), x.extent("col"), y.extent("row"), y.extent("col")):
        return multiply(simplify(x), x_ids, simplify(y), y_ids, out).astype(dtype)
    sizes = {**dict(zip(x_ids, x.shape, strict=True)), **dict(zip(y_ids, y.shape, strict=True))}
    rows, cols = ([i for i in out if i in own and i not in other] for own, other in ((x_ids, y_ids), (y_ids, x_ids)))
    if min(math.prod(sizes[i] for i in rows), math.prod(sizes[i] for i in cols)) > 1:
        return _low_rank_product(eqn, multiply, left, right, out)
    side = _summed_side(eqn, x, x_ids, out)
    _summed_side(eqn, y, y_ids, out)
    (first, first_ids), (second, second_ids) = _factors(x, x_ids, side)
    later = {*out, *second_ids}
    middle = [i for i in dict.fromkeys((*first_ids, *y_ids)) if i in later]
    term = multiply(second, second_ids, multiply(first, first_ids, y, y_ids, middle), middle, out)
    return (multiply(x.w, x_ids, y, y_ids, out) + signed(x, term)).astype(dtype)


class _Einsum:
    """`einsum` of two values, of which one may be low-rank, with the precision of an equation, but at least float32."""

    def __init__(self, trace: Trace, eqn: Any):
        self._trace = trace
        self._precision = eqn.params.get("precision")
        dtype = eqn.outvars[0].aval.dtype
        self._dtype = jnp.dtype(jnp.float32) if dtype.itemsize < 4 else dtype

    def __call__(self, x: Any, x_ids: Ids, y: Any, y_ids: Ids, out: Ids) -> Any:
        def product(x: Any, y: Any) -> Any:
            options = {"precision": self._precision, "preferred_element_type": self._dtype}
            common = max(x.dtype, y.dtype, key=lambda dtype: dtype.itemsize)
            x, y = x.astype(common), y.astype(common)
            return jnp.einsum(x, list(x_ids), y, list(y_ids), list(out), **options)

        return self._trace.call(product, x, y)


def _summed_side(eqn: Any, low: LowRank, ids: Ids, out: Ids) -> Role:
    """The side whose axes are all summed over; if that is true of both, the larger one."""
    kept = {role for i, role, size in zip(ids, low.roles, low.shape, strict=True) if i in out and size > 1}
    if {"row", "col"} <= kept:
        raise UnsupportedPrimitiveError(
            eqn.primitive.name, low, "rows and columns remain, so the result is as large as the matrix"
        )
    summed: list[Role] = [side for side in ("row", "col") if side not in kept]
    return max(summed, key=low.extent)


def _factors(low: LowRank, ids: Ids, side: Role) -> tuple[tuple[Any, list[int]], tuple[Any, list[int]]]:
    """The factor of the given side, then the other one, each with the names of its axes; -1 is the rank axis."""
    a, b = ([-1 if i is None else ids[i] for i in low.factor_axes(s)] for s in ("row", "col"))
    row, col = (low.a, a), (low.b, b)
    return (row, col) if side == "row" else (col, row)


def _low_rank_product(
    eqn: Any, multiply: Callable[..., Any], left: tuple[LowRank, Ids], right: tuple[LowRank, Ids], out: Ids
) -> Any:
    """`(w + a b) (v + c d)` as the shared part `w v` plus the product of `[a, w c]` and `[b (v + c d), d]`."""
    (x, x_ids), (y, y_ids) = left, right
    common = {i for i in out if i in x_ids and i in y_ids}
    if not all(common == {ids[i] for i in low.axes("lead")} for low, ids in (left, right)):
        refuse_both(eqn, x, y, "of the axes that both share, only those of stacked layers may remain in the result")
    (x_first, x_first_ids), (a, a_ids) = _factors(x, x_ids, _summed_side(eqn, x, x_ids, out))
    (y_first, y_first_ids), (d, d_ids) = _factors(y, y_ids, _summed_side(eqn, y, y_ids, out))
    lead = [i for i in out if i in x_ids and i in y_ids]
    rows = [*lead, -1, *(i for i in out if i in x_ids and i not in lead)]
    cols = [*lead, -1, *(i for i in out if i in y_ids and i not in lead)]
    moved_a = signed(x, lax.transpose(a, [a_ids.index(i) for i in rows]))
    moved_d = lax.transpose(d, [d_ids.index(i) for i in cols])
    from_w = signed(y, multiply(x.w, x_ids, y_first, y_first_ids, rows))
    from_b = multiply(x_first, x_first_ids, y, y_ids, cols)
    dtype = eqn.outvars[0].aval.dtype
    roles: list[Role] = ["lead" if i in lead else "row" if i in rows else "col" for i in out]
    low = LowRank(
        w=multiply(x.w, x_ids, y.w, y_ids, out).astype(dtype),
        a=jnp.concatenate([moved_a.astype(dtype), from_w.astype(dtype)], len(lead)),
        b=jnp.concatenate([from_b.astype(dtype), moved_d.astype(dtype)], len(lead)),
        roles=tuple(roles),
        paths=joined_paths(x, y),
    )
    return simplify(low)
