"""When a run of the command line ends early: at its target, or on a plateau."""

from eggroll_ray.cli.options import TrainOptions
from eggroll_ray.runs.watch import Watch, check_patience
from envs.targets import target


def target_of(options: TrainOptions) -> float | None:
    """Returns the mean return at which a run stops; None if it has no target."""
    found = _accepted(options)
    if found is not None:
        return found[0]
    return None if isinstance(options.target, str) else options.target


def target_said(options: TrainOptions) -> str | None:
    """Says which target is used if the user gave none, and where it comes from; None if no target is used."""
    found = _accepted(options)
    if found is None:
        return None
    return f"Target {found[0]:g}, {found[1]} for {options.env}; --target none trains to the end."


def is_demanded(options: TrainOptions) -> bool:
    """Whether the user gave a target. Only then does a run fail if it does not reach it."""
    return not isinstance(options.target, str) and options.target is not None


def watch_of(options: TrainOptions) -> Watch:
    """Returns when the mean parameters are tested, and what ends the run.

    Raises:
      ValueError: for a value out of range.
    """
    check_patience(options.patience, comparable=not options.agents.self_play)
    return Watch(
        options.test_every, options.test_episodes, target_of(options), options.patience, min_delta=options.min_delta
    )


def _accepted(options: TrainOptions) -> tuple[float, str] | None:
    """Returns the accepted target of an environment. None with environment options, without tests and in self-play."""
    if options.target != "auto" or options.env_options or options.test_every == 0 or options.agents.self_play:
        return None
    return target(options.env)
