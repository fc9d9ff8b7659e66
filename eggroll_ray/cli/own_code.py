"""A user's own code on the command line, named as `module:attribute`: imported because the user typed it."""

import difflib
import importlib
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from eggroll_ray.cli.say import UsageError

_EXAMPLE = "my_module:my_name"


def is_own_code(text: str) -> bool:
    """Whether a text has the form `module:attribute`, and so names code of the user's own."""
    return ":" in text


def resolve(text: str, what: str) -> Any:
    """Imports a module and returns one of its attributes.

    The module is looked for in the current folder first and then wherever Python looks. Importing it runs its code, so
    call this only for a text that the user has typed, never for one that was read from a file.

    Args:
      text: `module:attribute`, such as `tasks.maze:make_env`; the attribute may be dotted, as in `tasks:Maze.make`.
      what: which option or argument it was given as, for messages, such as `--env`.

    Raises:
      UsageError: where the text has another form, or the module or the attribute is not there, or the module raises an
        error when it is imported.
    """
    name, colon, attribute = text.partition(":")
    if not colon or not name or not attribute or ":" in attribute:
        raise UsageError(f"{what} {text!r} must have the form module:attribute, such as {_EXAMPLE}.")
    if name.endswith(".py") or {"/", "\\"} & {*name}:
        parts = name.removesuffix(".py").replace("\\", "/").strip("./").split("/")
        raise UsageError(
            f"{what} {text!r} names a file; give the module's name, {'.'.join(parts)}:{attribute}, and run the command "
            "in the folder that the module is in."
        )
    found: Any = _module(name, text, what)
    done: list[str] = []
    for part in attribute.split("."):
        if not hasattr(found, part):
            owner = ".".join((name, *done))
            raise UsageError(f"{what} {text!r}: {owner} has no attribute {part!r}{_advice(part, found)}")
        found, done = getattr(found, part), [*done, part]
    return found


def _module(name: str, text: str, what: str) -> ModuleType:
    folder = str(Path.cwd())
    if sys.path[:1] not in ([folder], [""]):
        sys.path.insert(0, folder)
        importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(
            f"{error.name}."
        ):  # the module is there, what it needs is not
            raise _failed(name, text, what, error) from error
        near = difflib.get_close_matches(name, [path.stem for path in Path.cwd().glob("*.py")], 3, cutoff=0.8)
        hint = f"; did you mean {', '.join(near)}?" if near else "."
        raise UsageError(
            f"{what} {text!r}: there is no module {error.name!r} in {folder} or among the installed packages{hint}"
        ) from error
    except (Exception, SystemExit) as error:  # whatever the user's code raises
        raise _failed(name, text, what, error) from error


def _failed(name: str, text: str, what: str, error: BaseException) -> UsageError:
    """Says what a module raised when it was imported, and in which of its lines."""
    places = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith("<frozen")]
    places = [f for f in places if f.filename != __file__ and "importlib" not in f.filename]
    where = f" ({places[-1].filename}, line {places[-1].lineno})" if places else ""
    if isinstance(error, SyntaxError) and error.filename:
        where = f" ({error.filename}, line {error.lineno})"
    detail = f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}"
    return UsageError(f"{what} {text!r}: importing {name} failed{where}: {detail}")


def _advice(missing: str, owner: Any) -> str:
    """Names the attributes that `missing` may have meant, or else some that there are."""
    public = [name for name in dir(owner) if not name.startswith("_")]
    if near := difflib.get_close_matches(missing, public, 3):
        return f"; did you mean {', '.join(near)}?"
    if isinstance(owner, ModuleType):  # not what it has imported from elsewhere
        public = [name for name in public if getattr(getattr(owner, name), "__module__", None) == owner.__name__]
    return f"; it has {', '.join(public[:8])}." if public else "."
