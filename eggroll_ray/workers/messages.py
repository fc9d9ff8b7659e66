"""The messages between driver and workers: frozen records of ints, strings and NumPy arrays."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from eggroll_ray.es.digest import digest
from eggroll_ray.workers.fitness_vector import PackedPairs


class WorkerError(RuntimeError):
    """Raised when workers could not be started, were lost, or disagree. The message says what to do."""


def state_changed(number: int) -> WorkerError:
    """Returns the error for an evaluation during which the parameters changed."""
    return WorkerError(
        f"the parameters changed while generation {number} was evaluated. Either native code called by the fitness "
        "writes to memory that is not its own, or the memory is faulty. No wrong result was logged: correct the cause "
        "and resume the run."
    )


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The outcome of one generation. Together with the seed it is all that an update needs, and all that is logged.

    The fitness is `(population,)` float32, where NaN means that the pair is dropped. It is one sign per pair if the
    strategy uses no more. With several groups it is one vector for all of them; see `fitness_vector`.
    """

    number: int
    fitness: np.ndarray | PackedPairs
    moments: tuple[Any, ...] = ()  # what the evaluator's statistics are updated with; see `Evaluator.merge`
    # Numbers of the strategy that change with this update: (path in its state, new value); see `es.steering`.
    changes: tuple[tuple[str, float], ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of the fitness, which is sent to every worker."""
        return self.fitness.nbytes


@dataclasses.dataclass(frozen=True)
class Work:
    """What a worker should evaluate: blocks, in this order, and after them optionally the mean parameters.

    The length counts blocks, checks and the test, so work with nothing to do is false.
    """

    blocks: tuple[int, ...] = ()
    test: bool = False  # whether to test the mean parameters on fresh episodes
    checks: tuple[int, ...] = ()  # blocks of other workers to evaluate again for comparison, after `blocks`
    compare: bool = False  # whether to return fingerprints of the results

    def __len__(self) -> int:
        return len(self.blocks) + self.test + len(self.checks)

    def request(self, number: int, outcomes: tuple["Outcome", ...]) -> "Request":
        """Returns the request to do this work at generation `number`, after updates by `outcomes`."""
        return Request(number, outcomes, self.blocks, self.test, self.checks, self.compare)

    @property
    def evaluations(self) -> int:
        """Number of blocks to evaluate, checks included."""
        return len(self.blocks) + len(self.checks)

    def overlaps(self, other: "Work") -> bool:
        """Whether the two share a block or the test."""
        return (self.test and other.test) or not set(self.blocks).isdisjoint(other.blocks)


@dataclasses.dataclass(frozen=True)
class Request:
    """Asks a worker to update to generation `number`, if it is behind, and then to evaluate."""

    number: int
    outcomes: tuple[Outcome, ...]  # outcomes of earlier generations that the worker may not have applied yet
    blocks: tuple[int, ...]  # evaluated in this order
    test: bool = False  # whether to evaluate the mean parameters after the blocks
    checks: tuple[int, ...] = ()  # further blocks, of which only fingerprints are returned
    compare: bool = False  # whether to return fingerprints of `blocks` as well

    @property
    def work(self) -> Work:
        """The work that it asks for."""
        return Work(self.blocks, self.test, self.checks, self.compare)


@dataclasses.dataclass(frozen=True)
class BlockResult:
    """The evaluation of one block."""

    block: int
    fitness: np.ndarray  # (block,) float32, or (block, groups)
    steps: int
    moments: Any
    failures: tuple[str, ...]
    ties: int  # see `Evaluation`
    seconds: float

    def fingerprint(self) -> int:
        """Returns 64 bits of the result. They are the same on every worker, if all workers compute the same."""
        return int(digest((self.fitness, self.steps, self.moments)), 16)


@dataclasses.dataclass(frozen=True)
class Reply:
    """What a worker returns for a request. `b` is the number of blocks, in the order in which they were evaluated."""

    number: int
    digest: str  # digest of the worker's state after the evaluation, at this generation
    blocks: np.ndarray  # (b,) int32, fewer than asked for if some were cancelled
    fitness: np.ndarray | PackedPairs  # fitness of these blocks, one after the other
    spread: np.ndarray  # (b, 6) float64: count, sum, sum of squares, lowest, highest of the finite fitness, and ties
    steps: np.ndarray  # (b,) int64
    moments: tuple[Any, ...]  # one entry per block
    failures: tuple[tuple[int, str], ...]  # (block, text)
    test: np.ndarray | None  # fitness of the mean parameters in each episode, (episodes,) or (episodes, groups)
    metrics: dict[str, float]  # metrics of the update to this generation; empty if this worker did not make it
    update_seconds: float  # time of the updates in this call; 0 if there were none
    test_seconds: float
    block_seconds: np.ndarray  # (b,) float32
    seconds: float  # time of the whole call
    # Block -> fingerprint, for the checks and, if asked for, for `blocks`. A block with failures has none, because a
    # time limit that one worker exceeds may be enough for another.
    fingerprints: Mapping[int, int] = dataclasses.field(default_factory=dict)
    check_seconds: float = 0.0  # time of the checks
    changed: bool = False  # whether the state changed during the evaluation; if so, no result can be trusted

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays, which are nearly all of the message."""
        arrays = (self.blocks, self.fitness, self.spread, self.steps, self.block_seconds)
        return sum(array.nbytes for array in arrays) + (0 if self.test is None else self.test.nbytes)
