"""gymnax and brax: the contract, hand-checked values, rendering; and the catalogue of all suites."""

import itertools
import re
import subprocess
import sys
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

import envs
from eggroll_ray.rl.checks.env import check_env
from eggroll_ray.rl.env import Box, Discrete, Env, Timestep
from envs import brax_env, gymnax_env

pytestmark = pytest.mark.usefixtures("compile_quickly")

# jaxopt warns when brax imports it, MJX whenever brax reads a contact.
quiet_brax = [
    pytest.mark.filterwarnings("ignore:JAXopt is no longer maintained:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Accessing .* directly from `Data`:DeprecationWarning"),
]
FAST_BRAX = ("fast",)


def brax(*values: Any, slow: bool = False) -> Any:
    return pytest.param(*values, marks=[*quiet_brax, *([pytest.mark.slow] if slow else [])])


# --- Every environment keeps the contract.


@pytest.mark.parametrize(
    "name", mostly_slow(gymnax_env.names(), quick=["Pendulum-v1", "CartPole-v1", "Breakout-MinAtar"])
)
def test_gymnax_keeps_the_contract(name: str) -> None:
    pytest.importorskip("gymnax")
    check_env(envs.make(f"gymnax/{name}"))


@pytest.mark.parametrize(
    "name",
    [brax(name, slow=name not in FAST_BRAX) for name in brax_env.names()],
)
def test_brax_keeps_the_contract(name: str) -> None:
    pytest.importorskip("brax")
    check_env(envs.make(f"brax/{name}", episode_length=100))


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["spring", "positional", "mjx"])
@pytest.mark.filterwarnings("ignore:Accessing .* directly from `Data`:DeprecationWarning")
def test_every_brax_backend_keeps_the_contract(backend: str) -> None:
    pytest.importorskip("brax")
    check_env(envs.make("brax/ant", episode_length=100, backend=backend))


# --- Values worked out by hand.


def test_cartpole_moves_as_its_equations_say() -> None:
    pytest.importorskip("gymnax")
    env = envs.make("gymnax/CartPole-v1")
    state, _ = env.reset(jax.random.key(0))
    at_rest = state.replace(**{field: jnp.zeros((), jnp.float32) for field in ("x", "x_dot", "theta", "theta_dot")})
    _, shown = env.step(at_rest, jnp.int32(1), jax.random.key(0))
    # A push of 10 N on 1.1 kg at rest and upright, for 0.02 s.
    force = 10 / 1.1
    turn = -force / (0.5 * (4 / 3 - 0.1 / 1.1))
    pull = force - 0.05 * turn / 1.1
    np.testing.assert_allclose(shown.observation, [0, 0.02 * pull, 0, 0.02 * turn], rtol=1e-6)
    np.testing.assert_allclose(shown.observation, [0, 0.195122, 0, -0.292683], atol=1e-6)
    assert shown.reward == 1 and not shown.done


@pytest.mark.parametrize(("torque", "applied"), [(1.5, 1.5), (9.0, 2.0)])
def test_pendulum_pays_its_formula(torque: float, applied: float) -> None:
    pytest.importorskip("gymnax")
    env = envs.make("gymnax/Pendulum-v1")
    state, _ = env.reset(jax.random.key(0))
    state = state.replace(theta=jnp.float32(0.5), theta_dot=jnp.float32(-2))
    _, shown = env.step(state, jnp.array([torque], jnp.float32), jax.random.key(0))
    expected = -(0.5**2 + 0.1 * 2**2 + 0.001 * applied**2)
    np.testing.assert_allclose(shown.reward, expected, rtol=1e-6)


def test_frozen_lake_observes_one_hot() -> None:
    pytest.importorskip("gymnax")
    _, shown = envs.make("gymnax/FrozenLake-misc").reset(jax.random.key(0))
    np.testing.assert_array_equal(shown.observation, np.eye(16)[0])


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("gymnax/Pendulum-v1", "max_steps_in_episode"),
        brax("brax/fast", "episode_length"),
    ],
)
def test_an_episode_ends_exactly_at_its_limit(name: str, option: str) -> None:
    pytest.importorskip(name.partition("/")[0])
    env = envs.make(name, **{option: 3})
    assert env.max_steps == 3
    state, shown = env.reset(jax.random.key(0))
    action = jnp.zeros(1)
    done = [bool(shown.done)]
    for step in range(3):
        state, shown = env.step(state, action, jax.random.key(step))
        done.append(bool(shown.done))
    assert done == [False, False, False, True]


