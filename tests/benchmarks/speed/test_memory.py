"""The memory benchmark: the model, the page, and what the committed data must show."""

import json
import sys

import numpy as np
import pytest

from benchmarks.speed import memory

linux = pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")


def row(population: int, second: int, **changes: object) -> dict:
    facts = {"law": "normal", "steps": 10, "hidden": [8], "block_size": 64, "threads": 2, "member_noise_bytes": 1000}
    peaks = {"imports": 50_000_000, "first": 90_000_000, "second": second}
    return facts | {"population": population, "update_temporary_bytes": 100 * population, "peak_bytes": peaks} | changes


def test_growth_is_per_member_from_the_smallest_population_to_the_largest() -> None:
    assert memory.growth([row(128, 1000), row(256, 9), row(1128, 26000)]) == 25.0


def test_the_model_adds_fitness_update_and_the_noise_of_blocks_at_once() -> None:
    base = row(128, 80_000_000)
    assert memory.modelled(base, base) == 80_000_000
    assert memory.modelled(row(192, 0), base) == 80_000_000 + 64 * (12 + 100) + 64_000
    assert memory.modelled(row(1024, 0, threads=4), base) == 80_000_000 + 896 * (12 + 100) + 3 * 64_000


@linux
def test_a_peak_is_what_was_once_held_until_it_is_forgotten() -> None:
    process = pytest.importorskip("benchmarks.speed.memory_process")
    process.forget_peak()
    before = process.peak_bytes()
    held = np.ones(64 << 20, np.uint8)
    assert process.peak_bytes() - before > 60 << 20
    del held
    assert process.peak_bytes() - before > 60 << 20
    process.forget_peak()
    assert process.peak_bytes() - before < 8 << 20


@pytest.mark.slow
@linux
def test_a_generation_is_measured_in_a_process_of_its_own() -> None:
    found = memory.measure("rollout", population=4, law="rademacher", steps=2, hidden=8)
    assert found["population"] == 4 and found["hidden"] == [8] and found["block_size"] == 4
    peaks = found["peak_bytes"]
    assert 20 << 20 < peaks["imports"] < peaks["first"] and 20 << 20 < peaks["second"]
    assert 0 < found["update_temporary_bytes"] < 1 << 20


@linux
def test_a_process_that_fails_says_why() -> None:
    with pytest.raises(RuntimeError, match="memory_process rollout --population 3"):
        memory.measure("rollout", population=3, law="normal")


def test_what_is_there_is_not_measured_again(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def measure(what: str, **arguments: object) -> dict:
        calls.append((what, arguments))
        if what == "rollout":
            return row(**{"population": 128, "second": 1} | arguments)
        return arguments | {"temporary_bytes": 1, "result_bytes": 1, "peak_bytes": {"compiled": 1, "updated": 2}}

    monkeypatch.setattr(memory, "measure", measure)
    memory.main(tmp_path)
    first = (tmp_path / "memory.md").read_text()
    assert len(calls) == len(memory.LAWS) * (len(memory.POPULATIONS) + 1)
    memory.main(tmp_path)
    assert len(calls) == len(memory.LAWS) * (len(memory.POPULATIONS) + 1)
    assert first == (tmp_path / "memory.md").read_text()
    record = json.loads((tmp_path / "memory.json").read_text())
    record["rollout"].pop()
    (tmp_path / "memory.json").write_text(json.dumps(record | {"commit": "of last year"}))
    with pytest.raises(ValueError, match=r"memory.json has commit of last year, .* Delete it"):
        memory.main(tmp_path)
    assert len(calls) == len(memory.LAWS) * (len(memory.POPULATIONS) + 1)


def test_the_page_is_of_its_data_and_memory_is_bounded_whatever_the_population() -> None:
    record = json.loads((memory.DOCS / "memory.json").read_text())
    assert (memory.DOCS / "memory.md").read_text() == memory.page(record)
    for rows in memory.by_law(record).values():
        assert [found["population"] for found in rows] == list(memory.POPULATIONS)
        assert max(rows[-1]["peak_bytes"].values()) < memory.WANTED_BYTES
        # Vectors of one number per member, as many as it takes to rank the fitness; its noise would be thousands.
        assert 10 * memory.growth(rows) < rows[-1]["member_noise_bytes"]
    assert {found["law"] for found in record["update"]} == set(memory.LAWS)
    for found in record["update"]:
        assert found["temporary_bytes"] < memory.WANTED_TEMPORARY_BYTES
