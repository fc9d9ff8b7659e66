"""Draws gymnax episodes: grids as pixels, the classic tasks as drawings, all others as curves.

gymnax's own visualizer is not used, since it needs pygame and changes matplotlib's global state.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from envs.foreign import lenient

_FRAMES = 200  # most frames of an animation; of longer episodes only some states are drawn
_FRAME_MS = 40
_SIDE = 320  # approximate pixels of an animation's longer side

_BLACK, _WHITE, _GREY = (0, 0, 0), (255, 255, 255), (110, 110, 110)
_RED, _GREEN, _BLUE, _ICE = (214, 39, 40), (44, 160, 44), (31, 119, 180), (214, 232, 245)


def render(name: str, suite_env: Any, params: Any, states: list[Any], path: Path) -> Path:
    """Draws one episode.

    Args:
        name: gymnax's id.
        suite_env: gymnax's environment.
        params: its params.
        states: its states as NumPy arrays, in order.
        path: where to write, without suffix.

    Returns:
        The path of the file: an animation (`.gif`), or curves of the observations over time (`.png`).

    Raises:
        ImportError: when matplotlib is missing.
    """
    if not states:
        raise ValueError(f"gymnax/{name} has nothing to draw: the list of states is empty")
    path.parent.mkdir(parents=True, exist_ok=True)
    shown = states[:: -(-len(states) // _FRAMES)]
    if name in _DRAWINGS:
        return _save_gif(_draw(_DRAWINGS[name], shown, params), path)
    if name in _MAPS:
        return _save_gif([_MAPS[name](suite_env, state) for state in shown], path)
    if suite_env.observation_space(params).shape[1:] > (1,):
        grids = _observations(suite_env, params, shown)
        return _save_gif([_colour_channels(grid) for grid in grids], path)
    return _save_curves(name, _observations(suite_env, params, states), path)


def _observations(suite_env: Any, params: Any, states: list[Any]) -> np.ndarray:
    def observe(state: Any) -> jax.Array:
        return suite_env.observe(jax.random.key(0), state, None, params)

    with lenient():
        batch = jax.tree.map(lambda *leaves: np.stack(leaves), *states)
        return np.asarray(jax.jit(jax.vmap(observe))(batch))


def _save_gif(frames: list[np.ndarray], path: Path) -> Path:
    """Saves frames (rows, columns, 3) of bytes as an animation. Small frames are enlarged."""
    try:
        from PIL import Image
    except ImportError as error:
        raise _missing("pillow") from error
    scale = max(1, _SIDE // max(frames[0].shape))
    images = [Image.fromarray(frame.repeat(scale, 0).repeat(scale, 1)) for frame in frames]
    gif = path.with_name(path.name + ".gif")
    images[0].save(gif, save_all=True, append_images=images[1:], duration=_FRAME_MS, loop=0)
    return gif


def _missing(library: str) -> ImportError:
    return ImportError(f"rendering needs {library}; run: pip install 'eggroll-ray[report]'")


def _figure(width: float, height: float) -> Any:
    """Makes a figure without pyplot, which would choose a backend for the whole process."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise _missing("matplotlib") from error
    figure = Figure(figsize=(width, height), dpi=80)
    FigureCanvasAgg(figure)
    return figure


def _save_curves(name: str, observations: np.ndarray, path: Path) -> Path:
    figure = _figure(8, 4)
    axes = figure.add_subplot()
    axes.plot(observations.reshape(len(observations), -1))
    axes.set(title=f"gymnax/{name}", xlabel="step", ylabel="observation")
    png = path.with_name(path.name + ".png")
    figure.savefig(png)
    return png


def _draw(drawing: Callable[..., None], states: list[Any], params: Any) -> list[np.ndarray]:
    figure = _figure(4, 4)
    axes = figure.add_axes((0, 0, 1, 1))
    frames = []
    for state in states:
        axes.clear()
        axes.set_axis_off()
        axes.set_aspect("equal")
        drawing(axes, state, params)
        figure.canvas.draw()
        frames.append(np.array(figure.canvas.buffer_rgba())[..., :3])
    return frames


def _draw_cartpole(axes: Any, state: Any, params: Any) -> None:
    x, length = float(state.x), 2 * params.length
    axes.plot([-params.x_threshold, params.x_threshold], [0, 0], color="black", linewidth=1)
    axes.plot([x - 0.25, x + 0.25], [0, 0], color="black", linewidth=14, solid_capstyle="butt")
    tip = (x + length * np.sin(state.theta), length * np.cos(state.theta))
    axes.plot([x, tip[0]], [0, tip[1]], color="peru", linewidth=6)
    axes.set(xlim=(-2.6, 2.6), ylim=(-2, 3.2))


def _draw_pendulum(axes: Any, state: Any, params: Any) -> None:
    tip = (-params.l * np.sin(state.theta), params.l * np.cos(state.theta))
    axes.plot([0, tip[0]], [0, tip[1]], color="indianred", linewidth=14, solid_capstyle="round")
    axes.plot(0, 0, "o", color="black")
    axes.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3))


