"""Who was there when: the rows of a run -> the time and the events of each worker."""

import collections
import dataclasses
import re
from collections.abc import Iterable

from eggroll_ray.report.text import number
from eggroll_ray.runs.metrics import Row

JOINED, RESUMED = "worker joined", "resumed"
ENDS = {"worker lost", "worker preempted", "worker left"}
WORKER_EVENTS = (JOINED, *sorted(ENDS), "worker quarantined", "deadline passed", "worker back")
RUN_EVENTS = (RESUMED, "no worker left")


@dataclasses.dataclass
class Lane:
    """One worker: from when to when it was there, and its events as (name, seconds)."""

    worker: str
    spans: list[tuple[float, float]] = dataclasses.field(default_factory=list)
    marks: list[tuple[str, float]] = dataclasses.field(default_factory=list)

    @property
    def eventful(self) -> tuple[int, float]:
        """Orders lanes by what happened to them, and then by how long they were there."""
        events = sum(name != JOINED for name, _ in self.marks)
        return events, sum(end - start for start, end in self.spans)


@dataclasses.dataclass(frozen=True)
class Timeline:
    """All workers of a run; times are seconds since its start, continued over resumes.

    Attributes:
      lanes: one for each worker, by name.
      lines: events of the whole run as (name, seconds).
      rows: the generations whose time is known.
      end: the last time in the record.
    """

    lanes: list[Lane]
    lines: list[tuple[str, float]]
    rows: list[Row]
    end: float

    @property
    def counts(self) -> collections.Counter[str]:
        """How often each kind of event happened."""
        names = [name for lane in self.lanes for name, _ in lane.marks]
        return collections.Counter(names + [name for name, _ in self.lines])

    def most_eventful(self, count: int) -> list[Lane]:
        """Returns all lanes by name, or, if there are more than `count`, the most eventful ones first."""
        if len(self.lanes) <= count:
            return self.lanes
        return sorted(self.lanes, key=lambda lane: lane.eventful, reverse=True)[:count]


def make_timeline(records: Iterable[Row]) -> Timeline:
    """Finds out who was there when.

    A worker is there from `worker joined` on until it is lost, preempted or leaves, or its driver ends: at the last
    generation before `resumed`. One whose joining is not in the record was there since the driver's start, or, if only
    `idle_seconds` names it, since the generation before.

    Args:
      records: Generations and events in the order in which they were written.
    """
    reader = _Reader()
    for record in records:
        time = number(record, "time")
        if time is None:
            continue
        reader.end = max(reader.end, time)
        if "event" in record:
            worker = record.get("worker")
            reader.event(str(record["event"]), None if worker is None else str(worker), time)
        else:
            reader.generation(record, time)
    return reader.timeline()


class _Reader:
    """Follows the record and notes who is there."""

    def __init__(self) -> None:
        self.end = 0.0
        self._start = 0.0  # of this session: the run or its last resume
        self._last = 0.0  # generation's time
        self._rows: list[Row] = []
        self._lines: list[tuple[str, float]] = []
        self._lanes: dict[str, Lane] = {}
        self._there: dict[str, float] = {}  # since when
        self._seen: set[str] = set()  # in this session

    def generation(self, row: Row, time: float) -> None:
        idle = row.get("idle_seconds")
        for worker in idle if isinstance(idle, dict) else ():
            if worker not in self._seen:
                self._enter(worker, self._last)
        self._rows.append(row)
        self._last = time

    def event(self, name: str, worker: str | None, time: float) -> None:
        if name in RUN_EVENTS:
            self._lines.append((name, time))
            if name == RESUMED:
                self._resume()
        elif worker is not None and name in WORKER_EVENTS:
            if name == JOINED:
                self._leave(worker, time)
                self._enter(worker, time)
            elif worker not in self._seen:
                self._enter(worker, self._start)
            self._lanes[worker].marks.append((name, time))
            if name in ENDS:
                self._leave(worker, time)

    def timeline(self) -> Timeline:
        for worker in list(self._there):
            self._leave(worker, self.end)
        lanes = sorted(self._lanes.values(), key=lambda lane: _natural(lane.worker))
        return Timeline(lanes, self._lines, self._rows, self.end)

    def _enter(self, worker: str, time: float) -> None:
        self._lanes.setdefault(worker, Lane(worker))
        self._seen.add(worker)
        self._there[worker] = time

    def _leave(self, worker: str, time: float) -> None:
        if worker in self._there:
            start = self._there.pop(worker)
            self._lanes[worker].spans.append((start, max(start, time)))

    def _resume(self) -> None:
        before = [worker for worker, start in self._there.items() if start < self._last]
        for worker in before:
            self._leave(worker, self._last)
        self._seen = set(self._there)  # who joined the new driver already
        self._start = self._last


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name[:40])]
