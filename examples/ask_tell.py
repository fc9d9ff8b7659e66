"""A loop of one's own: the strategy is asked for a population and told its fitness.

Run: python examples/ask_tell.py [--generations 100] [--dense]

The fitness is that of a small network which is to be close to a sine. By default its members are evaluated in JAX,
without ever forming their matrices. With `--dense` a function of NumPy is given the parameters of each member, as a
simulator in another language would be.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tyro

import eggroll_ray as er

X = np.linspace(-3, 3, 64, dtype=np.float32)[:, None]


def in_jax(params: dict) -> jax.Array:
    close = jnp.tanh(X @ params["in"] + params["bias"]) @ params["out"] - jnp.sin(X)
    return -jnp.mean(close**2)


def in_numpy(params: dict) -> float:
    close = np.tanh(X @ params["in"] + params["bias"]) @ params["out"] - np.sin(X)
    return -float(np.mean(close**2))


def main(generations: int = 100, population_size: int = 256, seed: int = 0, dense: bool = False) -> None:
    keys = jax.random.split(jax.random.key(seed))
    params = {
        "in": jax.random.normal(keys[0], (1, 32)),
        "bias": jnp.zeros((1, 32)),
        "out": jax.random.normal(keys[1], (32, 1)) / 6,
    }
    strategy = er.eggroll(rank=1, sigma=0.1, optimizer=optax.adam(0.03))
    loop = er.AskTell(strategy, params, population_size=population_size, seed=seed)
    evaluate = jax.jit(lambda members: members.apply(in_jax))
    for _ in range(generations):
        if dense:
            members = loop.ask(dense=True)  # every leaf has the members on its first axis
            fitness = [in_numpy(jax.tree.map(lambda x, i=i: x[i], members)) for i in range(population_size)]
        else:
            fitness = evaluate(loop.ask())
        loop.tell(fitness)
    error = -float(in_jax(loop.params))
    print(f"after {loop.generation} generations: mean squared error {error:.4f}, state {loop.digest()}")


if __name__ == "__main__":
    tyro.cli(main)
