"""Switches: the settings of JAX and XLA, in the environment or the program, that decide the bits of results."""

import contextlib
import enum
import os
from collections.abc import Iterator
from typing import Any

import jax

# JAX's settings, without the prefix "jax_": random numbers, types and precision, optimisations of the compiler.
_OF_JAX = (
    *("default_prng_impl", "random_seed_offset", "high_dynamic_range_gumbel"),
    *("enable_x64", "numpy_dtype_promotion", "default_matmul_precision", "allow_f16_reductions"),
    *("disable_jit", "disable_most_optimizations", "optimization_level", "exec_time_optimization_effort"),
)
_OF_COMPILERS = ("XLA_FLAGS", "NVIDIA_TF32_OVERRIDE")  # environment variables
_NO_MATTER = ("--xla_dump_", "--xla_force_host_platform_device_count")  # prefixes of flags that do not affect bits


def switches() -> dict[str, str]:
    """Returns the value of each switch in this process as text; "" if it is not set."""
    found = {name: "" if (value := _value(name)) is None else _text(value) for name in _OF_JAX}
    for name in _OF_COMPILERS:
        flags = os.environ.get(name, "").split()
        found[name] = " ".join(sorted(flag for flag in flags if not flag.startswith(_NO_MATTER)))
    return found


def switch_variables() -> dict[str, str]:
    """Returns environment variables that give another process the same switches as this one."""
    found = {f"JAX_{name.upper()}": _text(value) for name in _OF_JAX if (value := _value(name)) is not None}
    return found | {name: os.environ[name] for name in _OF_COMPILERS if name in os.environ}


@contextlib.contextmanager
def one_way_of_drawing() -> Iterator[None]:
    """Fixes `jax_threefry_partitionable` to True inside this context, whatever it is outside.

    The setting decides how JAX splits keys and draws numbers, so the other value would give other episodes and seeds.
    All other settings that affect random numbers are among the switches.
    """
    with jax.threefry_partitionable(True):
        yield


def _value(name: str) -> Any:
    return jax.config.values.get(f"jax_{name}")  # None if this version of JAX does not have it


def _text(value: Any) -> str:
    if isinstance(value, enum.Enum):
        value = value.value
    return str(int(value)) if isinstance(value, bool) else str(value)
