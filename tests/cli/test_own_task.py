"""A user's own environment, policy and fitness, named as module:attribute on the command line."""

import sys

import pytest

from eggroll_ray.cli import own_task
from eggroll_ray.cli.app import main
from eggroll_ray.cli.options import PolicyOptions, TaskOptions, TrainOptions
from eggroll_ray.cli.own_names import check_own, own_names
from eggroll_ray.models.policies import Policy
from eggroll_ray.rl.env import Env, HostEnv

MODULE = """
import gymnasium as gym
import numpy as np
import eggroll_ray as er
from pettingzoo import ParallelEnv
from toy_games import team_env

record = team_env()
number, policy = 3, er.mlp((4,))
evaluator = er.from_fitness(lambda p, key: p["x"].sum(), {"x": np.zeros(2, np.float32)})


class Walk(gym.Env):
    observation_space, action_space = gym.spaces.Box(-1, 1, (2,)), gym.spaces.Discrete(2)

    def __init__(self, goal=0.5):
        self.goal = goal

    def reset(self, *, seed=None, options=None):
        self.x = 0.0
        return np.array([self.x, self.goal], np.float32), {}

    def step(self, action):
        self.x = float(np.clip(self.x + 0.1 * (2 * action - 1), -1, 1))
        return np.array([self.x, self.goal], np.float32), -abs(self.x - self.goal), False, False, {}


class Pair(ParallelEnv):
    metadata, possible_agents = {"name": "pair"}, ["a", "b"]

    def observation_space(self, agent):
        return gym.spaces.Box(0, 1, (1,))

    def action_space(self, agent):
        return gym.spaces.Discrete(2)

    def reset(self, seed=None, options=None):
        self.agents = [*self.possible_agents]
        return {a: np.zeros(1, np.float32) for a in self.agents}, {a: {} for a in self.agents}

    def step(self, actions):
        ends = {a: False for a in self.agents}
        return ({a: np.zeros(1, np.float32) for a in ends}, {a: 1.0 for a in ends}, ends, ends, {a: {} for a in ends})


def make(size=2):
    return record


def nets():
    return {"hunter": er.mlp((4,)), "prey": er.gru(4)}


def start():
    return {"x": np.zeros(3, np.float32)}


def target():
    return np.ones(3, np.float32)


def score(p, data, key):
    return -((p["x"] - data) ** 2).sum()


def slow(p, seed):
    return -float(((p["x"] - 1) ** 2).sum())


def broken():
    raise RuntimeError("out of order")
"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    (tmp_path / "own_things.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("own_things", None)


def test_an_environment_is_a_record_a_function_or_a_class():
    pytest.importorskip("gymnasium")
    pytest.importorskip("pettingzoo")
    for text, options, kind in (
        ("own_things:record", {}, Env),
        ("own_things:make", {"size": 3}, Env),
        ("own_things:Walk", {"goal": -0.5, "max_steps": 9}, HostEnv),
        ("own_things:Pair", {"max_episode_steps": 5}, HostEnv),
    ):
        made = own_task.own_environment(text, options)
        assert isinstance(made, kind)
        assert made.max_steps == next((value for name, value in options.items() if "steps" in name), made.max_steps)


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("own_things:number", {}, "is of type int; it must be an Env"),
        ("own_things:start", {}, "is of type dict; it must be an Env"),
        ("own_things:record", {"size": 1}, "takes no options"),
        ("own_things:make", {"sise": 1}, "TypeError: .*sise"),
        ("own_things:broken", {}, "RuntimeError: out of order"),
        ("own_things:Walk", {}, "max_steps=1000"),
        ("own_things:Pair", {}, "say --env-options max_steps=500"),
    ],
)
def test_what_is_no_environment_is_named(text, options, said):
    with pytest.raises(ValueError, match=said):
        own_task.own_environment(text, options)


def test_a_policy_is_a_record_or_a_function_of_one():
    assert isinstance(own_task.own_policy("own_things:policy"), Policy)
    assert set(own_task.own_policy("own_things:nets")) == {"hunter", "prey"}
    with pytest.raises(ValueError, match="is of type ndarray; it must be a Policy"):
        own_task.own_policy("own_things:target")


def test_a_fitness_has_parameters_a_kind_and_data():
    made = own_task.own_fitness(TaskOptions("own_things:score", "own_things:start", data="own_things:target"))
    assert made.init(0)["x"].shape == (3,)
    assert own_task.own_fitness(TaskOptions("own_things:evaluator")).init(0)["x"].shape == (2,)
    with pytest.raises(ValueError, match="needs its initial parameters: --params"):
        own_task.own_fitness(TaskOptions("own_things:score"))
    with pytest.raises(ValueError, match="is of type int; it must be a function"):
        own_task.own_fitness(TaskOptions("own_things:number"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (TrainOptions(), "an environment is needed, such as --env"),
        (TrainOptions("a/b", task=TaskOptions("m:f")), "are two tasks; leave out one"),
        (TrainOptions("a/b", task=TaskOptions(params="m:p")), "--params belongs to a --fitness"),
        (TrainOptions(task=TaskOptions("score")), "must have the form module:function"),
        (TrainOptions(task=TaskOptions("m:f", time_limit=1.0)), "is for --fitness-kind python"),
        (TrainOptions("a/b", policy=PolicyOptions("mpl")), "policy='mpl' is none of auto, .*did you mean mlp"),
    ],
)
def test_tasks_that_do_not_go_together_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        check_own(options)


def test_a_folder_names_all_code_that_it_would_run():
    task = TaskOptions("m:f", "m:p", data="d:x")
    assert own_names(TrainOptions(policy=PolicyOptions("n:net"), task=task)) == ["m:f", "m:p", "d:x", "n:net"]
    assert own_names(TrainOptions("m:Walk")) == ["m:Walk"]
    assert own_names(TrainOptions("gym/m:Walk-v0")) == [] == own_names(TrainOptions("gymnax/CartPole-v1"))


def test_a_run_of_a_fitness_of_ones_own_is_continued_and_looked_at(capsys, monkeypatch):
    monkeypatch.setattr("eggroll_ray.cli.fit.write_report", lambda run: "not drawn")
    own = ["--fitness", "own_things:slow", "--params", "own_things:start", "--fitness-kind", "python"]
    small = ["--population-size", "8", "--workers", "0", "--generations", "2", "--run", "run"]
    assert main(["train", *own, *small]) == 0
    shown = capsys.readouterr()
    assert "Finished: mean parameters -" in shown.out and "generation 2/2 | " in shown.err
    assert main(["eval", "run"]) == 2  # a folder may be somebody else's
    text = "own_things:slow,own_things:start"
    said = capsys.readouterr().err
    assert "names the fitness 'own_things:slow', the parameters 'own_things:start', which imports the module" in said
    assert f"add --trust-env {text}" in said
    trust = ["--trust-env", text]
    assert main(["resume", "run", "--generations", "3", *trust]) == 0
    assert main(["replay", "run", *trust]) == 0
    assert main(["eval", "run", "--episodes", "1", *trust]) == 0
    assert "own_things:slow after 3 generations: return" in capsys.readouterr().out


def test_an_environment_of_ones_own_is_trained_in_with_a_policy_of_ones_own(capsys, monkeypatch):
    pytest.importorskip("gymnasium")
    monkeypatch.setattr("eggroll_ray.cli.fit.write_report", lambda run: "not drawn")
    own = ["--env", "own_things:Walk", "--env-options", "max_steps=4", "--policy", "own_things:policy"]
    small = ["--population-size", "8", "--workers", "0", "--generations", "1", "--test-episodes", "2", "--run", "run"]
    assert main(["train", *own, *small, "--no-render"]) == 0
    assert "mean policy -" in capsys.readouterr().out
    assert main(["eval", "run", "--trust-env", "own_things:Walk,own_things:policy", "--episodes", "2"]) == 0


def test_an_unknown_environment_leads_to_ones_own(capsys):
    assert main(["train", "--env", "gymnax/Mine-v1", "--workers", "0"]) == 2
    said = capsys.readouterr().err
    assert "--env module:attribute" in said and "gym/module:Id-v0" in said and "from_function" in said
