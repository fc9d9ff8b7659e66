"""Features in pairs: what a run with some of them comes to is the same, whoever evaluates it and wherever it stops.

Behaviour that a feature has alone is tested where the feature is. Here any two of them meet: a battery trains tiny runs
(`tests/helpers/features.py`), and the first test says that no pair is missing.
"""

import itertools
from pathlib import Path

import cloudpickle
import features
import pytest
import toy_games
from features import APART, GENERATIONS, OPTIONS, PLACES, Case, battery, evaluator_of, options_of, strategy_of

import eggroll_ray as er

pytestmark = pytest.mark.usefixtures("compile_quickly")

ONE_HALF = {"normalised", "groups", "truncation", "lost", "signs", "schedules", "steered", "frozen", "stacked"}
OTHER_HALF = {
    *("memory", "groups", "truncation", "windows", "reused", "rademacher", "clipup", "densified", "bfloat16"),
    "steered",
}


def case(place: str, options: set[str] | frozenset[str]) -> Case:
    return Case(place, frozenset(options) & options_of(place))


CASES = [
    *(
        case(place, half)
        for place in ("fitness", "env", "self-play", "gymnasium", "parallel")
        for half in (ONE_HALF, OTHER_HALF)
    ),
    case("team", (ONE_HALF | {"windows", "persistent"}) - {"stacked"}),
    case("team", OTHER_HALF | {"stacked"}),
    case("env", options_of("env") - {"reused"}),
    *(case(place, options_of(place)) for place in ("data", "batched", "blocking", "self-play on the host")),
]
NEEDS = {"persistent": {"windows"}}
ALONE = [case(place, {option, *NEEDS.get(option, ())}) for place in PLACES for option in sorted(options_of(place))]


def test_all_pairs_that_go_together_are_among_the_cases():
    tested = set().union(*(one.pairs() for one in CASES))
    options = map(frozenset, itertools.combinations(OPTIONS, 2))
    wanted = {*options, *(frozenset((place, option)) for place in PLACES for option in OPTIONS)} - set(APART)
    assert tested == wanted


@pytest.mark.parametrize("one", CASES, ids=str)
def test_features_together_give_the_same_bits_however_a_run_goes(one, tmp_path):
    battery(one, tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize("one", ALONE, ids=str)
def test_a_feature_alone_gives_the_same_bits_however_a_run_goes(one, tmp_path):
    battery(one, tmp_path / "run")


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.parametrize("one", [one for one in CASES if one.place in ("data", "team", "parallel")], ids=str)
def test_features_together_give_the_same_bits_on_ray(one):
    for module in (features, toy_games):  # workers have none of the tests' modules
        cloudpickle.register_pickle_by_value(module)

    def digest(workers):
        options = {"population_size": 8, "block_size": 4, "seed": 3, "watch": er.Watch(every=0), "workers": workers}
        with er.Trainer(evaluator_of(one), strategy_of(one.options), **options) as trainer:
            return trainer.fit(GENERATIONS).digest

    assert digest(2) == digest(0)


def test_the_page_is_that_of_the_features():
    assert (Path(__file__).parents[1] / "docs" / "features.md").read_text() == features.page()
