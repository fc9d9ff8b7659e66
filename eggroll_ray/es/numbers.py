"""Converts NumPy and JAX numbers to Python's, because settings are compared, recorded and sent to workers."""

import dataclasses
import operator
import sys
from collections.abc import Mapping
from typing import Any


def _is_scalar_array(value: Any) -> bool:
    """Whether a value is a number of NumPy or JAX. If neither has been imported, it cannot be one."""
    numpy, jax = sys.modules.get("numpy"), sys.modules.get("jax")
    if numpy is not None and isinstance(value, numpy.generic | numpy.ndarray):
        return value.ndim == 0
    if jax is None or not isinstance(value, jax.Array) or isinstance(value, jax.core.Tracer):
        return False
    return value.ndim == 0


def plain(value: Any) -> Any:
    """Returns NumPy and JAX numbers as Python's, also inside tuples, lists and mappings; other values unchanged."""
    if _is_scalar_array(value):
        return value.item()
    if isinstance(value, tuple | list) and not hasattr(value, "_fields"):
        return type(value)(plain(item) for item in value)
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    return value


def make_plain(record: Any) -> None:
    """Makes the fields of a frozen dataclass plain, in its `__post_init__`."""
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if (made := plain(value)) is not value:
            object.__setattr__(record, field.name, made)


def whole(name: str, value: Any) -> int:
    """Returns a whole number as Python's.

    Raises:
      ValueError: if it is not a whole number; the message contains `name`.
    """
    try:
        return operator.index(value)
    except TypeError as error:
        raise ValueError(f"{name}={value!r} must be a whole number; write it without a point.") from error
