"""Evaluators: everything a user can optimise, as one record that evaluates a block of members.

Letters in shapes: `n` members of a block, `e` episodes (or other repetitions) per member.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PRNGKeyArray

from eggroll_ray.compiling.block_program import BlockProgram
from eggroll_ray.compiling.program import SharedProgram
from eggroll_ray.es.numbers import whole
from eggroll_ray.es.record import ESState, Function, Perturbation
from eggroll_ray.evaluators.data import Data, HeldOut, warn_of_constants
from eggroll_ray.evaluators.members import Members, check_shared_by, generation_key, member_keys, perturb_block
from eggroll_ray.evaluators.minibatch import Minibatches, count_examples, minibatches, taken
from eggroll_ray.evaluators.record import (
    NO_PAST,
    CompiledBlock,
    Earlier,
    EvaluateBlock,
    Evaluation,
    Evaluator,
    Given,
    Invalid,
    Params,
    TestMean,
    evaluation_rules,
)
from eggroll_ray.evaluators.returned import evaluation_of, is_real, real_numbers
from eggroll_ray.lowrank.interpreter import lift

# Makes an evaluator of (fitness function, params, data), and of what is held out, where the user gives that: says how
# the function wants to be called.
FitnessForm = Callable[..., Evaluator]


def from_fitness(
    fn: Callable[..., Any],
    params: Params,
    form: FitnessForm | None = None,
    *,
    data: Any = None,
    test_data: Any = None,
    test: Callable[..., Any] | None = None,
) -> Evaluator:
    """Evolves `params` to make a fitness function as large as possible.

    Args:
      fn: the fitness, higher is better: a real number, of which float32 is kept (24 bits, up to 3.4e38). What it is
        called with depends on the form.
      params: initial parameters, a pytree of arrays.
      form: `jittable()` (default): JAX code `fn(params, key) -> scalar`, lifted and vmapped over members.
        `batched()`: Python called once a block, `fn(members, keys) -> (n,)`, where
        `members.apply(model, inputs)` runs a JAX function for all members at once.
        `blocking(...)`: plain Python `fn(params, seed) -> float` on NumPy parameters, in a process of its
        own with a time limit.
      data: a pytree of arrays that the function reads, such as a training set; the function is then called with it
        after the parameters: `fn(params, data, key)`, `fn(members, data, keys)`, `fn(params, data, seed)`. It is sent
        to each machine once and put on each worker's device once, while arrays that a JAX function closes over become
        part of the compiled program. The first form gets JAX arrays, the others NumPy arrays. None: no data. With
        `jittable(minibatch=...)` a function gets some of the examples in each generation.
      test_data: a pytree like `data`, such as a test set, on which the mean parameters are tested: all of it, whatever
        the minibatch. None: they are tested on all of `data`. Not for `blocking`.
      test: what the mean parameters are tested by, called as `fn` is, such as the accuracy where `fn` is minus a loss.
        Its numbers are the `mean_policy_return` of the rows, the `test` of the result, and what a target is of. None:
        `fn` itself. Not for `blocking`.

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
    if test_data is not None and data is None:
        raise ValueError("test_data needs data, which members are evaluated on; give both, or test_data as data.")
    own = Data(() if data is None else (data,))
    make = form or jittable()
    if test_data is None and test is None:
        return make(fn, params, own)
    return make(fn, params, own, HeldOut(Data(() if test_data is None else (test_data,)), test))


