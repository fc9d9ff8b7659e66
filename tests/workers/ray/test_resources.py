"""Waiting for a cluster that has too little, without Ray: its clock and its machines are given."""

import types

import pytest

import eggroll_ray as er
from eggroll_ray.workers.ray import backend


@pytest.fixture
def clock(monkeypatch):
    """The seconds that have passed; sleeping takes none."""
    now = types.SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(
        backend,
        "time",
        types.SimpleNamespace(
            monotonic=lambda: now.seconds, sleep=lambda seconds: setattr(now, "seconds", now.seconds + seconds)
        ),
    )
    return now


def waiting(workers: er.Workers) -> backend.RayBackend:
    cluster = backend.RayBackend.__new__(backend.RayBackend)
    cluster._workers, cluster._local = workers, False
    return cluster


def test_whoever_waits_for_a_cluster_is_told_every_half_minute_what_is_lacking(clock, monkeypatch, caplog):
    """Machines install for minutes: here two workers' room comes after 50 and 100 seconds."""
    monkeypatch.setattr(backend, "find_places", lambda: [{"CPU": 1.0}] * int((clock.seconds - 100) // 50))
    assert waiting(er.Workers(2, wait_seconds=1200))._wait_for_resources() == 0
    assert clock.seconds == 200
    said = [(record.args[0], record.args[1].split("enough for ")[1][0]) for record in caplog.records]
    assert said == [(1200, "0"), (1170, "0"), (1140, "1"), (1110, "1")]


def test_a_cluster_that_stays_too_small_is_an_error_after_the_wait(clock, monkeypatch):
    monkeypatch.setattr(backend, "find_places", lambda: [])
    with pytest.raises(er.WorkerError, match="asked for 2 workers"):
        waiting(er.Workers(2, wait_seconds=1200))._wait_for_resources()
    assert 1300 < clock.seconds <= 1302
