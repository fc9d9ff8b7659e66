"""A trained policy takes one observation or many, and says what is none."""

import pickle

import cloudpickle
import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces

from eggroll_ray.models.policies import Policy, mlp
from eggroll_ray.rl import stepping
from eggroll_ray.rl.actions import DeterministicHead, SamplingHead, squash
from eggroll_ray.rl.env import Box, Discrete, Env, Timestep
from eggroll_ray.rl.host_rollout import from_host_env
from eggroll_ray.rl.jax_rollout import from_env
from eggroll_ray.rl.normalize import Statistics
from envs import gym_env
from envs.host.spaces import observed as spaced

SEEN = np.array([0.3, -1.0, 2.0], np.float32)
MANY = np.stack([SEEN, -SEEN, 2 * SEEN, 0 * SEEN])
STATISTICS = Statistics(np.array(9.0), np.array([1.0, 2.0, 3.0]), np.array([9.0, 36.0, 81.0]))


FIVE = Discrete(5)


def shows(shape=(3,), agents=("agent",), actions=FIVE):
    """An environment that is never played."""

    def refuse(*_):
        raise AssertionError

    return Env("shows", refuse, refuse, Box.of(shape), actions, 3, agents=agents)


def trained(env, policy=None, **options):
    evaluator = from_env(env, policy or mlp((4,)), **options)
    return evaluator.policy(evaluator.init(1), STATISTICS if options.get("normalize_observations") else ())


def test_many_observations_have_the_actions_of_each():
    policy = trained(shows(actions=Box.of((2,), -1, 1)), normalize_observations=True)
    one = [policy(seen) for seen in MANY]
    np.testing.assert_allclose(policy(MANY), one, rtol=1e-5)
    grid = policy(MANY.reshape(2, 2, 3))
    assert grid.shape == (2, 2, 2)
    np.testing.assert_allclose(grid.reshape(4, 2), one, rtol=1e-5)
    assert policy(SEEN.tolist()).shape == (2,) and len(np.unique(one)) > 4


def test_many_observations_of_several_agents_and_masks():
    policy = trained(shows(agents=("a_0", "a_1")))
    joint = np.stack([MANY, MANY[::-1]], axis=1)  # (4, 2, 3)
    mask = np.zeros((4, 2, 5), bool)
    mask[:, 0, 1] = mask[:, 1, 4] = True
    np.testing.assert_array_equal(policy(joint), [policy(seen) for seen in joint])
    np.testing.assert_array_equal(policy(joint, mask=mask), [[1, 4]] * 4)
    np.testing.assert_array_equal(policy(joint[0], mask=mask[0]), [1, 4])


def test_samples_of_many_observations_are_drawn_apart():
    policy = trained(shows(actions=Box.of((1,), -1, 1)), head=SamplingHead())
    drawn = policy(np.stack([SEEN] * 6), jax.random.key(0))
    assert len(np.unique(drawn)) == 6
    assert float(policy(SEEN, jax.random.key(1))[0]) != float(policy(SEEN, jax.random.key(2))[0])


class Dice(DeterministicHead):
    def action(self, space, outputs, key):
        return jax.random.randint(key, (), 0, space.n)


@pytest.mark.parametrize("head", [SamplingHead(), Dice()])
def test_a_policy_that_samples_needs_a_key(head):
    policy = trained(shows(), head=head)
    with pytest.raises(ValueError, match=r"another key at every call: policy\(observation, key=jax\.random\.key\("):
        policy(SEEN)
    assert policy(SEEN, key=jax.random.key(1)).shape == ()


def test_it_is_compiled_once_for_a_shape_travels_and_takes_new_parameters():
    traced = []

    def apply(params, seen, carry):
        traced.append(seen.shape)
        return params["b"] + 0 * seen[:2], carry

    network = Policy(lambda *_: {"b": jnp.array([0.0, 1.0])}, apply, lambda: ())
    policy = trained(shows(actions=Discrete(2)), network)
    traced.clear()
    assert [int(policy(seen)) for seen in MANY] == [1] * 4
    assert len(traced) == 1
    policy.params = {"b": np.array([1.0, 0.0], np.float32)}
    assert int(policy(SEEN)) == 0 and len(traced) == 1
    assert int(cloudpickle.loads(cloudpickle.dumps(policy))(SEEN)) == 0
    assert int(jax.jit(policy)(SEEN)) == 0 and int(policy(SEEN)) == 0  # nothing of a trace is kept


