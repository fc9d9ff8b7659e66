"""How close a generation comes to pure inference, and where the rest of the time goes.

    python -m benchmarks.speed.speed           # writes docs/performance.json, .md and .png
    python -m benchmarks.speed.speed --short   # the rows that decide, in a few minutes; prints them

Every figure is a median of repeats, interleaved with those of its reference in one process, after a warm-up that is
timed apart. A ratio of a rollout is the time of pure inference over that of a whole generation (1 is the limit); a
ratio of an update is its time over the reference's. `inference` is the fastest of the ways to run the unperturbed
policy in the same environments: one program for all of them, or blocks of two sizes in threads, as a generation runs,
each as JAX compiles it and, on a CPU, for the wide vectors that a generation is compiled for.

The environment is one tanh per number and step, an eighth of inference at 3 x 256, so that what is measured is the
policy's.
"""

import functools
import gc
import resource
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tyro

import eggroll_ray as er
from benchmarks.shared.measured import head
from benchmarks.shared.page import DOCS, write_page, write_record
from benchmarks.shared.timing import interleave
from benchmarks.speed.speed_pages import draw, page
from eggroll_ray import noise
from eggroll_ray.compiling.program import WIDE_VECTORS, SharedProgram
from eggroll_ray.compiling.threads import cores
from eggroll_ray.workers.messages import Outcome, Request
from eggroll_ray.workers.prepare import prepare
from eggroll_ray.workers.worker import Worker

OBSERVED, ACTIONS = 64, 8
LAWS = {"normal": noise.normal, "rademacher": noise.rademacher}


class Rollout(NamedTuple):
    """One row: a policy and a population."""

    hidden: tuple[int, ...]
    population: int
    rank: int
    law: str
    steps: int = 100
    repeats: int = 9
    auto: bool = False  # the block that block_size="auto" chooses, instead of the default one


PAPER = (256, 256, 256)  # the policy of the paper's RL experiments
SHORT = [
    *[Rollout(PAPER, 2048, rank, law) for law in LAWS for rank in (1, 4)],
    *[Rollout(PAPER, 16384, 1, law, repeats=3) for law in LAWS],
]
FULL = [
    *SHORT,
    *[Rollout(PAPER, 2048, rank, law, auto=True) for law in LAWS for rank in (1, 4)],
    *[Rollout(PAPER, 16384, 1, law, repeats=3, auto=True) for law in LAWS],
    *[Rollout(PAPER, 2048, rank, law) for law in LAWS for rank in (2, 8)],
    *[Rollout(PAPER, population, 1, "normal") for population in (256, 1024)],
    *[Rollout(PAPER, 16384, 4, law, repeats=3) for law in LAWS],
    *[Rollout((64, 64, 64), 4096, rank, "normal") for rank in (1, 4)],
    *[Rollout((1024,) * 3, 256, rank, "normal", repeats=3) for rank in (1, 4)],
    *[Rollout((4096,) * 3, 64, rank, "normal", steps=20, repeats=3) for rank in (1, 4)],
    Rollout(PAPER, 262144, 1, "rademacher", steps=10, repeats=1),
]
# Rows, columns, members, rank.
UPDATES = [(1024, 1024, 1024, 1), (1024, 1024, 16384, 1), (1024, 1024, 131072, 1), (1024, 1024, 16384, 4)]
LARGE_UPDATES = [(2048, 8192, 16384, 1)]


