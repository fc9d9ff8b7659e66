"""A strategy for a loop of your own: `ask` for a population, evaluate it as you like, `tell` its fitness.

Letters in shapes: `n` members.
"""

from collections.abc import Sequence
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from eggroll_ray.compiling.cache import keep_programs
from eggroll_ray.compiling.program import SharedProgram
from eggroll_ray.compiling.switches import one_way_of_drawing
from eggroll_ray.es.eggroll import eggroll
from eggroll_ray.es.record import ES, ESState
from eggroll_ray.evaluators.engine import Engine
from eggroll_ray.evaluators.members import Members, check_shared_by, generation_key, member_keys, perturb_block
from eggroll_ray.evaluators.record import Evaluator, FitnessError, Invalid, Params, judge
from eggroll_ray.evaluators.returned import real_numbers
from eggroll_ray.lowrank.parameter import densify
from eggroll_ray.workers.prepare import prepare


class AskTell:
    """A strategy whose population you evaluate yourself, in this process.

    With the same strategy, parameters, population size, seed and fitness, such a loop ends with the same bits as a
    `Trainer`. Your code must do what a trainer adds: workers, records, tests and checkpoints.

    Attributes:
      population_size: `n`.
    """

    def __init__(
        self,
        strategy: ES | None,
        params: Params,
        *,
        population_size: int = 512,
        seed: int = 0,
        on_nan: Invalid = Invalid.DROP_PAIR,
    ):
        """Checks the arguments and makes the initial state.

        Args:
          strategy: such as `eggroll()`, which is the default for None.
          params: initial parameters, a pytree of arrays.
          population_size: members per generation; must be even.
          seed: of the noise and of `keys`, in [0, 2**32).
          on_nan: what to do with a fitness that is not finite. By default its pair has weight zero in the update.

        Raises:
          ValueError: if a value is out of range, or `strategy` is not a strategy.
        """
        keep_programs()
        self._on_nan = Invalid(on_nan)
        evaluator = Evaluator(lambda _: params, lambda _: _evaluates_nothing, _evaluates_nothing, 1, {})
        prepared = prepare(evaluator, eggroll() if strategy is None else strategy, population_size, seed=seed)
        self._strategy = prepared.strategy
        self.population_size = prepared.plan.population_size
        self._engine = Engine(self._strategy, evaluator, prepared.plan.seed)
        self._asked = False  # for the current generation

        def dense(state: ESState, members: Array) -> Params:
            return jax.vmap(lambda member: densify(self._strategy.perturb(state, member)))(members)

        def lazy(state: ESState, members: Array) -> Members:
            return perturb_block(self._strategy.perturb, state, members)

        self._dense, self._lazy = SharedProgram(dense), SharedProgram(lazy)

    @property
    def generation(self) -> int:
        """Number of updates so far, which is also the number of the generation that `ask` returns."""
        return self._engine.generation

    @property
    def params(self) -> Params:
        """The mean of the population, JAX arrays."""
        return self._engine.mean().params

    @property
    def state(self) -> ESState:
        """The complete state, NumPy arrays. You can pickle it or write it leaf by leaf; `restore` takes it."""
        return self._engine.snapshot()["state"]

    def digest(self) -> str:
        """Returns a fingerprint of the state. It equals `Result.digest` for the same state."""
        return self._engine.digest()

    @one_way_of_drawing()
    def ask(self, members: Sequence[int] | None = None, *, dense: bool = False) -> Any:
        """Returns the population of the current generation, or some members. Another call returns the same.

        Args:
          members: numbers of members in [0, n), if you evaluate the population in parts. Give whole pairs, with `2p`
            and `2p + 1` side by side. None means all members.
          dense: return the full parameters of each member, instead of `Members`.

        Returns:
          `Members`: `members.apply(fn, *args)` runs `fn(params_i, *args_i)` for every member without forming its
          matrices; it also works under `jax.jit`. With `dense`, the parameters themselves: NumPy arrays `(n, ...)` with
          the members on the first axis, which take the memory of one copy of the parameters per member.

        Raises:
          ValueError: if `members` are not whole pairs.
        """
        numbers = np.arange(self.population_size) if members is None else np.asarray(members)
        self._check_members(numbers)
        self._asked = True
        program = self._dense if dense else self._lazy
        found = program(self.state, jnp.asarray(numbers, jnp.int32))
        return jax.device_get(found) if dense else found

    @one_way_of_drawing()
    def keys(self, shared_by: int | None = 2) -> Key[Array, " n"]:
        """Returns a PRNG key for each member of the current generation. A trainer gives its fitness the same keys.

        Args:
          shared_by: how many consecutive members get the same key. With 2, the two members of a pair share it, so that
            their difference comes from their parameters alone. With 1, each has its own; with None, all share one.
        """
        check_shared_by(shared_by)
        key = generation_key(jax.tree.map(jnp.asarray, self.state))
        return member_keys(key, jnp.arange(self.population_size, dtype=jnp.int32), shared_by)

    def tell(self, fitness: Any) -> dict[str, float]:
        """Updates the parameters and moves on to the next generation.

        Args:
          fitness: one real number for every member, `(n,)` in the order of their numbers, as an array or a list; higher
            is better. Numbers are converted to float32. `on_nan` says what happens to those that are not finite.

        Returns:
          Metrics of the update, such as `gradient_norm` and `update_norm`.

        Raises:
          ValueError: if `ask` was not called for this generation, or the fitness has another shape.
          FitnessError: if no pair has a finite fitness in both members; with `Invalid.RAISE`, if any number is not
            finite. The state does not change.
          NotFiniteError: if the update makes parameters that are not finite. The state does not change.
        """
        if not self._asked:
            raise ValueError(
                f"tell was called before ask for generation {self.generation}: each population is told once; call ask, "
                "evaluate its members, and tell their fitness."
            )
        values = real_numbers(fitness, "the loop")
        if values.shape != (self.population_size,):
            raise ValueError(
                f"tell was given a fitness of shape {values.shape}; give one number for each of the "
                f"{self.population_size} members, shape ({self.population_size},)."
            )
        metrics = self._engine.update(self._usable(values), ())
        self._asked = False
        return metrics

    def restore(self, state: ESState) -> None:
        """Continues from a `state` of a loop with the same parameters, strategy and seed.

        Raises:
          ValueError: if the state has other arrays or another seed.
        """
        own = self.state
        if _shapes(state) != _shapes(own):
            raise ValueError(
                "the state is of other parameters or another optimiser than this loop's: give what `state` returned "
                "of a loop that was made with the same."
            )
        if int(state.seed) != int(own.seed):
            raise ValueError(
                f"the state is of seed {int(state.seed)}, this loop of {int(own.seed)}; make it with that."
            )
        self._engine.restore({"state": state, "statistics": ()})
        self._asked = False

    def _check_members(self, numbers: np.ndarray) -> None:
        n = self.population_size
        pairs = numbers.ndim == 1 and numbers.dtype.kind in "iu" and len(numbers) and len(numbers) % 2 == 0
        if not pairs or numbers.min() < 0 or numbers.max() >= n or (numbers[::2] % 2).any():
            raise ValueError(f"members={numbers.tolist()} must be whole pairs, 2p, 2p + 1, of members in [0, {n}).")
        if (numbers[1::2] != numbers[::2] + 1).any():
            raise ValueError(f"members={numbers.tolist()} must have the two of a pair, 2p and 2p + 1, side by side.")

    def _usable(self, values: np.ndarray) -> np.ndarray:
        """Returns the fitness for the update. A member that counts as the worst gets the lowest finite fitness."""
        members = np.arange(self.population_size, dtype=np.int32)
        fitness = judge(values, self.state, members, self._on_nan)
        finite = np.isfinite(fitness)
        if finite.any():
            fitness = np.where(fitness == -np.inf, fitness[finite].min(), fitness)
        if not np.isfinite(fitness).reshape(-1, 2).all(axis=1).any():
            raise FitnessError(
                f"no pair of generation {self.generation} has a finite fitness in both members; check the fitness for "
                "NaN, and sigma for being too large."
            )
        return fitness


def _evaluates_nothing(*_: Any) -> NoReturn:
    raise AssertionError("the population of AskTell is evaluated by its caller")


def _shapes(tree: Any) -> Any:
    flat, structure = jax.tree.flatten(tree)
    return structure, [(np.shape(x), np.asarray(x).dtype) for x in flat]
