"""The compiled program that evaluates a block, for several threads to call."""

import contextlib
import io
import threading
from collections.abc import Callable
from typing import Any

import jax

from eggroll_ray.compiling.phases import COMPILING, phase
from eggroll_ray.compiling.program import SharedProgram

# One lock for the whole process, because two different programs that call out must not run at once either.
_one_at_a_time = threading.Lock()


class BlockProgram:
    """A compiled function that several threads may call at once. A call returns NumPy arrays.

    If the program calls LAPACK or Python, calls run one at a time. On the CPU, two such programs could otherwise wait
    forever for threads of XLA's pool that the other one holds (seen with brax/ant).
    """

    def __init__(self, fn: Callable[..., Any]):
        """Makes a program of `fn`, a traceable function of arrays."""
        self._program = SharedProgram(fn, simulates=True)
        self._calls_out: bool | None = None  # unknown before the first call

    def trace(self, *args: Any) -> jax.stages.Traced:
        """Returns the traced program for these arguments, which are arrays or shapes."""
        return self._program.trace(*args)

    def __call__(self, *args: Any) -> Any:
        if self._calls_out is None:
            with phase(COMPILING):
                self._calls_out = calls_out(self.trace(*args))
        with _one_at_a_time if self._calls_out else contextlib.nullcontext():
            return jax.device_get(self._program(*args))


def calls_out(traced: jax.stages.Traced) -> bool:
    """Whether a program calls anything that XLA does not compile: LAPACK, or a Python callback."""
    module = traced.lower().compiler_ir("stablehlo")
    assert module is not None  # this dialect is always available
    text = io.StringIO()
    # Leave out the values of constants, which may be a whole data set.
    module.operation.print(file=text, large_elements_limit=16)
    return "custom_call" in text.getvalue()
