"""Writing files so that a reader, or a crash, sees the old content or the new, never a part."""

import contextlib
import errno
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

PARTIAL = ".partial-"  # prefix of what is not whole yet
_DEEPEST = 30  # levels of JSON


def replace_file(path: Path, data: bytes) -> None:
    """Creates or replaces a file in one step, and waits until it is on the disk.

    Args:
      path: the file; a neighbour whose name begins with `PARTIAL` exists meanwhile.
      data: its whole content.
    """
    partial = path.with_name(PARTIAL + path.name)
    partial.unlink(missing_ok=True)  # it may be a link, which would be followed
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
    """Reads JSON that may be anybody's.

    Args:
      text: of it.
      constant: what becomes of NaN and infinities; None: they are themselves.

    Raises:
      ValueError: when it is none, or nested deeper than anything that is written here.
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
    """Appends to a file whole or, for what a reader of the first `size` bytes sees, not at all.

    Args:
      path: the file.
      size: bytes of it that count; whatever lies beyond is what is left of an append that failed.
      data: what to append.
      sync: whether to wait until it is on the disk.

    Returns:
      The bytes that count now.

    Raises:
      OSError: when it cannot be written, or was removed, replaced or cut meanwhile; it can be tried again.
    """
    # Unbuffered: closing a buffered file would write what has failed once more.
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
                if not size:  # its name may be new
                    sync_folder(path.parent)
        except OSError:
            with contextlib.suppress(OSError):  # a later append cuts it off as well
                os.ftruncate(file.fileno(), size)
            raise
    return size + len(data)
