"""Optimisers for evolution strategies that optax does not have, as optax gradient transformations."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

_TINY = float(jnp.finfo(jnp.float32).tiny)  # avoids division by zero, so that a zero gradient gives no step


class ClipUpState(NamedTuple):
    """The state of ClipUp."""

    step: Int[Array, ""]  # number of steps taken
    velocity: Any  # the last step, in the shape of the parameters, float32


def clipup(learning_rate: float | optax.Schedule, *, momentum: float = 0.9) -> optax.GradientTransformation:
    """ClipUp (Toklu, Liskowski and Srivastava 2020, arXiv 2008.02387): uses only the direction of the gradient.

    The new velocity is `momentum` times the old one, plus half of the longest step against the direction of the
    gradient. If it is longer than the longest step, it is scaled down to that length. The length of the gradient has no
    effect. Unlike with Adam, parameters whose gradient is mostly noise do not move as far as the others.

    The norm is taken over all parameters together. If groups of parameters have their own fitness, use one instance for
    each: `optax.partition({"prey": er.clipup(0.05), "hunter": er.clipup(0.05)}, {"prey": "prey", "hunter": "hunter"})`.

    Args:
      learning_rate: the longest step, as root mean square over all parameters; a positive number, or a schedule by
        generation. The authors' maximum speed is this number times the square root of the number of parameters. They
        recommend a fifteenth of the search radius, which is `sigma / 15`. Networks with some thousand parameters
        learned fastest with a third of sigma (`docs/log.md`).
      momentum: momentum of the velocity, in [0, 1).

    Raises:
      ValueError: for values out of range.
    """
    if not callable(learning_rate) and not learning_rate > 0:
        raise ValueError(f"learning_rate={learning_rate} must be positive; try a third of sigma.")
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum={momentum} must be in [0, 1); the authors use 0.9.")

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
