"""The committed pages of the benchmarks say what their committed data say."""

import json

from benchmarks import driver


def test_the_page_of_the_driver_benchmark_is_of_its_data():
    record = json.loads((driver.DOCS / "driver.json").read_text())
    assert {row["workers"] for row in record["ray"]} == set(driver.WORKERS)
    assert {row["population"] for row in record["ray"]} == set(driver.POPULATIONS)
    assert (driver.DOCS / "driver.md").read_text() == driver.page(record)
