"""Several agents in Python: different spaces in one array, players that come and go, turns, PettingZoo's games."""

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from host_games import need, play, quiet, seeds, spaces
from marks import mostly_slow

import eggroll_ray as er
from eggroll_ray.rl.checks.host_env import check_host_env
from eggroll_ray.rl.env import MultiDiscrete
from envs import pettingzoo_env
from envs.host.agents import team

pettingzoo = pytest.importorskip("pettingzoo")
pytestmark = pytest.mark.usefixtures("compile_quickly")


def test_agents_with_different_spaces_share_arrays() -> None:
    players = team(
        {"ant": spaces.Box(1, 2, (2,)), "bee": spaces.Box(-1, 1, (3,))},
        {"ant": spaces.Discrete(2), "bee": spaces.MultiDiscrete([3, 2])},
        masked=False,
    )
    layout = players.layout
    assert layout.observation_space.shape == (3,) and layout.action_space == MultiDiscrete((3, 2)) and layout.masked
    assert layout.observation_space.low.tolist() == [-1, -1, -1] and layout.observation_space.high.tolist() == [2, 2, 1]
    assert [box.shape for box, _ in layout.agent_spaces] == [(2,), (3,)]
    shown = players.observations({"ant": np.array([1.5, 2], np.float32)})
    np.testing.assert_array_equal(shown, [[1.5, 2, 0], [0, 0, 0]])
    everything = [[1, 1, 0, 1, 0], [1, 1, 1, 1, 1]]
    np.testing.assert_array_equal(players.mask({}), np.array(everything, bool))
    np.testing.assert_array_equal(players.mask({"ant": [0, 1]})[0], np.array([0, 1, 0, 1, 0], bool))
    decoded = layout.decode(np.array([[[1, 0], [2, 1]]]))
    assert decoded[0][0] == 1 and decoded[0][1].tolist() == [2, 1]


def test_agents_with_boxes_of_different_shapes_share_arrays() -> None:
    one = spaces.Discrete(2)
    players = team({"a": one, "b": one}, {"a": spaces.Box(-1, 1, (2, 2)), "b": spaces.Box(0, 5, (1,))}, False)
    assert players.layout.action_space.shape == (4,)  # type: ignore[union-attr]
    assert not players.layout.masked
    assert [space.shape for _, space in players.layout.agent_spaces] == [(4,), (1,)]  # type: ignore[union-attr]
    a, b = players.layout.decode(np.array([[[1, 2, 3, -4], [9, 9, 9, 9]]], np.float32))[0]
    assert a.tolist() == [[1, 1], [1, -1]] and b.tolist() == [5]
    with pytest.raises(ValueError, match="some agents have discrete actions and others a Box"):
        team({"a": one, "b": one}, {"a": one, "b": spaces.Box(0, 1, (1,))}, False)


class Relay(pettingzoo.AECEnv):
    """Players take turns; whoever acts gets its action as reward, the others a tenth of it.

    "ann" leaves after her second turn, and "cat" comes then; "bob" stays. All is over after eight turns.
    """

    metadata = {"name": "relay", "render_modes": []}  # noqa: RUF012
    possible_agents = ["ann", "bob", "cat"]  # noqa: RUF012

    def __init__(self, newcomer: str = "cat"):
        super().__init__()
        self.newcomer, self.render_mode = newcomer, None

    def observation_space(self, agent: str) -> Any:
        return spaces.Box(0, 100, (2,), np.float32)

    def action_space(self, agent: str) -> Any:
        return spaces.Discrete(4)

    def observe(self, agent: str) -> Any:
        return np.array([self.turns, "ann bob cat".split().index(agent) + 1], np.float32)

    def reset(self, seed: int | None = None, options: Any = None) -> None:
        self.agents, self.turns = ["ann", "bob"], 0
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations, self.truncations = dict.fromkeys(self.agents, False), dict.fromkeys(self.agents, False)
        self.infos = {agent: {} for agent in self.agents}
        self.agent_selection, self._skip_agent_selection = "ann", None

    def step(self, action: Any) -> None:
        acting = self.agent_selection
        if self.terminations[acting]:
            self._was_dead_step(action)
            return
        self.turns += 1
        self._cumulative_rewards[acting] = 0
        self.rewards = {agent: action if agent == acting else action / 10 for agent in self.agents}
        self._accumulate_rewards()
        order = self.agents.index(acting)
        self.agent_selection = self.agents[(order + 1) % len(self.agents)]
        if acting == "ann" and self.turns == 3:
            self.terminations["ann"] = True
            self.agents.append(self.newcomer)
            for table, value in (
                (self.rewards, 0.0),
                (self._cumulative_rewards, 0.0),
                (self.terminations, False),
                (self.truncations, False),
                (self.infos, {}),
            ):
                table[self.newcomer] = value
        if self.turns == 8:
            self.terminations = dict.fromkeys(self.agents, True)
        self._deads_step_first()


