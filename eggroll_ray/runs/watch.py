"""How a run is watched while it goes on, and when it ends."""

import dataclasses

from eggroll_ray.es.numbers import make_plain


@dataclasses.dataclass(frozen=True)
class Watch:
    """How the mean parameters are watched.

    Attributes:
      every: generations between tests; 0 never tests.
      episodes: fresh episodes per test; None: what the evaluator suggests (128 in an environment).
      target: mean fitness at which the run stops as solved, once confirmed on other fresh episodes.
    """

    every: int = 1
    episodes: int | None = None
    target: float | None = None

    def __post_init__(self) -> None:
        make_plain(self)
        if self.every < 0 or (self.episodes is not None and self.episodes < 1):
            raise ValueError(
                f"every={self.every} must be at least 0 and episodes={self.episodes} at least 1, in generations "
                "between tests and fresh episodes per test."
            )
        if self.target is not None and self.every == 0:
            raise ValueError(f"target={self.target} needs tests of the mean parameters; set every to 1.")
