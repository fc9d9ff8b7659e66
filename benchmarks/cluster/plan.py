"""Compares the forecasts of `er.predict` with measured runs: `python -m benchmarks.cluster.plan`.

    python -m benchmarks.cluster.plan            # writes docs/plan.json and docs/plan.md
    python -m benchmarks.cluster.plan --resume   # continues a benchmark that was interrupted, with the next row
    python -m benchmarks.cluster.plan --short    # two small rows and the scaling, printed

A forecast is made from small populations, at most a quarter of the size of those that it is compared with. The same
process then trains with the larger populations. The learning rate is nearly zero, so that the length of episodes does
not change.

For strong scaling, the rates of one Ray worker at two small populations give the forecast for one and two workers at a
larger population. The curve for GPUs is a projection from a data sheet, without any measurement.
"""

import gc
import json
import logging
import statistics
import sys
from pathlib import Path
from typing import Any, NamedTuple

import jax
import optax
import tyro

import eggroll_ray as er
import envs
from benchmarks.shared.measured import check_same, head
from benchmarks.shared.page import DOCS, source_of_record, table, write_page, write_record
from benchmarks.speed.speed import tanh_env
from eggroll_ray.compiling.threads import cores
from eggroll_ray.forecast.calibrate import Calibration, calibrate
from eggroll_ray.forecast.cost import Cluster, Job, Prediction, Rates, predict_generation
from eggroll_ray.forecast.hardware import KERNEL_SECONDS, REACHED
from eggroll_ray.workers.plan import make_plan
from eggroll_ray.workers.prepare import prepare

WITHIN = 0.25  # what a forecast may be off by


class Case(NamedTuple):
    """A policy in an environment, and the populations that are predicted from `small` members."""

    env: str
    hidden: tuple[int, ...]
    rank: int
    small: int
    populations: tuple[int, ...]
    block_size: int | None = None


class Scaling(NamedTuple):
    """Strong scaling of a policy: two small populations, and the one that is predicted."""

    small: tuple[int, int]
    population: int
    block_size: int
    steps: int
    hidden: tuple[int, ...] = (256, 256, 256)


CASES = [
    Case(env, hidden, rank, small, populations)
    for rank in (1, 4)
    for env, hidden, small, populations in (
        ("gymnax/CartPole-v1", (64, 64), 4096, (16384, 65536)),
        ("gymnax/Pendulum-v1", (64, 64), 2048, (8192, 16384)),
        ("tanh-100", (256, 256, 256), 2048, (8192, 16384)),
        ("tanh-100", (1024, 1024, 1024), 256, (1024,)),
    )
]
SHORT = [Case("gymnax/CartPole-v1", (16,), 1, 512, (2048,)), Case("tanh-5", (32, 32), 4, 512, (2048,))]
SCALING, SHORT_SCALING = Scaling((1024, 4096), 16384, 64, 100), Scaling((256, 512), 2048, 64, 5, (32, 32))


def make_env(name: str) -> er.Env:
    """The environment of a case; tanh-N is the one of `benchmarks.speed.speed` with N steps."""
    suite, dash, steps = name.partition("-")
    return tanh_env(int(steps)) if suite == "tanh" and dash else envs.make(name)


def still(rank: int) -> er.ES:
    """EGGROLL whose parameters stay where they are."""
    return er.eggroll(rank=rank, optimizer=optax.adam(1e-12))


def train(trainer: er.Trainer, generations: int) -> dict[str, float]:
    """Medians of a run's rows; the first two, which compile, are left out."""
    rows: list[er.Row] = []
    with trainer:
        trainer.fit(generations + 2, rows.append)
    names = ("generation", "evaluate", "update", "driver")
    found = {name: statistics.median(row[f"time_{name}"] for row in rows[2:]) for name in names}
    for name in ("member_steps_per_second", "bytes_down", "bytes_up"):
        if name in rows[-1]:
            found[name] = statistics.median(row[name] for row in rows[2:])
    return found


