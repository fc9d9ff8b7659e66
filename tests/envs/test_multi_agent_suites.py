"""JaxMARL and pgx: the contract on every id, values worked out by hand, travel, and pictures.

Adapters are imported as modules, so that these tests do not depend on the table of suites.
"""

import functools
import re
import subprocess
import sys
import xml.etree.ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from marks import mostly_slow
from PIL import Image

from eggroll_ray.rl.checks.env import check_env
from eggroll_ray.rl.env import Box, Discrete, Env, Timestep
from envs import jaxmarl_env, pgx_env

pytestmark = pytest.mark.usefixtures("compile_quickly")

KEY = jax.random.key(0)


def marl(name: str, **options: Any) -> Env:
    pytest.importorskip("jaxmarl")
    return jaxmarl_env.make(name, **options)


def game(name: str, **options: Any) -> Env:
    pytest.importorskip("pgx")
    return pgx_env.make(name, **options)


@functools.cache
def compiled(make: Callable[..., Env], name: str, **options: Any) -> Env:
    """An environment whose programs are compiled once for all tests that play it by hand."""
    env = make(name, **options)
    return env._replace(reset=jax.jit(env.reset), step=jax.jit(env.step))


# --- Every environment keeps the contract. Long episodes are cut: the check plays each to its end.

SHORT_MARL: dict[str, int] = dict.fromkeys(
    ("overcooked", "overcooked_v2", "storm", "storm_2p", "storm_np", "jaxnav"), 50
)
SHORT_MARL |= dict.fromkeys(("ant_4x2", "halfcheetah_6x1", "hopper_3x1", "humanoid_9|8", "walker2d_2x3"), 10)
SHORT_GAMES = {"shogi": 40, "chess": 60, "go_19x19": 100, "2048": 200}
SHORT_GAMES |= {name: 100 for name in pgx_env.names() if name.startswith("minatar")}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", mostly_slow(jaxmarl_env.names(), quick=["switch_riddle"]))
def test_jaxmarl_keeps_the_contract(name: str) -> None:
    check_env(marl(name, max_steps=SHORT_MARL.get(name)))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", mostly_slow(pgx_env.names(), quick=["tic_tac_toe"]))
def test_pgx_keeps_the_contract(name: str) -> None:
    check_env(game(name, max_steps=SHORT_GAMES.get(name)))


OPTIONS = [
    ("MPE_simple_spread_v3", {"action_type": "Continuous", "num_agents": 2, "num_landmarks": 4}),
    ("MPE_simple_speaker_listener_v4", {"action_type": "Continuous"}),
    ("MPE_simple_world_comm_v3", {"action_type": "Discrete"}),
    ("MPE_simple_facmac_3a_v1", {"max_steps": 40}),
    ("SMAX", {"scenario": "3s_vs_5z", "max_steps": 30}),
    ("HeuristicEnemySMAX", {"action_type": "Continuous".lower(), "max_steps": 30}),
    ("hanabi", {"num_agents": 3, "num_colors": 2, "num_ranks": 5}),
    ("overcooked", {"layout": "asymm_advantages", "max_steps": 20, "shaping": 0.5}),
    ("jaxnav", {"act_type": "Discrete", "evaporating": True, "max_steps": 20}),
    ("coin_game", {"num_outer_steps": 1, "cnn": True}),
]


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=[name for name, _ in OPTIONS])
def test_options_keep_the_contract(name: str, options: dict[str, Any]) -> None:
    check_env(marl(name, **options))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options"), [("go_9x9", {"max_terminal_steps": 40}), ("backgammon", {})])
def test_options_of_games_keep_the_contract(name: str, options: dict[str, Any]) -> None:
    env = game(name, **options)
    assert env.max_steps == options.get("max_terminal_steps", 1000)
    check_env(env, key_seed=5)


# --- The catalogues and the errors.


def test_the_catalogue_agrees_with_jaxmarl(capsys: pytest.CaptureFixture[str]) -> None:
    marl("switch_riddle")  # imports it, without a word
    assert capsys.readouterr() == ("", "")
    import jaxmarl

    assert {*jaxmarl_env.names(), *jaxmarl_env.UNSUPPORTED} == set(jaxmarl.registered_envs)
    assert len(jaxmarl_env.names()) == len(set(jaxmarl_env.names())) == 29


