"""Every code block of the README and of the pages of the site runs.

The blocks of a page run in order, in one namespace and one empty folder: `python` blocks as they are, the lines of
`console` blocks as commands. A `python` block that begins with a comment with the name of a file, `# my_env.py`, is
written to that file instead. Training is cut to three generations and runs in this process. A block below
`<!-- not run: reason -->` is not run; `text` blocks are no code.
"""

import functools
import importlib
import re
import runpy
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import pytest

from eggroll_ray.cli import fit, past
from eggroll_ray.cli.app import main
from eggroll_ray.trainer import Trainer

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for page in (ROOT / "README.md", *ROOT.glob("docs/*/*.md"))
    if not page.is_relative_to(ROOT / "docs" / "notebooks") and not page.is_relative_to(ROOT / "docs" / "reference")
)
GENERATIONS = 3
# Pages that compile several programs, or train many runs: `make test-slow` runs them.
SLOW = (
    "docs/guides/self_play.md",
    "docs/guides/several_agents.md",
    "docs/guides/speed.md",
    "docs/guides/compare_runs.md",
    "docs/guides/environments.md",
    "docs/guides/track.md",
    "docs/guides/long_episodes.md",
)
FENCE = re.compile(r"(?:<!-- not run: (?P<reason>.+) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.S | re.M)


class Block(NamedTuple):
    line: int
    language: str
    text: str
    reason: str | None  # why it is not run


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for found in FENCE.finditer(text):
        yield Block(text.count("\n", 0, found.start("text")) + 1, found["language"], found["text"], found["reason"])


def has_code(page: Path) -> bool:
    return any(block.language != "text" and block.reason is None for block in blocks(page))


def run_python(block: Block, page: Path, namespace: dict) -> None:
    if name := re.match(r"# (\w+\.py)\n", block.text):
        Path(name.group(1)).write_text(block.text)
    else:
        exec(compile("\n" * (block.line - 1) + block.text, str(page), "exec"), namespace)


def run_console(block: Block) -> None:
    lines = block.text.replace("\\\n", " ").splitlines()
    for words in filter(None, (shlex.split(line, comments=True) for line in lines)):
        if words[0] == "python":
            runpy.run_path(words[1], run_name="__main__")
            continue
        assert words[0] == "eggroll-ray", f"{words} cannot be run by the test: say why above its block"
        alone = ["--workers", "0"] if words[1] in ("train", "resume") and "--workers" not in words else []
        code = main([*words[1:], *alone])
        # Cut short, a run does not reach its target.
        assert code == 0 or (code == 1 and words[1] in ("train", "resume")), f"{' '.join(words)} ended with {code}"


@pytest.fixture
def short_runs(monkeypatch):
    """Few generations, and no report nor picture, which other tests look at."""
    whole = Trainer.fit
    monkeypatch.setattr(
        Trainer,
        "fit",
        lambda self, generations, *args, **more: whole(self, min(generations, GENERATIONS), *args, **more),
    )
    monkeypatch.setattr(fit, "write_report", lambda run: "not drawn")
    monkeypatch.setattr(fit, "render_episode", lambda *args: None)
    monkeypatch.setattr(past, "render_episode", lambda *args: None)
    before = jax.config.jax_numpy_rank_promotion  # pyright: ignore[reportAttributeAccessIssue]
    jax.config.update("jax_numpy_rank_promotion", "allow")  # as users have it, in all threads
    yield
    jax.config.update("jax_numpy_rank_promotion", before)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to work in, whose modules can be imported and are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def pages_with_code() -> Iterator[Any]:
    for page in filter(has_code, PAGES):
        name = str(page.relative_to(ROOT))
        yield pytest.param(page, id=name, marks=[pytest.mark.slow] if name in SLOW else [])


@pytest.mark.parametrize("page", list(pages_with_code()))
def test_code_blocks_run(page, folder, short_runs):
    namespace = {"__name__": "__main__"}
    for block in blocks(page):
        if block.reason is not None:
            continue
        if block.language == "python":
            run_python(block, page, namespace)
        elif block.language == "console":
            run_console(block)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_have_a_language_that_is_run_or_is_no_code(page):
    opened = re.findall(r"^ *```(?!`)(\S*)", page.read_text(), re.M)[::2]
    wrong = [name for name in opened if name not in ("python", "console", "text") and not name.startswith("{")]
    assert not wrong


def test_a_block_that_fails_fails_the_page(tmp_path, folder):
    page = tmp_path / "page.md"
    page.write_text("```python\nx = 1\n```\n\n```python\nassert x == 2\n```\n")
    run = functools.partial(run_python, page=page, namespace={})
    first, second = blocks(page)
    run(first)
    with pytest.raises(AssertionError):
        run_python(second, page, {"x": 1})
    with pytest.raises(AssertionError, match="ended with 2"):
        run_console(Block(1, "console", "eggroll-ray report no-such-run\n", None))


def test_the_readme_is_short():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 150 and len(text.split()) <= 1500
