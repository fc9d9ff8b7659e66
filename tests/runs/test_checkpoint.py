"""Run folders: what is written comes back bit for bit, what is damaged or foreign is refused."""

import json
import os
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file

from eggroll_ray.es.digest import digest
from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.checkpoint import LOCK, CheckpointError, DamagedError


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
    for name in ("13", "1x", "1\N{SUPERSCRIPT TWO}", "notes"):  # nothing that was written here
        (run / "checkpoints" / name).mkdir()
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
    with pytest.raises(DamagedError, match="not valid JSON"):
        checkpoint.load_checkpoint(run, 1, snapshot())
    for text, message in (("[" * 10**5, "not valid JSON"), ("[1]", "not names and values"), ("{}", "schema None")):
        (folder / "manifest.json").write_text(text)
        with pytest.raises(CheckpointError, match=message):
            checkpoint.load_checkpoint(run, 1, snapshot())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"generation": 2}))
    with pytest.raises(DamagedError, match="of another generation"):
        checkpoint.load_checkpoint(run, 1, snapshot())
    (folder / "manifest.json").unlink()
    with pytest.raises(DamagedError, match="has no manifest"):
        checkpoint.load_checkpoint(run, 1, snapshot())


@pytest.mark.parametrize("first_version", [False, True], ids=["today", "without a digest of the content alone"])
def test_one_flipped_bit_anywhere_in_the_arrays_is_found(tmp_path, first_version):
    run = make(tmp_path / "run")
    folder = checkpoint.save_checkpoint(run, snapshot(), 1, digest(snapshot()))
    if first_version:
        manifest = json.loads((folder / "manifest.json").read_text())
        del manifest["content"]
        (folder / "manifest.json").write_text(json.dumps(manifest))
    arrays = folder / "arrays.safetensors"
    whole = arrays.read_bytes()
    assert digest(checkpoint.load_checkpoint(run, 1, snapshot())) == digest(snapshot())
    harmless = 0  # in the header, such as where an array without numbers begins
    for place in range(len(whole)):
        arrays.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            loaded = checkpoint.load_checkpoint(run, 1, snapshot())
        except DamagedError:
            continue
        assert digest(loaded) == digest(snapshot()), place
        harmless += 1
    assert harmless < 8


def test_a_checkpoint_with_the_past_in_its_digest_is_compared_without_it(tmp_path):
    """Of the first versions, whose digest is also of what a checkpoint does not hold: there is nothing to compare."""
    run = make(tmp_path / "run")
    folder = checkpoint.save_checkpoint(run, snapshot(), 1, "of more than the snapshot")
    checkpoint.load_checkpoint(run, 1, snapshot(), with_past=True)
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["content"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    checkpoint.load_checkpoint(run, 1, snapshot(), with_past=True)
    with pytest.raises(DamagedError):
        checkpoint.load_checkpoint(run, 1, snapshot())


@pytest.mark.parametrize("change", ["damaged", "of other bits", "gone in part"])
def test_what_is_not_the_checkpoint_that_is_written_is_replaced(tmp_path, change):
    run = make(tmp_path / "run")
    folder = checkpoint.save_checkpoint(run, snapshot(), 1, "")
    arrays, whole = folder / "arrays.safetensors", (folder / "arrays.safetensors").read_bytes()
    before = arrays.stat().st_mtime_ns
    checkpoint.save_checkpoint(run, snapshot(), 1, "")
    assert arrays.stat().st_mtime_ns == before  # the same bits are not written twice
    if change == "damaged":
        arrays.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    elif change == "gone in part":
        arrays.unlink()
    else:
        shutil.rmtree(folder)
        checkpoint.save_checkpoint(run, snapshot() | {"count": jnp.int32(8)}, 1, "")
    checkpoint.save_checkpoint(run, snapshot(), 1, "")
    assert arrays.read_bytes() == whole and checkpoint.checkpoints(run) == [1]
    assert [path.name for path in folder.parent.iterdir()] == ["00000001"]


def test_the_newest_that_is_whole_is_taken_and_those_before_it_are_named(tmp_path):
    run, told = make(tmp_path / "run"), []
    for number in (1, 2, 3):
        checkpoint.save_checkpoint(run, snapshot() | {"count": jnp.int32(number)}, number, "")
    (run / "checkpoints/00000003/arrays.safetensors").write_bytes(b"")
    number, found = checkpoint.newest_checkpoint(run, [1, 2, 3], snapshot(), told.append)
    assert number == found["count"] == 2 and "00000003 is damaged" in told.pop() and not told
    for number in (1, 2):
        (run / f"checkpoints/{number:08d}/arrays.safetensors").unlink()
    assert checkpoint.newest_checkpoint(run, [1, 2, 3], snapshot(), told.append) is None and len(told) == 3


def test_all_of_a_checkpoint_is_on_the_disk_before_its_name_is_and_then_the_name(tmp_path, monkeypatch):
    """After a loss of power a folder without content, or no folder where one was said to be, would be found."""
    run, done = make(tmp_path / "run"), []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda at: (done.append(("sync", os.readlink(f"/proc/self/fd/{at}"))), fsync(at)))
    monkeypatch.setattr(os, "replace", lambda one, two: (done.append(("name", str(two))), replace(one, two)))
    folder = checkpoint.save_checkpoint(run, snapshot(), 1, "")
    partial = str(folder.parent / ".partial-00000001")
    named = done.index(("name", str(folder)))
    for name in ("arrays.safetensors", "manifest.json"):
        assert ("sync", f"{partial}/.partial-{name}") in done[: done.index(("name", f"{partial}/{name}"))]
    assert ("sync", partial) in done[done.index(("name", f"{partial}/manifest.json")) : named]
    assert done[named + 1 :] == [("sync", str(folder.parent))]


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
    (run / "checkpoints/.partial-00000003/arrays").touch()
    (run / "fitness/.partial-log.json").touch()
    checkpoint.remove_partial(run)
    assert list((run / "fitness").iterdir()) == []
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == ["00000001", "00000002"]


def test_keys_of_another_generator_are_refused(tmp_path):
    run = make(tmp_path / "run")
    checkpoint.save_checkpoint(run, {"key": jax.random.split(jax.random.key(1), 3)}, 1, "")
    loaded = checkpoint.load_checkpoint(run, 1, {"key": jax.random.split(jax.random.key(0), 3)})
    assert (jax.random.key_data(loaded["key"]) == jax.random.key_data(jax.random.split(jax.random.key(1), 3))).all()
    for other in (jax.random.split(jax.random.key(0, impl="rbg"), 3), jax.random.key(0), jnp.zeros((3, 2), jnp.uint32)):
        with pytest.raises(CheckpointError, match=r"does not fit.*key is .*'key<fry>'"):
            checkpoint.load_checkpoint(run, 1, {"key": other})
