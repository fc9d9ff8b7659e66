"""Sums in a narrow type, such as bfloat16, of what is far below its precision: rounded at random, right on average.

Rounded to the nearest, a perturbation of less than half the distance between two numbers of the type would vanish.
Random words decide which of the two it becomes. Those of a member's twin are the complement, so that both move alike.
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
    """Rounds float32 to one of the two numbers of a narrower type that are next to it, so as to be right on average.

    The nearer of the two is the likelier. Where the further is infinite it is the nearer one.

    Args:
      x: the numbers.
      words: a random one for each.
      dtype: of the result.
    """
    finfo = jnp.finfo(dtype)
    exponent = (jax.lax.bitcast_convert_type(x, jnp.int32) >> 23 & 0xFF) - 127
    # The distance between numbers of the type around x, as a power of two: then all that follows is exact.
    unit = jnp.maximum(jnp.maximum(exponent, finfo.minexp) - finfo.nmant, -126)
    scaled = x * _power_of_two(-unit)
    below = jnp.floor(scaled)
    up = (words >> 8).astype(jnp.float32) * 2.0**-24 < scaled - below
    rounded = ((below + up.astype(jnp.float32)) * _power_of_two(unit)).astype(dtype)
    return jnp.where(jnp.isfinite(rounded), rounded, x.astype(dtype))


def _power_of_two(exponent: Int[Array, "..."]) -> Float[Array, "..."]:
    return jax.lax.bitcast_convert_type((exponent + 127) << 23, jnp.float32)


def words_of_member(words: UInt[Array, "..."], sign: Any) -> UInt[Array, "..."]:
    """The words of a pair for its member of that sign; None is 1."""
    return words if sign is None else jnp.where(sign < 0, ~words, words)


def words_of_noise(factor: Array) -> UInt[Array, ""]:
    """A random word that the noise of a pair makes itself: a hash of one of its factors."""
    bits = jax.lax.bitcast_convert_type(factor.astype(jnp.float32), jnp.uint32).reshape(-1)
    places = words_of_places(bits.shape, 0)
    return _mixed(jnp.sum(bits * (places | np.uint32(1)), dtype=jnp.uint32))


def words_of_places(shape: tuple[int, ...], first: int) -> UInt[Array, "..."]:
    """A word for every place of a factor, the same for all members; `first` is the number of the first place."""
    count = int(np.prod(shape, dtype=np.int64))
    return _mixed(jnp.arange(first, first + count, dtype=jnp.uint32)).reshape(shape)


def words_of_entries(row: UInt[Array, "..."], col: UInt[Array, "..."], noise: UInt[Array, ""]) -> UInt[Array, "..."]:
    """The words of entries, made of those of their rows and columns and of the noise."""
    return _mixed(row + _mixed(col + noise))


def _mixed(x: UInt[Array, "..."]) -> UInt[Array, "..."]:
    """Words of which every bit depends on all bits of `x`, one for each; 0 is not a fixed point."""
    x = x + np.uint32(0x9E3779B9)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    return x ^ (x >> np.uint32(16))
