"""What the estimate's expectation is: exactly, by all the values that small factors can take.

Normal numbers stand as the three nodes of a Gauss-Hermite quadrature, which have their moments up to the fifth.
"""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from eggroll_ray import fitness, noise
from eggroll_ray.es.eggroll import eggroll

pytestmark = pytest.mark.usefixtures("compile_quickly")

VALUES = {"normal": (0.0, math.sqrt(3.0), -math.sqrt(3.0)), "rademacher": (1.0, -1.0)}
SHARES = {"normal": (2 / 3, 1 / 6, 1 / 6), "rademacher": (1 / 2, 1 / 2)}
KURTOSIS = {"normal": 3.0, "rademacher": 1.0}


def enumerated(name):
    """A law whose key is a number, in its first word, of which it takes the digits."""
    values = jnp.asarray(VALUES[name], jnp.float32)

    def digits(key, shape):
        places = jnp.asarray(len(VALUES[name]) ** np.arange(math.prod(shape)), jnp.uint32)
        return (jax.random.key_data(key)[0] // places % jnp.uint32(len(VALUES[name]))).reshape(shape)

    return noise.Law(name, digits, lambda which: values[which])


def number_key(number):
    return jax.random.wrap_key_data(jnp.stack([number.astype(jnp.uint32), jnp.uint32(0)]))


def shares(name, count):
    """The probability of each of the values of so many numbers."""
    base = len(VALUES[name])
    digits = np.arange(base**count)[:, None] // base ** np.arange(count) % base
    return np.prod(np.asarray(SHARES[name])[digits], axis=1)


def fourth(name, rank, entries):
    """E[E_a E_b E_c E_d] as the documentation says, entries being (row, column)."""
    pairings = sum(
        entries[0] == entries[i] and entries[j] == entries[k] for i, j, k in ((1, 2, 3), (2, 1, 3), (3, 1, 2))
    )
    rows, columns = ([entry[side] for entry in entries] for side in (0, 1))

    def factor(indices):  # of one factor: E[a_i a_j a_k a_l]
        counts = sorted(indices.count(i) for i in set(indices))
        return KURTOSIS[name] if counts == [4] else float(counts == [2, 2])

    product = factor(rows) * factor(columns)
    return pairings + (product - pairings) / rank


@pytest.mark.parametrize(("name", "rank"), [*itertools.product(VALUES, (1, 2)), ("rademacher", 3)])
def test_the_fourth_moments_of_the_noise(name, rank):
    drawn = noise.low_rank_noise((), 2, 2, rank, jnp.float32, enumerated(name))
    weights = shares(name, 4 * rank)
    a, b = jax.vmap(drawn.draw)(jax.vmap(number_key)(jnp.arange(len(weights))))
    e = np.einsum("nrm,nrk->nmk", np.asarray(a, np.float64), np.asarray(b, np.float64))

    def moment(*entries):
        return np.sum(weights * np.prod([e[:, i, j] for i, j in entries], axis=0))

    for one, other in itertools.combinations_with_replacement(itertools.product(range(2), repeat=2), 2):
        np.testing.assert_allclose(moment(one, other), one == other, atol=1e-6)  # covariance: the identity
    for entries in itertools.combinations_with_replacement(itertools.product(range(2), repeat=2), 4):
        np.testing.assert_allclose(moment(*entries), fourth(name, rank, entries), atol=2e-6, err_msg=str(entries))
    itself = {"normal": 3 + 6 / rank, "rademacher": 3 - 2 / rank}[name]
    np.testing.assert_allclose(moment(*[(0, 1)] * 4), itself, atol=2e-6)
    np.testing.assert_allclose(moment((0, 0), (0, 0), (0, 1), (0, 1)), 1 + (KURTOSIS[name] - 1) / rank, atol=2e-6)
    np.testing.assert_allclose(moment((0, 0), (0, 1), (1, 0), (1, 1)), 1 / rank, atol=2e-6)


@pytest.mark.parametrize("degree", [2, 4])
@pytest.mark.parametrize("name", VALUES)
def test_the_expectation_of_the_estimate(name, degree, monkeypatch):
    """The gradient, and sigma^2 / 6 of the third derivatives with the fourth moments: none up to quadratics."""
    monkeypatch.setattr(noise, "pair_key", lambda key, pair: number_key(pair))
    shape, sigma = (2, 3), 0.5
    es = eggroll(rank=1, sigma=sigma, optimizer=optax.sgd(1.0), shaping=fitness.raw, law=enumerated(name))
    rng = np.random.default_rng(0)
    forms = [rng.normal(size=(6,) * k) / math.factorial(k) for k in range(1, degree + 1)]

    def polynomial(w):
        total = 0.0
        for form in forms:
            for _ in range(np.ndim(form)):
                form = jnp.tensordot(form, w, 1)
            total = total + form
        return total

    theta = rng.normal(size=6)
    state = es.init({"w": jnp.asarray(theta.reshape(shape), jnp.float32)}, 0)
    weights = shares(name, 5)  # rank 1: two rows and three columns
    members = jnp.arange(2 * len(weights))
    with jax.numpy_dtype_promotion("standard"):
        formed = jax.vmap(lambda i: es.perturb(state, i)["w"])(members)
        e = np.asarray(jax.vmap(lambda w: w.w + w.sign * jnp.einsum("rm,rk->mk", w.a, w.b))(formed), np.float64)
        fits = np.asarray(jax.vmap(polynomial)(e.reshape(len(e), -1))) * np.repeat(weights, 2) * len(weights)
        after, _ = es.update(state, jnp.asarray(fits, jnp.float32))
        gradient, third = jax.grad(polynomial), jax.jacfwd(jax.jacfwd(jax.grad(polynomial)))
        expected = np.asarray(gradient(jnp.asarray(theta)), np.float64)
        derivatives = np.asarray(third(jnp.asarray(theta)), np.float64)
    places = list(itertools.product(range(2), range(3)))
    found = (np.asarray(after.params["w"], np.float64) - theta.reshape(shape)).ravel()
    for d, place in enumerate(places):
        for abc in itertools.product(range(6), repeat=3):
            expected[d] += sigma**2 / 6 * derivatives[abc] * fourth(name, 1, [*[places[i] for i in abc], place])
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-4 * np.abs(expected).max())
    if degree == 2:
        np.testing.assert_allclose(found, np.asarray(jax.grad(polynomial)(jnp.asarray(theta))), rtol=1e-3, atol=1e-3)
