"""The commands `train` and `resume`: their options, and the checks that take no time.

Importing this module does not import JAX, so that the user hears of a mistake at once. `cli/fit.py` does the training.
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
    """If the run folder already holds a run, continue it."""
    seeds: int | None = None
    """Train this number of runs, one after the other, with seeds that count up from seed, and compare them.
    Their folders are seed-N in the run folder. Runs that have ended already are not trained again."""
    config: Path | None = None
    """Take the options from this config.json; options given here override them."""
    render: bool = True
    """Record one episode of the trained policy for the report, where the suite can."""
    verbose: bool = False
    """Write all that is known of a generation into each line of a log, not only what fits into a line."""
    trust_env: str | None = None
    """With config: the id of its environment, if it may import a module that this package does not know."""


@dataclasses.dataclass(frozen=True)
class Resume(OfRun):
    """Continue a run that was stopped, bit for bit."""

    generations: int | None = None
    """Total number of generations; by default as the run was started."""
    learning_rate: float | None = None
    """Learning rate from here on; replaces the one that the run was started with. A schedule keeps its shape."""
    sigma: float | None = None
    """Sigma from here on; replaces the one that the run was started with. A schedule keeps its shape."""
    target: float | Literal["auto", "none"] | None = None
    """Mean return at which the run stops (see train); by default as the run was started."""
    patience: int | Literal["none"] | None = None
    """The run stops after this number of generations without a better test; none never stops it.
    By default as the run was started."""
    workers: int | str | None = None
    """Number of Ray workers; by default as the run was started. Any number gives the same bits."""
    address: str | None = None
    """Address of a Ray cluster; by default the one in RAY_ADDRESS, or else a new one on this machine."""
    wandb: str | None = None
    """Also log to Weights & Biases, to this project or entity/project.
    The project named in the run folder is not used."""
    mlflow: str | None = None
    """Also log to MLflow, to this experiment. The experiment named in the run folder is not used."""
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
    if not resume:  # what is continued began with what is in its own folder
        checks.check_start(options)
    checks.check_surroundings(options)
    if command.config is not None and _shared(options, load_options(command.config)):
        check_env(options, command.config, command.trust_env, envs.imports)
    for text, option in own_texts(options).items():
        resolve(text, option)  # a missing module is reported before JAX is imported
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
    options = options.with_schedules_of(options)  # a new number of generations must not stretch them
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
    """Returns the live view of a run. It knows how long the start of such a run took last time."""
    parts = (options.policy, options.agents, options.worker, options.es)
    kind = [options.title, options.env_options, options.population_size, *map(dataclasses.asdict, parts)]
    with usage():
        durations = Durations(kind)
    return Progress(options.generations, target_of(options), options.title, verbose=verbose, durations=durations)


def _factors(command: Resume, options: TrainOptions) -> dict[str, float]:
    """Returns the factors that set the rates of a run to the given values, by their names in `Trainer.change`.

    The factors are relative to the options that the run was started with, even if the rates were changed since.
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
    """Whether the file of options, rather than the user alone, decides which code runs."""
    return options.env == config.env or bool({*own_names(options)} & {*own_names(config)})


def _plain(command: Train) -> TrainOptions:
    """Returns only the options that `config.json` stores."""
    return TrainOptions(**{f.name: getattr(command, f.name) for f in dataclasses.fields(TrainOptions)})
