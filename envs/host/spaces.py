"""Converts Gymnasium's spaces to this package's: observations become one array, actions become what a space expects.

Letters in shapes: `b` environments, `o` observation axes, `k` entries of an action mask.
"""

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from eggroll_ray.rl.env import Box, Discrete, MultiDiscrete, Space

_LARGEST = np.finfo(np.float32).max
_MASK = "action_mask"


class Observed(NamedTuple):
    """How observations of one space are converted to arrays."""

    box: Box
    dtype: type[np.generic]  # float32, or uint8 for images
    encode: Callable[[Any], np.ndarray]  # observation -> (*o,); raises ValueError if it is not in the space
    masked: bool = False  # whether it is a dictionary with an entry "action_mask", which is not part of the array


class Acted(NamedTuple):
    """How actions are converted to what a space expects."""

    space: Space
    decode: Callable[[np.ndarray], np.ndarray]  # (b, ...) -> (b, ...)


def observed(space: Any) -> Observed:
    """Returns how observations of a Gymnasium space are converted.

    A Box keeps its shape and becomes float32. A Box of bytes with at least two axes is an image and stays uint8.
    Discrete and MultiDiscrete become one-hot vectors, MultiBinary zeros and ones. The entries of a Dict or Tuple are
    concatenated to one vector, with images scaled to 0 .. 1. A Dict or Tuple with a single entry is converted like that
    entry, which may be an image. The entry "action_mask" of a Dict is left out.

    Raises:
        ValueError: for any other space.
    """
    from gymnasium import spaces

    if not isinstance(space, spaces.Dict):
        return _observed(space)
    entries = {key: entry for key, entry in space.spaces.items() if key != _MASK}
    masked = len(entries) < len(space.spaces)
    return _entries(entries, space)._replace(masked=masked)


def vector(one: Observed) -> Observed:
    """Returns a conversion that also flattens to `(size,)` float32. Bytes are scaled to 0 .. 1."""
    size, scale = math.prod(one.box.shape), 255 if one.dtype is np.uint8 else 1
    box = Box((size,), one.box.low.reshape(size) / scale, one.box.high.reshape(size) / scale)
    if one.box.shape == (size,) and scale == 1:
        return one
    encode = functools.partial(_flat, one.encode, np.float32(scale))
    return Observed(box, np.float32, encode, one.masked)


def acted(space: Any) -> Acted:
    """Returns how actions are converted to those of a Gymnasium space.

    The space is Discrete, MultiDiscrete, MultiBinary (treated as MultiDiscrete with two choices each) or Box. Actions
    of a Box are clipped to its bounds, and rounded if it contains integers.

    Raises:
        ValueError: for any other space.
    """
    from gymnasium import spaces

    if isinstance(space, spaces.Discrete):
        return Acted(Discrete(int(space.n)), functools.partial(_choice, space.start, space.dtype))
    if isinstance(space, spaces.MultiDiscrete):
        n = tuple(map(int, space.nvec.ravel()))
        return Acted(MultiDiscrete(n), functools.partial(_choices, space.start, space.dtype))
    if isinstance(space, spaces.MultiBinary):
        zeros = np.zeros(space.shape, np.int8)
        return Acted(MultiDiscrete((2,) * zeros.size), functools.partial(_choices, zeros, zeros.dtype))
    if isinstance(space, spaces.Box):
        shape = space.shape or (1,)
        box = Box(shape, _bound(space.low).reshape(shape), _bound(space.high).reshape(shape))
        return Acted(box, functools.partial(_reals, space.low, space.high, space.dtype))
    raise ValueError(
        f"action space {space} is not one of Discrete, MultiDiscrete, MultiBinary and Box; wrap the environment so "
        "that its actions are"
    )


def read_mask(space: Space, raw: Any) -> np.ndarray:
    """Converts an action mask to `(k,)` bool. It is one array, or one array for each choice of a `MultiDiscrete`.

    Raises:
        ValueError: when it does not have one entry for each action, or forbids all actions of a choice.
    """
    sizes = choices(space)
    parts = raw if isinstance(raw, tuple | list) else (raw,)
    mask = np.concatenate([np.ravel(part) for part in parts]) != 0
    if mask.shape != (sum(sizes),):
        raise ValueError(f"action mask with {mask.size} entries where {space} has {sum(sizes)} choices")
    if not np.logical_or.reduceat(mask, starts(sizes)).all():
        raise ValueError(f"action mask {mask.astype(int)} forbids all actions of a choice")
    return mask


def encode_with_mask(one: Observed, action_space: Space, raw: Any) -> tuple[np.ndarray, Any]:
    """Encodes an observation, and reads the action mask in it; () if there is none."""
    mask = read_mask(action_space, raw[_MASK]) if one.masked and choices(action_space) else ()
    return one.encode(raw), mask


def choices(space: Space) -> tuple[int, ...]:
    """Returns the numbers of options of the choices that make up an action; () for a `Box`."""
    if isinstance(space, Box):
        return ()
    return (space.n,) if isinstance(space, Discrete) else space.n


def starts(sizes: tuple[int, ...]) -> list[int]:
    """Returns the index in an action mask at which each choice begins."""
    return list(itertools.accumulate(sizes, initial=0))[:-1]


