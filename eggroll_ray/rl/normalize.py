"""Running observation statistics: frozen within a generation, the same bits however it is split into blocks.

Each environment is summed up by itself, on the device and in float32, around the first observation that it shows: sums
around anything far away cancel. The host adds the environments up as if without rounding, and then the blocks; both in
float64. Letters in shapes: `o` observation axes, `r` rows, that is environments, or each agent of each environment.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

CLIP = 10.0  # normalised observations beyond this many standard deviations are cut
_MIN_STD = 1e-4  # of an observation that (almost) never changes
_RESOLUTION = 2.0**-23  # of float32: a deviation below this share of the mean is none that an observation can show


class Statistics(NamedTuple):
    """Mean and sum of squared deviations of all observations so far; float64 on the host."""

    samples: np.ndarray  # ()
    mean: np.ndarray  # (*o)
    squares: np.ndarray  # (*o), sum of (observation - mean)^2


class Sums(NamedTuple):
    """What is collected of each row while it is played, float32."""

    samples: Float[Array, " r"]
    centre: Float[Array, " r *o"]  # the first observation that counts
    first: Float[Array, " r *o"]  # sum of (x - centre)
    second: Float[Array, " r *o"]  # sum of (x - centre)^2


class BlockMoments(NamedTuple):
    """What one block adds: sums around the mean frozen for the generation, each as two float64 whose sum it is."""

    samples: Float[np.ndarray, "2"]
    first: Float[np.ndarray, " 2 *o"]
    second: Float[np.ndarray, " 2 *o"]


class Moments(NamedTuple):
    """What a generation adds: sums over its observations `x`, around the mean frozen for it.

    In float64; older logs hold them for each block, in float32.
    """

    samples: Float[np.ndarray, ""]
    first: Float[np.ndarray, "*o"]  # sum of (x - mean)
    second: Float[np.ndarray, "*o"]  # sum of (x - mean)^2


class Normalizer(NamedTuple):
    """The frozen affine map, float32."""

    mean: Float[Array | np.ndarray, "*o"]
    std: Float[Array | np.ndarray, "*o"]

    def __call__(self, observation: Float[Array | np.ndarray, "..."]) -> Float[Array, "..."]:
        observation = jnp.asarray(observation, jnp.float32)
        shape = (1,) * (observation.ndim - self.mean.ndim) + self.mean.shape
        mean, std = jnp.reshape(self.mean, shape), jnp.reshape(self.std, shape)
        return jnp.clip((observation - mean) / std, -CLIP, CLIP)


def no_observations(shape: tuple[int, ...]) -> Statistics:
    """Statistics of nothing: their normaliser is the identity up to the clip."""
    return Statistics(np.zeros(()), np.zeros(shape), np.zeros(shape))


def no_moments(shape: tuple[int, ...]) -> Moments:
    """Moments of nothing."""
    return Moments(np.zeros(()), np.zeros(shape), np.zeros(shape))


def no_sums(rows: int, shape: tuple[int, ...]) -> Sums:
    """Sums of nothing."""
    zeros = jnp.zeros((rows, *shape), jnp.float32)
    return Sums(jnp.zeros(rows, jnp.float32), zeros, zeros, zeros)


def observe(sums: Sums, observations: Float[Array, " r *o"], counted: Bool[Array, " r"]) -> Sums:
    """Adds one observation of each row that is `counted`, if it is finite."""
    # A single NaN would stay in the statistics for ever.
    counted = counted & jnp.isfinite(observations).reshape(len(counted), -1).all(axis=1)

    def where(flags: Bool[Array, " r"], yes: Array, no: Array | float) -> Array:
        return jnp.where(flags.reshape(-1, *(1,) * (observations.ndim - 1)), yes, no)

    observations = observations.astype(jnp.float32)
    centre = where(counted & (sums.samples == 0), observations, sums.centre)
    centred = where(counted, observations - centre, 0.0)
    return Sums(
        sums.samples + counted.astype(jnp.float32),
        centre,
        sums.first + centred,
        sums.second + centred * centred,
    )


def block_moments(sums: Sums, statistics: Statistics) -> BlockMoments:
    """Adds up the rows of a block, on the host.

    A row whose observations were too large for sums in float32 is left out.
    """
    samples, centre, first, second = (np.asarray(x, np.float64) for x in sums)
    sound = (samples > 0) & np.isfinite(first + second).reshape(len(samples), -1).all(axis=1)
    samples, centre, first, second = samples[sound], centre[sound], first[sound], second[sound]
    count = samples.reshape(-1, *(1,) * (centre.ndim - 1))
    offset = centre - _frozen_mean(statistics)
    around_mean = second + offset * (2.0 * first + count * offset)
    return BlockMoments(_exact_sum(samples), _exact_sum(first + count * offset), _exact_sum(around_mean))


def total(blocks: Sequence[BlockMoments]) -> Moments:
    """Adds up the blocks of a generation; how it was split into them makes no difference to a bit."""
    return Moments(*(_exact_sum(np.concatenate(parts))[0] for parts in zip(*blocks, strict=True)))


def _exact_sum(values: Float[np.ndarray, " n *o"]) -> Float[np.ndarray, " 2 *o"]:
    """Adds up with twice the digits of a float64: the sum, and what rounding it has cut off (Dekker 1971).

    So much is kept that the order makes no difference to the sum. Pairs are added side by side, then pairs of the sums:
    of thousands of features that takes a tenth of the time of `math.fsum` of each.
    """
    high = np.concatenate([values, np.zeros_like(values, shape=(1, *values.shape[1:]))])
    low = np.zeros_like(high)
    while len(high) > 1:
        if len(high) % 2:
            high, low = (np.concatenate([x, np.zeros_like(x[:1])]) for x in (high, low))
        whole = high[::2] + high[1::2]
        second = whole - high[::2]  # what of it came from the second of the pair
        cut_off = (high[::2] - (whole - second)) + (high[1::2] - second) + (low[::2] + low[1::2])
        high = whole + cut_off
        low = cut_off - (high - whole)
    return np.concatenate([high, low])


def _frozen_mean(statistics: Statistics) -> Float[np.ndarray, "*o"]:
    return np.asarray(normalizer(statistics).mean, np.float64)


def normalizer(statistics: Statistics) -> Normalizer:
    """Freezes the statistics into a map; with fewer than two observations it is the identity."""
    if statistics.samples < 2:
        return Normalizer(np.zeros_like(statistics.mean, np.float32), np.ones_like(statistics.mean, np.float32))
    std = np.sqrt(statistics.squares / statistics.samples)
    # An observation that never changed must not be blown up the first time it does.
    std = np.where(std < np.maximum(_MIN_STD, _RESOLUTION * np.abs(statistics.mean)), 1.0, std)
    return Normalizer(statistics.mean.astype(np.float32), std.astype(np.float32))


def merge(statistics: Statistics, moments: Sequence[Moments]) -> Statistics:
    """Adds the moments of a generation (Chan et al. 1983): one, or in block order those of an older log.

    Those of observations that were too large for their sums are left out.
    """
    centre = _frozen_mean(statistics)
    for block in moments:
        count = np.float64(block.samples)
        first, second = np.asarray(block.first, np.float64), np.asarray(block.second, np.float64)
        if not count > 0 or not (np.isfinite(first).all() and np.isfinite(second).all()):
            continue
        mean = centre + first / count
        squares = np.maximum(second - first * first / count, 0.0)
        total = statistics.samples + count
        delta = mean - statistics.mean
        statistics = Statistics(
            np.asarray(total),
            statistics.mean + delta * (count / total),
            statistics.squares + squares + delta * delta * (statistics.samples * count / total),
        )
    return statistics
