"""Schedules of learning rate and sigma from the options of the command line: their values, and what contradicts."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from eggroll_ray.cli.build import make_strategy
from eggroll_ray.cli.options import StrategyOptions, TrainOptions
from eggroll_ray.cli.schedules import learning_rate, sigma

COSINE = 0.5 * (1 + np.cos(np.pi * np.array([0, 0.25, 0.5, 0.75, 1, 1])))
LINEAR = np.array([1, 0.75, 0.5, 0.25, 0, 0])


def options(generations: int = 4, **given) -> StrategyOptions:
    return TrainOptions("a/b", generations=generations, es=StrategyOptions(**given)).strategy


def values(schedule, stop: int = 6) -> np.ndarray:
    with jax.numpy_dtype_promotion("standard"):  # as where an optimiser is called
        return np.array([float(schedule(jnp.int32(generation))) for generation in range(stop)])


@pytest.mark.parametrize(("kind", "falls"), [("linear", LINEAR), ("cosine", COSINE)])
def test_a_schedule_falls_to_its_share_over_the_generations_and_stays_there(kind, falls):
    chosen = options(learning_rate_schedule=kind, sigma_schedule=kind, sigma=2.0, sigma_end=0.5, learning_rate=1.0)
    np.testing.assert_allclose(values(learning_rate(chosen)), 0.1 + 0.9 * falls, rtol=1e-6)
    np.testing.assert_allclose(values(sigma(chosen)), 1.0 + falls, rtol=1e-6)
    assert sigma(chosen)(jnp.int32(1)) == np.float32(1.0 + falls[1])  # also where promotion is strict


def test_a_warm_up_comes_first_and_is_part_of_the_generations():
    chosen = options(5, learning_rate=0.4, learning_rate_warmup=3, learning_rate_schedule="linear", learning_rate_end=0)
    np.testing.assert_allclose(values(learning_rate(chosen)), [0.1, 0.2, 0.3, 0.4, 0.2, 0], atol=1e-7)
    alone = options(1, sigma=0.4, sigma_warmup=1, learning_rate_warmup=1, learning_rate=0.4, learning_rate_decay=0.5)
    np.testing.assert_allclose(values(sigma(alone), 4), [0.2, 0.4, 0.4, 0.4])
    np.testing.assert_allclose(values(learning_rate(alone), 4), [0.2, 0.4, 0.2, 0.1])


def test_the_generations_of_a_schedule_may_be_others_than_those_of_the_run():
    chosen = options(100, learning_rate=1.0, learning_rate_schedule="linear", schedule_generations=4)
    np.testing.assert_allclose(values(learning_rate(chosen)), 0.1 + 0.9 * LINEAR, rtol=1e-6)
    begun = TrainOptions("a/b", generations=4, es=StrategyOptions())
    longer = TrainOptions("a/b", generations=9).with_schedules_of(begun)
    assert longer.strategy.schedule_generations == 4 and longer.generations == 9


def test_without_a_schedule_the_optimiser_and_sigma_are_as_they_always_were():
    """So that runs of earlier versions are continued: their record holds a fingerprint of both."""
    plain = options()
    assert sigma(plain) == 0.1
    before = optax.adam(optax.exponential_decay(plain.learning_rate, 1, 1.0))
    state = jax.eval_shape(before.init, jnp.zeros(3))
    with jax.numpy_dtype_promotion("standard"):
        programs = [
            str(jax.make_jaxpr(optimizer.update)(jnp.zeros(3), state))
            for optimizer in (before, optax.adam(learning_rate(plain)))
        ]
    assert programs[0] == programs[1]
    assert make_strategy(options(sigma_decay=0.9)).settings["sigma"] == "<lambda>"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"learning_rate_end": 0.5}, "learning_rate_end=0.5 needs learning_rate_schedule=linear or cosine"),
        ({"sigma_schedule": "linear", "sigma_end": 0.0}, r"sigma_end=0.0 must be in \(0, 1\]"),
        ({"learning_rate_schedule": "cosine", "learning_rate_end": 1.5}, r"learning_rate_end=1.5 must be in \[0, 1\]"),
        ({"sigma_schedule": "cosine", "sigma_decay": 0.9}, "sigma_decay=0.9 and sigma_schedule=cosine both lower it"),
        ({"sigma_warmup": -1}, "sigma_warmup=-1 must be at least 0"),
        ({"sigma_schedule": "linear", "sigma_warmup": 4}, "sigma_warmup=4 must be at least 0 and below the 4 gener"),
        ({"sigma_schedule": "linear", "schedule_generations": 0}, "schedule_generations=0 must be at least 1"),
        ({"learning_rate": 0.0}, "learning_rate=0.0 must be positive; try 0.05"),
        ({"learning_rate_decay": 1.5}, r"learning_rate_decay=1.5 must be in \(0, 1\]"),
    ],
)
def test_what_is_out_of_range_or_contradicts_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        make_strategy(options(**given))