def _observed(space: Any) -> Observed:
    from gymnasium import spaces

    if isinstance(space, spaces.Box):
        return _array(space)
    if isinstance(space, spaces.Discrete):
        encode = functools.partial(_one_hots, np.array([space.start]), np.array([space.n]), ())
        return Observed(Box.of((int(space.n),), 0, 1), np.float32, encode)
    if isinstance(space, spaces.MultiDiscrete):
        encode = functools.partial(_one_hots, space.start.ravel(), space.nvec.ravel(), space.shape)
        return Observed(Box.of((int(space.nvec.sum()),), 0, 1), np.float32, encode)
    if isinstance(space, spaces.MultiBinary):
        size = math.prod(space.shape)
        encode = functools.partial(_same_shape, space.shape, (size,), np.float32)
        return Observed(Box.of((size,), 0, 1), np.float32, encode)
    if isinstance(space, spaces.Dict):
        return _entries(space.spaces, space)
    if isinstance(space, spaces.Tuple):
        return _entries(dict(enumerate(space.spaces)), space)
    raise ValueError(
        f"observation space {space} cannot become an array; wrap the environment so that it shows Box, Discrete, "
        "MultiDiscrete or MultiBinary, or a Dict or Tuple of them"
    )


def _array(space: Any) -> Observed:
    image = space.dtype == np.uint8 and len(space.shape) >= 2
    dtype = np.uint8 if image else np.float32
    shape = space.shape or (1,)
    box = Box(shape, _bound(space.low).reshape(shape), _bound(space.high).reshape(shape))
    return Observed(box, dtype, functools.partial(_same_shape, space.shape, shape, dtype))


def _entries(entries: dict[Any, Any], space: Any) -> Observed:
    if not entries:
        raise ValueError(f"observation space {space} has no entry to observe; wrap the environment to add one")
    parts = [(key, _observed(entry)) for key, entry in entries.items()]
    if len(parts) == 1:
        key, one = parts[0]
        return one._replace(encode=functools.partial(_entry, key, one.encode))
    parts = [(key, vector(one)) for key, one in parts]
    low, high = (np.concatenate([getattr(one.box, side) for _, one in parts]) for side in ("low", "high"))
    encoders = [(key, one.encode) for key, one in parts]
    return Observed(Box(low.shape, low, high), np.float32, functools.partial(_joined, encoders))


def _bound(values: Any) -> np.ndarray:
    """Converts the largest float of 32 or 64 bits, which suites use for "no bound", to infinity."""
    values = np.asarray(values, np.float64)
    return np.where(np.abs(values) >= _LARGEST, np.copysign(np.inf, values), values).astype(np.float32)


def _same_shape(shape: tuple[int, ...], new: tuple[int, ...], dtype: type[np.generic], raw: Any) -> np.ndarray:
    array = np.asarray(raw)
    if array.shape == shape == new and array.dtype == dtype:
        return array  # the most common case by far
    if array.shape != shape:
        raise ValueError(f"observation of shape {array.shape} where the space has {shape}")
    if not np.can_cast(array.dtype, dtype, "same_kind" if dtype is np.float32 else "safe"):
        raise ValueError(f"observation of {array.dtype} where the space has {np.dtype(dtype)}")
    return array.astype(dtype, copy=False).reshape(new)


def _one_hots(start: np.ndarray, n: np.ndarray, shape: tuple[int, ...], raw: Any) -> np.ndarray:
    """Returns the one-hot vectors of integers, concatenated."""
    values = np.asarray(raw)
    if values.shape != shape or values.dtype.kind not in "iu":
        raise ValueError(f"observation {raw!r} where the space has integers of shape {shape}")
    index = values.ravel() - start
    if (index < 0).any() or (index >= n).any():
        raise ValueError(f"observation {raw!r} is outside {start} .. {start + n - 1}, the bounds of its space")
    vector = np.zeros(n.sum(), np.float32)
    vector[np.cumsum(n) - n + index] = 1
    return vector


def _flat(encode: Callable[[Any], np.ndarray], scale: np.float32, raw: Any) -> np.ndarray:
    return encode(raw).astype(np.float32).ravel() / scale


def _entry(key: Any, encode: Callable[[Any], np.ndarray], raw: Any) -> np.ndarray:
    return encode(raw[key])


def _joined(encoders: list[tuple[Any, Callable[[Any], np.ndarray]]], raw: Any) -> np.ndarray:
    return np.concatenate([encode(raw[key]) for key, encode in encoders])


def _choice(start: Any, dtype: Any, actions: np.ndarray) -> np.ndarray:
    return actions.astype(dtype) + start


def _choices(start: np.ndarray, dtype: Any, actions: np.ndarray) -> np.ndarray:
    return actions.astype(dtype).reshape(-1, *start.shape) + start


def _reals(low: np.ndarray, high: np.ndarray, dtype: Any, actions: np.ndarray) -> np.ndarray:
    actions = np.clip(actions.reshape(-1, *low.shape), low, high)
    return (actions if dtype.kind == "f" else np.rint(actions)).astype(dtype)
