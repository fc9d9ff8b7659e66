"""Numbers as users give them, NumPy's and JAX's as well, made plain: settings are compared, recorded and sent."""

import dataclasses
import operator
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jax.core import Tracer


def plain(value: Any) -> Any:
    """Returns a number of NumPy or JAX as Python's, of tuples, lists and mappings their contents; else what it is."""
    is_array = isinstance(value, np.generic | np.ndarray | jax.Array) and not isinstance(value, Tracer)
    if is_array and value.ndim == 0:
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
      ValueError: when it is none, with its name.
    """
    try:
        return operator.index(value)
    except TypeError as error:
        raise ValueError(f"{name}={value!r} must be a whole number; write it without a point.") from error
