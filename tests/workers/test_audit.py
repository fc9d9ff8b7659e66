"""Which blocks are evaluated twice, and who is wrong where that comes to different results."""

import pytest

from eggroll_ray.workers.audit import Audit, Finding, Verdict, judge

A, B, C, D = 11, 22, 33, 44  # fingerprints
TEN = tuple(range(10))


def begun(share: float, number: int = 0, blocks=TEN) -> Audit:
    audit = Audit(share)
    audit.begin(7, number, blocks)
    return audit


def proven(audit: Audit, workers) -> Audit:
    for worker in workers:
        audit.note(worker, {0: A})
    return audit


def test_a_worker_is_compared_with_another_until_it_has_been():
    audit = begun(1e-9)
    assert audit.choose(0, (0, 1), 2) == (2,) and audit.choose(1, (2, 3), 2) == (0,)
    audit.note(0, {0: A, 1: B, 2: C})
    assert audit.choose(0, (0, 1), 2) == (2,), "so far nobody else has evaluated these"
    audit.note(1, {0: A, 2: C, 3: D})
    assert audit.choose(0, (0, 1), 2) == audit.choose(1, (2, 3), 2) == ()
    assert audit.disputed() is None
    audit.begin(7, 1, TEN)
    assert audit.choose(0, (0, 1), 2) == () and audit.choose(2, (0, 1), 3) == (2,)
    audit.forget(0)
    assert audit.choose(0, (0, 1), 2) == (2,), "it was rebuilt"


def test_a_worker_whose_results_cannot_be_compared_is_not_asked_for_ever():
    audit = begun(1e-9)
    assert [audit.choose(0, (0,), 2) for _ in range(5)] == [(1,)] * 3 + [()] * 2
    audit.forget(0)  # once it is rebuilt
    assert audit.choose(0, (0,), 2) == (1,)


@pytest.mark.parametrize(
    ("share", "own", "workers"), [(0.0, (0,), 2), (1.0, (0,), 1), (1.0, (), 2), (1e-9, TEN, 2), (1.0, TEN, 2)]
)
def test_nothing_is_compared_where_there_is_nobody_to_compare_with(share, own, workers):
    assert begun(share).choose(0, own, workers) == ()


def test_the_share_is_drawn_anew_in_every_generation_and_is_that_of_all_blocks():
    draws = [tuple(begun(0.05, number, range(1000))._left) for number in range(20)]
    assert len({*draws}) == 20 and 900 < sum(map(len, draws)) < 1100
    assert begun(0.05, 3, range(1000))._left == list(draws[3])
    other = Audit(0.05)
    other.begin(8, 3, range(1000))
    assert other._left != list(draws[3])
    assert begun(1.0)._left == list(TEN)


def test_drawn_blocks_are_given_out_once_each_to_somebody_else():
    audit = proven(begun(1.0, blocks=range(9)), range(3))
    given = [audit.choose(worker, tuple(range(3 * worker, 3 * worker + 3)), 3) for worker in range(3)]
    assert given == [(3, 4, 5), (6, 7, 8), (0, 1, 2)]
    assert audit.choose(0, (0,), 3) == ()
    # Of few drawn blocks nobody gets more than its part, rounded up.
    audit = proven(begun(1.0, blocks=range(4)), range(3))
    assert [len(audit.choose(worker, (9,), 3)) for worker in range(3)] == [2, 2, 0]


def test_a_block_that_came_to_two_results_is_disputed_until_one_side_is_forgotten():
    audit = begun(1e-9)
    audit.note(0, {0: A, 1: B})
    audit.note(1, {1: C})
    audit.note(2, {1: B})
    assert audit.disputed() == (1, {0: B, 1: C, 2: B})
    audit.forget(1)
    assert audit.disputed() is None
    audit.note(1, {0: C})
    assert audit.disputed() == (0, {0: A, 1: C})
    audit.begin(7, 1, TEN)
    assert audit.disputed() is None


def test_once_stopped_it_compares_nothing():
    audit = begun(1.0)
    assert audit.on
    audit.note(0, {0: A})
    audit.note(1, {0: B})
    audit.stop()
    assert not audit.on and audit.disputed() is None and audit.choose(0, (0,), 2) == ()
    audit.begin(7, 1, TEN)
    assert audit.choose(0, (0,), 2) == ()


def workers(always=(), once=()) -> Verdict:
    return Verdict(Finding.WORKERS, frozenset(always), frozenset(once))


@pytest.mark.parametrize(
    ("first", "again", "expected"),
    [
        ({0: A, 1: B}, {0: [A, A], 1: [B, B], 2: [A, A]}, workers(always={1})),
        ({0: A, 1: B}, {0: [A, A], 1: [A, A]}, workers(once={1})),
        ({0: A, 1: B}, {0: [C, C], 1: [C, C], 2: [C, C]}, workers(once={0, 1})),
        ({0: A, 1: B, 2: A}, {0: [A, A], 1: [B, B], 2: [A, A], 3: [A, A]}, workers(always={1})),
        ({0: A, 1: B}, {0: [A, A], 1: [B, C], 2: [A, A]}, workers(always={1})),  # it is unsteady by itself
        ({0: A, 1: B}, {0: [A, A]}, workers(once={1})),  # the other is gone
        ({0: A, 1: B}, {0: [A, A], 1: [B, B]}, Verdict(Finding.UNKNOWN)),
        ({0: A, 1: B}, {0: [A, A], 1: [B, B], 2: [A, A], 3: [B, B]}, Verdict(Finding.UNKNOWN)),
        ({0: A, 1: B}, {0: [A, A], 1: [B, B], 2: [C, C]}, Verdict(Finding.UNKNOWN)),
        ({0: A, 1: B}, {}, workers(once={0, 1})),
        ({0: A, 1: B}, {0: [A, C], 1: [B, D]}, Verdict(Finding.FITNESS)),
        ({0: A, 1: B}, {0: [A, C], 1: [B, B]}, Verdict(Finding.FITNESS)),  # half of them
        ({0: A, 1: B}, {0: [A, C], 1: [B, D], 2: [A, A]}, Verdict(Finding.FITNESS)),
    ],
)
def test_most_workers_are_right_if_each_is_with_itself(first, again, expected):
    assert judge(first, again) == expected
