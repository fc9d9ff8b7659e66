"""Who takes part in `benchmarks.peers.end_to_end`, in what; and what the rows of its files say."""

import dataclasses
import json
import math
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence

from benchmarks.peers.end_to_end_run import WARM_UP, Settings
from benchmarks.shared.kept_rows import Row


@dataclasses.dataclass(frozen=True)
class Entrant:
    """A program, and where it runs."""

    name: str
    module: str  # benchmarks.peers.end_to_end_<module>
    workers: int = 0  # Ray actors
    optimizer: str = "adam"
    common_episode: bool = True  # whether a whole generation plays the same one


@dataclasses.dataclass(frozen=True)
class Task:
    """An environment to be learned. Its first entrant is the one that the others are compared with."""

    env: str
    target: float
    seconds: float  # of training alone, after which a run of the race ends
    tuning_generations: int  # after which a run of the search for settings ends
    entrants: tuple[Entrant, ...]

    def tuned_as(self, entrant: Entrant) -> tuple[str, str]:
        """The entrant and the environment that its settings come from.

        Those of ours come from a run in process, in the environment in JAX where there is one of the same equations.
        """
        in_process = {OURS_ON_RAY: OURS, OURS_CLIPUP_ON_RAY: OURS_CLIPUP}.get(entrant, entrant)
        return in_process.name, self.env.replace("gym/", "gymnax/") if entrant.module == OURS.module else self.env


OURS = Entrant("eggroll_ray", "ours")
OURS_ON_RAY = Entrant("eggroll_ray, 2 workers", "ours", workers=2)
OURS_CLIPUP = Entrant("eggroll_ray, ClipUp", "ours", optimizer="clipup", common_episode=False)
OURS_CLIPUP_ON_RAY = Entrant(
    "eggroll_ray, ClipUp, 2 workers", "ours", workers=2, optimizer="clipup", common_episode=False
)
EVOSAX = Entrant("evosax", "evosax")
EVOTORCH = Entrant("EvoTorch, 2 actors", "evotorch", workers=2, optimizer="clipup", common_episode=False)

_IN_JAX = (OURS, OURS_ON_RAY, OURS_CLIPUP, EVOSAX)
_IN_PYTHON = (OURS_CLIPUP_ON_RAY, OURS_CLIPUP, EVOTORCH)
TASKS = (
    Task("gymnax/CartPole-v1", 475.0, seconds=90, tuning_generations=40, entrants=_IN_JAX),
    Task("gymnax/Pendulum-v1", -250.0, seconds=180, tuning_generations=120, entrants=_IN_JAX),
    Task("gym/CartPole-v1", 475.0, seconds=120, tuning_generations=40, entrants=_IN_PYTHON),
    Task("gym/Pendulum-v1", -250.0, seconds=300, tuning_generations=60, entrants=_IN_PYTHON),
)
ANT = "brax/ant"
ANT_ENTRANTS = (OURS, EVOSAX)
_FINALISTS = 3  # of each search for settings: they are run with more seeds
# Sigma and learning rate, the same eight for all.
GRID = tuple((sigma, rate) for sigma in (0.1, 0.2) for rate in (0.03, 0.05, 0.1, 0.15))

# The file of each part, and what tells its rows from each other, beside the entrant.
FILES = {"tune": "end_to_end_tuning.json", "race": "end_to_end.json", "ant": "end_to_end_ant.json"}
_KEYS = {
    "tune": ("env", "seed", "sigma", "learning_rate"),
    "race": ("env", "seed"),
    "ant": ("population_size", "seed"),
}


def key(part: str, row: Row) -> object:
    """What tells a row of a part from others: a new row takes the place of its like."""
    return row["entrant"], *(row["settings"][name] for name in _KEYS[part])