def jittable(
    *,
    shared_by: int | None = 2,
    on_nan: Invalid = Invalid.DROP_PAIR,
    minibatch: int | None = None,
    test_batch: int | None = None,
) -> FitnessForm:
    """The form of a JAX function `fn(params, key) -> scalar`; the key is the caller's to consume.

    Args:
      shared_by: how many consecutive members get the same key (common random numbers): 2 is twins, 1 is
        each its own, None is all members of a generation.
      on_nan: policy for a fitness that is not finite.
      minibatch: how many examples of `data` the members of a generation see, all members the same ones; then every
        array of `data` has the examples on its first axis, and the function is given so many of them. They follow from
        seed and generation: an epoch goes through all examples in an order of its own, each once, without those
        left over at its end. None: all of `data`.
      test_batch: how many examples a test of the mean parameters is given at once, for sets that do not fit into
        memory; the result is the mean over all examples, so what tests must itself be such a mean. None: all.

    Raises:
      ValueError: for numbers that are not positive; once it is given a function, for those that `data` does not fit.
    """

    check_shared_by(shared_by)
    on_nan = Invalid(on_nan)

    def make(fn: Callable[..., Any], params: Params, data: Data, held_out: HeldOut | None = None) -> Evaluator:
        data.check_fits_jax()
        batches = minibatches(data, minibatch)
        test, tested = _mean_test(fn, data, held_out, test_batch)
        example = data.host if batches is None else taken(data.host, np.zeros(batches.size, np.int32))
        _check_scalar(fn, params, example)
        if held_out is not None:
            _check_scalar(held_out.fn or fn, params, tested)

        def bind(perturb: Perturbation) -> EvaluateBlock:
            @BlockProgram
            def block(state: ESState, members: Array, placed: Any, *places: Array) -> Array:
                keys = member_keys(generation_key(state), members, shared_by)
                seen = taken(placed, places[0]) if places else placed
                both = perturb_block(perturb, state, members).beside(seen)
                return both.apply(lambda own, key: fn(own[0], *own[1], key), keys)

            def places_of(state: ESState) -> tuple[np.ndarray, ...]:
                return () if batches is None else (batches.places(int(state.seed), int(state.generation)),)

            def evaluate(given: Given) -> Evaluation:
                state, _, members, _ = given
                values = block(state, members, data.placed(), *places_of(state))
                return evaluation_of(values, state, members, on_nan)

            def trace(given: Given) -> jax.stages.Traced:
                return block.trace(given.state, given.members, data.host, *places_of(given.state))

            return CompiledBlock(evaluate, trace)

        def check(perturb: Perturbation, state: ESState) -> object:
            def one(state: ESState, placed: Any) -> Any:
                lifted = lift(lambda own, key: fn(own[0], *own[1], key))
                return lifted((perturb(state, jnp.int32(0)), placed), generation_key(state))

            return jax.eval_shape(one, state, example)

        def functions(params: Params) -> dict[str, Function]:
            def called(params: Params, placed: Any, key: Any) -> Any:
                return fn(params, *placed, key)

            key = jax.eval_shape(lambda: jax.random.key(0))
            traced = jax.make_jaxpr(called)(params, example, key)
            return {"fitness": Function(_name(fn), traced), "evaluation": evaluation_rules(shared_by, on_nan)}

        settings = _settings("jittable", fn, data, held_out, batches)
        return Evaluator(lambda _: params, bind, test, 1, settings, concurrent=True, check=check, functions=functions)

    return make


def _mean_test(fn: Callable[..., Any], data: Data, held_out: HeldOut | None, batch: int | None) -> tuple[TestMean, Any]:
    """The test of the mean parameters, and an example of the data that its function is given at once."""
    scored = fn if held_out is None or held_out.fn is None else held_out.fn
    seen = held_out.data if held_out is not None and held_out.data.host else data
    seen.check_fits_jax()

    @SharedProgram
    def mean_fitness(params: Params, keys: Key[Array, " e"], placed: Any) -> Array:
        return jax.vmap(lambda key: scored(params, *placed, key))(keys)

    if batch is None:
        cuts = None
    else:
        batch = whole("test_batch", batch)
        examples = count_examples(seen, "test_batch", "test_data")
        if batch < 1:
            raise ValueError(f"test_batch={batch} must be at least 1, the examples that are tested at once.")
        cuts = [slice(start, min(start + batch, examples)) for start in range(0, examples, batch)]

    def test(
        params: Params, _: Any, key: PRNGKeyArray, episodes: int, past: Mapping[int, Earlier] = NO_PAST
    ) -> np.ndarray:
        del past
        keys = jax.random.split(key, episodes)
        if cuts is None:
            return np.asarray(mean_fitness(params, keys, seen.placed()))
        parts = [np.asarray(mean_fitness(params, keys, taken(seen.host, cut)), np.float64) for cut in cuts]
        return np.average(parts, axis=0, weights=[cut.stop - cut.start for cut in cuts]).astype(np.float32)

    return test, seen.host if cuts is None else taken(seen.host, cuts[0])


