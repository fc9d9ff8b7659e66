"""Numbers in an optimiser's state: found by name wherever they lie, changed alone, and never where a schedule rules."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from eggroll_ray.es.hyperparameters import changes, hyperparameters, with_hyperparameters

PARAMS = {"w": jnp.zeros((2, 3)), "b": jnp.zeros(3)}
ADAM = optax.inject_hyperparams(optax.adam)


def nested():
    return optax.chain(optax.clip_by_global_norm(1.0), ADAM(learning_rate=0.1, b1=optax.linear_schedule(0.9, 0.8, 9)))


def two_groups():
    return optax.partition({"a": ADAM(0.1), "b": optax.inject_hyperparams(optax.sgd)(0.2)}, {"w": "a", "b": "b"})


def test_they_are_found_wherever_they_lie_but_for_those_of_a_schedule():
    assert not hyperparameters(optax.adam(0.1).init(PARAMS)) and not hyperparameters(())
    found = hyperparameters(nested().init(PARAMS))
    assert sorted(found) == [f"1/hyperparams/{name}" for name in ("b2", "eps", "eps_root", "learning_rate")]
    assert float(found["1/hyperparams/learning_rate"]) == np.float32(0.1)
    rates = [path for path in hyperparameters(two_groups().init(PARAMS)) if path.endswith("/learning_rate")]
    assert len(rates) == 2


def test_a_change_is_of_one_number_alone_and_the_update_goes_by_it():
    optimizer = nested()
    state, gradient = optimizer.init(PARAMS), jax.tree.map(lambda x: x + 1.0, PARAMS)
    chosen = changes(jax.eval_shape(optimizer.init, PARAMS), {"learning_rate": 0.02})
    assert chosen == (("1/hyperparams/learning_rate", 0.02),)
    changed = with_hyperparameters(state, dict(chosen))
    assert jax.tree.structure(changed) == jax.tree.structure(state)
    pairs = zip(jax.tree.leaves(state), jax.tree.leaves(changed), strict=True)
    assert sum(not np.array_equal(one, two) for one, two in pairs) == 1
    assert [x.dtype for x in jax.tree.leaves(changed)] == [x.dtype for x in jax.tree.leaves(state)]
    with jax.numpy_dtype_promotion("standard"):
        before, after = (optimizer.update(gradient, one, PARAMS)[0]["w"] for one in (state, changed))
    np.testing.assert_allclose(after, 0.2 * before, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "values", "message"),
    [
        (lambda: optax.adam(0.1), {"learning_rate": 0.1}, "state holds no hyperparameter. Make it with optax.inject"),
        (nested, {"rate": 0.1}, r"'rate' cannot be changed: .* 1/hyperparams/learning_rate"),
        (nested, {"b1": 0.1}, "follows a schedule"),
        (two_groups, {"learning_rate": 0.1}, r"'learning_rate' may be any of .*a.*, .*b.*; give one"),
        (nested, {"learning_rate": float("nan")}, "learning_rate=nan must be a finite number"),
        (nested, {"learning_rate": True}, "learning_rate=True must be a finite number"),
    ],
)
def test_what_cannot_be_changed_is_refused(make, values, message):
    with pytest.raises(ValueError, match=message):
        changes(make().init(PARAMS), values)


def test_one_of_several_is_named_by_its_path():
    state = two_groups().init(PARAMS)
    one, two = sorted(path for path in hyperparameters(state) if path.endswith("/learning_rate"))
    found = hyperparameters(with_hyperparameters(state, dict(changes(state, {two: 0.5}))))
    assert (float(found[one]), float(found[two])) == (np.float32(0.1), 0.5)


def test_a_state_without_what_was_changed_is_refused():
    with pytest.raises(ValueError, match="holds no 1/hyperparams/momentum: it is not the one"):
        with_hyperparameters(nested().init(PARAMS), {"1/hyperparams/momentum": 0.5})
