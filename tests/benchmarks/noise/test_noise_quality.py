"""The battery on streams of the noise: what is drawn, what is read, what is concluded; and other generators."""

import itertools
import shutil
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from marks import mostly_slow
from scipy import stats

from benchmarks.noise import dieharder, generators, noise_quality, noise_streams
from benchmarks.noise.dieharder import FAILED, PASSED, WEAK, Assessment
from benchmarks.noise.noise_quality import GENERATORS, assess, settle
from benchmarks.noise.noise_streams import CHUNK, STREAMS
from benchmarks.shared import kept_rows
from eggroll_ray import noise

# As dieharder 3.31.1 writes the columns that we ask for.
SAID = """\
   diehard_birthdays|   0|       100|     100|0.45746911|  PASSED  
          sts_serial|   1|    100000|     100|0.99712345|   WEAK   
          sts_serial|   2|    100000|     100|0.00000000|  FAILED  
"""


def leaf(seed: int = 0, path: str = "layers/0/kernel", epoch: int = 0) -> Any:
    return noise.leaf_key(seed, path, epoch)


def first_word(key: Any) -> int:
    return int(noise.normal.bits(key, (1,))[0])


# The words of a stream at a place, by the library's functions alone.
WANTED = {
    "pairs": lambda at: first_word(noise.pair_key(leaf(), at)),
    "generations": lambda at: first_word(noise.pair_key(leaf(epoch=at), 0)),
    "seeds": lambda at: first_word(noise.pair_key(leaf(seed=at), 0)),
    "leaves": lambda at: first_word(noise.pair_key(leaf(path=f"layers/{at % 1024}/kernel"), at // 1024)),
}


@pytest.mark.parametrize("name", WANTED)
def test_a_stream_is_what_the_library_draws(name: str) -> None:
    chunk = STREAMS[name].chunk(3)
    assert chunk.shape == (CHUNK,) and chunk.dtype == np.uint32
    for at in (0, 1, 1023, 1024, CHUNK - 1):
        assert chunk[at] == WANTED[name](3 * CHUNK + at)


def test_the_stream_of_one_pair_goes_on_where_a_chunk_ends() -> None:
    wanted = noise.normal.bits(noise.pair_key(leaf(), 0), (2 * CHUNK,))
    one = STREAMS["one pair"]
    np.testing.assert_array_equal(np.concatenate([one.chunk(0), one.chunk(1)]), wanted)
    np.testing.assert_array_equal(one.chunk(4095), noise.normal.bits(noise.pair_key(leaf(), 1), (CHUNK,)))
    written = b"".join(itertools.islice(noise_streams.words(one, 1), 1))
    np.testing.assert_array_equal(np.frombuffer(written, "<u4"), wanted[CHUNK:])
    assert len(list(noise_streams.words(one, 4095))) == 1  # of 2**32 words


def test_the_stream_of_signs_is_one_bit_each() -> None:
    chunk = STREAMS["signs"].chunk(1)
    bits = np.unpackbits(chunk.view(np.uint8), bitorder="little").reshape(-1, 4096)
    for row in (0, len(bits) - 1):
        signs = noise.rademacher(noise.pair_key(leaf(), len(bits) + row), (4096,))
        np.testing.assert_array_equal(1 - 2.0 * bits[row], signs)


def test_the_stream_of_normals_is_their_distribution_function() -> None:
    octets = STREAMS["normals"].chunk(0).view(np.uint8)[:1024]
    drawn = np.asarray(noise.normal(noise.pair_key(leaf(), 0), (1024,)), np.float64)
    exact = 256 * stats.norm.cdf(drawn)
    np.testing.assert_array_equal(octets, np.floor(exact))
    assert len(np.unique(octets)) > 240


@pytest.mark.parametrize("name", STREAMS)
def test_only_the_faulty_streams_fail_a_test_of_bytes(name: str) -> None:
    """Chi-square of the four bytes of a word, and of each bit with the same bit of the next word."""
    drawn = STREAMS[name].chunk(2)
    octets = drawn.view(np.uint8).reshape(-1, 4)
    p_values = [stats.chisquare(np.bincount(octets[:, i], minlength=256)).pvalue for i in range(4)]
    for bit in range(32):
        value = (drawn >> np.uint32(bit)) & 1
        p_values.append(stats.chisquare(np.bincount(2 * value[0::2] + value[1::2], minlength=4)).pvalue)
    p_values = np.asarray(p_values)
    failed = np.minimum(p_values, 1 - p_values).min() < 1e-6
    assert failed == STREAMS[name].faulty


def test_the_generators_are_what_they_are_called() -> None:
    """Philox by the vectors of its authors (Random123), threefry by JAX's, Squares by its definition in 64 bits."""
    for counter, key, wanted in (
        ((0, 0), 0, (0xFF1DAE59, 0x6CD10DF2)),
        ((2**32 - 1, 2**32 - 1), 2**32 - 1, (0x2C3F628B, 0xAB4FD7AD)),
        ((0x243F6A88, 0x85A308D3), 0x13198A2E, (0xDD7CE038, 0xF62A4C12)),
    ):
        found = generators.philox2x32(jnp.uint32(key), *map(jnp.uint32, counter))
        assert tuple(map(int, found)) == wanted
    key = noise.pair_key(leaf(), 3)
    np.testing.assert_array_equal(generators.threefry_words(key, (3, 5)), noise.normal.bits(key, (3, 5)))
    assert not np.array_equal(generators.threefry_words(key, (3, 5), 16), noise.normal.bits(key, (3, 5)))
    high, low = map(int, jax.random.key_data(key))
    wanted = [squares(counter, high << 32 | low | 1) for counter in range(40)]
    assert generators.squares_words(key, (40,)).tolist() == wanted


def squares(counter: int, key: int) -> int:
    """Squares32 as in its paper, in Python's integers."""
    wrap = 2**64 - 1
    x = y = counter * key & wrap
    z = y + key & wrap
    for added in (y, z, y):
        x = x * x + added & wrap
        x = (x >> 32 | x << 32) & wrap
    return (x * x + z & wrap) >> 32


@pytest.mark.parametrize("name", mostly_slow(GENERATORS, quick=[noise_quality.USED, "rbg, jax.random"]))
def test_only_rbg_depends_on_the_layout(name: str) -> None:
    differ = noise_quality.layouts_that_differ(GENERATORS[name])
    assert ("batches of 7" in differ and "batches of 64" in differ) if "rbg" in name else not differ


@pytest.mark.slow
def test_numbers_per_second_of_each_generator() -> None:
    found = noise_quality.measure_generators(pairs=4, numbers=40, repeats=3)
    assert set(found) == set(GENERATORS)
    for name, own in found.items():
        assert set(own) - {"signs"} == {"differ", "words", "normals"} and ("signs" in own) == ("(used)" in name)
        for kind in own.keys() - {"differ"}:
            median, low, high = own[kind]
            assert 0 < low <= median <= high


def test_what_the_battery_says_is_read() -> None:
    assert dieharder.parse(SAID) == [
        Assessment("diehard_birthdays", 0, 0.45746911, PASSED),
        Assessment("sts_serial", 1, 0.99712345, WEAK),
        Assessment("sts_serial", 2, 0.0, FAILED),
    ]
    for said in ("", "Error: no such test\n", SAID + "sts_serial|1|2|3|0.5|MAYBE\n"):
        with pytest.raises(ValueError, match="dieharder said"):
            dieharder.parse(said)


def one(p: float, verdict: str) -> Assessment:
    return Assessment("runs", 0, p, verdict)


def test_a_p_value_counts_that_is_not_weak_unless_one_failed_or_two_were_weak_on_one_side() -> None:
    first = [one(0.5, PASSED), one(0.001, WEAK), one(0.002, WEAK), one(0.4, PASSED), one(0.998, WEAK)]
    again = [one(0.999, WEAK), one(0.3, PASSED), one(0.999, WEAK), one(0.0, FAILED), one(0.996, WEAK)]
    third = [one(0.5, PASSED)] * 5
    found = [(row["p"], row["verdict"]) for row in settle([first, again, third])]
    assert found[:3] == [([0.5], PASSED), ([0.001, 0.3], PASSED), ([0.002, 0.999, 0.5], PASSED)]
    assert found[3:] == [([0.4, 0.0, 0.5], FAILED), ([0.998, 0.996, 0.5], WEAK)]
    assert settle([first, again])[2]["verdict"] == WEAK


def test_the_chance_of_weak_p_values_is_binomial() -> None:
    p_values = [0.998, 0.0049, 0.9951, 0.5, 0.995, 1.0]
    assert dieharder.weak_on_one_side(p_values) == dieharder.weak_on_one_side([1 - p for p in p_values]) == 3
    q = 0.005
    assert dieharder.chance(2, 3) == pytest.approx(2 * (3 * q**2 * (1 - q) + q**3))
    assert dieharder.chance(0, 3) == 1


def test_a_weak_test_is_run_again_on_the_next_stretch(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {7: one(0.001, WEAK), 12: one(0.5, PASSED)}
    monkeypatch.setattr(dieharder, "run", lambda test, chunks: ([said[next(chunks)]], 5))
    found = assess(15, itertools.count, 7)
    assert (found["first"], found["end"]) == (7, 17)
    assert found["assessments"] == [{"name": "runs", "ntuple": 0, "p": [0.001, 0.5], "verdict": PASSED}]
    said.update({12: one(0.999, WEAK), 17: one(0.998, WEAK)} | dict.fromkeys(range(22, 57, 5), one(0.5, PASSED)))
    found = assess(15, itertools.count, 7)
    assert found["end"] == 57 and found["assessments"][0]["verdict"] == WEAK
    assert found["assessments"][0]["p"] == [0.001, 0.999, 0.998, *[0.5] * 7]
    said[100] = one(0.4, PASSED)  # from 17 on there are other tests
    found = assess(15, itertools.count, 7, (17, 100))
    assert found["end"] == 105 and found["assessments"][0]["p"] == [0.001, 0.999, 0.4]


def test_results_are_kept_and_each_test_sees_a_stretch_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def run(test: int, chunks: Any) -> tuple[list[Assessment], int]:
        seen.append((test, int(np.frombuffer(next(chunks), "<u4")[0])))
        return [one(0.5, PASSED)], 2

    monkeypatch.setattr(dieharder, "run", run)
    monkeypatch.setattr(dieharder, "check_installed", lambda: None)
    monkeypatch.setattr(dieharder, "version", lambda: "3.2.1")
    for tests in ((0, 15), (0, 15, 16)):  # the second time one is missing
        noise_quality.main(streams=("counter",), tests=tests, parts=("battery",), docs=tmp_path)
    starts = [STREAMS["counter"].chunk(first)[0] for first in (0, 2, 4)]
    assert seen == list(zip((0, 15, 16), starts, strict=True))
    noise_quality.main(streams=("counter",), tests=(15,), parts=("battery",), again=True, docs=tmp_path)
    assert seen[3:] == [seen[1]]
    page = (tmp_path / "noise_quality.md").read_text()
    assert "| counter: faulty on purpose: 0, 1, 2, ... times 2,654,435,769 | 6 | 3 | 3 | 0 | 0 | 0 |" in page
    assert "- counter: nothing." in page and "Tests 0, 15, 16 of dieharder 3.2.1." in page


def test_wrong_requests_are_refused_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"streams='dice' is none of one pair, pairs, "):
        noise_quality.main(streams=("dice",), docs=tmp_path)
    with pytest.raises(ValueError, match=r"there is nothing in .*noise_quality.json yet"):
        noise_quality.main(render=True, docs=tmp_path)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(RuntimeError, match="dieharder is not there; install it"):
        noise_quality.main(docs=tmp_path)


def test_the_page_says_what_was_found(tmp_path: Path) -> None:
    common = {"machine": "abacus", "versions": {"jax": "0.1"}, "commit": "abc", "date": "2026-01-02"}
    path, key = tmp_path / "noise_quality.json", noise_quality.key
    battery = {"part": "battery", "what": "words", "dieharder": "3.2.1", "first": 0, "end": 100}
    runs = [0.5, 0.001, 0.001], [0.5, 0.5, 0.002], [0.5, 0.5, 0.5]
    ours = settle([[one(p, PASSED if p == 0.5 else WEAK) for p in run] for run in runs])
    fault = settle([[one(0.0, FAILED)]])
    kept_rows.save(path, common | {"part": "doctor", "law": "normal", "checks": 30, "failed": []}, key)
    kept_rows.save(path, common | battery | {"stream": "a", "test": 15, "faulty": False, "assessments": ours}, key)
    kept_rows.save(path, common | battery | {"stream": "b", "test": 0, "faulty": True, "assessments": fault}, key)
    speeds = {"words": [500.0, 400.0, 600.0], "normals": [200.0, 190.0, 210.0]}
    found = {"one": speeds | {"differ": []}, "two": speeds | {"differ": ["a loop"], "signs": [900.0, 800.0, 1000.0]}}
    kept_rows.save(path, common | {"part": "generators", "generators": found}, key)
    noise_quality.main(render=True, docs=tmp_path)
    page = (tmp_path / "noise_quality.md").read_text()
    assert "| a: words | 105 | 3 | 1 | 1 | 1 | 0 |\n| b: words | 105 | 1 | 0 | 0 | 0 | 1 |\n" in page
    said = "2 of 3 are below 0.005, a chance of 0.00015."
    assert f"- a: runs 0: 0.0010, 0.0020, 0.5000; {said}\n" in page and "out of 3 p-values" in page
    assert "- b: runs.\n" in page and "- a: runs.\n" not in page and "Tests 0, 15 of dieharder 3.2.1." in page
    assert "| normal | 30 | none |\n" in page
    assert "| one | yes | 500 [400, 600] | 200 [190, 210] | - |\n" in page
    assert "| two | no: a loop | 500 [400, 600] | 200 [190, 210] | 900 [800, 1000] |\n" in page
    assert page.count("Measured up to 2026-01-02 on abacus; jax 0.1; commit abc.\n") == 3


@pytest.mark.skipif(shutil.which("dieharder") is None, reason="the program dieharder is not installed")
def test_the_battery_finds_the_fault_of_a_counter_and_none_in_ours() -> None:
    for name, verdict in (("counter", FAILED), ("one pair", PASSED)):
        found, begun = dieharder.run(15, noise_streams.words(STREAMS[name], 0))
        assert [one.verdict for one in found] == [verdict] * 2 and begun > 1
    with pytest.raises(RuntimeError, match="wants more than 1 chunks"):
        dieharder.run(15, itertools.islice(noise_streams.words(STREAMS["counter"], 0), 1))
