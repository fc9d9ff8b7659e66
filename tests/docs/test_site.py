"""The documentation site: what is generated for its reference, and what its pages must not lack."""

import importlib.util
import sys
from pathlib import Path
from typing import NamedTuple

import eggroll_ray
from eggroll_ray.cli import app

ROOT = Path(__file__).parents[2]


def _reference_pages():
    spec = importlib.util.spec_from_file_location("reference_pages", ROOT / "docs" / "_ext" / "reference_pages.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pages = _reference_pages()


def test_the_reference_has_every_public_name_once(tmp_path):
    pages.write(tmp_path)
    text = "\n".join(path.read_text() for path in (tmp_path / "api").glob("*.md"))
    for name in eggroll_ray.__all__:
        value = getattr(eggroll_ray, name)
        named = getattr(value, "__name__", name) if isinstance(value, type(sys)) else name
        assert sum(line.endswith(f":: {named}") for line in text.splitlines()) == 1, name


def test_the_reference_has_every_command_and_its_options_with_default_and_help():
    text = pages.command_line_page()
    assert text.count("\n## `eggroll-ray ") == len(app.COMMANDS)
    assert "| `--population-size` | integer | `512` | Members per generation; must be even. |" in text
    assert "| `--law` | `normal`, `rademacher` | `normal` |" in text
    rows = [line for line in text.splitlines() if line.startswith("| `--")]
    assert len(rows) > 60 and all(not row.endswith("|  |") for row in rows), "an option has no help text"


class Record(NamedTuple):
    name: str
    limit: int = 3  # in steps
    # What it is made of,
    # in order.
    parts: tuple[int, ...] = ()


def test_fields_of_records_are_shown_with_their_comments():
    assert pages._fields(Record) == [
        "   Fields:",
        "",
        "   * **name** (``str``)",
        "   * **limit** (``int``): in steps",
        "   * **parts** (``tuple[int, ...]``): What it is made of, in order.",
    ]


def test_the_maps_of_the_packages_are_complete():
    parts = {f"{path.name}/" for path in (ROOT / "eggroll_ray").iterdir() if (path / "__init__.py").exists()}
    parts |= {path.name for path in (ROOT / "eggroll_ray").glob("*.py")} - {"__init__.py"}
    tree = (ROOT / "README.md").read_text().split("```text")[1].split("```")[0]
    floors = (ROOT / "docs" / "developers" / "architecture.md").read_text()
    assert {line.split()[0] for line in tree.splitlines() if line.startswith("  ")} == parts
    assert {part for part in parts if f"| `{part}` |" not in floors} == set()
