"""The trainer: the loop over generations, in process or on Ray, and the record it leaves."""

import contextlib
import dataclasses
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import jax
import numpy as np

from eggroll_ray.es import ES, eggroll
from eggroll_ray.evaluate import Evaluator, FitnessError
from eggroll_ray.messages import Generation, Plan, Reply, Request, WorkerError
from eggroll_ray.metrics import Row
from eggroll_ray.pool import LocalPool, Pool, Workers
from eggroll_ray.record import Recorder, Run
from eggroll_ray.worker import Worker

_log = logging.getLogger(__name__)

_DEFAULT_BLOCK = 256
_SMALLEST_DEFAULT_BLOCK = 32  # of a population that has several blocks; smaller ones waste the machine


@dataclasses.dataclass(frozen=True)
class Watch:
    """How the mean parameters are watched.

    Attributes:
      every: generations between tests; 0 never tests.
      episodes: fresh episodes per test; None: what the evaluator suggests (128 in an environment).
      target: mean fitness at which the run stops as solved, once confirmed on other fresh episodes.
    """

    every: int = 1
    episodes: int | None = None
    target: float | None = None

    def __post_init__(self) -> None:
        if self.every < 0 or (self.episodes is not None and self.episodes < 1):
            raise ValueError(
                f"every={self.every} must be at least 0 and episodes={self.episodes} at least 1, in generations "
                "between tests and fresh episodes per test."
            )
        if self.target is not None and self.every == 0:
            raise ValueError(f"target={self.target} needs tests of the mean parameters; set every to 1.")


