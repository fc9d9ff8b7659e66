"""Environments that are not written as Gymnasium and PettingZoo write theirs today, and those a script registers."""

import re
from collections.abc import Iterator
from typing import Any

import cloudpickle
import numpy as np
import pytest
from host_games import gymnasium, play, quiet, spaces

from envs import gym_env, pettingzoo_env

START, SHOWN = np.array([0.5], np.float32), np.array([0.25], np.float32)


class Today(gymnasium.Env):
    """Ends at step 2 of episodes with an even seed, is cut at step 3 of others; pays 2 a step."""

    observation_space = spaces.Box(-1, 1, (1,), np.float32)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        self.step_number, self.odd = 0, seed % 2
        return START, {}

    def step(self, action):
        self.step_number += 1
        return SHOWN, 2.0, self.step_number == 2 and not self.odd, self.step_number == 3, {}


class ShowsNoInfo(Today):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed)[0]


class InfoIsNone(Today):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed)[0], None

    def step(self, action):
        return (*super().step(action)[:4], None)


class FourValues(Today):
    def step(self, action):
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, reward, terminated or truncated, info


class SeededApart(FourValues):
    def seed(self, seed):
        self.given = seed

    def reset(self):
        return super().reset(seed=self.given)[0]


class Arrays(Today):
    def step(self, action):
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, np.array([reward]), np.array([terminated]), np.array([[truncated]]), info


@pytest.mark.parametrize("env", [Today, ShowsNoInfo, InfoIsNone, FourValues, SeededApart, Arrays])
def test_what_is_meant_is_taken(env: Any) -> None:
    shown = play(gym_env.from_function(env, name="own", max_steps=9), 4, 5)
    assert [one.observation[0, 0] for one in shown[:2]] == [0.5, 0.25]
    assert [one.reward[1] for one in shown] == [0, 2, 2, 2]
    assert [one.done.tolist() for one in shown] == [[False, False], [False, False], [True, False], [True, True]]
    assert not any(one.failed for one in shown)


def stepping(*values: Any) -> type[Today]:
    """An environment whose step returns these values."""

    class Wrong(Today):
        def step(self, action):
            return values

    return Wrong


@pytest.mark.parametrize(
    ("env", "text"),
    [
        (stepping(SHOWN, np.ones(2), False, False, {}), r"reward array\(\[1\., 1\.\]\) is not one number"),
        (stepping(SHOWN, None, False, False, {}), "reward None is not one number"),
        (stepping(SHOWN, 1.0, np.zeros(2, bool), False, {}), r"terminated array\(\[False, False\]\) is not one truth"),
        (stepping(SHOWN, 1.0, False, "no", {}), "truncated 'no' is not one truth value"),
        (
            stepping(SHOWN, 1.0, {}),
            r"step returned 3 values; return \(observation, reward, terminated, truncated, info",
        ),
    ],
)
def test_what_is_not_clear_is_explained(env: Any, text: str) -> None:
    shown = play(gym_env.from_function(env, name="own", max_steps=9), 4)
    assert len(shown) == 2 and re.search(f"step 1 of the episode with seed 4: .*{text}", shown[1].failed[0])


def test_an_environment_that_takes_no_seed_is_refused() -> None:
    class Chance(Today):
        def reset(self):
            return START, {}

    with pytest.raises(ValueError, match=r"keyword argument 'seed'; write reset\(self, \*, seed=None, options=None\)"):
        gym_env.from_function(Chance, name="own", max_steps=9)


# --- Registered by somebody's script.


class WithoutMode(Today):
    """Its constructor takes no `render_mode`."""

    def __init__(self, reward: float = 2.0):
        self.reward = reward

    def step(self, action):
        observation, _, *rest = super().step(action)
        return observation, self.reward, *rest


@pytest.fixture
def registered() -> Iterator[str]:
    gymnasium.register("Own/Walk-v3", WithoutMode, max_episode_steps=7, kwargs={"reward": 5.0})
    yield "Own/Walk-v3"
    gymnasium.registry.pop("Own/Walk-v3", None)


@quiet
def test_a_registered_environment_travels_to_where_it_is_not_registered(registered: str) -> None:
    env = gym_env.make(registered)
    travelled = cloudpickle.dumps(env)
    gymnasium.registry.pop(registered)
    env = cloudpickle.loads(travelled)
    assert env.max_steps == 7
    assert [one.reward[0] for one in play(env, 5)] == [0, 5, 5, 5]


@quiet
def test_options_and_wrappers_reach_a_registered_environment(registered: str) -> None:
    doubled = gym_env.make(
        registered, reward=3.0, wrappers=(lambda env: gymnasium.wrappers.TransformReward(env, lambda r: 2 * r),)
    )
    assert [one.reward[0] for one in play(doubled, 5)] == [0, 6, 6, 6]


# --- PettingZoo.


def parallel(before_1_23: bool) -> Any:
    """Two agents; ends at step 2 for one agent, is cut at step 3 for the other."""
    pettingzoo = pytest.importorskip("pettingzoo")

    class Own(pettingzoo.ParallelEnv):
        metadata = {"name": "own"}  # noqa: RUF012
        possible_agents = ["one", "two"]  # noqa: RUF012

        def observation_space(self, agent):
            return Today.observation_space

        def action_space(self, agent):
            return Today.action_space

        def reset(self, seed=None, options=None):
            self.agents, self.time = ["one", "two"], 0
            shown = dict.fromkeys(self.agents, START)
            return shown if before_1_23 else (shown, dict.fromkeys(self.agents))

        def step(self, actions):
            self.time += 1
            terminated = {agent: self.time == 2 and agent == "one" for agent in actions}
            truncated = {agent: self.time == 3 for agent in actions}
            shown, rewards = dict.fromkeys(actions, SHOWN), dict.fromkeys(actions, np.ones(1))
            self.agents = [agent for agent in actions if not (terminated[agent] or truncated[agent])]
            ends = (
                ({agent: terminated[agent] or truncated[agent] for agent in actions},)
                if before_1_23
                else (terminated, truncated)
            )
            return (shown, rewards, *ends, {})

    return Own


@quiet
@pytest.mark.parametrize("before_1_23", [False, True])
def test_parallel_environments_of_both_interfaces_end_and_are_cut(before_1_23: bool) -> None:
    """An agent that is cut before `max_steps` has left, and the episode ends with the last agent."""
    shown = play(pettingzoo_env.from_function(parallel(before_1_23), name="own", max_steps=9), 4)
    assert [one.reward[0].tolist() for one in shown] == [[0, 0], [1, 1], [1, 1], [0, 1]]
    assert [bool(one.done[0]) for one in shown] == [False, False, False, True]
    assert not any(one.failed for one in shown)
