"""Looking into traced programs."""

from typing import Any

from jax.extend.core import ClosedJaxpr, Jaxpr


def called(params: dict[str, Any]) -> list[Jaxpr]:
    """The programs that an equation with these parameters calls."""
    values = [x for value in params.values() for x in (value if isinstance(value, list | tuple) else [value])]
    values = [value.jaxpr if isinstance(value, ClosedJaxpr) else value for value in values]
    return [value for value in values if isinstance(value, Jaxpr)]


def operations_in_loops(jaxpr: Jaxpr, in_loop: bool = False) -> int:
    """How many operations are written down in the loops of a program, however often they are done."""
    total = len(jaxpr.eqns) if in_loop else 0
    for equation in jaxpr.eqns:
        inside = in_loop or equation.primitive.name in ("while", "scan")
        total += sum(operations_in_loops(one, inside) for one in called(equation.params))
    return total
