"""What a Ray of this machine alone would have, known without starting it: a cluster that cannot grow."""

import os
from pathlib import Path

from eggroll_ray.workers.options import Workers

# What there is of a GPU that Ray may find: of NVIDIA, also in WSL, of AMD, of Intel.
_DEVICES = ("nvidia0", "nvidiactl", "dxg", "kfd", "dri")


def cpus_here() -> int:
    """Returns the CPUs of a Ray that starts here: two at least, so that two workers run on a machine with one."""
    return max(2, os.cpu_count() or 1)


def lacking_here(workers: Workers) -> str | None:
    """Says what this machine lacks for so many workers, None where nothing is known to be lacking.

    Of GPUs it knows only whether there is any at all: how many is for Ray to say.
    """
    wanted = workers.min_workers if workers.count == "auto" else int(workers.count)
    gpus = workers.gpus or 0.0
    room = int(cpus_here() / workers.cpus + 1e-9)
    without = bool(gpus) and not _any_gpu()
    if room >= wanted and not without and (workers.nodes or 1) <= 1:
        return None
    if room >= wanted and not without:
        return (
            f"asked for {workers.nodes} machines, but without an address Ray starts on this one alone; give --address."
        )
    each = f"{workers.cpus:g} CPUs and {gpus:g} GPUs each"
    return (
        f"asked for {wanted} workers with {each}, but this machine has {cpus_here()} CPUs"
        f"{' and no GPU' if without else ''}, room for {0 if without else room}, and a Ray of this machine alone does "
        "not grow; ask for fewer workers, for 'auto', for less each (--cpus-per-worker 0.5), or give the --address of "
        "a cluster."
    )


def _any_gpu() -> bool:
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1", "NoDevFiles"):
        return False
    return any(Path("/dev", name).exists() for name in _DEVICES)
