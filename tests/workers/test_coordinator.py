"""The coordinator in virtual time: whatever happens to workers, the digest, fitness and tests are those of an
undisturbed run, and the events say what happened."""

import dataclasses
import functools
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_cluster import FOREVER, PLAN, Ended, State, ToyCluster, make_coordinator, train

from eggroll_ray.workers.backend import Backend
from eggroll_ray.workers.messages import Outcome, Request, Work, WorkerError
from eggroll_ray.workers.plan import Plan
from eggroll_ray.workers.pool import Pool
from eggroll_ray.workers.schedule import Speeds

FEW = Plan(population_size=4, block_size=2, seed=0, test_episodes=1)  # two blocks and the test


@functools.cache
def undisturbed(plan: Plan = PLAN, generations: int = 5, packed: bool = False) -> tuple:
    return train(ToyCluster(dataclasses.replace(plan, signs_only=packed), 1), generations).bits


def outcome(number: int) -> Outcome:
    return Outcome(number, np.full(PLAN.population_size, number, np.float32))


def snapshots(coordinator, number):
    coordinator.snapshot()


def joins(ended: Ended, worker: int) -> list[str]:
    return [detail for name, detail, who in ended.events if name == "worker joined" and who == str(worker)]


def test_the_toys_are_what_the_fleet_asks_for():
    cluster: Backend = ToyCluster(PLAN)
    coordinator, events = make_coordinator(cluster)
    assert isinstance(coordinator, Pool) and coordinator.count == 3
    assert [name for name, *_ in events] == ["worker joined"] * 3
    assert undisturbed() != undisturbed(generations=4)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("count", [2, 3, 5, 12])
def test_the_same_bits_for_any_number_of_workers(count, packed):
    ended = train(ToyCluster(dataclasses.replace(PLAN, signs_only=packed), count), 5)
    assert ended.bits == undisturbed(packed=packed)
    assert ended.names() == []


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        pytest.param({(1, "step", 2): "die"}, ["worker lost", "blocks re-queued"], id="dies evaluating"),
        pytest.param({(1, "step", 0): "die"}, ["worker lost", "blocks re-queued"], id="dies in its first block"),
        pytest.param({(1, "step", 2): "preempt"}, ["worker preempted", "blocks re-queued"], id="preempted"),
        pytest.param({(1, "facts", 0): "die"}, ["worker lost"], id="dies starting"),
        pytest.param({(1, "join", 0): "die"}, ["worker lost"], id="dies joining"),
        pytest.param({(1, "digest", 0): "die"}, ["worker lost"], id="dies asked for its digest"),
        pytest.param({(1, "digest", 0): FOREVER}, ["deadline passed"], id="never answers the last question"),
        pytest.param({(1, "step", 2): "corrupt"}, ["worker quarantined"], id="one of three corrupted"),
        pytest.param({(1, "digest", 0): "corrupt"}, ["worker quarantined"], id="corrupted when asked"),
        pytest.param({(1, "join", 0): "corrupt"}, ["worker quarantined"], id="corrupted when joining"),
    ],
)
def test_a_fault_changes_nothing_and_is_told(faults, expected):
    ended = train(ToyCluster(PLAN, 3, faults=dict(faults)), 5)
    assert ended.bits == undisturbed()
    assert ended.names(1) == expected
    assert ended.names() == expected  # and of nobody else
    assert (1 in ended.alive) == (expected[0] not in ("worker lost", "worker preempted"))


@pytest.mark.parametrize("fault", ["die", "corrupt", 130.0, FOREVER])
def test_a_snapshot_is_of_the_right_state_whoever_is_asked_first(fault):
    ended = train(ToyCluster(PLAN, 3, faults={(0, "digest_and_snapshot", 1): fault}), 5, snapshots)
    assert ended.bits == undisturbed()
    told = {"die": "worker lost", "corrupt": "worker quarantined", 130.0: "deadline passed", FOREVER: "deadline passed"}
    assert ended.names() == [told[fault], *(["worker back"] if fault == 130.0 else [])]


def test_a_worker_that_never_answers_a_question_holds_nobody_up_and_is_replaced():
    ends = []
    cluster = ToyCluster(PLAN, 3, faults={(0, "digest_and_snapshot", 1): FOREVER})
    ended = train(
        cluster, 120, lambda coordinator, n: (n in (1, 2) and coordinator.snapshot(), ends.append(cluster.now))
    )
    assert ended.bits == undisturbed(generations=120)
    assert ended.names() == ["deadline passed", "worker lost"] and ended.alive == [1, 2, 3]
    assert max(b - a for a, b in itertools.pairwise(ends)) < 130


def test_a_new_worker_replays_no_more_than_from_the_snapshot_on():
    ended = train(
        ToyCluster(PLAN, 3, faults={(1, "step", 4): "die"}), 5, lambda coordinator, n: n == 2 and coordinator.snapshot()
    )
    assert ended.bits == undisturbed()
    assert joins(ended, 3)[0].startswith("at generation 4, 2 of them replayed")


def test_a_worker_that_freezes_and_comes_back_goes_on():
    ended = train(ToyCluster(PLAN, 3, faults={(1, "step", 2): 28.0}), 20)
    assert ended.bits == undisturbed(generations=20)
    assert "worker back" in ended.names(1) and "worker lost" not in ended.names()
    assert ended.alive == [0, 1, 2] and ended.pools[-1]["idle_seconds"]["1"] < 2.0