@dataclasses.dataclass(frozen=True)
class Result:
    """What a run has come to.

    Attributes:
      status: "solved" (the target was reached and confirmed), "finished", or "stopped" (by `stop` or a
        signal).
      generations: updates applied.
      params: the mean parameters, NumPy arrays.
      policy: observation -> action with the observation normaliser inside; None without an environment.
      test: fitness of the mean parameters in each episode of the last test, None if there was none.
      digest: fingerprint of the state: the same for any number of workers.
      run: the run folder, None if there is none.
    """

    status: str
    generations: int
    params: Any
    policy: Any
    test: np.ndarray | None
    digest: str
    run: Path | None


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
        block_size: int | None = None,
        run: Run | Path | str | None = None,
        watch: Watch = Watch(),
    ):
        """Checks all that can be checked, makes the run folder, and starts no worker yet.

        Args:
          evaluator: what to optimise: `from_env(...)` or `from_fitness(...)`.
          strategy: default `eggroll()`.
          population_size: members per generation, even.
          seed: of everything random, in [0, 2**32).
          workers: 0 (in this process), a number of Ray actors, "auto" (what the cluster has), or `Workers(...)`.
          block_size: members evaluated together, even, a divisor of the population size; it is part of what
            decides the last bits. Default: the largest such number up to 256.
          run: where the run is recorded, a new folder or `Run(...)`; None keeps no record.
          watch: how the mean parameters are watched, and the target at which to stop.

        Raises:
          ValueError: for values out of range, and for a run folder that cannot be made or continued.
        """
        self._strategy = strategy or eggroll()
        self._evaluator = evaluator
        self._workers = workers if isinstance(workers, Workers) else Workers(workers)
        self._watch = watch
        episodes = evaluator.test_episodes if watch.episodes is None else watch.episodes
        self._plan = make_plan(population_size, block_size, seed, episodes)
        params = jax.eval_shape(lambda: evaluator.init(seed))
        leaves = self._strategy.label(params)
        state = jax.eval_shape(lambda params: self._strategy.init(params, seed), params)
        evaluator.check(self._strategy.perturb, state)
        settings = {
            "evaluator": evaluator.settings,
            "strategy": self._strategy.settings,
            "parameters": {leaf.path: f"{leaf.dtype}{list(leaf.shape)}, {leaf.kind.value}" for leaf in leaves},
        }
        self._pool: Pool | None = None
        self._pending: Generation | None = None  # evaluated, but not applied by the workers yet
        self._number = 0  # of the generation to be evaluated next
        self._stopped = threading.Event()
        self._solved = False
        self._last_test: np.ndarray | None = None
        self._run = Run(run) if isinstance(run, str | Path) else run
        self._recorder = None if self._run is None else Recorder(self._run, self._plan, evaluator.moments, settings)
        last = self._recorder.last_row if self._recorder else {}
        self._clock = _Clock(last.get("time", 0.0))
        self._totals = {name: last.get(name, 0) for name in ("total_steps", "total_episodes")}

    def fit(self, generations: int, on_row: Callable[[Row], object] = lambda row: None) -> Result:
        """Runs until so many generations have been done in all, the target is reached, or a signal comes.

        SIGINT (Ctrl-C) and SIGTERM end the run in order: the evaluation under way is given up, a checkpoint
        is written. A second SIGINT raises KeyboardInterrupt.

        Args:
          generations: the total, earlier calls and the resumed part included.
          on_row: called with each row of metrics.
        """
        if generations < 0:
            raise ValueError(f"generations={generations} must be at least 0.")
        self._start()
        with _stop_on_signals(self._stopped), self._record_failure():  # after Ray has set handlers of its own
            while self._number < generations and (row := self._next()) is not None:
                on_row(row)
            return self._finish()

    def __iter__(self) -> Iterator[Row]:
        """Yields the metrics of one generation after the other, until the target is reached or `stop`."""
        self._start()
        while (row := self._next()) is not None:
            yield row
        self._finish()

    def stop(self) -> None:
        """Ends `fit` or the iteration in order, from any thread."""
        self._stopped.set()

    def result(self) -> Result:
        """Returns the state so far, with every evaluated generation applied."""
        self._start()
        return self._finish()

    def close(self) -> None:
        """Ends the workers and closes the record."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> None:
        if self._pool is not None:
            return
        if self._run is not None and self._recorder is None:
            raise RuntimeError("this trainer is closed; make another one with Run(path, resume=True).")
        self._pool = self._make_pool()
        if self._run is not None and self._recorder is not None and self._run.resume:
            snapshot, log = self._recorder.load(self._pool.snapshot())
            self._pool.catch_up(snapshot, log)
            self._number = len(self._recorder.log)
            detail = f"at generation {self._number}, {len(log)} of them replayed from the fitness log"
            self._event("resumed", detail, logging.INFO)

    def _make_pool(self) -> Pool:
        if self._workers.count == 0:
            return LocalPool(Worker(self._strategy, self._evaluator, self._plan))
        from eggroll_ray.driver import RayPool  # Ray is imported only where it is used

        return RayPool(self._strategy, self._evaluator, self._plan, self._workers)

    def _next(self) -> Row | None:
        """Evaluates one generation; None when the run is over."""
        assert self._pool is not None
        if self._stopped.is_set() or self._solved:
            return None
        started = time.perf_counter()
        test = self._watch.every > 0 and self._number % self._watch.every == 0
        request = Request(self._number, self._pending, tuple(range(self._plan.blocks)), test)
        replies = self._pool.step(request, self._stopped.is_set)
        self._pending = None
        digest = _agreed_digest(replies)
        self._save_if_due(digest)
        results = sorted((result for reply in replies for result in reply.blocks), key=lambda r: r.block)
        if len(results) < self._plan.blocks:  # cancelled
            return None
        fitness = np.concatenate([result.fitness for result in results])
        failures = [text for result in results for text in result.failures]
        self._report(failures)
        self._pending = Generation(self._number, _resolve(fitness, self._number), tuple(r.moments for r in results))
        if self._recorder is not None:
            self._recorder.log.append(self._pending)
        steps = sum(result.steps for result in results)
        row = self._row(replies, steps, time.perf_counter() - started) | {"failed_members": len(failures)}
        if self._recorder is not None:
            self._recorder.write(row)
        self._solved = self._confirm(row["mean_policy_return"])
        self._number += 1
        return row

    def _confirm(self, mean_return: float | None) -> bool:
        """Whether the target is reached, on other fresh episodes than those that said so first."""
        assert self._pool is not None
        target = self._watch.target
        if target is None or mean_return is None or mean_return < target:
            return False
        test = self._pool.test("confirmation")
        confirmed = float(test.mean()) >= target
        if confirmed:
            self._last_test = test
        return confirmed

    def _row(self, replies: Sequence[Reply], steps: int, seconds: float) -> Row:
        assert self._pool is not None and self._pending is not None
        test = next((reply.test for reply in replies if reply.test is not None), None)
        if test is not None:
            self._last_test = test
        self._totals["total_steps"] += steps
        self._totals["total_episodes"] += self._plan.population_size * self._evaluator.episodes
        update = max(reply.update_seconds for reply in replies)
        evaluate = max(reply.evaluate_seconds for reply in replies)
        return {
            "generation": self._number,
            "time": self._clock.seconds(),
            **_quantiles(self._pending.fitness),
            "invalid_members": int((~np.isfinite(self._pending.fitness)).sum()),
            "mean_policy_return": None if test is None else float(test.mean()),
            "mean_policy_return_std": None if test is None else float(test.std()),
            "mean_policy_episodes": 0 if test is None else len(test),
            "steps": steps,
            **self._totals,
            "member_steps_per_second": (steps or self._plan.population_size) / seconds,
            "time_update": update,
            "time_evaluate": evaluate,
            "time_driver": max(seconds - update - evaluate, 0.0),
            **next((reply.metrics for reply in replies if reply.metrics), {}),
            "workers": self._pool.count,
            "digest": replies[0].digest,
        }

    def _finish(self) -> Result:
        assert self._pool is not None
        number = self._number
        if self._solved:
            # The parameters that reached the target are those before the last population was evaluated;
            # its fitness stays pending, so that training can go on from there.
            number -= 1
        elif self._pending is not None:
            self._pool.update(self._pending)
            self._pending = None
        if self._watch.every > 0 and not self._solved and not self._stopped.is_set():
            self._last_test = self._pool.test("test")
        digest, snapshot = self._pool.digest(), self._pool.snapshot()
        status = "solved" if self._solved else "stopped" if self._stopped.is_set() else "finished"
        self._stopped.clear()
        if self._recorder is not None:
            self._recorder.save(snapshot, number, digest)
            self._recorder.finish(self._summary(status, number, digest))
        params = snapshot["state"].params
        make_policy = self._evaluator.policy
        policy = None if make_policy is None else make_policy(params, snapshot["statistics"])
        path = None if self._recorder is None else self._recorder.path
        return Result(status, number, params, policy, self._last_test, digest, path)

    @contextlib.contextmanager
    def _record_failure(self) -> Iterator[None]:
        """Writes into the record why a run failed; what was evaluated before is in the log already."""
        try:
            yield
        except (FitnessError, WorkerError) as error:
            if self._recorder is not None:
                self._event("failed", str(error))
                self._recorder.finish(self._summary("failed", self._number, "") | {"message": str(error)})
            raise

    def _summary(self, status: str, number: int, digest: str) -> Row:
        test = self._last_test
        return {
            "status": status,
            "generations": number,
            "mean_policy_return": None if test is None else float(test.mean()),
            "mean_policy_return_std": None if test is None else float(test.std()),
            "episodes": 0 if test is None else len(test),
            "target": self._watch.target,
            "seconds": self._clock.seconds(),
            **self._totals,
            "digest": digest,
            "message": "",
        }

    def _save_if_due(self, digest: str) -> None:
        assert self._pool is not None
        if self._recorder is not None and self._recorder.is_due(self._number):
            self._recorder.save(self._pool.snapshot(), self._number, digest)

    def _report(self, failures: list[str]) -> None:
        """Tells what happened to workers and to members whose fitness failed."""
        assert self._pool is not None
        for name, detail in self._pool.events():
            self._event(name, detail)
        if failures:
            self._event("fitness failed", f"{len(failures)} members; first: {failures[0]}")

    def _event(self, name: str, detail: str, level: int = logging.WARNING) -> None:
        _log.log(level, "generation %d: %s: %s", self._number, name, detail)
        if self._recorder is not None:
            self._recorder.write(
                {"event": name, "generation": self._number, "time": self._clock.seconds(), "detail": detail}
            )


class _Clock:
    """Seconds of training, continued over resumes."""

    def __init__(self, before: float):
        self._start = time.monotonic() - before

    def seconds(self) -> float:
        return time.monotonic() - self._start


def make_plan(population_size: int, block_size: int | None, seed: int, test_episodes: int) -> Plan:
    """Checks and completes what all workers agree on.

    Raises:
      ValueError: for an odd or empty population, or blocks that do not divide it.
    """
    if population_size < 2 or population_size % 2:
        raise ValueError(
            f"population_size={population_size} must be even and at least 2, since members come in antithetic "
            f"pairs; choose {max(2, population_size + population_size % 2)}."
        )
    if block_size is None:
        block_size = max(
            size for size in range(2, min(population_size, _DEFAULT_BLOCK) + 1, 2) if population_size % size == 0
        )
        if block_size < min(_SMALLEST_DEFAULT_BLOCK, population_size):
            near = _DEFAULT_BLOCK * max(1, round(population_size / _DEFAULT_BLOCK))
            raise ValueError(
                f"population_size={population_size} has no even divisor from {_SMALLEST_DEFAULT_BLOCK} to "
                f"{_DEFAULT_BLOCK} to make blocks of; choose {near}, or set block_size yourself."
            )
    if block_size < 2 or block_size % 2 or population_size % block_size:
        raise ValueError(
            f"population_size={population_size} is no multiple of block_size={block_size}, or the block is "
            "odd; choose an even divisor of the population size."
        )
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed={seed} must be in [0, 2**32); choose a smaller one.")
    return Plan(population_size, block_size, seed, test_episodes)


def _agreed_digest(replies: Sequence[Reply]) -> str:
    digests = {reply.digest for reply in replies}
    if len(digests) > 1:
        raise WorkerError(
            f"the workers disagree on the parameters of generation {replies[0].number} ({sorted(digests)}): one "
            "of them computes other bits. Resume from the last checkpoint on machines of one kind."
        )
    return digests.pop()


def _resolve(fitness: np.ndarray, number: int) -> np.ndarray:
    """Puts the lowest finite fitness where a member counts as the worst (-inf).

    Raises:
      FitnessError: when no pair is left.
    """
    finite = np.isfinite(fitness)
    if finite.any():
        fitness = np.where(fitness == -np.inf, fitness[finite].min(), fitness)
    if not np.isfinite(fitness).reshape(-1, 2).all(axis=1).any():
        raise FitnessError(
            f"no pair of generation {number} has a finite fitness (member 0: {fitness[0]}); evaluate member 0 "
            "alone, and check the fitness for NaN and sigma for being too large."
        )
    return fitness


def _quantiles(fitness: np.ndarray) -> Row:
    finite = fitness[np.isfinite(fitness)].astype(np.float64)
    names = ("min", "q25", "median", "q75", "max")
    quantiles = np.quantile(finite, (0.0, 0.25, 0.5, 0.75, 1.0))
    return {
        "fitness_mean": float(finite.mean()),
        "fitness_std": float(finite.std()),
        **{f"fitness_{name}": float(value) for name, value in zip(names, quantiles, strict=True)},
    }


@contextlib.contextmanager
def _stop_on_signals(stopped: threading.Event) -> Iterator[None]:
    """Turns the first SIGINT or SIGTERM into a stop; outside the main thread it changes nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: Any) -> None:
        if stopped.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stopped.set()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
