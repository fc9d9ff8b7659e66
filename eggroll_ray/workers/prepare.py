"""What is known of a run before any work starts: what its state is made of, its noise, and its plan."""

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
    """See `prepare`."""

    strategy: ES  # with more leaves formed, where it says so of operations without a low-rank rule
    formed: list[FormedLeaf]  # these leaves
    shapes: ESState  # of the state, arrays as `jax.ShapeDtypeStruct`
    leaves: list[Leaf]  # how each parameter array is perturbed
    noise_bytes: int  # that a member of a block holds
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
    """Checks that evaluator, strategy and numbers fit, and completes the plan. It traces, and computes nothing.

    Args:
      evaluator: what is optimised.
      strategy: how.
      population_size: members, even.
      block_size: members of a block, an even divisor of the population size; None: the default of the model.
      seed: of everything random, in [0, 2**32).
      test_episodes: of a test of the mean parameters; None: what the evaluator suggests.

    Raises:
      ValueError: for numbers out of range, first; for a strategy whose `perturb` is no `Perturbation`; for what an
        evaluation would raise when it is traced; for an optimiser that cannot make an update of what it is given.
    """
    _check_kinds(evaluator, strategy)
    episodes = evaluator.test_episodes if test_episodes is None else test_episodes
    groups = max(1, len(evaluator.groups))
    make_plan(population_size, block_size, seed, episodes, groups)  # what is wrong with the numbers comes first
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
    """Traces the update, so that what is wrong with it shows before a generation is evaluated.

    In this process nothing is traced twice: JAX remembers.
    """
    column = jax.ShapeDtypeStruct((population_size,), jnp.float32)
    try:
        after, _ = jax.eval_shape(strategy.update, shapes, dict.fromkeys(groups, column) if groups else column)
    except ValueError:  # of ours, as a rule: it says what to do
        raise
    except Exception as error:
        raise ValueError(
            f"the update of the strategy fails: {type(error).__name__}: {error}\nAn optimiser is given the estimate, "
            "its state and the parameters. No value of the loss, gradient function or other argument comes with them: "
            "evolution knows no loss at the mean parameters. Leave out what needs one; a schedule by generation, such "
            "as optax.cosine_decay_schedule, lowers a learning rate as well."
        ) from error
    kept = [jax.tree_util.tree_flatten_with_path(state)[0] for state in (shapes, after)]
    before, changed = ({jax.tree_util.keystr(path): (x.shape, x.dtype) for path, x in flat} for flat in kept)
    for name in sorted({*before, *changed}):
        if (was := before.get(name)) != (becomes := changed.get(name)):
            raise ValueError(
                f"the update of the strategy makes state{name} of {was} into {becomes}: shape and dtype must stay what "
                "init made, for programs and checkpoints."
            )


def _check_kinds(evaluator: Any, strategy: Any) -> None:
    """Raises ValueError for what is no evaluator or no strategy, with what to make of it."""
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
    """Raises ValueError when the strategy takes an episode for other windows than it has."""
    for name, value in (("persistent", strategy.persistent), ("noise_reuse", strategy.noise_reuse)):
        if value not in (1, windows) and (name == "persistent" or windows > 1):
            raise ValueError(
                f"{name}={value} of the strategy must be {windows}, the windows of an episode of this evaluator; "
                "from_env(window=steps) sets how long a window is."
            )
    if windows > 1 and strategy.persistent == strategy.noise_reuse == 1:
        _log.warning(
            "episodes have %d windows, each with noise of its own: the estimate misses what an action does after its "
            "window; choose persistent=%d or noise_reuse=%d (and a sigma that is constant within an episode)",
            *[windows] * 3,
        )
