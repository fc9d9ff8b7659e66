"""Does the rank of the perturbation matter? EGGROLL at several ranks, all else the same, in one environment."""

import dataclasses
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.rl import rl_rows
from benchmarks.rl.rl_settings import ESSettings, Settings
from benchmarks.shared.page import source_of_rows, table, write_page
from eggroll_ray.runs.files import replace_file

RANKS = (1, 2, 4, 8, 16)
_INTRODUCTION = """\
# Does the rank matter?

`python -m benchmarks.rl.rl --env ENV --rank-sensitivity --seeds 5 --budget STEPS`: EGGROLL with the same settings but
for the rank; the return is that of the mean policy over fresh episodes at the end, +- standard error over the seeds.
(t) and steps stand where a limit of time ended a run. Data: `docs/rank.json`.
"""


def measure(
    env: str, settings: Settings, docs: Path, seeds: int, train: Callable[[Settings, int], dict[str, Any]]
) -> None:
    """Runs every rank with every seed, and writes `rank.json` and `rank.md` after each run.

    Rows of other environments, and of this one with other limits or settings, are kept; the same ones are replaced.

    Args:
      env: id of the environment.
      settings: of EGGROLL; the rank is replaced.
      docs: the folder of both files.
      seeds: runs of each rank.
      train: (settings, seed) -> row.

    Raises:
      ValueError: for settings of another algorithm.
    """
    if not isinstance(settings, ESSettings) or settings.rank is None:
        raise ValueError(f"rank sensitivity needs settings of EGGROLL, not {settings}.")
    for seed in range(seeds):
        for rank in RANKS:
            row = train(dataclasses.replace(settings, rank=rank), seed)
            save(docs, row)
            print(f"{env} rank {rank} seed {seed}: return {row['final_return']:.4g}", flush=True)


def save(docs: Path, row: dict[str, Any]) -> None:
    """Puts one row into the file, in place of one that repeats it, and writes the page anew."""
    path = docs / "rank.json"
    rows = json.loads(path.read_text()) if path.exists() else []
    rows = sorted([old for old in rows if _key(old) != _key(row)] + [row], key=_key)
    docs.mkdir(parents=True, exist_ok=True)
    replace_file(path, ("[\n" + ",\n".join(json.dumps(one) for one in rows) + "\n]\n").encode())
    write_page(docs / "rank.md", page(rows))


def page(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown: one line per environment, budget and rank."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((_setting(row), row["settings"]["rank"]), []).append(row)
    heads = ("environment", "settings", "budget", "rank", "seeds", "return", "standard deviation", "lowest", "highest")
    body = []
    for (_, rank), own in groups.items():
        values = [row["final_return"] for row in own]
        deviation = f"{statistics.stdev(values):.3g}" if len(values) > 1 else "-"
        cells = [own[0]["env"], own[0]["source"], f"{own[0]['budget']:.3g}", rank, len(own)]
        cells += [rl_rows.returns(own, "final_return"), deviation, f"{min(values):.4g}", f"{max(values):.4g}"]
        body.append([*cells, rl_rows.speed(own)])
    return "\n".join([_INTRODUCTION, *table((*heads, "steps/s"), body), "", source_of_rows(rows), ""])


def _setting(row: dict[str, Any]) -> tuple[Any, ...]:
    """All that a row is about but its rank and seed."""
    others = {name: value for name, value in row["settings"].items() if name != "rank"}
    return row["env"], row["budget"], row["minutes"] or 0, json.dumps(others, sort_keys=True)


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return *_setting(row), row["settings"]["rank"], row["seed"]
