"""The fitness log: every generation comes back bit for bit; what is not whole is never taken for whole."""

import contextlib
import dataclasses
import os
import resource
import struct
import zlib
from pathlib import Path

import jax
import numpy as np
import pytest

from eggroll_ray.rl.normalize import no_moments
from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.runs.fitness_log import FitnessLog
from eggroll_ray.workers.fitness_vector import pack_fitness
from eggroll_ray.workers.messages import Outcome
from eggroll_ray.workers.plan import Plan

PLAN = Plan(population_size=8, block_size=4, seed=0, test_episodes=1)
MOMENTS = no_moments((3,))
MOMENT_BYTES = 4 * PLAN.blocks * sum(x.size for x in jax.tree.leaves(MOMENTS))
both_forms = pytest.mark.parametrize("packed", [False, True], ids=["float", "packed"])


def outcome(number: int, packed: bool = False) -> Outcome:
    rng = np.random.default_rng(number)
    fitness = rng.normal(size=8).astype(np.float32)
    fitness[: 2 * (number % 3) : 2] = np.nan  # so many pairs are dropped, so that packed records differ in length
    moments = (jax.tree.map(lambda x: rng.normal(size=x.shape), MOMENTS),)
    return Outcome(number, pack_fitness(fitness) if packed else fitness, moments)


def same(one: Outcome, two: Outcome) -> bool:
    def leaves(generation):
        fitness = generation.fitness
        parts = (
            (fitness.data, fitness.dropped)
            if hasattr(fitness, "data") and not isinstance(fitness, np.ndarray)
            else fitness
        )
        return [np.asarray(x) for x in jax.tree.leaves((parts, generation.moments))]

    pairs = zip(leaves(one), leaves(two), strict=True)
    return one.number == two.number and all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in pairs)


def opened(run: Path, packed: bool = False, **options) -> FitnessLog:
    return FitnessLog(run, dataclasses.replace(PLAN, signs_only=packed), MOMENTS, **options)


def written(run: Path, generations: int, packed: bool = False) -> FitnessLog:
    if not run.exists():
        checkpoint.create_run(run)
    log = opened(run, packed)
    for number in range(generations):
        log.append(outcome(number, packed))
    return log


def holds(log: FitnessLog, generations: int, packed: bool = False) -> bool:
    found = list(log.read(0, len(log)))
    return len(found) == generations and all(same(one, outcome(n, packed)) for n, one in enumerate(found))


@both_forms
def test_the_log_gives_back_every_generation(tmp_path, packed):
    log = written(tmp_path / "run", 7, packed)
    assert holds(log, 7, packed)
    again = opened(tmp_path / "run", packed, writable=False)
    assert len(again) == 7 and holds(again, 7, packed)
    assert [found.number for found in again.read(2, 4)] == [2, 3]
    assert list(again.read(7, 7)) == []
    with pytest.raises(CheckpointError, match=r"holds generations 0 \.\. 6, not 3 \.\. 7"):
        list(again.read(3, 8))
    for number in (6, 8):
        with pytest.raises(CheckpointError, match="cannot follow 6"):
            log.append(outcome(number, packed))


def test_a_log_without_moments_comes_back(tmp_path):
    checkpoint.create_run(tmp_path / "run")
    FitnessLog(tmp_path / "run", PLAN).append(Outcome(0, outcome(0).fitness, ((),)))
    found = next(FitnessLog(tmp_path / "run", PLAN).read(0, 1))
    assert found.moments == ((),) and found.fitness.tobytes() == outcome(0).fitness.tobytes()


def test_packed_signs_take_a_twentieth_of_the_room(tmp_path):
    plan = Plan(2000, 1000, 0, 1)
    sizes = []
    for packed in (False, True):
        run = tmp_path / str(packed)
        checkpoint.create_run(run)
        fitness = np.arange(2000, dtype=np.float32)
        log = FitnessLog(run, dataclasses.replace(plan, signs_only=packed))
        log.append(Outcome(0, pack_fitness(fitness) if packed else fitness, ((),)))
        sizes.append((run / "fitness/log.bin").stat().st_size)
    assert sizes == [16 + 4 * 2000, 16 + 200]