def is_done(rows: Iterable[Row], entrant: Entrant, settings: Settings) -> bool:
    """Whether there is a row of an entrant with these settings. Where it crashed, it may be tried again."""
    asked = describe(settings)
    return any(
        row["entrant"] == entrant.name and row["settings"] == asked and outcome(row) != "crashed" for row in rows
    )


def is_lost(rows: Iterable[Row], entrant: Entrant, settings: Settings, seeds: Collection[int]) -> bool:
    """Whether these sigma and learning rate have missed the target in so many of these seeds that the median does."""
    missed = [
        row
        for row in find(rows, entrant.name, settings.env)
        if row["settings"]["seed"] in seeds
        and outcome(row) == "not reached"
        and setting_of(row) == (settings.sigma, settings.learning_rate)
    ]
    return len(missed) > len(seeds) // 2


def setting_of(row: Row) -> tuple[float, float]:
    """The sigma and learning rate of a row."""
    return row["settings"]["sigma"], row["settings"]["learning_rate"]


def describe(settings: Settings) -> Row:
    """The settings as a row holds them: without the time, which is of no other process."""
    found = json.loads(json.dumps(dataclasses.asdict(settings)))
    del found["began"]
    return found


def outcome(row: Row) -> str:
    """Says "solved", "not reached" (within the limit) or "crashed"."""
    if row["ended_by"] == "crash":
        return "crashed"
    return "solved" if row["ended_by"] == "target" else "not reached"


def seconds(row: Row, compiled: bool) -> float:
    """How long a run took until its end; where the target was not reached, it would have taken longer.

    Args:
      row: of a run that did not crash.
      compiled: from the moment when everything is compiled and every actor is there; or from the start of the
        process, in which the warm-up's generations count once.
    """
    times = [point[1] for point in row["curve"]]
    return times[-1] if compiled else row["start_seconds"] + times[-1] - times[min(WARM_UP, len(times) - 1)]


def find(rows: Iterable[Row], entrant: str, env: str) -> list[Row]:
    """Returns the rows of an entrant in an environment."""
    return [row for row in rows if row["entrant"] == entrant and row["settings"]["env"] == env]


def choose(rows: Iterable[Row], entrant: str, env: str) -> tuple[float, float]:
    """Returns the sigma and learning rate by which an entrant got to the target soonest, in the median of the seeds.

    Soonest is with the fewest member-episodes, which do not depend on what else the machine has to do. Where none got
    there, those with the highest return on the way. Only those that were run with the most seeds are looked at.

    Raises:
      ValueError: without a run that did not crash.
    """
    tried = _by_setting(rows, entrant, env)
    if not tried:
        raise ValueError(
            f"{entrant} has not been tuned in {env}; run `python -m benchmarks.peers.end_to_end tune` first."
        )
    most = max(map(len, tried.values()))
    return _ranked({setting: runs for setting, runs in tried.items() if len(runs) == most})[0]


def finalists(rows: Iterable[Row], entrant: str, env: str, seeds: Collection[int]) -> list[tuple[float, float]]:
    """Returns the three sigmas and learning rates that were best in the median of these seeds."""
    first = [row for row in rows if row["settings"]["seed"] in seeds]
    return _ranked(_by_setting(first, entrant, env))[:_FINALISTS]


def _by_setting(rows: Iterable[Row], entrant: str, env: str) -> dict[tuple[float, float], list[Row]]:
    tried: dict[tuple[float, float], list[Row]] = {}
    for row in find(rows, entrant, env):
        if outcome(row) != "crashed":
            tried.setdefault(setting_of(row), []).append(row)
    return tried


def _ranked(tried: Mapping[tuple[float, float], Sequence[Row]]) -> list[tuple[float, float]]:
    return sorted(tried, key=lambda setting: _merit(tried[setting]))


def _merit(rows: Sequence[Row]) -> tuple[float, float]:
    played = [row["curve"][-1][2] if outcome(row) == "solved" else math.inf for row in rows]
    return statistics.median(played), -statistics.median(max(point[3] for point in row["curve"]) for row in rows)
