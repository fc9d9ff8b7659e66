"""The record of a run: one folder that holds all that is needed to continue, replay and read it."""

import dataclasses
import os
import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from eggroll_ray import checkpoint
from eggroll_ray.checkpoint import CheckpointError, FitnessLog
from eggroll_ray.messages import Generation, Plan
from eggroll_ray.metrics import MetricsWriter, Row, Sink, read_metrics

_PACKAGES = ("eggroll-ray", "jax", "jaxlib", "numpy", "optax", "ray", "gymnax", "brax")


@dataclasses.dataclass(frozen=True)
class Run:
    """Where and how a run is recorded.

    Attributes:
      path: the run folder. It must not exist, unless the run is resumed.
      resume: continue the run in that folder, bit for bit.
      checkpoint_every: generations between checkpoints; the fitness log covers those between.
      config: what else `config.json` shall hold, such as the options that the run was started with.
      sinks: where else the rows of metrics go.
    """

    path: Path | str
    resume: bool = False
    checkpoint_every: int = 50
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    sinks: tuple[Sink, ...] = ()

    def __post_init__(self) -> None:
        if self.checkpoint_every < 1:
            raise ValueError(f"checkpoint_every={self.checkpoint_every} must be at least 1 generation.")


class Recorder:
    """Writes the run folder while a run goes on."""

    def __init__(self, run: Run, plan: Plan, moments: Any, settings: Mapping[str, Any]):
        """Makes the folder, or opens the one that is resumed.

        Args:
          run: the options.
          plan: of the run.
          moments: template of one block's moments.
          settings: what decides the run's bits; a resumed run must have the same.

        Raises:
          CheckpointError: when the folder exists or cannot be written, or holds another run.
        """
        self.path = Path(run.path)
        self._run = run
        settings = {**dataclasses.asdict(plan), **settings}
        if run.resume:
            checkpoint.remove_partial(self.path)
            _check_same(checkpoint.read_json(self.path / "config.json")["settings"], settings, self.path)
        else:
            checkpoint.create_run(self.path)
            config = {**run.config, "settings": settings, "versions": _versions(), "machine": _machine()}
            checkpoint.write_json(self.path / "config.json", config)
        self.log = FitnessLog(self.path, plan, moments)
        metrics = self.path / "metrics.jsonl"
        self.last_row = last_row(read_metrics(metrics) if metrics.exists() else [], len(self.log))
        self._metrics = MetricsWriter(metrics, run.sinks, resume_from=len(self.log))

    def load(self, template: Any) -> tuple[Any, list[Generation]]:
        """Returns the newest snapshot that the log reaches (None: the start), and the log from there on."""
        length = len(self.log)
        reached = [generation for generation in checkpoint.checkpoints(self.path) if generation <= length]
        if not reached:
            return None, list(self.log.read(0, length))
        snapshot = checkpoint.load_checkpoint(self.path, reached[-1], template)
        return snapshot, list(self.log.read(reached[-1], length))

    def write(self, row: Row) -> None:
        """Adds a row of metrics, or an event."""
        self._metrics.write(row)

    def is_due(self, generation: int) -> bool:
        """Whether this generation is to have a checkpoint."""
        return generation > 0 and generation % self._run.checkpoint_every == 0

    def save(self, snapshot: Any, generation: int, digest: str) -> None:
        """Writes a checkpoint."""
        checkpoint.save_checkpoint(self.path, snapshot, generation, digest)

    def finish(self, result: Mapping[str, Any]) -> None:
        """Writes how the run ended."""
        checkpoint.write_json(self.path / "result.json", dict(result))

    def close(self) -> None:
        """Closes the metrics and their sinks."""
        self._metrics.close()


def last_row(rows: Iterable[Row], generations: int) -> Row:
    """Returns the last row of a generation below `generations`, {} if there is none."""
    kept = [row for row in rows if "event" not in row and row.get("generation", generations) < generations]
    return kept[-1] if kept else {}


def _check_same(found: Mapping[str, Any], given: Mapping[str, Any], path: Path) -> None:
    given = checkpoint.as_json(given)
    for name in sorted({*found, *given}):
        if found.get(name) != given.get(name):
            raise CheckpointError(
                f"the run in {path} has {name}={found.get(name)!r}, now it is {given.get(name)!r}: it would be "
                "another run; give the same value, or start a new run folder."
            )


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
    }
