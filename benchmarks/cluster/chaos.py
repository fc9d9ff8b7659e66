"""Injects random faults into a cluster of three nodes, and checks that a run survives them with the same bits.

    python -m benchmarks.cluster.chaos --faults 200 --seed 0     # writes docs/chaos.json and docs/chaos.md

A driver in a process of its own trains on a local Ray cluster of three nodes. Faults are injected one after another:
workers are killed while they evaluate, update or start, suspended beyond their deadline, and corrupted by one bit;
nodes are removed and added; the driver is killed at any moment, including while it writes, and restarted. A fault
counts as recovered when a later generation is complete, and as correctly recovered if all later digests equal those of
a run in one process.
"""

import collections
import dataclasses
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import tyro
from ray._private.ray_constants import ENABLE_RAY_CLUSTERS_ENV_VAR
from ray.cluster_utils import Cluster

from benchmarks.cluster.haunted import make_evaluator, make_trainer, taken
from benchmarks.shared.measured import head
from benchmarks.shared.page import DOCS, ROOT, source_of_record, table, write_page, write_record
from eggroll_ray.runs.metrics import Row, read_metrics
from eggroll_ray.workers.ray.connect import _on_loopback

NODES = 3
_PATIENCE_SECONDS = 180.0

# What can be done to a run, and how often among random faults.
FAULTS = {
    "worker killed while it evaluates": 6,
    "worker killed while it updates": 4,
    "worker killed while it starts": 3,
    "worker frozen past its deadline, back later": 4,
    "worker corrupted by one bit": 4,
    "node removed, another added": 3,
    "node added, later removed": 2,
    "driver killed at any moment": 4,
    "driver killed while it writes the log": 2,
}


@dataclasses.dataclass
class Fault:
    """One fault, and what became of it."""

    kind: str
    task: str
    generation: int  # that had been completed when it struck
    seconds: float = float("nan")  # until a generation begun after it was completed
    digest_equal: bool | None = None


