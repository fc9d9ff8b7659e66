"""The schedule as a function of time: no block is lost, none is given twice but as a copy, the slow hold up nobody."""

import heapq

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from eggroll_ray.workers.deadlines import Deadlines, Standing
from eggroll_ray.workers.lifecycle import State
from eggroll_ray.workers.messages import Work
from eggroll_ray.workers.remote_worker import Call, Kind, RemoteWorker
from eggroll_ray.workers.schedule import Schedule, Speeds


class Watched(Schedule):
    """A schedule, and who is late with what it has given them."""

    def __init__(self, work: Work, speeds: Speeds, update: bool):
        super().__init__(work, speeds, update)
        self._deadlines = Deadlines(speeds)
        self._workers: dict[int, RemoteWorker] = {}

    def hand_out(self, idle, now):
        given = super().hand_out(idle, now)
        for worker, work in given.items():
            self._begin(worker, work, now)
        return given

    def steal(self, thief, now):
        stolen = super().steal(thief, now)
        if stolen is not None:
            self._begin(thief, stolen[1], now)
        return stolen

    def finish(self, worker, done):
        super().finish(worker, done)
        self._workers.pop(worker, None)

    def lose(self, worker, died=True):
        self._workers.pop(worker, None)
        return super().lose(worker, died)

    def overdue(self, now: float) -> dict[int, Work]:
        """Takes back the work of those that have become late, as the coordinator does."""
        on_time = [worker for worker in self._workers.values() if not worker.state.late]
        late = [worker for worker in on_time if self._deadlines.standing(worker, now, self) is Standing.LATE]
        for worker in late:
            worker.set_late(now)
        return self.take_back({worker.index for worker in late})

    def _begin(self, worker: int, work: Work, now: float) -> None:
        self._workers[worker] = RemoteWorker(worker, None, Call(Kind.STEP, now, work=work), State.EVALUATING)


def speeds_of(seconds: dict[int, float], update: float = 0.0, first: float = 0.0) -> Speeds:
    """What is known once every worker has answered twice."""
    speeds = Speeds()
    for worker, each in seconds.items():
        speeds.observe(worker, [each + first, each, each], update + first if update else None, 0.0)
        speeds.observe(worker, [each] * 2, update or None, 0.0)
    for worker in [*seconds][:1] * 60 * bool(update):  # the running mean settles
        speeds.observe(worker, [], update, 0.0)
    return speeds


def schedule_of(blocks: int, seconds: dict[int, float] | None = None, **options) -> Watched:
    return Watched(Work(tuple(range(blocks))), speeds_of(seconds or {}, **options), update="update" in options)


def blocks(*numbers: int) -> Work:
    return Work(numbers)


# --- speeds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "blocks", "expected"),
    [
        ({}, 8, [3, 3, 2]),  # nobody is known: all alike
        ({0: 1.0, 1: 1.0, 2: 1.0}, 9, [3, 3, 3]),
        ({0: 1.0, 1: 2.0, 2: 8.0}, 26, [16, 8, 2]),
        ({0: 1.0, 2: 3.0}, 11, [6, 3, 2]),  # worker 1 is taken to be typical, 2 s
        ({0: 1.0, 1: 1e9, 2: 1.0}, 8, [4, 0, 4]),
        ({0: 0.0, 1: 0.0, 2: 0.0}, 6, [2, 2, 2]),
        ({}, 1, [0, 0, 1]),
        ({}, 0, [0, 0, 0]),
    ],
)
def test_shares_are_by_speed_and_sum_to_all(seconds, blocks, expected):
    found = speeds_of(seconds).shares([0, 1, 2], blocks)
    assert sum(found) == blocks
    assert sorted(found) == sorted(expected) if not seconds else found == expected


def test_what_is_not_known_is_none_and_a_typical_worker_stands_for_a_new_one():
    assert Speeds().block(0) is None and Speeds().call(0, 3, update=False) is None
    speeds = speeds_of({0: 1.0, 1: 2.0, 2: 8.0})
    assert speeds.block(1) == pytest.approx(2.0)
    assert speeds.block(7) == pytest.approx(2.0)
    speeds.forget(2)
    assert speeds.block(2) == pytest.approx(1.5)


def test_the_speed_follows_a_worker_that_changes():
    speeds = speeds_of({0: 1.0})
    speeds.observe(0, [3.0, 5.0], None, 0.0)
    assert 1.0 < speeds.block(0) < 4.0
    for _ in range(30):
        speeds.observe(0, [4.0], None, 0.0)
    assert speeds.block(0) == pytest.approx(4.0, rel=0.01)


