"""Checks a run before any work starts, and derives what is known by then: shapes of the state, noise and plan."""

import logging
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from eggroll_ray.es.leaves import Leaf
from eggroll_ray.es.record import ES, ESState, Perturbation
from eggroll_ray.evaluators.members import noise_bytes
from eggroll_ray.evaluators.record import Evaluator
from eggroll_ray.models.policies import Policy
from eggroll_ray.workers.formed_leaves import FormedLeaf, check_evaluation
from eggroll_ray.workers.plan import Plan, make_plan

_log = logging.getLogger(__name__)


class Prepared(NamedTuple):
    """The result of `prepare`."""

    strategy: ES  # the strategy; it also forms the leaves that operations without a low-rank rule need, if it may
    formed: list[FormedLeaf]  # the leaves that were added for this reason
    shapes: ESState  # the state, with `jax.ShapeDtypeStruct` in place of arrays
    leaves: list[Leaf]  # how each parameter array is perturbed
    noise_bytes: int  # bytes of noise that each member of a block holds
    plan: Plan


def prepare(
    evaluator: Evaluator,
    strategy: ES,
    population_size: int,
    *,
    block_size: int | None = None,
    seed: int = 0,
    test_episodes: int | None = None,
) -> Prepared:
    """Checks that evaluator, strategy and numbers fit together, and makes the plan. It traces, but computes nothing.

    Args:
      evaluator: what is optimised.
      strategy: how it is optimised.
      population_size: number of members, even.
      block_size: members of a block, an even divisor of the population size. None means the default for the model.
      seed: seed of all random numbers, in [0, 2**32).
      test_episodes: episodes in a test of the mean parameters. None means what the evaluator suggests.

    Raises:
      ValueError: for numbers out of range, which are checked first; for a strategy whose `perturb` is not a
        `Perturbation`; for what tracing the evaluation raises; for an optimiser that needs more than the estimate, its
        state and the parameters.
    """
    _check_kinds(evaluator, strategy)
    episodes = evaluator.test_episodes if test_episodes is None else test_episodes
    groups = max(1, len(evaluator.groups))
    make_plan(population_size, block_size, seed, episodes, groups)  # checks the numbers before anything slow
    if not isinstance(strategy.perturb, Perturbation):
        raise ValueError(
            f"perturb={strategy.perturb!r} of the strategy must be a Perturbation(draw, apply), so that twins share a "
            "draw; see eggroll_ray.es.record."
        )
    shapes = jax.eval_shape(lambda: strategy.init(evaluator.init(seed), seed))
    strategy, formed = check_evaluation(evaluator, strategy, shapes)
    _check_update(strategy, shapes, population_size, evaluator.groups)
    own = noise_bytes(strategy.perturb, shapes)
    plan = make_plan(population_size, block_size, seed, episodes, groups, own, strategy.signs_only)
    return Prepared(strategy, formed, shapes, strategy.label(shapes.params), own, plan)


def _check_update(strategy: ES, shapes: ESState, population_size: int, groups: tuple[str, ...]) -> None:
    """Traces the update, so that its errors appear before a generation is evaluated.

    This costs no extra time in this process, because JAX caches the trace.
    """
    column = jax.ShapeDtypeStruct((population_size,), jnp.float32)
    try:
        after, _ = jax.eval_shape(strategy.update, shapes, dict.fromkeys(groups, column) if groups else column)
    except ValueError:  # usually raised by this package, with a message that says what to do
        raise
    except Exception as error:
        raise ValueError(
            f"the update of the strategy fails: {type(error).__name__}: {error}\nAn optimiser is given the estimate, "
            "its state and the parameters, but no value of the loss, no gradient function and no other argument: "
            "evolution strategies do not evaluate a loss at the mean parameters. Leave out what needs one. To lower a "
            "learning rate, use a schedule by generation such as optax.cosine_decay_schedule."
        ) from error
    kept = [jax.tree_util.tree_flatten_with_path(state)[0] for state in (shapes, after)]
    before, changed = ({jax.tree_util.keystr(path): (x.shape, x.dtype) for path, x in flat} for flat in kept)
    for name in sorted({*before, *changed}):
        if (was := before.get(name)) != (becomes := changed.get(name)):
            raise ValueError(
                f"the update of the strategy makes state{name} of {was} into {becomes}: shape and dtype must stay as "
                "init made them, because compiled programs and checkpoints rely on it."
            )


def _check_kinds(evaluator: Any, strategy: Any) -> None:
    """Raises ValueError for arguments that are not an evaluator and a strategy, with what to pass instead."""
    if not isinstance(evaluator, Evaluator):
        if hasattr(evaluator, "max_steps"):
            remedy = f"{'from_env' if hasattr(evaluator, 'reset') else 'from_host_env'}(environment, mlp())"
        elif hasattr(evaluator, "reset") and hasattr(evaluator, "step"):
            remedy = "from_host_env(envs.gym_env.from_function(make, name='mine', max_steps=1000), mlp())"
        elif isinstance(evaluator, Policy):
            remedy = "from_env(environment, policy)"
        else:
            remedy = "from_fitness(function, params), or from_env(envs.make('gymnax/CartPole-v1'), mlp())"
        raise ValueError(f"what is optimised must be an evaluator, not {_of_kind(evaluator)}; give {remedy}.")
    if not isinstance(strategy, ES):
        optimizer = isinstance(strategy, optax.GradientTransformation)
        remedy = "eggroll(optimizer=...) of it" if optimizer else "what eggroll() or openai_es() returns"
        raise ValueError(f"the strategy is {_of_kind(strategy)}; give {remedy}.")


def _of_kind(value: Any) -> str:
    return f"of type {type(value).__name__}{f' {value.__name__!r}' if hasattr(value, '__name__') else ''}"


def check_windows(strategy: ES, windows: int) -> None:
    """Raises ValueError when the strategy is set for another number of windows per episode than the evaluator has."""
    for name, value in (("persistent", strategy.persistent), ("noise_reuse", strategy.noise_reuse)):
        if value not in (1, windows) and (name == "persistent" or windows > 1):
            raise ValueError(
                f"{name}={value} of the strategy must be {windows}, the windows of an episode of this evaluator; "
                "from_env(window=steps) sets the length of a window."
            )
    if windows > 1 and strategy.persistent == strategy.noise_reuse == 1:
        _log.warning(
            "episodes have %d windows, each with its own noise, so the estimate misses the effects that an action has "
            "after its window; choose persistent=%d or noise_reuse=%d (and a sigma that is constant within an episode)",
            *[windows] * 3,
        )
