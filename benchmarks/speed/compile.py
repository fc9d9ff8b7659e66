"""Seconds from the start of a process to the end of its first generation, and what the cache of programs saves of them.

    python -m benchmarks.speed.compile            # writes docs/compile.json and docs/compile.md, in some minutes
    python -m benchmarks.speed.compile --render   # docs/compile.md of what was measured

Every run is a fresh process: it imports the package, makes the environment, evaluates and updates one generation and
tests the new mean. It runs without a cache of compiled programs, then with an empty one, then with what that has left
there; then the next policy follows, and all of that again for each repeat.
"""

import collections
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import tyro

import eggroll_ray as er
import envs
from benchmarks.shared.measured import head
from benchmarks.shared.page import DOCS, ROOT, extremes, source_of_record, table, write_page, write_record

ENV, POPULATION = "gymnax/CartPole-v1", 256
NONE, COLD, WARM = MODES = ("no cache", "empty cache", "filled cache")


@dataclasses.dataclass(frozen=True)
class Case:
    """A policy, and the caches that it is run with."""

    name: str
    hidden: tuple[int, ...]
    modes: tuple[str, ...] = MODES


CASES = (
    Case("2 x 64", (64,) * 2),
    Case("3 x 256", (256,) * 3),
    Case("16 x 128", (128,) * 16),
    Case("16 layers, each of another width from 120 to 135", tuple(range(120, 136)), (NONE,)),
)

Run = dict[str, float]


def first_generation(hidden: Sequence[int], started: float) -> Run:
    """Does one generation in this process, and says how long that took.

    Args:
      hidden: width of each hidden layer.
      started: when the process was started, by `time.monotonic`.

    Returns:
      `seconds` since then; `cpu_seconds` of all threads; `compile_seconds`, in XLA or reading what it has compiled;
      `programs`, and how many of them were `loaded`.
    """
    compiling, events = [], collections.Counter()

    def on_duration(event: str, duration_secs: float, **_: Any) -> None:
        if event.endswith("/backend_compile_duration"):
            compiling.append(duration_secs)

    jax.monitoring.register_event_duration_secs_listener(on_duration)
    jax.monitoring.register_event_listener(lambda event, **_: events.update([event]))
    evaluator = er.from_env(envs.make(ENV), er.mlp(hidden))
    with er.Trainer(evaluator, population_size=POPULATION) as trainer:
        trainer.fit(1)
    return {
        "seconds": time.monotonic() - started,
        "cpu_seconds": time.process_time(),
        "compile_seconds": sum(compiling),
        "programs": len(compiling),
        "loaded": events["/jax/compilation_cache/cache_hits"],
    }


def in_fresh_process(case: Case, cache: Path | None) -> Run:
    """Does one generation in a process of its own, which keeps its programs in a folder, or nowhere."""
    theirs = ("JAX_COMP", "JAX_PERS", "JAX_ENABLE_COMP")  # a user's settings of JAX's cache
    environment = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
    environment["EGGROLL_RAY_CACHE"] = "off" if cache is None else str(cache)
    code = "import sys, json; from benchmarks.speed import compile as c; "
    code += "print(json.dumps(c.first_generation(json.loads(sys.argv[1]), float(sys.argv[2]))))"
    command = [sys.executable, "-c", code, json.dumps(case.hidden), str(time.monotonic())]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(
    cases: Sequence[Case], repeats: int, run: Callable[[Case, Path | None], Run] = in_fresh_process
) -> list[dict[str, Any]]:
    """Measures cases in turn; each repeat begins with an empty cache for each.

    Returns:
      Of each case its runs by mode, and how many programs the cache has kept at the most, in how many bytes.
    """
    rows: list[dict[str, Any]] = [
        {"name": case.name, "hidden": case.hidden, "runs": {mode: [] for mode in case.modes}} for case in cases
    ]
    for _ in range(repeats):
        for case, row in zip(cases, rows, strict=True):
            with tempfile.TemporaryDirectory() as folder:
                for mode in case.modes:
                    found = run(case, None if mode == NONE else Path(folder))
                    row["runs"][mode].append(found)
                    print(case.name, mode, found, flush=True)
                kept = [path.stat().st_size for path in Path(folder).rglob("*-cache")]
                if len(kept) >= row.get("kept_programs", 0):  # a program at the limit is not kept by every repeat
                    row |= {"kept_programs": len(kept), "kept_bytes": sum(kept)}
    return rows


def page(record: dict[str, Any]) -> str:
    """Markdown of all that was measured."""
    repeats = len(record["rows"][0]["runs"][NONE])
    *_, alike, unlike = record["rows"]
    ratio = _median(unlike["runs"][NONE], "cpu_seconds") / _median(alike["runs"][NONE], "cpu_seconds")
    lines = [
        "# Seconds to the first generation",
        "",
        source_of_record(record),
        f"{ENV}, {POPULATION} members, in this process (`workers=0`): from the start of Python to the end of the first",
        f"generation, its update and a test included. Medians of {repeats} fresh processes for each cell, in turn; in",
        "brackets the lowest and the highest. CPU seconds are those of all threads: where other programs share the",
        "machine, they are the ones to trust.",
        "",
        "Compiled programs are kept in the user's cache folder by default (`EGGROLL_RAY_CACHE=off` turns it off): the",
        "first process pays for an empty cache, the others load from it what they would have compiled.",
        "",
        *_times_table(record["rows"]),
        "",
        *_savings_table(record["rows"]),
        "",
        "Leaves of one shape share what is compiled for the update: where 16 layers have as many shapes, the first",
        f"generation takes {ratio:.1f} times the CPU seconds of 16 layers of one shape.",
    ]
    return "\n".join(lines) + "\n"


def _times_table(measured: Sequence[dict[str, Any]]) -> list[str]:
    heads = ("policy", "cache", "seconds", "CPU seconds", "of them XLA's (wall)", "programs", "loaded")
    rows = []
    for row in measured:
        for mode, runs in row["runs"].items():
            names = ("seconds", "cpu_seconds", "compile_seconds")
            times = [extremes([run[name] for run in runs], "{:.1f}".format) for name in names]
            rows.append([row["name"], mode, *times, runs[-1]["programs"], runs[-1]["loaded"]])
    return table(heads, rows)


def _savings_table(measured: Sequence[dict[str, Any]]) -> list[str]:
    rows = []
    for row in measured:
        if WARM in row["runs"]:
            share = 1 - _median(row["runs"][WARM], "cpu_seconds") / _median(row["runs"][NONE], "cpu_seconds")
            kept = f"{row['kept_programs']} programs, {row['kept_bytes'] / 1e6:.2f} MB"
            rows.append((row["name"], f"{100 * share:.0f}%", kept))
    return table(("policy", "a filled cache saves, of the CPU seconds", "kept"), rows)


def _median(runs: Sequence[Run], name: str) -> float:
    return statistics.median(run[name] for run in runs)


def main(repeats: int = 3, render: bool = False, docs: Path = DOCS) -> None:
    """Measures, and writes compile.json and compile.md.

    Args:
      repeats: fresh processes for each policy and cache.
      render: measure nothing; write the page of what was measured.
      docs: where they go.
    """
    path = docs / "compile.json"
    if not render:
        rows = measure(CASES, repeats)
        record = head(f"python -m benchmarks.speed.compile --repeats {repeats}", "jax", "jaxlib") | {"rows": rows}
        write_record(path, record)
    write_page(docs / "compile.md", page(json.loads(path.read_text())))


if __name__ == "__main__":
    tyro.cli(main)
