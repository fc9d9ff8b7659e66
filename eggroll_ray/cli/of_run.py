"""The options that all commands on a run folder share. Importing this module does not import JAX."""

import dataclasses

from eggroll_ray.cli.options import RunFolder


@dataclasses.dataclass(frozen=True)
class OfRun:
    """Options of a command that takes a run folder. Some supply code that the folder's record may lack."""

    run: RunFolder
    """The run folder."""
    evaluator: str | None = None
    """For a run that was started from Python with code of its own.
    Give module:attribute of the evaluator, or of a function that returns it.
    The module is looked for in the current folder first."""
    strategy: str | None = None
    """For a run that was started from Python.
    Give module:attribute of the strategy, or of a function that returns it.
    It is needed to rebuild generations from the fitness log."""
    trust_env: str | None = None
    """The id of the folder's environment, if it may import a module that this package does not know."""
