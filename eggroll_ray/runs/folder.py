"""Checks whether a folder can hold a new run, and defines the errors of run folders. It imports no JAX."""

import os
from pathlib import Path

LOCK = "lock"  # this file ensures that only one process writes a run


class CheckpointError(ValueError):
    """A file of a run does not fit the request. The message says what was found and what to do."""


class DamagedError(CheckpointError):
    """A file is damaged; another file may be intact."""


def check_new_run(run: Path) -> None:
    """Checks that a new run can be made in a folder, without making it.

    Raises:
      CheckpointError: if the folder is not empty, or cannot be written.
    """
    # A start that was killed before it wrote config.json leaves these files; they are not a run.
    begun = {"fitness", "checkpoints", LOCK}
    if run.exists() and (not run.is_dir() or {path.name for path in run.iterdir()} - begun):
        raise CheckpointError(
            f"the run folder {run} exists; name another, or continue it with --resume, in Python with "
            "Run(path, resume=True)."
        )
    there = next(folder for folder in (run.absolute(), *run.absolute().parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = f"{there} is {'read-only for you' if there.is_dir() else 'a file'}"
        raise CheckpointError(f"the run folder {run} cannot be written: {why}; name another.")
