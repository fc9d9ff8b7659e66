"""Counter-based noise: what a leaf is perturbed by, and the transpose of it, the weighted sum over pairs.

Everything is a pure function of (seed, leaf path, generation // noise_reuse, pair): no state, the same
bits in every batch layout, chunking and process (paper section 4.2; Salmon et al. 2011).

Letters in shapes: `p` pairs, `l` leading (stacked) axes, `r` rank, `m k` the two sides of a matrix.
"""

import dataclasses
import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Integer, Key, PRNGKeyArray, UInt

from eggroll_ray.es.erf_inv import erf_inv

# The bits below decide the meaning of every fitness log: a change of them needs another name here.
NOISE_STREAM = "threefry2x32/1"

# Numbers drawn at a time by the transpose: 4 MB of float32, which stays in a core's cache.
_CHUNK_NUMBERS = 1 << 20


@dataclasses.dataclass(frozen=True)
class Law:
    """How i.i.d. float32 numbers of zero mean, unit variance and symmetric law are drawn; call it with key and shape.

    The two steps are apart so that a part of a drawn array can be had without the whole.

    Attributes:
      name: in the record of a run.
      bits: `(key, shape)` -> as many random bits of each number as it needs, uint32; the key is consumed.
      number: those bits -> the numbers, float32, one by one.
    """

    name: str
    bits: Callable[[PRNGKeyArray, tuple[int, ...]], UInt[Array, "..."]]
    number: Callable[[UInt[Array, "..."]], Float[Array, "..."]]

    def __call__(self, key: PRNGKeyArray, shape: tuple[int, ...]) -> Float[Array, "..."]:
        return self.number(self.bits(key, shape))


_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)


def _is_threefry(key: PRNGKeyArray) -> bool:
    return str(jax.random.key_impl(key)) == "threefry2x32"


@jax.jit  # traced once for all leaves
def _threefry2x32(key: PRNGKeyArray, x: Any, y: Any) -> tuple[Array, Array]:
    """Threefry with two words of 32 bits and 20 rounds (Salmon et al. 2011) of the counter (x, y)."""
    first, second = jax.random.key_data(key)
    schedule = (first, second, first ^ second ^ _PARITY)
    x, y = x + schedule[0], y + schedule[1]
    for group in range(5):
        for distance in _ROTATIONS[group % 2]:
            x = x + y
            y = ((y << np.uint32(distance)) | (y >> np.uint32(32 - distance))) ^ x
        x = x + schedule[(group + 1) % 3]
        y = y + schedule[(group + 2) % 3] + np.uint32(group + 1)
    return x, y


def _random_words(key: PRNGKeyArray, shape: tuple[int, ...]) -> UInt[Array, "..."]:
    """Random words, those of `jax.random.bits` with its partitionable threefry2x32.

    JAX runs the rounds as a loop over whole arrays, on the CPU; here they are unrolled, so that XLA makes one pass of
    them and of what follows: several times as many numbers per second. Keys of other generators take JAX's own way.
    """
    if not _is_threefry(key):
        return jax.random.bits(key, shape, jnp.uint32)
    if math.prod(shape) >= 1 << 32:
        raise ValueError(f"noise of shape {shape} has 2**32 numbers or more in one pair; split the leaf.")
    # The place of each number in row-major order. Reshaped from one axis it would cost a division for every number.
    count = jnp.zeros(shape, jnp.uint32)
    for axis in range(len(shape)):
        stride = np.uint32(math.prod(shape[axis + 1 :]))
        count = count + stride * jax.lax.broadcasted_iota(jnp.uint32, shape, axis)
    first, second = _threefry2x32(key, jnp.uint32(0), count)
    return first ^ second


