"""Numbers of a strategy that are changed while a run goes on: factors on its rates, and those that optax keeps.

A change has a path in the state. The learning rate and what else is of the optimiser counts from the update of a
generation on. Sigma counts from the population that this update makes: the one before was drawn with the old one.
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
    """Returns a strategy whose states hold no factors on its rates, as all strategies were before there were any.

    A run that was begun with such a strategy is continued and replayed with such a one. The parameters are the same
    with factors of 1, which change no bit.

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
    """Finds what is to be changed in a state, or the shapes of one.

    Args:
      state: of the strategy.
      values: new values by name: `learning_rate_scale` and `sigma_scale`, factors on what the strategy was made with;
        `sigma` itself; and the names, or paths, that `optax.inject_hyperparams` has put into the optimiser's state.
      sigma: what the strategy was made with, where that is a number.

    Returns:
      Values by their paths.

    Raises:
      ValueError: for a name that is not there, or stands for several, and for a value out of range.
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
    """A number that float32 holds, too."""
    if isinstance(value, bool) or not 0 < np.float32(value) < np.inf:
        raise ValueError(f"{name}={value!r} must be a positive number.")
    return float(value)


def due(waiting: Mapping[str, float], generation: int, windows: int) -> dict[str, float]:
    """Returns the changes that the update of a generation makes: all, but for sigma within an episode.

    Args:
      waiting: changes that are asked for.
      generation: whose update it is.
      windows: generations that an episode spans, within which sigma stays the same.
    """
    return {path: value for path, value in waiting.items() if path != SIGMA or (generation + 1) % windows == 0}


def described(changed: Mapping[str, float], generation: int, windows: int) -> str:
    """Says in words what changes when: from the update of a generation on, or the population after it."""
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
    """Returns a state with the changes that count in its update.

    Raises:
      ValueError: for a path that is not there.
    """
    of_optimizer = {path: value for path, value in changed.items() if path not in (LEARNING_RATE, SIGMA)}
    if of_optimizer:
        state = state._replace(opt_state=hyperparameters.with_hyperparameters(state.opt_state, of_optimizer))
    return _with_factor(state, "learning_rate", changed.get(LEARNING_RATE))


def after_update(state: ESState, changed: Mapping[str, float]) -> ESState:
    """Returns the state that an update has made, with the changes that count from its population on."""
    return _with_factor(state, "sigma", changed.get(SIGMA))


def _with_factor(state: ESState, field: str, value: float | None) -> ESState:
    if value is None:
        return state
    if not isinstance(state.scales, Scales):
        raise ValueError(f"the state holds no factor on {field}: the strategy is not the one that was changed.")
    return state._replace(scales=state.scales._replace(**{field: jnp.float32(value)}))
