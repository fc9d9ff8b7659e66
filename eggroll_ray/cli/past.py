"""The commands that look at the past of a run: `eval`, `replay` and `league`."""

import dataclasses
import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from eggroll_ray.cli.folder import RunFolder, render_episode, replay_of
from eggroll_ray.cli.page import write_report
from eggroll_ray.cli.say import say, usage
from eggroll_ray.es.random import stream_key
from eggroll_ray.evaluators.record import Earlier, Evaluator
from eggroll_ray.league import play_league, spread_out
from eggroll_ray.replay import Replay as Replayed
from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.rows import episode_returns


@dataclasses.dataclass(frozen=True)
class Eval:
    """Evaluate a run's policy on fresh episodes, and render one."""

    run: RunFolder
    """The run folder."""
    episodes: int = 128
    """Number of episodes."""
    generation: int | None = None
    """Parameters after so many updates; by default those of the newest checkpoint."""
    seed: int = 0
    """Of the episodes; these are never those of training."""
    render: bool = True
    """Write a picture, animation or page of one episode into the run folder."""
    trust_env: str | None = None
    """Environment id of the folder whose module may be imported, where it is not one that is known here."""


@dataclasses.dataclass(frozen=True)
class Replay:
    """Rebuild the parameters of any generation from the seed and the fitness log alone."""

    run: RunFolder
    """The run folder."""
    generation: int | None = None
    """Number of updates; by default all that the log has."""
    output: Path | None = None
    """Write the parameters to this safetensors file, and beside them normalizer/mean and normalizer/std, if
    observations were normalised."""
    trust_env: str | None = None
    """Environment id of the folder whose module may be imported, where it is not one that is known here."""


@dataclasses.dataclass(frozen=True)
class League:
    """Let generations of a run play against each other: win rates and Elo in self-play, returns between two groups."""

    run: RunFolder
    """The run folder."""
    entries: int = 8
    """Generations that take part, evenly spaced; their parameters are rebuilt from the fitness log."""
    games: int = 64
    """Games of each pair, in each direction."""
    seed: int = 0
    """Of the games."""
    trust_env: str | None = None
    """Environment id of the folder whose module may be imported, where it is not one that is known here."""


def evaluate(command: Eval) -> int:
    options, evaluator, past = replay_of(command)
    worker = past.worker_at(past.newest() if command.generation is None else command.generation)
    params, statistics = worker.mean()
    key = stream_key(command.seed, "evaluation of a finished run")
    returns = episode_returns(worker.test_on(key, command.episodes))
    quantiles = np.quantile(returns, (0.0, 0.25, 0.5, 0.75, 1.0))
    say(
        f"{options.title} after {worker.number} generations: return {returns.mean():.2f} +- {returns.std():.2f} over "
        f"{command.episodes} fresh episodes (min, quartiles, max: {', '.join(f'{q:.1f}' for q in quantiles)})"
    )
    if command.render and evaluator.policy is not None:
        render_episode(options, evaluator.policy(params, statistics), command.run, worker.number, command.seed)
    return 0


def replay(command: Replay) -> int:
    options, evaluator, past = replay_of(command)
    generation = len(past.log) if command.generation is None else command.generation
    rebuilt = past.rebuild(generation)
    worker = rebuilt.worker
    digest = worker.digest()
    say(f"Generation {worker.number}, rebuilt from seed {options.seed} and the fitness log: state {digest}")
    if command.output is not None:
        checkpoint.save_arrays(command.output, _policy_arrays(evaluator, worker.mean()))
        say(f"Parameters: {command.output}")
    if rebuilt.differ:
        first, recorded, found = rebuilt.differ[0]
        say(
            f"It is not the state that was recorded: generation {first} is the first that differs, {found} instead of "
            f"{recorded}: another machine, JAX version or code."
        )
        return 1
    before = sum(number < worker.number for number in rebuilt.compared)
    if worker.number in rebuilt.compared:
        say("It is the state that was recorded, bit for bit.")
        if before:
            say(f"So are those of {before} generations before it.")
    else:
        say(
            f"No state of it was recorded to compare it with. {before} generations before it have the states that were "
            "recorded, bit for bit."
        )
    return 0


def _policy_arrays(evaluator: Evaluator, mean: Earlier) -> dict[str, np.ndarray]:
    """All that a policy acts by: its parameters and its observation normaliser, by their paths."""
    frozen = None if evaluator.policy is None else evaluator.policy(*mean).normalizer
    return checkpoint.named_arrays(mean.params) | checkpoint.named_arrays({"normalizer": frozen})


def league(command: League) -> int:
    _, evaluator, past = replay_of(command)
    with usage():
        _play_league(command, evaluator, past)
        if importlib.util.find_spec("matplotlib") is not None:
            say(f"Report: {write_report(command.run)}")
    return 0


def _play_league(command: League, evaluator: Evaluator, past: Replayed) -> None:
    numbers = spread_out(len(past.log), command.entries)
    found = play_league(evaluator, past.means(numbers), numbers, command.games, command.seed)
    path = found.save(command.run)
    if found.groups:
        first, second = found.groups
        say(f"{found.games} games each. Mean return of {first} (rows) against {second} (columns):")
        _print_matrix(numbers, [[f"{value:.3g}" for value in row] for row in found.score])
        say(f"Mean return of {second} (columns) in the same games:")
        _print_matrix(numbers, [[f"{value:.3g}" for value in row] for row in found.second_score])
    else:
        say(f"Points of row from column, {found.games} games each:")
        shares = [[f"{100 * value:.0f}%" for value in row] for row in found.score]
        rows = [[*row, f"{rating:+.0f}"] for row, rating in zip(shares, found.elo, strict=True)]
        _print_matrix(numbers, rows, "Elo")
    say(f"League: {path}")


def _print_matrix(numbers: Sequence[int], rows: list[list[str]], *further: str) -> None:
    """Prints rows and columns that are named after generations, and further columns."""
    table = Table("generation", *map(str, numbers), *further, box=None)
    for number, row in zip(numbers, rows, strict=True):
        table.add_row(str(number), *row)
    Console(highlight=False).print(table)
