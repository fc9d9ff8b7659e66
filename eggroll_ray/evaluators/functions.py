"""Evaluators: everything a user can optimise, as one record that evaluates a block of members.

Letters in shapes: `n` members of a block, `e` episodes (or other repetitions) per member.
"""

import dataclasses
import enum
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key, PRNGKeyArray

from eggroll_ray.compiling.block_program import BlockProgram
from eggroll_ray.compiling.program import SharedProgram
from eggroll_ray.es import noise
from eggroll_ray.es.eggroll import ESState, Perturbation, sign_of
from eggroll_ray.lowrank.interpreter import lift
from eggroll_ray.lowrank.parameter import LowRank, Noised, is_perturbed, member_axes, twin_axes

Params = Any
Perturb = Callable[[ESState, Int[Array, ""]], Params]


class Evaluation(NamedTuple):
    """The result of one block, on the host."""

    # (n,) float32, or (n, groups); higher is better; NaN: the pair is dropped; -inf: counts as the worst
    fitness: np.ndarray
    steps: int  # environment steps taken, 0 where there are none
    moments: Any = ()  # what the block adds to the evaluator's statistics
    failures: tuple[str, ...] = ()  # one text per member that failed and was not raised


class Earlier(NamedTuple):
    """The mean of the population at an earlier generation."""

    params: Params
    statistics: Any


# Evaluates members of one generation: (state, statistics, member numbers (n,) int32) -> Evaluation. An evaluator with
# `keeps` is given a fourth argument: {generation: Earlier} for those that it keeps.
EvaluateBlock = Callable[..., Evaluation]


@dataclasses.dataclass(frozen=True)
class CompiledBlock:
    """An `EvaluateBlock` whose work is one compiled program, so that its memory is known before it runs.

    Attributes:
      evaluate: the `EvaluateBlock`.
      trace: takes the same arguments, runs nothing, and returns the program for their shapes.
      steps: the most that its loop runs.
    """

    evaluate: EvaluateBlock
    trace: Callable[..., jax.stages.Traced]
    steps: int = 1

    def __call__(self, *given: Any) -> Evaluation:
        return self.evaluate(*given)


class Invalid(enum.Enum):
    """What becomes of a member that failed or whose fitness is not finite."""

    RAISE = "raise"  # stop the run and name the member
    DROP_PAIR = "drop pair"  # the member and its twin weigh zero in this update
    WORST = "worst"  # as if it had the lowest finite fitness of its generation


class FitnessError(RuntimeError):
    """A user's fitness failed; the message names the generation and the member."""


class Evaluator(NamedTuple):
    """What is optimised: a fitness function, or a policy in an environment.

    A block is always evaluated by one compiled program of one shape, and its random numbers depend on
    (seed, generation, member, episode) alone; so the result does not depend on who evaluates it.
    """

    init: Callable[[int], Params]  # seed -> initial parameters
    bind: Callable[[Perturb], EvaluateBlock]
    # (params, statistics, key, episodes) -> fitness of these parameters in each of some fresh episodes: (episodes,), or
    # (episodes, groups); an evaluator with `keeps` is given what it keeps as a fifth argument
    test: Callable[..., np.ndarray]
    test_episodes: int  # default number of them
    settings: Mapping[str, Any]  # what the evaluator was made with, for the run's record
    episodes: int = 1  # evaluations per member and generation
    statistics: Any = ()  # initial statistics, kept beside the parameters; NumPy arrays
    moments: Any = ()  # what a block adds to them, as a template: float32 NumPy arrays
    merge: Callable[[Any, Sequence[Any]], Any] = lambda statistics, _: statistics
    policy: Callable[[Params, Any], Any] | None = None  # (params, statistics) -> obs -> action
    compiled: bool = True  # a block is one compiled program, whose last bits belong to its shape
    concurrent: bool = False  # several blocks can be evaluated at once, by threads of one process
    groups: tuple[str, ...] = ()  # of parameters, `{group: params}`, each with a fitness of its own; () is one for all
    windows: int = 1  # generations that an episode spans
    # Generation -> those up to it whose means its evaluation may need; what is kept at one generation must have been
    # kept, or be the newest, at the one before. Workers hold them; after a loss they are rebuilt from the fitness log.
    keeps: Callable[[int], Collection[int]] | None = None
    # (one, others, key, games) -> `(others, games)` points of the one's mean parameters against each of the others: 1
    # is a win, 0.5 a draw. None where there is no opponent.
    duel: Callable[[Earlier, Sequence[Earlier], PRNGKeyArray, int], np.ndarray] | None = None
    # Traces one member, given `perturb` and the shapes of a state; raises what an evaluation would raise.
    check: Callable[[Perturb, ESState], object] = lambda perturb, state: None


