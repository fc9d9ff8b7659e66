"""Lets generations of a run play against each other, with mean parameters rebuilt from the fitness log.

Letters in shapes: `k` generations that take part.
"""

import dataclasses
import operator
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from eggroll_ray.evaluators.record import Earlier, Evaluator
from eggroll_ray.runs.checkpoint import CheckpointError, read_object, write_json

_ELO = 400.0  # difference in rating for ten times the strength
_STEPS = 10_000
_CHANGE = 1e-9  # relative change of the strengths below which they have converged


@dataclasses.dataclass(frozen=True)
class League:
    """The results of generations against each other.

    Attributes:
      generations: the `k` generations as numbers of updates, ascending.
      games: number of games of each pair, in each direction.
      score: `(k, k)`. In self-play, the share of points that the row's generation wins against the column's: 1 for a
        win, 0.5 for a draw. With two groups of agents, the mean return of the row's first group against the column's
        second group.
      second_score: `(k, k)` mean return of the column's second group in the same games; empty in self-play. It need not
        be `-score`, because a group's reward may also depend on things that do not affect the other group.
      groups: names of the two groups; () in self-play.
      elo: `(k,)` ratings, 0 for the first generation; empty with two groups.
    """

    generations: tuple[int, ...]
    games: int
    score: np.ndarray
    second_score: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 0)))
    groups: tuple[str, ...] = ()
    elo: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))

    def save(self, run: Path) -> Path:
        """Writes `league.json` into a run folder."""
        path = run / "league.json"
        arrays = {name: getattr(self, name).tolist() for name in ("score", "second_score", "elo")}
        write_json(path, dataclasses.asdict(self) | arrays)
        return path


def load_league(run: Path) -> League | None:
    """Reads what `League.save` wrote. Returns None if there is no such file."""
    path = run / "league.json"
    if not path.exists():
        return None
    found = read_object(path)
    try:
        numbers = tuple(operator.index(number) for number in found["generations"])
        groups = tuple(str(group) for group in found["groups"])
        score, second, elo = (np.array(found[name], np.float64) for name in ("score", "second_score", "elo"))
        league = League(numbers, operator.index(found["games"]), score, second, groups, elo)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"{path} is no league ({type(error).__name__}: {error}); remove it.") from error
    count = len(numbers)
    shapes = (score.shape, second.shape if groups else (count, count), (count,) if groups else elo.shape)
    finite = all(np.isfinite(x).all() for x in (score, second, elo))
    if count < 2 or len(groups) not in (0, 2) or shapes != ((count, count), (count, count), (count,)) or not finite:
        raise CheckpointError(f"{path} is no league: its {count} generations, groups and scores do not fit; remove it.")
    return league


def spread_out(generations: int, count: int) -> tuple[int, ...]:
    """Returns `count` evenly spaced generations from 0 to `generations`, or all if there are fewer.

    Raises:
      ValueError: for fewer than two generations.
    """
    if count < 2:
        raise ValueError(f"{count} generations cannot play against each other; choose at least 2.")
    if generations < 1:
        raise ValueError("a run of 0 generations has nothing to play against; train it for at least 1.")
    return tuple(sorted({round(place) for place in np.linspace(0, generations, count)}))


def play_league(
    evaluator: Evaluator, means: Sequence[Earlier], numbers: Sequence[int], games: int, seed: int
) -> League:
    """Lets generations play against each other.

    In self-play the opponent explores as in training (`Rivals.explore`). If it does not, deterministic policies repeat
    the same game in games without randomness, and the ratings look more certain than they are.

    Args:
      evaluator: an evaluator of self-play, or one with two groups of agents.
      means: the mean parameters of the generations.
      numbers: the numbers of the generations.
      games: number of games of each pair, in each direction; rounded up to a multiple of the seats.
      seed: seed of the games.

    Raises:
      ValueError: when the evaluator is neither of self-play nor of two groups.
    """
    if games < 1:
        raise ValueError(f"games={games} of each pair must be at least 1.")
    key = jax.random.key(seed)
    if evaluator.duel is not None:
        points = np.array(
            [evaluator.duel(one, means, jax.random.fold_in(key, place), games) for place, one in enumerate(means)]
        )
        score, games = points.mean(axis=-1), points.shape[-1]
        return League(tuple(numbers), games, score, elo=elo(score, games))
    if len(evaluator.groups) != 2:
        raise ValueError(
            "generations can play against each other in self-play, or where two groups of agents have parameters of "
            f"their own; this run has {len(evaluator.groups) or 'one set of parameters, and no'} groups."
        )
    both = np.array([[_cross(evaluator, one, two, key, games) for two in means] for one in means])
    return League(tuple(numbers), games, both[..., 0], both[..., 1], evaluator.groups)


def _cross(evaluator: Evaluator, one: Earlier, two: Earlier, key: PRNGKeyArray, games: int) -> np.ndarray:
    """The mean returns `(2,)` when the first group of one generation plays with the second group of another."""
    first, second = evaluator.groups

    def mixed(ours: Any, theirs: Any) -> Any:
        return {first: ours[first], second: theirs[second]} if isinstance(ours, dict) else ours

    params, statistics = mixed(one.params, two.params), mixed(one.statistics, two.statistics)
    return evaluator.test(params, statistics, key, games).mean(axis=0)


def elo(score: np.ndarray, games: int) -> np.ndarray:
    """Computes ratings from the scores of all pairs by maximum likelihood (Bradley and Terry 1952).

    A draw counts as half a win. One draw is added to each pair, so that a player who never lost has a finite rating.

    Args:
      score: `(k, k)` share of points of the row's player against the column's.
      games: number of games of each pair, in each direction.

    Returns:
      The ratings, `(k,)`; 0 for the first player.
    """
    count = len(score)
    other = 1.0 - np.eye(count)
    points = (games * (score + 1.0 - score.T) + 0.5) * other  # points from both directions
    played = (2.0 * games + 1.0) * other
    strength = np.ones(count)
    for _ in range(_STEPS):  # minorisation and maximisation (Hunter 2004)
        moved = points.sum(axis=1) / (played / (strength[:, None] + strength[None])).sum(axis=1)
        moved /= moved[0]
        if np.abs(moved / strength - 1.0).max() < _CHANGE:
            break
        strength = moved
    return _ELO * np.log10(strength)
