"""A user's own code, named on the command line as `module:attribute`."""

import sys

import pytest

from eggroll_ray.cli.own_code import resolve
from eggroll_ray.cli.say import UsageError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with the user's modules, which is the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = {*sys.modules}
    (tmp_path / "own_tasks.py").write_text(
        "class Maze:\n    @staticmethod\n    def make(): return 'a maze'\nsize = 3\n"
    )
    (tmp_path / "own_broken.py").write_text("x = 1\ny = x / 0\n")
    (tmp_path / "own_needs.py").write_text("import numpy\nimport no_such_package\n")
    (tmp_path / "own_typo.py").write_text("def f(:\n")
    (tmp_path / "own_exits.py").write_text("import sys\nsys.exit('no license')\n")
    yield tmp_path
    for name in {*sys.modules} - before:
        if name.startswith("own_"):
            del sys.modules[name]


def test_an_attribute_of_a_module_in_the_current_folder_is_found():
    assert resolve("own_tasks:size", "--env") == 3
    assert resolve("own_tasks:Maze.make", "--env")() == "a maze"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("own_tasks", ("must have the form module:attribute", "my_module:my_name")),
        (":size", ("must have the form",)),
        ("own_tasks.py:size", ("names a file", "own_tasks:size")),
        ("own/tasks.py:size", ("own.tasks:size",)),
        ("own_task:size", ("no module 'own_task'", "did you mean own_tasks?")),
        ("numpy.no_such:size", ("no module 'numpy.no_such'",)),
        ("own_tasks:sise", ("own_tasks has no attribute 'sise'", "did you mean size?")),
        ("own_tasks:Maze.mak", ("own_tasks.Maze has no attribute 'mak'", "did you mean make?")),
        ("own_tasks:zzz", ("it has Maze",)),
        (
            "own_broken:x",
            ("importing own_broken failed", "own_broken.py, line 2", "ZeroDivisionError: division by zero"),
        ),
        ("own_needs:x", ("own_needs.py, line 2", "No module named 'no_such_package'")),
        ("own_typo:f", ("own_typo.py, line 1", "SyntaxError")),
        ("own_exits:f", ("own_exits.py, line 2", "SystemExit: no license")),
    ],
)
def test_what_cannot_be_found_is_said_with_the_option_and_the_remedy(text, words):
    with pytest.raises(UsageError) as caught:
        resolve(text, "--env")
    assert str(caught.value).startswith(f"--env {text!r}")
    for word in words:
        assert word in str(caught.value)
