"""The rows of the RL comparison: one file that runs are merged into, and the page that is rendered from it.

The file holds `rows`, one per (env, algo, seed, budget), and `reasons`: why an environment, or an algorithm in it, has
none.
"""

import json
import math
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.rl.rl_settings import ALGORITHMS, NOT_IN_TABLES, TASKS, find_task
from benchmarks.shared.page import source_of_rows, table
from eggroll_ray.runs.files import replace_file

Row = dict[str, Any]
_COLUMNS = (
    "environment",
    "budget",
    "seeds",
    "EGGROLL",
    "OpenAI-ES",
    "PPO",
    "PPO, most likely",
    "equal steps",
    "EGGROLL / OpenAI-ES / PPO there",
    "steps/s of these three",
    "over PPO",
    "paper: over PPO",
)
_KEY = ("env", "algo", "seed", "budget")
_INTRODUCTION = """\
# EGGROLL, OpenAI-ES and PPO in the environments of the paper

`python -m benchmarks.rl.rl` runs them and merges the rows into `docs/rl.json`; with `--render` it writes this page from
there. Settings are the paper's (Tables 17-34, in `benchmarks/rl/rl_settings.py`), unless listed below; PPO is rejax's,
given our environments. A return is that of the mean policy over 128 fresh episodes, or the number after the slash in
the column of seeds, played by the same rollouts for all three: mean over the seeds, +- standard error. Actions are as
in training (ES: sampled or most likely, by the table; PPO: sampled), but in the column of PPO's most likely action.
Steps are those of the whole population, no test counts, and steps/s are of training alone, without compiling and tests.

A run ends at its budget of steps, or where (t) stands at a limit of time, with the steps in brackets. The columns of
equal steps compare the three after as many steps as the one that got least far: the last test of each until then, or 0
steps where its first update is longer. The paper's numbers are those after 5e8 steps: ours after fewer do not repeat
them.
"""
_NAMES = {"eggroll": "EGGROLL", "openai_es": "OpenAI-ES", "ppo": "PPO"}


def load(path: Path) -> dict[str, Any]:
    """Reads the file; without one there are no rows yet.

    Raises:
      ValueError: when it is no such file.
    """
    if not path.exists():
        return {"reasons": {}, "rows": []}
    found = json.loads(path.read_text())
    if not isinstance(found, dict) or set(found) != {"reasons", "rows"}:
        raise ValueError(
            f"{path} has no rows and reasons; it is not a file of benchmarks.rl.rl: choose another --docs."
        )
    return found


def merge(record: Mapping[str, Any], rows: Iterable[Row]) -> dict[str, Any]:
    """Adds rows; one of the same env, algo, seed and budget takes the place of the old one, and ends its reason."""
    merged = {_key(row): row for row in record["rows"]}
    reasons = dict(record["reasons"])
    for row in rows:
        merged[_key(row)] = row
        reasons.pop(row["env"], None)
        reasons.pop(f"{row['env']} {row['algo']}", None)
    return {"reasons": reasons, "rows": sorted(merged.values(), key=_order)}


def save(path: Path, rows: Iterable[Row] = (), reasons: Mapping[str, str] | None = None) -> None:
    """Merges into the file as it is now: another process may have added rows meanwhile.

    Args:
      path: the file.
      rows: to be added.
      reasons: env, or env and algorithm with a space between -> why there is no row.
    """
    record = merge(load(path), rows)
    record["reasons"] |= reasons or {}
    lines = ",\n".join(json.dumps(row) for row in record["rows"])
    text = f'{{\n"reasons": {json.dumps(record["reasons"], indent=1)},\n"rows": [\n{lines}\n]\n}}\n'
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, text.encode())


def is_done(record: Mapping[str, Any], row: Row) -> bool:
    """Whether a row of the same key and settings is there, which no shorter time limit ended.

    Args:
      record: the file.
      row: what identifies the run, with its settings, `block_size`, `test_episodes` and its limit of `minutes`.
    """
    old = {_key(row): row for row in record["rows"]}.get(_key(row))
    if old is None or any(old[name] != row[name] for name in ("settings", "block_size", "test_episodes")):
        return False
    if old["ended_by"] == "budget":
        return True
    return row["minutes"] is not None and row["minutes"] <= old["minutes"]


def groups(record: Mapping[str, Any]) -> dict[tuple[str, int], list[Row]]:
    """The rows of each environment and budget, in the paper's order of environments, others last."""
    found: dict[tuple[str, int], list[Row]] = {}
    for row in sorted(record["rows"], key=_order):
        found.setdefault((row["env"], row["budget"]), []).append(row)
    return found


def over_ppo(rows: list[Row]) -> dict[str, list[float]]:
    """Returns of a group over PPO's, per algorithm and seed; {} where there is no PPO.

    As in the paper a return is divided by PPO's mean final one. Where that is not positive, which the paper says
    nothing about, returns are first counted from that of untrained policies.
    """
    scale = ppo_scale(rows)
    if scale is None:
        return {}
    return {
        algo: [(row["final_return"] - scale[0]) / (scale[1] - scale[0]) for row in rows if row["algo"] == algo]
        for algo in ALGORITHMS
    }


