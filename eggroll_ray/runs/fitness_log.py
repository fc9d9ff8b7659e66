"""The log of the fitness of every generation, `fitness/log.bin`. Together with the seed it determines the whole run.

A record consists of the generation (uint64), the length of the payload (uint32), the payload, and the CRC-32 of all
that, in little-endian order. The payload begins with the fitness of all members as float32 (for several groups, see
`fitness_vector`), or with the packed signs of all pairs and the indices of dropped pairs (paper section 6.1). The
moments of the generation follow as float64. A log of an older version, whose header does not say "float64", contains
the moments of each block as float32, and is continued in that format.
Hyperparameters that were changed while the run went on are in `fitness/changes.jsonl`, one object a line: the
generation from whose update on, the path in the optimiser's state, and the value. Nothing runs code when it is loaded.
"""

import dataclasses
import functools
import logging
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import jax
import numpy as np

from eggroll_ray.runs.changes import Changes
from eggroll_ray.runs.checkpoint import CheckpointError, read_json, write_json
from eggroll_ray.runs.files import append_to_file
from eggroll_ray.workers.fitness_vector import PackedPairs
from eggroll_ray.workers.messages import Outcome
from eggroll_ray.workers.plan import Plan

_SCHEMA = 2
_HEAD, _TAIL = struct.Struct("<QI"), struct.Struct("<I")
_READ_BYTES = 1 << 20  # a record of unexpected length is read for the error message only up to about this size

_log = logging.getLogger(__name__)


