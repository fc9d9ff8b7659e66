"""Gymnasium's spaces as ours."""

import re
from typing import Any

import numpy as np
import pytest
from host_games import Walk, spaces

from eggroll_ray.rl.env import Discrete, MultiDiscrete
from envs import gym_env
from envs.host.spaces import acted, observed, read_mask


@pytest.mark.parametrize(
    ("space", "raw", "expected"),
    [
        (spaces.Box(-1, 1, (2, 2), np.float64), np.eye(2), np.eye(2)),
        (spaces.Box(0, 9, (), np.int64), np.int64(7), [7]),
        (spaces.Box(0, 255, (3,), np.uint8), np.array([0, 1, 255], np.uint8), [0, 1, 255]),
        (spaces.Discrete(3, start=4), 5, [0, 1, 0]),
        (spaces.MultiDiscrete([2, 3], start=[0, 1]), np.array([1, 3]), [0, 1, 0, 0, 1]),
        (spaces.MultiBinary((2, 2)), np.array([[1, 0], [0, 1]], np.int8), [1, 0, 0, 1]),
        (spaces.Tuple((spaces.Discrete(2), spaces.Box(0, 1, (1,)))), (1, np.array([0.5], np.float32)), [0, 1, 0.5]),
        (spaces.Dict({"b": spaces.Dict({"c": spaces.Discrete(2)}), "a": spaces.Discrete(2)}), {"b": {"c": 1}, "a": 0},
         [1, 0, 0, 1]),
    ],
)  # fmt: skip
def test_observations_become_arrays(space: Any, raw: Any, expected: Any) -> None:
    one = observed(space)
    array = one.encode(raw)
    np.testing.assert_array_equal(array, np.asarray(expected, np.float32))
    assert array.dtype == np.float32 and one.box.shape == array.shape
    assert (one.box.low <= array).all() and (array <= one.box.high).all()


def test_a_dictionary_with_one_image_is_that_image() -> None:
    image = spaces.Box(0, 255, (4, 4, 3), np.uint8)
    one = observed(spaces.Dict({"pixels": image, "action_mask": spaces.MultiBinary(3)}))
    assert one.dtype is np.uint8 and one.box.shape == (4, 4, 3) and one.masked
    flat = observed(spaces.Dict({"pixels": image, "speed": spaces.Box(-1, 1, (1,))}))
    assert flat.dtype is np.float32 and flat.box.shape == (49,) and flat.box.high.max() == 1


@pytest.mark.parametrize(
    ("space", "raw", "text"),
    [
        (spaces.Discrete(3), 3, "outside [0] .. [2]"),
        (spaces.Discrete(3), 1.0, "where the space has integers"),
        (spaces.Box(0, 255, (2, 2), np.uint8), np.zeros((2, 2)), "observation of float64 where the space has uint8"),
        (spaces.Box(0, 1, (2,)), None, "observation of shape () where the space has (2,)"),
    ],
)
def test_what_is_not_of_its_space_is_named(space: Any, raw: Any, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        observed(space).encode(raw)


@pytest.mark.parametrize(
    ("space", "ours", "actions", "expected"),
    [
        (spaces.Discrete(3, start=-1), Discrete(3), [0, 2], [-1, 1]),
        (spaces.MultiDiscrete([2, 4], start=[5, 0]), MultiDiscrete((2, 4)), [[1, 3], [0, 0]], [[6, 3], [5, 0]]),
        (spaces.MultiDiscrete([[2], [3]]), MultiDiscrete((2, 3)), [[1, 2]], [[[1], [2]]]),
        (spaces.MultiBinary(2), MultiDiscrete((2, 2)), [[1, 0]], [[1, 0]]),
    ],
)
def test_choices_become_actions(space: Any, ours: Any, actions: Any, expected: Any) -> None:
    actor = acted(space)
    decoded = actor.decode(np.array(actions, np.int32))
    assert actor.space == ours
    np.testing.assert_array_equal(decoded, expected)
    assert all(space.contains(one) for one in decoded)


def test_reals_are_cut_off_and_rounded() -> None:
    actor = acted(spaces.Box(np.array([-1.0, -np.inf]), np.array([1.0, np.inf]), dtype=np.float64))
    decoded = actor.decode(np.array([[-3.0, -3.0], [0.5, 9.0]], np.float32))
    np.testing.assert_array_equal(decoded, [[-1, -3], [0.5, 9]])
    assert decoded.dtype == np.float64 and actor.space.low.dtype == np.float32  # type: ignore[union-attr]
    whole = acted(spaces.Box(0, 3, (1,), np.int32)).decode(np.array([[1.6], [7.0]], np.float32))
    assert whole.tolist() == [[2], [3]] and whole.dtype == np.int32


@pytest.mark.parametrize("space", [spaces.Text(3), spaces.Sequence(spaces.Discrete(2)), spaces.Dict({})])
def test_spaces_that_cannot_be_observed_are_named(space: Any) -> None:
    with pytest.raises(ValueError, match=re.escape(str(space)) + ".*wrap the environment"):
        observed(space)


def test_spaces_that_cannot_be_acted_in_are_named() -> None:
    class Typist(Walk):
        action_space = spaces.Tuple((spaces.Discrete(2), spaces.Box(0, 1, (1,))))

    with pytest.raises(ValueError, match=r"walk cannot be used: action space Tuple\(.*wrap the environment"):
        gym_env.from_function(Typist, name="walk", max_steps=3)


@pytest.mark.parametrize(
    ("raw", "text"),
    [(np.ones(4), "4 entries where"), (np.array([1, 0, 0, 0, 0]), "forbids all actions of a choice")],
)
def test_a_wrong_mask_is_named(raw: Any, text: str) -> None:
    assert read_mask(MultiDiscrete((2, 3)), (np.array([1, 0]), np.array([0, 0, 1]))).tolist() == [1, 0, 0, 0, 1]
    with pytest.raises(ValueError, match=text):
        read_mask(MultiDiscrete((2, 3)), raw)
