"""The committed pages of the benchmarks say what their committed data say."""

import json

from benchmarks.cluster import driver, plan
from benchmarks.noise import noise_pages, noise_quality
from benchmarks.peers import end_to_end_pages
from benchmarks.peers.end_to_end_rows import FILES, TASKS, find, outcome
from benchmarks.rl import coevolution, laws, persistent
from benchmarks.shared import kept_rows
from benchmarks.speed import speed, speed_pages


def test_the_page_of_the_driver_benchmark_is_of_its_data():
    record = json.loads((driver.DOCS / "driver.json").read_text())
    assert {row["workers"] for row in record["ray"]} == set(driver.WORKERS)
    assert {row["population"] for row in record["ray"]} == set(driver.POPULATIONS)
    assert (driver.DOCS / "driver.md").read_text() == driver.page(record)


def test_the_page_of_windows_is_of_its_data_and_the_corrected_methods_learn_what_truncation_does_not():
    record = json.loads((persistent.DOCS / "persistent.json").read_text())
    assert (persistent.DOCS / "persistent.md").read_text() == persistent.page(record)
    for run in record["runs"]:
        assert (run["curve"][-1] < -1.0) if run["method"] == "truncated" else (run["curve"][-1] > run["curve"][0])
    assert {run["method"] for run in record["runs"]} == set(persistent.METHODS)


def test_the_page_of_predators_and_prey_is_of_its_data_and_both_sides_learn_in_every_run():
    record = json.loads((coevolution.DOCS / "coevolution.json").read_text())
    assert (coevolution.DOCS / "coevolution.md").read_text() == coevolution.page(record)
    for run in record["runs"]:
        assert min(coevolution.gains(run).values()) > 0


def test_gains_are_of_each_side_against_the_same_frozen_opponents_but_the_untrained_ones():
    predator, prey = [[1.0, 0.5], [5.0, 3.5]], [[-1.0, -9.0], [-8.0, -6.0]]
    assert coevolution.gains({"predator": predator, "prey": prey}) == {"predator": 3.0, "prey": 2.0}


def test_the_page_of_speed_is_of_its_data_and_noise_and_updates_are_as_fast_as_was_asked():
    docs = persistent.DOCS
    record = json.loads((docs / "performance.json").read_text())
    assert (docs / "performance.md").read_text() == speed_pages.page(record)
    assert [tuple(row[name] for name in speed.Rollout._fields[1:4]) for row in record["rollout"]] == [
        (row.population, row.rank, row.law) for row in speed.FULL
    ]
    assert record["noise"]["normal"]["million_per_second"] > 120
    assert record["noise"]["rademacher"]["million_per_second"] > 400
    (update,) = (row for row in record["update"] if row["members"] == 131072)
    assert update["ratio"]["normal"] < 0.6 and update["ratio"]["rademacher"] < 0.4
    assert max(update["peak_mb"].values()) < 64


def test_the_page_of_forecasts_is_of_its_data_and_bytes_are_exact():
    record = json.loads((plan.DOCS / "plan.json").read_text())
    assert (plan.DOCS / "plan.md").read_text() == plan.page(record)
    assert {plan.case_of(row) for row in record["rows"]} == set(plan.CASES)
    assert all(row["ratio"][name] == 1 for row in record["scaling"] for name in ("bytes_down", "bytes_up"))


def test_the_page_of_the_noise_is_of_its_data_and_only_what_is_faulty_on_purpose_fails():
    rows = kept_rows.load(noise_quality.DOCS / "noise_quality.json")
    assert (noise_quality.DOCS / "noise_quality.md").read_text() == noise_pages.page(rows)
    battery = [row for row in rows if row["part"] == "battery"]
    assert {row["stream"] for row in battery} == set(noise_quality.STREAMS)
    failing = {row["stream"] for row in battery for one in row["assessments"] if one["verdict"] == "FAILED"}
    assert failing == {name for name, stream in noise_quality.STREAMS.items() if stream.faulty}
    assert [row["failed"] for row in rows if row["part"] == "doctor"] == [[], []]


SEEDS_OF_LAWS = {"gymnax/CartPole-v1": 5, "gymnax/Pendulum-v1": 20, "brax/inverted_double_pendulum": 10}


def test_the_page_of_the_laws_of_noise_is_of_its_data():
    rows = kept_rows.load(laws.DOCS / "laws.json")
    assert (laws.DOCS / "laws.md").read_text() == laws.page(rows)
    assert {*SEEDS_OF_LAWS} == {task.env for task in laws.TASKS} == {row["env"] for row in rows}
    for env, seeds in SEEDS_OF_LAWS.items():
        ran = {(row["law"], row["seed"]) for row in rows if row["env"] == env}
        assert ran == {(law, seed) for law in laws.LAWS for seed in range(seeds)}


def test_the_page_of_races_is_of_its_data_and_no_program_crashed():
    docs = persistent.DOCS
    parts = [kept_rows.load(docs / FILES[part]) for part in ("race", "ant", "tune")]
    assert (docs / "end_to_end.md").read_text() == end_to_end_pages.page(*parts)
    for part in parts:
        assert not any(outcome(row) == "crashed" for row in part)
    race, _, _ = parts
    for task in TASKS:
        seeds = [{row["settings"]["seed"] for row in find(race, one.name, task.env)} for one in task.entrants]
        assert seeds[0] and all(own == seeds[0] for own in seeds), "all take part in every race"
