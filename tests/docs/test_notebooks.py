"""The notebooks of the site run from an empty folder, and hold the outputs that are shown."""

import importlib.util
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def execute(path: Path):
    spec = importlib.util.spec_from_file_location("execute_notebooks", FOLDER / "execute.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.execute(path)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.filterwarnings("ignore")  # of the programs that run notebooks
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path):
    pytest.importorskip("nbclient")
    pictures = [
        output
        for cell in execute(path).cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    ]
    assert pictures


def test_there_are_four_notebooks_with_their_pictures():
    assert [path.stem for path in NOTEBOOKS] == ["compare", "environment", "fitness", "self_play"]
    assert all('"image/png"' in path.read_text() and '"traceback"' not in path.read_text() for path in NOTEBOOKS)