def test_a_worker_that_never_answers_is_ended_and_replaced():
    ended = train(ToyCluster(PLAN, 3, faults={(1, "step", 2): FOREVER}), 30)
    assert ended.bits == undisturbed(generations=30)
    assert ended.names()[-1] == "worker lost" and ended.names(0) == ended.names(2) == []
    assert ended.alive == [0, 2, 3] and len(joins(ended, 3)) == 1


def test_a_worker_that_never_answers_is_ended_also_where_a_helper_did_its_work_before_the_deadline():
    cluster = ToyCluster(FEW, 3, block_seconds=lambda *_: 0.5, faults={(1, "step", 2): FOREVER})
    ended = train(cluster, 80)
    assert ended.bits == undisturbed(FEW, 80)
    assert ended.alive == [0, 2, 3]


def test_the_only_worker_frozen_is_replaced():
    ended = train(ToyCluster(PLAN, 1, faults={(0, "step", 2): FOREVER}), 5)
    assert ended.bits == undisturbed()
    assert ended.names() == ["deadline passed", "worker lost", "no worker left"]
    assert ended.alive == [1]


def test_results_that_come_twice_count_once():
    # In generation 2 block 0 takes so long that its neighbours are taken over; cancellations come too late.
    steps = []

    def on_call(worker, method, args):
        if method == "step" and args[1] == 2:
            steps.append(worker)

    def seconds(worker, block):
        return 1.0 if not steps else 38.0 if block == 0 else 5.0 if worker == 2 else 1.0

    ended = train(ToyCluster(PLAN, 3, block_seconds=seconds, deaf={0, 1, 2}, on_call=on_call), 3)
    assert ended.bits == undisturbed(generations=3)
    assert ended.pools[2]["results_skipped"] > 0


def test_workers_that_are_done_help_one_that_has_become_slow():
    steps, ends = [], []

    def on_call(worker, method, args):
        if method == "step" and args[1] == 1:
            steps.append(worker)

    plan = Plan(population_size=120, block_size=2, seed=0, test_episodes=1)
    cluster = ToyCluster(plan, 3, block_seconds=lambda worker, _: 8.0 if worker == 2 and steps else 1.0)
    cluster.on_call = on_call
    ended = train(cluster, 4, lambda coordinator, number: ends.append(cluster.now))
    assert ended.bits == undisturbed(plan, 4)
    ideal = 61 / (1 + 1 + 1 / 8)
    assert ends[1] - ends[0] < 1.6 * ideal  # in the generation in which it became slow
    assert ends[3] - ends[2] < 1.3 * ideal
    assert ended.names() == []


def test_of_two_that_disagree_both_are_rebuilt():
    ended = train(ToyCluster(PLAN, 2, faults={(0, "step", 2): "corrupt"}), 5)
    assert ended.bits == undisturbed()
    assert ended.names(0) == ["worker quarantined"] and ended.names(1) == []
    assert len(joins(ended, 0)) >= 2 and len(joins(ended, 1)) == 2
    assert ended.alive == [0, 1]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_worker_that_notices_that_it_is_wrong_is_rebuilt_alone(count):
    ended = train(ToyCluster(PLAN, count, faults={(0, "step", 2): "noticed"}), 5)
    assert ended.bits == undisturbed()
    assert ended.names() == ["worker quarantined"] and len(joins(ended, 0)) == 2
    assert all(len(joins(ended, worker)) == 1 for worker in range(1, count))


def test_the_only_worker_that_is_wrong_again_is_replaced():
    faults = {(0, "step", 1): "noticed", (0, "step", 3): "noticed"}
    ended = train(ToyCluster(PLAN, 1, faults=faults), 5)
    assert ended.bits == undisturbed()
    assert ended.names() == ["worker quarantined", "worker quarantined", "worker lost", "no worker left"]


def test_a_worker_that_is_wrong_a_second_time_is_replaced():
    ended = train(ToyCluster(PLAN, 3, faults={(1, "step", 1): "corrupt", (1, "step", 3): "corrupt"}), 5)
    assert ended.bits == undisturbed()
    assert ended.names() == ["worker quarantined", "worker quarantined", "worker lost"]
    assert ended.alive == [0, 2, 3]


def wrong_while_evaluating() -> ToyCluster:
    # When the last block comes in, from worker 0, the wrong worker is at its copy of it; its answer is wrong, too.
    steps = []

    def on_call(worker, method, args):
        if method == "step" and args[1] == 2:
            steps.append(worker)

    def seconds(worker, block):
        return {0: 3.0 if steps else 1.0, 1: 1.0, 2: 5.0 if steps.count(2) > 1 else 1.0}.get(worker, 1.0)

    faults = {(2, "step", 2): "corrupt", (2, "join", 1): 10.0}
    return ToyCluster(PLAN, 3, seconds, faults=faults, deaf={0}, on_call=on_call)


def test_a_wrong_worker_that_is_still_evaluating_is_rebuilt_once():
    ended = train(wrong_while_evaluating(), 5)
    assert ended.bits == undisturbed()
    assert ended.names().count("worker quarantined") == 1 and ended.alive == [0, 1, 2]


