"""Measures the quality and the speed of the noise, and compares it with other generators.

    python -m benchmarks.noise.noise_quality            # adds what is missing in docs/noise_quality.json and .md
    python -m benchmarks.noise.noise_quality --tests 0 8 --streams pairs leaves
    python -m benchmarks.noise.noise_quality --parts battery --tests 102 --streams pairs --again   # also what is there
    python -m benchmarks.noise.noise_quality --render   # the page alone

It has three parts. The first is a test battery (`dieharder`, which must be installed) on streams of the noise as the
library draws it, and on two streams that are faulty on purpose. The second are the doctor's checks of both
distributions. The third are numbers per second of several generators, and whether their numbers depend on the layout of
the batch. It takes about a minute of one core per stream.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tyro

import eggroll_ray as er
from benchmarks.noise import dieharder, generators
from benchmarks.noise.dieharder import FAILED, WEAK, Assessment
from benchmarks.noise.noise_pages import page
from benchmarks.noise.noise_streams import STREAMS, words
from benchmarks.shared import kept_rows
from benchmarks.shared.measured import provenance
from benchmarks.shared.page import DOCS, write_page
from benchmarks.shared.timing import interleave
from eggroll_ray import noise
from eggroll_ray.es import doctor

# Fast ones of each kind, all "Good" in dieharder's list: birthday spacings, ranks of 6x8 matrices, missing words,
# counts of ones, parking lot, minimum distance in two and three dimensions, runs, craps, single bits, bits in groups of
# 1 to 16, the uniform law, bytes, discrete cosine transform, single bits in blocks.
TESTS = (0, 3, 4, 8, 10, 11, 12, 15, 16, 100, 102, 204, 205, 206, 209)
_RUNS = 10  # of a test that is weak, at most
_PAIRS, _NUMBERS = 64, 33  # of the check of layouts


def key(row: kept_rows.Row) -> object:
    """What tells the rows of the file from each other."""
    return [row.get(name) for name in ("part", "stream", "test", "law")]


class Generator(NamedTuple):
    """A way to draw the words of a pair: `key` of a leaf, `pair_key(key, pair)`, `bits(key, shape)`."""

    key: Callable[[], Any]
    pair_key: Callable[[Any, Any], Any]
    bits: Callable[[Any, tuple[int, ...]], jax.Array]

    def draw(self, key: Any, pair: Any, shape: tuple[int, ...]) -> jax.Array:
        """The words of one pair."""
        return self.bits(self.pair_key(key, pair), shape)


def _leaf() -> Any:
    return noise.leaf_key(0, "w", 0)


def _jax_bits(key: Any, shape: tuple[int, ...]) -> jax.Array:
    return jax.random.bits(key, shape, jnp.uint32)


USED = "threefry 2x32-20, unrolled (used)"
GENERATORS = {
    USED: Generator(_leaf, noise.pair_key, noise.normal.bits),
    "threefry 2x32-20, jax.random": Generator(_leaf, jax.random.fold_in, _jax_bits),
    "Philox 2x32-10": Generator(_leaf, noise.pair_key, generators.philox_words),
    "Squares": Generator(_leaf, noise.pair_key, generators.squares_words),
    "rbg, jax.random": Generator(lambda: jax.random.key(0, impl="rbg"), jax.random.fold_in, _jax_bits),
}


def layouts_that_differ(generator: Generator) -> list[str]:
    """Draws the same pairs one by one, in batches of 7 and of 64 and in a loop; names those unlike one by one."""
    key, pairs = generator.key(), jnp.arange(_PAIRS, dtype=jnp.uint32)

    def one(pair: Any) -> jax.Array:
        return generator.draw(key, pair, (_NUMBERS,))

    alone, batch = jax.jit(one), jax.jit(jax.vmap(one))
    wanted = np.stack([alone(pair) for pair in pairs])
    whole = _PAIRS - _PAIRS % 7
    found = {
        "batches of 7": np.concatenate([batch(pairs[first : first + 7]) for first in range(0, whole, 7)]),
        "batches of 64": np.asarray(batch(pairs)),
        "a loop": np.asarray(jax.jit(lambda pairs: jax.lax.map(one, pairs))(pairs)),
    }
    return [name for name, drawn in found.items() if not np.array_equal(drawn, wanted[: len(drawn)])]


def measure_generators(pairs: int = 1024, numbers: int = 1024, repeats: int = 30) -> dict[str, Any]:
    """Measures million numbers per second of each generator, drawn pair by pair, and checks their layouts.

    Returns:
      Name -> `differ`, the layouts in which the numbers are others; `words`, `normals` and, of the law that is used,
      `signs`: `[median, low, high]` with the quartiles.
    """
    cases: dict[tuple[str, str], Callable[[], jax.Array]] = {}

    def add(name: str, kind: str, draw: Callable[[Any, Any], jax.Array]) -> None:
        key = GENERATORS[name].key()
        run = jax.jit(lambda key: jax.vmap(draw, (None, 0))(key, jnp.arange(pairs, dtype=jnp.uint32)))
        cases[name, kind] = lambda: run(key)

    for name, own in GENERATORS.items():
        add(name, "words", lambda key, pair, own=own: own.draw(key, pair, (numbers,)))
        add(name, "normals", lambda key, pair, own=own: noise.normal.number(own.draw(key, pair, (numbers,))))
    add(USED, "signs", lambda key, pair: noise.rademacher(noise.pair_key(key, pair), (numbers,)))
    found: dict[str, Any] = {name: {"differ": layouts_that_differ(own)} for name, own in GENERATORS.items()}
    times = interleave({" | ".join(case): run for case, run in cases.items()}, repeats)
    for (name, kind), seconds in zip(cases, times.values(), strict=True):
        found[name][kind] = [pairs * numbers / seconds[at] / 1e6 for at in ("median", "high", "low")]
    return found


def assess(
    test: int, chunks: Callable[[int], Iterator[bytes]], first: int, taken: tuple[int, int] = (0, 0)
) -> dict[str, Any]:
    """Runs a test, and again on the next stretch where it was weak, as the battery's author recommends.

    It is run until no p-value is weak, see `settle`, or ten times: where two were weak on one side, always ten times.

    Args:
      test: its number in `dieharder -l`.
      chunks: number of a chunk -> the stream from there on.
      first: where to begin.
      taken: the first chunk, and the one after the last, of a stretch that is left to other tests.
    """
    runs: list[list[Assessment]] = []
    end = first
    while not runs or (len(runs) < _RUNS and any(one["verdict"] == WEAK for one in settle(runs))):
        start = taken[1] if taken[0] <= end < taken[1] else end
        assessments, begun = dieharder.run(test, chunks(start))
        runs.append(assessments)
        end = start + begun
    return {"first": first, "end": end, "taken": list(taken), "assessments": settle(runs)}


def settle(runs: Sequence[Sequence[Assessment]]) -> list[dict[str, Any]]:
    """What several runs of a test say of each of its p-values: the first that is not weak.

    Where one failed, or two were weak on one side before that, all of them count.
    """
    found = []
    for repeats in zip(*runs, strict=True):
        counted = next((i for i, one in enumerate(repeats) if one.verdict != WEAK), len(repeats) - 1)
        last = repeats[: counted + 1]
        verdict = last[-1].verdict
        if any(one.verdict == FAILED for one in repeats):
            last, verdict = repeats, FAILED
        elif dieharder.weak_on_one_side([one.p for one in last]) > 1:
            last, verdict = repeats, WEAK
        found.append({"name": last[0].name, "ntuple": last[0].ntuple, "p": [one.p for one in last], "verdict": verdict})
    return found


def battery(path: Path, streams: Sequence[str], tests: Sequence[int], again: bool = False) -> None:
    """Adds what is missing: every test on every stream, each on a stretch that no other test has seen.

    Args:
      path: of the rows.
      streams: names of streams.
      tests: numbers of tests.
      again: also what is there, from where it began.
    """
    dieharder.check_installed()
    version = dieharder.version()
    for name in streams:
        for number in tests:
            rows = kept_rows.load(path)
            known = {"part": "battery", "stream": name, "test": number}
            old = kept_rows.find(rows, known)
            if old and not again:
                continue
            end = max((row["end"] for row in rows if row.get("stream") == name), default=0)
            first, taken = (old["first"], old.get("taken", (old["end"], end))) if old else (end, (0, 0))
            found = assess(number, lambda first, name=name: words(STREAMS[name], first), first, taken)
            about = {"what": STREAMS[name].what, "faulty": STREAMS[name].faulty}
            about |= {"dieharder": version}
            kept_rows.save(path, known | about | found | provenance("jax", "jaxlib"), key)
            print(name, number, [(one["name"], one["p"], one["verdict"]) for one in found["assessments"]], flush=True)


def check_laws(path: Path) -> None:
    """Adds the doctor's findings on both laws."""
    for law in (noise.normal, noise.rademacher):
        known = {"part": "doctor", "law": law.name}
        if kept_rows.find(kept_rows.load(path), known):
            continue
        findings = doctor.diagnose(er.eggroll(rank=1, law=law), doctor.example_params())
        failed = [finding.name for finding in findings if not finding.passed]
        kept_rows.save(path, known | {"checks": len(findings), "failed": failed} | provenance("jax", "jaxlib"), key)
        print(f"doctor, {law.name}: {failed or 'passed'}", flush=True)


