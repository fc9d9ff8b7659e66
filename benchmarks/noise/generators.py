"""Random number generators to compare with the noise of this package, in plain JAX; nothing else uses them.

Each draws as many words of 32 bits as asked, under a key of 64 bits, as a pure function of (key, place): the same
interface as `noise.normal.bits`. Philox: Salmon et al. 2011; Squares: Widynski 2020 (arXiv 2004.06278).
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

_THREEFRY_ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
_THREEFRY_PARITY = np.uint32(0x1BD11BDA)
_PHILOX_MULTIPLIER, _PHILOX_WEYL = np.uint32(0xD256D193), np.uint32(0x9E3779B9)


def threefry2x32(key: Any, x: Any, y: Any, rounds: int = 20) -> tuple[Array, Array]:
    """Threefry of the counter `(x, y)` under the key's two words, with as many rounds as asked; 20 is what is used."""
    schedule = (key[0], key[1], key[0] ^ key[1] ^ _THREEFRY_PARITY)
    x, y = x + schedule[0], y + schedule[1]
    for done in range(1, rounds + 1):
        x = x + y
        distance = np.uint32(_THREEFRY_ROTATIONS[(done - 1) % 8])
        y = ((y << distance) | (y >> (np.uint32(32) - distance))) ^ x
        if done % 4 == 0:
            x = x + schedule[done // 4 % 3]
            y = y + schedule[(done // 4 + 1) % 3] + np.uint32(done // 4)
    return x, y


def philox2x32(key: Any, x: Any, y: Any, rounds: int = 10) -> tuple[Array, Array]:
    """Philox of the counter `(x, y)` under a key of one word."""
    for done in range(rounds):
        high, low = multiply(_PHILOX_MULTIPLIER, x)
        x, y = high ^ (key + np.uint32(done * int(_PHILOX_WEYL) % 2**32)) ^ y, low
    return x, y


def squares32(key: Any, counter: Any) -> Array:
    """Squares of a counter of 32 bits under the two words (high, low) of a key; 64 bits are put together from halves.

    The author's keys have digits that differ from each other; those of a hash do not, but are odd as well.
    """
    high, low = multiply(key[1], counter)
    x = (high + key[0] * counter, low)
    y, z = x, _add(x, (key[0], key[1]))
    for added in (y, z, y):
        high, low = _add(_square(x), added)
        x = (low, high)  # rotated by 32 bits
    return _add(_square(x), z)[0]


def multiply(a: Any, b: Any) -> tuple[Array, Array]:
    """The high and the low word of a product; JAX has no integers of 64 bits unless told so for the whole process."""
    a_high, a_low, b_high, b_low = a >> np.uint32(16), a & np.uint32(0xFFFF), b >> np.uint32(16), b & np.uint32(0xFFFF)
    middle = a_high * b_low + ((a_low * b_low) >> np.uint32(16))
    other = a_low * b_high + (middle & np.uint32(0xFFFF))
    return a_high * b_high + (middle >> np.uint32(16)) + (other >> np.uint32(16)), a * b


def _add(one: tuple[Any, Any], other: tuple[Any, Any]) -> tuple[Array, Array]:
    low = one[1] + other[1]
    return one[0] + other[0] + (low < one[1]).astype(jnp.uint32), low


def _square(x: tuple[Any, Any]) -> tuple[Array, Array]:
    high, low = multiply(x[1], x[1])
    return high + np.uint32(2) * x[0] * x[1], low


def _count(shape: tuple[int, ...]) -> Array:
    return jax.lax.iota(jnp.uint32, math.prod(shape))


def _joined(pair: tuple[Array, Array]) -> Array:
    return pair[0] ^ pair[1]


def threefry_words(key: PRNGKeyArray, shape: tuple[int, ...], rounds: int = 20) -> Array:
    """Words of `noise.normal.bits`, with as many rounds as asked."""
    words = jax.random.key_data(key)
    return _joined(threefry2x32(words, jnp.uint32(0), _count(shape), rounds)).reshape(shape)


def philox_words(key: PRNGKeyArray, shape: tuple[int, ...]) -> Array:
    """Words of Philox 2x32-10: one word of the key is its key, the other stands in the counter."""
    words = jax.random.key_data(key)
    return philox2x32(words[0], _count(shape), words[1])[0].reshape(shape)


def squares_words(key: PRNGKeyArray, shape: tuple[int, ...]) -> Array:
    """Words of Squares under the key's words, made odd."""
    high, low = jax.random.key_data(key)
    return squares32((high, low | np.uint32(1)), _count(shape)).reshape(shape)
