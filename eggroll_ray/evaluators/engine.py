"""The engine of a worker: it holds the parameters and computes with them, on the devices of one process.

It does not know about blocks, messages or other workers. `workers.worker.Worker` handles those and calls the engine.
"""

import threading
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from eggroll_ray.compiling.program import SharedProgram
from eggroll_ray.compiling.switches import one_way_of_drawing
from eggroll_ray.es.digest import digest
from eggroll_ray.es.finite import check_finite
from eggroll_ray.es.record import ES, ESState, Fitness, NotFiniteError
from eggroll_ray.es.steering import after_update, before_update
from eggroll_ray.evaluators.record import CompiledBlock, Earlier, Evaluation, Evaluator, Given


class Engine:
    """The state of a run in JAX: parameters, optimiser state, evaluator's statistics, and earlier means if needed."""

    def __init__(self, strategy: ES, evaluator: Evaluator, seed: int):
        """Makes an engine at the initial state.

        Args:
          strategy: how the parameters are perturbed and updated.
          evaluator: what is optimised.
          seed: seed of the run.
        """
        self._strategy, self._evaluator, self._seed = strategy, evaluator, seed
        self._evaluate = evaluator.bind(strategy.perturb)
        self._update = SharedProgram(strategy.update)
        self._lock = threading.Lock()  # a snapshot may be asked for while blocks are evaluated
        self.begin()

    @property
    def generation(self) -> int:
        """The generation whose population comes next."""
        return int(self._state.generation)

    # The state.

    @one_way_of_drawing()
    def begin(self) -> None:
        """Sets the initial state."""
        state = self._strategy.init(self._evaluator.init(self._seed), self._seed)
        self._check(state, "the initial parameters")
        self._set(state, self._evaluator.statistics, {})

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Replaces the state by a snapshot of another engine, or by one that was loaded from disk."""
        self._check(ESState(*snapshot["state"]), "the parameters that are loaded")
        state = jax.tree.map(jnp.asarray, snapshot["state"])
        self._set(ESState(*state), snapshot["statistics"], snapshot.get("past", {}))

    @one_way_of_drawing()
    def update(
        self, fitness: Fitness, moments: Sequence[Any], changes: Mapping[str, float] = MappingProxyType({})
    ) -> dict[str, float]:
        """Applies the update of the current generation.

        Args:
          fitness: fitness of the whole population, as `ES.update` takes it.
          moments: moments of the outcome; see `Evaluator.merge`.
          changes: numbers of the strategy that change with this update, by their paths; see `es.steering`.

        Returns:
          The metrics of the update.

        Raises:
          NotFiniteError: when the new parameters are not finite. The state then stays as it was.
        """
        before, fitness = before_update(self._state, changes), jax.tree.map(jnp.asarray, fitness)
        state, metrics = self._update(before, fitness)
        statistics = self._evaluator.merge(self._statistics, moments)
        metrics = {name: float(value) for name, value in jax.device_get(metrics).items()}
        # If the parameters were not finite before the update, the update is not to blame: it is a fault of the memory.
        # The digest reveals it to the driver.
        if metrics.pop("not_finite", 0.0) and (why := self._strategy.explain(before, fitness)):
            raise NotFiniteError(why)
        self._set(after_update(state, changes), statistics, self._past)
        return metrics

    def _check(self, state: ESState, what: str) -> None:
        check_finite(self._strategy.label(state.params), jax.device_get(state.params), what)

    def _set(self, state: ESState, statistics: Any, past: Mapping[int, Earlier]) -> None:
        """Sets the state of a generation, and keeps those earlier means that later evaluations may need."""
        if (keeps := self._evaluator.keeps) is not None:
            number = int(state.generation)
            known = {**past, number: Earlier(state.params, statistics)}
            # While replaying from a checkpoint, some may be missing. `Replay.state_before` picks a checkpoint old
            # enough that none is missing at the target.
            past = {kept: known[kept] for kept in keeps(number) if kept in known}
        with self._lock:
            self._state, self._statistics, self._past = state, statistics, past

    # Computing with it.

    @one_way_of_drawing()
    def evaluate(self, members: np.ndarray) -> Evaluation:
        """Evaluates members of the current generation, given their numbers, `(n,)` int32."""
        return self._evaluate(self._given(members))

    @one_way_of_drawing()
    def test(self, key: PRNGKeyArray, episodes: int) -> np.ndarray:
        """Evaluates the mean parameters on a number of episodes drawn from a key, which is consumed.

        Returns:
          The fitness in each episode, `(episodes,)` or `(episodes, groups)`.
        """
        return self._evaluator.test(self._state.params, self._statistics, key, episodes, self._past)

    @one_way_of_drawing()
    def block_bytes(self, members: np.ndarray, at_once: int) -> int | None:
        """Compiles a block, and returns the bytes needed to evaluate `at_once` blocks at the same time.

        Parameters and other arguments count once; results and temporary arrays count for each block. The result is None
        if a block is not a single compiled program, or if the backend does not report its memory.
        """
        if not isinstance(self._evaluate, CompiledBlock):
            return None
        memory = self._evaluate.trace(self._given(members)).lower().compile().memory_analysis()
        if memory is None:
            return None
        each = memory.temp_size_in_bytes + memory.output_size_in_bytes
        return memory.argument_size_in_bytes + at_once * each

    def _given(self, members: np.ndarray) -> Given:
        return Given(self._state, self._statistics, members, self._past)

    # Reading the state. These methods may be called from another thread.

    def mean(self) -> Earlier:
        """Returns the mean parameters at the current generation."""
        with self._lock:
            return Earlier(self._state.params, self._statistics)

    def snapshot(self) -> dict[str, Any]:
        """Returns the state and the evaluator's statistics as NumPy arrays."""
        with self._lock:
            state, statistics = self._state, self._statistics
        return {"state": jax.device_get(state), "statistics": statistics}

    def past(self) -> Mapping[int, Earlier]:
        """Returns what is kept of earlier generations, as NumPy arrays; {} if evaluations need none of them."""
        with self._lock:
            past = self._past
        return jax.device_get(past)

    def digest(self) -> str:
        """Returns a fingerprint of parameters, optimiser state, generation, statistics and earlier means."""
        return digest((self.snapshot(), self.past()))

    def digest_and_snapshot(self) -> tuple[str, dict[str, Any]]:
        """Returns a fingerprint and a snapshot, which contains the earlier means for the engine that takes it over."""
        snapshot, past = self.snapshot(), self.past()
        return digest((snapshot, past)), {**snapshot, "past": past} if past else snapshot
