"""Figures of generations against each other: who beats whom, and how the ratings rise."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eggroll_ray.league import League
from eggroll_ray.report.figures import BLUE, CARD, INK, drawing, dress
from eggroll_ray.report.text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def league(found: League | None) -> str:
    """Draws the matrix of a league, and the ratings if it has any; nothing without a league."""
    if found is None:
        return ""
    names = tuple(" ".join(printable(group).split()) for group in found.groups)
    found = dataclasses.replace(found, groups=names)
    first, last = found.generations[0], found.generations[-1]
    if found.groups:
        alt = (
            f"Mean returns of {found.groups[0]} (rows) and {found.groups[1]} (columns) of generations {first} to "
            f"{last} in games against each other, {found.games} each."
        )
    else:
        alt = (
            f"Share of points of generations {first} to {last} against each other, {found.games} games in each "
            f"direction; the rating of the last is {found.elo[-1]:.0f} above the first."
        )
    return drawing("league", functools.partial(_draw, found), (3.6, 6.2), alt)


def _draw(found: League, figure: "Figure", narrow: bool) -> None:
    left, right = figure.subplots(2, 1) if narrow else figure.subplots(1, 2)
    numbers = found.generations
    if found.groups:
        first, second = found.groups
        for axes, values, name in ((left, found.score, first), (right, found.second_score, second)):
            dress(axes, f"mean return of {name}")
            _draw_matrix(axes, numbers, values, "{:.3g}", (float(values.min()), float(values.max())))
            axes.set(xlabel=f"{second}, generation", ylabel=f"{first}, generation")
        return
    dress(left, "points, %")
    _draw_matrix(left, numbers, 100 * found.score, "{:.0f}", (0.0, 100.0))
    left.set(xlabel="opponent of generation", ylabel="generation")
    right.plot(numbers, found.elo, color=BLUE, linewidth=2.2, marker="o", markeredgecolor=CARD)
    dress(right, "Elo, 0 is the first generation")
    right.set_xlabel("generation")


def _draw_matrix(
    axes: "Axes", generations: Sequence[int], values: np.ndarray, style: str, bounds: tuple[float, float]
) -> None:
    """Draws values `(k, k)` as cells that are darker for higher ones within the bounds, with the number in each."""
    from matplotlib.patches import Rectangle

    low, high = bounds
    span = max(high - low, 1e-9)
    for row, column in np.ndindex(*values.shape):
        value = float(values[row, column])
        shade = 0.6 * (value - low) / span
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=BLUE, alpha=shade, linewidth=0))
        axes.text(column, row, style.format(value), ha="center", va="center", fontsize=8, color=INK)
    count = len(generations)
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_xticks(range(count), [str(number) for number in generations])
    axes.set_yticks(range(count), [str(number) for number in generations])
    axes.grid(visible=False)
