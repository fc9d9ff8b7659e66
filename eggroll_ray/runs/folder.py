"""Whether a folder will do for a new run, and what is raised of those that will not. It imports no JAX."""

import os
from pathlib import Path

LOCK = "lock"  # the file by which a run has one owner


class CheckpointError(ValueError):
    """A file of a run does not fit what was asked; the message says what was found and what to do."""


class DamagedError(CheckpointError):
    """A file is not as it was written; another one may be."""


def check_new_run(run: Path) -> None:
    """Checks that a new run can be made in a folder, without making it.

    Raises:
      CheckpointError: when the folder holds something already, or cannot be written.
    """
    # What a start that was killed leaves before it has written config.json is nobody's run.
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