def compare(found: Prediction, measured: dict[str, float]) -> dict[str, Any]:
    """A forecast beside what was measured, and what limits by either."""
    evaluation = found.evaluation + found.idle
    predicted = {
        "generation": found.generation,
        "evaluate": evaluation,
        "update": found.update,
        "driver": found.driver,
        "member_steps_per_second": found.member_steps_per_second,
        "bytes_down": found.bytes_down,
        "bytes_up": found.bytes_up,
    }
    return {
        "predicted": {name: predicted[name] for name in measured},
        "measured": measured,
        "ratio": {name: predicted[name] / measured[name] for name in measured if measured[name]},
        "limit": found.limit,
    }


def in_process(case: Case, generations: int) -> list[dict[str, Any]]:
    """Predicts from small populations, and measures the larger ones, in this process.

    Raises:
      ValueError: when blocks are so large that the small population is more than a quarter of a larger one.
    """
    evaluator, strategy = er.from_env(make_env(case.env), er.mlp(case.hidden)), still(case.rank)
    plans = [
        prepare(evaluator, strategy, size, block_size=case.block_size, test_episodes=1).plan
        for size in case.populations
    ]
    found = calibrate(evaluator, strategy, plans[0], cores(), members=case.small)
    if found.members > min(case.populations) / 4:
        raise ValueError(
            f"{case.env}: {found.members} members were measured, more than a quarter of {min(case.populations)}, which "
            "are predicted from them; lower block_size, or raise the populations of the case."
        )
    rows = []
    for plan in plans:
        prediction = predict_generation(Job(plan, found.steps, 0, 0), found.rates, Cluster(), 1)
        trainer = er.Trainer(
            evaluator,
            strategy,
            population_size=plan.population_size,
            block_size=plan.block_size,
            workers=0,
            watch=er.Watch(every=0),
        )
        row = {**case._asdict(), "population": plan.population_size, "members_per_block": plan.block_size}
        rows.append({**row, "members_measured": found.members, **compare(prediction, train(trainer, generations))})
    return rows


def on_ray(scaling: Scaling, generations: int) -> list[dict[str, Any]]:
    """Predicts one and two workers from the rates of one, and measures them."""
    env, policy, strategy = tanh_env(scaling.steps), er.mlp(scaling.hidden), still(1)

    def measure(workers: int, population: int) -> dict[str, float]:
        trainer = er.Trainer(
            er.from_env(env, policy),
            strategy,
            population_size=population,
            block_size=scaling.block_size,
            workers=er.Workers(workers, start_seconds=400),
            watch=er.Watch(every=0),
        )
        return train(trainer, generations)

    first, second = (measure(1, population) for population in scaling.small)
    calibration = from_rows(scaling, first, second)
    job = Job(make_plan(scaling.population, scaling.block_size, 0, 1), calibration.steps, 0, 0)
    rows = []
    for workers in (1, 2):
        prediction = predict_generation(job, calibration.rates, Cluster(), workers)
        measured = measure(workers, scaling.population)
        row = {"workers": workers, "population": scaling.population, "hidden": scaling.hidden}
        rows.append({**row, **compare(prediction, measured)})
    return rows


def from_rows(scaling: Scaling, first: dict[str, float], second: dict[str, float]) -> Calibration:
    """The rates of a worker, from its times for two populations."""
    small, large = scaling.small

    def line(name: str) -> tuple[float, float]:
        slope = max(0.0, (second[name] - first[name]) / (large - small))
        return max(0.0, second[name] - slope * large), slope

    (generation, member), (update, update_member) = line("evaluate"), line("update")
    rates = Rates(member * scaling.block_size, generation, update, update_member)
    return Calibration(rates, scaling.steps, large)


