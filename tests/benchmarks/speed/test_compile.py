"""The benchmark of the first generation: fresh processes in turn, what a cache does for them, and the page."""

import json
import statistics
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.speed import compile as benchmark
from benchmarks.speed.compile import COLD, MODES, NONE, WARM, Case


def test_policies_and_caches_take_turns_and_each_repeat_begins_with_an_empty_cache() -> None:
    order = []

    def run(case: Case, cache: Path | None) -> dict[str, float]:
        found = None if cache is None else sorted(cache.glob("programs/*/*"))
        order.append((case.name, found if found is None else len(found)))
        if cache is not None and not found:
            (cache / "programs" / "machine").mkdir(parents=True)
            (cache / "programs" / "machine" / "jit_f-cache").write_bytes(b"12345")
        return {"seconds": float(len(order))}

    one, two = benchmark.measure([Case("one", (4,)), Case("two", (5,), (NONE,))], 2, run)
    assert order == [("one", None), ("one", 0), ("one", 1), ("two", None)] * 2
    assert one["runs"] == {mode: [{"seconds": 1.0 + i}, {"seconds": 5.0 + i}] for i, mode in enumerate(MODES)}
    assert (one["kept_programs"], one["kept_bytes"]) == (1, 5)
    assert two["runs"] == {NONE: [{"seconds": 4.0}, {"seconds": 8.0}]} and two["kept_programs"] == 0


def test_a_fresh_process_has_none_of_the_users_settings_of_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    for name in ("COMPILATION_CACHE_DIR", "ENABLE_COMPILATION_CACHE", "PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"):
        monkeypatch.setenv(f"JAX_{name}", "1")
    monkeypatch.setattr(subprocess, "run", lambda *_, env, **__: seen.append(env) or SimpleNamespace(stdout="{}\n"))
    benchmark.in_fresh_process(Case("one", (4,)), Path("folder"))
    assert not [name for name in seen[0] if name.startswith("JAX_") and "CACHE" in name]
    assert seen[0]["EGGROLL_RAY_CACHE"] == "folder"


@pytest.mark.slow
def test_a_filled_cache_is_used_and_no_cache_is_none() -> None:
    (row,) = benchmark.measure([Case("small", (4,))], 1)
    none, cold, warm = (row["runs"][mode][0] for mode in MODES)
    assert none["loaded"] == cold["loaded"] == 0 < warm["loaded"] <= row["kept_programs"]
    assert none["programs"] == cold["programs"] == warm["programs"] > 10
    assert warm["cpu_seconds"] < none["cpu_seconds"] and row["kept_bytes"] > 10_000


def test_the_page_says_what_was_measured() -> None:
    head = {"command": "count", "date": "2026-01-02", "machine": "abacus", "versions": {"jax": "0.1"}}

    def runs(*seconds: float, loaded: int = 0) -> list[dict[str, float]]:
        shared = {"compile_seconds": 3.0, "programs": 7, "loaded": loaded}
        return [{"seconds": value, "cpu_seconds": 2 * value, **shared} for value in seconds]

    alike = {NONE: runs(10.0, 12.0, 20.0), COLD: runs(13.0, 13.0, 13.0), WARM: runs(3.0, 2.0, 9.0, loaded=5)}
    rows = [
        {"name": "alike", "runs": alike, "kept_programs": 5, "kept_bytes": 1_250_000},
        {"name": "unlike", "runs": {NONE: runs(30.0, 30.0, 30.0)}, "kept_programs": 0, "kept_bytes": 0},
    ]
    page = benchmark.page(head | {"rows": rows})
    assert "`count`, 2026-01-02, abacus, jax 0.1." in page and "Medians of 3 fresh processes" in page
    assert "| alike | no cache | 12.0 (10.0 to 20.0) | 24.0 (20.0 to 40.0) | 3.0 (3.0 to 3.0) | 7 | 0 |" in page
    assert "| alike | filled cache | 3.0 (2.0 to 9.0) | 6.0 (4.0 to 18.0) | 3.0 (3.0 to 3.0) | 7 | 5 |" in page
    assert "| alike | 75% | 5 programs, 1.25 MB |" in page and "takes 2.5 times the CPU seconds" in page


def test_the_page_is_of_its_data_and_a_filled_cache_saves_a_third() -> None:
    record = json.loads((benchmark.DOCS / "compile.json").read_text())
    assert (benchmark.DOCS / "compile.md").read_text() == benchmark.page(record)
    assert [row["name"] for row in record["rows"]] == [case.name for case in benchmark.CASES]
    for row in record["rows"]:
        if WARM not in row["runs"]:
            continue
        for compiled, empty, filled in zip(*(row["runs"][mode] for mode in MODES), strict=True):
            assert compiled["loaded"] == empty["loaded"] == 0 < filled["loaded"] <= row["kept_programs"]
        none, warm = (statistics.median(run["cpu_seconds"] for run in row["runs"][mode]) for mode in (NONE, WARM))
        assert warm < 0.67 * none
