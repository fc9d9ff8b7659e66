"""The settings and functions that decide the bits of a run, as `config.json` holds them."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from eggroll_ray.es.record import ES, Function, functions_of
from eggroll_ray.es.steering import ADJUSTABLE, not_adjustable
from eggroll_ray.evaluators.record import Evaluator
from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.runs.functions import compare, recorded
from eggroll_ray.workers.plan import Plan
from eggroll_ray.workers.prepare import Prepared


def settings_of(evaluator: Evaluator, prepared: Prepared) -> dict[str, Any]:
    """Returns the settings of evaluator, strategy and parameters."""
    return {
        "evaluator": evaluator.settings,
        "strategy": prepared.strategy.settings,
        "parameters": {leaf.path: leaf.recorded() for leaf in prepared.leaves},
    }


def functions_of_run(evaluator: Evaluator, prepared: Prepared, plan: Plan) -> dict[str, Function]:
    """Traces the functions of which the settings hold only the names."""
    column = jax.ShapeDtypeStruct((plan.population_size,), np.float32)
    fitness = dict.fromkeys(evaluator.groups, column) if evaluator.groups else column
    return {
        **evaluator.functions(prepared.shapes.params),
        **functions_of(prepared.strategy, prepared.shapes, fitness),
    }


def check_record(run: Path, evaluator: Evaluator, prepared: Prepared, plan: Plan) -> list[str]:
    """Compares a record with the code that will rebuild it.

    Returns:
      Messages about what cannot be compared.

    Raises:
      CheckpointError: if a setting or function differs; names the first.
    """
    config = run / "config.json"
    check_same(read_settings(config), {**settings_of_plan(plan), **settings_of(evaluator, prepared)}, run)
    functions = functions_of_run(evaluator, prepared, plan)
    return compare(checkpoint.read_object(config).get("functions"), recorded(functions), run)


def recorded_block_size(config: Path, population_size: int) -> int:
    """Returns the block size of a recorded run, whether it was given, a default or found by a search.

    Args:
      config: the run's `config.json`.
      population_size: the population size that the run must have.

    Raises:
      CheckpointError: if the file is not that of a run, or the run has another population size.
    """
    found = read_settings(config)
    check_same({"population_size": found.get("population_size")}, {"population_size": population_size}, config.parent)
    size = str(found.get("block_size"))  # the first versions wrote NumPy integers as text
    if not size.isdecimal():
        raise CheckpointError(f"{config} has block_size={size[:60]}, which is no number of members.")
    return int(size)


def settings_of_plan(plan: Plan) -> dict[str, Any]:
    """Returns the plan as settings, without what the strategy's settings already contain."""
    return {name: value for name, value in dataclasses.asdict(plan).items() if name != "signs_only"}


def read_settings(config: Path) -> Mapping[str, Any]:
    """Returns the settings that decide the bits of a recorded run.

    Raises:
      CheckpointError: if the file is not that of a run.
    """
    found = checkpoint.read_object(config).get("settings")
    if not isinstance(found, Mapping):
        raise CheckpointError(f"{config} has no settings: it is not a run folder.")
    return found


def check_same(found: Mapping[str, Any], given: Mapping[str, Any], path: Path) -> None:
    """Compares the settings of a recorded run with those given now.

    Raises:
      CheckpointError: if a setting differs; names the first.
    """
    given = checkpoint.as_json(given)
    found = {name: _with_numbers(value, given.get(name)) for name, value in found.items()}
    for name in sorted({*found, *given}):
        if found.get(name) != given.get(name):
            raise CheckpointError(
                f"the run in {path} has {name}={found.get(name)!r}, now it is {given.get(name)!r}: it would be "
                "another run; give the same value, or start a new run folder."
            )


def _with_numbers(found: Any, given: Any) -> Any:
    """Returns what was recorded, and restores numbers that the first versions wrote as text."""
    if isinstance(found, Mapping) and isinstance(given, Mapping):
        return {name: _with_numbers(value, given.get(name)) for name, value in found.items()}
    return given if isinstance(given, int | float) and found == str(given) else found


def strategy_as_begun(strategy: ES, run: Path) -> ES:
    """Returns a strategy whose states have factors on its rates only if those of the recorded run have them.

    Strategies of earlier versions had no such factors. If the folder does not say, the strategy is not changed.
    """
    try:
        found = read_settings(run / "config.json").get("strategy")
    except CheckpointError:  # the code that needs the file reports what is wrong with it
        return strategy
    has_none = isinstance(found, Mapping) and ADJUSTABLE not in found and ADJUSTABLE in strategy.settings
    return not_adjustable(strategy) if has_none else strategy