# --- The catalogue and the errors.


def test_the_catalogue_agrees_with_gymnax() -> None:
    gymnax = pytest.importorskip("gymnax")
    offered = {*gymnax_env.names(), *gymnax_env.UNSUPPORTED}
    assert offered == set(gymnax.registered_envs)


@pytest.mark.filterwarnings("ignore:JAXopt is no longer maintained:DeprecationWarning")
def test_the_catalogue_agrees_with_brax() -> None:
    suite = pytest.importorskip("brax.envs")
    assert {*brax_env.names(), *brax_env.UNSUPPORTED} == set(suite._envs)


def test_the_catalogue_lists_suites_without_importing_them() -> None:
    program = """
import sys, envs
entries = {entry.suite: entry for entry in envs.catalogue()}
assert "CartPole-v1" in entries["gymnax"].names and entries["brax"].extra == "brax"
assert not {"gymnax", "brax", "ray", "matplotlib"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CartPole-v1", "gymnax/CartPole-v1"),
        ("ant", "did you mean brax/ant"),
        ("brax/antt", "did you mean brax/ant"),
        ("gymnax/cartpole-v1", "did you mean gymnax/CartPole-v1"),
        ("gim/CartPole-v1", "gymnax/CartPole-v1"),
        ("nothing/of-the-kind-at-all", "suite of gymnax, brax"),
        ("gymnax/", "unknown environment 'gymnax/'"),
        ("gymnax/MNISTBandit-bsuite", "cannot be used: gymnax downloads MNIST"),
    ],
)
def test_a_wrong_id_is_explained(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)) as error:
        envs.make(name)
    assert repr(name) in str(error.value)


@pytest.mark.parametrize("name", ["brax/ant", "brax/antt"])
def test_a_suite_that_is_not_installed_is_named_with_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envs, "_installed", lambda suite: False)
    with pytest.raises(ValueError, match=re.escape("pip install 'eggroll-ray[brax]'")):
        envs.make(name)
    assert not any(entry.installed for entry in envs.catalogue())


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("gymnax/CartPole-v1", {"gravitty": 9.0}, "gravitty"),
        ("gymnax/CartPole-v1", {"gravity": [9.0]}, "must be hashable"),
        brax("brax/fast", {"episode_length": 0}, "at least 1"),
        brax("brax/inverted_pendulum", {"frames": 1}, "frames"),
        brax("brax/fast", {"obs_mode": "dict_state"}, "not one array"),
    ],
)
def test_a_wrong_option_is_named(name: str, options: dict[str, Any], text: str) -> None:
    pytest.importorskip(name.partition("/")[0])
    with pytest.raises(ValueError, match=text):
        envs.make(name, **options)


def test_options_reach_the_suite() -> None:
    pytest.importorskip("gymnax")
    assert envs.make("gymnax/DeepSea-bsuite", size=4).observation_space.shape == (4, 4)
    assert envs.make("gymnax/Pendulum-v1", max_torque=3.0).action_space.high == 3  # type: ignore


# --- Environments travel.


@pytest.mark.parametrize("name", ["gymnax/CartPole-v1", "gymnax/FourRooms-misc", brax("brax/fast")])
def test_a_pickled_environment_steps_identically(name: str) -> None:
    pytest.importorskip(name.partition("/")[0])
    env = envs.make(name)
    twin = cloudpickle.loads(cloudpickle.dumps(env))

    def play(env: Env) -> Any:
        state, first = env.reset(jax.random.key(1))
        space = env.action_space
        action = jnp.int32(0) if isinstance(space, Discrete) else jnp.ones(space.shape)
        return first, jax.jit(env.step)(state, action, jax.random.key(2))

    jax.tree.map(np.testing.assert_array_equal, play(env), play(twin))


def test_loading_a_pickle_starts_no_backend(tmp_path: Path) -> None:
    pytest.importorskip("gymnax")
    file = tmp_path / "env.pickle"
    file.write_bytes(cloudpickle.dumps(envs.make("gymnax/FourRooms-misc")))
    program = f"""
