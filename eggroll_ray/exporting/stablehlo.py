"""The policy as one StableHLO program, made by `jax.export`: it runs wherever JAX does, without this package."""

import logging
from typing import Any

import jax
from jax import export

from eggroll_ray.exporting.function import PolicyFunction
from eggroll_ray.exporting.trial import compare, example_inputs

_log = logging.getLogger(__name__)

# For which devices one file holds the program; a shorter list is tried where an operation lacks one of them.
_PLATFORMS = (("cpu", "cuda", "tpu"), ("cpu", "cuda"), ("cpu",))
_TOLERANCE = 1e-5


def stablehlo_bytes(function: PolicyFunction) -> tuple[bytes, dict[str, object]]:
    """Returns the serialised program, and what `policy.json` says of it.

    The program takes any number of environments, or one where an operation of the policy needs to know how many.

    Raises:
      ValueError: when JAX cannot export the policy.
    """
    made, batch = _first_that_works(function)
    data = bytes(made.serialize())
    if jax.default_backend() in made.platforms:
        back = export.deserialize(bytearray(data))
        compare("StableHLO", function, example_inputs(function, 3 if batch == "n" else 1), back.call, _TOLERANCE)
    return data, {"batch": batch, "platforms": list(made.platforms), "jax": jax.__version__}


def _first_that_works(function: PolicyFunction) -> tuple[export.Exported, str | int]:
    failure: Exception | None = None
    batches: tuple[str | int, ...] = ("n", 1)
    for batch in batches:
        for platforms in _PLATFORMS:
            try:
                made = _export(function, batch, platforms)
            except Exception as error:  # of JAX or of the policy, of any kind: told below
                failure = error
                continue
            if batch == 1:
                _log.warning(
                    "the StableHLO program takes one environment at a time, since the policy cannot be traced for any "
                    "number of them: %s",
                    failure,
                )
            return made, batch
    raise ValueError(f"JAX cannot export this policy: {type(failure).__name__}: {failure}") from failure


def _export(function: PolicyFunction, batch: str | int, platforms: tuple[str, ...]) -> export.Exported:
    def call(*inputs: jax.Array) -> object:
        action, *carry = function.call(*inputs)
        return (action, *carry) if carry else action

    sizes: Any = export.symbolic_shape(str(batch))
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        return export.export(jax.jit(call), platforms=platforms)(*function.specs(sizes[0]))
