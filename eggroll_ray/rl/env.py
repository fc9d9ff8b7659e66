"""The records that describe environments, in JAX (`Env`) and in Python (`HostEnv`), and their spaces.

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
    """Several choices at once, `(len(n),)` int32 per step. The i-th is one of `0 .. n[i] - 1`."""

    n: tuple[int, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Box:
    """Arrays of a fixed shape. The bounds `low` and `high` have the same shape, are inclusive and may be infinite."""

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
    """What one environment returns after a reset or a step.

    With several agents, observation, reward and mask have an axis of agents in front.
    """

    observation: Float[Array, "*o"]
    reward: Float[Array, ""]  # reward of the step just taken; 0 after a reset
    done: Bool[Array, ""]  # whether the episode has ended, for all agents, by the task or by its time limit
    # Which actions are possible, `(k,)` bool. A `Discrete` space has one entry per choice; a `MultiDiscrete` space has
    # those of all choices in a row. An environment that allows all actions gives `()` in every timestep.
    mask: Any = ()


class Env(NamedTuple):
    """One environment as pure functions of arrays, without batch axis, auto-reset or hidden state.

    After `done` the caller stops using the state; what `step` returns after that is ignored. With several agents, all
    of them observe and act in every step, and each array has an axis of agents in front, in the order of `agents`. The
    observation of an agent that has left, or whose turn it is not, may be anything, and its action is ignored. Give it
    zeros, because observations of zeros do not count when observations are normalised.
    """

    name: str
    reset: Callable[[PRNGKeyArray], tuple[Any, Timestep]]  # key (consumed) -> state, first timestep
    step: Callable[[Any, Array, PRNGKeyArray], tuple[Any, Timestep]]  # state, action, key (consumed)
    observation_space: Box  # of one agent
    action_space: Space  # of one agent
    max_steps: int  # the largest number of steps in an episode
    agents: tuple[str, ...] = ("agent",)  # names of the agents; with a single one, arrays have no axis of agents
    # Observation and action space of each agent, if they differ. The two spaces above are then the largest. Shorter
    # observations `(o,)` are padded with zeros, actions are padded too, and the mask excludes what an agent lacks.
    agent_spaces: tuple[tuple[Box, Space], ...] = ()
    # Draws one episode, given its states as NumPy arrays in order, as a picture, animation or page. Adds a suffix to
    # the given path and returns the path of the file. None: the suite cannot draw.
    render: Callable[[list[Any], Path], Path] | None = None
    recipe: Recipe | None = None  # how to make it again from a record; None: it can only be given


class HostTimestep(NamedTuple):
    """What a batch of `b` Python environments returns; with several agents `(b, a, ...)`, as in `Timestep`."""

    observation: np.ndarray  # (b, *o) float32, or uint8 for images
    reward: np.ndarray  # (b,) float32
    done: np.ndarray  # (b,) bool
    mask: Any = ()  # (b, k) bool, or () if every action is possible
    failed: Mapping[int, str] = {}  # index in the batch -> what that environment raised, which ended its episode


class HostBatch(Protocol):
    """Python environments that are stepped together. Environments whose episode has ended are not stepped."""

    def reset(self, seeds: np.ndarray) -> HostTimestep:
        """Starts an episode in each environment. All randomness follows from `seeds`, `(b,)` uint32."""
        ...

    def step(self, actions: np.ndarray, alive: np.ndarray) -> HostTimestep:
        """Steps the environments that are `alive`, `(b,)` bool. What is returned for the others is ignored."""
        ...

    def close(self) -> None:
        """Frees the resources of the environments."""
        ...


class HostEnv(NamedTuple):
    """An environment in Python: the counterpart of `Env` with batches and NumPy, stepped outside compiled programs."""

    name: str
    make: Callable[[int], HostBatch]  # number of environments -> the batch
    observation_space: Box
    action_space: Space
    max_steps: int  # episodes are cut off after this many steps
    agents: tuple[str, ...] = ("agent",)
    agent_spaces: tuple[tuple[Box, Space], ...] = ()
    # (act, seed, path without suffix) -> path of the file. Plays one episode and draws it. `act` takes a `HostTimestep`
    # of one environment and returns its actions `(1, ...)`. None: the environment cannot be drawn.
    render: Callable[[Callable[[HostTimestep], np.ndarray], int, Path], Path] | None = None
    # What one environment itself shows -> its array `([a], *o)` and its mask `([a], k)`, () if it shows none; it raises
    # an exception for what is no observation. None: it shows arrays.
    encode: Callable[[Any], tuple[np.ndarray, Any]] | None = None
    recipe: Recipe | None = None


AnyEnv = Env | HostEnv
