"""Writes the pages of the reference from the package itself, before Sphinx reads them.

`reference/api/*.md` has the names of `eggroll_ray.__all__` in the groups that stand there as comments, and
`reference/command_line.md` the commands and options of `eggroll-ray`. Neither is kept in the repository.
"""

import ast
import dataclasses
import inspect
import itertools
import re
import textwrap
import types
import typing
from pathlib import Path
from typing import Any

import eggroll_ray
import eggroll_ray.api
from eggroll_ray.cli import app
from eggroll_ray.cli.arguments import EXIT_STATUS

Groups = dict[str, list[str]]


def groups() -> Groups:
    """The public names, by the comments between them in `eggroll_ray/api.py`."""
    source = Path(eggroll_ray.api.__file__).read_text()
    found: Groups = {}
    for line in source.split("__all__ = [")[1].split("]")[0].splitlines():
        if comment := re.match(r"\s*# (.*)\.$", line):
            names = found.setdefault(comment.group(1), [])
        elif name := re.match(r'\s*"(\w+)",', line):
            names.append(name.group(1))  # pyright: ignore[reportPossiblyUnbound]
    return found


def file_name(title: str) -> str:
    return "_".join(re.findall(r"[a-z]+", title.lower()))


def api_index() -> str:
    """The groups in their order."""
    lines = ["# Python", "", "```{toctree}", ":maxdepth: 2", "", *map(file_name, groups()), "```", ""]
    return "\n".join(lines)


def api_page(title: str, names: list[str]) -> str:
    """One group of names."""
    lines = [f"# {title}", "", "```{eval-rst}", ".. currentmodule:: eggroll_ray", ""]
    for name in names:
        lines += [*_directive(name), ""]
    return "\n".join([*lines, "```", ""])


def _directive(name: str) -> list[str]:
    value = getattr(eggroll_ray, name)
    if isinstance(value, types.ModuleType):
        members = ", ".join(_documented(value))
        return [f".. automodule:: {value.__name__}", f"   :members: {members}", "   :member-order: alphabetical"]
    if inspect.isclass(value):
        members, documented = ", ".join(_methods(value)), vars(value).get("__init__", None)
        both = documented is not None and bool(documented.__doc__)
        options = [f"   :members: {members}"] if members else []
        options += [f"   :class-doc-from: {'both' if both else 'class'}", ""]
        return [f".. autoclass:: {name}", *options, *_fields(value)]
    if inspect.isfunction(value):
        return [f".. autofunction:: {name}"]
    return [f".. py:data:: {name}", "", f"   The type `{value}`."]  # an alias, whose docstring is that of the type


def _fields(kind: type) -> list[str]:
    """The fields of a class whose docstring has none, with the comments that stand beside or above them."""
    if "Attributes:" in (kind.__doc__ or "") or not (hasattr(kind, "_fields") or dataclasses.is_dataclass(kind)):
        return []
    lines, comments = [], []
    for line in inspect.getsource(kind).splitlines():
        if comment := re.match(r"    # (.*)", line):
            comments.append(comment.group(1))
        elif field := re.match(r"    (\w+): (.*?)(?: = .*?)?(?:  # (?!noqa|pyright)(.*))?$", line):
            text = " ".join([*comments, field.group(3) or ""]).strip().replace("*", "\\*")
            lines.append(f"   * **{field.group(1)}** (``{field.group(2)}``){': ' if text else ''}{text}")
            comments = []
        elif re.match(r"    (def|@)", line):
            break
    return ["   Fields:", "", *lines] if lines else []


