"""The page and the picture of `benchmarks.speed.linear`, from its JSON: `python -m benchmarks.speed.linear_pages`."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import tyro

from benchmarks.shared.page import DOCS, quartiles, source_of_record, table, write_page
from benchmarks.speed import roofline

# The bars of the paper's Fig 2a, in % of inference (None: no such bar), and what of ours is beside them.
BARS: dict[str, tuple[float | None, dict[str, Any]]] = {
    "inference": (100, {"way": "inference"}),
    "EGGROLL, noise held": (91, {"way": "EGGROLL", "noise": "held", "rank": 1, "law": "normal"}),
    "EGGROLL, noise drawn on the fly": (69, {"way": "EGGROLL", "noise": "on the fly", "rank": 1, "law": "normal"}),
    "the same, Rademacher": (None, {"way": "EGGROLL", "noise": "on the fly", "rank": 1, "law": "rademacher"}),
    "PPO": (34, {"way": "PPO-like"}),
    "OpenAI-ES, noise held": (0.41, {"way": "dense ES", "noise": "held"}),
    "OpenAI-ES, noise drawn on the fly": (0.054, {"way": "dense ES", "noise": "on the fly"}),
}


def fastest(layer: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """Returns the fastest of the ways with these facts."""
    ways = [way for way in layer["ways"] if facts.items() <= way.items()]
    return min(ways, key=lambda way: way["seconds"]["median"])


def percent(layer: dict[str, Any], way: dict[str, Any]) -> dict[str, float]:
    """Returns the speed of a way in % of inference: at its median, and from its slow to its fast quartile."""
    reference = fastest(layer, way="inference")["seconds"]["median"]
    slow, fast = way["seconds"]["high"], way["seconds"]["low"]
    return {
        "median": 100 * reference / way["seconds"]["median"],
        "low": 100 * reference / slow,
        "high": 100 * reference / fast,
    }


def page(record: dict[str, Any]) -> str:
    """Markdown of all that was measured."""
    names = [_name(layer) for layer in record["layers"]]
    dense = record["layers"][0]["dense_batch"]
    lines = [
        "# One linear layer",
        "",
        source_of_record(record),
        "Medians of interleaved repeats in one process, after a warm-up; in brackets the quartiles.",
        "",
        "The set-up of the paper's Fig 2a: a batch of members, each with one input, through a layer x -> x W^T.",
        "The paper has dimension 8,192, bfloat16 and a batch of up to 1,024 on one GPU. How it measured PPO is not",
        "published: ours is the forward pass, the gradient of PPO's loss to weights and inputs (a layer within a",
        "network passes it on), and a step of gradient descent; in blocks, gradients are added up before it. Dense ES",
        f"is timed with {dense} members and scaled to the batch. Each bar is the fastest of the ways below that it",
        "stands for, and so is inference.",
        "",
        "## Beside the paper's bars",
        "",
        "Speed in % of pure inference, rank 1.",
        "",
    ]
    rows = []
    for name, (paper, facts) in BARS.items():
        ours = [quartiles(percent(layer, fastest(layer, **facts)), _number) for layer in record["layers"]]
        rows.append([name, "" if paper is None else f"{paper:g}", *ours])
    lines += [
        *table(("", "paper", *names), rows),
        "",
        "Wanted on a GPU: 91 held and 80 on the fly; on a CPU whatever they are.",
        "",
    ]
    lines += [f"![Bars]({record['name']}.png)", "", "## Arithmetic intensity", "", *_intensity(record["layers"])]
    for name, layer in zip(names, record["layers"], strict=True):
        lines += ["", f"## All ways, {name}, batch {layer['batch']:,}", "", *_all_ways(layer)]
    return "\n".join(lines) + "\n"


def _intensity(layers: list[dict[str, Any]]) -> list[str]:
    lines = [
        "The formulas of the paper's App F, with the operations per second of a large matrix product and the bytes per",
        "second of a copy of a large array, measured in the same run. The bound is the time of the operations or that",
        "of the bytes, whichever is longer, with every byte moved once. Measured is normal noise, held. The last",
        "column is the batch from which on operations are the bound; smaller ones wait for memory.",
        "",
        "The bound is one of formulas, and can be beaten: they count the factors of each member, though twins share",
        "theirs, and what is held may stay in a CPU's cache between repeats. The copy allocates its result each time,",
        "which makes the bandwidth look lower than it is.",
    ]
    heads = ("way", "operations per byte", "bound, ms", "bound, %", "measured, ms", "measured, %", "batch needed")
    for layer in layers:
        balance = roofline.Balance(**layer["balance"])
        ratio, batch = balance.operations / balance.bytes, layer["batch"]
        lines += [
            "",
            f"{_name(layer)}, batch {batch:,}: {balance.operations / 1e9:,.0f} billion operations and "
            f"{balance.bytes / 1e9:,.1f} GB a second, {ratio:,.1f} operations per byte.",
            "",
        ]
        rows = []
        limit = roofline.inference(layer["dimension"], _bytes(layer)).seconds(batch, balance)
        for name, (work, facts) in _works(layer).items():
            bound, way, needed = work.seconds(batch, balance), fastest(layer, **facts), work.batch_for(ratio)
            shown = [work.intensity(batch), 1e3 * bound, 100 * limit / bound]
            shown += [1e3 * way["seconds"]["median"], percent(layer, way)["median"]]
            cells = [_number(value) for value in shown]
            rows.append([name, *cells, "none" if math.isinf(needed) else f"{math.ceil(needed):,}"])
        lines += table(heads, rows)
    return lines


def _works(layer: dict[str, Any]) -> dict[str, tuple[roofline.Work, dict[str, Any]]]:
    m, s = layer["dimension"], _bytes(layer)
    held = {"way": "EGGROLL", "noise": "held", "law": "normal"}
    return {
        "inference": (roofline.inference(m, s), {"way": "inference"}),
        "EGGROLL, rank 1": (roofline.eggroll(m, 1, s), {**held, "rank": 1}),
        "EGGROLL, rank 4": (roofline.eggroll(m, 4, s), {**held, "rank": 4}),
        "dense ES": (roofline.dense(m, s), {"way": "dense ES", "noise": "held"}),
    }


def _bytes(layer: dict[str, Any]) -> int:
    return 2 if layer["dtype"] == "bfloat16" else 4


def _all_ways(layer: dict[str, Any]) -> list[str]:
    """One row for what differs in nothing but the way the user wrote the layer."""
    by_facts: dict[tuple[str, ...], dict[str, dict[str, Any]]] = {}
    for way in layer["ways"]:
        facts = tuple(str(way.get(fact, "")) for fact in ("way", "noise", "rank", "law", "how"))
        by_facts.setdefault(facts, {})[way["form"]] = way
    forms = list(dict.fromkeys(way["form"] for way in layer["ways"]))
    heads, rows = ["way", "noise", "rank", "law", "how"], []
    for form in forms:
        heads += [f"`{form}`, ms", "%"]
    for facts, ways in by_facts.items():
        cells = list(facts)
        for form in forms:
            way = ways.get(form)
            times = way and {when: 1e3 * value for when, value in way["seconds"].items()}
            cells += [quartiles(times, _number), _number(percent(layer, way)["median"])] if way and times else ["", ""]
        rows.append(cells)
    return table(heads, rows)


def _name(layer: dict[str, Any]) -> str:
    return f"{layer['dimension']:,}, {layer['dtype']}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def draw(record: dict[str, Any], path: Path) -> None:
    """A group of bars for each way, the paper's first."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 0.9 * len(BARS)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    series = {"paper: 8,192, bfloat16, one GPU": [(place, paper) for place, (paper, _) in enumerate(BARS.values())]}
    for layer in record["layers"]:
        found = [percent(layer, fastest(layer, **facts))["median"] for _, facts in BARS.values()]
        series[_name(layer)] = list(enumerate(found))
    height = 0.8 / len(series)
    for i, (name, bars) in enumerate(series.items()):
        colour = "#999999" if i == 0 else ("#0b6e99", "#d9822b", "#5b8c3e")[(i - 1) % 3]
        known = [(place + i * height, value) for place, value in bars if value is not None]
        axes.barh([place for place, _ in known], [value for _, value in known], height, color=colour, label=name)
        for place, value in known:
            axes.text(value, place, f" {value:.2g}" if value < 10 else f" {value:.0f}", va="center", fontsize=8)
    axes.set_yticks([place + height * (len(series) - 1) / 2 for place in range(len(BARS))], list(BARS))
    axes.invert_yaxis()
    axes.set_xlabel("speed in % of pure inference")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=120)


def main(name: str = "linear", docs: Path = DOCS) -> None:
    """Renders the page and the picture anew from the data.

    Args:
      name: of the files, without an ending.
      docs: where they are.
    """
    record = json.loads((docs / f"{name}.json").read_text())
    write_page(docs / f"{name}.md", page(record))
    draw(record, docs / f"{name}.png")


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
