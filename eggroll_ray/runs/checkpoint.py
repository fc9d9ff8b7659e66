"""Files that last: the run folder and its checkpoints (safetensors and JSON).

Nothing here runs code when it is loaded. Everything is written beside its name and moved there when whole.
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
SCALES = "state/scales/"  # how the names of the factors on a strategy's rates begin
# Types of arrays that safetensors writes and, for NumPy, reads back: not float8 and int4, nor complex128.
_READABLE = {
    *("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
    *("bfloat16", "float16", "float32", "float64", "complex64"),
}


def create_run(run: Path) -> None:
    """Makes a new run folder.

    Raises:
      CheckpointError: when the folder holds something already, or cannot be written.
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
    """Refuses a run folder with links that lead out of it: what is written into it would change files elsewhere.

    Raises:
      CheckpointError: with the first of them.
    """
    root = run.resolve()
    for path in sorted(run.rglob("*")):
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            raise CheckpointError(
                f"{path} is a link that leads out of {run}, to {path.resolve()}; a run folder that holds links may "
                "have been made to change or show your files: put in its place what it leads to, or remove it."
            )


def as_json(value: Any) -> Any:
    """Returns the value as it reads back from JSON."""
    return json.loads(json.dumps(value, default=_in_json))


def write_json(path: Path, value: Any) -> None:
    """Writes JSON whole or not at all."""
    replace_file(path, (json.dumps(value, indent=2, default=_in_json) + "\n").encode())


def _in_json(value: Any) -> Any:
    """What JSON does not know: numbers of NumPy and JAX as numbers, all else as text."""
    made = plain(value)
    return str(value) if made is value else made


def read_json(path: Path) -> Any:
    """Reads a JSON file of a run.

    Raises:
      CheckpointError: when it is missing; DamagedError when it is cut off, or no JSON for another reason.
    """
    try:
        return parse_json(path.read_bytes())
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} is missing: {path.parent} is not a run folder.") from error
    except ValueError as error:
        raise DamagedError(f"{path} is not valid JSON ({error}); it was damaged after it was written.") from error


def read_object(path: Path) -> dict[str, Any]:
    """Reads a JSON file of a run that holds names and values.

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
    # The digest is of the state, and of what is kept of the past, which the log has.
    save_folder(target, snapshot, {"generation": generation, "digest": digest})
    return target


def save_folder(target: Path, tree: Any, about: Mapping[str, Any]) -> None:
    """Writes the arrays of a pytree as a folder of `arrays.safetensors` and `manifest.json`, whole or not at all.

    Args:
      target: the folder. One that holds the same is left as it is; another one is replaced.
      tree: a pytree of arrays.
      about: what else the manifest shall say.
    """
    stored = {name: _as_stored(array) for name, array in named_arrays(tree).items()}
    manifest = {"schema": SCHEMA, **about, "content": digest_of(stored), "arrays": _entries(tree)}
    if target.exists() and _holds(target, as_json(manifest)):
        return
    partial = target.parent / f"{PARTIAL}{target.name}"
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed here
    partial.mkdir()
    replace_file(partial / "arrays.safetensors", save(stored))
    write_json(partial / "manifest.json", manifest)
    if target.exists():  # damaged, of another state, or from before the log was cut
        replaced = target.parent / f"{PARTIAL}replaced-{target.name}"
        shutil.rmtree(replaced, ignore_errors=True)
        os.replace(target, replaced)
        shutil.rmtree(replaced, ignore_errors=True)
    os.replace(partial, target)
    sync_folder(target.parent)


def _holds(folder: Path, manifest: Mapping[str, Any]) -> bool:
    """Whether a folder of arrays is there as this manifest says."""
    try:
        found = read_manifest(folder)
        return found == manifest and digest_of(_read_stored(folder, found)) == manifest["content"]
    except CheckpointError:  # damaged, or of another version
        return False


def checkpoints(run: Path) -> list[int]:
    """Returns the generations that have a checkpoint, in order."""
    names = [path.name for path in (run / "checkpoints").glob("[0-9]*")]
    return sorted(int(name) for name in names if name.isdecimal() and name == f"{int(name):08d}")


def load_checkpoint(
    run: Path, generation: int, template: Any, with_past: bool = False, own: tuple[str, ...] = ()
) -> Any:
    """Loads a snapshot, and compares its arrays with the digest that was recorded with them.

    Args:
      run: the run folder.
      generation: one of `checkpoints(run)`.
      template: a snapshot of the same structure, as a new worker gives it.
      with_past: whether the run's digests are also of earlier generations, which a checkpoint does not hold.
      own: see `load_folder`.

    Raises:
      CheckpointError: when it is of another schema, or of other leaves, shapes or dtypes.
      DamagedError: when the files are not as they were written.
    """
    folder = run / "checkpoints" / f"{generation:08d}"
    manifest = _manifest_of(folder)
    snapshot = load_folder(folder, template, own=own)
    # The first versions wrote no digest of the content alone.
    if "content" not in manifest and not with_past and digest_of(snapshot) != manifest.get("digest"):
        raise _changed(folder)
    return snapshot


def load_folder(folder: Path, template: Any, parts: Sequence[str] = ("",), own: tuple[str, ...] = ()) -> Any:
    """Loads the arrays that `save_folder` has written, and compares them with the digest that was recorded with them.

    Args:
      folder: the folder.
      template: a pytree of the same structure and arrays of the same shapes and dtypes.
      parts: what the paths of the arrays begin with that the template has; the folder may hold others.
      own: how the names of those arrays begin that stay the template's, whether the folder has them or not.

    Raises:
      CheckpointError: when it is of another schema, or of other leaves, shapes or dtypes.
      DamagedError: when the files are not as they were written.
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
    """Loads the arrays of a folder whose paths begin with some text, by their paths.

    Raises:
      CheckpointError: see `load_folder`; also for arrays of random keys, which only a template can restore.
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
    """Loads the newest snapshot that is not damaged, with its generation; None if there is none.

    Args:
      run: the run folder.
      numbers: the generations that will do, rising.
      template: see `load_checkpoint`.
      on_damage: is told what is wrong with each one that is passed over.
      with_past: see `load_checkpoint`.
      own: see `load_checkpoint`.

    Raises:
      CheckpointError: when the newest that is not damaged does not fit.
    """
    for number in reversed(numbers):
        try:
            return number, load_checkpoint(run, number, template, with_past, own)
        except DamagedError as error:
            on_damage(str(error))
    return None


def recorded_digest(run: Path, generation: int) -> str | None:
    """Returns the digest of the state that a checkpoint was written of, None where that cannot be read."""
    try:
        return _manifest_of(run / "checkpoints" / f"{generation:08d}").get("digest")
    except CheckpointError:
        return None


def _manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest of a checkpoint, whose folder has the number of its generation."""
    manifest = read_manifest(folder)
    if manifest.get("generation") != int(folder.name):
        raise DamagedError(f"{folder} is damaged: its manifest.json is of another generation.")
    return manifest


