"""Evaluator and strategy of a run, made again from its record; it may be somebody else's."""

import dataclasses
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import envs
from eggroll_ray.cli.build import make_environment, make_evaluator, make_strategy
from eggroll_ray.cli.foreign import Remedy, check_options, check_trusted, without_addresses
from eggroll_ray.cli.options import TrainOptions, options_of_run
from eggroll_ray.es.recipe import from_json
from eggroll_ray.es.record import ES
from eggroll_ray.evaluators.record import Evaluator
from eggroll_ray.rl.from_recipe import evaluator_from
from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.runs.settings import read_settings


class NotRebuiltError(CheckpointError):
    """The record of a run does not hold what its evaluator was made of.

    Attributes:
      example: a call in Python that makes such an evaluator.
    """

    def __init__(self, message: str, example: str):
        super().__init__(message)
        self.example = example


@dataclasses.dataclass(frozen=True)
class Rebuilt:
    """What was made of a record.

    Attributes:
      evaluator: of the run.
      strategy: of the run; None where the record does not hold it.
      options: of a run of the command line, None otherwise.
    """

    evaluator: Evaluator
    strategy: ES | None
    options: TrainOptions | None


def is_of_command_line(run: Path) -> bool:
    """Whether a run was begun from the command line, whose options its record holds."""
    return checkpoint.read_object(run / "config.json").get("options") is not None


def rebuild(run: Path, trusted: str | None, remedy: Remedy) -> Rebuilt:
    """Makes evaluator and strategy of a run again.

    Args:
      run: the run folder.
      trusted: id of the environment whose module the user trusts.
      remedy: what to do where it is not trusted, for messages.

    Raises:
      NotRebuiltError: where the run was begun from Python with code that a record cannot hold.
      CheckpointError: where the record is damaged, of another version, or not trusted.
      ValueError: where the environment cannot be made here, for example since its suite is not installed.
    """
    if is_of_command_line(run):
        options = without_addresses(options_of_run(run), run)
        check_options(options, run, trusted, envs.imports, remedy)
        evaluator = make_evaluator(options, envs.make)
        return Rebuilt(evaluator, make_strategy(options.strategy, evaluator.groups), options)
    recipe = checkpoint.read_object(run / "config.json").get("recipe")
    env = recipe.get("env") if isinstance(recipe, dict) else None
    if not isinstance(recipe, dict) or not isinstance(env, dict) or not isinstance(env.get("name"), str):
        raise _not_rebuilt(run, recipe)
    check_trusted(env["name"], list(_texts(env.get("arguments"))), run, trusted, envs.imports, remedy)
    return Rebuilt(evaluator_from(recipe, envs.make), None, None)


def rebuilt_env(run: Path, made: Rebuilt) -> Any:
    """Returns a function that makes the environment of a run again, None where it has none; `made` is of `rebuild`."""
    if made.options is not None:
        return functools.partial(make_environment, made.options, envs.make)
    env = checkpoint.read_object(run / "config.json")["recipe"]["env"]
    return functools.partial(envs.make, env["name"], **from_json(env["arguments"]))


def _not_rebuilt(run: Path, recipe: Any) -> NotRebuiltError:
    recipe = recipe if isinstance(recipe, dict) else {}
    evaluator = read_settings(run / "config.json").get("evaluator")
    if isinstance(evaluator, dict) and "fitness" in evaluator:
        name = str(evaluator["fitness"])
        return NotRebuiltError(
            f"the run in {run} was begun from Python with the fitness function {name}, and a record holds no code.",
            f"er.from_fitness({name if name.isidentifier() else 'fitness'}, params)",
        )
    caller = recipe.get("caller")
    caller = caller if caller in ("from_env", "from_host_env", "self_play") else "from_env"
    missing = recipe.get("missing")
    named = " and ".join(str(name) for name in missing) if isinstance(missing, list) else "environment or network"
    return NotRebuiltError(
        f"the run in {run} was begun from Python with code of its own ({named}), and a record holds no code.",
        f"er.{caller}(env, policy)",
    )


def _texts(value: Any) -> Iterator[str]:
    """All text in a value of JSON."""
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(part)
