"""Helpers for writing rules: binding a primitive, refusing an operation, and moving the axes of a low-rank value.

A rule evaluates an equation of one primitive on `w + sum_r a b` without forming that array. It has the signature
`rule(trace, eqn, *values) -> value or list of values`, and at least one value is a `LowRank`.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Protocol

import jax.numpy as jnp
import numpy as np
from jax import lax

from eggroll_ray.lowrank.facts import Facts
from eggroll_ray.lowrank.parameter import LowRank, Role, form


class UnsupportedPrimitiveError(NotImplementedError):
    """Raised for an operation on a low-rank parameter that would need the dense matrix of every member."""

    def __init__(self, primitive: str, low: Any, reason: str = ""):
        problem = f"cannot be applied ({reason})" if reason else "has no low-rank rule"
        self.paths: tuple[str, ...] = low.paths  # paths of the leaves that would have to be formed
        self.why = f"primitive {primitive!r} {problem}"
        super().__init__(
            f"Primitive {primitive!r} {problem} on parameter {low.path!r} (shape {low.shape}, roles "
            f"{low.roles}). Form this leaf per member with leaves=LeafRules(densify={low.paths!r}), freeze "
            "it, or rewrite the operation."
        )


def refuse_both(eqn: Any, x: LowRank, y: LowRank, reason: str = "") -> NoReturn:
    """Raises UnsupportedPrimitiveError for two low-rank operands. It names the smaller, which is cheaper to form."""
    small, large = sorted((x, y), key=lambda low: low.w.size)
    reason = reason or f"{large.path!r}, the other operand, is low-rank too"
    raise UnsupportedPrimitiveError(eqn.primitive.name, small, reason)


def refuse_own(trace: "Trace", eqn: Any, low: LowRank, value: Any, what: str) -> None:
    """Raises UnsupportedPrimitiveError if a plain value, which would enter the shared `w`, may differ by member."""
    if not trace.facts.is_shared(value):
        reason = f"{what} may differ between members, which would give every member its own matrix; use a constant"
        raise UnsupportedPrimitiveError(eqn.primitive.name, low, reason)


class Trace(Protocol):
    """The part of the interpreter that rules may use."""

    def apply(self, eqn: Any, *operands: Any) -> list[Any]:
        """The outputs of an equation for the given operands instead of its own, by the rule of its primitive."""
        ...

    def call(self, fn: Callable[..., Any], *values: Any) -> Any:
        """The result of a traceable function of plain or low-rank values, evaluated by the rules; it must have one."""
        ...

    @property
    def facts(self) -> Facts:
        """What is known about plain values."""
        ...


def bind(eqn: Any, *values: Any) -> list[Any]:
    """Applies the primitive of an equation to plain values, with any supported version of JAX."""
    bound = eqn.primitive.get_bind_params(eqn.params)
    functions, params = bound if isinstance(bound, tuple) else ([], bound)
    with eqn.ctx.manager:
        outs = eqn.primitive.bind(*functions, *values, **params)
    return list(outs) if eqn.primitive.multiple_results else [outs]


def refuse_scaled(eqn: Any, *lows: LowRank) -> None:
    """Raises UnsupportedPrimitiveError if a parameter was scaled by a value that is not a constant."""
    for low in lows:
        if low.is_scaled:
            raise UnsupportedPrimitiveError(
                eqn.primitive.name, low, "the parameter was scaled by a value that is not a constant"
            )


def joined_paths(*lows: LowRank) -> tuple[str, ...]:
    """The paths of the parameters that a combination consists of, without repetitions."""
    return tuple(dict.fromkeys(path for low in lows for path in low.paths))


def as_factor(low: LowRank, plain: Any, varying: frozenset[int], side: Role) -> Any:
    """Reshapes a plain array, which varies only along the axes of one side, to a factor of that side of rank 1."""
    axes = low.factor_axes(side)
    shape = [1 if i is None else low.shape[i] for i in axes]
    if np.ndim(plain):
        starts = [0] * low.ndim
        stops = [size if i in varying else 1 for i, size in enumerate(plain.shape)]
        order = [i for i in axes if i is not None]
        rest = [i for i in range(low.ndim) if i not in order]
        plain = lax.transpose(lax.slice(plain, starts, stops), [*order, *rest])
        plain = lax.reshape(plain, [1 if i is None else stops[i] for i in axes])
    return jnp.broadcast_to(jnp.asarray(plain, low.dtype), shape)


def side_of(low: LowRank, varying: frozenset[int]) -> Role | None:
    """The side to whose axes (and the lead axes) a plain operand's variation is limited, or None.

    If that is true of both sides, the smaller one is returned.
    """
    for side in sorted(("row", "col"), key=low.extent):
        if varying <= set(low.axes("lead", side)):
            return side
    return None


def map_factors(
    low: LowRank,
    on_w: Callable[[Any], Any],
    on_factor: Callable[[Any, Role], Any],
    roles: Sequence[Role] | None = None,
) -> LowRank:
    """Applies `on_w` to `w` and `on_factor(factor, side)` to the factors and scales."""
    new: dict[str, Any] = {"w": on_w(low.w)}
    for name, side in (("a", "row"), ("row_scale", "row"), ("b", "col"), ("col_scale", "col")):
        factor = getattr(low, name)
        new[name] = None if factor is None else on_factor(factor, side)
    return dataclasses.replace(low, **new, roles=low.roles if roles is None else tuple(roles))


def side_axes(roles: Sequence[Role], order: Sequence[int], side: Role) -> list[int | None]:
    """The axes of a side's factor (lead axes, rank as None, the side's axes) if the array's axes are in `order`."""
    lead = [i for i in order if roles[i] == "lead"]
    return [*lead, None, *(i for i in order if roles[i] == side)]


