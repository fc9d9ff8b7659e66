"""What the driver records about a worker: its state and its newest call."""

import dataclasses
import enum
from typing import Any

from eggroll_ray.workers.admission import Facts
from eggroll_ray.workers.lifecycle import Event, State, next_state
from eggroll_ray.workers.messages import Work


class Kind(enum.Enum):
    """What a call is for."""

    FACTS = enum.auto()  # asks a new worker for its facts
    JOIN = enum.auto()  # brings a worker to the state of the run
    STEP = enum.auto()  # updates and evaluates
    ASK = enum.auto()  # asks a question, such as for the digest


@dataclasses.dataclass(frozen=True)
class Call:
    """One call to a worker."""

    kind: Kind
    since: float  # time at which it was made
    patience: float | None = None  # seconds that it may take; None, for a step: judged by the speeds measured so far
    serial: int = 0  # identifies a step, so that it can be cancelled
    work: Work = dataclasses.field(default_factory=Work)  # what a step evaluates
    late_after: float | None = None  # seconds after which it was found to be late, if it was


@dataclasses.dataclass(eq=False)
class RemoteWorker:
    """What the driver records about a worker."""

    index: int
    handle: Any
    call: Call  # the newest call, answered or not
    state: State = State.STARTING
    number: int = 0  # the generation that it is at, or will be at once it has answered, if it follows the run
    facts: Facts | None = None
    digest: str = ""  # digest of its state after it last joined
    answer: Any = None  # answer to the last question
    rebuilt: bool = False  # whether it was rebuilt because its parameters were wrong

    @property
    def name(self) -> str:
        """Its name in events and metrics."""
        return str(self.index)

    @property
    def idle(self) -> bool:
        """Whether it can be asked to evaluate."""
        return self.state is State.READY

    def awaited(self, kind: Kind) -> bool:
        """Whether it has a call of this kind under way and is not late."""
        return self.call.kind is kind and self.state.awaited

    def change(self, event: Event) -> None:
        """Moves to the state that follows an event."""
        self.state = next_state(self.state, event)

    def begin(self, event: Event, call: Call) -> None:
        """Records a new call to it."""
        self.change(event)
        self.call = call

    def set_late(self, now: float) -> None:
        """Records that it has not answered in time."""
        self.change(Event.OVERDUE)
        self.call = dataclasses.replace(self.call, late_after=now - self.call.since)
