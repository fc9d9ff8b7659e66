"""Streams of words of 32 bits for a battery of tests: the noise as the library draws it, in several orders; and faults.

A stream is drawn in chunks of `CHUNK` words by a compiled function of the chunk's number, so that any stretch of it can
be had without what lies before.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from benchmarks.noise import generators
from eggroll_ray import noise

CHUNK = 1 << 20
_SEED, _PATH = 0, "layers/0/kernel"
_ROWS = 4095  # chunks in a pair, of which noise.py allows fewer than 2**32 numbers
_LEAVES = 1024
_SIGNS = 4096  # that are drawn of each pair
_WEYL = np.uint32(0x9E3779B9)


class Stream(NamedTuple):
    """A stream and what it is.

    Attributes:
      what: in words, for the page.
      chunk: number of a chunk -> its words, `(CHUNK,)`.
      faulty: whether a battery has to find fault with it.
    """

    what: str
    chunk: Callable[[int], np.ndarray]
    faulty: bool = False


def words(stream: Stream, first: int) -> Iterator[bytes]:
    """The chunks of a stream from one on, as the bytes of little-endian words, to the last before one is repeated."""
    for number in range(first, (1 << 32) // CHUNK):
        yield stream.chunk(number).astype("<u4").tobytes()


def _compiled(draw: Callable[[Array], Array]) -> Callable[[int], np.ndarray]:
    run = jax.jit(draw)
    return lambda number: np.asarray(run(jnp.uint32(number)))


def _leaf() -> Any:
    return noise.leaf_key(_SEED, _PATH, 0)


def _places(number: Array, size: int = CHUNK) -> Array:
    """The numbers of things of which a chunk has so many."""
    return number * np.uint32(size) + jax.lax.iota(jnp.uint32, size)


def _one_pair(draw: Callable[..., Array]) -> Callable[[Array], Array]:
    """Word after word of one pair, then of the next."""

    def chunk(number: Array) -> Array:
        key = noise.pair_key(_leaf(), number // np.uint32(_ROWS))
        # Only the row is drawn: the compiler merges the slice with what makes the array.
        return jax.lax.dynamic_index_in_dim(draw(key, (_ROWS, CHUNK)), number % np.uint32(_ROWS), keepdims=False)

    return chunk


def _first(key: Any) -> Array:
    return noise.normal.bits(key, (1,))[0]


def _pairs(number: Array) -> Array:
    return jax.vmap(lambda pair: _first(noise.pair_key(_leaf(), pair)))(_places(number))


def _generations(number: Array) -> Array:
    return jax.vmap(lambda epoch: _first(noise.pair_key(noise.leaf_key(_SEED, _PATH, epoch), 0)))(_places(number))


def _seeds(number: Array) -> Array:
    return jax.vmap(lambda seed: _first(noise.pair_key(noise.leaf_key(seed, _PATH, 0), 0)))(_places(number))


def _leaves(number: Array) -> Array:
    keys = noise.leaf_keys(_SEED, [f"layers/{i}/kernel" for i in range(_LEAVES)], 0)
    of_pair = jax.vmap(lambda pair, key: _first(noise.pair_key(key, pair)), (None, 0))
    return jax.vmap(of_pair, (0, None))(_places(number, CHUNK // _LEAVES), keys).reshape(-1)


def _signs(number: Array) -> Array:
    def one(pair: Array) -> Array:
        return pack(noise.rademacher(noise.pair_key(_leaf(), pair), (_SIGNS,)) < 0)

    return jax.vmap(one)(_places(number, 32 * CHUNK // _SIGNS)).reshape(-1)


def pack(bits: Array) -> Array:
    """Words of 32 bits each, the first bit of a word the lowest; `(32 n,)` -> `(n,)`."""
    placed = bits.reshape(-1, 32).astype(jnp.uint32) << jax.lax.iota(jnp.uint32, 32)[None, :]
    return jnp.sum(placed, axis=1, dtype=jnp.uint32)


def _normals(number: Array) -> Array:
    """The highest eight bits of the distribution function of four normals a word, each pair's first 1,024."""

    def one(pair: Array) -> Array:
        return noise.normal(noise.pair_key(_leaf(), pair), (1024,))

    drawn = jax.vmap(one)(_places(number, 4 * CHUNK // 1024)).reshape(-1, 4)
    uniform = 0.5 + 0.5 * jax.lax.erf(drawn * np.float32(np.sqrt(0.5)))
    octets = jnp.minimum(jnp.floor(256 * uniform), 255.0).astype(jnp.uint32)
    return jnp.sum(octets << (np.uint32(8) * jax.lax.iota(jnp.uint32, 4))[None, :], axis=1, dtype=jnp.uint32)


def _pcg64(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(1 << 32, size=CHUNK, dtype=np.uint32)


STREAMS = {
    "one pair": Stream("word after word of one pair's key", _compiled(_one_pair(noise.normal.bits))),
    "pairs": Stream("the first words of pairs 0, 1, 2, ...", _compiled(_pairs)),
    "generations": Stream("the first words of pair 0 in generations 0, 1, 2, ...", _compiled(_generations)),
    "leaves": Stream(f"the first words of {_LEAVES:,} leaves, pair after pair", _compiled(_leaves)),
    "seeds": Stream("the first words of pair 0 under seeds 0, 1, 2, ...", _compiled(_seeds)),
    "signs": Stream(f"Rademacher signs as bits, {_SIGNS:,} of each pair", _compiled(_signs)),
    "normals": Stream(
        "normals put back through their distribution function, eight bits each, 1,024 of each pair", _compiled(_normals)
    ),
    "Philox 2x32-10": Stream(
        "not used: Philox, word after word of one key", _compiled(_one_pair(generators.philox_words))
    ),
    "Squares": Stream("not used: Squares, word after word of one key", _compiled(_one_pair(generators.squares_words))),
    "PCG64": Stream("not used: NumPy's generator, seeded with the number of each chunk", _pcg64),
    "threefry, 4 rounds": Stream(
        "faulty on purpose: `one pair` with 4 of the 20 rounds",
        _compiled(_one_pair(functools.partial(generators.threefry_words, rounds=4))),
        faulty=True,
    ),
    "counter": Stream(
        "faulty on purpose: 0, 1, 2, ... times 2,654,435,769", _compiled(lambda n: _places(n) * _WEYL), faulty=True
    ),
}
