"""Fitness shaping: turns raw fitness (higher is better) into the weights of the estimate.

A member whose fitness is NaN or infinite gets weight zero, and so does its antithetic twin.

Letters in shapes: `n` members; members `2 p` and `2 p + 1` are twins.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from eggroll_ray.es.numbers import whole


class Shaped(NamedTuple):
    """The weights F_i of the estimate, and which members are valid."""

    weights: Float[Array, " n"]  # zero for members that are not valid
    valid: Bool[Array, " n"]  # whether both the member and its twin have a finite fitness


# Maps the raw fitness of a whole population to weights.
Weigh = Callable[[Float[Array, " n"]], Shaped]


@dataclasses.dataclass(frozen=True)
class Shaping:
    """How the raw fitness of a whole population becomes weights. Call it with `(n,)` float32.

    Attributes:
      name: name in the record of a run.
      weigh: function of raw fitness that returns `Shaped`; jittable.
      signs_only: whether the weights depend only on which twin of each pair is better. Results are then sent and logged
        as one sign per pair.
      described: description for messages, if the name is not enough.
    """

    name: str
    weigh: Weigh
    signs_only: bool = False
    described: str = ""

    @property
    def what(self) -> str:
        """The description for messages."""
        return self.described or self.name

    def __call__(self, fitness: Float[Array, " n"]) -> Shaped:
        return self.weigh(fitness)


def as_shaping(shaping: Shaping | Weigh) -> Shaping:
    """Returns a shaping unchanged, or makes one of a function, which is assumed to need more than signs."""
    if isinstance(shaping, Shaping):
        return shaping
    return Shaping(getattr(shaping, "__name__", type(shaping).__name__), shaping)


def valid_members(fitness: Float[Array, " n"]) -> Bool[Array, " n"]:
    """Returns which members are valid: both the member and its twin have a finite fitness."""
    pairs = jnp.isfinite(fitness).reshape(-1, 2).all(axis=1)
    return jnp.repeat(pairs, 2)


def _raw(fitness: Float[Array, " n"]) -> Shaped:
    """The fitness itself (paper Eq 6)."""
    valid = valid_members(fitness)
    return Shaped(jnp.where(valid, fitness, 0.0), valid)


def _centred_rank(fitness: Float[Array, " n"]) -> Shaped:
    """Ranks mapped to [-0.5, 0.5], where the best member gets 0.5. Ties share the mean of their ranks.

    Any increasing transformation of the fitness leaves the result unchanged (Salimans et al. 2017; paper App. M).
    """
    valid = valid_members(fitness)
    ordered = jnp.sort(jnp.where(valid, fitness, jnp.inf))
    values = jnp.where(valid, fitness, 0.0)
    below = jnp.searchsorted(ordered, values, side="left", method="sort")
    not_above = jnp.searchsorted(ordered, values, side="right", method="sort")
    rank = 0.5 * (below + not_above - 1).astype(jnp.float32)
    ranks = jnp.maximum(_count(valid) - 1, 1).astype(jnp.float32)
    return Shaped(jnp.where(valid, rank / ranks - 0.5, 0.0), valid)


def _z_score(fitness: Float[Array, " n"]) -> Shaped:
    """Scales to zero mean and unit standard deviation over the valid members. If all are equal, all become zero."""
    valid = valid_members(fitness)
    centred = _centre(fitness[None, :], valid[None, :])[0]
    return Shaped(_over_std(centred, valid), valid)


def group_z_score(group_size: int) -> Shaping:
    """Makes a z-score that subtracts the mean of each group and divides by the spread of all members (paper 6.3).

    Args:
      group_size: number of consecutive members in a group, even and a divisor of the population. The members of a group
        answered the same question or played the same episode.
    """
    group_size = whole("group_size", group_size)
    if group_size < 2 or group_size % 2:
        raise ValueError(
            f"group_size={group_size} must be even and at least 2, so that twins share a group; "
            "give the number of members per group, not the number of groups."
        )

    def shape(fitness: Float[Array, " n"]) -> Shaped:
        if fitness.shape[0] % group_size:
            raise ValueError(
                f"group_size={group_size} does not divide the population of {fitness.shape[0]}; "
                "choose a divisor of the population size."
            )
        valid = valid_members(fitness)
        groups = (-1, group_size)
        centred = _centre(fitness.reshape(groups), valid.reshape(groups)).reshape(-1)
        return Shaped(_over_std(centred, valid), valid)

    # Keep this name, because records contain it since the first version.
    return Shaping("shape", shape, described=f"group_z_score({group_size})")


def _antithetic_sign(fitness: Float[Array, " n"]) -> Shaped:
    """+1 for the better twin, -1 for the worse, 0 for a tie. Each pair has one ternary result (paper App. H.2)."""
    valid = valid_members(fitness)
    pairs = jnp.where(valid, fitness, 0.0).reshape(-1, 2)
    sign = jnp.sign(pairs[:, 0] - pairs[:, 1])
    return Shaped(jnp.stack([sign, -sign], axis=1).reshape(-1), valid)


def _count(valid: Bool[Array, " n"]) -> Int[Array, ""]:
    return jnp.sum(valid, dtype=jnp.int32)


def _centre(fitness: Float[Array, "g n"], valid: Bool[Array, "g n"]) -> Float[Array, "g n"]:
    """Subtracts the mean of the valid members of each row. All other members become zero.

    If the sums would overflow float32, the whole result is scaled down by a power of two.
    """
    fitness = jnp.where(valid, fitness, 0.0)
    fitness = fitness * jnp.where(jnp.max(jnp.abs(fitness)) > 1e30, jnp.float32(2.0**-40), 1.0)
    count = jnp.maximum(jnp.sum(valid, axis=1, keepdims=True, dtype=jnp.float32), 1.0)
    mean = jnp.sum(fitness, axis=1, keepdims=True) / count
    return jnp.where(valid, fitness - mean, 0.0)


def _over_std(centred: Float[Array, " n"], valid: Bool[Array, " n"]) -> Float[Array, " n"]:
    # Divide by the largest value first, because the squares of a fitness of 1e20 would overflow float32.
    scaled = _ratio(centred, jnp.max(jnp.abs(centred)))
    count = jnp.maximum(_count(valid), 1).astype(jnp.float32)
    return _ratio(scaled, jnp.sqrt(jnp.sum(scaled * scaled) / count))


def _ratio(values: Float[Array, " n"], scale: Float[Array, ""]) -> Float[Array, " n"]:
    return jnp.where(scale > 0, values / jnp.where(scale > 0, scale, 1.0), 0.0)


# The fitness itself (paper Eq 6).
raw = Shaping("raw", _raw)
# Ranks in [-0.5, 0.5], which do not depend on the scale of the fitness; the default.
centred_rank = Shaping("centred_rank", _centred_rank)
# Zero mean and unit standard deviation.
z_score = Shaping("z_score", _z_score)
# The better twin gets +1, the worse -1: one ternary result per pair (paper App. H.2).
antithetic_sign = Shaping("antithetic_sign", _antithetic_sign, signs_only=True)
