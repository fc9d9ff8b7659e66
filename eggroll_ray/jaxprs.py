"""Looking into traced programs."""

from typing import Any

from jax.extend.core import ClosedJaxpr, Jaxpr


def called(params: dict[str, Any]) -> list[Jaxpr]:
    """The programs that an equation with these parameters calls."""
    values = [x for value in params.values() for x in (value if isinstance(value, list | tuple) else [value])]
    values = [value.jaxpr if isinstance(value, ClosedJaxpr) else value for value in values]
    return [value for value in values if isinstance(value, Jaxpr)]


def operations(jaxpr: Jaxpr) -> int:
    """How many operations are written down in a program and in those that it calls, however often they are done."""
    inside = [one for equation in jaxpr.eqns for one in called(equation.params)]
    return len(jaxpr.eqns) + sum(map(operations, inside))
