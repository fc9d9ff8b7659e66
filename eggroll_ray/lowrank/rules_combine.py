"""Rules that combine a low-rank parameter with another array: sums, scales, concatenation.

A plain operand may differ between members. It must then not be combined with the shared `w`, which would become one
matrix per member, members x m x k. Instead, an added vector becomes another rank, and a scale is kept separate from
`w`.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

from eggroll_ray.lowrank.own_products import as_product
from eggroll_ray.lowrank.parameter import LowRank, Role, fold_sign, form, scaled_w
from eggroll_ray.lowrank.rule import (
    Trace,
    UnsupportedPrimitiveError,
    as_factor,
    bind,
    broadcast_axes,
    joined_paths,
    negative,
    pad_axes,
    refuse_both,
    refuse_own,
    refuse_scaled,
    side_of,
)


def _broadcasts(eqn: Any, low: LowRank) -> bool:
    """Whether the result is larger than the parameter, such as a bias that is broadcast. If so, forming it is cheap."""
    return eqn.outvars[0].aval.size > low.w.size


def _plain(eqn: Any, *operands: Any) -> Any:
    return bind(eqn, *(form(x) if isinstance(x, LowRank) else x for x in operands))[0]


def _scale(trace: Trace, eqn: Any, x: Any, y: Any) -> Any:
    """`mul` or `div`. Only a constant is multiplied into the shared `w`; other scales are kept separate."""
    low, plain = (x, y) if isinstance(x, LowRank) else (y, x)
    if _broadcasts(eqn, low):
        return _plain(eqn, x, y)
    if isinstance(plain, LowRank):
        refuse_both(eqn, low, plain, "the result is not linear in the parameter")
    if eqn.primitive.name == "div" and low is y:
        raise UnsupportedPrimitiveError(eqn.primitive.name, low, "the result is not linear in the parameter")
    if eqn.outvars[0].aval.dtype != low.dtype:
        raise UnsupportedPrimitiveError(eqn.primitive.name, low, "it changes the dtype")
    varying, constant = trace.facts.varying(plain)
    side = side_of(low, varying)
    if side is None:
        reason = "the other operand varies along rows and columns"
        raise UnsupportedPrimitiveError(eqn.primitive.name, low, reason)
    op = lax.div if eqn.primitive.name == "div" else lax.mul
    return scale_side(low, as_factor(low, plain, varying, side), side, op, constant)


def scale_side(low: LowRank, factor: Any, side: Role, op: Any, constant: bool = False) -> LowRank:
    """Multiplies or divides `low` by `factor`, which has the shape of that side's scale."""
    name, scale_name = ("a", "row_scale") if side == "row" else ("b", "col_scale")
    old_factor, old = getattr(low, name), getattr(low, scale_name)
    full = jnp.broadcast_to(factor, old_factor.shape)
    low = dataclasses.replace(low, **{name: op(old_factor, full)})
    if constant and not low.is_scaled:
        scale = op(jnp.ones_like(factor), factor)
        w = scaled_w(dataclasses.replace(low, **{scale_name: scale}))
        return dataclasses.replace(low, w=w)
    scale = op(jnp.ones_like(factor) if old is None else old, factor)
    return dataclasses.replace(low, **{scale_name: scale})


def add(trace: Trace, eqn: Any, x: Any, y: Any) -> Any:
    """`add` or `sub`: the sum of two values, at least one of them low-rank."""
    low: Any
    right: Any = y
    if eqn.primitive.name == "sub":
        right = negative(y) if isinstance(y, LowRank) else lax.neg(y)
    if isinstance(x, LowRank):
        low, plain, source = x, right, y
    else:
        low, plain, source = right, x, x
    if _broadcasts(eqn, low):
        return _plain(eqn, x, y)
    if isinstance(plain, LowRank):
        return _add_low_rank(eqn, low, plain)
    if side_of(low, trace.facts.varying(source)[0]) is None and not trace.facts.is_shared(source):
        return _add_own(trace, eqn, low, plain, source)
    return _add_plain(trace, eqn, low, plain, source)


def _add_own(trace: Trace, eqn: Any, low: LowRank, plain: Any, source: Any) -> Any:
    """Adds `plain`, an array of each member as large as `low`. It equals `source` up to the sign.

    If it is an activation, the result is an activation too, as in `x + positions`, and is formed. If it was computed
    from weights, the result would be one matrix per member, so it is refused unless it is a low-rank product.
    """
    product = as_product(trace, source, low)
    if product is not None and plain is not source:
        product = negative(product)
    if product is not None and trace.facts.is_of_weights(source):
        return _add_low_rank(eqn, low, product)
    if trace.facts.is_of_weights(source):
        refuse_own(trace, eqn, low, source, "the other operand, which varies along rows and columns,")
    total = form(low) + plain
    if product is not None and not low.is_scaled and not product.is_scaled:
        trace.facts.also_low_rank(total, _add_low_rank(eqn, low, product))
    return total


