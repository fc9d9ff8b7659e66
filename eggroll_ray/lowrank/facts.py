"""What is known of plain values while a function is interpreted: along which axes they vary, and for whom.

A plain value is shared where every member has the same: a constant, a leaf that is not perturbed, and what is computed
of such alone. Nothing else may enter the shared `w` of a parameter, which would become members x m x k.
A value is of weights where it was computed of parameters and constants alone. What an observation enters is an
activation, and so are products with constants, and rows that constants pick: constants may be data.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from eggroll_ray.lowrank.parameter import LowRank

# The equations that are remembered, for `own_products`.
_OF_PRODUCTS = ("div", "dot_general", "jit", "mul", "neg", "pjit", "transpose")

# What these make of an array that is no weight is an activation.
_OF_DATA = ("conv_general_dilated", "dot_general", "dynamic_slice", "gather")


class Facts:
    """Of the values of one run of the interpreter, which it keeps alive: they are known by their identity."""

    def __init__(self) -> None:
        self._axes: dict[int, tuple[Any, frozenset[int], bool]] = {}
        self._shared: dict[int, Any] = {}
        self._of_weights: dict[int, Any] = {}
        self._origins: dict[int, tuple[Any, Any, Sequence[Any]]] = {}
        self._forms: dict[int, tuple[Any, LowRank]] = {}

    def follow(self, eqn: Any, operands: Sequence[Any], outs: Sequence[Any]) -> None:
        """Learns of what an equation made of plain values."""
        self.originate(eqn, operands, outs)
        if eqn.primitive.name == "broadcast_in_dim":
            axes, constant = self.varying(operands[0])
            places = eqn.params["broadcast_dimensions"]
            self._axes[id(outs[0])] = (outs[0], frozenset(places[i] for i in axes), constant)
        if all(map(self.is_shared, operands)):
            self.share(outs)
        self.follow_weights(eqn, operands, outs)

    def originate(self, eqn: Any, operands: Sequence[Any], outs: Sequence[Any]) -> None:
        """Notes the equation that made plain values, where its result may be a product."""
        if eqn.primitive.name in _OF_PRODUCTS:
            self._origins.update((id(out), (out, eqn, operands)) for out in outs)

    def origin(self, value: Any) -> tuple[Any, Sequence[Any]] | None:
        """The equation that made a plain value, and its operands, where that was noted."""
        found = self._origins.get(id(value))
        return None if found is None else found[1:]

    def varying(self, value: Any) -> tuple[frozenset[int], bool]:
        """Axes along which a plain value can vary, and whether it is a constant of the program."""
        if id(value) in self._axes:
            return self._axes[id(value)][1:]
        shape = jnp.shape(value)
        return frozenset(i for i, size in enumerate(shape) if size != 1), _is_constant(value)

    def share(self, values: Sequence[Any]) -> None:
        """Notes that every member has the same values."""
        self._shared.update((id(value), value) for value in values)

    def is_shared(self, value: Any) -> bool:
        """Whether every member surely has the same plain value."""
        return _is_constant(value) or id(value) in self._shared

    def follow_weights(self, eqn: Any, operands: Sequence[Any], outs: Sequence[Any]) -> None:
        """Notes plain values that an equation made of weights."""
        known = [isinstance(x, LowRank) or id(x) in self._of_weights for x in operands]
        rest = [x for x, is_known in zip(operands, known, strict=True) if not is_known]
        data = eqn.primitive.name in _OF_DATA and any(jnp.ndim(x) for x in rest)
        if any(known) and all(map(self.is_shared, rest)) and not data:
            self.mark_weights(outs)

    def mark_weights(self, values: Sequence[Any]) -> None:
        """Notes that values were computed of parameters and constants alone."""
        self._of_weights.update((id(value), value) for value in values)

    def is_of_weights(self, value: Any) -> bool:
        """Whether a plain value was surely computed of parameters and constants alone."""
        return id(value) in self._of_weights

    def inherit(self, part: Any, whole: Any) -> None:
        """Notes of a part of a value, such as a layer of a stack, what is known of the whole."""
        if self.is_shared(whole):
            self.share([part])
        if self.is_of_weights(whole):
            self.mark_weights([part])

    def also_low_rank(self, value: Any, low: LowRank) -> None:
        """Notes that a plain value is equal to `low`, which a product may use in its place."""
        self._forms[id(value)] = (value, low)

    def low_rank_of(self, value: Any) -> LowRank | None:
        """What a plain value is known to be equal to."""
        return self._forms.get(id(value), (None, None))[1]


def _is_constant(value: Any) -> bool:
    return not isinstance(value, jax.Array)
