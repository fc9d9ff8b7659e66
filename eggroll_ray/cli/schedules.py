"""The schedules of learning rate and sigma, as functions of the generation, made from the options."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from eggroll_ray.cli.options import StrategyOptions
from eggroll_ray.cli.rates import Rate, rate_of
from eggroll_ray.es.record import Schedule


def learning_rate(options: StrategyOptions) -> optax.Schedule:
    """Returns the learning rate by generation.

    Raises:
      ValueError: for options that are out of range or contradict each other.
    """
    rate = rate_of(options, "learning_rate")
    if rate.kind == "constant" and not rate.warmup:
        return optax.exponential_decay(rate.value, 1, rate.decay)
    return _scheduled(rate)


def sigma(options: StrategyOptions) -> float | Schedule:
    """Returns sigma, or its schedule by generation.

    Raises:
      ValueError: see `learning_rate`.
    """
    rate = rate_of(options, "sigma")
    if rate.kind == "constant" and not rate.warmup:
        if rate.decay == 1:
            return rate.value
        return lambda generation: rate.value * jnp.power(jnp.float32(rate.decay), generation.astype(jnp.float32))
    scheduled = _scheduled(rate)

    def schedule(generation: Any) -> Any:
        with jax.numpy_dtype_promotion("standard"):  # optax relies on it
            return scheduled(generation)

    return schedule


def _scheduled(rate: Rate) -> optax.Schedule:
    """Makes a schedule that first rises to its value in equal steps, one per generation."""
    warmup = rate.warmup
    if rate.kind == "constant":
        after = optax.exponential_decay(rate.value, 1, rate.decay)
    else:
        steps = rate.generations - warmup
        if rate.kind == "linear":
            after = optax.linear_schedule(rate.value, rate.end, steps)
        else:
            after = optax.cosine_decay_schedule(rate.value, steps, rate.end / rate.value)
    if not warmup:
        return after
    return optax.join_schedules([optax.linear_schedule(rate.value / (warmup + 1), rate.value, warmup), after], [warmup])
