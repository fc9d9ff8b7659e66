"""Reads a run folder: its configuration, its result, and the rows of all generations and events."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eggroll_ray.runs.best import Score, best_of, score_in_folder
from eggroll_ray.runs.files import parse_json
from eggroll_ray.runs.metrics import Row, read_metrics


@dataclasses.dataclass(frozen=True)
class History:
    """The contents of a run folder, whose run may be unfinished.

    Attributes:
      path: the folder.
      config: `config.json`, or {} if there is none.
      result: `result.json`, or None if there is none.
      records: the rows of `metrics.jsonl` in their order, both generations and events.
    """

    path: Path
    config: dict[str, Any]
    result: dict[str, Any] | None
    records: list[Row]

    @functools.cached_property
    def rows(self) -> list[Row]:
        """The rows of the generations."""
        return [row for row in self.records if "event" not in row]

    @functools.cached_property
    def events(self) -> list[Row]:
        """The rows of the events."""
        return [row for row in self.records if "event" in row]

    @property
    def target(self) -> float | None:
        """The return that solves the task, if there is one."""
        target = (self.result or {}).get("target", self.config.get("target"))
        return target if isinstance(target, int | float) else None

    @functools.cached_property
    def has_steps(self) -> bool:
        """Whether members took steps in an environment."""
        return any(row.get("steps") for row in self.rows)

    @functools.cached_property
    def in_windows(self) -> bool:
        """Whether an episode spans several generations. Then only the first of them counts it."""
        return any(row.get("episodes") == 0 for row in self.rows)

    @functools.cached_property
    def evaluated(self) -> list[Row]:
        """The rows of generations whose mean policy was tested."""
        return [row for row in self.rows if row.get("mean_policy_return") is not None]

    @functools.cached_property
    def best(self) -> Score | None:
        """The best test of the mean parameters: generation, mean, standard deviation, episodes.

        None without tests, and in self-play, where tests of different generations have different opponents. The best of
        many noisy tests is partly luck.
        """
        if self.is_self_play:
            return None
        result, last = self.result or {}, max((row["generation"] for row in self.rows), default=-1)
        # A run that was solved was tested twice at its end; its row has the test that is comparable with the others.
        at_end = {**result, "generation": result.get("generations"), "mean_policy_episodes": result.get("episodes")}
        further = [at_end] if (result.get("generations") or 0) > last else []
        # A test that no row or result is about any more, such as that at the end of an earlier `fit`, is in `best/`.
        kept = score_in_folder(self.path)
        if kept is not None and kept.generation <= max(last + 1, result.get("generations") or 0):
            further.append(kept.row())
        return best_of([*self.rows, *further])

    @property
    def is_self_play(self) -> bool:
        """Whether the opponents were earlier generations, so that tests cannot be compared across generations."""
        settings = self.config.get("settings")
        evaluator = settings.get("evaluator") if isinstance(settings, dict) else None
        return isinstance(evaluator, dict) and "rivals" in evaluator

    @property
    def rate_name(self) -> str:
        """The name of what `rate` counts."""
        return "Member-steps / s" if self.has_steps else "Evaluations / s"

    def rate(self, row: Row) -> float | None:
        """Returns steps or evaluations per second in a generation, or None if that is not known."""
        rate, seconds = row.get("member_steps_per_second"), timed_seconds(row)
        if not rate and not self.has_steps and seconds:
            return (self.config.get("population_size") or 0) / seconds or None
        return rate or None


def load_history(run: Path) -> History:
    """Reads a run folder. Missing files are treated as empty.

    Raises:
      FileNotFoundError: when `run` is not a folder.
      ValueError: when a file is damaged.
    """
    if not run.is_dir():
        raise FileNotFoundError(f"{run} is not a folder; give the folder that a run was saved in")
    metrics, result = run / "metrics.jsonl", _read_json(run / "result.json")
    records = [_sound_row(row) for row in (read_metrics(metrics) if metrics.exists() else [])]
    return History(
        path=run,
        config=_sound(_read_json(run / "config.json") or {}),
        result=None if result is None else _sound(result),
        # Leave out rows without a generation, which cannot be shown.
        records=[row for row in records if row.get("event") or row.get("generation") is not None],
    )


def timed_seconds(row: Row) -> float:
    """Returns the sum of the measured times of a generation, in seconds."""
    return sum(row.get(f"time_{part}") or 0.0 for part in ("update", "evaluate", "driver"))


def _read_json(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        found = parse_json(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is not JSON ({error}); restore or remove it") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds {str(found)[:60]!r}, not names and values; restore or remove it")
    return found


def _sound(values: dict[str, Any]) -> dict[str, Any]:
    """Removes values that are not of the kind that this package writes under their names."""
    return {name: value for name, value in values.items() if _KINDS.get(name, _anything)(value)}


def _sound_row(row: Row) -> Row:
    """Replaces values that are not of the expected kind (usually numbers) by None in a row of metrics."""
    return {
        name: value if value is None or _KINDS.get(name, _is_number)(value) else None for name, value in row.items()
    }


def _anything(value: Any) -> bool:
    del value
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < _LARGEST


def _is_amount(value: Any) -> bool:
    return _is_number(value) and value >= 0


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < _LARGEST


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_seconds(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_number(seconds) for seconds in value.values())


_LARGEST = 1e30  # larger numbers would overflow when figures are drawn
_KINDS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("generation", "generations", "population_size", "episodes"), _is_count),
    **dict.fromkeys(("total_steps", "total_episodes"), _is_count),
    **dict.fromkeys(("time", "time_generation", "time_update", "time_evaluate", "time_driver", "seconds"), _is_amount),
    **dict.fromkeys(("steps", "workers", "idle_share", "bytes_down", "bytes_up"), _is_amount),
    **dict.fromkeys(("target", "mean_policy_return", "mean_policy_return_std"), _is_number),
    **dict.fromkeys(("digest", "status", "message", "event", "detail", "worker"), _is_text),
    "idle_seconds": _are_seconds,
}
