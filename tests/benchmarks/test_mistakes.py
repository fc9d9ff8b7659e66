"""The page of mistakes is of its data, and what it says of those that are told early is still said."""

import json
import os

import pytest

from benchmarks.front import mistakes
from eggroll_ray.cli.app import main

RECORD = json.loads((mistakes.DOCS / "mistakes.json").read_text())
ROWS = {row["command"]: row for row in RECORD["rows"]}


def test_the_page_of_mistakes_is_of_its_data_and_none_shows_a_traceback_or_leaves_a_process():
    assert (mistakes.DOCS / "mistakes.md").read_text() == mistakes.page(RECORD)
    assert [mistake.shown for mistake in mistakes.MISTAKES] == list(ROWS) and len(ROWS) >= 40
    for row in RECORD["rows"]:
        assert row["status"] == 2 and not row["traceback"] and not row["left"] and row["said"], row


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with what the commands refer to, and a user without logins on a machine with two cores."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text("{}")
    (tmp_path / "my_task.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("RAY_ADDRESS", "NETRC", "WANDB_API_KEY", "WANDB_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr("eggroll_ray.workers.here._DEVICES", ())


@pytest.mark.parametrize("mistake", [one for one in mistakes.MISTAKES if one.early], ids=lambda one: one.shown)
def test_what_is_told_early_is_what_the_page_says(mistake, folder, monkeypatch, capsys):
    for name, value in mistake.variables:
        monkeypatch.setenv(name, value)
    row = ROWS[mistake.shown]
    assert main(mistake.command.split()) == row["status"]
    shown = capsys.readouterr()
    said = (shown.out + shown.err).replace(os.getcwd(), "FOLDER")
    assert mistakes.plain(said)[:60] == row["said"][:60]
