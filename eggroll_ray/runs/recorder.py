"""Records a run in one folder, which holds all that is needed to continue, replay and read it."""

import dataclasses
import math
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Self

from eggroll_ray.es.numbers import whole
from eggroll_ray.es.record import Function
from eggroll_ray.evaluators.record import Evaluator
from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.best import BestSoFar
from eggroll_ray.runs.fitness_log import FitnessLog
from eggroll_ray.runs.functions import compare, recorded
from eggroll_ray.runs.lock import RunLock
from eggroll_ray.runs.metrics import CHANGED, MetricsWriter, Row, Sink, read_metrics
from eggroll_ray.runs.settings import check_same, functions_of_run, read_settings, settings_of, settings_of_plan
from eggroll_ray.runs.sinks.tensorboard import TensorBoard
from eggroll_ray.runs.tree import described
from eggroll_ray.workers.messages import Outcome
from eggroll_ray.workers.plan import Plan
from eggroll_ray.workers.prepare import Prepared

_RETRY_SECONDS = 10.0  # between attempts at a checkpoint that could not be written
_REMIND_SECONDS = 60.0  # between warnings that the record cannot be written
_PACKAGES = ("eggroll-ray", "jax", "jaxlib", "numpy", "optax", "ray", "gymnax", "brax")


@dataclasses.dataclass(frozen=True)
class Run:
    """Where and how a run is recorded.

    Attributes:
      path: the run folder. It must not exist, unless the run is resumed.
      resume: whether to continue the run in that folder, bit for bit.
      checkpoint_every: write a checkpoint every so many generations. The fitness log covers the generations between.
      config: further entries of `config.json`, such as the options that the run was started with.
      sinks: further destinations of the rows of metrics.
      report: whether to write `report.html` into the folder when `fit` ends, if matplotlib is installed.
    """

    path: Path | str
    resume: bool = False
    checkpoint_every: int = 50
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    sinks: tuple[Sink, ...] = ()
    report: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "checkpoint_every", whole("checkpoint_every", self.checkpoint_every))
        if self.checkpoint_every < 1:
            raise ValueError(f"checkpoint_every={self.checkpoint_every} must be at least 1 generation.")


