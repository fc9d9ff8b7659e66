"""The parameters of any generation of a recorded run: from its files where they hold them, and otherwise by replay.

A checkpoint and the folder `best/` hold parameters and statistics, so no strategy is needed to read them. Any other
generation is rebuilt from the seed and the fitness log, by the strategy of the run.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp

from eggroll_ray.es.record import ES
from eggroll_ray.evaluators.record import Earlier, Evaluator
from eggroll_ray.replay import Replay
from eggroll_ray.runs import best, checkpoint
from eggroll_ray.runs.best import Score
from eggroll_ray.runs.checkpoint import CheckpointError, DamagedError
from eggroll_ray.runs.history import load_history
from eggroll_ray.runs.settings import check_record, read_settings, strategy_as_begun
from eggroll_ray.runs.tree import put_together
from eggroll_ray.runs.warm_start import started, with_kept
from eggroll_ray.workers.prepare import prepare

_log = logging.getLogger(__name__)

# A number of updates, the generation with the best test, or None: the newest that the files hold.
Which = int | Literal["best"] | None


class Past:
    """A recorded run, with the code that it was made with."""

    def __init__(self, run: Path | str, evaluator: Evaluator, find_strategy: Callable[[], ES | None], remedy: str):
        """Opens a record.

        Args:
          run: the run folder.
          evaluator: of the run.
          find_strategy: returns the strategy of the run, None where it is not known: then only what the files hold can
            be had. It is called when a strategy is needed.
          remedy: what to do where a strategy is missing, for messages.
        """
        self._run, self._evaluator, self._find_strategy, self._remedy = Path(run), evaluator, find_strategy, remedy

    def mean(self, which: Which) -> tuple[int, Earlier]:
        """Returns parameters and statistics of a generation, NumPy arrays, and how many updates it has had.

        Raises:
          CheckpointError: where the files do not hold it and it cannot be rebuilt, and where there was no test.
        """
        template = _template(self._evaluator, self._seed())
        number, found = in_files(self._run, which, template)
        if found is not None:
            assert number is not None
            return number, Earlier(found["params"], found["statistics"])
        replay = self.replay(number)
        worker = replay.worker_at(len(replay.log) if number is None else number)
        held = best.part_of(worker.snapshot())
        return worker.number, Earlier(held["params"], held["statistics"])

    def replay(self, number: int | None = None) -> Replay:
        """Returns what rebuilds any generation.

        Args:
          number: the generation that is wanted, for messages.

        Raises:
          CheckpointError: without a strategy, and where evaluator and strategy are not those of the run.
        """
        where = "no checkpoint" if number is None else f"no checkpoint of generation {number}"
        why = f"{where} is there, so it has to be rebuilt from the fitness log by the strategy that it was made with"
        settings, strategy = read_settings(self._run / "config.json"), self.strategy(why)
        numbers = {name: _whole(settings, name) for name in ("population_size", "block_size", "seed", "test_episodes")}
        strategy = strategy_as_begun(strategy, self._run)
        evaluator, held = started(None, self._run, self._evaluator, strategy, numbers["seed"])
        prepared = prepare(evaluator, strategy, **numbers)
        for text in check_record(self._run, evaluator, prepared, prepared.plan):
            _log.warning("%s", text)
        return Replay(self._run, evaluator, with_kept(prepared.strategy, held), prepared.plan)

    def strategy(self, why: str = "to continue it takes the strategy that it was made with") -> ES:
        """Returns the strategy of the run.

        Args:
          why: it is needed, for messages.

        Raises:
          CheckpointError: where it is not known.
        """
        if (strategy := self._find_strategy()) is None:
            raise CheckpointError(
                f"the run in {self._run} was begun from Python: {why}, which its record does not hold; {self._remedy}"
            )
        return strategy

    def _seed(self) -> int:
        return _whole(read_settings(self._run / "config.json"), "seed")


def best_score(run: Path) -> Score:
    """Returns the best test of a run.

    Raises:
      CheckpointError: when it has none that can be compared.
    """
    try:
        history = load_history(run)
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    if history.is_self_play:
        raise CheckpointError(
            f"the run in {run} is of self-play: each generation was tested against opponents of its own, so that none "
            "is the best. `eggroll-ray league` lets generations play against each other; name one by its number."
        )
    if history.best is None:
        raise CheckpointError(f"the run in {run} has no test of its mean parameters; name a generation by its number.")
    return history.best


def in_files(run: Path, which: Which, template: Any) -> tuple[int | None, Any]:
    """Reads parameters and statistics out of the files of a run.

    Args:
      run: the run folder.
      which: see `Which`.
      template: `{"params": ..., "statistics": ...}`, of arrays of the same shapes and types.

    Returns:
      The number of updates, None where it is the end of the log; and what was found, None if the files do not hold it.
    """
    checkpoint.refuse_links(run)
    number = best_score(run).generation if which == "best" else which
    for at, folder in _holders(run, number):
        try:
            if folder.name == best.FOLDER:
                return at, checkpoint.load_folder(folder, template)
            inside = {"state": {"params": template["params"]}, "statistics": template["statistics"]}
            found = checkpoint.load_folder(folder, inside, ("state/params", "statistics"))
            return at, {"params": found["state"]["params"], "statistics": found["statistics"]}
        except DamagedError as error:
            _log.warning("%s It is passed over.", error)
    return number, None


def params_in_files(run: Path, which: Which) -> Any:
    """Reads parameters out of the files of a run by what the record says of their structure, without any evaluator.

    Returns:
      The parameters, NumPy arrays; None where the record does not say enough, or the files do not hold them.
    """
    checkpoint.refuse_links(run)
    config = checkpoint.read_object(run / "config.json")
    number = best_score(run).generation if which == "best" else which
    for _, folder in _holders(run, number):
        path = "params" if folder.name == best.FOLDER else "state/params"
        try:
            return put_together(config.get("tree"), checkpoint.load_named(folder, path), path)
        except DamagedError as error:
            _log.warning("%s It is passed over.", error)
        except (KeyError, TypeError, IndexError):  # of a structure that was not recorded
            return None
    return None


def _holders(run: Path, number: int | None) -> list[tuple[int, Path]]:
    """The folders that hold a generation, or with None all checkpoints, in the order in which they are to be tried."""
    saved = {at: run / "checkpoints" / f"{at:08d}" for at in checkpoint.checkpoints(run)}
    if number is None:
        return sorted(saved.items(), reverse=True)
    found = [(number, saved[number])] if number in saved else []
    try:
        manifest = checkpoint.read_manifest(run / best.FOLDER)
        # The first versions could write the folder without arrays.
        if manifest.get("generation") == number and manifest["arrays"]:
            found.append((number, run / best.FOLDER))
    except CheckpointError:
        pass
    return found


def _template(evaluator: Evaluator, seed: int) -> dict[str, Any]:
    """Parameters and statistics of the shapes and types that a run has."""
    return {"params": jax.tree.map(jnp.asarray, evaluator.init(seed)), "statistics": evaluator.statistics}


def _whole(settings: Any, name: str) -> int:
    text = str(settings.get(name))  # a number of NumPy was written as text by the first versions
    if not text.isdecimal():
        raise CheckpointError(f"config.json has {name}={text[:60]}, which is no number.")
    return int(text)
