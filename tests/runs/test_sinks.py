"""Sinks: what TensorBoard, wandb, MLflow and Ray's metrics hold afterwards, and that a failing one is survived."""

import contextlib
import json
import logging
import multiprocessing
import resource
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import eggroll_ray as er
from eggroll_ray.runs.metrics import MetricsWriter, Sink, read_metrics
from eggroll_ray.runs.recorder import Run
from eggroll_ray.runs.sinks import base
from eggroll_ray.runs.sinks.base import Background, scalars
from eggroll_ray.runs.sinks.mlflow import MLflow
from eggroll_ray.runs.sinks.prometheus import RayGauges
from eggroll_ray.runs.sinks.tensorboard import TensorBoard
from eggroll_ray.runs.sinks.wandb import Wandb

CONFIG = {"env": "gymnax/CartPole-v1", "options": {"es": {"rank": 1}, "hidden": [64, 64]}}


def row(generation: int) -> dict:
    return {
        "generation": generation,
        "time": 2.5,
        "fitness_mean": generation / 2,
        "mean_policy_return": None,
        "workers": 2,
        "idle_seconds": {"worker 0": 0.25, "é": 0.5},
        "digest": "0a1b",
    }


def event(generation: int, name: str = "worker lost") -> dict:
    return {"event": name, "generation": generation, "time": 1.0, "detail": "killed", "worker": "worker 0"}


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    for name in ("WANDB_API_KEY", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def wandb():
    module = pytest.importorskip("wandb")
    yield module
    module.teardown()  # ends the process that wandb started


@pytest.fixture
def mlflow():
    return pytest.importorskip("mlflow")


def write(sink, *rows: dict) -> None:
    assert isinstance(sink, Sink)
    for each in rows:
        sink(each)
    sink.close()


def test_numbers_go_by_openais_names_where_there_is_one():
    assert scalars(row(3) | {"sigma": 0.1, "solved": True}) == {
        "TimeElapsed": 2.5,
        "EpRewMean": 1.5,
        "UniqueWorkers": 2.0,
        "idle_seconds/worker 0": 0.25,
        "idle_seconds/é": 0.5,
        "sigma": 0.1,
        "solved": 1.0,
    }


# --- TensorBoard -----------------------------------------------------------------------------------------------------


def read_tensorboard(folder: Path) -> dict[str, list[tuple[int, float | str]]]:
    """Returns what TensorBoard would show, by its own reader: tag -> (step, value)."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.plugin_event_accumulator")
    events = accumulator.EventAccumulator(str(folder), {"tensors": 0}).Reload()
    return {tag: [(each.step, tensor_value(each)) for each in events.Tensors(tag)] for tag in events.Tags()["tensors"]}


def tensor_value(event) -> float | str:
    tensor = event.tensor_proto
    return tensor.string_val[0].decode() if tensor.string_val else tensor.float_val[0]


def curve(folder: Path, tag: str = "EpRewMean") -> list[tuple[int, float | str]]:
    return read_tensorboard(folder)[tag]


def test_tensorboard_reads_numbers_and_events(tmp_path):
    write(TensorBoard(tmp_path / "run" / "tensorboard"), row(0), event(1), row(1))
    found = read_tensorboard(tmp_path / "run" / "tensorboard")
    text = "events/worker lost/text_summary"
    assert {*found} == {*scalars(row(0)), text}
    assert found["idle_seconds/é"] == [(0, 0.5), (1, 0.5)]
    assert found[text] == [(1, "worker lost (worker 0): killed")]


def test_tensorboard_shows_no_generation_twice_after_resumes_within_a_second(tmp_path):
    write(TensorBoard(tmp_path), *(row(generation) for generation in range(5)), event(5))
    for start in (3, 3, 4):
        write(TensorBoard(tmp_path), event(start, "resumed"), *(row(generation) for generation in range(start, 6)))
    assert len(list(tmp_path.iterdir())) == 4
    assert curve(tmp_path) == [(generation, generation / 2) for generation in range(6)]
    found = read_tensorboard(tmp_path)
    assert [step for step, _ in found["events/resumed/text_summary"]] == [3, 4]
    assert not found.get("events/worker lost/text_summary")  # it was of generation 5, before the resume from 3


def test_tensorboard_reads_each_row_at_once(tmp_path):
    sink = TensorBoard(tmp_path)
    sink(row(0))
    assert curve(tmp_path) == [(0, 0.0)]
    sink.close()
    sink.close()


def test_tensorboard_survives_a_folder_that_cannot_be_made_and_warns_once(tmp_path, caplog):
    folder = tmp_path / "tensorboard"
    folder.write_text("in the way")
    sink = TensorBoard(folder)
    for generation in range(3):
        sink(row(generation))
    assert [record.message[:31] for record in caplog.records] == ["TensorBoard failed: FileExistsE"]
    folder.unlink()
    write(sink, row(3))
    assert curve(folder) == [(3, 1.5)]


def test_tensorboard_survives_a_full_disk_and_goes_on_behind_the_torn_record(tmp_path, caplog):
    sink = TensorBoard(tmp_path)
    sink(row(0))
    size = next(tmp_path.iterdir()).stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, before[1]))
    try:
        sink(row(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    write(sink, row(2))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert curve(tmp_path) == [(0, 0.0), (2, 1.0)]


def test_a_resumed_training_continues_its_tensorboard(tmp_path):
    def train(generations: int, resume: bool) -> None:
        evaluator = er.from_fitness(lambda p, key: -(p["b"] ** 2).sum(), {"b": np.ones(4, np.float32)})
        run = Run(tmp_path / "run", resume=resume)
        with er.Trainer(evaluator, population_size=8, workers=0, run=run) as trainer:
            trainer.fit(generations)

    train(2, resume=False)
    train(4, resume=True)
    found = curve(tmp_path / "run" / "tensorboard")
    rows = read_metrics(tmp_path / "run" / "metrics.jsonl")
    assert [step for step, _ in found] == [0, 1, 2, 3]
    means = [each["fitness_mean"] for each in rows if "event" not in each]
    np.testing.assert_allclose([value for _, value in found], means, rtol=1e-6)


# --- Weights & Biases ------------------------------------------------------------------------------------------------


def read_wandb(segment: Path) -> list:
    """Returns the records of one offline run, a LevelDB log of protocol buffers."""
    from wandb.proto.wandb_internal_pb2 import Record

    (path,) = segment.glob("run-*.wandb")
    data, position, parts, records = path.read_bytes(), 7, b"", []
    while position + 7 <= len(data):
        if 32768 - position % 32768 < 7:  # no header is split over blocks
            position += 32768 - position % 32768
            continue
        length, kind = struct.unpack_from("<HB", data, position + 4)
        parts += data[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):  # whole, or the last part
            records.append(Record.FromString(parts))
            parts = b""
    return records


def wandb_history(segment: Path) -> list[dict]:
    records = [record.history.item for record in read_wandb(segment) if record.HasField("history")]
    return [{item.key or item.nested_key[0]: json.loads(item.value_json) for item in items} for items in records]


def test_wandb_gets_numbers_events_and_config_and_a_resumed_run_is_the_same_one(tmp_path, wandb):
    run = tmp_path / "cartpole"
    write(Wandb(run, "team/suite", config=CONFIG), row(0), event(1), event(1), event(1, "deadline passed"), row(1))
    write(Wandb(run, "team/suite", config=CONFIG), event(2, "resumed"), row(2), event(3, "failed"))
    first, second = sorted((run / "wandb").glob("offline-run-*"))
    assert wandb.run is None
    started, resumed = (
        next(record.run for record in read_wandb(path) if record.HasField("run")) for path in (first, second)
    )
    assert started.run_id == resumed.run_id and len(started.run_id) == 8
    assert (started.entity, started.project, started.display_name) == ("team", "suite", "cartpole")
    assert {update.key: update.value_json for update in started.config.update}["env"] == '"gymnax/CartPole-v1"'

    rows = wandb_history(first) + wandb_history(second)
    assert [each["_step"] for each in rows] == [0, 1, 2, 3]
    assert [each.get("EpRewMean") for each in rows] == [0.0, 0.5, 1.0, None]
    assert rows[0]["idle_seconds/worker 0"] == 0.25 and "event" not in rows[0]
    assert (rows[1]["events/worker lost"], rows[1]["events/deadline passed"]) == (2, 1)
    assert rows[1]["event"].count("worker lost (worker 0): killed") == 2
    assert rows[2]["events/resumed"] == rows[3]["events/failed"] == 1
    exits = [record.exit.exit_code for record in read_wandb(second) if record.HasField("exit")]
    assert exits == [1]


def test_wandb_leaves_the_users_own_run_alone(tmp_path, wandb):
    with wandb.init(project="own", dir=tmp_path, settings=wandb.Settings(silent=True, console="off")) as own:
        write(Wandb(tmp_path / "run", "suite"), row(0))
        assert wandb.run is own
        assert own.step == 0


def test_wandb_without_a_key_asks_nobody_and_stops_nothing(tmp_path, wandb, caplog, monkeypatch):
    monkeypatch.setattr(base, "_RETRY_SECONDS", ())
    wandb.teardown()  # its settings are read once
    monkeypatch.delenv("WANDB_MODE")
    write(Wandb(tmp_path / "run", "suite", mode="online"), row(0), row(1))
    wandb.teardown()
    ours = [record.message for record in caplog.records if record.name.startswith("eggroll_ray")]
    assert len(ours) == 2
    assert "run `wandb login`, or set WANDB_MODE=offline" in ours[0]
    assert ours[1] == "wandb lacks 2 rows of this run; metrics.jsonl has them all"


# --- MLflow ----------------------------------------------------------------------------------------------------------


def mlflow_run(mlflow, folder: Path):
    client = mlflow.MlflowClient(tracking_uri=(folder / "mlflow").as_uri())
    (experiment,) = client.search_experiments(filter_string="name = 'suite'")
    (run,) = client.search_runs([experiment.experiment_id])
    return client, run


def mlflow_curve(client, run, key: str) -> list[tuple[int, float]]:
    return [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, key)]


def test_mlflow_gets_numbers_events_and_config_and_a_resumed_run_is_the_same_one(tmp_path, mlflow):
    folder = tmp_path / "cartpole"
    many = {"idle_seconds": {f"worker {number}": 0.5 for number in range(150)}}
    write(MLflow(folder, "suite", config=CONFIG), row(0), event(1), event(1), row(1), row(2) | many)
    client, run = mlflow_run(mlflow, folder)
    assert (run.info.run_name, run.info.status) == ("cartpole", "FINISHED")
    assert run.data.params == {"env": CONFIG["env"], "options.es.rank": "1", "options.hidden": "[64, 64]"}
    assert run.data.tags["event"] == "generation 1: worker lost (worker 0): killed"

    changed = CONFIG | {"env": "another"}  # parameters of a run never change in MLflow
    write(MLflow(folder, "suite", config=changed), event(1, "resumed"), row(1), row(2), row(3), event(4, "failed"))
    client, run = mlflow_run(mlflow, folder)
    assert run.info.status == "FAILED" and run.data.params["env"] == CONFIG["env"]
    assert mlflow_curve(client, run, "EpRewMean") == [(0, 0.0), (1, 0.5), (2, 1.0), (3, 1.5)]
    assert mlflow_curve(client, run, "events/worker lost") == [(1, 2.0)]
    assert mlflow_curve(client, run, "events/failed") == [(4, 1.0)]
    assert mlflow_curve(client, run, "idle_seconds/worker 149") == [(2, 0.5)]


def test_mlflow_survives_a_dead_server(tmp_path, mlflow, caplog, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(base, "_RETRY_SECONDS", (0.01,))
    sink = MLflow(tmp_path / "run", "suite", tracking_uri="http://127.0.0.1:9")
    started = time.monotonic()
    sink(row(0))
    assert time.monotonic() - started < 1
    write(sink, row(1))
    ours = [record for record in caplog.records if record.name == "eggroll_ray.runs.sinks.base"]
    assert [record.levelname for record in ours] == ["WARNING", "WARNING"]
    assert "127.0.0.1" in ours[0].message and ours[1].message.startswith("MLflow lacks 2 rows")


def test_mlflow_refuses_to_continue_a_run_of_another_server(tmp_path, mlflow, caplog, monkeypatch):
    write(MLflow(tmp_path, "suite"), row(0))
    monkeypatch.setattr(base, "_RETRY_SECONDS", ())
    write(MLflow(tmp_path, "suite", tracking_uri=(tmp_path / "other").as_uri()), row(1))
    assert "set MLFLOW_TRACKING_URI as it was" in caplog.records[0].message


# --- Failures and absence --------------------------------------------------------------------------------------------


class Flaky:
    """Fails for a while, like a server that restarts."""

    def __init__(self, failures: int) -> None:
        self.failures, self.rows, self.finished = failures, [], False

    def write(self, each) -> None:
        if self.failures > 0:
            self.failures -= 1
            raise ConnectionError("away")
        self.rows.append(each["generation"])

    def finish(self) -> None:
        self.finished = True


def test_rows_wait_for_a_server_that_comes_back(monkeypatch, caplog):
    monkeypatch.setattr(base, "_RETRY_SECONDS", (0.01,) * 5)
    server = Flaky(failures=4)
    sink = Background("server", server.write, server.finish)
    sink({"generation": 0})
    deadline = time.monotonic() + 100
    while not server.rows and time.monotonic() < deadline:
        time.sleep(0.01)
    write(sink, {"generation": 1}, {"generation": 2})
    sink.close()
    assert server.rows == [0, 1, 2] and server.finished
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_closing_does_not_wait_for_a_server_that_hangs(monkeypatch, caplog):
    monkeypatch.setattr(base, "_CLOSE_SECONDS", 0.1)
    answer = threading.Event()
    sink = Background("server", lambda each: answer.wait(), lambda: None)
    started = time.monotonic()
    write(sink, row(0), row(1), row(2))  # returns, though no answer ever comes
    assert time.monotonic() - started < 20  # by default it waits for 30 seconds
    assert not answer.is_set() and "lacks" in caplog.records[-1].message
    answer.set()


def test_a_sink_that_got_no_row_leaves_nothing_behind(tmp_path):
    pytest.importorskip("mlflow")
    pytest.importorskip("wandb")
    for sink in (TensorBoard(tmp_path / "run"), Wandb(tmp_path / "run", "suite"), MLflow(tmp_path / "run", "suite")):
        sink.close()
    assert list(tmp_path.iterdir()) == []


def test_a_failing_sink_does_not_stop_the_metrics(tmp_path, caplog):
    (tmp_path / "tensorboard").write_text("in the way")
    with MetricsWriter(tmp_path / "metrics.jsonl", [TensorBoard(tmp_path / "tensorboard")]) as writer:
        for generation in range(3):
            writer.write(row(generation))
    assert len(read_metrics(tmp_path / "metrics.jsonl")) == 3
    assert len(caplog.records) == 1


@pytest.mark.parametrize(("module", "sink"), [("wandb", Wandb), ("mlflow", MLflow)])
def test_a_missing_package_is_named_with_its_extra(module, sink, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"pip install 'eggroll-ray\[{module}\]'"):
        sink(tmp_path, "suite")


def test_importing_the_sinks_imports_none_of_their_packages():
    code = (
        "import sys, eggroll_ray\n"
        "from eggroll_ray.runs.sinks import base, mlflow, prometheus, tensorboard, wandb\n"
        "print(sorted({'tensorboardX', 'tensorboard', 'wandb', 'mlflow', 'ray'} & {*sys.modules}))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=280)
    assert result.stdout.strip() == "[]", result.stderr


# --- Ray -------------------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def export(rows: list[dict]) -> dict[str, float]:
    """Starts Ray, gives rows to the gauges, and returns what Ray's agent exports of ours: name{our tags} -> value."""
    import ray
    from clusters import start_ray

    port = free_port()
    sink = RayGauges("café")  # before Ray runs, as the command line makes it
    start_ray(
        lambda: ray.init(
            address="local",  # whatever other Ray there is on this machine
            num_cpus=1,
            include_dashboard=False,
            logging_level=logging.ERROR,
            _metrics_export_port=port,
            _system_config={"metrics_report_interval_ms": 500},
        )
    )
    write(sink, *rows)
    deadline, lines = time.monotonic() + 100, []
    while time.monotonic() < deadline and not any(line.startswith("ray_eggroll_workers") for line in lines):
        time.sleep(0.5)
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as reply:
            lines = [line for line in reply.read().decode().splitlines() if line.startswith("ray_eggroll_")]
    ray.shutdown()
    return dict(map(series, lines))


def series(line: str) -> tuple[str, float]:
    name, rest = line.split("{")
    tags, value = rest.rsplit("} ", 1)
    ours = [tag for tag in tags.split(",") if tag.split("=")[0] in ("run", "event", "worker", "group")]
    return f"{name}{{{','.join(sorted(ours))}}}", float(value)


@pytest.mark.ray
@pytest.mark.timeout(600)  # a busy machine takes minutes to start Ray
def test_ray_exports_the_numbers_to_prometheus():
    rows = [event(0), row(0) | {"steps": 100, "fitness_mean/hunter": 1.5}, row(1) | {"steps": 50, "requeued_blocks": 0}]
    # In a process of its own: Ray forks as it starts, which JAX warns of in a process that runs it.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        found = process.submit(export, rows).result(timeout=500)
    assert found['ray_eggroll_fitness_mean{run="caf?"}'] == 0.5
    assert found['ray_eggroll_group_fitness_mean{group="hunter",run="caf?"}'] == 1.5
    assert found['ray_eggroll_run_seconds{run="caf?"}'] == 2.5
    assert found['ray_eggroll_env_steps_total{run="caf?"}'] == 150
    assert found['ray_eggroll_events_total{event="worker lost",run="caf?"}'] == 1
    assert found['ray_eggroll_worker_idle_seconds_total{run="caf?",worker="worker 0"}'] == 0.25 + 0.25
