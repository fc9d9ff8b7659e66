"""What a run has come to."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from eggroll_ray.runs.metrics import Row
from eggroll_ray.runs.rows import episode_returns


@dataclasses.dataclass(frozen=True)
class Best:
    """The mean parameters with the best test of a run.

    The best of many noisy tests is partly luck: `mean` promises more than the policy will do. Test it on fresh episodes
    before you quote a number, with `eggroll-ray eval RUN --best`.

    Attributes:
      generation: updates that had been applied. Of equal tests this is the earliest.
      params: the mean parameters, NumPy arrays.
      policy: observation -> action with the observation normaliser inside; None without an environment.
      mean: fitness in that test, the mean over its episodes (and over groups of agents, if there are several).
      std: of the fitness over the episodes.
      episodes: number of episodes of the test.
    """

    generation: int
    params: Any
    policy: Any
    mean: float
    std: float
    episodes: int


@dataclasses.dataclass(frozen=True)
class Result:
    """What a run has come to.

    Parameters, policy, test and digest are of one state: that after `generations` updates. While a run goes on, it is
    the state that the last row of metrics is about.

    Attributes:
      status: "solved" (the target was reached and confirmed), "plateau" (no test was better for as many generations as
        `Watch.patience` says), "stopped" (by `stop` or a signal), or "finished".
      generations: updates applied; the `generation` of the row of metrics about the same parameters.
      params: the mean parameters, NumPy arrays.
      policy: observation -> action with the observation normaliser inside; None without an environment.
      test: fitness of the mean parameters in each episode of their test, `(episodes,)` or `(episodes, groups)`. Of a
        run that was solved it is the confirmation, on other episodes than those that its row is about. None where tests
        are switched off, and where a signal ended the run before these parameters were tested.
      digest: fingerprint of the state: the same for any number of workers.
      run: the run folder, None if there is none.
      best: the parameters with the best test of the run. None without tests; in self-play, where tests of different
        generations have different opponents; and where they would have to be rebuilt from the fitness log, but a signal
        ended the run.
    """

    status: str
    generations: int
    params: Any
    policy: Any
    test: np.ndarray | None
    digest: str
    run: Path | None
    best: Best | None = None


def summary(status: str, generations: int, test: np.ndarray | None, digest: str, message: str = "") -> Row:
    """Returns what `result.json` says of the state with which a run ended.

    Args:
      status: as in `Result`, or "failed".
      generations: updates applied.
      test: fitness in each episode of the test of the mean parameters, None if there was none.
      digest: of the state, "" if it is not known.
      message: why it failed.
    """
    return {
        "status": status,
        "generations": generations,
        "mean_policy_return": None if test is None else float(test.mean()),
        "mean_policy_return_std": None if test is None else float(episode_returns(test).std()),
        "episodes": 0 if test is None else len(test),
        "digest": digest,
        "message": message,
    }
