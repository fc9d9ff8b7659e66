"""Groups of agents, self-play, windows, and environments on the host, on a real local Ray: the bits of one process."""

import cloudpickle
import optax
import pytest
import ray
import toy_games
from clusters import start_ray
from marks import mostly_slow
from toy_games import constant_policy, delayed, higher_card, team_env, walks

import eggroll_ray as er
from eggroll_ray.workers.ray import connect

pytestmark = [
    pytest.mark.ray,
    pytest.mark.timeout(600),  # a busy machine takes minutes to start Ray
    pytest.mark.filterwarnings("ignore:.*RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO.*:FutureWarning"),
]


def groups() -> er.Evaluator:
    return er.from_env(team_env(), constant_policy(), normalize_observations=True)


def self_play() -> er.Evaluator:
    return er.self_play(higher_card(4), constant_policy(), rivals=er.Rivals(count=2, every=2, most=4))


def windows() -> er.Evaluator:
    return er.from_env(delayed(), constant_policy(), window=2)


def on_host() -> er.Evaluator:
    agents = er.Agents(er.by_agent)
    return er.from_host_env(walks(agents=2), constant_policy(), episodes=2, agents=agents, normalize_observations=True)


def trainer(make, workers: int, **options) -> er.Trainer:
    strategy = er.eggroll(sigma=0.3, optimizer=optax.adam(0.05), persistent=4 if make is windows else 1, **options)
    return er.Trainer(
        make(),
        strategy,
        population_size=32,
        block_size=8,
        workers=er.Workers(workers, cpus=0.5),
        watch=er.Watch(every=3, episodes=4),
        seed=7,
    )


@pytest.fixture(scope="module", autouse=True)
def local_ray():
    cloudpickle.register_pickle_by_value(toy_games)  # workers cannot import it
    start_ray(lambda: connect.connect(er.Workers()))
    yield
    ray.shutdown()
    cloudpickle.unregister_pickle_by_value(toy_games)


KINDS = (groups, self_play, windows, on_host)


@pytest.mark.parametrize("make", mostly_slow(KINDS, quick=(windows,)))
def test_a_worker_that_dies_in_the_middle_changes_nothing(make):
    """Another takes its blocks over: in windows their episodes up to now, in self-play the opponents."""
    with trainer(make, 2) as disturbed:
        for row in disturbed:
            if row["generation"] == 5:
                ray.kill(next(worker.handle for worker in disturbed._pool._membership.workers.values()))
            if row["worker_failures"] and row["workers"] == 2 and row["generation"] >= 10:
                break
        result = disturbed.result()
    assert trainer(make, 0).fit(result.generations).digest == result.digest


@pytest.mark.parametrize("make", mostly_slow(KINDS, quick=(on_host,)))
def test_same_bits_for_any_number_of_workers(make):
    digests = set()
    for workers in (0, 1, 2):
        with trainer(make, workers, shaping=er.fitness.antithetic_sign) as one:
            digests.add(one.fit(8).digest)
    assert len(digests) == 1
