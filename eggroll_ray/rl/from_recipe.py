"""An evaluator from its recipe, which a record holds."""

from collections.abc import Callable, Mapping
from typing import Any

from eggroll_ray.es.recipe import from_json
from eggroll_ray.evaluators.record import Evaluator
from eggroll_ray.models.policies import policy_from
from eggroll_ray.rl.agents import Agents
from eggroll_ray.rl.host_rollout import from_host_env
from eggroll_ray.rl.jax_rollout import from_env
from eggroll_ray.rl.recipe import BOUNDS, CREDITS, GROUPINGS, HEADS
from eggroll_ray.rl.self_play import Rivals, self_play

_CALLERS: dict[str, Callable[..., Evaluator]] = {
    "from_env": from_env,
    "from_host_env": from_host_env,
    "self_play": self_play,
}


def evaluator_from(recipe: Mapping[str, Any], make_env: Callable[..., Any]) -> Evaluator:
    """Makes an evaluator of its recipe.

    Args:
      recipe: what `rl.recipe.describe` has returned; it must not be of something `missing`.
      make_env: makes an environment of its id and options.

    Raises:
      ValueError: when the recipe is none of this version's, or what it asks for cannot be made.
    """
    try:
        given = {name: from_json(value) for name, value in recipe.items() if name not in ("caller", *_SPECIAL)}
        given["head"] = HEADS[recipe["head"]["name"]](BOUNDS[recipe["head"]["bound"]])
        if "agents" in recipe:
            given["agents"] = _agents(recipe["agents"])
        if "rivals" in recipe:
            given["rivals"] = Rivals(**recipe["rivals"])
        maker, wanted = _CALLERS[recipe["caller"]], recipe["env"]["max_steps"]
        name, options = recipe["env"]["name"], from_json(recipe["env"]["arguments"])
        policy = _policy(recipe["policy"])
    except (KeyError, TypeError, AttributeError) as error:
        raise _unknown(recipe) from error
    env = make_env(name, **options)
    if env.max_steps != wanted:
        raise ValueError(
            f"an episode of {name} has at most {env.max_steps} steps here, where the run was recorded {wanted}: "
            "install the version of the suite that it was recorded with."
        )
    try:
        return maker(env, policy, **given)
    except TypeError as error:  # an entry that is no argument, or that is of another kind
        raise _unknown(recipe) from error


def _unknown(recipe: Mapping[str, Any]) -> ValueError:
    return ValueError(f"{str(dict(recipe))[:80]} is the recipe of no evaluator that this version knows.")


_SPECIAL = ("env", "policy", "head", "agents", "rivals")


def _policy(recipe: Any) -> Any:
    if recipe == "default":
        return None
    if "groups" in recipe:
        return {name: policy_from(one) for name, one in recipe["groups"].items()}
    return policy_from(recipe)


def _agents(recipe: Mapping[str, Any]) -> Agents:
    groups = recipe["groups"]
    groups = (
        {name: tuple(members) for name, members in groups.items()} if isinstance(groups, dict) else GROUPINGS[groups]
    )
    return Agents(groups, CREDITS[recipe["credit"]], recipe["identify"])
