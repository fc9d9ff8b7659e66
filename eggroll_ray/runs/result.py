"""The result of a run."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from eggroll_ray.runs.metrics import Row
from eggroll_ray.runs.rows import episode_returns


@dataclasses.dataclass(frozen=True)
class Best:
    """The mean parameters with the best test of a run.

    The best of many noisy tests is partly luck, so `mean` is too optimistic. Before you quote a number, test the policy
    on fresh episodes: `eggroll-ray eval RUN --best`.

    Attributes:
      generation: number of updates that had been applied. If several tests are equally good, the earliest counts.
      params: the mean parameters, NumPy arrays.
      policy: observation -> action with the observation normaliser inside; None without an environment.
      mean: mean fitness over the episodes of the test (and over groups of agents, if there are several).
      std: standard deviation of the fitness over the episodes.
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
    """The result of a run.

    Parameters, policy, test and digest all describe one state: the state after `generations` updates. While the run
    goes on, this is the state that the last row of metrics describes.

    Attributes:
      status: "solved" (the target was reached and confirmed), "plateau" (no test was better for as many generations as
        `Watch.patience` says), "stopped" (by `stop` or a signal), "finished", or, of a result that was asked for while
        the run goes on, "unfinished".
      generations: number of updates applied. The row of metrics about the same parameters has it as `generation`.
      params: the mean parameters, NumPy arrays.
      policy: observation -> action with the observation normaliser inside; None without an environment.
      test: fitness of the mean parameters in each episode of their test, `(episodes,)` or `(episodes, groups)`. If
        the run was solved, it is the confirming test, which has other episodes than the row. None if tests are switched
        off, or if a signal ended the run before these parameters were tested.
      digest: fingerprint of the state. It is the same for any number of workers.
      run: the run folder, None if there is none.
      best: the parameters with the best test of the run. None if there are no tests, and in self-play, whose tests
        cannot be compared because each has other opponents. Also None if a signal ended the run and the parameters
        would have to be rebuilt from the fitness log.
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
    """Returns what `result.json` says about the state with which a run ended.

    Args:
      status: as in `Result`, or "failed".
      generations: updates applied.
      test: fitness in each episode of the test of the mean parameters, None if there was none.
      digest: of the state; "" if it is not known.
      message: why the run failed; "" if it did not.
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