def test_a_step_is_timed_from_its_own_start_also_where_the_worker_joins_at_its_end(monkeypatch):
    rests, observe = [], Speeds.observe

    def note(self, worker, block_seconds, update_seconds, rest, test_seconds=None):
        rests.append(rest)
        observe(self, worker, block_seconds, update_seconds, rest, test_seconds)

    monkeypatch.setattr(Speeds, "observe", note)
    train(wrong_while_evaluating(), 5)
    assert min(rests) > -1e-3


def test_workers_that_disagree_after_they_were_rebuilt_are_an_error():
    class Drifting(ToyCluster):
        def result(self, call):
            answer = super().result(call)
            return (f"{call.place.index}", 0.0) if call.method == "join" else answer

    faults = {(0, "step", 2): "corrupt"}
    with pytest.raises(
        WorkerError, match=r"disagree on the parameters of generation 2 .* even after they were rebuilt"
    ):
        train(Drifting(PLAN, 2, faults=faults), 5)


@pytest.mark.parametrize("survivor", [0, 1])
def test_the_digest_of_a_worker_that_died_since_counts(survivor):
    # Worker 0 is corrupted and slow; worker 1 has answered, and dies in what it took over from 0. Or the reverse.
    steps = []

    def on_call(worker, method, args):
        if method == "step" and args[1] == 2:
            steps.append(worker)
            if steps.count(1) == 2:
                cluster.faults[1, "step", 2] = "die"

    def seconds(worker, block):
        return 3.0 if worker == 0 and steps else 1.0

    faults = {(1 - survivor if survivor else 0, "step", 2): "corrupt"}
    cluster = ToyCluster(PLAN, lambda now: 2 if now < 15.0 else 1, seconds, faults=faults, on_call=on_call)
    ended = train(cluster, 5)
    assert steps.count(1) >= 2
    assert ended.bits == undisturbed()


@pytest.mark.parametrize("odd", [0, 1, 2])
def test_a_worker_that_differs_from_most_is_refused(odd):
    cluster = ToyCluster(PLAN, 3, facts={odd: {"code": "2"}})
    ended = train(cluster, 5)
    assert ended.bits == undisturbed() and ended.alive == [worker for worker in range(3) if worker != odd]
    assert ended.names() == ["worker refused"]
    assert "it has code '2' instead of '1'" in next(detail for name, detail, _ in ended.events if "refused" in name)


def test_what_most_workers_are_is_not_waited_for_for_ever():
    cluster = ToyCluster(PLAN, 5, faults={(worker, "facts", 0): FOREVER for worker in range(1, 5)})
    ended = train(cluster, 40, start_seconds=60.0)
    assert ended.bits == undisturbed(generations=40) and ended.alive[0] == 0
    assert ended.names() == ["worker lost"] * 4


def test_the_place_of_a_refused_worker_is_tried_again_less_and_less_often():
    odd = {worker: {"code": "2"} for worker in (2, 3, 4)}
    cluster = ToyCluster(PLAN, 3, facts=odd)
    ended = train(cluster, 120)
    assert ended.bits == undisturbed(generations=120)
    assert ended.names() == ["worker refused"] * 3 and ended.alive == [0, 1, 5]
    starts = [at for at, worker, method, _ in cluster.sent if method == "facts" and worker > 1]
    waits = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert [round(wait / 60) for wait in waits] == [1, 2, 4]


def test_evaluations_that_change_the_state_wherever_they_run_are_an_error():
    faults = {(worker, "step", 2): "noticed" for worker in range(50)}
    with pytest.raises(WorkerError, match="the parameters changed while generation 2 was evaluated"):
        train(ToyCluster(PLAN, 3, faults=faults), 5)


def test_one_machine_whose_worker_raises_at_its_start_does_not_end_a_run_that_has_others():
    faults = {
        (1, "step", 1): "die",
        (2, "facts", 0): RuntimeError("no device"),
        (3, "join", 0): RuntimeError("no room"),
    }
    ended = train(ToyCluster(PLAN, 2, faults=faults), 10)
    assert ended.bits == undisturbed(generations=10) and ended.alive == [0, 4]
    assert ended.names() == ["worker lost", "blocks re-queued", "worker lost", "worker lost"]
    assert any("could not start: no device" in detail for _, detail, _ in ended.events)


def test_a_worker_that_raises_at_its_start_is_an_error_when_it_is_the_first():
    with pytest.raises(RuntimeError, match="no device"):
        train(ToyCluster(PLAN, 1, faults={(0, "facts", 0): RuntimeError("no device")}), 1)


def test_a_bad_machine_does_not_end_a_run_whose_only_worker_is_being_replaced():
    # Whoever starts in the place of worker 1 dies joining. Then worker 0 dies, too; its successor takes a while.
    cluster = ToyCluster(PLAN, 2, faults={(worker, "join", 0): "die" for worker in range(1, 100)})
    cluster.faults[0, "step", 30] = "die"
    successor = []

    def on_call(worker, method, args):
        if method == "step" and args[1] == 30:
            successor.append(None)
        elif method == "facts" and successor == [None]:
            successor[0] = worker
            cluster.faults[worker, "join", 0] = 20.0

    cluster.on_call = on_call
    ended = train(cluster, 60)
    assert ended.bits == undisturbed(generations=60)
    assert successor[0] in ended.alive


