"""Run folders: what is written comes back bit for bit, what is damaged or foreign is refused."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file

from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.checkpoint import LOCK, CheckpointError


def snapshot() -> dict:
    return {
        "w": jnp.arange(6, dtype=jnp.float32).reshape(2, 3),
        "half": jnp.asarray([1.5, -0.25, 3e38], jnp.bfloat16),
        "count": jnp.int32(7),
        "nested": (np.float64(1 / 3) * np.ones(2), [jnp.zeros((0, 4))]),
    }


def make(path: Path) -> Path:
    checkpoint.create_run(path)
    return path


def test_a_checkpoint_comes_back_bit_for_bit(tmp_path):
    run = make(tmp_path / "run")
    checkpoint.save_checkpoint(run, snapshot(), 12, "abc")
    assert checkpoint.checkpoints(run) == [12]
    loaded = checkpoint.load_checkpoint(run, 12, snapshot())
    assert jax.tree.structure(loaded) == jax.tree.structure(snapshot())
    for before, after in zip(jax.tree.leaves(snapshot()), jax.tree.leaves(loaded), strict=True):
        assert np.asarray(before).dtype == after.dtype
        assert np.asarray(before).tobytes() == after.tobytes()
    assert json.loads((run / "checkpoints/00000012/manifest.json").read_text())["digest"] == "abc"


ODD = ("int2", "uint4", "int4", "float4_e2m1fn", "float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu", "complex128")


@pytest.mark.parametrize("shape", [(), (0, 4), (3, 5)])
def test_arrays_of_every_type_come_back_bit_for_bit(tmp_path, shape):
    """Also of those types that safetensors writes and cannot read, or does not know."""
    numbers = np.arange(np.prod(shape)).reshape(shape) % 2
    arrays = {name: numbers.astype(jnp.dtype(name)) for name in (*ODD, *checkpoint._READABLE)}
    run = make(tmp_path / "run")
    checkpoint.save_checkpoint(run, arrays, 1, "")
    for name, loaded in checkpoint.load_checkpoint(run, 1, arrays).items():
        assert (loaded.dtype, loaded.shape) == (jnp.dtype(name), shape)
        assert loaded.tobytes() == arrays[name].tobytes()


def test_the_common_types_are_stored_as_what_they_are(tmp_path):
    """Others read these files, too."""
    common = {name: np.ones(2, jnp.dtype(name)) for name in ("bfloat16", "float16", "float32", "uint8")}
    checkpoint.save_arrays(tmp_path / "arrays", common)
    assert {name: array.dtype.name for name, array in load_file(tmp_path / "arrays").items()} == {
        name: name for name in common
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tree: tree | {"w": jnp.zeros((3, 2))}, "does not fit.*w is.*2, 3"),
        (lambda tree: tree | {"w": jnp.zeros((2, 3), jnp.int32)}, "does not fit"),
        (lambda tree: tree | {"more": jnp.zeros(1)}, "more is missing there"),
        (lambda tree: {k: v for k, v in tree.items() if k != "count"}, "missing here"),
    ],
)
def test_another_structure_is_refused(tmp_path, change, message):
    run = make(tmp_path / "run")
    checkpoint.save_checkpoint(run, snapshot(), 1, "")
    with pytest.raises(CheckpointError, match=message):
        checkpoint.load_checkpoint(run, 1, change(snapshot()))


def test_another_schema_and_damage_are_refused(tmp_path):
    run = make(tmp_path / "run")
    folder = checkpoint.save_checkpoint(run, snapshot(), 1, "")
    arrays = folder / "arrays.safetensors"
    arrays.write_bytes(arrays.read_bytes()[:-5])
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint.load_checkpoint(run, 1, snapshot())
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"schema": 99}))
    with pytest.raises(CheckpointError, match="schema 99, this version reads 1"):
        checkpoint.load_checkpoint(run, 1, snapshot())
    (folder / "manifest.json").write_text('{"schema": ')
    with pytest.raises(CheckpointError, match="not valid JSON"):
        checkpoint.load_checkpoint(run, 1, snapshot())


def test_a_folder_in_use_or_unwritable_is_refused(tmp_path):
    checkpoint.write_json(make(tmp_path / "run") / "config.json", {})
    with pytest.raises(CheckpointError, match="exists; name another, or continue it with --resume"):
        checkpoint.create_run(tmp_path / "run")
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="exists"):
        checkpoint.create_run(tmp_path / "file")
    with pytest.raises(CheckpointError, match="cannot be written"):
        checkpoint.create_run(tmp_path / "file" / "below")
    (tmp_path / "empty").mkdir()
    checkpoint.create_run(tmp_path / "empty")


def test_a_start_that_was_killed_before_it_was_a_run_is_not_in_the_way(tmp_path):
    run = make(tmp_path / "run")
    (run / LOCK).touch()
    make(run)
    (run / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="exists"):
        checkpoint.create_run(run)


def test_a_checkpoint_that_was_not_finished_is_none(tmp_path, monkeypatch):
    run = make(tmp_path / "run")
    checkpoint.save_checkpoint(run, snapshot(), 1, "")
    with monkeypatch.context() as patch, pytest.raises(OSError, match="full"):
        patch.setattr(checkpoint, "write_json", lambda *_: (_ for _ in ()).throw(OSError("full")))
        checkpoint.save_checkpoint(run, snapshot(), 2, "")
    assert checkpoint.checkpoints(run) == [1]
    checkpoint.save_checkpoint(run, snapshot(), 2, "")  # what is left of the first attempt is not in the way
    assert checkpoint.checkpoints(run) == [1, 2]
    (run / "checkpoints/.partial-00000003").mkdir()
    checkpoint.remove_partial(run)
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == ["00000001", "00000002"]


def test_keys_of_another_generator_are_refused(tmp_path):
    run = make(tmp_path / "run")
    checkpoint.save_checkpoint(run, {"key": jax.random.split(jax.random.key(1), 3)}, 1, "")
    loaded = checkpoint.load_checkpoint(run, 1, {"key": jax.random.split(jax.random.key(0), 3)})
    assert (jax.random.key_data(loaded["key"]) == jax.random.key_data(jax.random.split(jax.random.key(1), 3))).all()
    for other in (jax.random.split(jax.random.key(0, impl="rbg"), 3), jax.random.key(0), jnp.zeros((3, 2), jnp.uint32)):
        with pytest.raises(CheckpointError, match=r"does not fit.*key is .*'key<fry>'"):
            checkpoint.load_checkpoint(run, 1, {"key": other})
