"""Hyperparameters that change while a run goes on: with the same generation wherever the run is rebuilt."""

import os
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from evaluating import bound_once

import eggroll_ray as er
from eggroll_ray.es.steering import not_adjustable
from eggroll_ray.replay import Replay
from eggroll_ray.runs.changes import Changes, still_waiting
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.runs.metrics import read_metrics
from eggroll_ray.workers.worker import Worker

pytestmark = pytest.mark.usefixtures("compile_quickly")

START = {"w": np.zeros((4, 3), np.float32)}
EVALUATOR = bound_once(er.from_fitness(lambda p, key: -jnp.sum((jnp.ones(4) @ p["w"] - 1.0) ** 2), START))
STRATEGY = er.eggroll(optimizer=optax.inject_hyperparams(optax.adam)(learning_rate=0.05))
PATH = "hyperparams/learning_rate"


def trainer(run=None, strategy=STRATEGY) -> er.Trainer:
    return er.Trainer(EVALUATOR, strategy, population_size=16, block_size=8, seed=3, run=run, watch=er.Watch(every=0))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A run of six generations whose rate changes twice, with a checkpoint between the changes."""
    folder = tmp_path_factory.mktemp("changes") / "run"
    with trainer(er.Run(folder, checkpoint_every=3)) as one:
        one.fit(2)
        one.change(learning_rate=0.01)
        rows = [one.fit(4)]
        one.change({PATH: 0.3})
        one.change(learning_rate=0.2)  # the last word before the update counts
        result = one.fit(6)
        past = Replay(folder, EVALUATOR, STRATEGY, one._plan)
    return folder, result, past, rows


def test_a_change_is_logged_with_its_generation(recorded):
    folder, result, past, _ = recorded
    logged = {outcome.number: outcome.changes for outcome in past.log.read(0, 6) if outcome.changes}
    assert logged == {2: ((PATH, 0.01),), 4: ((PATH, 0.2),)}
    with trainer() as unchanged:
        assert unchanged.fit(6).digest != result.digest
    details = [row["detail"] for row in read_metrics(folder / "metrics.jsonl") if row.get("event") == "changed"]
    assert details[0] == f"{PATH} = 0.01 from the update of generation 2 on" and len(details) == 3


def test_it_is_rebuilt_with_the_run_from_the_start_or_a_checkpoint(recorded):
    folder, result, past, _ = recorded
    assert past.worker_at(6, from_start=True).digest() == result.digest
    rebuilt = past.rebuild(6)
    assert len(rebuilt.compared) == 7 and not rebuilt.differ
    shutil.rmtree(folder / "checkpoints/00000006")  # the next before it is of generation 4, and its change to come
    assert past.worker_at(6).digest() == result.digest


def test_a_run_that_is_continued_has_it(recorded, tmp_path):
    folder, result, _, _ = recorded
    run = shutil.copytree(folder, tmp_path / "run")
    shutil.rmtree(run / "checkpoints/00000006", ignore_errors=True)
    with trainer(er.Run(run, resume=True)) as resumed:
        assert resumed.result().digest == result.digest
        resumed.change(learning_rate=0.5)
        digest = resumed.fit(7).digest
        assert resumed._replay(resumed._run).worker_at(7, from_start=True).digest() == digest


def test_it_goes_by_the_rate_that_it_says():
    """As if the optimiser had been made with that rate: nothing of its state is lost."""
    with trainer() as changed, trainer(strategy=er.eggroll(optimizer=optax.adam(0.2))) as plain:
        changed.change(learning_rate=0.2)
        one, two = changed.fit(3), plain.fit(3)
    np.testing.assert_allclose(one.params["w"], two.params["w"], rtol=1e-5)


def test_a_worker_that_joins_late_has_it(recorded):
    _, result, past, _ = recorded
    outcomes = list(past.log.read(0, 6))
    early, late, from_snapshot = (Worker(STRATEGY, EVALUATOR, past._plan) for _ in range(3))
    for outcome in outcomes[:3]:
        early.update(outcome)
    from_snapshot.catch_up(jax.device_get(early.snapshot()), outcomes[3:])
    early.advance(outcomes)
    late.catch_up(None, outcomes)
    assert early.digest() == late.digest() == from_snapshot.digest() == result.digest


def test_a_change_that_was_never_applied_is_not_applied_after_a_restart(tmp_path):
    """The process was killed between the change and the fitness of its generation."""
    run = tmp_path / "run"
    with trainer(er.Run(run)) as one:
        one.fit(2)
    (run / "fitness/changes.jsonl").write_text(f'{{"generation": 2, "name": "{PATH}", "value": 9.0}}\n{{"gener')
    with trainer(er.Run(run, resume=True)) as resumed, trainer() as whole:
        assert resumed.fit(4).digest == whole.fit(4).digest
    assert (run / "fitness/changes.jsonl").read_bytes() == b""


def test_a_change_that_waits_when_a_run_stops_counts_once_it_is_resumed(tmp_path):
    def steer(row):
        one.change(learning_rate_scale=0.01, sigma_scale=0.5)
        one.change(learning_rate=0.3)
        one.stop()

    with trainer(tmp_path / "run") as one:
        assert one.fit(4, steer).status == "stopped"
        shutil.copytree(tmp_path / "run", tmp_path / "copy")
        digest = one.fit(4).digest
    with trainer(er.Run(tmp_path / "copy", resume=True)):
        pass  # the record still has it after a start that came to nothing
    with trainer(er.Run(tmp_path / "copy", resume=True)) as resumed, trainer() as unchanged:
        assert resumed.fit(4).digest == digest != unchanged.fit(4).digest


def test_of_changes_that_wait_the_last_counts_and_none_that_was_made_or_is_of_a_lost_generation():
    def asked(generation, **values):
        return {"event": "changed", "generation": generation, "values": values}

    sigma = "scales/sigma"
    events = [
        asked(1, a=1.0),
        asked(2, a=2.0, **{sigma: 0.5}),
        asked(4, a=3.0, b=4.0),
        asked(4, b=5.0),
        asked(5, c=6.0),
    ]
    assert still_waiting([*events, {"event": "changed", "generation": 4}], 4, windows=1) == {"a": 3.0, "b": 5.0}
    assert still_waiting(events[:2], 4, windows=5) == {sigma: 0.5}


@pytest.mark.parametrize(
    "text",
    ["7\n{}\n", '{"generation": 1}\n{}\n', '{"generation": 1, "name": "x", "value": "high"}\n', "[" * 9000 + "\n{}\n"],
)
def test_what_is_no_change_is_refused(tmp_path, text):
    path = tmp_path / "changes.jsonl"
    path.write_text(text)
    with pytest.raises(CheckpointError, match=r"changes.jsonl"):
        Changes(path, 9, writable=False)
    assert path.read_text() == text


def test_a_change_that_could_not_be_written_can_be_tried_again(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    path = tmp_path / "changes.jsonl"
    changes = Changes(path, 0, writable=True)
    assert changes.of(0) == () and not path.exists()
    for _ in range(2):
        with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
            patch.setattr(os, "fsync", full)
            changes.put(0, [("a", 1.5), ("b", 1e-300)])
        assert changes.of(0) == ()
    for _ in range(2):  # the second time after the log itself could not be written
        changes.put(0, [("a", 1.5), ("b", 1e-300)])
    changes.put(3, [("a", 0.1)])
    again = Changes(path, 4, writable=False)
    assert again.of(0) == (("a", 1.5), ("b", 1e-300)) and again.of(3) == (("a", 0.1),) and again.of(1) == ()
    assert Changes(path, 3, writable=True).of(3) == () and len(path.read_text().splitlines()) == 2


PLAIN = er.eggroll(sigma=0.2, optimizer=optax.sgd(0.1))


def test_rates_of_any_strategy_are_changed_and_rebuilt(tmp_path):
    run, rows = tmp_path / "run", []
    with trainer(er.Run(run, checkpoint_every=2), PLAIN) as one:
        one.change(learning_rate_scale=0.5, sigma=0.05)  # before the first generation
        one.fit(2, rows.append)
        one.change(sigma_scale=1)
        digest = one.fit(5, rows.append).digest
    assert [round(row["sigma"], 6) for row in rows[1:]] == [0.2, 0.05, 0.05, 0.2]  # of the update before
    with trainer(er.Run(run, resume=True), PLAIN) as resumed:
        assert resumed.result().digest == digest
        past = resumed._replay(resumed._run)
    logged = {outcome.number: dict(outcome.changes) for outcome in past.log.read(0, 5) if outcome.changes}
    assert logged == {0: {"scales/learning_rate": 0.5, "scales/sigma": 0.25}, 2: {"scales/sigma": 1.0}}
    assert past.worker_at(5, from_start=True).digest() == digest
    with trainer(strategy=PLAIN) as unchanged:
        assert not np.array_equal(unchanged.fit(1).params["w"], past.worker_at(1).mean().params["w"])


@pytest.mark.parametrize(("wrote", "reads"), [(PLAIN, not_adjustable(PLAIN)), (not_adjustable(PLAIN), PLAIN)])
def test_restoring_keeps_the_factors_of_the_trainer_that_restores(tmp_path, wrote, reads):
    with trainer(strategy=wrote) as one:
        if wrote is PLAIN:
            one.change(learning_rate_scale=0.5, sigma_scale=0.5)
        params = one.fit(2).params
        one.save(tmp_path)
    with trainer(strategy=reads) as other:
        other.restore(tmp_path)
        state = other._pool.snapshot()["state"]
    assert [float(factor) for factor in state.scales] == [1.0, 1.0][: len(state.scales)]
    np.testing.assert_array_equal(state.params["w"], params["w"])


@pytest.mark.parametrize("rate", [0.05, 0.7])
def test_restoring_keeps_the_rate_of_the_trainer_that_restores(tmp_path, rate, caplog):
    adam = optax.inject_hyperparams(optax.adam)
    with trainer() as one:
        one.fit(2)
        one.save(tmp_path)
    caplog.set_level("INFO")
    with trainer(strategy=er.eggroll(optimizer=adam(learning_rate=rate))) as other:
        other.restore(tmp_path)
        state = other._pool.snapshot()["state"]
        assert float(state.opt_state.hyperparams["learning_rate"]) == np.float32(rate)
        assert int(state.opt_state.count) == 2  # all else is the checkpoint's
    assert (f"{PATH} is 0.7, not 0.05" in caplog.text) == (rate == 0.7)


def test_what_cannot_be_changed_is_refused_before_any_work():
    with (
        trainer(strategy=er.eggroll()) as one,
        pytest.raises(ValueError, match=r"change\(learning_rate_scale=0.5\)"),
    ):
        one.change(learning_rate=0.1)
