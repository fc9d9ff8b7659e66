"""One run of the RL comparison: trains for some environment steps, tests meanwhile, and times compiling separately."""

import dataclasses
import time
from typing import Any, Self

import numpy as np
from jax import monitoring

from benchmarks.rl.rl_learners import Learner


@dataclasses.dataclass(frozen=True)
class Limits:
    """When a run ends, and how often it is tested. A run is at least one update; an update is never cut short."""

    budget: int  # steps of environments, of the whole population; tests do not count
    minutes: float | None = None  # of wall time from the first test on, compiling and tests included
    points: int = 30  # of the curve, about
    test_episodes: int = 128  # of each test

    def __post_init__(self) -> None:
        smallest = min(self.budget, self.points, self.test_episodes)
        if smallest < 1 or (self.minutes is not None and not self.minutes > 0):
            raise ValueError(
                f"budget={self.budget}, points={self.points} and test_episodes={self.test_episodes} must be at least "
                f"1, minutes={self.minutes} positive."
            )

    def reached(self, steps: int, seconds: float) -> str | None:
        """The limit that ends the run, if any."""
        if steps >= self.budget:
            return "budget"
        return "minutes" if self.minutes is not None and seconds >= 60 * self.minutes else None


class Stopwatch:
    """Seconds spent inside `with`, those of JAX's tracing and compiling apart."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.compile_seconds = 0.0
        self.first_seconds: float | None = None  # of the first time, all included

    def __enter__(self) -> Self:
        self._spans: list[tuple[float, float]] = []
        monitoring.register_event_duration_secs_listener(self._on_event)
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        elapsed = time.perf_counter() - self._start
        monitoring.unregister_event_duration_listener(self._on_event)
        compiling = min(covered(self._spans), elapsed)
        self.seconds += elapsed - compiling
        self.compile_seconds += compiling
        if self.first_seconds is None:
            self.first_seconds = elapsed

    def _on_event(self, event: str, duration_secs: float, **kwargs: str | int) -> None:
        del kwargs
        if event.startswith("/jax/core/compile/"):
            now = time.perf_counter()
            self._spans.append((now - duration_secs, now))


def covered(spans: list[tuple[float, float]]) -> float:
    """The length of the union of intervals: a function that is traced inside another one counts once."""
    total, end = 0.0, float("-inf")
    for start, stop in sorted(spans):
        total += max(stop - max(start, end), 0.0)
        end = max(end, stop)
    return total


def run(learner: Learner, limits: Limits) -> dict[str, Any]:
    """Trains until a limit is reached.

    Returns:
      What it came to. Seconds are of training alone; the final return is that of the last test, and of one more
      where the most likely action is taken.
    """
    began = time.monotonic()
    training, testing = Stopwatch(), Stopwatch()
    steps = updates = 0
    with testing:
        returns = learner.test(limits.test_episodes)
    curve = [(0, float(returns.mean()))]
    spacing, ended_by = limits.budget / limits.points, None
    while ended_by is None:
        with training:
            steps += learner.advance()
        updates += 1
        ended_by = limits.reached(steps, time.monotonic() - began)
        if ended_by is not None or steps // spacing > curve[-1][0] // spacing:
            with testing:
                returns = learner.test(limits.test_episodes)
            curve.append((steps, float(returns.mean())))
    with testing:
        likely = learner.test(limits.test_episodes, most_likely=True)
    return {
        "steps": steps,
        "generations": updates,
        "ended_by": ended_by,
        "minutes": limits.minutes,
        "final_return": float(returns.mean()),
        "final_return_std": float(returns.std()),
        "final_return_most_likely": float(likely.mean()),
        "test_episodes": len(returns),
        "seconds": round(training.seconds, 3),
        "steps_per_second": round(steps / max(training.seconds, 1e-9), 1),
        "compile_seconds": round(training.compile_seconds, 3),
        "first_update_seconds": round(training.first_seconds or 0.0, 3),
        "test_seconds": round(testing.seconds + testing.compile_seconds, 3),
        "curve": [[step, float(np.float32(value))] for step, value in curve],
    }


def describe(row: dict[str, Any]) -> str:
    """A row in one line."""
    return (
        f"{row['env']} {row['algo']} seed {row['seed']}: return {row['final_return']:.4g} after {row['steps']:.3g} "
        f"steps, {row['generations']} updates ({row['ended_by']}), {row['steps_per_second']:,.0f} steps/s, training "
        f"{row['seconds']:.1f} s, compiling {row['compile_seconds']:.1f} s, tests {row['test_seconds']:.1f} s"
    )
