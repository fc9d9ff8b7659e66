"""Reads and checks the options of learning rate and sigma. Importing this module does not import JAX."""

import dataclasses
from typing import Literal

from eggroll_ray.cli.options import StrategyOptions

_END = 0.1  # linear and cosine schedules end by default at this share of the value


@dataclasses.dataclass(frozen=True)
class Rate:
    """How the learning rate or sigma changes from generation to generation.

    Attributes:
      value: its value after the warm-up.
      kind: kind of the schedule.
      end: value at the end of the schedule.
      warmup: number of generations before it reaches its value.
      decay: factor per generation, if there is no schedule.
      generations: length of the schedule, including the warm-up; 0 if there is none.
    """

    value: float
    kind: Literal["constant", "linear", "cosine"]
    end: float
    warmup: int
    decay: float
    generations: int


def check_rates(options: StrategyOptions) -> None:
    """Raises ValueError for options of learning rate or sigma that are out of range or contradict each other."""
    for name in ("learning_rate", "sigma"):
        rate_of(options, name)


def rate_of(options: StrategyOptions, name: Literal["learning_rate", "sigma"]) -> Rate:
    """Returns the learning rate or sigma.

    Args:
      options: of the strategy, with the length of the schedules: `TrainOptions.strategy`.
      name: which one.

    Raises:
      ValueError: for options that are out of range or contradict each other.
    """
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
    generations = options.schedule_generations or 0
    if kind != "constant" and generations < 1:
        raise ValueError(f"schedule_generations={options.schedule_generations} must be at least 1.")
    if warmup < 0 or (kind != "constant" and warmup >= generations):
        until = "" if kind == "constant" else f" and below the {generations} generations of the schedule"
        raise ValueError(f"{name}_warmup={warmup} must be at least 0{until}.")
    return Rate(value, kind, value * (_END if end is None else end), warmup, decay, generations)
