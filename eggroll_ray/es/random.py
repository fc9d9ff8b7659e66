"""Counter-based random numbers: keys by name, random words, and the two distributions of noise made from them.

The bits are the same for every batch layout, chunk size and process (Salmon et al. 2011).
"""

import dataclasses
import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Integer, Key, PRNGKeyArray, UInt


@dataclasses.dataclass(frozen=True)
class Law:
    """A symmetric distribution with mean 0 and variance 1, from which i.i.d. float32 numbers are drawn.

    Call it with a key and a shape. Drawing has two separate steps, so that a part of a drawn array can be computed
    without the rest.

    Attributes:
      name: name in the record of a run.
      bits: draws the random bits for each number, `(key, shape)` -> uint32; the key is consumed.
      number: converts these bits to numbers, uint32 -> float32, elementwise.
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
    """Draws random words, the same as `jax.random.bits` with its partitionable threefry2x32.

    On the CPU, JAX runs the rounds as a loop over whole arrays. Here they are unrolled, so that XLA fuses them with the
    following operations into one pass, which gives several times as many numbers per second. Keys of other generators
    use JAX's own implementation.
    """
    if not _is_threefry(key):
        return jax.random.bits(key, shape, jnp.uint32)
    if math.prod(shape) >= 1 << 32:
        raise ValueError(f"noise of shape {shape} has 2**32 numbers or more in one pair; split the leaf.")
    # The index of each number in row-major order. Reshaping an `arange` would cost a division for every number.
    count = jnp.zeros(shape, jnp.uint32)
    for axis in range(len(shape)):
        stride = np.uint32(math.prod(shape[axis + 1 :]))
        count = count + stride * jax.lax.broadcasted_iota(jnp.uint32, shape, axis)
    first, second = _threefry2x32(key, jnp.uint32(0), count)
    return first ^ second


def _random_bits(key: PRNGKeyArray, shape: tuple[int, ...]) -> UInt[Array, "..."]:
    """Draws random bits, 0 or 1, 32 from each random word."""
    size = math.prod(shape)
    # Do not use `_random_words`: XLA would fuse it and recompute each word for all 32 of its bits. It does not fuse the
    # loop inside `jax.random.bits`.
    with jax.threefry_partitionable(True):
        words = jax.random.bits(key, (-(-size // 32),), jnp.uint32)
    bits = (words[:, None] >> jnp.arange(32, dtype=jnp.uint32)[None, :]) & jnp.uint32(1)
    return bits.reshape(-1)[:size].reshape(shape)


def _normal_number(words: UInt[Array, "..."]) -> Float[Array, "..."]:
    one = np.float32(1.0)
    low = np.nextafter(-one, one)
    unit = jax.lax.bitcast_convert_type((words >> np.uint32(9)) | one.view(np.uint32), jnp.float32) - one
    uniform = jnp.maximum(low, unit * (one - low) + low)
    # The barrier keeps XLA from combining this factor with later ones, which it would do only in some layouts.
    return jax.lax.optimization_barrier(np.float32(np.sqrt(2)) * erf_inv(uniform))


def _sign(bits: UInt[Array, "..."]) -> Float[Array, "..."]:
    return 1.0 - 2.0 * bits.astype(jnp.float32)


# The standard normal distribution, which the paper uses for every experiment except the one with integers. The numbers
# are those of `jax.random.normal`: the inverse error function of 23 bits, with at most 5.4 standard deviations.
normal = Law("normal", _random_words, _normal_number)
# Random signs, -1 or +1. They need one random bit per number, instead of a word and an inverse error function.
rademacher = Law("rademacher", _random_bits, _sign)


def fold_in(key: PRNGKeyArray, data: Integer[Array, ""] | int) -> PRNGKeyArray:
    """Returns the same key as `jax.random.fold_in(key, data)`. For threefry it is computed without a loop."""
    if not _is_threefry(key):
        return jax.random.fold_in(key, data)
    words = _threefry2x32(key, jnp.uint32(0), jnp.asarray(data, jnp.uint32))
    return jax.random.wrap_key_data(jnp.stack(words), impl="threefry2x32")


def stream_key(seed: UInt[Array, ""] | int, name: str) -> PRNGKeyArray:
    """Returns the key of the stream called `name`. Streams with different names are independent.

    The generator is fixed to threefry2x32, so that a user's `jax_default_prng_impl` cannot change a run.
    """
    return stream_keys(seed, [name])[0]


def stream_keys(seed: UInt[Array, ""] | int, names: Sequence[str]) -> Key[Array, " names"]:
    """Returns the key of each stream; see `stream_key`."""
    key = jax.random.key(jnp.asarray(seed, jnp.uint32), impl="threefry2x32")
    digests = [hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names]
    words = np.frombuffer(b"".join(digests), "<u4").astype(np.uint32).reshape(-1, 2)
    fold = jax.vmap(fold_in)
    first, second = jnp.asarray(words.T)
    return fold(fold(jnp.broadcast_to(key, len(names)), first), second)


# The inverse error function, written so that XLA's CPU compiler can use wide vectors. The results have the same bits as
# those of `jax.lax.erf_inv` on a CPU. That function calls log1p, for which XLA has vectors of at most 256 bits. All
# operations fused with it, including the random words of the noise, would then use such short vectors too.
#
# The coefficients are from Giles, Approximating the erfinv function (2010), single precision: polynomials in w - 2.5
# and in sqrt(w) - 3, where w = -log(1 - x**2). All coefficients in this file begin with the highest power.
_CENTRE = (
    *(2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087),
    *(-0.00125372503, -0.00417768164, 0.246640727, 1.50140941),
)
_TAIL = (
    *(-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773),
    *(-0.0076224613, 0.00943887047, 1.00167406, 2.83297682),
)
_CENTRE_ENDS = 5.0  # value of w at which the polynomial of the tail begins
# Cephes' log1p: log(1 + y) = y - y**2 / 2 + y**3 P(y) / Q(y) for |y| < sqrt(2) - 1.
_P = (
    *(4.5270000862445199635215e-5, 4.9854102823193375972212e-1, 6.5787325942061044846969, 2.9911919328553073277375e1),
    *(6.0949667980987787057556e1, 5.7112963590585538103336e1, 2.0039553499201281259648e1),
)
_Q = (
    *(1.0, 1.5062909083469192043167e1, 8.3047565967967209469434e1, 2.2176239823732856465394e2),
    *(3.0909872225312059774938e2, 2.1642788614495947685003e2, 6.0118660497603843919306e1),
)
_SMALL = 0.41421356237309504880


def erf_inv(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Returns the inverse error function of numbers in (-1, 1), float32."""
    w = _minus_log1p(x * x)
    is_centre = w < np.float32(_CENTRE_ENDS)
    y = jnp.where(is_centre, w - np.float32(2.5), jnp.sqrt(w) - np.float32(3.0))
    total = jnp.where(is_centre, np.float32(_CENTRE[0]), np.float32(_TAIL[0]))
    for centre, tail in zip(_CENTRE[1:], _TAIL[1:], strict=True):
        total = jnp.where(is_centre, np.float32(centre), np.float32(tail)) + total * y
    return total * x


def _minus_log1p(v: Float[Array, "..."]) -> Float[Array, "..."]:
    """Returns -log(1 - v) for v in [0, 1)."""
    square = v * v
    # The sign of the cubic term is known, so `abs` changes nothing. But it keeps XLA from fusing this product with the
    # sum below, which would round differently from JAX.
    cubic = jnp.abs(v * square * (_polynomial(-v, _P) / _polynomial(-v, _Q)))
    small = v + (np.float32(0.5) * square + cubic)
    return jnp.where(v < np.float32(_SMALL), small, -jnp.log(1.0 - v))


def _polynomial(x: Float[Array, "..."], coefficients: Sequence[float]) -> Float[Array, "..."]:
    total = jnp.full_like(x, np.float32(coefficients[0]))
    for coefficient in coefficients[1:]:
        total = total * x + np.float32(coefficient)
    return total
