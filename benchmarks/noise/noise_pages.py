"""Makes the page of `benchmarks.noise.noise_quality` from its rows alone."""

from collections.abc import Sequence
from typing import Any

from benchmarks.noise.dieharder import WEAK_BELOW, chance, weak_on_one_side
from benchmarks.noise.noise_streams import CHUNK
from benchmarks.shared.page import source_of_rows, spread, table

_INTRODUCTION = """\
# The quality and the speed of the noise

`python -m benchmarks.noise.noise_quality`; data: `docs/noise_quality.json`.
"""
_BATTERY = """\
## A battery of tests on streams of the noise

Streams of words of 32 bits, as the library draws them, through tests of `dieharder`. By chance one p-value in a hundred
is weak (below 0.005 or above 0.995): its test is run again on the next stretch of the stream, until it is not. Where
two are weak on one side it is run ten times in all, and all of them count. Failed is one nearer to 0 or 1 than one in a
million. Each test sees a stretch of its own.

"""
_COLUMNS = (
    "stream",
    "words, million",
    "p-values",
    "passed",
    "passed when repeated",
    "weak twice on one side",
    "failed",
)
_WEAK = """
Weak twice on one side (test, its parameter, p-values run by run). The chance is that of fair noise to be weak so often
on one side in so many runs: binomial, one in 200 for each side. These are here because their first runs were weak,
out of {count} p-values of streams without a fault: a chance of one in {count} would be nothing to wonder at.

"""
_FAULTS = """
What the faulty streams fail, which shows that the battery can find faults:

"""
_DOCTOR = """
## The doctor

The checks of `eggroll-ray doctor` on rank 1: moments, independence of pairs, leaves, generations and seeds, copies
at any distance (which a battery would not notice), batch layouts, the estimate.

"""
_GENERATORS = """
## Generators

Million numbers per second, 1,024 pairs with 1,024 numbers each by the key of each pair: medians of interleaved runs, in
brackets the quartiles. A generator can be used only if a pair's numbers are the same one by one, in batches of any size
and in a loop. Philox and Squares are written in JAX for this comparison, with products of 64 bits put together from
halves.

"""


def page(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown of the parts there are."""
    text = _INTRODUCTION
    battery = [row for row in rows if row["part"] == "battery"]
    if battery:
        text += "\n" + _battery(battery)
    laws = [row for row in rows if row["part"] == "doctor"]
    if laws:
        body = [(row["law"], row["checks"], ", ".join(row["failed"]) or "none") for row in laws]
        text += _DOCTOR + _table(("law", "checks", "failed"), body) + f"\n{source_of_rows(laws)}\n"
    for row in rows:
        if row["part"] == "generators":
            heads = ("generator", "same in every layout", "words", "normals", "signs")
            text += _GENERATORS + _table(heads, [_generator(name, own) for name, own in row["generators"].items()])
            text += f"\n{source_of_rows([row])}\n"
    return text


def _battery(rows: Sequence[dict[str, Any]]) -> str:
    body, faults, weak = [], "", ""
    for name in dict.fromkeys(row["stream"] for row in rows):
        own = [row for row in rows if row["stream"] == name]
        found = [one for row in own for one in row["assessments"]]
        counts = [
            len(found),
            sum(one["verdict"] == "PASSED" and len(one["p"]) == 1 for one in found),
            sum(one["verdict"] == "PASSED" and len(one["p"]) > 1 for one in found),
            sum(one["verdict"] == "WEAK" for one in found),
            sum(one["verdict"] == "FAILED" for one in found),
        ]
        million = max(row["end"] for row in own) * CHUNK / 1e6
        body.append([f"{name}: {own[0]['what']}", f"{million:,.0f}", *counts])
        for one in found:
            if one["verdict"] == "WEAK":
                weak += f"- {name}: {one['name']} {one['ntuple']}: {_one_sided(one['p'])}\n"
        if own[0]["faulty"]:
            failed = {one["name"]: None for one in found if one["verdict"] == "FAILED"}
            faults += f"- {name}: {', '.join(failed) or 'nothing'}.\n"
    tests = ", ".join(map(str, sorted({row["test"] for row in rows})))
    versions = ", ".join(sorted({row["dieharder"] for row in rows}))
    count = sum(len(row["assessments"]) for row in rows if not row["faulty"])
    text = _BATTERY + _table(_COLUMNS, body)
    text += _WEAK.format(count=f"{count:,}") + weak if weak else ""
    text += _FAULTS + faults if faults else ""
    return text + f"\nTests {tests} of dieharder {versions}. {source_of_rows(rows)}\n"


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return "\n".join(table(heads, rows)) + "\n"


def _one_sided(p_values: Sequence[float]) -> str:
    weak, runs = weak_on_one_side(p_values), len(p_values)
    side = "below" if sum(p < WEAK_BELOW for p in p_values) == weak else "above 1 -"
    shown = ", ".join(f"{p:.4f}" for p in p_values)
    return f"{shown}; {weak} of {runs} are {side} {WEAK_BELOW}, a chance of {chance(weak, runs):.2g}."


def _generator(name: str, own: dict[str, Any]) -> list[str]:
    speeds = []
    for kind in ("words", "normals", "signs"):
        speeds.append(spread(*own[kind], form="{:.0f}".format) if kind in own else "-")
    layouts = "no: " + ", ".join(own["differ"]) if own["differ"] else "yes"
    return [name, layouts, *speeds]
