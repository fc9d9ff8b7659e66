"""The worker: a plain class that holds a state and evaluates blocks of members. It runs without Ray.

One call per generation: `step` applies the update of the generation before, from the fitness of the whole
population, and evaluates its blocks of this one (design: the same program on every worker, so the same bits).
"""

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eggroll_ray import noise
from eggroll_ray.es import ES, ESState
from eggroll_ray.evaluate import Evaluator
from eggroll_ray.messages import BlockResult, Generation, Plan, Reply, Request


class Worker:
    """Holds the state of a run; every worker of a run holds the same."""

    def __init__(self, strategy: ES, evaluator: Evaluator, plan: Plan):
        self._strategy = strategy
        self._evaluator = evaluator
        self._plan = plan
        self._evaluate = evaluator.bind(strategy.perturb)
        self._update = jax.jit(strategy.update)
        self._state = strategy.init(evaluator.init(plan.seed), plan.seed)
        self._statistics = evaluator.statistics
        self._lock = threading.Lock()  # a snapshot may be asked for while blocks are evaluated

    @property
    def number(self) -> int:
        """The generation whose population comes next."""
        return int(self._state.generation)

    def step(self, request: Request, cancelled: Callable[[], bool] = lambda: False) -> Reply:
        """Updates to the request's generation and evaluates its blocks.

        Args:
          request: its number is this worker's generation, or the next.
          cancelled: asked between blocks; when true the rest of the blocks is left out.
        """
        started = time.perf_counter()
        metrics: dict[str, float] = {}
        if request.previous is not None and request.previous.number == self.number:
            metrics = self.update(request.previous)
        if request.number != self.number:
            raise RuntimeError(
                f"asked for generation {request.number}, but this worker is at {self.number} and was given "
                "no update to it; load a checkpoint and replay the fitness log."
            )
        updated = time.perf_counter()
        blocks = []
        for block in request.blocks:
            if cancelled():
                break
            blocks.append(self.evaluate(block))
        test = self.test() if request.test and not cancelled() else None
        evaluated = time.perf_counter()
        return Reply(
            request.number,
            self.digest(),
            tuple(blocks),
            test,
            metrics,
            updated - started,
            evaluated - updated,
        )

    def evaluate(self, block: int) -> BlockResult:
        """Evaluates one block at the current generation."""
        result = self._evaluate(self._state, self._statistics, self._plan.members(block))
        return BlockResult(block, result.fitness, result.steps, result.moments, result.failures)

    def test(self, stream: str = "test") -> np.ndarray:
        """Evaluates the mean parameters on fresh episodes of this generation, which no member plays.

        Args:
          stream: another name draws other episodes.
        """
        key = jax.random.fold_in(noise.stream_key(self._plan.seed, stream), self.number)
        return self._evaluator.test(self._state.params, self._statistics, key, self._plan.test_episodes)

    def update(self, outcome: Generation) -> dict[str, float]:
        """Applies the update of the current generation and returns its metrics."""
        if outcome.number != self.number:
            raise RuntimeError(f"asked to apply generation {outcome.number} at generation {self.number}.")
        state, metrics = self._update(self._state, jnp.asarray(outcome.fitness))
        statistics = self._evaluator.merge(self._statistics, outcome.moments)
        metrics = {name: float(value) for name, value in jax.device_get(metrics).items()}
        with self._lock:
            self._state, self._statistics = state, statistics
        return metrics

    def snapshot(self) -> dict[str, Any]:
        """Returns the state and the evaluator's statistics on the host; safe from another thread."""
        with self._lock:
            state, statistics = self._state, self._statistics
        return {"state": jax.device_get(state), "statistics": statistics}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Takes over a snapshot of another worker, or one that was loaded from disk."""
        state = jax.tree.map(jnp.asarray, snapshot["state"])
        with self._lock:
            self._state, self._statistics = ESState(*state), snapshot["statistics"]

    def catch_up(self, snapshot: dict[str, Any] | None, log: Sequence[Generation]) -> None:
        """Takes over a snapshot (None: keeps the initial state) and applies the generations since."""
        if snapshot is not None:
            self.restore(snapshot)
        for outcome in log:
            self.update(outcome)

    def digest(self) -> str:
        """Returns a fingerprint of parameters, optimiser state, generation and statistics."""
        return digest(self.snapshot())

    def facts(self) -> dict[str, str]:
        """Returns what must be the same on every worker for the same bits."""
        device = jax.devices()[0]
        sample = noise.normal(noise.leaf_key(0, "facts", 0), (1024,))
        return {
            "platform": device.platform,
            "device_kind": device.device_kind,
            "jax": jax.__version__,
            "noise": hashlib.blake2b(np.asarray(sample).tobytes(), digest_size=8).hexdigest(),
        }


def digest(tree: Any) -> str:
    """Returns a 64-bit fingerprint of all arrays of a pytree, in hexadecimal."""
    hasher = hashlib.blake2b(digest_size=8)
    for leaf in jax.tree.leaves(tree):
        array = np.asarray(leaf)
        hasher.update(f"{array.dtype}{array.shape}".encode())
        hasher.update(np.ascontiguousarray(array).tobytes())
    return hasher.hexdigest()
