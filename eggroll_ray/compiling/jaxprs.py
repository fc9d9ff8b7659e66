"""Functions that inspect traced programs."""

from collections.abc import Iterable
from typing import Any

from jax.extend.core import ClosedJaxpr, Jaxpr, Literal


def called(params: dict[str, Any]) -> list[Jaxpr]:
    """Returns the programs that an equation with these parameters calls."""
    values = [value.jaxpr if isinstance(value, ClosedJaxpr) else value for value in _each(params)]
    return [value for value in values if isinstance(value, Jaxpr)]


def _each(params: dict[str, Any]) -> list[Any]:
    return [x for value in params.values() for x in (value if isinstance(value, list | tuple) else [value])]


def constant_bytes(closed: ClosedJaxpr) -> int:
    """Returns the bytes of the constant arrays in a program, including those in programs that it calls."""
    counted: dict[int, int] = {}  # by identity, because one array may occur in several places

    def count(constants: Iterable[Any]) -> None:
        counted.update((id(value), getattr(value, "nbytes", 0)) for value in constants)

    def look(jaxpr: Jaxpr) -> None:
        for equation in jaxpr.eqns:
            count(operand.val for operand in equation.invars if isinstance(operand, Literal))
            for value in _each(equation.params):
                if isinstance(value, ClosedJaxpr):
                    count(value.consts)
            for inner in called(equation.params):
                look(inner)

    count(closed.consts)
    look(closed.jaxpr)
    return sum(counted.values())


def operations_in_loops(jaxpr: Jaxpr, in_loop: bool = False) -> int:
    """Returns the number of operations inside the loops of a program, each counted once."""
    total = len(jaxpr.eqns) if in_loop else 0
    for equation in jaxpr.eqns:
        inside = in_loop or equation.primitive.name in ("while", "scan")
        total += sum(operations_in_loops(one, inside) for one in called(equation.params))
    return total
