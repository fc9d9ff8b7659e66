"""The work of `train` and `resume` after the checks of their options: training, the report and the final message."""

import importlib.util
import shlex
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import jax

import envs
from eggroll_ray.cli.build import make_strategy, make_trainer
from eggroll_ray.cli.folder import render_episode
from eggroll_ray.cli.options import TrainOptions
from eggroll_ray.cli.page import write_report
from eggroll_ray.cli.say import STOPPED, UsageError, say, usage
from eggroll_ray.cli.targets import is_demanded, target_of, target_said
from eggroll_ray.compiling.cache import keep_programs
from eggroll_ray.report.terminal import Progress
from eggroll_ray.report.text import format_number, plural
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.runs.result import Result
from eggroll_ray.trainer import Trainer


def fit(
    options: TrainOptions,
    run: Path,
    resume: bool,
    render: bool,
    progress: Progress,
    factors: Mapping[str, float] = MappingProxyType({}),
) -> int:
    """Trains, writes the report, prints how the run ended, and returns the exit status.

    Args:
      options: of the run.
      run: the run folder.
      resume: whether to continue the run in that folder.
      render: whether to record one episode of the trained policy.
      progress: shows the run. It is closed before anything else is printed.
      factors: factors on the rates of the run from here on; see `Trainer.change`.
    """
    if options.worker.workers != 0:
        jax.config.update("jax_platforms", "cpu")  # accelerators belong to the workers
    if importlib.util.find_spec("matplotlib") is None:
        progress.message("No report will be written: it needs matplotlib, pip install 'eggroll-ray[report]'.")
    with usage():
        keep_programs()
        make_strategy(options.strategy)  # reports mistakes before the environment is made
        trainer = make_trainer(options, envs.make, run, resume)
    if (said := target_said(options)) is not None:
        progress.message(said)
    with trainer:
        _change(trainer, factors, options.generations)
        result = trainer.fit(options.generations, progress)
        progress.close()
        unsaved = trainer.unsaved
        if result.status != "stopped" and render and unsaved is None and result.policy is not None:
            render_episode(options, result.policy, run, result.generations, options.seed)
    say(_outcome(options, result))
    if unsaved is not None:
        raise CheckpointError(
            f"{unsaved}; state {result.digest} is lost. Continue with resume from what has been written."
        )
    if importlib.util.find_spec("matplotlib") is not None:
        say(f"Report: {write_report(run)}")
    if result.status == "stopped":
        say(f"Continue it with: {_to_continue(options, run)}")
        return STOPPED
    return int(is_demanded(options) and result.status != "solved")


def _to_continue(options: TrainOptions, run: Path) -> str:
    """The command that continues a run, quoted for a shell; `resume` takes no addresses from the folder."""
    again = {"--address": options.worker.address, "--wandb": options.wandb, "--mlflow": options.mlflow}
    more = [word for name, value in again.items() if value is not None for word in (name, value)]
    return shlex.join(["eggroll-ray", "resume", str(run), *more])


def _change(trainer: Trainer, factors: Mapping[str, float], generations: int) -> None:
    """Changes the rates of a continued run. Raises UsageError if no generation is left that could use them."""
    if not factors:
        return
    if trainer.generation >= generations:
        raise UsageError(
            f"the run has already done its {generations} generations, so a new rate would have no effect: add "
            "--generations."
        )
    with usage():
        trainer.change(factors)


def _outcome(options: TrainOptions, result: Result) -> str:
    done = f"after {result.generations} generations, state {result.digest}"
    if result.test is None:
        return f"{result.status.capitalize()} {done}."
    of, over = ("policy", "fresh episode") if result.policy is not None else ("parameters", "evaluation")
    tested = f"mean {of} {format_number(float(result.test.mean()))} over {plural(len(result.test), over)}"
    if result.status == "solved":
        return f"Solved: {tested} {done}."
    target = target_of(options)
    missed = f" The target of {target:g} was not reached." if target is not None else ""
    why = f" No test was better in {options.patience} generations." if result.status == "plateau" else ""
    return f"{result.status.capitalize()}: {tested} {done}.{why}{missed}"
