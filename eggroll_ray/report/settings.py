"""The configuration of a run as a report shows it: folded, and each setting once."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from eggroll_ray.report.html import flat, fold, section, table
from eggroll_ray.report.score import mapping
from eggroll_ray.report.text import plural

_ELSEWHERE = ("options", "settings", "functions", "versions", "machine")
_UNSET = "null"

Pairs = list[tuple[str, str]]


def configuration(config: Mapping[str, Any]) -> str:
    """Writes all of `config.json` as HTML, behind a line for each part; nothing for an empty one."""
    leaves = mapping(mapping(config, "settings"), "parameters")
    parts = [
        ("setting", ("Setting", "Value"), _settings(config)),
        ("parameter array", ("Parameters", "Kind"), [(str(name), str(kind)) for name, kind in leaves.items()]),
        ("function", ("Function", "What it is"), list(_functions(mapping(config, "functions")))),
        ("package", ("Package", "Version"), flat(config.get("versions", {}))),
        ("property of the machine", ("Property", "Value"), flat(config.get("machine", {}))),
    ]
    folds = []
    for noun, head, pairs in parts:
        summary = plural(len(pairs), noun)
        if noun == "parameter array":
            summary += f" of {sum(_size(kind) for _, kind in pairs):,} numbers"
        if noun.startswith("property"):
            summary = "The machine"
        folds.append(fold(summary, table(head, pairs)) if pairs else "")
    return section("Configuration", "".join(folds))


def _settings(config: Mapping[str, Any]) -> Pairs:
    """Options of the command line by their own names, then what the record says beyond them."""
    found: dict[str, str] = {}
    for name, value in flat(mapping(config, "options")):
        found[_leaf(name)] = value
    rest = {name: value for name, value in config.items() if name not in _ELSEWHERE}
    recorded = {name: value for name, value in mapping(config, "settings").items() if name != "parameters"}
    for name, value in [*flat(rest), *flat(recorded)]:
        if found.get(_leaf(name)) == _UNSET:  # left to be decided: the record says how it was
            del found[_leaf(name)]
        if _alike(found.get(_leaf(name))) != _alike(value):
            found[name] = value
    return list(found.items())


def _leaf(name: str) -> str:
    """The last part of a dotted name; `strategy.name` is the option `strategy`."""
    parts = name.split(".")
    return parts[-2] if parts[-1] == "name" and len(parts) > 1 else parts[-1]


def _alike(value: str | None) -> str | None:
    return value if value is None else value.replace("_", "-")


def _functions(functions: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Functions by what they are and their fingerprints; their versions stand with all others."""
    for name, function in functions.items():
        if name == "versions":
            continue
        if not isinstance(function, Mapping):
            yield name, json.dumps(function)
            continue
        what, made = str(function.get("what")), str(function.get("fingerprint"))
        yield name, what if what == made else f"{what}, fingerprint {made}"


def _size(kind: str) -> int:
    """Numbers in an array that is described as `float32[8, 2], dense`."""
    shape = re.search(r"\[([\d, ]*)\]", kind)
    return math.prod(int(size) for size in re.findall(r"\d+", shape[1])) if shape else 0
