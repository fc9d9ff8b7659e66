"""Loads what a run has trained: the policy, or the parameters of a fitness function."""

import functools
from pathlib import Path
from typing import Any

from eggroll_ray.es.record import ES
from eggroll_ray.evaluators.record import Evaluator
from eggroll_ray.past import Past, Which, params_in_files
from eggroll_ray.rl.trained_policy import TrainedPolicy
from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.runs.settings import read_settings


def load(
    run: Path | str,
    generation: Which = None,
    *,
    evaluator: Evaluator | None = None,
    strategy: ES | None = None,
    trust_env: str | None = None,
) -> TrainedPolicy:
    """Loads a trained policy from a run folder: `action = er.load("runs/pendulum")(observation)`.

    The folder is enough for a run of the command line. It is also enough for a run from Python whose environment came
    from `envs.make` and whose network is one of this package. Otherwise give the evaluator that the run was made with.

    Args:
      run: the run folder. It may be from somebody else: loading runs no code from it.
      generation: number of updates. "best" means the generation with the best test of the run (see `Best`). None means
        the newest checkpoint, which is the end of the run if the run has ended.
      evaluator: the evaluator of the run, as `from_env`, `from_host_env` or `self_play` returned it.
      strategy: the strategy of the run. It is needed for a generation without a checkpoint, which is rebuilt from the
        fitness log. Leave it out for a run of the command line, and for a run with a constant rate of `optax.adam`,
        `optax.sgd` or `clipup`: then it is found.
      trust_env: the id of the run's environment, to allow that making it imports a module that this package does not
        know, or is given a path. Without it, that is refused.

    Returns:
      The policy with its parameters and its observation normaliser. It can be pickled.

    Raises:
      CheckpointError: where something is missing; the message says what to give.
    """
    past = _past(Path(run), evaluator, strategy, trust_env, f"er.load({str(run)!r}")
    made = past[0].policy
    if made is None:
        raise CheckpointError(
            f"the run in {run} is of a fitness function, so it has no policy: er.load_params({str(run)!r}) loads its "
            "parameters."
        )
    return made(*past[1].mean(generation)[1])


def load_params(
    run: Path | str,
    generation: Which = None,
    *,
    evaluator: Evaluator | None = None,
    strategy: ES | None = None,
    trust_env: str | None = None,
) -> Any:
    """Loads the mean parameters of any run, including a run of a fitness function.

    Args:
      run, generation, strategy, trust_env: see `load`.
      evaluator: the evaluator of the run, as `from_fitness` returned it. It is needed if the parameters contain
        anything but dictionaries, lists and tuples of arrays, or have to be rebuilt from the fitness log.

    Returns:
      The parameters, a pytree of NumPy arrays.

    Raises:
      CheckpointError: where something is missing; the message says what to give.
    """
    if evaluator is None and (found := params_in_files(Path(run), generation)) is not None:
        return found
    return (
        _past(Path(run), evaluator, strategy, trust_env, f"er.load_params({str(run)!r}")[1].mean(generation)[1].params
    )


def _past(
    run: Path, evaluator: Evaluator | None, strategy: ES | None, trust_env: str | None, call: str
) -> tuple[Evaluator, Past]:
    """Returns the evaluator and the past of a run. What is not given is rebuilt from the record."""
    from eggroll_ray.cli.likely_strategy import likely_strategy
    from eggroll_ray.cli.rebuild import NotRebuiltError, rebuild  # imports the modules of the command line

    checkpoint.refuse_links(run)
    read_settings(run / "config.json")  # first reports a folder that is not a run folder
    if evaluator is None:
        try:
            made = rebuild(run, trust_env, lambda env: f"{call}, trust_env={env!r})")
        except NotRebuiltError as error:
            raise CheckpointError(
                f"{error} Make the same evaluator and give it: {call}, evaluator={error.example})"
            ) from error
        evaluator, strategy = made.evaluator, strategy or made.strategy
    find = functools.partial(likely_strategy, run, evaluator) if strategy is None else lambda: strategy
    return evaluator, Past(run, evaluator, find, f"give it, {call}, ..., strategy=er.eggroll(...)).")