COUNTER = Policy(
    lambda key, observation, outputs: {"w": jnp.ones(outputs)},
    lambda params, seen, carry: (carry.astype(jnp.float32) * params["w"], carry + 1),
    lambda: 1,  # a number of Python
)


def test_the_carry_may_be_a_number_and_of_many_observations():
    policy = trained(shows(actions=Box.of((1,))), COUNTER)
    carry, key = policy.initial_carry(), jax.random.key(0)
    for time in range(3):
        action, carry = policy.step(SEEN, carry, key)
        assert action.tolist() == [time + 1]
    actions, carry = policy.step(MANY, policy.initial_carry(4), key)
    assert actions.shape == (4, 1) and policy.step(MANY, carry, key)[0].tolist() == [[2]] * 4
    with pytest.raises(ValueError, match="this policy is recurrent"):
        policy(SEEN)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (np.zeros(4), r"shape \(4,\); give one of shape \(3,\), or any number of them, \(n, 3\)"),
        (np.zeros((3, 2)), r"shape \(3, 2\); give one of shape \(3,\)"),
        (0.0, r"shape \(\); give one of shape \(3,\)"),
        ({"a": SEEN}, r"given a dict; give it as one array of shape \(3,\)\."),
        ((SEEN, {}), "given all that reset returns; give its first part"),
        (None, r"given None; give an array of shape \(3,\)"),
        ("left", "given 'left'; give an array"),
    ],
)
def test_what_is_no_observation_is_refused(given, text):
    with pytest.raises(
        ValueError, match=f"the policy of shows was {'given an observation of ' * ('shape' in text[:6])}{text}"
    ):
        trained(shows())(given)


SPACES = {
    "dict": spaces.Dict({"at": spaces.Box(-1, 1, (2,), np.float32), "room": spaces.Discrete(3)}),
    "tuple": spaces.Tuple((spaces.Box(-1, 1, (2,), np.float32), spaces.Discrete(3))),
    "number": spaces.Discrete(5),
    "masked": spaces.Dict({"at": spaces.Box(-1, 1, (5,), np.float32), "action_mask": spaces.MultiBinary(4)}),
}


def sees(space):
    """The policy of an environment of Gymnasium that shows this space, and is never played."""

    class Sees(gymnasium.Env):
        observation_space, action_space = space, spaces.Discrete(4)

        def reset(self, *, seed=None, options=None):
            space.seed(seed)
            return space.sample(), {}

    return from_host_env(gym_env.from_function(Sees, name="sees", max_steps=3), mlp((4,)))


@pytest.mark.parametrize("kind", SPACES)
def test_what_an_environment_on_the_host_shows_is_encoded_by_its_space(kind):
    space, evaluator = SPACES[kind], sees(SPACES[kind])
    policy = evaluator.policy(evaluator.init(0), ())
    space.seed(0)
    many = [space.sample() for _ in range(4)]
    for one in many if kind == "masked" else ():
        one["action_mask"] = np.array([0, 0, 1, 0], np.int8)
    alone = [int(policy(one)) for one in many]
    arrays = np.stack([spaced(space).encode(one) for one in many])
    if kind == "masked":
        assert alone == [2] * 4  # what is forbidden is never done
    else:
        assert alone == policy(arrays).tolist()
    assert policy(many).tolist() == alone
    together = jax.tree.map(lambda *leaves: np.stack(leaves), *many)
    assert kind == "number" or policy(together).tolist() == alone
    restored = pickle.loads(pickle.dumps(policy))
    assert [int(restored(one)) for one in many] == alone


def test_a_dict_without_one_of_its_entries_is_refused():
    evaluator = sees(SPACES["dict"])
    with pytest.raises(
        ValueError, match=r"the policy of sees cannot read .* KeyError: 'room'; give what reset and step"
    ):
        evaluator.policy(evaluator.init(0), ())({"at": np.zeros(2, np.float32)})


# --- What an environment may give, and what not; see rl/stepping.py.