def read_manifest(folder: Path) -> dict[str, Any]:
    """Reads what `save_folder` was told about its arrays, and which they are.

    Raises:
      CheckpointError: when it is of another schema.
      DamagedError: when it is not there or not as it was written.
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
    """The arrays of a checkpoint as `_as_stored` left them, compared with the digest that was taken of them."""
    try:
        stored = load_file(folder / "arrays.safetensors")
    except Exception as error:  # safetensors has errors of its own kind for every sort of damage
        raise DamagedError(f"{folder} is damaged: {type(error).__name__}: {error}.") from error
    if stored.keys() != manifest["arrays"].keys() or manifest.get("content") not in (None, digest_of(stored)):
        raise _changed(folder)
    return stored


def _changed(folder: Path) -> DamagedError:
    return DamagedError(f"{folder} is damaged: its arrays are not those that its digest was taken of.")


def save_arrays(path: Path, named: Mapping[str, np.ndarray]) -> None:
    """Writes arrays to a safetensors file; those of types that its reader for NumPy does not know as their bytes."""
    replace_file(path, save({name: _as_stored(array) for name, array in named.items()}))


def named_arrays(tree: Any) -> dict[str, np.ndarray]:
    """Returns the arrays of a pytree on the host, by their paths; random keys as words."""
    return {name: host_array(leaf) for name, leaf in _named(tree).items()}


def _named(tree: Any) -> dict[str, Any]:
    flat = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in flat}


def _entries(tree: Any) -> dict[str, dict[str, Any]]:
    """What a manifest says of each array."""
    found = {name: leaf if is_key(leaf) else host_array(leaf) for name, leaf in _named(tree).items()}
    return {name: {"shape": list(x.shape), "dtype": x.dtype.name} for name, x in found.items()}


def _as_before(stored: np.ndarray, template: Any) -> Any:
    """An array as it was before `_as_stored`, or the keys whose words were stored."""
    like = host_array(template)
    array = stored.reshape(-1).view(like.dtype).reshape(like.shape)
    if not is_key(template):
        return array
    return jax.random.wrap_key_data(jax.numpy.asarray(array), impl=jax.random.key_impl(template))


def _as_stored(array: np.ndarray) -> np.ndarray:
    array = np.ascontiguousarray(array)
    return array if array.dtype.name in _READABLE else array.reshape(-1).view(np.uint8)


def remove_partial(run: Path) -> None:
    """Removes what a killed process left half-written."""
    for path in run.rglob(PARTIAL + "*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