def test_a_block_much_longer_than_the_others_is_given_more_time_each_time():
    asked = [0]
    cluster = ToyCluster(PLAN, 3, block_seconds=lambda _, block: 60.0 if (asked[-1], block) == (2, 3) else 1.0)
    cluster.on_call = lambda worker, method, args: asked.append(args[1]) if method == "step" else None
    ended = train(cluster, 5)
    assert ended.bits == undisturbed() and "deadline passed" in ended.names()


def test_a_worker_that_names_other_facts_is_refused():
    ended = train(ToyCluster(PLAN, 3, facts={2: {"new": "2"}}), 5)
    assert ended.names() == ["worker refused"] and "new '2' instead of None" in ended.events[0][1]


def test_with_resync_a_worker_that_differs_takes_the_parameters_of_another_every_k_generations():
    cluster = ToyCluster(PLAN, 2, facts={1: {"code": "2"}}, faults={(1, "step", g): "corrupt" for g in (1, 3, 5)})
    ended = train(cluster, 6, resync_every=2)
    assert ended.names() == [] and ended.alive == [0, 1]
    assert [detail[:15] for detail in joins(ended, 1)] == ["at generation 0", "at generation 2", "at generation 4"]
    assert len(joins(ended, 0)) == 1


def test_resync_does_not_wait_for_ever_for_a_frozen_worker():
    cluster = ToyCluster(FEW, 2, block_seconds=lambda *_: 0.5, faults={(1, "step", 2): FOREVER})
    assert train(cluster, 5, resync_every=3).bits == undisturbed(FEW, 5)
    assert cluster.now < 300


def test_more_workers_join_when_the_cluster_grows():
    ended = train(ToyCluster(PLAN, lambda now: 2 if now < 8.0 else 4), 5)
    assert ended.bits == undisturbed()
    assert ended.alive == [0, 1, 2, 3] and joins(ended, 3)


def test_a_lost_worker_is_not_replaced_when_the_cluster_has_shrunk():
    ended = train(ToyCluster(PLAN, lambda now: 3 if now < 5.0 else 2, faults={(1, "step", 3): "die"}), 5)
    assert ended.bits == undisturbed()
    assert ended.alive == [0, 2]


def test_workers_may_be_more_than_blocks_when_a_snapshot_is_taken():
    assert train(ToyCluster(FEW, 5), 5, snapshots).bits == undisturbed(FEW, 5)


def test_a_worker_without_a_share_keeps_up_over_a_snapshot():
    slow = lambda worker, block: 30.0 if worker == 2 else 1.0  # noqa: E731
    ended = train(ToyCluster(PLAN, 3, block_seconds=slow), 5, snapshots)
    assert ended.bits == undisturbed()


@pytest.mark.parametrize("seconds", [10.0, 100.0])
def test_when_no_worker_is_left_it_waits_for_one(seconds):
    faults = {(worker, "step", 2): "die" for worker in range(2)}
    left = []
    cluster = ToyCluster(PLAN, lambda now: 0 if left and now < left[0] + seconds else 2, faults=faults)
    cluster.on_call = lambda worker, method, args: left.append(cluster.now) if args[1:2] == (2,) and not left else None
    if seconds > 50:
        with pytest.raises(WorkerError, match=r"none came within 50 s.*resume"):
            train(cluster, 5, wait_seconds=50.0)
        assert left[0] + 50 < cluster.now < left[0] + 55
    else:
        ended = train(cluster, 5, wait_seconds=50.0)
        assert ended.bits == undisturbed()
        assert ended.names(None)[-1] == "no worker left"
        assert sorted(ended.names()) == sorted(["worker lost", "blocks re-queued"] * 2 + ["no worker left"])


@pytest.mark.parametrize("method", ["facts", "join"])
@pytest.mark.parametrize("begun", [False, True])
def test_workers_that_die_at_every_start_are_an_error(method, begun):
    faults = {(worker, method, 0): "die" for worker in range(2 if begun else 0, 50)}
    faults |= {(worker, "step", 2): "die" for worker in range(2)}
    with pytest.raises(WorkerError, match="workers in a row ended before they were ready; the last: its process ended"):
        train(ToyCluster(PLAN, 2, faults=faults), 5)


def test_a_machine_on_which_every_worker_dies_does_not_end_a_run_that_has_others():
    faults = {(worker, "join", 0): "die" for worker in range(2, 100)}
    cluster = ToyCluster(PLAN, 3, faults=faults)
    ended = train(cluster, 200)
    assert ended.bits == undisturbed(generations=200) and ended.alive[:2] == [0, 1]
    assert 5 < ended.names().count("worker lost") < cluster.now / 30  # less and less often


def test_a_run_does_not_wait_for_a_worker_whose_machine_has_left():
    cluster = ToyCluster(PLAN, lambda now: 3 if now < 5.0 else 2, faults={(2, "facts", 0): FOREVER})
    ended = train(cluster, 20)
    assert ended.bits == undisturbed(generations=20)
    first = next(at for at, _, method, _ in cluster.sent if method == "step")
    assert first < 10 and ended.alive == [0, 1] and ended.names() == []


