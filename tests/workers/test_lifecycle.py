"""A worker's states, and the rule that says who is late."""

import itertools

import pytest

from eggroll_ray.workers.deadlines import Deadlines
from eggroll_ray.workers.lifecycle import Event, State, next_state
from eggroll_ray.workers.messages import Work
from eggroll_ray.workers.remote_worker import Call, Kind, RemoteWorker
from eggroll_ray.workers.schedule import Schedule, Speeds

# All that can happen, but for LOSE, which can happen in every state but LOST.
ALLOWED = {
    (State.STARTING, Event.ANSWER): State.WAITING,
    (State.STARTING, Event.RAISE): State.WAITING,
    (State.WAITING, Event.JOIN): State.JOINING,
    (State.JOINING, Event.ANSWER): State.READY,
    (State.JOINING, Event.RAISE): State.WAITING,
    (State.JOINING, Event.OVERDUE): State.LATE_JOINING,
    (State.JOINING, Event.EXPEL): State.EXPELLED,
    (State.READY, Event.EVALUATE): State.EVALUATING,
    (State.READY, Event.ASK): State.ANSWERING,
    (State.READY, Event.EXPEL): State.WAITING,
    (State.EVALUATING, Event.ANSWER): State.READY,
    (State.EVALUATING, Event.RAISE): State.READY,
    (State.EVALUATING, Event.OVERDUE): State.LATE,
    (State.EVALUATING, Event.EXPEL): State.EXPELLED,
    (State.ANSWERING, Event.ANSWER): State.READY,
    (State.ANSWERING, Event.RAISE): State.READY,
    (State.ANSWERING, Event.OVERDUE): State.LATE,
    (State.ANSWERING, Event.EXPEL): State.EXPELLED,
    (State.EXPELLED, Event.ANSWER): State.WAITING,
    (State.EXPELLED, Event.RAISE): State.WAITING,
    (State.EXPELLED, Event.OVERDUE): State.LATE_EXPELLED,
    (State.LATE, Event.ANSWER): State.READY,
    (State.LATE, Event.RAISE): State.READY,
    (State.LATE, Event.EXPEL): State.LATE_EXPELLED,
    (State.LATE_JOINING, Event.ANSWER): State.READY,
    (State.LATE_JOINING, Event.RAISE): State.WAITING,
    (State.LATE_JOINING, Event.EXPEL): State.LATE_EXPELLED,
    (State.LATE_EXPELLED, Event.ANSWER): State.WAITING,
    (State.LATE_EXPELLED, Event.RAISE): State.WAITING,
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)), ids=lambda of: of.value)
def test_every_transition_is_the_one_that_is_meant_or_is_refused(state, event):
    if event is Event.LOSE and state is not State.LOST:
        assert next_state(state, event) is State.LOST
    elif (state, event) in ALLOWED:
        assert next_state(state, event) is ALLOWED[state, event]
    else:
        with pytest.raises(RuntimeError, match=f"'{event.value}' cannot happen to a worker that is {state.value}"):
            next_state(state, event)


def test_every_state_can_be_reached_from_the_start_and_none_is_a_trap():
    """But for LOST: as long as a worker answers and is not lost, it can come to evaluate."""

    def reached(start: State) -> set[State]:
        found = {start}
        while more := {to for (state, _), to in ALLOWED.items() if state in found} - found:
            found |= more
        return found

    assert reached(State.STARTING) == {*State} - {State.LOST}
    assert all(State.EVALUATING in reached(state) for state in State if state is not State.LOST)


def test_what_is_said_of_a_state_fits_what_can_happen_in_it():
    for state in State:
        assert state.under_way == ((state, Event.ANSWER) in ALLOWED)
        assert state.follows_run == ((state, Event.EXPEL) in ALLOWED)
        overdue = (state, Event.OVERDUE) in ALLOWED
        assert state.awaited == (overdue or state is State.STARTING)  # which is ended instead
        assert not (overdue and state.late)
        if state.in_run and state.under_way:
            assert next_state(state, Event.ANSWER) is State.READY
    assert {next_state(state, Event.OVERDUE) for state, event in ALLOWED if event is Event.OVERDUE} == {
        state for state in State if state.late
    }


def worker_with(state: State, kind: Kind, patience: float | None = None, work: Work | None = None) -> RemoteWorker:
    """A worker whose newest call was made at 100 s."""
    return RemoteWorker(3, None, Call(kind, 100.0, patience, work=work or Work()), state)


