"""A run whose processes fail on command: the program into which `benchmarks.cluster.chaos` injects faults.

    python -m benchmarks.cluster.haunted TASK ADDRESS RUN ORDERS

An order is a file in the folder ORDERS that names a point in the program. The first process that reaches this point
takes the order by renaming the file, and fails there. All of this is part of a user's program; the package itself
contains no code for it.
"""

import functools
import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import eggroll_ray as er
import envs
from eggroll_ray.runs import fitness_log
from eggroll_ray.workers.worker import Worker

ENDLESS = 1_000_000  # generations; the run is ended by SIGTERM


def take(orders: Path, kind: str) -> bool:
    """Takes an order, and notes who took it; False if there is none."""
    try:
        os.rename(orders / kind, orders / f"{kind}.taken-{os.getpid()}")
    except OSError:
        return False
    return True


def taken(orders: Path, kind: str) -> int | None:
    """Returns the process that took an order, None if nobody did."""
    found = next(iter(orders.glob(f"{kind}.taken-*")), None)
    return None if found is None else int(found.name.rpartition("-")[2])


def obey(orders: Path, point: str) -> None:
    """Fails here if there is an order to."""
    if take(orders, f"kill-{point}"):
        os.kill(os.getpid(), signal.SIGKILL)
    if take(orders, f"freeze-{point}"):
        os.kill(os.getpid(), signal.SIGSTOP)
    if take(orders, f"corrupt-{point}"):
        for worker in [found for found in gc.get_objects() if isinstance(found, Worker)]:
            leaves, treedef = jax.tree.flatten(worker._engine._state.params)
            first = np.array(leaves[0], copy=True).reshape(-1)
            first[0] = np.nextafter(first[0], np.float32(9))  # one bit
            params = treedef.unflatten([jnp.asarray(first.reshape(leaves[0].shape)), *leaves[1:]])
            worker._engine._state = worker._engine._state._replace(params=params)


def haunt(evaluator: er.Evaluator, orders: Path) -> er.Evaluator:
    """Lets the workers of an evaluator obey orders while they start, evaluate and update."""

    def init(seed: int) -> Any:
        obey(orders, "start")
        return evaluator.init(seed)

    def bind(perturb: Any) -> Callable[[er.Given], er.Evaluation]:
        evaluate = evaluator.bind(perturb)

        def haunted(given: er.Given) -> er.Evaluation:
            obey(orders, "evaluate")
            return evaluate(given)

        return haunted

    def merge(statistics: Any, moments: Any) -> Any:
        obey(orders, "update")
        return evaluator.merge(statistics, moments)

    return evaluator._replace(init=init, bind=bind, merge=merge)


def haunt_log(orders: Path) -> None:
    """Lets the driver die in the middle of writing the fitness log."""
    append = fitness_log.append_to_file

    def haunted(path: Path, size: int, data: bytes, sync: bool) -> int:
        if (orders / "kill-write").exists() and len(data) > 10:
            append(path, size, data[: len(data) // 2], sync)
            obey(orders, "write")
        return append(path, size, data, sync)

    fitness_log.append_to_file = haunted


def distance(members: er.Members, keys: Any, seconds: float) -> np.ndarray:
    """The custom fitness: as slow as a small simulation, and its bits depend on every parameter."""
    del keys
    time.sleep(seconds)
    return -np.asarray(members.apply(lambda p: ((jnp.eye(6) @ p["w"]) ** 2).sum() + ((p["b"] - 1.0) ** 2).sum()))


def make_evaluator(task: str, seconds: float) -> er.Evaluator:
    """Builds `cartpole`, with observation statistics, or `custom`, whose blocks take so many seconds."""
    if task == "cartpole":
        return er.from_env(envs.make("gymnax/CartPole-v1"), er.mlp((16,)), normalize_observations=True)
    fitness = functools.partial(distance, seconds=seconds)
    return er.from_fitness(fitness, {"w": np.ones((6, 5), np.float32), "b": np.zeros(5, np.float32)}, er.batched())


def make_trainer(evaluator: er.Evaluator, workers: er.Workers | int, run: er.Run | None) -> er.Trainer:
    """Builds the trainer of a task; seed and sizes are always the same."""
    return er.Trainer(
        evaluator,
        er.eggroll(optimizer=optax.adam(0.01)),
        population_size=96,
        block_size=8,
        seed=11,
        workers=workers,
        run=run,
        watch=er.Watch(every=0),
    )


def main(task: str, address: str, run: Path, orders: Path) -> None:
    """Trains until SIGTERM; a run that was begun is continued."""
    haunt_log(orders)
    resume = (run / "config.json").exists()
    workers = er.Workers("auto", address=address, wait_seconds=120)
    evaluator = haunt(make_evaluator(task, seconds=0.02), orders)
    with make_trainer(evaluator, workers, er.Run(run, resume=resume, checkpoint_every=20)) as trainer:
        trainer.fit(ENDLESS)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
