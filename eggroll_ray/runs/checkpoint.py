"""The run folder and its checkpoints, which are safetensors and JSON files.

Loading them never runs code. Files and folders are written under a temporary name, and renamed when they are complete.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from safetensors.numpy import load_file, save

from eggroll_ray.es.digest import digest as digest_of
from eggroll_ray.es.digest import host_array
from eggroll_ray.es.leaves import is_key
from eggroll_ray.es.numbers import plain
from eggroll_ray.runs.files import PARTIAL, parse_json, replace_file, sync_folder
from eggroll_ray.runs.folder import LOCK as LOCK
from eggroll_ray.runs.folder import CheckpointError, DamagedError, check_new_run

SCHEMA = 1
SCALES = "state/scales/"  # prefix of the names of the factors on a strategy's rates
# Dtypes that safetensors can write and read back with NumPy. float8, int4 and complex128 are not among them.
_READABLE = {
    *("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
    *("bfloat16", "float16", "float32", "float64", "complex64"),
}


def create_run(run: Path) -> None:
    """Makes a new run folder.

    Raises:
      CheckpointError: when the folder is not empty, or cannot be written.
    """
    check_new_run(run)
    try:
        for part in ("fitness", "checkpoints"):
            (run / part).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=run):
            pass
        sync_folder(run.parent)
    except OSError as error:
        raise CheckpointError(f"the run folder {run} cannot be written: {error}; name another.") from error


def refuse_links(run: Path) -> None:
    """Refuses a run folder with links that lead out of it, because writing to it could change files elsewhere.

    Raises:
      CheckpointError: for the first such link.
    """
    root = run.resolve()
    for path in sorted(run.rglob("*")):
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            raise CheckpointError(
                f"{path} is a link that leads out of {run}, to {path.resolve()}; a run folder that holds links may "
                "have been made to change or show your files: put in its place what it leads to, or remove it."
            )


def as_json(value: Any) -> Any:
    """Returns the value as it would be after writing it to JSON and reading it back."""
    return json.loads(json.dumps(value, default=_in_json))


def write_json(path: Path, value: Any) -> None:
    """Writes a value as JSON, either completely or not at all."""
    replace_file(path, (json.dumps(value, indent=2, default=_in_json) + "\n").encode())


def _in_json(value: Any) -> Any:
    """Converts values that JSON does not support: numbers of NumPy and JAX to numbers, everything else to text."""
    made = plain(value)
    return str(value) if made is value else made


def read_json(path: Path) -> Any:
    """Reads a JSON file of a run.

    Raises:
      CheckpointError: when the file is missing.
      DamagedError: when the file is incomplete or not JSON for another reason.
    """
    try:
        return parse_json(path.read_bytes())
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} is missing: {path.parent} is not a run folder.") from error
    except ValueError as error:
        raise DamagedError(f"{path} is not valid JSON ({error}); it was damaged after it was written.") from error


def read_object(path: Path) -> dict[str, Any]:
    """Reads a JSON file of a run that contains an object.

    Raises:
      CheckpointError: see `read_json`.
    """
    found = read_json(path)
    if not isinstance(found, dict):
        raise DamagedError(f"{path} holds {str(found)[:60]!r}, not names and values; restore or remove it.")
    return found


def save_checkpoint(run: Path, snapshot: Any, generation: int, digest: str) -> Path:
    """Writes `checkpoints/<generation>/` from a worker's snapshot, and returns the folder."""
    target = run / "checkpoints" / f"{generation:08d}"
    # The digest covers the state and the earlier means. A checkpoint does not contain these, since the log has them.
    save_folder(target, snapshot, {"generation": generation, "digest": digest})
    return target


def save_folder(target: Path, tree: Any, about: Mapping[str, Any]) -> None:
    """Writes the arrays of a pytree to a folder of `arrays.safetensors` and `manifest.json`, completely or not at all.

    Args:
      target: the folder. If it already contains the same arrays, it is left unchanged; otherwise it is replaced.
      tree: a pytree of arrays.
      about: further entries of the manifest.
    """
    stored = {name: _as_stored(array) for name, array in named_arrays(tree).items()}
    manifest = {"schema": SCHEMA, **about, "content": digest_of(stored), "arrays": _entries(tree)}
    if target.exists() and _holds(target, as_json(manifest)):
        return
    partial = target.parent / f"{PARTIAL}{target.name}"
    shutil.rmtree(partial, ignore_errors=True)  # may be left from a process that was killed here
    partial.mkdir()
    replace_file(partial / "arrays.safetensors", save(stored))
    write_json(partial / "manifest.json", manifest)
    if target.exists():  # it is damaged, or of another state, as after the log was cut
        replaced = target.parent / f"{PARTIAL}replaced-{target.name}"
        shutil.rmtree(replaced, ignore_errors=True)
        os.replace(target, replaced)
        shutil.rmtree(replaced, ignore_errors=True)
    os.replace(partial, target)
    sync_folder(target.parent)


