"""The benchmark of environments on the host: sides in turn, what a call is, and the page."""

import json
from pathlib import Path

import pytest
import tyro

from benchmarks.peers import host


def test_sides_take_turns() -> None:
    order = []

    def side(name: str, steps: int) -> int:
        order.append(name)
        return steps

    speeds = host.interleaved({"one": lambda: side("one", 1), "two": lambda: side("two", 2)}, rounds=3)
    assert order == ["one", "two"] * 3
    assert [len(values) for values in speeds.values()] == [3, 3] and min(map(min, speeds.values())) > 0


@pytest.mark.slow
def test_one_call_for_all_is_compared_with_one_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gymnasium")
    monkeypatch.setattr(host, "CALLS", ("gym/CartPole-v1",))
    (row,) = host.calls(rounds=2, members=16)
    assert row["env"] == "gym/CartPole-v1" and row["members"] == 16
    assert [len(values) for values in row["steps_per_second"].values()] == [2, 2]


def test_the_page_says_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(host, "DOCS", tmp_path)
    head = {"command": "count", "date": "2026-01-02", "machine": "abacus", "versions": {"jax": "0.1"}}
    speeds = {"one call for all": [400.0, 300.0, 900.0], "one call for each": [100.0, 100.0, 100.0]}
    learned = {"env": "gym/CartPole-v1", "seed": 0, "return": 480.0, "generations": 2, "steps": 1234, "minutes": 1.5}
    record = {
        "calls": head | {"rows": [{"env": "gym/Taxi-v4", "members": 8, "steps_per_second": speeds}]},
        "learn": head | {"rows": [learned | {"curve": [20.0, 480.0]}]},
    }
    (tmp_path / "host.json").write_text(json.dumps(record))
    tyro.cli(host.main, args=["render"])
    page = (tmp_path / "host.md").read_text()
    assert "| environment | members | one call for all | one call for each | factor (lowest to highest) |" in page
    assert "| gym/Taxi-v4 | 8 | 400 | 100 | 4.0 (3.0 to 9.0) |" in page
    assert "| gym/CartPole-v1 | 475 | 0 | 480.0 | 2 | 256 | 1,234 | 1.5 |" in page
    assert "`count`, 2026-01-02, abacus, jax 0.1." in page and "EvoTorch" not in page
    assert (tmp_path / "host.png").stat().st_size > 5_000
