"""Who is let in: what most workers are decides, once that is known, and whoever differs is refused for a while."""

import pytest

from eggroll_ray.workers.admission import Admission

A, B = {"code": "1", "jax": "9"}, {"code": "2", "jax": "9"}
BRAX, OLD_BRAX, MINE = (
    {**A, name: value} for name, value in (("package brax", "2"), ("package brax", "1"), ("source of m", "x"))
)


@pytest.mark.parametrize(
    ("known", "wanted", "at_once", "settled", "let_in", "refused"),
    [
        ([], 3, True, False, [], []),  # of nobody nothing is known
        ([A], 3, False, False, [], []),
        ([A], 1, False, True, [A], [B]),
        ([A, A], 4, False, False, [], []),  # half are not most
        ([A, A], 3, False, True, [A], [B]),
        ([B, A, A], 3, False, True, [A], [B]),  # the first to answer may be the odd one
        ([A, B], 2, False, True, [A], [B]),  # all have answered
        ([A, B], 3, False, False, [], []),
        ([B], 9, True, True, [B], [A]),  # they were waited for long enough
        ([BRAX, A, MINE], 5, False, True, [A, MINE, BRAX], [B, OLD_BRAX]),  # what one has loaded is no difference
        ([BRAX, OLD_BRAX, BRAX], 3, False, True, [BRAX, A], [OLD_BRAX]),
    ],
)
def test_what_most_are_is_the_rule(known, wanted, at_once, settled, let_in, refused):
    admission = Admission(strict=True)
    assert admission.settle(known, wanted, at_once) == settled
    assert all(admission.refuse(facts, 0.0) is None for facts in let_in)
    for facts in refused:
        assert (reason := admission.refuse(facts, 0.0)) and reason.startswith("it has ")
    if not settled:
        assert admission.refuse(B, 0.0) is None


def test_the_rule_does_not_change_once_it_is_known():
    admission = Admission(strict=True)
    assert admission.settle([A], 1, at_once=False)
    assert admission.settle([A, B, B, B], 4, at_once=True)
    assert admission.refuse(A, 0.0) is None and admission.refuse(B, 0.0)


def test_a_reason_names_all_that_differs_and_nothing_else():
    admission = Admission(strict=True)
    admission.settle([BRAX], 1, at_once=True)
    reason = admission.refuse({"code": "2", "new": "3", "jax": "9", "package brax": "1", "package x": "1"}, 0.0)
    assert reason is not None
    assert reason.startswith(
        "it has code '2' instead of '1', new '3' instead of None, package brax '1' instead of '2', and could compute "
        "different bits; use machines with the same"
    )


def test_without_a_rule_everybody_is_let_in():
    admission = Admission(strict=False)
    assert admission.settle([], 3, at_once=False) and admission.settle([A, B], 9, at_once=False)
    assert admission.refuse(A, 0.0) is None and admission.refuse(B, 0.0) is None and admission.refused(0.0) == 0


def test_the_place_of_a_refused_worker_stays_empty_for_twice_as_long_each_time_up_to_an_hour():
    admission = Admission(strict=True)
    admission.settle([A], 1, at_once=True)
    assert admission.refused(100.0) == 0
    now = 100.0
    for seconds in (60, 120, 240, 480, 960, 1920, 3840, 3840, 3840):
        assert admission.refuse(B, now)
        assert admission.refused(now) == admission.refused(now + seconds - 0.1) == 1
        assert admission.refused(now + seconds) == 0
        now += seconds
    admission.close_a_place(now)
    admission.refuse(B, now + 1.0)
    assert admission.refused(now + 1.0) == 2
    assert admission.refuse(A, now) is None and admission.refused(now + 1.0) == 2
