"""Saves the frames of an episode as an animation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

_FRAMES = 200  # most frames of an animation; of longer episodes only some states are drawn
_SIDE = 320  # approximate pixels of the longer side


def thinned(name: str, states: Sequence[Any], most: int = _FRAMES) -> list[Any]:
    """Returns at most `most` states, evenly spaced.

    Raises:
        ValueError: when there are none. `name` is the name of the environment, for the message.
    """
    if not states:
        raise ValueError(f"{name} has nothing to draw: the list of states is empty")
    return list(states[:: -(-len(states) // most)])


def save_gif(frames: Sequence[np.ndarray], path: Path, frame_ms: int = 100) -> Path:
    """Saves an animation. Small pictures are enlarged.

    Args:
        frames: pictures `(rows, columns, 3)` uint8, at least one.
        path: where to write, without suffix.
        frame_ms: milliseconds for which each frame is shown.

    Returns:
        The path of the file.

    Raises:
        ImportError: when Pillow is missing.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("rendering needs pillow; run: pip install 'eggroll-ray[report]'") from error
    scale = max(1, _SIDE // max(frames[0].shape[:2]))
    images = [Image.fromarray(np.asarray(frame).repeat(scale, 0).repeat(scale, 1)) for frame in frames]
    path.parent.mkdir(parents=True, exist_ok=True)
    gif = path.with_name(path.name + ".gif")
    images[0].save(gif, save_all=True, append_images=images[1:], duration=frame_ms, loop=0)
    return gif
