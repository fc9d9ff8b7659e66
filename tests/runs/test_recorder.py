"""The record of a run when the disk does not do what it should: nothing is lost, torn, or wrongly said to be there."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import eggroll_ray as er
from eggroll_ray.runs import checkpoint
from eggroll_ray.runs import recorder as record
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.runs.fitness_log import FitnessLog
from eggroll_ray.runs.metrics import read_metrics
from eggroll_ray.runs.recorder import Recorder, Run
from eggroll_ray.runs.settings import recorded_block_size
from eggroll_ray.workers.messages import Outcome
from eggroll_ray.workers.plan import Plan

PLAN = Plan(population_size=64, block_size=32, seed=0, test_episodes=1)
SNAPSHOT = {"w": np.arange(4.0)}
not_root = pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")


MADE: list[Recorder] = []


@pytest.fixture(autouse=True)
def close_all():
    yield
    while MADE:
        MADE.pop().close()


def make(path: Path, events: list | None = None, resume: bool = False, every: int = 5) -> Recorder:
    events = [] if events is None else events
    MADE.append(Recorder(Run(path, resume, every), PLAN, (), {"a": 1}, {}, lambda *event: events.append(event)))
    return MADE[-1]


def outcome(number: int) -> Outcome:
    return Outcome(number, np.full(PLAN.population_size, number, np.float32), ((), ()))


def step(recorder: Recorder, number: int, note: str = "") -> None:
    """What the trainer does in each generation."""
    if recorder.is_due(number):
        recorder.save(SNAPSHOT, number, "digest")
    recorder.append(outcome(number))
    recorder.write({"generation": number, "note": note})


def generations(path: Path) -> list[int]:
    return [row["generation"] for row in read_metrics(path / "metrics.jsonl") if "event" not in row]


def logged(path: Path) -> list[int]:
    log = FitnessLog(path, PLAN, writable=False)
    found = list(log.read(0, len(log)))
    assert all(one.fitness.tobytes() == outcome(one.number).fitness.tobytes() for one in found)
    return [one.number for one in found]


def test_a_run_that_ends_well_has_all_on_the_disk(tmp_path):
    recorder = make(tmp_path / "run")
    for number in range(12):
        step(recorder, number)
    recorder.finish({"status": "finished"})
    assert recorder.unsaved is None
    recorder.close()
    assert generations(tmp_path / "run") == logged(tmp_path / "run") == list(range(12))
    assert checkpoint.checkpoints(tmp_path / "run") == [5, 10]
    assert json.loads((tmp_path / "run/result.json").read_text())["status"] == "finished"


def test_a_resumed_run_has_one_row_a_generation_and_goes_on_from_the_log(tmp_path):
    recorder = make(tmp_path / "run")
    for number in range(7):
        step(recorder, number)
    recorder.append(outcome(7))  # as if the process had been killed before it wrote the row
    recorder.close()
    recorder = make(tmp_path / "run", resume=True)
    assert checkpoint.checkpoints(tmp_path / "run") == [5]
    snapshot = checkpoint.load_checkpoint(tmp_path / "run", 5, SNAPSHOT)
    log = recorder.log.read(5, len(recorder.log))
    assert snapshot["w"].tolist() == SNAPSHOT["w"].tolist() and [one.number for one in log] == [5, 6, 7]
    assert recorder.last_row["generation"] == 6
    step(recorder, 8)
    recorder.close()
    assert logged(tmp_path / "run") == list(range(9))
    assert generations(tmp_path / "run") == [*range(7), 8]


def test_rows_ahead_of_the_log_are_written_again(tmp_path):
    recorder = make(tmp_path / "run")
    for number in range(4):
        step(recorder, number)
    recorder.write({"generation": 4})  # the log could not be written, and the process was killed
    recorder.close()
    recorder = make(tmp_path / "run", resume=True)
    assert recorder.last_row["generation"] == 3
    step(recorder, 4)
    recorder.close()
    assert generations(tmp_path / "run") == list(range(5))


def test_a_folder_that_is_moved_away_and_back_misses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "_RETRY_SECONDS", 0.0)
    events = []
    run, away = tmp_path / "run", tmp_path / "away"
    recorder = make(run, events)
    for number in range(14):
        if number == 3:
            run.rename(away)
        if number == 9:
            assert "6 generations are missing from its log" in recorder.unsaved
            away.rename(run)
        step(recorder, number)
    recorder.finish({"status": "finished"})
    assert recorder.unsaved is None
    recorder.close()
    assert [name for name, _ in events] == ["record failed", "record restored"]
    assert generations(run) == logged(run) == list(range(14))
    assert checkpoint.checkpoints(run) == [9, 10]  # that of 5 was tried again, and written as that of 9
    assert not list(run.rglob(".partial-*"))
    make(run, resume=True).close()


def test_a_folder_that_never_comes_back_is_said_to_be_missing(tmp_path):
    run, away = tmp_path / "run", tmp_path / "away"
    recorder = make(run)
    step(recorder, 0)
    run.rename(away)
    step(recorder, 1)
    recorder.finish({"status": "finished"})
    recorder.close()
    assert "1 generations are missing" in recorder.unsaved and str(run) in recorder.unsaved
    assert logged(away) == generations(away) == [0]


def test_a_checkpoint_that_could_not_be_written_is_missing_until_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "_RETRY_SECONDS", 0.0)
    events = []
    recorder = make(tmp_path / "run", events)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", full)
        for number in range(8):
            assert recorder.is_due(number) == (number >= 5)
            step(recorder, number)
    assert recorder.unsaved is not None  # the log is whole, the checkpoint is not there
    assert [name for name, _ in events] == ["record failed"]
    step(recorder, 8)
    assert recorder.unsaved is None and not recorder.is_due(9)
    assert [name for name, _ in events] == ["record failed", "record restored"]
    recorder.close()
    assert checkpoint.checkpoints(tmp_path / "run") == [8]
    assert logged(tmp_path / "run") == list(range(9))


def test_a_checkpoint_is_not_tried_again_with_every_generation(tmp_path, monkeypatch):
    recorder = make(tmp_path / "run")
    tried = []

    def full(*arguments):
        tried.append(arguments[2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_checkpoint", full)
    for number in range(12):
        step(recorder, number)
    recorder.close()
    assert tried == [5, 10]


def test_metrics_that_cannot_be_written_are_said_to_be_missing(tmp_path):
    recorder = make(tmp_path / "run")
    step(recorder, 0)
    (tmp_path / "run/metrics.jsonl").rename(tmp_path / "elsewhere")
    step(recorder, 1)
    assert recorder.unsaved is not None
    (tmp_path / "elsewhere").rename(tmp_path / "run/metrics.jsonl")
    step(recorder, 2)
    assert recorder.unsaved is None
    recorder.close()
    assert generations(tmp_path / "run") == [0, 1, 2]


@not_root
def test_a_folder_that_becomes_read_only_is_waited_for(tmp_path):
    run = tmp_path / "run"
    recorder = make(run)
    step(recorder, 0)
    files = [run / "metrics.jsonl", run / "fitness/log.bin"]
    for file in files:
        file.chmod(0o400)
    step(recorder, 1)
    assert "1 generations are missing" in recorder.unsaved
    for file in files:
        file.chmod(0o600)
    step(recorder, 2)
    recorder.close()
    assert recorder.unsaved is None and generations(run) == logged(run) == [0, 1, 2]


@not_root
def test_a_run_that_cannot_be_written_is_not_resumed(tmp_path):
    make(tmp_path / "run").close()
    (tmp_path / "run").chmod(0o500)
    (tmp_path / "run/lock").chmod(0o400)
    with pytest.raises(CheckpointError, match="cannot be written"):
        make(tmp_path / "run", resume=True)
    (tmp_path / "run").chmod(0o700)


def test_what_is_no_run_is_not_resumed(tmp_path):
    (tmp_path / "config.json").write_text('{"name": "of another program"}')
    with pytest.raises(CheckpointError):
        make(tmp_path, resume=True)


def test_a_run_in_use_is_not_resumed_and_goes_on_unharmed(tmp_path):
    recorder = make(tmp_path / "run")
    step(recorder, 0)
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    with pytest.raises(CheckpointError, match="still going on"):
        make(tmp_path / "run", resume=True)
    assert all(path.read_bytes() == data for path, data in before.items())
    step(recorder, 1)
    recorder.close()
    make(tmp_path / "run", resume=True).close()


# --- a full disk, in a process of its own: no file may grow beyond a limit ----------------------------------------


def limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def fill_up(path: Path, file: str, beyond: int, note: int, ending: str) -> None:
    """Runs in the child: the file is full, some bytes into its next record, from generation 4 to 7."""
    events: list = []
    recorder = make(path, events, every=100)
    for number in range(10):
        if number == 4:
            limit((path / file).stat().st_size + beyond)
        if number == 8:
            if ending == "killed":
                os._exit(0)
            limit(resource.RLIM_INFINITY)
        step(recorder, number, "x" * note)
        kept, rows = logged(path), generations(path)  # what any reader sees meanwhile
        assert kept == list(range(len(kept))) and rows == list(range(len(rows)))
        assert len(kept if "log" in file else rows) == (4 if 4 <= number < 8 else number + 1)
    recorder.close()
    assert recorder.unsaved is None
    if "log" in file:
        assert [name for name, _ in events] == ["record failed", "record restored"]


def in_child(call: str, path: Path) -> None:
    code = f"from pathlib import Path; import test_recorder; test_recorder.{call}"
    places = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])])
    found = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        env={**os.environ, "PYTHONPATH": places},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert found.returncode == 0, found.stderr[-3000:]


@pytest.mark.parametrize("ending", ["restored", "killed"])
@pytest.mark.parametrize(("file", "note"), [("fitness/log.bin", 1), ("metrics.jsonl", 2000)], ids=["log", "metrics"])
def test_a_full_disk_tears_nothing_and_all_is_there_afterwards(tmp_path, file, note, ending):
    run = tmp_path / "run"
    in_child(f"fill_up(Path({str(run)!r}), {file!r}, 37, {note}, {ending!r})", run)
    recorder = make(run, resume=True)
    count = len(recorder.log)
    assert count == (10 if ending == "restored" else 4 if "log" in file else 8)
    for number in range(count, 12):
        step(recorder, number)
    recorder.close()
    assert logged(run) == list(range(12))
    rows = generations(run)
    lost = range(4, 8) if ending == "killed" and "metrics" in file else ()  # rows that were in memory alone
    assert rows == [number for number in range(12) if number not in lost]


def other(settings: dict) -> dict:
    return {"a": 1, "b": {"c": 2, "d": None}, **settings}


@pytest.mark.parametrize("settings", [{"a": 2}, {"b": {"c": 3, "d": None}}, {"b": {"c": 2}}, {"e": 0}, {"a": None}])
@pytest.mark.parametrize("turned", [False, True])
def test_a_setting_that_differs_or_is_on_one_side_alone_is_refused(tmp_path, settings, turned):
    recorded, given = (other(settings), other({})) if turned else (other({}), other(settings))
    Recorder(Run(tmp_path / "run"), PLAN, (), recorded, {}, lambda *_: None).close()
    Recorder(Run(tmp_path / "run", resume=True), PLAN, (), recorded, {}, lambda *_: None).close()
    (name,) = settings
    with pytest.raises(CheckpointError, match=f"has {name}=.* now it is"):
        Recorder(Run(tmp_path / "run", resume=True), PLAN, (), given, {}, lambda *_: None)


def test_numbers_that_were_written_as_text_are_numbers(tmp_path):
    """As the first versions wrote those of NumPy; text that is no number of this run is none."""
    Recorder(Run(tmp_path / "run"), PLAN, (), {"a": 1, "b": {"c": 0.5}, "d": "2"}, {}, lambda *_: None).close()
    path = tmp_path / "run/config.json"
    config = json.loads(path.read_text())
    for text, sound in (("1", True), ("2", False), ("one", False)):
        config["settings"] |= {"a": text, "b": {"c": "0.5"}, "population_size": "64"}
        path.write_text(json.dumps(config))
        given = {"a": 1, "b": {"c": 0.5}, "d": "2"}
        if sound:
            Recorder(Run(tmp_path / "run", resume=True), PLAN, (), given, {}, lambda *_: None).close()
            continue
        with pytest.raises(CheckpointError, match=f"has a='{text}', now it is 1"):
            Recorder(Run(tmp_path / "run", resume=True), PLAN, (), given, {}, lambda *_: None)
    assert recorded_block_size(path, 64) == 32
    for settings, message in (
        ({"block_size": "many"}, "block_size=many"),
        ({"population_size": 8}, "population_size=8"),
    ):
        path.write_text(json.dumps(config | {"settings": config["settings"] | settings}))
        with pytest.raises(CheckpointError, match=message):
            recorded_block_size(path, 64)
    path.write_text(json.dumps({"settings": 7}))
    with pytest.raises(CheckpointError, match="has no settings"):
        recorded_block_size(path, 64)


def trainer(run: Run | Path | None) -> er.Trainer:
    def objective(params, key):
        del key
        return -((params["b"] - 1.0) ** 2).sum()

    evaluator = er.from_fitness(objective, {"b": np.zeros(5, np.float32)})
    return er.Trainer(evaluator, population_size=8, seed=5, run=run, watch=er.Watch(every=0))


def test_training_goes_on_while_the_folder_is_away_and_the_resumed_run_is_the_same(tmp_path):
    run, away = tmp_path / "run", tmp_path / "away"

    def on_row(row):
        if row["generation"] == 3:
            run.rename(away)
        if row["generation"] == 9:
            away.rename(run)

    with trainer(None) as whole, trainer(run) as recorded:
        assert recorded.fit(12, on_row).digest == whole.fit(12).digest
        recorded.close()
        with trainer(Run(run, resume=True)) as resumed:
            assert resumed.fit(15).digest == whole.fit(15).digest
    assert generations(run) == list(range(15))
    events = [row["event"] for row in read_metrics(run / "metrics.jsonl") if "event" in row]
    assert events == ["record failed", "record restored", "resumed"]
