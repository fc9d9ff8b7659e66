"""What the interpreter knows about plain values: along which axes they vary, and whether all members share them.

A plain value is an array that is not held as a low-rank parameter. It is *shared* if it is the same for every member: a
constant, a leaf that is not perturbed, or computed from such values alone. Only shared values may be combined with the
shared `w` of a parameter. Anything else would turn `w` into one matrix per member, members x m x k.

A plain value is *of weights* if it was computed from parameters and constants alone. A value that depends on an
observation is an activation. Products of weights with constants, and rows of weights that constants select, count as
activations too, because the constants may be data.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from eggroll_ray.lowrank.parameter import LowRank

# Primitives whose equations are recorded, so that `own_products` can recognise products.
_OF_PRODUCTS = ("div", "dot_general", "jit", "mul", "neg", "pjit", "transpose")

# With an operand that is not a weight, the result of these is an activation.
_OF_DATA = ("conv_general_dilated", "dot_general", "dynamic_slice", "gather")


class Facts:
    """What is known about the values of one run of the interpreter.

    Values are recognised by `id`. `Facts` holds a reference to each of them, so that no `id` is reused.
    """

    def __init__(self) -> None:
        self._axes: dict[int, tuple[Any, frozenset[int], bool]] = {}
        self._shared: dict[int, Any] = {}
        self._of_weights: dict[int, Any] = {}
        self._origins: dict[int, tuple[Any, Any, Sequence[Any]]] = {}
        self._forms: dict[int, tuple[Any, LowRank]] = {}

    def follow(self, eqn: Any, operands: Sequence[Any], outs: Sequence[Any]) -> None:
        """Records what follows about the results of an equation whose operands are all plain."""
        self.originate(eqn, operands, outs)
        if eqn.primitive.name == "broadcast_in_dim":
            axes, constant = self.varying(operands[0])
            places = eqn.params["broadcast_dimensions"]
            self._axes[id(outs[0])] = (outs[0], frozenset(places[i] for i in axes), constant)
        if all(map(self.is_shared, operands)):
            self.share(outs)
        self.follow_weights(eqn, operands, outs)

    def originate(self, eqn: Any, operands: Sequence[Any], outs: Sequence[Any]) -> None:
        """Records which equation computed plain values, if its result may be a product."""
        if eqn.primitive.name in _OF_PRODUCTS:
            self._origins.update((id(out), (out, eqn, operands)) for out in outs)

    def origin(self, value: Any) -> tuple[Any, Sequence[Any]] | None:
        """The equation that computed a plain value and its operands, if recorded."""
        found = self._origins.get(id(value))
        return None if found is None else found[1:]

    def varying(self, value: Any) -> tuple[frozenset[int], bool]:
        """Axes along which a plain value can vary, and whether it is a constant of the program."""
        if id(value) in self._axes:
            return self._axes[id(value)][1:]
        shape = jnp.shape(value)
        return frozenset(i for i, size in enumerate(shape) if size != 1), _is_constant(value)

    def share(self, values: Sequence[Any]) -> None:
        """Records that values are the same for every member."""
        self._shared.update((id(value), value) for value in values)

    def is_shared(self, value: Any) -> bool:
        """Whether a plain value is known to be the same for every member."""
        return _is_constant(value) or id(value) in self._shared

    def follow_weights(self, eqn: Any, operands: Sequence[Any], outs: Sequence[Any]) -> None:
        """Records the results of an equation as of weights, if they are."""
        known = [isinstance(x, LowRank) or id(x) in self._of_weights for x in operands]
        rest = [x for x, is_known in zip(operands, known, strict=True) if not is_known]
        data = eqn.primitive.name in _OF_DATA and any(jnp.ndim(x) for x in rest)
        if any(known) and all(map(self.is_shared, rest)) and not data:
            self.mark_weights(outs)

    def mark_weights(self, values: Sequence[Any]) -> None:
        """Records that values were computed from parameters and constants alone."""
        self._of_weights.update((id(value), value) for value in values)

    def is_of_weights(self, value: Any) -> bool:
        """Whether a plain value is known to be computed from parameters and constants alone."""
        return id(value) in self._of_weights

    def inherit(self, part: Any, whole: Any) -> None:
        """Records for a part of a value, such as one layer of a stack, what is known about the whole."""
        if self.is_shared(whole):
            self.share([part])
        if self.is_of_weights(whole):
            self.mark_weights([part])

    def also_low_rank(self, value: Any, low: LowRank) -> None:
        """Records that a plain value is equal to `low`, so that a product may use `low` in its place."""
        self._forms[id(value)] = (value, low)

    def low_rank_of(self, value: Any) -> LowRank | None:
        """The low-rank value that a plain value is known to be equal to, if any."""
        return self._forms.get(id(value), (None, None))[1]


def _is_constant(value: Any) -> bool:
    return not isinstance(value, jax.Array)
