"""Connects to a Ray cluster, or starts Ray on this machine alone, and ships the user's code to the workers."""

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

from eggroll_ray.workers.here import cpus_here
from eggroll_ray.workers.messages import WorkerError
from eggroll_ray.workers.options import Workers

_CONNECT_SECONDS = 10.0
_PACKAGE = Path(__file__).resolve().parents[2]


def connect(workers: Workers, variables: Mapping[str, str] = MappingProxyType({})) -> bool:
    """Connects to a cluster, or starts Ray on this machine alone, unless this process is connected already.

    Args:
      workers: names the address of the cluster, if any.
      variables: environment variables for a Ray that is started here.

    Returns:
      Whether this call connected or started Ray, so that the caller has to shut it down.

    Raises:
      WorkerError: when no cluster answers at the address.
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
    with _on_loopback(variables), _out_of_reach_of_signals():
        # address="local" starts a new Ray. Without it, Ray would join a cluster that already runs on this machine.
        ray.init(address="local", num_cpus=cpus_here(), include_dashboard=False, **quiet)
    return True


def cluster_address(workers: Workers) -> str | None:
    """Returns the address of the cluster that was asked for, or None for a new Ray on this machine alone."""
    return workers.address or os.environ.get("RAY_ADDRESS")


def _shipped_code() -> dict[str, Any]:
    """The runtime environment that ships this package and the user's own modules to the workers.

    It is empty in a submitted Ray job, whose workers already have the environment of the job.
    """
    if os.environ.get(RAY_JOB_CONFIG_JSON_ENV_VAR):
        return {}
    modules = dict.fromkeys([_PACKAGE, *_envs(), *_users_modules()])
    # For a package that is a folder, Ray ships all its files. Hidden files are excluded, since they may hold passwords.
    return {"py_modules": [str(path) for path in modules], "excludes": [".?*"]}


def _envs() -> list[Path]:
    """The folders that `import envs` finds: this project's environments, or a package of the user's with that name."""
    module = sys.modules.get("envs")
    if module is not None:
        return _places(module)
    spec = importlib.util.find_spec("envs")
    return [Path(place).resolve() for place in (spec.submodule_search_locations or [])] if spec else []


def _users_modules() -> list[Path]:
    """The modules and packages that were imported from the user's own folder, not from a library."""
    folder = _users_folder()
    if folder is None:
        return []
    loaded = [module for name, module in list(sys.modules.items()) if "." not in name and name != "__main__"]
    places = {place for module in loaded for place in _places(module) if place.parent == folder}
    return sorted(places - {_PACKAGE})


def _users_folder() -> Path | None:
    """The folder with the modules of the running program.

    That is the folder of its script, the parent of the package that `python -m` runs, or the working folder of a
    notebook and of our own command line. It is None if the program is itself part of a library.
    """
    main = sys.modules["__main__"]
    script = getattr(main, "__file__", None)
    if script is None or _is_command(main, Path(script)):
        return Path.cwd()
    folder = Path(script).resolve().parent
    for _ in filter(None, (getattr(main, "__package__", None) or "").split(".")):
        folder = folder.parent
    libraries = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")]
    return None if any(folder.is_relative_to(library) for library in libraries) else folder


def _is_command(main: ModuleType, script: Path) -> bool:
    """Whether a program is `eggroll-ray`, whose users have their modules in the working folder."""
    installed = Path(sysconfig.get_path("scripts")).resolve()
    return script.resolve().parent == installed or getattr(main, "__package__", None) == "eggroll_ray.cli"


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
    """Raises WorkerError if nothing answers at host:port. Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except OSError as error:
        raise WorkerError(
            f"nothing answers at {address} ({error}); give the address that `ray start --head` printed, or no address "
            "for a local Ray."
        ) from error


@contextlib.contextmanager
def _on_loopback(more: Mapping[str, str] = MappingProxyType({})) -> Iterator[None]:
    """Makes a Ray that starts inside this context listen on the loopback interface, report no usage and log nothing.

    Ray listens on the network address of the machine, even if it is given 127.0.0.1, unless clusters are disabled. It
    reads that switch when it is imported, so the module's variable is changed here as well.

    Args:
      more: further environment variables to set while Ray starts.
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
            # Safe to ignore: Ray calls exec right after fork, so the child never uses JAX's threads.
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
    """Starts the processes of Ray in a session of their own, so that signals do not reach them.

    A Ctrl-C at the terminal, or a SIGTERM to this process group, then reaches this process alone. It needs its workers
    to end the run properly, and ends Ray afterwards. Ray has no option for this. On systems whose kernel does not end
    Ray's processes together with this one (macOS), Ray's reaper needs all processes in one group, so nothing changes.
    """
    popen = services.ConsolePopen
    if ray_utils.detect_fate_sharing_support():
        services.ConsolePopen = functools.partial(popen, start_new_session=True)
    try:
        yield
    finally:
        services.ConsolePopen = popen
