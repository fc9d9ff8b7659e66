"""Handwritten digits: a training set, a minibatch per generation that all members share, and a held-out test.

Run: python examples/digits.py [--generations 100] [--workers 2]

The 1,797 images of 8 x 8 pixels come with scikit-learn: pip install "eggroll-ray[examples]". The fitness is minus the
cross-entropy on the minibatch; the test is the share of held-out images whose digit is found. No gradient is taken.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tyro
from sklearn.datasets import load_digits

import eggroll_ray as er


def network(params: dict, images: jax.Array) -> jax.Array:
    """(n, 64) pixels -> (n, 10) logits."""
    hidden = jax.nn.relu(images @ params["in"] + params["in_bias"])
    return hidden @ params["out"] + params["out_bias"]


def fitness(params: dict, data: dict, key: jax.Array) -> jax.Array:
    del key  # nothing here is random
    return -optax.softmax_cross_entropy_with_integer_labels(network(params, data["images"]), data["digits"]).mean()


def accuracy(params: dict, data: dict, key: jax.Array) -> jax.Array:
    del key
    return (network(params, data["images"]).argmax(axis=1) == data["digits"]).mean()


def load(held_out: int = 360) -> tuple[dict, dict]:
    """A training set and a held-out one, drawn from all images at random."""
    images, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    images, digits = (images[order] / 16).astype(np.float32), digits[order].astype(np.int32)
    train, test = slice(held_out, None), slice(held_out)
    return {"images": images[train], "digits": digits[train]}, {"images": images[test], "digits": digits[test]}


def main(
    generations: int = 100, population_size: int = 512, minibatch: int = 256, workers: int = 0, seed: int = 0
) -> None:
    train, test = load()
    keys = jax.random.split(jax.random.key(seed))
    params = {
        "in": jax.random.normal(keys[0], (64, 64)) / 8,
        "in_bias": jnp.zeros(64),
        "out": jax.random.normal(keys[1], (64, 10)) / 8,
        "out_bias": jnp.zeros(10),
    }
    form = er.jittable(minibatch=minibatch)
    trainer = er.Trainer(
        er.from_fitness(fitness, params, form, data=train, test_data=test, test=accuracy),
        er.eggroll(rank=1, sigma=0.05, optimizer=optax.adam(0.02)),
        population_size=population_size,
        seed=seed,
        workers=workers,
        watch=er.Watch(every=20),
    )
    with trainer:
        result = trainer.fit(generations, on_row=show)
    assert result.test is not None
    print(f"after {result.generations} generations: held-out accuracy {result.test.mean():.3f}")


def show(row: dict) -> None:
    if row["mean_policy_return"] is not None:
        print(f"generation {row['generation']:3}  held-out accuracy {row['mean_policy_return']:.3f}")


if __name__ == "__main__":
    tyro.cli(main)
