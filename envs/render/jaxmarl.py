"""Draws JaxMARL episodes as animations; brax bodies become brax's HTML page.

Particles and SMAX are drawn here, because the suite's own animations of them need pyplot and a window, or read the
canvas with width and height swapped. The others are drawn by the suite.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from envs.render.frames import save_gif, thinned

_FRAME_MS = 100
_SIDE_INCHES, _DOTS_PER_INCH = 4, 80
_CLOCK_PIXELS = 64  # height of the clock below STORM's pictures
_TEAMS = ("royalblue", "seagreen")


def render(name: str, suite_env: Any, states: list[Any], path: Path) -> Path:
    """Draws one episode.

    Args:
        name: JaxMARL's id.
        suite_env: JaxMARL's environment.
        states: its states as NumPy arrays, in order.
        path: where to write, without suffix.

    Returns:
        The path of the file: an animation (`.gif`), or a page (`.html`) for a brax body.

    Raises:
        ImportError: when matplotlib, Pillow or imageio is missing.
    """
    shown = thinned(f"jaxmarl/{name}", states)
    if name.startswith("MPE_"):
        frames = _draw(_draw_particles, suite_env, shown)
    elif "SMAX" in name:
        frames = _draw(_draw_battle, suite_env, [getattr(state, "state", state) for state in shown])
    elif name == "jaxnav":
        frames = _draw(_draw_robots, suite_env, shown)
    elif name.startswith("storm"):
        frames = [_grid(suite_env.suite_env, state) for state in shown]
    elif name == "overcooked":
        frames = [_kitchen(suite_env, state) for state in shown]
    elif name == "overcooked_v2":
        frames = _second_kitchen(shown)
    else:
        from envs.render import brax as brax_render

        return brax_render.render(suite_env.env, states, path)
    return save_gif(frames, path, _FRAME_MS)


def _draw(drawing: Callable[..., None], suite_env: Any, states: list[Any]) -> list[np.ndarray]:
    """Draws in a figure without pyplot, which would choose a backend for the whole process."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("rendering needs matplotlib; run: pip install 'eggroll-ray[report]'") from error
    figure = Figure(figsize=(_SIDE_INCHES, _SIDE_INCHES), dpi=_DOTS_PER_INCH)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    frames = []
    for state in states:
        axes.clear()
        axes.set_aspect("equal")
        drawing(axes, suite_env, states, state)
        axes.set_axis_off()
        canvas.draw()
        frames.append(np.array(canvas.buffer_rgba())[..., :3])
    return frames


def _draw_particles(axes: Any, suite_env: Any, states: list[Any], state: Any) -> None:
    from matplotlib.patches import Circle

    limit = 0.3 + max(1.0, *(float(np.abs(one.p_pos).max()) for one in states))
    axes.set(xlim=(-limit, limit), ylim=(-limit, limit))
    # Landmarks are the last entities. Draw in reverse order, so that agents are on top.
    for index in reversed(range(suite_env.num_entities)):
        colour = np.array(suite_env.colour[index]) / 255
        axes.add_patch(Circle(state.p_pos[index], float(suite_env.rad[index]), color=colour))
    said = [
        f"{agent} says {chr(ord('A') + int(np.argmax(words)))}"
        for agent, words, silent in zip(suite_env.agents, state.c, np.asarray(suite_env.silent), strict=True)
        if not silent and np.any(words)
    ]
    title = "\n".join([f"step {int(state.step)}", *said])
    axes.text(0.02, 0.98, title, va="top", transform=axes.transAxes)


def _draw_battle(axes: Any, suite_env: Any, states: list[Any], state: Any) -> None:
    from matplotlib.patches import Circle

    places = np.concatenate([one.unit_positions for one in states])
    middle, half = (places.max(0) + places.min(0)) / 2, 1.5 + np.ptp(places, axis=0).max() / 2
    axes.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half))
    full = np.asarray(suite_env.unit_type_health)[state.unit_types]
    radii = np.asarray(suite_env.unit_type_radiuses)[state.unit_types]
    for index in np.flatnonzero(state.unit_alive):
        x, y = state.unit_positions[index]
        team = int(state.unit_teams[index])
        axes.add_patch(Circle((x, y), radii[index], color=_TEAMS[team]))
        axes.text(
            x, y, suite_env.unit_type_shorthands[int(state.unit_types[index])], ha="center", va="center", color="w"
        )
        left, health = x - radii[index], state.unit_health[index] / full[index]
        axes.plot([left, left + 2 * radii[index] * health], [y + 1.3 * radii[index]] * 2, color="crimson", linewidth=2)
    alive = [int(np.sum(state.unit_alive & (state.unit_teams == team))) for team in range(len(_TEAMS))]
    title = f"step {int(state.step)}: {alive[0]} against {alive[1]}"
    axes.text(0.02, 0.98, title, va="top", transform=axes.transAxes)


def _draw_robots(axes: Any, suite_env: Any, states: list[Any], state: Any) -> None:
    del states
    suite_env.init_render(axes, state, lidar=False)


def _grid(suite_env: Any, state: Any) -> np.ndarray:
    # Below the picture the suite draws a clock, which fails with NumPy 2 unless the time is 0. Reset it and cut it off.
    picture = suite_env.render(state.replace(step=0, outer_t=0))
    return np.asarray(picture, np.uint8)[:-_CLOCK_PIXELS]


def _kitchen(suite_env: Any, state: Any) -> np.ndarray:
    from jaxmarl.viz.overcooked_visualizer import TILE_PIXELS, OvercookedVisualizer

    padding = suite_env.agent_view_size - 2
    grid = np.asarray(state.maze_map[padding:-padding, padding:-padding, :])
    return OvercookedVisualizer._render_grid(
        grid,
        tile_size=TILE_PIXELS,
        highlight_mask=None,
        agent_dir_idx=state.agent_dir_idx,
        agent_inv=state.agent_inv,
    )


def _second_kitchen(states: list[Any]) -> list[np.ndarray]:
    try:
        from jaxmarl.viz.overcooked_v2_visualizer import OvercookedV2Visualizer
    except ImportError as error:
        raise ImportError(f"{error}; its drawings need imageio, run: pip install 'eggroll-ray[jaxmarl]'") from error
    batch = jax.tree.map(lambda *leaves: np.stack(leaves), *states)
    return [np.asarray(frame, np.uint8) for frame in OvercookedV2Visualizer().render_sequence(batch)]
