"""It learns: the thresholds of docs/learning.md, on every seed."""

import pytest

import eggroll_ray as er
import envs
from benchmarks.rl.learning import TASKS, train


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.env)
def test_rank_one_solves_the_task_on_every_seed(task, seed):
    run = train(task, rank=1, seed=seed)
    assert run["solved"] and run["generations"] <= task.generations, run


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore:Accessing .* directly from `Data`:DeprecationWarning")
def test_a_brax_task_is_solved():
    evaluator = er.from_env(envs.make("brax/inverted_double_pendulum"), er.mlp(), normalize_observations=True)
    with er.Trainer(evaluator, population_size=256, watch=er.Watch(target=9000.0)) as trainer:
        assert trainer.fit(150).status == "solved"
