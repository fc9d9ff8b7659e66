"""The page and the picture of `benchmarks.speed.speed`, from its JSON: `python -m benchmarks.speed.speed_pages`."""

import json
import sys
from pathlib import Path
from typing import Any

import tyro

from benchmarks.shared.page import DOCS, quartiles, source_of_record, spread, table, write_page

# What is asked for: whole generation over inference by (rank, law), and the update's time over its reference.
_WANTED = {(1, "normal"): 0.80, (1, "rademacher"): 0.90, (4, "normal"): 0.65, (4, "rademacher"): 0.65}
_WANTED_UPDATE = {"normal": 0.6, "rademacher": 0.4}
_SECONDS = "{:.3g}".format


def page(record: dict[str, Any]) -> str:
    """Markdown of all that was measured."""
    lines = [
        "# How close a generation comes to pure inference",
        "",
        source_of_record(record),
        "Medians of interleaved repeats in one process, after a warm-up; in brackets the quartiles.",
        "",
        *_rollout(record["rollout"]),
        "",
        "![Rollout](performance.png)",
        "",
        *_update(record["update"]),
        "",
        *_noise(record["noise"]),
    ]
    return "\n".join(lines) + "\n"


def _rollout(measured: list[dict[str, Any]]) -> list[str]:
    heads = ("policy", "members", "steps", "rank", "law", "block", "inference, s", "evaluate, s", "update, s", "ratio")
    rows = []
    for row in measured:
        seconds = row["seconds"]
        wanted = _WANTED.get((row["rank"], row["law"])) if _decides(row) else None
        cells = [
            f"{len(row['hidden'])} x {row['hidden'][0]}",
            f"{row['population']:,}",
            row["steps"],
            row["rank"],
            row["law"],
            f"{row['block_size']}{' (auto)' * row['auto']}",
            f"{quartiles(seconds[row['inference']], _SECONDS)} ({row['inference']})",
            quartiles(seconds["evaluate"], _SECONDS),
            quartiles(seconds["update"], _SECONDS),
            f"{row['ratio']:.2f}",
            f"{row['ratio_as_compiled']:.2f}",
            f"{row['ratio_without_update']:.2f}",
            "" if wanted is None else f"{wanted:.2f}",
        ]
        rows.append(cells)
    return [
        "## Rollout",
        "",
        "Noise, evaluation and update of a whole generation against the unperturbed policy in the same environments",
        "for as many steps, by the fastest of the ways to run it; `wide` is compiled for vectors of 512 bits, as a",
        "generation is. Ratio 1 is the limit. `as compiled` is the ratio to the fastest way that JAX compiles of",
        "itself, `evaluation` leaves out the update, not the noise. The paper's figures, for one linear layer on a",
        "GPU, are 0.91 with noise that is held and 0.69 with noise drawn anew. Blocks are the default ones, or those",
        'that `block_size="auto"` chooses.',
        "",
        *table((*heads, "as compiled", "evaluation", "wanted"), rows),
    ]


def _update(measured: list[dict[str, Any]]) -> list[str]:
    heads = ("matrix", "members", "rank", "product, s", "threefry, s", "normal, s", "ratio", "rademacher, s", "ratio")
    rows = []
    for row in measured:
        seconds = row["seconds"]
        cells = [f"{row['rows']:,} x {row['columns']:,}", f"{row['members']:,}", row["rank"]]
        cells += [quartiles(seconds[name], _SECONDS) for name in ("product", "threefry")]
        for law in ("normal", "rademacher"):
            cells += [quartiles(seconds[law], _SECONDS), f"{row['ratio'][law]:.2f}"]
        rows.append([*cells, f"{max(row['peak_mb'].values()):.0f}"])
    wanted = ", ".join(f"{ratio} ({law})" for law, ratio in _WANTED_UPDATE.items())
    return [
        "## Update",
        "",
        "The sum over pairs of weight times noise, as a ratio to the matrix product of all members' factors plus the",
        "threefry normals of all members by `jax.random`.",
        "",
        *table((*heads, "memory, MB"), rows),
        "",
        f"Wanted at 1,024 x 1,024 and 131,072 members: {wanted}, in less than 64 MB.",
    ]


def _noise(measured: dict[str, Any]) -> list[str]:
    rows = [
        (name, spread(found["million_per_second"], *found["quartiles"], form="{:.0f}".format))
        for name, found in measured.items()
    ]
    return [
        "## Noise",
        "",
        "Numbers of 1,024 pairs, 1,024 each, by the key of each pair; ours (the first two) compiled as workers compile",
        "them. Wanted: 120 million normals and 400 million signs a second. The numbers of `rbg` depend on the layout",
        "of the batch (JAX documents it), so it is not used.",
        "",
        *table(("numbers", "million per second"), rows),
    ]


def _decides(row: dict[str, Any]) -> bool:
    return tuple(row["hidden"]) == (256,) * 3 and row["population"] in (2048, 16384)


def draw(record: dict[str, Any], path: Path) -> None:
    """Bars of the ratio of each rollout, one colour a law."""
    import matplotlib.pyplot as plt
    from matplotlib.patches import Patch

    rows = record["rollout"]
    colours = {"normal": "tab:blue", "rademacher": "tab:orange"}
    figure, axes = plt.subplots(figsize=(9, 0.32 * len(rows) + 1.2), layout="constrained")
    names = [
        f"{len(row['hidden'])} x {row['hidden'][0]}, {row['population']:,} members, rank {row['rank']}"
        + ", auto" * row["auto"]
        for row in rows
    ]
    axes.barh(range(len(rows)), [row["ratio"] for row in rows], color=[colours[row["law"]] for row in rows])
    for place, row in enumerate(rows):
        axes.text(row["ratio"], place, f" {row['ratio']:.2f}", va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), names, fontsize=8)
    axes.invert_yaxis()
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set_xlim(0, 1.15)
    axes.set_xlabel("speed of a whole generation over that of pure inference (1 is the limit)")
    axes.legend(handles=[Patch(color=colour, label=law) for law, colour in colours.items()], loc="lower right")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(docs: Path = DOCS) -> None:
    """Renders performance.md and performance.png anew from performance.json."""
    record = json.loads((docs / "performance.json").read_text())
    write_page(docs / "performance.md", page(record))
    draw(record, docs / "performance.png")


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