def batched(
    *, shared_by: int | None = 2, on_nan: Invalid = Invalid.DROP_PAIR, minibatch: int | None = None
) -> FitnessForm:
    """The form of a Python function `fn(members, keys) -> (n,)`, called once for each block.

    `members` is a `Members`, `keys` are `(n,)` PRNG keys. For simulators that step many instances at once,
    and for scoring that is not JAX. Arguments as in `jittable`.
    """

    check_shared_by(shared_by)
    on_nan = Invalid(on_nan)

    def make(fn: Callable[..., Any], params: Params, data: Data, held_out: HeldOut | None = None) -> Evaluator:
        batches = minibatches(data, minibatch)
        scored = fn if held_out is None or held_out.fn is None else held_out.fn
        tested = held_out.data if held_out is not None and held_out.data.host else data

        def call(fn: Callable[..., Any], members: Members, seen: Any, keys: Key[Array, " n"]) -> np.ndarray:
            fitness = real_numbers(fn(members, *seen, keys), f"the batched fitness {_name(fn)}")
            if fitness.shape != keys.shape:
                raise ValueError(
                    f"the batched fitness {_name(fn)} returned shape {fitness.shape} for {keys.shape[0]} "
                    f"members; return one number per member, shape {keys.shape}."
                )
            return fitness

        def bind(perturb: Perturbation) -> EvaluateBlock:
            @SharedProgram
            def prepare(state: ESState, members: Array) -> tuple[Members, Key[Array, " n"]]:
                keys = member_keys(generation_key(state), members, shared_by)
                return perturb_block(perturb, state, members), keys

            def evaluate(given: Given) -> Evaluation:
                state, _, members, _ = given
                perturbed, keys = prepare(state, members)
                seen = data.host
                if batches is not None:
                    seen = taken(seen, batches.places(int(state.seed), int(state.generation)))
                return evaluation_of(call(fn, perturbed, seen, keys), state, members, on_nan)

            return evaluate

        def test(
            params: Params, _: Any, key: PRNGKeyArray, episodes: int, past: Mapping[int, Earlier] = NO_PAST
        ) -> np.ndarray:
            del past
            keys = jax.random.split(key, episodes)
            one = Members(params, 1)
            return np.concatenate([call(scored, one, tested.host, keys[i : i + 1]) for i in range(episodes)])

        rules = {"evaluation": evaluation_rules(shared_by, on_nan)}
        settings = _settings("batched", fn, data, held_out, batches)
        return Evaluator(lambda _: params, bind, test, 1, settings, compiled=False, functions=lambda params: rules)

    return make


def _check_scalar(fn: Callable[..., Any], params: Params, seen: Any) -> None:
    trace = jax.make_jaxpr(lambda p, placed: fn(p, *placed, jax.random.key(0)), return_shape=True)
    traced, result = trace(params, seen)
    shape, dtype = getattr(result, "shape", None), getattr(result, "dtype", None)
    if shape != () or dtype is None or not is_real(dtype):
        found = type(result).__name__ if shape is None else f"{dtype}{list(shape)}"
        raise ValueError(
            f"the fitness {_name(fn)} returned {found}; a jittable fitness returns one real number (shape ()): "
            "reduce with .mean(), take .real or abs() of a complex one, or choose form=batched()."
        )
    warn_of_constants(_name(fn), traced)


def _settings(
    form: str, fn: Callable[..., Any], data: Data, held_out: HeldOut | None, batches: Minibatches | None
) -> dict[str, Any]:
    settings = {"fitness": _name(fn), "form": form, **data.settings()}
    # Named only where they are used: runs of before they existed can be continued.
    settings |= {} if held_out is None else held_out.settings()
    return settings | ({} if batches is None else {"minibatch": batches.size})


def _name(fn: Callable[..., Any]) -> str:
    return getattr(fn, "__name__", type(fn).__name__)
