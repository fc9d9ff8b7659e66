"""Draws episodes of Python environments as animations.

The episode is first played in this process without drawing. Another process then plays it again and draws it, because
graphics libraries need environment variables that must be set before they are loaded, and may end the process if they
find no display. An episode depends on its seed and its actions alone, so both processes play the same episode.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np

from eggroll_ray.rl.env import HostEnv, HostTimestep
from envs.render.frames import save_gif

_FRAMES = 200  # most frames of an animation; of longer episodes only some frames are drawn
_SHORTEST_MS, _LONGEST_MS = 40, 500  # limits of the time for which a frame is shown
_SIDE = 320  # most pixels of the longer side
_TIME_LIMIT_S = 600
# Drawing without a display: pygame draws into memory; MuJoCo renders with EGL, on the GPU or in software (Mesa).
_HEADLESS = {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy", "JAX_PLATFORMS": "cpu"}
_LINUX = {"MUJOCO_GL": "egl"}


def render(env: HostEnv, make: Any, act: Callable[[HostTimestep], np.ndarray], seed: int, path: Path) -> Path:
    """Plays one episode and draws it.

    Args:
        env: the environment.
        make: makes one environment; see `envs.host.batch.MakeGame`.
        act: returns actions `(1, ...)` for a timestep of one environment.
        seed: seed of the episode.
        path: where to write, without suffix.

    Returns:
        The path of the animation, ending in `.gif`.

    Raises:
        ImportError: when Pillow is missing.
        RuntimeError: when the episode fails, or cannot be drawn on this machine.
    """
    try:
        import PIL  # noqa: F401
    except ImportError as error:
        raise ImportError("rendering needs pillow; run: pip install 'eggroll-ray[report]'") from error
    job = cloudpickle.dumps((make, seed, _play(env, act, seed), path.absolute()))
    variables = {**_HEADLESS, **(_LINUX if sys.platform == "linux" else {})}
    variables = {name: os.environ.get(name, value) for name, value in variables.items()}
    variables["JAX_PLATFORMS"] = "cpu"  # this process may use the GPU, so the other must not
    variables["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    command = [sys.executable, "-W", "ignore", "-c", f"from {__name__} import draw_from_stdin; draw_from_stdin()"]
    try:
        code, errors = _run(command, job, os.environ | variables)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{env.name} was not drawn within {_TIME_LIMIT_S} s; make its picture smaller") from error
    if code:
        said = errors.decode(errors="replace").strip().splitlines()[-3:]
        raise RuntimeError(
            f"{env.name} cannot be drawn here: the process that draws ended with status {code}: {' '.join(said)}; "
            "if MuJoCo cannot render, set the environment variable MUJOCO_GL to egl, osmesa or glfw"
        )
    return path.with_name(path.name + ".gif")


def _run(command: list[str], job: bytes, environment: dict[str, str]) -> tuple[int, bytes]:
    """Runs a process, and ends all processes that it started. Returns its exit status and its standard error.

    Raises:
        subprocess.TimeoutExpired: when it took too long and was ended.
    """
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe, env=environment, start_new_session=True
    ) as process:
        try:
            _, errors = process.communicate(job, timeout=_TIME_LIMIT_S)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of zombies
                os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, errors


def draw_from_stdin() -> None:
    """Plays and draws an episode, as described on standard input. This is what the other process runs."""
    make, seed, actions, path = cloudpickle.load(sys.stdin.buffer)
    game = make("rgb_array")
    game.reset(seed)
    every = -(-(len(actions) + 1) // _FRAMES)
    frames = [_scaled(game.draw())]
    for time, action in enumerate(actions, start=1):
        game.step(game.layout.decode(np.nan_to_num(action))[0])
        if time % every == 0 or time == len(actions):
            frames.append(_scaled(game.draw()))
    shown_ms = 1000 / (game.metadata.get("render_fps") or 25)
    duration = int(np.clip(shown_ms, _SHORTEST_MS, _LONGEST_MS))
    game.close()
    save_gif(frames, path, duration)


def _play(env: HostEnv, act: Callable[[HostTimestep], np.ndarray], seed: int) -> list[np.ndarray]:
    """Plays one episode and returns its actions, each `(1, ...)`."""
    batch = env.make(1)
    try:
        shown, actions = batch.reset(np.array([seed], np.uint32)), []
        while not shown.done[0]:
            actions.append(np.asarray(act(shown)))
            shown = batch.step(actions[-1], np.ones(1, bool))
    finally:
        batch.close()
    if shown.failed:
        raise RuntimeError(f"{env.name} failed in the episode to be drawn, at {shown.failed[0]}")
    return actions


def _scaled(frame: Any) -> np.ndarray:
    """Scales a large frame down."""
    from PIL import Image

    image = Image.fromarray(np.asarray(frame, np.uint8))
    longer = max(image.size)
    if longer > _SIDE:
        size = [max(1, round(side * _SIDE / longer)) for side in image.size]
        image = image.resize(size, Image.Resampling.BOX)
    return np.asarray(image)
