"""The strategy of a run that was begun from Python, found by trial: what is tried is compared with the record.

A record holds the settings of the strategy and fingerprints of its functions: one with the same ones is the same.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax

from eggroll_ray.es import shaping as shapings
from eggroll_ray.es.eggroll import eggroll, openai_es
from eggroll_ray.es.optimizers import clipup
from eggroll_ray.es.random import normal, rademacher
from eggroll_ray.es.record import ES, functions_of
from eggroll_ray.evaluators.record import Evaluator
from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.functions import recorded
from eggroll_ray.runs.settings import read_settings, strategy_as_begun

_SHAPINGS = {name: getattr(shapings, name) for name in ("centred_rank", "z_score", "antithetic_sign", "raw")}
_LAWS = {"normal": normal, "rademacher": rademacher}
_MOST = 24  # optimisers that are tried


def likely_strategy(run: Path, evaluator: Evaluator) -> ES | None:
    """Returns a strategy with the settings and functions that a record holds, None if none that is tried has them.

    Tried are `eggroll` and `openai_es` with the shapings, laws and default rules of this package, and the optimisers
    `optax.adam`, `optax.sgd` and `clipup` with a constant rate.
    """
    settings = read_settings(run / "config.json")
    wanted, functions = settings.get("strategy"), checkpoint.read_object(run / "config.json").get("functions")
    if not isinstance(wanted, Mapping) or not isinstance(functions, Mapping):
        return None
    try:
        seed, members = int(settings["seed"]), int(settings["population_size"])
        params = evaluator.init(seed)
        for strategy in _tried(wanted, functions["optimizer"]["numbers"]):
            strategy = strategy_as_begun(strategy, run)
            if checkpoint.as_json(strategy.settings) != wanted:
                return None  # all that are tried have the same settings
            shapes = jax.eval_shape(lambda strategy=strategy: strategy.init(params, seed))
            column = jax.ShapeDtypeStruct((members,), np.float32)
            fitness = dict.fromkeys(evaluator.groups, column) if evaluator.groups else column
            made = recorded(functions_of(strategy, shapes, fitness))
            if all(made[name]["fingerprint"] == functions[name]["fingerprint"] for name in {*made} - {"versions"}):
                return strategy
    except (KeyError, TypeError, ValueError):  # of another version, or edited
        return None
    return None


def _tried(wanted: Mapping[str, Any], numbers: list[float]) -> Iterator[ES]:
    maker = {"eggroll": eggroll, "openai_es": openai_es}[wanted["name"]]
    given = {
        "sigma": wanted["sigma"],
        "shaping": _SHAPINGS[wanted["shaping"]],
        "law": _LAWS[wanted["law"]],
        "noise_reuse": wanted["noise_reuse"],
        "persistent": wanted.get("persistent", 1),
    }
    if "rank" in wanted and maker is eggroll:
        given["rank"] = wanted["rank"]
    rates = list(dict.fromkeys(abs(number) for number in reversed(numbers) if 0 < abs(number) < 1e6))
    makers = (optax.adam, optax.sgd, clipup)
    for optimizer in [make(rate) for rate in rates for make in makers][:_MOST]:
        yield maker(optimizer=optimizer, **given)
