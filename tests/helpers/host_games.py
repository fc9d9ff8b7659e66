"""Environments for the tests of environments in Python: a walk on a line with faults, rooms, a camera."""

from typing import Any

import numpy as np
import pytest

from eggroll_ray.rl.env import Box, HostEnv, HostTimestep, action_shape
from envs import gym_env

gymnasium = pytest.importorskip("gymnasium")
spaces = gymnasium.spaces

# Some suites warn of their own code when they are imported or played.
quiet = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::SyntaxWarning")


def seeds(*values: int) -> np.ndarray:
    return np.array(values, np.uint32)


def zeros(env: HostEnv, size: int) -> np.ndarray:
    kind = np.float32 if isinstance(env.action_space, Box) else np.int32
    axes = (size, len(env.agents)) if len(env.agents) > 1 else (size,)
    return np.zeros((*axes, *action_shape(env.action_space)), kind)


def play(env: HostEnv, *values: int, steps: int = 1000) -> list[HostTimestep]:
    """Plays an episode for each seed by actions of zero; the timesteps in order."""
    batch = env.make(len(values))
    shown = [batch.reset(seeds(*values))]
    alive = ~shown[-1].done
    while alive.any() and len(shown) <= steps:
        shown.append(batch.step(zeros(env, len(values)), alive))
        alive = alive & ~shown[-1].done
    batch.close()
    return shown


# What an environment needs beside its suite: the first part of its name -> a package.
NEEDS = {
    **{"ALE/": "ale_py", "LunarLander": "Box2D", "BipedalWalker": "Box2D", "CarRacing": "Box2D", "mpe2": "mpe2"},
    **dict.fromkeys(("Reacher", "Pusher", "Inverted", "HalfCheetah", "Hopper", "Swimmer"), "mujoco"),
    **dict.fromkeys(("Walker2d", "Ant", "Humanoid"), "mujoco"),
    **{"classic.chess": "chess", "classic.hanabi": "pyspiel", "classic.leduc": "rlcard", "classic.texas": "rlcard"},
    **{"sisl.multiwalker": "Box2D", "sisl": "scipy", "butterfly": "pymunk", "classic": "pygame"},
}


def need(name: str) -> None:
    """Skips a test whose environment is not installed."""
    for begin, package in NEEDS.items():
        if name.startswith(begin):
            pytest.importorskip(package)


class Walk(gymnasium.Env):
    """Ends after five steps; `fault` happens at step 2, or at the reset, of episodes with a seed of 3."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012
    observation_space = spaces.Box(-10, 10, (2,), np.float64)
    action_space = spaces.Box(-1, 1, (1,), np.float32)

    def __init__(self, fault: str = "", log: list[str] | None = None, render_mode: str | None = None):
        self.fault, self.log, self.render_mode = fault, [] if log is None else log, render_mode
        self.log.append("made")

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.faulty = self.fault if seed == 3 else ""
        self.time, self.position = 0, self.np_random.uniform(-1, 1)
        if self.faulty == "reset" or self.fault == "start":
            raise RuntimeError("no start")
        return self._observation(), {}

    def step(self, action: np.ndarray) -> Any:
        self.time += 1
        self.position += 0.1 * float(action[0]) + 0.01 * self.np_random.normal()
        if self.time == 2 and self.faulty == "raise":
            raise RuntimeError("the floor is gone")
        done = self.time >= 5 and self.faulty != "endless"
        return self._observation(), self.position, done, False, {}

    def _observation(self) -> np.ndarray:
        observation = np.array([self.position, self.time])
        if self.time == 2 and self.faulty == "nan":
            observation[0] = np.nan
        return observation[:1] if self.time == 2 and self.faulty == "shape" else observation

    def render(self) -> Any:
        if self.fault == "dark":
            raise OSError("no light")
        frame = np.zeros((40, 60, 3), np.uint8)
        frame[:, self.time * 10 : self.time * 10 + 5] = 255
        return frame

    def close(self) -> None:
        self.log.append("closed")
        if self.fault == "close":
            raise OSError("stuck")


def walk(fault: str = "", log: list[str] | None = None, **options: Any) -> HostEnv:
    options = {"max_steps": 8} | options
    return gym_env.from_function(lambda: Walk(fault, log), name="walk", **options)


class Rooms(gymnasium.Env):
    """Observes a dictionary with a mask; moves up to three rooms at once, but never past the last."""

    observation_space = spaces.Dict(
        {
            "room": spaces.Discrete(5, start=1),
            "clock": spaces.Box(0, 1, (), np.float32),
            "view": spaces.Box(0, 255, (2, 2, 1), np.uint8),
            "action_mask": spaces.MultiBinary(4),
        }
    )
    action_space = spaces.Discrete(4, start=-1)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.room, self.time = int(self.np_random.integers(1, 6)), 0
        return self._observation(), {}

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(action) and self._observation()["action_mask"][action + 1]
        self.room, self.time = self.room + action, self.time + 1
        return self._observation(), float(self.room == 5), False, self.time == 6, {}

    def _observation(self) -> dict[str, Any]:
        mask = np.array([1 <= self.room + move <= 5 for move in range(-1, 3)], np.int8)
        view = np.full((2, 2, 1), 51 * self.room, np.uint8)
        return {"room": self.room, "clock": np.float32(self.time / 6), "view": view, "action_mask": mask}


class Camera(gymnasium.Env):
    """Observes an image."""

    observation_space = spaces.Box(0, 255, (6, 5, 3), np.uint8)
    action_space = spaces.MultiDiscrete([2, 3])

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.time = 0
        return self._observation(), {}

    def step(self, action: np.ndarray) -> Any:
        self.time += 1
        return self._observation(), float(action.sum()), self.time == 4, False, {}

    def _observation(self) -> np.ndarray:
        return self.np_random.integers(0, 256, (6, 5, 3), np.uint8)
