"""Rules for one low-rank operand that is moved, sliced or summed.

These operations are linear. Almost every rule applies to each factor, along the axes of that factor, what the primitive
does to `w` along all axes. An axis is named by its number in `w`; None is the rank axis.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from eggroll_ray.lowrank.parameter import LowRank, Role
from eggroll_ray.lowrank.rule import (
    Trace,
    UnsupportedPrimitiveError,
    broadcast_axes,
    map_factors,
    negative,
    pad_axes,
    refuse_own,
    refuse_scaled,
    side_axes,
    simplify,
    transpose_axes,
)


def _unchanged(trace: Trace, eqn: Any, low: LowRank) -> LowRank:
    return low


def _neg(trace: Trace, eqn: Any, low: LowRank) -> LowRank:
    return negative(low)


def _barrier(trace: Trace, eqn: Any, *values: Any) -> list[Any]:
    leaves, tree = jax.tree.flatten(values)
    return list(jax.tree.unflatten(tree, lax.optimization_barrier(leaves)))


def _transpose(trace: Trace, eqn: Any, low: LowRank) -> LowRank:
    return transpose_axes(low, eqn.params["permutation"])


def _squeeze(trace: Trace, eqn: Any, low: LowRank) -> Any:
    gone = [i % low.ndim for i in eqn.params["dimensions"]]

    def on_factor(factor: Any, side: Role) -> Any:
        return lax.squeeze(factor, [j for j, i in enumerate(low.factor_axes(side)) if i in gone])

    roles = [role for i, role in enumerate(low.roles) if i not in gone]
    return simplify(map_factors(low, lambda w: lax.squeeze(w, gone), on_factor, roles))


def _broadcast_in_dim(trace: Trace, eqn: Any, low: LowRank, *dynamic: Any) -> LowRank:
    return broadcast_axes(low, eqn.params["shape"], eqn.params["broadcast_dimensions"])


def _reshaped_roles(low: LowRank, shape: Sequence[int]) -> list[Role] | None:
    """The roles of the axes after a reshape, or None if it would merge axes of different roles."""
    if 0 in shape:
        return None
    old = [(size, role) for size, role in zip(low.shape, low.roles, strict=True) if size != 1]
    new: list[Role] = ["row"] * len(shape)
    for j, size in enumerate(shape):
        if size == 1:
            continue
        stop, product = 0, 1
        while product % size != 0:
            product *= old[stop][0]
            stop += 1
        joined = {role for _, role in old[:stop]}
        if len(joined) != 1:
            return None
        new[j] = joined.pop()
        rest = product // size
        old[:stop] = [(rest, new[j])] if rest > 1 else []
    return new


def _reshape(trace: Trace, eqn: Any, low: LowRank) -> Any:
    shape = eqn.params["new_sizes"]
    roles = _reshaped_roles(low, shape)
    if roles is None or eqn.params.get("dimensions") is not None:
        reason = f"the new shape {tuple(shape)} merges axes of different roles"
        raise UnsupportedPrimitiveError(eqn.primitive.name, low, reason)

    def on_factor(factor: Any, side: Role) -> Any:
        rank = factor.shape[low.roles.count("lead")]
        axes = side_axes(roles, range(len(shape)), side)
        return lax.reshape(factor, [rank if j is None else shape[j] for j in axes])

    return simplify(map_factors(low, lambda w: lax.reshape(w, shape), on_factor, roles))


def _rev(trace: Trace, eqn: Any, low: LowRank) -> LowRank:
    dims = eqn.params["dimensions"]

    def on_factor(factor: Any, side: Role) -> Any:
        return lax.rev(factor, [j for j, i in enumerate(low.factor_axes(side)) if i in dims])

    return map_factors(low, lambda w: lax.rev(w, dims), on_factor)


def _slice_axes(low: LowRank, start: Sequence[int], stop: Sequence[int], strides: Sequence[int] | None) -> Any:
    strides = (1,) * low.ndim if strides is None else strides

    def on_factor(factor: Any, side: Role) -> Any:
        full = (0, factor.shape[low.roles.count("lead")], 1)
        spans = [full if i is None else (start[i], stop[i], strides[i]) for i in low.factor_axes(side)]
        return lax.slice(factor, *zip(*spans, strict=True))

    return simplify(map_factors(low, lambda w: lax.slice(w, start, stop, strides), on_factor))


def _slice(trace: Trace, eqn: Any, low: LowRank) -> Any:
    p = eqn.params
    return _slice_axes(low, p["start_indices"], p["limit_indices"], p["strides"])


def _split(trace: Trace, eqn: Any, low: LowRank) -> list[Any]:
    axis, pieces, begin = eqn.params["axis"], [], 0
    for size in map(int, eqn.params["sizes"]):
        start, stop = [0] * low.ndim, list(low.shape)
        start[axis], stop[axis] = begin, begin + size
        pieces.append(_slice_axes(low, start, stop, None))
        begin += size
    return pieces


def _dynamic_slice(trace: Trace, eqn: Any, low: Any, *starts: Any) -> Any:
    sizes = eqn.params["slice_sizes"]

    def on_factor(factor: Any, side: Role) -> Any:
        axes = low.factor_axes(side)
        zero = jnp.zeros((), jnp.result_type(starts[0])) if starts else 0
        full = factor.shape[low.roles.count("lead")]
        begin = [zero if i is None else starts[i] for i in axes]
        return lax.dynamic_slice(factor, begin, [full if i is None else sizes[i] for i in axes])

    return simplify(map_factors(low, lambda w: lax.dynamic_slice(w, starts, sizes), on_factor))


def _pad(trace: Trace, eqn: Any, low: LowRank, value: Any) -> LowRank:
    refuse_own(trace, eqn, low, value, "the padding")
    is_zero = trace.facts.varying(value)[1] and value == 0
    if not is_zero:
        refuse_scaled(eqn, low)
    return pad_axes(low, value, eqn.params["padding_config"])


def _reduce_sum(trace: Trace, eqn: Any, low: LowRank) -> Any:
    axes = eqn.params["axes"]
    if any(_is_scaled_along(low, i) for i in axes):
        refuse_scaled(eqn, low)
    if any(low.roles[i] == "lead" for i in axes):
        raise UnsupportedPrimitiveError(eqn.primitive.name, low, "it sums over a lead axis")

    def on_factor(factor: Any, side: Role) -> Any:
        return factor.sum([j for j, i in enumerate(low.factor_axes(side)) if i in axes])

    roles = [role for i, role in enumerate(low.roles) if i not in axes]
    return simplify(map_factors(low, lambda w: w.sum(axes), on_factor, roles))


def _is_scaled_along(low: LowRank, axis: int) -> bool:
    side = low.roles[axis]
    scale = {"row": low.row_scale, "col": low.col_scale}.get(side)
    return scale is not None and scale.shape[low.factor_axes(side).index(axis)] > 1


def scan_slices(low: LowRank) -> tuple[dict[str, Any], Callable[[dict[str, Any]], Any]]:
    """Splits `low` for a scan over axis 0.

    Returns:
      The arrays to scan over, and a function that makes the value for one step from a slice of each of them.
    """
    names = {"a": "row", "row_scale": "row", "b": "col", "col_scale": "col"}
    scanned = {"w": low.w}
    for name, side in names.items():
        axes = low.factor_axes(side)
        if 0 in axes and getattr(low, name) is not None:
            scanned[name] = jnp.moveaxis(getattr(low, name), axes.index(0), 0)

    def rebuild(slices: dict[str, Any]) -> Any:
        return simplify(dataclasses.replace(low, roles=low.roles[1:], **slices))

    return scanned, rebuild


RULES: dict[str, Callable[..., Any]] = {
    "broadcast_in_dim": _broadcast_in_dim,
    "copy": _unchanged,
    "copy_p": _unchanged,
    "dynamic_slice": _dynamic_slice,
    "neg": _neg,
    "optimization_barrier": _barrier,
    "pad": _pad,
    "reduce_sum": _reduce_sum,
    "reshape": _reshape,
    "rev": _rev,
    "slice": _slice,
    "split": _split,
    "squeeze": _squeeze,
    "stop_gradient": _unchanged,
    "transpose": _transpose,
}
