"""Reads and changes hyperparameters that are stored in an optimiser's state by `optax.inject_hyperparams`."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

_FIELD, _SCHEDULES = "hyperparams", "hyperparams_states"  # names of fields in optax's states


def hyperparameters(opt_state: Any) -> dict[str, Any]:
    """Returns the hyperparameters in an optimiser's state by their paths, such as `1/hyperparams/learning_rate`.

    Hyperparameters that follow a schedule are left out, because each update overwrites them.
    """
    flat = jax.tree_util.tree_flatten_with_path(opt_state)[0]
    leaves = {tuple(_part(key) for key in path): leaf for path, leaf in flat}
    scheduled = {path[: path.index(_SCHEDULES) + 2] for path in leaves if _SCHEDULES in path[:-1]}
    return {
        "/".join(path): leaf
        for path, leaf in leaves.items()
        if path[-2:-1] == (_FIELD,) and leaf.shape == () and (*path[:-2], _SCHEDULES, path[-1]) not in scheduled
    }


def changes(opt_state: Any, values: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Finds the hyperparameters to change in an optimiser's state.

    Args:
      opt_state: the optimiser's state, or its shapes.
      values: new values by name, such as `learning_rate`, or by path if several hyperparameters have that name.

    Returns:
      Pairs of path and value.

    Raises:
      ValueError: for a name that does not exist or is ambiguous, and for a value that is not a finite number.
    """
    there = hyperparameters(opt_state)
    found = []
    for name, value in values.items():
        paths = [path for path in there if path == name or path.endswith("/" + name)]
        if not paths:
            raise ValueError(
                f"{name!r} cannot be changed: the optimiser's state holds {_listed(there)}. Make it with "
                "optax.inject_hyperparams, as optax.inject_hyperparams(optax.adam)(learning_rate=0.05); what follows a "
                "schedule changes by that alone."
            )
        if len(paths) > 1:
            raise ValueError(f"{name!r} may be any of {_listed(paths)}; give one of these.")
        if isinstance(value, bool) or not math.isfinite(float(value)):
            raise ValueError(f"{name}={value!r} must be a finite number.")
        found.append((paths[0], float(value)))
    return tuple(found)


def with_hyperparameters(opt_state: Any, values: Mapping[str, Any]) -> Any:
    """Returns an optimiser's state with new hyperparameters, given by the paths that `changes` returns.

    Raises:
      ValueError: for a path that does not exist.
    """
    if missing := values.keys() - hyperparameters(opt_state).keys():
        raise ValueError(f"the optimiser's state holds no {_listed(missing)}: it is not the one that was changed.")

    def one(path: Any, leaf: Any) -> Any:
        name = "/".join(_part(key) for key in path)
        return jnp.asarray(values[name], leaf.dtype) if name in values else leaf

    return jax.tree_util.tree_map_with_path(one, opt_state)


def _part(key: Any) -> str:
    return jax.tree_util.keystr((key,), simple=True)


def _listed(names: Any) -> str:
    return ", ".join(sorted(names)) or "no hyperparameter"