@both_forms
def test_a_record_cut_off_at_any_byte_is_dropped_by_its_owner_alone(tmp_path, packed):
    written(tmp_path / "run", 3, packed)
    path = tmp_path / "run/fitness/log.bin"
    whole = path.read_bytes()
    before = (tmp_path / "two", written(tmp_path / "two", 2, packed))[0] / "fitness/log.bin"
    begin = before.stat().st_size
    assert whole.startswith(before.read_bytes())
    for end in range(begin, len(whole)):
        path.write_bytes(whole[:end])
        reader = opened(tmp_path / "run", packed, writable=False)
        assert holds(reader, 2, packed) and path.stat().st_size == end
        assert len(opened(tmp_path / "run", packed)) == 2
        assert path.stat().st_size == begin
    owner = opened(tmp_path / "run", packed)
    owner.append(outcome(2, packed))
    assert path.read_bytes() == whole


@pytest.mark.parametrize("place", ["head", "payload", "checksum"])
def test_a_last_record_that_is_damaged_is_dropped(tmp_path, place):
    written(tmp_path / "run", 3)
    path = tmp_path / "run/fitness/log.bin"
    data = bytearray(path.read_bytes())
    begin = len(data) // 3 * 2
    data[{"head": begin, "payload": begin + 20, "checksum": -1}[place]] ^= 1
    path.write_bytes(data)
    assert holds(opened(tmp_path / "run", writable=False), 2)
    log = opened(tmp_path / "run")
    log.append(outcome(2))
    assert holds(log, 3)


def test_a_flipped_bit_in_the_middle_is_refused_and_the_rest_is_readable(tmp_path):
    written(tmp_path / "run", 3)
    path = tmp_path / "run/fitness/log.bin"
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data)
    log = opened(tmp_path / "run")
    with pytest.raises(CheckpointError, match=r"generation 0 .* is damaged"):
        list(log.read(0, 3))
    assert [found.number for found in log.read(1, 3)] == [1, 2]


@pytest.mark.parametrize("byte", [0, 8, 11], ids=["number", "length", "length too large"])
def test_a_damaged_head_in_the_middle_does_not_cost_the_whole_records_after_it(tmp_path, byte):
    written(tmp_path / "run", 6)
    path = tmp_path / "run/fitness/log.bin"
    data = bytearray(path.read_bytes())
    data[len(data) // 6 + byte] ^= 4
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="damaged"):
        list(opened(tmp_path / "run").read(0, 6))
    assert path.read_bytes() == bytes(data)


