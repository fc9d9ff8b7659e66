"""Environments on the host: one batched policy call a step, seeds of their own, failures that stay where they are."""

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from toy_games import constant_policy, walks

import eggroll_ray as er
from eggroll_ray.rl.agents import make_groups
from eggroll_ray.rl.env import Box, HostEnv, HostTimestep
from eggroll_ray.rl.host_rollout import Batches, Player, acting
from eggroll_ray.rl.rollout import Everyone
from eggroll_ray.workers.fitness_vector import flatten
from eggroll_ray.workers.messages import Outcome
from eggroll_ray.workers.plan import make_plan
from eggroll_ray.workers.worker import Worker

pytestmark = pytest.mark.usefixtures("compile_quickly")


def worker(env, block_size=4, seed=1, **options):
    evaluator = er.from_host_env(env, constant_policy(), **options)
    return Worker(er.eggroll(sigma=0.5), evaluator, make_plan(8, block_size, seed, 3))


def fitness(worker):
    blocks = range(worker._plan.blocks)
    return np.concatenate([worker.evaluate(block).fitness for block in blocks])


def by_hand(worker, members, episodes):
    """Plays the same members without a batch: their perturbed parameter, their seeds, the environment's rules."""
    from eggroll_ray.evaluators.members import generation_key, member_keys
    from eggroll_ray.rl.rollout import split_keys

    state = worker._engine._state
    strategy = worker._engine._strategy
    keys = split_keys(member_keys(generation_key(state), np.arange(members), 2), episodes)
    returns = np.zeros((members, episodes))
    for i in range(members):
        move = float(er.densify(strategy.perturb(state, jnp.int32(i)))["bias"][0])
        for j in range(episodes):
            seed = int(jax.random.bits(jax.random.fold_in(keys[i, j], 0), (), np.uint32))
            place = np.random.default_rng(seed).normal()
            for _ in range(4):
                place += 0.1 * move
                returns[i, j] -= abs(place - 1.0)
    return returns.mean(axis=1)


@pytest.mark.parametrize("episodes", [1, 3])
def test_the_fitness_is_the_mean_return_of_the_members_own_policy(episodes):
    one = worker(walks(), episodes=episodes)
    np.testing.assert_allclose(fitness(one), by_hand(one, 8, episodes), rtol=1e-4)


def test_any_blocks_of_the_same_size_in_any_order_give_the_same_bits():
    one, two = worker(walks()), worker(walks())
    forward = [one.evaluate(block).fitness for block in (0, 1)]
    backward = [two.evaluate(block).fitness for block in (1, 0, 1)]
    np.testing.assert_array_equal(forward[0], backward[1])
    np.testing.assert_array_equal(forward[1], backward[0])
    np.testing.assert_array_equal(forward[1], backward[2])


def test_one_policy_call_a_step_and_ended_episodes_are_left_alone():
    env = walks(steps=3)
    evaluator = er.from_host_env(env, constant_policy())
    batch = env.make(6)
    batches = Batches(env)
    batches._batches[6] = batch
    cast = Everyone(make_groups(env, constant_policy(), er.DeterministicHead(), er.Agents(), False))
    player = Player(env, cast, batches)
    from eggroll_ray.evaluators.members import Members

    keys = jax.random.split(jax.random.key(0), (1, 6))
    found = player.play(Members(evaluator.init(0), 1), keys, None, "a test")
    assert len(batch.calls) == 3 and all(call.all() for call in batch.calls)
    assert found.steps == 18 and np.isfinite(found.totals).all()


def test_episodes_are_cut_at_the_limit_of_the_environment():
    endless = walks(steps=10**9)._replace(max_steps=5)
    result = worker(endless).evaluate(0)
    assert result.steps == 4 * 5


@pytest.mark.parametrize(("policy", "value"), [("drop pair", np.nan), ("worst", -np.inf)])
def test_an_environment_that_raises_costs_its_own_member_alone(policy, value):
    sound, faulty = worker(walks(), seed=5), worker(walks(raises=200), seed=5, on_error=er.Invalid(policy))
    expected, got = fitness(sound), [faulty.evaluate(block) for block in (0, 1)]
    found = np.concatenate([block.fitness for block in got])
    failed = ~np.isfinite(found)
    assert 0 < failed.sum() < 8
    np.testing.assert_array_equal(found[~failed], expected[~failed])
    assert all(x == value or (np.isnan(x) and np.isnan(value)) for x in found[failed])
    texts = [text for block in got for text in block.failures]
    assert len(texts) == failed.sum()
    assert texts[0] == f"member {np.flatnonzero(failed)[0]} of generation 0, episode 0: boom"


def test_a_failure_can_stop_the_run_and_names_the_member():
    with pytest.raises(er.FitnessError, match=r"failed for member \d of generation 0, episode 0: boom"):
        fitness(worker(walks(raises=200), seed=5, on_error=er.Invalid.RAISE))


def test_a_return_that_is_not_a_number_drops_the_pair():
    found = fitness(worker(walks(nan=200), seed=5))
    assert 0 < np.isnan(found).sum() < 8
    with pytest.raises(er.FitnessError, match="has fitness nan"):
        fitness(worker(walks(nan=200), seed=5, on_nan=er.Invalid.RAISE))


def test_a_return_that_is_not_a_number_is_named():
    one = worker(walks(nan=200), seed=5)
    got = [one.evaluate(block) for block in (0, 1)]
    invalid = np.flatnonzero(np.isnan(np.concatenate([block.fitness for block in got])))
    texts = [text for block in got for text in block.failures]
    assert texts == [f"member {member} of generation 0: return nan" for member in invalid]


