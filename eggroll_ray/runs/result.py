"""What a run has come to."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Result:
    """What a run has come to.

    Attributes:
      status: "solved" (the target was reached and confirmed), "finished", or "stopped" (by `stop` or a
        signal).
      generations: updates applied.
      params: the mean parameters, NumPy arrays.
      policy: observation -> action with the observation normaliser inside; None without an environment.
      test: fitness of the mean parameters in each episode of the last test, `(episodes,)` or `(episodes, groups)`;
        None if there was none.
      digest: fingerprint of the state: the same for any number of workers.
      run: the run folder, None if there is none.
    """

    status: str
    generations: int
    params: Any
    policy: Any
    test: np.ndarray | None
    digest: str
    run: Path | None
