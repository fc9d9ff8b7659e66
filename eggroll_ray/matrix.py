"""Figures of generations against each other: who beats whom, and how the ratings rise."""

import functools
from typing import TYPE_CHECKING

import numpy as np

from eggroll_ray.figures import BLUE, CARD, INK, drawing, dress
from eggroll_ray.league import League

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def league(found: League | None) -> str:
    """Draws the matrix of a league, and the ratings if it has any; nothing without a league."""
    if found is None:
        return ""
    first, last = found.generations[0], found.generations[-1]
    if found.groups:
        alt = (
            f"Mean return of {found.groups[0]} (rows) against {found.groups[1]} (columns) of generations {first} to "
            f"{last}, {found.games} games each."
        )
    else:
        alt = (
            f"Share of points of generations {first} to {last} against each other, {found.games} games in each "
            f"direction; the rating of the last is {found.elo[-1]:.0f} above the first."
        )
    return drawing("league", functools.partial(_draw, found), (3.6, 6.2), alt)


def _draw(found: League, figure: "Figure", narrow: bool) -> None:
    if found.groups:
        _draw_matrix(found, figure.add_subplot())
        return
    matrix, ratings = figure.subplots(2, 1) if narrow else figure.subplots(1, 2)
    _draw_matrix(found, matrix)
    ratings.plot(found.generations, found.elo, color=BLUE, linewidth=2.2, marker="o", markeredgecolor=CARD)
    dress(ratings, "Elo, 0 is the first generation")
    ratings.set_xlabel("generation")


def _draw_matrix(found: League, axes: "Axes") -> None:
    from matplotlib.patches import Rectangle

    low, high = (0.0, 1.0) if not found.groups else (float(found.score.min()), float(found.score.max()))
    span = max(high - low, 1e-9)
    for row, column in np.ndindex(*found.score.shape):
        value = float(found.score[row, column])
        shade = 0.75 * (value - low) / span
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=BLUE, alpha=shade, linewidth=0))
        text = f"{100 * value:.0f}" if not found.groups else f"{value:.3g}"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=INK)
    count = len(found.generations)
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_ylim(count - 0.5, -0.5)
    rows, columns = found.groups or ("generation", "opponent of generation")
    title = f"mean return of {rows}" if found.groups else "points, %"
    dress(axes, title)
    axes.grid(visible=False)
    axes.set_xticks(range(count), [str(number) for number in found.generations])
    axes.set_yticks(range(count), [str(number) for number in found.generations])
    axes.set_xlabel(columns if not found.groups else f"{columns}, generation")
    axes.set_ylabel(rows if not found.groups else f"{rows}, generation")
