"""In what groups of runs differ, and the labels that this gives them."""

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from eggroll_ray.comparison.scores import Function, RunScores
from eggroll_ray.report.score import in_line

_ABSENT = "-"
_LONGEST = 120  # letters of a label
_BEGINNING = "initial_parameters"
_CHANGED = "changed"
# What a function is named after, where a setting beside it says the same in words.
_SAID_BY = {"policy": ("parameters",), "evaluation": ("shared_by", "on_nan")}

Settings = Mapping[str, Any]
Differing = Mapping[str, Sequence[Any]]  # name of a setting -> its values in the groups


def compared(runs: Sequence[RunScores]) -> tuple[list[Settings], tuple[str, ...]]:
    """Returns the settings of each run by which it is told from others, and the names of those that not all record.

    Options of the command line say most plainly what was asked for. A version of this package that has more of them
    records more: what only some runs have is not compared then. The same options may name code, or parameters to begin
    with, that were edited between two runs: what tells runs of the same options apart is compared as well. So are
    changes while a run went on, where another run with its seed was not changed so.
    """
    options = [run.options for run in runs if run.options is not None]
    if not options or len(options) < len(runs):
        return _with_changes([run.settings for run in runs], runs), ()
    common = set(options[0]).intersection(*options[1:])
    unknown = sorted(set().union(*options) - common)
    chosen = [{name: value for name, value in each.items() if name in common} for each in options]
    return _with_changes(_with_code(chosen, runs), runs), tuple(unknown)


def _with_code(options: Sequence[Settings], runs: Sequence[RunScores]) -> list[Settings]:
    """Options with those functions, and the digest of the initial parameters, by which runs of the same differ."""
    made = [
        {name: value for name, value in run.settings.items() if isinstance(value, Function)}
        | {_BEGINNING: run.settings.get("evaluator.init")}
        for run in runs
    ]
    telling: dict[str, None] = {}
    for members in _alike([identity(each) for each in options]):
        for name in dict.fromkeys(name for i in members for name in made[i]):
            values = dict.fromkeys(made[i][name] for i in members if name in made[i])
            if any(_is_other(value, other) for value, other in itertools.combinations(values, 2)):
                telling[name] = None
    return [
        {**each, **{name: of_run.get(name) for name in telling}} for each, of_run in zip(options, made, strict=True)
    ]


def _is_other(value: Any, other: Any) -> bool:
    if isinstance(value, Function) and isinstance(other, Function):
        return value.is_another(other)
    return value != other


def _with_changes(settings: Sequence[Settings], runs: Sequence[RunScores]) -> list[Settings]:
    """Settings with the changes of those runs that, with the same settings and seed, were changed in different ways.

    A rule that goes by the scores changes each seed of a group in its own way, which makes no groups.
    """
    found = list(settings)
    keys = [f"{run.environment} {run.seed} {identity(each)}" for each, run in zip(settings, runs, strict=True)]
    for members in _alike(keys):
        of_members = [runs[i] for i in members if runs[i].seed is not None]
        if any(_changed_otherwise(run, other) for run, other in itertools.permutations(of_members, 2)):
            for i in members:
                found[i] = {**settings[i], _CHANGED: "; ".join(runs[i].changed) or None}
    names = dict.fromkeys([_CHANGED] if any(_CHANGED in each for each in found) else [])
    return [{**names, **each} for each in found]


def _changed_otherwise(run: RunScores, other: RunScores) -> bool:
    """Whether a run has a change that another one lacks, and not because that one is not as far yet."""
    if run.changed == other.changed or len(run.changed) < len(other.changed):
        return False
    before = run.changed[: len(other.changed)] == other.changed and not other.ended
    return not before or run.has_bits_of(other) is False


def _alike(keys: Sequence[str]) -> list[list[int]]:
    """The places of equal keys."""
    found: dict[str, list[int]] = {}
    for i, key in enumerate(keys):
        found.setdefault(key, []).append(i)
    return list(found.values())


def identity(settings: Settings) -> str:
    """Writes settings as text that is the same for equal ones."""
    plain = {name: value.fingerprint if isinstance(value, Function) else value for name, value in settings.items()}
    return json.dumps(plain, sort_keys=True)


def differing(environments: Sequence[str], groups: Sequence[Settings]) -> dict[str, list[Any]]:
    """Finds the settings that differ between groups of one environment.

    Args:
      environments: of each group.
      groups: settings of each.

    Returns:
      By name the values in the groups.
    """
    found: dict[str, list[Any]] = {}
    for name in dict.fromkeys(name for settings in groups for name in settings):
        values: dict[str, set[str]] = {}
        for environment, settings in zip(environments, groups, strict=True):
            values.setdefault(environment, set()).add(identity({"": settings.get(name)}))
        if any(len(each) > 1 for each in values.values()):
            found[name] = [settings.get(name) for settings in groups]
    said = {_last(name) for name in found if "." in name or name == "parameters"}
    return {
        name: values
        for name, values in found.items()
        if "." in name or name == "parameters" or not said.intersection((name, *_SAID_BY.get(name, ())))
    }


def shown(settings: Settings, differing: Differing) -> dict[str, str]:
    """Returns the settings of a group that differ as text, by the shortest names that are not those of others."""
    short = [_last(name) for name in differing]
    return {
        name if short.count(last) > 1 else last: _text(settings.get(name), values)
        for (name, values), last in zip(differing.items(), short, strict=True)
    }


def labels(keys: Sequence[tuple[str, str | None]], shown: Sequence[Mapping[str, str]]) -> list[str]:
    """Returns a label for each group: the name that it was given, or else what it differs in.

    Args:
      keys: environment of each group, and the name that it was given, if any.
      shown: of each group the settings that differ.
    """
    found: list[str] = []
    for (environment, name), settings in zip(keys, shown, strict=True):
        alone = name is not None and keys.count((environment, name)) == 1
        text = "" if alone else ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in settings.items())
        label = in_line(" ".join(part for part in (name, text) if part))[:_LONGEST] or "all runs"
        taken = [other for (of, _), other in zip(keys, found, strict=False) if of == environment]
        same = sum(other == label or other.startswith(f"{label} (") for other in taken)
        found.append(f"{label} ({same + 1})" if same else label)
    return found


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _text(value: Any, values: Sequence[Any]) -> str:
    if value is None:
        return _ABSENT
    if isinstance(value, Function):
        return _function(value, [other for other in values if isinstance(other, Function)])
    if isinstance(value, list):
        return " ".join(str(each) for each in value) or _ABSENT
    return f"{value:g}" if isinstance(value, float) else str(value)


def _function(function: Function, others: Sequence[Function]) -> str:
    """A function by what it is, and by its numbers that others have not; or else by its fingerprint."""
    numbers = [n for n in function.numbers if any(n not in other.numbers for other in others)]
    if numbers:
        return f"{function.what} with {', '.join(f'{number:g}' for number in numbers)}"
    same = all(other.what != function.what or other.fingerprint == function.fingerprint for other in others)
    return function.what if same else f"{function.what} ({function.fingerprint[:8]})"