def _draw_acrobot(axes: Any, state: Any, params: Any) -> None:
    angles = np.cumsum([state.joint_angle1, state.joint_angle2])
    lengths = np.array([params.link_length_1, params.link_length_2])
    x = np.cumsum([0, *(lengths * np.sin(angles))])
    y = np.cumsum([0, *(-lengths * np.cos(angles))])
    axes.axhline(1, color="black", linewidth=1)
    axes.plot(x, y, "o-", color="steelblue", linewidth=8, markerfacecolor="gold")
    axes.set(xlim=(-2.3, 2.3), ylim=(-2.3, 2.3))


def _draw_mountain_car(axes: Any, state: Any, params: Any) -> None:
    def height(x: Any) -> Any:
        return 0.45 * np.sin(3 * x) + 0.55

    x = np.linspace(params.min_position, params.max_position, 100)
    axes.plot(x, height(x), color="black", linewidth=1)
    goal, position = params.goal_position, float(state.position)
    axes.plot([goal, goal], [height(goal), height(goal) + 0.15], color="green", linewidth=3)
    axes.plot(position, height(position) + 0.04, "o", color="steelblue", markersize=14)
    axes.set(xlim=(-1.25, 0.65), ylim=(-0.3, 1.6))


def _draw_point_robot(axes: Any, state: Any, params: Any) -> None:
    angles = np.linspace(0, np.pi, 100)
    axes.plot(params.circle_radius * np.cos(angles), params.circle_radius * np.sin(angles), "k")
    around = params.goal_radius * np.exp(1j * np.linspace(0, 2 * np.pi, 50))
    axes.fill(state.goal[0] + around.real, state.goal[1] + around.imag, alpha=0.3)
    axes.plot(*state.pos, "o", color="red")
    axes.set(xlim=(-1.5, 1.5), ylim=(-1, 2))


def _draw_reacher(axes: Any, state: Any, params: Any) -> None:
    del params
    # Like the suite, sum the directions of the joints without accumulating their angles.
    x, y = (np.cumsum([0, *f(state.angles)]) for f in (np.cos, np.sin))
    axes.plot(x, y, "o-", color="steelblue", linewidth=6)
    axes.plot(*state.goal_xy, "o", color="red")
    limit = len(state.angles) + 0.2
    axes.set(xlim=(-limit, limit), ylim=(-limit, limit))


def _draw_swimmer(axes: Any, state: Any, params: Any) -> None:
    del params
    axes.plot(*state.urchin_xys.T, "*", color="black", markersize=16)
    axes.plot(*state.goal_xy, "o", color="green", markersize=12)
    axes.plot(*state.xy, "o", color="red")
    limit = 1.2 * max(1.0, float(np.abs(state.urchin_xys).max()), float(np.abs(state.xy).max()))
    axes.set(xlim=(-limit, limit), ylim=(-limit, limit))


_DRAWINGS = {
    "CartPole-v1": _draw_cartpole,
    "Pendulum-v1": _draw_pendulum,
    "Acrobot-v1": _draw_acrobot,
    "MountainCar-v0": _draw_mountain_car,
    "MountainCarContinuous-v0": _draw_mountain_car,
    "PointRobot-misc": _draw_point_robot,
    "Reacher-misc": _draw_reacher,
    "Swimmer-misc": _draw_swimmer,
}


def _colour_channels(grid: np.ndarray) -> np.ndarray:
    """Paints each channel of a grid in a different colour, later channels on top."""
    channels = grid.reshape(*grid.shape[:2], -1)
    picture = np.zeros((*grid.shape[:2], 3), np.uint8)
    for index, colour in enumerate(_palette(channels.shape[2])):
        picture[channels[..., index] > 0] = colour
    return picture


@functools.cache
def _palette(count: int) -> np.ndarray:
    try:
        import matplotlib
    except ImportError as error:
        raise _missing("matplotlib") from error
    colours = matplotlib.colormaps["tab10"](np.arange(count) % 10)
    return (255 * colours[:, :3]).astype(np.uint8)


def _paint_maze(suite_env: Any, state: Any) -> np.ndarray:
    picture = np.where(np.asarray(suite_env.occupied_map)[..., None] > 0, _BLACK, _WHITE)
    picture[tuple(state.goal)] = _GREEN
    picture[tuple(state.pos)] = _RED
    return picture.astype(np.uint8)


def _paint_lake(suite_env: Any, state: Any) -> np.ndarray:
    tiles = np.array([_GREY, _ICE, _BLUE, _GREEN])  # start, frozen, hole, goal
    picture = tiles[np.asarray(suite_env.desc)]
    picture[divmod(int(state.position), suite_env.ncol)] = _RED
    return picture.astype(np.uint8)


_MAPS = {
    "FourRooms-misc": _paint_maze,
    "MetaMaze-misc": _paint_maze,
    "FrozenLake-misc": _paint_lake,
}
