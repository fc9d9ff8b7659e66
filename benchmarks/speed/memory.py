"""How much memory a generation takes, and whether it grows with the population.

    python -m benchmarks.speed.memory          # goes on with docs/memory.json, and writes docs/memory.md

Each row is a process of its own (`benchmarks.speed.memory_process`), one after the other, with no cache of programs: it
evaluates and updates two generations of the paper's policy as a worker does, or updates one matrix. The first
population has two blocks: what it takes is the base of the model, to which the others add what their number takes.
Rows are kept as they come; those that are there are not measured again.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import tyro

from benchmarks.shared.measured import check_same, head
from benchmarks.shared.page import DOCS, ROOT, source_of_record, table, write_page, write_record

LAWS = ("normal", "rademacher")
POPULATIONS = (128, 2048, 32768, 262144)
UPDATE = {"rows": 1024, "columns": 1024, "population": 131072}
WANTED_BYTES, WANTED_TEMPORARY_BYTES = 2 << 30, 64_000_000
# Float32 vectors of the fitness outside of the update: by block, the whole reply, its copy on the device.
FITNESS_BYTES = 3 * 4


def measure(what: str, **arguments: Any) -> dict[str, Any]:
    """Measures in a fresh process.

    Args:
      what: `rollout` or `update`.
      arguments: of that function of `benchmarks.speed.memory_process`.

    Raises:
      RuntimeError: the process failed; the message has what it wrote.
    """
    flags = [word for name, value in arguments.items() for word in (f"--{name}", str(value))]
    # Compiling is part of the peak: a process that finds its programs in a cache needs less than one that does not.
    environment = os.environ | {"JAX_ENABLE_COMPILATION_CACHE": "false"}
    command = [sys.executable, "-m", "benchmarks.speed.memory_process", what, *flags]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[1:])} failed; it wrote:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def growth(rows: list[dict[str, Any]]) -> float:
    """Returns the bytes per member by which the second generation grows from the first row to the last."""
    first, last = rows[0], rows[-1]
    more = last["peak_bytes"]["second"] - first["peak_bytes"]["second"]
    return more / (last["population"] - first["population"])


def modelled(row: dict[str, Any], base: dict[str, Any]) -> float:
    """Returns what the second generation should take at most, in bytes, by what the base takes.

    Beside the base there are the fitness, what more the update holds, and the noise of blocks at once: the base has
    two, of which a worker evaluates the first alone.
    """
    blocks = min(row["threads"], row["population"] // row["block_size"] - 1) - 1
    return (
        base["peak_bytes"]["second"]
        + FITNESS_BYTES * (row["population"] - base["population"])
        + row["update_temporary_bytes"]
        - base["update_temporary_bytes"]
        + max(0, blocks) * row["block_size"] * row["member_noise_bytes"]
    )


def by_law(record: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Returns the rows of generations by the law of their noise, from the smallest population to the largest."""
    ordered = sorted(record["rollout"], key=lambda row: row["population"])
    return {law: [row for row in ordered if row["law"] == law] for law in LAWS}


