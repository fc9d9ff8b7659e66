"""Runs as trials of Ray Tune, whose schedulers can choose sigma, learning rate, rank and all other settings of a run.

from eggroll_ray import tune as er_tune
from ray import tune

trial = er_tune.trainable(make_trainer, generations=100)  # make_trainer(config) -> Trainer
tune.Tuner(tune.with_resources(trial, er_tune.resources(workers=4)), ...).fit()
"""

import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

import cloudpickle
import jax

from eggroll_ray.runs.metrics import Row
from eggroll_ray.runs.result import Result
from eggroll_ray.trainer import Trainer
from eggroll_ray.workers.options import Workers

MakeTrainer = Callable[[Mapping[str, Any]], Trainer]


def trainable(
    make_trainer: MakeTrainer,
    generations: int,
    *,
    metric: str = "mean_policy_return",
    checkpoint_every: int = 10,
) -> Callable[[dict[str, Any]], None]:
    """Makes a function trainable of Ray Tune.

    It reports once per generation, so that Tune's `training_iteration` counts updates. A report contains the numbers of
    the generation's row. The last report also contains the `mean_policy_return` and the `digest` of the final
    parameters, and the `status` of the run.

    A trial continues from the checkpoint that Tune gives it. That is its own, or with population-based training the
    checkpoint of a better trial; sigma, learning rate and rank may then be different. A trial that is stopped ends its
    workers. If the driver of a trial has no GPU of its own, it keeps JAX on the CPU.

    Args:
      make_trainer: makes the trainer for a configuration, without a record (`run=None`). `workers="auto"` uses the
        placement group of the trial and nothing else. If a trial that continues must give the same bits, give
        `block_size` as a number or leave it out: "auto" may choose differently on another machine.
      generations: total number of generations of a trial, including those that it took over with a checkpoint.
      metric: the metric for the scheduler. It is in every report; a generation without it repeats the last value.
      checkpoint_every: number of generations between checkpoints. It must be the perturbation interval of the
        scheduler or a divisor of it. 0 saves only the last checkpoint.

    Raises:
      ImportError: when Ray Tune is not installed.
      ValueError: for values out of range.
    """
    if generations < 1 or checkpoint_every < 0:
        raise ValueError(
            f"generations={generations} must be at least 1, and checkpoint_every={checkpoint_every} at least 0."
        )
    _ray_tune()
    # Unpickled only after the trial has chosen its device, because it may contain JAX arrays, and after the module path
    # is set.
    pickled = cloudpickle.dumps(make_trainer)
    path = [os.path.abspath(entry) for entry in sys.path]

    def evolve(config: dict[str, Any]) -> None:
        _choose_device()
        sys.path.extend(entry for entry in path if entry not in sys.path)
        with cloudpickle.loads(pickled)(config) as trainer:
            _Trial(trainer, generations, metric, checkpoint_every).run()

    return evolve


def resources(workers: int, cpus: float = 1.0, gpus: float = 0.0, *, driver_cpus: float = 1.0) -> Any:
    """Returns the `PlacementGroupFactory` of a trial: a bundle for its driver, and one for each worker.

    Args:
      workers: number of workers of a trial. With 0 the trial itself evaluates, with these CPUs and GPUs.
      cpus: cores of each worker, as in `Workers(cpus=...)`.
      gpus: GPUs of each worker.
      driver_cpus: cores reserved for the driver of the trial, which mostly waits; may be a fraction.

    Raises:
      ImportError: when Ray Tune is not installed.
      ValueError: for values out of range.
    """
    if workers < 0 or cpus <= 0 or gpus < 0 or driver_cpus <= 0:
        raise ValueError(
            f"workers={workers} and gpus={gpus} must be at least 0, cpus={cpus} and driver_cpus={driver_cpus} positive."
        )
    each = {"CPU": cpus} | ({"GPU": gpus} if gpus else {})
    return _ray_tune().PlacementGroupFactory([{"CPU": driver_cpus}, *[each] * workers] if workers else [each])


def connect(address: str | None = None) -> None:
    """Connects to Ray as a trainer does. Call it before `Tuner.fit`, which would otherwise start Ray differently.

    A Ray that is started here listens only on this machine. A cluster is sent this package and the modules in the
    folder of the script.

    Args:
      address: address of a cluster. None means the one in `RAY_ADDRESS`, or else a new Ray on this machine alone.

    Raises:
      WorkerError: when there is no cluster at the address.
    """
    from eggroll_ray.workers.ray.connect import connect  # Ray is imported only where it is used

    connect(Workers(address=address))


class _Trial:
    """One trial: a trainer whose rows are reported."""

    def __init__(self, trainer: Trainer, generations: int, metric: str, checkpoint_every: int):
        self._trainer, self._generations = trainer, generations
        self._metric, self._checkpoint_every = metric, checkpoint_every
        self._tune = _ray_tune()
        self._row: Row = {}

    def run(self) -> None:
        if (saved := self._tune.get_checkpoint()) is not None:
            with saved.as_directory() as folder:
                self._trainer.restore(folder)
            self._row = saved.get_metadata()
        self._finish(self._trainer.fit(self._generations, self._on_row))

    def _on_row(self, row: Row) -> None:
        if self._metric not in row:
            raise ValueError(f"metric={self._metric!r} is not in a row of metrics; choose one of {', '.join(row)}.")
        value = self._row.get(self._metric) if row[self._metric] is None else row[self._metric]
        self._row = {**row, self._metric: value}
        updates = row["generation"] + 1
        if updates < self._generations:  # `_finish` reports the last one
            self._report(self._row, self._checkpoint_every > 0 and updates % self._checkpoint_every == 0)

    def _finish(self, result: Result) -> None:
        row = self._row | {"generation": result.generations, "digest": result.digest, "status": result.status}
        if result.test is not None:
            row |= {"mean_policy_return": float(result.test.mean()), "mean_policy_return_std": float(result.test.std())}
        if row.get(self._metric) is None:
            raise ValueError(
                f"no generation of this trial had a number for metric={self._metric!r}; choose another, such as "
                "fitness_mean, or test the mean parameters: Watch(every=1)."
            )
        self._report(row | {"done": True}, True)

    def _report(self, row: Row, save: bool) -> None:
        """Reports a row, and returns when Tune lets the trial continue. Otherwise Tune raises SystemExit here."""
        if row[self._metric] is None:  # has not been measured yet
            return
        numbers = {name: value for name, value in row.items() if isinstance(value, bool | int | float | str)}
        if not save:
            self._tune.report(numbers)
            return
        with tempfile.TemporaryDirectory(prefix="eggroll-tune-") as folder:
            self._trainer.save(folder)
            checkpoint = self._tune.Checkpoint.from_directory(folder)
            checkpoint.set_metadata({self._metric: row[self._metric]})
            self._tune.report(numbers, checkpoint=checkpoint)


def _choose_device() -> None:
    """Keeps JAX on the CPU if the trial has no GPU. Ray 2.60 shows the GPUs of a node to every process on it."""
    accelerators = importlib.import_module("ray").get_runtime_context().get_accelerator_ids()
    if not any(accelerators.values()):
        jax.config.update("jax_platforms", "cpu")


def _ray_tune() -> Any:
    try:
        return importlib.import_module("ray.tune")
    except ImportError as error:
        raise ImportError(f"Ray Tune is not installed: pip install 'eggroll-ray[tune]' ({error})") from error
