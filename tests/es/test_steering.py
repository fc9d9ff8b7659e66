"""Factors on the rates of a strategy: a factor of one changes no bit, another one is the strategy with that rate."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import eggroll_ray as er
from eggroll_ray.es import steering
from eggroll_ray.es.steering import LEARNING_RATE, SIGMA, after_update, before_update, changes, described, due

PARAMS = {
    "w": jnp.linspace(-1, 1, 48).reshape(8, 6),
    "b": jnp.ones(6),
    "half": jnp.linspace(-1, 1, 32, dtype=jnp.bfloat16).reshape(8, 4),
}
FITNESS = jnp.arange(16.0) ** 2 % 7
OPTIMIZERS = {"adam": optax.adam, "adamw": optax.adamw, "sgd": optax.sgd, "clipup": er.clipup}


def trained(es: er.ES, steps: int = 3, **factors: float):
    """The state after some updates, and the members that come next, formed."""
    state = es.init(PARAMS, 3)
    if factors:
        state = state._replace(scales=state.scales._replace(**{name: jnp.float32(x) for name, x in factors.items()}))
    update = jax.jit(es.update)
    for _ in range(steps):
        state, _ = update(state, FITNESS)
    formed = jax.jit(jax.vmap(lambda i: er.densify(es.perturb(state, i))))(jnp.arange(4))
    return jax.device_get((state.params, formed))


def same_bits(one, two):
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_factor_of_one_changes_no_bit(name):
    leaves = er.LeafRules(master=("half",))
    strategy = er.eggroll(optimizer=OPTIMIZERS[name](0.03), leaves=leaves)
    fixed = steering.not_adjustable(strategy)
    assert fixed.init(PARAMS, 3).scales == () and len(strategy.init(PARAMS, 3).scales) == 2
    assert same_bits(trained(strategy), trained(fixed))


@pytest.mark.parametrize("strategy", [er.eggroll, er.openai_es], ids=["eggroll", "openai_es"])
def test_a_factor_is_the_strategy_with_that_rate(strategy):
    """By powers of two, which change no digit."""

    def made(sigma, rate):
        return strategy(sigma=sigma, optimizer=optax.sgd(rate))

    scaled = trained(made(0.25, 0.5), sigma=0.5, learning_rate=0.25)
    assert same_bits(scaled, trained(made(0.125, 0.125)))
    assert not same_bits(scaled[0], trained(made(0.125, 0.5))[0])
    assert not same_bits(scaled[1], trained(made(0.25, 0.125))[1])


def test_noise_summed_over_an_episode_goes_by_the_factor_as_by_the_sigma():
    scaled, made = er.eggroll(sigma=0.25, persistent=4), er.eggroll(sigma=0.125, persistent=4)
    assert same_bits(trained(scaled, sigma=0.5), trained(made))


def test_leaves_that_are_formed_for_the_user_are_of_a_strategy_as_it_was():
    rules = er.LeafRules(on_unsupported="densify", densify_limit=77)
    fixed = steering.not_adjustable(er.eggroll(leaves=rules))
    assert fixed.densify is not None and fixed.densify.limit == 77
    more = fixed.densify.these(["w"])
    assert more.init(PARAMS, 3).scales == () and "adjustable" not in more.settings
    assert more.settings["leaves"]["densify"] == ("w",) and er.eggroll().settings["adjustable"]


def state_of(strategy: er.ES) -> er.ESState:
    return jax.eval_shape(lambda: strategy.init(PARAMS, 0))


def test_changes_are_found_by_name_and_sigma_by_what_it_was():
    shapes = state_of(er.eggroll(sigma=0.2, optimizer=optax.inject_hyperparams(optax.adam)(learning_rate=0.1)))
    found = changes(shapes, {"learning_rate_scale": 0.5, "sigma": 0.05, "learning_rate": 0.3}, sigma=0.2)
    assert found == {LEARNING_RATE: 0.5, SIGMA: 0.25, "hyperparams/learning_rate": 0.3}
    assert changes(shapes, {SIGMA: 2}) == changes(shapes, {"sigma_scale": 2.0}) == {SIGMA: 2.0}


@pytest.mark.parametrize(
    ("make", "values", "message"),
    [
        (er.eggroll, {"sigma_scale": 0.0}, "sigma_scale=0.0 must be a positive number"),
        (er.eggroll, {"sigma_scale": 1e-50}, "sigma_scale=1e-50 must be a positive number"),  # zero in float32
        (er.eggroll, {"sigma": -0.1}, "sigma=-0.1 must be a positive number"),
        (er.eggroll, {"learning_rate_scale": float("nan")}, "learning_rate_scale=nan must be a positive"),
        (er.eggroll, {"learning_rate_scale": True}, "learning_rate_scale=True must be a positive"),
        (er.eggroll, {"learning_rate": 0.1}, r"'learning_rate' cannot be set: .* change\(learning_rate_scale=0.5\)"),
        (er.eggroll, {"rank": 2}, "'rank' cannot be changed"),
        (lambda: er.eggroll(sigma=lambda g: 0.1), {"sigma": 0.1}, r"follows a schedule.* change\(sigma_scale=0.5\)"),
        (
            lambda: steering.not_adjustable(er.eggroll()),
            {"sigma": 0.1},
            "sigma cannot be changed: the strategy holds no",
        ),
    ],
)
def test_what_cannot_be_changed_is_refused(make, values, message):
    strategy = make()
    with pytest.raises(ValueError, match=message):
        changes(state_of(strategy), values, strategy.settings["sigma"])


def test_the_learning_rate_counts_from_an_update_and_sigma_from_the_population_after():
    state = er.eggroll().init(PARAMS, 3)
    changed = {LEARNING_RATE: 0.5, SIGMA: 0.25}
    before, after = before_update(state, changed).scales, after_update(state, changed).scales
    assert (float(before.learning_rate), float(before.sigma)) == (0.5, 1.0)
    assert (float(after.learning_rate), float(after.sigma)) == (1.0, 0.25)
    with pytest.raises(ValueError, match="no factor on sigma"):
        after_update(steering.not_adjustable(er.eggroll()).init(PARAMS, 3), changed)


def test_sigma_waits_for_the_next_start_of_an_episode():
    waiting = {LEARNING_RATE: 0.5, SIGMA: 0.25}
    assert [SIGMA in due(waiting, generation, windows=3) for generation in range(6)] == [0, 0, 1, 0, 0, 1]
    assert all(due(waiting, generation, windows=1) == waiting for generation in range(3))
    assert described(waiting, 4, 1) == (
        "learning_rate_scale = 0.5 from the update of generation 4 on; sigma_scale = 0.25 from the population of "
        "generation 5 on"
    )
    ends = [described({SIGMA: 2.0}, generation, 3) for generation in range(4)]
    assert [text.partition("generation ")[2][0] for text in ends] == ["3", "3", "3", "6"]
    assert "where the next episodes begin" in ends[0] and steering.described({"a/b": 1.0}, 0, 1).startswith("a/b = 1 ")