def page(record: dict[str, Any]) -> str:
    """Markdown of all that was measured."""
    rows = by_law(record)
    some = rows[LAWS[0]][0]
    largest = rows[LAWS[0]][-1]["population"]
    most = max(max(rows[law][-1]["peak_bytes"].values()) for law in LAWS)
    lines = [
        "# How much memory a generation takes",
        "",
        source_of_record(record),
        "",
        "The most resident memory of a process of its own for each row, in MB. It evaluates and updates two",
        f"generations of a {len(some['hidden'])} x {some['hidden'][0]} policy with rank 1 in an environment of",
        f"{some['steps']} steps, as a worker does. In the first it compiles; before the second it gives back what is",
        "free, so that the second shows what the population takes.",
        "",
        f"The largest population, {largest:,}, took {most / 1e6:,.0f} MB (wanted: less than",
        f"{WANTED_BYTES / 1e6:,.0f}).",
        "From the smallest to the largest population the second generation grew by",
        f"{' and '.join(f'{growth(rows[law]):.0f} bytes a member ({law})' for law in LAWS)}. A member's noise alone is",
        f"{some['member_noise_bytes']:,} bytes: it is drawn block by block, and again for the update, never held for",
        "all. What grows are vectors of one number per member: the fitness, and in the update those that rank it.",
        "",
        *_generation_table(rows),
        "",
        f"The model is the second generation of {some['population']} members, {FITNESS_BYTES} bytes of fitness for",
        "each member more, what more the update holds by XLA's own account (next table), and the noise of the blocks",
        f"that are evaluated at once, {some['threads']} here.",
        "",
        "## The update",
        "",
        "What the compiled update holds beside its arguments and results, by XLA's account: for the generations above,",
        f"and for one matrix of {UPDATE['rows']:,} x {UPDATE['columns']:,} (wanted: less than "
        f"{WANTED_TEMPORARY_BYTES / 1e6:.0f} MB). There also the growth of the process when it ran, results included;",
        "what of it is neither held nor a result is not in XLA's account.",
        "",
        *_update_table(record),
    ]
    return "\n".join(lines) + "\n"


def _generation_table(by_law: dict[str, list[dict[str, Any]]]) -> list[str]:
    heads = (
        "law",
        "members",
        "block",
        "after imports",
        "first generation",
        "second generation",
        "model of it",
        "ratio",
    )
    rows = []
    for law in LAWS:
        for row in by_law[law]:
            peaks, model = row["peak_bytes"], modelled(row, by_law[law][0])
            cells = [law, f"{row['population']:,}", row["block_size"]]
            cells += [f"{peaks[when] / 1e6:.0f}" for when in ("imports", "first", "second")]
            rows.append([*cells, f"{model / 1e6:.0f}", f"{peaks['second'] / model:.2f}"])
    return table(heads, rows)


def _update_table(record: dict[str, Any]) -> list[str]:
    heads = ("what", "law", "members", "held, MB", "bytes a member", "process grew, MB", "results, MB")
    rows = []
    for law, own in by_law(record).items():
        for row in own:
            held, name = row["update_temporary_bytes"], f"{len(row['hidden'])} x {row['hidden'][0]} policy"
            cells = [name, law, f"{row['population']:,}", f"{held / 1e6:.1f}", f"{held / row['population']:,.0f}"]
            rows.append([*cells, "", ""])
    for row in record["update"]:
        held, peaks = row["temporary_bytes"], row["peak_bytes"]
        cells = [f"{row['rows']:,} x {row['columns']:,}", row["law"], f"{row['population']:,}", f"{held / 1e6:.1f}"]
        cells += [f"{held / row['population']:,.0f}", f"{(peaks['updated'] - peaks['compiled']) / 1e6:.1f}"]
        rows.append([*cells, f"{row['result_bytes'] / 1e6:.1f}"])
    return table(heads, rows)


def main(docs: Path = DOCS) -> None:
    """Measures what is not there yet, and writes the page.

    Args:
      docs: where data and page are.

    Raises:
      ValueError: when what is missing would be of another machine, version or commit than what is there.
    """
    path = docs / "memory.json"
    new = head("python -m benchmarks.speed.memory", "jax", "jaxlib") | {"rollout": [], "update": []}
    record = json.loads(path.read_text()) if path.exists() else new
    wanted = [("update", {**UPDATE, "law": law}) for law in LAWS]
    wanted += [("rollout", {"population": population, "law": law}) for population in POPULATIONS for law in LAWS]
    missing = [(what, own) for what, own in wanted if not any(own.items() <= row.items() for row in record[what])]
    if missing:
        check_same(path, record, new, "Delete it to measure all anew.")
    for what, arguments in missing:
        record[what].append(measure(what, **arguments))
        write_record(path, record)
        print(record[what][-1], flush=True)
    write_page(docs / "memory.md", page(record))


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
