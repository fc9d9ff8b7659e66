"""Finds the cause of parameters that are not finite: the leaf, and the stage of the update at which it began."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from eggroll_ray.es.leaves import Kind, Leaf
from eggroll_ray.es.record import NotFiniteError, Params

_BEGAN = {
    "weights": "the weights that the shaping made of the fitness were not finite. Fitness of this size does not fit "
    "into float32: scale it down, or choose a bounded shaping such as centred_rank.",
    "gradient": "the weights were finite, but the estimate was not: scale the fitness down, and check whether sigma or "
    "its schedule goes to zero.",
    "updates": "the estimate was finite, but the step that the optimiser made of it was not: check its learning rate, "
    "schedule and epsilon.",
    "params": "the optimiser's step was finite, but its sum with the parameter is beyond the range of {dtype}, "
    "{largest:g}: choose a smaller learning rate, weight decay, or a dtype with a larger range.",
}


class Stages(NamedTuple):
    """The stages of an update, as trees or sequences with one array for each leaf that is not frozen."""

    before: Any  # the parameters before the update
    weights: Any
    gradient: Any
    updates: Any
    params: Any


def all_finite(params: Params) -> Bool[Array, ""]:
    """Whether every number of every array is finite."""
    return jnp.stack([jnp.isfinite(x).all() for x in jax.tree.leaves(params)]).all()


def explain(leaves: Sequence[Leaf], generation: int, update: Callable[[], Stages]) -> str | None:
    """Explains which leaf an update has made not finite, and at which stage.

    Args:
      leaves: the leaves of all parameters.
      generation: the generation whose update it is.
      update: repeats the update and returns its stages; it is compiled.

    Returns:
      The explanation, or None if all parameters are finite, or if some were not finite before the update.
    """

    def sound() -> Array:
        return jnp.stack([jnp.stack([jnp.isfinite(x).all() for x in jax.tree.leaves(stage)]) for stage in update()])

    found = np.asarray(jax.jit(sound)())  # (stages, leaves)
    trained = [leaf for leaf in leaves if leaf.kind is not Kind.FROZEN]
    bad = np.flatnonzero(~found[-1])
    if not len(bad) or not found[0].all():
        return None
    leaf, stage = trained[bad[0]], Stages._fields[int(np.argmin(found[:, bad[0]]))]
    others = f" and {len(bad) - 1} other leaves are" if len(bad) > 1 else " is"
    began = _BEGAN[stage].format(dtype=leaf.dtype, largest=float(jnp.finfo(leaf.dtype).max))
    return (
        f"after the update of generation {generation}, leaf {leaf.path!r}{others} not finite: {began} The parameters "
        f"of generation {generation} are the last good ones; `replay` restores them from a recorded run."
    )


def check_finite(leaves: Sequence[Leaf], params: Params, where: str) -> None:
    """Raises NotFiniteError if a leaf that is not frozen contains NaN or infinity. `params` are NumPy arrays."""
    for leaf, array in zip(leaves, jax.tree.leaves(params), strict=True):
        if leaf.kind is Kind.FROZEN:
            continue
        if count := int(np.size(array) - np.isfinite(array).sum()):
            raise NotFiniteError(
                f"{where}: leaf {leaf.path!r} holds {count} numbers of {np.size(array)} that are not finite, before "
                "any update; if that is intended, as in a mask, freeze the leaf with LeafRules(frozen=...)."
            )
