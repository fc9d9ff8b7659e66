"""The commands that train: `train` and `resume`."""

import dataclasses
import importlib.util
import time
from pathlib import Path

import jax

import envs
from eggroll_ray.cli.build import make_trainer
from eggroll_ray.cli.folder import RunFolder, options_of_folder, render_episode
from eggroll_ray.cli.foreign import check_env
from eggroll_ray.cli.options import TrainOptions, load_options
from eggroll_ray.cli.say import STOPPED, say, usage
from eggroll_ray.report.terminal import Progress
from eggroll_ray.report.write import write_report
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.runs.result import Result


@dataclasses.dataclass(frozen=True)
class Train(TrainOptions):
    """Train a policy in an environment, and write a run folder with a report."""

    run: Path | None = None
    """The run folder; by default runs/<environment>-<date>."""
    resume: bool = False
    """Continue the run in that folder, if it was begun already."""
    config: Path | None = None
    """Take the options of this config.json, except those given here."""
    render: bool = True
    """Record one episode of the trained policy for the report, where the suite can."""
    trust_env: str | None = None
    """Environment id of the config whose module may be imported, where it is not one that is known here."""


@dataclasses.dataclass(frozen=True)
class Resume:
    """Continue a run that was stopped, bit for bit."""

    run: RunFolder
    """The run folder."""
    generations: int | None = None
    """Generations in all; by default what the run was started with."""
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
    trust_env: str | None = None
    """Environment id of the folder whose module may be imported, where it is not one that is known here."""


def train(command: Train) -> int:
    folder = f"{command.env.replace('/', '-')}-{time.strftime('%Y%m%d-%H%M%S')}"
    run = command.run or Path("runs") / folder
    if command.config is not None and command.env == load_options(command.config).env:
        check_env(command, command.config, command.trust_env, envs.imports)
    return _fit(_plain(command), run, command.resume and (run / "config.json").exists(), command.render)


def resume(command: Resume) -> int:
    options = options_of_folder(command)
    if command.generations is not None:
        options = dataclasses.replace(options, generations=command.generations)
    options = dataclasses.replace(options, wandb=command.wandb, mlflow=command.mlflow)
    for name in ("workers", "address"):
        if (value := getattr(command, name)) is not None:
            options = dataclasses.replace(options, worker=dataclasses.replace(options.worker, **{name: value}))
    return _fit(options, command.run, True, command.render)


def _fit(options: TrainOptions, run: Path, resume: bool, render: bool) -> int:
    if options.worker.workers != 0:
        jax.config.update("jax_platforms", "cpu")  # accelerators belong to the workers
    if importlib.util.find_spec("matplotlib") is None:
        say("No report will be written: it needs matplotlib, pip install 'eggroll-ray[report]'.")
    with usage():
        trainer = make_trainer(options, envs.make, run, resume)
    with trainer:
        with Progress(options.generations, options.target, options.env) as progress:
            result = trainer.fit(options.generations, progress)
        unsaved = trainer.unsaved
        if result.status != "stopped" and render and unsaved is None:
            render_episode(options, result.policy, run, result.generations, options.seed)
    say(_outcome(options, result))
    if unsaved is not None:
        raise CheckpointError(f"{unsaved}; state {result.digest} is lost, continue from what is there with resume.")
    if importlib.util.find_spec("matplotlib") is not None:
        say(f"Report: {write_report(run)}")
    if result.status == "stopped":
        again = {"address": options.worker.address, "wandb": options.wandb, "mlflow": options.mlflow}
        more = [f" --{name} {value}" for name, value in again.items() if value is not None]
        say(f"Continue it with: eggroll-ray resume {run}{''.join(more)}")
        return STOPPED
    return int(options.target is not None and result.status != "solved")


def _outcome(options: TrainOptions, result: Result) -> str:
    done = f"after {result.generations} generations, state {result.digest}"
    if result.test is None:
        return f"{result.status.capitalize()} {done}."
    tested = f"mean policy {result.test.mean():.1f} over {len(result.test)} fresh episodes"
    if result.status == "solved":
        return f"Solved: {tested} {done}."
    missed = f" The target of {options.target:g} was not reached." if options.target is not None else ""
    return f"{result.status.capitalize()}: {tested} {done}.{missed}"


def _plain(command: Train) -> TrainOptions:
    """The options alone, which config.json keeps."""
    return TrainOptions(**{f.name: getattr(command, f.name) for f in dataclasses.fields(TrainOptions)})