def project(population: int, block_size: int, device: str = "H100") -> list[dict[str, Any]]:
    """The curve of the 3 x 256 policy for GPUs, from a data sheet, with either form of the update."""
    evaluator, strategy = er.from_env(tanh_env(100), er.mlp((256, 256, 256))), er.eggroll(rank=1)
    found = er.predict(evaluator, strategy, population_size=population, block_size=block_size, device=device)
    rows = []
    for split in (False, True):
        for devices in (1, 8, 64, 512):
            one = predict_generation(found.job, found.rates, Cluster(split_update=split), devices)
            row = {"device": device, "population": population, "block_size": block_size, "split_update": split}
            row |= {"devices": devices, **one.terms(), "generation": one.generation, "limit": one.limit}
            rows.append({**row, "member_steps_per_second": one.member_steps_per_second})
    return rows


def close(rows: list[dict[str, Any]], name: str) -> tuple[int, int]:
    """How many of the rows that have a quantity are predicted within `WITHIN`, and how many have it."""
    ratios = [row["ratio"][name] for row in rows if name in row["ratio"]]
    return sum(1 - WITHIN <= ratio <= 1 + WITHIN for ratio in ratios), len(ratios)


def page(record: dict[str, Any]) -> str:
    """The page of a whole benchmark, docs/plan.md."""
    lines = [
        "# Forecasts against measurements",
        "",
        source_of_record(record),
        "",
        "What `er.predict` and `eggroll-ray plan` say, from rates that were measured with at most so many members",
        f"(`from`), against runs of larger populations: predicted / measured. Within {WITHIN:.0%} are",
        *_count(record["rows"], ("generation", "evaluate", "update", "driver"), "in this process"),
        "",
        *_forecast_table(record["rows"]),
    ]
    lines += ["", "Memory is what XLA plans for the compiled programs; it is compared with XLA's figures in the tests,"]
    lines += ["not with the memory of a process.", "", "## Strong scaling", ""]
    policy = _policy(record["scaling"][0])
    lines.append(f"{policy}, from one Ray worker at two small populations; workers have one core each.")
    lines.append(f"Within {WITHIN:.0%} are")
    names = ("generation", "evaluate", "update", "driver", "bytes_down", "bytes_up")
    lines += [*_count(record["scaling"], names, "on Ray"), ""]
    rows = [(row["workers"], f"{row['population']:,}", *_cells(row, names)) for row in record["scaling"]]
    lines += table(("workers", "members", *_with_ratios(names)), rows)
    lines += _speed_up(record["scaling"])
    return "\n".join([*lines, *_projection(record["projection"])]) + "\n"


def _forecast_table(measured: list[dict[str, Any]]) -> list[str]:
    quantities = _with_ratios(("generation, s", "evaluation, s", "update, s", "driver, s"))
    rows = []
    for row in measured:
        cells = [row["env"], _policy(row), row["rank"], f"{row['members_measured']:,}", f"{row['population']:,}"]
        rows.append([*cells, row["members_per_block"], *_cells(row, ("generation", "evaluate", "update", "driver"))])
    return table(("environment", "policy", "rank", "from", "members", "block", *quantities), rows)


def _with_ratios(quantities: tuple[str, ...]) -> list[str]:
    """The titles of the columns that `_cells` fills."""
    return [title for quantity in quantities for title in (quantity, "ratio")]


def _policy(row: dict[str, Any]) -> str:
    return f"{len(row['hidden'])} x {row['hidden'][0]}"


def _count(rows: list[dict[str, Any]], names: tuple[str, ...], where: str) -> list[str]:
    counts = [(name, *close(rows, name)) for name in names]
    return [f"{', '.join(f'{name} {good} of {many}' for name, good, many in counts if many)} ({where})."]


def _cells(row: dict[str, Any], names: tuple[str, ...]) -> list[str]:
    """Of each quantity what was measured, and the forecast over it."""
    cells = []
    for name in names:
        known = name in row["ratio"]
        cells += [f"{row['measured'][name]:.4g}", f"{row['ratio'][name]:.2f}"] if known else ["", ""]
    return cells


