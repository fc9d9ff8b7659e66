"""One fault of each kind on a cluster of three nodes, and the same bits at the end; then what only a cluster can do."""

import pytest

from benchmarks.chaos import FAULTS, Chaos, judge, plan

pytestmark = pytest.mark.ray


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


def test_the_plan_of_the_benchmark_kills_the_driver_often_enough():
    kinds = plan(200, 0)
    assert len(kinds) == 200 and set(kinds) == set(FAULTS)
    assert sum(kind.startswith("driver") for kind in kinds) >= 30
