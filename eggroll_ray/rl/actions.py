"""Heads: they say how many outputs a network needs for an action space, and turn the outputs into an action."""

import itertools
from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters import partial_eval
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from eggroll_ray.rl.env import Box, Discrete, MultiDiscrete, Space

_WIDE = 1e38  # the difference of bounds below this fits into float32

# Maps real numbers `(size,)` into a box, `(*shape,)`.
Bound = Callable[[Box, Float[Array, " size"]], Float[Array, "*shape"]]


@runtime_checkable
class Head(Protocol):
    """Says how many outputs an action space needs, and maps them to an action.

    The outputs for discrete spaces are logits, one per choice. The logits of choices that the environment forbids are
    set to a very low value before the head gets them.
    """

    def outputs(self, space: Space) -> int: ...

    def action(self, space: Space, outputs: Array, key: PRNGKeyArray) -> Array: ...


def squash(space: Box, x: Float[Array, " size"]) -> Float[Array, "*shape"]:
    """Maps real numbers into `[low, high]` by tanh. Entries without finite bounds are left unchanged."""
    x = x.astype(jnp.float32).reshape(space.shape)
    low, high = jnp.asarray(space.low), jnp.asarray(space.high)
    bounded = jnp.isfinite(low) & jnp.isfinite(high)
    low, high = jnp.where(bounded, low, -1.0), jnp.where(bounded, high, 1.0)
    share = 0.5 * (jnp.tanh(x) + 1.0)
    bounds = np.stack([space.low, space.high])
    if np.abs(bounds[np.isfinite(bounds)]).max(initial=0.0) < _WIDE:
        return jnp.where(bounded, low + share * (high - low), x)
    return jnp.where(bounded, (1.0 - share) * low + share * high, x)  # avoids `high - low`, which may overflow float32


def clip(space: Box, x: Float[Array, " size"]) -> Float[Array, "*shape"]:
    """Clips real numbers to `[low, high]`, so that an output is an action in the environment's own units."""
    return jnp.clip(x.astype(jnp.float32).reshape(space.shape), jnp.asarray(space.low), jnp.asarray(space.high))


class DeterministicHead(NamedTuple):
    """Chooses the most likely discrete action; for a box, maps the outputs into its bounds."""

    bound: Bound = squash

    def outputs(self, space: Space) -> int:
        return sum(choices(space)) if not isinstance(space, Box) else _size(space)

    def action(self, space: Space, outputs: Array, key: PRNGKeyArray) -> Array:
        del key
        if isinstance(space, Box):
            return self.bound(space, outputs)
        return _choose(space, outputs, lambda logits, _: jnp.argmax(logits))


class SamplingHead(NamedTuple):
    """Samples discrete actions by their logits; for a box, samples from a Gaussian and maps into its bounds.

    For a box, the second half of the outputs is the logarithm of the standard deviation, clipped to [-5, 2].
    `with_log_std(policy)` replaces it by a vector of parameters that does not depend on the observation.
    """

    bound: Bound = squash

    def outputs(self, space: Space) -> int:
        return sum(choices(space)) if not isinstance(space, Box) else 2 * _size(space)

    def action(self, space: Space, outputs: Array, key: PRNGKeyArray) -> Array:
        if isinstance(space, Box):
            return self.action_of_noise(space, outputs, jax.random.normal(key, (outputs.shape[0] // 2,), jnp.float32))
        if isinstance(space, Discrete):
            return jax.random.categorical(key, outputs).astype(jnp.int32)
        keys = jax.random.split(key, len(space.n))
        return _choose(space, outputs, lambda logits, i: jax.random.categorical(keys[i], logits))

    def action_of_noise(self, space: Space, outputs: Array, noise: Float[Array, " z"]) -> Array:
        """Returns the sample that noise of the caller's own decides, as an export does, which draws none itself.

        Args:
          space: of the actions.
          outputs: of the network.
          noise: of a box standard normal, one number per entry of the action; otherwise standard Gumbel, one per
            choice. Zeros give the most likely action.
        """
        if isinstance(space, Box):
            mean, log_std = jnp.split(outputs, 2)
            return self.bound(space, mean + jnp.exp(jnp.clip(log_std, -5.0, 2.0)) * noise)
        return _choose(space, outputs + noise.astype(outputs.dtype), lambda logits, _: jnp.argmax(logits))


def draws(head: Head, space: Space) -> bool:
    """Whether the action that a head chooses depends on its key."""
    if type(head) in (SamplingHead, DeterministicHead):
        return type(head) is SamplingHead
    outputs, key = jnp.zeros(head.outputs(space), jnp.float32), jax.random.key(0)
    traced = jax.make_jaxpr(lambda outputs, key: head.action(space, outputs, key))(outputs, key)
    _, used = partial_eval.dce_jaxpr(traced.jaxpr, [True] * len(traced.jaxpr.outvars))
    return bool(used[1])


def choices(space: Discrete | MultiDiscrete) -> tuple[int, ...]:
    """Returns the number of choices of each discrete action."""
    return (space.n,) if isinstance(space, Discrete) else space.n


def forbid(outputs: Float[Array, " k"], mask: Bool[Array, " k"]) -> Float[Array, " k"]:
    """Lowers the logits of impossible actions so far that a head never chooses one while another is possible."""
    return jnp.where(mask, outputs, jnp.finfo(outputs.dtype).min)


def _choose(space: Discrete | MultiDiscrete, logits: Array, choose: Callable[[Array, int], Array]) -> Array:
    ends = list(itertools.accumulate(choices(space)))
    chosen = [choose(part, i).astype(jnp.int32) for i, part in enumerate(jnp.split(logits, ends[:-1]))]
    return chosen[0] if isinstance(space, Discrete) else jnp.stack(chosen)


def _size(space: Box) -> int:
    return int(space.low.size)
