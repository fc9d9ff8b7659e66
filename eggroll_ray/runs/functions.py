"""Records the functions that a run was made with by what they compute, and compares them when the run is resumed.

An optimiser, a schedule, a shaping or a noise distribution is code, which is not stored in a record. The record
contains a fingerprint of the traced program, its numeric constants, and the versions of the packages that traced it.
"""

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from eggroll_ray.compiling.fingerprint import fingerprint
from eggroll_ray.es.digest import code_digest
from eggroll_ray.es.record import Function
from eggroll_ray.runs.checkpoint import CheckpointError

_PACKAGES = ("jax", "optax", "numpy")  # another version may implement the same function differently
_MAY_CHANGE = {"fitness"}  # a fitness may be corrected during a run, because its results are in the log
_CHANGE = (
    "To change a rate while a run goes on, make the optimiser with optax.inject_hyperparams from the start and call "
    "trainer.change(learning_rate=...), which is logged."
)


def recorded(functions: Mapping[str, Function]) -> dict[str, Any]:
    """Returns the entries for functions in a record."""
    versions = {package: metadata.version(package) for package in _PACKAGES} | {"code": code_digest()}
    found: dict[str, Any] = {"versions": versions}
    for name, function in functions.items():
        if function.traced is None:
            found[name] = {"what": function.what, "numbers": [], "program": "", "fingerprint": function.what}
            continue
        made = fingerprint(function.traced)
        found[name] = {
            "what": function.what,
            "numbers": list(made.numbers),
            "program": made.program,
            "fingerprint": made.all,
        }
    return found


def compare(found: Mapping[str, Any] | None, given: Mapping[str, Any], path: Path) -> list[str]:
    """Compares the recorded functions of a run with those with which it is resumed.

    Args:
      found: what was recorded; None for a record by a version that did not record functions.
      given: what would be recorded today.
      path: the run folder.

    Returns:
      Warnings about functions that may have changed, in words.

    Raises:
      CheckpointError: when a function has certainly changed.
    """
    if found is None:
        return [
            f"the run in {path} was recorded by a version that keeps nothing of its optimiser and other functions; if "
            "they are not the same, replay will end in another state"
        ]
    told = []
    same_versions = found.get("versions") == given["versions"]
    for name in sorted(given.keys() & found.keys() - {"versions"}):
        was, now = found[name], given[name]
        if was["fingerprint"] == now["fingerprint"]:
            continue
        text = f"the {name} of the run in {path} was {_shown(was, now)}, now it is {_shown(now, was)}"
        if name in _MAY_CHANGE and (same_versions or was["program"] == now["program"]):
            told.append(f"{text}: what is evaluated from here on is of that one")
        elif same_versions or was["program"] == now["program"]:
            raise CheckpointError(
                f"{text}: it would be another run; give the one that it was begun with, or start a new run folder."
                + (f" {_CHANGE}" if name == "optimizer" else "")
            )
        else:
            told.append(
                f"{text}. It was traced by {_listed(found.get('versions', {}))}, now by {_listed(given['versions'])}, "
                "which may write the same function another way: make sure that it is the same"
            )
    return told


def _shown(function: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Describes a function by those constants that the other one does not have."""
    numbers = [f"{number:g}" for number in function["numbers"] if number not in other["numbers"]]
    with_numbers = f" with the number{'s' * (len(numbers) > 1)} {', '.join(numbers)}" if numbers else ""
    as_traced = f" (fingerprint {function['fingerprint']})" if function["program"] else ""
    return f"{function['what']}{with_numbers}{as_traced}"


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items()) or "unknown versions"
