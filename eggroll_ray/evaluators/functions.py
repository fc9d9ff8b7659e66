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
from eggroll_ray.es.record import ESState, Function, Perturbation
from eggroll_ray.evaluators.data import Data, warn_of_constants
from eggroll_ray.evaluators.members import Members, check_shared_by, generation_key, member_keys, perturb_block
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
    evaluation_rules,
)
from eggroll_ray.evaluators.returned import evaluation_of, is_real, real_numbers
from eggroll_ray.lowrank.interpreter import lift

# Makes an evaluator of (fitness function, params, data): says how the function wants to be called.
FitnessForm = Callable[[Callable[..., Any], Params, Data], Evaluator]


def from_fitness(
    fn: Callable[..., Any], params: Params, form: FitnessForm | None = None, *, data: Any = None
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
        part of the compiled program. The first form gets JAX arrays, the others NumPy arrays. None: no data.

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
    return (form or jittable())(fn, params, Data(() if data is None else (data,)))


def jittable(*, shared_by: int | None = 2, on_nan: Invalid = Invalid.DROP_PAIR) -> FitnessForm:
    """The form of a JAX function `fn(params, key) -> scalar`; the key is the caller's to consume.

    Args:
      shared_by: how many consecutive members get the same key (common random numbers): 2 is twins, 1 is
        each its own, None is all members of a generation.
      on_nan: policy for a fitness that is not finite.
    """

    check_shared_by(shared_by)
    on_nan = Invalid(on_nan)

    def make(fn: Callable[..., Any], params: Params, data: Data) -> Evaluator:
        data.check_fits_jax()
        _check_scalar(fn, params, data)

        def bind(perturb: Perturbation) -> EvaluateBlock:
            @BlockProgram
            def block(state: ESState, members: Array, placed: Any) -> Array:
                keys = member_keys(generation_key(state), members, shared_by)
                both = perturb_block(perturb, state, members).beside(placed)
                return both.apply(lambda own, key: fn(own[0], *own[1], key), keys)

            def evaluate(given: Given) -> Evaluation:
                state, _, members, _ = given
                return evaluation_of(block(state, members, data.placed()), state, members, on_nan)

            return CompiledBlock(evaluate, lambda given: block.trace(given.state, given.members, data.host))

        @SharedProgram
        def mean_fitness(params: Params, keys: Key[Array, " e"], placed: Any) -> Array:
            return jax.vmap(lambda key: fn(params, *placed, key))(keys)

        def test(
            params: Params, _: Any, key: PRNGKeyArray, episodes: int, past: Mapping[int, Earlier] = NO_PAST
        ) -> np.ndarray:
            del past
            return np.asarray(mean_fitness(params, jax.random.split(key, episodes), data.placed()))

        def check(perturb: Perturbation, state: ESState) -> object:
            def one(state: ESState, placed: Any) -> Any:
                lifted = lift(lambda own, key: fn(own[0], *own[1], key))
                return lifted((perturb(state, jnp.int32(0)), placed), generation_key(state))

            return jax.eval_shape(one, state, data.host)

        def functions(params: Params) -> dict[str, Function]:
            def called(params: Params, placed: Any, key: Any) -> Any:
                return fn(params, *placed, key)

            key = jax.eval_shape(lambda: jax.random.key(0))
            traced = jax.make_jaxpr(called)(params, data.host, key)
            return {"fitness": Function(_name(fn), traced), "evaluation": evaluation_rules(shared_by, on_nan)}

        settings = _settings("jittable", fn, data)
        return Evaluator(lambda _: params, bind, test, 1, settings, concurrent=True, check=check, functions=functions)

    return make


def batched(*, shared_by: int | None = 2, on_nan: Invalid = Invalid.DROP_PAIR) -> FitnessForm:
    """The form of a Python function `fn(members, keys) -> (n,)`, called once for each block.

    `members` is a `Members`, `keys` are `(n,)` PRNG keys. For simulators that step many instances at once,
    and for scoring that is not JAX. Arguments as in `jittable`.
    """

    check_shared_by(shared_by)
    on_nan = Invalid(on_nan)

    def make(fn: Callable[..., Any], params: Params, data: Data) -> Evaluator:
        def call(members: Members, keys: Key[Array, " n"]) -> np.ndarray:
            fitness = real_numbers(fn(members, *data.host, keys), f"the batched fitness {_name(fn)}")
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
                return evaluation_of(call(*prepare(state, members)), state, members, on_nan)

            return evaluate

        def test(
            params: Params, _: Any, key: PRNGKeyArray, episodes: int, past: Mapping[int, Earlier] = NO_PAST
        ) -> np.ndarray:
            del past
            keys = jax.random.split(key, episodes)
            return np.concatenate([call(Members(params, 1), keys[i : i + 1]) for i in range(episodes)])

        rules = {"evaluation": evaluation_rules(shared_by, on_nan)}
        settings = _settings("batched", fn, data)
        return Evaluator(lambda _: params, bind, test, 1, settings, compiled=False, functions=lambda params: rules)

    return make


def _check_scalar(fn: Callable[..., Any], params: Params, data: Data) -> None:
    trace = jax.make_jaxpr(lambda p, placed: fn(p, *placed, jax.random.key(0)), return_shape=True)
    traced, result = trace(params, data.host)
    shape, dtype = getattr(result, "shape", None), getattr(result, "dtype", None)
    if shape != () or dtype is None or not is_real(dtype):
        found = type(result).__name__ if shape is None else f"{dtype}{list(shape)}"
        raise ValueError(
            f"the fitness {_name(fn)} returned {found}; a jittable fitness returns one real number (shape ()): "
            "reduce with .mean(), take .real or abs() of a complex one, or choose form=batched()."
        )
    warn_of_constants(_name(fn), traced)


def _settings(form: str, fn: Callable[..., Any], data: Data) -> dict[str, Any]:
    return {"fitness": _name(fn), "form": form, **data.settings()}


def _name(fn: Callable[..., Any]) -> str:
    return getattr(fn, "__name__", type(fn).__name__)