def test_a_batch_that_raises_is_named():
    class Broken:
        def reset(self, seeds):
            raise OSError("simulator lost")

        def close(self):
            pass

    one = worker(walks()._replace(make=lambda size: Broken()))
    with pytest.raises(
        er.FitnessError, match="toy/walks failed as a whole in members 4 to 7 of generation 0: OSError: simulator lost"
    ):
        one.evaluate(1)
    with pytest.raises(er.FitnessError, match="failed as a whole in a test of the mean parameters"):
        one.test()


def test_a_failure_in_a_test_of_the_mean_parameters_is_an_error():
    with pytest.raises(er.FitnessError, match=r"toy/walks failed in episode \d of a test of the mean parameters: boom"):
        worker(walks(raises=999)).test()


def test_a_test_goes_on_without_the_episodes_that_failed(caplog):
    sound, faulty = (
        Worker(er.eggroll(), er.from_host_env(env, constant_policy()), make_plan(8, 4, 5, 40))
        for env in (walks(), walks(raises=200))
    )
    expected, found = sound.test(), faulty.test()
    assert 20 < len(found) < 40 and set(found.tolist()) < set(expected.tolist())
    assert f"{40 - len(found)} of 40 episodes are missing from a test" in caplog.text


def test_several_agents_and_statistics():
    evaluator = er.from_host_env(
        walks(agents=2), constant_policy(), normalize_observations=True, agents=er.Agents(er.by_agent)
    )
    assert evaluator.groups == ("walker_0", "walker_1")
    one = Worker(er.eggroll(sigma=0.5), evaluator, make_plan(8, 8, 0, 3))
    result = one.evaluate(0)
    assert result.fitness.shape == (8, 2)
    np.testing.assert_array_equal(result.fitness[:, 0], result.fitness[:, 1])  # both are paid for the same walk
    one.update(Outcome(0, flatten(result.fitness), (evaluator.total([result.moments]),)))
    assert one.snapshot()["statistics"]["walker_1"].samples == 8 * 4


def test_training_moves_towards_the_goal_and_resumes(tmp_path):
    def trainer(resume=False):
        evaluator = er.from_host_env(walks(), constant_policy(-1.0))
        strategy = er.eggroll(sigma=0.3, optimizer=optax.adam(0.3))
        run = er.Run(tmp_path / "run", resume=resume, checkpoint_every=3)
        return er.Trainer(evaluator, strategy, population_size=16, block_size=8, run=run, watch=er.Watch(episodes=4))

    with trainer() as begun:
        first = begun.fit(4)
    with trainer(resume=True) as resumed:
        result = resumed.fit(20)
    assert result.params["bias"][0] > first.params["bias"][0] > -1.0
    assert result.test.mean() > first.test.mean()


def test_the_evaluator_travels_without_its_environments():
    evaluator = er.from_host_env(walks(), constant_policy())
    evaluator.test(evaluator.init(0), (), jax.random.key(0), 2)
    assert len(cloudpickle.dumps(evaluator)) < 100_000


@pytest.mark.parametrize("impl", ["threefry2x32", "rbg"])
def test_each_episode_has_a_seed_of_its_key_whatever_the_generator(impl):
    given = []

    def make(size):
        batch = walks().make(size)
        reset = batch.reset
        batch.reset = lambda seeds: (given.extend(seeds.tolist()), reset(seeds))[1]
        return batch

    evaluator, key = er.from_host_env(walks()._replace(make=make), constant_policy()), jax.random.key(7, impl=impl)
    assert len(evaluator.test(evaluator.init(0), (), key, 3)) == 3
    assert len(set(given)) == 3
    if impl == "threefry2x32":  # others are not the same for one key as for a batch of them
        first = [jax.random.fold_in(one, 0) for one in jax.random.split(key, 3)]
        assert given == [int(jax.random.bits(one, (), jnp.uint32)) for one in first]


def test_what_renders_an_episode_is_given_the_policys_actions():
    evaluator = er.from_host_env(walks(), constant_policy())
    act = acting(evaluator.policy({"bias": np.asarray([0.25], np.float32)}, ()), jax.random.key(0))
    shown = walks().make(1).reset(np.zeros(1, np.uint32))
    np.testing.assert_array_equal(act(shown), [[0.25]])


def test_what_is_no_environment_of_the_host_is_explained():
    with pytest.raises(ValueError, match=r"from_host_env was given 3, a int; give envs.make\('gym/CartPole-v1'\)"):
        er.from_host_env(3)


class Lengths:
    """Episodes of two steps and of four by turns; whoever has ended is shown reward 7 and done False."""

    def __init__(self, size):
        self.lengths = np.where(np.arange(size) % 2, 4, 2)

    def shown(self, reward):
        return HostTimestep(np.ones((len(self.lengths), 1), np.float32), reward, self.lengths == self.time)

    def reset(self, seeds):
        self.time = 0
        return self.shown(np.zeros(len(self.lengths), np.float32))

    def step(self, actions, alive):
        np.testing.assert_array_equal(alive, self.time < self.lengths)
        self.time += 1
        return self.shown(np.where(alive, 1.0, 7.0).astype(np.float32))

    def close(self):
        pass


def test_nothing_is_paid_or_observed_after_an_episode_has_ended():
    env = HostEnv("toy/lengths", Lengths, Box.of((1,)), Box.of((1,)), 9)
    evaluator = er.from_host_env(env, constant_policy(), normalize_observations=True)
    found = Worker(er.eggroll(), evaluator, make_plan(4, 4, 0, 3)).evaluate(0)
    assert found.fitness.tolist() == [2, 4, 2, 4] and found.steps == 12
    assert evaluator.total([found.moments]).samples == 12
