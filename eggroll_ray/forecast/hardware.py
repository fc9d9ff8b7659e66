"""Data of accelerators, for forecasts on machines that are not available. They are their makers' figures, not measured.

The speeds are those of matrix products in float32 (not TF32) and bfloat16 (dense, without sparsity), in operations per
second:

- H100 (SXM, 80 GB), H200 (SXM): NVIDIA's data sheets, 67 TFLOPS float32, 989 TFLOPS bfloat16, 3.35 and 4.8 TB/s.
- A100-80GB (SXM): NVIDIA A100 data sheet, 19.5 and 312 TFLOPS, 2.039 TB/s.
- L4: NVIDIA L4 data sheet, 30.3 and 121 TFLOPS, 300 GB/s, 24 GB.
- TPU v5e: https://docs.cloud.google.com/tpu/docs/v5e, 197 TFLOPS bfloat16, 819 GB/s, 16 GB. It has no float32 products.
  XLA computes one by six products in bfloat16, so a sixth of that speed is assumed.
"""

import contextlib
import os
from pathlib import Path
from typing import NamedTuple

import jax

from eggroll_ray.forecast.operations import Operations

HERE = "this machine"

# Assumptions, not measured: the share of these speeds that whole programs reach, and the seconds from the start of one
# kernel to the start of the next, if each waits for the one before.
REACHED = 0.5
KERNEL_SECONDS = 5e-6


class Accelerator(NamedTuple):
    """The data of one device."""

    float32: float  # operations per second
    bfloat16: float  # operations per second
    bandwidth: float  # of its memory, in bytes per second
    memory: float  # bytes


ACCELERATORS = {
    "H100": Accelerator(67e12, 989e12, 3.35e12, 80e9),
    "H200": Accelerator(67e12, 989e12, 4.8e12, 141e9),
    "A100-80GB": Accelerator(19.5e12, 312e12, 2.039e12, 80e9),
    "L4": Accelerator(30.3e12, 121e12, 300e9, 24e9),
    "TPU v5e": Accelerator(197e12 / 6, 197e12, 819e9, 16e9),
}


def check_device(name: str) -> None:
    """Raises ValueError for a device that is neither "this machine" nor in the table."""
    if name != HERE and name not in ACCELERATORS:
        known = ", ".join(repr(known) for known in (HERE, *ACCELERATORS))
        raise ValueError(f"device={name!r} is unknown; choose one of {known}.")


def bounds(operations: Operations, accelerator: Accelerator, bfloat16: bool) -> dict[str, float]:
    """Returns lower bounds of a program's seconds, by their cause. The largest bound is the one that counts."""
    peak = accelerator.bfloat16 if bfloat16 else accelerator.float32
    return {
        "its arithmetic": operations.flops / (REACHED * peak),
        "memory traffic": operations.bytes / (REACHED * accelerator.bandwidth),
        "starting kernels, which larger blocks share": operations.kernels * KERNEL_SECONDS,
    }


def memory_here() -> int:
    """Returns the bytes of memory of the device that this process computes on.

    On an accelerator that is the memory that JAX may use; on a CPU, that of the machine or of the container.
    """
    found = jax.devices()[0].memory_stats()
    if found and "bytes_limit" in found:
        return found["bytes_limit"]
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # the file does not exist, or says "max"
            total = min(total, int(Path(limit).read_text()))
    return total
