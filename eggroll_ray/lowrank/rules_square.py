"""Rules for squares and other elementwise products of low-rank parameters, as in norms, L2 terms and variances.

Such a product is as large as the matrix and not low-rank. But functions rarely use the product itself; they sum its
entries. It is therefore kept as pairs of factors, and multiplied only when it is summed.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from eggroll_ray.lowrank.parameter import LowRank, Role, form
from eggroll_ray.lowrank.rule import Trace, UnsupportedPrimitiveError, bind, joined_paths, negative
from eggroll_ray.lowrank.rules_combine import SUMS
from eggroll_ray.lowrank.rules_pair import sum_of_product


@dataclasses.dataclass(frozen=True, eq=False)
class Squares:
    """Represents the array `rest + sum of x * y` over pairs of low-rank parameters, without forming it.

    Attributes:
        pairs: at least one pair `(x, y)`, all of the same shape and dtype.
        rest: a plain array of that shape, or None.
    """

    pairs: tuple[tuple[LowRank, LowRank], ...]
    rest: Any = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.pairs[0][0].shape

    @property
    def roles(self) -> tuple[Role, ...]:
        return self.pairs[0][0].roles

    @property
    def paths(self) -> tuple[str, ...]:
        return joined_paths(*(low for pair in self.pairs for low in pair))

    @property
    def path(self) -> str:
        return "+".join(self.paths)


def formed_squares(squares: Squares) -> Any:
    """The explicit array."""
    products = [form(x) * form(y) for x, y in squares.pairs]
    return sum(products, 0.0 if squares.rest is None else squares.rest)


# --- operations that make Squares ------------------------------------------------------------------


def _mul(trace: Trace, eqn: Any, x: Any, y: Any) -> Any:
    if isinstance(x, LowRank) and isinstance(y, LowRank) and x.shape == y.shape:
        return Squares(((x, y),))
    return SUMS["mul"](trace, eqn, x, y)


def _square(trace: Trace, eqn: Any, low: LowRank) -> Squares:
    return Squares(((low, low),))


def _power(trace: Trace, eqn: Any, low: Any, exponent: Any = None) -> Squares:
    """`integer_pow` or `pow`."""
    exponent = eqn.params.get("y", exponent)
    known = np.ndim(exponent) == 0 and trace.facts.varying(exponent)[1]
    if not isinstance(low, LowRank) or not known or exponent != 2:
        raise UnsupportedPrimitiveError(eqn.primitive.name, low, "only the power 2 has a rule")
    return Squares(((low, low),))


# --- operations on Squares -------------------------------------------------------------------------


def _move(trace: Trace, eqn: Any, squares: Squares) -> Any:
    """An operation such as a transpose, which may be applied to the factors instead of the product."""

    def moved(value: Any) -> Any:
        return trace.apply(eqn, value)[0]

    rest = None if squares.rest is None else moved(squares.rest)
    return _gathered([(moved(x), moved(y)) for x, y in squares.pairs], rest)


def _gathered(pairs: list[tuple[Any, Any]], rest: Any) -> Any:
    """Collects pairs into `Squares`. Pairs that have become plain, and so are small, are multiplied."""
    kept = []
    for x, y in pairs:
        if isinstance(x, LowRank) and isinstance(y, LowRank):
            kept.append((x, y))
        else:
            product = _formed(x) * _formed(y)
            rest = product if rest is None else rest + product
    return Squares(tuple(kept), rest) if kept else rest


def _formed(value: Any) -> Any:
    return form(value) if isinstance(value, LowRank) else value


def _neg(trace: Trace, eqn: Any, squares: Squares) -> Squares:
    rest = None if squares.rest is None else -squares.rest
    return Squares(tuple((negative(x), y) for x, y in squares.pairs), rest)


def _scale(trace: Trace, eqn: Any, x: Any, y: Any) -> Any:
    """`mul` or `div`: scales one factor of each pair by the rule for that parameter."""
    squares, flipped = (x, False) if isinstance(x, Squares) else (y, True)

    def scaled(value: Any) -> Any:
        return trace.apply(eqn, *((x, value) if flipped else (value, y)))[0]

    if isinstance(y if not flipped else x, LowRank | Squares) or eqn.outvars[0].aval.shape != squares.shape:
        raise UnsupportedPrimitiveError(eqn.primitive.name, squares, "the result is not linear in the product")
    rest = None if squares.rest is None else scaled(squares.rest)
    return _gathered([(scaled(first), second) for first, second in squares.pairs], rest)


def _add(trace: Trace, eqn: Any, x: Any, y: Any) -> Any:
    """`add` or `sub`."""
    squares = x if isinstance(x, Squares) else y
    if isinstance(x, LowRank) or isinstance(y, LowRank) or eqn.outvars[0].aval.shape != squares.shape:
        raise UnsupportedPrimitiveError(eqn.primitive.name, squares, "only squares and plain arrays are added to it")
    if eqn.primitive.name == "sub":
        y = _neg(trace, eqn, y) if isinstance(y, Squares) else -y
    pairs = [pair for value in (x, y) if isinstance(value, Squares) for pair in value.pairs]
    plain = [value.rest if isinstance(value, Squares) else value for value in (x, y)]
    rests = [jnp.broadcast_to(rest, squares.shape) for rest in plain if rest is not None]
    return Squares(tuple(pairs), sum(rests[1:], rests[0]) if rests else None)


def _reduce_sum(trace: Trace, eqn: Any, squares: Squares) -> Any:
    ids = range(len(squares.shape))
    out = [i for i in ids if i not in eqn.params["axes"]]
    sums = [sum_of_product(trace, eqn, (x, ids), (y, ids), out) for x, y in squares.pairs]
    if squares.rest is not None:
        sums.append(bind(eqn, squares.rest)[0])
    return sum(sums[1:], sums[0])


SQUARES: dict[str, Callable[..., Any]] = {"integer_pow": _power, "mul": _mul, "pow": _power, "square": _square}

_MOVES = (
    *("broadcast_in_dim", "convert_element_type", "copy", "copy_p", "reshape", "rev", "slice", "squeeze"),
    *("stop_gradient", "transpose"),
)

# Rules for equations with a `Squares` operand.
OF_SQUARES: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(_MOVES, _move),
    "add": _add,
    "add_any": _add,
    "div": _scale,
    "mul": _scale,
    "neg": _neg,
    "reduce_sum": _reduce_sum,
    "sub": _add,
}