def test_a_run_begins_when_half_of_its_workers_have_waited_as_long_again():
    cluster = ToyCluster(PLAN, 4, start_seconds=20.0, faults={(3, "facts", 0): 50.0})
    ended = train(cluster, 40)
    first = next(at for at, _, method, _ in cluster.sent if method == "step")
    assert 40 <= first < 42 and ended.alive == [0, 1, 2, 3] and joins(ended, 3)
    assert ended.bits == undisturbed(generations=40)


def test_workers_that_do_not_start_in_time_are_an_error():
    cluster = ToyCluster(PLAN, 3, start_seconds=FOREVER)
    with pytest.raises(WorkerError, match=r"0 of 3 workers .* were ready within 60\.0 s, but at least 2 are needed"):
        train(cluster, 5, start_seconds=60.0, min_workers=2)
    assert 60 < cluster.now < 65 and not cluster.alive()


def test_a_run_begins_with_the_least_number_of_workers():
    cluster = ToyCluster(PLAN, 3, faults={(2, "facts", 0): FOREVER})
    ended = train(cluster, 30, start_seconds=20.0, min_workers=2)
    assert ended.bits == undisturbed(generations=30)
    assert ended.names() == ["worker lost"] and ended.alive == [0, 1, 3]


def test_a_block_that_ends_every_worker_is_named():
    cluster = ToyCluster(PLAN, 3, deadly={(2, 3)})
    with pytest.raises(WorkerError, match=r"members 6 to 7 of generation 2: .*trainer\.reproduce\(2, 6\)"):
        train(cluster, 5)
    assert len(cluster.places) <= 6  # it took three workers, and they were replaced


def test_machines_that_are_taken_back_one_after_the_other_make_no_block_suspect():
    ended = train(ToyCluster(PLAN, 1, faults={(worker, "step", 2): "preempt" for worker in range(5)}), 5)
    assert ended.bits == undisturbed()
    assert ended.names().count("worker preempted") == 5


def test_a_user_exception_comes_through_unchanged():
    error = ValueError("boom")
    with pytest.raises(ValueError, match="boom") as found:
        train(ToyCluster(PLAN, 3, faults={(1, "step", 2): error}), 5)
    assert found.value is error


def test_a_generation_can_be_evaluated_again_after_an_exception():
    cluster = ToyCluster(PLAN, 2, faults={(0, "step", 2): KeyboardInterrupt(), (1, "step", 3): "die"})
    coordinator, _ = make_coordinator(cluster)
    outcomes, number = (), 0
    while number < 5:
        try:
            request = Request(number, outcomes, tuple(range(PLAN.blocks)), test=True)
            found = coordinator.step(request, lambda: False)
        except KeyboardInterrupt:
            continue
        outcomes, number = (Outcome(number, found.fitness, found.moments),), number + 1
    coordinator.update(outcomes[0])
    assert coordinator.digest() == undisturbed()[0]


@pytest.mark.parametrize("fault", [None, FOREVER, 20.0])
def test_a_cancelled_generation_returns_soon_and_incomplete(fault):
    cluster = ToyCluster(PLAN, 3, block_seconds=lambda *_: 2.0, faults={(1, "step", 0): fault} if fault else {})
    coordinator, _ = make_coordinator(cluster)
    began = cluster.now
    found = coordinator.step(Request(0, (), tuple(range(PLAN.blocks))), lambda: cluster.now > began + 3.0)
    assert not found.complete
    assert cluster.now < began + 3.0 + (6.0 if fault else 3.0)
    assert coordinator.digest() == "0:00000011" and coordinator.snapshot()["state"] == State(0, 17)


def test_a_stop_ends_also_when_the_only_worker_is_frozen():
    cluster = ToyCluster(PLAN, 1, faults={(0, "step", 0): FOREVER, (0, "peek", 0): FOREVER})
    coordinator, events = make_coordinator(cluster)
    assert not coordinator.step(Request(0, (), tuple(range(PLAN.blocks))), lambda: cluster.now > 3.0).complete
    assert coordinator.digest() == "0:00000011"
    assert "worker lost" in [name for name, *_ in events]


def stopped(faults: dict, seconds: float = 1000.0) -> tuple:
    """A run that is stopped while all of its workers are at a long evaluation of generation 1, and when that was."""
    cluster = ToyCluster(PLAN, 3, faults=faults)
    coordinator, _ = make_coordinator(cluster)
    found = coordinator.step(Request(0, (), tuple(range(PLAN.blocks))), lambda: False)
    cluster.block_seconds = lambda *_: seconds
    at = cluster.now + 3.0
    request = Request(1, (Outcome(0, found.fitness, found.moments),), tuple(range(PLAN.blocks)))
    assert not coordinator.step(request, lambda: cluster.now > at).complete
    return cluster, coordinator, at


def test_a_stop_does_not_wait_for_workers_that_compile():
    cluster, coordinator, at = stopped({})
    found = coordinator.digest(), coordinator.snapshot()["state"]
    assert cluster.now < at + 6.0 and not any(call.place.alive is False for call in cluster.steps.values())
    patient, _, _ = stopped({}, seconds=2.0)
    assert found[0].startswith("1:") and found == (patient.places[0].worker.digest(), patient.places[0].worker.state)


