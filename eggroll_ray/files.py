"""Writing files so that a reader, or a crash, sees the old content or the new, never a part."""

import os
from pathlib import Path

PARTIAL = ".partial-"  # prefix of what is not whole yet


def replace_file(path: Path, data: bytes) -> None:
    """Creates or replaces a file in one step, and waits until it is on the disk.

    Args:
      path: the file; a neighbour whose name begins with `PARTIAL` exists meanwhile.
      data: its whole content.
    """
    partial = path.with_name(PARTIAL + path.name)
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Waits until renames in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
