"""A run ends where its tests no longer get better, at the same generation however often it was interrupted."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from evaluating import bound_once

import eggroll_ray as er
from eggroll_ray.runs.plateau import Plateau

pytestmark = pytest.mark.usefixtures("compile_quickly")

# No member is better than another: nothing moves.
FLAT = bound_once(er.from_fitness(lambda p, key: 0.0 * jnp.sum(p["w"]), {"w": np.ones((2, 2), np.float32)}))


def reached_at(tests, patience, min_delta=0.0):
    plateau = Plateau(patience, min_delta)
    for generation, test in enumerate(tests):
        plateau.take(generation, test)
        if plateau.reached:
            return generation
    return None


@pytest.mark.parametrize(
    ("tests", "patience", "min_delta", "end"),
    [
        ([1, 1, 1, 1], 2, 0.0, 2),
        ([1, 2, 3, 4, 5], 1, 0.0, None),
        ([1, 2, 2, 3, 3, 3], 2, 0.0, 5),
        ([1, 1.6, 2.2, 2.8, 3.4], 2, 1.0, None),  # slowly, but more than one better in two generations
        ([1, 1.4, 1.8, 2.2], 2, 1.0, 2),
        ([1, None, None, 1], 2, 0.0, 3),  # only a test can end it
        ([math.nan, math.nan, 1, 1, 1], 2, 0.0, 4),
        ([5, 1, 1], 2, 0.0, 2),
        ([1] * 99, None, 0.0, None),
    ],
)
def test_it_counts_generations_since_the_best_test_got_better(tests, patience, min_delta, end):
    assert reached_at(tests, patience, min_delta) == end
    if end is not None:  # continued after any of the generations
        for stop in range(end + 1):
            plateau = Plateau(patience, min_delta, enumerate(tests[:stop]))
            assert not plateau.reached
            for generation in range(stop, end + 1):
                plateau.take(generation, tests[generation])
            assert plateau.reached


def trainer(patience, run=None):
    watch = er.Watch(patience=patience, episodes=1)
    return er.Trainer(FLAT, er.eggroll(), population_size=4, block_size=4, seed=1, watch=watch, run=run)


def test_a_run_ends_on_a_plateau_and_goes_on_with_more_patience(tmp_path):
    run = tmp_path / "run"
    with trainer(4, er.Run(run)) as begun:
        assert begun.fit(2).status == "finished"
    with trainer(4, er.Run(run, resume=True)) as resumed:
        result = resumed.fit(50)
        assert (result.status, result.generations) == ("plateau", 5)
        assert resumed.fit(50).generations == 5
    with trainer(6, er.Run(run, resume=True)) as patient:
        rows = list(patient)
        result = patient.result()
    assert [row["generation"] for row in rows] == [5, 6] and (result.status, result.generations) == ("plateau", 7)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"patience": 0}, "patience=0 must be at least 1"),
        ({"patience": 3, "every": 0}, "patience=3 needs tests"),
        ({"min_delta": -1.0}, "min_delta=-1.0 must be at least 0"),
    ],
)
def test_what_is_out_of_range_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        er.Watch(**given)


def test_tests_against_other_opponents_have_no_plateau(tmp_path):
    evaluator = FLAT._replace(duel=lambda *args: None)
    watch = er.Watch(patience=2, episodes=1)
    with pytest.raises(ValueError, match="patience=2 does not go with self-play"):
        er.Trainer(evaluator, population_size=4, watch=watch, run=tmp_path / "run")
    assert not (tmp_path / "run").exists()
