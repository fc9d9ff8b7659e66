"""The functions that a run was made with: recorded by what they do, and compared when it is continued.

An optimiser, a schedule, a shaping or a law is code, which a record cannot hold. It holds a fingerprint of the traced
program, the numbers that are written into it, and the versions by which it was traced.
"""

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from eggroll_ray.compiling.fingerprint import fingerprint
from eggroll_ray.es.digest import code_digest
from eggroll_ray.es.record import Function
from eggroll_ray.runs.checkpoint import CheckpointError

_PACKAGES = ("jax", "optax", "numpy")  # a function of theirs may be written another way in another version
_MAY_CHANGE = {"fitness"}  # what a generation came to is in the log: a fitness may be mended on the way
_CHANGE = (
    "To change a rate while a run goes on, make the optimiser with optax.inject_hyperparams from the start and call "
    "trainer.change(learning_rate=...), which is logged."
)


def recorded(functions: Mapping[str, Function]) -> dict[str, Any]:
    """Returns what a record holds of functions."""
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
    """Compares the functions of a run with those of the one that continues it.

    Args:
      found: what was recorded, None by a version that recorded nothing of the kind.
      given: what would be recorded today.
      path: of the run folder.

    Returns:
      Where it cannot be known whether they are the same, in words.

    Raises:
      CheckpointError: where one is another.
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
    """A function by what the other one has not."""
    numbers = [f"{number:g}" for number in function["numbers"] if number not in other["numbers"]]
    with_numbers = f" with the number{'s' * (len(numbers) > 1)} {', '.join(numbers)}" if numbers else ""
    as_traced = f" (fingerprint {function['fingerprint']})" if function["program"] else ""
    return f"{function['what']}{with_numbers}{as_traced}"


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items()) or "unknown versions"