def _documented(module: types.ModuleType) -> list[str]:
    """The public functions and classes that a module defines."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__ and inspect.getdoc(value)
    ]


def _methods(kind: type) -> list[str]:
    """The public methods and properties of a class; its fields are in its docstring."""
    fields = set(getattr(kind, "_fields", ())) | set(getattr(kind, "__dataclass_fields__", ()))
    return [
        name
        for name, value in vars(kind).items()
        if not name.startswith("_")
        and name not in fields
        and isinstance(value, types.FunctionType | property | classmethod | staticmethod)
        and inspect.getdoc(value)
    ]


def command_line_page() -> str:
    """All commands, their options, defaults and help texts, and the exit codes."""
    lines = [
        "# Command line",
        "",
        "`eggroll-ray COMMAND --help` shows the same in a terminal. An option that may be on or off is given as",
        "`--option` or `--no-option`.",
        "",
    ]
    shown: set[type] = set()
    for name, command in app.COMMANDS.items():
        kind, _ = command.load()
        lines += [f"## `eggroll-ray {name}`", "", _escaped(inspect.getdoc(kind) or command.says), ""]
        lines += _options(kind, "Options", shown)
    return "\n".join([*lines, "## Exit status", "", EXIT_STATUS, ""])


def _options(kind: type, title: str, shown: set[type]) -> list[str]:
    """A table of options, and one for each group of them that no command before has."""
    if kind in shown:
        return [f"**{title}**: the same options as above.", ""]
    shown.add(kind)
    hints, texts = typing.get_type_hints(kind, include_extras=True), _texts(kind)
    rows, nested = [], []
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint):
            nested += _options(typing.cast(type, hint), (inspect.getdoc(hint) or field.name).rstrip("."), shown)
            continue
        option = f"`--{field.name.replace('_', '-')}`"
        rows.append(f"| {option} | {_values(hint)} | {_default(field)} | {texts.get(field.name, '')} |")
    table = (
        [f"**{title}**", "", "| option | value | default | meaning |", "|---|---|---|---|", *rows, ""] if rows else []
    )
    return [*table, *nested]


def _texts(kind: type) -> dict[str, str]:
    """The text below each field, which is its help."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__[:-1]):
        (body,) = [node.body for node in ast.parse(textwrap.dedent(inspect.getsource(base))).body]  # pyright: ignore
        for field, text in itertools.pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                found[ast.unparse(field.target)] = _escaped(str(text.value.value))
    return found


def _escaped(text: str) -> str:
    """A help text as one cell of a table."""
    return re.sub(r"([|<>*])", r"\\\1", " ".join(text.split()))


def _values(hint: Any) -> str:
    origin = typing.get_origin(hint)
    if origin is typing.Annotated:
        return _values(typing.get_args(hint)[0])
    if origin is typing.Literal:
        return ", ".join(f"`{value}`" for value in typing.get_args(hint))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_values(one) for one in typing.get_args(hint) if one is not type(None))
    if origin is tuple:
        return f"{_values(typing.get_args(hint)[0])} ..."
    names = {bool: "on or off", int: "integer", float: "number", str: "text"}
    return names.get(hint, "path" if inspect.isclass(hint) and issubclass(hint, Path) else str(hint))


def _default(field: "dataclasses.Field[Any]") -> str:
    if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
        return "required"
    value = field.default if field.default is not dataclasses.MISSING else field.default_factory()  # pyright: ignore
    if isinstance(value, bool):
        return "on" if value else "off"
    if value in (None, (), ""):
        return ""
    return f"`{' '.join(map(str, value)) if isinstance(value, tuple) else value}`"


def write(folder: Path) -> None:
    """Writes all pages below the folder of the reference; those that have not changed are left alone."""
    pages = {folder / "command_line.md": command_line_page(), folder / "api" / "index.md": api_index()}
    pages |= {folder / "api" / f"{file_name(title)}.md": api_page(title, names) for title, names in groups().items()}
    (folder / "api").mkdir(parents=True, exist_ok=True)
    for old in set((folder / "api").glob("*.md")) - set(pages):
        old.unlink()
    for path, text in pages.items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def setup(sphinx: Any) -> dict[str, Any]:
    """Called by Sphinx, which knows this module as an extension."""
    sphinx.connect("builder-inited", lambda built: write(Path(built.srcdir) / "reference"))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
