"""Writes metrics to event files of TensorBoard."""

import socket
import struct
import time
from pathlib import Path
from typing import Any

from eggroll_ray.runs.metrics import Row
from eggroll_ray.runs.sinks.base import Guard, describe, scalars


class TensorBoard:
    """Writes TensorBoard's event files; a `metrics.Sink`.

    tensorboardX's own writer is not used, because its queue blocks forever after the disk was full, and because a run
    resumed within a second would overwrite the earlier file. Here each row is one record, and each start of a run makes
    a new file.

    Args:
      folder: the folder of the event files. If it already contains some, TensorBoard is told to discard their records
        from the generation of the first row on, so that a resumed run shows no generation twice.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = Guard("TensorBoard")
        self._file: Any = None

    def __call__(self, row: Row) -> None:
        self._guard(self._write, row)

    def close(self) -> None:
        if self._file is not None:
            self._guard(self._file.close)
        self._file = None

    def _write(self, row: Row) -> None:
        try:
            if self._file is None:
                self._open(row["generation"])
            self._append(row["generation"], summary=_summary(row))
        except BaseException:
            self.close()  # so the next row begins a new file, because records after an incomplete one cannot be read
            raise

    def _open(self, generation: int) -> None:
        from tensorboardX.proto.event_pb2 import SessionLog  # pyright: ignore[reportAttributeAccessIssue]

        self._folder.mkdir(parents=True, exist_ok=True)
        before = len(list(self._folder.glob("events.out.tfevents.*")))
        # TensorBoard reads files in the order of their names: time, host, number.
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{before:05d}"
        self._file = (self._folder / name).open("xb")
        self._append(0, file_version="brain.Event:2")
        if before:
            self._append(generation, session_log=SessionLog(status=SessionLog.START))

    def _append(self, step: int, **content: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event  # pyright: ignore[reportAttributeAccessIssue]
        from tensorboardX.record_writer import masked_crc32c

        data = Event(wall_time=time.time(), step=step, **content).SerializeToString()
        header = struct.pack("<Q", len(data))
        checks = [struct.pack("<I", masked_crc32c(part)) for part in (header, data)]
        self._file.write(header + checks[0] + data + checks[1])
        self._file.flush()


def _summary(row: Row) -> Any:
    from tensorboardX.proto.summary_pb2 import Summary  # pyright: ignore[reportAttributeAccessIssue]
    from tensorboardX.summary import text

    if "event" in row:
        return text(f"events/{row['event']}", describe(row))
    return Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in scalars(row).items()])