def _holds(folder: Path, manifest: Mapping[str, Any]) -> bool:
    """Whether a folder contains undamaged arrays with this manifest."""
    try:
        found = read_manifest(folder)
        return found == manifest and digest_of(_read_stored(folder, found)) == manifest["content"]
    except CheckpointError:  # damaged, or of another version
        return False


def checkpoints(run: Path) -> list[int]:
    """Returns the generations that have a checkpoint, ascending."""
    names = [path.name for path in (run / "checkpoints").glob("[0-9]*")]
    return sorted(int(name) for name in names if name.isdecimal() and name == f"{int(name):08d}")


def load_checkpoint(
    run: Path, generation: int, template: Any, with_past: bool = False, own: tuple[str, ...] = ()
) -> Any:
    """Loads a snapshot, and compares its arrays with the digest that was recorded with them.

    Args:
      run: the run folder.
      generation: one of `checkpoints(run)`.
      template: a snapshot with the same structure, such as that of a new worker.
      with_past: whether the run's digests also cover earlier means, which a checkpoint does not contain.
      own: see `load_folder`.

    Raises:
      CheckpointError: when it has another schema, or other leaves, shapes or dtypes.
      DamagedError: when the files have changed since they were written.
    """
    folder = run / "checkpoints" / f"{generation:08d}"
    manifest = _manifest_of(folder)
    snapshot = load_folder(folder, template, own=own)
    # The first versions did not write a digest of the content alone.
    if "content" not in manifest and not with_past and digest_of(snapshot) != manifest.get("digest"):
        raise _changed(folder)
    return snapshot


def load_folder(folder: Path, template: Any, parts: Sequence[str] = ("",), own: tuple[str, ...] = ()) -> Any:
    """Loads the arrays that `save_folder` has written, and compares them with the digest that was recorded with them.

    Args:
      folder: the folder.
      template: a pytree with the same structure, and arrays with the same shapes and dtypes.
      parts: prefixes of the paths of the template's arrays. The folder may contain further arrays.
      own: prefixes of the paths of arrays that are taken from the template, whether the folder has them or not.

    Raises:
      CheckpointError: when it has another schema, or other leaves, shapes or dtypes.
      DamagedError: when the files have changed since they were written.
    """
    manifest = read_manifest(folder)
    expected, found = _entries(template), manifest["arrays"]
    for name in sorted({*expected, *(name for name in found if name.startswith(tuple(parts)))}):
        if expected.get(name) != found.get(name) and not name.startswith(own):
            raise CheckpointError(
                f"{folder} does not fit this run: {name} is {found.get(name, 'missing')} there and "
                f"{expected.get(name, 'missing')} here; use the evaluator (policy, normalize_observations) and the "
                "strategy that wrote it."
            )
    stored = _read_stored(folder, manifest)
    leaves, treedef = jax.tree.flatten(template)
    try:
        return treedef.unflatten(
            [
                leaf if name.startswith(own) else _as_before(stored[name], leaf)
                for name, leaf in zip(expected, leaves, strict=True)
            ]
        )
    except (ValueError, TypeError) as error:  # of other sizes
        raise _changed(folder) from error


def load_named(folder: Path, begins: str) -> dict[str, np.ndarray]:
    """Loads the arrays of a folder whose paths are `begins` or start with `begins/`, by their paths.

    Raises:
      CheckpointError: see `load_folder`. Also for random keys, which cannot be restored without a template.
    """
    manifest = read_manifest(folder)
    stored, found = _read_stored(folder, manifest), {}
    for name, entry in manifest["arrays"].items():
        if name == begins or name.startswith(f"{begins}/"):
            try:
                dtype = jax.numpy.dtype(entry["dtype"])
                found[name] = stored[name].reshape(-1).view(dtype).reshape(entry["shape"])
            except (TypeError, ValueError, KeyError) as error:
                raise CheckpointError(f"{folder} holds {name} of {str(entry)[:60]}, which is no array.") from error
    return found