def test_the_first_call_takes_as_much_longer_as_the_slowest_first_call_so_far():
    speeds = Speeds()
    speeds.observe(0, [11.0, 1.0, 1.0], None, 0.5)
    assert speeds.call(0, 3, update=False) == pytest.approx(3.0)
    assert speeds.call(1, 3, update=False) == pytest.approx(3.0 + 10.5)
    assert speeds.call(0, 3, update=True) is None  # nobody has made an update yet
    speeds.observe(0, [1.0], 6.0, 0.0)
    speeds.observe(0, [1.0], 2.0, 0.0)
    assert speeds.call(0, 3, update=True) == pytest.approx(3.0 + 2.0)
    first = 3.0 + 10.5 + 6.0
    assert first <= speeds.call(1, 3, update=True) <= first + 2.0
    speeds.observe(1, [21.0, 1.0], 4.0, 0.0)
    first = 3.0 + 20.0 + 6.0
    assert first <= speeds.call(2, 3, update=True) <= first + 2.0
    speeds.forget(0)  # a new worker of that number would compile again
    assert speeds.call(0, 3, update=True) == speeds.call(2, 3, update=True)


def test_a_first_call_of_one_block_counts_as_compiling():
    speeds = Speeds()
    speeds.observe(0, [11.0], None, 0.0)
    assert speeds.block(0) is None
    assert speeds.call(1, 1, update=False) == pytest.approx(11.0)


# --- handing out ----------------------------------------------------------------------------------


def test_at_first_everything_is_given_by_speed():
    schedule = schedule_of(26, {0: 1.0, 1: 2.0, 2: 8.0})
    given = schedule.hand_out([0, 1, 2], 0.0)
    assert {worker: len(work) for worker, work in given.items()} == {0: 16, 1: 8, 2: 2}
    assert sorted(block for work in given.values() for block in work.blocks) == list(range(26))
    assert schedule.hand_out([3], 0.0) == {} and schedule.requeued == 0


def test_there_may_be_more_workers_than_blocks():
    given = schedule_of(2).hand_out([0, 1, 2, 3, 4], 0.0)
    assert sorted(given.values(), key=lambda work: work.blocks) == [blocks(0), blocks(1)]


def test_a_lost_workers_blocks_are_shared_with_those_that_are_busy():
    schedule = schedule_of(12, {0: 1.0, 1: 1.0, 2: 1.0})
    given = schedule.hand_out([0, 1, 2], 0.0)
    assert schedule.lose(0, died=False) == given[0] == blocks(0, 1, 2, 3)
    schedule.finish(1, given[1])
    assert schedule.requeued == 4
    assert schedule.hand_out([1], 4.0) == {1: blocks(0, 1)}
    schedule.finish(2, given[2])
    assert schedule.hand_out([2], 4.1) == {2: blocks(2)}


def test_a_slow_worker_takes_the_last_block_though_its_share_is_none():
    schedule = schedule_of(3, {0: 1.0, 1: 1.0, 2: 1000.0})
    given = schedule.hand_out([0, 1], 0.0)
    last = min(given.values(), key=len)
    assert len(last) == 1
    schedule.lose(0 if given[0] == last else 1, died=False)
    assert schedule.hand_out([2], 0.1) == {2: last}


def test_blocks_that_an_answer_left_out_are_to_be_had_again():
    schedule = schedule_of(4)
    schedule.hand_out([0], 0.0)
    schedule.finish(0, blocks(0, 2))
    assert schedule.hand_out([1], 1.0) == {1: blocks(1, 3)}


def test_results_that_were_not_to_be_trusted_are_to_be_had_again():
    schedule = schedule_of(4)
    schedule.finish(0, schedule.hand_out([0], 0.0)[0])
    assert schedule.hand_out([0], 1.0) == {}
    schedule.reopen(blocks(1, 2))
    schedule.reopen(blocks(2))
    assert schedule.hand_out([0], 2.0) == {0: blocks(1, 2)}


# --- stealing -------------------------------------------------------------------------------------


