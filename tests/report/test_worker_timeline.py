import pytest

from eggroll_ray.report.worker_timeline import ENDS, make_timeline


def event(name, time, worker=None):
    return {"event": name, "generation": 0, "time": time, "detail": "", "worker": worker}


def generation(number, time, **changes):
    return {"generation": number, "time": time, **changes}


def spans(records):
    return {lane.worker: lane.spans for lane in make_timeline(records).lanes}


def test_a_worker_is_there_from_joining_to_its_end_or_the_last_row():
    records = [
        event("worker joined", 0.5, "0"),
        event("worker joined", 0.5, "1"),
        event("worker joined", 0.5, "2"),
        generation(0, 2.0),
        event("worker lost", 2.5, "1"),
        event("worker preempted", 3.0, "2"),
        event("worker joined", 3.5, "10"),
        generation(1, 4.0),
        event("worker left", 4.5, "10"),
        generation(2, 6.0),
    ]
    assert spans(records) == {"0": [(0.5, 6.0)], "1": [(0.5, 2.5)], "2": [(0.5, 3.0)], "10": [(3.5, 4.5)]}
    timeline = make_timeline(records)
    assert [lane.worker for lane in timeline.lanes] == ["0", "1", "2", "10"]
    assert timeline.counts == {"worker joined": 4, "worker lost": 1, "worker preempted": 1, "worker left": 1}
    assert (timeline.end, timeline.rows) == (6.0, [row for row in records if "event" not in row])


def test_a_worker_that_comes_back_under_its_name_has_two_spans():
    records = [event("worker joined", 0.0, "0"), event("worker lost", 1.0, "0"), event("worker joined", 3.0, "0")]
    assert spans([*records, generation(0, 5.0)]) == {"0": [(0.0, 1.0), (3.0, 5.0)]}


@pytest.mark.parametrize("name", ["worker quarantined", "deadline passed", "worker back"])
def test_what_passes_ends_no_span(name):
    records = [event("worker joined", 0.0, "0"), event(name, 1.0, "0"), generation(0, 5.0)]
    assert spans(records) == {"0": [(0.0, 5.0)]}
    assert make_timeline(records).lanes[0].marks == [("worker joined", 0.0), (name, 1.0)]


@pytest.mark.parametrize("joined_first", [False, True])
def test_the_workers_of_a_driver_end_with_its_last_generation(joined_first):
    new = [event("resumed", 6.0), event("worker joined", 6.5, "0")]
    records = [
        event("worker joined", 0.0, "0"),
        event("worker joined", 0.0, "1"),
        generation(0, 5.0),
        *(reversed(new) if joined_first else new),
        generation(1, 9.0),
    ]
    assert spans(records) == {"0": [(0.0, 6.5 if joined_first else 5.0), (6.5, 9.0)], "1": [(0.0, 5.0)]}
    assert make_timeline(records).lines == [("resumed", 6.0)]


@pytest.mark.parametrize("name", sorted(ENDS))
def test_a_worker_that_never_joined_in_the_record_was_there_from_the_start(name):
    records = [generation(0, 3.0), event(name, 4.0, "0"), event("resumed", 5.0), event(name, 7.0, "0")]
    assert spans(records) == {"0": [(0.0, 4.0), (3.0, 7.0)]}


def test_idle_seconds_name_workers_too_but_raise_none_from_the_dead():
    rows = [generation(g, 2.0 * g + 2.0, idle_seconds={"0": 0.1, "1": 0.2}) for g in range(2)]
    late = generation(2, 6.0, idle_seconds={"0": 0.1, "2": 0.2})
    records = [rows[0], event("worker lost", 3.0, "1"), rows[1], late]
    assert spans(records) == {"0": [(0.0, 6.0)], "1": [(0.0, 3.0)], "2": [(4.0, 6.0)]}


def test_records_without_a_time_or_of_another_kind_are_passed_over():
    records = [
        event("worker joined", None, "0"),
        event("worker joined", "soon", "1"),
        event("fitness failed", 1.0, "2"),
        event("worker lost", 1.0),
        {"event": "worker lost", "generation": 0, "time": 1.0, "detail": "worker 1: before workers had names"},
        generation(0, None),
    ]
    timeline = make_timeline(records)
    assert (timeline.lanes, timeline.rows, timeline.end) == ([], [], 1.0)
    assert make_timeline([]).lanes == []


def test_times_that_run_backwards_make_no_negative_span():
    records = [event("worker joined", 5.0, "0"), event("worker lost", 4.0, "0"), event("worker lost", 6.0, "0")]
    assert spans(records) == {"0": [(5.0, 5.0)]}


def test_the_most_eventful_come_first_and_then_those_that_were_there_longest():
    records = [event("worker joined", float(i), str(i)) for i in range(30)]
    records += [
        event("deadline passed", 40.0, "25"),
        event("deadline passed", 41.0, "25"),
        event("worker lost", 42.0, "7"),
    ]
    timeline = make_timeline(records)
    assert [lane.worker for lane in timeline.most_eventful(4)] == ["25", "7", "0", "1"]
    assert timeline.most_eventful(30) == timeline.lanes