def main(
    streams: tuple[str, ...] = tuple(STREAMS),
    tests: tuple[int, ...] = TESTS,
    parts: tuple[str, ...] = ("generators", "doctor", "battery"),
    again: bool = False,
    render: bool = False,
    docs: Path = DOCS,
) -> None:
    """Measures what is missing, and writes the page.

    Args:
      streams: which streams the battery is run on.
      tests: numbers of tests of `dieharder -l`.
      parts: of `generators` (measured anew), `doctor` and `battery`.
      again: measure the tests of the battery also where they are there, from where they began.
      render: only write the page.
      docs: where noise_quality.json and noise_quality.md are.

    Raises:
      ValueError: for no such stream or part, before any work starts.
      RuntimeError: when dieharder is not installed.
    """
    for name, given, known in (("streams", streams, STREAMS), ("parts", parts, ("generators", "doctor", "battery"))):
        if unknown := sorted(set(given) - set(known)):
            raise ValueError(f"{name}={unknown[0]!r} is none of {', '.join(known)}.")
    path = docs / "noise_quality.json"
    if not render:
        if "battery" in parts:
            dieharder.check_installed()
        if "generators" in parts:
            found = {"part": "generators", "generators": measure_generators()}
            kept_rows.save(path, found | provenance("jax", "jaxlib"), key)
        if "doctor" in parts:
            check_laws(path)
        if "battery" in parts:
            battery(path, streams, tests, again)
    rows = kept_rows.load(path)
    if not rows:
        raise ValueError(f"there is nothing in {path} yet; run it without --render.")
    write_page(docs / "noise_quality.md", page(rows))


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
