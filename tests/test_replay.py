"""Any generation is rebuilt from the seed and the fitness log, with a checkpoint or without, to the recorded bits."""

import jax.numpy as jnp
import numpy as np
import pytest

import eggroll_ray as er
from eggroll_ray.replay import Replay
from eggroll_ray.runs.checkpoint import CheckpointError, checkpoints
from eggroll_ray.workers.prepare import prepare

pytestmark = pytest.mark.usefixtures("compile_quickly")


@pytest.fixture(scope="module", params=["floats", "signs"])
def recorded(request, tmp_path_factory):
    """The past of a run of five generations with two checkpoints on the way, and its rows."""
    shaping = {"floats": er.fitness.centred_rank, "signs": er.fitness.antithetic_sign}[request.param]
    evaluator = er.from_fitness(
        lambda p, key: -jnp.sum((jnp.ones(4) @ p["w"] - 1.0) ** 2), {"w": np.zeros((4, 3), np.float32)}
    )
    strategy, folder = er.eggroll(shaping=shaping), tmp_path_factory.mktemp("replay") / "run"
    run = er.Run(folder, checkpoint_every=2)
    with er.Trainer(evaluator, strategy, population_size=16, block_size=8, seed=3, run=run) as trainer:
        rows = []
        trainer.fit(5, rows.append)
    plan = prepare(evaluator, strategy, 16, block_size=8, seed=3).plan
    return Replay(folder, evaluator, strategy, plan), rows, folder


@pytest.mark.parametrize("from_start", [False, True])
def test_every_generation_has_the_digest_that_was_recorded(recorded, from_start):
    past, rows, _ = recorded
    found = [past.worker_at(number, from_start=from_start).digest() for number in range(5)]
    assert found == [row["digest"] for row in rows] and len(set(found)) == 5


def test_a_checkpoint_saves_the_way(recorded):
    past, _, folder = recorded
    assert checkpoints(folder) == [2, 4, 5] and past.newest() == 5
    template = past.worker_at(0).snapshot()
    for generation, first in ((1, None), (2, 2), (3, 2), (5, 5)):
        snapshot, outcomes = past.state_before(generation, template)
        assert (None if snapshot is None else int(snapshot["state"].generation)) == first
        assert [outcome.number for outcome in outcomes] == list(range(first or 0, generation))


def test_means_are_those_of_the_generations(recorded):
    past, _, _ = recorded
    for number, mean in zip((0, 3, 5), past.means([0, 3, 5]), strict=True):
        np.testing.assert_array_equal(mean.params["w"], past.worker_at(number).mean().params["w"])
    with pytest.raises(ValueError, match=r"generations=\[3, 3\] must rise; give \[3\]"):
        past.means([3, 3])


def test_a_generation_that_was_never_reached_is_refused(recorded):
    past, _, _ = recorded
    with pytest.raises(CheckpointError, match=r"the log holds generations 0 \.\. 4, not 5 \.\. 5"):
        past.worker_at(6)
