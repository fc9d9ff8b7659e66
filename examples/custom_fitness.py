"""A fitness of your own, in each of its three forms.

`jittable`  JAX code for the parameters of one member. The package runs it for all members at once.
`batched`   Python code for a whole block of members. The networks run in JAX, but the score may be computed elsewhere.
`blocking`  any Python code for one member's parameters as NumPy arrays, in a process that is ended if it hangs.

Run: python examples/custom_fitness.py [--form blocking] [--workers 2]
"""

from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tyro
from jax import Array

import eggroll_ray as er

# --- jittable: fit a table of numbers. It returns a single number; no gradient is computed ----------------


def network(params: Any, x: Array) -> Array:
    """(inputs,) -> (outputs,)"""
    hidden = jnp.tanh(x @ params["in"] + params["bias"])
    return hidden @ params["out"]


def network_params(inputs: int, outputs: int, width: int = 32) -> Any:
    in_key, out_key = jax.random.split(jax.random.key(0))
    return {
        "in": jax.random.normal(in_key, (inputs, width)),
        "bias": jnp.zeros(width),
        "out": jax.random.normal(out_key, (width, outputs)) / jnp.sqrt(width),
    }


def table_fitness(params: Any, data: Any, key: Array) -> Array:
    """Minus the squared error in 64 random rows. Both members of a pair get the same key, and so the same rows."""
    rows = jax.random.randint(key, (64,), 0, len(data["x"]))
    y = jax.vmap(network, (None, 0))(params, data["x"][rows])
    return -jnp.mean((y - data["y"][rows]) ** 2)


# --- batched: tell two rings apart, scored in NumPy ------------------------------------------------------


def rings_fitness(members: er.Members, keys: Array) -> np.ndarray:
    """The share of 256 points that are assigned to the right ring. It is a count, which has no useful gradient."""
    rng = np.random.default_rng(np.asarray(jax.random.key_data(keys[0])))
    radius = rng.choice([1.0, 2.0], size=256)
    angle = rng.uniform(0.0, 2.0 * np.pi, size=256)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32)
    for_all = np.broadcast_to(points, (len(keys), *points.shape))  # members on axis 0
    scores = members.apply(jax.vmap(network, (None, 0)), for_all)  # (n, 256, 2)
    return np.mean(np.argmax(scores, axis=2) == (radius == 2.0), axis=1)


# --- blocking: tune a controller in a simulator that may fail or never return ------------------------------


def settling_fitness(params: Any, seed: int) -> float:
    """Minus the seconds that a mass on a spring takes to come to rest at another place."""
    p_gain, d_gain = params["gains"].tolist()
    target = np.random.default_rng(seed).uniform(0.5, 1.5)
    position, velocity, seconds = 0.0, 0.0, 0.0
    while abs(position - target) > 0.02 or abs(velocity) > 0.02:  # may never end: see time_limit
        force = p_gain * (target - position) - d_gain * velocity
        velocity += 0.02 * (force - position + target)
        position += 0.02 * velocity
        seconds += 0.02
        if abs(position) > 10.0:
            raise ArithmeticError(f"gains {p_gain:.2f} and {d_gain:.2f} are unstable")  # see on_error
    return -seconds


def make_evaluator(form: str) -> er.Evaluator:
    if form == "jittable":
        x = np.linspace(-3.0, 3.0, 10_000, dtype=np.float32)[:, None]
        return er.from_fitness(table_fitness, network_params(1, 1), data={"x": x, "y": np.sin(x)})
    if form == "batched":
        return er.from_fitness(rings_fitness, network_params(2, 2), er.batched(shared_by=None))  # one key for all
    params = {"gains": np.array([1.0, 0.1], np.float32)}  # close to unstable: some members fail
    return er.from_fitness(settling_fitness, params, er.blocking(time_limit=5.0, on_error=er.Invalid.WORST))


def main(
    form: Literal["jittable", "batched", "blocking", "all"] = "all",
    generations: int = 100,
    population_size: int = 64,
    workers: int = 0,
) -> None:
    for name in ("jittable", "batched", "blocking") if form == "all" else (form,):
        rows = []
        trainer = er.Trainer(
            make_evaluator(name),
            er.eggroll(sigma=0.1, optimizer=optax.adam(0.1)),
            population_size=population_size,
            workers=workers,
            watch=er.Watch(episodes=8),  # repetitions of the fitness of the mean parameters, with fresh keys
        )
        with trainer:
            result = trainer.fit(generations, on_row=rows.append)
        assert result.test is not None
        print(
            f"{name}: fitness of the mean parameters {rows[0]['mean_policy_return']:.3f} at first, "
            f"{result.test.mean():.3f} after {result.generations} generations"
        )


if __name__ == "__main__":
    tyro.cli(main)
