"""Perturbed parameters: a shared matrix plus a low-rank term that is never formed.

Letters in shapes: `l` lead axes (stacked layers), `m` row axes, `k` column axes, `r` rank. A group
of axes may be empty or hold several axes, and the groups may be interleaved in `w`.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact

from eggroll_ray.lowrank.rounding import (
    is_narrow,
    round_at_random,
    words_of_entries,
    words_of_member,
    words_of_noise,
    words_of_places,
)

Role = str  # "lead", "row" or "col"


@dataclasses.dataclass(frozen=True, eq=False)
class LowRank:
    """Represents the array `w + sign * sum_r a[.., r, ..] b[.., r, ..]`, of the shape of `w`, without forming it.

    The scale sigma / sqrt(r) is part of `a`. The sign is separate, so that the two members of a pair (twins) share `a`
    and `b`, which halves the memory traffic. Fields are annotated `Any` because `jax.vmap` puts axis numbers in their
    place.

    Attributes:
        w: the shared array, with lead, row and column axes in any order.
        a: `l r m`: the lead axes in the order of `w`, the rank axis, the row axes in the order of `w`.
        b: `l r k`: the same with the column axes.
        roles: one of "lead", "row", "col" per axis of `w`.
        paths: paths of the parameters that it consists of, for error messages.
        row_scale: `l 1 m` or None. Multiplies `w` only, as `a` already contains it. Only `lift` sets it. It is not
            multiplied into the shared `w`, because it may differ between members.
        col_scale: `l 1 k` or None. The same for the columns and `b`.
        sign: a scalar, 1 or -1; None means 1.
    """

    w: Any
    a: Any
    b: Any
    roles: tuple[Role, ...]
    paths: tuple[str, ...]
    row_scale: Any = None
    col_scale: Any = None
    sign: Any = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.w.shape

    @property
    def dtype(self) -> Any:
        return self.w.dtype

    @property
    def ndim(self) -> int:
        return self.w.ndim

    @property
    def rank(self) -> int:
        return self.a.shape[self.roles.count("lead")]

    @property
    def path(self) -> str:
        return "+".join(self.paths)

    @property
    def is_scaled(self) -> bool:
        return self.row_scale is not None or self.col_scale is not None

    def axes(self, *roles: Role) -> tuple[int, ...]:
        """Axes of `w` with one of the roles, in the order of `w`."""
        return tuple(i for i, role in enumerate(self.roles) if role in roles)

    def extent(self, *roles: Role) -> int:
        """Number of elements along the axes with one of the roles."""
        return int(np.prod([self.shape[i] for i in self.axes(*roles)], dtype=np.int64))

    def factor_axes(self, side: Role) -> tuple[int | None, ...]:
        """For each axis of that side's factor, the corresponding axis of `w`, or None for the rank axis."""
        return (*self.axes("lead"), None, *self.axes(side))


jax.tree_util.register_dataclass(
    LowRank,
    data_fields=["w", "a", "b", "row_scale", "col_scale", "sign"],
    meta_fields=["roles", "paths"],
)


@dataclasses.dataclass(frozen=True, eq=False)
class Noised:
    """An array of one member, to which dense noise has already been added."""

    value: Any


jax.tree_util.register_dataclass(Noised, data_fields=["value"], meta_fields=[])


def low_rank(
    w: Inexact[Array, "..."],
    a: Inexact[Array, "..."],
    b: Inexact[Array, "..."],
    lead: int = 0,
    path: str = "",
    sign: Float[Array, ""] | None = None,
) -> LowRank:
    """Perturbs `w` of shape `(*l, *m, *k)` by the low-rank product of `a` and `b`.

    Args:
        w: shared array: `lead` leading axes, then row axes, then column axes.
        a: `(*l, r, *m)`, including the scale. Its number of axes determines how many axes of `w` are rows.
        b: `(*l, r, *k)`.
        lead: number of leading axes.
        path: name of the parameter, for error messages.
        sign: sign of the perturbation, 1 or -1; None means 1.

    Returns:
        The perturbed parameter, its factors cast to the dtype of `w`.

    Raises:
        ValueError: the shapes do not fit together.
    """
    rows = a.ndim - lead - 1
    fits = (
        rows >= 0
        and a.shape[:lead] == b.shape[:lead] == w.shape[:lead]
        and a.shape[lead + 1 :] + b.shape[lead + 1 :] == w.shape[lead:]
        and a.shape[lead] == b.shape[lead]
    )
    if not fits:
        raise ValueError(
            f"low-rank factors of {path!r} have shapes a {a.shape} and b {b.shape}; for w "
            f"{w.shape} with {lead} lead axes a must be (*lead, r, *rows) and b (*lead, r, *cols). "
            "Reshape the factors, or check the split into rows and columns."
        )
    roles = ("lead",) * lead + ("row",) * rows + ("col",) * (w.ndim - lead - rows)
    return LowRank(w, a.astype(w.dtype), b.astype(w.dtype), roles, (path,), sign=sign)


