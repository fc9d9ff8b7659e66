"""The benchmark of forecasts on tiny sizes: what is compared, counted, kept and rendered."""

import json

import pytest

from benchmarks.cluster import plan
from benchmarks.cluster.plan import Case, Scaling, close, compare, from_rows, in_process, page, project
from eggroll_ray.forecast.cost import Cluster, Job, Rates, predict_generation
from eggroll_ray.workers.plan import Plan

TINY = Case("tanh-3", (8,), 1, 16, (256,), 4)
MEASURED = {"generation": 1.0, "evaluate": 0.7, "update": 0.2, "driver": 0.1, "member_steps_per_second": 192.0}


@pytest.fixture(scope="module")
def record(compile_quickly):
    scaled = []
    for workers in (1, 2):
        found = predict_generation(Job(Plan(64, 8, 0, 1), 3.0, 0, 0), Rates(0.1, 0, 0.1, 0), Cluster(), workers)
        measured = MEASURED | {"bytes_down": workers * 256, "bytes_up": 64 * 4 + 8 * 64}
        scaled.append({"workers": workers, "population": 64, "hidden": (8, 8), **compare(found, measured)})
    return {
        "command": "python -m benchmarks.cluster.plan",
        "date": "2026-01-01",
        "machine": "none",
        "versions": {"jax": "0"},
        "rows": in_process(TINY, 1),
        "scaling": scaled,
        "projection": project(64, 8),
    }


@pytest.mark.slow
def test_a_row_is_predicted_from_fewer_members_than_it_is_measured_with(record):
    (row,) = record["rows"]
    assert 16 <= row["members_measured"] < row["population"] == 256 and row["members_per_block"] == 4
    assert plan.case_of(row) == TINY
    assert {*row["ratio"]} >= {"generation", "evaluate", "update", "driver", "member_steps_per_second"}
    for name, ratio in row["ratio"].items():
        assert ratio == pytest.approx(row["predicted"][name] / row["measured"][name]) and ratio >= 0
    json.dumps(record)


@pytest.mark.slow
def test_bytes_of_the_scaling_are_exact(record):
    assert [row["ratio"][name] for row in record["scaling"] for name in ("bytes_down", "bytes_up")] == [1.0] * 4


def test_what_is_within_a_quarter_is_counted():
    rows = [{"ratio": {"update": ratio}} for ratio in (0.7, 0.76, 1.0, 1.24, 1.3)] + [{"ratio": {}}]
    assert close(rows, "update") == (3, 5)


def test_rates_of_a_worker_are_the_line_through_two_populations():
    first, second = ({"evaluate": 1.0 + 0.01 * n, "update": 0.5 + 0.001 * n} for n in (100, 200))
    found = from_rows(Scaling((100, 200), 400, 10, 3), first, second)
    assert found.rates[:4] == pytest.approx((0.1, 1.0, 0.5, 0.001))
    assert found.steps == 3 and found.members == 200


@pytest.mark.slow
def test_the_page_says_how_many_forecasts_hold_and_what_is_only_projected(record):
    text = page(record)
    assert f"generation {close(record['rows'], 'generation')[0]} of 1" in text.split("##")[0]
    assert f"| tanh-3 | 1 x 8 | 1 | {record['rows'][0]['members_measured']} | 256 | 4 |" in text
    assert "bytes_down 2 of 2" in text and "predicted" in text
    assert "2 x 8, from one Ray worker" in text and "Within 25% are" in text
    assert text.count("| whole |") == text.count("| split |") == 4 and "Not measured" in text


@pytest.mark.slow
def test_a_run_that_was_ended_goes_on_with_the_rows_that_are_missing(record, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(plan, "CASES", [TINY, TINY._replace(rank=4)])
    monkeypatch.setattr(plan, "in_process", lambda case, _: asked.append(case) or [{**record["rows"][0], "rank": 4}])
    monkeypatch.setattr(plan, "on_ray", lambda *_: record["scaling"])
    monkeypatch.setattr(plan, "project", lambda *_: record["projection"])
    monkeypatch.setattr(plan, "head", lambda *_: {"machine": "none", "versions": {"jax": "0"}, "commit": "abc"})
    older = {**record["rows"][0], "small": 99}  # of a case that is no longer there
    kept = {"machine": "none", "versions": {"jax": "0"}, "commit": "abd", "date": "2026-01-01", "command": "plan"}
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(kept | {"rows": [older, *record["rows"]]}))
    with pytest.raises(ValueError, match=r"plan.json has commit abd, new rows would have abc; .* leave out --resume"):
        plan.main(resume=True, docs=tmp_path)
    assert not asked
    path.write_text(json.dumps(kept | {"commit": "abc", "rows": [older, *record["rows"]]}))
    plan.main(resume=True, docs=tmp_path)
    kept = json.loads(path.read_text())
    assert asked == [TINY._replace(rank=4)] and [row["rank"] for row in kept["rows"]] == [1, 4]
    assert (tmp_path / "plan.md").read_text() == page(kept) and kept["date"] == "2026-01-01"
    monkeypatch.setattr(plan, "head", lambda *_: {"commit": "another"})
    plan.main(resume=True, docs=tmp_path)  # nothing is missing: the page alone
    assert json.loads(path.read_text()) == kept and len(asked) == 1


@pytest.mark.slow
def test_a_forecast_from_more_than_a_quarter_of_what_it_predicts_is_refused():
    with pytest.raises(ValueError, match=r"tanh-3: 32 members were measured, more than a quarter of 64"):
        in_process(TINY._replace(small=32, populations=(64, 256)), 1)