import cloudpickle, jax
from jax._src import xla_bridge
env = cloudpickle.load(open({str(file)!r}, "rb"))
assert not xla_bridge.backends_are_initialized()
jax.jit(env.reset)(jax.random.key(0))  # the suite's object is built inside this trace
state, shown = env.reset(jax.random.key(0))
assert shown.observation.shape == (4,)
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True)


# --- Rendering.


def episode(env: Env, length: int) -> list[Any]:
    reset, step = jax.jit(env.reset), jax.jit(env.step)
    state, _ = reset(jax.random.key(0))
    states = [jax.device_get(state)]
    space = env.action_space
    action = jnp.int32(1) if isinstance(space, Discrete) else jnp.ones(space.shape)
    for index in range(length):
        state, _ = step(state, action, jax.random.key(index))
        states.append(jax.device_get(state))
    return states


GIFS = ("CartPole-v1", "Acrobot-v1", "Pendulum-v1", "MountainCar-v0", "Breakout-MinAtar")
GIFS += ("Catch-bsuite", "FourRooms-misc", "FrozenLake-misc", "PointRobot-misc", "Reacher-misc")
GIFS += ("Swimmer-misc",)


@pytest.mark.parametrize("name", mostly_slow(GIFS, quick=["CartPole-v1", "Breakout-MinAtar", "FrozenLake-misc"]))
def test_gymnax_renders_an_animation(name: str, tmp_path: Path) -> None:
    pytest.importorskip("gymnax")
    env = envs.make(f"gymnax/{name}")
    assert env.render is not None
    file = env.render(episode(env, 6), tmp_path / "new folder" / "best.v1")
    assert file == tmp_path / "new folder" / "best.v1.gif"
    with Image.open(file) as image:
        assert image.n_frames > 1  # type: ignore[attr-defined]
        assert max(image.size) >= 200


def test_gymnax_renders_curves_of_what_has_no_picture(tmp_path: Path) -> None:
    pytest.importorskip("gymnax")
    env = envs.make("gymnax/UmbrellaChain-bsuite")
    assert env.render is not None
    file = env.render(episode(env, 6), tmp_path / "best")
    with Image.open(file) as image:
        assert image.format == "PNG"
    with pytest.raises(ValueError, match="nothing to draw"):
        env.render([], tmp_path / "best")


def test_a_long_episode_is_thinned(tmp_path: Path) -> None:
    pytest.importorskip("gymnax")
    env = envs.make("gymnax/Pendulum-v1")
    assert env.render is not None
    states = episode(env, 3) * 100
    with Image.open(env.render(states, tmp_path / "long")) as image:
        assert 100 < image.n_frames <= 200  # type: ignore[attr-defined]


def test_rendering_without_matplotlib_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gymnax")
    env = envs.make("gymnax/CartPole-v1")
    assert env.render is not None
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=re.escape("eggroll-ray[report]")):
        env.render(episode(env, 1), tmp_path / "best")


@pytest.mark.filterwarnings("ignore:Accessing .* directly from `Data`:DeprecationWarning")
def test_brax_renders_a_page_that_needs_no_network(tmp_path: Path) -> None:
    pytest.importorskip("brax")
    env = envs.make("brax/inverted_double_pendulum")
    assert env.render is not None and envs.make("brax/fast").render is None
    reset = jax.jit(env.reset)
    states = [jax.device_get(reset(jax.random.key(seed))[0]) for seed in range(3)]
    file = env.render(states, tmp_path / "best")
    assert file == tmp_path / "best.html"
    page = file.read_text("utf-8")
    assert "Content-Security-Policy" in page and "default-src 'none'" in page
    assert "THREE" in page and "three.js" in page
    # What the MIT licence asks for: the notices of both libraries, with the permission, go wherever they go.
    assert page.count("Permission is hereby granted, free of charge") == 2
    assert "2010-2023 three.js authors" in page and "George Michael Brower" in page
    assert "beside this file" not in page
    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page)
    assert not re.findall(r"""(?:import|from|fetch|importScripts)\W{0,3}https?:""", page)
    # The one address outside comments is a name, that of an XML namespace.
    code = re.sub(r"/\*.*?\*/", "", page, flags=re.DOTALL)
    assert set(re.findall(r"https?://[\w.]+", code)) == {"http://www.w3.org"}