def _random_bits(key: PRNGKeyArray, shape: tuple[int, ...]) -> UInt[Array, "..."]:
    """Random bits, 0 or 1, 32 of each random word."""
    size = math.prod(shape)
    # Not `_random_words`: XLA would draw the word of every bit anew, since it merges all but a loop with what follows.
    with jax.threefry_partitionable(True):
        words = jax.random.bits(key, (-(-size // 32),), jnp.uint32)
    bits = (words[:, None] >> jnp.arange(32, dtype=jnp.uint32)[None, :]) & jnp.uint32(1)
    return bits.reshape(-1)[:size].reshape(shape)


def _normal_number(words: UInt[Array, "..."]) -> Float[Array, "..."]:
    one = np.float32(1.0)
    low = np.nextafter(-one, one)
    unit = jax.lax.bitcast_convert_type((words >> np.uint32(9)) | one.view(np.uint32), jnp.float32) - one
    uniform = jnp.maximum(low, unit * (one - low) + low)
    # Without the barrier XLA merges the scale of a normal with those that follow, in some layouts only.
    return jax.lax.optimization_barrier(np.float32(np.sqrt(2)) * erf_inv(uniform))


def _sign(bits: UInt[Array, "..."]) -> Float[Array, "..."]:
    return 1.0 - 2.0 * bits.astype(jnp.float32)


# Standard normal numbers, the paper's law for every experiment but the integer one. They are those of
# `jax.random.normal`: the inverse error function of 23 bits, within 5.4 standard deviations.
normal = Law("normal", _random_words, _normal_number)

# Fair signs, -1 or +1: one random bit per number instead of a word and an inverse error function.
rademacher = Law("rademacher", _random_bits, _sign)


def fold_in(key: PRNGKeyArray, data: Integer[Array, ""] | int) -> PRNGKeyArray:
    """Returns the key of `jax.random.fold_in(key, data)`, for threefry without a loop."""
    if not _is_threefry(key):
        return jax.random.fold_in(key, data)
    words = _threefry2x32(key, jnp.uint32(0), jnp.asarray(data, jnp.uint32))
    return jax.random.wrap_key_data(jnp.stack(words), impl="threefry2x32")


def stream_key(seed: UInt[Array, ""] | int, name: str) -> PRNGKeyArray:
    """Returns the key of the stream called `name`: streams of different names are independent.

    The generator is named, so that a user's `jax_default_prng_impl` cannot change a run.
    """
    return _stream_keys(seed, [name])[0]


def _stream_keys(seed: UInt[Array, ""] | int, names: Sequence[str]) -> Key[Array, " names"]:
    key = jax.random.key(jnp.asarray(seed, jnp.uint32), impl="threefry2x32")
    digests = [hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names]
    words = np.frombuffer(b"".join(digests), "<u4").astype(np.uint32).reshape(-1, 2)
    fold = jax.vmap(fold_in)
    first, second = jnp.asarray(words.T)
    return fold(fold(jnp.broadcast_to(key, len(names)), first), second)


def leaf_keys(
    seed: UInt[Array, ""] | int, paths: Sequence[str], epoch: Integer[Array, ""] | int
) -> Key[Array, " paths"]:
    """Returns the keys of the leaves named `paths` in noise epoch `epoch = generation // noise_reuse`.

    All at once: one after the other they would be most of what is compiled for a model of many leaves.
    """
    return jax.vmap(fold_in, (0, None))(_stream_keys(seed, [f"leaf:{path}" for path in paths]), epoch)


def leaf_key(seed: UInt[Array, ""] | int, path: str, epoch: Integer[Array, ""] | int) -> PRNGKeyArray:
    """Returns the key of one leaf in a noise epoch."""
    return leaf_keys(seed, [path], epoch)[0]


class Factors(NamedTuple):
    """Unit noise of a matrix: E = sum over r of a[..., r, :] b[..., r, :]^T has entries of unit variance."""

    a: Float[Array, "*l r m"]
    b: Float[Array, "*l r k"]


class Noise(NamedTuple):
    """The noise of one leaf: `draw` and its transpose `weighted_sum`.

    `draw(key)` takes the key of one pair (consumed) and returns unit noise E, as `Factors` or as an array
    of the leaf's shape. `weighted_sum(key, weights)` takes the leaf's key and one float32 weight per pair
    and returns sum_p weights[p] E_p in float32, in an order that depends on the shapes alone.
    """

    draw: Callable[[PRNGKeyArray], Any]
    weighted_sum: Callable[[PRNGKeyArray, Float[Array, " p"]], Array]


def low_rank_noise(lead: tuple[int, ...], rows: int, columns: int, rank: int, dtype: Any, law: Law = normal) -> Noise:
    """Noise E = A B^T / sqrt(r) of a (stack of) `rows x columns` matrices (paper section 4.1).

    Args:
      lead: sizes of the stacked axes in front; each stacked matrix has noise of its own.
      rows: `m`.
      columns: `k`.
      rank: `r`, at least 1.
      dtype: the leaf's; the factors are rounded to it once, so that the sum below uses the very numbers
        that were evaluated.
      law: of the factors' entries.
    """

    def draw(key: PRNGKeyArray) -> Factors:
        both = law.bits(key, (*lead, rank, rows + columns))
        a = law.number(both[..., :rows]) * (1.0 / math.sqrt(rank))
        return Factors(a.astype(dtype), law.number(both[..., rows:]).astype(dtype))

    def chunk_sum(keys: Key[Array, " p"], weights: Float[Array, " p"]) -> Array:
        a, b = jax.vmap(draw)(keys)
        scaled = a.astype(jnp.float32) * weights.reshape(-1, *[1] * (a.ndim - 1))
        # As two axes XLA would lay pairs and ranks out for the product, and then draw the noise across the grain.
        scaled, b = (jnp.moveaxis(x, 0, -3).reshape(*lead, -1, x.shape[-1]) for x in (scaled, b.astype(jnp.float32)))
        return jnp.einsum("...pm,...pk->...mk", scaled, b, precision=jax.lax.Precision.HIGHEST)

    numbers = math.prod(lead) * rank * (rows + columns)
    return Noise(draw, _in_chunks(chunk_sum, (*lead, rows, columns), numbers))


def dense_noise(shape: tuple[int, ...], dtype: Any, law: Law = normal) -> Noise:
    """Noise with one independent number per entry: for vectors, and for every leaf of OpenAI-ES."""

    def draw(key: PRNGKeyArray) -> Array:
        return law(key, shape).astype(dtype)

    def chunk_sum(keys: Key[Array, " p"], weights: Float[Array, " p"]) -> Array:
        noise = jax.vmap(draw)(keys).astype(jnp.float32)
        return jnp.einsum("p...,p->...", noise, weights, precision=jax.lax.Precision.HIGHEST)

    return Noise(draw, _in_chunks(chunk_sum, shape, math.prod(shape)))


def _in_chunks(
    chunk_sum: Callable[[Key[Array, " p"], Array], Array], shape: tuple[int, ...], numbers: int
) -> Callable[[PRNGKeyArray, Float[Array, " p"]], Array]:
    """Sums over pairs in chunks that hold about `_CHUNK_NUMBERS` numbers of noise at a time."""

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


def pair_key(key: PRNGKeyArray, pair: Integer[Array, ""] | int) -> PRNGKeyArray:
    """Returns the key of one pair under a leaf's key."""
    return fold_in(key, pair)
