"""Files that last: the run folder, checkpoints (safetensors and JSON) and the fitness log.

Nothing here runs code when it is loaded. Everything is written beside its name and moved there when whole,
except the fitness log, which grows by records that carry their own checksum.
"""

import contextlib
import json
import logging
import os
import shutil
import struct
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import load_file, save

from eggroll_ray.files import PARTIAL, replace_file, sync_folder
from eggroll_ray.messages import Generation, Plan

SCHEMA = 1

_log = logging.getLogger(__name__)


class CheckpointError(ValueError):
    """A file of a run does not fit what was asked; the message says what was found and what to do."""


def create_run(run: Path) -> None:
    """Makes a new run folder.

    Raises:
      CheckpointError: when the folder holds something already, or cannot be written.
    """
    if run.exists() and (not run.is_dir() or any(run.iterdir())):
        raise CheckpointError(
            f"the run folder {run} exists; name another, or continue it with --resume, in Python with "
            "Run(path, resume=True)."
        )
    try:
        for part in ("fitness", "checkpoints"):
            (run / part).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=run):
            pass
    except OSError as error:
        raise CheckpointError(f"the run folder {run} cannot be written: {error}; name another.") from error


def as_json(value: Any) -> Any:
    """Returns the value as it reads back from JSON."""
    return json.loads(json.dumps(value, default=str))


def write_json(path: Path, value: Any) -> None:
    """Writes JSON whole or not at all."""
    replace_file(path, (json.dumps(value, indent=2, default=str) + "\n").encode())


def read_json(path: Path) -> Any:
    """Reads a JSON file of a run.

    Raises:
      CheckpointError: when it is missing or cut off.
    """
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} is missing: {path.parent} is not a run folder.") from error
    except ValueError as error:
        raise CheckpointError(f"{path} is not valid JSON ({error}); it was damaged after it was written.") from error


def save_checkpoint(run: Path, snapshot: Any, generation: int, digest: str) -> Path:
    """Writes `checkpoints/<generation>/` from a worker's snapshot, and returns the folder."""
    named = named_arrays(snapshot)
    manifest = {
        "schema": SCHEMA,
        "generation": generation,
        "digest": digest,
        "arrays": {name: {"shape": list(x.shape), "dtype": x.dtype.name} for name, x in named.items()},
    }
    target = run / "checkpoints" / f"{generation:08d}"
    if target.exists():  # the same generation of the same run: the same bits
        return target
    partial = target.parent / f"{PARTIAL}{target.name}"
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed here
    partial.mkdir()
    save_arrays(partial / "arrays.safetensors", named)
    write_json(partial / "manifest.json", manifest)
    os.replace(partial, target)
    sync_folder(target.parent)
    return target


def checkpoints(run: Path) -> list[int]:
    """Returns the generations that have a checkpoint, in order."""
    return sorted(int(path.name) for path in (run / "checkpoints").glob("[0-9]*") if path.name.isdigit())


def load_checkpoint(run: Path, generation: int, template: Any) -> Any:
    """Loads a snapshot.

    Args:
      run: the run folder.
      generation: one of `checkpoints(run)`.
      template: a snapshot of the same structure, as a new worker gives it.

    Raises:
      CheckpointError: when the files are damaged, of another schema, or of other leaves, shapes or dtypes.
    """
    folder = run / "checkpoints" / f"{generation:08d}"
    manifest = read_json(folder / "manifest.json")
    if manifest.get("schema") != SCHEMA:
        raise CheckpointError(
            f"{folder} has schema {manifest.get('schema')}, this version reads {SCHEMA}; use the version of "
            "eggroll_ray that wrote it (config.json names it)."
        )
    expected = {name: {"shape": list(x.shape), "dtype": x.dtype.name} for name, x in named_arrays(template).items()}
    found = manifest["arrays"]
    for name in sorted({*expected, *found}):
        if expected.get(name) != found.get(name):
            raise CheckpointError(
                f"{folder} does not fit this run: {name} is {found.get(name, 'missing')} there and "
                f"{expected.get(name, 'missing')} here; use the policy and the strategy that wrote it."
            )
    try:
        stored = load_file(folder / "arrays.safetensors")
    except Exception as error:  # safetensors has errors of its own kind for every sort of damage
        raise CheckpointError(f"{folder} is damaged: {error}; resume from an earlier checkpoint.") from error
    arrays = [stored[name].view(jnp.dtype(entry["dtype"])) for name, entry in expected.items()]
    arrays = [x.reshape(entry["shape"]) for x, entry in zip(arrays, expected.values(), strict=True)]
    return jax.tree.unflatten(jax.tree.structure(template), arrays)


