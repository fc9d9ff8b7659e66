"""Takes over the state of another trainer from its checkpoint."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from eggroll_ray.es.hyperparameters import hyperparameters, with_hyperparameters
from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.checkpoint import CheckpointError


def take_over(
    folder: Path, own: Mapping[str, Any], on_event: Callable[[str, str], object]
) -> tuple[int, dict[str, Any]]:
    """Loads the newest whole checkpoint below a folder, for a trainer with settings of its own.

    The numbers that `optax.inject_hyperparams` keeps in the optimiser's state are settings, so the trainer keeps its
    own. It also keeps the factors that `Trainer.change` has put on its rates.

    Args:
      folder: the folder that `Trainer.save` was given, or a run folder.
      own: a snapshot of the trainer that takes the state over.
      on_event: called for damaged checkpoints, and for settings that the trainer keeps.

    Returns:
      The generation of the checkpoint, and its snapshot.

    Raises:
      CheckpointError: if no checkpoint is intact, or it has other parameters or another kind of optimiser.
    """
    if not (saved := checkpoint.checkpoints(folder)):
        raise CheckpointError(f"there is no checkpoint in {folder / 'checkpoints'}; give what was given to save.")
    damaged: list[str] = []
    found = checkpoint.newest_checkpoint(folder, saved, own, damaged.append, own=(checkpoint.SCALES,))
    for text in damaged:
        on_event("checkpoint damaged", text)
    if found is None:
        raise CheckpointError(f"there is no whole checkpoint in {folder / 'checkpoints'}: {' '.join(damaged)}")
    number, snapshot = found
    mine, theirs = hyperparameters(own["state"].opt_state), hyperparameters(snapshot["state"].opt_state)
    if other := [name for name in mine if mine[name] != theirs[name]]:
        shown = ", ".join(f"{name} is {float(mine[name]):g}, not {float(theirs[name]):g}" for name in other)
        on_event("settings kept", f"of this trainer, not of the checkpoint: {shown}")
    state = snapshot["state"]
    return number, {**snapshot, "state": state._replace(opt_state=with_hyperparameters(state.opt_state, mine))}
