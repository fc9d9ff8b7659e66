"""Times of interleaved runs in one process: machines are shared, and drift."""

import statistics
import time
from collections.abc import Callable, Mapping

import jax
import numpy as np


def interleave(cases: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, dict[str, float]]:
    """Times cases in turn.

    Returns:
      Of each case in seconds: the first call, `first`, which compiles; of the others `median`, `low` and `high`, the
      quartiles.
    """
    first, seconds = {}, {name: [] for name in cases}
    for name, run in cases.items():
        first[name] = _seconds(run)
    for _ in range(repeats):
        for name, run in cases.items():
            seconds[name].append(_seconds(run))
    return {
        name: {
            "first": first[name],
            "median": statistics.median(times),
            **dict(zip(("low", "high"), map(float, np.quantile(times, (0.25, 0.75))), strict=True)),
        }
        for name, times in seconds.items()
    }


def _seconds(run: Callable[[], object]) -> float:
    before = time.perf_counter()
    jax.block_until_ready(run())
    return time.perf_counter() - before
