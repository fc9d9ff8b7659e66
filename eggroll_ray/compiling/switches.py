"""Switches of JAX and XLA, set by the environment or in a program, that decide the bits of what is computed."""

import contextlib
import enum
import os
from collections.abc import Iterator
from typing import Any

import jax

# Of JAX, without the prefix: random numbers, types and precision, what the compiler may do.
_OF_JAX = (
    *("default_prng_impl", "random_seed_offset", "high_dynamic_range_gumbel"),
    *("enable_x64", "numpy_dtype_promotion", "default_matmul_precision", "allow_f16_reductions"),
    *("disable_jit", "disable_most_optimizations", "optimization_level", "exec_time_optimization_effort"),
)
_OF_COMPILERS = ("XLA_FLAGS", "NVIDIA_TF32_OVERRIDE")  # environment variables
_NO_MATTER = ("--xla_dump_", "--xla_force_host_platform_device_count")  # flags that begin like this


def switches() -> dict[str, str]:
    """Returns how each switch is set in this process, as text that can be compared; "" where it is not set."""
    found = {name: "" if (value := _value(name)) is None else _text(value) for name in _OF_JAX}
    for name in _OF_COMPILERS:
        flags = os.environ.get(name, "").split()
        found[name] = " ".join(sorted(flag for flag in flags if not flag.startswith(_NO_MATTER)))
    return found


def switch_variables() -> dict[str, str]:
    """Returns the environment variables that set the switches of another process as they are in this one."""
    found = {f"JAX_{name.upper()}": _text(value) for name in _OF_JAX if (value := _value(name)) is not None}
    return found | {name: os.environ[name] for name in _OF_COMPILERS if name in os.environ}


@contextlib.contextmanager
def one_way_of_drawing() -> Iterator[None]:
    """Inside it JAX splits keys and draws words in one way, whatever `jax_threefry_partitionable` says.

    The other way would draw other episodes and other seeds. What else decides random numbers is among the switches.
    """
    with jax.threefry_partitionable(True):
        yield


def _value(name: str) -> Any:
    return jax.config.values.get(f"jax_{name}")  # another version of JAX may lack it


def _text(value: Any) -> str:
    if isinstance(value, enum.Enum):
        value = value.value
    return str(int(value)) if isinstance(value, bool) else str(value)
