"""Sends metrics to Weights & Biases, from a thread of its own."""

import logging
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eggroll_ray.runs.metrics import Row
from eggroll_ray.runs.sinks.base import Background, Events, import_tracker, remembered, scalars

_log = logging.getLogger(__name__)


class Wandb:
    """Logs to Weights & Biases, in a thread of its own; a `metrics.Sink`.

    The id of the wandb run is stored in `wandb.json` in the run folder, so that a resumed run continues it. Events
    become numbers (the number of events of each name in a generation) and the text `event`. Without a network, set
    WANDB_MODE=offline and upload later with `wandb sync`.

    Args:
      run_folder: the run folder, in which wandb also keeps its own files.
      project: the wandb project, or "entity/project".
      name: name of the run; default: the name of the folder.
      config: the options that the run was started with.
      mode: "online" or "offline"; default: WANDB_MODE, or online if that is not set.

    Raises:
      ImportError: when wandb is not installed.
    """

    def __init__(
        self,
        run_folder: Path,
        project: str,
        name: str | None = None,
        config: Mapping[str, Any] | None = None,
        mode: str | None = None,
    ) -> None:
        self._wandb = import_tracker("wandb", "Weights & Biases", extra="wandb")
        self._folder, self._config = run_folder, dict(config or {})
        self._entity, _, self._project = project.rpartition("/")
        self._name = name or run_folder.resolve().name
        self._mode = mode or os.environ.get("WANDB_MODE", "online")
        self._events = Events()
        self._run: Any = None
        self._next_step = 0  # wandb ignores data for steps that it already has
        self._background = Background("wandb", self._write, self._finish)

    def __call__(self, row: Row) -> None:
        self._background(row)

    def close(self) -> None:
        self._background.close()

    def _write(self, row: Row) -> None:
        if "event" in row:
            self._events.add(row)
        else:
            self._send(row["generation"], scalars(row))

    def _send(self, step: int, values: dict[str, Any]) -> None:
        if self._run is None:
            self._run = self._open()
        text = {"event": "\n".join(self._events.lines)} if self._events.lines else {}
        self._run.log(values | self._events.counts() | text, step=step, commit=True)
        self._events.clear()
        self._next_step = step + 1

    def _open(self) -> Any:
        online = self._mode == "online"
        if online and not self._wandb.login(prompt=False):
            raise RuntimeError("wandb has no API key: run `wandb login`, or set WANDB_MODE=offline.")
        # "create_new", so that a wandb run that the user has open in this process is not affected.
        settings = self._wandb.Settings(silent=True, console="off", reinit="create_new")
        run = self._wandb.init(
            project=self._project,
            entity=self._entity or None,
            name=self._name,
            config=self._config,
            dir=self._folder,
            id=remembered(self._folder / "wandb.json", lambda: {"id": secrets.token_hex(4)})["id"],
            resume="allow" if online else None,  # offline, runs with the same id are joined without this option
            mode=self._mode,
            settings=settings,
        )
        _log.info("wandb: run %s in project %s, %s", run.id, self._project, run.url if online else self._mode)
        return run

    def _finish(self) -> None:
        if self._events.lines:
            self._send(max(self._events.generation, self._next_step), {})
        if self._run is not None:
            self._run.finish(exit_code=int(self._events.failed))
