"""What is known before a run: shapes, noise and plan; and what is refused before any work starts."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import eggroll_ray as er
from eggroll_ray.workers.prepare import check_windows, prepare

PARAMS = {"w": np.zeros((64, 32), np.float32), "b": np.zeros(32, np.float32)}


def evaluator(fn=lambda params, key: jnp.sum(params["w"]) + jnp.sum(params["b"])):
    return er.from_fitness(fn, PARAMS)


def test_the_parts_are_those_of_the_state():
    strategy = er.eggroll(rank=2, shaping=er.fitness.antithetic_sign)
    found = prepare(evaluator(), strategy, 64, seed=7, test_episodes=5)
    state = strategy.init(PARAMS, 7)
    assert jax.tree.map(lambda x: (x.shape, x.dtype), found.shapes) == jax.tree.map(lambda x: (x.shape, x.dtype), state)
    assert [leaf.path for leaf in found.leaves] == ["b", "w"]
    assert found.noise_bytes == 4 * (2 * (64 + 32) // 2 + 32)  # twins share factors, not what is added to a vector
    plan = found.plan
    assert (plan.population_size, plan.block_size, plan.seed, plan.test_episodes, plan.groups) == (64, 64, 7, 5, 1)
    assert plan.signs_only and not prepare(evaluator(), er.eggroll(), 64).plan.signs_only
    assert prepare(evaluator(), er.eggroll(), 64).plan.test_episodes == 1  # what the evaluator suggests


def test_numbers_are_refused_before_anything_is_traced():
    def traced(params, key):
        pytest.fail("it was traced")

    given = evaluator()._replace(check=lambda *_: traced(None, None), init=lambda seed: traced(None, None))
    with pytest.raises(ValueError, match="population_size=63 must be even"):
        prepare(given, er.eggroll(), 63)
    with pytest.raises(ValueError, match="seed=-1 must be in"):
        prepare(given, er.eggroll(), 64, seed=-1)


def test_what_an_evaluation_would_raise_is_raised():
    def unsupported(params, key):
        return jnp.sum(jnp.linalg.inv(params["w"].T @ params["w"]))

    with pytest.raises(NotImplementedError, match="w"):
        prepare(evaluator(unsupported), er.eggroll(), 64)


def test_a_perturb_in_one_step_is_refused():
    strategy = er.eggroll()
    with pytest.raises(ValueError, match=r"perturb=.* of the strategy must be a Perturbation\(draw, apply\)"):
        prepare(evaluator(), strategy._replace(perturb=lambda state, member: strategy.perturb(state, member)), 64)


def test_a_generation_is_not_evaluated_for_an_optimiser_that_needs_more_than_there_is():
    for optimizer, missing in (
        (optax.chain(optax.sgd(0.1), optax.contrib.reduce_on_plateau()), "argument: 'value'"),
        (optax.chain(optax.sgd(0.1), optax.scale_by_backtracking_linesearch(3)), "'value', 'grad', and 'value_fn'"),
    ):
        with pytest.raises(ValueError, match=f"(?s)update of the strategy fails: TypeError.*{missing}.*Leave out what"):
            prepare(evaluator(), er.eggroll(optimizer=optimizer), 64)


def test_what_is_wrong_with_a_shaping_is_raised_as_it_is():
    with pytest.raises(ValueError, match="group_size=6 does not divide the population of 64"):
        prepare(evaluator(), er.eggroll(shaping=er.fitness.group_z_score(6)), 64)


def test_every_group_has_its_fitness():
    groups = ("hunter", "prey")
    given = er.from_fitness(lambda params, key: jnp.sum(params["prey"]["w"]), {name: PARAMS for name in groups})
    prepare(given._replace(groups=groups), er.eggroll(), 64)
    with pytest.raises(ValueError, match="no prefix of the parameters"):
        prepare(given._replace(groups=("hunter", "bird")), er.eggroll(), 64)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda state: state._replace(generation=state.generation + 0.5), "generation"),
        (lambda state: state._replace(opt_state=jnp.zeros(3)), "opt_state"),
    ],
)
def test_an_update_that_makes_another_kind_of_state_is_refused(change, name):
    made = er.eggroll()

    def update(state, fitness):
        after, metrics = made.update(state, fitness)
        return change(after), metrics

    with jax.numpy_dtype_promotion("standard"), pytest.raises(ValueError, match=rf"makes state\.{name}.* must stay"):
        prepare(evaluator(), made._replace(update=update), 64)


@pytest.mark.parametrize("name", ["persistent", "noise_reuse"])
def test_a_strategy_for_other_windows_is_refused(name):
    with pytest.raises(ValueError, match=f"{name}=3 of the strategy must be 4, the windows of an episode"):
        check_windows(er.eggroll(**{name: 3}), 4)
    check_windows(er.eggroll(**{name: 4}), 4)
