"""Running statistics of observations. They are frozen within a generation, and do not depend on its split into blocks.

The observations of each environment are summed on the device in float32, as differences to its first observation, since
sums around a distant value lose precision by cancellation. The host then adds up environments and blocks in float64,
with so much precision that the order makes no difference.

Letters in shapes: `o` observation axes, `r` rows (environments, or the agents of all environments).
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

CLIP = 10.0  # normalised observations are clipped to this many standard deviations
_MIN_STD = 1e-4  # an observation with a smaller standard deviation counts as constant
_RESOLUTION = 2.0**-23  # of float32: a standard deviation below this share of the mean is only rounding


class Statistics(NamedTuple):
    """Number, mean and sum of squared deviations of all observations so far, as float64 NumPy arrays."""

    samples: np.ndarray  # ()
    mean: np.ndarray  # (*o)
    squares: np.ndarray  # (*o), sum of (observation - mean)^2


class Sums(NamedTuple):
    """The sums of each row during an episode, float32."""

    samples: Float[Array, " r"]
    centre: Float[Array, " r *o"]  # the first observation that is counted
    first: Float[Array, " r *o"]  # sum of (x - centre)
    second: Float[Array, " r *o"]  # sum of (x - centre)^2


class BlockMoments(NamedTuple):
    """What one block adds: sums around the frozen mean of the generation, each as two float64 that add up to it."""

    samples: Float[np.ndarray, "2"]
    first: Float[np.ndarray, " 2 *o"]
    second: Float[np.ndarray, " 2 *o"]


class Moments(NamedTuple):
    """What a generation adds: sums over its observations `x` around its frozen mean, in float64.

    Logs of older versions contain them for each block, in float32.
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
    """Returns statistics of no observations, whose normaliser only clips."""
    return Statistics(np.zeros(()), np.zeros(shape), np.zeros(shape))


def no_moments(shape: tuple[int, ...]) -> Moments:
    """Returns moments of no observations."""
    return Moments(np.zeros(()), np.zeros(shape), np.zeros(shape))


def no_sums(rows: int, shape: tuple[int, ...]) -> Sums:
    """Returns sums of no observations."""
    zeros = jnp.zeros((rows, *shape), jnp.float32)
    return Sums(jnp.zeros(rows, jnp.float32), zeros, zeros, zeros)


def observe(sums: Sums, observations: Float[Array, " r *o"], counted: Bool[Array, " r"]) -> Sums:
    """Adds one observation of each row that is `counted`, if it is finite."""
    # A single NaN would never leave the statistics.
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
    """Sums the rows of a block, in NumPy.

    Rows whose sums in float32 have overflowed are left out.
    """
    samples, centre, first, second = (np.asarray(x, np.float64) for x in sums)
    sound = (samples > 0) & np.isfinite(first + second).reshape(len(samples), -1).all(axis=1)
    samples, centre, first, second = samples[sound], centre[sound], first[sound], second[sound]
    count = samples.reshape(-1, *(1,) * (centre.ndim - 1))
    offset = centre - _frozen_mean(statistics)
    around_mean = second + offset * (2.0 * first + count * offset)
    return BlockMoments(_exact_sum(samples), _exact_sum(first + count * offset), _exact_sum(around_mean))


def total(blocks: Sequence[BlockMoments]) -> Moments:
    """Sums the blocks of a generation. The bits of the result do not depend on the split into blocks."""
    return Moments(*(_exact_sum(np.concatenate(parts))[0] for parts in zip(*blocks, strict=True)))


def _exact_sum(values: Float[np.ndarray, " n *o"]) -> Float[np.ndarray, " 2 *o"]:
    """Sums with twice the precision of float64 (Dekker 1971). Returns the sum and the rounding error it lost.

    This is precise enough that the order makes no difference to the sum. Pairs are added, then pairs of these sums, and
    so on. With thousands of features this takes a tenth of the time of calling `math.fsum` for each.
    """
    high = np.concatenate([values, np.zeros_like(values, shape=(1, *values.shape[1:]))])
    low = np.zeros_like(high)
    while len(high) > 1:
        if len(high) % 2:
            high, low = (np.concatenate([x, np.zeros_like(x[:1])]) for x in (high, low))
        whole = high[::2] + high[1::2]
        second = whole - high[::2]  # the part of the sum that came from the second number of the pair
        cut_off = (high[::2] - (whole - second)) + (high[1::2] - second) + (low[::2] + low[1::2])
        high = whole + cut_off
        low = cut_off - (high - whole)
    return np.concatenate([high, low])


def _frozen_mean(statistics: Statistics) -> Float[np.ndarray, "*o"]:
    return np.asarray(normalizer(statistics).mean, np.float64)


def normalizer(statistics: Statistics) -> Normalizer:
    """Makes the normaliser of the statistics. With fewer than two observations it only clips."""
    if statistics.samples < 2:
        return Normalizer(np.zeros_like(statistics.mean, np.float32), np.ones_like(statistics.mean, np.float32))
    std = np.sqrt(statistics.squares / statistics.samples)
    # An observation that was constant so far must not become huge when it first changes.
    std = np.where(std < np.maximum(_MIN_STD, _RESOLUTION * np.abs(statistics.mean)), 1.0, std)
    return Normalizer(statistics.mean.astype(np.float32), std.astype(np.float32))


def merge(statistics: Statistics, moments: Sequence[Moments]) -> Statistics:
    """Adds the moments of a generation to the statistics (Chan et al. 1983).

    Args:
      statistics: the statistics so far.
      moments: the moments of the generation; one element, or in logs of older versions one for each block, in order.
        Moments that are not finite are left out.
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
