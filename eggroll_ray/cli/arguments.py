"""The arguments of one command: what is wrong with them is said in one short message, with what was meant."""

import contextlib
import dataclasses
import io
import re
import shlex
from collections.abc import Collection
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import tyro

from eggroll_ray.cli.say import UsageError
from eggroll_ray.cli.suggest import suggest_option

EXIT_STATUS = "Exit status: 0 done, 1 target not reached or check failed, 2 error, 130 stopped by a signal."

_KINDS = {"INT": "a whole number", "FLOAT": "a number", "STR": "text", "PATH": "a path", "{None}": ""}


def _none_of(found: re.Match[str]) -> str:
    """Says of a value which kinds of values its option takes."""
    kinds = [_KINDS.get(kind, kind.strip("{}").replace(",", " or ")) for kind in found[1].split("|")]
    return f"{found[2]} is not {' or '.join(kind for kind in kinds if kind)}"


# What tyro says of a value, and what we say.
_PLAINER = (
    (re.compile(r"no type matching (\S+) could be instantiated from \[(.*?)\]\. .*"), _none_of),
    (re.compile(r"Could not find valid parse for arguments: \[(.*)\]"), r"it does not take \1"),
    (re.compile(r"Missing value for argument '(\S+)'\. Expected .*"), r"\1 needs a value"),
    (re.compile(r"invalid literal for int\(\) with base 10: (.*)"), r"\1 is not a whole number"),
    (re.compile(r"could not convert string to float: (.*)"), r"\1 is not a number"),
    (re.compile(r"^Error parsing (\S+): "), r"\1: "),
)


def option_names(kind: type) -> dict[str, bool]:
    """Returns the options of a command, without dashes in front, and whether each is a switch.

    Args:
      kind: the dataclass of the command; the options of those within it are its own.
    """
    names: dict[str, bool] = {}
    hints = get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        wanted = hints[field.name]
        name = field.name.replace("_", "-")
        if dataclasses.is_dataclass(wanted):
            assert isinstance(wanted, type)
            names |= option_names(wanted)
        elif get_origin(wanted) is Annotated and tyro.conf.Positional in get_args(wanted):
            continue
        elif wanted is bool:
            names |= {name: True, f"no-{name}": True}
        else:
            names[name] = False
    return names


def parse(kind: type, name: str, arguments: list[str], default: Any = None) -> Any:
    """Makes the dataclass of a command of its arguments; `--help` prints the help and ends the process.

    Args:
      kind: the dataclass.
      name: of the command.
      arguments: those after the name.
      default: an instance whose values are the defaults, in place of those of the dataclass.

    Raises:
      UsageError: for an unknown option, a missing one, or a value that an option does not take.
    """
    _check_names(kind, name, arguments)
    errors, given = io.StringIO(), {} if default is None else {"default": default}
    try:
        with contextlib.redirect_stderr(errors):
            return tyro.cli(
                tyro.conf.OmitArgPrefixes[kind],  # pyright: ignore[reportInvalidTypeArguments]
                prog=f"eggroll-ray {name}",
                description=f"{(kind.__doc__ or '').strip()}\n\n{EXIT_STATUS}",
                args=arguments,
                **given,
            )
    except SystemExit as error:
        if not error.code:  # --help
            raise
        raise UsageError(f"{_plain(errors.getvalue(), kind, name)} See eggroll-ray {name} --help.") from error


def _check_names(kind: type, name: str, arguments: list[str]) -> None:
    known = option_names(kind)
    if arguments and not arguments[0].startswith("-") and not _positional(kind):
        raise UsageError(_unexpected(arguments[0], known, name))
    for argument in arguments:
        option = argument.partition("=")[0]
        if not re.match(r"--?[A-Za-z]", option) or option in ("-h", "--help"):
            continue
        word = option.lstrip("-").replace("_", "-")
        if option.startswith("--") and word in known:
            continue
        near = [f"--{found}" for found in suggest_option(word.lower(), known)]
        advice = f"did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(f"{name} has no option {option}; {advice}See eggroll-ray {name} --help.")


def _positional(kind: type) -> bool:
    """Whether a command takes a value without an option."""
    hints = get_type_hints(kind, include_extras=True)
    return any(get_origin(hint) is Annotated and tyro.conf.Positional in get_args(hint) for hint in hints.values())


def _unexpected(value: str, known: Collection[str], name: str) -> str:
    said = f"{name} does not know what to do with {value!r}"
    return (
        f"{said}; did you mean --env {shlex.quote(value)}?"
        if "env" in known and re.search(r"[/:]", value)
        else f"{said}."
    )


def _plain(text: str, kind: type, name: str) -> str:
    """What tyro has written in a box, as one sentence."""
    lines = [line.strip("│| \t") for line in text.strip().splitlines()[1:]]  # without the title
    rules = [i for i, line in enumerate(lines) if line and not line.strip("─-+╭╮╰╯")]
    if rules[:1] == [0]:  # below the title, where the terminal cannot draw boxes
        del rules[0]
        lines[0] = ""
    first = lines[: rules[0] if rules else len(lines)]
    said = " ".join(line for line in first if line) or text.strip()
    if match := re.match(r"Unrecognized options: (\S+)", said):
        return _unexpected(match[1].rstrip(","), option_names(kind), name)
    if match := re.match(rf"Missing from eggroll-ray {name}: (--\S+(?= \S)|\S+)( [^a-z\s]+(?= ))? (.*)", said):
        return f"{name} needs {match[1]}: {match[3].removesuffix('(required)').strip()}".rstrip(".") + "."
    for pattern, plain in _PLAINER:
        said = pattern.sub(plain, said)
    return said.rstrip(".") + "."
