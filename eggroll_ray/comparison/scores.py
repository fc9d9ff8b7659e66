"""Reads a run folder for a comparison: its settings, how it ended, and the score of every test."""

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from eggroll_ray.report.score import environment_of, mapping, moving_score
from eggroll_ray.runs.history import History, load_history

Axis = Literal["generations", "steps", "time"]
AXES: tuple[Axis, ...] = ("generations", "steps", "time")

# Options that do not affect what is learned: where the run computes, and where its numbers go.
_NOT_COMPARED = ("seed", "checkpoint_every", "wandb", "mlflow", "worker", "block_size")
_DEEPEST = 3  # levels of subfolders in which runs are looked for


@dataclasses.dataclass(frozen=True)
class RunScores:
    """The data of a run that a comparison uses.

    Attributes:
      path: the run folder.
      environment: its id, or the name of the fitness.
      seed: of the run, None where it is not recorded.
      options: what the run was started with at the command line, flat; None for a run that was begun in Python.
      settings: the other settings that decide its bits, flat.
      versions: versions of the packages.
      status: "solved", "finished", "stopped", "failed", or "unfinished".
      generations: number of generations done.
      planned: number of generations planned; None if it is not recorded.
      message: why it failed.
      target: the target of the run; None if it had none.
      x: for each test, the generations, member steps and seconds before it, each `(tests,)`.
      score: mean return, or fitness, of the mean parameters in each test, `(tests,)`.
      counts_steps: whether members take steps in an environment.
      moving: why scores of different generations cannot be compared, in words; "" if they can.
      changed: in words, the changes made while the run went on.
      digests: digests of the state before each generation, and of the last state, by the number of updates.
    """

    path: Path
    environment: str
    seed: int | None
    options: Mapping[str, Any] | None
    settings: Mapping[str, Any]
    versions: Mapping[str, Any]
    status: str
    generations: int
    planned: int | None
    message: str
    target: float | None
    x: Mapping[Axis, np.ndarray]
    score: np.ndarray
    counts_steps: bool
    moving: str
    changed: tuple[str, ...]
    digests: Mapping[int, str]

    @property
    def ended(self) -> bool:
        """Whether the run ended as planned."""
        return self.status not in ("stopped", "failed", "unfinished")

    @property
    def ended_early(self) -> bool:
        """Whether a rule of the run, such as its target, ended it early. Curves then continue with its last score."""
        return self.ended and self.status != "finished"

    def has_bits_of(self, other: "RunScores") -> bool | None:
        """Whether the last state that both recorded is the same; None if there is none."""
        common = self.digests.keys() & other.digests.keys()
        return self.digests[max(common)] == other.digests[max(common)] if common else None

    def reached(self, target: float) -> int | None:
        """Returns the index of the test that reached a target; None if none did.

        For the run's own target, this is the test that confirmed it on fresh episodes. For any other target, it is the
        first test at or above it.
        """
        if target == self.target:
            return len(self.score) - 1 if self.status == "solved" else None
        found = np.flatnonzero(self.score >= target)
        return int(found[0]) if len(found) else None


def run_folders(path: Path) -> Iterator[Path]:
    """Finds the run folders at or below a folder, in order. A folder `seed-*` counts even if it has no record.

    Raises:
      FileNotFoundError: there is no such folder, or no run in it.
    """
    if not path.is_dir():
        raise FileNotFoundError(f"{path} is not a folder; give a run folder, or a folder of runs.")
    found = sorted(_below(path, _DEEPEST), key=_in_order)
    if not found:
        raise FileNotFoundError(f"{path} holds no run: there is no config.json in it or in the folders below it.")
    yield from found


def _below(path: Path, depth: int) -> Iterator[Path]:
    if (path / "config.json").exists() or (path / "metrics.jsonl").exists():
        yield path
        return
    folders = [each for each in path.iterdir() if each.is_dir() and not each.is_symlink()] if depth else []
    found = [run for folder in folders for run in _below(folder, depth - 1)]
    yield from found or ([path] if path.name.startswith("seed-") else [])


def _in_order(path: Path) -> tuple[Any, ...]:
    """Sorts by name, but seed-10 comes after seed-9."""
    number = path.name.removeprefix("seed-")
    return (str(path.parent), path.name != number, int(number) if number.isdecimal() else -1, path.name)


