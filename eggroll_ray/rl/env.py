"""What an environment is: records of pure functions, and their spaces.

Letters in shapes: `o` observation axes, `a` agents of an environment, `k` entries of an action mask.
"""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from eggroll_ray.es.recipe import Recipe
from eggroll_ray.es.recipe import with_recipe as with_recipe


@dataclasses.dataclass(frozen=True)
class Discrete:
    """Actions `0 .. n - 1`, one int32 per step."""

    n: int


@dataclasses.dataclass(frozen=True)
class MultiDiscrete:
    """Several choices at once, `(len(n),)` int32 per step: the i-th is one of `0 .. n[i] - 1`."""

    n: tuple[int, ...]


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


Space = Discrete | MultiDiscrete | Box


def action_shape(space: Space) -> tuple[int, ...]:
    """The shape of one action."""
    if isinstance(space, Discrete):
        return ()
    return (len(space.n),) if isinstance(space, MultiDiscrete) else space.shape


class Timestep(NamedTuple):
    """What one environment shows after a reset or a step.

    With several agents, observation, reward and mask have an axis of agents in front.
    """

    observation: Float[Array, "*o"]
    reward: Float[Array, ""]  # of the step just taken; 0 after a reset
    done: Bool[Array, ""]  # the episode ended, for all agents, by the task or by its time limit
    # Which actions are possible, `(k,)` bool: one entry per choice of a `Discrete` space, those of a `MultiDiscrete`
    # space one after the other. `()` (no leaf) in every timestep of an environment that allows all of them.
    mask: Any = ()


class Env(NamedTuple):
    """One environment as pure functions of arrays; no batch axis, no auto-reset, no hidden state.

    After `done` the caller stops; what `step` returns from then on is ignored. With several agents all of them
    observe and act in every step, and each array has an axis of agents in front, in the order of `agents`: an agent
    that is not there any more, or whose turn it is not, is shown anything and acts in vain. Show it zeros: they do not
    count where observations are normalised.
    """

    name: str
    reset: Callable[[PRNGKeyArray], tuple[Any, Timestep]]  # key, consumed -> state, first timestep
    step: Callable[[Any, Array, PRNGKeyArray], tuple[Any, Timestep]]  # state, action, key (consumed)
    observation_space: Box  # of one agent
    action_space: Space  # of one agent
    max_steps: int  # no episode is longer
    agents: tuple[str, ...] = ("agent",)  # with one there is no axis of agents
    # Observation and action space of each agent, where they differ. The two above then hold the largest: shorter
    # observations `(o,)` are padded by zeros, actions are padded too, and the mask rules out what an agent lacks.
    agent_spaces: tuple[tuple[Box, Space], ...] = ()
    # Writes a picture, animation or page of one episode (its states on the host, in order) beside
    # the given path without suffix, and returns the file. None: the suite cannot render.
    render: Callable[[list[Any], Path], Path] | None = None
    recipe: Recipe | None = None  # how to make it again from a record; None: it can only be given


class HostTimestep(NamedTuple):
    """What a batch of `b` environments on the host shows; with several agents `(b, a, ...)` as in `Timestep`."""

    observation: np.ndarray  # (b, *o) float32, or uint8 for images
    reward: np.ndarray  # (b,) float32
    done: np.ndarray  # (b,) bool
    mask: Any = ()  # (b, k) bool, or () where every action is possible
    failed: Mapping[int, str] = {}  # place in the batch -> what that environment raised; its episode has ended


class HostBatch(Protocol):
    """Environments on the host that are stepped together. Episodes that have ended are left alone."""

    def reset(self, seeds: np.ndarray) -> HostTimestep:
        """Starts an episode in each; `seeds` `(b,)` uint32 decide all that is random in it."""
        ...

    def step(self, actions: np.ndarray, alive: np.ndarray) -> HostTimestep:
        """Steps those that are `alive` `(b,)`; what is shown of the others means nothing."""
        ...

    def close(self) -> None:
        """Frees what the environments hold."""
        ...


class HostEnv(NamedTuple):
    """Environments in Python: the batched NumPy twin of `Env`, stepped outside of any compiled program."""

    name: str
    make: Callable[[int], HostBatch]  # number of environments -> the batch
    observation_space: Box
    action_space: Space
    max_steps: int  # episodes are cut there
    agents: tuple[str, ...] = ("agent",)
    agent_spaces: tuple[tuple[Box, Space], ...] = ()
    # (actions from observations, seed, path without suffix) -> the file: plays one episode and draws it. `act` takes a
    # `HostTimestep` of one environment and returns its actions `(1, ...)`. None: it cannot be rendered.
    render: Callable[[Callable[[HostTimestep], np.ndarray], int, Path], Path] | None = None
    # What one environment itself shows -> its array `([a], *o)` and its mask `([a], k)`, () if it shows none; it raises
    # an exception for what is no observation. None: it shows arrays.
    encode: Callable[[Any], tuple[np.ndarray, Any]] | None = None
    recipe: Recipe | None = None


AnyEnv = Env | HostEnv
