"""Policies and heads: shapes, bounds, distributions, and that they can be perturbed as they stand."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eggroll_ray.models.policies import (
    Policy,
    cnn,
    default_policy,
    feedforward,
    gru,
    mlp,
    nature_cnn,
    pqn,
    with_log_std,
)
from eggroll_ray.rl.actions import DeterministicHead, Head, SamplingHead, clip, forbid, squash
from eggroll_ray.rl.env import Box, Discrete, MultiDiscrete

pytestmark = pytest.mark.usefixtures("compile_quickly")

KEY = jax.random.key(0)


def shapes(tree):
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): x.shape
        for path, x in jax.tree_util.tree_flatten_with_path(tree)[0]
    }


def run(policy, observation, outputs=3):
    params = policy.init(KEY, jnp.zeros_like(observation), outputs)
    assert all(x.dtype == jnp.float32 for x in jax.tree.leaves(params))
    return params, *policy.apply(params, observation, policy.initial_carry())


# --- networks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [(), pytest.param((4,), marks=pytest.mark.slow), (7, 5)])
@pytest.mark.parametrize("shape", [(), pytest.param((6,), marks=pytest.mark.slow), (2, 3)])
def test_mlp_is_the_product_of_its_layers(hidden, shape):
    observation = jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.float32)
    params, outputs, carry = run(mlp(hidden), observation)
    x = np.asarray(observation).reshape(-1)
    sizes = (x.size, *hidden, 3)
    kernels = [params[f"layer_{i}"]["kernel"] for i in range(len(sizes) - 1)]
    assert [kernel.shape for kernel in kernels] == list(itertools.pairwise(sizes))
    for i in range(len(sizes) - 1):
        layer = jax.device_get(params[f"layer_{i}"])
        assert not layer["bias"].any()
        x = x @ layer["kernel"] + layer["bias"]
        x = np.tanh(x) if i < len(hidden) else x
    np.testing.assert_allclose(outputs, x, rtol=1e-5, atol=1e-6)
    assert carry == ()


def test_weights_have_variance_one_over_fan_in():
    params = mlp((300,)).init(KEY, jnp.zeros(200), 100)
    for name, fan_in in (("layer_0", 200), ("layer_1", 300)):
        kernel = np.asarray(params[name]["kernel"])
        assert abs(kernel.var() * fan_in - 1) < 5 * np.sqrt(2 / kernel.size)
    other = mlp((300,)).init(jax.random.key(1), jnp.zeros(200), 100)
    assert not np.array_equal(other["layer_0"]["kernel"], params["layer_0"]["kernel"])
    same = mlp((300,)).init(KEY, jnp.ones(200), 100)  # the example's values do not matter
    np.testing.assert_array_equal(same["layer_1"]["kernel"], params["layer_1"]["kernel"])


def test_pqn_is_a_rectified_layer_norm():
    x = np.random.default_rng(0).normal(3.0, 2.0, 50).astype(np.float32)
    expected = np.maximum((x - x.mean()) / np.sqrt(x.var() + 1e-5), 0)
    np.testing.assert_allclose(pqn(jnp.asarray(x)), expected, atol=1e-5)
    np.testing.assert_array_equal(pqn(jnp.full(5, 7.0)), 0)
    _, outputs, _ = run(mlp((8,), activation=pqn), jnp.ones(4))
    assert outputs.shape == (3,)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_gru_is_the_textbooks():
    observation = jnp.asarray(np.random.default_rng(0).normal(size=(2, 3)), jnp.float32)
    policy = gru(5)
    assert (policy.initial_carry() == 0).all() and policy.initial_carry().shape == (5,)
    params = policy.init(KEY, observation, 4)
    assert shapes(params) == {
        "head/bias": (4,), "head/kernel": (5, 4), "inputs/bias": (15,), "inputs/kernel": (6, 15), "state/bias": (15,),
        "state/kernel": (5, 15),
    }  # fmt: skip
    bias = jnp.linspace(-1, 1, 15)
    params["state"]["bias"], params["inputs"]["bias"] = bias, 0.5 * bias
    host = jax.device_get(params)
    carry, h = policy.initial_carry(), np.zeros(5)
    for _ in range(3):
        outputs, carry = policy.apply(params, observation, carry)
        xs = np.split(np.asarray(observation).reshape(-1) @ host["inputs"]["kernel"] + host["inputs"]["bias"], 3)
        hs = np.split(h @ host["state"]["kernel"] + host["state"]["bias"], 3)
        reset, update = sigmoid(xs[0] + hs[0]), sigmoid(xs[1] + hs[1])
        h = (1 - update) * np.tanh(xs[2] + reset * hs[2]) + update * h
        np.testing.assert_allclose(carry, h, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(outputs, h @ host["head"]["kernel"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "shape",
    [pytest.param((10, 10, 4), marks=pytest.mark.slow), pytest.param((3, 3, 1), marks=pytest.mark.slow), (3, 8, 2)],
)
def test_cnn_is_an_explicit_convolution(shape):
    observation = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    params, outputs, carry = run(cnn(channels=5, hidden=6), jnp.asarray(observation))
    assert carry == () and outputs.shape == (3,)
    host = jax.device_get(params)
    assert host["conv"]["kernel"].shape == (3, 3, shape[2], 5)
    rows, columns = shape[0] - 2, shape[1] - 2
    patches = [observation[i : i + 3, j : j + 3].reshape(-1) for i in range(rows) for j in range(columns)]
    x = np.maximum(np.stack(patches) @ host["conv"]["kernel"].reshape(-1, 5), 0).reshape(-1)
    x = np.maximum(x @ host["linear"]["kernel"], 0) @ host["head"]["kernel"]
    np.testing.assert_allclose(outputs, x, rtol=1e-4, atol=1e-5)


def test_cnn_takes_images_of_integers():
    policy = cnn(2, 4)
    params = policy.init(KEY, jnp.zeros((4, 4, 2)), 3)
    image = np.random.default_rng(0).integers(0, 2, (4, 4, 2))
    outputs = [policy.apply(params, jnp.asarray(image, dtype), ())[0] for dtype in (jnp.uint8, jnp.float32)]
    np.testing.assert_array_equal(*outputs)


@pytest.mark.parametrize("shape", [(5,), (5, 5), (2, 5, 5, 3)])
def test_cnn_refuses_what_is_no_image(shape):
    with pytest.raises(ValueError, match=r"cnn needs observations \(height, width, channels\), not .*; use mlp"):
        cnn().init(KEY, jnp.zeros(shape), 3)


@pytest.mark.parametrize("shape", [(2, 9, 3), (9, 2, 3)])
def test_cnn_refuses_small_images(shape):
    with pytest.raises(ValueError, match=f"at least 3 x 3, not {shape[0]} x {shape[1]}; use mlp"):
        cnn().init(KEY, jnp.zeros(shape), 3)


@pytest.mark.parametrize(
    ("shape", "leaf"),
    [((4,), "layer_0"), ((10, 10, 4), "conv"), ((2, 10, 4), "layer_0"), ((), "layer_0"), ((36, 40, 1), "conv_0")],
)
def test_the_default_policy_fits_the_observation(shape, leaf):
    params, outputs, _ = run(default_policy(shape), jnp.zeros(shape))
    assert leaf in params and outputs.shape == (3,)


def test_feedforward_wraps_any_function_and_passes_the_carry_on():
    policy = feedforward(lambda key, observation, outputs: jnp.ones(outputs), lambda params, x: params * x.sum())
    assert isinstance(policy, Policy) and policy.initial_carry() == ()
    outputs, carry = policy.apply(jnp.ones(2), jnp.ones(3), "carry")
    assert outputs.tolist() == [3, 3] and carry == "carry"


# --- heads ---------------------------------------------------------------------------------------

HEADS = (DeterministicHead(), SamplingHead())
BOX = Box.of((2, 2), [[-1.0, 0.0], [2.0, -np.inf]], [[1.0, 10.0], [3.0, np.inf]])


@pytest.mark.parametrize("head", HEADS)
def test_outputs_actions_and_types(head):
    assert isinstance(head, Head)
    for space, outputs, shape, dtype in (
        (Discrete(5), 5, (), jnp.int32),
        (BOX, 4 if isinstance(head, DeterministicHead) else 8, (2, 2), jnp.float32),
        (MultiDiscrete((3, 2)), 5, (2,), jnp.int32),
        (Box.of((), 0, 1), 1 if isinstance(head, DeterministicHead) else 2, (), jnp.float32),
    ):
        assert head.outputs(space) == outputs
        action = head.action(space, jnp.zeros(outputs), KEY)
        assert (action.shape, action.dtype) == (shape, dtype)


def test_the_deterministic_action_is_the_largest_output():
    head = DeterministicHead()
    for best in range(4):
        assert head.action(Discrete(4), jnp.zeros(4).at[best].set(1), KEY) == best


def test_squash_keeps_to_the_bounds_and_leaves_what_has_none():
    for x, expected in (
        (0.0, [[0, 5], [2.5, 0]]),
        (1e4, [[1, 10], [3, 1e4]]),
        (-1e4, [[-1, 0], [2, -1e4]]),
    ):
        np.testing.assert_allclose(squash(BOX, jnp.full(4, x)), expected, atol=1e-6)
    half = Box.of((2,), [0.0, -np.inf], [np.inf, 5.0])  # bounded on one side: as it is
    np.testing.assert_array_equal(squash(half, jnp.asarray([-7.0, 70.0])), [-7.0, 70.0])
    x = jnp.linspace(-3, 3, 4)
    np.testing.assert_allclose(np.asarray(squash(Box.of((4,), -2, 4), x)), 1 + 3 * np.tanh(np.asarray(x)), rtol=1e-5)


@pytest.mark.parametrize("head", HEADS)
def test_actions_of_any_outputs_are_within_the_bounds(head):
    box = Box.of((3,), [-0.3, 1.0, 1e-3], [0.7, 1e6, 2e-3])
    outputs = jnp.asarray(np.random.default_rng(0).normal(0, 30, (1000, head.outputs(box))), jnp.float32)
    keys = jax.random.split(KEY, 1000)
    actions = np.asarray(jax.vmap(lambda x, key: head.action(box, x, key))(outputs, keys), np.float64)
    slack = 1e-6 * np.abs(box.high)
    assert (actions >= box.low - slack).all() and (actions <= box.high + slack).all()


def test_squash_of_bfloat16_is_float32():
    assert squash(BOX, jnp.ones(4, jnp.bfloat16)).dtype == jnp.float32


def test_categorical_samples_follow_the_softmax():
    logits, n = jnp.asarray([0.0, 1.0, -1.0, 2.0]), 20_000
    draw = jax.vmap(lambda key: SamplingHead().action(Discrete(4), logits, key))
    actions = np.asarray(jax.jit(draw)(jax.random.split(KEY, n)))
    expected = np.asarray(jax.nn.softmax(logits))
    error = np.sqrt(expected * (1 - expected) / n)
    assert (np.abs(np.bincount(actions, minlength=4) / n - expected) < 5 * error).all()


def test_gaussian_samples_have_the_mean_and_the_spread_of_the_outputs():
    space, n = Box.of((3,)), 20_000  # no bounds: not squashed
    mean, log_std = np.array([0.5, -2.0, 3.0]), np.array([-1.0, 0.0, 1.0])
    outputs = jnp.asarray(np.concatenate([mean, log_std]), jnp.float32)
    draw = jax.vmap(lambda key: SamplingHead().action(space, outputs, key))
    actions = np.asarray(jax.jit(draw)(jax.random.split(KEY, n)), np.float64)
    std = np.exp(log_std)
    assert (np.abs(actions.mean(axis=0) - mean) < 5 * std / np.sqrt(n)).all()
    assert (np.abs(actions.std(axis=0) / std - 1) < 5 / np.sqrt(2 * n)).all()
    assert np.abs(np.corrcoef(actions.T) - np.eye(3)).max() < 5 / np.sqrt(n)


@pytest.mark.parametrize(("log_std", "std"), [(-100.0, np.exp(-5)), (100.0, np.exp(2))])
def test_the_log_standard_deviation_is_clipped(log_std, std):
    draw = jax.vmap(lambda key: SamplingHead().action(Box.of((1,)), jnp.asarray([0.0, log_std]), key))
    actions = np.asarray(draw(jax.random.split(KEY, 4000)))
    assert abs(actions.std() / std - 1) < 5 / np.sqrt(8000)


def test_clip_takes_outputs_as_actions_up_to_the_bounds():
    box = Box.of((3,), [-1.0, 0.0, -np.inf], [1.0, 5.0, np.inf])
    np.testing.assert_array_equal(clip(box, jnp.asarray([-3.0, 4.0, 99.0])), [-1.0, 4.0, 99.0])
    action = DeterministicHead(clip).action(box, jnp.asarray([0.25, 7.0, -8.0]), KEY)
    np.testing.assert_array_equal(action, [0.25, 5.0, -8.0])


@pytest.mark.parametrize("head", HEADS)
def test_each_choice_of_several_is_made_by_its_own_logits(head):
    logits = jnp.asarray([0.0, 50.0, 0.0, 50.0, 0.0])
    assert head.action(MultiDiscrete((3, 2)), logits, KEY).tolist() == [1, 0]


def test_choices_of_several_are_sampled_apart():
    space, n = MultiDiscrete((2, 2)), 4000
    draw = jax.vmap(lambda key: SamplingHead().action(space, jnp.zeros(4), key))
    actions = np.asarray(draw(jax.random.split(KEY, n)), np.float64)
    assert np.abs(actions.mean(axis=0) - 0.5).max() < 2.5 / np.sqrt(n)
    assert abs(np.corrcoef(actions.T)[0, 1]) < 5 / np.sqrt(n)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_a_forbidden_action_is_never_taken_however_likely(head, dtype):
    outputs = forbid(jnp.asarray([1e30, -1e30, 1e30, 0.0], dtype), jnp.asarray([False, True, False, False]))
    keys = jax.random.split(KEY, 200)
    assert (jax.vmap(lambda key: head.action(Discrete(4), outputs, key))(keys) == 1).all()


def test_nature_cnn_has_the_published_sizes_and_scales_bytes():
    policy = nature_cnn(hidden=16)
    params = policy.init(KEY, jnp.zeros((84, 84, 4)), 6)
    assert shapes(params)["linear/kernel"] == (7 * 7 * 64, 16)
    image = np.random.default_rng(0).integers(0, 256, (84, 84, 4))
    outputs = [
        policy.apply(params, x, ())[0] for x in (jnp.asarray(image, jnp.uint8), jnp.asarray(image / 255.0, jnp.float32))
    ]
    np.testing.assert_allclose(*outputs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(35, 84, 3), (84,)])
def test_nature_cnn_refuses_what_is_too_small(shape):
    with pytest.raises(ValueError, match=r"nature_cnn needs images .* at least 36 x 36, not .*; use cnn"):
        nature_cnn().init(KEY, jnp.zeros(shape), 3)


def test_a_log_standard_deviation_of_its_own_is_a_parameter():
    policy = with_log_std(mlp((4,)))
    params = policy.init(KEY, jnp.zeros(3), 4)
    assert params["log_std"].tolist() == [0, 0] and params["policy"]["layer_1"]["kernel"].shape == (4, 2)
    params["log_std"] = jnp.asarray([1.0, -1.0])
    outputs, _ = policy.apply(params, jnp.ones(3), ())
    np.testing.assert_array_equal(outputs[2:], [1.0, -1.0])
    np.testing.assert_array_equal(outputs[:2], mlp((4,)).apply(params["policy"], jnp.ones(3), ())[0])
    with pytest.raises(ValueError, match="with_log_std needs an even number of outputs"):
        policy.init(KEY, jnp.zeros(3), 3)


@pytest.mark.parametrize("impl", ["threefry2x32", "rbg"])
def test_weights_are_those_of_jax_random_normal(impl, compile_fully):
    key = jax.random.key(3, impl=impl)
    params = mlp((5,)).init(key, jnp.zeros(7), 2)
    images = cnn(2, 3).init(key, jnp.zeros((4, 4, 5)), 2)
    shapes = {"layer_0": (7, 5), "layer_1": (5, 2)}, {"conv": (3, 3, 5, 2), "linear": (8, 3), "head": (3, 2)}
    for found, expected in zip((params, images), shapes, strict=True):
        for (name, shape), one in zip(expected.items(), jax.random.split(key, len(expected)), strict=True):
            kernel = jax.random.normal(one, shape, jnp.float32) / jnp.sqrt(float(np.prod(shape[:-1])))
            # Of threefry bit by bit: the initial state of a run is part of what its seed means.
            rtol = 0 if impl == "threefry2x32" else 1e-6
            np.testing.assert_allclose(found[name]["kernel"], kernel, rtol=rtol)
            assert not found[name]["bias"].any()