class FitnessLog:
    """Reads and appends records. An incomplete last record is removed when the log is opened."""

    def __init__(self, run: Path, plan: Plan, moments: Any = (), writable: bool = True):
        """Opens or starts the log of a run.

        Args:
          run: the run folder.
          plan: plan of the run.
          moments: template of a generation's moments.
          writable: whether this process owns the run. If not, no file is created or changed.

        Raises:
          CheckpointError: when there is no log to read, or it belongs to another run.
        """
        self._plan = plan
        numbers = sum(x.size for x in jax.tree.leaves(moments))
        header = {
            "schema": _SCHEMA,
            "population_size": plan.population_size,
            "fitness": "base 3" if plan.signs_only else "float32",
            "moments_per_generation": numbers,
            **({"moments": "float64"} if numbers else {}),
            **({} if plan.groups == 1 else {"groups": plan.groups}),
        }
        self._path = run / "fitness" / "log.bin"
        path, older = run / "fitness" / "log.json", _older_head(header, plan)
        if writable and not path.exists():
            write_json(path, header)
        elif writable and not self._path.exists() and read_json(path) == older:
            write_json(path, header)  # the log is still empty, so it can use the new format
        found = read_json(path)
        self._older = numbers > 0 and found == older
        if found != header and not self._older:
            raise CheckpointError(f"{path} says {found}, but this run has {header}; it is another run's log.")
        template = _older_moments(moments) if self._older else moments
        self._moments, self._treedef = jax.tree.flatten((template,) * (plan.blocks if self._older else 1))
        self._ends = self._whole_records()
        size = self._path.stat().st_size if self._path.exists() else 0
        if size - self._size > self._longest_record():
            raise CheckpointError(
                f"{self._path} is damaged: generation {len(self)} cannot be read, but others follow it. Restore the "
                "file, or cut it there to continue from the generations before; nothing was changed."
            )
        if writable and size > self._size:
            _log.warning("%s: generation %d was cut off while it was written; dropped", self._path, len(self))
            append_to_file(self._path, self._size, b"", sync=True)
        self._changes = Changes(run / "fitness" / "changes.jsonl", len(self), writable)

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def _size(self) -> int:
        return self._ends[-1] if self._ends else 0

    def as_held(self, outcome: Outcome) -> Outcome:
        """Returns an outcome as reading this log would return it. A log of an older version rounds the moments."""
        if not self._older:
            return outcome
        (moments,) = outcome.moments
        nothing = jax.tree.map(np.zeros_like, moments)
        moments = (moments, *(nothing,) * (self._plan.blocks - 1))
        return dataclasses.replace(outcome, moments=_older_moments(moments))

    def append(self, outcome: Outcome) -> None:
        """Adds the next generation and waits until it is on the disk.

        Raises:
          OSError: when that fails. The log is then unchanged, and the call can be repeated.
        """
        if outcome.number != len(self):
            raise CheckpointError(f"generation {outcome.number} cannot follow {len(self) - 1} in the log.")
        fitness = outcome.fitness
        if isinstance(fitness, PackedPairs):
            parts = [fitness.data.tobytes(), fitness.dropped.astype("<u4").tobytes()]
        else:
            parts = [np.ascontiguousarray(fitness, "<f4").view(np.uint8).data]  # a view, since it may be large
        parts += [np.asarray(x, self._number).tobytes() for x in jax.tree.leaves(outcome.moments)]
        length = sum(len(part) for part in parts)
        assert self._fits(length)  # otherwise it could not be read again
        parts = [_HEAD.pack(outcome.number, length), *parts]
        record = b"".join([*parts, _checksum(*parts)])
        self._changes.put(outcome.number, outcome.changes)
        self._ends.append(append_to_file(self._path, self._size, record, sync=True))

    def read(self, start: int, stop: int) -> Iterator[Outcome]:
        """Yields generations `start .. stop - 1`.

        Raises:
          CheckpointError: when the log ends before, or a record is damaged.
        """
        if not 0 <= start <= stop <= len(self):
            raise CheckpointError(f"the log holds generations 0 .. {len(self) - 1}, not {start} .. {stop - 1}.")
        if start == stop:
            return
        with self._path.open("rb") as file:
            begin = self._ends[start - 1] if start else 0
            file.seek(begin)
            for number in range(start, stop):
                yield self._decode(number, file.read(self._ends[number] - begin))
                begin = self._ends[number]

    def _decode(self, number: int, data: bytes) -> Outcome:
        head, payload, tail = data[: _HEAD.size], data[_HEAD.size : -_TAIL.size], data[-_TAIL.size :]
        if not self._fits(len(payload)) or head != _HEAD.pack(number, len(payload)) or tail != _checksum(head, payload):
            raise CheckpointError(f"generation {number} in {self._path} is damaged; resume from a checkpoint after it.")
        split = len(payload) - self._moment_bytes
        try:
            fitness, moments = self._fitness(payload[:split]), self._unflatten(payload[split:])
        except ValueError as error:
            raise CheckpointError(
                f"generation {number} in {self._path} cannot be read: {error} It was not written by eggroll_ray."
            ) from error
        return Outcome(number, fitness, moments, self._changes.of(number))

    def _fitness(self, data: bytes) -> np.ndarray | PackedPairs:
        if not self._plan.signs_only:
            return np.frombuffer(data, "<f4").astype(np.float32)
        pairs = self._plan.population_size * self._plan.groups // 2
        split = -(-pairs // 5)
        dropped = np.frombuffer(data[split:], "<u4")
        if len(dropped) and dropped.max() >= pairs:
            raise ValueError(f"it drops pair {dropped.max()} of {pairs}.")
        packed = PackedPairs(pairs, np.frombuffer(data[:split], np.uint8), dropped.astype(np.int32))
        packed.signs()  # raises ValueError for bytes that are not packed signs
        return packed

    def _unflatten(self, data: bytes) -> tuple[Any, ...]:
        numbers = np.frombuffer(data, self._number).astype(np.float32 if self._older else np.float64)
        parts = np.split(numbers, np.cumsum([x.size for x in self._moments])[:-1]) if self._moments else []
        shaped = [part.reshape(x.shape) for part, x in zip(parts, self._moments, strict=True)]
        return jax.tree.unflatten(self._treedef, shaped)

    @property
    def _number(self) -> str:
        """The type of the moments in the file."""
        return "<f4" if self._older else "<f8"

    @property
    def _moment_bytes(self) -> int:
        return int(self._number[-1]) * sum(x.size for x in self._moments)

    def _payload_bytes(self) -> tuple[int, int]:
        """The smallest and largest size of a record's payload. They differ by the indices of dropped pairs."""
        pairs = self._plan.population_size * self._plan.groups // 2
        if not self._plan.signs_only:
            return 8 * pairs + self._moment_bytes, 8 * pairs + self._moment_bytes
        least = -(-pairs // 5) + self._moment_bytes
        return least, least + 4 * pairs

    def _fits(self, length: int) -> bool:
        """Whether a payload of this many bytes can be a generation of this run."""
        least, most = self._payload_bytes()
        return least <= length <= most and (length - least) % 4 == 0

    def _longest_record(self) -> int:
        return _HEAD.size + self._payload_bytes()[1] + _TAIL.size

    def _whole_records(self) -> list[int]:
        """The positions at which complete records end."""
        ends: list[int] = []
        if not self._path.exists():
            return ends
        size = self._path.stat().st_size
        with self._path.open("rb") as file:
            end = 0
            while end + _HEAD.size <= size:
                begin = end
                file.seek(begin)
                number, length = _HEAD.unpack(file.read(_HEAD.size))
                end += _HEAD.size + length + _TAIL.size
                if number != len(ends) or end > size:
                    break
                if not self._fits(length):
                    self._refuse_foreign(number, file, begin, end)
                    break
                ends.append(end)
            if ends:
                begin = ends[-2] if len(ends) > 1 else 0
                file.seek(begin)
                data = file.read(ends[-1] - begin)
                if _checksum(data[: -_TAIL.size]) != data[-_TAIL.size :]:
                    ends.pop()
        return ends

    def _refuse_foreign(self, number: int, file: BinaryIO, begin: int, end: int) -> None:
        """Raises CheckpointError if a record is complete but of another population. It was not cut off then."""
        least, most = self._payload_bytes()
        length = end - begin - _HEAD.size - _TAIL.size
        if length > 4 * most + _READ_BYTES:  # so large that the length itself is probably damaged
            return
        file.seek(begin)
        data = file.read(end - begin)
        if _checksum(data[: -_TAIL.size]) == data[-_TAIL.size :]:
            sizes = f"{least}" if least == most else f"{least} to {most}"
            raise CheckpointError(
                f"generation {number} in {self._path} has {length} bytes, but in this run of "
                f"{self._plan.population_size} members it must have {sizes}: it is of another run; restore the file."
            )


def _checksum(*parts: bytes) -> bytes:
    return _TAIL.pack(functools.reduce(lambda value, part: zlib.crc32(part, value), parts, 0))


def _older_head(head: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """The header of a log of the same run by an older version, which logged the moments of each block."""
    older = {**head, "moments_per_generation": plan.blocks * head["moments_per_generation"]}
    older.pop("moments", None)
    return older


def _older_moments(moments: Any) -> Any:
    return jax.tree.map(lambda x: np.asarray(x, np.float32), moments)
