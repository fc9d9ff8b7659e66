"""The records of a strategy: `ES`, its state, and `Perturbation`, which makes the parameters of a member."""

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
Schedule = Callable[[Int[Array, ""]], Any]  # generation -> a number, like schedules of optax


class NotFiniteError(ArithmeticError):
    """Parameters are not finite. The message names the leaf, the generation and the first value that was not finite."""


class Scales(NamedTuple):
    """Factors on the rates of a strategy, which `Trainer.change` sets while a run goes on. Both start at 1."""

    learning_rate: Float[Array, ""]  # on every step of the optimiser
    sigma: Float[Array, ""]  # on the standard deviation of the noise


class ESState(NamedTuple):
    """The complete state of a strategy at the start of a generation."""

    params: Params  # the mean of the population
    opt_state: Any
    seed: UInt[Array, ""]
    generation: Int[Array, ""]
    scales: Scales | tuple[()] = ()  # empty: the rates cannot be changed while a run goes on


@dataclasses.dataclass(frozen=True)
class Perturbation:
    """Makes a member's parameters: `perturbation(state, member)`, or in two steps, so that a pair shares one draw.

    Attributes:
      draw: (state, pair) -> noise of each leaf, not yet scaled by sigma, in the order of
        `jax.tree.leaves(state.params)`.
      apply: (state, noise, sign) -> the parameters of member 2p (sign 1.0) or 2p + 1 (sign -1.0) of pair p. The
        factors of a low-rank leaf do not depend on the sign.
    """

    draw: Callable[[ESState, Int[Array, ""]], list[Any]]
    apply: Callable[[ESState, list[Any], Any], Params]

    def __call__(self, state: ESState, member: Int[Array, ""]) -> Params:
        return self.apply(state, self.draw(state, member // 2), sign_of(member))


def sign_of(member: Array) -> Array:
    """Returns the sign of a member: members 2p and 2p + 1 use the noise of pair p with opposite signs."""
    return jnp.where(member % 2 == 0, 1.0, -1.0)


class Densify(NamedTuple):
    """What a strategy does if an operation that has no low-rank rule uses a leaf."""

    these: Callable[[Sequence[str]], "ES"]  # paths -> the strategy that also forms these leaves per member
    limit: int  # bytes that formed leaves may take in a block


class Function(NamedTuple):
    """A function that a run uses, described for its record."""

    what: str  # description for people
    traced: ClosedJaxpr | None  # its operations; None if `what` is enough to identify it


class ES(NamedTuple):
    """An evolution strategy.

    `perturb(state, member)` returns the parameters of one member. Its leaves are `LowRank`, `Noised`, or the unchanged
    arrays of frozen leaves. `update(state, fitness)` takes the raw fitness of the whole population and returns the next
    state and scalar metrics. The fitness is `(n,)` float32 in member order; higher is better; if it is not finite for
    a member of a pair, the pair has weight zero. Parameters of several groups, `{group: params}`, take one such
    fitness per group, `{group: (n,)}`; in general, the fitness is a tree that is a prefix of the parameters. All
    functions are pure and jittable. If the metrics have `not_finite` and it is not zero, the update has made parameters
    that are not finite. The run then ends with the message of `explain` for the same state and fitness.
    """

    init: Callable[[Params, int], ESState]  # initial parameters, seed
    perturb: Perturbation
    update: Callable[[ESState, Fitness], tuple[ESState, dict[str, Array]]]
    label: Callable[[Params], list[Leaf]]  # how each leaf is perturbed
    settings: Mapping[str, Any]  # what the strategy was made with, for the run's record
    signs_only: bool = False  # the shaping uses only which member of a pair is better
    noise_reuse: int = 1  # generations that share one draw of noise
    persistent: int = 1  # generations of an episode over which noise accumulates
    densify: Densify | None = None  # None: an operation without a low-rank rule is an error
    # Shapes of a state and of a fitness -> the functions that the update uses, of which `settings` holds only the
    # names. They are compared when a run is continued. None: the update itself is compared.
    functions: Callable[[ESState, Fitness], Mapping[str, Function]] | None = None
    explain: Callable[[ESState, Fitness], str | None] = lambda state, fitness: (
        None
    )  # None: not finite before the update


def functions_of(strategy: ES, state: ESState, fitness: Fitness) -> Mapping[str, Function]:
    """Traces the functions that an update uses, given the shapes of a state and of a fitness."""
    if strategy.functions is not None:
        return strategy.functions(state, fitness)
    return {"update": Function("a strategy of your own", jax.make_jaxpr(strategy.update)(state, fitness))}