def test_players_that_take_turns_come_and_go() -> None:
    env = pettingzoo_env.from_function(Relay, name="relay", max_steps=20)
    assert env.agents == ("ann", "bob", "cat") and env.render is None
    check_host_env(env)
    batch = env.make(1)
    shown = [batch.reset(seeds(0))]
    while not shown[-1].done[0]:
        # All act, but only the one whose turn it is counts: ann plays 1, bob 2, cat 3.
        shown.append(batch.step(np.array([[1, 2, 3]]), np.ones(1, bool)))
    present = [(one.observation[0, :, 1] > 0).tolist() for one in shown]
    assert present == [[True, True, False]] * 3 + [[False, True, True]] * 5 + [[False, False, False]]
    rewards = np.array([one.reward[0] for one in shown[1:]])
    ann, bob, cat = [1, 0.1, 0], [0.2, 2, 0], [0, 0.3, 3]
    bob_after = [0, 2, 0.2]
    expected = [ann, bob, ann, bob_after, cat, bob_after, cat, bob_after]
    np.testing.assert_allclose(rewards, expected, rtol=1e-6)


def test_a_player_that_was_not_announced_is_a_failure() -> None:
    env = pettingzoo_env.from_function(lambda: Relay("dan"), name="relay", max_steps=20)
    shown = play(env, 0)
    assert "agents ['dan'] are not among possible_agents ['ann', 'bob', 'cat']" in shown[-1].failed[0]
    assert len(shown) == 4 and shown[-1].done.all()


def test_turns_are_cut_at_the_limit() -> None:
    shown = play(pettingzoo_env.from_function(Relay, name="relay", max_steps=4), 0)
    assert [bool(one.done[0]) for one in shown] == [False] * 4 + [True]


class Pond(pettingzoo.ParallelEnv):
    """All act at once: "cod" dies at step 2 with a last reward, "eel" comes at step 3 and is alone from step 4 on."""

    metadata = {"name": "pond"}  # noqa: RUF012
    possible_agents = ["bass", "cod", "eel"]  # noqa: RUF012

    def __init__(self, blind: bool = False):
        self.blind, self.render_mode = blind, None

    def observation_space(self, agent: str) -> Any:
        return spaces.Box(0, 9, (1,), np.float32)

    def action_space(self, agent: str) -> Any:
        return spaces.Discrete(3)

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        self.agents, self.time = ["bass", "cod"], 0
        return self._observations(), {agent: {} for agent in self.agents}

    def step(self, actions: dict[str, Any]) -> Any:
        assert set(actions) == set(self.agents)
        self.time += 1
        rewards = {agent: float(action) for agent, action in actions.items()}
        ended = {2: ["cod"], 4: ["bass"], 6: ["eel"]}.get(self.time, [])
        done = {agent: agent in ended for agent in self.agents}
        self.agents = [agent for agent in self.agents if agent not in ended] + (["eel"] if self.time == 3 else [])
        nothing = dict.fromkeys(done, False)
        return self._observations(), rewards, done, nothing, {agent: {} for agent in self.agents}

    def _observations(self) -> dict[str, Any]:
        shown = {agent: np.array([self.time + 1], np.float32) for agent in self.agents}
        return {agent: one for agent, one in shown.items() if not (self.blind and agent == "eel")}


