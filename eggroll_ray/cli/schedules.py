"""How learning rate and sigma go from generation to generation, by the options of the command line."""

import dataclasses
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax

from eggroll_ray.cli.options import StrategyOptions
from eggroll_ray.es.record import Schedule

_END = 0.1  # share of the value that linear and cosine schedules end with by default


@dataclasses.dataclass(frozen=True)
class _Rate:
    """The options of one of the two."""

    name: str
    value: float
    kind: Literal["constant", "linear", "cosine"]
    end: float | None
    warmup: int
    decay: float
    generations: int  # that the schedule takes, if there is one


def learning_rate(options: StrategyOptions) -> optax.Schedule:
    """Returns the learning rate by generation.

    Raises:
      ValueError: for options that are out of range or contradict each other.
    """
    rate = _rate(options, "learning_rate")
    if rate.kind == "constant" and not rate.warmup:
        return optax.exponential_decay(rate.value, 1, rate.decay)
    return _scheduled(rate)


def sigma(options: StrategyOptions) -> float | Schedule:
    """Returns sigma, or its schedule by generation.

    Raises:
      ValueError: see `learning_rate`.
    """
    rate = _rate(options, "sigma")
    if rate.kind == "constant" and not rate.warmup:
        if rate.decay == 1:
            return rate.value
        return lambda generation: rate.value * jnp.power(jnp.float32(rate.decay), generation.astype(jnp.float32))
    scheduled = _scheduled(rate)

    def schedule(generation: Any) -> Any:
        with jax.numpy_dtype_promotion("standard"):  # optax relies on it
            return scheduled(generation)

    return schedule


def _rate(options: StrategyOptions, name: str) -> _Rate:
    value = getattr(options, name)
    kind, end, warmup, decay = (getattr(options, f"{name}_{part}") for part in ("schedule", "end", "warmup", "decay"))
    if not value > 0:
        raise ValueError(f"{name}={value} must be positive; try {getattr(StrategyOptions, name)}.")
    if not 0 < decay <= 1:
        raise ValueError(f"{name}_decay={decay} must be in (0, 1]; 1 is no decay.")
    if kind != "constant" and decay != 1:
        raise ValueError(f"{name}_decay={decay} and {name}_schedule={kind} both lower it; leave one of them out.")
    if kind == "constant" and end is not None:
        raise ValueError(f"{name}_end={end} needs {name}_schedule=linear or cosine.")
    if end is not None and not (0 < end <= 1 or (end == 0 and name == "learning_rate")):
        least = "(0, 1]" if name == "sigma" else "[0, 1]"
        raise ValueError(f"{name}_end={end} must be in {least}, as a share of {name}.")
    generations = options.schedule_generations
    if kind != "constant" and (generations is None or generations < 1):
        raise ValueError(f"schedule_generations={generations} must be at least 1.")
    if warmup < 0 or (kind != "constant" and warmup >= generations):
        until = "" if kind == "constant" else f" and below the {generations} generations of the schedule"
        raise ValueError(f"{name}_warmup={warmup} must be at least 0{until}.")
    return _Rate(name, value, kind, end, warmup, decay, generations or 0)


def _scheduled(rate: _Rate) -> optax.Schedule:
    """Rises to its value in equal steps, one a generation, and goes on from there."""
    warmup, end = rate.warmup, rate.value * (_END if rate.end is None else rate.end)
    if rate.kind == "constant":
        after = optax.exponential_decay(rate.value, 1, rate.decay)
    else:
        steps = rate.generations - warmup
        if rate.kind == "linear":
            after = optax.linear_schedule(rate.value, end, steps)
        else:
            after = optax.cosine_decay_schedule(rate.value, steps, end / rate.value)
    if not warmup:
        return after
    return optax.join_schedules([optax.linear_schedule(rate.value / (warmup + 1), rate.value, warmup), after], [warmup])