def _add_low_rank(eqn: Any, x: LowRank, y: LowRank) -> LowRank:
    refuse_scaled(eqn, x, y)
    if x.roles != y.roles or x.shape != y.shape:
        refuse_both(eqn, x, y, f"{x.path!r} has roles {x.roles}, shape {x.shape}; {y.path!r} {y.roles}, {y.shape}")
    x, y = fold_sign(x), fold_sign(y)
    axis = x.roles.count("lead")
    a, b = (jnp.concatenate(pair, axis) for pair in ((x.a, y.a), (x.b, y.b)))
    return dataclasses.replace(x, w=x.w + y.w, a=a, b=b, paths=joined_paths(x, y))


def _add_plain(trace: Trace, eqn: Any, low: LowRank, plain: Any, source: Any) -> LowRank:
    """Adds `plain`, which equals `source` up to the sign, to `w`. A broadcast vector is added as another rank instead.

    The vector may differ between members, and must then not be added to the shared `w`.
    """
    varying, constant = trace.facts.varying(source)
    side = side_of(low, varying)
    if side is None or (constant and not low.is_scaled):
        refuse_scaled(eqn, low)
        return dataclasses.replace(low, w=low.w + plain)
    vector = as_factor(low, plain, varying, side)
    other = "col" if side == "row" else "row"
    ones = jnp.ones([1 if i is None else low.shape[i] for i in low.factor_axes(other)], low.dtype)
    a, b = (vector, ones) if side == "row" else (ones, vector)
    low = fold_sign(low)
    axis = low.roles.count("lead")
    return dataclasses.replace(low, a=jnp.concatenate([low.a, a], axis), b=jnp.concatenate([low.b, b], axis))


def _concatenate(trace: Trace, eqn: Any, *values: Any) -> LowRank:
    return _join(trace, eqn, values, eqn.params["dimension"])


def _stack(trace: Trace, eqn: Any, *values: Any) -> LowRank:
    axis = eqn.params["axis"]

    def widen(x: Any) -> Any:
        kept = [i + (i >= axis) for i in range(x.ndim)]
        shape = [*x.shape[:axis], 1, *x.shape[axis:]]
        low = isinstance(x, LowRank)
        return broadcast_axes(x, shape, kept) if low else jnp.expand_dims(x, axis)

    wide = [widen(x) for x in values]
    trace.facts.share([new for new, old in zip(wide, values, strict=True) if trace.facts.is_shared(old)])
    return _join(trace, eqn, wide, axis)


def _join(trace: Trace, eqn: Any, values: Sequence[Any], axis: int) -> LowRank:
    """Concatenates by adding padded pieces, so the ranks of all pieces add up."""
    like = next(x for x in values if isinstance(x, LowRank))
    values = [x if isinstance(x, LowRank) or trace.facts.is_shared(x) else _in_ranks(eqn, x, like) for x in values]
    values = [fold_sign(x) if isinstance(x, LowRank) else x for x in values]
    lows = [x for x in values if isinstance(x, LowRank)]
    refuse_scaled(eqn, *lows)
    for low in lows:
        if low.roles != lows[0].roles:
            one = lows[0]
            refuse_both(eqn, one, low, f"{one.path!r} has roles {one.roles}, {low.path!r} {low.roles}")
    total, start, padded = sum(x.shape[axis] for x in values), 0, []
    for x in values:
        stop = start + x.shape[axis]
        if isinstance(x, LowRank):
            config = [(0, 0, 0)] * x.ndim
            config[axis] = (start, total - stop, 0)
            padded.append(pad_axes(x, jnp.zeros((), x.dtype), config))
        start = stop
    rank_axis = lows[0].roles.count("lead")
    return dataclasses.replace(
        lows[0],
        w=jnp.concatenate([x.w if isinstance(x, LowRank) else x for x in values], axis),
        a=jnp.concatenate([low.a for low in padded], rank_axis),
        b=jnp.concatenate([low.b for low in padded], rank_axis),
        paths=joined_paths(*lows),
    )


def _in_ranks(eqn: Any, own: Any, like: LowRank) -> LowRank:
    """Represents rows of one member, such as a bias joined to its matrix, as low-rank: the identity times the rows.

    This takes one rank for each row.
    """
    own = LowRank(jnp.zeros_like(own), own, own, like.roles, like.paths)
    side: Role = "row" if own.extent("row") <= own.extent("col") else "col"
    count, sizes = own.extent(side), [own.shape[i] for i in own.axes("lead")]
    if count > 1 and count + like.rank >= min(like.extent("row"), like.extent("col")):
        reason = "the array joined to it may differ between members and is no smaller; join a constant instead"
        raise UnsupportedPrimitiveError(eqn.primitive.name, like, reason)
    identity = jnp.eye(count, dtype=own.dtype).reshape(count, *(own.shape[i] for i in own.axes(side)))
    unit = jnp.broadcast_to(identity, (*sizes, *identity.shape))
    other = own.axes("col" if side == "row" else "row")
    rest = lax.transpose(own.a, (*own.axes("lead"), *own.axes(side), *other))
    rest = rest.reshape(*sizes, count, *(own.shape[i] for i in other))
    a, b = (unit, rest) if side == "row" else (rest, unit)
    return dataclasses.replace(own, a=a, b=b)


SUMS: dict[str, Callable[..., Any]] = {
    "add": add,
    "add_any": add,
    "concatenate": _concatenate,
    "div": _scale,
    "mul": _scale,
    "stack": _stack,
    "sub": add,
}
