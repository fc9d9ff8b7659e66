"""Sends metrics to MLflow, from a thread of its own."""

import os
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from eggroll_ray.runs.metrics import Row
from eggroll_ray.runs.sinks.base import Background, Events, import_tracker, remembered, scalars

_MOST_AT_ONCE = 100  # parameters or metrics in one request to MLflow
_LONGEST_TEXT = 5000  # most characters of a parameter or tag that MLflow accepts


class MLflow:
    """Logs to MLflow, in a thread of its own; a `metrics.Sink`.

    The id of the MLflow run is stored in `mlflow.json` in the run folder, so that a resumed run continues it. Events
    become metrics (the number of events of each name in a generation), and the last event becomes the tag `event`.

    Args:
      run_folder: the run folder.
      experiment: name of the experiment, which is created if it is missing.
      name: name of the run; default: the name of the folder.
      config: the options that the run was started with. They become the parameters of the MLflow run.
      tracking_uri: the tracking server. The default is MLflow's own (MLFLOW_TRACKING_URI), or if that is not set, files
        in the folder `mlflow` of the run folder.

    Raises:
      ImportError: when MLflow is not installed.
    """

    def __init__(
        self,
        run_folder: Path,
        experiment: str,
        name: str | None = None,
        config: Mapping[str, Any] | None = None,
        tracking_uri: str | None = None,
    ) -> None:
        self._mlflow = import_tracker("mlflow", "MLflow", extra="mlflow")
        self._folder, self._experiment, self._config = run_folder, experiment, config or {}
        self._name = name or run_folder.resolve().name
        if tracking_uri is None and self._mlflow.is_tracking_uri_set():
            tracking_uri = self._mlflow.get_tracking_uri()
        self._tracking_uri = tracking_uri
        self._events = Events()
        self._client: Any = None
        self._run_id = ""
        self._last = -1  # newest generation that the MLflow run already has
        self._background = Background("MLflow", self._write, self._finish)

    def __call__(self, row: Row) -> None:
        self._background(row)

    def close(self) -> None:
        self._background.close()

    def _write(self, row: Row) -> None:
        if "event" in row:
            self._events.add(row)
            return
        self._start()
        if row["generation"] > self._last:
            self._send(row["generation"], scalars(row) | {"generation": float(row["generation"])})
            self._last = row["generation"]

    def _send(self, step: int, values: dict[str, float]) -> None:
        self._start()
        metric, now = self._mlflow.entities.Metric, time.time_ns() // 1_000_000
        pairs = (values | self._events.counts()).items()
        metrics = [metric(_mlflow_name(key), value, now, step) for key, value in pairs]
        for start in range(0, len(metrics), _MOST_AT_ONCE):
            self._client.log_batch(self._run_id, metrics=metrics[start : start + _MOST_AT_ONCE])
        if self._events.lines:
            text = f"generation {self._events.generation}: {self._events.lines[-1]}"
            self._client.set_tag(self._run_id, "event", text[:_LONGEST_TEXT])
        self._events.clear()

    def _start(self) -> None:
        """Opens the MLflow run that belongs to this folder, or creates a new one."""
        if self._run_id:
            return
        uri = self._tracking_uri
        if uri is None:
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # otherwise MLflow 3 requires a database
            uri = (self._folder / "mlflow").resolve().as_uri()
        self._client = self._mlflow.MlflowClient(tracking_uri=uri)
        found = remembered(self._folder / "mlflow.json", self._create)
        if found["tracking_uri"] != self._tracking_uri:
            raise RuntimeError(
                f"{self._folder / 'mlflow.json'} names a run at {found['tracking_uri']}, but the tracking URI is "
                f"{self._tracking_uri}; set MLFLOW_TRACKING_URI as it was, or remove the file for a new run."
            )
        self._last = int(self._client.get_run(found["run_id"]).data.metrics.get("generation", -1))
        self._client.update_run(found["run_id"], status="RUNNING")
        self._run_id = found["run_id"]

    def _create(self) -> dict[str, Any]:
        experiment = self._client.get_experiment_by_name(self._experiment)
        number = experiment.experiment_id if experiment else self._client.create_experiment(self._experiment)
        run_id = self._client.create_run(number, run_name=self._name).info.run_id
        param = self._mlflow.entities.Param
        params = [param(_mlflow_name(key), text[:_LONGEST_TEXT]) for key, text in _leaves(self._config)]
        for start in range(0, len(params), _MOST_AT_ONCE):
            self._client.log_batch(run_id, params=params[start : start + _MOST_AT_ONCE])
        return {"run_id": run_id, "tracking_uri": self._tracking_uri}

    def _finish(self) -> None:
        if self._events.lines:
            self._send(self._events.generation, {})
        if self._run_id:
            self._client.set_terminated(self._run_id, status="FAILED" if self._events.failed else "FINISHED")


def _mlflow_name(key: str) -> str:
    return re.sub(r"[^\w.\- :/]", "_", key)


def _leaves(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)
