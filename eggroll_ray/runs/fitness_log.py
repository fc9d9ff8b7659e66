"""The fitness of every generation, in `fitness/log.bin`: with the seed it is the whole run.

A record is the generation (uint64) and the length of the payload (uint32), the payload, and the CRC-32 of both, all
little-endian. The payload is the fitness of all members (several groups: `fitness_vector`) as float32, or the packed
signs of all pairs and the numbers of those that were dropped (paper section 6.1); then the blocks' moments as float32.
Nothing runs code when it is loaded.
"""

import functools
import logging
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from eggroll_ray.runs.checkpoint import CheckpointError, read_json, write_json
from eggroll_ray.runs.files import append_to_file
from eggroll_ray.workers.fitness_vector import PackedPairs
from eggroll_ray.workers.messages import Outcome
from eggroll_ray.workers.plan import Plan

_SCHEMA = 2
_HEAD, _TAIL = struct.Struct("<QI"), struct.Struct("<I")

_log = logging.getLogger(__name__)


class FitnessLog:
    """Reads and appends. A record that was cut off is dropped when the log is opened."""

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
        self._plan = plan
        self._moments, self._treedef = jax.tree.flatten(moments)
        header = {
            "schema": _SCHEMA,
            "population_size": plan.population_size,
            "fitness": "base 3" if plan.signs_only else "float32",
            "moments_per_generation": plan.blocks * sum(x.size for x in self._moments),
            **({} if plan.groups == 1 else {"groups": plan.groups}),
        }
        path = run / "fitness" / "log.json"
        if writable and not path.exists():
            write_json(path, header)
        elif (found := read_json(path)) != header:
            raise CheckpointError(f"{path} says {found}, but this run has {header}; it is another run's log.")
        self._path = run / "fitness" / "log.bin"
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

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def _size(self) -> int:
        return self._ends[-1] if self._ends else 0

    def append(self, outcome: Outcome) -> None:
        """Adds the next generation and waits until it is on the disk.

        Raises:
          OSError: when that fails; the log is as before then, and it can be tried again.
        """
        if outcome.number != len(self):
            raise CheckpointError(f"generation {outcome.number} cannot follow {len(self) - 1} in the log.")
        fitness = outcome.fitness
        if isinstance(fitness, PackedPairs):
            parts = [fitness.data.tobytes(), fitness.dropped.astype("<u4").tobytes()]
        else:
            parts = [np.ascontiguousarray(fitness, "<f4").view(np.uint8).data]  # may be large: copied once, below
        parts += [np.asarray(x, "<f4").tobytes() for block in outcome.moments for x in jax.tree.leaves(block)]
        parts = [_HEAD.pack(outcome.number, sum(len(part) for part in parts)), *parts]
        checksum = functools.reduce(lambda value, part: zlib.crc32(part, value), parts, 0)
        record = b"".join([*parts, _TAIL.pack(checksum)])
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
        if _HEAD.unpack(head) != (number, len(payload)) or _TAIL.unpack(tail)[0] != zlib.crc32(head + payload):
            raise CheckpointError(f"generation {number} in {self._path} is damaged; resume from a checkpoint after it.")
        split = len(payload) - 4 * self._plan.blocks * sum(x.size for x in self._moments)
        return Outcome(number, self._fitness(payload[:split]), self._unflatten(payload[split:]))

    def _fitness(self, data: bytes) -> np.ndarray | PackedPairs:
        if not self._plan.signs_only:
            return np.frombuffer(data, "<f4").astype(np.float32)
        pairs = self._plan.population_size * self._plan.groups // 2
        split = -(-pairs // 5)
        dropped = np.frombuffer(data[split:], "<u4").astype(np.int32)
        return PackedPairs(pairs, np.frombuffer(data[:split], np.uint8), dropped)

    def _unflatten(self, data: bytes) -> tuple[Any, ...]:
        numbers = np.frombuffer(data, "<f4").astype(np.float32)
        moments = []
        for block in np.split(numbers, self._plan.blocks):
            parts = np.split(block, np.cumsum([x.size for x in self._moments])[:-1]) if self._moments else []
            shaped = [part.reshape(x.shape) for part, x in zip(parts, self._moments, strict=True)]
            moments.append(jax.tree.unflatten(self._treedef, shaped))
        return tuple(moments)

    def _longest_record(self) -> int:
        numbers = self._plan.blocks * sum(x.size for x in self._moments)
        pairs = self._plan.population_size * self._plan.groups // 2
        fitness = -(-pairs // 5) + 4 * pairs if self._plan.signs_only else 8 * pairs
        return _HEAD.size + fitness + 4 * numbers + _TAIL.size

    def _whole_records(self) -> list[int]:
        """Where each whole record ends."""
        ends: list[int] = []
        if not self._path.exists():
            return ends
        size = self._path.stat().st_size
        with self._path.open("rb") as file:
            end = 0
            while end + _HEAD.size <= size:
                file.seek(end)
                number, length = _HEAD.unpack(file.read(_HEAD.size))
                end += _HEAD.size + length + _TAIL.size
                if number != len(ends) or end > size:
                    break
                ends.append(end)
            if ends:
                begin = ends[-2] if len(ends) > 1 else 0
                file.seek(begin)
                try:
                    self._decode(len(ends) - 1, file.read(ends[-1] - begin))
                except CheckpointError:
                    ends.pop()
        return ends
