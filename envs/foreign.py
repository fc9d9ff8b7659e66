"""Helpers for running the code of other environment suites inside this package."""

import contextlib
from collections.abc import Hashable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

Options = tuple[tuple[str, Hashable], ...]


@contextlib.contextmanager
def lenient() -> Iterator[None]:
    """Lets code inside this context mix dtypes and ranks, whatever the settings of this process; also while tracing."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


@contextlib.contextmanager
def building() -> Iterator[None]:
    """Like `lenient`. In addition, arrays made inside are concrete, even if a caller is being traced."""
    with jax.ensure_compile_time_eval(), lenient():
        yield


def strong(tree: Any) -> Any:
    """Gives every leaf a fixed dtype, so that a state has the same type after every step.

    With Python numbers or weakly typed arrays, the type of a `scan` carry would change.
    """
    return jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, jnp.result_type(leaf)), tree)


def frozen(name: str, options: dict[str, Any]) -> Options:
    """Returns the options in a hashable form; `dict(...)` undoes it."""
    for key, value in options.items():
        if not isinstance(value, Hashable):
            raise ValueError(
                f"option {key}={value!r} of {name} must be hashable, because environments are sent to workers by "
                "their name and options: use a number, a string or a tuple"
            )
    return tuple(sorted(options.items()))
