"""The compiled program that evaluates a block, for several threads to call."""

import contextlib
import io
import threading
from collections.abc import Callable
from typing import Any

import jax

from eggroll_ray.compiling.phases import COMPILING, phase
from eggroll_ray.compiling.program import SharedProgram

# One for the process: a program may not run beside another one that calls out either.
_one_at_a_time = threading.Lock()


class BlockProgram:
    """Compiles a function; a call returns its results on the host.

    Threads may call it at once. Where the program calls LAPACK or Python, one call waits for the other: on the CPU two
    such programs at once may each wait for threads of XLA's that the other has, for ever (seen in brax/ant).
    """

    def __init__(self, fn: Callable[..., Any]):
        """Makes a program of a traceable function of arrays."""
        self._program = SharedProgram(fn, simulates=True)
        self._calls_out: bool | None = None  # not known before the first call

    def trace(self, *args: Any) -> jax.stages.Traced:
        """Returns what is compiled for arguments of these shapes, or arrays in their place."""
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
    assert module is not None  # this dialect is always there
    text = io.StringIO()
    # Without the numbers of constants, which may be a whole data set.
    module.operation.print(file=text, large_elements_limit=16)
    return "custom_call" in text.getvalue()