class Chaos:
    """A cluster, a driver on it, and the means to disturb both. A context manager."""

    def __init__(self, task: str, folder: Path):
        self.task, self.run = task, folder / "run"
        self._orders = folder / "orders"
        self._orders.mkdir(parents=True)
        self._log = (folder / "driver.log").open("ab")
        self._cache = folder.parent / "compiled"
        self._nodes: list[Any] = []
        self.faults: list[Fault] = []
        self._serial = 0

    def __enter__(self) -> "Chaos":
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(self._cache)
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.1"
        with _on_loopback():
            self._cluster = Cluster(
                initialize_head=True,
                head_node_args={
                    "num_cpus": 0,
                    "include_dashboard": False,
                    # A machine that is gone is noticed after about three seconds instead of twenty.
                    "_system_config": {"health_check_period_ms": 500, "health_check_failure_threshold": 4},
                },
            )
            for _ in range(NODES):
                self._nodes.append(self._cluster.add_node(num_cpus=1))
        self._start_driver()
        self.wait_for_generation(2)
        return self

    def __exit__(self, *_: object) -> None:
        if self._driver.poll() is None:
            self._driver.kill()
            self._driver.wait()
        self._cluster.shutdown()
        self._log.close()

    def inject(self, kind: str) -> Fault:
        """Does one thing to the run, and waits until it has gone on."""
        fault = Fault(kind, self.task, self._generation())
        started = time.monotonic()
        {
            "worker killed while it evaluates": lambda: self._order("kill-evaluate"),
            "worker killed while it updates": lambda: self._order("kill-update"),
            "worker killed while it starts": self._kill_starting,
            "worker frozen past its deadline, back later": self._freeze,
            "worker corrupted by one bit": self._corrupt,
            "node removed, another added": self._replace_node,
            "node added, later removed": self._add_and_remove_node,
            "driver killed at any moment": self._kill_driver,
            "driver killed while it writes the log": lambda: self._kill_driver(writing=True),
        }[kind]()
        struck = self._generation()
        self.wait_for_generation(struck + 2)  # one that was begun after the fault
        fault.seconds = time.monotonic() - started
        self.faults.append(fault)
        return fault

    def stop(self) -> Row:
        """Ends the run in order and returns its result."""
        self._driver.send_signal(signal.SIGTERM)
        if self._driver.wait(timeout=_PATIENCE_SECONDS) != 0:
            raise RuntimeError(f"the driver ended with {self._driver.returncode}: {self._tail()}")
        return json.loads((self.run / "result.json").read_text())

    def rows(self) -> list[Row]:
        """Returns the generations and events so far."""
        path = self.run / "metrics.jsonl"
        return read_metrics(path) if path.exists() else []

    def events(self) -> list[str]:
        """Returns the names of all events so far."""
        return [row["event"] for row in self.rows() if "event" in row]

    def wait_for_generation(self, number: int) -> None:
        """Waits until the driver has completed that many generations."""
        self._wait(lambda: self._generation() >= number, f"generation {number}")

    def _start_driver(self) -> None:
        command = [sys.executable, "-m", "benchmarks.cluster.haunted", self.task, self._cluster.address]
        self._driver = subprocess.Popen(
            [*command, str(self.run), str(self._orders)],
            env=os.environ | {"JAX_PLATFORMS": "cpu", ENABLE_RAY_CLUSTERS_ENV_VAR: "0"},  # it is on loopback alone
            cwd=ROOT,
            stdout=self._log,
            stderr=self._log,
        )

    def _order(self, kind: str) -> int:
        """Gives an order, and returns the process that took it."""
        for old in self._orders.glob(f"{kind}*"):
            old.unlink()
        (self._orders / kind).touch()
        self._wait(lambda: taken(self._orders, kind) is not None, f"somebody to take the order {kind}")
        process = taken(self._orders, kind)
        assert process is not None
        return process

    def _kill_starting(self) -> None:
        for old in self._orders.glob("kill-start*"):
            old.unlink()
        (self._orders / "kill-start").touch()  # it waits for the successor of the next one that dies
        self._order("kill-evaluate")
        self._wait(lambda: taken(self._orders, "kill-start") is not None, "a worker that starts")

    def _freeze(self) -> None:
        before = self.events().count("deadline passed")
        process = self._order("freeze-evaluate")
        self._wait(lambda: self.events().count("deadline passed") > before, "the deadline")
        os.kill(process, signal.SIGCONT)

    def _corrupt(self) -> None:
        before = self.events().count("worker quarantined")
        self._order("corrupt-evaluate")
        self._wait(lambda: self.events().count("worker quarantined") > before, "the quarantine")

    def _replace_node(self) -> None:
        self._cluster.remove_node(self._nodes.pop(0), allow_graceful=False)
        self._nodes.append(self._add_node())

    def _add_and_remove_node(self) -> None:
        joined = self.events().count("worker joined")
        node = self._add_node()
        self._wait(lambda: self.events().count("worker joined") > joined, "a worker on the new node")
        self._cluster.remove_node(node, allow_graceful=False)

    def _add_node(self) -> Any:
        with _on_loopback():
            return self._cluster.add_node(num_cpus=1)

    def _kill_driver(self, writing: bool = False) -> None:
        if writing:
            self._order("kill-write")
        else:
            self._driver.kill()
        self._driver.wait(timeout=_PATIENCE_SECONDS)
        self._start_driver()

    def _last(self) -> Row:
        return next((row for row in reversed(self.rows()) if "event" not in row), {})

    def _generation(self) -> int:
        return self._last().get("generation", -1)

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        limit = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            if self._driver.poll() not in (None, -signal.SIGKILL):
                raise RuntimeError(f"the driver ended while it was to reach {what}: {self._tail()}")
            if time.monotonic() > limit:
                raise TimeoutError(f"{what} was not reached in {_PATIENCE_SECONDS:.0f} s: {self._tail()}")
            time.sleep(0.02)

    def _tail(self) -> str:
        self._log.flush()
        return Path(self._log.name).read_text()[-3000:]