def newest_checkpoint(
    run: Path,
    numbers: Sequence[int],
    template: Any,
    on_damage: Callable[[str], object],
    with_past: bool = False,
    own: tuple[str, ...] = (),
) -> tuple[int, Any] | None:
    """Loads the newest undamaged snapshot. Returns its generation and the snapshot, or None if there is none.

    Args:
      run: the run folder.
      numbers: the generations to choose from, ascending.
      template: see `load_checkpoint`.
      on_damage: called with the error message of each damaged checkpoint that is skipped.
      with_past: see `load_checkpoint`.
      own: see `load_checkpoint`.

    Raises:
      CheckpointError: when the newest undamaged checkpoint does not fit the run.
    """
    for number in reversed(numbers):
        try:
            return number, load_checkpoint(run, number, template, with_past, own)
        except DamagedError as error:
            on_damage(str(error))
    return None


def recorded_digest(run: Path, generation: int) -> str | None:
    """Returns the digest of the state when a checkpoint was written, or None if that cannot be read."""
    try:
        return _manifest_of(run / "checkpoints" / f"{generation:08d}").get("digest")
    except CheckpointError:
        return None


def _manifest_of(folder: Path) -> dict[str, Any]:
    """Reads the manifest of a checkpoint, and checks that its generation is that of the folder's name."""
    manifest = read_manifest(folder)
    if manifest.get("generation") != int(folder.name):
        raise DamagedError(f"{folder} is damaged: its manifest.json is of another generation.")
    return manifest


def read_manifest(folder: Path) -> dict[str, Any]:
    """Reads the manifest that `save_folder` wrote.

    Raises:
      CheckpointError: when it has another schema.
      DamagedError: when it is missing or damaged.
    """
    path = folder / "manifest.json"
    try:
        manifest = read_object(path)
    except DamagedError:
        raise
    except CheckpointError as error:  # missing
        raise DamagedError(f"{folder} is damaged: it has no manifest.json.") from error
    if manifest.get("schema") != SCHEMA:
        raise CheckpointError(
            f"{folder} has schema {manifest.get('schema')}, this version reads {SCHEMA}; use the version of "
            "eggroll_ray that wrote it (config.json names it)."
        )
    if not isinstance(manifest.get("arrays"), dict):
        raise DamagedError(f"{folder} is damaged: its manifest.json lists no arrays.")
    return manifest


def _read_stored(folder: Path, manifest: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Reads arrays in the form of `_as_stored`, and compares them with their recorded digest."""
    try:
        stored = load_file(folder / "arrays.safetensors")
    except Exception as error:  # safetensors raises various exceptions for damaged files
        raise DamagedError(f"{folder} is damaged: {type(error).__name__}: {error}.") from error
    if stored.keys() != manifest["arrays"].keys() or manifest.get("content") not in (None, digest_of(stored)):
        raise _changed(folder)
    return stored


def _changed(folder: Path) -> DamagedError:
    return DamagedError(f"{folder} is damaged: its arrays are not those that its digest was taken of.")


def save_arrays(path: Path, named: Mapping[str, np.ndarray]) -> None:
    """Writes arrays to a safetensors file. Dtypes that cannot be read back with NumPy are written as bytes."""
    replace_file(path, save({name: _as_stored(array) for name, array in named.items()}))


def named_arrays(tree: Any) -> dict[str, np.ndarray]:
    """Returns the arrays of a pytree as NumPy arrays by their paths. Random keys are converted to words."""
    return {name: host_array(leaf) for name, leaf in _named(tree).items()}


def _named(tree: Any) -> dict[str, Any]:
    flat = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in flat}


def _entries(tree: Any) -> dict[str, dict[str, Any]]:
    """The entry of each array in a manifest."""
    found = {name: leaf if is_key(leaf) else host_array(leaf) for name, leaf in _named(tree).items()}
    return {name: {"shape": list(x.shape), "dtype": x.dtype.name} for name, x in found.items()}


def _as_before(stored: np.ndarray, template: Any) -> Any:
    """Undoes `_as_stored`: restores an array, or the random keys whose words were stored."""
    like = host_array(template)
    array = stored.reshape(-1).view(like.dtype).reshape(like.shape)
    if not is_key(template):
        return array
    return jax.random.wrap_key_data(jax.numpy.asarray(array), impl=jax.random.key_impl(template))


def _as_stored(array: np.ndarray) -> np.ndarray:
    array = np.ascontiguousarray(array)
    return array if array.dtype.name in _READABLE else array.reshape(-1).view(np.uint8)


def remove_partial(run: Path) -> None:
    """Removes incomplete files and folders that a killed process has left."""
    for path in run.rglob(PARTIAL + "*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
