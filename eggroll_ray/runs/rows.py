"""Makes a row of metrics from the results of a generation."""

import time

import numpy as np

from eggroll_ray.evaluators.record import Evaluator
from eggroll_ray.runs.metrics import Row
from eggroll_ray.workers.fitness_vector import PackedPairs, unflatten
from eggroll_ray.workers.messages import Outcome
from eggroll_ray.workers.plan import Plan
from eggroll_ray.workers.results import Round

_FEWEST_STEPS = 64  # least number of float32 steps between the quartiles of a fitness; with fewer, rounding matters
_NO_LONGER_EVERY_INTEGER = 2.0**24  # from this number on, float32 cannot represent every integer


def fitness_columns(found: Round, fitness: np.ndarray | PackedPairs, groups: tuple[str, ...] = ()) -> Row:
    """Returns mean, spread and quantiles of the fitness. With packed signs the inner quantiles are unknown.

    With several groups, the fitness of all groups is taken together, and `fitness_mean/<group>` is the mean of each.
    """
    count, total, squares, lowest, highest, ties = (float(value) for value in found.spread)
    mean = total / count if count else None
    row: Row = {
        "fitness_mean": mean,
        "fitness_std": None if mean is None else float(np.sqrt(max(squares / count - mean * mean, 0.0))),
    }
    if isinstance(fitness, PackedPairs):
        quartiles, invalid = [None] * 3, 2 * len(fitness.dropped)
    else:
        finite, invalid = fitness, 0
        if count < len(fitness):
            is_finite = np.isfinite(fitness)
            finite = fitness[is_finite]
            invalid = int((~unflatten(is_finite, max(1, len(groups))).all(axis=1)).sum())
        quartiles = _quartiles(finite)
        lowest, highest = float(finite.min()), float(finite.max())  # as it is applied: -inf is replaced
    names = ("fitness_min", "fitness_q25", "fitness_median", "fitness_q75", "fitness_max")
    row |= dict(zip(names, (lowest, *quartiles, highest), strict=True))
    row |= {"invalid_members": invalid, "tied_members": int(ties)}
    if groups and not isinstance(fitness, PackedPairs):
        by_group = unflatten(fitness, len(groups))
        for name, column in zip(groups, by_group.T, strict=True):
            finite = column[np.isfinite(column)]
            row[f"fitness_mean/{name}"] = float(finite.mean()) if len(finite) else None
    return row


def too_coarse(row: Row) -> str | None:
    """Returns a warning if float32 is too coarse for the differences between members' fitness, otherwise None.

    A fitness computed by JAX is rounded before it can be examined, so only its size shows the problem.

    Args:
      row: the row of a generation.
    """
    names = ("fitness_q25", "fitness_q75") if row["fitness_q25"] is not None else ("fitness_min", "fitness_max")
    low, high = (row[name] for name in names)
    largest = max(abs(low), abs(high))
    step = float(np.spacing(np.float32(largest)))
    few = high - low < _FEWEST_STEPS * step and (high > low or largest >= _NO_LONGER_EVERY_INTEGER)
    if not few and not row["tied_members"]:
        return None
    ties = f"{row['tied_members']} members had a fitness of their own until it was rounded to float32; "
    return (
        f"{ties if row['tied_members'] else ''}half of the members are between {low:.9g} and {high:.9g}, where float32 "
        f"has steps of {step:.3g}: return what members differ in, such as -error instead of {largest:.3g} - error."
    )


def _quartiles(values: np.ndarray) -> list[float]:
    """Returns the quartiles. `np.quantile` gives the same, but is several times slower on a large population."""
    values, found, start = values.copy(), [], 0
    for q in (0.25, 0.5, 0.75):
        place = q * (len(values) - 1)
        below = int(place)
        rest = values[start:]  # all values before are lower and no longer needed
        rest.partition(below - start)
        low, high = float(values[below]), float(values[below + 1 :].min(initial=np.inf))
        found.append(low if place == below else low + (place - below) * (high - low))
        start = below
    return found


def episode_returns(test: np.ndarray) -> np.ndarray:
    """Returns the mean over groups for each episode: (episodes,) or (episodes, groups) -> (episodes,)."""
    return test.reshape(len(test), -1).mean(axis=1)


def test_columns(
    found: Round, fitness: np.ndarray | PackedPairs, groups: tuple[str, ...] = (), whole: bool = True
) -> Row:
    """Returns the results of the test of the mean parameters, and the share of the population with a lower fitness.

    The share is unknown with several groups, and if members do not play `whole` episodes as the test does.
    """
    test = found.test
    if test is None:
        return {
            "mean_policy_return": None,
            "mean_policy_return_std": None,
            "mean_policy_episodes": 0,
            "mean_policy_rank": None,
        }
    mean = float(test.mean())
    rank = None
    if whole and not groups and not isinstance(fitness, PackedPairs):
        rank = float((fitness < mean).mean())
    by_group = zip(groups, test.T, strict=True) if groups else ()
    return {
        "mean_policy_return": mean,
        **{f"mean_policy_return/{name}": float(column.mean()) for name, column in by_group},
        "mean_policy_return_std": float(episode_returns(test).std()),
        "mean_policy_episodes": len(test),
        "mean_policy_rank": rank,
    }


class Rows:
    """Makes the rows of a run. When a run is resumed, seconds and totals continue from the last row."""

    def __init__(self, evaluator: Evaluator, plan: Plan, last: Row):
        """Makes the rows of a run.

        Args:
          evaluator: what is optimised.
          plan: plan of the run.
          last: the last row so far, if the run is resumed; otherwise {}.
        """
        self._evaluator, self._plan = evaluator, plan
        self._start = time.monotonic() - last.get("time", 0.0)
        self.totals = {name: last.get(name, 0) for name in ("total_steps", "total_episodes")}

    def seconds(self) -> float:
        """Returns the seconds of training so far."""
        return time.monotonic() - self._start

    def row(self, outcome: Outcome, found: Round, workers: int, seconds: float) -> Row:
        """Makes the row of a generation, and adds it to the totals.

        Args:
          outcome: the outcome of the generation, as it is logged and applied.
          found: the results of its evaluation.
          workers: number of workers that took part, 0 if this process evaluated.
          seconds: duration of the generation.
        """
        windows, groups = self._evaluator.windows, self._evaluator.groups
        whole = windows == 1  # whether a generation plays whole episodes
        begins = outcome.number % windows == 0
        episodes = self._plan.population_size * self._evaluator.episodes if begins else 0
        self.totals["total_steps"] += found.steps
        self.totals["total_episodes"] += episodes
        skipped = found.pool.get("results_skipped", 0)
        return {
            "generation": outcome.number,
            "time": self.seconds(),
            **found.metrics,  # of the update before, with an `invalid_members` of its own
            **fitness_columns(found, outcome.fitness, groups),
            **test_columns(found, outcome.fitness, groups, whole),
            "failed_members": len(found.failures),
            "steps": found.steps,
            "episodes": episodes,
            "episode_length_mean": found.steps / episodes if found.steps and whole else None,
            **self.totals,
            "member_steps_per_second": (found.steps or self._plan.population_size) / seconds,
            "time_generation": seconds,
            "time_update": found.update_seconds,
            "time_evaluate": found.evaluate_seconds,
            "time_driver": max(seconds - found.update_seconds - found.evaluate_seconds, 0.0),
            "workers": workers,
            **found.pool,
            "results_skipped_share": skipped / (skipped + self._plan.blocks),
            "digest": found.digest,
        }
