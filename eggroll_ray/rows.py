"""A generation as a row of metrics, and what makes a population's fitness usable."""

import numpy as np

from eggroll_ray.evaluate import FitnessError
from eggroll_ray.gather import Round
from eggroll_ray.metrics import Row
from eggroll_ray.packing import PackedPairs


def usable_fitness(found: Round, number: int) -> np.ndarray | PackedPairs:
    """Returns the fitness of a generation as it is logged and applied.

    The lowest finite fitness takes the place of a member that counts as the worst (-inf).

    Raises:
      FitnessError: when no pair is left, with what the first member that failed has raised.
    """
    fitness = found.fitness
    if isinstance(fitness, PackedPairs):
        usable = len(fitness.dropped) < fitness.pairs and found.spread[0] > 0
    elif found.spread[0] == len(fitness):
        usable = True  # all are finite, as a rule
    else:
        finite = np.isfinite(fitness)
        if finite.any():
            fitness = np.where(fitness == -np.inf, fitness[finite].min(), fitness)
        usable = np.isfinite(fitness).reshape(-1, 2).all(axis=1).any()
    if not usable:
        first = f"The first failure: {found.failures[0]}\n" if found.failures else ""
        raise FitnessError(
            f"no pair of generation {number} has a finite fitness in both members. {first}Run one member alone with "
            f"trainer.reproduce({number}, member=0); check the fitness for NaN, and sigma for being too large."
        )
    return fitness


def fitness_columns(found: Round, fitness: np.ndarray | PackedPairs) -> Row:
    """Mean, spread and quantiles over the members; packed signs leave the inner quantiles unknown."""
    count, total, squares, lowest, highest = (float(value) for value in found.spread)
    mean = total / count if count else None
    columns: Row = {
        "fitness_mean": mean,
        "fitness_std": None if mean is None else float(np.sqrt(max(squares / count - mean * mean, 0.0))),
    }
    if isinstance(fitness, PackedPairs):
        quartiles, invalid = [None] * 3, 2 * len(fitness.dropped)
    else:
        finite = fitness if count == len(fitness) else fitness[np.isfinite(fitness)]
        quartiles, invalid = _quartiles(finite), len(fitness) - len(finite)
        lowest, highest = float(finite.min()), float(finite.max())  # as it is applied: -inf is replaced
    names = ("fitness_min", "fitness_q25", "fitness_median", "fitness_q75", "fitness_max")
    return columns | dict(zip(names, (lowest, *quartiles, highest), strict=True)) | {"invalid_members": invalid}


def _quartiles(values: np.ndarray) -> list[float]:
    """Does what `np.quantile` does, which is several times slower on a large population."""
    values, found, start = values.copy(), [], 0
    for q in (0.25, 0.5, 0.75):
        place = q * (len(values) - 1)
        below = int(place)
        rest = values[start:]  # all before are lower, and of no interest any more
        rest.partition(below - start)
        low, high = float(values[below]), float(values[below + 1 :].min(initial=np.inf))
        found.append(low if place == below else low + (place - below) * (high - low))
        start = below
    return found


def test_columns(found: Round, fitness: np.ndarray | PackedPairs) -> Row:
    """How the mean parameters did, and what share of the population did worse."""
    test = found.test
    if test is None:
        return {
            "mean_policy_return": None,
            "mean_policy_return_std": None,
            "mean_policy_episodes": 0,
            "mean_policy_rank": None,
        }
    mean = float(test.mean())
    rank = None if isinstance(fitness, PackedPairs) else float((fitness < mean).mean())
    return {
        "mean_policy_return": mean,
        "mean_policy_return_std": float(test.std()),
        "mean_policy_episodes": len(test),
        "mean_policy_rank": rank,
    }
