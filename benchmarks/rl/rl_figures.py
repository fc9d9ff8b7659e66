"""The curves of the RL comparison, normalised by PPO, over those of the paper's Figure 14 where these are given."""

import csv
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.rl.rl_rows import Row, groups, ppo_scale
from benchmarks.rl.rl_settings import ALGORITHMS, find_task

COLOURS = {"eggroll": "#0b6e99", "openai_es": "#d1741f", "ppo": "#777777"}
LABELS = {"eggroll": "EGGROLL", "openai_es": "OpenAI-ES", "ppo": "PPO"}
_METHODS = {"eggroll": "EGGROLL", "openai_es": "OpenES"}  # in the data of the paper's figure
_STEPS = "steps_1e8(approx: curve span scaled to 0..5)"
_COLUMNS = 4

Curve = list[tuple[float, float]]


def read_paper_curves(path: Path) -> dict[tuple[str, str], Curve]:
    """Reads the data of Figure 14.

    Args:
      path: a CSV of columns env, method, steps in units of 1e8, and PPO-normalised return.

    Returns:
      (environment, method), both by the names of that file -> (environment steps, normalised return) in order.

    Raises:
      ValueError: when it has other columns.
    """
    with path.open(newline="") as file:
        rows = csv.DictReader(file)
        wanted = {"env", "method", _STEPS, "ppo_normalised_return"}
        if set(rows.fieldnames or ()) != wanted:
            raise ValueError(f"{path} has columns {rows.fieldnames}, not {sorted(wanted)}; give fig14_rl_per_env.csv.")
        curves: dict[tuple[str, str], Curve] = {}
        for row in rows:
            point = (1e8 * float(row[_STEPS]), float(row["ppo_normalised_return"]))
            curves.setdefault((row["env"], row["method"]), []).append(point)
    return curves


def draw(
    record: Mapping[str, Any],
    path: Path,
    paper: Mapping[tuple[str, str], Curve] | None = None,
    names: Mapping[str, str] = LABELS,
) -> None:
    """Draws one panel per environment and budget; a line per seed. Dashed: the paper's.

    Returns are over PPO's final one where there is PPO, plain otherwise; then there is nothing of the paper's.

    Args:
      record: rows, as of `rl_rows.load`.
      path: of the PNG.
      paper: curves of `read_paper_curves`.
      names: of the algorithms.

    Raises:
      ValueError: when there are no rows.
      ImportError: when Matplotlib is not installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = groups(record)
    if not panels:
        raise ValueError("there are no rows to draw; run python -m benchmarks.rl.rl first.")
    columns = min(_COLUMNS, len(panels))
    lines = -(-len(panels) // columns)
    figure = Figure(figsize=(4.2 * columns, 3.2 * lines), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(lines, columns, squeeze=False).reshape(-1)
    for panel, ((env, budget), rows) in zip(axes, panels.items(), strict=False):
        _draw_panel(panel, env, budget, rows, paper or {}, names)
    if paper:
        figure.supxlabel("dashed: the paper's Figure 14, over its own PPO after 5e8 steps", fontsize=9)
    for unused in axes[len(panels) :]:
        unused.set_axis_off()
    figure.savefig(path, dpi=110)


def _draw_panel(
    axes: Any,
    env: str,
    budget: int,
    rows: list[Row],
    paper: Mapping[tuple[str, str], Curve],
    names: Mapping[str, str],
) -> None:
    scale, task = ppo_scale(rows), find_task(env)
    zero, one = scale or (0.0, 1.0)
    for algo in ALGORITHMS:
        own = [row for row in rows if row["algo"] == algo]
        for place, row in enumerate(own):
            steps, returns = zip(*row["curve"][1:], strict=True)  # the axis is logarithmic: no place for 0 steps
            label = None if place else f"{names[algo]}: {statistics.fmean(r['final_return'] for r in own):.4g}"
            scaled = [(value - zero) / (one - zero) for value in returns]
            axes.plot(steps, scaled, color=COLOURS[algo], linewidth=1.4, alpha=0.8, label=label, marker=".", ms=3)
        if scale and task and task.env == env and (task.figure_name, _METHODS.get(algo, "")) in paper:
            curve = [point for point in paper[task.figure_name, _METHODS[algo]] if point[0] > 0]
            axes.plot(*zip(*curve, strict=True), color=COLOURS[algo], linewidth=1.0, alpha=0.6, linestyle="--")
    axes.set(title=f"{env}\nbudget {budget:.3g} steps", xscale="log", xlabel="environment steps")
    axes.set_ylabel(f"return / {names['ppo']}'s" if scale else "return")
    axes.title.set_fontsize(9)
    axes.xaxis.set_minor_formatter("")  # on a short axis its labels would lie on each other
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
