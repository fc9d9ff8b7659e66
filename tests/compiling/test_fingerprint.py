"""A function's fingerprint: the same wherever and whatever it is called, another for whatever it does otherwise."""

import functools
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from eggroll_ray.compiling.fingerprint import Fingerprint, fingerprint

X = jax.ShapeDtypeStruct((3,), jnp.float32)


def of(fn, *args) -> Fingerprint:
    return fingerprint(jax.make_jaxpr(fn)(*(args or (X,))))


def scaled(x, by=0.5):
    return jnp.sin(x) * by


def test_names_and_places_do_not_count():
    renamed = jax.jit(lambda value: jnp.sin(value) * 0.5)
    assert of(lambda y: jnp.sin(y) * 0.5) == of(scaled) == of(functools.partial(scaled, by=0.5))
    assert of(renamed) == of(jax.jit(scaled)) != of(scaled)


CHANGES = {
    "a number": lambda x: scaled(x, 0.25),
    "the last bit of a number": lambda x: scaled(x, np.nextafter(np.float32(0.5), np.float32(1))),
    "an operation": lambda x: jnp.cos(x) * 0.5,
    "what it is applied to": lambda x: jnp.sin(x * 0.5),
    "the order": lambda x: 0.5 * jnp.sin(x),
    "an array": lambda x: jnp.sin(x) * np.full(3, 0.5, np.float32),
    "one number of an array": lambda x: jnp.sin(x) * np.array([0.5, 0.5, 0.25], np.float32),
    "a result": lambda x: (jnp.sin(x) * 0.5, x),
    "a parameter of an operation": lambda x: jax.lax.cumsum(x),
    "another parameter of it": lambda x: jax.lax.cumsum(x, reverse=True),
    "a number in a loop": lambda x: jax.lax.fori_loop(0, 3, lambda _, y: y * 0.5, x),
    "another number in it": lambda x: jax.lax.fori_loop(0, 3, lambda _, y: y * 0.25, x),
    "how often it runs": lambda x: jax.lax.fori_loop(0, 4, lambda _, y: y * 0.5, x),
    "a branch": lambda x: jax.lax.cond(x[0] > 0, lambda y: y, lambda y: -y, x),
    "another branch": lambda x: jax.lax.cond(x[0] > 0, lambda y: -y, lambda y: y, x),
    "a function with a derivative of its own": lambda x: jax.nn.relu(x),
}


def test_whatever_it_does_otherwise_counts():
    found = {name: of(fn).all for name, fn in CHANGES.items()} | {"nothing": of(scaled).all}
    found["its shapes"] = of(scaled, jax.ShapeDtypeStruct((4,), jnp.float32)).all
    found["its types"] = of(scaled, jax.ShapeDtypeStruct((3,), jnp.float16)).all
    assert len({*found.values()}) == len(found)


def test_a_program_with_other_numbers_is_told_from_another_program():
    one, two = of(scaled), of(CHANGES["a number"])
    assert one.program == two.program and (one.numbers, two.numbers) == ((0.5,), (0.25,))
    assert one.program != of(CHANGES["an operation"]).program
    assert of(lambda x: x + np.inf + 0.1 + 0.1).numbers == (0.1,)


PROGRAM = """
import jax, jax.numpy as jnp, optax
from eggroll_ray.compiling.fingerprint import fingerprint
junk = [object() for _ in range({junk})]  # other addresses
def step(params):
    optimizer = optax.adamw(optax.exponential_decay(0.05, 10, 0.9))
    return optimizer.update(params, optimizer.init(params), params), jax.nn.gelu(params["w"])
print(fingerprint(jax.make_jaxpr(step)({{"w": jnp.zeros((3, 2)), "b": jnp.zeros(2)}})).all)
"""


def test_it_is_the_same_in_every_process():
    root = str(Path(__file__).parents[2])
    found = set()
    for junk in (0, 10_001):
        command = [sys.executable, "-c", PROGRAM.format(junk=junk)]
        found.add(subprocess.run(command, capture_output=True, text=True, check=True, cwd=root, timeout=120).stdout)
    assert len(found) == 1 and len(found.pop().strip()) == 16


@pytest.mark.parametrize("make", [optax.adam, optax.sgd, optax.lion, optax.adafactor])
def test_optimisers_are_told_apart_by_their_rates(make):
    def update(rate):
        optimizer = make(rate)
        params = {"w": jnp.zeros((3, 2))}
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            return of(lambda g: optimizer.update(g, optimizer.init(params), params), params)

    same, other = update(0.05), update(0.1)
    assert same == update(0.05) and same.all != other.all
    assert (same.program == other.program) == (same.numbers != other.numbers)
