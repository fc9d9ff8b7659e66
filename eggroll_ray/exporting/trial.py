"""Checks an export: compares its actions on random observations with those of the policy."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from eggroll_ray.exporting.function import PolicyFunction, Port

_NEAR = 1e-5  # an action is compared only if such relative changes of the inputs keep it


def example_inputs(function: PolicyFunction, count: int) -> list[np.ndarray]:
    """Draws inputs for `count` environments: normal numbers, random bytes, and masks that allow every action."""
    draw = np.random.default_rng(0)

    def one(port: Port) -> np.ndarray:
        shape = (count, *port.shape)
        if port.dtype == bool:
            return np.ones(shape, bool)
        if port.dtype == np.uint8:
            return draw.integers(0, 256, shape, np.uint8)
        if port.initial is not None and port.dtype.kind in "iu":
            return np.broadcast_to(port.initial, shape)
        return draw.standard_normal(shape).astype(port.dtype)

    return [one(port) for port in function.inputs]


def compare(
    what: str,
    function: PolicyFunction,
    inputs: Sequence[np.ndarray],
    exported: Callable[..., Any],
    tolerance: float,
) -> None:
    """Compares what was exported with the policy.

    A discrete action is compared only if tiny changes of the observation do not change it. If two choices are equally
    good, the last bit decides between them.

    Args:
      what: names the format in the error.
      function: of the policy.
      inputs: for it.
      exported: takes the same inputs, returns the action, or a sequence of it and the next recurrent state.
      tolerance: of the difference, absolute and relative.

    Raises:
      ValueError: if they differ by more.
    """
    with jax.default_matmul_precision("highest"):
        call = jax.jit(function.call)
        wanted = [np.asarray(x) for x in call(*inputs)]
        near = [[np.asarray(x) for x in call(*_scaled(inputs, 1 + side * _NEAR))] for side in (-1, 1)]
        found = exported(*inputs)
    found = [np.asarray(x) for x in (found if isinstance(found, tuple | list) else [found])]
    for place, (port, want, got) in enumerate(zip(function.outputs, wanted, found, strict=True)):
        counted = np.ones(want.shape, bool)
        if want.dtype.kind in "biu":
            counted = (near[0][place] == want) & (near[1][place] == want)
        if got.shape != want.shape or not np.allclose(got[counted], want[counted], tolerance, tolerance):
            far = "" if got.shape != want.shape else f", by up to {np.abs(got.astype(float) - want).max():.2g}"
            raise ValueError(
                f"the {what} export was not written: its {port.name} of shape {got.shape} differs from that of the "
                f"policy, {want.shape}{far}, where {tolerance} is allowed."
            )


def _scaled(inputs: Sequence[np.ndarray], factor: float) -> list[np.ndarray]:
    return [(x * factor).astype(x.dtype) if x.dtype.kind == "f" else x for x in inputs]
