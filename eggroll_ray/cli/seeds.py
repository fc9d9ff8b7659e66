"""`train --seeds`: trains with several seeds, one after the other, and compares the runs."""

import contextlib
import dataclasses
import importlib.util
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from eggroll_ray.cli.command_line import command_line
from eggroll_ray.cli.options import TrainOptions, load_options
from eggroll_ray.cli.say import STOPPED, UsageError, say
from eggroll_ray.cli.targets import is_demanded
from eggroll_ray.comparison.compare import compare_named
from eggroll_ray.es.record import NotFiniteError
from eggroll_ray.evaluators.record import FitnessError
from eggroll_ray.runs.history import load_history

# What trains one run: options, run folder, whether to continue it -> exit status.
Fit = Callable[[TrainOptions, Path, bool], int]

_ENDED = ("solved", "finished", "plateau")
_MAY_DIFFER = ("worker", "wandb", "mlflow", "checkpoint_every")  # they do not affect the result


@dataclasses.dataclass(frozen=True)
class _Seed:
    options: TrainOptions
    folder: Path
    begun: bool
    missed: bool | None  # whether it has ended without reaching its target, None if it has not ended


def train_seeds(options: TrainOptions, count: int, run: Path, resume: bool, fit: Fit) -> int:
    """Trains with the seeds `seed`, `seed + 1`, ..., each in its own run folder `seed-N`, and compares them.

    A run that has ended is not trained again. A run that has started but not ended is continued if `resume` is set.

    Args:
      options: of all runs; `seed` is the seed of the first.
      count: number of seeds.
      run: the folder that holds the run folders.
      resume: whether runs that were begun are continued.
      fit: trains one run.

    Returns:
      The exit status: 1 if a run missed its target, 2 if one failed, 130 if the user stopped it.

    Raises:
      UsageError: if a folder holds something else. It is raised before any training.
    """
    seeds = _plan(options, count, run, resume)
    again = command_line(options, "--run", str(run), "--seeds", str(count), "--resume", addresses=True)
    statuses = []
    with _one_ray(options):
        for place, seed in enumerate(seeds, 1):
            what = f"Seed {seed.options.seed} ({place} of {count})"
            if seed.missed is not None:
                say(f"{what} is there already: {seed.folder}")
                statuses.append(int(seed.missed))
                continue
            say(f"{what}: {seed.folder}")
            try:
                statuses.append(fit(seed.options, seed.folder, seed.begun))
            except (NotFiniteError, FitnessError) as error:
                say(f"{what} failed; the other seeds continue: {error}")
                statuses.append(2)
            except KeyboardInterrupt:
                statuses.append(STOPPED)
            if statuses[-1] == STOPPED:
                say(f"Continue with all seeds: {again}")
                return STOPPED
    _compare(run, seeds)
    return max(statuses)


def _plan(options: TrainOptions, count: int, run: Path, resume: bool) -> list[_Seed]:
    """Looks up what exists of each seed. Reports every mistake before the first run is trained."""
    if count < 1:
        raise UsageError(f"seeds={count} must be at least 1.")
    if (run / "config.json").exists():
        raise UsageError(f"{run} is a run of its own; name another folder for the runs of {count} seeds.")
    seeds = []
    for number in range(options.seed, options.seed + count):
        folder, of_seed = run / f"seed-{number}", dataclasses.replace(options, seed=number)
        begun = (folder / "config.json").exists()
        missed = None
        if begun:
            _check_same(of_seed, folder)
            result = load_history(folder).result or {}
            if result.get("status") in _ENDED:
                missed = is_demanded(of_seed) and result["status"] != "solved"
            elif not resume:
                raise UsageError(
                    f"{folder} holds a run that was begun and has not ended; continue it with --resume, or name "
                    "another folder with --run."
                )
        seeds.append(_Seed(of_seed, folder, begun, missed))
    return seeds


def _check_same(options: TrainOptions, folder: Path) -> None:
    """Refuses a folder whose run has other options: a comparison would put it into another group."""
    found = _flat(dataclasses.asdict(load_options(folder / "config.json")))
    for name, value in _flat(dataclasses.asdict(options)).items():
        if found[name] != value:
            raise UsageError(
                f"{folder} holds a run with {name}={json.dumps(found[name])}, now it is {json.dumps(value)}; give the "
                "same options, or name another folder with --run."
            )


def _flat(options: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in options.items():
        if name not in _MAY_DIFFER:
            found |= value if isinstance(value, dict) else {name: value}
    return found


def _one_ray(options: TrainOptions) -> contextlib.AbstractContextManager[None]:
    """Lets all runs share one Ray, because starting Ray takes seconds."""
    if options.worker.workers == 0:
        return contextlib.nullcontext()
    from eggroll_ray.workers.ray.shared import one_ray  # Ray is imported only where it is used

    return one_ray()


def _compare(run: Path, seeds: Sequence[_Seed]) -> None:
    if importlib.util.find_spec("matplotlib") is None:
        return
    try:
        found = compare_named([(None, seed.folder) for seed in seeds if seed.folder.exists()], None, None)
    except ValueError as error:  # for example, no run was tested
        say(f"No comparison: {error}")
        return
    say(f"Comparison of the seeds: {found.write(run)}")