def ppo_scale(rows: list[Row]) -> tuple[float, float] | None:
    """The returns of a group that become 0 and 1; None where there is no PPO, or it has not learned anything."""
    finals = [row["final_return"] for row in rows if row["algo"] == "ppo"]
    if not finals:
        return None
    final = statistics.fmean(finals)
    if final > 0:
        return 0.0, final
    untrained = statistics.fmean(row["curve"][0][1] for row in rows)
    return (untrained, final) if final > untrained else None


def at_equal_steps(rows: list[Row]) -> tuple[int, dict[str, float]]:
    """Compares the runs of a group where all of them have come.

    Returns:
      The steps of the run that got least far; per algorithm the mean return in the last test of each run until then.
    """
    common = min(row["curve"][-1][0] for row in rows)
    last = {
        algo: [[value for step, value in row["curve"] if step <= common][-1] for row in rows if row["algo"] == algo]
        for algo in ALGORITHMS
    }
    return common, {algo: statistics.fmean(values) for algo, values in last.items() if values}


def page(record: Mapping[str, Any]) -> str:
    """The file as Markdown."""
    lines = [
        _INTRODUCTION,
        *table(_COLUMNS, _cells(record)),
        "",
        "Over PPO: EGGROLL / OpenAI-ES, the last return divided by PPO's, unless a limit of time ended PPO; where it",
        "is not positive, both count from the return of untrained policies.",
        *_notes(record),
        "",
        source_of_rows(record["rows"]),
        "",
        "![Curves](rl.png)",
        "",
        "What the tables leave open, and what was chosen:",
        "",
        *(f"- {what}: {choice}." for what, choice in NOT_IN_TABLES.items()),
        "",
    ]
    return "\n".join(lines)


def _cells(record: Mapping[str, Any]) -> list[list[str]]:
    found = groups(record)
    cells = [_cells_of_group(env, budget, rows) for (env, budget), rows in found.items()]
    for task in TASKS:
        if task.env not in {env for env, _ in found}:
            reason = record["reasons"].get(task.env, "not run yet")
            cells.append([task.env, reason, *[""] * (len(_COLUMNS) - 3), _ratios(task.paper_final)])
    return cells


def _cells_of_group(env: str, budget: int, rows: list[Row]) -> list[str]:
    by_algo = {algo: [row for row in rows if row["algo"] == algo] for algo in ALGORITHMS}
    seeds = sorted({len(own) for own in by_algo.values() if own})
    complete = all(row["ended_by"] == "budget" for row in by_algo["ppo"])
    ratios, task = over_ppo(rows) if complete else {}, find_task(env)
    common, equal = at_equal_steps(rows)
    tested = min(row["test_episodes"] for row in rows)
    return [
        env,
        f"{budget:.3g}",
        "-".join(map(str, dict.fromkeys((seeds[0], seeds[-1])))) + (f" / {tested}" if tested != 128 else ""),
        *(returns(own, "final_return") for own in by_algo.values()),
        returns(by_algo["ppo"], "final_return_most_likely"),
        f"{common:.3g}",
        " / ".join(f"{equal[algo]:.4g}" if algo in equal else "-" for algo in ALGORITHMS),
        " / ".join(speed(own) for own in by_algo.values()),
        _ratios([statistics.fmean(ratios[algo]) if ratios.get(algo) else None for algo in ("eggroll", "openai_es")]),
        _ratios(task.paper_final) if task and task.env == env else "",
    ]


def _notes(record: Mapping[str, Any]) -> list[str]:
    """What is missing, and which settings are not the paper's."""
    missing = [
        f"- {_NAMES.get(name.rpartition(' ')[2], '')} {name.rpartition(' ')[0]}: {reason}".replace("-  ", "- ")
        for name, reason in sorted(record["reasons"].items())
        if name.rpartition(" ")[2] in _NAMES
    ]
    other = sorted(
        {
            f"- {row['env']}, {_NAMES[row['algo']]}: {row['source']}"
            for row in record["rows"]
            if not (task := find_task(row["env"])) or row["source"] != task.source(row["algo"])
        }
    )
    lines = ["", "Missing:", "", *missing] if missing else []
    return [*lines, "", "Settings that are not the paper's:", "", *other] if other else lines


def returns(rows: list[Row], name: str) -> str:
    """Mean and standard error over rows of one kind of return; (t, steps) where a time limit ended one."""
    if not rows:
        return "-"
    values = [row[name] for row in rows]
    text = f"{statistics.fmean(values):.4g}"
    if len(values) > 1:
        text += f" +- {statistics.stdev(values) / math.sqrt(len(values)):.2g}"
    if all(row["ended_by"] == "budget" for row in rows):
        return text
    return f"{text} (t, {min(row['steps'] for row in rows):.2g})"


def speed(rows: list[Row]) -> str:
    """Mean steps/s of rows."""
    return f"{statistics.fmean(row['steps_per_second'] for row in rows):,.0f}" if rows else "-"


def _ratios(values: Iterable[float | None]) -> str:
    return " / ".join("-" if value is None else f"{value:.3f}" for value in values)


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _KEY)


def _order(row: Row) -> tuple[Any, ...]:
    places = {task.env: place for place, task in enumerate(TASKS)}
    place = places.get(row["env"], len(places))
    return place, row["env"], row["budget"], ALGORITHMS.index(row["algo"]), row["seed"]
