"""Flax networks as policies, unchanged: a linen module and an nnx module learn CartPole.

A policy is a pair of functions for a single observation: `init(key, observation, outputs) -> params` and
`apply(params, observation) -> outputs`. They contain no code for noise or a population. The package perturbs
every kernel by a low-rank matrix while the network runs.

Run: python examples/flax_policy.py [--library nnx] [--generations 20]
"""

from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax
import tyro
from flax import linen, nnx
from jax import Array

import eggroll_ray as er
import envs

WIDTH = 32


class LinenNetwork(linen.Module):
    """A plain linen module."""

    outputs: int

    @linen.compact
    def __call__(self, x: Array) -> Array:
        x = linen.tanh(linen.LayerNorm()(linen.Dense(WIDTH)(x)))
        return linen.Dense(self.outputs)(x)


class NnxNetwork(nnx.Module):
    """A plain nnx module."""

    def __init__(self, inputs: int, outputs: int, rngs: nnx.Rngs):
        self.hidden = nnx.Linear(inputs, WIDTH, rngs=rngs)
        self.norm = nnx.LayerNorm(WIDTH, rngs=rngs)
        self.head = nnx.Linear(WIDTH, outputs, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        return self.head(nnx.tanh(self.norm(self.hidden(x))))


def linen_policy(outputs: int) -> er.Policy:
    """Makes a policy of a linen module, which already has `init` and `apply`."""
    network = LinenNetwork(outputs)

    def init(key: Array, observation: Array, outputs: int) -> Any:
        return network.init(key, observation)

    def apply(params: Any, observation: Array) -> Any:
        return network.apply(params, observation)

    return er.feedforward(init, apply)


def nnx_policy(inputs: int, outputs: int) -> er.Policy:
    """An nnx module is split into its parameters, which evolve, and the rest, which is merged in again."""
    graph, _ = nnx.split(nnx.eval_shape(lambda: NnxNetwork(inputs, outputs, nnx.Rngs(0))))

    def init(key: Array, observation: Array, outputs: int) -> Any:
        return nnx.state(NnxNetwork(inputs, outputs, nnx.Rngs(key)), nnx.Param)

    def apply(params: Any, observation: Array) -> Array:
        return nnx.merge(graph, params)(observation)

    return er.feedforward(init, apply)


def main(
    library: Literal["linen", "nnx", "both"] = "both",
    generations: int = 20,
    population_size: int = 512,
    workers: int = 0,
    seed: int = 0,
) -> None:
    env = envs.make("gymnax/CartPole-v1")
    inputs, outputs = env.observation_space.shape[0], er.DeterministicHead().outputs(env.action_space)
    policies = {"linen": linen_policy(outputs), "nnx": nnx_policy(inputs, outputs)}
    for name in policies if library == "both" else (library,):
        trainer = er.Trainer(
            er.from_env(env, policies[name]),
            er.eggroll(sigma=0.1, optimizer=optax.adam(0.03)),
            population_size=population_size,
            seed=seed,
            workers=workers,
            watch=er.Watch(target=475.0),
        )
        with trainer:
            result = trainer.fit(generations)
        assert result.test is not None
        print(f"{name}: {result.status} after {result.generations} generations: mean return {result.test.mean():.1f}")
        for path, leaf in jax.tree_util.tree_leaves_with_path(result.params):
            print(f"  {jax.tree_util.keystr(path, simple=True, separator='/')} {jnp.shape(leaf)}")


if __name__ == "__main__":
    tyro.cli(main)
