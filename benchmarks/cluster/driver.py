"""Measures the driver's time per generation, on Ray with workers that do no work, and without Ray for many workers.

    python -m benchmarks.cluster.driver          # writes docs/driver.json and docs/driver.md

On Ray, it runs whole generations of a recorded run (calls, answers, fitness log on disk, metrics) whose members take no
time. The overhead is the time of a generation minus the longest time that a worker worked. For comparison, it measures
in the same run how long Ray alone takes to move the same bytes to as many actors and back. In the simulation, stub
workers answer at once in this process, so that only the driver's own computation for thousands of workers is measured.
"""

import collections
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import ray
import tyro

import eggroll_ray as er
import envs
from benchmarks.shared.measured import head
from benchmarks.shared.page import DOCS, source_of_record, table, write_page, write_record
from eggroll_ray.workers.coordinator import Coordinator
from eggroll_ray.workers.messages import Outcome, Reply, Request, Work
from eggroll_ray.workers.plan import Plan
from eggroll_ray.workers.worker import Worker

POPULATIONS = (1024, 16384, 262144)
WORKERS = (1, 2, 4, 8, 16, 32)
SIMULATED = (32, 256, 1024, 4096)


def idle_evaluator() -> er.Evaluator:
    """Members whose fitness costs nothing and decides nothing."""

    def bind(_: Any) -> Any:
        return lambda state, statistics, members: er.Evaluation(members.astype(np.float32), 0)

    def test(*_: Any) -> np.ndarray:
        return np.zeros(1, np.float32)

    return er.Evaluator(lambda _: {"b": jnp.zeros(4)}, bind, test, 1, {"name": "idle"})


def idle_strategy(signs_only: bool) -> er.ES:
    """An update that only counts."""
    real = er.eggroll()

    def update(state: er.ESState, fitness: Any) -> tuple[er.ESState, dict[str, Any]]:
        return state._replace(generation=state.generation + 1), {"sigma": fitness[0]}

    return real._replace(update=update, signs_only=signs_only, settings={"name": "idle", "signs_only": signs_only})