def test_a_worker_that_is_done_takes_half_of_what_the_slowest_has_not_begun_from_its_tail():
    schedule = schedule_of(30, {0: 1.0, 1: 1.0, 2: 1.0})
    schedule.hand_out([0, 1, 2], 0.0)
    schedule.finish(0, blocks(*range(10)))
    # Worker 1 is at its third block, 2 will end as late but is not the first.
    victim, stolen = schedule.steal(0, 2.5)
    assert victim in (1, 2)
    own = range(10, 20) if victim == 1 else range(20, 30)
    assert stolen == blocks(*own[-len(stolen) :]) and len(stolen) in (3, 4)  # of seven
    other, more = schedule.steal(3, 2.6)
    assert {victim, other} == {1, 2}  # the first victim now ends earlier
    assert not stolen.overlaps(more)


def test_the_faster_thief_takes_more():
    schedule = schedule_of(40, {0: 4.0, 1: 1.0})
    schedule.hand_out([0], 0.0)
    assert schedule.steal(1, 4.0) == (0, blocks(*range(10, 40)))  # of 38 that are not begun

    schedule = schedule_of(40, {0: 1.0, 1: 4.0})
    schedule.hand_out([0], 0.0)
    assert schedule.steal(1, 1.0) == (0, blocks(*range(32, 40)))


def test_nothing_is_stolen_that_is_begun_or_too_short_to_be_worth_a_call():
    schedule = schedule_of(3, {0: 1.0, 1: 1.0})
    schedule.hand_out([0], 0.0)
    assert schedule.steal(1, 2.1) is None
    schedule = schedule_of(30, {0: 1e-4, 1: 1e-4})
    schedule.hand_out([0], 0.0)
    assert schedule.steal(1, 0.0) is None


def test_nothing_is_stolen_while_the_queue_has_blocks():
    schedule = schedule_of(8, {0: 1.0, 1: 1.0, 2: 1.0})
    schedule.hand_out([0, 1], 0.0)
    schedule.lose(0, died=False)
    assert schedule.steal(2, 0.1) is None
    assert schedule.hand_out([2], 0.1)


def test_of_a_call_that_is_overdue_a_copy_is_made_but_no_third():
    schedule = schedule_of(1, {0: 1.0, 1: 1.0, 2: 1.0})
    schedule.hand_out([0], 0.0)
    assert schedule.steal(1, 1.4) is None
    assert schedule.steal(1, 1.6) == (0, blocks(0))
    assert schedule.steal(2, 5.0) is None
    assert schedule.requeued == 1
    schedule.finish(1, blocks(0))
    assert schedule.steal(2, 9.0) is None and schedule.hand_out([1, 2], 9.0) == {}
    schedule.finish(0, blocks(0))


def test_a_block_that_was_stolen_gets_a_helper_when_it_is_overdue():
    schedule = schedule_of(10, {0: 1.0, 1: 1.0, 2: 1.0})
    schedule.hand_out([0], 0.0)
    _, stolen = schedule.steal(1, 0.5)
    schedule.finish(0, blocks(*(block for block in range(10) if block not in stolen.blocks)))
    found = schedule.steal(2, 0.5 + 2.0 * len(stolen))
    assert found == (1, blocks(stolen.blocks[-1]))


# --- deadlines ------------------------------------------------------------------------------------


def test_a_call_of_which_nothing_is_known_has_an_hour():
    schedule = schedule_of(4)
    schedule.hand_out([0], 10.0)
    assert schedule.overdue(3600.0) == {}
    assert schedule.overdue(3611.0) == {0: blocks(0, 1, 2, 3)}
    assert schedule.overdue(3612.0) == {}  # once


def test_the_deadline_is_five_times_the_expected_time_and_two_seconds():
    schedule = schedule_of(4, {0: 1.0}, update=2.0)
    schedule.hand_out([0], 0.0)
    assert schedule.overdue(31.9) == {}
    assert schedule.overdue(32.1) == {0: blocks(0, 1, 2, 3)}
    assert schedule.hand_out([1], 32.2) == {1: blocks(0, 1, 2, 3)}
    schedule.finish(0, blocks(0, 1))  # it comes back
    schedule.finish(1, blocks(2, 3))
    assert schedule.hand_out([0, 1], 40.0) == {} and schedule.steal(0, 40.0) is None


def test_the_deadline_of_a_first_call_allows_for_compiling():
    schedule = schedule_of(4, {0: 1.0}, first=10.0)
    schedule.hand_out([3], 0.0)
    assert schedule.overdue(5 * 13.9) == {}
    assert schedule.overdue(5 * 14.0 + 2.1) == {3: blocks(0, 1, 2, 3)}