def _speed_up(rows: list[dict[str, Any]]) -> list[str]:
    one, two = rows
    measured, predicted = (
        two[kind]["member_steps_per_second"] / one[kind]["member_steps_per_second"]
        for kind in ("measured", "predicted")
    )
    return ["", f"Two workers are {measured:.2f} times as fast as one; predicted {predicted:.2f}."]


def _projection(rows: list[dict[str, Any]]) -> list[str]:
    first = rows[0]
    lines = [
        "",
        f"## Projection to {first['device']}s",
        "",
        f"3 x 256, rank 1, {first['population']:,} members in blocks of {first['block_size']}, 100 steps,",
        f"on {first['device']}s, of whose data sheet programs are assumed to reach {REACHED:.0%}, a kernel every",
        f"{1e6 * KERNEL_SECONDS:.0f} us, 8 to a machine, 10 Gbit/s, the driver as in `docs/driver.md`. Not measured.",
        "",
    ]
    names = ("evaluation", "idle devices", "update", "driver", "network", "generation")
    heads = ("evaluation, s", "idle, s", "update, s", "driver, s", "network, s", "generation, s")
    body = []
    for row in rows:
        cells = ["split" if row["split_update"] else "whole", str(row["devices"])]
        cells += [f"{row[name]:.3g}" for name in names]
        body.append([*cells, f"{row['member_steps_per_second']:,.0f}", row["limit"]])
    return [*lines, *table(("update", "GPUs", *heads, "member-steps/s", "limit"), body)]


def main(short: bool = False, resume: bool = False, docs: Path = DOCS, generations: int = 5) -> None:
    """Measures, and writes plan.json and plan.md, or with `short` prints a page of small rows.

    Args:
      short: a few minutes, nothing is written.
      resume: keep the rows that plan.json has already, where they belong to the cases of today.
      docs: where the results go.
      generations: that are measured of each run.

    Raises:
      ValueError: when what is missing would be of another machine, version or commit than what is there.
    """
    path, cases = docs / "plan.json", SHORT if short else CASES
    record = head("python -m benchmarks.cluster.plan" + " --short" * short, "jax", "jaxlib", "ray") | {"rows": []}
    if resume and not short and path.exists():
        record = _kept(path, record)

    def keep() -> None:
        if not short:
            write_record(path, record)

    for case in cases:
        if not any(case_of(row) == case for row in record["rows"]):
            record["rows"] += in_process(case, generations)
            print(case, [row["ratio"]["generation"] for row in record["rows"][-len(case.populations) :]], flush=True)
            keep()
            gc.collect()
            jax.clear_caches()
    if "scaling" not in record:
        record["scaling"] = on_ray(SHORT_SCALING if short else SCALING, generations)
        keep()
    if "projection" not in record:
        record["projection"] = project(*((4096, 512) if short else (262144, 512)))
        keep()
    if short:
        print(page(record))
    else:
        write_page(docs / "plan.md", page(record))


def _kept(path: Path, new: dict[str, Any]) -> dict[str, Any]:
    """The record of a run that was ended, without the rows of cases that are no longer there."""
    record = json.loads(path.read_text())
    record["rows"] = [row for row in record["rows"] if case_of(row) in CASES]
    if {*map(case_of, record["rows"])} != {*CASES} or not {"scaling", "projection"} <= {*record}:
        check_same(path, record, new, "Delete it, or leave out --resume.")
    return record


def case_of(row: dict[str, Any]) -> Case:
    """The case that a row is of."""
    return Case(
        row["env"], tuple(row["hidden"]), row["rank"], row["small"], tuple(row["populations"]), row["block_size"]
    )


if __name__ == "__main__":
    logging.getLogger("eggroll_ray").setLevel(logging.ERROR)  # of this program alone, not of a test that calls main
    sys.exit(tyro.cli(main))