def on_ray(workers: int, population: int, signs_only: bool, generations: int, run: Path) -> dict[str, Any]:
    """Measures generations of a recorded run on Ray."""
    trainer = er.Trainer(
        idle_evaluator(),
        idle_strategy(signs_only),
        population_size=population,
        block_size=population // 32,
        workers=er.Workers(workers, cpus=0.01, start_seconds=400),
        run=run,
        watch=er.Watch(every=0),
    )
    overheads, rows, before = [], [], time.perf_counter()

    def note(row: er.Row) -> None:
        nonlocal before
        now = time.perf_counter()
        overheads.append(now - before - row["time_update"] - row["time_evaluate"])
        rows.append(row)
        before = now

    with trainer:
        trainer.fit(generations, note)
        bare = bare_ray(workers, down=4 * population // (40 if signs_only else 1), generations=generations)
    warm = slice(generations // 4, None)
    milliseconds = sorted(1e3 * value for value in overheads[warm])
    return {
        "workers": workers,
        "population": population,
        "fitness": "packed signs" if signs_only else "float32",
        "overhead_ms": statistics.median(milliseconds),
        "overhead_ms_quartiles": [float(q) for q in np.quantile(milliseconds, (0.25, 0.75))],
        "bare_ray_ms": bare,
        "down_bytes_per_member_and_worker": rows[-1]["bytes_down"] / workers / population,
        "up_bytes_per_member": rows[-1]["bytes_up"] / population,
    }


class _Echo:
    """An actor that answers with so many bytes."""

    def answer(self, data: np.ndarray, size: int) -> np.ndarray:
        return np.zeros(size, np.uint8)


def bare_ray(workers: int, down: int, generations: int) -> float:
    """Measures what Ray alone takes for the same bytes: one object to all actors, and their answers; milliseconds."""
    remote: Any = ray.remote
    actor = remote(num_cpus=0.001, max_concurrency=2)(_Echo)
    actors = [actor.remote() for _ in range(workers)]
    ray.get([actor.answer.remote(np.zeros(1, np.uint8), 1) for actor in actors])
    seconds = []
    for _ in range(generations):
        before = time.perf_counter()
        data = np.zeros(down, np.uint8)
        argument = data if down <= 100_000 and down * workers <= 4_000_000 else ray.put(data)
        waiting = [actor.answer.remote(argument, down // workers) for actor in actors]
        while waiting:
            ready, waiting = ray.wait(waiting)
            ray.get(ready)
        seconds.append(time.perf_counter() - before)
    for actor in actors:
        ray.kill(actor)
    return 1e3 * statistics.median(seconds[generations // 4 :])


class StubCluster:
    """Workers that answer at once, in this process. Implements `workers.backend.Backend`."""

    def __init__(self, count: int, plan: Plan):
        self._count, self._plan = count, plan
        self._numbers: dict[int, int] = {}
        self._answers: collections.OrderedDict[int, Any] = collections.OrderedDict()
        self._calls = 0

    def target(self) -> int:
        return self._count

    def start(self, index: int) -> int:
        self._numbers[index] = 0
        return index

    def put(self, value: Any) -> Any:
        return value

    def call(self, worker: int, label: str, method: str, *args: Any) -> int:
        self._calls += 1
        if method == "facts":
            self._answers[self._calls] = {"platform": "stub"}
        elif method == "join":
            self._answers[self._calls] = ("0", 0.0)
        elif method == "step":
            self._answers[self._calls] = self._reply(args[1], args[2])
        return self._calls

    def wait(self, calls: Sequence[int], seconds: float) -> Sequence[int]:
        return list(calls)

    def result(self, call: int) -> Any:
        return self._answers.pop(call)

    def kill(self, worker: int) -> None:
        self._numbers.pop(worker, None)

    def close(self) -> None:
        self._answers.clear()

    def _reply(self, number: int, work: Work) -> Reply:
        blocks = work.blocks
        members = len(blocks) * self._plan.block_size
        return Reply(
            number=number,
            digest=str(number),
            blocks=np.array(blocks, np.int32),
            fitness=np.zeros(members, np.float32),
            spread=np.tile([self._plan.block_size, 0.0, 0.0, 0.0, 0.0, 0.0], (len(blocks), 1)),
            steps=np.zeros(len(blocks), np.int64),
            moments=((),) * len(blocks),
            failures=(),
            test=None,
            metrics={},
            update_seconds=0.0,
            test_seconds=0.0,
            block_seconds=np.full(len(blocks), 1e-3, np.float32),
            seconds=1e-3 * len(blocks),
        )


def simulated(workers: int, generations: int) -> dict[str, Any]:
    """Measures the driver's own computation for stub workers with one block of 64 members each."""
    plan = Plan(64 * workers, 64, 0, 1)
    coordinator = Coordinator(StubCluster(workers, plan), plan, er.Workers(workers), lambda *_: None)
    outcomes: tuple[Outcome, ...] = ()
    seconds = []
    for number in range(generations):
        before = time.perf_counter()
        found = coordinator.step(Request(number, outcomes, tuple(range(plan.blocks))), lambda: False)
        seconds.append(time.perf_counter() - before)
        assert found.complete and isinstance(found.fitness, np.ndarray)
        outcomes = (Outcome(number, found.fitness, found.moments),)
    coordinator.close()
    milliseconds = [1e3 * value for value in seconds[2:]]
    return {
        "workers": workers,
        "generation_ms": statistics.median(milliseconds),
        "us_per_worker": 1e3 * statistics.median(milliseconds) / workers,
    }


def join(generations: int = 1000, population: int = 512, repeats: int = 5) -> dict[str, Any]:
    """Measures how long a worker takes to join at a late generation: by replay from the start, and from snapshots."""
    evaluator, plan = er.from_env(envs.make("gymnax/CartPole-v1"), er.mlp((64, 64))), Plan(population, 64, 0, 1)
    draw = np.random.default_rng(0)
    log = [Outcome(number, draw.normal(size=population).astype(np.float32)) for number in range(generations)]
    donor, joiner = (Worker(er.eggroll(), evaluator, plan) for _ in range(2))
    donor.catch_up(None, log)
    early = Worker(er.eggroll(), evaluator, plan)
    early.catch_up(None, log[:-100])
    ways = {
        f"replay of all {generations}": lambda: joiner.catch_up(None, log),
        "snapshot and replay of 100": lambda: joiner.catch_up(early.snapshot(), log[-100:]),
        "snapshot of this generation": lambda: joiner.catch_up(donor.snapshot(), []),
    }
    joiner.catch_up(None, log[:2])  # compiles
    seconds = collections.defaultdict(list)
    for _ in range(repeats):
        for name, catch_up in ways.items():
            before = time.perf_counter()
            catch_up()
            seconds[name].append(time.perf_counter() - before)
            assert joiner.digest() == donor.digest()
    return {name: statistics.median(times) for name, times in seconds.items()}


def tables(record: dict[str, Any]) -> str:
    """Markdown of all that was measured."""
    simulated = [(r["workers"], f"{r['generation_ms']:.1f}", f"{r['us_per_worker']:.0f}") for r in record["simulated"]]
    joined = [(name, f"{seconds:.3f}") for name, seconds in record["join"].items()]
    lines = [
        "Bytes are per member: down to each worker, up from all.",
        "",
        *_ray_table(record["ray"]),
        "",
        *table(("stub workers", "driver per generation, ms", "per worker, us"), simulated),
        "",
        *table(("a worker joins at generation 1,000 (2 x 64 policy, 512 members)", "seconds"), joined),
    ]
    return "\n".join(lines)


def _ray_table(measured: Sequence[dict[str, Any]]) -> list[str]:
    heads = ("workers", "population", "fitness", "overhead, ms", "quartiles", "bare Ray, ms", "ratio", "aim, ms")
    rows = []
    for row in measured:
        low, high = row["overhead_ms_quartiles"]
        cells = [
            row["workers"],
            row["population"],
            row["fitness"],
            f"{row['overhead_ms']:.1f}",
            f"{low:.1f}-{high:.1f}",
        ]
        cells += [f"{row['bare_ray_ms']:.1f}", f"{row['overhead_ms'] / row['bare_ray_ms']:.1f}"]
        cells += [f"{5 + 0.5 * row['workers']:g}" if row["population"] == POPULATIONS[-1] else ""]
        cells += [f"{row['down_bytes_per_member_and_worker']:.3f}", f"{row['up_bytes_per_member']:.3f}"]
        rows.append(cells)
    return table((*heads, "down", "up"), rows)


def page(record: dict[str, Any]) -> str:
    """The page of a whole benchmark, docs/driver.md."""
    return f"# What a generation costs the driver\n\n{source_of_record(record)}\n\n{tables(record)}\n"


def main(most_workers: int = 32, generations: int = 40) -> None:
    """Measures, writes docs/driver.json and docs/driver.md, and prints the tables.

    Args:
      most_workers: on Ray.
      generations: per measurement; the first quarter is not counted.
    """
    logging.getLogger("eggroll_ray").setLevel(logging.ERROR)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for workers in [count for count in WORKERS if count <= most_workers]:
            for population in POPULATIONS:
                for signs_only in (False, True) if population == POPULATIONS[-1] else (False,):
                    run = Path(folder) / f"{workers}-{population}-{signs_only}"
                    found.append(on_ray(workers, population, signs_only, generations, run))
                    print(found[-1], flush=True)
    record = head(f"python -m benchmarks.cluster.driver --most-workers {most_workers}", "jax", "ray")
    record |= {"ray": found, "simulated": [simulated(workers, 12) for workers in SIMULATED], "join": join()}
    write_record(DOCS / "driver.json", record)
    write_page(DOCS / "driver.md", page(record))
    print(tables(record))


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
