"""One linear layer, as in the paper's Fig 2a: how close each way to train it comes to pure inference.

    python -m benchmarks.speed.linear          # writes docs/linear.json, docs/linear.md and docs/linear.png

On another device than a CPU the files are called after it: `docs/linear_gpu.json` and so on.

A batch of members, each with an input of its own, goes once through a layer x -> x W^T. Members are perturbed and
applied by what evaluates any generation, `perturb_block` and `Members.apply`, for a layer that a user wrote as
`x @ w.T` and as `w @ x`. `held`: the noise is given; `on the fly`: drawing it is a part of what is timed.
On a CPU the batch also goes in blocks through threads, as a worker evaluates it. The ways are interleaved in one
process, after a warm-up that is timed apart.
"""

import functools
import gc
import sys
from collections.abc import Callable, Iterator, Sequence
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
from benchmarks.speed import roofline
from benchmarks.speed.linear_pages import draw, page
from eggroll_ray import noise
from eggroll_ray.compiling.program import compiler_options
from eggroll_ray.compiling.threads import cores
from eggroll_ray.evaluators.members import noise_bytes
from eggroll_ray.workers.plan import default_block_size

LAWS = (noise.normal, noise.rademacher)
RANKS = (1, 4)
FORMS = {"x @ w.T": lambda params, x: x @ params["w"].T, "w @ x": lambda params, x: params["w"] @ x}
LEARNING_RATE, CLIP = 1e-3, 0.2  # of the step of PPO


class Setting(NamedTuple):
    """One layer and how it is timed."""

    dimension: int
    dtype: str
    batch: int = 1024
    dense_batch: int = 16  # members of dense ES; its time is scaled to the whole batch
    calls: int = 1  # back to back in one timing, so that a fast device does not wait for Python
    copy_bytes: int = 1 << 28  # of the copy that measures the bandwidth
    repeats: int = 9


CPU = (Setting(1024, "float32"), Setting(2048, "float32"))
ACCELERATOR = tuple(Setting(8192, dtype, calls=20, copy_bytes=1 << 31, repeats=21) for dtype in ("bfloat16", "float32"))


class Way(NamedTuple):
    """One program, or one for each block, that takes a number of members through the layer."""

    facts: dict[str, Any]  # "way" and what else tells it from others
    members: int
    run: Callable[[], Any]

    @property
    def name(self) -> str:
        return ", ".join(map(str, self.facts.values()))