def test_the_catalogue_agrees_with_pgx() -> None:
    pgx = pytest.importorskip("pgx")
    assert set(pgx_env.names()) == set(pgx.available_envs())
    assert "download" in pgx_env.UNSUPPORTED["bridge_bidding"]


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("MPE_simple_spread_v3", {"num_agent": 2}, "no option among ['num_agent']; it has action_"),
        ("MPE_simple_spread_v3", {"rad": [1.0]}, "must be hashable"),
        ("MPE_simple_reference_v3", {"num_agents": 3}, "only supports 2 agents"),
        ("MPE_simple_facmac_3a_v1", {"view_radius": 2.0}, "refuses its options"),
        ("MPE_simple_spread_v3", {"action_type": "continuous"}, "refuses its options"),
        ("MPE_simple_v3", {"max_steps": 0}, "max_steps=0 of jaxmarl/MPE_simple_v3 must be at least 1"),
        ("MPE_simple_v3", {"shaping": 1.0}, "shaping=1.0 of jaxmarl/MPE_simple_v3 must be 0"),
        ("overcooked", {"layout": "ballroom"}, "layout='ballroom' of jaxmarl/overcooked is unknown; it has asymm"),
        ("SMAX", {"scenario": "4m"}, "scenario='4m' of jaxmarl/SMAX is unknown; it has 10m_vs_11m"),
        ("switch_riddle", {"lamps": 2}, "unexpected keyword argument 'lamps'"),
    ],
)
def test_a_wrong_option_of_jaxmarl_is_named(name: str, options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        marl(name, **options)


def test_bodies_without_brax_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    marl("switch_riddle")
    import jaxmarl.registration

    monkeypatch.setattr(jaxmarl.registration, "MABRAX_AVAILABLE", False)
    with pytest.raises(
        ValueError, match=re.escape("jaxmarl/hopper_3x1 needs brax; run: pip install 'eggroll-ray[brax]'")
    ):
        marl("hopper_3x1", action_repeat=7)  # an option that no other test has made it with


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("hex", {"size": 5}, "size=5 of pgx/hex must be 11"),
        ("tic_tac_toe", {"max_steps": 0}, "max_steps=0 of pgx/tic_tac_toe must be at least 1"),
        ("minatar-breakout", {"sticky": 1}, "unexpected keyword argument 'sticky'"),
    ],
)
def test_a_wrong_option_of_pgx_is_named(name: str, options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        game(name, **options)


# --- Games, by hand.


def play(env: Env, key: jax.Array, moves: list[int], other: int = 0) -> tuple[Any, list[Timestep]]:
    """Plays moves of whoever's turn it is; the others do `other`."""
    state, shown = env.reset(key)
    step, seen = env.step, [shown]
    for index, move in enumerate(moves):
        turn = int(state.suite_state.current_player)
        action = jnp.full(len(env.agents), other, jnp.int32).at[turn].set(move)
        state, shown = step(state, action, jax.random.key(index))
        seen.append(shown)
    return state, seen


def key_where_begins(env: Env, player: int) -> jax.Array:
    return next(key for key in jax.random.split(KEY, 20) if env.reset(key)[0].suite_state.current_player == player)


@pytest.mark.parametrize("first", mostly_slow([0, 1], quick=[1]))
@pytest.mark.parametrize("other", mostly_slow([0, 8], quick=[8]))
def test_three_in_a_row_win_for_whoever_has_them(first: int, other: int) -> None:
    env = compiled(game, "tic_tac_toe")
    assert env.agents == ("player_0", "player_1") and env.max_steps == 9
    state, seen = play(env, key_where_begins(env, first), [0, 3, 1, 4, 2], other)
    for time, shown in enumerate(seen[:-1]):
        turn = (first + time) % 2
        np.testing.assert_array_equal(shown.reward, [0, 0])
        assert not shown.done
        assert list(np.flatnonzero(shown.mask[1 - turn])) == [0]  # who waits may only do nothing
        free = sorted({*range(9)} - {*[0, 3, 1, 4, 2][:time]})
        assert list(np.flatnonzero(shown.mask[turn])) == free
    end = seen[-1]
    assert end.done and end.reward[first] == 1 and end.reward[1 - first] == -1
    # Planes are own and other stones; the board stays as the game ended.
    np.testing.assert_array_equal(end.observation[first, :, :, 0], [[1, 1, 1], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(end.observation[first], end.observation[1 - first, :, :, ::-1])
    np.testing.assert_array_equal(state.suite_state._x.board, [0, 0, 0, 1, 1, -1, -1, -1, -1])


def test_an_illegal_action_loses() -> None:
    env = compiled(game, "tic_tac_toe")
    _, seen = play(env, key_where_begins(env, 1), [4, 4])
    assert seen[-1].done
    np.testing.assert_array_equal(seen[-1].reward, [-1, 1])


def test_both_players_begin_about_as_often() -> None:
    env = compiled(game, "tic_tac_toe")
    first = jax.vmap(lambda key: env.reset(key)[0].suite_state.current_player)(jax.random.split(KEY, 100))
    assert 30 < int(first.sum()) < 70


def test_kuhn_poker_pays_the_higher_card_and_hides_the_other() -> None:
    env = compiled(game, "kuhn_poker")
    state, seen = play(env, KEY, [0, 0])  # bet, and bet: two chips each
    cards = np.asarray(state.suite_state._cards)
    winner = int(np.argmax(cards))
    assert seen[-1].done and seen[-1].reward[winner] == 2 and seen[-1].reward[1 - winner] == -2
    np.testing.assert_array_equal(seen[0].observation[:, :3], np.eye(3)[cards])
    np.testing.assert_array_equal(seen[1].observation[:, :3], np.eye(3)[cards])


def test_a_game_that_is_cut_pays_nothing() -> None:
    env = compiled(game, "connect_four", max_steps=3)
    _, seen = play(env, KEY, [0, 1, 2])
    assert [bool(shown.done) for shown in seen] == [False, False, False, True]
    np.testing.assert_array_equal(seen[-1].reward, [0, 0])


def test_four_in_a_column_win() -> None:
    env = compiled(game, "connect_four")
    _, seen = play(env, key_where_begins(env, 0), [2, 3, 2, 3, 2, 3, 2])
    assert seen[-1].done
    np.testing.assert_array_equal(seen[-1].reward, [1, -1])


@pytest.mark.slow
def test_who_waits_in_backgammon_sees_its_own_board() -> None:
    env = compiled(game, "backgammon")
    flip = pytest.importorskip("pgx.backgammon")._flip_board
    state, shown = env.reset(KEY)
    step = env.step
    for index in range(8):
        turn = int(state.suite_state.current_player)
        legal = np.flatnonzero(shown.mask[turn])
        state, shown = step(state, jnp.full(2, int(legal[-1]), jnp.int32), jax.random.key(index))
    board, turn = state.suite_state._board, int(state.suite_state.current_player)
    assert (board != flip(board)).any()
    np.testing.assert_array_equal(shown.observation[turn, :28], board)
    np.testing.assert_array_equal(shown.observation[1 - turn, :28], flip(board))
    np.testing.assert_array_equal(shown.observation[1 - turn, 28:], np.zeros(6))


@pytest.mark.slow
def test_a_merge_in_2048_pays_what_it_makes() -> None:
    env = compiled(game, "2048")
    assert env.agents == ("player_0",) and env.agent_spaces == ()
    state, _ = env.reset(KEY)
    board = jnp.zeros(16, jnp.int32).at[0].set(3).at[3].set(3)  # two eights in the first row
    state = state._replace(suite_state=state.suite_state.replace(_board=board, legal_action_mask=jnp.ones(4, bool)))
    _, shown = env.step(state, jnp.int32(0), KEY)
    assert shown.reward == 16 and shown.observation.shape == (4, 4, 31) and shown.mask.shape == (4,)
    assert shown.observation[0, 0, 4] == 1


# --- Particles, by hand.


def moved(env: Env, positions: Any, action: Any) -> tuple[Any, Timestep]:
    """One step of particles at rest at these places, agents first."""
    state, _ = env.reset(KEY)
    suite_state = state.suite_state.replace(p_pos=jnp.asarray(positions, jnp.float32))
    return env.step(state._replace(suite_state=suite_state), jnp.asarray(action), KEY)


def test_spread_pays_near_landmarks_and_fines_collisions() -> None:
    env = compiled(marl, "MPE_simple_spread_v3")
    assert env.agents == ("agent_0", "agent_1", "agent_2") and env.agent_spaces == () and env.max_steps == 25
    state, shown = moved(env, [[0, 0], [0.1, 0], [0.9, 0.9], [1, 1], [-1, 0], [0, 0.5]], jnp.zeros(3, jnp.int32))
    agents, landmarks = np.split(np.asarray(state.suite_state.p_pos), 2)
    away = np.linalg.norm(landmarks[:, None] - agents[None], axis=-1)
    apart = np.linalg.norm(agents[:, None] - agents[None], axis=-1)
    collisions = (apart < 2 * 0.15).sum(axis=1) - 1
    assert list(collisions) == [1, 1, 0]
    np.testing.assert_allclose(shown.reward, -0.5 * collisions - 0.5 * away.min(axis=1).sum(), rtol=1e-5)


def test_a_discrete_action_pushes_along_its_axis() -> None:
    env = compiled(marl, "MPE_simple_v3")
    assert env.agents == ("agent_0",) and env.action_space == Discrete(5)
    speeds = [moved(env, [[0, 0], [1, 1]], jnp.int32(action))[0].suite_state.p_vel[0] for action in range(5)]
    reached = 5.0 * 0.1  # acceleration times the time step
    np.testing.assert_allclose(speeds, reached * np.array([[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]]), atol=1e-6)


def test_the_speaker_is_padded_and_the_listener_hears_it() -> None:
    env = compiled(marl, "MPE_simple_speaker_listener_v4")
    assert env.agents == ("speaker_0", "listener_0")
    assert (env.observation_space.shape, env.action_space) == ((11,), Discrete(5))
    assert [(box.shape, space) for box, space in env.agent_spaces] == [((3,), Discrete(3)), ((11,), Discrete(5))]
    state, shown = env.reset(KEY)
    mask = [[True, True, True, False, False], [True] * 5]
    np.testing.assert_array_equal(shown.mask, mask)
    goal = int(state.suite_state.goal)
    colour = np.where(np.arange(3) == goal, 0.65, 0.15)
    np.testing.assert_allclose(shown.observation[0], [*colour, *np.zeros(8)])
    state, shown = env.step(state, jnp.array([2, 1]), KEY)
    np.testing.assert_array_equal(shown.mask, mask)
    np.testing.assert_allclose(shown.observation[0], [*colour, *np.zeros(8)])
    np.testing.assert_array_equal(shown.observation[1, 8:], [0, 0, 1])
    distance = np.asarray(state.suite_state.p_pos[1] - state.suite_state.p_pos[2 + goal])
    np.testing.assert_allclose(shown.reward, [-np.sum(distance**2)] * 2, rtol=1e-5)


def test_a_longer_action_is_cut_to_what_an_agent_has() -> None:
    env = compiled(marl, "MPE_simple_speaker_listener_v4", action_type="Continuous")
    assert isinstance(env.action_space, Box) and env.action_space.shape == (5,)
    assert [space.shape for _, space in env.agent_spaces if isinstance(space, Box)] == [(3,), (5,)]
    state, shown = env.reset(KEY)
    assert shown.mask == ()
    action = jnp.array([[0.1, 0.2, 0.3, 0, 0], [0, 1, 0, 0, 0]])
    _, one = env.step(state, action, KEY)
    _, two = env.step(state, action.at[0, 3:].set(9), KEY)
    np.testing.assert_array_equal(one.observation, two.observation)
    np.testing.assert_allclose(one.observation[1, 8:], [0.1, 0.2, 0.3])


def test_particles_end_exactly_at_their_limit_and_stay_there() -> None:
    env = compiled(marl, "MPE_simple_speaker_listener_v4", max_steps=3)
    step, (state, shown) = env.step, env.reset(KEY)
    done, places = [bool(shown.done)], [state.suite_state.p_pos]
    for _ in range(3):
        state, shown = step(state, jnp.array([0, 2]), KEY)
        done.append(bool(shown.done))
        places.append(state.suite_state.p_pos)
    assert done == [False, False, False, True] and env.max_steps == 3
    # The listener goes on to the right, faster and faster; nothing has begun anew. A step moves before it speeds up.
    strides = np.diff([float(place[1, 0]) for place in places])
    np.testing.assert_allclose(strides, [0, 0.05, 0.0875], atol=1e-6)


def test_who_is_done_gets_nothing_any_more() -> None:
    env = compiled(marl, "MPE_simple_speaker_listener_v4")
    state, _ = env.reset(KEY)
    gone = state._replace(gone=jnp.array([True, False]))
    _, shown = env.step(gone, jnp.array([0, 0]), KEY)
    assert shown.reward[0] == 0 and shown.reward[1] < 0


# --- Other games of JaxMARL, by hand.


def test_the_riddle_pays_all_when_all_have_been_in_the_room() -> None:
    env = compiled(marl, "switch_riddle")
    np.testing.assert_array_equal(env.observation_space.high, [1, 1])
    state, shown = env.reset(KEY)
    inside = int(state.suite_state.agent_in_room)
    np.testing.assert_array_equal(shown.observation[:, 0], np.arange(3) == inside)
    tell = jnp.full(3, 2)
    _, lost = env.step(state, tell, KEY)
    visited = state.suite_state.replace(has_been=jnp.ones(3, jnp.int32))
    _, won = env.step(state._replace(suite_state=visited), tell, KEY)
    assert lost.done and won.done
    np.testing.assert_array_equal(lost.reward, [-1, -1, -1])
    np.testing.assert_array_equal(won.reward, [1, 1, 1])


@pytest.mark.slow
def test_coin_game_ends_before_it_begins_anew() -> None:
    env = compiled(marl, "coin_game", num_inner_steps=3, num_outer_steps=2)
    assert env.agents == ("0", "1") and env.max_steps == 5
    step, (state, shown) = env.step, env.reset(KEY)
    stay = jnp.full(2, 4)
    start = state.suite_state.replace(
        **{name: jnp.array(place) for name, place in zip(COINS, [[0, 0], [1, 1], [0, 1], [2, 2]], strict=True)}
    )
    # Red goes right, onto its own coin.
    state, shown = step(state._replace(suite_state=start), stay.at[0].set(0), KEY)
    np.testing.assert_array_equal(shown.reward, [1, 0])
    assert not shown.done
    for _ in range(4):
        state, shown = step(state, stay, KEY)
    assert shown.done and int(state.suite_state.step) == 2  # in the middle of the second inner episode


COINS = ("red_pos", "blue_pos", "red_coin_pos", "blue_coin_pos")


@pytest.mark.slow
def test_hanabi_masks_by_turn_and_pays_a_card_that_fits() -> None:
    env = compiled(marl, "hanabi")
    assert env.agents == ("agent_0", "agent_1") and env.action_space == Discrete(21)
    assert env.max_steps == 40 + (8 + 40 + 5) + 2
    state, shown = next(
        (state, shown)
        for state, shown in map(env.reset, jax.random.split(KEY, 50))
        if state.suite_state.player_hands[0, :, :, 0].any()
    )
    ones = np.flatnonzero(np.asarray(state.suite_state.player_hands[0, :, :, 0]).any(axis=1))
    mover = np.asarray(shown.mask[0])
    assert not mover[:5].any() and mover[5:10].all() and not mover[20]  # no token to win back; five cards to play
    np.testing.assert_array_equal(np.flatnonzero(shown.mask[1]), [20])
    _, shown = env.step(state, jnp.array([5 + int(ones[0]), 20]), KEY)
    np.testing.assert_array_equal(shown.reward, [1, 1])
    assert shown.mask[0, 20] and not shown.mask[1, 20] and not shown.done


@pytest.mark.slow
def test_the_dead_of_smax_stop_and_share_their_teams_reward() -> None:
    env = compiled(marl, "SMAX", num_allies=2, num_enemies=3)
    assert env.agents == ("ally_0", "ally_1", "enemy_0", "enemy_1", "enemy_2")
    assert [space for _, space in env.agent_spaces] == [Discrete(8)] * 2 + [Discrete(7)] * 3
    state, shown = env.reset(KEY)
    assert shown.mask[2:, :5].all() and not shown.mask[:, 7].any()
    dead = jnp.array([True, False, False, False, False])
    battle = state.suite_state
    battle = battle.replace(unit_alive=~dead, unit_health=jnp.where(dead, 0.0, battle.unit_health))
    # The living ally stands before the only enemy that is left, which has one life point.
    place = battle.unit_positions.at[2].set(battle.unit_positions[1] + 2)
    battle = battle.replace(
        unit_alive=jnp.array([False, True, True, False, False]),
        unit_health=jnp.array([0.0, 45.0, 1.0, 0.0, 0.0]),
        unit_positions=place,
    )
    state = state._replace(suite_state=battle, gone=dead | (jnp.arange(5) > 2))
    _, shown = env.step(state, jnp.array([4, 5, 4, 4, 4]), KEY)  # shoots at the first enemy
    assert shown.done
    lost = (1 / 45) / 3  # share of the enemies' health
    np.testing.assert_allclose(shown.reward, [1 + lost, 1 + lost, 0, 0, 0], rtol=1e-5)


@pytest.mark.slow
def test_only_stopping_is_left_to_a_dead_unit() -> None:
    env = compiled(marl, "SMAX")
    state, _ = env.reset(KEY)
    alive = jnp.arange(10) != 0
    battle = state.suite_state.replace(
        unit_alive=alive, unit_health=jnp.where(alive, state.suite_state.unit_health, 0.0)
    )
    _, shown = env.step(state._replace(suite_state=battle), jnp.full(10, 4), KEY)
    np.testing.assert_array_equal(np.flatnonzero(shown.mask[0]), [4])
    assert shown.mask[1, :5].all()


@pytest.mark.slow
@pytest.mark.parametrize("shaping", [0.0, 2.0])
@pytest.mark.parametrize("name", ["overcooked", "overcooked_v2"])
def test_an_onion_in_the_pot_pays_when_it_is_shaped(name: str, shaping: float) -> None:
    env = compiled(marl, name, shaping=shaping)
    assert env.observation_space.shape[:2] == (4, 5)
    step, (state, _) = env.step, env.reset(KEY)
    # The first agent begins beside the onions, on the left in the first version and on the right in the second.
    stay, interact = 4, 5
    to_onions, to_pot = (3, (2, 0)) if name == "overcooked" else (0, (2, 3))
    rewards = []
    for move in (to_onions, interact, *to_pot, interact):
        state, shown = step(state, jnp.array([move, stay]), KEY)
        rewards.append(np.asarray(shown.reward))
    np.testing.assert_array_equal(rewards, [[0, 0]] * 4 + [[3 * shaping, 0]])


# --- Environments travel, and do the same every time.


@pytest.mark.parametrize("module", [jaxmarl_env, pgx_env])
def test_a_pickled_environment_is_small_and_steps_identically(module: Any) -> None:
    pytest.importorskip(module.__name__.removeprefix("envs.").removesuffix("_env"))
    env = module.make("MPE_simple_speaker_listener_v4" if module is jaxmarl_env else "tic_tac_toe")
    pickled = cloudpickle.dumps(env)
    assert len(pickled) < 4000
    twin = cloudpickle.loads(pickled)

    def step(env: Env) -> Any:
        state, first = env.reset(jax.random.key(1))
        return first, jax.jit(env.step)(state, jnp.array([1, 1]), jax.random.key(2))

    jax.tree.map(np.testing.assert_array_equal, step(env), step(twin))


TRAVELLERS = [("jaxmarl", "MPE_simple_speaker_listener_v4"), ("pgx", "tic_tac_toe")]


@pytest.mark.parametrize(("suite", "name"), mostly_slow(TRAVELLERS, quick=[("pgx", "tic_tac_toe")]))
def test_loading_a_pickle_starts_no_backend_and_prints_nothing(suite: str, name: str, tmp_path: Path) -> None:
    env = marl(name) if suite == "jaxmarl" else game(name)
    file = tmp_path / "env.pickle"
    file.write_bytes(cloudpickle.dumps(env))
    program = f"""
import sys, cloudpickle, jax
from jax._src import xla_bridge
env = cloudpickle.load(open({str(file)!r}, "rb"))
assert not xla_bridge.backends_are_initialized() and {suite!r} not in sys.modules
jax.jit(env.reset)(jax.random.key(0))  # the suite is imported and its object built inside this trace
_, shown = jax.eval_shape(env.reset, jax.random.key(0))  # and holds nothing of that trace
assert shown.observation.shape == {(2, *env.observation_space.shape)!r}
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")


# --- Pictures.


def episode(env: Env, length: int) -> list[Any]:
    state, shown = env.reset(KEY)
    states = [jax.device_get(state)]
    for index in range(length):
        if jax.tree.leaves(shown.mask):
            action = jax.random.categorical(jax.random.key(index), jnp.where(shown.mask, 0.0, -jnp.inf))
        elif isinstance(env.action_space, Box):
            action = jnp.ones((len(env.agents), *env.action_space.shape))
        else:
            action = jax.random.randint(jax.random.key(index), (len(env.agents),), 0, 4)
        state, shown = env.step(state, action, jax.random.key(index))
        states.append(jax.device_get(state))
    return states


MARL_GIFS = ("MPE_simple_speaker_listener_v4", "MPE_simple_spread_v3", "MPE_simple_world_comm_v3", "SMAX")
MARL_GIFS += ("HeuristicEnemySMAX", "overcooked", "overcooked_v2", "storm", "storm_2p", "storm_np", "jaxnav")


@pytest.mark.parametrize("name", mostly_slow(MARL_GIFS, quick=["MPE_simple_speaker_listener_v4"]))
def test_jaxmarl_draws_an_animation(name: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    env = compiled(marl, name)
    assert env.render is not None
    file = env.render(episode(env, 8), tmp_path / "new folder" / "best.v1")
    assert file == tmp_path / "new folder" / "best.v1.gif"
    with Image.open(file) as image:
        assert image.n_frames > 1  # type: ignore[attr-defined]
        assert max(image.size) >= 200
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    assert len(np.unique(pixels, axis=0)) > 3


def test_particles_are_drawn_where_they_are(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    env = compiled(marl, "MPE_simple_speaker_listener_v4")
    assert env.render is not None
    state, _ = env.reset(KEY)
    places = jnp.array([[-1, -1], [0.5, 0.5], [1, -1], [-1, 1], [0, 0]], jnp.float32)
    state = jax.device_get(state._replace(suite_state=state.suite_state.replace(p_pos=places)))
    with Image.open(env.render([state], tmp_path / "one")) as image:
        picture = np.asarray(image.convert("RGB"))
    side = len(picture)
    row, column = (round(side * (0.5 + sign * 0.5 / (2 * 1.3))) for sign in (-1, 1))  # of the listener; 1.3 is the edge
    np.testing.assert_allclose(picture[row, column], [115, 243, 115], atol=8)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_bodies_are_drawn_as_a_page(tmp_path: Path) -> None:
    env = compiled(marl, "ant_4x2")
    assert env.render is not None
    page = env.render(episode(env, 2), tmp_path / "best")
    assert page == tmp_path / "best.html" and "showBraxSystem" in page.read_text("utf-8")


def test_what_the_suite_cannot_draw_is_not_drawn() -> None:
    assert marl("switch_riddle").render is None


@pytest.mark.parametrize(
    "name", mostly_slow(["tic_tac_toe", "connect_four", "2048", "backgammon", "chess"], ["tic_tac_toe"])
)
def test_pgx_draws_every_position_of_a_game(name: str, tmp_path: Path) -> None:
    env = compiled(game, name)
    assert env.render is not None
    states = episode(env, 5)
    file = env.render(states, tmp_path / "new folder" / "best.v1")
    assert file == tmp_path / "new folder" / "best.v1.svg"
    svg = xml.etree.ElementTree.parse(file).getroot()
    frames = [group for group in svg if group.get("class") == "frame"]
    assert len(frames) == len(states) == 6
    drawn = [xml.etree.ElementTree.tostring(frame).split(b">", 1)[1] for frame in frames]
    assert len(set(drawn)) == 6 and all(len(list(frame.iter())) > 5 for frame in frames)


def test_minatar_is_drawn_in_colours(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    env = compiled(game, "minatar-breakout")
    assert env.render is not None
    with Image.open(env.render(episode(env, 5), tmp_path / "best")) as image:
        assert image.n_frames > 1  # type: ignore[attr-defined]
        image.seek(image.n_frames - 1)  # type: ignore[attr-defined]
        colours = np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0)
    assert image.size == (320, 320) and len(colours) == 5  # paddle, ball, trail, bricks and nothing


def test_nothing_cannot_be_drawn(tmp_path: Path) -> None:
    for env in (game("tic_tac_toe"), marl("switch_riddle", num_agents=4), marl("MPE_simple_v3")):
        if env.render is not None:
            with pytest.raises(ValueError, match="nothing to draw"):
                env.render([], tmp_path / "best")
