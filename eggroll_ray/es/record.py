"""The records of a strategy: `ES`, its state, and how the parameters of a member come about."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr
from jaxtyping import Array, Float, Int, UInt

from eggroll_ray.es.leaves import Leaf

Params = Any  # pytree of arrays
Fitness = Any  # (n,) float32, or a tree of them that is a prefix of the parameters
Schedule = Callable[[Int[Array, ""]], Any]  # generation -> a number, as those of optax


class NotFiniteError(ArithmeticError):
    """Parameters are not finite; the message names the leaf and the generation, and says where that began."""


class Scales(NamedTuple):
    """Factors by which the rates of a strategy are changed while a run goes on; both start at 1."""

    learning_rate: Float[Array, ""]  # on every step of the optimiser
    sigma: Float[Array, ""]  # on the standard deviation of the noise


class ESState(NamedTuple):
    """All that a strategy knows at the start of a generation."""

    params: Params  # the mean of the population
    opt_state: Any
    seed: UInt[Array, ""]
    generation: Int[Array, ""]
    scales: Scales | tuple[()] = ()  # empty: its rates cannot be changed while a run goes on


@dataclasses.dataclass(frozen=True)
class Perturbation:
    """How a member's parameters come about: `perturbation(state, member)`, or in two steps, so that twins share a draw.

    Attributes:
      draw: (state, pair) -> unit noise of each leaf, in the order of `jax.tree.leaves(state.params)`.
      apply: (state, noise, sign) -> the parameters of the pair's member 2p (sign 1.0) or 2p + 1 (-1.0). The factors
        of a low-rank leaf do not depend on the sign.
    """

    draw: Callable[[ESState, Int[Array, ""]], list[Any]]
    apply: Callable[[ESState, list[Any], Any], Params]

    def __call__(self, state: ESState, member: Int[Array, ""]) -> Params:
        return self.apply(state, self.draw(state, member // 2), sign_of(member))


def sign_of(member: Array) -> Array:
    """Twins 2p and 2p + 1 take the noise of pair p with opposite sign."""
    return jnp.where(member % 2 == 0, 1.0, -1.0)


class Densify(NamedTuple):
    """What a strategy does about leaves that an operation without a low-rank rule uses."""

    these: Callable[[Sequence[str]], "ES"]  # the same strategy with more leaves formed per member, by their paths
    limit: int  # bytes that they may take in a block


class Function(NamedTuple):
    """A function that a run is made with, for its record."""

    what: str  # it is, for people
    traced: ClosedJaxpr | None  # what it does; None: `what` says all


class ES(NamedTuple):
    """An evolution strategy.

    `perturb(state, member)` returns the parameters of one member, whose leaves are `LowRank`, `Noised` or
    untouched; its two steps draw the noise of twins once. `update(state, fitness)` takes the raw
    fitness of the whole population, `(n,)` float32 in member order (higher is better; not finite: the pair weighs
    zero), and returns the next state and scalar metrics. Parameters of several groups, `{group: params}`, take one
    such fitness each, `{group: (n,)}`: in general a tree of them that is a prefix of the parameters. All are pure and
    jittable. Where a metric called `not_finite` is there and is not zero, the update has made parameters that are not
    finite, and the run ends with what `explain` says of the same state and fitness.
    """

    init: Callable[[Params, int], ESState]  # initial parameters, seed
    perturb: Perturbation
    update: Callable[[ESState, Fitness], tuple[ESState, dict[str, Array]]]
    label: Callable[[Params], list[Leaf]]  # how each leaf is perturbed
    settings: Mapping[str, Any]  # what the strategy was made with, for the run's record
    signs_only: bool = False  # what its shaping says: the update needs no more of a pair than which twin is better
    noise_reuse: int = 1  # generations that share one draw of noise
    persistent: int = 1  # generations of an episode over which noise accumulates
    densify: Densify | None = None  # None: such an operation is an error
    # Shapes of a state and of a fitness -> the functions that the update is made of, of which `settings` has but names.
    # None: the update itself is what is compared when a run is continued.
    functions: Callable[[ESState, Fitness], Mapping[str, Function]] | None = None
    explain: Callable[[ESState, Fitness], str | None] = lambda state, fitness: None  # None: it was so before the update


def functions_of(strategy: ES, state: ESState, fitness: Fitness) -> Mapping[str, Function]:
    """Traces what an update is made of, given the shapes of a state and of a fitness."""
    if strategy.functions is not None:
        return strategy.functions(state, fitness)
    return {"update": Function("a strategy of your own", jax.make_jaxpr(strategy.update)(state, fitness))}