def is_perturbed(x: Any) -> bool:
    """Whether `x` is a perturbed leaf. Use it as `is_leaf` of functions in `jax.tree`."""
    return isinstance(x, LowRank | Noised)


def densify(tree: Any) -> Any:
    """Forms every low-rank leaf. Under `vmap` this takes members x m x k elements: use it in checks and on the host."""
    return jax.tree.map(_dense, tree, is_leaf=is_perturbed)


def _dense(leaf: Any) -> Any:
    if isinstance(leaf, Noised):
        return leaf.value
    return form(leaf) if isinstance(leaf, LowRank) else leaf


def form(low: LowRank) -> Inexact[Array, "..."]:
    """The explicit array, in the dtype of `w`."""
    rank_axis = low.ndim
    ids = [[rank_axis if axis is None else axis for axis in low.factor_axes(side)] for side in ("row", "col")]
    wide = jnp.float32 if is_narrow(low.dtype) else None
    term = jnp.einsum(low.a, ids[0], low.b, ids[1], list(range(low.ndim)), preferred_element_type=wide)
    if wide is None:
        return scaled_w(low) + signed(low, term).astype(low.dtype)
    places = places_of(low)
    words = words_of_entries(_along(low, places.a, "row"), _along(low, places.b, "col"), words_of_noise(low.b))
    words = words_of_member(jnp.broadcast_to(words, low.shape), low.sign)
    return round_at_random(scaled_w(low).astype(wide) + signed(low, term), words, low.dtype)


def places_of(low: LowRank) -> LowRank:
    """Returns `low` with random words in place of its factors: rank one, a word per entry, the same for all members."""
    lead = low.roles.count("lead")
    shapes = [(*factor.shape[:lead], 1, *factor.shape[lead + 1 :]) for factor in (low.a, low.b)]
    a = words_of_places(shapes[0], 0)
    return dataclasses.replace(low, a=a, b=words_of_places(shapes[1], a.size))


def signed(low: LowRank, term: Any) -> Any:
    """Multiplies the perturbation, or a part of it, by the sign of the member."""
    return term if low.sign is None else term * low.sign.astype(term.dtype)


def fold_sign(low: LowRank) -> LowRank:
    """Returns `low` with the sign multiplied into `a`, which twins then no longer share.

    Needed before further ranks are added, since the sign does not apply to them.
    """
    return dataclasses.replace(low, a=signed(low, low.a), sign=None)


def scaled_w(low: LowRank) -> Inexact[Array, "..."]:
    """The array without its perturbation: the shared `w`, times the scales if there are any."""
    w = low.w
    for scale, side in ((low.row_scale, "row"), (low.col_scale, "col")):
        if scale is not None:
            w = w * _along(low, scale, side)
    return w


def _along(low: LowRank, factor: Any, side: Role) -> Any:
    """Reshapes a factor of rank one, of the given side, to the axes of `w`; axes that it lacks have size 1."""
    axes, own = low.factor_axes(side), low.axes("lead", side)
    vector = jnp.transpose(factor, [axes.index(i) for i in (None, *own)])[0]
    return jnp.expand_dims(vector, [i for i in range(low.ndim) if i not in own])


def member_axes(tree: Any) -> Any:
    """Returns the `in_axes` or `out_axes` with which `jax.vmap` maps over the members, or the pairs, of `tree`.

    Returns:
        A tree of the same structure: 0 for factors, signs and noised arrays, None for arrays that are shared.
    """
    return jax.tree.map(lambda leaf: _own_axes(leaf, 0), tree, is_leaf=is_perturbed)


def twin_axes(tree: Any) -> Any:
    """Like `member_axes`, but for mapping over the two members of one pair, which also share their factors."""
    return jax.tree.map(lambda leaf: _own_axes(leaf, None), tree, is_leaf=is_perturbed)


def _own_axes(leaf: Any, factors: int | None) -> Any:
    if isinstance(leaf, Noised):
        return Noised(0)
    if not isinstance(leaf, LowRank):
        return None
    sign = None if leaf.sign is None else 0
    return dataclasses.replace(leaf, w=None, a=factors, b=factors, sign=sign)
