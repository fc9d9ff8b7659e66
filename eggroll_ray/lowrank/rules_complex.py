"""Rules for complex values: casts, real and imaginary parts, conjugates, and `complex(x, y)` of two real parameters.

The real part of `a b` is `Re(a) Re(b) - Im(a) Im(b)`, which is not one product but two. Taking a part therefore doubles
the rank.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import lax

from eggroll_ray.lowrank.parameter import LowRank, Role
from eggroll_ray.lowrank.rule import Trace, UnsupportedPrimitiveError, cast, map_factors, refuse_scaled
from eggroll_ray.lowrank.rules_combine import add


def _convert(trace: Trace, eqn: Any, low: LowRank) -> LowRank:
    dtype = eqn.params["new_dtype"]
    if not jnp.issubdtype(dtype, jnp.inexact):
        raise UnsupportedPrimitiveError(eqn.primitive.name, low, f"{dtype} is neither a float nor complex")
    loses_imaginary = _is_complex(low) and not jnp.issubdtype(dtype, jnp.complexfloating)
    return cast(_real(trace, eqn, low) if loses_imaginary else low, dtype)


def _real(trace: Trace, eqn: Any, low: LowRank) -> LowRank:
    return _part(eqn, low, lax.real, (lax.real(low.a), -lax.imag(low.a)), (lax.real(low.b), lax.imag(low.b)))


def _imag(trace: Trace, eqn: Any, low: LowRank) -> LowRank:
    return _part(eqn, low, lax.imag, (lax.real(low.a), lax.imag(low.a)), (lax.imag(low.b), lax.real(low.b)))


def _part(eqn: Any, low: LowRank, take: Callable[[Any], Any], a: tuple[Any, Any], b: tuple[Any, Any]) -> LowRank:
    refuse_scaled(eqn, low)
    rank_axis = low.roles.count("lead")
    return dataclasses.replace(low, w=take(low.w), a=jnp.concatenate(a, rank_axis), b=jnp.concatenate(b, rank_axis))


def _conj(trace: Trace, eqn: Any, low: LowRank) -> LowRank:
    def conj(x: Any, side: Role | None = None) -> Any:
        return lax.conj(x)  # its result is complex, even if x is real

    return map_factors(low, conj, conj)


def _complex(trace: Trace, eqn: Any, x: Any, y: Any) -> Any:
    dtype = eqn.outvars[0].aval.dtype

    def as_complex(value: Any, unit: complex) -> Any:
        if isinstance(value, LowRank):
            return map_factors(cast(value, dtype), lambda w: w * unit, lambda f, side: f * unit if side == "row" else f)
        new = lax.convert_element_type(value, dtype) * unit
        if trace.facts.is_shared(value):
            trace.facts.share([new])
        return new

    return add(trace, eqn, as_complex(x, 1.0), as_complex(y, 1j))


def _is_complex(low: LowRank) -> bool:
    return bool(jnp.issubdtype(low.dtype, jnp.complexfloating))


COMPLEX: dict[str, Callable[..., Any]] = {
    "complex": _complex,
    "conj": _conj,
    "convert_element_type": _convert,
    "imag": _imag,
    "real": _real,
}