class Recorder:
    """Writes the run folder while a run goes on.

    If the disk is full, or the folder becomes read-only or disappears, training goes on. The recorder keeps in memory
    what it could not write, and tries again with every generation. A half-written file is never taken for whole.
    """

    def __init__(
        self,
        run: Run,
        plan: Plan,
        moments: Any,
        settings: Mapping[str, Any],
        functions: Mapping[str, Function],
        on_event: Callable[[str, str], object],
    ):
        """Makes the run folder, or opens it if the run is resumed.

        Args:
          run: the options.
          plan: of the run.
          moments: template of a generation's moments.
          settings: the settings that decide the run's bits. A resumed run must have the same.
          functions: the traced functions that decide the run's bits. A resumed run must have the same.
          on_event: called when the record cannot be written, and when it can be written again.

        Raises:
          CheckpointError: if the folder exists, cannot be written, holds another run, or is in use by another process.
        """
        self.path = Path(run.path)
        self.run, self._on_event = run, on_event
        settings, made, told = {**settings_of_plan(plan), **settings}, recorded(functions), []
        if run.resume:
            checkpoint.refuse_links(self.path)
            check_same(read_settings(self.path / "config.json"), settings, self.path)
            told = compare(checkpoint.read_object(self.path / "config.json").get("functions"), made, self.path)
        else:
            checkpoint.create_run(self.path)
        self._lock = RunLock(self.path)
        try:
            checkpoint.remove_partial(self.path)
            if not run.resume:
                config = {**run.config, "settings": settings, "functions": made}
                config |= {"versions": _versions(), "machine": _machine()}
                checkpoint.write_json(self.path / "config.json", config)
            self.log = FitnessLog(self.path, plan, moments)
            metrics = self.path / "metrics.jsonl"
            records = read_metrics(metrics) if metrics.exists() else []
            rows = rows_before(records, len(self.log))
            self.asked = [row for row in records if row.get("event") == CHANGED]
            self.last_row, self.best = rows[-1] if rows else {}, BestSoFar(self.path, rows)
            self.tests_before = [(row["generation"], row.get("mean_policy_return")) for row in rows]
            self._metrics = MetricsWriter(
                metrics, (TensorBoard(self.path / "tensorboard"), *run.sinks), resume_from=len(self.log)
            )
        except BaseException:
            self._lock.close()
            raise
        self._unwritten: list[Outcome] = []
        self._failing: set[str] = set()  # log, checkpoint, metrics, best, result
        self._reminded = self._tried = -math.inf
        self._saved = len(self.log)
        self.not_compared = told  # messages about functions that could not be compared

    @classmethod
    def of(
        cls, run: Run, evaluator: Evaluator, prepared: Prepared, plan: Plan, on_event: Callable[[str, str], object]
    ) -> Self:
        """Makes the recorder of a prepared run; `plan` must have the block size of the run."""
        settings, functions = settings_of(evaluator, prepared), functions_of_run(evaluator, prepared, plan)
        about = {name: evaluator.settings.get(name) for name in ("env", "fitness")}  # for people
        about |= {"population_size": plan.population_size}
        about |= {"recipe": evaluator.recipe, "tree": described(prepared.shapes.params)}
        known = {name: value for name, value in about.items() if value is not None}
        run = dataclasses.replace(run, config={**known, **run.config})
        return cls(run, plan, evaluator.moments, settings, functions, on_event)

    def append(self, outcome: Outcome) -> Outcome:
        """Adds the outcome of a generation to the log, after those that could not be written before.

        Returns:
          The outcome as the log holds it. The update must use this one.
        """
        self._unwritten.append(outcome := self.log.as_held(outcome))
        self._try("log", self._append_all)
        return outcome

    def write(self, row: Row) -> None:
        """Adds a row of metrics, or an event."""
        self._metrics.write(row)
        self._note("metrics", self._metrics.error)

    def add_sink(self, sink: Sink) -> None:
        """Passes the rows from now on to one more sink."""
        self._metrics.add_sink(sink)

    def is_due(self, generation: int) -> bool:
        """Whether a checkpoint must be written now: for this generation, or for an earlier one that failed."""
        due = generation - generation % self.run.checkpoint_every
        if self._saved >= due:
            return False
        return generation == due or time.monotonic() > self._tried + _RETRY_SECONDS

    def save(self, snapshot: Any, generation: int, digest: str) -> None:
        """Writes a checkpoint."""
        self._tried = time.monotonic()
        if self._try("checkpoint", lambda: checkpoint.save_checkpoint(self.path, snapshot, generation, digest)):
            self._saved = generation
        self.save_best()

    def keep_best(self) -> None:
        """Writes the parameters with the best test, if they are new and the last write was long enough ago."""
        if self.best.is_due():
            self.save_best()

    def save_best(self) -> None:
        """Writes the parameters with the best test, if they have changed since the last write."""
        self._try("best", self.best.save)

    def finish(self, result: Mapping[str, Any]) -> None:
        """Writes how the run ended."""
        self._try("log", self._append_all)
        self._try("result", lambda: checkpoint.write_json(self.path / "result.json", dict(result)))

    @property
    def unsaved(self) -> str | None:
        """Says what could not be written so far; None if everything is on the disk."""
        if not self._failing:
            return None
        parts = ", ".join(sorted(self._failing))
        return (
            f"the record in {self.path} is not whole: its {parts} could not be written, {len(self._unwritten)} "
            "generations are missing from its log"
        )

    def close(self) -> None:
        """Closes the metrics and their sinks, and releases the run."""
        self._metrics.close()
        self._lock.close()

    def _append_all(self) -> None:
        while self._unwritten:
            self.log.append(self._unwritten[0])
            del self._unwritten[0]

    def _try(self, part: str, write: Callable[[], object]) -> bool:
        try:
            write()
        except OSError as error:
            self._note(part, error)
            return False
        self._note(part, None)
        return True

    def _note(self, part: str, error: OSError | None) -> None:
        """Remembers which parts of the record cannot be written, and warns about them once in a while."""
        now = time.monotonic()
        if error is not None:
            self._failing.add(part)
            if now > self._reminded + _REMIND_SECONDS:
                self._reminded = now
                self._on_event(
                    "record failed",
                    f"the {part} could not be written: {error}; training goes on, {len(self._unwritten)} generations "
                    "are kept in memory and tried again with each generation: make room, or bring the folder back",
                )
        elif part in self._failing:
            self._failing.discard(part)
            if not self._failing:
                self._reminded = -math.inf
                self._on_event("record restored", "nothing is missing")


def rows_before(rows: Iterable[Row], generations: int) -> list[Row]:
    """Returns the rows of generations below `generations`, without events."""
    return [row for row in rows if "event" not in row and row.get("generation", generations) < generations]


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