def test_the_state_of_a_stop_is_not_that_of_a_run_that_is_taken_elsewhere():
    _, coordinator, _ = stopped({})
    elsewhere = {"state": State(1, 123), "statistics": ()}
    coordinator.catch_up(elsewhere, [])
    assert coordinator.digest() == "1:0000007b" and coordinator.snapshot() == elsewhere


@pytest.mark.parametrize("fault", ["corrupt", "die", FOREVER])
def test_the_state_of_busy_workers_is_taken_only_where_they_agree(fault):
    cluster, coordinator, at = stopped({(0, "peek", 0): fault}, seconds=30.0)
    right, _, _ = stopped({}, seconds=30.0)
    assert coordinator.digest() == right.places[1].worker.digest()
    assert coordinator.snapshot()["state"] == right.places[1].worker.state
    assert (cluster.now < at + 12.0) == (fault != "corrupt")


def test_a_test_that_takes_much_longer_than_a_block_ends_no_worker():
    cluster = ToyCluster(PLAN, 3, block_seconds=lambda _, block: 60.0 if block is None else 0.1)
    ended = train(cluster, 5)
    assert ended.bits == undisturbed()
    assert ended.names() == []


def test_an_update_that_takes_much_longer_than_the_blocks_ends_no_worker():
    ended = train(ToyCluster(PLAN, 3, update_seconds=90.0), 5)
    assert ended.bits == undisturbed()
    assert ended.names() == []


def test_a_worker_eight_times_slower_is_not_taken_for_dead():
    seconds = (10.0, 20.0, 160.0)
    plan = Plan(population_size=80, block_size=2, seed=0, test_episodes=1)
    ended = train(ToyCluster(plan, 3, block_seconds=lambda worker, _: seconds[worker % 3]), 3)
    assert ended.bits == undisturbed(plan, 3)
    assert "worker lost" not in ended.names()


def test_a_run_is_continued_from_the_log_however_long_that_takes():
    cluster = ToyCluster(PLAN, 2, update_seconds=1.0)
    coordinator, events = make_coordinator(cluster)
    coordinator.catch_up(None, [outcome(number) for number in range(1000)])
    assert coordinator.digest().startswith("1000:")
    assert {name for name, *_ in events} == {"worker joined"}  # nobody was missing


def test_a_run_is_continued_from_a_snapshot():
    coordinator, _ = make_coordinator(ToyCluster(PLAN, 2))
    for number in range(6):
        coordinator.update(outcome(number))
        if number == 3:
            snapshot = coordinator.snapshot()
    again, _ = make_coordinator(ToyCluster(PLAN, 3))
    again.catch_up(snapshot, [outcome(4), outcome(5)])
    assert again.digest() == coordinator.digest()


def test_a_worker_that_joins_while_the_run_is_taken_elsewhere_joins_again():
    cluster = ToyCluster(PLAN, lambda now: 1 if now < 30.0 else 2, faults={(1, "join", 0): 8.0})
    coordinator, _ = make_coordinator(cluster)
    number, outcomes = 0, ()
    while (1, "join") not in [(worker, method) for _, worker, method, _ in cluster.sent]:
        found = coordinator.step(Request(number, outcomes, tuple(range(PLAN.blocks))), lambda: False)
        outcomes, number = (Outcome(number, found.fitness),), number + 1
    elsewhere = {"state": State(1, 123), "statistics": ()}
    coordinator.catch_up(elsewhere, [])
    alone, _ = make_coordinator(ToyCluster(PLAN, 1))
    alone.catch_up(elsewhere, [])
    outcomes = ()
    for number in range(1, 8):
        request = Request(number, outcomes, tuple(range(PLAN.blocks)))
        found, expected = (pool.step(request, lambda: False) for pool in (coordinator, alone))
        assert found.fitness.tobytes() == expected.fitness.tobytes()
        outcomes = (Outcome(number, found.fitness),)


def test_every_row_has_the_metrics_of_its_update():
    coordinator, _ = make_coordinator(ToyCluster(FEW, 2))
    outcomes = ()
    for number in range(205):
        found = coordinator.step(Request(number, outcomes, (0, 1)), lambda: False)
        assert number == 0 or found.metrics, number
        outcomes = (Outcome(number, found.fitness),)


# --- what it keeps and tells ----------------------------------------------------------------------


def test_an_outcome_of_another_generation_is_none_of_this_run():
    coordinator, _ = make_coordinator(ToyCluster(PLAN, 2))
    coordinator.update(outcome(0))
    expected = coordinator.digest()
    for number in (0, 2, 7):  # a step that an exception ended is asked again; what is to come is not there yet
        coordinator.update(outcome(number))
    assert coordinator.digest() == expected and expected.startswith("1:")


def test_a_snapshot_is_taken_often_enough_that_nobody_replays_more_than_a_hundred_generations():
    cluster = ToyCluster(PLAN, 2, faults={(1, "step", 195): "die"})
    ended = train(cluster, 205)
    assert ended.bits == undisturbed(generations=205)
    assert 90 < int(joins(ended, 2)[0].split()[3]) < 100


