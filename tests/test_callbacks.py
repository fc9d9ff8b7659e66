"""What a callback may do with the run that calls it: stop it, change its rates, and fail without any loss."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from evaluating import bound_once

import eggroll_ray as er
from eggroll_ray.runs.metrics import read_metrics

pytestmark = pytest.mark.usefixtures("compile_quickly")

START = {"w": np.zeros((4, 3), np.float32)}
EVALUATOR = bound_once(er.from_fitness(lambda p, key: -jnp.sum((jnp.ones(4) @ p["w"] - 1.0) ** 2), START))
STRATEGY = er.eggroll(sigma=0.2)


def trainer(run=None) -> er.Trainer:
    return er.Trainer(EVALUATOR, STRATEGY, population_size=8, block_size=8, seed=3, run=run, watch=er.Watch(every=0))


def steer(trainer: er.Trainer, row: er.Row) -> None:
    if row["generation"] == 1:
        trainer.change(learning_rate_scale=0.5, sigma=0.1)
    if row["generation"] == 3:
        trainer.stop()


def test_a_callback_and_a_loop_steer_alike():
    with trainer() as called, trainer() as looped, trainer() as untouched:
        result = called.fit(50, lambda row: steer(called, row))
        rows = []
        for row in looped:
            rows.append(row)
            steer(looped, row)
        assert (result.status, result.generations, len(rows)) == ("stopped", 4, 4)
        assert looped.result().digest == result.digest != untouched.fit(4).digest
        assert [round(row["sigma"], 6) for row in rows[1:]] == [0.2, 0.2, 0.2]  # of the update before
        called.fit(6, rows.append)
        assert round(rows[-1]["sigma"], 6) == 0.1


def test_what_a_callback_raises_comes_out_and_nothing_is_lost(tmp_path):
    run = tmp_path / "run"

    def fails(row: er.Row) -> None:
        steer(begun, row)
        if row["generation"] == 2:
            raise KeyError("the server is gone")

    with trainer(er.Run(run)) as begun, pytest.raises(KeyError, match="the server is gone"):
        begun.fit(9, fails)
    message = "on_row raised KeyError: 'the server is gone'"
    assert [row["detail"] for row in read_metrics(run / "metrics.jsonl") if row.get("event") == "callback failed"] == [
        message
    ]
    result = json.loads((run / "result.json").read_text())
    assert (result["status"], result["generations"], result["message"]) == ("failed", 3, message)
    assert (run / "checkpoints/00000003").exists()
    with trainer() as whole, trainer(er.Run(run, resume=True)) as resumed:
        whole.fit(3, lambda row: steer(whole, row))
        assert resumed.generation == 3 and resumed.fit(5).digest == whole.fit(5).digest
