"""What driver and workers say to each other: frozen records of ints, strings and NumPy arrays."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from eggroll_ray.es.digest import digest
from eggroll_ray.workers.fitness_vector import PackedPairs


class WorkerError(RuntimeError):
    """Workers could not be had, were lost, or disagree; the message says what to do."""


def state_changed(number: int) -> WorkerError:
    """The error of an evaluation that changes the parameters."""
    return WorkerError(
        f"the parameters changed while generation {number} was evaluated: by native code of the fitness that writes "
        "where it must not, or by a fault of the memory. Nothing wrong was logged: resume the run once it is mended."
    )


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The outcome of one generation: with the seed it is all that an update needs, and all that is logged.

    The fitness is `(population,)` float32 (NaN: the pair is dropped), or one sign per pair where the strategy
    uses no more. Of several groups it is that of all of them as one vector, see `fitness_vector`.
    """

    number: int
    fitness: np.ndarray | PackedPairs
    moments: tuple[Any, ...] = ()  # what the statistics are merged from; see `Evaluator.merge`
    # Hyperparameters of the optimiser that are other ones from this update on: path in its state, value.
    changes: tuple[tuple[str, float], ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of the fitness, which is what travels to every worker."""
        return self.fitness.nbytes


@dataclasses.dataclass(frozen=True)
class Work:
    """What is to be evaluated: blocks, in this order, and after them perhaps the mean parameters.

    Its length counts blocks and test alike, so it is false where there is nothing to do.
    """

    blocks: tuple[int, ...] = ()
    test: bool = False  # of the mean parameters, on fresh episodes
    checks: tuple[int, ...] = ()  # blocks of other workers, evaluated once more to be compared; after `blocks`
    compare: bool = False  # whether fingerprints are wanted

    def __len__(self) -> int:
        return len(self.blocks) + self.test + len(self.checks)

    def request(self, number: int, outcomes: tuple["Outcome", ...]) -> "Request":
        """Returns the request for it at a generation."""
        return Request(number, outcomes, self.blocks, self.test, self.checks, self.compare)

    @property
    def evaluations(self) -> int:
        """Blocks that are evaluated."""
        return len(self.blocks) + len(self.checks)

    def overlaps(self, other: "Work") -> bool:
        """Whether a block, or the test, is part of both."""
        return (self.test and other.test) or not set(self.blocks).isdisjoint(other.blocks)


@dataclasses.dataclass(frozen=True)
class Request:
    """One round trip: update to generation `number` if behind it, then evaluate."""

    number: int
    outcomes: tuple[Outcome, ...]  # of the generations before it that the worker may not have applied
    blocks: tuple[int, ...]  # in this order
    test: bool = False  # also evaluates the mean parameters, after the blocks
    checks: tuple[int, ...] = ()  # blocks of which the fingerprints alone are wanted
    compare: bool = False  # whether they are wanted of the others as well

    @property
    def work(self) -> Work:
        """What it asks to evaluate."""
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
        """Returns 64 bits that are the same wherever the block is evaluated, if all workers compute alike."""
        return int(digest((self.fitness, self.steps, self.moments)), 16)


@dataclasses.dataclass(frozen=True)
class Reply:
    """What a worker returns for a request; `b` blocks in the order in which they were evaluated."""

    number: int
    digest: str  # of the state after the evaluation, at this generation
    blocks: np.ndarray  # (b,) int32, fewer than asked for where some were cancelled
    fitness: np.ndarray | PackedPairs  # of these blocks, one after the other
    spread: np.ndarray  # (b, 6) float64: count, sum, sum of squares, lowest, highest of the finite fitness, and ties
    steps: np.ndarray  # (b,) int64
    moments: tuple[Any, ...]  # b of them
    failures: tuple[tuple[int, str], ...]  # block, text
    test: np.ndarray | None  # fitness of the mean parameters in each episode, (episodes,) or (episodes, groups)
    metrics: dict[str, float]  # of the update to this generation, empty where that is not known
    update_seconds: float  # of the updates in this call, 0 when there was none
    test_seconds: float
    block_seconds: np.ndarray  # (b,) float32
    seconds: float  # of the whole call
    # Fingerprints of blocks, where they are wanted: of these, and of those that were evaluated to be compared. A block
    # with failures has none: another worker may be fast enough for it.
    fingerprints: Mapping[int, int] = dataclasses.field(default_factory=dict)
    check_seconds: float = 0.0  # of the latter
    changed: bool = False  # whether the state was another after the evaluation than before: no result is to be trusted

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays, which is nearly all that travels."""
        arrays = (self.blocks, self.fitness, self.spread, self.steps, self.block_seconds)
        return sum(array.nbytes for array in arrays) + (0 if self.test is None else self.test.nbytes)
