"""Warm start: a run that begins with parameters of another one. Its folder keeps them in `init/`, so that it can be
continued and replayed without the other; a digest of them is one of its settings.
"""

import dataclasses
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import load_file

from eggroll_ray.es.digest import digest
from eggroll_ray.es.hyperparameters import hyperparameters, with_hyperparameters
from eggroll_ray.es.record import ES, ESState
from eggroll_ray.evaluators.record import Evaluator
from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.checkpoint import CheckpointError, DamagedError

FOLDER = "init"


@dataclasses.dataclass(frozen=True)
class Start:
    """What a run begins with.

    Attributes:
      params: a pytree like the policy's or the fitness's; or a path: of a run folder, whose newest checkpoint is taken,
        with its statistics of observations; or of a safetensors file with parameters by their paths, and nothing else.
      optimizer: "fresh", or "kept": the state of the optimiser too, which only a run folder has. Rates that
        `optax.inject_hyperparams` keeps in that state, and the factors that `Trainer.change` put on rates, are those of
        the new run. But a kept optimiser goes on with its count of steps, so a learning rate that follows a schedule of
        optax goes on where the old run was, while a schedule of sigma begins anew.
    """

    params: Any
    optimizer: Literal["fresh", "kept"] = "fresh"

    def __post_init__(self) -> None:
        if self.optimizer not in ("fresh", "kept"):
            raise ValueError(f"optimizer={self.optimizer!r} must be 'fresh' or 'kept'.")


def started(
    init: Any, run: Path | None, evaluator: Evaluator, strategy: ES, seed: int
) -> tuple[Evaluator, dict[str, Any]]:
    """Returns an evaluator that begins with given parameters and statistics, and what it begins with.

    Args:
      init: a `Start`, or what its `params` may be; None: what `init/` of the run holds, if there is such a folder.
      run: the folder of a run that is continued or replayed, None for a new one.
      evaluator: as it was made.
      strategy: of the run.
      seed: of the run.

    Returns:
      The evaluator; and {} where there is no warm start, else "params", "statistics", and "opt_state" if it is kept.

    Raises:
      ValueError: where what was given does not fit; the message names the array and both shapes.
    """
    if init is None and (run is None or not (run / FOLDER).exists()):
        return evaluator, {}
    params = jax.tree.map(jnp.asarray, evaluator.init(seed))
    template = {"params": params, "statistics": evaluator.statistics}
    if init is None:
        assert run is not None
        kept = any(name.startswith("opt_state") for name in checkpoint.read_manifest(run / FOLDER)["arrays"])
        if kept:
            template["opt_state"] = strategy.init(params, seed).opt_state
        held = checkpoint.load_folder(run / FOLDER, template)
    else:
        start = init if isinstance(init, Start) else Start(init)
        if not isinstance(start.params, str | Path):
            if start.optimizer == "kept":
                raise ValueError("optimizer='kept' needs a run folder to take it from, not parameters alone.")
            held = {**template, "params": _like(start.params, params, "the parameters that were given")}
        else:
            held = _read(Path(start.params), start.optimizer == "kept", template, strategy, seed)
    held = jax.device_get(held)
    settings = {**evaluator.settings, "init": digest(held)}
    evaluator = evaluator._replace(init=lambda _: held["params"], statistics=held["statistics"], settings=settings)
    return evaluator, held


def with_kept(strategy: ES, held: dict[str, Any]) -> ES:
    """Returns a strategy that begins with the state of the optimiser that `started` returned, if there is one.

    The numbers that `optax.inject_hyperparams` keeps in the optimiser's state are settings, so they stay the
    strategy's own.
    """
    if "opt_state" not in held:
        return strategy
    fresh, kept = strategy.init, held["opt_state"]

    def init(params: Any, seed: int) -> ESState:
        own = fresh(params, seed)
        opt_state = with_hyperparameters(jax.tree.map(jnp.asarray, kept), hyperparameters(own.opt_state))
        return own._replace(opt_state=opt_state)

    return strategy._replace(init=init)


def _read(path: Path, kept: bool, template: dict[str, Any], strategy: ES, seed: int) -> dict[str, Any]:
    if path.is_file():
        if kept:
            raise ValueError(f"{path} is a file; the optimiser can be kept only from a run folder.")
        try:
            found = load_file(path)
        except Exception as error:  # safetensors has errors of its own kind for every sort of damage
            raise ValueError(f"{path} cannot be read as safetensors: {type(error).__name__}: {error}.") from error
        _refuse_normalizer(path, found, template)
        return {**template, "params": _from_names(found, template["params"], str(path))}
    checkpoint.refuse_links(path)
    for number in reversed(checkpoint.checkpoints(path)):
        state: dict[str, Any] = {"params": template["params"]}
        if kept:
            state["opt_state"] = strategy.init(template["params"], seed).opt_state
        folder = path / "checkpoints" / f"{number:08d}"
        parts = ("state/params", "statistics", *(["state/opt_state"] if kept else []))
        try:
            found = checkpoint.load_folder(folder, {"state": state, "statistics": template["statistics"]}, parts)
        except DamagedError:
            continue
        return {**found["state"], "statistics": found["statistics"]}
    raise CheckpointError(f"{path} holds no whole checkpoint to begin with; give a run folder or a safetensors file.")


def _refuse_normalizer(path: Path, found: dict[str, np.ndarray], template: dict[str, Any]) -> None:
    """Refuses a file with the normaliser of an export: it lacks the statistics that a run would go on with."""
    names = [name for name in found if name.startswith("normalizer/")]
    if not names or "normalizer" in {name.split("/")[0] for name in checkpoint.named_arrays(template["params"])}:
        return
    held = f"{path} holds an observation normaliser ({', '.join(sorted(names))})"
    if jax.tree.leaves(template["statistics"]):
        raise ValueError(f"{held}, but not the statistics that it is made of; give the run folder, which holds them.")
    raise ValueError(
        f"{held}, so its parameters were trained on normalised observations, and this run does not normalise them; "
        "give the run folder, and normalize_observations as it has."
    )


def _like(given: Any, params: Any, what: str) -> Any:
    """Given parameters in the structure and types of those of the run."""
    return _from_names(checkpoint.named_arrays(given), params, what)


def _from_names(found: dict[str, np.ndarray], params: Any, what: str) -> Any:
    wanted, leaves = checkpoint.named_arrays(params), jax.tree.leaves(params)
    made = []
    for (name, array), leaf in zip(wanted.items(), leaves, strict=True):
        given = found.get(name)
        if given is None or given.shape != array.shape:
            shown = "missing" if given is None else f"of shape {given.shape}"
            raise ValueError(
                f"{what} cannot be begun with: {name} is {shown}, and of shape {array.shape} here; use the same "
                "network."
            )
        made.append(jnp.asarray(given, leaf.dtype))
    if surplus := sorted(found.keys() - wanted.keys()):
        raise ValueError(
            f"{what} cannot be begun with: {', '.join(surplus)} is not among the parameters of this run, which are "
            f"{', '.join(wanted)}; use the same network, or leave out what does not belong to it."
        )
    return jax.tree.unflatten(jax.tree.structure(params), made)