def simplify(low: LowRank) -> Any:
    """Returns the plain array if one side has a single element, because it is then no larger than a factor."""
    return form(low) if 1 in (low.extent("row"), low.extent("col")) else low


def cast(low: LowRank, dtype: Any) -> LowRank:
    """Returns `low` in another dtype, which must be able to hold its values up to rounding."""
    return map_factors(
        low, lambda w: lax.convert_element_type(w, dtype), lambda x, _: lax.convert_element_type(x, dtype)
    )


def negative(low: LowRank) -> LowRank:
    """Returns `-low`. Only one factor changes its sign."""
    return dataclasses.replace(low, w=-low.w, a=-low.a)


def transpose_axes(low: LowRank, order: Sequence[int]) -> LowRank:
    """Returns `low` with its axes in another order, given as for `lax.transpose`."""

    def on_factor(factor: Any, side: Role) -> Any:
        axes = low.factor_axes(side)
        return lax.transpose(factor, [axes.index(i) for i in side_axes(low.roles, order, side)])

    roles = [low.roles[i] for i in order]
    return map_factors(low, lambda w: lax.transpose(w, order), on_factor, roles)


def broadcast_axes(low: LowRank, shape: Sequence[int], kept: Sequence[int]) -> LowRank:
    """Returns `low` broadcast to a shape. `kept` are the places of its own axes, as for `lax.broadcast_in_dim`."""
    roles: list[Role] = ["row"] * len(shape)
    for i, j in enumerate(kept):
        roles[j] = low.roles[i]

    def on_factor(factor: Any, side: Role) -> Any:
        target = side_axes(roles, range(len(shape)), side)
        rank = factor.shape[low.roles.count("lead")]
        sizes = [rank if j is None else shape[j] for j in target]
        places = [target.index(None if i is None else kept[i]) for i in low.factor_axes(side)]
        return lax.broadcast_in_dim(factor, sizes, places)

    return map_factors(low, lambda w: lax.broadcast_in_dim(w, shape, kept), on_factor, roles)


def pad_axes(low: LowRank, value: Any, config: Sequence[tuple[int, int, int]]) -> LowRank:
    """Returns `low` padded as by `lax.pad`: `w` is padded with the value, the factors with zeros."""

    def on_factor(factor: Any, side: Role) -> Any:
        spans = [(0, 0, 0) if i is None else config[i] for i in low.factor_axes(side)]
        return lax.pad(factor, jnp.zeros((), factor.dtype), spans)

    return map_factors(low, lambda w: lax.pad(w, value, config), on_factor)