def test_players_that_act_at_once_come_and_go() -> None:
    env = pettingzoo_env.from_function(Pond, name="pond", max_steps=20)
    check_host_env(env)
    batch = env.make(1)
    shown = [batch.reset(seeds(0))]
    while not shown[-1].done[0]:
        shown.append(batch.step(np.array([[1, 2, 2]]), np.ones(1, bool)))
    assert [one.observation[0, :, 0].tolist() for one in shown] == [
        *([1, 1, 0], [2, 2, 0], [3, 0, 0], [4, 0, 4], [0, 0, 5], [0, 0, 6], [0, 0, 0])
    ]
    assert [one.reward[0].tolist() for one in shown[1:]] == [
        *([1, 2, 0], [1, 2, 0], [1, 0, 0], [1, 0, 2], [0, 0, 2], [0, 0, 2])
    ]


def test_a_player_without_an_observation_is_a_failure() -> None:
    shown = play(pettingzoo_env.from_function(lambda: Pond(blind=True), name="pond", max_steps=20), 0)
    assert "agents ['eel'] are present, but get no observation" in shown[-1].failed[0] and len(shown) == 4


@quiet
def test_tictactoe_is_won_by_three_in_a_row() -> None:
    env = pettingzoo_env.make("classic.tictactoe_v3")
    assert env.agents == ("player_1", "player_2") and env.max_steps == 9
    batch = env.make(2)
    shown = batch.reset(seeds(1, 2))
    assert shown.mask.all()
    # player_1 fills a column of PettingZoo's board, 0 1 2, in the first game; in the second player_2 does.
    games = np.array([[0, 3, 1, 4, 2, 0], [8, 0, 4, 1, 3, 2]])
    for turn in range(6):
        acting = turn % 2
        actions = np.full((2, 2), 8)  # of the one whose turn it is not: it must not matter
        actions[:, acting] = games[:, turn]
        alive = np.array([turn < 5, True])
        shown = batch.step(actions, alive)
        if turn == 4:
            np.testing.assert_array_equal(shown.reward, [[1, -1], [0, 0]])
            assert shown.done.tolist() == [True, False]
            free = [square not in games[1, :5] for square in range(9)]
            np.testing.assert_array_equal(shown.mask[1], [[True] * 9, free])
            own, other = shown.observation[1, 1, :, :, 0], shown.observation[1, 1, :, :, 1]
            assert np.flatnonzero(own).tolist() == [0, 1] and np.flatnonzero(other).tolist() == [3, 4, 8]
    np.testing.assert_array_equal(shown.reward[1], [-1, 1])
    assert shown.done.all() and not shown.failed


