"""Numbers of an optimiser that lie in its state, as `optax.inject_hyperparams` puts them there: they can be changed."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

_FIELD, _SCHEDULES = "hyperparams", "hyperparams_states"  # of the states that optax makes


def hyperparameters(opt_state: Any) -> dict[str, Any]:
    """Returns the hyperparameters in an optimiser's state by their paths, `1/hyperparams/learning_rate`.

    Those that follow a schedule are not among them: each update sets them anew.
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
    """Finds what is to be changed in an optimiser's state, or the shapes of one.

    Args:
      opt_state: of the optimiser.
      values: new values by name, such as `learning_rate`, or by path where several have that name.

    Returns:
      Paths and values.

    Raises:
      ValueError: for a name that is not there, or stands for several, and for a value that is no finite number.
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
    """Returns an optimiser's state with other hyperparameters, by the paths that `changes` gives.

    Raises:
      ValueError: for a path that is not there.
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
