"""Fingerprints of arrays: small ones are hashed whole, of large ones what they come to word by word."""

import hashlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eggroll_ray.es.digest import _LARGE, _WORDS, code_digest, digest, host_array

LARGE = np.random.default_rng(0).normal(size=(67 * _WORDS + 5,)).astype(np.float32)  # and a rest


def test_small_arrays_are_hashed_whole():
    array = np.arange(6, dtype=np.int32).reshape(2, 3)
    expected = hashlib.blake2b(b"int32(2, 3)" + array.tobytes(), digest_size=8).hexdigest()
    assert digest({"x": array}) == expected
    assert digest({"x": jnp.asarray(array)}) == expected, "wherever they are"


def test_fingerprints_stay_what_they_were():
    """Those of recorded runs are compared with what this version makes of the same arrays."""
    below, from_here = np.arange(65_535) % 256, np.arange(65_536) % 256  # bytes, hashed whole and condensed
    assert digest(below.astype(np.uint8)) == "6dba5404ba2eb0cd"
    assert digest(from_here.astype(np.uint8)) == "d07b87d192c9e0a4"


@pytest.mark.parametrize("place", [0, 1, 2 * _WORDS - 1, 2 * _WORDS, _LARGE // 4, len(LARGE) - 6, len(LARGE) - 1])
@pytest.mark.parametrize("bit", [0, 31])
def test_a_flipped_bit_of_a_large_array_is_found(place, bit):
    other = LARGE.copy()
    other.view(np.uint32)[place] ^= np.uint32(1 << bit)
    assert digest(other) != digest(LARGE)


@pytest.mark.parametrize("distance", [1, 2, 2 * _WORDS, 10 * _WORDS])
def test_values_that_changed_places_are_found(distance):
    other = LARGE.copy()
    other[[7, 7 + distance]] = other[[7 + distance, 7]]
    assert digest(other) != digest(LARGE)


def test_rows_that_changed_places_are_found():
    rows = LARGE[: 32 * 2 * _WORDS].reshape(32, -1)
    assert digest(rows[::-1]) != digest(rows)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, np.float32, np.int8, bool, np.int64])
def test_values_count_not_their_layout_in_memory(dtype):
    array = (np.resize(LARGE, (1000, 1200)) * 10).astype(dtype)
    across = np.asfortranarray(array)
    assert array.nbytes >= _LARGE and not across.flags.c_contiguous
    assert digest(across) == digest(array) != digest(array.T)


def test_shapes_and_dtypes_count():
    zeros = np.zeros((1024, 1024), np.float32)
    found = {digest(zeros), digest(zeros.reshape(512, 2048)), digest(zeros.view(np.int32)), digest(zeros[:-1])}
    assert len(found) == 4
    assert digest(np.zeros((0, 3))) != digest(np.zeros((0, 4)))
    assert digest(np.float32(1)) != digest(np.float32(2))


@pytest.fixture
def source(tmp_path):
    """A copy of what decides bits and what does not, with one file in each folder."""
    for name in ("eggroll_ray/es/noise", "envs/host/batch", "envs/pgx_env", "eggroll_ray/report/text"):
        file = tmp_path / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x = 1\n")
    return tmp_path


@pytest.mark.parametrize("name", ["eggroll_ray/es/noise.py", "envs/host/batch.py", "envs/pgx_env.py"])
def test_source_that_may_compute_other_bits_has_another_fingerprint(source, name):
    before = code_digest(source)
    (source / name).write_text("x = 2\n")
    assert code_digest(source) != before
    (source / name).write_text("x = 1\n")
    assert code_digest(source) == before
    (source / name).rename(source / name.replace(".py", "_moved.py"))
    assert code_digest(source) != before


@pytest.mark.parametrize("folder", ["report", "cli", "runs/sinks"])
def test_what_people_see_of_a_run_is_no_other_version(source, folder):
    before = code_digest(source)
    (source / "eggroll_ray" / folder).mkdir(parents=True, exist_ok=True)
    (source / "eggroll_ray" / folder / "text.py").write_text("x = 2\n")
    assert code_digest(source) == before


def test_the_fingerprint_is_of_the_packages_that_are_imported(source):
    assert code_digest() not in (code_digest(source), code_digest(source / "nowhere"))


def test_keys_count_by_their_words_and_their_generator():
    keys = [jax.random.key(0), jax.random.key(1), jax.random.key(0, impl="rbg"), jax.random.key(0)[None]]
    found = [digest(key) for key in keys]
    assert len(set(found)) == 4 and digest(jax.random.key(0)) == found[0]
    assert digest(jax.random.key_data(keys[0])) != found[0]
    np.testing.assert_array_equal(host_array(keys[1]), [0, 1])


def test_fingerprints_are_those_of_runs_recorded_before():
    """Checkpoints and rows hold them, so no version may compute others."""
    ramp = np.arange(_LARGE // 4 + 4 * _WORDS + 3, dtype=np.uint32)
    at_the_edge = [digest(ramp[: _LARGE // 4 + more]) for more in (-1, 0, 1)]
    found = [digest({"x": np.float32(1.5), "y": [np.arange(3)]}), *at_the_edge, digest(ramp), digest(LARGE)]
    assert found == [
        "f64b6eda7e815b55",
        "54807957596c9480",
        "2b4b0d4b267599a2",
        "ac1a8208d6cd0172",
        "90ca21b8cb463cef",
        "45d287c01620f6f4",
    ]
