"""What `train` and `resume` do once their options are known to be right: training, the report, the last words."""

import importlib.util
from pathlib import Path

import jax

import envs
from eggroll_ray.cli.build import make_strategy, make_trainer
from eggroll_ray.cli.folder import render_episode
from eggroll_ray.cli.options import TrainOptions
from eggroll_ray.cli.say import STOPPED, say, usage
from eggroll_ray.compiling.cache import keep_programs
from eggroll_ray.report.terminal import Progress
from eggroll_ray.report.write import write_report
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.runs.result import Result


def fit(options: TrainOptions, run: Path, resume: bool, render: bool, progress: Progress) -> int:
    """Trains, writes the report, says how it ended, and returns the exit status.

    Args:
      options: what is trained.
      run: the run folder.
      resume: continue the run that is in it.
      render: record one episode of the trained policy.
      progress: shows the run; it is closed before anything else is said.
    """
    if options.worker.workers != 0:
        jax.config.update("jax_platforms", "cpu")  # accelerators belong to the workers
    if importlib.util.find_spec("matplotlib") is None:
        progress.message("No report will be written: it needs matplotlib, pip install 'eggroll-ray[report]'.")
    with usage():
        keep_programs()
        make_strategy(options.es)  # what is wrong with it shows before the environment is made
        trainer = make_trainer(options, envs.make, run, resume)
    with trainer:
        result = trainer.fit(options.generations, progress)
        progress.close()
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