def test_what_others_take_over_does_not_bring_the_deadline_forward():
    schedule = schedule_of(1, {0: 10.0, 1: 10.0})
    schedule.hand_out([0], 0.0)
    assert schedule.steal(1, 15.1) == (0, blocks(0))  # it is slow, and may still answer
    assert schedule.overdue(16.0) == {}
    assert 0 in schedule.overdue(53.0)


# --- deaths ---------------------------------------------------------------------------------------


def test_blocks_on_which_a_worker_died_travel_alone():
    schedule = schedule_of(6, {0: 1.0, 1: 1.0})
    given = schedule.hand_out([0, 1], 0.0)
    assert schedule.lose(0) == given[0]
    assert schedule.lose(1, died=False) == given[1]  # its machine was taken back: no fault of the blocks
    found = schedule.hand_out([2, 3, 4, 5], 1.0)
    assert [found[worker] for worker in (2, 3, 4)] == [blocks(0), blocks(1), blocks(2)]
    assert found[5] == blocks(3, 4, 5)


def test_a_block_on_which_three_workers_died_is_the_reason():
    schedule = schedule_of(6)
    schedule.hand_out([0], 0.0)
    schedule.lose(0)
    for worker in (1, 2):
        assert not schedule.culprit()
        order = schedule.hand_out([10 + worker, worker], 1.0)
        assert all(len(work) == 1 for work in order.values())
        schedule.finish(10 + worker, order[10 + worker])
        schedule.lose(worker)
    assert not schedule.culprit()  # three deaths, but on different blocks

    schedule = schedule_of(2)
    for worker in range(3):
        assert not schedule.culprit()
        given = schedule.hand_out([worker], 1.0)
        assert 0 in given[worker].blocks
        schedule.lose(worker)
        schedule.reopen(Work())
        if worker == 0:
            schedule.finish(9, blocks(1))
    assert schedule.culprit() == blocks(0)


def test_preempted_workers_make_no_culprit():
    schedule = schedule_of(1)
    for worker in range(9):
        assert schedule.hand_out([worker], 0.0) == {worker: blocks(0)}
        schedule.lose(worker, died=False)
    assert not schedule.culprit()


def test_a_worker_that_has_nothing_is_lost_without_consequence():
    schedule = schedule_of(2)
    assert schedule.lose(5) == Work()
    schedule.hand_out([0], 0.0)
    schedule.finish(0, blocks(0, 1))
    assert schedule.lose(0) == Work() and not schedule.culprit()


def test_the_test_is_handed_out_stolen_requeued_and_found_to_be_the_reason_as_a_block_is():
    schedule = Watched(Work((0, 1), test=True), speeds_of({0: 1.0, 1: 1.0, 2: 1.0}), update=False)
    assert schedule.hand_out([0], 0.0) == {0: Work((0, 1), test=True)}
    assert schedule.steal(1, 0.1) == (0, Work(test=True))
    schedule.finish(0, blocks(0, 1))
    for worker in (1, 2, 3):
        assert not schedule.culprit()
        assert schedule.lose(worker) == Work(test=True)
        assert schedule.hand_out([worker + 1], 1.0) == {worker + 1: Work(test=True)}
    assert schedule.culprit() == Work(test=True) and schedule.requeued == 4
    schedule.finish(4, Work(test=True))
    schedule.reopen(Work((1,), test=True))
    assert schedule.hand_out([4], 2.0) == {4: Work(test=True)}  # on which workers died: alone
    assert schedule.hand_out([5], 2.0) == {5: blocks(1)}


# --- any interleaving -----------------------------------------------------------------------------

WORKERS, BLOCKS = range(4), 9
TEST = BLOCKS  # in the sets of this machine, after the blocks


def pieces(work: Work) -> set[int]:
    return {*work.blocks, *[TEST] * work.test}


def work_of(pieces: list[int]) -> Work:
    return Work(tuple(piece for piece in pieces if piece != TEST), TEST in pieces)


