"""Keeps compiled programs in the user's cache folder, so that the next process loads them and starts in seconds.

This uses JAX's persistent compilation cache. JAX finds a program by what it computes, the version and flags of XLA, and
the device. Two facts that JAX leaves out are part of the folder's name instead:

- the number of threads that XLA compiles for, because a program for two threads would use only two of sixteen;
- the processor, because machines of several kinds may share a home folder, and a program for one of them may contain
  instructions that another does not have.

A process that is killed while it writes, or a full disk, leaves an incomplete program. JAX warns about it and compiles
again, but never replaces the file. So incomplete programs are removed here once a day, and the folder is then also cut
to a maximum size. JAX's own limit of the size is not used. It locks the whole folder for every program that is read,
for which all workers of a cluster would wait, and a process that is killed can leave the folder so that nothing is
kept any more.
"""

import contextlib
import hashlib
import logging
import os
import platform
import tempfile
import time
import warnings
import zlib
from pathlib import Path
from typing import Any

import jax
from jaxlib import version as jaxlib_version

from eggroll_ray.compiling.folder import SETTING as SETTING
from eggroll_ray.compiling.folder import cache_folder as cache_folder
from eggroll_ray.compiling.threads import xla_threads

_log = logging.getLogger(__name__)

_MIN_SECONDS = 0.1  # programs that compile faster than this are not kept
_JAX_MIN_SECONDS = 1.0  # JAX's default for the same setting
_MAX_BYTES = 1 << 30
_TIDY_SECONDS = 86400.0  # between clean-ups of the whole folder
_WRITING_SECONDS = 60.0  # a younger entry may still be being written
_ZLIB = b"\x78"  # first byte of data compressed by zlib
_PROCESSOR_FILE = Path("/proc/cpuinfo")
_PROCESSOR_FACTS = (
    *("vendor_id", "cpu family", "model", "model name", "flags"),
    *("CPU implementer", "CPU architecture", "CPU variant", "CPU part", "Features"),
)


def keep_programs() -> Path | None:
    """Turns JAX's persistent compilation cache on for all programs that this process compiles from now on.

    It does nothing if JAX was given a cache folder or told to use none (`jax_compilation_cache_dir`,
    `jax_enable_compilation_cache`, or their environment variables), or if EGGROLL_RAY_CACHE is "off". The folder is
    `programs` in `cache_folder()`. Compiled programs are code, so a folder that another user owns or may write to is
    not used, and a warning is logged. A folder that cannot be written is not used either, without a warning.

    Returns:
      The folder where this process keeps its programs, or None if this function has not turned the cache on.

    Raises:
      ValueError: when EGGROLL_RAY_CACHE is neither "off" nor an absolute path.
    """
    cache = cache_folder()
    if cache is None or _setting("compilation_cache_dir") is not None or not _setting("enable_compilation_cache"):
        return None
    root = cache / "programs"  # for all kinds of machines
    folder = root / _name()
    try:
        _make_private(folder)
        if (refusal := _refusal(cache) or _refusal(root) or _refusal(folder)) is not None:
            _log.warning("compiled programs are not kept: %s", refusal)
            return None
        with tempfile.TemporaryFile(dir=folder) as file:  # otherwise JAX would warn about each program it cannot write
            file.write(bytes(1 << 16))
        _tidy(root)
    except OSError as error:
        _log.info("compiled programs are not kept: %s", error)
        return None
    jax.config.update("jax_compilation_cache_dir", str(folder))
    least = "persistent_cache_min_compile_time_secs"
    if _setting(least) == _JAX_MIN_SECONDS and f"JAX_{least.upper()}" not in os.environ:
        jax.config.update(f"jax_{least}", _MIN_SECONDS)
    # A program that cannot be read or written must not end a run, even if warnings are treated as errors.
    warnings.filterwarnings("default", "Error (reading|writing) persistent compilation cache entry", UserWarning)
    return folder


def _setting(name: str) -> Any:
    return getattr(jax.config, f"jax_{name}")


def _name() -> str:
    """Name of the folder with the programs that this process can load."""
    threads = xla_threads()
    facts = f"{jax.__version__} {jaxlib_version.__version__} {threads} {_processor()}"
    return f"jax-{jax.__version__}-threads-{threads}-{hashlib.blake2b(facts.encode(), digest_size=4).hexdigest()}"


def _processor() -> str:
    """Describes the processor and its instruction sets."""
    try:
        first = _PROCESSOR_FILE.read_text().split("\n\n")[0].splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    facts = [line for line in first if line.partition(":")[0].strip() in _PROCESSOR_FACTS]
    return "\n".join([platform.machine(), *facts])


def _make_private(folder: Path) -> None:
    """Makes a folder, and its missing parents, accessible to this user alone."""
    if not folder.parent.exists():
        _make_private(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


def _refusal(folder: Path) -> str | None:
    """Returns why the programs in a folder cannot be trusted, or None if they can."""
    status = folder.stat()
    if status.st_uid != os.geteuid():
        return f"{folder} belongs to another user; set {SETTING} to a folder of your own, or to off."
    if status.st_mode & 0o022:
        return f"other users may write to {folder}; chmod go-w it, or set {SETTING} to another folder, or to off."
    return None


def _tidy(root: Path) -> None:
    """Once a day, removes incomplete programs and, above the maximum size, those that were not used for longest.

    JAX compresses entries with zstandard if it is installed. Whether such an entry is complete is not checked.
    """
    stamp, now = root / "tidied", time.time()
    last = stamp.stat().st_mtime if stamp.exists() else 0.0
    if now < last + _TIDY_SECONDS:
        return
    stamp.touch()
    kept = []
    for path in root.glob("*/*-cache"):
        with contextlib.suppress(OSError):  # another process may be tidying as well
            status = path.stat()
            if last - _WRITING_SECONDS < status.st_mtime < now - _WRITING_SECONDS and not _is_whole(path.read_bytes()):
                path.unlink()
            else:
                kept.append((max(status.st_atime, status.st_mtime), status.st_size, path))
    excess = sum(size for _, size, _ in kept) - _MAX_BYTES
    for _, size, path in sorted(kept):
        if excess <= 0:
            break
        path.unlink(missing_ok=True)
        excess -= size


def _is_whole(data: bytes) -> bool:
    if data and not data.startswith(_ZLIB):
        return True
    try:
        zlib.decompress(data)
    except zlib.error:
        return False
    return True
