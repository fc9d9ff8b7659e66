"""Joining a Ray cluster, or starting Ray on this machine alone; and the code that travels to its workers."""

import contextlib
import logging
import os
import socket
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import ray
from ray._private import ray_constants
from ray._private.runtime_env.constants import RAY_JOB_CONFIG_JSON_ENV_VAR

from eggroll_ray.workers.messages import WorkerError
from eggroll_ray.workers.options import Workers

_CONNECT_SECONDS = 10.0
_PACKAGE = Path(__file__).resolve().parents[2]
_OURS = (_PACKAGE, _PACKAGE.parent / "envs")


def connect(workers: Workers, variables: Mapping[str, str] = MappingProxyType({})) -> bool:
    """Connects to a cluster, or starts Ray on this machine alone; returns whether this call did.

    Args:
      workers: say where.
      variables: of the environment of a Ray that is started.
    """
    if ray.is_initialized():
        return False
    quiet: dict[str, Any] = {"configure_logging": False, "logging_level": logging.WARNING}
    address = cluster_address(workers)
    if address:
        _check_reachable(address)
        try:
            ray.init(address=address, runtime_env=_shipped_code(), **quiet)
        except (ConnectionError, RuntimeError) as error:
            raise WorkerError(f"no Ray cluster at {address}: {error}") from error
        return True
    # Two CPUs at least, so that the shortest example, with two workers, runs on a machine with one.
    cpus = max(2, os.cpu_count() or 1)
    with _on_loopback(variables):
        # "local": without it Ray would join whatever cluster somebody has started on this machine.
        ray.init(address="local", num_cpus=cpus, include_dashboard=False, **quiet)
    return True


def cluster_address(workers: Workers) -> str | None:
    """Returns the address of the cluster that was asked for, None for a Ray of this machine alone."""
    return workers.address or os.environ.get("RAY_ADDRESS")


def _shipped_code() -> dict[str, Any]:
    """The runtime environment that takes this package and the user's own modules to the workers.

    A job that was submitted brings its own environment, and its workers have it already.
    """
    if os.environ.get(RAY_JOB_CONFIG_JSON_ENV_VAR):
        return {}
    theirs = _modules_beside_script()
    names = {path.stem for path in theirs}  # a user's own package called envs is what their script has imported
    ours = [path for path in _OURS if path.exists() and path.name not in names]
    # Of a package that is a folder all files travel, but for hidden ones: passwords lie in such.
    return {"py_modules": [str(path) for path in (*ours, *theirs)], "excludes": [".?*"]}


def _modules_beside_script() -> list[Path]:
    """Modules and packages that were imported from the script's folder: files of the user's, not of a library."""
    script = getattr(sys.modules["__main__"], "__file__", None)
    if script is None:
        return []
    folder = Path(script).resolve().parent
    found = set()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is None or "." in name or name == "__main__":
            continue
        path = Path(file).resolve()
        if path.parent == folder and path.suffix == ".py":
            found.add(path)
        elif path.name == "__init__.py" and path.parent.parent == folder:
            found.add(path.parent)
    return sorted(found.difference(_OURS))


def _check_reachable(address: str) -> None:
    """Raises WorkerError where nothing answers at host:port; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except OSError as error:
        raise WorkerError(
            f"nothing answers at {address} ({error}); give the address that `ray start --head` printed, or none for a "
            "local Ray."
        ) from error


@contextlib.contextmanager
def _on_loopback(more: Mapping[str, str] = MappingProxyType({})) -> Iterator[None]:
    """Makes a Ray that starts here, with more variables, listen to this machine only, report no usage and say nothing.

    Ray takes the network address of the machine, even where it is told 127.0.0.1, unless clusters are off;
    it reads that switch when it is imported.
    """
    variables = {ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR: "0", "RAY_USAGE_STATS_ENABLED": "0", **more}
    before = {name: os.environ.get(name) for name in variables}
    clusters, logger = ray_constants.ENABLE_RAY_CLUSTER, logging.getLogger("ray")
    level = logger.level
    os.environ.update(variables)
    ray_constants.ENABLE_RAY_CLUSTER = False
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # Ray forks and executes its servers at once; JAX's threads are not used in between.
            warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
            yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = clusters
        logger.setLevel(level)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
