"""Rules for a low-rank parameter that is flattened to a vector, as `jnp.vdot(w, w)` does for an L2 term.

A vector has no rows and columns, and so no low-rank form. The parameter is therefore kept in its own shape until the
vector is summed or multiplied.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from eggroll_ray.lowrank.parameter import LowRank, Role, form
from eggroll_ray.lowrank.rule import Trace, UnsupportedPrimitiveError
from eggroll_ray.lowrank.rules_move import RULES
from eggroll_ray.lowrank.rules_pair import sum_of_product


@dataclasses.dataclass(frozen=True, eq=False)
class Flat:
    """Represents the entries of `low` as one vector, without forming it."""

    low: LowRank

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.low.w.size,)

    @property
    def roles(self) -> tuple[Role, ...]:
        return self.low.roles

    @property
    def paths(self) -> tuple[str, ...]:
        return self.low.paths

    @property
    def path(self) -> str:
        return self.low.path


def formed_flat(flat: Flat) -> Any:
    """The explicit vector."""
    return form(flat.low).reshape(-1)


def _reshape(trace: Trace, eqn: Any, low: LowRank) -> Any:
    try:
        return RULES["reshape"](trace, eqn, low)
    except UnsupportedPrimitiveError:
        if tuple(eqn.params["new_sizes"]) != (low.w.size,) or eqn.params.get("dimensions") is not None:
            raise
        return Flat(low)


def _reshape_back(trace: Trace, eqn: Any, flat: Flat) -> Any:
    return trace.apply(eqn, flat.low)[0]


def _dot_general(trace: Trace, eqn: Any, x: Any, y: Any) -> Any:
    """The product with another flattened parameter, or with a plain vector."""
    low, other = (x.low, y) if isinstance(x, Flat) else (y.low, x)
    axes = list(range(low.ndim))
    if isinstance(other, Flat) and other.low.shape == low.shape and eqn.outvars[0].aval.ndim == 0:
        return sum_of_product(trace, eqn, (low, axes), (other.low, axes), [])
    if isinstance(other, Flat | LowRank) or eqn.outvars[0].aval.ndim:
        raise UnsupportedPrimitiveError(eqn.primitive.name, low, "it is laid out as one vector")

    def product(w: Any, v: Any) -> Any:
        options = {"precision": eqn.params["precision"], "preferred_element_type": eqn.outvars[0].aval.dtype}
        return jnp.einsum(w, axes, v.reshape(low.shape), axes, [], **options)

    return trace.call(product, low, other)


def _reduce_sum(trace: Trace, eqn: Any, flat: Flat) -> Any:
    return trace.call(jnp.sum, flat.low)


FLATTENS: dict[str, Callable[..., Any]] = {"reshape": _reshape}

# Rules for equations with a `Flat` operand.
OF_FLAT: dict[str, Callable[..., Any]] = {
    "dot_general": _dot_general,
    "reduce_sum": _reduce_sum,
    "reshape": _reshape_back,
}
