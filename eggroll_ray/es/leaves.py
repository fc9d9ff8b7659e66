"""Which noise each parameter array gets: one `Leaf` a leaf, labelled by path and shape alone."""

import dataclasses
import enum
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from eggroll_ray.es.numbers import make_plain


class Kind(enum.Enum):
    """How a leaf is perturbed."""

    LOW_RANK = "low rank"  # W + A B^T, never formed
    DENSIFIED = "low rank, formed per member"  # the same noise, explicitly formed
    DENSE = "dense"  # one independent number per entry
    FROZEN = "frozen"  # neither perturbed nor updated: what the user says, and random keys


class Rounding(enum.Enum):
    """How a step, which is computed in float32, becomes a change of a leaf of a narrower type."""

    NEAREST = "rounded to the nearest"  # steps below half the distance to the type's next number are lost
    STOCHASTIC = "rounded at random"  # to one of the two numbers next to the result, right on average
    MASTER = "with a float32 master"  # a copy in the optimiser's state, which moves


@dataclasses.dataclass(frozen=True)
class Leaf:
    """One parameter array, named by its path (`layers/0/kernel`).

    A matrix leaf is split into `lead` stacked axes in front, then the axes that make up the rows, then
    the last `columns` axes: `(h, w, in, out)` of a convolution is an `(h w in) x out` matrix.
    """

    path: str
    shape: tuple[int, ...]
    dtype: Any
    kind: Kind
    lead: int = 0
    columns: int = 1
    rounding: Rounding | None = None  # of its updates; None where its type is no narrower than float32, or it is frozen

    @property
    def matrix_shape(self) -> tuple[int, int]:
        """`(m, k)` of the matrix that is factored; `(size, 1)` of a vector."""
        split = len(self.shape) - self.columns
        if split <= self.lead:
            return math.prod(self.shape), 1
        return math.prod(self.shape[self.lead : split]), math.prod(self.shape[split:])

    def recorded(self) -> str:
        """Returns what the record of a run says of it."""
        # Runs of before steps were computed in float32 have no word of rounding: they are no longer continued.
        rounding = "" if self.rounding is None else f", updated in float32, {self.rounding.value}"
        return f"{self.dtype}{list(self.shape)}, {self.kind.value}{rounding}"


@dataclasses.dataclass(frozen=True)
class LeafRules:
    """What a user says of leaves, each by a pattern of its path.

    In a pattern `*` stands for any text, slashes included, `?` for any one character, and everything else for itself,
    brackets and dots included. A pattern that is the whole path of a leaf names that leaf alone.

    Attributes:
      frozen: neither perturbed nor updated.
      dense: dense noise instead of low-rank noise.
      densify: low-rank noise that is formed for every member: the way out for a leaf that an operation
        without a low-rank rule uses; costs one whole matrix per member.
      stacked: pattern -> number of leading axes that stack layers, as `scan` over layers has them; each
        layer then has noise of its own.
      on_unsupported: what becomes of a leaf that an operation without a low-rank rule uses: "raise" an error, or
        "densify", as if its path were among those of `densify`. It is found where a run is prepared, which traces
        the function; one that is called in Python (`batched`) is not known then, and raises.
      densify_limit: the most bytes that the arrays of a block may take that "densify" forms; above, an error.
      stochastic: of those narrower than float32, as bfloat16: updates are rounded to one of the two numbers of their
        type next to the result, at random and right on average, and not to the nearest, by which steps of less than
        half the distance to the next number are lost. The same bits for any number of workers.
      master: of those narrower than float32: a float32 copy in the optimiser's state, 4 bytes a number, takes every
        step in full, and they are the nearest to it.
    """

    frozen: tuple[str, ...] = ()
    dense: tuple[str, ...] = ()
    densify: tuple[str, ...] = ()
    stacked: Mapping[str, int] = dataclasses.field(default_factory=dict)
    on_unsupported: Literal["raise", "densify"] = "raise"
    densify_limit: int = 2**30
    stochastic: tuple[str, ...] = ()
    master: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        make_plain(self)
        if self.on_unsupported not in ("raise", "densify"):
            raise ValueError(f'on_unsupported={self.on_unsupported!r} must be "raise" or "densify".')
        if self.densify_limit < 0:
            raise ValueError(f"densify_limit={self.densify_limit} must be at least 0, in bytes of a block.")
        for name in ("frozen", "dense", "densify", "stochastic", "master"):
            patterns = getattr(self, name)
            if isinstance(patterns, str):
                raise ValueError(f"{name}={patterns!r} must be a tuple of patterns; write ({patterns!r},).")


