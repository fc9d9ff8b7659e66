"""Recognises arrays of a member that were computed as products, such as `A @ B` of two noised arrays or `outer(u, v)`.

When such an array is added to a low-rank parameter, its factors become further ranks of the parameter. It is searched
for only then, and only if both factors are made of weights: `x @ W` with few features is a product too, but an
activation.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.extend.core import jaxpr_as_fun

from eggroll_ray.lowrank.parameter import LowRank, Role, form
from eggroll_ray.lowrank.rule import Trace, as_factor, negative, side_of, transpose_axes

_FEW = 10  # most equations of a called function that is traced again: `jnp.outer` is, a layer of a network is not


def as_product(trace: Trace, value: Any, like: LowRank) -> LowRank | None:
    """A plain value as a low-rank one with the roles of `like`; None if it was not computed as such a product."""
    known = trace.facts.low_rank_of(value)
    if known is not None:
        return known if known.roles == like.roles else None
    origin = trace.facts.origin(value)
    if origin is None or not trace.facts.is_of_weights(value):
        return None
    eqn, operands = origin
    found = _PRODUCTS[eqn.primitive.name](trace, eqn, operands, like)
    worth = found is not None and found.a.size + found.b.size < found.w.size
    return found if worth else None


def _call(trace: Trace, eqn: Any, operands: Sequence[Any], like: LowRank) -> LowRank | None:
    closed = eqn.params["jaxpr"]
    if len(eqn.outvars) != 1 or len(closed.jaxpr.eqns) > _FEW:
        return None
    return as_product(trace, trace.call(jaxpr_as_fun(closed), *operands), like)


def _dot_general(trace: Trace, eqn: Any, operands: Sequence[Any], like: LowRank) -> LowRank | None:
    sums, (x_batch, _) = eqn.params["dimension_numbers"]
    # A low-rank operand is small enough to form: one side of it is the summed axis, which is shorter than the rank.
    x, y = (form(value) if isinstance(value, LowRank) else value for value in operands)
    sides = like.roles[: x.ndim - len(sums[0])], like.roles[x.ndim - len(sums[0]) :]
    if x_batch or {*map(frozenset, sides)} != {frozenset({"row"}), frozenset({"col"})}:
        return None
    dtype, factors = eqn.outvars[0].aval.dtype, []
    for value, summed in ((x, sums[0]), (y, sums[1])):
        free = [i for i in range(value.ndim) if i not in summed]
        moved = lax.transpose(value, [*summed, *free])
        factors.append(moved.reshape(math.prod(value.shape[i] for i in summed), *moved.shape[len(summed) :]))
    a, b = factors if "row" in sides[0] else factors[::-1]
    return LowRank(jnp.zeros(like.shape, dtype), a.astype(dtype), b.astype(dtype), like.roles, like.paths)


def _scale(trace: Trace, eqn: Any, operands: Sequence[Any], like: LowRank) -> LowRank | None:
    """`mul` or `div`: an outer product of two vectors, or a product that is scaled along its rows or columns."""
    x, y = operands
    op = lax.div if eqn.primitive.name == "div" else lax.mul
    x_axes, y_axes = (trace.facts.varying(value)[0] for value in operands)
    sides: tuple[tuple[Role, Role], ...] = (("row", "col"), ("col", "row"))
    for x_side, y_side in sides:
        if x_axes <= {*like.axes("lead", x_side)} and y_axes <= {*like.axes("lead", y_side)}:
            first, second = as_factor(like, x, x_axes, x_side), as_factor(like, y, y_axes, y_side)
            second = op(jnp.ones_like(second), second)
            a, b = (first, second) if x_side == "row" else (second, first)
            return LowRank(jnp.zeros(like.shape, a.dtype), a, b, like.roles, like.paths)
    if op is lax.mul and side_of(like, y_axes) is None:
        x, y, y_axes = y, x, x_axes
    side = side_of(like, y_axes)
    low = None if side is None else as_product(trace, x, like)
    if side is None or low is None:
        return None
    name, factor = ("a" if side == "row" else "b"), as_factor(low, y, y_axes, side)
    old = getattr(low, name)
    return dataclasses.replace(low, **{name: op(old, jnp.broadcast_to(factor, old.shape))})


def _neg(trace: Trace, eqn: Any, operands: Sequence[Any], like: LowRank) -> LowRank | None:
    low = as_product(trace, operands[0], like)
    return None if low is None else negative(low)


def _transpose(trace: Trace, eqn: Any, operands: Sequence[Any], like: LowRank) -> LowRank | None:
    order = eqn.params["permutation"]
    low = as_product(trace, operands[0], transpose_axes(like, sorted(range(like.ndim), key=order.__getitem__)))
    return None if low is None else transpose_axes(low, order)


_PRODUCTS: dict[str, Callable[..., LowRank | None]] = {
    "div": _scale,
    "dot_general": _dot_general,
    "jit": _call,
    "mul": _scale,
    "neg": _neg,
    "pjit": _call,
    "transpose": _transpose,
}
