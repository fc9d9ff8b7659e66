"""The trainer: the loop over generations, in process or on Ray, and the record it leaves."""

import contextlib
import dataclasses
import functools
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self

import numpy as np

from eggroll_ray.compiling.cache import keep_programs
from eggroll_ray.compiling.phases import FIRST, TRACING, phase
from eggroll_ray.es import steering
from eggroll_ray.es.eggroll import eggroll
from eggroll_ray.es.numbers import plain
from eggroll_ray.es.record import ES, NotFiniteError
from eggroll_ray.evaluators.record import Earlier, Evaluator, FitnessError
from eggroll_ray.forecast.block_size import check_block_size, fastest_for_workers
from eggroll_ray.replay import Replay
from eggroll_ray.report.at_end import ReportAtEnd
from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.best import BestSoFar, part_of
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.runs.metrics import Row
from eggroll_ray.runs.recorder import Recorder, Run
from eggroll_ray.runs.result import Best, Result, summary
from eggroll_ray.runs.rows import Rows, too_coarse
from eggroll_ray.runs.settings import recorded_block_size, strategy_as_begun
from eggroll_ray.runs.sinks.prometheus import RayGauges
from eggroll_ray.runs.stopping import Stop
from eggroll_ray.runs.take_over import take_over
from eggroll_ray.runs.tests_so_far import TestsSoFar
from eggroll_ray.runs.warm_start import FOLDER as WARM_START
from eggroll_ray.runs.warm_start import started, with_kept
from eggroll_ray.runs.watch import Watch, check_patience
from eggroll_ray.workers.formed_leaves import describe
from eggroll_ray.workers.messages import Outcome, Request, WorkerError
from eggroll_ray.workers.options import Workers
from eggroll_ray.workers.pool import Pool
from eggroll_ray.workers.prepare import check_windows, prepare
from eggroll_ray.workers.results import outcome_of
from eggroll_ray.workers.start import start_pool
from eggroll_ray.workers.worker import Worker

_log = logging.getLogger(__name__)


