"""Which examples of a data set the members of a generation see: the same ones for all, each once in an epoch.

A generation's examples follow from (seed, generation) alone, so they are the same on every worker, in a run that is
continued, and when a member is reproduced. An epoch is as many generations as there are whole minibatches. Each epoch
has an order of its own; the examples that are left over at its end, fewer than a minibatch, are left out of it.
"""

import functools
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Int

from eggroll_ray.compiling.switches import one_way_of_drawing
from eggroll_ray.es.numbers import whole
from eggroll_ray.es.random import fold_in, stream_key
from eggroll_ray.evaluators.data import Data

_KEPT = 4  # orders of epochs that a process keeps, of all its runs


class Minibatches(NamedTuple):
    """The minibatches of a data set."""

    size: int
    examples: int  # of the data set

    def places(self, seed: int, generation: int) -> Int[np.ndarray, " size"]:
        """Returns the places of a generation's examples in the data set, int32, without any twice."""
        epoch, number = divmod(generation, self.examples // self.size)
        return _order(seed, epoch, self.examples)[number * self.size : (number + 1) * self.size]


def minibatches(data: Data, size: int | None) -> Minibatches | None:
    """Checks that data can be cut into minibatches; None where the fitness sees all of it.

    Args:
      data: of a fitness: every leaf has one entry per example on its first axis.
      size: examples of a minibatch.

    Raises:
      ValueError: without data, for leaves of different lengths, and for a size that is not in [1, examples].
    """
    if size is None:
        return None
    size, examples = whole("minibatch", size), count_examples(data, "minibatch", "data")
    if not 1 <= size <= examples:
        raise ValueError(f"minibatch={size} must be in [1, {examples}], the examples of data; choose fewer.")
    return Minibatches(size, examples)


def count_examples(data: Data, option: str, name: str) -> int:
    """Returns the length of the first axis that all leaves share.

    Raises:
      ValueError: naming the option that needs it, where there is no such length.
    """
    flat = jax.tree_util.tree_flatten_with_path(data.host)[0]
    if not flat:
        raise ValueError(f"{option} needs {name}: from_fitness(fn, params, ..., {name}=arrays).")
    lengths = {jax.tree_util.keystr(path[1:], simple=True, separator="/"): np.shape(leaf)[:1] for path, leaf in flat}
    if len(found := {*lengths.values()}) > 1 or found == {()}:
        shown = ", ".join(
            f"{leaf or 'the array'} has {', '.join(map(str, n)) or 'none'}" for leaf, n in lengths.items()
        )
        raise ValueError(
            f"{option} needs {name} whose arrays all have the examples on their first axis, but of examples {shown}; "
            "let the function close over what is no example."
        )
    return found.pop()[0]


def taken(data: Any, places: Int[Array | np.ndarray, " size"] | slice) -> Any:
    """The examples at these places, of every array of a data set."""
    return jax.tree.map(lambda x: x[places], data)


@functools.lru_cache(_KEPT)
def _order(seed: int, epoch: int, examples: int) -> Int[np.ndarray, " examples"]:
    """The order of all examples in an epoch. Equal words, of which a large data set has some, stay in their order."""
    with one_way_of_drawing():
        words = jax.random.bits(fold_in(stream_key(seed, "minibatches"), epoch), (examples,), np.uint32)
    return np.argsort(np.asarray(words), kind="stable").astype(np.int32)
