"""The commands that look at the past of a run: `eval`, `replay` and `league`."""

import dataclasses
import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from eggroll_ray.cli.folder import OfRun, Opened, open_run, render_episode
from eggroll_ray.cli.page import write_report
from eggroll_ray.cli.say import UsageError, say, usage
from eggroll_ray.es.random import stream_key
from eggroll_ray.evaluators.record import Earlier, Evaluator
from eggroll_ray.league import play_league, spread_out
from eggroll_ray.past import Which, best_score
from eggroll_ray.replay import Replay as Replayed
from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.rows import episode_returns
from eggroll_ray.runs.settings import read_settings


@dataclasses.dataclass(frozen=True)
class Eval(OfRun):
    """Evaluate a run's policy on fresh episodes, and render one."""

    episodes: int = 128
    """Number of episodes."""
    generation: int | None = None
    """Use the parameters after this number of updates; by default those of the newest checkpoint."""
    best: bool = False
    """Use the parameters with the best test of the run.
    That test was the best of many, so its mean is too optimistic; the mean that this command prints is not."""
    seed: int = 0
    """Seed of the episodes. Whatever the seed, they are not those of training."""
    render: bool = True
    """Write a picture, animation or page of one episode into the run folder."""


@dataclasses.dataclass(frozen=True)
class Replay(OfRun):
    """Rebuild the parameters of any generation from the seed and the fitness log alone."""

    generation: int | None = None
    """Number of updates to replay; by default all that are in the log."""
    output: Path | None = None
    """Write the parameters to this safetensors file.
    If observations were normalised, the file also holds normalizer/mean and normalizer/std."""


@dataclasses.dataclass(frozen=True)
class League(OfRun):
    """Let generations of a run play against each other: win rates and Elo in self-play, returns between two groups."""

    entries: int = 8
    """Number of generations that take part.
    They are evenly spaced, and their parameters are rebuilt from the fitness log."""
    games: int = 64
    """Number of games of each pair, in each direction."""
    seed: int = 0
    """Seed of the games."""


def evaluate(command: Eval) -> int:
    if command.best and command.generation is not None:
        raise UsageError(f"--best and --generation {command.generation} name two generations; leave out one.")
    opened = open_run(command)
    with usage():
        number, mean, returns = _tested(opened, "best" if command.best else command.generation, command)
    quantiles = np.quantile(returns, (0.0, 0.25, 0.5, 0.75, 1.0))
    say(
        f"{opened.name} after {number} generations: return {returns.mean():.2f} +- {returns.std():.2f} over "
        f"{command.episodes} fresh episodes (min, quartiles, max: {', '.join(f'{q:.1f}' for q in quantiles)})"
    )
    if command.best:
        score = best_score(command.run)
        say(f"Its test in the run, the best of all: {score.mean:.2f} over {score.episodes} episodes.")
    if command.render and opened.evaluator.policy is not None and opened.env is not None:
        render_episode(opened.env, opened.evaluator.policy(*mean), command.run, number, command.seed)
    return 0


def _tested(opened: Opened, which: Which, command: Eval) -> tuple[int, Earlier, np.ndarray]:
    """Tests a generation on fresh episodes: its number, its parameters and statistics, and the returns."""
    key = stream_key(command.seed, "evaluation of a finished run")
    if opened.evaluator.keeps is None:
        number, mean = opened.past.mean(which)
        return number, mean, episode_returns(opened.evaluator.test(*mean, key, command.episodes))
    replay = opened.past.replay()  # its opponents are earlier generations, which no checkpoint holds
    number = opened.past.mean(which)[0] if which == "best" else which
    worker = replay.worker_at(replay.newest() if number is None else number)
    return worker.number, worker.mean(), episode_returns(worker.test_on(key, command.episodes))


def replay(command: Replay) -> int:
    opened = open_run(command)
    with usage():
        past = opened.past.replay()
    evaluator, seed = opened.evaluator, read_settings(command.run / "config.json")["seed"]
    generation = len(past.log) if command.generation is None else command.generation
    rebuilt = past.rebuild(generation)
    worker = rebuilt.worker
    digest = worker.digest()
    say(f"Generation {worker.number}, rebuilt from seed {seed} and the fitness log: state {digest}")
    if command.output is not None:
        checkpoint.save_arrays(command.output, _policy_arrays(evaluator, worker.mean()))
        say(f"Parameters: {command.output}")
    if rebuilt.differ:
        first, recorded, found = rebuilt.differ[0]
        say(
            f"This is not the recorded state. Generation {first} is the first that differs: {found} instead of "
            f"{recorded}. The cause is another machine, another JAX version or changed code."
        )
        return 1
    before = sum(number < worker.number for number in rebuilt.compared)
    if worker.number in rebuilt.compared:
        say("This is the recorded state, bit for bit.")
        if before:
            say(f"Earlier recorded states that are the same as well: {before}.")
    else:
        say(
            "No state was recorded for this generation, so it cannot be compared. Earlier recorded states that are the "
            f"same, bit for bit: {before}."
        )
    return 0


def _policy_arrays(evaluator: Evaluator, mean: Earlier) -> dict[str, np.ndarray]:
    """Returns all that a policy needs: its parameters and its observation normaliser, by their paths."""
    frozen = None if evaluator.policy is None else evaluator.policy(*mean).normalizer
    return checkpoint.named_arrays(mean.params) | checkpoint.named_arrays({"normalizer": frozen})


def league(command: League) -> int:
    opened = open_run(command)
    with usage():
        _play_league(command, opened.evaluator, opened.past.replay())
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
    """Prints a table whose rows and columns are generations, with further columns at the end."""
    table = Table("generation", *map(str, numbers), *further, box=None)
    for number, row in zip(numbers, rows, strict=True):
        table.add_row(str(number), *row)
    Console(highlight=False).print(table)
