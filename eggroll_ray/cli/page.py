"""The report of a run of the command line: with the command on top that trains it anew."""

from pathlib import Path

from eggroll_ray.cli.command_line import command_line
from eggroll_ray.cli.options import load_options
from eggroll_ray.report import write
from eggroll_ray.runs.checkpoint import CheckpointError


def write_report(run: Path) -> Path:
    """Writes `report.html` into a run folder; see `eggroll_ray.report.write`.

    The command is left out where the run was begun from Python, or by another version with other options.
    """
    try:
        command = command_line(load_options(run / "config.json"))
    except (CheckpointError, OSError):
        command = None
    return write.write_report(run, command)
