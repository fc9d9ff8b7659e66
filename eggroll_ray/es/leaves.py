"""Decides which noise each parameter array gets. Each gets a `Leaf`, which depends on its path and shape alone."""

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

    LOW_RANK = "low rank"  # W + A B^T, which is not formed
    DENSIFIED = "low rank, formed per member"  # the same noise, formed explicitly for each member
    DENSE = "dense"  # one independent number per entry
    FROZEN = "frozen"  # neither perturbed nor updated: leaves that the user names, and random keys


class Rounding(enum.Enum):
    """How a step, which is computed in float32, is applied to a leaf of a narrower dtype."""

    NEAREST = "rounded to the nearest"  # loses steps below half the distance to the next number of the dtype
    STOCHASTIC = "rounded at random"  # to one of the two neighbouring numbers, so that the expected result is exact
    MASTER = "with a float32 master"  # the step is applied to a float32 copy in the optimiser's state


@dataclasses.dataclass(frozen=True)
class Leaf:
    """One parameter array, named by its path (`layers/0/kernel`).

    The axes of a matrix leaf are split into three parts: `lead` stacked axes in front, then the axes of the rows, then
    the last `columns` axes. For example, `(h, w, in, out)` of a convolution is an `(h w in) x out` matrix.
    """

    path: str
    shape: tuple[int, ...]
    dtype: Any
    kind: Kind
    lead: int = 0
    columns: int = 1
    rounding: Rounding | None = None  # of its updates; None if it is frozen, or its dtype is not narrower than float32

    @property
    def matrix_shape(self) -> tuple[int, int]:
        """The shape `(m, k)` of the matrix that is factored; `(size, 1)` for a vector."""
        split = len(self.shape) - self.columns
        if split <= self.lead:
            return math.prod(self.shape), 1
        return math.prod(self.shape[self.lead : split]), math.prod(self.shape[split:])

    def recorded(self) -> str:
        """Returns its description in the record of a run."""
        # Records from before steps were computed in float32 do not mention rounding, and can no longer be resumed.
        rounding = "" if self.rounding is None else f", updated in float32, {self.rounding.value}"
        return f"{self.dtype}{list(self.shape)}, {self.kind.value}{rounding}"


@dataclasses.dataclass(frozen=True)
class LeafRules:
    """A user's choices for leaves, which are named by patterns of their paths.

    In a pattern, `*` matches any text including slashes, and `?` matches any single character. All other characters,
    including brackets and dots, match themselves. A pattern that equals the path of a leaf matches only that leaf.

    Attributes:
      frozen: leaves that are neither perturbed nor updated.
      dense: leaves with dense noise instead of low-rank noise.
      densify: leaves whose low-rank noise is formed for every member. Use it for a leaf that is used by an operation
        without a low-rank rule. It costs a whole matrix per member.
      stacked: pattern -> number of leading axes that stack layers, as in a `scan` over layers. Each layer then gets
        independent noise.
      on_unsupported: what to do with a leaf that is used by an operation without a low-rank rule: "raise" an error, or
        "densify" it as if it were named in `densify`. Such leaves are found by tracing the function before the run
        starts. A function that is called in Python (`batched`) cannot be traced then, so it raises.
      densify_limit: largest number of bytes in a block that "densify" may use for formed arrays. More is an error.
      stochastic: leaves narrower than float32, such as bfloat16, whose updates are rounded at random to one of the two
        neighbouring numbers, so that they are right on average. Rounding to nearest would lose steps below half the
        distance to the next number. The bits are the same for any number of workers.
      master: leaves narrower than float32 that have a float32 copy in the optimiser's state, 4 bytes per number. The
        copy takes every step in full, and the leaf is the copy rounded to nearest.
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

    A matrix gets low-rank noise, unless its factors would be no smaller than the matrix itself: `r (m + k) >= m k`. In
    that case dense noise costs less and is exactly Gaussian. Vectors, and leaves called `bias`, get dense noise.

    Args:
      params: a pytree of arrays or `jax.ShapeDtypeStruct`.
      rank: rank `r` of the factors; None gives every leaf dense noise.
      rules: the user's choices, which take precedence.

    Raises:
      ValueError: for a leaf that is neither a floating-point array nor frozen, for two leaves with the same path, for a
        pattern that matches nothing, or for a rank above both sides of every matrix.
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
    """Whether an array, or its shape, consists of JAX's typed random keys, as made by `jax.random.key`."""
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def matching(pattern: str, paths: Sequence[str]) -> list[str]:
    """Returns the paths that match a pattern; see `LeafRules`."""
    if pattern in paths:
        return [pattern]
    wildcards = {"*": ".*", "?": "."}
    text = "".join(wildcards.get(letter, re.escape(letter)) for letter in pattern)
    return [path for path in paths if re.fullmatch(text, path, re.DOTALL)]


class _Chosen(NamedTuple):
    """The paths of the leaves that each rule names."""

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
    # A bias is added, not multiplied, whatever its shape. In Flax, biases of attention are (heads, features).
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
    """The number of trailing axes that are columns: one, or all but the first if that makes the matrix squarer."""
    if len(shape) < 3:
        return 1
    last = min(math.prod(shape[:-1]), shape[-1])
    rest = min(shape[0], math.prod(shape[1:]))
    return len(shape) - 1 if rest > last else 1
