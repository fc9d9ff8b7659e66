"""`export`: writes a trained policy in the requested formats, and `policy.json`, which says how to call it."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from eggroll_ray.exporting.arrays import npz_bytes, safetensors_bytes
from eggroll_ray.exporting.description import describe, policy_arrays
from eggroll_ray.exporting.function import PolicyFunction, policy_function
from eggroll_ray.exporting.onnx import check_installed, onnx_bytes
from eggroll_ray.exporting.stablehlo import stablehlo_bytes
from eggroll_ray.rl.trained_policy import TrainedPolicy
from eggroll_ray.runs.files import replace_file

FORMATS = ("safetensors", "npz", "stablehlo", "onnx")
_PROGRAMS: Mapping[str, Callable[[PolicyFunction], tuple[bytes, dict[str, Any]]]] = {
    "stablehlo": stablehlo_bytes,
    "onnx": onnx_bytes,
}


def export(
    policy: TrainedPolicy,
    folder: Path | str,
    formats: Sequence[str] = ("safetensors", "npz", "stablehlo"),
    *,
    about: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Path]:
    """Writes a trained policy as files that are used without this package.

    Every format holds the observation normaliser and how outputs become actions. `policy.json` is always written. It
    lists the inputs and outputs with their shapes; for programs that read the arrays, also the network and the action
    spaces.

    `policy.stablehlo` and `policy.onnx` are one function each. It takes the environment's own observations of `n`
    environments, `(n, *o)`, and returns their actions `(n, ...)`; of several agents `(n, a, *o)` and `(n, a, ...)`, in
    the order of `agents`. Further inputs, in this order: `mask`, where the environment says which actions are
    possible; `noise`, where the policy samples its actions, standard normal for continuous actions and standard Gumbel
    for discrete ones (zeros give the most likely action); `carry_0`, ... for a recurrent policy, whose next values
    follow the action.

    Args:
      policy: from `Result.policy` or `er.load`.
      folder: the folder to write to; it is made. Files of an earlier export are replaced; other files are not touched.
      formats: some of "safetensors", "npz", "stablehlo" and "onnx", which needs the extra `onnx`.
      about: further entries of `policy.json`, such as the run and the generation.

    Returns:
      The file of each format, and that of "json".

    Raises:
      ValueError: if a format is unknown, or cannot hold the policy. Then nothing is written.
      ImportError: if the extra is missing.
    """
    formats = (formats,) if isinstance(formats, str) else tuple(dict.fromkeys(formats))
    _check(policy, formats)
    function = policy_function(policy)
    described = describe(policy, function, about)
    made: dict[str, bytes] = {}
    for name in formats:
        if name in _PROGRAMS:
            made[name], described[name] = _PROGRAMS[name](function)
    arrays = policy_arrays(policy)
    if "safetensors" in formats:
        made["safetensors"] = safetensors_bytes(arrays)
    if "npz" in formats:
        made["npz"] = npz_bytes(arrays)
    described["files"] = {name: f"policy.{name}" for name in formats}
    made["json"] = (json.dumps(described, indent=2, allow_nan=False) + "\n").encode()
    return _write(Path(folder), made)


def _check(policy: Any, formats: Sequence[str]) -> None:
    if not isinstance(policy, TrainedPolicy):
        raise ValueError(
            f"export was given a {type(policy).__name__}; give the policy of a result, trainer.fit(...).policy."
        )
    if unknown := [name for name in formats if name not in FORMATS]:
        raise ValueError(f"formats={unknown} are not known; choose from {', '.join(FORMATS)}.")
    if not formats:
        raise ValueError(f"formats=() names no format; choose from {', '.join(FORMATS)}.")
    if "onnx" in formats:
        check_installed()


def _write(folder: Path, made: Mapping[str, bytes]) -> dict[str, Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"the folder {folder} cannot be made: {error}; name another.") from error
    for name in {*FORMATS} - {*made}:  # left from another policy, which policy.json would not describe
        (folder / f"policy.{name}").unlink(missing_ok=True)
    paths = {name: folder / f"policy.{name}" for name in made}
    for name, data in made.items():
        replace_file(paths[name], data)
    return paths
