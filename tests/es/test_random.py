"""The inverse error function against JAX's, of every number that the noise can ask it for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eggroll_ray import noise
from eggroll_ray.compiling.program import compiler_options
from eggroll_ray.es.random import erf_inv


@jax.jit
def jax_normal(words):
    """Normal numbers of random words, as `jax.random.normal` makes them."""
    one = np.float32(1.0)
    low = np.nextafter(-one, one)
    unit = jax.lax.bitcast_convert_type((words >> 9) | one.view(np.uint32), jnp.float32) - one
    return np.float32(np.sqrt(2)) * jax.lax.erf_inv(jnp.maximum(low, unit * (one - low) + low))


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="other backends have another log1p")
@pytest.mark.parametrize("compiled", ["by default", "as a worker does", "for narrow vectors"])
def test_every_normal_number_has_the_bits_of_jax(compiled):
    options = {"as a worker does": compiler_options(), "for narrow vectors": {"xla_cpu_prefer_vector_width": 128}}
    words = jnp.arange(1 << 23, dtype=jnp.uint32) << 9  # all that a normal number is made of: the highest 23 bits
    ours = jax.jit(noise.normal.number, compiler_options=options.get(compiled))(words)
    np.testing.assert_array_equal(np.asarray(ours).view(np.uint32), np.asarray(jax_normal(words)).view(np.uint32))


def test_it_undoes_the_error_function():
    x = np.linspace(-0.999, 0.999, 4001, dtype=np.float32)
    np.testing.assert_allclose(jax.scipy.special.erf(erf_inv(jnp.asarray(x))), x, atol=2e-6)
