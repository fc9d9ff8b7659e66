"""Data that a fitness reads beside its parameters: put once on the device of a worker, an argument of its programs.

Arrays that a function closes over are constants of the compiled program instead: XLA reads them while it compiles, and
the program that is kept on disk holds a copy.
"""

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr

from eggroll_ray.compiling.jaxprs import constant_bytes
from eggroll_ray.es.digest import digest

_log = logging.getLogger(__name__)

_MANY_BYTES = 1 << 20  # of constants, from which on compiling and the cache of programs feel them


class Data:
    """The data of a fitness: on the host, and from its first use on also on the device of this process.

    Attributes:
      host: `()`, or a tuple of the one pytree that was given, whose leaves are NumPy arrays.
    """

    def __init__(self, host: tuple[Any, ...]):
        """Takes what is to stand between parameters and key when the fitness is called.

        Args:
          host: see the attribute; the arrays are not copied, and must not be changed any more.

        Raises:
          ValueError: for a leaf that is no array of numbers.
        """
        self.host = jax.tree_util.tree_map_with_path(_on_host, host)
        self._placed: Any = None

    def __reduce__(self) -> Any:
        return Data, (self.host,)

    def check_fits_jax(self) -> None:
        """Raises ValueError for integers that JAX would cut off."""
        for path, array in jax.tree_util.tree_flatten_with_path(self.host)[0]:
            narrow = array.astype(jax.dtypes.canonicalize_dtype(array.dtype))
            if array.dtype.kind in "iu" and (narrow != array).any():
                raise ValueError(
                    f"leaf {_name(path)!r} of data is {array.dtype} and has numbers beyond 32 bits, which JAX would "
                    "cut off; give smaller ones, or turn on jax_enable_x64."
                )

    def placed(self) -> Any:
        """Returns `host` on the device, where it was put at the first call."""
        if self._placed is None:
            self._placed = jax.device_put(self.host)
        return self._placed

    def settings(self, name: str = "data") -> dict[str, str]:
        """Returns what the record of a run keeps of it: a fingerprint, so that a run goes on with the same data."""
        return {name: digest(self.host)} if self.host else {}


class HeldOut(NamedTuple):
    """What the mean parameters are tested on, where it is not what members are evaluated on."""

    data: Data  # () where the test has the data of the fitness
    fn: Callable[..., Any] | None  # called as the fitness is; None: the fitness itself

    def settings(self) -> dict[str, str]:
        """Returns what the record of a run keeps of it."""
        found = {} if self.fn is None else {"test": getattr(self.fn, "__name__", type(self.fn).__name__)}
        return {**found, **self.data.settings("test_data")}


def _on_host(path: Any, leaf: Any) -> np.ndarray:
    array = np.asarray(leaf)
    if array.dtype.kind in "OSUMm":
        raise ValueError(
            f"leaf {_name(path)!r} of data is a {type(leaf).__name__} ({array.dtype}), no array of numbers; put "
            "numbers in its place, or let the fitness close over it."
        )
    return array


def _name(path: Any) -> str:
    return jax.tree_util.keystr(path[1:], simple=True, separator="/")


def warn_of_constants(name: str, traced: ClosedJaxpr) -> None:
    """Warns when a fitness closes over so much that it should be given as data."""
    if (size := constant_bytes(traced)) > _MANY_BYTES:
        _log.warning(
            "the fitness %s closes over %.1f MB of arrays: they become part of every program that is compiled of it, "
            "and are kept on disk with it. Give them as data: from_fitness(fn, params, data=arrays), with "
            "fn(params, data, key).",
            name,
            size / 1e6,
        )
