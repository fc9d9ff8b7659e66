"""ClipUp against its authors' formulas, and what evolution asks of an optimiser."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from eggroll_ray.cli.build import make_strategy
from eggroll_ray.cli.options import StrategyOptions
from eggroll_ray.es.optimizers import clipup

pytestmark = pytest.mark.usefixtures("compile_quickly")

PARAMS = {"bias": jnp.zeros(3), "kernel": jnp.zeros((4, 5)), "off": None}  # None: a frozen leaf
SIZE = 23


def gradients(count, scale=1.0):
    rng = np.random.default_rng(0)
    return [
        {"bias": scale * rng.normal(size=3), "kernel": scale * rng.normal(size=(4, 5)), "off": None}
        for _ in range(count)
    ]


def flat(tree):
    return np.concatenate([np.asarray(x, np.float64).ravel() for x in jax.tree.leaves(tree)])


def steps_of(optimizer, given, params=PARAMS):
    state, steps, update = optimizer.init(params), [], jax.jit(optimizer.update)
    for gradient in given:
        cast = jax.tree.map(lambda g, w: jnp.asarray(g, w.dtype), gradient, params)
        step, state = update(cast, state, params)
        steps.append(step)
    return steps


@pytest.mark.parametrize("momentum", [0.0, 0.6, 0.9])
def test_it_is_the_authors_algorithm(momentum):
    given = gradients(2) + [gradients(3)[2]] * 12  # the same one until the velocity is cut
    speed = 0.1 * SIZE**0.5
    velocity, cuts = np.zeros(SIZE), 0
    for gradient, step in zip(given, steps_of(clipup(0.1, momentum=momentum), given), strict=True):
        ascent = -flat(gradient)
        velocity = momentum * velocity + speed / 2 * ascent / np.linalg.norm(ascent)
        if (length := np.linalg.norm(velocity)) > speed:
            velocity, cuts = velocity * speed / length, cuts + 1
        np.testing.assert_allclose(flat(step), velocity, rtol=2e-5, atol=1e-7)
    assert (cuts > 0) == (momentum > 0.5)


def test_only_the_direction_of_the_gradient_counts():
    for small, large in zip(
        steps_of(clipup(0.1), gradients(4, 1e-6)), steps_of(clipup(0.1), gradients(4)), strict=True
    ):
        np.testing.assert_allclose(flat(small), flat(large), rtol=1e-4)


def test_no_gradient_makes_no_step_and_no_nan():
    nothing = jax.tree.map(np.zeros_like, gradients(1)[0])
    alone, *_ = steps_of(clipup(0.1), [nothing])
    assert not flat(alone).any()
    first, second = steps_of(clipup(0.1), [gradients(1)[0], nothing])
    np.testing.assert_allclose(flat(second), 0.9 * flat(first), rtol=1e-6)


def test_a_schedule_sets_the_longest_step_of_each_generation():
    rates = [0.1, 0.1, 0.1, 0.02]
    steps = steps_of(clipup(lambda count: jnp.asarray(rates)[count]), [gradients(1)[0]] * 4)
    lengths = [np.linalg.norm(flat(step)) / SIZE**0.5 for step in steps]
    np.testing.assert_allclose(lengths, [0.05, 0.095, 0.1, 0.02], rtol=1e-5)


def test_small_steps_of_bfloat16_add_up_in_its_own_state():
    params = {"kernel": jnp.ones((16, 16), jnp.bfloat16)}
    optimizer = clipup(0.1)
    step, first = optimizer.update(params, optimizer.init(params))
    assert step["kernel"].dtype == jnp.bfloat16
    _, second = optimizer.update(params, first)
    assert second.velocity["kernel"].dtype == jnp.float32
    np.testing.assert_allclose(flat(second.velocity), 1.9 * flat(first.velocity), rtol=1e-6)  # bfloat16: within 4e-3


@pytest.mark.parametrize(
    "arguments",
    [
        {"learning_rate": 0.0},
        {"learning_rate": -0.1},
        {"learning_rate": float("nan")},
        {"learning_rate": 0.1, "momentum": 1.0},
        {"learning_rate": 0.1, "momentum": -0.1},
    ],
)
def test_values_out_of_range_are_named(arguments):
    name = list(arguments)[-1]
    with pytest.raises(ValueError, match=f"{name}={arguments[name]} must be"):
        clipup(**arguments)


def test_the_groups_of_a_run_do_not_move_each_other():
    def moved(groups, luck):
        params = {"hunter": {"kernel": jnp.ones((4, 5))}, "prey": {"kernel": jnp.ones((4, 5))}}
        strategy = make_strategy(StrategyOptions(optimizer="clipup"), groups)
        state = strategy.init(params, 0)
        with jax.numpy_dtype_promotion("standard"):
            for generation in range(3):
                fitness = jax.random.normal(jax.random.key(generation), (16,))
                state, _ = jax.jit(strategy.update)(state, {"hunter": fitness, "prey": luck * jnp.arange(16.0)})
        return np.asarray(state.params["hunter"]["kernel"])

    apart = ("hunter", "prey")
    np.testing.assert_array_equal(moved(apart, 1.0), moved(apart, 0.0))
    assert (moved((), 1.0) != moved((), 0.0)).any()


def test_it_goes_where_optax_goes():
    chained = optax.chain(optax.add_decayed_weights(0.1), clipup(0.1))
    params = {"kernel": jnp.ones((4, 5))}
    step, _ = chained.update(jax.tree.map(jnp.zeros_like, params), chained.init(params), params)
    assert (step["kernel"] < 0).all()
