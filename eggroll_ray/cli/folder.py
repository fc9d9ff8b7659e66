"""What the commands do with a run folder that is there already, which may be somebody else's."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np

import envs
from eggroll_ray.cli.build import make_environment, make_evaluator, make_strategy
from eggroll_ray.cli.foreign import check_env, without_addresses
from eggroll_ray.cli.options import RunFolder as RunFolder
from eggroll_ray.cli.options import TrainOptions, options_of_run
from eggroll_ray.cli.say import say, usage
from eggroll_ray.es.random import stream_key
from eggroll_ray.evaluators.record import Evaluator
from eggroll_ray.replay import Replay
from eggroll_ray.rl.env import HostEnv
from eggroll_ray.rl.host_rollout import acting
from eggroll_ray.rl.trained_policy import record_episode
from eggroll_ray.runs import checkpoint
from eggroll_ray.workers.prepare import prepare


class OfFolder(Protocol):
    """A command that is given a run folder."""

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


def replay_of(command: OfFolder) -> tuple[TrainOptions, Evaluator, Replay]:
    """The options of a run, what they build, and its past."""
    options, run = options_of_folder(command), command.run
    block_size = options.worker.block_size
    assert block_size != "auto"  # in a record it is a number: options_of_run
    with usage():
        evaluator = make_evaluator(options, envs.make)
        strategy = make_strategy(options.strategy, evaluator.groups)
        plan = prepare(
            evaluator,
            strategy,
            options.population_size,
            block_size=block_size,
            seed=options.seed,
            test_episodes=options.test_episodes,
        ).plan
    return options, evaluator, Replay(run, evaluator, strategy, plan)


def render_episode(options: TrainOptions, policy: Any, run: Path, generation: int, seed: int) -> None:
    with usage():
        env = make_environment(options, envs.make)
    if env.render is None:
        say(f"{options.env} cannot be rendered.")
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
