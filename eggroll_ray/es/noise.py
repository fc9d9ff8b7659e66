"""Counter-based noise of a leaf, and its transpose, the weighted sum over pairs that the update needs.

Noise is a pure function of (seed, leaf path, generation // noise_reuse, pair). There is no state, and the bits are the
same for every batch layout, chunk size and process (paper section 4.2; Salmon et al. 2011).

Letters in shapes: `p` pairs, `l` leading (stacked) axes, `r` rank, `m k` the two sides of a matrix.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Integer, Key, PRNGKeyArray, UInt

from eggroll_ray.es.random import Law as Law
from eggroll_ray.es.random import fold_in, stream_keys
from eggroll_ray.es.random import normal as normal
from eggroll_ray.es.random import rademacher as rademacher

# Fitness logs can be replayed only with the same noise. Whoever changes the bits of the noise must change this name.
NOISE_STREAM = "threefry2x32/1"

# Number of values that the transpose draws at a time: 4 MB of float32, which stay in a core's cache.
_CHUNK_NUMBERS = 1 << 20

# The counter for the key of `rounding_words`, larger than that of any number of noise.
_ROUNDING = 0xFFFFFFFF


def leaf_keys(
    seed: UInt[Array, ""] | int, paths: Sequence[str], epoch: Integer[Array, ""] | int
) -> Key[Array, " paths"]:
    """Returns the keys of the leaves named `paths` in noise epoch `epoch = generation // noise_reuse`.

    They are computed together. One by one, they would be most of the compiled program of a model with many leaves.
    """
    return jax.vmap(fold_in, (0, None))(stream_keys(seed, [f"leaf:{path}" for path in paths]), epoch)


def leaf_key(seed: UInt[Array, ""] | int, path: str, epoch: Integer[Array, ""] | int) -> PRNGKeyArray:
    """Returns the key of one leaf in a noise epoch."""
    return leaf_keys(seed, [path], epoch)[0]


class Factors(NamedTuple):
    """Unit noise of a matrix: E = sum over r of a[..., r, :] b[..., r, :]^T has entries of unit variance."""

    a: Float[Array, "*l r m"]
    b: Float[Array, "*l r k"]


class Noise(NamedTuple):
    """The noise of one leaf: `draw` and its transpose `weighted_sum`.

    `draw(key)` takes the key of one pair (consumed) and returns unit noise E, as `Factors` or as an array of the leaf's
    shape. `weighted_sum(key, weights)` takes the leaf's key and one float32 weight per pair, and returns sum_p
    weights[p] E_p in float32. The order of the sum depends on the shapes alone.
    """

    draw: Callable[[PRNGKeyArray], Any]
    weighted_sum: Callable[[PRNGKeyArray, Float[Array, " p"]], Array]


def low_rank_noise(lead: tuple[int, ...], rows: int, columns: int, rank: int, dtype: Any, law: Law = normal) -> Noise:
    """Makes the noise E = A B^T / sqrt(r) of a matrix or a stack of `rows x columns` matrices (paper section 4.1).

    Args:
      lead: sizes of the stacked axes in front. Each stacked matrix gets independent noise.
      rows: `m`.
      columns: `k`.
      rank: `r`, at least 1.
      dtype: dtype of the leaf. The factors are rounded to it once, so that the weighted sum uses the same numbers that
        were evaluated.
      law: distribution of the factors' entries.
    """

    def draw(key: PRNGKeyArray) -> Factors:
        both = law.bits(key, (*lead, rank, rows + columns))
        a = law.number(both[..., :rows]) * (1.0 / math.sqrt(rank))
        return Factors(a.astype(dtype), law.number(both[..., rows:]).astype(dtype))

    def chunk_sum(keys: Key[Array, " p"], weights: Float[Array, " p"]) -> Array:
        a, b = jax.vmap(draw)(keys)
        scaled = a.astype(jnp.float32) * weights.reshape(-1, *[1] * (a.ndim - 1))
        # Merge pairs and ranks into one axis. With two axes, XLA would choose a memory layout for the product in which
        # drawing the noise is slow.
        scaled, b = (jnp.moveaxis(x, 0, -3).reshape(*lead, -1, x.shape[-1]) for x in (scaled, b.astype(jnp.float32)))
        return jnp.einsum("...pm,...pk->...mk", scaled, b, precision=jax.lax.Precision.HIGHEST)

    numbers = math.prod(lead) * rank * (rows + columns)
    return Noise(draw, _in_chunks(chunk_sum, (*lead, rows, columns), numbers))


def dense_noise(shape: tuple[int, ...], dtype: Any, law: Law = normal) -> Noise:
    """Makes noise with one independent number per entry, for vectors and for every leaf of OpenAI-ES."""

    def draw(key: PRNGKeyArray) -> Array:
        return law(key, shape).astype(dtype)

    def chunk_sum(keys: Key[Array, " p"], weights: Float[Array, " p"]) -> Array:
        noise = jax.vmap(draw)(keys).astype(jnp.float32)
        return jnp.einsum("p...,p->...", noise, weights, precision=jax.lax.Precision.HIGHEST)

    return Noise(draw, _in_chunks(chunk_sum, shape, math.prod(shape)))


def _in_chunks(
    chunk_sum: Callable[[Key[Array, " p"], Array], Array], shape: tuple[int, ...], numbers: int
) -> Callable[[PRNGKeyArray, Float[Array, " p"]], Array]:
    """Makes the sum over pairs in chunks of about `_CHUNK_NUMBERS` numbers of noise."""

    def weighted_sum(key: PRNGKeyArray, weights: Float[Array, " p"]) -> Array:
        pairs = weights.shape[0]
        size = min(pairs, max(1, _CHUNK_NUMBERS // max(1, numbers)))
        chunks = -(-pairs // size)
        padded = jnp.pad(weights, (0, chunks * size - pairs)).reshape(chunks, size)
        indices = jnp.arange(chunks * size, dtype=jnp.uint32).reshape(chunks, size)

        def add_chunk(total: Array, chunk: tuple[Array, Array]) -> tuple[Array, None]:
            chunk_indices, chunk_weights = chunk
            keys = jax.vmap(pair_key, (None, 0))(key, chunk_indices)
            return total + chunk_sum(keys, chunk_weights), None

        total, _ = jax.lax.scan(add_chunk, jnp.zeros(shape, jnp.float32), (indices, padded))
        return total

    return weighted_sum


def rounding_words(key: PRNGKeyArray, shape: tuple[int, ...]) -> UInt[Array, "..."]:
    """Returns random words for rounding a leaf after the noise of one pair is added. `key` is that of the noise."""
    return normal.bits(fold_in(key, jnp.uint32(_ROUNDING)), shape)


def pair_key(key: PRNGKeyArray, pair: Integer[Array, ""] | int) -> PRNGKeyArray:
    """Returns the key of one pair under a leaf's key."""
    return fold_in(key, pair)
