"""Parameters that are not finite: the message names the leaf, and where in the update that began."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from eggroll_ray import fitness
from eggroll_ray.es.eggroll import eggroll
from eggroll_ray.es.finite import check_finite
from eggroll_ray.es.leaves import LeafRules
from eggroll_ray.es.record import NotFiniteError

pytestmark = pytest.mark.usefixtures("compile_quickly")

RULES = LeafRules(frozen=("mask",))
PARAMS = {"a": jnp.ones(3), "mask": jnp.asarray([0.0, -jnp.inf]), "w": jnp.ones((9, 7), jnp.float16)}
RAMP = jnp.arange(8.0)


def only(leaf, size):
    """Steps of that size of one leaf."""
    return optax.stateless(lambda updates, _: {**jax.tree.map(jnp.zeros_like, updates), leaf: updates[leaf] * 0 + size})


@pytest.mark.parametrize(
    ("options", "fits", "text"),
    [
        (
            {"shaping": fitness.raw},
            jnp.asarray([3e38, -3e38] * 4),
            "leaf 'a' and 1 other leaves are not finite: the weights that the shaping made of the fitness",
        ),
        (
            {"shaping": fitness.raw, "sigma": 1e-3},
            1e38 * RAMP / 8,
            "leaf 'a' and 1 other leaves are not finite: the weights were finite, but the estimate was not",
        ),
        (
            {"optimizer": only("w", jnp.inf)},
            RAMP,
            "leaf 'w' is not finite: the estimate was finite, but the step that the opt",
        ),
        (
            {"optimizer": only("a", jnp.nan)},
            RAMP,
            "leaf 'a' is not finite: the estimate was finite, but the step that the opt",
        ),
        (
            {"optimizer": only("w", 1e5)},
            RAMP,
            "leaf 'w' is not finite: the optimiser's step was finite, but its sum with the parameter is beyond the "
            "range of float16, 65504",
        ),
    ],
)
def test_it_says_where_it_began(options, fits, text):
    es = eggroll(leaves=RULES, **options)
    state = es.init(PARAMS, 0)._replace(generation=jnp.int32(5))
    told = es.explain(state, fits)
    assert told is not None and told.startswith(f"after the update of generation 5, {text}"), told
    assert told.endswith(
        "The parameters of generation 5 are the last good ones; `replay` restores them from a recorded run."
    )


def test_an_update_says_that_it_made_them_and_not_that_they_were_so():
    es = eggroll(leaves=RULES, optimizer=only("w", 1e5))
    state = es.init(PARAMS, 0)
    update = jax.jit(es.update)
    after, metrics = update(state, RAMP)
    assert metrics["not_finite"] and es.explain(state, RAMP)
    after, metrics = update(after, RAMP)
    assert metrics["not_finite"] and es.explain(after, RAMP) is None  # a fault of the memory, which digests tell


def test_what_is_frozen_may_be_infinite():
    es = eggroll(leaves=RULES)
    state = es.init(PARAMS, 0)
    check_finite(es.label(PARAMS), PARAMS, "here")
    _, metrics = jax.jit(es.update)(state, RAMP)
    assert not metrics["not_finite"] and es.explain(state, RAMP) is None


def test_what_is_not_finite_before_any_update_is_named():
    broken = {**PARAMS, "w": np.asarray(PARAMS["w"]).copy()}
    broken["w"][3, 2:4] = np.nan, np.inf
    with pytest.raises(NotFiniteError, match="here: leaf 'w' holds 2 numbers of 63 that are not finite, before any"):
        check_finite(eggroll(leaves=RULES).label(PARAMS), broken, "here")
    half = {"w": np.asarray([1.0, np.nan], jnp.bfloat16)}
    with pytest.raises(NotFiniteError, match="holds 1 numbers of 2"):
        check_finite(eggroll().label(half), half, "here")