class Trainer:
    """Evolves parameters. The same seed gives the same bits for any number of workers.

    `fit` runs to an end; iterating yields one row of metrics per generation. Use it as a context manager,
    or call `close`, to end its workers.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        strategy: ES | None = None,
        *,
        population_size: int = 512,
        seed: int = 0,
        workers: int | str | Workers = 0,
        block_size: int | Literal["auto"] | None = None,
        run: Run | Path | str | None = None,
        watch: Watch = Watch(),
        init: Any = None,
    ):
        """Checks all that can be checked, makes the run folder, and starts no worker yet.

        Programs that this process compiles are kept in the user's cache folder: `compiling.cache.keep_programs`.

        Args:
          evaluator: what to optimise: `from_env(...)` or `from_fitness(...)`.
          strategy: default `eggroll()`.
          population_size: members per generation, even.
          seed: of everything random, in [0, 2**32).
          workers: 0 (in this process), a number of Ray actors, "auto" (what the cluster has), or `Workers(...)`.
          block_size: members evaluated together, even, a divisor of the population size; it is part of what
            decides the last bits. Default: the largest such number up to 256, 128 or 64, so that the noise of a block
            stays in a core's cache and there are four blocks or more for workers to share: it goes by the model and the
            population alone, so that a run started anew has the same bits on every machine of a kind, with any number
            of workers; on a GPU choose thousands. "auto": the fastest on the device of the workers, which
            is timed before the run is made (`fastest_block_size`), on Ray by one process with the resources of a
            worker. Another machine may choose another number, and then has other last bits; this run's is in its
            record, and stays when it is continued or replayed.
          run: where the run is recorded, a new folder or `Run(...)`; None keeps no record.
          watch: how the mean parameters are watched, and the target at which to stop.
          init: what to begin with in place of parameters that are drawn: a pytree like them, the path of a run folder
            or of a safetensors file, or `Start(...)`. The run folder keeps it, so a run that is continued needs none.

        Raises:
          ValueError: for values out of range, and for a run folder that cannot be made or continued.
        """
        self._strategy = strategy or eggroll()
        self._evaluator = evaluator
        population_size, seed, block_size = plain((population_size, seed, block_size))
        self._workers = workers if isinstance(workers, Workers) else Workers(workers)
        self._watch = watch
        self._run = Run(run) if isinstance(run, str | Path) else run
        for name, value, kind in (("watch", watch, Watch), ("run", self._run, Run | None)):
            if not isinstance(value, kind):
                raise ValueError(f"{name}={value!r} must be a {name.capitalize()}(...), not a {type(value).__name__}.")
        check_block_size(block_size)
        keep_programs()  # before anything is traced: small programs are compiled meanwhile
        if self._run is not None and self._run.resume:
            self._strategy = strategy_as_begun(self._strategy, Path(self._run.path))
        resumed = self._run is not None and self._run.resume and block_size in (None, "auto")
        begun = Path(self._run.path) if self._run is not None and self._run.resume else None
        self._evaluator, held = started(init, begun, evaluator, self._strategy, seed)
        evaluator = self._evaluator
        with phase(TRACING):
            prepared = prepare(
                evaluator,
                self._strategy,
                population_size,
                block_size=2 if resumed or block_size == "auto" else block_size,  # 2 divides every population
                seed=seed,
                test_episodes=watch.episodes,
            )
        self._strategy = with_kept(prepared.strategy, held)
        check_windows(self._strategy, evaluator.windows)
        check_patience(watch.patience, comparable=evaluator.duel is None)
        self._plan = prepared.plan
        if resumed or block_size == "auto":  # found once all else is known to be right
            self._plan = self._plan.with_block_size(self._block_size(resumed))
        formed = describe(self._strategy, prepared.formed, self._plan.block_size)
        self._pool: Pool | None = None
        self._pending: Outcome | None = None  # evaluated, but not applied by the workers yet
        self._shapes = prepared.shapes  # of the state
        self._changes: dict[str, float] = {}  # that wait for the update of a generation, by their paths
        self._number = 0  # of the generation to be evaluated next
        self._stop = Stop()
        self._solved = False
        self._told_coarse = False
        self._recorder = None
        if self._run is not None:
            # Before the recorder exists there is nothing that an event could go into.
            watched = {"watch": dataclasses.asdict(watch), "target": watch.target}
            recorded = dataclasses.replace(self._run, config={**watched, **self._run.config})
            self._recorder = Recorder.of(recorded, evaluator, prepared, self._plan, self._event)
            if held:
                checkpoint.save_folder(self._recorder.path / WARM_START, held, {})
        self._rows = Rows(evaluator, self._plan, self._recorder.last_row if self._recorder else {})
        best, before = (self._recorder.best, self._recorder.tests_before) if self._recorder else (BestSoFar(), ())
        self._tests = TestsSoFar(watch, best, evaluator.duel is None, before)
        self._report = ReportAtEnd(self._recorder.path if self._recorder and self._recorder.run.report else None)
        if prepared.formed:
            self._event("leaves formed", formed)

    def fit(self, generations: int, on_row: Callable[[Row], object] = lambda row: None) -> Result:
        """Runs until so many generations have been done in all, or something ends the run before.

        That is its target, a plateau (`Watch`), `stop`, or a signal.

        SIGINT (Ctrl-C) and SIGTERM end the run in order: the evaluation under way is given up, a checkpoint
        is written. A second SIGINT raises KeyboardInterrupt.

        The row of generation `g` has the test of the parameters after `g` updates. The result is one update further
        than the last row, and those parameters are tested as well; unless the target was reached: then it is of the
        parameters that reached it.

        Args:
          generations: the total, earlier calls and the resumed part included.
          on_row: called with each row of metrics. It may call `stop`, `change`, `result` and `save`. What it returns
            does not count. What it raises ends the run: the state is recorded first, so that the run can be resumed
            without any loss, and the exception goes on.

        Raises:
          ValueError: for a negative number of generations.
          FitnessError: when no pair of members has a finite fitness.
          NotFiniteError: when an update makes parameters that are not finite.
          WorkerError: when workers are lost for good.
        """
        if generations < 0:
            raise ValueError(f"generations={generations} must be at least 0.")
        self._start()
        with self._stop.on_signals(), self._record_failure():  # after Ray has set handlers of its own
            while self._number < generations and (row := self._next()) is not None:
                self._call(on_row, row)
            self._apply_pending()
            result = self._finish()
            self._report.fitted()
            return result

    def __iter__(self) -> Iterator[Row]:
        """Yields the metrics of one generation after the other, until the target or a plateau is reached, or `stop`."""
        self._start()
        while (row := self._next()) is not None:
            yield row
        self._apply_pending()
        self._finish()
        self._report.fitted()

    def stop(self) -> None:
        """Ends `fit` or the iteration in order, from a callback or any thread; an evaluation under way is given up."""
        self._stop.ask()

    def result(self) -> Result:
        """Returns what the run has come to so far, and records it.

        Between two rows of an iteration it is the state that the last row is about: its `generations` are the
        `generation` of the row, its `test` is the one that the row sums up, and its `digest` is that of the row. After
        `fit` it is what `fit` has returned.
        """
        self._start()
        return self._finish()

    def change(self, values: Mapping[str, float] = MappingProxyType({}), **named_values: float) -> None:
        """Changes rates while the run goes on, such as `change(learning_rate_scale=0.5)` or `change(sigma=0.02)`.

        The change is logged: a run that is continued or replayed, and a worker that joins, has it at the same
        generation. It may be called from `on_row`, and between generations.

        Args:
          values: new values by name. `learning_rate_scale` multiplies every step of the optimiser, `sigma_scale` the
            standard deviation of the noise, both of what the strategy was made with: 1 is that again. A schedule keeps
            its shape. `sigma` is the deviation itself, where the strategy was made with a number. All else is what
            `optax.inject_hyperparams` keeps in the optimiser's state, such as `learning_rate`, by name or, where
            several have one name, by path. Sigma counts from the population after the one that is evaluated next, with
            episodes in windows from the next start of an episode on; all else from the update of the generation
            that is evaluated next.
          named_values: the same.

        Raises:
          ValueError: for a name that is not there, that is not clear, or that follows a schedule, and for a value out
            of range.
        """
        self._start()
        changes = steering.changes(self._shapes, {**values, **named_values}, self._strategy.settings.get("sigma"))
        self._changes |= changes
        self._event("changed", steering.described(changes, self._number, self._evaluator.windows))

    def save(self, folder: Path | str) -> Path:
        """Writes the state so far, with every evaluated generation applied, as a checkpoint below a folder.

        Returns:
          The checkpoint's own folder; `restore` takes the one that was given here.
        """
        self._start()
        assert self._pool is not None
        self._apply_pending()
        snapshot, folder = self._pool.snapshot(), Path(folder)
        (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
        return checkpoint.save_checkpoint(folder, snapshot, int(snapshot["state"].generation), self._pool.digest())

    def restore(self, folder: Path | str) -> None:
        """Goes on from the newest whole checkpoint below a folder that `save`, or another run, has written.

        Its parameters, optimiser state and statistics are taken over; the strategy may have other settings. The numbers
        that `optax.inject_hyperparams` keeps in the optimiser's state are settings: they stay those of this trainer,
        and so do the factors that `change` has put on its rates.

        Raises:
          CheckpointError: when there is none, or it is of other parameters or another kind of optimiser.
          ValueError: when this trainer has a record, which would not say where its parameters came from.
        """
        if self._run is not None:
            raise ValueError("a trainer with a record continues its own run: give Run(path, resume=True), or no run.")
        if self._evaluator.keeps is not None:
            raise ValueError(
                "this evaluator needs parameters of earlier generations, which a checkpoint does not hold: continue "
                "the run with its fitness log, Run(path, resume=True)."
            )
        self._start()
        assert self._pool is not None
        number, snapshot = take_over(Path(folder), self._pool.snapshot(), self._event)
        self._pool.catch_up(snapshot, [])
        self._number, self._pending, self._solved = number, None, False
        self._tests = TestsSoFar(self._watch, BestSoFar(), self._evaluator.duel is None)

    def reproduce(self, generation: int, member: int) -> float | np.ndarray:
        """Runs one member of a generation alone, in this process, and returns its fitness, `(groups,)` if several.

        Whatever its fitness raises is raised here, where a debugger can look at it. A run that is recorded is replayed
        from its last checkpoint before that generation; the state is the run's where this process computes on the
        same kind of device as the workers.

        Args:
          generation: its number; it must have been reached.
          member: in `[0, population_size)`.

        Raises:
          ValueError: for a generation that has not been reached, or no such member.
        """
        if not 0 <= member < self._plan.population_size:
            raise ValueError(f"member={member} must be in [0, {self._plan.population_size}).")
        if generation and self._run is None:
            raise ValueError(f"generation={generation} can be reproduced only from a record; give the trainer run=...")
        if self._run is None:
            return Worker(self._strategy, self._evaluator, self._plan).reproduce(member)
        return self._replay(self._run).worker_at(generation).reproduce(member)

    def means_at(self, generations: Sequence[int]) -> list[Earlier]:
        """Rebuilds the mean parameters of generations, in rising order, from the seed and the fitness log alone.

        Raises:
          ValueError: without a record, or for generations that do not rise.
          CheckpointError: for a generation that has not been reached.
        """
        if self._run is None:
            raise ValueError(
                f"generations {list(generations)} can be rebuilt only from a record; give the trainer run=..."
            )
        return self._replay(self._run).means(generations)

    def _replay(self, run: Run) -> Replay:
        return Replay(run.path, self._evaluator, self._strategy, self._plan, self._event)

    @property
    def generation(self) -> int:
        """The number of the generation that is evaluated next; of a run that is resumed, how many it has."""
        self._start()
        return self._number

    @property
    def unsaved(self) -> str | None:
        """Says what of the record could not be written so far, None if all is on the disk."""
        return None if self._recorder is None else self._recorder.unsaved

    def close(self) -> None:
        """Ends the workers and closes the record."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None
            self._report.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> None:
        if self._pool is not None:
            return
        if self._run is not None and self._recorder is None:
            raise RuntimeError("this trainer is closed; make another one with Run(path, resume=True).")
        self._pool = start_pool(self._strategy, self._evaluator, self._plan, self._workers, self._event)
        if self._recorder is not None and self._workers.count != 0:
            self._recorder.add_sink(RayGauges(self._recorder.path.name))
        if self._run is not None and self._recorder is not None and self._run.resume:
            template, self._number = self._pool.snapshot(), len(self._recorder.log)
            snapshot, log = self._replay(self._run).state_before(self._number, template)
            self._pool.catch_up(snapshot, log)
            self._tests.best.load(template, self._number)
            detail = f"at generation {self._number}, {len(log)} of them replayed from the fitness log"
            self._event("resumed", detail)
            for text in self._recorder.not_compared:
                self._event("functions differ", text)

    def _block_size(self, resumed: bool) -> int:
        """That of the record where the run is resumed, or else the fastest on a worker."""
        if resumed and self._run is not None:
            return recorded_block_size(Path(self._run.path) / "config.json", self._plan.population_size)
        if self._run is not None:
            checkpoint.create_run(Path(self._run.path))  # a folder that will not do is refused before the search
        plan = self._plan
        return fastest_for_workers(self._evaluator, self._strategy, plan.population_size, plan.seed, self._workers)

    def _next(self) -> Row | None:
        """Evaluates one generation; None when the run is over."""
        assert self._pool is not None
        if self._stop.is_asked() or self._solved or self._tests.plateau.reached:
            return None
        started = time.perf_counter()
        outcomes = () if self._pending is None else (self._pending,)
        request = Request(self._number, outcomes, tuple(range(self._plan.blocks)), self._tests.is_due(self._number))
        with phase(FIRST):  # for whoever listens; after the first row nobody does
            found = self._pool.step(request, self._stop.is_asked)
        self._pending = None
        if self._recorder is not None and self._recorder.is_due(self._number):
            self._recorder.save(self._pool.snapshot(), self._number, self._pool.digest())
        if not found.complete:  # cancelled
            return None
        if found.failures:
            self._event("fitness failed", f"{len(found.failures)} members; first: {found.failures[0]}")
        changes = steering.due(self._changes, self._number, self._evaluator.windows)
        self._pending = dataclasses.replace(
            outcome_of(found, self._number, self._plan.groups, self._evaluator.total), changes=tuple(changes.items())
        )
        self._changes = {path: value for path, value in self._changes.items() if path not in changes}
        if self._recorder is not None:
            self._pending = self._recorder.append(self._pending)
        if found.test is not None:
            self._tests.take(self._number, found.test, found.digest, self._pool.snapshot)
        row = self._rows.row(self._pending, found, self._pool.count, time.perf_counter() - started)
        if self._recorder is not None:
            self._recorder.write(row)
            self._recorder.keep_best()
        if not self._told_coarse and (coarse := too_coarse(row)) is not None:
            self._event("fitness too coarse", coarse)
            self._told_coarse = True
        again = functools.partial(self._pool.test, "confirmation")
        self._solved = self._tests.confirms(self._number, row["mean_policy_return"], again)
        self._tests.plateau.take(self._number, row["mean_policy_return"])
        self._number += 1
        return row

    def _apply_pending(self) -> None:
        """Applies the last generation's outcome.

        The parameters that reached the target are those before the last population was evaluated; then its fitness
        stays pending, so that training can go on from there.
        """
        assert self._pool is not None
        if self._pending is not None and not self._solved:
            self._pool.update(self._pending)
            self._pending = None

    def _finish(self) -> Result:
        """Tests the state that the workers hold, if it was not tested yet, records it, and returns it."""
        assert self._pool is not None
        digest, snapshot = self._pool.digest(), self._pool.snapshot()
        number, hurry = int(snapshot["state"].generation), self._stop.by_signal
        if not hurry and self._tests.is_missing(number):
            self._tests.take(number, self._pool.test("test"), digest, self._pool.snapshot)
        ended = "plateau" if self._tests.plateau.reached else "finished"
        status = "solved" if self._solved else "stopped" if self._stop.is_asked() else ended
        best = self._best_found(hurry)
        self._stop.clear()
        test = self._tests.of(number)
        if self._recorder is not None:
            self._recorder.save(snapshot, number, digest)
            self._recorder.finish(summary(status, number, test, digest) | self._totals())
        path = None if self._recorder is None else self._recorder.path
        held = part_of(snapshot)
        return Result(status, number, held["params"], self._policy(held), test, digest, path, best)

    def _policy(self, held: Mapping[str, Any]) -> Any:
        """The policy of parameters and statistics, None without an environment."""
        return None if self._evaluator.policy is None else self._evaluator.policy(held["params"], held["statistics"])

    def _best_found(self, hurry: bool) -> Best | None:
        """The parameters with the best test, rebuilt from the record if they were not kept and there is time."""
        tested, best = self._tests.best_tested, self._tests.best
        if tested is not None and best.held is None and self._run is not None and not hurry:
            try:
                worker = self._replay(self._run).worker_at(tested.generation)
            except CheckpointError as error:  # the log could not be written
                self._event("best not rebuilt", str(error))
                return None
            if tested.digest and worker.digest() != tested.digest:
                self._event("best differs", f"generation {tested.generation} was rebuilt here with other last bits")
            best.hold(part_of(worker.snapshot()))
        if tested is None or best.held is None:
            return None
        params, policy = best.held["params"], self._policy(best.held)
        return Best(tested.generation, params, policy, tested.mean, tested.std, tested.episodes)

    def _call(self, on_row: Callable[[Row], object], row: Row) -> None:
        """Calls back, and records the state where that raises."""
        assert self._pool is not None
        try:
            on_row(row)
        except Exception as error:
            if self._recorder is not None:
                message = f"on_row raised {type(error).__name__}: {error}"
                with contextlib.suppress(NotFiniteError, WorkerError):  # the log holds all that is needed
                    self._apply_pending()
                    self._recorder.save(self._pool.snapshot(), self._number, self._pool.digest())
                self._event("callback failed", message)
                made = summary("failed", self._number, self._tests.last, "", message)
                self._recorder.finish(made | self._totals())
            raise

    @contextlib.contextmanager
    def _record_failure(self) -> Iterator[None]:
        """Writes into the record why a run failed; what was evaluated before is in the log already."""
        try:
            yield
        except (FitnessError, NotFiniteError, WorkerError) as error:
            if self._recorder is not None:
                self._event("failed", str(error))
                made = summary("failed", self._number, self._tests.last, "", str(error))
                self._recorder.finish(made | self._totals())
            raise

    def _totals(self) -> Row:
        return {"target": self._watch.target, "seconds": self._rows.seconds(), **self._rows.totals}

    def _event(self, name: str, detail: str, worker: str | None = None) -> None:
        quiet = name in ("resumed", "worker joined", "worker back", "record restored", "changed", "settings kept")
        who = "" if worker is None else f"worker {worker}: "
        _log.log(logging.INFO if quiet else logging.WARNING, "generation %d: %s: %s%s", self._number, name, who, detail)
        if self._recorder is not None:
            event = {"event": name, "generation": self._number, "time": self._rows.seconds()}
            self._recorder.write(event | {"detail": detail, "worker": worker})
