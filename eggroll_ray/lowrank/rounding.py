"""Stochastic rounding to a narrow type such as bfloat16, so that small perturbations are right on average.

Rounding to nearest would remove a perturbation of less than half the distance between two numbers of the type. Instead,
random words decide which of the two numbers a value becomes. The second member of a pair uses the complement of each
word, so that both members of a pair are rounded symmetrically.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt


def is_narrow(dtype: Any) -> bool:
    """Whether it is a floating-point type of fewer bits than float32."""
    return bool(jnp.issubdtype(dtype, jnp.floating)) and jnp.dtype(dtype).itemsize < 4


def round_at_random(x: Float[Array, "..."], words: UInt[Array, "..."], dtype: Any) -> Array:
    """Rounds float32 values to a narrower type such that the expected result equals the value.

    Each value becomes one of its two neighbours in the type; the nearer is the more likely. If a neighbour is infinite,
    the value is rounded to nearest instead.

    Args:
      x: the values.
      words: a random word for each value.
      dtype: dtype of the result.
    """
    finfo = jnp.finfo(dtype)
    exponent = (jax.lax.bitcast_convert_type(x, jnp.int32) >> 23 & 0xFF) - 127
    # The distance between neighbouring numbers of the type around x. It is a power of two, so the scaling is exact.
    unit = jnp.maximum(jnp.maximum(exponent, finfo.minexp) - finfo.nmant, -126)
    scaled = x * _power_of_two(-unit)
    below = jnp.floor(scaled)
    up = (words >> 8).astype(jnp.float32) * 2.0**-24 < scaled - below
    rounded = ((below + up.astype(jnp.float32)) * _power_of_two(unit)).astype(dtype)
    return jnp.where(jnp.isfinite(rounded), rounded, x.astype(dtype))


def _power_of_two(exponent: Int[Array, "..."]) -> Float[Array, "..."]:
    return jax.lax.bitcast_convert_type((exponent + 127) << 23, jnp.float32)


def words_of_member(words: UInt[Array, "..."], sign: Any) -> UInt[Array, "..."]:
    """The random words for the member with this sign (None means 1), given the words of its pair."""
    return words if sign is None else jnp.where(sign < 0, ~words, words)


def words_of_noise(factor: Array) -> UInt[Array, ""]:
    """A random word for a pair, derived from its noise: a hash of one of its factors."""
    bits = jax.lax.bitcast_convert_type(factor.astype(jnp.float32), jnp.uint32).reshape(-1)
    places = words_of_places(bits.shape, 0)
    return _mixed(jnp.sum(bits * (places | np.uint32(1)), dtype=jnp.uint32))


def words_of_places(shape: tuple[int, ...], first: int) -> UInt[Array, "..."]:
    """A word for every entry of a factor, the same for all members. `first` is the number of the first entry."""
    count = int(np.prod(shape, dtype=np.int64))
    return _mixed(jnp.arange(first, first + count, dtype=jnp.uint32)).reshape(shape)


def words_of_entries(row: UInt[Array, "..."], col: UInt[Array, "..."], noise: UInt[Array, ""]) -> UInt[Array, "..."]:
    """The words of the entries of a matrix, from the words of their rows and columns and that of the noise."""
    return _mixed(row + _mixed(col + noise))


def _mixed(x: UInt[Array, "..."]) -> UInt[Array, "..."]:
    """Hashes each word of `x`, so that every bit of the result depends on all bits of the word. 0 is not kept fixed."""
    x = x + np.uint32(0x9E3779B9)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    return x ^ (x >> np.uint32(16))