def label_leaves(params: Any, rank: int | None, rules: LeafRules) -> list[Leaf]:
    """Labels every leaf of `params`, in the order of `jax.tree.leaves`.

    A matrix gets low-rank noise unless its factors would be no smaller than itself,
    `r (m + k) >= m k`: then dense noise costs less and is exactly Gaussian. Vectors, and leaves called
    `bias`, get dense noise.

    Args:
      params: a pytree of arrays or shape structs.
      rank: `r` of the factors; None gives every leaf dense noise.
      rules: the user's, which come first.

    Raises:
      ValueError: for a leaf that is no floating-point array and not frozen, two leaves of one path, a
        pattern that matches nothing, or a rank above both sides of every matrix.
    """
    named = _paths(params)
    paths = [path for path, _ in named]
    chosen = _chosen(rules, paths)
    leaves = [_with_rounding(_label(path, leaf, rank, chosen), chosen) for path, leaf in named]
    if not leaves:
        raise ValueError("params has no arrays: there is nothing to evolve; pass the model's parameters.")
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise ValueError(f"two leaves are called {twice!r}; rename one: noise is keyed by the path.")
    by_rule = (rules.frozen, rules.dense, rules.densify, rules.stacked, rules.stochastic, rules.master)
    for pattern in (pattern for patterns in by_rule for pattern in patterns):
        if not matching(pattern, paths):
            hint = " Brackets in a pattern stand for themselves." if "[" in pattern else ""
            raise ValueError(f"pattern {pattern!r} matches no leaf; the leaves are {', '.join(paths)}.{hint}")
    if all(leaf.kind is Kind.FROZEN for leaf in leaves):
        raise ValueError(f"every leaf is frozen ({', '.join(paths)}): there is nothing to evolve.")
    largest = max(min(leaf.matrix_shape) for leaf in leaves if leaf.kind is not Kind.FROZEN)
    if rank is not None and rank > largest > 1:
        raise ValueError(
            f"rank={rank} is above min(m, k) = {largest} of the largest matrix; "
            f"choose a rank of at most {largest}, or openai_es for dense noise."
        )
    return leaves


def is_key(leaf: Any) -> bool:
    """Whether an array, or the shape of one, is of JAX's typed random keys, as `jax.random.key` makes them."""
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def matching(pattern: str, paths: Sequence[str]) -> list[str]:
    """Returns the paths that a pattern names; see `LeafRules`."""
    if pattern in paths:
        return [pattern]
    wildcards = {"*": ".*", "?": "."}
    text = "".join(wildcards.get(letter, re.escape(letter)) for letter in pattern)
    return [path for path in paths if re.fullmatch(text, path, re.DOTALL)]


class _Chosen(NamedTuple):
    """The leaves that each of the rules names, by their paths."""

    frozen: set[str]
    dense: set[str]
    densify: set[str]
    stacked: Mapping[str, int]
    stochastic: set[str]
    master: set[str]


def _chosen(rules: LeafRules, paths: Sequence[str]) -> _Chosen:
    def every(patterns: Iterable[str]) -> set[str]:
        return {path for pattern in patterns for path in matching(pattern, paths)}

    stacked: dict[str, int] = {}
    for pattern, lead in rules.stacked.items():
        for path in matching(pattern, paths):
            stacked.setdefault(path, lead)
    frozen, dense, densify = map(every, (rules.frozen, rules.dense, rules.densify))
    found = _Chosen(frozen, dense, densify, stacked, every(rules.stochastic), every(rules.master))
    if both := found.stochastic & found.master:
        raise ValueError(
            f"leaf {min(both)!r} is named by stochastic and by master; name it by one: beside a float32 master nothing "
            "is left to round at random."
        )
    return found


def _paths(params: Any) -> list[tuple[str, Any]]:
    flat = jax.tree_util.tree_flatten_with_path(params)[0]
    return [(jax.tree_util.keystr(path, simple=True, separator="/"), leaf) for path, leaf in flat]


def _label(path: str, leaf: Any, rank: int | None, chosen: _Chosen) -> Leaf:
    if not hasattr(leaf, "shape") or not hasattr(leaf, "dtype"):
        raise ValueError(
            f"leaf {path!r} is a {type(leaf).__name__}, not an array; keep what is not an array out of "
            "params (for an Equinox module: eqx.partition(model, eqx.is_inexact_array))."
        )
    shape = tuple(leaf.shape)
    if path in chosen.frozen or is_key(leaf):
        return Leaf(path, shape, leaf.dtype, Kind.FROZEN)
    if not jnp.issubdtype(leaf.dtype, jnp.floating):
        raise ValueError(
            f"leaf {path!r} has dtype {leaf.dtype}, which cannot carry noise; "
            f"freeze it with LeafRules(frozen=({path!r},)) or keep it out of params."
        )
    lead = chosen.stacked.get(path, 0)
    if not 0 <= lead <= len(shape):
        raise ValueError(
            f"stacked={lead} axes of leaf {path!r} must be from 0 to its {len(shape)} axes, such as 1 for layers "
            "under scan."
        )
    columns = _columns(shape[lead:])
    matrix = Leaf(path, shape, leaf.dtype, Kind.LOW_RANK, lead, columns)
    rows, cols = matrix.matrix_shape
    # A bias is added, not multiplied, whatever its shape: attention's is (heads, features) in Flax.
    is_vector = len(shape) - lead < 2 or path.rpartition("/")[2] == "bias"
    if rank is None or is_vector or path in chosen.dense:
        return dataclasses.replace(matrix, kind=Kind.DENSE)
    if path in chosen.densify:
        return dataclasses.replace(matrix, kind=Kind.DENSIFIED)
    if rank * (rows + cols) >= rows * cols:
        return dataclasses.replace(matrix, kind=Kind.DENSE)
    return matrix


def _with_rounding(leaf: Leaf, chosen: _Chosen) -> Leaf:
    if leaf.kind is Kind.FROZEN or jnp.dtype(leaf.dtype).itemsize >= 4:
        return leaf
    at_random = Rounding.STOCHASTIC if leaf.path in chosen.stochastic else Rounding.NEAREST
    return dataclasses.replace(leaf, rounding=Rounding.MASTER if leaf.path in chosen.master else at_random)


def _columns(shape: tuple[int, ...]) -> int:
    """How many trailing axes are columns: the last one, or all but the first where that is squarer."""
    if len(shape) < 3:
        return 1
    last = min(math.prod(shape[:-1]), shape[-1])
    rest = min(shape[0], math.prod(shape[1:]))
    return len(shape) - 1 if rest > last else 1
