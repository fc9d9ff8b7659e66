"""The command line: `eggroll-ray train | resume | eval | replay | report | compare | league | envs | doctor | plan`."""

import argparse
import dataclasses
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console

from eggroll_ray.cli import compare, looks, past, train
from eggroll_ray.cli.forecast import PlanCommand
from eggroll_ray.cli.foreign import without_addresses
from eggroll_ray.cli.options import load_options
from eggroll_ray.cli.say import STOPPED, UsageError, usage
from eggroll_ray.compiling.cache import keep_programs
from eggroll_ray.es.record import NotFiniteError
from eggroll_ray.evaluators.record import FitnessError
from eggroll_ray.report.text import printable
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.workers.messages import WorkerError

_Others = (
    train.Resume
    | past.Eval
    | past.Replay
    | looks.Report
    | compare.Compare
    | past.League
    | looks.Envs
    | looks.Doctor
    | Annotated[PlanCommand, tyro.conf.subcommand("plan")]
)


class _Printable(logging.Formatter):
    """What a log line quotes may be of a folder of somebody else, and must not control the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit status: 0, 1 (not reached, not passed), 2 (error), 130 (stopped)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Printable("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        command = tyro.cli(
            tyro.conf.OmitArgPrefixes[_command_type(arguments)],  # pyright: ignore[reportArgumentType]
            prog="eggroll-ray",
            description="Evolution strategies with low-rank perturbations (EGGROLL), in JAX, on Ray.",
            args=arguments,
        )
        with usage():
            keep_programs()
        return _COMMANDS[type(command)](command)
    except (UsageError, CheckpointError, FitnessError, NotFiniteError, WorkerError) as error:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(printable(f"eggroll-ray: {error}"), style="red", markup=False)
        return 2
    except KeyboardInterrupt:
        return STOPPED


def _command_type(arguments: list[str]) -> Any:
    """The union of commands, with the defaults of `train --config FILE` taken from that file."""
    config = _config_file(arguments)
    if config is None:
        return train.Train | _Others
    options = without_addresses(load_options(config), config)
    default = train.Train(**{field.name: getattr(options, field.name) for field in dataclasses.fields(options)})
    return Annotated[train.Train, tyro.conf.subcommand("train", default=default)] | _Others


def _config_file(arguments: list[str]) -> Path | None:
    """What `train` is given as `--config FILE` or `--config=FILE`, None if nothing; of several the last counts."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config", nargs="?", type=Path)  # without a file it is tyro that complains
    return parser.parse_known_args(arguments)[0].config if arguments[:1] == ["train"] else None


_COMMANDS: dict[type, Callable[[Any], int]] = {
    train.Train: train.train,
    train.Resume: train.resume,
    past.Eval: past.evaluate,
    past.Replay: past.replay,
    looks.Report: looks.report,
    compare.Compare: compare.compare,
    past.League: past.league,
    looks.Envs: looks.envs,
    looks.Doctor: looks.doctor,
    PlanCommand: looks.plan_ahead,
}


if __name__ == "__main__":
    sys.exit(main())
