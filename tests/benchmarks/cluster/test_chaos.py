"""One fault of each kind on a cluster of three nodes, and the same bits at the end; and the table of two hundred."""

import collections
import json
import math

import pytest

from benchmarks.cluster.chaos import DOCS, FAULTS, Chaos, Fault, judge, page, plan

pytestmark = pytest.mark.ray


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_each_kind_of_fault_changes_nothing(tmp_path):
    with Chaos("custom", tmp_path / "custom") as chaos:
        for kind in FAULTS:
            fault = chaos.inject(kind)
            assert fault.seconds < 120, fault
        result = chaos.stop()
    assert result["status"] == "stopped"
    assert judge(chaos, result)
    assert all(fault.digest_equal for fault in chaos.faults)
    names = set(chaos.events())
    assert {"worker lost", "deadline passed", "worker back", "worker quarantined", "worker joined", "resumed"} <= names
    assert names >= {"blocks re-queued"} and "failed" not in names


def test_the_committed_table_is_of_two_hundred_faults_that_changed_nothing():
    record = json.loads((DOCS / "chaos.json").read_text())
    faults = [Fault(**fault) for fault in record["faults"]]
    assert [fault.kind for fault in faults] == plan(200, 0) and record["runs_equal"] == [True, True]
    assert all(fault.digest_equal and math.isfinite(fault.seconds) for fault in faults)
    assert collections.Counter(fault.task for fault in faults) == {"custom": 100, "cartpole": 100}
    assert (DOCS / "chaos.md").read_text() == page(record)


def test_the_plan_of_the_benchmark_kills_the_driver_often_enough():
    kinds = plan(200, 0)
    assert len(kinds) == 200 and set(kinds) == set(FAULTS)
    assert sum(kind.startswith("driver") for kind in kinds) >= 30
