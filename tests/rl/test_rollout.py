"""Rollouts in hand-made environments, each of which tests one thing (after Andy Jones), against explicit members."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from evaluating import N, evaluate, formed, members, plain, sharing, start, strategy

from eggroll_ray.es.leaves import LeafRules
from eggroll_ray.evaluators.members import generation_key, member_keys
from eggroll_ray.evaluators.record import FitnessError, Given, Invalid
from eggroll_ray.models.policies import Policy, cnn, feedforward, gru, mlp
from eggroll_ray.rl import normalize as observation
from eggroll_ray.rl.actions import SamplingHead
from eggroll_ray.rl.env import Box, Discrete, Env, Timestep
from eggroll_ray.rl.jax_rollout import from_env
from eggroll_ray.rl.trained_policy import record_episode

pytestmark = pytest.mark.usefixtures("compile_quickly")


def make_env(reset, step, *, actions=None, shape=(1,), max_steps=5, name="probe"):
    """An environment of a dict state; after its end it shows garbage, which must not be used."""

    def on_reset(key):
        state, seen = reset(key)
        state = {**state, "t": jnp.int32(0), "over": jnp.bool_(False)}
        return state, Timestep(seen, jnp.float32(0), jnp.bool_(False))

    def on_step(state, action, key):
        t = state["t"] + 1
        after, seen, reward, done = step({**state, "t": t}, action, key)
        over = state["over"]
        seen, reward = jnp.where(over, jnp.nan, seen), jnp.where(over, 1e9, reward)
        done = (done | (t >= max_steps)) & ~over
        return {**after, "t": t, "over": over | done}, Timestep(seen, reward.astype(jnp.float32), done)

    return Env(name, on_reset, on_step, Box.of(shape), actions or Box.of((1,)), max_steps)


ZERO = jnp.zeros(1)
# Its only output is its parameter, so a member's action is its noise.
CONSTANT = feedforward(lambda key, observation, outputs: {"w": jnp.full(outputs, 2.0)}, lambda params, x: params["w"])

one_step = make_env(lambda key: ({}, ZERO), lambda s, a, k: (s, ZERO, jnp.float32(1), jnp.bool_(True)))
sees_coin = make_env(
    lambda key: ({"coin": jax.random.normal(key)}, ZERO),
    lambda s, a, k: (s, ZERO, s["coin"], jnp.bool_(True)),
)
pays_action = make_env(lambda key: ({}, ZERO), lambda s, a, k: (s, ZERO, -((a[0] - 0.5) ** 2), jnp.bool_(True)))
delayed = make_env(
    lambda key: ({"kept": jnp.float32(0)}, ZERO),
    lambda s, a, k: (
        {**s, "kept": jnp.where(s["t"] == 1, a[0], s["kept"])},
        ZERO,
        jnp.where(s["t"] == 2, s["kept"], 0.0),
        s["t"] == 2,
    ),
)
# Lasts as many steps as the action says; shows the time.
as_long_as = make_env(
    lambda key: ({}, jnp.zeros(2)),
    lambda s, a, k: (
        s,
        jnp.stack([1.0, -3.0]) * s["t"].astype(jnp.float32),
        jnp.float32(1),
        s["t"].astype(jnp.float32) >= a[0],
    ),
    shape=(2,),
    max_steps=9,
)


def noise_of(evaluator, es):
    return formed(es, start(evaluator, es))["w"][:, 0]


@pytest.mark.parametrize("episodes", [1, 3])
def test_one_step_of_reward_one(episodes):
    result = evaluate(from_env(one_step, CONSTANT, episodes=episodes))
    np.testing.assert_array_equal(result.fitness, 1)
    assert result.steps == N * episodes and result.moments == ()


def test_the_reward_is_the_members_own():
    evaluator, es = from_env(pays_action, CONSTANT), plain()
    expected = -((noise_of(evaluator, es) - 0.5) ** 2)
    np.testing.assert_allclose(evaluate(evaluator, es).fitness, expected, rtol=1e-5)


def test_a_delayed_reward_belongs_to_the_first_action():
    evaluator, es = from_env(delayed, CONSTANT), plain()
    result = evaluate(evaluator, es)
    np.testing.assert_allclose(result.fitness, noise_of(evaluator, es), rtol=1e-6)
    assert result.steps == 2 * N


def test_the_action_depends_on_what_is_seen():
    follow = make_env(
        lambda key: ({}, jax.random.normal(key, (1,))),
        lambda s, a, k: (s, ZERO, a[0], jnp.bool_(True)),
    )
    policy = feedforward(lambda key, x, outputs: {"w": jnp.ones(1)}, lambda params, x: params["w"] * x)
    evaluator, es = from_env(follow, policy, episodes=2, shared_by=None), plain()
    key = generation_key(start(evaluator, es))
    seen = np.mean([episode_start(follow, k)[1].observation[0] for k in jax.random.split(key, 2)])
    np.testing.assert_allclose(evaluate(evaluator, es).fitness, seen * noise_of(evaluator, es), rtol=1e-5)


def episode_start(env, key):
    return env.reset(jax.random.fold_in(key, 0))


@sharing
def test_members_share_their_episodes_or_have_their_own(shared_by, distinct):
    evaluator = from_env(sees_coin, CONSTANT, episodes=2, shared_by=shared_by)
    es = plain()
    found = evaluate(evaluator, es).fitness
    keys = member_keys(generation_key(start(evaluator, es)), jnp.arange(N), shared_by)
    coins = [[float(episode_start(sees_coin, k)[0]["coin"]) for k in jax.random.split(key, 2)] for key in keys]
    np.testing.assert_allclose(found, np.mean(coins, axis=1), rtol=1e-5)
    assert len(np.unique(found)) == distinct
    assert not np.isin(evaluate(evaluator, es, generation=3).fitness, found).any()


def test_episodes_end_each_in_its_own_time():
    evaluator, es = from_env(as_long_as, CONSTANT, episodes=2), strategy(sigma=8.0)
    lengths = np.clip(np.ceil(noise_of(evaluator, es)), 1, 9)
    assert len(np.unique(lengths)) > 3 and lengths.max() == 9 and lengths.min() == 1
    result = evaluate(evaluator, es)
    np.testing.assert_array_equal(result.fitness, lengths)
    assert result.steps == 2 * lengths.sum()


def test_moments_are_numpys_over_the_steps_of_living_episodes():
    evaluator = from_env(as_long_as, CONSTANT, episodes=2, normalize_observations=True)
    es = strategy(sigma=8.0)
    block, state = evaluator.bind(es.perturb), start(evaluator, es)
    lengths = np.clip(np.ceil(noise_of(evaluator, es)), 1, 9).astype(int)
    times = np.concatenate([np.arange(length) for length in lengths for _ in range(2)])
    data = np.stack([times, -3.0 * times], axis=1)
    statistics, seen = evaluator.statistics, []
    for _ in range(2):  # the second time around the mean of the first
        moments = [block(Given(state, statistics, members(i, i + 4))).moments for i in (0, 4)]
        assert jax.tree.structure(evaluator.total(moments)) == jax.tree.structure(evaluator.moments)
        statistics = evaluator.merge(statistics, [evaluator.total(moments)])
        seen.append(data)
        every = np.concatenate(seen)
        assert statistics.samples == len(every)
        np.testing.assert_allclose(statistics.mean, every.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(statistics.squares / len(every), every.var(axis=0), rtol=1e-5)


def test_any_blocks_of_a_rollout_give_the_same_numbers(compile_fully):
    noisy = make_env(
        lambda key: ({}, jax.random.normal(key, (3,))),
        lambda s, a, k: (s, jax.random.normal(k, (3,)), a[0] * jax.random.normal(k), jax.random.bernoulli(k, 0.2)),
        shape=(3,),
    )
    evaluator = from_env(noisy, mlp((8,)), episodes=2, normalize_observations=True, shared_by=1)
    es = plain()
    state, block = start(evaluator, es), evaluator.bind(es.perturb)
    whole = block(Given(state, evaluator.statistics, members()))
    halves = [block(Given(state, evaluator.statistics, members(i, i + 4))) for i in (0, 4)]
    again = [block(Given(state, evaluator.statistics, members(i, i + 4))) for i in (4, 0)][::-1]
    for one, two in zip(jax.tree.leaves(halves), jax.tree.leaves(again), strict=True):
        assert np.asarray(one).tobytes() == np.asarray(two).tobytes()
    np.testing.assert_allclose(np.concatenate([half.fitness for half in halves]), whole.fitness, rtol=1e-4, atol=1e-5)
    assert sum(half.steps for half in halves) == whole.steps
    merged = [evaluator.total([r.moments for r in results]) for results in (halves, [whole])]
    for one, two in zip(*merged, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-4)


def test_statistics_of_a_generation_are_right_at_once_and_the_same_for_any_blocks():
    """Observations far from zero, whose deviation float32 holds, whatever the size of a block."""
    offset, deviation = jnp.float32([1e4, 1e6]), jnp.float32([1.0, 1.0])
    far = make_env(
        lambda key: ({}, offset + deviation * jax.random.normal(key, (2,))),
        lambda s, a, k: (s, offset + deviation * jax.random.normal(k, (2,)), a[0], jnp.bool_(False)),
        max_steps=400,
        shape=(2,),
    )
    evaluator, es = from_env(far, CONSTANT, normalize_observations=True, shared_by=1), plain()
    state, block, found = start(evaluator, es), evaluator.bind(es.perturb), []
    for size in (8, 4, 2):
        moments = [block(Given(state, evaluator.statistics, members(i, i + size))).moments for i in range(0, N, size)]
        found.append(evaluator.merge(evaluator.statistics, [evaluator.total(moments)]))
    np.testing.assert_allclose(np.sqrt(found[0].squares / found[0].samples), deviation, rtol=0.05)
    for statistics in found[1:]:
        for one, two in zip(statistics, found[0], strict=True):
            assert one.tobytes() == two.tobytes()


COUNTER = Policy(
    lambda key, observation, outputs: {"w": jnp.ones(1)},
    lambda params, observation, carry: (carry[None], carry + 1.0 + 0.0 * params["w"][0]),
    lambda: jnp.float32(1),
)


def test_the_recurrent_state_starts_anew_in_each_episode():
    sums = make_env(lambda key: ({}, ZERO), lambda s, a, k: (s, ZERO, a[0], jnp.bool_(False)), max_steps=4)
    evaluator = from_env(sums, COUNTER, episodes=3)
    es = plain()
    block, state = evaluator.bind(es.perturb), start(evaluator, es)
    for _ in range(2):
        np.testing.assert_array_equal(block(Given(state, (), members())).fitness, 1 + 2 + 3 + 4)
    np.testing.assert_array_equal(evaluator.test(state.params, (), jax.random.key(0), 2), 10)


walk = make_env(
    lambda key: ({"x": jax.random.normal(key, (2,))}, jnp.zeros(2)),
    lambda s, a, k: (
        {**s, "x": 0.9 * s["x"] + 0.1 * jnp.tanh(a)},
        s["x"],
        -jnp.sum(s["x"] ** 2),
        jnp.sum(s["x"] ** 2) < 0.3,
    ),
    actions=Box.of((2,), -1, 1),
    shape=(2,),
    max_steps=12,
)
STATISTICS = observation.Statistics(np.asarray(50.0), np.array([0.3, -0.2]), np.array([30.0, 90.0]))


@pytest.mark.parametrize("policy", [pytest.param(mlp((8,)), id="mlp", marks=pytest.mark.slow), gru(6)])
def test_the_trained_policy_is_the_one_that_was_rolled_out(policy):
    evaluator = from_env(walk, policy, normalize_observations=True)
    params, key = evaluator.init(3), jax.random.key(5)
    returns = evaluator.test(params, STATISTICS, key, 3)
    trained = evaluator.policy(params, STATISTICS)
    for episode, expected in zip(jax.random.split(key, 3), returns, strict=True):
        states, total = record_episode(walk, trained, episode)
        np.testing.assert_allclose(total, expected, rtol=1e-4)
        state, shown = episode_start(walk, episode)
        carry, by_hand, step = trained.initial_carry(), 0.0, jax.jit(walk.step)
        for t in range(len(states) - 1):
            if policy.initial_carry is tuple:
                action = trained(shown.observation)
            else:
                action, carry = trained.step(shown.observation, carry, key)
            state, shown = step(state, action, jax.random.fold_in(episode, t + 1))
            by_hand += float(shown.reward)
            assert bool(shown.done) == (t == len(states) - 2)
        np.testing.assert_allclose(by_hand, expected, rtol=1e-4)
    plain = evaluator.policy(params, evaluator.statistics)
    seen = jnp.asarray([0.4, 2.0])
    frozen = observation.normalizer(STATISTICS)
    np.testing.assert_allclose(
        trained.step(seen, trained.initial_carry(), key)[0],
        plain.step(frozen(seen), plain.initial_carry(), key)[0],
        rtol=1e-5,
    )


def test_a_recurrent_policy_must_be_given_its_state():
    evaluator = from_env(walk, gru(4))
    with pytest.raises(ValueError, match=r"this policy is recurrent: call step\(observation, carry, key\)"):
        evaluator.policy(evaluator.init(0), ())(jnp.zeros(2))


NO_LOGITS = feedforward(lambda key, x, outputs: {"w": jnp.zeros(outputs)}, lambda params, x: params["w"])


def lottery(steps=200):
    """Pays where a number drawn by the environment is the action."""
    return make_env(
        lambda key: ({}, ZERO),
        lambda s, a, k: (s, ZERO, jnp.float32(a == jax.random.categorical(k, jnp.zeros(4))), jnp.bool_(False)),
        actions=Discrete(4),
        max_steps=steps,
    )


def test_sampled_actions_are_independent_of_the_environment():
    evaluator = from_env(lottery(), NO_LOGITS, head=SamplingHead())
    returns = evaluator.test(evaluator.init(0), (), jax.random.key(0), 20) / 200
    assert abs(returns.mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 4000)


def test_a_recorded_episode_is_the_one_of_the_rollout_also_where_steps_are_random():
    evaluator = from_env(lottery(40), CONSTANT_CHOICE)
    key = jax.random.key(0)
    returns = evaluator.test(evaluator.init(0), (), key, 2)
    trained = evaluator.policy(evaluator.init(0), ())
    recorded = [record_episode(lottery(40), trained, k)[1] for k in jax.random.split(key, 2)]
    np.testing.assert_allclose(recorded, returns)


CONSTANT_CHOICE = feedforward(
    lambda key, x, outputs: {"w": jnp.arange(outputs, dtype=jnp.float32)}, lambda params, x: params["w"]
)


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_a_return_that_is_not_finite_follows_the_policy(value):
    broken = make_env(
        lambda key: ({}, ZERO), lambda s, a, k: (s, ZERO, jnp.where(a[0] > 2, value, 1.0), jnp.bool_(True))
    )
    es = plain()
    bad = noise_of(from_env(broken, CONSTANT), es) > 2
    assert bad.sum() == N // 2
    for policy, expected in ((Invalid.DROP_PAIR, np.nan), (Invalid.WORST, -np.inf)):
        found = evaluate(from_env(broken, CONSTANT, on_nan=policy), es).fitness
        np.testing.assert_array_equal(found, np.where(bad, expected, 1).astype(np.float32))
    with pytest.raises(FitnessError, match=f"member {np.flatnonzero(bad)[0]} of generation 2"):
        evaluate(from_env(broken, CONSTANT, on_nan=Invalid.RAISE), es)


def test_frozen_and_low_rank_parameters_are_rolled_out_as_they_are_formed():
    evaluator = from_env(walk, mlp((8, 8)), shared_by=None)
    es = strategy(leaves=LeafRules(frozen=("layer_2/*",)))
    found = evaluate(evaluator, es).fitness
    explicit = formed(es, start(evaluator, es))
    (episode,) = jax.random.split(generation_key(start(evaluator, es)), 1)
    for i in (0, 5):
        trained = evaluator.policy(jax.tree.map(lambda x, i=i: jnp.asarray(x[i]), explicit), ())
        np.testing.assert_allclose(record_episode(walk, trained, episode)[1], found[i], rtol=1e-4)


# --- policies that do not fit ----------------------------------------------------------------------


def test_the_default_policy_fits():
    assert evaluate(from_env(walk)).fitness.shape == (N,)


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        (cnn(), r"does not fit probe \(observations \(2,\), actions of shape \(2,\), so 2 outputs\): cnn needs"),
        (
            feedforward(lambda key, x, outputs: {"w": jnp.zeros(5)}, lambda params, x: params["w"]),
            r"so 2 outputs\): it returns outputs of shape \(5,\), not \(2,\)",
        ),
        (
            feedforward(lambda key, x, outputs: {"w": jnp.zeros((7, 2))}, lambda params, x: x @ params["w"]),
            r"observations \(2,\).*got \(2,\) and \(7,\)",
        ),
        (
            Policy(lambda key, x, outputs: {"w": jnp.zeros(2)}, lambda params, x, c: (params["w"], (c, c)), tuple),
            r"it returns a carry \(\(\), \(\)\), but its initial_carry\(\) is \(\)",
        ),
    ],
)
def test_a_policy_that_does_not_fit_is_refused_with_the_shapes(policy, text):
    with pytest.raises(ValueError, match=text):
        from_env(walk, policy)


def test_a_carry_that_changes_its_shape_is_refused_with_the_shapes():
    policy = Policy(
        lambda key, x, outputs: {"w": jnp.zeros(2)},
        lambda params, x, c: (params["w"], jnp.concatenate([c, c])),
        lambda: jnp.zeros(3),
    )
    with pytest.raises(ValueError, match="carry"):
        from_env(walk, policy)


class FlatHead:
    def outputs(self, space):
        return 2

    def action(self, space, outputs, key):
        return outputs.sum()


def test_a_head_that_does_not_fit_is_refused_with_the_shapes():
    with pytest.raises(
        ValueError, match=r"FlatHead makes actions of shape \(\), but probe takes actions of shape \(2,\)"
    ):
        from_env(walk, mlp(), head=FlatHead())


def test_sharing_by_less_than_one_is_refused():
    with pytest.raises(ValueError, match="shared_by=-1 must be at least 1"):
        from_env(one_step, CONSTANT, shared_by=-1)


def test_no_episodes_are_refused():
    with pytest.raises(ValueError, match="episodes=0 must be at least 1"):
        from_env(walk, mlp(), episodes=0)


def test_settings_of_a_rollout_can_be_recorded():
    evaluator = from_env(walk, mlp(), episodes=3, head=SamplingHead())
    assert evaluator.episodes == 3
    assert json.loads(json.dumps(evaluator.settings))["env"] == "probe"