def read_scores(path: Path) -> RunScores:
    """Reads a run folder.

    Raises:
      ValueError: if it is damaged, or nothing in it can be compared; the message says why.
      FileNotFoundError: there is no such folder.
    """
    run = load_history(path)
    if not run.config:
        raise ValueError("it has no config.json: the run was not begun")
    if not run.rows:
        raise ValueError("no generation has been recorded")
    if not run.evaluated:
        raise ValueError("its mean parameters were never tested (test_every=0), so there is no score")
    settings, options = mapping(run.config, "settings"), run.config.get("options")
    status, result = _status(run)
    x, score = _tests(run, result if status != "failed" else {})
    seed = settings.get("seed")
    return RunScores(
        path=path,
        environment=environment_of(run),
        seed=seed if isinstance(seed, int) else None,
        options=_flat(options, _NOT_COMPARED) if isinstance(options, Mapping) else None,
        settings={**_flat(settings, (*_NOT_COMPARED, "parameters")), **_parameters(settings), **_functions(run.config)},
        versions=mapping(run.config, "versions"),
        status=status,
        generations=result.get("generations", run.rows[-1]["generation"] + 1),
        planned=planned if isinstance(planned := run.config.get("generations"), int) else None,
        message=str(result.get("message") or ""),
        target=run.target,
        x=x,
        score=score,
        counts_steps=run.has_steps,
        moving=moving_score(run),
        changed=tuple(str(event.get("detail") or "") for event in run.events if event["event"] == "changed"),
        digests=_digests(run, result),
    )


def _status(run: History) -> tuple[str, Mapping[str, Any]]:
    """Returns how a run ended, and its result. A result that is older than the last generation is ignored."""
    result = run.result or {}
    if not result or result.get("generations", -1) < run.rows[-1]["generation"]:
        return "unfinished", {}
    return str(result.get("status") or "unfinished"), result


def _digests(run: History, result: Mapping[str, Any]) -> dict[int, str]:
    """Digests of the states of a run; one that was not taken is recorded as no text, or as empty."""
    found = {row["generation"]: row.get("digest") for row in run.rows}
    found[result.get("generations", -1)] = result.get("digest")
    return {generation: digest for generation, digest in found.items() if digest}


def _tests(run: History, result: Mapping[str, Any]) -> tuple[dict[Axis, np.ndarray], np.ndarray]:
    """The tests of a run, with the one at its end."""
    points = [
        (
            row["generation"],
            (row.get("total_steps") or 0) - (row.get("steps") or 0),  # the test comes before the members' steps
            row.get("time") or 0.0,
            row["mean_policy_return"],
        )
        for row in run.evaluated
    ]
    last = result.get("mean_policy_return")
    if last is not None:
        number = result.get("generations", 0)
        steps, seconds = (result.get(name) or 0 for name in ("total_steps", "seconds"))
        if points[-1][0] == number:  # the confirming test has no selection bias
            steps = points.pop()[1]
        points.append((number, steps, seconds, last))
    generations, steps, seconds, score = np.array(points, np.float64).T
    return {"generations": generations, "steps": steps, "time": seconds}, score


def _flat(values: Mapping[str, Any], without: Iterable[str] = (), key: str = "") -> dict[str, Any]:
    """Nested settings by dotted names."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name in without and not key:
            continue
        if isinstance(value, Mapping) and value:
            found |= _flat(value, (), f"{key}{name}.")
        else:
            found[key + name] = value
    return found


def _functions(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the functions of a run with their fingerprints, which also differ if numbers in them differ."""
    found, functions = {}, mapping(config, "functions")
    traced_by = json.dumps(functions.get("versions"), sort_keys=True)
    for name, function in functions.items():
        if isinstance(function, Mapping) and "fingerprint" in function:
            made, program = str(function["fingerprint"]), str(function.get("program") or "")
            found[name] = Function(str(function.get("what")), made, _numbers(function), program, traced_by)
    return found


def _parameters(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns all parameters as one setting: how many numbers there are, and a digest of shapes and types."""
    leaves = mapping(settings, "parameters")
    if not leaves:
        return {}
    shapes = [re.search(r"\[([\d, ]*)\]", str(leaf)) for leaf in leaves.values()]
    count = sum(math.prod(int(size) for size in re.findall(r"\d+", shape[1])) for shape in shapes if shape)
    digest = hashlib.sha256(json.dumps(leaves, sort_keys=True).encode()).hexdigest()
    return {"parameters": Function(f"{count} numbers", digest, ())}


def _numbers(function: Mapping[str, Any]) -> tuple[float, ...]:
    numbers = function.get("numbers")
    return tuple(n for n in numbers if isinstance(n, int | float)) if isinstance(numbers, list) else ()


@dataclasses.dataclass(frozen=True)
class Function:
    """A function that a run was made with, such as the optimiser.

    Attributes:
      what: it is, in words.
      fingerprint: of its program and its numbers.
      numbers: in it.
      program: a fingerprint of the program alone; "" where it was not traced.
      traced_by: versions of the packages that traced it.
    """

    what: str
    fingerprint: str
    numbers: tuple[float, ...]
    program: str = ""
    traced_by: str = ""

    def is_another(self, other: "Function") -> bool:
        """Whether it certainly computes something else: other versions may write one function in two ways."""
        same_way = self.traced_by == other.traced_by or self.program == other.program
        return self.fingerprint != other.fingerprint and same_way
