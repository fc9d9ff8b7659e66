"""What stands in `policy.json` beside every export: all that is needed to call the policy, or to build it again."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from eggroll_ray.exporting.function import PolicyFunction, Port
from eggroll_ray.rl.actions import SamplingHead
from eggroll_ray.rl.agents import Group
from eggroll_ray.rl.env import Box, Discrete, Space
from eggroll_ray.rl.normalize import CLIP
from eggroll_ray.rl.trained_policy import TrainedPolicy
from eggroll_ray.runs.checkpoint import named_arrays

SCHEMA = 1


def policy_arrays(policy: TrainedPolicy) -> dict[str, np.ndarray]:
    """Returns the parameters by their paths, and beside them `normalizer/mean` and `normalizer/std`, if there are any.

    Of several groups the name of the group comes first: `wolf/layer_0/kernel`, `normalizer/wolf/mean`.

    Raises:
      ValueError: for parameters that have the names of the normaliser.
    """
    params, frozen = named_arrays(policy.params), named_arrays({"normalizer": policy.normalizer})
    if both := sorted(params.keys() & frozen.keys()):
        raise ValueError(f"the parameters {', '.join(both)} have names of the observation normaliser; rename them.")
    return params | frozen


def describe(policy: TrainedPolicy, function: PolicyFunction, more: Mapping[str, Any]) -> dict[str, Any]:
    """Says what the policy is and how it is called, in what JSON holds.

    Args:
      policy: the policy.
      function: of it.
      more: further entries, such as the run that it is from.
    """
    cast = policy.cast
    return {
        "schema": SCHEMA,
        "environment": cast.env.name,
        **more,
        "inputs": [_port(port) for port in function.inputs],
        "outputs": [_port(port) for port in function.outputs],
        "agents": list(cast.env.agents),
        "groups": {group.name: _group(group, cast.normalize) for group in cast.groups},
        "parameters": {
            name: {"shape": list(array.shape), "dtype": array.dtype.name}
            for name, array in named_arrays(policy.params).items()
        },
    }


def _port(port: Port) -> dict[str, Any]:
    found: dict[str, Any] = {"name": port.name, "shape": ["n", *port.shape], "dtype": port.dtype.name}
    if port.initial is not None and port.name.startswith("carry"):
        flat = port.initial.reshape(-1)
        found["initial"] = flat[0].item() if (flat == flat[0]).all() else port.initial.tolist()
    return found


def _group(group: Group, normalize: bool) -> dict[str, Any]:
    return {
        "agents": list(group.agents),
        "network": dict(group.policy.architecture),
        "observation_shape": list(group.observation_space.shape),
        "normalized": {"clip": CLIP} if normalize else None,
        "identify": group.identify,  # whether a one-hot number of the agent within its group is appended
        "action": _action(group.action_space, group),
    }


def _action(space: Space, group: Group) -> dict[str, Any]:
    sampled = isinstance(group.head, SamplingHead)
    head = {"head": type(group.head).__name__, "noise": None}
    if not isinstance(space, Box):
        kind = {"kind": "discrete", "n": space.n} if isinstance(space, Discrete) else {"kind": "multi_discrete"}
        several = {} if isinstance(space, Discrete) else {"n": list(space.n)}
        return {**kind, **several, **head, "noise": "gumbel" if sampled else None}
    bound = getattr(group.head, "bound", None)
    return {
        "kind": "box",
        "shape": list(space.shape),
        "low": _finite(space.low),
        "high": _finite(space.high),
        **head,
        "noise": "normal" if sampled else None,
        "bound": getattr(bound, "__name__", None if bound is None else type(bound).__name__),
    }


def _finite(bounds: np.ndarray) -> Any:
    """Nested lists in which null stands for a bound that is infinite."""
    return jax.tree.map(lambda x: x if math.isfinite(x) else None, bounds.tolist())