def tanh_env(steps: int) -> er.Env:
    """A cheap environment of `steps` steps: the state is mixed, moved by the actions and squashed."""
    mix = jnp.asarray(np.random.default_rng(0).normal(size=OBSERVED), jnp.float32)

    def show(state: jax.Array) -> er.Timestep:
        return er.Timestep(state, state[0], jnp.bool_(False))

    def reset(key: jax.Array) -> tuple[jax.Array, er.Timestep]:
        state = jax.random.normal(key, (OBSERVED,))
        return state, show(state)

    def step(state: jax.Array, action: jax.Array, key: jax.Array) -> tuple[jax.Array, er.Timestep]:
        del key
        state = jnp.tanh(state * mix + 0.5 * jnp.tile(action, OBSERVED // ACTIONS))
        return state, show(state)

    return er.Env("tanh", reset, step, er.Box.of((OBSERVED,)), er.Box.of((ACTIONS,)), steps)


def inference(
    env: er.Env, policy: er.Policy, batch: int, options: dict[str, Any] | None = None
) -> Callable[[Any], jax.Array]:
    """The unperturbed policy in a batch of environments: parameters -> returns `(batch,)`.

    Args:
      env: the environment.
      policy: the policy.
      batch: the number of environments.
      options: of XLA, that it is compiled with.
    """

    @functools.partial(jax.jit, compiler_options=options)
    def run(params: Any) -> jax.Array:
        keys = jax.random.split(jax.random.key(0), batch)
        state, shown = jax.vmap(env.reset)(keys)

        def advance(_: Any, loop: Any) -> Any:
            state, shown, total = loop
            actions = jax.vmap(lambda observation: policy.apply(params, observation, ())[0])(shown.observation)
            state, shown = jax.vmap(env.step, (0, 0, None))(state, actions, keys[0])
            return state, shown, total + shown.reward

        return jax.lax.fori_loop(0, env.max_steps, advance, (state, shown, jnp.zeros(batch)))[2]

    return run


def measure_rollout(row: Rollout) -> dict[str, Any]:
    """Measures one whole generation (noise, evaluation, update) against pure inference of the same steps."""
    env, policy = tanh_env(row.steps), er.mlp(row.hidden)
    evaluator, strategy = er.from_env(env, policy), er.eggroll(rank=row.rank, law=LAWS[row.law])
    params = evaluator.init(0)
    block_size = er.fastest_block_size(evaluator, strategy, row.population) if row.auto else None
    prepared = prepare(evaluator, strategy, row.population, block_size=block_size, test_episodes=1)
    plan = prepared.plan
    worker = Worker(strategy, evaluator, plan, threads=cores())
    outcomes: list[Outcome] = []

    def evaluate() -> None:
        reply = worker.step(Request(worker.number, (), tuple(range(plan.blocks))))
        assert isinstance(reply.fitness, np.ndarray) and np.isfinite(reply.fitness).all()
        outcomes.append(Outcome(worker.number, reply.fitness, ((),) * plan.blocks))

    def update() -> Any:
        worker.update(outcomes[-1])
        return worker.mean().params

    threads = ThreadPoolExecutor(cores())
    cases = {"evaluate": evaluate, "update": update}
    for kind, options in {"": None, **({", wide": WIDE_VECTORS} if jax.default_backend() == "cpu" else {})}.items():
        if row.population * max(row.hidden) <= 1 << 24:
            whole = inference(env, policy, row.population, options)
            cases[f"one program{kind}"] = lambda whole=whole: whole(params)
        for size in sorted({plan.block_size, min(512, row.population)}):
            block = inference(env, policy, size, options)

            def in_threads(block: Any = block, size: int = size) -> None:
                list(threads.map(lambda _: np.asarray(block(params)), range(row.population // size)))

            cases[f"blocks of {size}{kind}"] = in_threads
    found = interleave(cases, row.repeats)
    ways = [name for name in found if name not in ("evaluate", "update")]
    best = min(ways, key=lambda name: found[name]["median"])
    as_compiled = min(found[name]["median"] for name in ways if not name.endswith(", wide"))
    seconds = found["evaluate"]["median"] + found["update"]["median"]
    return {
        **row._asdict(),
        "block_size": plan.block_size,
        "seconds": found,
        "inference": best,
        "ratio": found[best]["median"] / seconds,
        "ratio_as_compiled": as_compiled / seconds,
        "ratio_without_update": found[best]["median"] / found["evaluate"]["median"],
        "member_steps_per_second": row.population * row.steps / seconds,
        "noise_of_block_mb": prepared.noise_bytes * plan.block_size / 1e6,
        "process_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,  # the most since the process began
    }


def measure_update(rows: int, columns: int, members: int, rank: int, repeats: int = 3) -> dict[str, Any]:
    """Measures the sum over pairs against what it is made of, for all members: the product, and the noise of JAX.

    The product is timed for at most 16,384 outer products, and scaled to all.
    """
    key = noise.leaf_key(0, "w", 0)
    weights = jnp.asarray(np.random.default_rng(0).normal(size=members // 2), jnp.float32)
    held = min(members * rank, 16384)
    a, b = (jax.random.normal(key, (held, size)) for size in (rows, columns))
    size = 512

    @jax.jit
    def product(a: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.einsum("pm,pk->mk", a, b, precision=jax.lax.Precision.HIGHEST)

    @jax.jit
    def threefry(key: jax.Array) -> jax.Array:
        def draw(total: jax.Array, index: jax.Array) -> tuple[jax.Array, None]:
            numbers = jax.random.normal(jax.random.fold_in(key, index), (size, rank * (rows + columns)))
            return total + numbers.sum(), None  # of all: XLA leaves out most of what makes a number that nobody reads

        return jax.lax.scan(draw, jnp.float32(0), jnp.arange(members // size))[0]

    sums, peaks = {}, {}
    for name, law in LAWS.items():
        unit = noise.low_rank_noise((), rows, columns, rank, jnp.float32, law)
        sums[name] = SharedProgram(unit.weighted_sum).trace(key, weights).lower().compile()  # as workers do
        peaks[name] = sums[name].memory_analysis().temp_size_in_bytes / 1e6
    cases = {"product": lambda: product(a, b), "threefry": lambda: threefry(key)}
    cases |= {name: lambda run=run: run(key, weights) for name, run in sums.items()}
    found = interleave(cases, repeats)
    for when in found["product"]:  # that of as many members as are held, to all of them
        found["product"][when] *= members * rank / held
    reference = found["product"]["median"] + found["threefry"]["median"]
    return {
        "rows": rows,
        "columns": columns,
        "members": members,
        "rank": rank,
        "seconds": found,
        "ratio": {name: found[name]["median"] / reference for name in LAWS},
        "peak_mb": peaks,
    }


def measure_noise(pairs: int = 1024, numbers: int = 1024, repeats: int = 40) -> dict[str, Any]:
    """Measures numbers per second, of ours and of JAX's generators, drawn pair by pair."""
    key, rbg = noise.leaf_key(0, "w", 0), jax.random.key(0, impl="rbg")

    def drawer(
        law: Callable[..., jax.Array], fold: Callable[..., Any], key: Any, program: Callable[..., Any] = jax.jit
    ) -> Callable[[], jax.Array]:
        run = program(
            lambda key: jax.vmap(lambda p: law(fold(key, p), (numbers,)))(jnp.arange(pairs, dtype=jnp.uint32))
        )
        return lambda: run(key)

    cases = {
        "normal": drawer(noise.normal, noise.pair_key, key, SharedProgram),
        "rademacher": drawer(noise.rademacher, noise.pair_key, key, SharedProgram),
        "jax.random.normal, threefry": drawer(jax.random.normal, jax.random.fold_in, key),
        "jax.random.rademacher, threefry": drawer(
            lambda key, shape: jax.random.rademacher(key, shape, jnp.float32), jax.random.fold_in, key
        ),
        "jax.random.normal, rbg": drawer(jax.random.normal, jax.random.fold_in, rbg),
    }
    found = interleave(cases, repeats)
    return {
        name: {
            "million_per_second": pairs * numbers / times["median"] / 1e6,
            "quartiles": [pairs * numbers / times[q] / 1e6 for q in ("high", "low")],
        }
        for name, times in found.items()
    }


def main(short: bool = False, docs: Path = DOCS) -> None:
    """Measures, and writes performance.json, .md and .png, or with `short` prints the rows that decide.

    Args:
      short: a few minutes instead of an hour; nothing is written.
      docs: where the results go.
    """
    record = head("python -m benchmarks.speed.speed" + " --short" * short, "jax", "jaxlib")
    record["noise"] = measure_noise()
    print(record["noise"], flush=True)
    record["update"] = _each(measure_update, UPDATES[:3] if short else [*UPDATES, *LARGE_UPDATES])
    record["rollout"] = _each(lambda *row: measure_rollout(Rollout(*row)), SHORT if short else FULL)
    if short:
        print(page(record))
        return
    write_record(docs / "performance.json", record)
    write_page(docs / "performance.md", page(record))
    draw(record, docs / "performance.png")


def _each(measure: Callable[..., dict[str, Any]], rows: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        found.append(measure(*row))
        print(row, found[-1]["ratio"], flush=True)
        gc.collect()
        jax.clear_caches()
    return found


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
