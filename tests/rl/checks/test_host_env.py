"""check_host_env finds every breach of the contract.

The sound batch is a walk in the plane; its spoilt twin changes what is shown.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from eggroll_ray.rl.checks.host_env import check_host_env
from eggroll_ray.rl.env import Box, Discrete, HostEnv, HostTimestep

Change = Callable[[HostTimestep, "Plane"], HostTimestep]


class Plane:
    """A `HostBatch` of six steps, with a mask; `change` spoils what it shows."""

    def __init__(self, change: Change | None, size: int):
        self.change, self.size = change, size
        self.episodes = 0

    def reset(self, seeds: np.ndarray) -> HostTimestep:
        self.rngs = [np.random.default_rng(int(seed)) for seed in seeds]
        self.position = np.stack([rng.uniform(-0.5, 0.5, (2, 3)) for rng in self.rngs])
        self.time, self.alive = 0, np.ones(self.size, bool)
        self.episodes += 1
        return self._shown(np.zeros((self.size, 2)))

    def step(self, actions: np.ndarray, alive: np.ndarray) -> HostTimestep:
        self.time, self.alive = self.time + 1, alive
        noise = np.stack([rng.normal(size=(2, 3)) for rng in self.rngs])
        self.position = np.clip(self.position + 0.1 * actions[..., None] + 0.1 * noise, -5, 5)
        return self._shown(self.position.sum(axis=2))

    def close(self) -> None:
        pass

    def _shown(self, reward: np.ndarray) -> HostTimestep:
        observation = self.position.astype(np.float32)
        observation[:, 1, 2] = 0  # the second agent observes two numbers
        mask = np.ones((self.size, 2, 4), bool)
        mask[:, 1, 3] = False  # and has three actions
        shown = HostTimestep(observation, reward.astype(np.float32), np.full(self.size, self.time >= 6), mask)
        return shown if self.change is None else self.change(shown, self)


def plane(change: Change | None = None, **declared: Any) -> HostEnv:
    own = ((Box.of((3,), -5, 5), Discrete(4)), (Box.of((2,), -5, 5), Discrete(3)))
    env = HostEnv("plane", lambda size: Plane(change, size), Box.of((3,), -5, 5), Discrete(4), 6, ("a", "b"), own)
    return env._replace(**declared)


def shows(at: int | None = None, **values: Any) -> Change:
    """Changes what is shown at one time, or at all times: values, or functions of the sound value."""

    def change(shown: HostTimestep, batch: Plane) -> HostTimestep:
        if at is not None and batch.time != at:
            return shown
        return shown._replace(**{k: v(getattr(shown, k)) if callable(v) else v for k, v in values.items()})

    return change


def put(index: Any, value: Any) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        array = array.copy()
        array[index] = value
        return array

    return change


def adds(number: Callable[[Plane], Any]) -> Change:
    return lambda shown, batch: shown._replace(observation=shown.observation + np.float32(number(batch)))


def reports_the_dead(shown: HostTimestep, batch: Plane) -> HostTimestep:
    done = shown.done | (np.arange(batch.size) == 0) & (batch.time >= 2)
    return shown._replace(done=done, failed={0: "stepped too often"} if batch.time == 4 and batch.size > 1 else {})


BROKEN = {
    "max_steps is 0": plane(max_steps=0),
    "agents is empty": plane(agents=()),
    "agents are ('a', 'a')": plane(agents=("a", "a")),
    "action_space has n = 0": plane(action_space=Discrete(0), agent_spaces=()),
    "agent_spaces has 1 entries for 2 agents": plane(agent_spaces=plane().agent_spaces[:1]),
    "reset gives observation as float64[4, 2, 3]; it must be float32[4, 2, 3] or uint8[4, 2, 3]": plane(
        shows(observation=lambda array: array.astype(np.float64))
    ),
    "step 1 gives reward as float32[4]": plane(shows(at=1, reward=lambda array: array[:, 0])),
    "reset gives done as int64[4]": plane(shows(done=lambda array: array.astype(np.int64))),
    "reset gives mask as bool[4, 4]": plane(shows(mask=lambda array: array[:, 0])),
    "reset gives observation as list": plane(shows(observation=lambda array: array.tolist())),
    "reset gives no mask, but by agent_spaces": plane(shows(mask=())),
    "reset gives a mask for actions in a Box": plane(action_space=Box.of((), -1, 1), agent_spaces=()),
    "step 2 gives float32 observations and no mask": plane(shows(at=2, mask=()), agent_spaces=()),
    "step 3 gives uint8 observations": plane(shows(at=3, observation=lambda array: array.astype(np.uint8))),
    "reset gives reward [[0.0, 1.0]": plane(shows(at=0, reward=put((slice(None), 1), 1))),
    "reset gives reward [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]] and done [True": plane(
        shows(at=0, done=put(0, True))
    ),
    "step 4 gives reward [": plane(shows(at=4, reward=put((1, 0), np.inf))),
    "step 1 gives observation [[": plane(shows(at=1, observation=put((0, 0, 0), np.nan))),
    "step 1 gives observation[0, 1] = 7.0, outside its bounds -5.0 .. 5.0": plane(
        shows(at=1, observation=put((2, 0, 1), 7))
    ),
    "step 2 gives observation[1, 2] = 1.0, which 'b' does not have": plane(
        shows(at=2, observation=put((0, 1, 2), 1)),
    ),
    "step 2 gives a mask that excludes every action of 'a'": plane(shows(at=2, mask=put((3, 0), False))),
    "reset gives a mask that allows entry 3, an action that 'b' does not have": plane(shows(mask=put((0, 1), True))),
    "step 3 failed at index 1 of the batch: fell": plane(shows(at=3, failed={1: "fell"})),
    "step 4 reports failures at indices [0] of the batch, which should not have been stepped": plane(reports_the_dead),
    "did not end within max_steps = 5": plane(max_steps=5),
    "when it was played again at place 0 of the batch": plane(
        adds(lambda batch: np.eye(3)[0] * 0.1 * batch.episodes), agent_spaces=()
    ),
    "when it was played again at place 2 of the batch": plane(
        adds(lambda batch: 0.1 * (np.arange(batch.size) == 2)[:, None, None] * np.eye(3)[0]),
        agent_spaces=(),
    ),
    "when it was played in a batch of its own": plane(
        adds(lambda batch: np.eye(3)[0] * 0.1 * batch.size), agent_spaces=()
    ),
}


def test_check_host_env_accepts_a_sound_environment() -> None:
    check_host_env(plane())
    check_host_env(plane(max_steps=9), seed=3)
    check_host_env(plane(shows(mask=()), agent_spaces=()))


@pytest.mark.parametrize("text", BROKEN)
def test_check_host_env_names_what_is_broken(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)) as error:
        check_host_env(BROKEN[text])
    assert "environment 'plane'" in str(error.value) and "; " in str(error.value)
