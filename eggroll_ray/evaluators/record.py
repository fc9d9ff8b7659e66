"""The record `Evaluator`, which represents whatever is optimised and evaluates it in blocks of members.

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
    """The result of one block, as NumPy arrays."""

    # (n,) or (n, groups) float32; higher is better. NaN drops the member's pair, -inf counts as the worst.
    fitness: np.ndarray
    steps: int  # number of environment steps, 0 if there are none
    moments: Any = ()  # what the block adds to the evaluator's statistics
    failures: tuple[str, ...] = ()  # one text for each member that failed without stopping the run
    ties: int = 0  # members whose fitness differed from that of others only before it was rounded to float32


class Earlier(NamedTuple):
    """The mean parameters at an earlier generation."""

    params: Params
    statistics: Any


NO_PAST: Mapping[int, Earlier] = {}


class Given(NamedTuple):
    """The arguments for the evaluation of a block, the same for all evaluators."""

    state: ESState  # state of the strategy at this generation
    statistics: Any  # statistics of the evaluator at this generation
    members: np.ndarray  # (n,) int32, numbers of the members
    past: Mapping[int, Earlier] = NO_PAST  # generation -> its mean, for the generations that `Evaluator.keeps` names


EvaluateBlock = Callable[[Given], Evaluation]


class TestMean(Protocol):
    """Evaluates unperturbed parameters on fresh episodes.

    Returns the fitness in each episode, `(episodes,)` or `(episodes, groups)`. The key is consumed.
    """

    def __call__(
        self, params: Params, statistics: Any, key: PRNGKeyArray, episodes: int, past: Mapping[int, Earlier] = ..., /
    ) -> np.ndarray: ...


@dataclasses.dataclass(frozen=True)
class CompiledBlock:
    """An `EvaluateBlock` that is one compiled program, so that the memory it needs is known before it runs.

    Attributes:
      evaluate: the `EvaluateBlock`.
      trace: takes the same argument and returns the traced program, without running it.
      steps: the largest number of iterations of its loop.
    """

    evaluate: EvaluateBlock
    trace: Callable[[Given], jax.stages.Traced]
    steps: int = 1

    def __call__(self, given: Given) -> Evaluation:
        return self.evaluate(given)


class Invalid(enum.Enum):
    """How to treat a member that failed or whose fitness is not finite."""

    RAISE = "raise"  # stop the run with an error that names the member
    DROP_PAIR = "drop pair"  # the member and its twin get weight zero in this update
    WORST = "worst"  # the member counts as if it had the lowest finite fitness of its generation


class FitnessError(RuntimeError):
    """Raised when a user's fitness failed. The message names the generation and the member."""


def no_total(blocks: Sequence[Any]) -> tuple[()]:
    """The `Evaluator.total` of evaluators whose blocks have no moments."""
    if jax.tree.leaves(blocks):
        raise ValueError(
            "the blocks of this evaluator have moments, but it has no `total`, which adds them up; give one."
        )
    return ()


class Evaluator(NamedTuple):
    """What is optimised: a fitness function, or a policy in an environment.

    All blocks are evaluated by the same program with arrays of the same shapes, and random numbers depend on (seed,
    generation, member, episode) alone. So the result does not depend on which worker evaluates a block.
    """

    init: Callable[[int], Params]  # seed -> initial parameters
    bind: Callable[[Perturbation], EvaluateBlock]
    test: TestMean
    test_episodes: int  # default number of episodes in a test
    settings: Mapping[str, Any]  # the settings that the evaluator was made with, for the run's record
    episodes: int = 1  # evaluations per member and generation
    statistics: Any = ()  # initial statistics, kept in addition to the parameters; NumPy arrays
    moments: Any = ()  # template of what a generation adds to the statistics: float64 NumPy arrays, which are logged
    # `Evaluation.moments` of all blocks -> moments. The bits must not depend on how a generation is split into blocks.
    total: Callable[[Sequence[Any]], Any] = no_total
    # (statistics, moments) -> statistics. The sequence has one element; in logs of older versions, one for each block.
    merge: Callable[[Any, Sequence[Any]], Any] = lambda statistics, _: statistics
    policy: Callable[[Params, Any], Any] | None = None  # (params, statistics) -> obs -> action
    compiled: bool = True  # whether a block is one compiled program, so that the last bits depend on its shape
    concurrent: bool = False  # whether threads of one process may evaluate several blocks at once
    groups: tuple[str, ...] = ()  # names of groups, if params are `{group: params}` with a fitness for each group
    windows: int = 1  # number of generations that an episode spans
    # Given a generation, returns the earlier generations whose mean parameters workers must hold, itself included. Each
    # call may drop old ones but may add only the newest. After a loss they are rebuilt from the fitness log.
    keeps: Callable[[int], Collection[int]] | None = None
    # (one, others, key, games) -> points `(others, games)` of one generation's mean parameters against those of each of
    # the others: 1 for a win, 0.5 for a draw. None if the evaluator has no opponents.
    duel: Callable[[Earlier, Sequence[Earlier], PRNGKeyArray, int], np.ndarray] | None = None
    # Traces the evaluation of one member, given `perturb` and the shapes of a state. Raises what an evaluation would.
    check: Callable[[Perturbation, ESState], object] = lambda perturb, state: None
    # Shapes of parameters -> the functions that evaluate them, traced, which `settings` cannot describe; see
    # `ES.functions`.
    functions: Callable[[Params], Mapping[str, Function]] = lambda params: {}
    # How to make it again from the record of a run, in JSON; `{"missing": [...]}` names what is a user's own code.
    recipe: Mapping[str, Any] | None = None


def judge(fitness: Any, state: ESState, members: np.ndarray, on_nan: Invalid) -> np.ndarray:
    """Converts fitness to float32, and replaces or refuses values that are not finite then, as `on_nan` says.

    Raises:
      FitnessError: with `Invalid.RAISE`, naming the first member whose fitness is not finite.
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
    """The settings that decide a fitness in addition to the function itself, for the record of a run."""
    return Function(f"shared_by={shared_by}, on_nan={on_nan.value!r}", None)