def test_a_row_tells_of_the_workers_in_its_generation():
    seconds = {0: 1.0, 1: 1.0, 2: 4.0}
    cluster = ToyCluster(PLAN, 3, lambda worker, _: seconds.get(worker, 1.0), faults={(1, "step", 3): "die"})
    ended = train(cluster, 6, compare=0.0)
    fitness, reply = 4 * PLAN.population_size, cluster.places[0].worker
    assert [pool["worker_failures"] for pool in ended.pools] == [0, 0, 0, 1, 1, 1]
    assert ended.pools[0]["bytes_down"] == 0 and ended.pools[2]["bytes_down"] == 3 * fitness
    each = reply.reply(6, Work((0,)), TIMES).nbytes
    assert ended.pools[2]["bytes_up"] == PLAN.blocks * each + 4  # and the test
    assert ended.pools[2]["requeued_blocks"] == 0 < ended.pools[3]["requeued_blocks"]
    for pool in ended.pools:
        assert all(0.0 <= idle < 8.0 for idle in pool["idle_seconds"].values())
    assert {*ended.pools[2]["idle_seconds"]} == {"0", "1", "2"} and {*ended.pools[5]["idle_seconds"]} == {"0", "2", "3"}
    # Of five workers with three pieces of work two are idle all the time.
    crowd = train(ToyCluster(FEW, 5), 4, compare=0.0).pools[3]
    assert crowd["idle_share"] == pytest.approx(0.4, abs=0.05)
    assert sorted(seconds > 1.0 for seconds in crowd["idle_seconds"].values()) == [False] * 3 + [True] * 2


TIMES = {
    "update_seconds": 0.0,
    "block_seconds": np.ones(1, np.float32),
    "test_seconds": 0.0,
    "check_seconds": 0.0,
    "seconds": 1.0,
}


def test_workers_that_notice_that_they_are_wrong_are_rebuilt_twice_in_a_generation():
    ended = train(ToyCluster(PLAN, 3, faults={(0, "step", 2): "noticed", (1, "step", 2): "noticed"}), 5)
    assert ended.bits == undisturbed() and ended.names() == ["worker quarantined"] * 2


def test_a_test_that_ends_every_worker_is_named():
    cluster = ToyCluster(PLAN, 3)

    def on_call(worker, method, args):
        if method == "step" and args[1] == 2 and args[2].test:
            cluster.faults[worker, "step", 2] = "die"

    cluster.on_call = on_call
    with pytest.raises(
        WorkerError, match=r"evaluated the test of the mean parameters of generation 2: .*reproduce\(2, 0\)"
    ):
        train(cluster, 5)


def test_it_says_from_time_to_time_that_it_is_waiting(caplog):
    left = []
    cluster = ToyCluster(PLAN, lambda now: 0 if left else 1, faults={(0, "step", 2): "die"})
    cluster.on_call = lambda worker, method, args: left.append(1) if args[1:2] == (2,) else None
    with pytest.raises(WorkerError, match="none came within 100 s"):
        train(cluster, 5, wait_seconds=100.0)
    assert caplog.text.count("still no worker after") == 3
    caplog.clear()
    train(ToyCluster(PLAN, 2, faults={(1, "facts", 0): 70.0}), 1, start_seconds=500.0, min_workers=2)
    assert caplog.text.count("of 2 workers are ready; waiting for the others") == 2


def test_where_there_is_room_it_waits_as_long_as_a_worker_may_take_to_start():
    faults = {(0, "step", 2): "die", (1, "facts", 0): 250.0}
    ended = train(ToyCluster(PLAN, 1, faults=faults), 5, wait_seconds=50.0, start_seconds=300.0)
    assert ended.bits == undisturbed() and ended.alive == [1]
    assert any("waiting up to 300 s" in detail for name, detail, _ in ended.events if name == "no worker left")


# --- workers that compute something else ----------------------------------------------------------


def compared(cluster: ToyCluster) -> list[tuple[int, int]]:
    """Generation and block of each evaluation for comparison."""
    steps = [args for _, _, method, args in cluster.sent if method == "step"]
    return [(args[1], block) for args in steps for block in args[2].checks]


def test_the_first_results_of_every_worker_are_compared_and_then_a_share_of_all():
    cluster = ToyCluster(PLAN, 3)
    ended = train(cluster, 400)
    assert ended.bits == undisturbed(generations=400) and ended.names() == []
    found = compared(cluster)
    assert [number for number, _ in found[:3]] == [0, 0, 0] and 1 not in dict(found)
    assert 0.005 < len(found) / (400 * PLAN.blocks) < 0.02
    for number, block in found:
        evaluated = [args[2] for _, _, method, args in cluster.sent if method == "step" and args[1] == number]
        assert not any(block in work.blocks and block in work.checks for work in evaluated)
        assert sum(block in work.blocks for work in evaluated) >= 1


@pytest.mark.parametrize("options", [{"compare": 0.0}, {"resync_every": 10}])
def test_nothing_is_compared_where_that_is_not_asked_for(options):
    cluster = ToyCluster(PLAN, 3, wrong={1: lambda block: 1})
    assert train(cluster, 5, **options).names() == [] and not compared(cluster)


def test_one_worker_compares_nothing_and_a_second_one_that_joins_is_compared_with_it():
    cluster = ToyCluster(PLAN, lambda now: 1 if now < 20.0 else 2)
    assert train(cluster, 6).names() == []
    first = next(args[1] for _, worker, method, args in cluster.sent if method == "step" and worker == 1)
    assert first > 0 and {number for number, _ in compared(cluster)} == {first}


