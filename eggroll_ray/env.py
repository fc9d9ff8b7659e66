"""What an environment is: records of pure functions, their spaces, and running observation statistics.

Letters in shapes: `o` observation axes, `b` environments in a flat batch.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray


@dataclasses.dataclass(frozen=True)
class Discrete:
    """Actions `0 .. n - 1`, one int32 per step."""

    n: int


@dataclasses.dataclass(frozen=True, eq=False)
class Box:
    """Arrays of one shape; `low` and `high` (same shape, inclusive) may be infinite."""

    shape: tuple[int, ...]
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, shape: tuple[int, ...], low: Any = -np.inf, high: Any = np.inf) -> "Box":
        """Broadcasts `low` and `high` to `shape` as float32."""
        return cls(
            tuple(shape),
            np.broadcast_to(np.asarray(low, np.float32), shape),
            np.broadcast_to(np.asarray(high, np.float32), shape),
        )


Space = Discrete | Box


class Timestep(NamedTuple):
    """What one environment shows after a reset or a step."""

    observation: Float[Array, "*o"]
    reward: Float[Array, ""]  # of the step just taken; 0 after a reset
    done: Bool[Array, ""]  # the episode ended, by the task or by its time limit


class Env(NamedTuple):
    """One environment as pure functions of arrays; no batch axis, no auto-reset, no hidden state.

    After `done` the caller stops; what `step` returns from then on is ignored.
    """

    name: str
    reset: Callable[[PRNGKeyArray], tuple[Any, Timestep]]  # key, consumed -> state, first timestep
    step: Callable[[Any, Array, PRNGKeyArray], tuple[Any, Timestep]]  # state, action, key (consumed)
    observation_space: Box
    action_space: Space
    max_steps: int  # no episode is longer
    agents: tuple[str, ...] = ("agent",)
    # Writes a picture, animation or page of one episode (its states on the host, in order) beside
    # the given path without suffix, and returns the file. None: the suite cannot render.
    render: Callable[[list[Any], Path], Path] | None = None
