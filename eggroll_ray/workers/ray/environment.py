"""The environment of workers' processes: variables to set before they import JAX, and help for failed starts."""

import math
import os
import socket
import sys
from collections.abc import Mapping
from typing import Any

import ray

from eggroll_ray.compiling.cache import SETTING
from eggroll_ray.compiling.switches import switch_variables
from eggroll_ray.workers.options import Workers


def explain_failed_start(text: str) -> str:
    """Returns the error text of a worker whose constructor raised, followed by what to do about it."""
    if "No module named 'eggroll_ray'" in text or "No module named 'envs'" in text:
        remedy = "Install eggroll-ray on every machine of the cluster, in the version that runs here."
    elif "ModuleNotFoundError" in text or "ImportError" in text:
        remedy = (
            "Install that package on every machine of the cluster, or name it in Workers(runtime_env={'pip': [...]}). "
            "A module of your own is sent to the workers if it is in the folder of the script."
        )
    else:
        remedy = (
            "If it fails on a class of yours, move the class from the script into a module in the same folder: classes "
            "of a script are sent by value, which does not work for all of them."
        )
    return f"a worker could not start: {text}\n{remedy}"


def worker_threads(workers: Workers) -> int:
    """Returns the number of threads of a worker: its number of cores, rounded up."""
    return max(1, math.ceil(workers.cpus))


def gpus_if_known(workers: Workers) -> float | None:
    """Returns the GPUs of each worker, or None if that depends on the cluster."""
    return 0.0 if workers.gpus is None and workers.count != "auto" else workers.gpus


def process_variables(workers: Workers, gpus: float | None, here: bool) -> dict[str, str]:
    """Returns the environment variables that a worker's process needs before it imports JAX.

    Args:
      workers: says how many cores each worker has.
      gpus: GPUs of each worker. None if that is not known yet; variables that depend on it are then left out.
      here: whether the worker runs on this machine.
    """
    threads = str(worker_threads(workers))  # XLA is given at least two all the same; see compiling/threads.py
    variables = {"NPROC": threads, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    variables |= switch_variables()  # so that workers compute the same bits as this process would
    if gpus == 0:
        variables["JAX_PLATFORMS"] = "cpu"  # Ray 2.60 shows the GPUs of a node to every process on it
    elif gpus is not None and gpus < 1:
        variables["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{0.9 * gpus:.3f}"
    # A running cluster has its own environment, so pass these settings of this process on.
    caches = (SETTING, "JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE")
    variables |= {name: os.environ[name] for name in caches if name in os.environ}
    if here:
        # Workers on this machine have the same files, so let them import whatever this process can import.
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    return variables


def runtime_environment(workers: Workers, gpus: float, inherited: Mapping[str, str]) -> dict[str, Any]:
    """Returns the runtime environment of a worker, in which the user's own settings take precedence.

    It is {} if the worker inherits all variables that it needs.
    """
    host = socket.gethostname()
    here = all(node["NodeManagerHostname"] == host for node in ray.nodes() if node["Alive"])
    variables, given = process_variables(workers, gpus, here), dict(workers.runtime_env)
    if not given and variables.items() <= inherited.items():
        return {}
    return {**given, "env_vars": variables | dict(given.get("env_vars", {}))}
