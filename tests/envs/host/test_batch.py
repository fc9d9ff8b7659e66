"""A batch of environments in Python: failures, limits, and what is left alone."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from host_games import Walk, play, seeds, walk

from eggroll_ray.rl.checks.host_env import check_host_env
from eggroll_ray.rl.env import HostEnv
from envs import gym_env


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("raise", "step 2 of the episode with seed 3: RuntimeError: the floor is gone"),
        ("nan", "step 2 of the episode with seed 3: observation [nan"),
        ("shape", "step 2 of the episode with seed 3: ValueError: observation of shape (1,) where the space has (2,)"),
        ("reset", "reset of the episode with seed 3: RuntimeError: no start"),
    ],
)
def test_one_failure_leaves_the_others_alone(fault: str, text: str) -> None:
    log: list[str] = []
    sound, faulty = play(walk(), 1, 3, 2), play(walk(fault, log), 1, 3, 2)
    at = 0 if fault == "reset" else 2
    assert len(faulty) == len(sound) == 6
    for time, (one, other) in enumerate(zip(sound, faulty, strict=True)):
        np.testing.assert_array_equal(one.observation[[0, 2]], other.observation[[0, 2]])
        np.testing.assert_array_equal(one.reward[[0, 2]], other.reward[[0, 2]])
        assert set(other.failed) == ({1} if time == at else set())
    assert faulty[at].failed[1].startswith(text)
    assert faulty[at].done.tolist() == [False, True, False] and not faulty[at].observation[1].any()


def test_an_environment_that_failed_is_made_anew() -> None:
    log: list[str] = []
    batch = walk("raise", log).make(2)
    log.clear()
    batch.reset(seeds(1, 3))
    shown = [batch.step(np.zeros((2, 1), np.float32), np.ones(2, bool)) for _ in range(2)][1]
    assert set(shown.failed) == {1} and log == ["closed"]
    shown = batch.reset(seeds(3, 1))
    assert log == ["closed", "made"] and not shown.failed
    np.testing.assert_array_equal(shown.observation[1], play(walk(), 1, steps=0)[0].observation[0])
    batch.close()
    assert log == ["closed", "made", "closed", "closed"]


def test_an_environment_that_cannot_be_made_anew_fails_again() -> None:
    made = []

    def make() -> Walk:
        made.append(1)
        if len(made) > 4:
            raise OSError("no memory")
        return Walk("raise")

    batch = gym_env.from_function(make, name="walk", max_steps=8).make(2)
    for _ in range(2):
        batch.reset(seeds(1, 3))
        for _ in range(2):
            shown = batch.step(np.zeros((2, 1), np.float32), np.array([True, True]))
    failed = batch.reset(seeds(1, 2)).failed
    assert set(shown.failed) == {1} and failed[1].endswith("OSError: no memory") and set(failed) == {1}


def test_an_environment_that_never_ends_is_cut() -> None:
    shown = play(walk("endless"), 3, 1)
    assert [one.done.tolist() for one in shown[1:]] == [[False, False]] * 4 + [[False, True]] * 3 + [[True, True]]


def test_one_that_cannot_be_closed_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match="OSError: stuck"):
        walk("close")
    with caplog.at_level("WARNING"):
        env = gym_env.from_function(lambda: Unclosed(), name="walk", max_steps=8)
        batch = env.make(1)
        batch.close()
    assert "could not be closed: OSError: stuck" in caplog.text


class Unclosed(Walk):
    """Can be closed when it has not been played for long."""

    made = 0

    def __init__(self) -> None:
        super().__init__()
        Unclosed.made += 1
        self.fault = "close" if Unclosed.made > 2 else ""


@pytest.mark.parametrize("make", [walk, lambda: gym_env.make("Pendulum-v1")])
def test_an_action_that_is_not_finite_ends_the_episode_with_a_return_of_nan(make: Callable[[], HostEnv]) -> None:
    batch = make().make(3)
    batch.reset(seeds(1, 2, 4))
    shown = batch.step(np.array([[0.5], [np.nan], [np.inf]], np.float32), np.array([True, True, False]))
    assert np.isnan(shown.reward).tolist() == [False, True, False] and shown.done.tolist() == [False, True, True]
    assert not shown.failed and np.isfinite(shown.observation).all()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((np.zeros((2, 2), np.float32), np.ones(2, bool)), "actions of shape (2, 2) where (2, 1) is expected"),
        ((np.zeros((3, 1), np.float32), np.ones(2, bool)), "actions of shape (3, 1) where (2, 1) is expected"),
    ],
)
def test_actions_of_another_shape_are_refused(arguments: Any, text: str) -> None:
    batch = walk().make(2)
    batch.reset(seeds(1, 2))
    with pytest.raises(ValueError, match=re.escape(text)):
        batch.step(*arguments)
    with pytest.raises(ValueError, match=re.escape("seeds of shape (3,) for a batch of 2")):
        batch.reset(seeds(1, 2, 3))


def test_those_that_have_ended_are_not_stepped() -> None:
    class Once(Walk):
        def step(self, action: np.ndarray) -> Any:
            assert self.time < 5
            return super().step(action)

    batch = gym_env.from_function(Once, name="once", max_steps=99).make(2)
    batch.reset(seeds(1, 2))
    for _ in range(5):
        batch.step(np.zeros((2, 1), np.float32), np.array([True, False]))
    shown = batch.step(np.zeros((2, 1), np.float32), np.array([False, True]))
    assert not shown.failed and shown.done.tolist() == [True, False]
    assert set(batch.step(np.zeros((2, 1), np.float32), np.array([True, True])).failed) == {0}


def test_a_leak_from_one_episode_to_the_next_is_found_and_mended() -> None:
    class Leaking(Walk):
        episodes = 0

        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            observation, info = super().reset(seed=seed)
            self.episodes += 1
            return observation + self.episodes, info

    with pytest.raises(ValueError, match="gives another observation when it was played again at place 0"):
        check_host_env(gym_env.from_function(Leaking, name="leaking", max_steps=8))
    check_host_env(gym_env.from_function(Leaking, name="leaking", max_steps=8, renew=True))
