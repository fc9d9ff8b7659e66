"""Writes files so that a reader, even after a crash, sees either the old content or the new, never a part of it."""

import contextlib
import errno
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

PARTIAL = ".partial-"  # prefix of files and folders that are still being written
_DEEPEST = 30  # most levels of nesting in JSON


def replace_file(path: Path, data: bytes) -> None:
    """Creates or replaces a file in one step, and waits until it is on the disk.

    Args:
      path: the file. While it is written, a file whose name begins with `PARTIAL` exists in the same folder.
      data: its whole content.
    """
    partial = path.with_name(PARTIAL + path.name)
    partial.unlink(missing_ok=True)  # it may be a link, which opening it would follow
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def parse_json(text: str | bytes, constant: Callable[[str], Any] | None = None) -> Any:
    """Reads JSON that may come from an untrusted source.

    Args:
      text: the JSON text.
      constant: converts NaN and infinities, given as text. None keeps them as floats.

    Raises:
      ValueError: when it is not JSON, or nested more deeply than anything that this package writes.
    """
    try:
        value = json.loads(text, parse_constant=constant)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        level = [part for one in level for part in _parts(one) if isinstance(part, dict | list)]
        if not level:
            return value
    raise ValueError("it is nested too deeply")


def _parts(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def sync_folder(folder: Path) -> None:
    """Waits until renames in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append_to_file(path: Path, size: int, data: bytes, sync: bool) -> int:
    """Appends all of the data or, if that fails, leaves the first `size` bytes as they were.

    Args:
      path: the file.
      size: number of valid bytes in the file. Bytes after them are left from an append that failed, and are cut off.
      data: what to append.
      sync: whether to wait until it is on the disk.

    Returns:
      The new number of valid bytes.

    Raises:
      OSError: when the file cannot be written, or was removed, replaced or shortened meanwhile. The call can be
        repeated.
    """
    # Unbuffered, because closing a buffered file would try again to write what has failed.
    flags = (os.O_RDWR if size else os.O_RDWR | os.O_CREAT) | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o666), "r+b", buffering=0) as file:
        found = file.seek(0, os.SEEK_END)
        if found < size:
            raise OSError(errno.EIO, f"it holds {found} bytes where {size} were written", str(path))
        file.truncate(size)
        file.seek(size)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
            if sync:
                os.fsync(file.fileno())
                if not size:  # the file may be new, so its name must reach the disk too
                    sync_folder(path.parent)
        except OSError:
            with contextlib.suppress(OSError):  # if this fails, the next append cuts off the rest
                os.ftruncate(file.fileno(), size)
            raise
    return size + len(data)
