"""The inverse error function, written so that XLA's CPU compiler makes wide vectors of it.

The numbers are those of `jax.lax.erf_inv` on a CPU, to the bit. That calls log1p, which XLA has for vectors of 256 bits
and no wider, and all that is merged with it, the random words of the noise included, is then done in such vectors too.
"""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# Giles, Approximating the erfinv function (2010), single precision: polynomials in w - 2.5 and in sqrt(w) - 3, where
# w = -log(1 - x**2). From the highest power down, as all below.
_CENTRE = (
    *(2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087),
    *(-0.00125372503, -0.00417768164, 0.246640727, 1.50140941),
)
_TAIL = (
    *(-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773),
    *(-0.0076224613, 0.00943887047, 1.00167406, 2.83297682),
)
_CENTRE_ENDS = 5.0  # of w

# Cephes' log1p: log(1 + y) = y - y**2 / 2 + y**3 P(y) / Q(y) for |y| < sqrt(2) - 1.
_P = (
    *(4.5270000862445199635215e-5, 4.9854102823193375972212e-1, 6.5787325942061044846969, 2.9911919328553073277375e1),
    *(6.0949667980987787057556e1, 5.7112963590585538103336e1, 2.0039553499201281259648e1),
)
_Q = (
    *(1.0, 1.5062909083469192043167e1, 8.3047565967967209469434e1, 2.2176239823732856465394e2),
    *(3.0909872225312059774938e2, 2.1642788614495947685003e2, 6.0118660497603843919306e1),
)
_SMALL = 0.41421356237309504880


def erf_inv(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Returns the inverse error function of numbers in (-1, 1), float32."""
    w = _minus_log1p(x * x)
    is_centre = w < np.float32(_CENTRE_ENDS)
    y = jnp.where(is_centre, w - np.float32(2.5), jnp.sqrt(w) - np.float32(3.0))
    total = jnp.where(is_centre, np.float32(_CENTRE[0]), np.float32(_TAIL[0]))
    for centre, tail in zip(_CENTRE[1:], _TAIL[1:], strict=True):
        total = jnp.where(is_centre, np.float32(centre), np.float32(tail)) + total * y
    return total * x


def _minus_log1p(v: Float[Array, "..."]) -> Float[Array, "..."]:
    """Returns -log(1 - v) for v in [0, 1)."""
    square = v * v
    # The sign of the cubic term is known. Taken out, it keeps XLA from merging this product with the sum below, which
    # would round it otherwise than JAX does.
    cubic = jnp.abs(v * square * (_polynomial(-v, _P) / _polynomial(-v, _Q)))
    small = v + (np.float32(0.5) * square + cubic)
    return jnp.where(v < np.float32(_SMALL), small, -jnp.log(1.0 - v))


def _polynomial(x: Float[Array, "..."], coefficients: Sequence[float]) -> Float[Array, "..."]:
    total = jnp.full_like(x, np.float32(coefficients[0]))
    for coefficient in coefficients[1:]:
        total = total * x + np.float32(coefficient)
    return total