# --- check_env finds every breach. The sound environment is a walk in the plane.


def reset(key: jax.Array) -> tuple[Any, Timestep]:
    position = jax.random.uniform(key, (2,), minval=-0.5, maxval=0.5)
    state = {"position": position, "time": jnp.zeros((), jnp.int32)}
    return state, Timestep(position, jnp.zeros(()), jnp.zeros((), bool))


def step(state: Any, action: jax.Array, key: jax.Array) -> tuple[Any, Timestep]:
    noise = 0.1 * jax.random.normal(key, (2,))
    position = jnp.clip(state["position"] + action + noise, -5, 5)
    time = state["time"] + 1
    state = {"position": position, "time": time}
    return state, Timestep(position, -jnp.sum(position**2), time >= 6)


SOUND = Env("sound", reset, step, Box.of((2,), -5, 5), Box.of((2,), -1, 1), max_steps=6)
Change = Callable[[Any, Timestep], tuple[Any, Timestep]]


def after_reset(change: Change) -> Env:
    return SOUND._replace(reset=lambda key: change(*reset(key)))


def after_step(change: Change) -> Env:
    return SOUND._replace(step=lambda *arguments: change(*step(*arguments)))


def shows(where: Callable[[Change], Env], **values: Any) -> Env:
    """Changes what a timestep shows: values, or functions of the sound value."""

    def change(state: Any, shown: Timestep) -> tuple[Any, Timestep]:
        new = {k: v(getattr(shown, k)) if callable(v) else v for k, v in values.items()}
        return state, shown._replace(**new)

    return where(change)


def remembers(where: Callable[[Change], Env], **leaves: Any) -> Env:
    return where(lambda state, shown: (state | leaves, shown))


def traced_randomness() -> Env:
    generator = np.random.default_rng(0)
    return shows(after_step, reward=lambda reward: reward + np.float32(generator.random()))


def memory_outside() -> Env:
    count = itertools.count()

    def call(reward: jax.Array) -> jax.Array:
        kind = jax.ShapeDtypeStruct((), jnp.float32)
        return jax.pure_callback(
            lambda reward: np.float32(reward + next(count)), kind, reward, vmap_method="sequential"
        )

    return shows(after_step, reward=call)


def under_vmap(change: Callable[[jax.Array], jax.Array], at_reset: bool = False) -> Env:
    """Changes the rewards (or first observations) of a batch, by a rule that only vmap sees."""

    @jax.custom_batching.custom_vmap
    def identity(values: jax.Array) -> jax.Array:
        return values

    @identity.def_vmap
    def _(size: int, batched: list[bool], values: jax.Array) -> tuple[jax.Array, bool]:
        del size
        return change(values), batched[0]

    return shows(after_reset, observation=identity) if at_reset else shows(after_step, reward=identity)


def new_start() -> Env:
    """Restarts at random, as gymnax's own `step` does."""

    def restart(state: Any, action: jax.Array, key: jax.Array) -> tuple[Any, Timestep]:
        ended, shown = step(state, action, key)
        fresh, first = reset(key)
        state = jax.tree.map(lambda new, old: jnp.where(shown.done, new, old), fresh, ended)
        seen = jnp.where(shown.done, first.observation, shown.observation)
        return state, shown._replace(observation=seen)

    return SOUND._replace(step=restart)


