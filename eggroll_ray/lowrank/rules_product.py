"""Rules that consume a low-rank parameter: dot products, convolutions and gathers of rows.

Each computes the ordinary operation with the shared `w`, plus a small one through the rank. The operand is multiplied
first by the factor that has the summed axes, then by the other one. The two factors are never multiplied with each
other. Axes have integer names, as in an einsum: axis `i` of `w` is `i`, and the rank axis is `low.ndim`.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from eggroll_ray.lowrank.parameter import LowRank, Role, places_of, signed
from eggroll_ray.lowrank.rounding import is_narrow, round_at_random, words_of_entries, words_of_member, words_of_noise
from eggroll_ray.lowrank.rule import (
    Trace,
    UnsupportedPrimitiveError,
    bind,
    cast,
    refuse_both,
    refuse_scaled,
    side_axes,
    simplify,
    transpose_axes,
)
from eggroll_ray.lowrank.rules_combine import scale_side
from eggroll_ray.lowrank.rules_pair import dot_pair
from eggroll_ray.lowrank.tuning import tuning

Ids = Sequence[int]
_FLOAT32 = np.dtype(np.float32)


def _ids(low: LowRank, side: Role) -> list[int]:
    return [low.ndim if i is None else i for i in low.factor_axes(side)]


def _spread(x: Any, ids: Ids, target: Ids) -> Any:
    """Aligns `x` with the axes `target` for an elementwise product. Axes that it lacks get size 1."""
    order = [i for i in target if i in ids]
    x = lax.transpose(x, [ids.index(i) for i in order])
    return lax.expand_dims(x, [j for j, i in enumerate(target) if i not in ids])


def _fits(scale: Any, scale_ids: Ids, ids: Ids) -> bool:
    return all(size == 1 or i in ids for i, size in zip(scale_ids, scale.shape, strict=True))


def _multiply(x: Any, ids: Ids, scale: Any, scale_ids: Ids) -> Any:
    """Multiplies `x` by a scale, which must vary along axes of `x` only (see `_fits`)."""
    gone = [j for j, size in enumerate(scale.shape) if size == 1]
    kept = [i for j, i in enumerate(scale_ids) if j not in gone]
    dtype = _wider(x.dtype, scale.dtype)
    return x.astype(dtype) * _spread(lax.squeeze(scale, gone), kept, ids).astype(dtype)


def _wider(x: Any, y: Any) -> Any:
    """The dtype for products of two dtypes: complex before real, floating before integer, then the wider one."""
    if any(jnp.issubdtype(dtype, jnp.complexfloating) for dtype in (x, y)):
        with jax.numpy_dtype_promotion("standard"):
            return jnp.promote_types(x, y)
    return max(x, y, key=lambda dtype: (jnp.issubdtype(dtype, jnp.floating), dtype.itemsize))


def _einsum(x: Any, x_ids: Ids, y: Any, y_ids: Ids, out: Ids, precision: Any = None, dtype: Any = None) -> Any:
    common = _wider(x.dtype, y.dtype)
    x, y = x.astype(common), y.astype(common)
    return jnp.einsum(x, x_ids, y, y_ids, out, precision=precision, preferred_element_type=dtype)


def _skinny(
    low: LowRank,
    x: Any,
    ids: Ids,
    factors: tuple[tuple[Any, Ids], tuple[Any, Ids]],
    out: Ids,
    precision: Any,
) -> Any:
    """Computes `einsum(x, first, second)` in that order, in float32 at least, times the sign of `low`.

    The sign is applied between the two steps, where the array is small and where twins can share both factors. `tuning`
    chooses how each step is computed.
    """
    (first, first_ids), (second, second_ids) = factors
    later = {*out, *second_ids}
    middle = [i for i in dict.fromkeys((*ids, *first_ids)) if i in later]
    dtype = _wider(_wider(x.dtype, first.dtype), jnp.dtype(jnp.float32))
    t = signed(low, _first_step(x, ids, first, first_ids, middle, precision, dtype))
    rank_axis = low.ndim
    second = second.astype(dtype)
    sizes = dict(zip(second_ids, second.shape, strict=True))
    rank = sizes[rank_axis]
    chosen = tuning()
    narrow = rank > 1 and second.size < chosen.narrow * rank
    if {*second_ids} - {*out} != {rank_axis} or rank > chosen.unrolled_ranks or narrow:
        return _einsum(t, middle, second, second_ids, out, precision, dtype)
    rest = [i for i in middle if i != rank_axis]
    own = [i for i in second_ids if i != rank_axis]
    terms = [
        _spread(_take(t, r, middle.index(rank_axis)), rest, out)
        * _spread(_take(second, r, second_ids.index(rank_axis)), own, out)
        for r in range(rank)
    ]
    return functools.reduce(jnp.add, terms)


def _first_step(x: Any, ids: Ids, first: Any, first_ids: Ids, middle: Ids, precision: Any, dtype: Any) -> Any:
    """`einsum(x, first)`. For few rows of `x` it is computed as partial sums, which XLA vectorises well on a CPU."""
    chosen = tuning()
    lanes = chosen.lanes
    summed = [i for i in ids if i in first_ids and i not in middle]
    rows = math.prod(size for i, size in zip(ids, x.shape, strict=True) if i not in first_ids)
    size = first.shape[first_ids.index(summed[0])] if len(summed) == 1 else 0
    if not lanes <= size <= chosen.longest or rows > chosen.few_rows:
        return _einsum(x, ids, first, first_ids, middle, precision, dtype)
    target = [*middle, *summed]
    x, first = _spread(x.astype(dtype), ids, target), _spread(first.astype(dtype), first_ids, target)
    whole = size - size % lanes
    pieces = [x[..., i : i + lanes] * first[..., i : i + lanes] for i in range(0, whole, lanes)]
    if whole < size:
        rest = x[..., whole:] * first[..., whole:]
        pieces.append(jnp.pad(rest, [(0, 0)] * (rest.ndim - 1) + [(0, lanes - rest.shape[-1])]))
    # Sum by multiplying with ones. XLA would fuse a plain sum with the additions above, which is slower.
    return functools.reduce(jnp.add, pieces) @ jnp.ones(lanes, dtype)


def _take(x: Any, index: int, axis: int) -> Any:
    return lax.index_in_dim(x, index, axis, keepdims=False)


# --- dot_general ---------------------------------------------------------------------------------


def _dot_general(trace: Trace, eqn: Any, x: Any, y: Any) -> Any:
    if isinstance(x, LowRank) and isinstance(y, LowRank):
        return dot_pair(trace, eqn, x, y)
    (x_sum, y_sum), (x_batch, y_batch) = eqn.params["dimension_numbers"]
    flipped = isinstance(x, LowRank)
    if flipped:
        low, plain, w_sum, w_batch, p_sum, p_batch = x, y, x_sum, x_batch, y_sum, y_batch
    else:
        low, plain, w_sum, w_batch, p_sum, p_batch = y, x, y_sum, y_batch, x_sum, x_batch
    ids = [low.ndim + 1 + i for i in range(plain.ndim)]
    for i, j in zip((*p_sum, *p_batch), (*w_sum, *w_batch), strict=True):
        ids[i] = j
    w_free = [i for i in range(low.ndim) if i not in w_sum and i not in w_batch]
    free = [i for i in ids if i > low.ndim]
    out = [*w_batch, *((*w_free, *free) if flipped else (*free, *w_free))]
    kept = all(low.shape[i] == 1 or low.roles[i] == "lead" for i in w_sum)
    if kept and min(low.extent("row"), low.extent("col")) > 1:
        return _dot_scaling(eqn, low, plain, ids, out)
    if any(low.roles[i] == "row" for i in w_sum):
        factors = (low.a, _ids(low, "row")), (low.b, _ids(low, "col"))
    else:
        factors = (low.b, _ids(low, "col")), (low.a, _ids(low, "row"))
    term = _skinny(low, plain, ids, factors, out, eqn.params["precision"])
    shared = trace.facts.is_shared(plain)
    plain, after = _scale_operand(eqn, low, plain, ids, out)
    if flipped and not free and tuning().w_last:
        result = _product_with_w_last(_summed_wide(eqn), low.w, plain)
    else:
        result = bind(_summed_wide(eqn), *((low.w, plain) if flipped else (plain, low.w)))[0]
    known = _product_with_shared(eqn, low, plain, ids, out, result) if shared else None
    for scale, scale_ids in after:
        result = _multiply(result, out, scale, scale_ids)
    result = (result + term.astype(result.dtype)).astype(eqn.outvars[0].aval.dtype)
    if known is not None:
        trace.facts.also_low_rank(result, known)
    return result


def _summed_wide(eqn: Any) -> Any:
    """The equation with a float32 result, if its own is narrower and would lose the small perturbation by rounding."""
    if not is_narrow(eqn.outvars[0].aval.dtype):
        return eqn
    return eqn.replace(params={**eqn.params, "preferred_element_type": _FLOAT32})


def _product_with_shared(eqn: Any, low: LowRank, x: Any, ids: Ids, out: Ids, w: Any) -> LowRank | None:
    """`Q @ W` as a low-rank value, for a `Q` that all members share. `w` is `Q` times the shared part of `W`.

    Returns:
      None if the factors would be no smaller than the result.
    """
    sides = {low.roles[i] for i in ids if i < low.ndim and low.shape[i] > 1} - {"lead"}
    if low.is_scaled or len(sides) != 1:
        return None
    (side,) = sides
    roles = tuple(side if i > low.ndim else low.roles[i] for i in out)

    def factor(own: Role) -> Any:
        array, array_ids = (low.a if own == "row" else low.b), _ids(low, own)
        target = [low.ndim if j is None else out[j] for j in side_axes(roles, range(len(out)), own)]
        if own == side:
            return _einsum(x, ids, array, array_ids, target, eqn.params["precision"]).astype(w.dtype)
        return jnp.einsum(array, array_ids, target).astype(w.dtype)

    known = LowRank(w, factor("row"), factor("col"), roles, low.paths, sign=low.sign)
    return known if known.a.size + known.b.size < w.size else None


def _product_with_w_last(eqn: Any, w: Any, x: Any) -> Any:
    """Computes `w @ x` for a vector `x` as `x @ w^T`; see `Tuning.w_last`."""
    (w_sum, x_sum), (w_batch, x_batch) = eqn.params["dimension_numbers"]
    precision = eqn.params["precision"]  # one for each operand
    return lax.dot_general(
        x,
        w,
        ((x_sum, w_sum), (x_batch, w_batch)),
        precision=precision[::-1] if isinstance(precision, tuple) else precision,
        preferred_element_type=eqn.params["preferred_element_type"],
    )


def _scale_operand(eqn: Any, low: LowRank, x: Any, ids: Ids, out: Ids) -> tuple[Any, list[Any]]:
    """Applies the scales of `low` to the other operand if they fit it. The others are returned, for the result."""
    after = []
    for scale, side in ((low.row_scale, "row"), (low.col_scale, "col")):
        if scale is None:
            continue
        if _fits(scale, _ids(low, side), ids):
            x = _multiply(x, ids, scale, _ids(low, side))
        elif _fits(scale, _ids(low, side), out):
            after.append((scale, _ids(low, side)))
        else:
            reason = "it sums over some, but not all, axes along which the parameter was scaled"
            raise UnsupportedPrimitiveError(eqn.primitive.name, low, reason)
    return x, after


def _dot_scaling(eqn: Any, low: LowRank, x: Any, ids: Ids, out: Ids) -> LowRank:
    """A product without a sum, such as `einsum("m,mk->mk", x, w)`: scales rows or columns."""
    side = next((s for s in ("row", "col") if set(ids) <= {*low.axes("lead", s)}), None)
    if side is None or len(out) != low.ndim:
        reason = "no row or column axis is summed over, so the result is as large as the matrix"
        raise UnsupportedPrimitiveError(eqn.primitive.name, low, reason)
    target = _ids(low, side)
    shape = [1 if i == low.ndim else low.shape[i] for i in target]
    dtype = eqn.outvars[0].aval.dtype
    factor = jnp.broadcast_to(_spread(x, ids, target), shape).astype(dtype)
    return transpose_axes(scale_side(cast(low, dtype), factor, side, lax.mul), out)


# --- conv_general_dilated ------------------------------------------------------------------------


def _conv(trace: Trace, eqn: Any, x: Any, low: Any) -> Any:
    """The perturbation is computed by two convolutions: first with the factor of the inputs, then that of the outputs.

    A spatial axis, with its stride, padding and dilations, belongs to the convolution whose factor has that axis.
    """
    p, name = eqn.params, eqn.primitive.name
    if isinstance(x, LowRank) and isinstance(low, LowRank):
        refuse_both(eqn, x, low)
    if isinstance(x, LowRank):
        raise UnsupportedPrimitiveError(name, x, "it is the input, not the kernel")
    if p["batch_group_count"] != 1:
        raise UnsupportedPrimitiveError(name, low, "batch_group_count > 1")
    if low.axes("lead"):
        raise UnsupportedPrimitiveError(name, low, "the kernel has lead axes")
    spec = p["dimension_numbers"]
    o_axis, i_axis, *spatial = spec.rhs_spec
    sides: tuple[Role, Role] = ("row", "col")
    out_side = low.roles[o_axis]
    if low.shape[o_axis] == 1 and low.shape[i_axis] > 1:
        out_side = sides[low.roles[i_axis] == "row"]
    if low.shape[i_axis] > 1 and low.roles[i_axis] == out_side:
        reason = "input and output features are in the same factor; split the kernel between them"
        raise UnsupportedPrimitiveError(name, low, reason)
    in_side = sides[out_side == "row"]
    scaled, after = _scale_operand(eqn, low, x, (), (o_axis,))
    groups = p["feature_group_count"]
    first = jnp.tile(_kernel(low, in_side, None, i_axis, spatial), (groups,) + (1,) * (x.ndim - 1))
    second = _kernel(low, out_side, o_axis, None, spatial)
    own = [low.roles[i] == in_side and low.shape[i] > 1 for i in spatial]
    t = _conv_part(p, x, first, own, spec.lhs_spec)
    wide = _summed_wide(eqn)
    term = signed(low, _conv_part(wide.params, t, second, [not mine for mine in own], spec.out_spec))
    result = bind(wide, scaled, low.w)[0]
    out = [-1] * x.ndim
    out[spec.out_spec[1]] = o_axis
    for scale, scale_ids in after:
        result = _multiply(result, out, scale, scale_ids)
    return (result + term.astype(result.dtype)).astype(eqn.outvars[0].aval.dtype)


def _kernel(low: LowRank, side: Role, o_axis: int | None, i_axis: int | None, spatial: Ids) -> Any:
    """A factor as a kernel `(out, in, *spatial)`. The rank takes the place of the feature axis given as None."""
    factor, ids = (low.a if side == "row" else low.b), _ids(low, side)
    target = [low.ndim if i is None else i for i in (o_axis, i_axis)] + list(spatial)
    outside = [j for j, i in enumerate(ids) if i not in target]
    kept = [i for i in ids if i in target]
    return _spread(lax.squeeze(factor, outside), kept, target)


def _conv_part(p: Any, x: Any, kernel: Any, own: Sequence[bool], out_spec: Ids) -> Any:
    def mine(values: Sequence[Any], neutral: Any) -> list[Any]:
        return [value if keep else neutral for value, keep in zip(values, own, strict=True)]

    spec = lax.ConvDimensionNumbers(p["dimension_numbers"].lhs_spec, tuple(range(kernel.ndim)), out_spec)
    dtype = _wider(x.dtype, kernel.dtype)
    return lax.conv_general_dilated(
        x.astype(dtype),
        kernel.astype(dtype),
        mine(p["window_strides"], 1),
        mine(p["padding"], (0, 0)),
        lhs_dilation=mine(p["lhs_dilation"], 1),
        rhs_dilation=mine(p["rhs_dilation"], 1),
        dimension_numbers=spec,
        feature_group_count=p["feature_group_count"],
        precision=p["precision"],
        preferred_element_type=p["preferred_element_type"],
    )


# --- gather --------------------------------------------------------------------------------------


def _gather(trace: Trace, eqn: Any, low: Any, indices: Any) -> Any:
    """Selects rows of a matrix: gathers from each factor that has the indexed axis, then sums over ranks."""
    name = eqn.primitive.name
    numbers, fill = eqn.params["dimension_numbers"], eqn.params["fill_value"]
    if numbers.operand_batching_dims:
        raise UnsupportedPrimitiveError(name, low, "it has batching dimensions")
    if fill is not None and fill != 0 and not np.isnan(fill):
        refuse_scaled(eqn, low)
    batch = [low.ndim + 1 + i for i in range(indices.ndim - 1)]
    window = [i for i in range(low.ndim) if i not in numbers.collapsed_slice_dims]
    out = list(batch)
    for position, i in zip(numbers.offset_dims, window, strict=True):
        out.insert(position, i)
    sides: dict[str, Role] = {"a": "row", "row_scale": "row", "b": "col", "col_scale": "col"}
    parts = {field: _gather_factor(eqn, low, field, side, indices) for field, side in sides.items()}
    (a, a_ids), (b, b_ids) = parts["a"], parts["b"]
    result = bind(eqn, low.w, indices)[0]
    if set(batch) <= {*a_ids} & {*b_ids}:
        return _gathered_matrix(low, result, parts, out)
    if not set(batch) <= {*a_ids, *b_ids}:
        raise UnsupportedPrimitiveError(name, low, "it repeats the whole parameter")
    for field in ("row_scale", "col_scale"):
        if parts[field][0] is not None:
            result = _multiply(result, out, *parts[field])
    if is_narrow(result.dtype):
        term = signed(low, _einsum(a, a_ids, b, b_ids, out, dtype=_FLOAT32))
        return _rounded_rows(eqn, low, indices, result.astype(_FLOAT32) + term, out)
    return result + signed(low, _einsum(a, a_ids, b, b_ids, out)).astype(result.dtype)


def _rounded_rows(eqn: Any, low: LowRank, indices: Any, rows: Any, out: Ids) -> Any:
    """Rounds gathered rows in the same way as `form` rounds the whole array."""
    places, words = places_of(low), []
    sides: tuple[tuple[str, Role], ...] = (("a", "row"), ("b", "col"))
    for field, side in sides:
        word, ids = _gather_factor(eqn, places, field, side, indices)
        word = lax.squeeze(word, [ids.index(low.ndim)])
        words.append(_spread(word, [i for i in ids if i != low.ndim], out))
    entries = jnp.broadcast_to(words_of_entries(words[0], words[1], words_of_noise(low.b)), rows.shape)
    return round_at_random(rows, words_of_member(entries, low.sign), low.dtype)


def _gather_factor(eqn: Any, low: LowRank, field: str, side: Role, indices: Any) -> tuple[Any, list[int]]:
    """Gathers from a factor along its own axes. The names of index axes begin after that of the rank axis."""
    factor, axes, p = getattr(low, field), low.factor_axes(side), eqn.params
    numbers, sizes = p["dimension_numbers"], p["slice_sizes"]
    if factor is None:
        return None, []
    moved = [i for i in numbers.start_index_map if i in axes]
    collapsed = [j for j, i in enumerate(axes) if i in numbers.collapsed_slice_dims]
    whole = not collapsed and all(sizes[i] == low.shape[i] for i in axes if i is not None)
    if whole and (not moved or p["mode"] != lax.GatherScatterMode.FILL_OR_DROP):
        return factor, _ids(low, side)
    batch = indices.ndim - 1
    kept = [name for j, name in enumerate(_ids(low, side)) if j not in collapsed]
    columns = [numbers.start_index_map.index(i) for i in moved]
    gathered = lax.gather(
        factor,
        jnp.stack([indices[..., c] for c in columns], -1),
        lax.GatherDimensionNumbers(
            offset_dims=tuple(range(batch, batch + len(kept))),
            collapsed_slice_dims=tuple(collapsed),
            start_index_map=tuple(axes.index(i) for i in moved),
        ),
        [factor.shape[j] if i is None else sizes[i] for j, i in enumerate(axes)],
        mode=p["mode"],
        fill_value=0,
    )
    return gathered, [*range(low.ndim + 1, low.ndim + 1 + batch), *kept]


def _gathered_matrix(low: LowRank, w: Any, parts: Any, out: Ids) -> Any:
    """Returns a low-rank value if each index selects a whole matrix. The index axes become lead axes."""
    roles: list[Role] = ["lead" if i > low.ndim else low.roles[i] for i in out]

    def arrange(field: str, side: Role) -> Any:
        factor, ids = parts[field]
        axes = side_axes(roles, range(len(out)), side)
        order = [low.ndim if j is None else out[j] for j in axes]
        return None if factor is None else lax.transpose(factor, [ids.index(i) for i in order])

    fields = {"a": "row", "b": "col", "row_scale": "row", "col_scale": "col"}
    new: dict[str, Any] = {field: arrange(field, side) for field, side in fields.items()}
    return simplify(LowRank(w=w, roles=tuple(roles), paths=low.paths, sign=low.sign, **new))


PRODUCTS: dict[str, Callable[..., Any]] = {
    "conv_general_dilated": _conv,
    "dot_general": _dot_general,
    "gather": _gather,
}
