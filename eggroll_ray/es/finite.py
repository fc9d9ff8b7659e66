"""Parameters that are not finite: which leaf, and where in an update that began."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from eggroll_ray.es.leaves import Kind, Leaf
from eggroll_ray.es.record import NotFiniteError, Params

_BEGAN = {
    "weights": "the weights that the shaping made of the fitness were the first that were not finite. Fitness of that "
    "size does not fit into float32: scale it down, or choose a shaping that is bounded, as centred_rank is.",
    "gradient": "the fitness weighed finite numbers, and the estimate was the first that was not finite: scale the "
    "fitness down, and look whether sigma or its schedule goes to zero.",
    "updates": "the estimate was finite, and what the optimiser made of it was the first that was not: look at its "
    "learning rate, schedule and epsilon.",
    "params": "the optimiser's step was finite, and its sum with the parameter is beyond what {dtype} holds, "
    "{largest:g}: choose a smaller learning rate, weight decay, or a type with a larger range.",
}


class Stages(NamedTuple):
    """What an update goes through, as trees or sequences of one array for each leaf that is not frozen."""

    before: Any  # the parameters
    weights: Any
    gradient: Any
    updates: Any
    params: Any


def all_finite(params: Params) -> Bool[Array, ""]:
    """Whether every number of every array is finite."""
    return jnp.stack([jnp.isfinite(x).all() for x in jax.tree.leaves(params)]).all()


def explain(leaves: Sequence[Leaf], generation: int, update: Callable[[], Stages]) -> str | None:
    """Says which leaf an update has made not finite, and where that began; None if it was so before, or is not at all.

    Args:
      leaves: of all parameters.
      generation: that is updated.
      update: does it once more, in JAX; it is compiled.
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
        f"of generation {generation} are the last good ones: of a recorded run, replay has them."
    )


def check_finite(leaves: Sequence[Leaf], params: Params, where: str) -> None:
    """Raises NotFiniteError when a leaf that is not frozen holds what is not finite; params are on the host."""
    for leaf, array in zip(leaves, jax.tree.leaves(params), strict=True):
        if leaf.kind is Kind.FROZEN:
            continue
        if count := int(np.size(array) - np.isfinite(array).sum()):
            raise NotFiniteError(
                f"{where}: leaf {leaf.path!r} holds {count} numbers of {np.size(array)} that are not finite, before "
                "any update; if they are meant, as in a mask, freeze it with LeafRules(frozen=...)."
            )
