"""The command line that some options come from: those that differ from the defaults."""

import dataclasses
import shlex
from collections.abc import Iterator
from typing import Any

from eggroll_ray.cli.options import TrainOptions

_ADDRESSES = ("address", "wandb", "mlflow")  # of other machines: whoever reads a page shall not be led there


def command_line(options: TrainOptions, *more: str, addresses: bool = False) -> str:
    """Writes the command that trains with these options, to be pasted into a shell.

    Args:
      options: of a run.
      more: further arguments, such as "--run" and a folder.
      addresses: whether to write those that lead to other machines as well: of a cluster, or of a tracker.
    """
    return shlex.join(["eggroll-ray", "train", *_arguments(options, () if addresses else _ADDRESSES), *more])


def _arguments(options: Any, without: tuple[str, ...]) -> Iterator[str]:
    for field in dataclasses.fields(options):
        value, name = getattr(options, field.name), f"--{field.name.replace('_', '-')}"
        if dataclasses.is_dataclass(value):
            yield from _arguments(value, without)
        elif value == field.default or field.name in without:
            continue
        elif isinstance(value, bool):
            yield name if value else f"--no-{name[2:]}"
        elif isinstance(value, tuple):
            yield from (name, *map(str, value))
        else:
            yield from (f"{name}={value}",) if str(value).startswith("-") else (name, str(value))
