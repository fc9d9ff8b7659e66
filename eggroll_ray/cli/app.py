"""The command line, `eggroll-ray COMMAND`: finds the command, reads its arguments, and says what went wrong."""

import argparse
import dataclasses
import importlib
import logging
import platform
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from eggroll_ray import __version__
from eggroll_ray.cli.arguments import EXIT_STATUS, parse
from eggroll_ray.cli.say import STOPPED, UsageError, loading, usage
from eggroll_ray.cli.suggest import suggest
from eggroll_ray.report.text import printable


@dataclasses.dataclass(frozen=True)
class Command:
    """Where a command is found. Its module is imported when it is given: most import JAX, which takes two seconds."""

    group: str
    options: str  # module:class of its options, below eggroll_ray.cli
    function: str  # module:function that is given them and returns the exit status
    says: str  # in the list of commands

    def load(self) -> tuple[type, Callable[[Any], int]]:
        """Imports the class of the options and the function."""
        kind, function = (_attribute(place) for place in (self.options, self.function))
        return kind, function


# Every command. A new one is a row here, a dataclass of options in which every field has a help text, and a function.
COMMANDS = {
    "train": Command("train", "train:Train", "train:train", "Train a policy, and write a run folder with a report."),
    "resume": Command("train", "train:Resume", "train:resume", "Continue a run that was stopped, bit for bit."),
    "eval": Command("look", "past:Eval", "past:evaluate", "Evaluate a run's policy on fresh episodes, and render one."),
    "report": Command("look", "looks:Report", "looks:report", "Write a run's report.html again."),
    "compare": Command(
        "look", "compare:Compare", "compare:compare", "Compare runs over their seeds: a page and figures."
    ),
    "replay": Command("look", "past:Replay", "past:replay", "Rebuild the parameters of any generation from the log."),
    "export": Command("look", "export:Export", "export:export", "Write a run's policy as files for other programs."),
    "league": Command("look", "past:League", "past:league", "Let generations of a run play against each other."),
    "envs": Command("ask", "looks:Envs", "looks:envs", "List the environments, and what is installed."),
    "plan": Command("ask", "forecast:PlanCommand", "looks:plan_ahead", "Predict memory, speed and traffic of a run."),
    "doctor": Command(
        "ask", "looks:Doctor", "looks:doctor", "Check that noise and estimate are right on this machine."
    ),
}
_GROUPS = {"train": "Train", "look": "Use and look at a run", "ask": "Before a run"}


class _Printable(logging.Formatter):
    """A log line may quote text from somebody else's folder, which must not control the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit status: 0, 1 (not reached, not passed), 2 (error), 130 (stopped)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Printable("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        return STOPPED
    except Exception as error:
        if not _is_told(error):
            raise
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(printable(f"eggroll-ray: {error}"), style="red", markup=False)
        return 2


def _run(arguments: list[str]) -> int:
    name, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if name in ("", "help", "-h", "--help"):
        _print_help()
        return 0 if name else 2
    if name in ("version", "-V", "--version"):
        Console(highlight=False, soft_wrap=True).print(_version())
        return 0
    if name not in COMMANDS:
        near = suggest(name.lstrip("-"), COMMANDS)
        advice = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(COMMANDS)}."
        raise UsageError(f"there is no command {name!r}; {advice}")
    if COMMANDS[name].group == "look" and name != "compare":
        _check_folder(name, rest)
    with loading():
        kind, function = COMMANDS[name].load()
    options = parse(kind, name, rest, _defaults(kind, rest) if name == "train" else None)
    if "jax" in sys.modules:  # commands that import JAX later do this themselves
        with usage():
            importlib.import_module("eggroll_ray.compiling.cache").keep_programs()
    return function(options)


def _attribute(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(f"eggroll_ray.cli.{module}"), name)


def _defaults(kind: type, arguments: list[str]) -> Any:
    """The options of `train --config FILE` as that file has them, None without one."""
    config = _config_file(arguments)
    if config is None:
        return None
    if not config.exists():
        raise UsageError(f"--config {config} is missing; give the config.json of a run folder.")
    from eggroll_ray.cli.foreign import without_addresses
    from eggroll_ray.cli.options import load_options

    options = without_addresses(load_options(config), config)
    return kind(**{field.name: getattr(options, field.name) for field in dataclasses.fields(options)})


def _check_folder(name: str, arguments: list[str]) -> None:
    """Raises UsageError if the first argument is a run folder that does not exist, before the command is imported."""
    if not arguments or arguments[0].startswith("-") or Path(arguments[0]).exists():
        return
    given = Path(arguments[0])
    near = suggest(given.name, [path.name for path in given.parent.glob("*") if path.is_dir()])
    advice = f"; did you mean {' or '.join(str(given.parent / one) for one in near)}?" if near else "."
    raise UsageError(f"{name}: there is no run folder {given}{advice}")


def _config_file(arguments: list[str]) -> Path | None:
    """Returns the file of `--config FILE` or `--config=FILE`, None if there is none. Of several the last counts."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config", nargs="?", type=Path)  # tyro reports a missing file name
    return parser.parse_known_args(arguments)[0].config


def _is_told(error: Exception) -> bool:
    """Whether the message of an error is all that the user needs."""
    if isinstance(error, UsageError):
        return True
    from eggroll_ray.es.record import NotFiniteError
    from eggroll_ray.evaluators.record import FitnessError
    from eggroll_ray.runs.checkpoint import CheckpointError
    from eggroll_ray.workers.messages import WorkerError

    return isinstance(error, CheckpointError | FitnessError | NotFiniteError | WorkerError)


def _print_help() -> None:
    table = Table.grid(padding=(0, 2))
    for group, title in _GROUPS.items():
        table.add_row("")
        table.add_row(f"[bold]{title}[/]")
        for name, command in COMMANDS.items():
            if command.group == group:
                table.add_row(f"  {name}", command.says)
    console = Console(highlight=False)
    console.print("usage: eggroll-ray COMMAND [OPTIONS]", markup=False)
    console.print("\nEvolution strategies with low-rank perturbations (EGGROLL), in JAX, on Ray.")
    console.print(table)
    console.print("\nOptions of a command: eggroll-ray COMMAND --help. Version: eggroll-ray --version.", markup=False)
    console.print(EXIT_STATUS)


def _version() -> str:
    """Returns the versions that a bug report should name."""
    found = [f"eggroll-ray {__version__}"]
    for package in ("jax", "ray"):
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            continue
    return f"{', '.join(found)}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
