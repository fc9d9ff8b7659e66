"""The states of a worker as the driver sees it, and the transitions between them. Pure: no clock, no calls."""

import enum


class State(enum.Enum):
    """What a worker is doing. It has at most one call under way.

    "In the run" means that the worker has the parameters and the other state of the run's current generation.
    """

    STARTING = "starting"  # it was asked for its facts
    WAITING = "waiting"  # idle and not in the run; it will be admitted or refused, or joins next
    JOINING = "joining"  # it replays the run
    READY = "ready"  # in the run and idle
    EVALUATING = "evaluating"  # in the run; it was asked to evaluate
    ANSWERING = "answering"  # in the run; it was asked a question
    EXPELLED = "expelled"  # taken out of the run; joins again once it has answered the call under way
    LATE = "late"  # in the run, but it has not answered in time
    LATE_JOINING = "late joining"
    LATE_EXPELLED = "late expelled"
    LOST = "lost"  # it was ended, or its process is gone

    @property
    def in_run(self) -> bool:
        """Whether it is in the run, so that it can be asked about it."""
        return self in (State.READY, State.EVALUATING, State.ANSWERING, State.LATE)

    @property
    def follows_run(self) -> bool:
        """Whether it is in the run, or will be once it has answered the call to join."""
        return self.in_run or self in (State.JOINING, State.LATE_JOINING)

    @property
    def late(self) -> bool:
        """Whether it has not answered in time."""
        return self in (State.LATE, State.LATE_JOINING, State.LATE_EXPELLED)

    @property
    def under_way(self) -> bool:
        """Whether it has a call to answer."""
        return self not in (State.WAITING, State.READY, State.LOST)

    @property
    def awaited(self) -> bool:
        """Whether it has a call to answer and its deadline has not passed."""
        return self.under_way and not self.late


class Event(enum.Enum):
    """What happens to a worker."""

    JOIN = "join"  # it is asked to replay the run
    EVALUATE = "evaluate"  # it is asked to evaluate
    ASK = "ask"  # it is asked a question
    ANSWER = "answer"  # it has answered
    RAISE = "raise"  # its call ended with an exception
    OVERDUE = "overdue"  # its deadline has passed
    EXPEL = "expel"  # its parameters were found to be wrong, or the outcomes that it lacks are no longer kept
    LOSE = "lose"  # it is ended, or its process is gone


# All transitions but those by LOSE, which is allowed in every state except LOST.
_NEXT: dict[State, dict[Event, State]] = {
    State.STARTING: {Event.ANSWER: State.WAITING, Event.RAISE: State.WAITING},
    State.WAITING: {Event.JOIN: State.JOINING},
    State.JOINING: {
        Event.ANSWER: State.READY,
        Event.RAISE: State.WAITING,
        Event.OVERDUE: State.LATE_JOINING,
        Event.EXPEL: State.EXPELLED,
    },
    State.READY: {Event.EVALUATE: State.EVALUATING, Event.ASK: State.ANSWERING, Event.EXPEL: State.WAITING},
    State.EVALUATING: {
        Event.ANSWER: State.READY,
        Event.RAISE: State.READY,
        Event.OVERDUE: State.LATE,
        Event.EXPEL: State.EXPELLED,
    },
    State.ANSWERING: {
        Event.ANSWER: State.READY,
        Event.RAISE: State.READY,
        Event.OVERDUE: State.LATE,
        Event.EXPEL: State.EXPELLED,
    },
    State.EXPELLED: {
        Event.ANSWER: State.WAITING,
        Event.RAISE: State.WAITING,
        Event.OVERDUE: State.LATE_EXPELLED,
    },
    State.LATE: {Event.ANSWER: State.READY, Event.RAISE: State.READY, Event.EXPEL: State.LATE_EXPELLED},
    State.LATE_JOINING: {Event.ANSWER: State.READY, Event.RAISE: State.WAITING, Event.EXPEL: State.LATE_EXPELLED},
    State.LATE_EXPELLED: {Event.ANSWER: State.WAITING, Event.RAISE: State.WAITING},
    State.LOST: {},
}


def next_state(state: State, event: Event) -> State:
    """Returns the state after an event.

    Raises:
      RuntimeError: when the event cannot happen in this state, which is a bug of the driver.
    """
    if event is Event.LOSE and state is not State.LOST:
        return State.LOST
    if event not in _NEXT[state]:
        raise RuntimeError(f"'{event.value}' cannot happen to a worker that is {state.value}.")
    return _NEXT[state][event]