class Blocks(NamedTuple):
    """Runs a program for one block after the other, or for as many at once as there are threads."""

    size: int
    threads: ThreadPoolExecutor | None = None

    @property
    def name(self) -> str:
        return f"blocks of {self.size}" if self.threads else "one program"

    def split(self, array: Any) -> list[Any]:
        """Returns an array of all members, block by block."""
        return [array[start : start + self.size] for start in range(0, len(array), self.size)]

    def run(self, program: Callable[..., Any], blocks: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Runs the program with the arguments of each block, and returns what it returns."""
        if self.threads is None:
            return [program(*block) for block in blocks]
        return list(self.threads.map(lambda block: jax.block_until_ready(program(*block)), blocks))


def layer(setting: Setting) -> tuple[jax.Array, jax.Array]:
    """Returns weights `(dimension, dimension)` and inputs `(batch, dimension)`."""
    random = np.random.default_rng(0)
    w = random.normal(size=(setting.dimension, setting.dimension)) / np.sqrt(setting.dimension)
    x = random.normal(size=(setting.batch, setting.dimension))
    return jnp.asarray(w, setting.dtype), jnp.asarray(x, setting.dtype)


def inference(w: jax.Array, x: jax.Array, ways: Sequence[Blocks]) -> Iterator[Way]:
    """The unperturbed layer."""
    for form, fn in FORMS.items():
        program = jax.jit(jax.vmap(fn, (None, 0)))
        for way in ways:
            blocks = [({"w": w}, part) for part in way.split(x)]
            facts = {"way": "inference", "form": form, "how": way.name}
            yield Way(facts, len(x), lambda program=program, way=way, blocks=blocks: way.run(program, blocks))


def evolution(
    strategy: er.ES, w: jax.Array, x: jax.Array, ways: Sequence[Blocks], facts: dict[str, Any]
) -> Iterator[Way]:
    """A member for each input, its noise held and drawn on the fly."""
    state = strategy.init({"w": w}, 0)
    perturb = jax.jit(lambda state, members: er.perturb_block(strategy.perturb, state, members))
    for way in ways:
        inputs = way.split(x)
        numbers = way.split(jnp.arange(len(x), dtype=jnp.int32))
        held = [(_with(w, perturb(state, block)), part) for block, part in zip(numbers, inputs, strict=True)]
        fresh = [(state, block, part) for block, part in zip(numbers, inputs, strict=True)]
        for form, fn in FORMS.items():

            def apply(members: er.Members, x: jax.Array, fn: Any = fn) -> jax.Array:
                return members.apply(fn, x)

            def draw_and_apply(state: er.ESState, members: jax.Array, x: jax.Array, fn: Any = fn) -> jax.Array:
                return er.perturb_block(strategy.perturb, state, members).apply(fn, x)

            for when, program, blocks in (("held", apply, held), ("on the fly", draw_and_apply, fresh)):
                run = jax.jit(program, compiler_options=compiler_options())  # as workers do
                told = {**facts, "noise": when, "form": form, "how": way.name}
                yield Way(told, len(x), lambda run=run, way=way, blocks=blocks: way.run(run, blocks))


def _with(w: jax.Array, members: er.Members) -> er.Members:
    """The members with these shared weights: of each call `jax.jit` returns a copy of its own."""
    return jax.tree.map(lambda array: w if array.shape == w.shape else array, members)


def surrogate(w: jax.Array, x: jax.Array, actions: jax.Array, before: jax.Array, advantages: jax.Array) -> jax.Array:
    """PPO's loss of a normal policy of unit variance whose mean is the layer.

    Args:
      w: weights `(dimension, dimension)`.
      x: inputs `(batch, dimension)`.
      actions: `(batch, dimension)`, taken by the policy as it was.
      before: logarithm of their likelihood then, but for a constant, `(batch,)` float32.
      advantages: `(batch,)` float32.
    """
    ratio = jnp.exp(log_likelihood(w, x, actions) - before)
    clipped = jnp.clip(ratio, 1 - CLIP, 1 + CLIP)
    return -jnp.mean(jnp.minimum(ratio * advantages, clipped * advantages))


def log_likelihood(w: jax.Array, x: jax.Array, actions: jax.Array) -> jax.Array:
    """Logarithm of the likelihood of actions, but for a constant: `(batch,)` float32."""
    return -0.5 * jnp.sum((actions - x @ w.T).astype(jnp.float32) ** 2, axis=1)


def ppo_step(w: jax.Array, *batch: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Forward, backward and a step of gradient descent: weights, and the gradient for the layer before."""
    to_weights, to_inputs = jax.grad(surrogate, (0, 1))(w, *batch)
    return w - LEARNING_RATE * to_weights, to_inputs


def ppo(w: jax.Array, x: jax.Array, ways: Sequence[Blocks]) -> Iterator[Way]:
    """One step of PPO on the whole batch; in blocks their gradients are added up before it."""
    random = np.random.default_rng(1)
    actions = x @ w.T + jnp.asarray(random.normal(size=x.shape), x.dtype)
    advantages = jnp.asarray(random.normal(size=len(x)), jnp.float32)
    batch = (x, actions, jax.jit(log_likelihood)(w, x, actions), advantages)
    whole = jax.jit(ppo_step)

    def share(w: jax.Array, *block: jax.Array) -> jax.Array:
        return surrogate(w, *block) * (len(block[0]) / len(x))

    gradients = jax.jit(jax.grad(share, (0, 1)))
    step = jax.jit(lambda w, parts: w - LEARNING_RATE * sum(parts))

    def in_blocks(way: Blocks, blocks: Sequence[tuple[Any, ...]]) -> tuple[jax.Array, list[jax.Array]]:
        found = way.run(gradients, blocks)
        return step(w, [to_weights for to_weights, _ in found]), [to_inputs for _, to_inputs in found]

    for way in ways:
        facts = {"way": "PPO-like", "form": "x @ w.T", "how": way.name}
        blocks = [(w, *block) for block in zip(*map(way.split, batch), strict=True)]
        run = functools.partial(in_blocks, way, blocks) if way.threads else functools.partial(whole, w, *batch)
        yield Way(facts, len(x), run)


def ways_of(setting: Setting, threads: ThreadPoolExecutor | None) -> Iterator[Way]:
    """All ways to take a batch through the layer; with threads also in blocks."""
    w, x = layer(setting)
    strategies = [(rank, law, er.eggroll(rank=rank, law=law, sigma=0.01)) for rank in RANKS for law in LAWS]
    sizes = {}
    for rank, _, strategy in strategies:
        own = noise_bytes(strategy.perturb, strategy.init({"w": w}, 0))
        sizes[rank] = default_block_size(setting.batch, own)

    def blocks(members: int, *wanted: int) -> list[Blocks]:
        return [Blocks(members), *(Blocks(size, threads) for size in sorted({*wanted}) if threads)]

    whole, few = len(x), x[: setting.dense_batch]
    yield from inference(w, x, blocks(whole, _for_each_core(whole), *sizes.values()))
    for rank, law, strategy in strategies:
        facts = {"way": "EGGROLL", "rank": rank, "law": law.name}
        yield from evolution(strategy, w, x, blocks(whole, sizes[rank]), facts)
    yield from ppo(w, x, blocks(whole, _for_each_core(whole)))
    dense = blocks(len(few), _for_each_core(len(few)))
    yield from evolution(er.openai_es(sigma=0.01), w, few, dense, {"way": "dense ES", "law": "normal"})


def _for_each_core(members: int) -> int:
    """Members of a block where each core gets one; an even number, so that twins stay together."""
    return max(2, members // cores() // 2 * 2)


def measure(setting: Setting) -> dict[str, Any]:
    """Measures all ways through one layer, and the machine, in turn."""
    machine = roofline.machine(max(2048, setting.dimension), setting.dtype, setting.copy_bytes)
    with ThreadPoolExecutor(cores()) as threads:
        ways = list(ways_of(setting, threads if jax.default_backend() == "cpu" else None))
        runs = {**machine.cases, **{way.name: way.run for way in ways}}
        found = interleave({name: _repeated(run, setting.calls) for name, run in runs.items()}, setting.repeats)
    rows = []
    for way in ways:
        times = found[way.name]
        share = setting.calls * way.members / setting.batch
        seconds = {when: times[when] / share for when in ("median", "low", "high")}
        rows.append({**way.facts, "members": way.members, "first_seconds": times["first"], "seconds": seconds})
    product, copy = (found[name]["median"] / setting.calls for name in machine.cases)
    return {**setting._asdict(), "balance": machine.balance(product, copy)._asdict(), "ways": rows}


def _repeated(run: Callable[[], Any], calls: int) -> Callable[[], Any]:
    return lambda: [run() for _ in range(calls)]


def main(docs: Path = DOCS) -> None:
    """Measures, and writes the data, the page and the picture.

    Args:
      docs: where they go.
    """
    backend = jax.default_backend()
    name = "linear" if backend == "cpu" else f"linear_{backend}"
    record = head("python -m benchmarks.speed.linear", "jax", "jaxlib") | {"name": name, "layers": []}
    for setting in CPU if backend == "cpu" else ACCELERATOR:
        record["layers"].append(measure(setting))
        print(setting, flush=True)
        gc.collect()
        jax.clear_caches()
    write_record(docs / f"{name}.json", record)
    write_page(docs / f"{name}.md", page(record))
    draw(record, docs / f"{name}.png")


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
