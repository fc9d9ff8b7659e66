"""The options that all commands have which are given a run folder. Importing this module imports no JAX."""

import dataclasses

from eggroll_ray.cli.options import RunFolder


@dataclasses.dataclass(frozen=True)
class OfRun:
    """A command that is given a run folder, and what its record may lack."""

    run: RunFolder
    """The run folder."""
    evaluator: str | None = None
    """module:attribute of the evaluator, or of a function that returns it, for a run that was begun from Python with
    code of its own. The module is looked for in the current folder first."""
    strategy: str | None = None
    """The same of the strategy, where the run was begun from Python: for what is rebuilt from the fitness log."""
    trust_env: str | None = None
    """Environment id of the folder whose module may be imported, where it is not one that is known here."""
