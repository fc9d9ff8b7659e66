"""Environments in Python: the contract on both suites, values checked by hand, errors, travelling, rendering."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
from host_games import Camera, Rooms, Walk, gymnasium, need, play, quiet, seeds, walk, zeros
from marks import mostly_slow
from PIL import Image

from eggroll_ray.rl.checks.host_env import check_host_env
from eggroll_ray.rl.env import HostEnv, HostTimestep
from envs import gym_env, pettingzoo_env

# --- Every environment keeps the contract.

OWN = {
    "dictionary": gym_env.from_function(Rooms, name="rooms", max_steps=6),
    "image": gym_env.from_function(Camera, name="camera", max_steps=4),
    "walk": walk(),
    "cut": walk(max_steps=3),
}


@pytest.mark.parametrize("name", OWN)
def test_environments_of_ones_own_keep_the_contract(name: str) -> None:
    check_host_env(OWN[name])


# Where whole episodes would take minutes.
SHORT = {"CarRacing-v3": 30, "HumanoidStandup-v5": 100, "Swimmer-v5": 300, "BipedalWalkerHardcore-v3": 300}


def gym(name: str) -> HostEnv:
    need(name)
    steps = 200 if name.startswith("ALE/") else SHORT.get(name)
    return gym_env.make(name, **({"max_episode_steps": steps} if steps else {}))


@quiet
@pytest.mark.parametrize("name", mostly_slow(gym_env.names(), quick=["Taxi-v4", "Pendulum-v1"]))
def test_gymnasium_keeps_the_contract(name: str) -> None:
    check_host_env(gym(name))


QUICK_PETTINGZOO = ("classic.tictactoe_v3", "mpe2.simple_speaker_listener_v4")  # in turns, and all at once
SHORT_CYCLES = {
    **{"butterfly.pistonball_v6": 5, "butterfly.cooperative_pong_v6": 20, "sisl.pursuit_v5": 40},
    **{"butterfly.knights_archers_zombies_v11": 300},
}


@quiet
@pytest.mark.parametrize("name", mostly_slow(pettingzoo_env.names(), quick=QUICK_PETTINGZOO))
def test_pettingzoo_keeps_the_contract(name: str) -> None:
    pytest.importorskip("pettingzoo")
    need(name)
    cycles = SHORT_CYCLES.get(name)
    check_host_env(pettingzoo_env.make(name, **({"max_cycles": cycles} if cycles else {})))


@quiet
@pytest.mark.parametrize(
    "name",
    mostly_slow(
        ("CartPole-v1", "FrozenLake-v1", "Blackjack-v1", "LunarLander-v3", "HalfCheetah-v5", "Ant-v5", "Pong-v5"),
        quick=("CartPole-v1",),
    ),
)
def test_envpool_keeps_the_contract(name: str) -> None:
    pytest.importorskip("envpool")
    options = {"max_episode_steps": 200} if name == "Pong-v5" else {}
    check_host_env(gym_env.make(name, envpool=True, **options))


def test_envpool_gives_the_same_bits_for_any_number_of_threads() -> None:
    pytest.importorskip("envpool")
    one, two = (play(gym_env.make("CartPole-v1", envpool=True, num_threads=n), 5, 2**32 - 1, 7) for n in (1, 2))
    assert len(one) == len(two) > 5
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.observation, b.observation)
        np.testing.assert_array_equal(a.done, b.done)


# --- Values worked out by hand.


def test_cartpole_starts_where_gymnasium_starts() -> None:
    env = gym_env.make("CartPole-v1")
    shown = play(env, 11, 12, steps=1)
    own = gymnasium.make("CartPole-v1")
    for place, seed in enumerate((11, 12)):
        np.testing.assert_array_equal(shown[0].observation[place], own.reset(seed=seed)[0])
        np.testing.assert_array_equal(shown[1].observation[place], own.step(0)[0])
    assert shown[1].reward.tolist() == [1, 1] and not shown[1].done.any()


def test_pendulum_pays_its_formula() -> None:
    env = gym_env.make("Pendulum-v1")
    batch = env.make(1)
    cos, sin, speed = batch.reset(seeds(4)).observation[0]
    shown = batch.step(np.array([[9.0]], np.float32), np.ones(1, bool))  # applied is 2.0, the bound
    expected = -(np.arctan2(sin, cos) ** 2 + 0.1 * speed**2 + 0.001 * 2.0**2)
    np.testing.assert_allclose(shown.reward[0], expected, rtol=1e-5)


def test_taxi_shows_its_own_mask() -> None:
    own = gymnasium.make("Taxi-v4")
    _, info = own.reset(seed=3)
    shown = play(gym_env.make("Taxi-v4"), 3, steps=0)[0]
    np.testing.assert_array_equal(shown.mask[0], info["action_mask"] == 1)
    assert shown.mask.dtype == bool and not shown.mask.all()


def test_a_dictionary_becomes_a_vector_and_a_mask() -> None:
    shown = play(OWN["dictionary"], 8, steps=0)[0]
    observation = shown.observation[0]
    room = 1 + int(np.random.Generator(np.random.PCG64(np.random.SeedSequence(8))).integers(0, 5))
    # In the order of Gymnasium's Dict, which sorts its keys: clock, room, view.
    np.testing.assert_allclose(observation, [0, *np.eye(5)[room - 1], *[room / 5] * 4], rtol=1e-6)
    assert shown.mask.tolist() == [[1 <= room + move <= 5 for move in (-1, 0, 1, 2)]]


def test_an_image_stays_bytes() -> None:
    shown = play(OWN["image"], 1, steps=0)[0]
    own = Camera()
    np.testing.assert_array_equal(shown.observation[0], own.reset(seed=1)[0])
    assert shown.observation.dtype == np.uint8 and OWN["image"].observation_space.high.max() == 255


def test_options_and_wrappers_reach_gymnasium() -> None:
    env = gym_env.make("FrozenLake-v1", is_slippery=False, map_name="8x8", max_episode_steps=7)
    assert env.observation_space.shape == (64,) and env.max_steps == 7
    scaled = gym_env.make("Pendulum-v1", wrappers=(lambda env: gymnasium.wrappers.RescaleAction(env, -5, 5),))
    assert scaled.action_space.low == -5  # type: ignore[union-attr]


# --- What cannot be made is explained.


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: gym_env.make("CartPole-v7"), "gym/CartPole-v7 cannot be made: VersionNotFound"),
        (lambda: gym_env.make("CartPole-v1", gravitty=9), "gym/CartPole-v1 cannot be made: TypeError"),
        (lambda: gym_env.make("CartPole-v1", envpool=True, wrappers=(str,)), "which EnvPool cannot apply"),
        (lambda: gym_env.from_function(Walk, name="walk"), "does not say when an episode ends at the latest"),
        (lambda: walk(max_steps=-1), "max_steps=-1 of walk must be at least 1"),
        (lambda: walk("start"), "walk cannot be made: RuntimeError: no start"),
    ],
)
def test_what_cannot_be_made_is_explained(make: Callable[[], HostEnv], text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        make()


def test_envpool_names_what_it_does_not_know() -> None:
    pytest.importorskip("envpool")
    with pytest.raises(ValueError, match=r"gym/CartPole-v7 cannot be made by EnvPool: .*list_all_envs"):
        gym_env.make("CartPole-v7", envpool=True)


def test_the_catalogue_agrees_with_gymnasium() -> None:
    registered = set(gymnasium.envs.registration.registry)
    atari = {name for name in gym_env.names() if name.startswith("ALE/")}
    assert set(gym_env.names()) - atari <= registered
    for name in registered & set(gym_env.UNSUPPORTED):
        with pytest.raises(ValueError, match="ImportError"):
            gym_env.make(name)


def test_an_atari_game_without_its_package_says_which_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ale_py", None)
    with pytest.raises(ValueError, match=r"run: pip install 'eggroll-ray\[atari\]'"):
        gym_env.make("ALE/Pong-v5")


# --- Environments travel.


@quiet
@pytest.mark.parametrize("make", [lambda: gym_env.make("CartPole-v1"), lambda: pettingzoo_env.make("classic.rps_v2")])
def test_a_pickled_environment_plays_identically(make: Callable[[], HostEnv]) -> None:
    pytest.importorskip("pettingzoo")
    env = make()
    pickled = cloudpickle.dumps(env)
    assert len(pickled) < 4000
    for one, two in zip(play(env, 5), play(cloudpickle.loads(pickled), 5), strict=True):
        np.testing.assert_array_equal(one.observation, two.observation)
        np.testing.assert_array_equal(one.reward, two.reward)


# --- Rendering.


def always_one(env: HostEnv) -> Callable[[HostTimestep], np.ndarray]:
    return lambda shown: zeros(env, len(shown.done)) + zeros(env, 1).dtype.type(1)


def test_an_episode_is_drawn(tmp_path: Path) -> None:
    env = gym_env.from_function(Walk, name="walk", max_steps=8)
    assert env.render is not None and walk().render is None
    file = env.render(always_one(env), 2, tmp_path / "new folder" / "best.v1")
    assert file == tmp_path / "new folder" / "best.v1.gif"
    with Image.open(file) as image:
        assert image.n_frames == 6 and image.size == (300, 200)  # type: ignore[attr-defined]
        image.seek(5)
        assert np.asarray(image.convert("L"))[100, 252:273].min() > 250  # where it is at step 5


@pytest.mark.slow
@quiet
@pytest.mark.parametrize(
    ("make", "name", "options"),
    [
        (gym_env.make, "CartPole-v1", {}),
        (gym_env.make, "HalfCheetah-v5", {"max_episode_steps": 300}),
        (pettingzoo_env.make, "mpe2.simple_spread_v3", {}),
        (pettingzoo_env.make, "sisl.multiwalker_v9", {}),
    ],
)
def test_suites_draw_an_episode(make: Any, name: str, options: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("pettingzoo")
    need(name)
    env = make(name, **options)
    with Image.open(env.render(always_one(env), 1, tmp_path / "best")) as image:
        assert 5 < image.n_frames <= 201 and 200 < max(image.size) <= 320  # type: ignore[attr-defined]


@pytest.mark.slow
def test_what_cannot_be_drawn_is_explained(tmp_path: Path) -> None:
    def make(render_mode: str | None = None) -> Walk:
        return Walk("dark", render_mode=render_mode)

    env = gym_env.from_function(make, name="walk", max_steps=8)
    assert env.render is not None
    with pytest.raises(RuntimeError, match=r"walk cannot be drawn here: .*OSError: no light; if it is MuJoCo"):
        env.render(always_one(env), 1, tmp_path / "best")


def test_an_episode_that_fails_is_not_drawn(tmp_path: Path) -> None:
    def make(render_mode: str | None = None) -> Walk:
        return Walk("raise", render_mode=render_mode)

    env = gym_env.from_function(make, name="walk", max_steps=8)
    assert env.render is not None
    with pytest.raises(RuntimeError, match="walk failed in the episode to be drawn, at step 2 of"):
        env.render(always_one(env), 3, tmp_path / "best")
