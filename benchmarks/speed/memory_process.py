"""What one process needs at most: `python -m benchmarks.speed.memory_process rollout --population 2048 --law normal`.

It prints one line of JSON. Each measurement has a process of its own, because the most that a process ever held is
known only for all of its life. Linux with the GNU C library only: it is read from /proc.
"""

import ctypes
import gc
import json
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro

import eggroll_ray as er
from benchmarks.speed.speed import LAWS, PAPER, tanh_env
from eggroll_ray.compiling.program import SharedProgram
from eggroll_ray.compiling.threads import cores
from eggroll_ray.workers.messages import Outcome, Request
from eggroll_ray.workers.plan import Plan
from eggroll_ray.workers.prepare import prepare
from eggroll_ray.workers.worker import Worker

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_bytes() -> int:
    """Returns the most resident memory that this process had since it began, or since `forget_peak`.

    Not `resource.getrusage`, whose figure a process takes over from the one that started it.

    Raises:
      RuntimeError: the system has no /proc.
    """
    if not _STATUS.exists():
        raise RuntimeError(f"there is no {_STATUS} to read the peak of memory from; run this benchmark on Linux.")
    fields = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    return 1024 * int(fields["VmHWM"].split()[0])


def forget_peak() -> None:
    """Gives what is free back to the system, as much of it as can be, and lets `peak_bytes` begin anew at the rest."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    _RESET.write_text("5")


def temporary_bytes(strategy: er.ES, state: Any, population: int) -> int:
    """Returns what the compiled update of a population holds beside its arguments and results."""
    fitness = jax.ShapeDtypeStruct((population,), jnp.float32)
    analysis = SharedProgram(strategy.update).trace(state, fitness).lower().compile().memory_analysis()
    assert analysis is not None  # every backend of today has it
    return analysis.temp_size_in_bytes


def rollout(population: int, law: str, steps: int = 10, hidden: tuple[int, ...] = PAPER) -> dict[str, Any]:
    """Evaluates and updates two generations, as a worker does, and returns the peak of each.

    The first compiles the programs, which takes more memory than they do; the second shows what the population takes.

    Args:
      population: members.
      law: of the noise, `normal` or `rademacher`.
      steps: of an episode.
      hidden: layers of the policy.
    """
    imports = peak_bytes()
    evaluator, strategy = er.from_env(tanh_env(steps), er.mlp(hidden)), er.eggroll(law=LAWS[law])
    prepared = prepare(evaluator, strategy, population, test_episodes=1)
    plan = prepared.plan
    worker = Worker(strategy, evaluator, plan, threads=cores())
    peaks = []
    for _ in range(2):
        _generation(worker, plan)
        peaks.append(peak_bytes())
        forget_peak()
    return {
        "population": population,
        "law": law,
        "steps": steps,
        "hidden": list(hidden),
        "block_size": plan.block_size,
        "threads": cores(),
        "member_noise_bytes": prepared.noise_bytes,
        "update_temporary_bytes": temporary_bytes(strategy, prepared.shapes, population),
        "peak_bytes": {"imports": imports, "first": peaks[0], "second": peaks[1]},
    }


def _generation(worker: Worker, plan: Plan) -> None:
    reply = worker.step(Request(worker.number, (), tuple(range(plan.blocks))))
    assert isinstance(reply.fitness, np.ndarray) and np.isfinite(reply.fitness).all()
    worker.update(Outcome(worker.number, reply.fitness, reply.moments))
    jax.block_until_ready(worker.mean().params)


def update(rows: int, columns: int, population: int, law: str) -> dict[str, Any]:
    """Updates one matrix with random fitness, and returns the peaks before and after, and the program's own account.

    Args:
      rows: of the matrix.
      columns: of the matrix.
      population: members.
      law: of the noise, `normal` or `rademacher`.
    """
    strategy = er.eggroll(law=LAWS[law])
    state = strategy.init({"w": jnp.zeros((rows, columns))}, 0)
    fitness = np.random.default_rng(0).normal(size=population).astype(np.float32)
    program = SharedProgram(strategy.update).trace(state, fitness).lower().compile()
    forget_peak()
    before = peak_bytes()
    jax.block_until_ready(program(state, fitness))
    after = peak_bytes()
    analysis = program.memory_analysis()
    assert analysis is not None  # every backend of today has it
    return {
        "rows": rows,
        "columns": columns,
        "population": population,
        "law": law,
        "temporary_bytes": analysis.temp_size_in_bytes,
        "result_bytes": analysis.output_size_in_bytes,
        "peak_bytes": {"compiled": before, "updated": after},
    }


if __name__ == "__main__":
    found = tyro.extras.subcommand_cli_from_dict({"rollout": rollout, "update": update})
    sys.stdout.write(json.dumps(found) + "\n")
