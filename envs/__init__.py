"""Environments by id, `make("gymnax/CartPole-v1")`; a suite is imported when it is first used.

Each suite has one adapter module, `envs.<suite>_env`, with `make(name, **options)`, `names() -> tuple[str, ...]`
(without importing the suite) and `UNSUPPORTED`, ids with the reason. Where a suite knows more ids than can be listed,
its adapter says `OPEN = True`, any other id is passed on to its `make`, and `imports(id)` says which module that
imports.
"""

import dataclasses
import difflib
import importlib
import importlib.util
from types import ModuleType
from typing import Any


@dataclasses.dataclass(frozen=True)
class _Adapter:
    module: str
    packages: tuple[str, ...]  # top-level packages that are all there when the suite is installed
    also: str = ""  # what to run after installing the extra, which carries the suite's name


# Suite -> adapter. An adapter whose module is not part of this installation is passed over.
_ADAPTERS = {
    "gymnax": _Adapter("envs.gymnax_env", ("gymnax",)),
    "brax": _Adapter("envs.brax_env", ("brax",)),
    # craftax asks for pygame, which only its own player needs. Its module is also that of pygame-ce, which gym and
    # pettingzoo ask for: whichever is installed later overwrites files of the other.
    "craftax": _Adapter(
        "envs.craftax_env", ("craftax", "flax", "imageio", "matplotlib"), also="pip install --no-deps craftax"
    ),
    "jumanji": _Adapter("envs.jumanji_env", ("jumanji",)),
    # kinetix-env asks for an older JAX than it needs, so it is installed without what it asks for; these it imports.
    "kinetix": _Adapter(
        "envs.kinetix_env",
        ("kinetix", "jax2d", "jaxgl", "distrax", "grain", "gymnax", "omegaconf", "wandb", "zarr"),
        also="pip install --no-deps kinetix-env",
    ),
    "navix": _Adapter("envs.navix_env", ("navix",)),
    "jaxmarl": _Adapter("envs.jaxmarl_env", ("jaxmarl",)),
    "pgx": _Adapter("envs.pgx_env", ("pgx",)),
    "gym": _Adapter("envs.gym_env", ("gymnasium",)),
    "pettingzoo": _Adapter("envs.pettingzoo_env", ("pettingzoo",)),
}


_OWN = (
    "An environment of your own is --env module:attribute, or --env gym/module:Id-v0 if Gymnasium knows it; in "
    "Python, envs.gym_env.from_function makes one."
)


@dataclasses.dataclass(frozen=True)
class Entry:
    """One suite: the ids it offers, whether it is installed, and the extra and the command that install it."""

    suite: str
    names: tuple[str, ...]  # without the suite's prefix; of an open suite those that are well known
    installed: bool
    extra: str
    install: str


def make(name: str, **options: Any) -> Any:
    """Makes one environment.

    Args:
        name: `suite/id`, such as `gymnax/CartPole-v1` or `kinetix/l/hard_pinball`; `catalogue` lists them.
        **options: passed to the suite's adapter; see `make` in `envs.<suite>_env`.

    Returns:
        An `Env`, or a `HostEnv` of the suites `gym` and `pettingzoo`. It survives cloudpickle as its name and options.

    Raises:
        ValueError: an unknown id, an id that does not work, or a suite that is not installed.
    """
    suite, _, short = name.partition("/")
    if suite not in _suites() or not short:
        raise ValueError(f"unknown environment {name!r}: {_advice(name)}")
    adapter = _module(suite)
    if short in adapter.UNSUPPORTED:
        raise ValueError(f"environment {name!r} cannot be used: {adapter.UNSUPPORTED[short]}")
    if short not in adapter.names() and not _open(adapter):
        hint = "" if _installed(suite) else f"; {_not_installed(suite)}"
        raise ValueError(f"unknown environment {name!r}: {_advice(name)}{hint}")
    if not _installed(suite):
        raise ValueError(f"environment {name!r} cannot be made: {_not_installed(suite)}")
    from eggroll_ray.rl.env import with_recipe  # imports JAX, which a list of names does not need

    return with_recipe(adapter.make(short, **options), name, options)


def names_suite(name: str) -> bool:
    """Whether a text begins as an id does, `suite/`, whatever follows."""
    suite, slash, _ = name.partition("/")
    return bool(slash) and suite in _ADAPTERS


def imports(name: str) -> str | None:
    """Returns the module that making an environment imports beyond this package and its suites, None if none."""
    suite, _, short = name.partition("/")
    if suite not in _suites() or short in (adapter := _module(suite)).names() or not _open(adapter):
        return None
    return adapter.imports(short)


def catalogue() -> list[Entry]:
    """Lists every suite, installed or not, without importing any."""
    return [
        Entry(suite, _module(suite).names(), _installed(suite), suite, install_command(suite)) for suite in _suites()
    ]


def install_command(suite: str) -> str:
    """What to run in a shell to install a suite of the catalogue."""
    also = _ADAPTERS[suite].also
    return f"pip install 'eggroll-ray[{suite}]'" + (f" && {also}" if also else "")


def _suites() -> list[str]:
    return [suite for suite, adapter in _ADAPTERS.items() if importlib.util.find_spec(adapter.module)]


def _module(suite: str) -> ModuleType:
    return importlib.import_module(_ADAPTERS[suite].module)


def _open(adapter: ModuleType) -> bool:
    return getattr(adapter, "OPEN", False)


def _installed(suite: str) -> bool:
    return all(importlib.util.find_spec(package) is not None for package in _ADAPTERS[suite].packages)


def _not_installed(suite: str) -> str:
    return f"{suite} is not installed; run: {install_command(suite)}"


def _advice(name: str) -> str:
    """Names the ids that `name` may have meant."""
    ids = [f"{entry.suite}/{short}" for entry in catalogue() for short in entry.names]
    by_case = {full.lower(): full for full in ids}
    by_short = {full.rpartition("/")[2].lower(): full for full in ids}
    short = name.rpartition("/")[2].lower()
    near = [by_case[match] for match in difflib.get_close_matches(name.lower(), by_case, 3, cutoff=0.7)] + [
        by_short[match] for match in difflib.get_close_matches(short, by_short, 3, cutoff=0.6)
    ]
    if near:
        return f"did you mean {', '.join(dict.fromkeys(near))}? {_OWN}"
    suites = ", ".join(_suites())
    return f"ids read suite/name with a suite of {suites}; `eggroll-ray envs` lists all. {_OWN}"
