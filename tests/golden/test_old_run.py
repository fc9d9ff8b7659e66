"""Runs that were recorded by earlier versions are replayed and continued.

The folder `first_layout` was written by commit 4cef257, before the package had rooms; `block_moments` by 255cb5a, when
the log held the moments of observations of each block, in float32. Evaluators and strategies are those below.
"""

import json
import shutil
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import eggroll_ray as er
import envs
from eggroll_ray.replay import Replay
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.workers.prepare import prepare

RECORDED = Path(__file__).parent / "first_layout"


def score(params, key):
    return -jnp.sum((jnp.ones(4) @ params["w"] - 1.0) ** 2)


def parts(shaping=er.fitness.antithetic_sign):
    evaluator = er.from_fitness(score, {"w": np.zeros((4, 3), np.float32)})
    return evaluator, er.eggroll(shaping=shaping, optimizer=optax.sgd(0.1))


@pytest.fixture
def run(tmp_path):
    return Path(shutil.copytree(RECORDED, tmp_path / "run"))


def test_it_is_rebuilt_from_its_log():
    """An update is of noise and signs alone, in float32: other processors may round it otherwise."""
    evaluator, strategy = parts()
    past = Replay(RECORDED, evaluator, strategy, prepare(evaluator, strategy, 8, block_size=4, seed=5).plan)
    assert len(past.log) == 3 and past.newest() == 3
    rebuilt, saved = past.worker_at(3, from_start=True).mean(), past.worker_at(3).mean()
    np.testing.assert_allclose(rebuilt.params["w"], saved.params["w"], rtol=1e-5)
    assert np.abs(saved.params["w"]).max() > 0.01


def test_it_is_continued(run):
    with er.Trainer(*parts(), population_size=8, seed=5, run=er.Run(run, resume=True)) as trainer:
        assert trainer.fit(5).generations == 5
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["generation"] for row in rows if "event" not in row] == [0, 1, 2, 3, 4]


def test_another_shaping_is_another_run(run):
    with pytest.raises(CheckpointError, match="antithetic_sign"):
        er.Trainer(*parts(er.fitness.centred_rank), population_size=8, seed=5, run=er.Run(run, resume=True))


BLOCK_MOMENTS = RECORDED.with_name("block_moments")


def normalised():
    evaluator = er.from_env(envs.make("gymnax/CartPole-v1"), er.mlp((4,)), normalize_observations=True)
    return evaluator, er.eggroll(optimizer=optax.sgd(0.1))


def test_statistics_of_observations_are_rebuilt_from_moments_of_blocks():
    evaluator, strategy = normalised()
    past = Replay(BLOCK_MOMENTS, evaluator, strategy, prepare(evaluator, strategy, 8, block_size=4, seed=5).plan)
    rebuilt = past.worker_at(3, from_start=True).snapshot()["statistics"]
    saved = past.worker_at(3).snapshot()["statistics"]
    assert saved.samples == 933
    for one, two in zip(rebuilt, saved, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_run_with_moments_of_blocks_is_continued_and_replayed(tmp_path):
    run = Path(shutil.copytree(BLOCK_MOMENTS, tmp_path / "run"))
    watch = er.Watch(every=0)
    with er.Trainer(
        *normalised(), population_size=8, block_size=4, seed=5, run=er.Run(run, resume=True), watch=watch
    ) as trainer:
        end = trainer.fit(5)
        statistics = trainer.means_at([5])[0].statistics
    assert end.generations == 5 and json.loads((run / "fitness/log.json").read_text())["moments_per_generation"] == 18
    evaluator, strategy = normalised()
    past = Replay(run, evaluator, strategy, prepare(evaluator, strategy, 8, block_size=4, seed=5).plan)
    saved = past.worker_at(5).snapshot()["statistics"]
    assert saved.samples > 933
    for one, two in zip(statistics, saved, strict=True):
        np.testing.assert_array_equal(one, two)
