"""Programs that one process of a machine compiles, while other processes wait and then load them from disk.

The workers of a machine start together and need the same programs. If each compiled them by itself, they would compete
for the cores, and all would take several times as long. If compiled programs are kept on disk (`compiling.cache`), the
first process therefore holds a lock until the program is there.
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
_WAIT_SECONDS = 900.0  # longest wait for another process that compiles; that process may be suspended
_LOCKS = 64  # number of lock files; programs that share one wait for each other needlessly, but do no harm

# Use vectors of 512 bits if the processor has them; XLA's default is 256. Policies become 3 to 12% faster, with and
# without noise.
WIDE_VECTORS = {"xla_cpu_prefer_vector_width": 512}

# A program with an environment in it uses wide vectors only if its loops have at most this many operations. Measured:
# CartPole, Pendulum, Breakout and a policy of 3 x 256 have 420 to 690 operations and become faster. Brax and craftax
# have 4,500 to 6,800 and become up to 17% slower. A policy of six layers of 2,048 has 2,500.
_MOST_OPERATIONS = 3000

# XLA's options for the CPU. The measurements are in docs/log.md.
_OPTIONS = {
    # Use the older code generator. It compiles programs with noise, and those of brax, in 0.6 to 0.7 of the time. They
    # run equally fast, and gave the same bits in all tests.
    "xla_cpu_use_fusion_emitters": False,
    **WIDE_VECTORS,
}


class SharedProgram:
    """A function under `jax.jit`. At its first call, one process of the machine compiles it for all.

    It has compiler options of its own. Therefore it cannot be called inside another function under `jax.jit`.
    """

    def __init__(self, fn: Callable[..., Any], simulates: bool = False):
        """Makes a program of a traceable function of arrays.

        Args:
          fn: the function.
          simulates: whether it contains an environment or a user's function. Then wide vectors are used only if its
            loops are short.
        """
        self._fn, self._simulates = fn, simulates
        self._jitted: Any = None
        self._first = True

    def __reduce__(self) -> Any:
        # Pickle the function, not the result of `jax.jit`, which cannot be traced after unpickling.
        return SharedProgram, (self._fn, self._simulates)

    def _options(self, *args: Any) -> dict[str, Any] | None:
        options = compiler_options()
        if not options or not self._simulates:
            return options
        if operations_in_loops(jax.jit(self._fn).trace(*args).jaxpr.jaxpr) <= _MOST_OPERATIONS:
            return options
        return {name: value for name, value in options.items() if name not in WIDE_VECTORS}

    def trace(self, *args: Any) -> jax.stages.Traced:
        """Returns the traced program for these arguments, which are arrays or shapes."""
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
    """Returns the compiler options for the CPU that this version of XLA knows, or None on other backends."""
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
    """Compiles a program for the following call, or loads it if another process has just compiled it.

    If programs are not kept on disk, or their folder does not support locks, it is compiled without waiting. JAX does
    not keep programs that call Python, so each process compiles those itself, the first one alone.
    """
    folder = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    enabled = jax.config.jax_enable_compilation_cache  # pyright: ignore[reportAttributeAccessIssue]
    with contextlib.ExitStack() as stack:
        if folder and enabled:
            # Use the leaves only, because the repr of a tree node may contain an address.
            what = f"{traced.fun_name} {jax.tree.leaves(traced.in_avals)}".encode()
            number = int.from_bytes(hashlib.blake2b(what, digest_size=4).digest()) % _LOCKS
            stack.enter_context(_first_alone(Path(folder) / f"compiling-{number}"))
        traced.lower().compile()


@contextlib.contextmanager
def _first_alone(path: Path) -> Iterator[None]:
    """Lets the first process run the body alone. Processes that arrive meanwhile all run it together afterwards.

    The lock is released when the processes that have its file open end, however they end.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:  # the folder does not exist, is remote, or cannot be written
        yield
        return
    try:
        _lock(descriptor)
        yield
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # needed in case a process forked meanwhile still has the file open
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Takes a file's lock exclusively if it is free. Otherwise waits for it and takes it shared."""
    with contextlib.suppress(OSError):  # another process holds it
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
