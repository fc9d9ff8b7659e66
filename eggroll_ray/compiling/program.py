"""A program that one process of a machine compiles, while others that want the same wait and then load it.

The workers of a machine start together and compile the same programs, each beside the others: on a machine with as many
workers as cores that takes as many times as long as one compilation needs of its cores. Where compiled programs are
kept (`compiling.cache`), the first process takes a lock until the program is there.
"""

import contextlib
import fcntl
import functools
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax

from eggroll_ray.compiling.jaxprs import operations_in_loops
from eggroll_ray.compiling.phases import COMPILING, phase

_POLL_SECONDS = 0.02
_WAIT_SECONDS = 900.0  # for a process that compiles; it may have been stopped
_LOCKS = 64  # names of locks: programs that share one only wait for each other

# Vectors of 512 bits where the processor has them (XLA makes them of 256): policies 3 to 12% faster, inference as well.
WIDE_VECTORS = {"xla_cpu_prefer_vector_width": 512}

# Of a program with an environment in it, the most operations in its loops with which it gains from them. Measured:
# CartPole, Pendulum, Breakout and 3 x 256 have 420 to 690 and gain; brax and craftax have 4,500 to 6,800 and lose up to
# 17%. Six layers of 2,048 have 2,500.
_MOST_OPERATIONS = 3000

# How XLA compiles for the CPU; figures in docs/log.md.
_OPTIONS = {
    # The older way of generating code: programs with noise in them, and those of brax, are compiled in 0.6 to 0.7 of
    # the time, and run as fast, with the same bits wherever it was tried.
    "xla_cpu_use_fusion_emitters": False,
    **WIDE_VECTORS,
}


class SharedProgram:
    """A function under `jax.jit`, whose first call lets one process of the machine compile for all.

    It is compiled with options of its own, and so can be called from no other function under `jax.jit`.
    """

    def __init__(self, fn: Callable[..., Any], simulates: bool = False):
        """Makes a program of a traceable function of arrays.

        Args:
          fn: the function.
          simulates: whether an environment, or another user's function, is in it. If what it does in loops is long,
            vectors are not wide.
        """
        self._fn, self._simulates = fn, simulates
        self._jitted: Any = None
        self._first = True

    def __reduce__(self) -> Any:
        # What `jax.jit` returns cannot be traced any more where it has travelled.
        return SharedProgram, (self._fn, self._simulates)

    def _options(self, *args: Any) -> dict[str, Any] | None:
        options = compiler_options()
        if not options or not self._simulates:
            return options
        if operations_in_loops(jax.jit(self._fn).trace(*args).jaxpr.jaxpr) <= _MOST_OPERATIONS:
            return options
        return {name: value for name, value in options.items() if name not in WIDE_VECTORS}

    def trace(self, *args: Any) -> jax.stages.Traced:
        """Returns what is compiled for arguments of these shapes, or arrays in their place."""
        if self._jitted is None:
            self._jitted = jax.jit(self._fn, compiler_options=self._options(*args))
        return self._jitted.trace(*args)

    def __call__(self, *args: Any) -> Any:
        if self._first:
            with phase(COMPILING):
                compile_once(self.trace(*args))
            self._first = False
        return self._jitted(*args)


@functools.cache
def compiler_options() -> dict[str, Any] | None:
    """Returns the options that programs are compiled with, those that XLA knows; None where no CPU computes."""
    if jax.default_backend() != "cpu":
        return None
    return {name: value for name, value in _OPTIONS.items() if _is_known({name: value})}


def _is_known(options: dict[str, Any]) -> bool:
    try:
        jax.jit(lambda x: x, compiler_options=options).lower(0.0).compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True


def compile_once(traced: jax.stages.Traced) -> None:
    """Compiles a program, for the call that follows, or loads it when another process has just compiled it.

    Where programs are not kept, or their folder knows no locks, it is compiled at once. One that calls Python is never
    kept by JAX: the others compile it too, after the first.
    """
    folder = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    enabled = jax.config.jax_enable_compilation_cache  # pyright: ignore[reportAttributeAccessIssue]
    with contextlib.ExitStack() as stack:
        if folder and enabled:
            # Leaves alone: a node of a tree may print its address.
            what = f"{traced.fun_name} {jax.tree.leaves(traced.in_avals)}".encode()
            number = int.from_bytes(hashlib.blake2b(what, digest_size=4).digest()) % _LOCKS
            stack.enter_context(_first_alone(Path(folder) / f"compiling-{number}"))
        traced.lower().compile()


@contextlib.contextmanager
def _first_alone(path: Path) -> Iterator[None]:
    """Lets the first process that comes in alone, and those that came meanwhile all together once it has left.

    A lock ends with the processes that have its file open, however they end.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:  # a folder that is not there, not on this machine, or cannot be written
        yield
        return
    try:
        _lock(descriptor)
        yield
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # also for a process that was forked meanwhile and has it open
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Takes a file's lock for this process alone if nobody has it; waits for whoever does, and then shares it."""
    with contextlib.suppress(OSError):  # somebody has it
        return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    limit = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < limit:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_POLL_SECONDS)
        except OSError:  # a file system without locks
            return None
    return None