def undisturbed_digests(task: str, generations: int) -> list[str]:
    """Returns the digest at the start of each generation, and the last, of a run in this process."""
    digests: list[str] = []
    with make_trainer(make_evaluator(task, seconds=0.0), 0, None) as trainer:
        result = trainer.fit(generations, lambda row: digests.append(row["digest"]))
    return [*digests, result.digest]


def judge(chaos: Chaos, result: Row) -> bool:
    """Compares every generation after each fault, and the end, with an undisturbed run."""
    expected = undisturbed_digests(chaos.task, result["generations"])
    found = {row["generation"]: row["digest"] for row in chaos.rows() if "event" not in row}
    for fault in chaos.faults:
        after = [number for number in found if number > fault.generation][:3]
        fault.digest_equal = all(found[number] == expected[number] for number in after)
    return result["digest"] == expected[-1] and all(found[number] == expected[number] for number in found)


def summary(faults: Sequence[Fault]) -> str:
    """A Markdown table with one row per kind of fault."""
    rows = []
    kinds = collections.defaultdict(list)
    for fault in faults:
        kinds[fault.kind].append(fault)
    for kind in FAULTS:
        if own := kinds.get(kind):
            seconds = [fault.seconds for fault in own]
            took = f"{statistics.median(seconds):.1f}; {max(seconds):.1f}"
            equal = sum(bool(fault.digest_equal) for fault in own)
            rows.append((kind, len(own), sum(s == s for s in seconds), took, equal))
    equal = sum(bool(fault.digest_equal) for fault in faults)
    rows.append(("all", len(faults), sum(fault.seconds == fault.seconds for fault in faults), "", equal))
    heads = ("fault", "injected", "recovered", "seconds to recover (median; max)", "digest equal")
    return "\n".join(table(heads, rows))


def page(record: dict[str, Any]) -> str:
    """The page of a whole benchmark, docs/chaos.md."""
    faults = [Fault(**fault) for fault in record["faults"]]
    return f"# Faults, injected and recovered\n\n{source_of_record(record)}\n\n{summary(faults)}\n"


def plan(faults: int, seed: int) -> list[str]:
    """Draws the kinds of faults; at least 30 of 200 are deaths of the driver."""
    draw = random.Random(seed)
    kinds = draw.choices(list(FAULTS), weights=list(FAULTS.values()), k=faults)
    drivers = [kind for kind in FAULTS if kind.startswith("driver")]
    while sum(kind in drivers for kind in kinds) < 0.15 * faults:
        kinds[draw.randrange(faults)] = draw.choice(drivers)
    return kinds


def main(faults: int = 200, seed: int = 0) -> int:
    """Injects random faults into a CartPole run and a run of a custom fitness, half each.

    Args:
      faults: how many in all.
      seed: of the kinds of faults and of the time between them.
    """
    draw, all_faults, right = random.Random(seed + 1), [], []
    kinds = plan(faults, seed)
    with tempfile.TemporaryDirectory(prefix="eggroll-chaos-") as folder:
        for task, own in (("custom", kinds[: faults // 2]), ("cartpole", kinds[faults // 2 :])):
            with Chaos(task, Path(folder) / task) as chaos:
                for number, kind in enumerate(own):
                    time.sleep(draw.uniform(0.0, 1.0))
                    fault = chaos.inject(kind)
                    print(f"{task} {number + 1}/{len(own)} {kind}: {fault.seconds:.1f} s", flush=True)
                result = chaos.stop()
            right.append(judge(chaos, result))
            print(f"{task}: {result['generations']} generations, digest equal: {right[-1]}", flush=True)
            all_faults += chaos.faults
    record = head(f"python -m benchmarks.cluster.chaos --faults {faults} --seed {seed}", "jax", "ray")
    record["machine"] += f"; {NODES} Ray nodes of 1 CPU on it"
    record |= {"runs_equal": right, "faults": [dataclasses.asdict(fault) for fault in all_faults]}
    write_record(DOCS / "chaos.json", record)
    write_page(DOCS / "chaos.md", page(record))
    print(summary(all_faults))
    return int(not all(right) or len(all_faults) < faults)


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