def same_start() -> Env:
    """Restarts where the episode began, as brax's auto-reset does; its counter runs on."""

    def remember(key: jax.Array) -> tuple[Any, Timestep]:
        state, shown = reset(key)
        return state | {"first": state["position"]}, shown

    def restart(state: Any, action: jax.Array, key: jax.Array) -> tuple[Any, Timestep]:
        ended, shown = step(state, action, key)
        position = jnp.where(shown.done, state["first"], ended["position"])
        state = ended | {"position": position, "first": state["first"]}
        return state, shown._replace(observation=position)

    return SOUND._replace(reset=remember, step=restart)


def branches_in_python() -> Env:
    return shows(after_step, reward=lambda reward: reward if reward > 0 else -reward)


def half(array: jax.Array) -> jax.Array:
    return array.astype(jnp.float16)


BROKEN = {
    "max_steps is 0": SOUND._replace(max_steps=0),
    "agents is empty": SOUND._replace(agents=()),
    "action_space has n = 0": SOUND._replace(action_space=Discrete(0)),
    "bounds of shape (2,)": SOUND._replace(action_space=Box((3,), np.zeros(2, np.float32), np.ones(2, np.float32))),
    "low above its high": SOUND._replace(observation_space=Box.of((2,), 1, 0)),
    "reset gives observation as float32[3]": shows(after_reset, observation=jnp.zeros(3)),
    "step gives observation as float16[2]": shows(after_step, observation=half),
    "step gives reward as float32[2]": shows(after_step, reward=jnp.zeros(2)),
    "step gives reward as int32[]": shows(after_step, reward=jnp.zeros((), jnp.int32)),
    "step gives done as float32[]": shows(after_step, done=jnp.zeros(())),
    "reset gives done as int32[]": shows(after_reset, done=0),
    "state['time'] is int32[] after reset and float32[] after": remembers(after_step, time=jnp.ones(())),
    "the state is PyTreeDef": remembers(after_step, more=jnp.zeros(())),
    "cannot run under jit": branches_in_python(),
    "a different program when it is traced a second time": traced_randomness(),
    "different bits the second time": memory_outside(),
    "step differs from step alone in 4 of 4": under_vmap(lambda rewards: rewards + 1),
    "under vmap, reset differs by": under_vmap(lambda shown: shown.at[2].add(1), at_reset=True),
    # One episode of four may differ from its single by rounding, but not by its neighbours.
    "differs by 1 when other episodes are in its vmapped batch": under_vmap(lambda r: r.at[0].add(1)),
    "reset gives observation [nan nan]": shows(after_reset, observation=jnp.full(2, jnp.nan)),
    "step 1 gives reward inf": shows(after_step, reward=jnp.array(jnp.inf)),
    "step 1 gives observation[0] = 7.0, outside its bounds -5.0 .. 5.0": shows(
        after_step, observation=jnp.full(2, 7.0)
    ),
    "reset gives reward 1.0": shows(after_reset, reward=jnp.ones(())),
    "reset gives reward 0.0 and done True": shows(after_reset, done=jnp.ones((), bool)),
    "did not end within max_steps = 5": SOUND._replace(max_steps=5),
    "the state of a new episode": new_start(),
    "done together with the state of a new": same_start(),
}


def test_check_env_accepts_a_sound_environment() -> None:
    check_env(SOUND)
    check_env(SOUND, key_seed=3)
    check_env(SOUND._replace(max_steps=9))


def test_check_env_accepts_a_random_key_in_the_state() -> None:
    keyed = SOUND._replace(
        reset=lambda key: (reset(key)[0] | {"key": key}, reset(key)[1]),
        step=lambda state, action, key: (
            step(state, action, key)[0] | {"key": jax.random.fold_in(state["key"], 1)},
            step(state, action, key)[1],
        ),
    )
    check_env(keyed)


SLOW_BROKEN = (
    *("step differs from step alone in 4 of 4", "step 1 gives reward inf", "reset gives reward 0.0 and done True"),
    *("reset gives reward 1.0", "reset gives observation [nan nan]", "the state of a new episode"),
)


@pytest.mark.parametrize("text", mostly_slow(BROKEN, quick=[text for text in BROKEN if text not in SLOW_BROKEN]))
def test_check_env_names_what_is_broken(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)) as error:
        check_env(BROKEN[text])
    assert "environment 'sound'" in str(error.value) and "; " in str(error.value)