def gives(reward=1.0, done=None, seen=None, state=None):
    """Ends after three steps; the first state is a pair of a number and an array."""

    def reset(key):
        return (0, jnp.zeros(2)), Timestep(SEEN, jnp.float32(0), jnp.bool_(False))

    def step(before, action, key):
        time = before[0] + 1
        after = (time, before[1]) if state is None else state(time)
        return after, Timestep(SEEN if seen is None else seen, reward, time >= 3 if done is None else done(time))

    return Env("gives", reset, step, Box.of((3,)), Discrete(2), 5)


def returns(env):
    evaluator = from_env(env, mlp((4,)))
    return evaluator.test(evaluator.init(0), (), jax.random.key(0), 2).tolist()


@pytest.mark.parametrize(
    "env",
    [
        gives(jnp.ones(1)),
        gives(True, seen=jnp.ones(3, jnp.int32)),
        gives(jnp.int32(1), done=lambda time: (time >= 3).astype(jnp.float32)[None]),
        gives(state=lambda time: (time.astype(jnp.int16), jnp.zeros(2, jnp.float16))),
    ],
)
def test_what_is_meant_is_taken(env):
    assert returns(env) == [3, 3]


@pytest.mark.parametrize(
    ("env", "text"),
    [
        (gives(jnp.ones(2)), r"step of gives gives reward of shape \(2,\); give one number, shape \(\)"),
        (gives(seen=jnp.zeros(4)), r"step of gives returns an observation of shape \(4,\), but .* has shape \(3,\)"),
        (gives(done=lambda time: jnp.zeros(2, bool)), r"step of gives gives done of shape \(2,\)"),
        (
            gives(state=lambda time: (time.astype(jnp.float32), jnp.zeros(2))),
            r"state 0 of gives is int32\[\] after reset, but float32",
        ),
        (
            gives(state=lambda time: (time, jnp.zeros(3))),
            r"state 1 of gives is float32\[2\] after reset, but",
        ),
        (gives(state=lambda time: [time, jnp.zeros(2)]), "return the same pytree"),
    ],
)
def test_what_is_not_clear_is_explained(env, text):
    with pytest.raises(ValueError, match=text):
        returns(env)


def test_a_suite_that_changes_types_with_64_bits_is_brought_back_or_named():
    def widens(before):
        return before[0] + 1, jnp.asarray(before[1], jnp.float64)

    def reset(key):
        return (jnp.int32(0), jnp.zeros(2, jnp.float32)), Timestep(SEEN, jnp.float32(0), jnp.bool_(False))

    def step(before, action, key):
        after = widens(before)
        return after, Timestep(jnp.zeros(3, jnp.float64), jnp.float64(1), after[0] >= 3)

    def mixes(before, action, key):
        return before, Timestep(jax.lax.select(before[0] > 0, jnp.zeros(3), SEEN), jnp.float32(1), before[0] >= 3)

    env, key = Env("wide", reset, step, Box.of((3,)), Discrete(2), 5), jax.random.key(0)
    with jax.enable_x64(True):
        state, first = jax.eval_shape(lambda: stepping.reset(env, key))
        after, shown = jax.eval_shape(
            lambda s: stepping.step(env, s, jnp.zeros(3, jnp.float32), jnp.int32(0), key), state
        )
        with pytest.raises(ValueError, match=r"wide does not work with JAX_ENABLE_X64=1; turn that off\. It says: lax"):
            jax.eval_shape(
                lambda s: stepping.step(env._replace(step=mixes), s, jnp.zeros(3, jnp.float32), jnp.int32(0), key),
                state,
            )
    assert [leaf.dtype for leaf in jax.tree.leaves(after)] == [leaf.dtype for leaf in jax.tree.leaves(state)]
    assert shown.observation.dtype == first.observation.dtype == shown.reward.dtype == np.float32


@pytest.mark.parametrize("bound", [1.0, 2e38, float(np.finfo(np.float32).max)])
def test_squashing_keeps_the_widest_bounds(bound):
    space = Box.of((3,), -bound, bound)
    found = squash(space, jnp.array([-20.0, 0.0, 20.0]))
    np.testing.assert_allclose(found, [-bound, 0, bound], rtol=1e-6)