class Members:
    """The perturbed parameters of a block, to be used through `apply` without ever forming them.

    Their own arrays have the members on axis 0; of twins that share their factors, the pairs, and what differs between
    twins (signs, noised arrays) has the two of a pair on axis 1.
    """

    def __init__(self, params: Params, size: int, twins: bool = False):
        self.params = params
        self.twins = twins
        self._size = size

    def __len__(self) -> int:
        return self._size

    def apply(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Runs `fn(params_i, *args_i)` for every member i, with the members on axis 0 of every arg."""
        lifted, given = lift(fn), [0] * len(args)
        if not self.twins:
            return jax.vmap(lifted, (member_axes(self.params), *given), axis_size=self._size)(self.params, *args)
        both = jax.vmap(lifted, (twin_axes(self.params), *given), axis_size=2)
        count = self._size // 2
        pairs = jax.vmap(both, (member_axes(self.params), *given), axis_size=count)
        paired = jax.tree.map(lambda x: x.reshape(count, 2, *x.shape[1:]), args)
        return jax.tree.map(lambda x: x.reshape(self._size, *x.shape[2:]), pairs(self.params, *paired))


jax.tree_util.register_pytree_node(
    Members,
    lambda members: ((members.params,), (len(members), members.twins)),
    lambda kept, children: Members(*children, *kept),
)


def perturb_block(perturb: Perturb, state: ESState, members: Int[Array, " n"]) -> Members:
    """Draws the noise of a block: factors of each pair, or `(n, ...)` of members that are no twins; the mean once.

    Args:
      perturb: of a strategy.
      state: of the strategy.
      members: twins side by side, `2p, 2p + 1, 2q, 2q + 1, ...`, or an odd number of any members. An even number of
        members that are not twins get parameters of NaN, never another's noise.
    """
    n = members.shape[0]
    one = jax.eval_shape(perturb, state, members[0])
    if n % 2 or not isinstance(perturb, Perturbation):
        return Members(jax.vmap(perturb, (None, 0), member_axes(one))(state, members), n)
    pairs = (members // 2).reshape(-1, 2)
    twins = jnp.all(pairs[:, :1] == pairs, axis=1, keepdims=True)
    signs = jnp.where(twins, sign_of(members).reshape(-1, 2), jnp.nan)
    drawn = jax.vmap(perturb.draw, (None, 0))(state, pairs[:, 0])
    both = jax.vmap(perturb.apply, (None, None, 0), twin_axes(one))
    return Members(jax.vmap(both, (None, 0, 0), member_axes(one))(state, drawn, signs), n, twins=True)


def noise_bytes(perturb: Perturb, state: ESState) -> int:
    """Returns the bytes of noise that a block holds for each member: its factors, of which twins share one copy, and
    the leaves with dense noise.

    Args:
      perturb: of a strategy.
      state: of the strategy, or its shapes.
    """
    member = jax.eval_shape(perturb, state, jnp.int32(0))
    leaves = jax.tree.leaves(member, is_leaf=is_perturbed)
    factors = sum(_nbytes(x) for leaf in leaves if isinstance(leaf, LowRank) for x in (leaf.a, leaf.b))
    noised = sum(_nbytes(leaf.value) for leaf in leaves if isinstance(leaf, Noised))
    return noised + factors // (2 if isinstance(perturb, Perturbation) else 1)


def _nbytes(array: Any) -> int:
    return array.size * array.dtype.itemsize


def generation_key(state: ESState) -> PRNGKeyArray:
    """Returns the key of everything random in a generation but the noise."""
    return noise.fold_in(noise.stream_key(state.seed, "evaluation"), state.generation)


def member_keys(key: PRNGKeyArray, members: Int[Array, " n"], shared_by: int | None) -> Key[Array, " n"]:
    """One key `(n,)` per member: the same for `shared_by` consecutive members, for all where it is None."""
    if shared_by is None:
        return jnp.broadcast_to(key, members.shape)
    return jax.vmap(noise.fold_in, (None, 0))(key, members // shared_by)


def check_shared_by(shared_by: int | None) -> None:
    """Raises ValueError where it is neither None nor a positive number."""
    if shared_by is not None and shared_by < 1:
        raise ValueError(
            f"shared_by={shared_by} must be at least 1, the number of consecutive members that get the same random "
            "numbers: 2 is twins, 1 is each its own, None is all."
        )


def judge(fitness: Any, state: ESState, members: np.ndarray, on_nan: Invalid) -> np.ndarray:
    """Applies the policy for a fitness that is not finite.

    Raises:
      FitnessError: with `Invalid.RAISE`, naming the first such member.
    """
    fitness = np.asarray(fitness, np.float32)
    bad = ~np.isfinite(fitness)
    if bad.any() and on_nan is Invalid.RAISE:
        first = int(np.argwhere(bad)[0, 0])
        raise FitnessError(
            f"member {members[first]} of generation {int(state.generation)} has fitness {fitness[bad][0]}; return a "
            "finite number, or choose on_nan=Invalid.DROP_PAIR or Invalid.WORST."
        )
    return np.where(bad, np.float32(-np.inf if on_nan is Invalid.WORST else np.nan), fitness)


# Makes an evaluator of (fitness function, params): says how the function wants to be called.
FitnessForm = Callable[[Callable[..., Any], Params], Evaluator]


def from_fitness(fn: Callable[..., Any], params: Params, form: FitnessForm | None = None) -> Evaluator:
    """Evolves `params` to make a fitness function as large as possible.

    Args:
      fn: the fitness, higher is better; what it is called with depends on the form.
      params: initial parameters, a pytree of arrays.
      form: `jittable()` (default): JAX code `fn(params, key) -> scalar`, lifted and vmapped over members.
        `batched()`: Python called once a block, `fn(members, keys) -> (n,)`, where
        `members.apply(model, inputs)` runs a JAX function for all members at once.
        `blocking(...)`: plain Python `fn(params, seed) -> float` on NumPy parameters, in a process of its
        own with a time limit.

    Raises:
      ValueError: when the function does not return what its form asks for, before any work starts.
    """
    for path, leaf in jax.tree_util.tree_flatten_with_path(params)[0]:
        if not isinstance(leaf, jax.Array | np.ndarray):
            name = jax.tree_util.keystr(path, simple=True, separator="/")
            raise ValueError(
                f"leaf {name!r} of params is a {type(leaf).__name__}, not an array; keep what is not an array out "
                "of params (for an Equinox module: eqx.partition(model, eqx.is_inexact_array))."
            )
    return (form or jittable())(fn, params)


def jittable(*, shared_by: int | None = 2, on_nan: Invalid = Invalid.DROP_PAIR) -> FitnessForm:
    """The form of a JAX function `fn(params, key) -> scalar`; the key is the caller's to consume.

    Args:
      shared_by: how many consecutive members get the same key (common random numbers): 2 is twins, 1 is
        each its own, None is all members of a generation.
      on_nan: policy for a fitness that is not finite.
    """

    check_shared_by(shared_by)
    on_nan = Invalid(on_nan)

    def make(fn: Callable[..., Any], params: Params) -> Evaluator:
        _check_scalar(fn, params)

        def bind(perturb: Perturb) -> EvaluateBlock:
            @BlockProgram
            def block(state: ESState, members: Array) -> Array:
                keys = member_keys(generation_key(state), members, shared_by)
                return perturb_block(perturb, state, members).apply(fn, keys).astype(jnp.float32)

            def evaluate(state: ESState, statistics: Any, members: np.ndarray) -> Evaluation:
                del statistics
                return Evaluation(judge(block(state, members), state, members, on_nan), 0)

            return CompiledBlock(evaluate, lambda state, _, members: block.trace(state, members))

        @SharedProgram
        def mean_fitness(params: Params, keys: Key[Array, " e"]) -> Array:
            return jax.vmap(fn, (None, 0))(params, keys)

        def test(params: Params, _: Any, key: PRNGKeyArray, episodes: int) -> np.ndarray:
            return np.asarray(mean_fitness(params, jax.random.split(key, episodes)))

        def check(perturb: Perturb, state: ESState) -> object:
            def one(state: ESState) -> Any:
                return lift(fn)(perturb(state, jnp.int32(0)), generation_key(state))

            return jax.eval_shape(one, state)

        settings = _settings("jittable", fn)
        return Evaluator(lambda _: params, bind, test, 1, settings, concurrent=True, check=check)

    return make


def batched(*, shared_by: int | None = 2, on_nan: Invalid = Invalid.DROP_PAIR) -> FitnessForm:
    """The form of a Python function `fn(members, keys) -> (n,)`, called once for each block.

    `members` is a `Members`, `keys` are `(n,)` PRNG keys. For simulators that step many instances at once,
    and for scoring that is not JAX. Arguments as in `jittable`.
    """

    check_shared_by(shared_by)
    on_nan = Invalid(on_nan)

    def make(fn: Callable[..., Any], params: Params) -> Evaluator:
        def call(members: Members, keys: Key[Array, " n"]) -> np.ndarray:
            fitness = np.asarray(fn(members, keys), np.float32)
            if fitness.shape != keys.shape:
                raise ValueError(
                    f"the batched fitness {_name(fn)} returned shape {fitness.shape} for {keys.shape[0]} "
                    f"members; return one number per member, shape {keys.shape}."
                )
            return fitness

        def bind(perturb: Perturb) -> EvaluateBlock:
            @SharedProgram
            def prepare(state: ESState, members: Array) -> tuple[Members, Key[Array, " n"]]:
                keys = member_keys(generation_key(state), members, shared_by)
                return perturb_block(perturb, state, members), keys

            def evaluate(state: ESState, statistics: Any, members: np.ndarray) -> Evaluation:
                del statistics
                return Evaluation(judge(call(*prepare(state, members)), state, members, on_nan), 0)

            return evaluate

        def test(params: Params, _: Any, key: PRNGKeyArray, episodes: int) -> np.ndarray:
            keys = jax.random.split(key, episodes)
            return np.concatenate([call(Members(params, 1), keys[i : i + 1]) for i in range(episodes)])

        return Evaluator(lambda _: params, bind, test, 1, _settings("batched", fn), compiled=False)

    return make


def _check_scalar(fn: Callable[..., Any], params: Params) -> None:
    result = jax.eval_shape(lambda p: fn(p, jax.random.key(0)), params)
    shape, dtype = getattr(result, "shape", None), getattr(result, "dtype", None)
    if shape != () or dtype is None or not jnp.issubdtype(dtype, jnp.number):
        found = type(result).__name__ if shape is None else f"{dtype}{list(shape)}"
        raise ValueError(
            f"the fitness {_name(fn)} returned {found}; a jittable fitness returns one number (shape ()): "
            "reduce with .mean(), or choose form=batched()."
        )


def _settings(form: str, fn: Callable[..., Any]) -> dict[str, Any]:
    return {"fitness": _name(fn), "form": form}


def _name(fn: Callable[..., Any]) -> str:
    return getattr(fn, "__name__", type(fn).__name__)
