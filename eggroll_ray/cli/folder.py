"""What the commands do with a run folder that is there already, which may be somebody else's."""

import dataclasses
import functools
from pathlib import Path
from typing import Any, Protocol

import numpy as np

import envs
from eggroll_ray.cli.build import make_environment
from eggroll_ray.cli.foreign import add_option, check_env, without_addresses
from eggroll_ray.cli.likely_strategy import likely_strategy
from eggroll_ray.cli.of_run import OfRun as OfRun
from eggroll_ray.cli.options import RunFolder as RunFolder
from eggroll_ray.cli.options import TrainOptions, options_of_run
from eggroll_ray.cli.own_code import resolve
from eggroll_ray.cli.rebuild import NotRebuiltError, rebuild, rebuilt_env
from eggroll_ray.cli.say import UsageError, say, usage
from eggroll_ray.es.random import stream_key
from eggroll_ray.es.record import ES
from eggroll_ray.evaluators.record import Evaluator
from eggroll_ray.past import Past
from eggroll_ray.rl.env import HostEnv
from eggroll_ray.rl.host_rollout import acting
from eggroll_ray.rl.trained_policy import record_episode
from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.settings import read_settings


class OfFolder(Protocol):
    """A command that is given a run folder of the command line."""

    @property
    def run(self) -> Path: ...
    @property
    def trust_env(self) -> str | None: ...


def options_of_folder(command: OfFolder) -> TrainOptions:
    """The options of a run folder, which may be somebody else's."""
    checkpoint.refuse_links(command.run)
    options = without_addresses(options_of_run(command.run), command.run)
    check_env(options, command.run, command.trust_env, envs.imports)
    return options


@dataclasses.dataclass(frozen=True)
class Opened:
    """A run folder with the code that it was made with.

    Attributes:
      name: of its environment or fitness, for people.
      evaluator: of the run.
      past: its generations.
      env: makes its environment anew, to draw an episode; None where it is not known.
    """

    name: str
    evaluator: Evaluator
    past: Past
    env: Any


def open_run(command: OfRun) -> Opened:
    """Opens a run folder: its code is what the command names, and else what its record holds.

    Raises:
      UsageError: where the record does not hold it: the message says what to add; and where what is named cannot be
        imported, or is of another kind.
    """
    run = command.run
    checkpoint.refuse_links(run)
    settings = read_settings(run / "config.json")
    strategy = None if command.strategy is None else _named(command.strategy, "--strategy", ES)
    if command.evaluator is not None:
        evaluator, env, title = _named(command.evaluator, "--evaluator", Evaluator), None, None
    else:
        with usage():
            try:
                made = rebuild(run, command.trust_env, add_option)
            except NotRebuiltError as error:
                raise UsageError(
                    f"{error} Name it: --evaluator my_script:evaluator, where evaluator = {error.example}, or a "
                    "function that returns it."
                ) from error
        evaluator, strategy, env = made.evaluator, strategy or made.strategy, rebuilt_env(run, made)
        title = None if made.options is None else made.options.title
    find = functools.partial(likely_strategy, run, evaluator) if strategy is None else lambda: strategy
    remedy = "name it: --strategy my_script:strategy, where strategy = er.eggroll(...), as the run was begun with."
    about = settings.get("evaluator")
    about = about if isinstance(about, dict) else {}
    name = title or str(about.get("env", about.get("fitness", run.name)))
    return Opened(name, evaluator, Past(run, evaluator, find, remedy), env)


def _named(text: str, what: str, kind: type) -> Any:
    """What the user has named as module:attribute: a record of a kind, or a function that returns one."""
    found = resolve(text, what)
    with usage():
        made = found if isinstance(found, kind) or not callable(found) else found()
    if not isinstance(made, kind):
        shown = type(made).__name__
        raise UsageError(
            f"{what} {text!r} is of type {shown}; it must be an {kind.__name__}, or a function without arguments that "
            "returns one."
        )
    return made


def render_episode(make_env: Any, policy: Any, run: Path, generation: int, seed: int) -> None:
    """Draws one episode of a policy into the run folder, if its environment can be drawn.

    Args:
      make_env: makes the environment; options of the command line stand for theirs.
      policy: who acts.
      run: the run folder.
      generation: updates that the policy has had.
      seed: of the episode.
    """
    with usage():
        env = make_environment(make_env, envs.make) if isinstance(make_env, TrainOptions) else make_env()
    if env.render is None:
        say(f"{env.name} cannot be rendered.")
        return
    folder = run / "episodes"
    folder.mkdir(exist_ok=True)
    path, key = folder / f"generation-{generation:08d}", stream_key(seed, "rendered episode")
    try:
        if isinstance(env, HostEnv):
            say(f"Episode: {env.render(acting(policy, key), seed, path)}")
            return
        states, total = record_episode(env, policy, key)
        path = env.render(states, path)
    except (ImportError, RuntimeError) as error:  # a package is missing, or a display, or the episode failed
        say(f"No picture: {error}")
        return
    returned = ", ".join(f"{value:.1f}" for value in np.atleast_1d(total))
    say(f"Episode of {len(states) - 1} steps with return {returned}: {path}")
