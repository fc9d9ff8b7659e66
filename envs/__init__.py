"""Environments by id, `make("gymnax/CartPole-v1")`; a suite is imported when it is first used.

Each suite has one adapter module, `envs.<suite>_env`, with `make(name, **options) -> Env`,
`names() -> tuple[str, ...]` (without importing the suite) and `UNSUPPORTED`, ids with the reason.
"""

import dataclasses
import difflib
import importlib
import importlib.util
from types import ModuleType
from typing import Any

from eggroll_ray.env import Env

# Suite -> adapter. The suite's top-level package and its pip extra carry the suite's name.
_ADAPTERS = {"gymnax": "envs.gymnax_env", "brax": "envs.brax_env"}


@dataclasses.dataclass(frozen=True)
class Entry:
    """One suite: the ids it offers, whether it is installed, and the extra that installs it."""

    suite: str
    names: tuple[str, ...]  # without the suite's prefix
    installed: bool
    extra: str


def make(name: str, **options: Any) -> Env:
    """Makes one environment.

    Args:
        name: `suite/id`, such as `gymnax/CartPole-v1` or `brax/ant`; `catalogue` lists them.
        **options: passed to the suite's adapter; see `envs.gymnax_env.make`, `envs.brax_env.make`.

    Returns:
        The environment; it survives cloudpickle as its name and options.

    Raises:
        ValueError: an unknown id, an id that does not work, or a suite that is not installed.
    """
    suite, _, short = name.partition("/")
    if suite not in _ADAPTERS or not short:
        raise ValueError(f"unknown environment {name!r}: {_advice(name)}")
    adapter = _adapter(suite)
    if short in adapter.UNSUPPORTED:
        raise ValueError(f"environment {name!r} cannot be used: {adapter.UNSUPPORTED[short]}")
    if short not in adapter.names():
        hint = "" if _installed(suite) else f"; {_not_installed(suite)}"
        raise ValueError(f"unknown environment {name!r}: {_advice(name)}{hint}")
    if not _installed(suite):
        raise ValueError(f"environment {name!r} cannot be made: {_not_installed(suite)}")
    return adapter.make(short, **options)


def catalogue() -> list[Entry]:
    """Lists every suite, installed or not, without importing any."""
    return [Entry(suite, _adapter(suite).names(), _installed(suite), suite) for suite in _ADAPTERS]


def _adapter(suite: str) -> ModuleType:
    return importlib.import_module(_ADAPTERS[suite])


def _installed(suite: str) -> bool:
    return importlib.util.find_spec(suite) is not None


def _not_installed(suite: str) -> str:
    return f"{suite} is not installed; run: pip install 'eggroll-ray[{suite}]'"


def _advice(name: str) -> str:
    """Names the ids that `name` may have meant."""
    ids = [f"{entry.suite}/{short}" for entry in catalogue() for short in entry.names]
    by_case = {full.lower(): full for full in ids}
    by_short = {full.partition("/")[2].lower(): full for full in ids}
    short = name.rpartition("/")[2].lower()
    near = [by_case[match] for match in difflib.get_close_matches(name.lower(), by_case, 3, cutoff=0.7)] + [
        by_short[match] for match in difflib.get_close_matches(short, by_short, 3, cutoff=0.6)
    ]
    if near:
        return f"did you mean {', '.join(dict.fromkeys(near))}?"
    suites = ", ".join(_ADAPTERS)
    return f"ids read suite/name with a suite of {suites}; `eggroll-ray envs` lists all"
