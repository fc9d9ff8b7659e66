"""What driver and workers say to each other: frozen records of ints, strings and NumPy arrays."""

import dataclasses
from typing import Any

import numpy as np


class WorkerError(RuntimeError):
    """Workers could not be had, were lost, or disagree; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What all workers of a run agree on."""

    population_size: int  # members, even
    block_size: int  # members, even, a divisor of the population size
    seed: int
    test_episodes: int  # of the mean parameters

    @property
    def blocks(self) -> int:
        return self.population_size // self.block_size

    def members(self, block: int) -> np.ndarray:
        """Returns the member numbers of a block, int32."""
        return np.arange(block * self.block_size, (block + 1) * self.block_size, dtype=np.int32)


@dataclasses.dataclass(frozen=True)
class Generation:
    """The outcome of one generation: with the seed it is all that an update needs, and all that is logged."""

    number: int
    fitness: np.ndarray  # (population,) float32; NaN: the pair is dropped
    moments: tuple[Any, ...] = ()  # of each block, in block order; what the statistics are merged from


@dataclasses.dataclass(frozen=True)
class Request:
    """One round trip: update to generation `number` if behind it, then evaluate."""

    number: int
    previous: Generation | None  # the generation before, None for the first
    blocks: tuple[int, ...]
    test: bool  # also evaluate the mean parameters


@dataclasses.dataclass(frozen=True)
class BlockResult:
    """The evaluation of one block."""

    block: int
    fitness: np.ndarray
    steps: int
    moments: Any
    failures: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Reply:
    """What a worker returns for a request."""

    number: int
    digest: str  # of the state at the start of this generation
    blocks: tuple[BlockResult, ...]
    test: np.ndarray | None  # fitness of the mean parameters in each episode
    metrics: dict[str, float]  # of the update, empty when there was none
    update_seconds: float
    evaluate_seconds: float
