"""Evaluates blocks of a small population, and forms the explicit members that they are compared with.

An evaluator that is asked again, of the same strategy, has the program that it was compiled to before.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from marks import mostly_slow

from eggroll_ray import fitness as shapings
from eggroll_ray.es.eggroll import eggroll
from eggroll_ray.es.record import ES
from eggroll_ray.evaluators.record import Given
from eggroll_ray.lowrank.parameter import densify

N = 8
SLOPE = {"w": jnp.zeros(1)}  # a member is its noise: twins are of opposite sign


def strategy(**options):
    return eggroll(**{"sigma": 0.5, "optimizer": optax.sgd(1.0), "shaping": shapings.raw, **options})


@functools.cache
def plain() -> ES:
    """The strategy without options: one, so that programs with its noise are compiled once."""
    return strategy()


def members(start=0, stop=N):
    return np.arange(start, stop, dtype=np.int32)


def formed(es, state, n=N):
    """The explicit parameters of all members, float32 on the host, leaves `(n, ...)`."""
    return jax.device_get(_former(es.perturb)(state, jnp.arange(n, dtype=jnp.int32)))


@functools.lru_cache(8)
def _former(perturb):
    return jax.jit(lambda state, members: jax.vmap(lambda i: densify(perturb(state, i)))(members))


def bound_once(evaluator):
    """The same evaluator, whose block is traced and compiled once for a strategy, however many workers have it.

    Not for windows: what is bound holds the episodes of one worker.
    """
    return evaluator._replace(bind=functools.cache(evaluator.bind))


@functools.lru_cache(2)  # no more, as some have processes
def _bound(bind, perturb):
    return bind(perturb)


def start(evaluator, es, seed=1, generation=2):
    return es.init(evaluator.init(seed), seed)._replace(generation=jnp.int32(generation))


def evaluate(evaluator, es=None, numbers=None, **at):
    """One block, or all members."""
    es = es or plain()
    block = _bound(evaluator.bind, es.perturb)
    return block(Given(start(evaluator, es, **at), evaluator.statistics, members() if numbers is None else numbers))


sharing = pytest.mark.parametrize(
    ("shared_by", "distinct"), mostly_slow([(None, 1), (4, 2), (2, 4), (1, N)], quick=[(None, 1), (2, 4)])
)
