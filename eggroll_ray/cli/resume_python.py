"""The command `resume` for a run that was started from Python, whose record holds settings but no options."""

import dataclasses
from typing import Any

from eggroll_ray.cli.folder import open_run
from eggroll_ray.cli.page import write_report
from eggroll_ray.cli.say import STOPPED, UsageError, say, usage
from eggroll_ray.report.terminal import Progress
from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.runs.history import load_history
from eggroll_ray.runs.recorder import Run
from eggroll_ray.runs.settings import read_settings
from eggroll_ray.runs.watch import Watch
from eggroll_ray.trainer import Trainer
from eggroll_ray.workers.options import Workers

_OF_OPTIONS = ("learning_rate", "sigma", "target", "patience", "wandb", "mlflow")


def resume_python(command: Any) -> int:
    """Continues the run and returns the exit status."""
    if unknown := [name for name in _OF_OPTIONS if getattr(command, name) is not None]:
        given = ", ".join(f"--{name.replace('_', '-')}" for name in unknown)
        raise UsageError(
            f"{given} changes an option of the command line, and the run in {command.run} was begun from Python: "
            "change it in the script, with Run(path, resume=True)."
        )
    if command.generations is None:
        done = (load_history(command.run).result or {}).get("generations")
        known = "" if done is None else f" It has done {done}."
        raise UsageError(
            f"the run in {command.run} was begun from Python, so its record does not say how long it is to be: add "
            f"--generations N, the total.{known}"
        )
    opened = open_run(command)
    settings = read_settings(command.run / "config.json")
    with usage():
        trainer = Trainer(
            opened.evaluator,
            opened.past.strategy(),
            population_size=int(settings["population_size"]),
            seed=int(settings["seed"]),
            workers=Workers(0 if command.workers is None else command.workers, address=command.address),
            run=Run(command.run, resume=True, report=False),
            watch=_watch(command.run, int(settings["test_episodes"])),
        )
    with trainer:
        with Progress(command.generations, None, opened.name, verbose=command.verbose) as progress:
            result = trainer.fit(command.generations, progress)
        unsaved = trainer.unsaved
    tested = "" if result.test is None else f": mean {result.test.mean():.6g} over {len(result.test)} episodes"
    say(f"{result.status.capitalize()}{tested} after {result.generations} generations, state {result.digest}.")
    if unsaved is not None:
        raise CheckpointError(
            f"{unsaved}; state {result.digest} is lost. Continue with resume from what has been written."
        )
    with usage():
        say(f"Report: {write_report(command.run)}")
    return STOPPED if result.status == "stopped" else 0


def _watch(run: Any, episodes: int) -> Watch:
    """Returns how the run was watched. Runs of earlier versions do not record it."""
    found = checkpoint.read_object(run / "config.json").get("watch")
    known = {field.name for field in dataclasses.fields(Watch)} - {"episodes"}
    try:
        return Watch(episodes=episodes, **{name: value for name, value in (found or {}).items() if name in known})
    except (TypeError, AttributeError) as error:
        raise CheckpointError(f"{run / 'config.json'} has watch={str(found)[:60]}, which says of no tests.") from error