def test_a_record_of_a_wrong_number_is_not_taken(tmp_path):
    written(tmp_path / "run", 2)
    path = tmp_path / "run/fitness/log.bin"
    record = path.read_bytes()[path.stat().st_size // 2 : -4]
    wrong = struct.pack("<Q", 5) + record[8:]
    path.write_bytes(path.read_bytes() + wrong + struct.pack("<I", zlib.crc32(wrong)))
    assert holds(opened(tmp_path / "run", writable=False), 2)


@both_forms
@pytest.mark.parametrize("first", [0, 2], ids=["the first", "a later one"])
def test_an_append_that_failed_can_be_tried_again(tmp_path, monkeypatch, first, packed):
    log = written(tmp_path / "run", first, packed)
    path = tmp_path / "run/fitness/log.bin"

    def full(descriptor):
        raise OSError(28, "No space left on device")

    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(OSError, match="No space left"):
                log.append(outcome(first, packed))
        assert len(log) == first and holds(log, first, packed)
        assert len(opened(tmp_path / "run", packed, writable=False)) == first
    path.write_bytes(path.read_bytes() + b"what could not be taken back")
    for number in range(first, 4):
        log.append(outcome(number, packed))
    assert holds(log, 4, packed) and holds(opened(tmp_path / "run", packed), 4, packed)


@pytest.mark.parametrize("change", ["removed", "cut"])
def test_a_log_that_was_changed_by_another_is_not_written_on(tmp_path, change):
    log = written(tmp_path / "run", 3)
    path = tmp_path / "run/fitness/log.bin"
    whole = path.read_bytes()
    if change == "removed":
        path.unlink()
    else:
        path.write_bytes(whole[:-1])
    with pytest.raises(OSError, match=r"log\.bin"):
        log.append(outcome(3))
    path.write_bytes(whole)
    log.append(outcome(3))
    assert holds(log, 4)


def test_another_runs_log_is_refused(tmp_path):
    written(tmp_path / "run", 1)
    with pytest.raises(CheckpointError, match="another run's log"):
        FitnessLog(tmp_path / "run", Plan(16, 4, 0, 1), MOMENTS)
    with pytest.raises(CheckpointError, match="another run's log"):
        FitnessLog(tmp_path / "run", PLAN, no_moments((4,)))
    with pytest.raises(CheckpointError, match="another run's log"):
        opened(tmp_path / "run", packed=True)


def test_a_reader_makes_nothing(tmp_path):
    checkpoint.create_run(tmp_path / "run")
    with pytest.raises(CheckpointError, match="is missing"):
        opened(tmp_path / "run", writable=False)
    assert list((tmp_path / "run/fitness").iterdir()) == []


def record(number: int, payload: bytes) -> bytes:
    """A whole record of any length."""
    whole = struct.pack("<QI", number, len(payload)) + payload
    return whole + struct.pack("<I", zlib.crc32(whole))


@both_forms
@pytest.mark.parametrize("place", [0, 1, 2], ids=["the first", "in the middle", "the last"])
@pytest.mark.parametrize("more", [-4, 4], ids=["too few members", "too many"])
def test_a_record_of_another_population_is_refused_and_left_alone(tmp_path, packed, place, more):
    """Whole by its checksum: it is neither replayed nor taken for one that was cut off."""
    written(tmp_path / "run", 3, packed)
    path = tmp_path / "run/fitness/log.bin"
    whole, ends = path.read_bytes(), [0, *opened(tmp_path / "run", packed)._ends]
    least, most = opened(tmp_path / "run", packed)._payload_bytes()
    length = (least if more < 0 else most) + more
    wrong = record(place, bytes(length))
    path.write_bytes(whole[: ends[place]] + wrong + whole[ends[place + 1] :])
    kept = path.read_bytes()
    with pytest.raises(
        CheckpointError, match=rf"generation {place} .* has {length} bytes, .* of 8 members it must have {least}"
    ):
        opened(tmp_path / "run", packed)
    assert path.read_bytes() == kept


def test_a_size_in_a_header_is_not_believed(tmp_path):
    """A head that claims gigabytes, in a file as large on paper: nothing of that size is read."""
    written(tmp_path / "run", 2)
    path = tmp_path / "run/fitness/log.bin"
    end = path.stat().st_size
    path.write_bytes(path.read_bytes() + struct.pack("<QI", 2, 2**32 - 1))
    os.truncate(path, end + 2**32 + 100)  # a hole: it takes no room
    with limited_memory(1 << 30), pytest.raises(CheckpointError, match="generation 2 cannot be read"):
        opened(tmp_path / "run")
    os.truncate(path, end + 12)
    assert holds(opened(tmp_path / "run", writable=False), 2)


@contextlib.contextmanager
def limited_memory(more: int):
    """Lets this process have no more than so many bytes beyond what it has."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + more, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (bytes([243]) + bytes(MOMENT_BYTES), "are not the packed results of 4 pairs"),
        (bytes([121]) + struct.pack("<I", 4) + bytes(MOMENT_BYTES), "drops pair 4 of 4"),
    ],
)
def test_signs_that_nobody_packed_are_refused(tmp_path, payload, message):
    checkpoint.create_run(tmp_path / "run")
    opened(tmp_path / "run", packed=True)
    (tmp_path / "run/fitness/log.bin").write_bytes(record(0, payload))
    with pytest.raises(CheckpointError, match=message):
        list(opened(tmp_path / "run", packed=True).read(0, 1))
