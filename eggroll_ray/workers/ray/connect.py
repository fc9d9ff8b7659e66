"""Joining a Ray cluster, or starting Ray on this machine alone; and the code that travels to its workers."""

import contextlib
import functools
import importlib.util
import logging
import os
import socket
import sys
import sysconfig
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import ray
from ray._private import ray_constants, services
from ray._private import utils as ray_utils
from ray._private.runtime_env.constants import RAY_JOB_CONFIG_JSON_ENV_VAR

from eggroll_ray.workers.messages import WorkerError
from eggroll_ray.workers.options import Workers

_CONNECT_SECONDS = 10.0
_PACKAGE = Path(__file__).resolve().parents[2]


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
    with _on_loopback(variables), _out_of_reach_of_signals():
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
    modules = dict.fromkeys([_PACKAGE, *_envs(), *_users_modules()])
    # Of a package that is a folder all files travel, but for hidden ones: passwords lie in such.
    return {"py_modules": [str(path) for path in modules], "excludes": [".?*"]}


def _envs() -> list[Path]:
    """What `import envs` gives in this process: our environments, or a package of the user's that has that name."""
    module = sys.modules.get("envs")
    if module is not None:
        return _places(module)
    spec = importlib.util.find_spec("envs")
    return [Path(place).resolve() for place in (spec.submodule_search_locations or [])] if spec else []


def _users_modules() -> list[Path]:
    """Modules and packages that were imported from the user's folder: files of theirs, not of a library."""
    folder = _users_folder()
    if folder is None:
        return []
    loaded = [module for name, module in list(sys.modules.items()) if "." not in name and name != "__main__"]
    places = {place for module in loaded for place in _places(module) if place.parent == folder}
    return sorted(places - {_PACKAGE})


def _users_folder() -> Path | None:
    """Where the modules of a program lie: beside its script, above the package that `python -m` runs, or in the working
    folder of a notebook; None where the program is itself a part of a library."""
    main = sys.modules["__main__"]
    script = getattr(main, "__file__", None)
    if script is None:
        return Path.cwd()
    folder = Path(script).resolve().parent
    for _ in filter(None, (getattr(main, "__package__", None) or "").split(".")):
        folder = folder.parent
    libraries = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")]
    return None if any(folder.is_relative_to(library) for library in libraries) else folder


def _places(module: ModuleType) -> list[Path]:
    """The file or folder of a top-level module, or the folders of a package that has no `__init__.py`."""
    file = getattr(module, "__file__", None)
    if file is None:
        return [Path(place).resolve() for place in getattr(module, "__path__", ())]
    path = Path(file).resolve()
    if path.name == "__init__.py":
        return [path.parent]
    return [path] if path.suffix == ".py" else []


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


@contextlib.contextmanager
def _out_of_reach_of_signals() -> Iterator[None]:
    """Gives the processes of a Ray that starts here a session of their own.

    A Ctrl-C at the terminal, and a SIGTERM to this process's group, reach this process alone. It ends the run in order,
    for which it needs its workers, and then Ray. Ray has no option for it. Where the kernel does not end its processes
    with this one (macOS), Ray's reaper needs all of them in one group, and they stay there.
    """
    popen = services.ConsolePopen
    if ray_utils.detect_fate_sharing_support():
        services.ConsolePopen = functools.partial(popen, start_new_session=True)
    try:
        yield
    finally:
        services.ConsolePopen = popen
