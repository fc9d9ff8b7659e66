"""When a run tests its mean parameters, and what ends it early."""

import dataclasses
import math

from eggroll_ray.es.numbers import make_plain


@dataclasses.dataclass(frozen=True)
class Watch:
    """When the mean parameters are tested, and what ends a run before its last generation.

    Attributes:
      every: number of generations from one test to the next; 0 never tests.
      episodes: fresh episodes per test. None takes the default of the evaluator (128 in an environment).
      target: the run stops as solved when a test reaches this mean fitness and a second test on fresh episodes
        confirms it.
      patience: the run stops after this number of generations without a better test. None never stops it.
      min_delta: a test counts as better only if it exceeds the best one by more than this; at least 0.
    """

    every: int = 1
    episodes: int | None = None
    target: float | None = None
    patience: int | None = None
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        make_plain(self)
        if self.every < 0 or (self.episodes is not None and self.episodes < 1):
            raise ValueError(
                f"every={self.every} must be at least 0 and episodes={self.episodes} at least 1, in generations "
                "between tests and fresh episodes per test."
            )
        if self.target is not None and self.every == 0:
            raise ValueError(f"target={self.target} needs tests of the mean parameters; set every to 1.")
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience={self.patience} must be at least 1 generation; None never stops.")
        if self.patience is not None and self.every == 0:
            raise ValueError(f"patience={self.patience} needs tests of the mean parameters; set every to 1.")
        if not (0 <= self.min_delta < math.inf):
            raise ValueError(f"min_delta={self.min_delta} must be at least 0, in units of the fitness.")


def check_patience(patience: int | None, comparable: bool) -> None:
    """Checks that `patience` is possible: it needs tests that can be compared.

    Args:
      patience: see `Watch`.
      comparable: whether tests of different generations can be compared.

    Raises:
      ValueError: if `patience` is given and tests cannot be compared.
    """
    if patience is not None and not comparable:
        raise ValueError(
            f"patience={patience} does not go with self-play, whose tests have other opponents in every generation and "
            "cannot be compared; leave it out."
        )
