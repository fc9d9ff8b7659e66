"""Fixed runs whose every bit is compared over time: `python tests/golden/golden_runs.py` prints what they come to.

    python tests/golden/golden_runs.py --record   # adds the digests of this kind of machine to golden_runs.json

It uses public names alone, so that the same file can be run in a checkout of another commit and the results compared.
The last bits of a run depend on the processor's vector instructions and on the version of JAX: digests are recorded for
each kind of machine, and the numbers beside them hold on all of them up to a tolerance.
"""

import hashlib
import json
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import eggroll_ray as er
import envs

RECORD = Path(__file__).with_suffix(".json")
GENERATIONS = 4
UNTESTED = er.Watch(every=0)  # without a test of the mean policy, which would be one more program to compile


def cartpole() -> er.Trainer:
    """A policy in an environment whose observations are normalised, so that statistics are merged too."""
    evaluator = er.from_env(envs.make("gymnax/CartPole-v1"), er.mlp((8,)), normalize_observations=True, episodes=2)
    return er.Trainer(evaluator, er.eggroll(rank=1), population_size=32, block_size=16, seed=1)


def custom_fitness() -> er.Trainer:
    """A fitness of the user's on a matrix, a stack of matrices and a vector; rank 2, signs as noise and as fitness."""
    target = jnp.linspace(-1.0, 1.0, 24 * 16).reshape(24, 16)

    def fitness(params: Any, key: Any) -> Any:
        seen = jax.random.normal(key, (4, 24))
        hidden = jnp.tanh(seen @ params["w"] + params["b"])
        stacked, _ = jax.lax.scan(lambda x, w: (jnp.tanh(x @ w), None), hidden, params["stack"])
        return -jnp.mean((stacked - seen @ target) ** 2)

    draw = np.random.default_rng(0)
    shapes = {"w": (24, 16), "b": (16,), "stack": (2, 16, 16)}
    params = {name: 0.2 * draw.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    strategy = er.eggroll(
        rank=2,
        sigma=0.05,
        law=er.noise.rademacher,
        shaping=er.fitness.antithetic_sign,
        optimizer=er.clipup(0.02),
        leaves=er.LeafRules(stacked={"stack": 1}),
    )
    return er.Trainer(
        er.from_fitness(fitness, params), strategy, population_size=64, block_size=16, seed=2, watch=UNTESTED
    )


def dense_noise() -> er.Trainer:
    """OpenAI-ES on a fitness that is called in Python once a block."""

    def fitness(members: Any, keys: Any) -> np.ndarray:
        outputs = members.apply(lambda params, x: jnp.tanh(x @ params["w"]).sum(), jnp.ones((len(members), 12)))
        return -np.abs(np.asarray(outputs) - 3.0)

    params = {"w": np.linspace(-0.5, 0.5, 12 * 6, dtype=np.float32).reshape(12, 6)}
    strategy = er.openai_es(shaping=er.fitness.z_score, optimizer=optax.sgd(0.1), noise_reuse=2)
    evaluator = er.from_fitness(fitness, params, er.batched())
    return er.Trainer(evaluator, strategy, population_size=32, block_size=8, seed=3, watch=UNTESTED)


def two_groups() -> er.Trainer:
    """Predators and prey, each with parameters and a fitness of its own."""
    evaluator = er.from_env(envs.make("jaxmarl/MPE_simple_tag_v3"), er.mlp((8,)))
    return er.Trainer(evaluator, er.eggroll(rank=2), population_size=16, block_size=8, seed=4, watch=UNTESTED)


def self_play() -> er.Trainer:
    """Tic-tac-toe against the means of earlier generations, which workers keep."""
    rivals = er.Rivals(count=2, every=1, explore=0.1)
    evaluator = er.self_play(envs.make("pgx/tic_tac_toe"), er.mlp((8,)), rivals=rivals, episodes=4)
    return er.Trainer(evaluator, er.eggroll(), population_size=16, block_size=8, seed=5, watch=UNTESTED)


def windows() -> er.Trainer:
    """Episodes in four windows, whose noise is summed over them (persistent ES)."""
    evaluator = er.from_env(envs.make("gymnax/Pendulum-v1"), er.mlp((8,)), window=50)
    return er.Trainer(evaluator, er.eggroll(persistent=4), population_size=16, block_size=8, seed=6, watch=UNTESTED)


def on_host() -> er.Trainer:
    """An environment that is stepped in Python, with a matrix policy of two layers."""
    evaluator = er.from_host_env(envs.make("gym/CartPole-v1"), er.mlp((8,)), normalize_observations=True)
    return er.Trainer(evaluator, er.eggroll(), population_size=16, block_size=8, seed=7, watch=UNTESTED)


RUNS: dict[str, Callable[[], er.Trainer]] = {
    run.__name__: run for run in (cartpole, custom_fitness, dense_noise, two_groups, self_play, windows, on_host)
}


def machine() -> str:
    """What decides the last bits: the version of JAX, and the processor with its widest vectors."""
    found = dict(
        line.split(":", 1)
        for line in Path("/proc/cpuinfo").read_text().partition("\n\n")[0].splitlines()
        if ":" in line
    )
    facts = {name.strip(): value.strip() for name, value in found.items()}
    vectors = "AVX-512" if "avx512f" in facts.get("flags", "") else "AVX2" if "avx2" in facts.get("flags", "") else ""
    family = "/".join(facts.get(name, "") for name in ("vendor_id", "cpu family", "model"))
    return f"jax {jax.__version__}, {platform.machine()} {family} {vectors}".strip()


def outcome(make: Callable[[], er.Trainer]) -> dict[str, Any]:
    """What a run comes to: a digest of all its numbers, and some of them for a comparison with a tolerance."""
    hasher = hashlib.blake2b(digest_size=16)
    with make() as trainer:
        start = trainer.result().params
        rows: list[er.Row] = []
        result = trainer.fit(GENERATIONS, rows.append)
    for name in ("fitness_mean", "fitness_std", "fitness_min", "fitness_max", "steps"):
        hasher.update(repr([row[name] for row in rows]).encode())
    for leaf in jax.tree.leaves((result.params, result.test)):
        hasher.update(np.ascontiguousarray(leaf).tobytes())
    pairs = zip(jax.tree.leaves(result.params), jax.tree.leaves(start), strict=True)
    return {
        "digest": hasher.hexdigest(),
        "first_fitness": float(rows[0]["fitness_mean"]),
        "moved": float(np.sqrt(sum(np.sum((np.float64(new) - np.float64(old)) ** 2) for new, old in pairs))),
    }


def main(record: bool) -> None:
    """Runs all, prints the outcomes as JSON, and records them where asked to."""
    found = {name: outcome(make) for name, make in RUNS.items()}
    sys.stdout.write(json.dumps({"machine": machine(), "runs": found}, indent=1) + "\n")
    if not record:
        return
    kept = json.loads(RECORD.read_text()) if RECORD.exists() else {"digests": {}}
    kept["digests"][machine()] = {name: run.pop("digest") for name, run in found.items()}
    kept["numbers"] = kept.get("numbers", found)
    RECORD.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main("--record" in sys.argv[1:])
