"""Fingerprints of traced programs, to tell whether a user's function is still the same as before."""

import enum
import hashlib
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

_NAMES = ("name", "jaxpr_name", "source_info", "debug_info")  # parameters without effect on the result
_MOST_NUMBERS = 32


class Fingerprint(NamedTuple):
    """Describes what a traced function computes, independent of names and source files.

    It is the same in every process and on every machine with the same version of JAX.
    """

    program: str  # hash of the operations, their order, shapes and types
    numbers: tuple[float, ...]  # the first floating-point constants of the program, without repetitions
    all: str  # hash of the operations and of all constants


def fingerprint(closed: ClosedJaxpr) -> Fingerprint:
    """Returns the fingerprint of a traced program."""
    parts = list(_parts(closed.jaxpr, closed.consts))
    # The numbers as they were written: 0.05, not the exact value of the nearest float32.
    numbers = [float(str(x)) for x in parts if isinstance(x, np.ndarray) and x.ndim == 0 and x.dtype.kind == "f"]
    shown = tuple(dict.fromkeys(filter(math.isfinite, numbers)))[:_MOST_NUMBERS]
    operations = [f"{x.dtype}{x.shape}" if isinstance(x, np.ndarray) else x for x in parts]
    whole = [x.tobytes() if isinstance(x, np.ndarray) else x.encode() for x in parts]
    return Fingerprint(_hash(x.encode() for x in operations), shown, _hash([*map(str.encode, operations), *whole]))


def _hash(parts: Any) -> str:
    hasher = hashlib.blake2b(digest_size=8)
    for part in parts:
        hasher.update(len(part).to_bytes(8) + part)
    return hasher.hexdigest()


def _parts(jaxpr: Jaxpr, consts: Any = ()) -> Iterator[str | np.ndarray]:
    """The parts of a program: texts, and arrays for its constants."""
    numbers: dict[Any, int] = {}

    def shown(variable: Any) -> Iterator[str | np.ndarray]:
        if isinstance(variable, Literal):
            yield _array(variable.val)
        else:
            yield f"{numbers.setdefault(variable, len(numbers))}"
        yield str(variable.aval)

    for const in consts:
        yield _array(const)
    for variable in (*jaxpr.constvars, *jaxpr.invars):
        yield from shown(variable)
    for equation in jaxpr.eqns:
        yield equation.primitive.name
        yield from _value({name: value for name, value in equation.params.items() if name not in _NAMES})
        for variable in (*equation.invars, *equation.outvars):
            yield from shown(variable)
    for variable in jaxpr.outvars:
        yield from shown(variable)


def _value(value: Any) -> Iterator[str | np.ndarray]:
    """The parts of an operation's parameter."""
    if isinstance(value, ClosedJaxpr):
        yield from _parts(value.jaxpr, value.consts)
    elif isinstance(value, Jaxpr):
        yield from _parts(value)
    elif isinstance(value, Mapping):
        for name in sorted(value, key=str):
            yield str(name)
            yield from _value(value[name])
    elif isinstance(value, tuple | list):
        yield f"{type(value).__name__} {len(value)}"
        for item in value:
            yield from _value(item)
    elif isinstance(value, np.ndarray | np.generic | jax.Array):
        yield _array(value)
    elif value is None or isinstance(value, bool | int | float | complex | str | bytes | np.dtype | enum.Enum):
        yield repr(value)
    else:  # not its repr, which may contain an address
        yield type(value).__qualname__


def _array(value: Any) -> np.ndarray:
    is_key = hasattr(value, "dtype") and jnp.issubdtype(value.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(value) if is_key else value)
