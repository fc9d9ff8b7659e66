"""Steps of an optimiser that computes in float32, and how they update parameters of narrower types."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from eggroll_ray.es.leaves import Kind, Leaf, Rounding
from eggroll_ray.es.random import fold_in, normal, stream_keys
from eggroll_ray.es.record import ESState, Params, Scales
from eggroll_ray.lowrank.rounding import round_at_random


class MasterState(NamedTuple):
    """The state of an optimiser if some leaves have a master copy in float32."""

    optimizer: Any  # its own state
    masters: Params  # float32; None for leaves without one


class Step(NamedTuple):
    """The result of a step of an optimiser. The trees have None in place of frozen leaves."""

    params: Params  # in their own types
    updates: Params  # as the optimiser made them
    opt_state: Any


def init_step(optimizer: optax.GradientTransformation, leaves: Sequence[Leaf], params: Params) -> Any:
    """Returns the state of the first step; arguments as in `take_step`."""
    wide = widened(params)
    with jax.numpy_dtype_promotion("standard"):  # optax relies on it
        return _with_masters(leaves, optimizer.init(wide), wide)


def take_step(
    optimizer: optax.GradientTransformation, leaves: Sequence[Leaf], state: ESState, params: Params, descent: Params
) -> Step:
    """Takes a step of the optimiser.

    Args:
      optimizer: a transformation of optax.
      leaves: of all parameters, frozen ones included.
      state: of the strategy; its parameters are not used.
      params: the parameters, with None in place of frozen ones.
      descent: the direction for the optimiser to follow, float32, of the same structure.
    """
    before, wide = state.opt_state, widened(params)
    if isinstance(before, MasterState):
        before, masters = before
        wide = jax.tree.map(lambda m, w: w if m is None else m, masters, wide, is_leaf=lambda x: x is None)
    descent = jax.tree.map(lambda g, w: g.astype(w.dtype), descent, wide)
    with jax.numpy_dtype_promotion("standard"):  # optax relies on it
        updates, after = optimizer.update(descent, before, wide)
        if isinstance(scales := state.scales, Scales):
            updates = jax.tree.map(lambda u: (u * scales.learning_rate).astype(u.dtype), updates)
        moved = optax.apply_updates(wide, updates)
    # Some transformations widen a narrow state in the first update. Programs and checkpoints need a fixed dtype.
    after = jax.tree.map(lambda new, old: new if new.dtype == old.dtype else new.astype(old.dtype), after, before)
    return Step(_narrowed(leaves, state, moved), updates, _with_masters(leaves, after, moved))


def widened(params: Params) -> Params:
    """Returns parameters as the optimiser sees them: float32 in place of every narrower type."""
    return jax.tree.map(lambda w: w.astype(jnp.float32) if w.dtype.itemsize < 4 else w, params)


def _narrowed(leaves: Sequence[Leaf], state: ESState, moved: Params) -> Params:
    """Returns each leaf in its own type. Stochastic rounding draws from a stream that no member's noise uses."""
    at_random = [leaf.path for leaf in leaves if leaf.rounding is Rounding.STOCHASTIC]
    keys = {}
    if at_random:
        drawn = stream_keys(state.seed, [f"rounding:{path}" for path in at_random])
        keys = dict(zip(at_random, jax.vmap(fold_in, (0, None))(drawn, state.generation), strict=True))

    def narrow(leaf: Leaf, new: Array) -> Array:
        if leaf.rounding is Rounding.STOCHASTIC:
            return round_at_random(new, normal.bits(keys[leaf.path], new.shape), leaf.dtype)
        return new.astype(leaf.dtype)

    return _by_leaf(narrow, leaves, moved)


def _with_masters(leaves: Sequence[Leaf], opt_state: Any, wide: Params) -> Any:
    if not any(leaf.rounding is Rounding.MASTER for leaf in leaves):
        return opt_state
    return MasterState(
        opt_state, _by_leaf(lambda leaf, w: w if leaf.rounding is Rounding.MASTER else None, leaves, wide)
    )


def _by_leaf(fn: Callable[[Leaf, Array], Any], leaves: Sequence[Leaf], params: Params) -> Params:
    """Maps the leaves that are not frozen, together with their labels."""
    arrays, treedef = jax.tree.flatten(params)
    trained = [leaf for leaf in leaves if leaf.kind is not Kind.FROZEN]
    return treedef.unflatten([fn(leaf, array) for leaf, array in zip(trained, arrays, strict=True)])
