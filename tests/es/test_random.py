"""The inverse error function against JAX's, of every number that the noise can ask it for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eggroll_ray import noise
from eggroll_ray.compiling.program import compiler_options
from eggroll_ray.es.random import erf_inv, fold_in, stream_key, stream_keys


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


@pytest.mark.parametrize("impl", ["threefry2x32", "rbg"])
@pytest.mark.parametrize("data", [0, 1, 7, 2**31, 2**32 - 1])
def test_folding_is_that_of_jax(impl, data):
    key = jax.random.key(5, impl=impl)
    with jax.numpy_dtype_promotion("standard"):
        found, expected = fold_in(key, jnp.uint32(data)), jax.random.fold_in(key, np.uint32(data))
    assert jax.random.key_impl(found) == jax.random.key_impl(expected)
    np.testing.assert_array_equal(jax.random.key_data(found), jax.random.key_data(expected))


def test_streams_are_told_apart_by_seed_and_by_the_whole_of_their_name():
    names = ["leaf:w", "leaf:w ", "leaf:", "", "rounding:w"]
    keys = [stream_key(seed, name) for seed in (0, 1, 2**32 - 1) for name in names]
    words = [tuple(np.asarray(jax.random.key_data(key)).tolist()) for key in keys]
    assert len(set(words)) == len(words)
    together = jax.random.key_data(stream_keys(1, names))
    np.testing.assert_array_equal(together, [jax.random.key_data(stream_key(1, name)) for name in names])


def test_words_are_those_of_jax_whatever_the_key():
    for impl in ("threefry2x32", "rbg"):
        key = jax.random.key(5, impl=impl)
        with jax.threefry_partitionable(True):
            expected = jax.random.bits(key, (3, 5), jnp.uint32)
        np.testing.assert_array_equal(noise.normal.bits(key, (3, 5)), expected)
