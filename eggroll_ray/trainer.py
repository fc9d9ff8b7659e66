"""The trainer: the loop over generations, in process or on Ray, and the record it leaves."""

import contextlib
import dataclasses
import functools
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
from eggroll_ray.evaluators.record import Earlier, Evaluator
from eggroll_ray.forecast.block_size import check_block_size, fastest_for_workers
from eggroll_ray.replay import Replay
from eggroll_ray.report.at_end import ReportAtEnd
from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.best import BestSoFar, part_of
from eggroll_ray.runs.changes import still_waiting
from eggroll_ray.runs.logbook import Logbook
from eggroll_ray.runs.metrics import Row
from eggroll_ray.runs.recorder import Recorder, Run
from eggroll_ray.runs.result import Best, Result
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


class Trainer:
    """Evolves parameters. The same seed gives the same bits for any number of workers.

    `fit` trains to the end; iterating over the trainer yields one row of metrics per generation. Use it as a context
    manager, or call `close`, to end its workers.
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
        """Checks the arguments and makes the run folder. Workers start later, on the first use.

        Compiled programs are kept in the user's cache folder; see `compiling.cache.keep_programs`.

        Args:
          evaluator: what to optimise: `from_env(...)` or `from_fitness(...)`.
          strategy: default `eggroll()`.
          population_size: members per generation; must be even.
          seed: seed of everything random, in [0, 2**32).
          workers: 0 (in this process), a number of Ray actors, "auto" (as many as the cluster has room for), or
            `Workers(...)`.
          block_size: number of members that are evaluated together; must be even and divide the population size. It
            affects the last bits of the result. By default it is the largest such number up to 256, 128 or 64, so that
            the noise of a block stays in a core's cache and workers share four blocks or more. The default depends
            only on the model and the population, so a run has the same bits on every machine of a kind, with any
            number of workers. On a GPU choose thousands. "auto" times several sizes before the run is made
            (`fastest_block_size`; on Ray, in one process with the resources of a worker) and takes the fastest.
            Another machine may then choose another size. The record holds the size, so it stays the same when the run
            is continued or replayed.
          run: where the run is recorded: a new folder, or `Run(...)`. None keeps no record.
          watch: when the mean parameters are tested, and the target at which the run stops.
          init: the initial parameters, instead of random ones: a pytree of the same structure, the path of a run
            folder or of a safetensors file, or `Start(...)`. The run folder keeps a copy, so leave it out to continue.

        Raises:
          ValueError: if a value is out of range, or the run folder cannot be made or continued.
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
        keep_programs()  # before tracing, which compiles small programs
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
        if resumed or block_size == "auto":  # a search takes long, so all else is checked first
            self._plan = self._plan.with_block_size(self._block_size(resumed))
        formed = describe(self._strategy, prepared.formed, self._plan.block_size)
        self._pool: Pool | None = None
        self._pending: Outcome | None = None  # evaluated, but not yet applied by the workers
        self._shapes = prepared.shapes  # of the state
        self._changes: dict[str, float] = {}  # by path; they wait for the update of a generation
        self._number = 0  # of the generation to be evaluated next
        self._stop = Stop()
        self._solved = False
        self._going, self._ended = False, "finished"  # within `fit` or an iteration; how the last one ended
        self._told_coarse = False
        self._logbook = Logbook(watch.target, lambda: self._number)
        self._event = self._logbook.event
        self._recorder = None
        if self._run is not None:
            watched = {"watch": dataclasses.asdict(watch), "target": watch.target}
            recorded = dataclasses.replace(self._run, config={**watched, **self._run.config})
            self._recorder = Recorder.of(recorded, evaluator, prepared, self._plan, self._event)
            if held:
                checkpoint.save_folder(self._recorder.path / WARM_START, held, {})
        self._rows = Rows(evaluator, self._plan, self._recorder.last_row if self._recorder else {})
        self._logbook.recorder, self._logbook.rows = self._recorder, self._rows
        best, before = (self._recorder.best, self._recorder.tests_before) if self._recorder else (BestSoFar(), ())
        self._tests = TestsSoFar(watch, best, evaluator.duel is None, before)
        self._report = ReportAtEnd(self._recorder.path if self._recorder and self._recorder.run.report else None)
        if prepared.formed:
            self._event("leaves formed", formed)

    def fit(self, generations: int, on_row: Callable[[Row], object] = lambda row: None) -> Result:
        """Trains until the run has done this number of generations in all.

        The run ends earlier if it reaches its target or a plateau (see `Watch`), on `stop`, or on a signal.

        SIGINT (Ctrl-C) and SIGTERM end the run cleanly: the trainer abandons the current evaluation and writes a
        checkpoint. A second SIGINT raises KeyboardInterrupt.

        The row of generation `g` holds the test of the parameters after `g` updates. The result is one update further
        than the last row, and its parameters are tested too. If the target was reached, the result instead holds the
        parameters that reached it.

        Args:
          generations: the total, including earlier calls and the part before a resume.
          on_row: called with each row of metrics. It may call `stop`, `change`, `result` and `save`. Its return value
            is ignored. If it raises, the trainer records the state, so that the run can be resumed without loss, and
            then re-raises the exception.

        Raises:
          ValueError: if `generations` is negative.
          FitnessError: if no pair of members has a finite fitness.
          NotFiniteError: if an update makes parameters that are not finite.
          WorkerError: if workers are lost and cannot be replaced.
        """
        if generations < 0:
            raise ValueError(f"generations={generations} must be at least 0.")
        self._start()
        # The handlers of signals come after Ray has set its own.
        with self._stop.on_signals(), self._logbook.failures(lambda: self._tests.last), self._under_way():
            while self._number < generations and (row := self._next()) is not None:
                self._call(on_row, row)
            self._apply_pending()
            result = self._end()
            self._report.fitted()
            return result

    def __iter__(self) -> Iterator[Row]:
        """Yields the row of metrics of each generation, until the target, a plateau or a call of `stop`."""
        self._start()
        with self._under_way():
            while (row := self._next()) is not None:
                yield row
            self._apply_pending()
            self._end()
        self._report.fitted()

    def stop(self) -> None:
        """Ends `fit` or the iteration cleanly, from a callback or any thread; abandons the current evaluation."""
        self._stop.ask()

    def result(self) -> Result:
        """Returns the result of the run so far, and records it.

        Between two rows of an iteration, the result describes the same state as the last row: `generations` is the
        row's `generation`, `test` is the test that the row summarises, and `digest` is the row's digest. After `fit`
        it is what `fit` returned. Within `fit` or an iteration its status is "unfinished", unless the run is about to
        end.
        """
        self._start()
        return self._finish()

    def change(self, values: Mapping[str, float] = MappingProxyType({}), **named_values: float) -> None:
        """Changes rates while the run goes on, such as `change(learning_rate_scale=0.5)` or `change(sigma=0.02)`.

        The change is logged, so it takes effect at the same generation when the run is continued or replayed, and on
        workers that join later. A change that has not taken effect when the run stops does so once it is resumed. Call
        it from `on_row`, or between generations.

        Args:
          values: new values by name. `learning_rate_scale` multiplies every step of the optimiser, and `sigma_scale`
            the standard deviation of the noise. Both are relative to the strategy as it was made: 1 restores it. A
            schedule keeps its shape. `sigma` sets the standard deviation itself, if the strategy was made with a
            number. Any other name is one that `optax.inject_hyperparams` keeps in the optimiser's state, such as
            `learning_rate`; give its path if several have that name. A new sigma takes effect in the population after
            the one that is evaluated next (with episodes in windows, when the next episodes start). Everything else
            takes effect in the update of the generation that is evaluated next.
          named_values: the same, as keyword arguments.

        Raises:
          ValueError: if a name is unknown, ambiguous or follows a schedule, or a value is out of range.
        """
        self._start()
        changes = steering.changes(self._shapes, {**values, **named_values}, self._strategy.settings.get("sigma"))
        self._changes |= changes
        described = steering.described(changes, self._number, self._evaluator.windows)
        self._event("changed", described, values=changes)

    def save(self, folder: Path | str) -> Path:
        """Applies every evaluated generation, and writes the state as a checkpoint below a folder.

        Within an iteration this applies the update of the last row's generation before its time, which changes no bit
        of the run. A `result` that is asked for after that, and before the next row, is one generation past the row.

        Returns:
          The checkpoint's own folder. Note that `restore` takes the folder that was given here.
        """
        self._start()
        assert self._pool is not None
        self._apply_pending()
        snapshot, folder = self._pool.snapshot(), Path(folder)
        (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
        return checkpoint.save_checkpoint(folder, snapshot, int(snapshot["state"].generation), self._pool.digest())

    def restore(self, folder: Path | str) -> None:
        """Continues from the newest intact checkpoint below a folder that `save`, or another run, wrote.

        The trainer takes over the parameters, the optimiser state and the statistics; its strategy may have other
        settings. The numbers that `optax.inject_hyperparams` keeps in the optimiser's state are settings, so the
        trainer keeps its own. It also keeps the factors that `change` has put on its rates.

        Raises:
          CheckpointError: if there is none, or it has other parameters or another kind of optimiser.
          ValueError: if this trainer has a record, because the record would not show where its parameters came from.
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

        Whatever the fitness raises is raised here, where a debugger can stop. A recorded run is replayed from its last
        checkpoint before that generation. The state is exactly that of the run if this process computes on the same
        kind of device as the workers.

        Args:
          generation: number of the generation; the run must have reached it.
          member: number of the member, in `[0, population_size)`.

        Raises:
          ValueError: if the run has not reached the generation, or there is no such member.
        """
        if not 0 <= member < self._plan.population_size:
            raise ValueError(f"member={member} must be in [0, {self._plan.population_size}).")
        if generation and self._run is None:
            raise ValueError(f"generation={generation} can be reproduced only from a record; give the trainer run=...")
        if self._run is None:
            return Worker(self._strategy, self._evaluator, self._plan).reproduce(member)
        return self._replay(self._run).worker_at(generation).reproduce(member)

    def means_at(self, generations: Sequence[int]) -> list[Earlier]:
        """Rebuilds the mean parameters of generations, given in rising order, from the seed and the fitness log alone.

        Raises:
          ValueError: if there is no record, or the generations are not in rising order.
          CheckpointError: if the run has not reached a generation.
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
        """The number of the generation that is evaluated next, which is the number of generations done so far."""
        self._start()
        return self._number

    @property
    def unsaved(self) -> str | None:
        """Says which part of the record could not be written so far; None if all of it is on the disk."""
        return None if self._recorder is None else self._recorder.unsaved

    def close(self) -> None:
        """Ends the workers and closes the record."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = self._logbook.recorder = None
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
            waiting = still_waiting(self._recorder.asked, self._number, self._evaluator.windows)
            self._changes = steering.changes(self._shapes, waiting)
            for text in self._recorder.not_compared:
                self._event("functions differ", text)

    def _block_size(self, resumed: bool) -> int:
        """Returns the recorded block size if the run is resumed, and otherwise the fastest one on a worker."""
        if resumed and self._run is not None:
            return recorded_block_size(Path(self._run.path) / "config.json", self._plan.population_size)
        if self._run is not None:
            checkpoint.create_run(Path(self._run.path))  # refuses an unusable folder before the search
        plan = self._plan
        return fastest_for_workers(self._evaluator, self._strategy, plan.population_size, plan.seed, self._workers)

    def _next(self) -> Row | None:
        """Evaluates one generation and returns its row, or None if the run is over."""
        assert self._pool is not None
        if self._stop.is_asked() or self._solved or self._tests.plateau.reached:
            return None
        started = time.perf_counter()
        outcomes = () if self._pending is None else (self._pending,)
        request = Request(self._number, outcomes, tuple(range(self._plan.blocks)), self._tests.is_due(self._number))
        with phase(FIRST):  # the live view shows it until the first row
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

        If the target was reached, the parameters that reached it are those before this update. The outcome then stays
        pending, so that the result holds these parameters and training can still go on.
        """
        assert self._pool is not None
        if self._pending is not None and not self._solved:
            self._pool.update(self._pending)
            self._pending = None

    @contextlib.contextmanager
    def _under_way(self) -> Iterator[None]:
        """Within it a run goes on, so that a result is not yet that of its end."""
        self._going, self._ended = True, "finished"
        try:
            yield
        finally:
            self._going = False

    def _end(self) -> Result:
        """Ends `fit` or an iteration: returns the result, and forgets what it was stopped by."""
        self._going = False
        result = self._finish()
        self._ended = result.status
        self._stop.clear()
        return result

    def _finish(self) -> Result:
        """Tests the state that the workers hold, unless it was tested already, records it, and returns the result."""
        assert self._pool is not None
        digest, snapshot = self._pool.digest(), self._pool.snapshot()
        number, hurry = int(snapshot["state"].generation), self._stop.by_signal
        if not hurry and self._tests.is_missing(number):
            self._tests.take(number, self._pool.test("test"), digest, self._pool.snapshot)
        ended = "plateau" if self._tests.plateau.reached else "unfinished" if self._going else self._ended
        status = "solved" if self._solved else "stopped" if self._stop.is_asked() else ended
        best = self._best_found(hurry)
        test = self._tests.of(number)
        if self._recorder is not None:
            self._recorder.save(snapshot, number, digest)
        self._logbook.end(status, number, test, digest)
        path = None if self._recorder is None else self._recorder.path
        held = part_of(snapshot)
        return Result(status, number, held["params"], self._policy(held), test, digest, path, best)

    def _policy(self, held: Mapping[str, Any]) -> Any:
        """Returns the policy with these parameters and statistics; None without an environment."""
        return None if self._evaluator.policy is None else self._evaluator.policy(held["params"], held["statistics"])

    def _best_found(self, hurry: bool) -> Best | None:
        """Returns the parameters with the best test; rebuilds them if they were not kept, unless in a hurry."""
        run = None if hurry else self._run
        rebuild = None if run is None else lambda generation: self._replay(run).worker_at(generation)
        found = self._tests.best_found(rebuild, self._event)
        if found is None:
            return None
        tested, held = found
        return Best(tested.generation, held["params"], self._policy(held), tested.mean, tested.std, tested.episodes)

    def _call(self, on_row: Callable[[Row], object], row: Row) -> None:
        """Calls `on_row`. If it raises, records the state first."""
        assert self._pool is not None
        try:
            on_row(row)
        except Exception as error:
            if self._recorder is not None:
                with contextlib.suppress(NotFiniteError, WorkerError):  # the log is enough to resume
                    self._apply_pending()
                    self._recorder.save(self._pool.snapshot(), self._number, self._pool.digest())
            self._logbook.fail("callback failed", f"on_row raised {type(error).__name__}: {error}", self._tests.last)
            raise
