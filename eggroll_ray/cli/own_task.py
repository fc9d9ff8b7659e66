"""What a user's own code on the command line gives: an environment, a policy, a fitness with its parameters."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from eggroll_ray.cli.options import TaskOptions
from eggroll_ray.cli.own_code import resolve
from eggroll_ray.evaluators.blocking import blocking
from eggroll_ray.evaluators.functions import batched, from_fitness, jittable
from eggroll_ray.evaluators.record import Evaluator
from eggroll_ray.models.policies import Policy
from eggroll_ray.rl.env import Env, HostEnv

_LIMITS = ("max_steps", "max_episode_steps")  # options that say when an episode ends at the latest


def own_environment(text: str, options: Mapping[str, Any]) -> Env | HostEnv:
    """Makes the environment that `--env module:attribute` names.

    Args:
      text: of the option. The attribute is an `Env` or a `HostEnv`; or a class or a function that makes one of those,
        a Gymnasium environment, or a PettingZoo environment.
      options: of the environment, which the class or function is called with. `max_steps` says when an episode of a
        Gymnasium or PettingZoo environment ends at the latest, unless the function takes an argument of that name.

    Raises:
      ValueError: for an attribute that is none of these, or that cannot be made.
    """
    found = resolve(text, "--env")
    if isinstance(found, Env | HostEnv):
        if options:
            raise ValueError(f"--env {text!r} is an environment already, so it takes no options: {dict(options)}.")
        return found
    if not callable(found):
        raise _no_environment(text, found)
    own, limit = dict(options), None
    for name in _LIMITS:
        if name in own and not _takes(found, name):
            limit = own.pop(name)
    make = functools.partial(found, **own)
    try:
        made = make()
    except Exception as error:
        raise ValueError(f"--env {text!r} cannot be made: {type(error).__name__}: {error}") from error
    if isinstance(made, Env | HostEnv):
        return made
    if not (hasattr(made, "reset") and hasattr(made, "step")):
        raise _no_environment(text, made)
    several, close = hasattr(made, "possible_agents"), getattr(made, "close", None)
    if close is not None:
        close()
    if several:
        from envs.pettingzoo_env import from_function

        if limit is None:
            raise ValueError(f"--env {text!r} has several agents: say --env-options max_steps=500, or as many.")
        return from_function(make, name=text, max_steps=limit)
    from envs.gym_env import from_function

    return from_function(make, name=text, max_steps=limit)


def own_policy(text: str) -> Policy | Mapping[str, Policy]:
    """Returns the policy that `--policy module:attribute` names: a `Policy`, or a function without arguments of one.

    Raises:
      ValueError: for an attribute that is neither.
    """
    found = resolve(text, "--policy")
    if callable(found) and not isinstance(found, Policy):
        found = _called(found, f"--policy {text!r}")
    each = found.values() if isinstance(found, Mapping) else [found]
    if not all(isinstance(one, Policy) for one in each):
        raise ValueError(
            f"--policy {text!r} is of type {type(found).__name__}; it must be a Policy or a function that returns one, "
            "such as er.mlp((64,)), or er.feedforward(init, apply) of a Flax or Equinox module."
        )
    return found


def own_fitness(options: TaskOptions) -> Evaluator:
    """Makes the evaluator of `--fitness module:function`, `--params` and `--fitness-kind`.

    Raises:
      ValueError: for what is no function, or has no parameters.
    """
    text = options.fitness or ""
    found = resolve(text, "--fitness")
    if isinstance(found, Evaluator):
        return found
    if not callable(found):
        raise ValueError(
            f"--fitness {text!r} is of type {type(found).__name__}; it must be a function or an Evaluator."
        )
    if options.params is None:
        raise ValueError(
            f"--fitness {text!r} needs its initial parameters: --params module:attribute, a dictionary of arrays or a "
            "function without arguments that returns one."
        )
    forms = {"jax": jittable, "batched": batched, "python": functools.partial(blocking, time_limit=options.time_limit)}
    params, data = (_value(given, option) for given, option in ((options.params, "--params"), (options.data, "--data")))
    return from_fitness(found, params, forms[options.fitness_kind](), data=data)


def _value(text: str | None, option: str) -> Any:
    """What a name stands for, called if it is a function."""
    if text is None:
        return None
    found = resolve(text, option)
    return _called(found, f"{option} {text!r}") if callable(found) else found


def _called(make: Callable[..., Any], what: str) -> Any:
    try:
        return make()
    except Exception as error:
        raise ValueError(f"{what} was called without arguments and raised {type(error).__name__}: {error}") from error


def _takes(make: Callable[..., Any], name: str) -> bool:
    try:
        return name in inspect.signature(make).parameters
    except (TypeError, ValueError):  # of a class written in C
        return False


def _no_environment(text: str, found: Any) -> ValueError:
    return ValueError(
        f"--env {text!r} is of type {type(found).__name__}; it must be an Env, a HostEnv, a Gymnasium or PettingZoo "
        "environment's class, or a function that makes one of these."
    )
