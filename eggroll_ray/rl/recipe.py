"""The recipe of an evaluator that plays in an environment: how to make it again from the record of a run."""

from collections.abc import Mapping
from typing import Any

from eggroll_ray.es.recipe import recipe_of, to_json
from eggroll_ray.models.policies import Policy
from eggroll_ray.rl.actions import DeterministicHead, Head, SamplingHead, clip, squash
from eggroll_ray.rl.agents import Agents, by_agent, by_role, own, shared, team
from eggroll_ray.rl.env import AnyEnv

HEADS = {"DeterministicHead": DeterministicHead, "SamplingHead": SamplingHead}
BOUNDS = {"squash": squash, "clip": clip}
GROUPINGS = {"by_role": by_role, "by_agent": by_agent, "shared": shared}
CREDITS = {"own": own, "team": team}


def describe(
    caller: str,
    env: AnyEnv,
    policy: Policy | Mapping[str, Policy] | None,
    head: Head,
    agents: Agents | None,
    arguments: Mapping[str, Any],
) -> dict[str, Any]:
    """Returns the recipe of an evaluator.

    Args:
      caller: the function that makes it: `from_env`, `from_host_env` or `self_play`.
      env, policy, head, agents: what it was given; `agents` is None where it takes none.
      arguments: the others, in JSON.

    Returns:
      The recipe, or `{"caller": caller, "missing": names}`, with the arguments that are code of a user's own.
    """
    found = {"env": recipe_of(env), "policy": _policies(policy), "head": _head(head)}
    if agents is not None:
        found["agents"] = _agents(agents)
    missing = [name for name, value in found.items() if value is None]
    if missing:
        return {"caller": caller, "missing": missing}
    found["env"] |= {"max_steps": env.max_steps}
    return {"caller": caller, **found, **to_json(dict(arguments))}


def _policies(policy: Policy | Mapping[str, Policy] | None) -> Any:
    if not isinstance(policy, Mapping):
        return "default" if policy is None else recipe_of(policy)
    each = {name: recipe_of(one) for name, one in policy.items()}
    return None if None in each.values() else {"groups": each}


def _head(head: Head) -> Any:
    kind = next((name for name, one in HEADS.items() if type(head) is one), None)
    bound = _name(BOUNDS, getattr(head, "bound", None))
    return None if kind is None or bound is None else {"name": kind, "bound": bound}


def _agents(agents: Agents) -> Any:
    credit = _name(CREDITS, agents.credit)
    groups = _name(GROUPINGS, agents.groups)
    if isinstance(agents.groups, Mapping):
        groups = {name: list(members) for name, members in agents.groups.items()}
    return (
        None if credit is None or groups is None else {"groups": groups, "credit": credit, "identify": agents.identify}
    )


def _name(known: Mapping[str, Any], value: Any) -> str | None:
    return next((name for name, one in known.items() if one is value), None)
