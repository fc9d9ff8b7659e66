"""Times interleaved runs in one process, because machines are shared and their speed drifts."""

import statistics
import time
from collections.abc import Callable, Mapping

import jax
import numpy as np


def interleave(cases: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, dict[str, float]]:
    """Times several cases in turn.

    Returns:
      For each case, in seconds: `first`, the first call, which compiles; and `median`, `low` and `high`, the median and
      the quartiles of the other calls.
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
