"""`eggroll-ray plan`: what `train` with the same options will take, before it is started."""

import dataclasses
from typing import Literal

from eggroll_ray.cli.build import MakeEnv, make_evaluator, make_strategy
from eggroll_ray.cli.options import TrainOptions
from eggroll_ray.forecast.block_size import fastest_block_size
from eggroll_ray.forecast.hardware import HERE
from eggroll_ray.forecast.predict import predict


@dataclasses.dataclass(frozen=True)
class PlanCommand(TrainOptions):
    """Predict memory, speed and traffic of a run, and say what limits it; takes the options of train.

    The options about the number of workers are ignored: each device is one worker with all cores of its machine.
    """

    device: Literal["this machine", "H100", "H200", "A100-80GB", "L4", "TPU v5e"] = "this machine"
    """Kind of each device. This machine is measured; for the others the manufacturers' numbers are used."""
    devices: tuple[int, ...] = (1, 8, 64, 512)
    """Numbers of devices to predict for."""
    network_gbps: float = 10.0
    """Gigabits per second in and out of each machine."""
    split_update: bool = False
    """Predict for an update in which each device computes one slice of the parameters and sends it to the others."""
    generation_seconds: float | None = None
    """Also say how many members a generation may have if it is to take this number of seconds."""


def plan_run(command: PlanCommand, make_env: MakeEnv) -> str:
    """Returns the forecast as text.

    Raises:
      ValueError: for a value out of range, see `predict`.
    """
    limit = command.generation_seconds
    if limit is not None and not limit > 0:
        raise ValueError(f"generation_seconds={limit} must be positive, such as 1.")
    evaluator = make_evaluator(command, make_env)
    strategy = make_strategy(command.strategy, evaluator.groups)
    block_size = command.worker.block_size
    if block_size == "auto":
        if command.device != HERE:
            raise ValueError(
                f"block_size='auto' is found by timing, for device={HERE!r} only; choose a number or None."
            )
        block_size = fastest_block_size(evaluator, strategy, command.population_size, seed=command.seed)
    forecast = predict(
        evaluator,
        strategy,
        population_size=command.population_size,
        block_size=block_size,
        device=command.device,
        devices=command.devices,
        network_gbps=command.network_gbps,
        split_update=command.split_update,
    )
    if limit is None:
        return str(forecast)
    within = [f"{forecast.population_within(limit, count):,} on {count:,}" for count in command.devices]
    return f"{forecast}\n\nMembers of a generation of {limit:g} s, by devices: {', '.join(within)}"
