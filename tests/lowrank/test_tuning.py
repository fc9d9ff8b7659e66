"""Whatever is chosen for a backend, the product is the same; and what is chosen is used."""

from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eggroll_ray.lowrank.interpreter import lift
from eggroll_ray.lowrank.parameter import densify, low_rank
from eggroll_ray.lowrank.tuning import ACCELERATOR, CPU, TUNINGS, tuning

DRAW = np.random.default_rng(0)
W, A, B, X = (DRAW.normal(size=shape).astype(np.float32) for shape in ((64, 32), (2, 64), (2, 32), (64,)))
CHOICES = {
    "cpu": CPU,
    "accelerator": ACCELERATOR,
    "no unrolling": CPU._replace(unrolled_ranks=0),
    "w as it stands": CPU._replace(w_last=False),
    "wide results alone": CPU._replace(narrow=1000),
}


def products(choice):
    """`x W` and `W^T x` of a low-rank `W`, and the programs that compute them."""
    low = low_rank(jnp.asarray(W), jnp.asarray(A), jnp.asarray(B), 0, "w", jnp.float32(1.0))
    with mock.patch.dict(TUNINGS, cpu=choice):
        fns = [lift(lambda w, x: x @ w), lift(lambda w, x: w.T @ x)]
        return [fn(low, X) for fn in fns], [str(jax.make_jaxpr(fn)(low, X)) for fn in fns], densify(low)


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_computes_the_product(name):
    found, _, formed = products(CHOICES[name])
    for value in found:
        np.testing.assert_allclose(value, X @ np.asarray(formed), rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("name", [name for name in CHOICES if name != "cpu"])
def test_another_choice_is_another_program(name):
    assert products(CHOICES[name])[1] != products(CPU)[1]


def test_a_backend_without_measurements_is_an_accelerator(monkeypatch):
    assert tuning() is CPU
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert tuning() is ACCELERATOR and ACCELERATOR.few_rows == 0  # no lanes
