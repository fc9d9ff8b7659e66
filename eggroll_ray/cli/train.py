"""The commands that train, `train` and `resume`: their options and the checks that cost nothing.

Importing this module imports no JAX, so that a mistake is told at once; `cli/fit.py` does the work.
"""

import dataclasses
import functools
import re
import time
from pathlib import Path
from typing import Literal

import envs
from eggroll_ray.cli.foreign import check_env
from eggroll_ray.cli.of_run import OfRun
from eggroll_ray.cli.options import TrainOptions, load_options
from eggroll_ray.cli.own_code import resolve
from eggroll_ray.cli.own_names import own_names, own_texts
from eggroll_ray.cli.say import UsageError, loading, usage
from eggroll_ray.cli.targets import target_of
from eggroll_ray.compiling.durations import Durations
from eggroll_ray.compiling.phases import LOADING, phase
from eggroll_ray.report.terminal import Progress


@dataclasses.dataclass(frozen=True)
class Train(TrainOptions):
    """Train a policy in an environment, and write a run folder with a report."""

    run: Path | None = None
    """The run folder; by default runs/<environment>-<date>."""
    resume: bool = False
    """Continue the run in that folder, if it was begun already."""
    seeds: int | None = None
    """Train so many runs, one after the other, with this seed and those after it, in folders seed-N of the run folder;
    runs that have ended are left as they are, and all are compared."""
    config: Path | None = None
    """Take the options of this config.json, except those given here."""
    render: bool = True
    """Record one episode of the trained policy for the report, where the suite can."""
    verbose: bool = False
    """Write all that is known of a generation into each line of a log, not only what fits into a line."""
    trust_env: str | None = None
    """Environment id of the config whose module may be imported, where it is not one that is known here."""


@dataclasses.dataclass(frozen=True)
class Resume(OfRun):
    """Continue a run that was stopped, bit for bit."""

    generations: int | None = None
    """Generations in all; by default what the run was started with."""
    learning_rate: float | None = None
    """Learning rate from here on, in place of the one that the run was begun with; a schedule keeps its shape."""
    sigma: float | None = None
    """Sigma from here on, likewise."""
    target: float | Literal["auto", "none"] | None = None
    """Mean return at which the run stops, see train; by default what the run was started with."""
    patience: int | Literal["none"] | None = None
    """Generations without a better test after which the run stops; by default what the run was started with."""
    workers: int | str | None = None
    """Ray workers; by default what the run was started with. Any number gives the same bits."""
    address: str | None = None
    """Address of a Ray cluster; by default the running one (RAY_ADDRESS), or a new one on this machine."""
    wandb: str | None = None
    """Also log to Weights & Biases, to this project or entity/project; what the folder names is not used."""
    mlflow: str | None = None
    """Also log to MLflow, to this experiment; what the folder names is not used."""
    render: bool = True
    """Record one episode of the trained policy for the report, where the suite can."""
    verbose: bool = False
    """Write all that is known of a generation into each line of a log, not only what fits into a line."""


def train(command: Train) -> int:
    from eggroll_ray.cli import checks

    options = _plain(command)
    folder = f"{re.sub('[^A-Za-z0-9_.]', '-', options.title)}-{time.strftime('%Y%m%d-%H%M%S')}"
    run = command.run or Path("runs") / folder
    resume = command.resume and (run / "config.json").exists()
    if command.seeds is None:
        checks.check_run(run, resume)
    checks.check_numbers(options)
    checks.check_surroundings(options)
    if command.config is not None and _shared(options, load_options(command.config)):
        check_env(options, command.config, command.trust_env, envs.imports)
    for text, option in own_texts(options).items():
        resolve(text, option)  # what is not there is told before JAX is imported
    if command.seeds is None:
        return _train_one(options, run, resume, command)
    with loading():
        from eggroll_ray.cli.seeds import train_seeds
    return train_seeds(options, command.seeds, run, command.resume, functools.partial(_train_one, command=command))


def _train_one(options: TrainOptions, run: Path, resume: bool, command: Train) -> int:
    if resume:
        options = options.with_schedules_of(load_options(run / "config.json"))
    with _progress(options, command.verbose) as progress:
        with phase(LOADING):
            from eggroll_ray.cli import fit
        return fit.fit(options, run, resume, command.render, progress)


def resume(command: Resume) -> int:
    from eggroll_ray.cli import checks

    checks.check_run(command.run, resume=True)
    with loading():
        from eggroll_ray.cli import fit, folder, rebuild, resume_python
    if not rebuild.is_of_command_line(command.run):
        return resume_python.resume_python(command)
    options = folder.options_of_folder(command)
    options = options.with_schedules_of(options)  # which the generations given here do not stretch
    factors = _factors(command, options)
    for name in ("generations", "target"):
        if (value := getattr(command, name)) is not None:
            options = dataclasses.replace(options, **{name: value})
    if command.patience is not None:
        options = dataclasses.replace(options, patience=None if command.patience == "none" else command.patience)
    options = dataclasses.replace(options, wandb=command.wandb, mlflow=command.mlflow)
    for name in ("workers", "address"):
        if (value := getattr(command, name)) is not None:
            options = dataclasses.replace(options, worker=dataclasses.replace(options.worker, **{name: value}))
    checks.check_numbers(options)
    checks.check_surroundings(options)
    with _progress(options, command.verbose) as progress:
        return fit.fit(options, command.run, True, command.render, progress, factors)


def _progress(options: TrainOptions, verbose: bool) -> Progress:
    """The view of a run, which knows how long the start of such a run took the last time."""
    parts = (options.policy, options.agents, options.worker, options.es)
    kind = [options.title, options.env_options, options.population_size, *map(dataclasses.asdict, parts)]
    with usage():
        durations = Durations(kind)
    return Progress(options.generations, target_of(options), options.title, verbose=verbose, durations=durations)


def _factors(command: Resume, options: TrainOptions) -> dict[str, float]:
    """The factors that make the rates of a run those that are given, by their names in `Trainer.change`.

    They are relative to the options that the run was begun with, however often it has been changed since.
    """
    factors = {}
    for name in ("learning_rate", "sigma"):
        value = getattr(command, name)
        if value is not None:
            if not value > 0:
                raise UsageError(f"{name}={value} must be positive.")
            factors[f"{name}_scale"] = value / getattr(options.es, name)
    return factors


def _shared(options: TrainOptions, config: TrainOptions) -> bool:
    """Whether the file of the options, and not the user alone, decides which code runs."""
    return options.env == config.env or bool({*own_names(options)} & {*own_names(config)})


def _plain(command: Train) -> TrainOptions:
    """The options alone, which config.json keeps."""
    return TrainOptions(**{f.name: getattr(command, f.name) for f in dataclasses.fields(TrainOptions)})
