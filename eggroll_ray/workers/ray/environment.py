"""The processes of workers: what must be set before they import JAX, and what their start's errors mean."""

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
    """What to do about a worker whose constructor raised."""
    if "No module named 'eggroll_ray'" in text or "No module named 'envs'" in text:
        remedy = "Install eggroll-ray on every machine of the cluster, in the version that runs here."
    elif "ModuleNotFoundError" in text or "ImportError" in text:
        remedy = (
            "Install that package on every machine of the cluster, or name it in Workers(runtime_env={'pip': [...]}); "
            "a module of yours travels if it lies beside the script."
        )
    else:
        remedy = (
            "If it fails on a class of yours, move the class out of the script into a module beside it: classes of a "
            "script travel by value, which not all survive."
        )
    return f"a worker could not start: {text}\n{remedy}"


def worker_threads(workers: Workers) -> int:
    """Returns the threads of a worker: one for each of its cores, or part of a core."""
    return max(1, math.ceil(workers.cpus))


def gpus_if_known(workers: Workers) -> float | None:
    """GPUs of each worker, None where that depends on the cluster."""
    return 0.0 if workers.gpus is None and workers.count != "auto" else workers.gpus


def process_variables(workers: Workers, gpus: float | None, here: bool) -> dict[str, str]:
    """What must be set in a worker's process before it imports JAX.

    Args:
      workers: how many cores each has.
      gpus: of each; None: not known yet, and what depends on it is left out.
      here: whether it runs on this machine.
    """
    threads = str(worker_threads(workers))  # of XLA the worker takes two at least: compiling/threads.py
    variables = {"NPROC": threads, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    variables |= switch_variables()  # what this process would compute, its workers do
    if gpus == 0:
        variables["JAX_PLATFORMS"] = "cpu"  # Ray 2.60 shows the GPUs of a node to every process on it
    elif gpus is not None and gpus < 1:
        variables["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{0.9 * gpus:.3f}"
    # A cluster that is running has an environment of its own.
    caches = (SETTING, "JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE")
    variables |= {name: os.environ[name] for name in caches if name in os.environ}
    if here:
        # What this process can import, its workers can: a cluster of this machine alone has the same files.
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    return variables


def runtime_environment(workers: Workers, gpus: float, inherited: Mapping[str, str]) -> dict[str, Any]:
    """The runtime environment of a worker: under the user's own; {} where it inherits all that it needs."""
    host = socket.gethostname()
    here = all(node["NodeManagerHostname"] == host for node in ray.nodes() if node["Alive"])
    variables, given = process_variables(workers, gpus, here), dict(workers.runtime_env)
    if not given and variables.items() <= inherited.items():
        return {}
    return {**given, "env_vars": variables | dict(given.get("env_vars", {}))}
