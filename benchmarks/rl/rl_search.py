"""Random search in the ranges of Tables 15-16 with Ray Tune, on the final return of the mean policy (paper p. 69)."""

import dataclasses
import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmarks.rl.rl_settings import Algorithm, ESSettings, PPOSettings, Settings, ranges
from benchmarks.shared.page import write_record

_METRIC = "final_return"


def search(
    train: Callable[[Settings, int], dict[str, Any]],
    algorithm: Algorithm,
    trials: int,
    seed: int,
    cpus: float = 1.0,
    fixed: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Runs random settings once each, several at a time.

    Args:
      train: (settings, seed) -> a row with a `final_return`; is called in processes of Ray.
      algorithm: whose ranges are drawn from, independently and uniformly.
      trials: number of settings.
      seed: of the draws and of every run.
      cpus: cores of each trial; so many trials as the cores allow run side by side.
      fixed: settings that are not drawn, such as a population that suits a small budget.

    Returns:
      The best `settings`, their `final_return`, and all `trials`, those that failed with their `error`.

    Raises:
      ValueError: when no trial came to an end.
    """
    from ray import tune
    from ray.tune.search import BasicVariantGenerator

    from eggroll_ray import tune as er_tune

    if trials < 1:
        raise ValueError(f"trials={trials} must be at least 1, such as the paper's 20.")
    er_tune.connect()
    kind = PPOSettings if algorithm == "ppo" else ESSettings
    drawn = ranges(algorithm) | {name: (value,) for name, value in fixed.items()}
    path = [os.path.abspath(entry) for entry in sys.path]

    def trial(config: dict[str, Any]) -> None:
        sys.path.extend(entry for entry in path if entry not in sys.path)
        row = train(kind(**config), seed)
        tune.report({name: row[name] for name in (_METRIC, "steps", "generations", "seconds", "ended_by")})

    with tempfile.TemporaryDirectory(prefix="rl-search-") as folder:
        results = tune.Tuner(
            tune.with_resources(trial, {"cpu": cpus}),
            param_space={name: tune.choice(list(values)) for name, values in drawn.items()},
            tune_config=tune.TuneConfig(
                metric=_METRIC, mode="max", num_samples=trials, search_alg=BasicVariantGenerator(random_state=seed)
            ),
            run_config=tune.RunConfig(storage_path=folder, verbose=0),
        ).fit()
        tried = [_trial(result) for result in results]
    finished = [one for one in tried if "error" not in one]
    if not finished:
        raise ValueError(f"none of {trials} trials came to an end; the first: {tried[0]['error']}")
    best = max(finished, key=lambda one: one[_METRIC])  # all are finite
    return {"settings": best["settings"], _METRIC: best[_METRIC], "trials": tried}


def _trial(result: Any) -> dict[str, Any]:
    settings = {"settings": dict(result.config)}
    if result.error is not None:
        return settings | {"error": str(result.error).strip().splitlines()[-1]}
    if not math.isfinite(result.metrics[_METRIC]):
        return settings | {"error": f"its return is {result.metrics[_METRIC]}"}
    return settings | {name: result.metrics[name] for name in (_METRIC, "steps", "generations", "seconds", "ended_by")}


def write_settings(path: Path, env: str, algorithm: Algorithm, found: dict[str, Any]) -> None:
    """Writes what a search found, in the form that `read_settings` takes."""
    write_record(path, {"env": env, "algo": algorithm} | found)


def read_settings(path: Path, algorithm: Algorithm) -> Settings:
    """Reads settings of an algorithm: a JSON file with `algo` and `settings`.

    Raises:
      ValueError: when they are of another algorithm, or have other names.
    """
    found = json.loads(path.read_text())
    if found.get("algo") != algorithm:
        raise ValueError(f"{path} holds settings of {found.get('algo')!r}, not {algorithm!r}; give that --algo.")
    kind = PPOSettings if algorithm == "ppo" else ESSettings
    names = {field.name for field in dataclasses.fields(kind)}
    if set(found["settings"]) != names:
        raise ValueError(f"{path} has settings {sorted(found['settings'])}, not {sorted(names)}; add or remove some.")
    return kind(**found["settings"])
