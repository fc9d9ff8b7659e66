"""Run folders: what is written comes back bit for bit, what is damaged or foreign is refused."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eggroll_ray import checkpoint
from eggroll_ray.checkpoint import CheckpointError, FitnessLog
from eggroll_ray.messages import Generation, Plan
from eggroll_ray.observation import no_moments

PLAN = Plan(population_size=8, block_size=4, seed=0, test_episodes=1)


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
    make(tmp_path / "run")
    with pytest.raises(CheckpointError, match="exists; name another, or continue it with --resume"):
        checkpoint.create_run(tmp_path / "run")
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="exists"):
        checkpoint.create_run(tmp_path / "file")
    with pytest.raises(CheckpointError, match="cannot be written"):
        checkpoint.create_run(tmp_path / "file" / "below")
    (tmp_path / "empty").mkdir()
    checkpoint.create_run(tmp_path / "empty")


def outcome(number: int) -> Generation:
    rng = np.random.default_rng(number)
    fitness = rng.normal(size=8).astype(np.float32)
    fitness[3] = np.nan
    moments = tuple(
        jax.tree.map(lambda x: rng.normal(size=x.shape).astype(np.float32), no_moments((3,))) for _ in range(2)
    )
    return Generation(number, fitness, moments)


def same(one: Generation, two: Generation) -> bool:
    leaves = zip(jax.tree.leaves((one.fitness, one.moments)), jax.tree.leaves((two.fitness, two.moments)), strict=True)
    return one.number == two.number and all(a.tobytes() == b.tobytes() for a, b in leaves)


def test_the_log_gives_back_every_generation(tmp_path):
    run = make(tmp_path / "run")
    log = FitnessLog(run, PLAN, no_moments((3,)))
    for number in range(5):
        log.append(outcome(number))
    again = FitnessLog(run, PLAN, no_moments((3,)), writable=False)
    assert len(again) == 5
    assert all(same(found, outcome(number)) for number, found in enumerate(again.read(0, 5)))
    assert [found.number for found in again.read(2, 4)] == [2, 3]
    with pytest.raises(CheckpointError, match=r"holds generations 0 \.\. 4"):
        list(again.read(3, 6))
    with pytest.raises(CheckpointError, match="cannot follow"):
        log.append(outcome(7))


@pytest.mark.parametrize("lost", [1, 3, 40, 90])
def test_a_record_that_was_cut_off_is_dropped_by_its_owner_alone(tmp_path, lost):
    run = make(tmp_path / "run")
    log = FitnessLog(run, PLAN, no_moments((3,)))
    for number in range(3):
        log.append(outcome(number))
    path = run / "fitness" / "log.bin"
    size = path.stat().st_size
    assert lost < size // 3
    with path.open("rb+") as file:
        file.truncate(size - lost)
    reader = FitnessLog(run, PLAN, no_moments((3,)), writable=False)
    assert len(reader) == 2 and path.stat().st_size == size - lost
    owner = FitnessLog(run, PLAN, no_moments((3,)))
    owner.append(outcome(2))
    assert path.stat().st_size == size
    assert all(same(found, outcome(number)) for number, found in enumerate(owner.read(0, 3)))


def test_a_flipped_bit_and_another_runs_log_are_refused(tmp_path):
    run = make(tmp_path / "run")
    log = FitnessLog(run, PLAN, no_moments((3,)))
    for number in range(3):
        log.append(outcome(number))
    path = run / "fitness" / "log.bin"
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(CheckpointError, match=r"generation 0 .* is damaged"):
        list(FitnessLog(run, PLAN, no_moments((3,))).read(0, 3))
    with pytest.raises(CheckpointError, match="another run's log"):
        FitnessLog(run, Plan(16, 4, 0, 1), no_moments((3,)))
