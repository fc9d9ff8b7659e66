"""Optimisers for evolution that optax has not: transformations of a gradient, to be used as optax's own are."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

_TINY = float(jnp.finfo(jnp.float32).tiny)  # so that no step follows from no gradient


class ClipUpState(NamedTuple):
    """What ClipUp carries from one step to the next."""

    step: Int[Array, ""]  # how many have been taken
    velocity: Any  # as the parameters, in float32: the last step


def clipup(learning_rate: float | optax.Schedule, *, momentum: float = 0.9) -> optax.GradientTransformation:
    """ClipUp (Toklu, Liskowski and Srivastava 2020, arXiv 2008.02387): steps by the gradient's direction alone.

    The velocity is `momentum` times what it was, plus half of the longest step against the gradient's direction; where
    it is longer than the longest step it is cut to that. The length of the gradient does not count, and unlike in Adam
    parameters whose gradient is mostly noise do not move as far as the others.

    The norm is taken over all parameters at once. Where groups of them have a fitness of their own, give each its own:
    `optax.partition({"prey": er.clipup(0.05), "hunter": er.clipup(0.05)}, {"prey": "prey", "hunter": "hunter"})`.

    Args:
      learning_rate: the longest step, as the root mean square over all parameters; positive, or a schedule of it by
        generation. The authors' maximum speed is this times the root of the number of parameters; their advice, a
        fifteenth of the search radius, is `sigma / 15`. Networks of some thousand parameters have learned fastest with
        a third of sigma (`docs/log.md`).
      momentum: in [0, 1).

    Raises:
      ValueError: for values out of range.
    """
    if not callable(learning_rate) and not learning_rate > 0:
        raise ValueError(f"learning_rate={learning_rate} must be positive; try a third of sigma.")
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum={momentum} must be in [0, 1); the authors' is 0.9.")

    def init(params: Any) -> Any:
        return ClipUpState(jnp.int32(0), jax.tree.map(lambda w: jnp.zeros(w.shape, jnp.float32), params))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        del params
        rate = learning_rate(state.step) if callable(learning_rate) else learning_rate
        longest = jnp.float32(rate) * math.sqrt(sum(g.size for g in jax.tree.leaves(updates)))
        gradient = jax.tree.map(lambda g: g.astype(jnp.float32), updates)
        pull = longest / 2 / jnp.maximum(optax.tree.norm(gradient), _TINY)
        velocity = jax.tree.map(lambda g, v: momentum * v - pull * g, gradient, state.velocity)
        cut = jnp.minimum(longest / jnp.maximum(optax.tree.norm(velocity), _TINY), 1.0)
        velocity = jax.tree.map(lambda v: cut * v, velocity)
        steps = jax.tree.map(lambda g, v: v.astype(g.dtype), updates, velocity)
        return steps, ClipUpState(state.step + 1, velocity)

    return optax.GradientTransformation(init, update)