def test_all_blocks_can_be_compared():
    cluster = ToyCluster(PLAN, 3)
    assert train(cluster, 5, compare=1.0).bits == undisturbed()
    assert sorted(compared(cluster)) == [(number, block) for number in range(5) for block in range(PLAN.blocks)]


@pytest.mark.parametrize("odd", [0, 1, 2])
@pytest.mark.parametrize("packed", [False, True])
def test_a_worker_that_computes_something_else_is_refused_before_anything_is_logged(odd, packed):
    plan = dataclasses.replace(PLAN, signs_only=packed)
    ended = train(ToyCluster(plan, 3, wrong={odd: lambda block: block + 1}), 5)
    assert ended.bits == undisturbed(packed=packed)
    assert ended.names(odd) == ["worker refused"] and ended.names() == ["worker refused"]
    assert ended.alive == [worker for worker in range(3) if worker != odd]
    detail = next(detail for name, detail, _ in ended.events if name == "worker refused")
    assert "its results for members" in detail and "of generation 0 differ" in detail


def test_a_worker_that_joins_later_and_computes_something_else_is_refused():
    cluster = ToyCluster(PLAN, lambda now: 3 if now < 12.0 else 4, wrong={3: lambda block: 1})
    ended = train(cluster, 8)
    assert ended.bits == undisturbed(generations=8)
    assert ended.names(3) == ["worker refused"] and ended.alive == [0, 1, 2]


def test_a_result_that_was_wrong_once_is_dropped_and_its_worker_rebuilt():
    slips = iter([1])
    ended = train(ToyCluster(PLAN, 3, wrong={1: lambda block: next(slips, 0)}), 5)
    assert ended.bits == undisturbed() and ended.alive == [0, 1, 2]
    assert ended.names() == ["worker quarantined"] and len(joins(ended, 1)) == 2


def test_of_two_workers_that_compute_other_results_neither_is_believed():
    with pytest.raises(
        WorkerError, match=r"workers 0 and 1 compute different results for members \d+ to \d+ of generation 0"
    ):
        train(ToyCluster(PLAN, 2, wrong={1: lambda block: 1}), 5)


def test_a_fitness_that_is_not_deterministic_is_told_once_and_is_no_workers_fault():
    numbers = itertools.count()
    wrong = {worker: lambda block: next(numbers) for worker in range(3)}
    cluster = ToyCluster(PLAN, 3, wrong=wrong)
    ended = train(cluster, 300)
    assert ended.names() == ["fitness not deterministic"] and ended.alive == [0, 1, 2]
    assert {number for number, _ in compared(cluster)} == {0}


@pytest.mark.parametrize("fault", ["die", FOREVER])
@pytest.mark.parametrize("worker", [0, 1])
def test_a_worker_that_is_lost_while_it_compares_holds_nobody_up(worker, fault):
    ended = train(ToyCluster(PLAN, 2, faults={(worker, "step", 0): fault}), 30)
    assert ended.bits == undisturbed(generations=30)
    assert "worker lost" in ended.names() and "worker refused" not in ended.names()


@pytest.mark.parametrize("fault", ["die", FOREVER])
def test_a_worker_that_is_lost_while_it_is_asked_again_is_not_waited_for(fault):
    cluster = ToyCluster(PLAN, 3, wrong={1: lambda block: 1}, faults={(0, "fingerprints", 0): fault})
    cluster.count = 4
    ended = train(cluster, 5)
    assert ended.bits == undisturbed()
    assert ended.names(1) == ["worker refused"]


METHODS = st.sampled_from(["facts", "join", "step", "step", "step", "digest_and_snapshot"])
EFFECTS = st.sampled_from(["die", "preempt", 1.0, 15.0, 40.0, FOREVER])


def scripts(workers: int, faults: int) -> st.SearchStrategy[dict]:
    """A few faults; those that freeze a start for ever are left out, since they rightly end a run of one worker."""
    places = st.tuples(st.integers(0, workers - 1), METHODS, st.integers(0, 4))
    return st.dictionaries(places, EFFECTS, max_size=faults).map(
        lambda found: {k: 40.0 if v == FOREVER and k[1] in ("facts", "join") else v for k, v in found.items()}
    )


few_examples = settings(max_examples=40, deadline=None, derandomize=True)


@few_examples
@given(scripts(5, 2), st.integers(1, 4), st.sampled_from([0, 2]), st.booleans())
def test_any_two_faults_change_nothing(faults, count, every, deaf):
    def on_generation(coordinator, number):
        return every and number % every == 0 and coordinator.snapshot()

    cluster = ToyCluster(PLAN, count, faults=dict(faults), deaf=set(range(9)) if deaf else set())
    assert train(cluster, 5, on_generation).bits == undisturbed()


@few_examples
@given(
    scripts(3, 1),
    st.tuples(st.integers(0, 2), st.sampled_from(["join", "step", "digest_and_snapshot"]), st.integers(0, 4)),
    st.integers(3, 4),
)
def test_a_corrupted_worker_among_sick_ones_changes_nothing(faults, corrupted, count):
    cluster = ToyCluster(PLAN, count, faults={**faults, corrupted: "corrupt"})
    assert train(cluster, 5, snapshots).bits == undisturbed()
