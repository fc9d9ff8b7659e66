"""The record `Evaluator`: everything that a user can optimise, evaluated in blocks of members.

Letters in shapes: `n` members of a block, `e` episodes (or other repetitions) per member.
"""

import dataclasses
import enum
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from eggroll_ray.es.record import ESState, Function, Perturbation

Params = Any


class Evaluation(NamedTuple):
    """The result of one block, on the host."""

    # (n,) float32, or (n, groups); higher is better; NaN: the pair is dropped; -inf: counts as the worst
    fitness: np.ndarray
    steps: int  # environment steps taken, 0 where there are none
    moments: Any = ()  # what the block adds to the evaluator's statistics
    failures: tuple[str, ...] = ()  # one text per member that failed and was not raised
    ties: int = 0  # members whose fitness differed from that of others until it became float32


class Earlier(NamedTuple):
    """The mean of the population at an earlier generation."""

    params: Params
    statistics: Any


NO_PAST: Mapping[int, Earlier] = {}


class Given(NamedTuple):
    """What the evaluation of a block is given, by every evaluator alike."""

    state: ESState  # of the strategy, at this generation
    statistics: Any  # of the evaluator, at this generation
    members: np.ndarray  # (n,) int32, their numbers
    past: Mapping[int, Earlier] = NO_PAST  # by generation, of those that `Evaluator.keeps` names


EvaluateBlock = Callable[[Given], Evaluation]


class TestMean(Protocol):
    """Evaluates unperturbed parameters on fresh episodes.

    Returns the fitness in each of them, `(episodes,)` or `(episodes, groups)`. The key is consumed.
    """

    def __call__(
        self, params: Params, statistics: Any, key: PRNGKeyArray, episodes: int, past: Mapping[int, Earlier] = ..., /
    ) -> np.ndarray: ...


@dataclasses.dataclass(frozen=True)
class CompiledBlock:
    """An `EvaluateBlock` whose work is one compiled program, so that its memory is known before it runs.

    Attributes:
      evaluate: the `EvaluateBlock`.
      trace: takes the same, runs nothing, and returns the program for these shapes.
      steps: the most that its loop runs.
    """

    evaluate: EvaluateBlock
    trace: Callable[[Given], jax.stages.Traced]
    steps: int = 1

    def __call__(self, given: Given) -> Evaluation:
        return self.evaluate(given)


class Invalid(enum.Enum):
    """What becomes of a member that failed or whose fitness is not finite."""

    RAISE = "raise"  # stop the run and name the member
    DROP_PAIR = "drop pair"  # the member and its twin weigh zero in this update
    WORST = "worst"  # as if it had the lowest finite fitness of its generation


class FitnessError(RuntimeError):
    """A user's fitness failed; the message names the generation and the member."""


def no_total(blocks: Sequence[Any]) -> tuple[()]:
    """The `Evaluator.total` where blocks have no moments."""
    if jax.tree.leaves(blocks):
        raise ValueError(
            "the blocks of this evaluator have moments, but it has no `total`, which adds them up; give one."
        )
    return ()


class Evaluator(NamedTuple):
    """What is optimised: a fitness function, or a policy in an environment.

    A block is always evaluated by one compiled program of one shape, and its random numbers depend on
    (seed, generation, member, episode) alone; so the result does not depend on who evaluates it.
    """

    init: Callable[[int], Params]  # seed -> initial parameters
    bind: Callable[[Perturbation], EvaluateBlock]
    test: TestMean
    test_episodes: int  # default number of them
    settings: Mapping[str, Any]  # what the evaluator was made with, for the run's record
    episodes: int = 1  # evaluations per member and generation
    statistics: Any = ()  # initial statistics, kept beside the parameters; NumPy arrays
    moments: Any = ()  # what a generation adds to them, as a template: float64 NumPy arrays, which are logged
    # `Evaluation.moments` of all blocks -> moments, the same bits however a generation is split into blocks.
    total: Callable[[Sequence[Any]], Any] = no_total
    # Statistics, moments -> statistics. The sequence has one element; of an older run, one for each block.
    merge: Callable[[Any, Sequence[Any]], Any] = lambda statistics, _: statistics
    policy: Callable[[Params, Any], Any] | None = None  # (params, statistics) -> obs -> action
    compiled: bool = True  # a block is one compiled program, whose last bits belong to its shape
    concurrent: bool = False  # several blocks can be evaluated at once, by threads of one process
    groups: tuple[str, ...] = ()  # of parameters, `{group: params}`, each with a fitness of its own; () is one for all
    windows: int = 1  # generations that an episode spans
    # Given a generation, returns the earlier generations whose mean parameters workers must hold, itself included. Each
    # call may drop old ones but may add only the newest. After a loss they are rebuilt from the fitness log.
    keeps: Callable[[int], Collection[int]] | None = None
    # (one, others, key, games) -> `(others, games)` points of the one's mean parameters against each of the others: 1
    # is a win, 0.5 a draw. None where there is no opponent.
    duel: Callable[[Earlier, Sequence[Earlier], PRNGKeyArray, int], np.ndarray] | None = None
    # Traces one member, given `perturb` and the shapes of a state; raises what an evaluation would raise.
    check: Callable[[Perturbation, ESState], object] = lambda perturb, state: None
    # Shapes of parameters -> what `settings` cannot say of how they are evaluated, traced; see `ES.functions`.
    functions: Callable[[Params], Mapping[str, Function]] = lambda params: {}
    # How to make it again from the record of a run, in JSON; `{"missing": [...]}` names what is a user's own code.
    recipe: Mapping[str, Any] | None = None


def judge(fitness: Any, state: ESState, members: np.ndarray, on_nan: Invalid) -> np.ndarray:
    """Applies the policy for a fitness that is not finite in float32, and returns it in that type.

    Raises:
      FitnessError: with `Invalid.RAISE`, naming the first such member.
    """
    given = np.asarray(fitness)
    with np.errstate(over="ignore"):
        fitness = given.astype(np.float32)
    bad = ~np.isfinite(fitness)
    if bad.any() and on_nan is Invalid.RAISE:
        first = int(np.argwhere(bad)[0, 0])
        raise FitnessError(
            f"member {members[first]} of generation {int(state.generation)} has fitness {given[bad][0]}; return a "
            "finite number that float32 holds, up to 3.4e38, or choose on_nan=Invalid.DROP_PAIR or Invalid.WORST."
        )
    return np.where(bad, np.float32(-np.inf if on_nan is Invalid.WORST else np.nan), fitness)


def evaluation_rules(shared_by: int | None, on_nan: Invalid) -> Function:
    """What decides a fitness beside the function itself, for the record of a run."""
    return Function(f"shared_by={shared_by}, on_nan={on_nan.value!r}", None)