class FitnessLog:
    """The fitness of every generation, in `fitness/log.bin`: with the seed it is the whole run.

    A record is the generation (uint64), the fitness of all members and the blocks' moments (float32), and
    the CRC-32 of these, all little-endian. A record that was cut off is dropped when the log is opened.
    """

    def __init__(self, run: Path, plan: Plan, moments: Any = (), writable: bool = True):
        """Opens or starts the log of a run.

        Args:
          run: the run folder.
          plan: of the run.
          moments: template of one block's moments.
          writable: whether this process owns the run; if not, nothing is made, dropped or added.

        Raises:
          CheckpointError: when there is no log to read, or it is another run's.
        """
        self._population, self._blocks = plan.population_size, plan.blocks
        self._moments, self._treedef = jax.tree.flatten(moments)
        numbers = plan.population_size + plan.blocks * sum(x.size for x in self._moments)
        self._record = struct.Struct(f"<Q{4 * numbers}sI")
        header = {
            "schema": SCHEMA,
            "population_size": plan.population_size,
            "numbers_per_generation": numbers,
        }
        path = run / "fitness" / "log.json"
        if writable and not path.exists():
            write_json(path, header)
        elif (found := read_json(path)) != header:
            raise CheckpointError(f"{path} says {found}, but this run has {header}; it is another run's log.")
        self._path = run / "fitness" / "log.bin"
        self._length = self._whole_records()
        if writable:
            self._drop_rest()

    def __len__(self) -> int:
        return self._length

    def append(self, outcome: Generation) -> None:
        """Adds the next generation and waits until it is on the disk."""
        if outcome.number != self._length:
            raise CheckpointError(f"generation {outcome.number} cannot follow {self._length - 1} in the log.")
        flat = [outcome.fitness, *(x for block in outcome.moments for x in jax.tree.leaves(block))]
        payload = np.concatenate([np.asarray(x, "<f4").reshape(-1) for x in flat]).tobytes()
        head = struct.pack("<Q", outcome.number)
        with self._path.open("ab") as file:
            file.write(head + payload + struct.pack("<I", zlib.crc32(head + payload)))
            file.flush()
            os.fsync(file.fileno())
        self._length += 1

    def read(self, start: int, stop: int) -> Iterator[Generation]:
        """Yields generations `start .. stop - 1`.

        Raises:
          CheckpointError: when the log ends before, or a record is damaged.
        """
        if not 0 <= start <= stop <= self._length:
            raise CheckpointError(f"the log holds generations 0 .. {self._length - 1}, not {start} .. {stop - 1}.")
        with contextlib.ExitStack() as stack:
            if start < stop:
                file = stack.enter_context(self._path.open("rb"))
                file.seek(start * self._record.size)
                for number in range(start, stop):
                    yield self._decode(number, file.read(self._record.size))

    def _decode(self, number: int, data: bytes) -> Generation:
        found, payload, checksum = self._record.unpack(data)
        if found != number or checksum != zlib.crc32(data[:-4]):
            raise CheckpointError(f"generation {number} in {self._path} is damaged; resume from a checkpoint after it.")
        numbers = np.frombuffer(payload, "<f4").astype(np.float32)
        fitness, rest = numbers[: self._population], numbers[self._population :]
        moments = []
        for block in np.split(rest, self._blocks):
            parts = np.split(block, np.cumsum([x.size for x in self._moments])[:-1]) if self._moments else []
            shaped = [part.reshape(x.shape) for part, x in zip(parts, self._moments, strict=True)]
            moments.append(jax.tree.unflatten(self._treedef, shaped))
        return Generation(number, fitness, tuple(moments))

    def _whole_records(self) -> int:
        size = self._path.stat().st_size if self._path.exists() else 0
        length = size // self._record.size
        if length:
            with self._path.open("rb") as file:
                file.seek((length - 1) * self._record.size)
                try:
                    self._decode(length - 1, file.read(self._record.size))
                except CheckpointError:
                    length -= 1
        return length

    def _drop_rest(self) -> None:
        """Drops a record that was cut off while it was written."""
        whole = self._length * self._record.size
        if self._path.exists() and self._path.stat().st_size > whole:
            _log.warning("%s: generation %d was cut off while it was written; dropped", self._path, self._length)
            with self._path.open("rb+") as file:
                file.truncate(whole)
                os.fsync(file.fileno())


def save_arrays(path: Path, named: Mapping[str, np.ndarray]) -> None:
    """Writes arrays to a safetensors file; types that NumPy does not know as their bit patterns."""
    replace_file(path, save({name: _as_stored(array) for name, array in named.items()}))


def named_arrays(tree: Any) -> dict[str, np.ndarray]:
    """Returns the arrays of a pytree on the host, by their paths."""
    flat = jax.tree_util.tree_flatten_with_path(tree)[0]
    names = (jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in flat)
    return {name: np.asarray(leaf) for name, (_, leaf) in zip(names, flat, strict=True)}


def _as_stored(array: np.ndarray) -> np.ndarray:
    array = np.ascontiguousarray(array)
    return array if array.dtype.isbuiltin else array.view(f"u{array.dtype.itemsize}")


def remove_partial(run: Path) -> None:
    """Removes what a killed process left half-written."""
    for path in run.rglob(PARTIAL + "*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
