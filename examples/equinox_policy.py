"""Equinox networks as policies, unchanged: an MLP, and a GRU that sees positions only.

`eqx.partition` splits a module into its arrays, which evolve, and the rest; `eqx.combine` joins them again. A
recurrent policy also takes a carry and returns the next one. `initial_carry` gives the carry at the start of
an episode. With Ray workers, import your own `eqx.Module` classes from a file in the folder of the script;
do not define them in the script itself.

Run: python examples/equinox_policy.py [--network gru] [--generations 60]
"""

from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
import tyro
from jax import Array

import eggroll_ray as er
import envs

WIDTH = 32


def mlp_policy(inputs: int, outputs: int) -> er.Policy:
    def make(key: Array) -> eqx.nn.MLP:
        return eqx.nn.MLP(inputs, outputs, WIDTH, depth=2, activation=jnp.tanh, key=key)

    _, static = eqx.partition(make(jax.random.key(0)), eqx.is_inexact_array)

    def init(key: Array, observation: Array, outputs: int) -> Any:
        return eqx.filter(make(key), eqx.is_inexact_array)

    def apply(params: Any, observation: Array) -> Array:
        return eqx.combine(params, static)(observation)

    return er.feedforward(init, apply)


def gru_policy(inputs: int, outputs: int) -> er.Policy:
    def make(key: Array) -> Any:
        cell_key, head_key = jax.random.split(key)
        cell = eqx.nn.GRUCell(inputs, WIDTH, key=cell_key)
        return {"cell": cell, "head": eqx.nn.Linear(WIDTH, outputs, key=head_key)}

    _, static = eqx.partition(make(jax.random.key(0)), eqx.is_inexact_array)

    def init(key: Array, observation: Array, outputs: int) -> Any:
        return eqx.filter(make(key), eqx.is_inexact_array)

    def apply(params: Any, observation: Array, carry: Array) -> tuple[Array, Array]:
        network = eqx.combine(params, static)
        carry = network["cell"](observation, carry)
        return network["head"](carry), carry

    return er.Policy(init, apply, initial_carry=lambda: jnp.zeros(WIDTH))


def hide_velocities(env: er.Env) -> er.Env:
    """CartPole without its two velocities: the MLP, which has no memory, stays below a return of 50."""

    def hide(state: Any, timestep: er.Timestep) -> tuple[Any, er.Timestep]:
        return state, timestep._replace(observation=timestep.observation[jnp.array([0, 2])])

    return env._replace(
        name="CartPole without velocities",
        reset=lambda key: hide(*env.reset(key)),
        step=lambda state, action, key: hide(*env.step(state, action, key)),
        observation_space=er.Box.of((2,)),
    )


def main(
    network: Literal["mlp", "gru", "both"] = "both",
    generations: int = 60,
    population_size: int = 512,
    workers: int = 0,
    seed: int = 0,
) -> None:
    cart_pole = envs.make("gymnax/CartPole-v1")
    tasks = {
        "mlp": (cart_pole, mlp_policy(4, 2)),
        "gru": (hide_velocities(cart_pole), gru_policy(2, 2)),
    }
    for name in tasks if network == "both" else (network,):
        env, policy = tasks[name]
        trainer = er.Trainer(
            er.from_env(env, policy, normalize_observations=True),
            er.eggroll(sigma=0.2, optimizer=optax.adam(0.05)),
            population_size=population_size,
            seed=seed,
            workers=workers,
            watch=er.Watch(target=475.0),
        )
        with trainer:
            result = trainer.fit(generations)
        assert result.test is not None
        print(f"{name} in {env.name}: {result.status} after {result.generations} generations: ", end="")
        print(f"mean return {result.test.mean():.1f}")


if __name__ == "__main__":
    tyro.cli(main)