class Interleaving(RuleBasedStateMachine):
    """Whatever happens to workers: every block is with one worker, waiting or done, and in the end all are done."""

    @initialize(known=st.dictionaries(st.sampled_from(WORKERS), st.sampled_from([0.0, 0.01, 1.0, 30.0])))
    def begin(self, known):
        self.schedule = Watched(Work(tuple(range(BLOCKS)), test=True), speeds_of(known, update=0.5), update=True)
        self.all, self.now, self.done = {*range(BLOCKS), TEST}, 0.0, set()
        self.held = {}  # worker -> blocks that are its own, and may be nobody else's
        self.sent = {}  # worker -> blocks that it may evaluate all the same
        self.late = set()

    @property
    def waiting(self):
        return self.all - self.done - set().union(*self.held.values())

    def idle(self):
        return [worker for worker in WORKERS if worker not in self.sent]

    def send(self, worker, work):
        assert worker not in self.sent and work and len(pieces(work)) == len(work)
        assert not self.done & pieces(work)
        self.held[worker], self.sent[worker] = pieces(work), pieces(work)

    @rule(seconds=st.sampled_from([0.0, 0.3, 5.0, 100.0, 4000.0]))
    def pass_time(self, seconds):
        self.now += seconds

    @rule(workers=st.sets(st.sampled_from(WORKERS), min_size=1))
    def hand_out(self, workers):
        workers = [worker for worker in self.idle() if worker in workers]
        waiting = self.waiting
        for worker, work in self.schedule.hand_out(workers, self.now).items():
            assert worker in workers and pieces(work) <= waiting
            waiting -= pieces(work)
            self.send(worker, work)

    @rule(worker=st.sampled_from(WORKERS))
    def steal(self, worker):
        if worker in self.sent:
            return
        found = self.schedule.steal(worker, self.now)
        if found is None:
            return
        victim, work = found
        assert not self.waiting and victim not in self.late and pieces(work) <= self.held[victim]
        self.held[victim] -= pieces(work)
        self.send(worker, work)

    @rule(worker=st.sampled_from(WORKERS), part=st.sampled_from(["held", "sent", "half"]))
    def answer(self, worker, part):
        if worker not in self.sent:
            return
        done = sorted(self.held[worker] if part == "held" else self.sent[worker])
        done = done[::2] if part == "half" else done
        self.schedule.finish(worker, work_of(done))
        self.done |= set(done)
        del self.held[worker], self.sent[worker]
        self.late.discard(worker)

    @rule(worker=st.sampled_from(WORKERS), died=st.booleans())
    def lose(self, worker, died):
        expected = self.held.get(worker, set()) - self.done
        assert pieces(self.schedule.lose(worker, died)) == (set() if worker in self.late else expected)
        self.held.pop(worker, None)
        self.sent.pop(worker, None)
        self.late.discard(worker)

    @rule()
    def overdue(self):
        for worker, work in self.schedule.overdue(self.now).items():
            assert worker not in self.late and pieces(work) == self.held[worker] - self.done
            self.held[worker] = set()
            self.late.add(worker)

    @rule(wrong=st.sets(st.integers(0, TEST), max_size=3))
    def reopen(self, wrong):
        wrong &= self.done - set().union(*self.held.values())
        self.schedule.reopen(work_of(sorted(wrong)))
        self.done -= wrong

    @invariant()
    def each_block_is_with_one_worker(self):
        held = [piece for own in getattr(self, "held", {}).values() for piece in own - self.done]
        assert len(held) == len(set(held))

    def teardown(self):
        if not hasattr(self, "all"):
            return
        for worker in WORKERS:
            self.lose(worker, died=False)
        for _ in range(2 * len(self.all)):  # one worker alone ends it
            self.now += 1.0
            work = self.schedule.hand_out([7], self.now).get(7, Work())
            assert pieces(work) <= self.waiting and bool(work) == bool(self.waiting)
            self.schedule.finish(7, work)
            self.done |= pieces(work)
        assert self.done == self.all


TestInterleaving = Interleaving.TestCase
TestInterleaving.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True)


# --- together -------------------------------------------------------------------------------------

LATENCY = 0.002


