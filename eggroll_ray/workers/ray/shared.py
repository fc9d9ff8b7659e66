"""One Ray for runs that follow each other in one process: it takes seconds to start."""

import contextlib
import contextvars
from collections.abc import Iterator, Mapping

import ray

# Whether runs share their Ray, and the environment variables that it was given when it was started on this machine.
_sharing = contextvars.ContextVar("_sharing", default=False)
_variables: contextvars.ContextVar[Mapping[str, str] | None] = contextvars.ContextVar("_variables", default=None)


@contextlib.contextmanager
def one_ray() -> Iterator[None]:
    """Lets the runs inside share the Ray that the first of them starts or connects to, and shuts it down at the end."""
    started_before = ray.is_initialized()
    sharing, variables = _sharing.set(True), _variables.set(None)
    try:
        yield
    finally:
        _sharing.reset(sharing)
        _variables.reset(variables)
        if not started_before:
            ray.shutdown()


def started_with() -> Mapping[str, str] | None:
    """Returns the environment variables of the Ray that an earlier run inside `one_ray` has started on this machine.

    It is None without such a Ray.
    """
    return _variables.get() if ray.is_initialized() else None


def share(variables: Mapping[str, str] | None) -> bool:
    """Leaves a Ray that a run has started or connected to for the next run.

    Args:
      variables: environment variables that it was started with on this machine, None for a cluster.

    Returns:
      Whether runs share their Ray. If they do not, the run has to shut it down.
    """
    if _sharing.get():
        _variables.set(variables)
    return _sharing.get()