def standings(worker: RemoteWorker, times: list[float], schedule: Schedule | None = None, speeds=None) -> list[str]:
    deadlines = Deadlines(speeds or Speeds())
    return [deadlines.standing(worker, time, schedule).name for time in times]


@pytest.mark.parametrize("state", [State.WAITING, State.READY, State.LOST])
def test_whoever_has_nothing_to_answer_is_on_time(state):
    assert standings(worker_with(state, Kind.ASK, 10.0), [1e9]) == ["ON_TIME"]


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (State.STARTING, Kind.FACTS),
        (State.JOINING, Kind.JOIN),
        (State.ANSWERING, Kind.ASK),
        (State.EXPELLED, Kind.JOIN),
        (State.EXPELLED, Kind.ASK),
    ],
)
def test_a_call_is_late_once_its_patience_is_over(state, kind):
    assert standings(worker_with(state, kind, 10.0), [100.0, 110.0, 110.1, 1e9]) == [
        "ON_TIME",
        "ON_TIME",
        "LATE",
        "LATE",
    ]


def test_a_question_has_two_minutes_and_the_time_of_the_updates_before_it():
    speeds = Speeds()
    assert Deadlines(speeds).of_answer(0) == 120.0
    speeds.observe(0, [], 2.0, 0.0)
    assert Deadlines(speeds).of_answer(10) == 120.0 + 5 * 10 * 2.0


@pytest.mark.parametrize(("late_after", "frozen_after"), [(1.0, 30.0), (20.0, 80.0), (1000.0, 600.0)])
def test_a_worker_is_frozen_after_five_times_its_time_within_limits(late_after, frozen_after):
    worker = worker_with(State.ANSWERING, Kind.ASK, late_after)
    worker.set_late(100.0 + late_after)
    assert worker.state is State.LATE and worker.call.late_after == late_after
    end = 100.0 + late_after + frozen_after
    assert standings(worker, [end, end + 0.1]) == ["LATE", "FROZEN"]
    worker.change(Event.EXPEL)
    assert standings(worker, [end, end + 0.1]) == ["LATE", "FROZEN"]
    worker.change(Event.ANSWER)
    assert standings(worker, [end + 0.1]) == ["ON_TIME"]


def speeds_of_one_second() -> Speeds:
    speeds = Speeds()
    for _ in range(3):
        speeds.observe(3, [1.0, 1.0], None, 0.0)
    return speeds


def test_a_step_is_judged_by_what_is_known_of_speeds_when_it_is_judged():
    speeds, work = Speeds(), Work((0, 1))
    schedule = Schedule(work, speeds, update=False)
    assert schedule.hand_out([3], 100.0) == {3: work}
    worker = worker_with(State.EVALUATING, Kind.STEP, work=work)
    assert standings(worker, [113.0, 3700.0, 3700.1], schedule, speeds) == ["ON_TIME", "ON_TIME", "LATE"]
    for _ in range(3):
        speeds.observe(3, [1.0, 1.0], None, 0.0)  # 5 times 2 s, and 2 s, from now on
    assert standings(worker, [112.0, 112.1], schedule, speeds) == ["ON_TIME", "LATE"]


def test_a_step_of_an_earlier_generation_may_have_begun_with_an_update():
    speeds, work = speeds_of_one_second(), Work((0, 1))
    worker = worker_with(State.EXPELLED, Kind.STEP, work=work)
    another = Schedule(work, speeds, update=False)
    for schedule in (None, another):  # nobody has made an update yet: it may take an hour
        assert standings(worker, [112.1, 3700.0, 3700.1], schedule, speeds) == ["ON_TIME", "ON_TIME", "LATE"]
    assert another.hand_out([3], 100.0) == {3: work}  # and now it is one of this generation
    assert standings(worker, [112.0, 112.1], another, speeds) == ["ON_TIME", "LATE"]


def test_work_that_was_overdue_is_given_twice_the_time_whoever_has_it():
    speeds, work = speeds_of_one_second(), Work((0,), test=True)
    schedule = Schedule(work, speeds, update=False)
    assert schedule.hand_out([3], 100.0) == {3: work}
    worker = worker_with(State.EVALUATING, Kind.STEP, work=work)
    first = 5 * (60.0 + 1.0) + 2.0  # nothing is known of tests: a minute
    assert standings(worker, [100 + first, 100.1 + first], schedule, speeds) == ["ON_TIME", "LATE"]
    assert schedule.take_back({3, 7}) == {3: work} and schedule.take_back({3}) == {}
    assert standings(worker, [100 + 2 * first, 100.1 + 2 * first], schedule, speeds) == ["ON_TIME", "LATE"]