def simulate(speeds: Speeds, seconds: dict[int, float], blocks: int, first: float = 0.0, poll: float = 0.1) -> float:
    """One generation of workers that need so many seconds a block, and `first` more for the first; its length."""
    schedule = Watched(Work(tuple(range(blocks))), speeds, update=False)
    todo: dict[int, list[int]] = {}
    spent: dict[int, list[float]] = {worker: [] for worker in seconds}
    finished: dict[int, list[int]] = {worker: [] for worker in seconds}
    sent_at: dict[int, float] = {}
    done: set[int] = set()
    events: list[tuple[float, int, int]] = [(0.0, -1, 0)]
    while len(done) < blocks:
        now, worker, block = heapq.heappop(events)
        assert now < 1e6
        if worker >= 0 and block >= 0:
            finished[worker].append(block)
            spent[worker].append(seconds[worker] + (now - sent_at[worker] < seconds[worker] + first + 0.01) * first)
        if worker >= 0:
            if todo[worker]:
                heapq.heappush(events, (now + seconds[worker], worker, todo[worker].pop(0)))
                continue
            schedule.finish(worker, Work(tuple(finished[worker])))
            done |= set(finished[worker])
            rest = now - sent_at[worker] - sum(spent[worker])
            speeds.observe(worker, spent[worker], None, max(rest, 0.0))
            del todo[worker]
            spent[worker], finished[worker] = [], []
        else:
            heapq.heappush(events, (now + poll, -1, 0))
        idle = [worker for worker in seconds if worker not in todo]
        given = schedule.hand_out(idle, now)
        for worker in idle:
            if worker not in given and (stolen := schedule.steal(worker, now)) is not None:
                victim, given[worker] = stolen
                todo[victim] = [block for block in todo.get(victim, []) if block not in given[worker].blocks]
        for worker, work in given.items():
            new = worker not in speeds._evaluated
            todo[worker], sent_at[worker] = list(work.blocks), now
            start = now + LATENCY + seconds[worker] + new * first
            heapq.heappush(events, (start, worker, todo[worker].pop(0)))
        schedule.overdue(now)
    for worker in todo:  # the answer to what was cancelled comes in the next generation
        speeds.observe(worker, [*spent[worker], seconds[worker]], None, 0.0)
    return now


@pytest.mark.parametrize("scale", [0.01, 1.0, 60.0])
@pytest.mark.parametrize("ratios", [(1, 2, 8), (1, 1, 1, 1), (1, 1, 1, 8), (1, 1.5, 2, 2.5, 3)])
def test_workers_of_different_speed_finish_together(scale, ratios):
    seconds = {worker: scale * ratio for worker, ratio in enumerate(ratios)}
    blocks, speeds = 160, Speeds()
    ideal = blocks / sum(1 / each for each in seconds.values())
    lengths = [simulate(speeds, seconds, blocks, poll=0.1 * scale) for _ in range(3)]
    assert lengths[1] < 1.15 * ideal and lengths[2] < 1.15 * ideal
    assert lengths[0] < 1.7 * ideal  # nothing is known yet, but the fast ones help


def test_a_worker_that_becomes_slow_is_helped_in_the_same_generation():
    seconds = {0: 1.0, 1: 1.0, 2: 1.0}
    speeds = speeds_of(seconds)
    ideal = 60 / (2 + 1 / 8)
    assert simulate(speeds, {0: 1.0, 1: 1.0, 2: 8.0}, 60) < 1.5 * ideal


def test_what_a_call_takes_beside_its_blocks_is_expected_as_well():
    """Such as hashing a large state: a call that takes as long as ever is neither overdue nor helped."""
    speeds = Speeds()
    for _ in range(3):
        speeds.observe(0, [1.0, 1.0], None, 30.0)
    assert speeds.call(0, 2, False) == pytest.approx(32.0)
    schedule = Watched(blocks(0, 1), speeds, False)
    schedule.hand_out([0], 0.0)
    assert schedule.steal(1, 33.0) is None and not schedule.overdue(33.0)
    assert schedule.overdue(5 * 32.0 + 3.0)


def test_a_worker_may_take_a_finite_time_to_replay_before_any_update_was_seen():
    speeds = Speeds()
    assert speeds.patience_of_updates(0) == 0.0
    assert 3600.0 < speeds.patience_of_updates(50) < 2 * 3600.0
    speeds.observe(0, [], 2.0, 0.0)
    assert speeds.patience_of_updates(50) == 5 * 50 * 2.0


def test_a_block_that_was_overdue_is_given_twice_the_time():
    speeds = Speeds()
    for worker in (0, 1):
        for _ in range(2):
            speeds.observe(worker, [1.0], None, 0.0)
    schedule = Watched(blocks(4), speeds, False)
    assert schedule.hand_out([0], 0.0) == {0: blocks(4)}
    assert not schedule.overdue(6.9) and schedule.overdue(7.1) == {0: blocks(4)}
    assert schedule.hand_out([1], 10.0) == {1: blocks(4)}
    assert not schedule.overdue(10.0 + 13.9) and schedule.overdue(10.0 + 14.1) == {1: blocks(4)}
