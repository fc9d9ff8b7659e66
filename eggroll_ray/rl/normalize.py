"""Running observation statistics: frozen within a generation, merged in block order.

The workers collect moments on the device, in float32 around the current mean; they are merged on the host
in float64, so that the result depends on nothing but the blocks. Letters in shapes: `o` observation axes.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

_CLIP = 10.0  # normalised observations beyond this many standard deviations are cut
_MIN_STD = 1e-4  # of an observation that (almost) never changes


class Statistics(NamedTuple):
    """Mean and sum of squared deviations of all observations so far; float64 on the host."""

    samples: np.ndarray  # ()
    mean: np.ndarray  # (*o)
    squares: np.ndarray  # (*o), sum of (observation - mean)^2


class Moments(NamedTuple):
    """What one block adds: sums over its observations `x`, around the mean frozen for the generation."""

    samples: Float[Array | np.ndarray, ""]
    first: Float[Array | np.ndarray, "*o"]  # sum of (x - mean)
    second: Float[Array | np.ndarray, "*o"]  # sum of (x - mean)^2


class Normalizer(NamedTuple):
    """The frozen affine map, float32."""

    mean: Float[Array | np.ndarray, "*o"]
    std: Float[Array | np.ndarray, "*o"]

    def __call__(self, observation: Float[Array | np.ndarray, "..."]) -> Float[Array, "..."]:
        observation = jnp.asarray(observation, jnp.float32)
        shape = (1,) * (observation.ndim - self.mean.ndim) + self.mean.shape
        mean, std = jnp.reshape(self.mean, shape), jnp.reshape(self.std, shape)
        return jnp.clip((observation - mean) / std, -_CLIP, _CLIP)


def no_observations(shape: tuple[int, ...]) -> Statistics:
    """Statistics of nothing: their normaliser is the identity up to the clip."""
    return Statistics(np.zeros(()), np.zeros(shape), np.zeros(shape))


def no_moments(shape: tuple[int, ...]) -> Moments:
    """Moments of nothing."""
    return Moments(np.zeros((), np.float32), np.zeros(shape, np.float32), np.zeros(shape, np.float32))


def add_moments(
    moments: Moments, observations: Float[Array, " b *o"], counted: Bool[Array, " b"], frozen: Normalizer
) -> Moments:
    """Adds those of the observations that are `counted` and finite, around the mean frozen for the generation."""
    axes = (1,) * (observations.ndim - 1)
    # A single NaN would stay in the statistics for ever.
    counted = counted & jnp.isfinite(observations).reshape(len(counted), -1).all(axis=1)
    centred = observations.astype(jnp.float32) - frozen.mean[None]
    centred = jnp.where(counted.reshape(-1, *axes), centred, 0.0)
    return Moments(
        moments.samples + jnp.sum(counted, dtype=jnp.float32),
        moments.first + centred.sum(axis=0),
        moments.second + (centred * centred).sum(axis=0),
    )


def normalizer(statistics: Statistics) -> Normalizer:
    """Freezes the statistics into a map; with fewer than two observations it is the identity."""
    if statistics.samples < 2:
        return Normalizer(np.zeros_like(statistics.mean, np.float32), np.ones_like(statistics.mean, np.float32))
    std = np.sqrt(statistics.squares / statistics.samples)
    # An observation that never changed must not be blown up the first time it does.
    std = np.where(std < _MIN_STD, 1.0, std)
    return Normalizer(statistics.mean.astype(np.float32), std.astype(np.float32))


def merge(statistics: Statistics, blocks: Sequence[Moments]) -> Statistics:
    """Adds the moments of all blocks of a generation, in block order (Chan et al. 1983).

    A block whose observations were too large for sums in float32 is left out.
    """
    centre = normalizer(statistics).mean.astype(np.float64)
    for block in blocks:
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
