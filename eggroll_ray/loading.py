"""Loading what a run has trained: the policy, or the parameters of a fitness."""

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

    Nothing but the folder is needed for a run of the command line, and for one of Python whose environment came from
    `envs.make` and whose network is one of this package. Otherwise give the evaluator that the run was made with.

    Args:
      run: the run folder. It may be somebody else's: no code in it is run.
      generation: number of updates; "best": the generation with the best test of the run, see `Best`; None: the newest
        checkpoint, which is the end of a run that has ended.
      evaluator: of the run; what `from_env`, `from_host_env` or `self_play` returned.
      strategy: of the run. It is needed for a generation that has no checkpoint, which is rebuilt from the fitness log.
        It is known for a run of the command line, and found for one with a constant rate of `optax.adam`, `optax.sgd`
        or `clipup`.
      trust_env: the id of the run's environment, where making it imports a module that this package does not know, or
        gives it a path: without your word for it that is refused.

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
    """Loads the mean parameters of any run, also of one of a fitness function.

    Args:
      run, generation, strategy, trust_env: see `load`.
      evaluator: of the run; what `from_fitness` returned. It is needed where parameters are not made of dictionaries,
        lists and tuples alone, and where they have to be rebuilt from the fitness log.

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
    """Evaluator and past of a run; what is not given is rebuilt from the record."""
    from eggroll_ray.cli.likely_strategy import likely_strategy
    from eggroll_ray.cli.rebuild import NotRebuiltError, rebuild  # it loads what the command line is made of

    checkpoint.refuse_links(run)
    read_settings(run / "config.json")  # what is no run folder is told first
    if evaluator is None:
        try:
            made = rebuild(run, trust_env, f"{call}, trust_env={{env!r}})")
        except NotRebuiltError as error:
            raise CheckpointError(
                f"{error} Make the same evaluator and give it: {call}, evaluator={error.example})"
            ) from error
        evaluator, strategy = made.evaluator, strategy or made.strategy
    find = functools.partial(likely_strategy, run, evaluator) if strategy is None else lambda: strategy
    return evaluator, Past(run, evaluator, find, f"give it, {call}, ..., strategy=er.eggroll(...)).")
