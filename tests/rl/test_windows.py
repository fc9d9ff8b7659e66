"""Episodes in windows: they go on where they were, on any worker, and the corrected estimators have no bias."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from marks import mostly_slow
from toy_games import constant_policy, delayed

import eggroll_ray as er
from eggroll_ray.es.record import ESState
from eggroll_ray.evaluators.record import Earlier
from eggroll_ray.models.policies import feedforward
from eggroll_ray.rl.actions import clip
from eggroll_ray.rl.env import Box
from eggroll_ray.workers.messages import Outcome
from eggroll_ray.workers.plan import make_plan
from eggroll_ray.workers.worker import Worker

pytestmark = pytest.mark.usefixtures("compile_quickly")

ENV = delayed(steps=8, lag=4, cost=3.0)
HEAD = er.DeterministicHead(clip)


def evaluator(window=4, env=ENV, **options):
    return er.from_env(env, constant_policy(), head=HEAD, window=window, **options)


@functools.cache  # so that its update is compiled once
def strategy(**options):
    return er.eggroll(sigma=0.1, optimizer=optax.sgd(0.02), shaping=er.fitness.raw, **options)


def worker(evaluator, strategy, population_size=8, seed=3):
    return Worker(strategy, evaluator, make_plan(population_size, 4, seed, 2))


def outcome(worker, number):
    """Evaluates all blocks of a generation and applies it; returns the fitness."""
    fitness = np.concatenate([worker.evaluate(block).fitness for block in range(2)])
    worker.update(er_generation(number, fitness))
    return fitness


def er_generation(number, fitness):
    from eggroll_ray.workers.messages import Outcome

    return Outcome(number, fitness)


@pytest.mark.parametrize("window", mostly_slow([1, 3, 4, 8, 20], quick=[3, 20]))
def test_windows_of_an_episode_add_up_to_it(window):
    frozen = er.eggroll(sigma=0.1, optimizer=optax.sgd(0.0), noise_reuse=100)
    whole = worker(er.from_env(ENV, constant_policy(), head=HEAD), frozen)
    parts = worker(evaluator(window), frozen)
    expected = outcome(whole, 0)
    windows = -(-8 // window)
    for _ in range(2):  # the second episode begins anew
        total = sum(outcome(parts, parts.number) for _ in range(windows))
        np.testing.assert_allclose(total, expected, rtol=1e-5)


def test_an_episode_that_ended_pays_nothing_until_the_next_begins():
    env = delayed(steps=5)._replace(max_steps=20)
    parts = worker(evaluator(4, env), strategy(noise_reuse=5))
    paid = [np.abs(outcome(parts, number)).sum() > 0 for number in range(10)]
    assert paid == [True, True, False, False, False] * 2


def test_whoever_evaluates_a_block_gives_the_same_bits():
    """A worker that was not there when the episodes began plays them up to now again."""
    first = worker(evaluator(), strategy(persistent=2))
    for number in range(3):
        outcome(first, number)
    snapshot = first.digest_and_snapshot()[1]
    joined = worker(evaluator(), strategy(persistent=2))
    joined.catch_up(snapshot, [])
    for block in (1, 0, 1):  # the last one a second time
        np.testing.assert_array_equal(joined.evaluate(block).fitness, first.evaluate(block).fitness)


def test_episodes_held_of_another_past_are_not_used():
    one = worker(evaluator(), strategy(persistent=2))
    outcome(one, 0)
    clean = one.digest_and_snapshot()[1]
    expected = one.evaluate(0).fitness
    spoiled = jax.tree.map(np.array, clean["past"][0].params)
    spoiled["bias"] += 0.5
    past = {0: Earlier(spoiled, ()), 1: clean["past"][1]}
    one.catch_up({**clean, "past": past}, [])
    assert (one.evaluate(0).fitness != expected).all()
    one.catch_up(clean, [])
    np.testing.assert_array_equal(one.evaluate(0).fitness, expected)


@pytest.mark.parametrize("stop", mostly_slow([2, 3], quick=[3]))
def test_a_run_that_is_resumed_in_the_middle_of_an_episode_is_the_same(tmp_path, stop):
    def trainer(run, resume=False):
        recorded = er.Run(run, resume=resume, checkpoint_every=1)
        watch = er.Watch(every=0)
        return er.Trainer(
            evaluator(2), strategy(persistent=4), population_size=8, block_size=4, run=recorded, watch=watch
        )

    with trainer(tmp_path / "whole") as whole:
        expected = whole.fit(6).digest
    with trainer(tmp_path / "parts") as begun:
        begun.fit(stop)
    with trainer(tmp_path / "parts", resume=True) as resumed:
        assert resumed.fit(6).digest == expected
    with pytest.raises(ValueError, match="needs parameters of earlier generations"):
        er.Trainer(evaluator(2), population_size=8).restore(tmp_path / "parts")


def test_only_a_strategy_of_as_many_windows_fits():
    with pytest.raises(ValueError, match=r"persistent=3 of the strategy must be 2, the windows of an episode"):
        er.Trainer(evaluator(4), strategy(persistent=3))
    with pytest.raises(ValueError, match=r"window=0 must be at least 1 step"):
        evaluator(0)


def test_noise_must_not_change_in_the_middle_of_an_episode():
    with pytest.raises(ValueError, match=r"noise_reuse=3 of the strategy must be 2, the windows of an episode"):
        er.Trainer(evaluator(4), strategy(noise_reuse=3))
    er.Trainer(er.from_env(ENV, constant_policy(), head=HEAD), strategy(noise_reuse=3))  # whole episodes: any number


def test_windows_without_a_correction_are_told(caplog):
    er.Trainer(evaluator(4), strategy(persistent=2))
    assert not caplog.records
    er.Trainer(evaluator(4), strategy())
    assert "choose persistent=2 or noise_reuse=2" in caplog.text


def test_what_is_only_part_of_an_episode_is_not_compared_with_whole_ones():
    trainer = er.Trainer(evaluator(4), strategy(persistent=2), population_size=8, watch=er.Watch(episodes=2))
    with trainer:
        rows = []
        trainer.fit(5, rows.append)
    assert [row["episodes"] for row in rows] == [8, 0, 8, 0, 8] and rows[-1]["total_episodes"] == 24
    assert all(row["mean_policy_rank"] is None and row["episode_length_mean"] is None for row in rows)


def test_a_kept_mean_that_changes_by_a_bit_changes_the_digest():
    one = worker(evaluator(), strategy(persistent=2))
    outcome(one, 0)
    clean = one.digest_and_snapshot()
    assert clean[0] == one.digest()
    spoiled = jax.tree.map(np.array, clean[1]["past"][0].params)
    spoiled["bias"].view(np.int32)[0] ^= 1
    one.catch_up({**clean[1], "past": {**clean[1]["past"], 0: Earlier(spoiled, ())}}, [])
    assert one.digest() != clean[0]
    assert one.digest() == one.digest_and_snapshot()[0]


@pytest.mark.parametrize("wrong", [{"persistent": 0}, {"persistent": 2, "noise_reuse": 2}])
def test_persistent_must_make_sense(wrong):
    with pytest.raises(ValueError, match=r"persistent=\d must be at least 1, .* does not go with noise_reuse="):
        er.eggroll(**wrong)


@pytest.mark.parametrize("make", [er.eggroll, er.openai_es])
def test_the_persistent_estimate_sums_the_noise_since_the_episode_began(make):
    """Against the definition: sum_i F_i sum_tau E_i,tau / sigma_tau over n, with a sigma that decays."""
    size, plain_sigma = 6, [0.5, 0.25, 0.125, 0.0625]
    sigma = lambda generation: jnp.float32(0.5) * jnp.float32(0.5) ** generation.astype(jnp.float32)  # noqa: E731
    strategy = make(sigma=sigma, optimizer=optax.sgd(1.0), shaping=er.fitness.raw, persistent=3)
    params = {"w": jnp.zeros((5, 4)), "b": jnp.zeros(3)}
    start = strategy.init(params, 11)
    fitness = jnp.asarray(np.random.default_rng(0).normal(size=size), jnp.float32)

    perturb = jax.jit(lambda state, member: er.densify(strategy.perturb(state, member)))
    update = jax.jit(strategy.update)

    def noise(generation):
        """sigma E of each member, as it was perturbed."""
        state = ESState(start.params, start.opt_state, start.seed, jnp.int32(generation))
        return [jax.tree.map(np.asarray, perturb(state, jnp.int32(i))) for i in range(size)]

    for generation, since in ((2, (0, 1, 2)), (3, (3,))):
        state = start._replace(generation=jnp.int32(generation))
        moved, _ = update(state, fitness)
        perturbations = [noise(then) for then in since]
        for name, got in moved.params.items():
            scores = [
                sum(each[i][name] / plain_sigma[then] ** 2 for then, each in zip(since, perturbations, strict=True))
                for i in range(size)
            ]
            wanted = sum(float(fitness[i]) * scores[i] for i in range(size)) / size
            np.testing.assert_allclose(got, wanted, rtol=2e-4, atol=1e-4)


def mean_step(window, options, episodes=40):
    """How far the parameter moves in whole episodes, over the learning rate, when it cannot really move."""
    tiny = 1e-6
    made = er.eggroll(sigma=0.1, optimizer=optax.sgd(tiny), shaping=er.fitness.raw, **options)
    windows = 1 if window is None else -(-8 // window)
    trainer = er.Trainer(evaluator(window), made, population_size=64, watch=er.Watch(every=0))
    with trainer:
        result = trainer.fit(windows * episodes)
    return float(result.params["bias"][0]) / (tiny * episodes)


@pytest.mark.parametrize(
    ("window", "options", "step", "bound"),
    [
        pytest.param(None, {}, -4, 0.8, marks=pytest.mark.slow),
        (4, {}, 8, 0.8),  # truncated: the wrong sign
        (4, {"persistent": 2}, -4, 1.6),
        (4, {"noise_reuse": 2}, -4, 0.8),
        pytest.param(2, {"persistent": 4}, -4, 1.6, marks=pytest.mark.slow),
    ],
)
def test_persistent_and_noise_reuse_estimates_have_no_bias_where_truncation_has(window, options, step, bound):
    """The whole return is (8 - 3 * 4) x, so its slope is -4; within windows of 4 steps it seems to be 4 + 4."""
    assert abs(mean_step(window, options) - step) < bound


def test_a_window_that_is_played_again_has_the_statistics_of_its_time():
    """Observations are normalised as they were in the generation that played them first."""
    reads = feedforward(
        lambda key, observation, outputs: {"w": jnp.ones(outputs)}, lambda params, seen: params["w"] * seen[0]
    )

    def step(state, action, key):
        state, shown = ENV.step(state, action, key)
        return state, shown._replace(observation=3.0 + action)

    moving = ENV._replace(step=step, observation_space=Box.of((1,)))
    made = er.from_env(moving, reads, head=HEAD, window=2, normalize_observations=True)
    first = worker(made, strategy(persistent=4))
    for number in range(3):
        found = [first.evaluate(block) for block in range(2)]
        moments = made.total([block.moments for block in found])
        first.update(Outcome(number, np.concatenate([block.fitness for block in found]), (moments,)))
    joined = worker(made, strategy(persistent=4))
    joined.catch_up(first.digest_and_snapshot()[1], [])
    for block in range(2):
        np.testing.assert_array_equal(joined.evaluate(block).fitness, first.evaluate(block).fitness)
