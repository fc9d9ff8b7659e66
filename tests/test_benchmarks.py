"""The committed pages of the benchmarks say what their committed data say."""

import json

from benchmarks import coevolution, driver, persistent


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