@quiet
@pytest.mark.parametrize(
    "name",
    mostly_slow(
        ("tictactoe_v3", "connect_four_v3", "leduc_holdem_v4", "texas_holdem_v4", "hanabi_v5", "go_v5"),
        quick=("connect_four_v3",),
    ),
)
def test_rewards_of_turns_add_up_to_what_pettingzoo_tells_each_agent(name: str) -> None:
    """By PettingZoo's own rule an agent's return is the sum of what `last()` tells it, in turns and when it is dead."""
    need(f"classic.{name}")
    host = pettingzoo_env.make(f"classic.{name}")
    module = __import__(f"pettingzoo.classic.{name}", fromlist=["env"])
    for seed in range(3):
        rng = np.random.default_rng(seed)
        batch, own = host.make(1), module.env()
        shown, totals = batch.reset(seeds(seed)), np.zeros(2)
        own.reset(seed=seed)
        told = dict.fromkeys(host.agents, 0.0)
        while not shown.done[0]:
            while own.terminations[own.agent_selection]:
                told[own.agent_selection] += own.last(observe=False)[1]
                own.step(None)
            turn = own.agent_selection
            observation, reward, *_ = own.last()
            told[turn] += reward
            move = rng.choice(np.flatnonzero(observation["action_mask"]))
            own.step(int(move))
            actions = np.zeros((1, 2), np.int32)
            actions[0, host.agents.index(turn)] = move
            shown = batch.step(actions, np.ones(1, bool))
            totals += shown.reward[0]
        while own.agents:
            told[own.agent_selection] += own.last(observe=False)[1]
            own.step(None)
        np.testing.assert_allclose(totals, list(told.values()), rtol=1e-6)
        assert not shown.failed


@quiet
def test_a_single_agent_has_no_axis() -> None:
    pytest.importorskip("mpe2")
    env = pettingzoo_env.make("mpe2.simple_v3", max_cycles=7)
    assert env.agents == ("agent_0",) and env.max_steps == 7
    shown = play(env, 1, 2)
    assert shown[0].observation.shape == (2, 4) and shown[0].reward.shape == (2,) and len(shown) == 8


class Pushers(pettingzoo.ParallelEnv):
    """Two agents whose actions have different shapes; each is paid the sum of its own, for three steps."""

    metadata = {"name": "pushers", "render_modes": []}  # noqa: RUF012
    possible_agents = ["a", "b"]  # noqa: RUF012
    shapes = {"a": (2, 2), "b": (1,)}  # noqa: RUF012

    def observation_space(self, agent):
        return spaces.Box(-1, 1, (1,))

    def action_space(self, agent):
        return spaces.Box(-1, 1, self.shapes[agent])

    def reset(self, seed=None, options=None):
        self.agents, self.time = list(self.possible_agents), 0
        return {agent: np.zeros(1, np.float32) for agent in self.agents}, {agent: {} for agent in self.agents}

    def step(self, actions):
        assert {agent: action.shape for agent, action in actions.items()} == self.shapes
        self.time += 1
        rewards = {agent: float(action.sum()) for agent, action in actions.items()}
        seen, over = ({agent: value for agent in self.agents} for value in (np.zeros(1, np.float32), self.time == 3))
        return seen, rewards, over, over, {agent: {} for agent in self.agents}


@quiet
def test_agents_with_boxes_of_different_shapes_are_trained() -> None:
    env = pettingzoo_env.from_function(Pushers, name="pushers", max_steps=3)
    check_host_env(env)
    with er.Trainer(er.from_host_env(env, er.mlp((4,))), population_size=8, watch=er.Watch(episodes=2)) as trainer:
        result = trainer.fit(1)
    assert result.test is not None and np.isfinite(result.test).all()


@quiet
def test_cycles_of_a_game_in_turns_are_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    rps = pytest.importorskip("pettingzoo.classic.rps.rps")
    monkeypatch.setitem(sys.modules, "only_in_turns", SimpleNamespace(env=rps.env))
    assert pettingzoo_env.make("classic.rps_v2").max_steps == 15  # there both act at once
    assert pettingzoo_env.make("only_in_turns").max_steps == 30
    assert pettingzoo_env.make("only_in_turns", max_cycles=4).max_steps == 8


@quiet
def test_a_wrong_pettingzoo_id_is_explained() -> None:
    with pytest.raises(ValueError, match=r"pettingzoo/classic.chesss_v1 cannot be made: ModuleNotFoundError"):
        pettingzoo_env.make("classic.chesss_v1")
    with pytest.raises(ValueError, match="does not say when an episode ends at the latest; give max_steps"):
        pettingzoo_env.from_function(Relay, name="relay", max_steps=0)
