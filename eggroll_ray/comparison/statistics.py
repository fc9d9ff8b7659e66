"""Summarises the scores of several seeds by one number with an interval, as Agarwal et al. (2021) define them.

Agarwal, Schwarzer, Castro, Courville, Bellemare, "Deep Reinforcement Learning at the Edge of the Statistical
Precipice", NeurIPS 2021 (arXiv 2108.13264), and their library rliable. The interval is theirs for a single task: then
their stratified bootstrap, which resamples seeds within each task, simply resamples the seeds.
"""

import numpy as np

FEWEST = 3  # with fewer seeds there is a mean but no interval
LEVEL = 0.95  # of the intervals
RESAMPLES = 2000  # of the bootstrap
_AT_ONCE = 100  # resamples at a time, so that curves of many seeds need little memory


def interquartile_mean(scores: np.ndarray) -> np.ndarray:
    """Averages the middle half: the lowest and the highest quarter, rounded down to whole scores, are left out.

    Args:
      scores: `(n, ...)`, of `n` seeds.

    Returns:
      `(...)`; with fewer than four seeds it is the mean.
    """
    cut = len(scores) // 4
    return np.sort(scores, axis=0)[cut : len(scores) - cut].mean(axis=0)


def interval(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Bounds the interquartile mean by the percentile bootstrap over seeds, whose random numbers are always the same.

    Args:
      scores: `(n, ...)`, of `n` seeds.

    Returns:
      The lower and the upper bounds, each `(...)`, between which 95 % of the resampled means lie; None with fewer than
      three seeds.
    """
    if len(scores) < FEWEST:
        return None
    drawn = np.random.default_rng(0).integers(len(scores), size=(RESAMPLES, len(scores)))
    cut = len(scores) // 4
    means = []
    for some in np.split(drawn, RESAMPLES // _AT_ONCE):
        resampled = np.sort(scores[some], axis=1)  # (some, n, ...)
        means.append(resampled[:, cut : len(scores) - cut].mean(axis=1))
    tails = 50 * (1 - LEVEL), 100 - 50 * (1 - LEVEL)
    low, high = np.percentile(np.concatenate(means), tails, axis=0)
    return low, high
