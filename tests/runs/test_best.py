"""The best test of a run: in memory, in `best/`, and after a kill, always the one that the rows of metrics name."""

import json
import math
import shutil

import jax
import numpy as np
import pytest

import eggroll_ray as er
from eggroll_ray.runs import best as best_module
from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.best import BestSoFar, Score, best_of
from eggroll_ray.runs.history import load_history
from eggroll_ray.runs.metrics import read_metrics

pytestmark = pytest.mark.usefixtures("compile_quickly")

# What is drawn is all that counts: which generation has the best test is not known before.
LUCK = er.from_fitness(lambda params, key: jax.random.normal(key) + 0 * params["w"][0], {"w": np.zeros(3, np.float32)})
STRATEGY = er.eggroll()


def trainer(run=None, **options):
    watch = options.pop("watch", er.Watch(episodes=2))
    return er.Trainer(LUCK, STRATEGY, population_size=8, block_size=8, seed=4, run=run, watch=watch, **options)


def best_row(run):
    return max((row for row in read_metrics(run / "metrics.jsonl")), key=lambda row: row["mean_policy_return"])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A run of which the best test is neither the first nor the last, and its result."""
    run = tmp_path_factory.mktemp("best") / "run"
    with trainer(run) as made:
        result = made.fit(9)
        [there] = made.means_at([result.best.generation])
    assert 0 < result.best.generation < 8
    return run, result, there.params


@pytest.fixture
def copied(recorded, tmp_path):
    """A run folder of the test's own."""
    shutil.copytree(recorded[0], tmp_path / "run")
    return tmp_path / "run"


def test_the_best_are_the_parameters_of_the_best_row(recorded):
    run, result, params = recorded
    row = best_row(run)
    best = result.best
    assert (best.generation, best.mean, best.episodes) == (row["generation"], row["mean_policy_return"], 2)
    assert best.std == row["mean_policy_return_std"]
    np.testing.assert_array_equal(best.params["w"], params["w"])
    manifest = checkpoint.read_manifest(run / "best")
    assert (manifest["generation"], manifest["mean_policy_return"]) == (best.generation, best.mean)
    template = {"params": params, "statistics": ()}
    np.testing.assert_array_equal(checkpoint.load_folder(run / "best", template)["params"]["w"], params["w"])
    found = load_history(run).best
    assert found is not None and (found.generation, found.mean) == (best.generation, best.mean)


def test_a_run_without_a_record_keeps_the_best_in_memory(recorded):
    with trainer() as made:
        best = made.fit(9).best
    np.testing.assert_array_equal(best.params["w"], recorded[2]["w"])
    assert best.generation == recorded[1].best.generation


@pytest.mark.parametrize("left", ["nothing", "another", "damaged"])
def test_after_a_kill_the_best_is_that_of_the_rows_whatever_is_in_its_folder(recorded, copied, left):
    folder = copied / "best"
    if left == "damaged":
        (folder / "arrays.safetensors").write_bytes(b"none")
    else:
        shutil.rmtree(folder)
    if left == "another":
        about = Score(2, -100.0, 1.0, 2).row()
        checkpoint.save_folder(folder, {"params": {"w": np.ones(3, np.float32)}, "statistics": ()}, about)
    with trainer(er.Run(copied, resume=True)) as made:
        best = made.fit(9).best
    assert best.generation == recorded[1].best.generation
    np.testing.assert_array_equal(best.params["w"], recorded[2]["w"])
    np.testing.assert_array_equal(
        checkpoint.load_folder(folder, {"params": recorded[2], "statistics": ()})["params"]["w"], recorded[2]["w"]
    )


def test_the_parameters_with_which_a_run_ends_count_though_no_row_is_about_them(tmp_path):
    with trainer() as made:
        at = made.fit(9).best.generation
    with trainer(tmp_path / "run") as made:
        result = made.fit(at)
    assert result.best.generation == result.generations == at
    assert load_history(tmp_path / "run").best.generation == at
    with trainer(er.Run(tmp_path / "run", resume=True), watch=er.Watch(every=50, episodes=2)) as made:
        assert made.fit(at + 1).best.generation == at  # only `best/` knows that test


def test_the_test_at_the_end_of_an_earlier_fit_still_counts_where_the_record_is_read(tmp_path):
    with trainer() as made:
        at = made.fit(9).best.generation
    run, sparse = tmp_path / "run", er.Watch(every=50, episodes=2)
    with trainer(run, watch=sparse) as made:
        made.fit(at)
    with trainer(er.Run(run, resume=True), watch=sparse) as made:
        best = made.fit(at + 1).best
    assert best.generation == at == load_history(run).best.generation
    np.testing.assert_array_equal(er.load_params(run, "best")["w"], best.params["w"])


def test_of_equal_tests_the_earlier_counts_and_what_is_no_number_does_not():
    rows = [
        {"generation": number, "mean_policy_return": value}
        for number, value in enumerate([None, float("nan"), 1.0, 3.0, 3.0, 2.0])
    ]
    assert best_of([*rows, {"event": "failed", "generation": 9, "mean_policy_return": 9.0}]).generation == 3
    assert best_of(rows[:2]) is None


def test_it_is_copied_no_more_often_than_costs_a_twentieth_of_the_time(tmp_path, monkeypatch):
    class Clock:
        now = 0.0

        def monotonic(self):
            return self.now

    clock, copies = Clock(), []
    monkeypatch.setattr(best_module, "time", clock)

    def snapshot():
        clock.now += 1.0  # a second for each copy
        copies.append(clock.now)
        return {"state": er.ESState(np.float32(0), (), 0, 0), "statistics": ()}

    best = BestSoFar(tmp_path)
    for number in range(100):
        clock.now += 1.0
        best.consider(Score(number, float(number), 0.0, 1), snapshot)
    assert len(copies) == 5 and best.held is None and best.tested.generation == 99


def test_what_was_held_is_never_written_as_another_test(tmp_path, monkeypatch):
    best, state = BestSoFar(tmp_path), er.ESState({"w": np.ones(3, np.float32)}, (), 0, 0)
    best.consider(Score(0, 0.0, 0.0, 1), lambda: {"state": state, "statistics": ()})
    monkeypatch.setattr(best, "_copy_from", math.inf)  # so soon after the first it is not copied
    best.consider(Score(1, 1.0, 0.0, 1), lambda: {"state": state, "statistics": ()})
    best.save()
    assert best.held is None and not best.is_due() and not (tmp_path / "best").exists()


def test_a_best_folder_without_arrays_is_rebuilt_from_the_log(recorded, copied):
    about = json.loads((copied / "best/manifest.json").read_text()) | {"arrays": {}}
    (copied / "best/manifest.json").write_text(json.dumps(about))
    found = er.load_params(copied, "best", evaluator=LUCK, strategy=STRATEGY)
    np.testing.assert_array_equal(found["w"], recorded[2]["w"])


def test_in_self_play_there_is_none(tmp_path):
    """Each generation has opponents of its own."""
    (tmp_path / "config.json").write_text(json.dumps({"settings": {"evaluator": {"rivals": {"count": 1}}}}))
    (tmp_path / "metrics.jsonl").write_text(json.dumps({"generation": 0, "mean_policy_return": 1.0}) + "\n")
    assert load_history(tmp_path).best is None
