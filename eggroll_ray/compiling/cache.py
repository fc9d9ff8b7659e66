"""Compiled programs are kept in the user's cache folder, so that the next process loads them: it starts in seconds.

JAX's persistent compilation cache does it: a program is found again by what it computes, the version of XLA, its flags
and the device. What JAX leaves out of that decides the name of the folder instead: the number of threads that XLA
compiles for, since a program for two of them would keep only two of sixteen busy, and the processor, since a home
folder may be shared by machines of several kinds, where a foreign program could be an illegal instruction.

A process that is killed while it writes, or a full disk, leaves half a program. JAX warns of it, compiles anew, and
never replaces it, so it is removed here, once a day; then the folder is also cut to a size. JAX's own limit of the size
is not used: it takes a lock of the whole folder for every program that is read, which all workers of a cluster would
wait for, and a process that is killed can leave that folder in a state in which nothing is kept any more.
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

_MIN_SECONDS = 0.1  # of compiling; faster than that, a program is not worth a file
_JAX_MIN_SECONDS = 1.0  # JAX's default of the same
_MAX_BYTES = 1 << 30
_TIDY_SECONDS = 86400.0  # between looks at the whole folder
_WRITING_SECONDS = 60.0  # an entry younger than that may still be written
_ZLIB = b"\x78"  # first byte of what zlib has compressed
_PROCESSOR_FILE = Path("/proc/cpuinfo")
_PROCESSOR_FACTS = (
    *("vendor_id", "cpu family", "model", "model name", "flags"),
    *("CPU implementer", "CPU architecture", "CPU variant", "CPU part", "Features"),
)


def keep_programs() -> Path | None:
    """Turns JAX's persistent compilation cache on, for all that this process compiles from now on.

    It does nothing where JAX has been told of a cache folder, or to use none (`jax_compilation_cache_dir`,
    `jax_enable_compilation_cache`, or their environment variables), or where EGGROLL_RAY_CACHE is "off". The folder is
    `programs` in `cache_folder()`. Compiled programs are code: a folder that another user owns or may write to is not
    used, which is logged as a warning. Nor is one that cannot be written, which is no matter for the user.

    Returns:
      The folder where this process keeps its programs, None if it is not this function that has turned the cache on.

    Raises:
      ValueError: when EGGROLL_RAY_CACHE is neither "off" nor an absolute path.
    """
    cache = cache_folder()
    if cache is None or _setting("compilation_cache_dir") is not None or not _setting("enable_compilation_cache"):
        return None
    root = cache / "programs"  # of all kinds of machines
    folder = root / _name()
    try:
        _make_private(folder)
        if (refusal := _refusal(cache) or _refusal(root) or _refusal(folder)) is not None:
            _log.warning("compiled programs are not kept: %s", refusal)
            return None
        with tempfile.TemporaryFile(dir=folder) as file:  # JAX would warn of every program that it cannot write
            file.write(bytes(1 << 16))
        _tidy(root)
    except OSError as error:
        _log.info("compiled programs are not kept: %s", error)
        return None
    jax.config.update("jax_compilation_cache_dir", str(folder))
    least = "persistent_cache_min_compile_time_secs"
    if _setting(least) == _JAX_MIN_SECONDS and f"JAX_{least.upper()}" not in os.environ:
        jax.config.update(f"jax_{least}", _MIN_SECONDS)
    # A program that cannot be read or written is no reason to end a run, not even where warnings are errors.
    warnings.filterwarnings("default", "Error (reading|writing) persistent compilation cache entry", UserWarning)
    return folder


def _setting(name: str) -> Any:
    return getattr(jax.config, f"jax_{name}")


def _name() -> str:
    """Name of the folder for programs that this process can load."""
    threads = xla_threads()
    facts = f"{jax.__version__} {jaxlib_version.__version__} {threads} {_processor()}"
    return f"jax-{jax.__version__}-threads-{threads}-{hashlib.blake2b(facts.encode(), digest_size=4).hexdigest()}"


def _processor() -> str:
    """What the processor is, and the instructions that it has."""
    try:
        first = _PROCESSOR_FILE.read_text().split("\n\n")[0].splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    facts = [line for line in first if line.partition(":")[0].strip() in _PROCESSOR_FACTS]
    return "\n".join([platform.machine(), *facts])


def _make_private(folder: Path) -> None:
    """Makes a folder and those above it that do not exist, for this user alone."""
    if not folder.parent.exists():
        _make_private(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


def _refusal(folder: Path) -> str | None:
    """Says why the programs in a folder cannot be trusted, None if they can."""
    status = folder.stat()
    if status.st_uid != os.geteuid():
        return f"{folder} belongs to another user; set {SETTING} to a folder of your own, or to off."
    if status.st_mode & 0o022:
        return f"other users may write to {folder}; chmod go-w it, or set {SETTING} to another folder, or to off."
    return None


def _tidy(root: Path) -> None:
    """Once a day removes programs that are not whole and, beyond a size, those that were used longest ago.

    Of an entry that was compressed with zstandard, as JAX does where that is installed, it cannot say if it is whole.
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
