"""A worker as the driver sees it: its state, and its newest call."""

import dataclasses
import enum
from typing import Any

from eggroll_ray.workers.admission import Facts
from eggroll_ray.workers.lifecycle import Event, State, next_state
from eggroll_ray.workers.messages import Work


class Kind(enum.Enum):
    """What a call is for."""

    FACTS = enum.auto()
    JOIN = enum.auto()
    STEP = enum.auto()
    ASK = enum.auto()


@dataclasses.dataclass(frozen=True)
class Call:
    """One call to a worker."""

    kind: Kind
    since: float  # when it was made
    patience: float | None = None  # seconds that it may take; None: what is known of speeds by then decides, of a step
    serial: int = 0  # of a step, by which it is cancelled
    work: Work = dataclasses.field(default_factory=Work)  # of a step
    late_after: float | None = None  # seconds after which it was found to be late


@dataclasses.dataclass(eq=False)
class RemoteWorker:
    """A worker as the driver sees it."""

    index: int
    handle: Any
    call: Call  # the newest, answered or not
    state: State = State.STARTING
    number: int = 0  # of the generation whose state it has, or will have once it has answered, if it follows the run
    facts: Facts | None = None
    digest: str = ""  # after its last join
    answer: Any = None  # to the last question
    rebuilt: bool = False  # since its parameters were wrong

    @property
    def name(self) -> str:
        """What it is called in events and metrics."""
        return str(self.index)

    @property
    def idle(self) -> bool:
        """Whether it can be asked to evaluate."""
        return self.state is State.READY

    def awaited(self, kind: Kind) -> bool:
        """Whether it has such a call under way, and is not late."""
        return self.call.kind is kind and self.state.awaited

    def change(self, event: Event) -> None:
        """Takes the state that follows from an event."""
        self.state = next_state(self.state, event)

    def begin(self, event: Event, call: Call) -> None:
        """Notes a call that is made to it."""
        self.change(event)
        self.call = call

    def set_late(self, now: float) -> None:
        """Notes that it has not answered in time."""
        self.change(Event.OVERDUE)
        self.call = dataclasses.replace(self.call, late_after=now - self.call.since)
