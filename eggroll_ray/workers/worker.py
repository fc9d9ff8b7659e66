"""The worker: a plain class that answers requests and leaves the computing to its engine. It runs without Ray.

There is one call per generation. `step` applies the update of the generation before, from the fitness of the whole
population, and then evaluates the worker's blocks of this generation. All workers run the same programs, and so compute
the same bits.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from eggroll_ray.es.random import stream_key
from eggroll_ray.es.record import ES
from eggroll_ray.evaluators.engine import Engine
from eggroll_ray.evaluators.record import Earlier, Evaluator
from eggroll_ray.workers.facts import Facts, facts_of_this_process
from eggroll_ray.workers.fitness_vector import PackedPairs, flatten, pack_fitness, unflatten
from eggroll_ray.workers.messages import BlockResult, Outcome, Reply, Request, Work
from eggroll_ray.workers.plan import Plan


class Worker:
    """Holds the state of a run and evaluates members. Every worker of a run holds the same state."""

    def __init__(self, strategy: ES, evaluator: Evaluator, plan: Plan, threads: int = 1):
        """Makes a worker at the initial state.

        Args:
          strategy: how the parameters are perturbed and updated.
          evaluator: what is optimised.
          plan: the numbers on which all workers of the run agree.
          threads: number of blocks to evaluate at once, if the evaluator allows it and JAX runs on the CPU. The
            results are the same bits for any number.
        """
        self._evaluator = evaluator
        self._plan = plan
        self._engine = Engine(strategy, evaluator, plan.seed)
        self._metrics: dict[str, float] = {}  # metrics of the update to this generation
        self.at_once = threads if evaluator.concurrent and jax.default_backend() == "cpu" else 1  # blocks at a time
        self._threads = ThreadPoolExecutor(self.at_once, "block") if self.at_once > 1 else None
        self._compiled = False  # until then one thread evaluates alone, because two would compile the same program

    @property
    def number(self) -> int:
        """The generation whose population comes next."""
        return self._engine.generation

    def step(self, request: Request, cancelled: Callable[[Work], bool] = lambda work: False) -> Reply:
        """Updates to the request's generation and evaluates its blocks.

        Args:
          request: must contain the outcomes from this worker's generation, or an earlier one, to `request.number`.
          cancelled: called before each block and before the test, with that piece of work alone. Work for which it
            returns True is left out.
        """
        started = time.perf_counter()
        before = self.number
        self.advance(request.outcomes)
        if request.number != self.number:
            raise RuntimeError(
                f"asked for generation {request.number}, but this worker is at {self.number} and was given "
                "no update to it; load a checkpoint and replay the fitness log."
            )
        update_seconds = time.perf_counter() - started if self.number > before else 0.0
        sound = self.digest()
        results = self._evaluate_blocks(request.blocks, cancelled)
        began = time.perf_counter()
        checks = self._evaluate_blocks(request.checks, lambda work: cancelled(Work(checks=work.blocks)))
        check_seconds = time.perf_counter() - began
        test, test_seconds = None, 0.0
        if request.test and not cancelled(Work(test=True)):
            began = time.perf_counter()
            test = self.test()
            test_seconds = time.perf_counter() - began
        fitness = np.concatenate([np.zeros(0, np.float32), *(flatten(result.fitness) for result in results)])
        digest = self.digest()
        return Reply(
            number=request.number,
            digest=digest,
            blocks=np.array([result.block for result in results], np.int32),
            fitness=pack_fitness(fitness) if self._plan.signs_only else fitness,
            spread=np.array([_spread(result.fitness, result.ties) for result in results]).reshape(-1, 6),
            steps=np.array([result.steps for result in results], np.int64),
            moments=tuple(result.moments for result in results),
            failures=tuple((result.block, text) for result in results for text in result.failures),
            test=test,
            metrics=self._metrics,
            update_seconds=update_seconds,
            test_seconds=test_seconds,
            block_seconds=np.array([result.seconds for result in results], np.float32),
            seconds=time.perf_counter() - started,
            fingerprints={
                found.block: found.fingerprint()
                for found in [*(results if request.compare else []), *checks]
                if not found.failures
            },
            check_seconds=check_seconds,
            changed=digest != sound,
        )

    def _evaluate_blocks(self, blocks: Sequence[int], cancelled: Callable[[Work], bool]) -> list[BlockResult]:
        """Evaluates blocks, in several threads if there are any. Raises what the first failing block raised."""

        def one(block: int) -> BlockResult | None:
            return None if cancelled(Work((block,))) else self.evaluate(block)

        alone = len(blocks) if self._threads is None else 0 if self._compiled else 1
        found = [one(block) for block in blocks[:alone]]
        if self._threads is not None:
            found += self._threads.map(one, blocks[alone:])
        return [result for result in found if result is not None]

    def evaluate(self, block: int) -> BlockResult:
        """Evaluates one block at the current generation."""
        started = time.perf_counter()
        result = self._engine.evaluate(self._plan.members(block))
        seconds = time.perf_counter() - started
        self._compiled = True
        return BlockResult(block, result.fitness, result.steps, result.moments, result.failures, result.ties, seconds)

    def fingerprints(self, block: int, times: int) -> tuple[int, ...]:
        """Evaluates a block `times` times, and returns the fingerprint of each result."""
        return tuple(self.evaluate(block).fingerprint() for _ in range(times))

    def block_bytes(self) -> int | None:
        """Compiles a block, and returns the bytes needed by the blocks that are evaluated at once; see `Engine`."""
        return self._engine.block_bytes(self._plan.members(0), self.at_once)

    def reproduce(self, member: int) -> float | np.ndarray:
        """Evaluates one member at the current generation, and raises whatever its fitness raises.

        A compiled fitness is evaluated for the whole block of the member, so that the result has the same bits as in
        the run.

        Returns:
          The fitness of the member; with several groups that of each, `(groups,)`.
        """
        block, place = divmod(member, self._plan.block_size)
        if not self._evaluator.compiled:
            found = self._engine.evaluate(np.array([member], np.int32)).fitness[0]
        else:
            found = self.evaluate(block).fitness[place]
        return found if self._evaluator.groups else float(found)

    def test(self, stream: str = "test") -> np.ndarray:
        """Evaluates the mean parameters on episodes of this generation that no member plays.

        Args:
          stream: name of the random stream; another name draws other episodes.
        """
        key = jax.random.fold_in(stream_key(self._plan.seed, stream), self.number)
        return self.test_on(key, self._plan.test_episodes)

    def test_on(self, key: PRNGKeyArray, episodes: int) -> np.ndarray:
        """Evaluates the mean parameters on a number of episodes drawn from a key, which is consumed."""
        return self._engine.test(key, episodes)

    def mean(self) -> Earlier:
        """Returns the mean parameters at the current generation."""
        return self._engine.mean()

    def advance(self, outcomes: Iterable[Outcome]) -> None:
        """Applies those of the outcomes that are not applied yet."""
        for outcome in outcomes:
            if outcome.number >= self.number:
                self.update(outcome)

    def update(self, outcome: Outcome) -> None:
        """Applies the update of the current generation."""
        if outcome.number != self.number:
            raise RuntimeError(f"asked to apply generation {outcome.number} at generation {self.number}.")
        fitness = outcome.fitness
        if isinstance(fitness, PackedPairs):
            fitness = fitness.fitness()
        self._metrics = self._engine.update(self._by_group(fitness), outcome.moments, dict(outcome.changes))

    def _by_group(self, fitness: np.ndarray) -> Any:
        groups = self._evaluator.groups
        if not groups:
            return fitness
        return dict(zip(groups, unflatten(fitness, len(groups)).T, strict=True))

    def snapshot(self) -> dict[str, Any]:
        """Returns the state and the evaluator's statistics as NumPy arrays. May be called from another thread."""
        return self._engine.snapshot()

    def past(self) -> Mapping[int, Earlier]:
        """Returns what is kept of earlier generations, as NumPy arrays; {} if evaluations need none of them."""
        return self._engine.past()

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Replaces the state by a snapshot of another worker, or by one that was loaded from disk."""
        self._engine.restore(snapshot)
        self._metrics = {}

    def catch_up(self, snapshot: dict[str, Any] | None, log: Sequence[Outcome]) -> None:
        """Takes over a snapshot (None: the initial state) and applies the outcomes of the later generations."""
        if snapshot is None:
            self._engine.begin()
            self._metrics = {}
        else:
            self.restore(snapshot)
        for outcome in log:
            self.update(outcome)

    def digest(self) -> str:
        """Returns a fingerprint of the whole state."""
        return self._engine.digest()

    def digest_and_snapshot(self) -> tuple[str, dict[str, Any]]:
        """Returns a snapshot and its fingerprint. The snapshot also contains the past, for a worker that joins."""
        return self._engine.digest_and_snapshot()

    def facts(self) -> Facts:
        """Returns the facts that must agree on all workers for the same bits."""
        return facts_of_this_process()


def _spread(fitness: np.ndarray, ties: int) -> tuple[float, ...]:
    """Count, sum, sum of squares, lowest and highest of the finite fitness, and ties."""
    finite = fitness[np.isfinite(fitness)].astype(np.float64)
    if not len(finite):
        return (0.0, 0.0, 0.0, np.inf, -np.inf, float(ties))
    return (float(len(finite)), finite.sum(), (finite * finite).sum(), finite.min(), finite.max(), float(ties))
