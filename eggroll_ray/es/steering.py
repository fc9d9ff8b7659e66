"""Changes to numbers of a strategy while a run goes on: factors on its rates, and hyperparameters that optax keeps.

A change names a path in the state. The learning rate and other numbers of the optimiser take effect in the update of a
generation. Sigma takes effect after that update, in the next population: the current one was drawn with the old sigma.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from eggroll_ray.es import hyperparameters
from eggroll_ray.es.record import ES, Densify, ESState, Params, Scales

ADJUSTABLE = "adjustable"  # the setting of a strategy whose states hold the factors
LEARNING_RATE, SIGMA = "scales/learning_rate", "scales/sigma"  # the paths of the factors
_NAMES = {"learning_rate_scale": LEARNING_RATE, "sigma_scale": SIGMA, LEARNING_RATE: LEARNING_RATE, SIGMA: SIGMA}


def not_adjustable(strategy: ES) -> ES:
    """Returns a strategy whose states hold no factors on its rates, like the strategies of earlier versions.

    A run that was started with such a strategy must be continued and replayed with one. The parameters are the same as
    with factors of 1, which do not change a bit.

    Args:
      strategy: of `eggroll` or `openai_es`.
    """

    def init(params: Params, seed: int) -> ESState:
        return strategy.init(params, seed)._replace(scales=())

    densify = strategy.densify

    def these(paths: Sequence[str]) -> ES:
        assert densify is not None
        return not_adjustable(densify.these(paths))

    settings = {name: value for name, value in strategy.settings.items() if name != ADJUSTABLE}
    return strategy._replace(
        init=init, settings=settings, densify=None if densify is None else Densify(these, densify.limit)
    )


def changes(state: ESState, values: Mapping[str, float], sigma: Any = None) -> dict[str, float]:
    """Finds the numbers to change in a state, or in the shapes of one.

    Args:
      state: of the strategy.
      values: new values by name: `learning_rate_scale` and `sigma_scale`, factors on what the strategy was made with;
        `sigma` itself; and the names, or paths, that `optax.inject_hyperparams` has put into the optimiser's state.
      sigma: what the strategy was made with, where that is a number.

    Returns:
      Values by their paths.

    Raises:
      ValueError: if a name is unknown or ambiguous, or a value is out of range.
    """
    found: dict[str, float] = {}
    for name, value in values.items():
        own = hyperparameters.hyperparameters(state.opt_state)
        if name == "sigma" and not any(path == name or path.endswith("/sigma") for path in own):
            path, value = SIGMA, _as_factor(value, sigma)
        elif name in _NAMES:
            path = _NAMES[name]
        else:
            found |= dict(_of_optimizer(state, name, value))
            continue
        if not isinstance(state.scales, Scales):
            raise ValueError(
                f"{name} cannot be changed: the strategy holds no factors on its rates. It is one of your own, or the "
                "run was begun by an earlier version: begin a new run, with eggroll() or openai_es()."
            )
        found[path] = _positive(name, value)
    return found


def _of_optimizer(state: ESState, name: str, value: float) -> tuple[tuple[str, float], ...]:
    try:
        return hyperparameters.changes(state.opt_state, {name: value})
    except ValueError as error:
        if name != "learning_rate" or hyperparameters.hyperparameters(state.opt_state):
            raise
        raise ValueError(
            f"{name!r} cannot be set: the optimiser keeps its value where nothing can change it. Change it by a "
            "factor, change(learning_rate_scale=0.5), which any optimiser takes; or make the optimiser with "
            "optax.inject_hyperparams, as optax.inject_hyperparams(optax.adam)(learning_rate=0.05)."
        ) from error


def _as_factor(value: float, sigma: Any) -> float:
    if isinstance(sigma, bool) or not isinstance(sigma, int | float):
        raise ValueError(
            f"sigma={value!r} cannot be set: the sigma of this strategy follows a schedule. Change it by a factor, "
            "change(sigma_scale=0.5)."
        )
    return _positive("sigma", value) / sigma


def _positive(name: str, value: float) -> float:
    """Checks that a number is positive and finite, also as float32."""
    if isinstance(value, bool) or not 0 < np.float32(value) < np.inf:
        raise ValueError(f"{name}={value!r} must be a positive number.")
    return float(value)


def due(waiting: Mapping[str, float], generation: int, windows: int) -> dict[str, float]:
    """Returns the changes that the update of a generation makes: all, except a change of sigma within an episode.

    Args:
      waiting: the requested changes.
      generation: number of the generation that is updated.
      windows: number of generations that an episode spans. Sigma stays the same within an episode.
    """
    return {path: value for path, value in waiting.items() if path != SIGMA or (generation + 1) % windows == 0}


def described(changed: Mapping[str, float], generation: int, windows: int) -> str:
    """Says in words what changes, and from which update or population on."""
    names = {path: name for name, path in _NAMES.items() if "/" not in name}

    def shown(path: str) -> str:
        return f"{names.get(path, path)} = {changed[path]:g}"

    rates = [shown(path) for path in changed if path != SIGMA]
    parts = [f"{', '.join(rates)} from the update of generation {generation} on"] if rates else []
    if SIGMA in changed:
        start = generation + 1 + -(generation + 1) % windows
        episode = ", where the next episodes begin" if windows > 1 else ""
        parts.append(f"{shown(SIGMA)} from the population of generation {start} on{episode}")
    return "; ".join(parts)


def before_update(state: ESState, changed: Mapping[str, float]) -> ESState:
    """Returns a state with the changes that take effect in its update.

    Raises:
      ValueError: if the state has no such path.
    """
    of_optimizer = {path: value for path, value in changed.items() if path not in (LEARNING_RATE, SIGMA)}
    if of_optimizer:
        state = state._replace(opt_state=hyperparameters.with_hyperparameters(state.opt_state, of_optimizer))
    return _with_factor(state, "learning_rate", changed.get(LEARNING_RATE))


def after_update(state: ESState, changed: Mapping[str, float]) -> ESState:
    """Returns the updated state with the changes that take effect in its population."""
    return _with_factor(state, "sigma", changed.get(SIGMA))


def _with_factor(state: ESState, field: str, value: float | None) -> ESState:
    if value is None:
        return state
    if not isinstance(state.scales, Scales):
        raise ValueError(f"the state holds no factor on {field}: the strategy is not the one that was changed.")
    return state._replace(scales=state.scales._replace(**{field: jnp.float32(value)}))
