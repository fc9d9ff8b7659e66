"""The facts about a process that decide the bits it computes: device, versions, source code and switches."""

import hashlib
import importlib.metadata
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from eggroll_ray.compiling.program import SharedProgram
from eggroll_ray.compiling.switches import switches
from eggroll_ray.es import noise
from eggroll_ray.es.digest import code_digest
from eggroll_ray.es.random import normal

Facts = dict[str, str]

# Facts with these prefixes describe what a process has imported so far. Another process may import the same later, so
# a missing fact is no difference; only two different values are.
_PACKAGE, _SOURCE = "package ", "source of "
_ROOT = Path(__file__).resolve().parents[2]  # folder of this package and of `envs`, which the fact "code" covers
# Packages whose version affects results: name of the imported module -> name of the package.
_PACKAGES = {
    **{name: name for name in ("jaxlib", "numpy", "scipy", "optax", "chex", "flax", "equinox", "distrax", "torch")},
    **{name: name for name in ("gymnax", "brax", "mujoco", "craftax", "jumanji", "navix", "jaxmarl", "pgx", "jax2d")},
    **{name: name for name in ("gymnasium", "pettingzoo", "mpe2", "shimmy", "pygame")},
    "haiku": "dm-haiku",
    "tensorflow_probability": "tensorflow-probability",
    "kinetix": "kinetix-env",
    "ale_py": "ale-py",
    "Box2D": "box2d-py",
}


def facts_of_this_process() -> Facts:
    """Returns the facts that must agree in all workers' processes for the same bits; see `differences`."""
    device = jax.devices()[0]
    sample = _noise_sample(jnp.uint32(0))
    return {
        "platform": device.platform,
        "device_kind": device.device_kind,
        "jax": jax.__version__,
        "code": code_digest(),
        "noise": hashlib.blake2b(np.asarray(sample).tobytes(), digest_size=8).hexdigest(),
        **switches(),
        **dict(_packages()),
        **dict(_sources()),
    }


def differences(own: Facts, others: Facts) -> list[str]:
    """Returns the names, sorted, of those facts by which two processes may compute different bits."""
    unlike = [name for name in sorted({*own, *others}) if own.get(name) != others.get(name)]
    return [name for name in unlike if (name in own and name in others) or not name.startswith((_PACKAGE, _SOURCE))]


def _packages() -> Iterator[tuple[str, str]]:
    """The versions of the imported packages."""
    for module, name in _PACKAGES.items():
        if module in sys.modules:
            try:
                yield _PACKAGE + name, importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:  # a copy that was never installed
                continue


def _sources() -> Iterator[tuple[str, str]]:
    """Fingerprints of the user's own modules that are imported."""
    installed = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")}
    for name, module in sorted(sys.modules.items()):
        path = _source_file(module)
        if path is None or name == "__main__" or path.is_relative_to(_ROOT / "eggroll_ray"):
            continue
        if path.is_relative_to(_ROOT / "envs") or not {"site-packages", "dist-packages"}.isdisjoint(path.parts):
            continue
        if any(path.is_relative_to(folder) for folder in installed):
            continue
        try:
            yield _SOURCE + name, hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()
        except OSError:  # the file was removed after it was imported
            continue


def _source_file(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if isinstance(file, str) and file.endswith(".py") else None


@SharedProgram
def _noise_sample(seed: Array) -> Array:
    """Draws the noise of a leaf on the device.

    The seed is an argument because XLA would fold a constant: it would draw the noise while it compiles, on the host.
    """
    return normal(noise.leaf_key(seed, "facts", 0), (1024,))
