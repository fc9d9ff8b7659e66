"""The JAX suites for one agent: the contract of every id, what they show, the catalogue, pictures, training."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from marks import TORN_CACHE, mostly_slow
from PIL import Image

import eggroll_ray as er
import envs
from eggroll_ray.rl.actions import choices
from eggroll_ray.rl.checks.env import check_env
from eggroll_ray.rl.env import Box, Discrete, Env, MultiDiscrete, Timestep, action_shape
from eggroll_ray.runs.metrics import Row
from envs import craftax_env, jumanji_env, kinetix_env, navix_env
from envs.foreign import lenient

pytestmark = pytest.mark.usefixtures("compile_quickly")

PAPER = (  # all sixteen of its tables 17 to 32
    *("gymnax/CartPole-v1", "gymnax/Pendulum-v1", "brax/ant", "brax/humanoid", "brax/inverted_double_pendulum"),
    *("craftax/Craftax-Classic-Symbolic-AutoReset-v1", "craftax/Craftax-Symbolic-AutoReset-v1"),
    *("jumanji/Game2048-v1", "jumanji/Knapsack-v1", "jumanji/Snake-v1"),
    *("kinetix/l/hard_pinball", "kinetix/m/h17_thrustcontrol_left", "kinetix/s/h1_thrust_over_ball"),
    *("navix/Navix-DoorKey-8x8-v0", "navix/Navix-Dynamic-Obstacles-6x6-Random-v0", "navix/Navix-FourRooms-v0"),
)
# Episodes as short as shows what there is to show.
SHORT: dict[str, dict[str, Any]] = {"craftax": {"max_timesteps": 40}, "kinetix": {"max_timesteps": 8}}


def make(name: str, **options: Any) -> Env:
    suite = name.partition("/")[0]
    for package in envs._ADAPTERS[suite].packages:
        pytest.importorskip(package)
    return envs.make(name, **(SHORT.get(suite, {}) | options))


# --- Every environment keeps the contract.


@pytest.mark.parametrize("name", mostly_slow(jumanji_env.names(), quick=["Knapsack-v1"]))
def test_jumanji_keeps_the_contract(name: str) -> None:
    check_env(make(f"jumanji/{name}"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Knapsack-v1", "Sudoku-v0", "MultiCVRP-v0", "RobotWarehouse-v0"])
def test_jumanji_without_masks_keeps_the_contract(name: str) -> None:
    check_env(make(f"jumanji/{name}", mask=False))


@pytest.mark.parametrize("name", mostly_slow(navix_env.names(), quick=["Navix-Empty-5x5-v0"]))
def test_navix_keeps_the_contract(name: str) -> None:
    check_env(make(f"navix/{name}"))


@pytest.mark.slow
@pytest.mark.parametrize("name", craftax_env.names())
def test_craftax_keeps_the_contract(name: str) -> None:
    check_env(make(f"craftax/{name}"))


@pytest.mark.slow
@pytest.mark.parametrize("name", kinetix_env.names())
def test_kinetix_keeps_the_contract(name: str) -> None:
    check_env(make(f"kinetix/{name}"))


@pytest.mark.slow
@pytest.mark.parametrize("action_type", ["discrete", "multi_discrete"])
def test_kinetix_with_other_actions_keeps_the_contract(action_type: str) -> None:
    check_env(make("kinetix/s/h1_thrust_over_ball", action_type=action_type))


# --- What the suites show.


def play(env: Env, length: int, seed: int = 0) -> tuple[list[Any], list[Timestep]]:
    """Plays random actions that the mask allows, until the episode ends; everything on the host."""
    generator = np.random.default_rng(seed)
    step = jax.jit(env.step)
    state, shown = jax.jit(env.reset)(jax.random.key(seed))
    states, timesteps = [jax.device_get(state)], [jax.device_get(shown)]
    while len(states) <= length and not timesteps[-1].done:
        action = random_action(env, timesteps[-1].mask, generator)
        state, shown = step(state, action, jax.random.key(len(states)))
        states.append(jax.device_get(state))
        timesteps.append(jax.device_get(shown))
    return states, timesteps


def random_action(env: Env, mask: Any, generator: np.random.Generator) -> np.ndarray:
    space = env.action_space
    if isinstance(space, Box):
        return generator.uniform(space.low, space.high).astype(np.float32)
    sizes = choices(space)
    allowed = np.ones(sum(sizes), bool) if isinstance(mask, tuple) else mask
    parts = np.split(allowed, np.cumsum(sizes)[:-1])
    return np.array([generator.choice(np.flatnonzero(part)) for part in parts], np.int32).reshape(action_shape(space))


def test_jumanji_observes_all_fields_in_alphabetical_order() -> None:
    env = make("jumanji/Snake-v1")
    _, (first, second, *_) = play(env, 1)
    assert env.observation_space.shape == (4 + 12 * 12 * 5 + 1,)  # action_mask, grid, step_count
    np.testing.assert_array_equal(first.observation[:4], first.mask)
    assert first.observation[4:-1].sum() > 0 and first.observation[-1] == 0
    assert second.observation[-1] == 1
    assert env.max_steps == 4000


def test_a_jumanji_mask_keeps_the_rules() -> None:
    """Only a thing that fits may be packed, so the episode ends when none does; without the mask it ends at a fault."""
    env = make("jumanji/Knapsack-v1")
    states, shown = play(env, 100)
    packed = np.asarray(states[-1].suite_state.packed_items)
    assert packed.sum() == len(states) - 1 and shown[-1].done
    remaining = float(states[-1].suite_state.remaining_budget)
    assert remaining >= 0 and (states[-1].suite_state.weights[~packed] > remaining).all()
    free = make("jumanji/Knapsack-v1", mask=False)
    assert play(free, 1)[1][0].mask == ()
    assert free.observation_space.shape == env.observation_space.shape


def test_a_jumanji_mask_of_combinations_becomes_one_choice() -> None:
    env = make("jumanji/Sudoku-v0")
    assert env.action_space == Discrete(9 * 9 * 9)
    assert make("jumanji/Sudoku-v0", mask=False).action_space == MultiDiscrete((9, 9, 9))
    state, shown = jax.jit(env.reset)(jax.random.key(0))
    action = int(np.flatnonzero(shown.mask)[-1])
    row, column, digit = action // 81, action // 9 % 9, action % 9
    board = np.array(state.suite_state.board)
    assert board[row, column] == -1
    after, _ = jax.jit(env.step)(state, jnp.int32(action), jax.random.key(0))
    board[row, column] = digit
    np.testing.assert_array_equal(after.suite_state.board, board)


@pytest.mark.slow
def test_a_jumanji_dead_end_allows_everything() -> None:
    """No block fits any more, before as many steps are done as there are blocks."""
    env = make("jumanji/FlatPack-v0")
    states, shown = play(env, 30)
    stuck = [not np.any(state.suite_state.action_mask) for state in states]
    assert sum(stuck) > 1
    assert all(timestep.mask.all() for timestep, none in zip(shown, stuck, strict=True) if none)


@pytest.mark.slow
def test_jumanji_pays_one_policy_what_all_its_agents_earn() -> None:
    env = make("jumanji/Connector-v3")
    suite_env = jumanji_env._build("Connector-v3", ())
    state, _ = env.reset(jax.random.key(1))
    action = jnp.arange(10, dtype=jnp.int32) % 5
    _, shown = env.step(state, action, jax.random.key(0))
    with lenient():
        _, own = suite_env.step(state.suite_state, action)
    assert own.reward.shape == (10,)
    np.testing.assert_allclose(shown.reward, own.reward.sum(), rtol=1e-6)


@pytest.mark.parametrize("name", ["jumanji/Knapsack-v1", "navix/Navix-Empty-5x5-v0"])
def test_an_episode_ends_exactly_at_its_limit(name: str) -> None:
    env = make(name, max_steps=3)
    assert env.max_steps == 3
    states, shown = play(env, 10)
    assert [bool(timestep.done) for timestep in shown] == [False, False, False, True]
    assert states[-1].time == 3


def test_jumanji_takes_the_suites_limit_where_it_has_one() -> None:
    assert make("jumanji/Maze-v0").max_steps == 100
    assert make("jumanji/Maze-v0", time_limit=20).max_steps == 20
    assert make("jumanji/Maze-v0", time_limit=20, max_steps=30).max_steps == 20
    assert make("jumanji/Knapsack-v1").max_steps == 1000


def test_navix_shows_the_grid_as_floats_and_takes_another_view() -> None:
    env = make("navix/Navix-DoorKey-8x8-v0")
    assert env.observation_space.shape == (8, 8, 3) and env.max_steps == 100 and env.action_space == Discrete(7)
    _, shown = jax.jit(env.reset)(jax.random.key(0))
    kinds = np.asarray(shown.observation[..., 0])
    assert (kinds[[0, -1]] == 2).all() and (kinds == 10).sum() == 1  # walls around, and one player
    import navix

    view = navix.observations.symbolic_first_person
    assert make("navix/Navix-DoorKey-8x8-v0", observation_fn=view).observation_space.shape == (7, 7, 3)


@pytest.mark.slow
def test_navix_observes_pictures() -> None:
    env = make("navix/Navix-Empty-5x5-v0")
    import navix

    env = make("navix/Navix-Empty-5x5-v0", observation_fn=navix.observations.rgb)
    _, shown = play(env, 5)
    assert shown[-1].observation.shape == (40, 40, 3) and shown[-1].observation.std() > 0


def test_both_spellings_of_craftax_are_one_environment() -> None:
    env, twin = make("craftax/Craftax-Classic-Symbolic-v1"), make("craftax/Craftax-Classic-Symbolic-AutoReset-v1")
    assert env.observation_space.shape == twin.observation_space.shape == (1345,)
    assert env.action_space == twin.action_space == Discrete(17)
    assert env.max_steps == twin.max_steps == 40
    assert envs.make("craftax/Craftax-Classic-Symbolic-v1").max_steps == 10_000


@pytest.mark.slow
def test_kinetix_pays_for_coming_closer_and_starts_alike() -> None:
    env = make("kinetix/s/h1_thrust_over_ball")
    assert env.action_space.shape == (6,) and env.observation_space.shape == (140,)  # type: ignore
    assert envs.make("kinetix/s/h1_thrust_over_ball").max_steps == 256
    _, one = env.reset(jax.random.key(0))
    _, two = env.reset(jax.random.key(1))
    np.testing.assert_array_equal(one.observation, two.observation)
    _, dense = play(env, 8)
    _, sparse = play(make("kinetix/s/h1_thrust_over_ball", dense_reward_scale=0.0), 8)
    assert any(timestep.reward != 0 for timestep in dense) and not any(timestep.reward for timestep in sparse)


# --- The catalogue and the errors.


def test_the_catalogue_has_all_environments_of_the_paper() -> None:
    offered = {f"{entry.suite}/{name}" for entry in envs.catalogue() for name in entry.names}
    assert set(PAPER) <= offered and len(set(PAPER)) == 16


def test_the_catalogue_agrees_with_jumanji() -> None:
    jumanji = pytest.importorskip("jumanji")
    assert {*jumanji_env.names(), *jumanji_env.UNSUPPORTED} == set(jumanji.registered_environments())


def test_the_catalogue_agrees_with_navix() -> None:
    navix = pytest.importorskip("navix")
    assert {*navix_env.names(), *navix_env.UNSUPPORTED} == set(navix.registry())


def test_the_catalogue_agrees_with_the_levels_of_kinetix() -> None:
    pytest.importorskip("kinetix")
    spec = importlib.util.find_spec("kinetix")
    assert spec is not None and spec.origin is not None
    folder = Path(spec.origin).parent / "levels"
    levels = {str(file.relative_to(folder).with_suffix("")) for file in folder.glob("?/*.json")}
    assert {*kinetix_env.names(), *kinetix_env.UNSUPPORTED} == levels


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hard_pinball", "did you mean kinetix/l/hard_pinball"),
        ("kinetix/hard_pinball", "did you mean kinetix/l/hard_pinball"),
        ("navix/navix-doorkey-8x8-v0", "did you mean navix/Navix-DoorKey-8x8-v0"),
        ("jumanji/Sokoban-v0", "cannot be used: jumanji downloads its levels"),
        ("craftax/Craftax-v1", "did you mean craftax/Craftax-"),
    ],
)
def test_a_wrong_id_is_explained(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        envs.make(name)


@pytest.mark.parametrize(
    ("name", "package"), [("kinetix/l/hard_pinball", "kinetix-env"), ("craftax/Craftax-Symbolic-v1", "craftax")]
)
def test_a_suite_of_two_commands_says_how_it_is_installed(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = name.split("/")[0]
    monkeypatch.setattr(envs, "_installed", lambda other: other != suite)
    command = f"pip install 'eggroll-ray[{suite}]' && pip install --no-deps {package}"
    with pytest.raises(ValueError, match=re.escape(command)):
        envs.make(name)
    (entry,) = (entry for entry in envs.catalogue() if entry.suite == suite)
    assert not entry.installed and entry.install == command and entry.extra == suite


def test_an_adapter_that_is_not_there_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(envs._ADAPTERS, "absent", envs._Adapter("envs.absent_env", ("absent",)))
    assert "absent" not in [entry.suite for entry in envs.catalogue()]
    with pytest.raises(ValueError, match="unknown environment 'absent/Some-v0'"):
        envs.make("absent/Some-v0")


def test_an_open_suite_is_given_any_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = (
        "import collections\nOPEN = True\nUNSUPPORTED = {}\nnames = tuple\nMade = collections.namedtuple('Made', "
        "'name options recipe')\n\n\ndef make(name, **options):\n    return Made(name, options, None)\n"
    )
    (tmp_path / "open_suite_env.py").write_text(adapter)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(envs._ADAPTERS, "open", envs._Adapter("open_suite_env", ("json",)))
    assert envs.make("open/name/space:Any-v3", width=2)[:2] == ("name/space:Any-v3", {"width": 2})


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("jumanji/Knapsack-v1", {"max_steps": 0}, "at least 1"),
        ("jumanji/Knapsack-v1", {"budget": 3.0}, "budget"),
        ("navix/Navix-Empty-5x5-v0", {"max_steps": 0}, "at least 1"),
        ("navix/Navix-Empty-5x5-v0", {"colour": 1}, "colour"),
        ("craftax/Craftax-Symbolic-v1", {"max_timesteps": 0}, "at least 1"),
        ("craftax/Craftax-Symbolic-v1", {"max_steps": 10}, "max_timesteps"),
        ("kinetix/s/h1_thrust_over_ball", {"action_type": "any"}, "continuous, discrete"),
    ],
)
def test_a_wrong_option_is_named(name: str, options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make(name, **options)


# --- Environments travel, are drawn, and train.

ONE_EACH = (
    *("jumanji/Knapsack-v1", "navix/Navix-Dynamic-Obstacles-6x6-Random-v0"),
    *("craftax/Craftax-Classic-Symbolic-v1", "kinetix/s/h1_thrust_over_ball"),
)


@pytest.mark.parametrize("name", mostly_slow(ONE_EACH, quick=ONE_EACH[:1]))
def test_a_suite_is_first_imported_inside_a_trace(name: str, tmp_path: Path) -> None:
    """As on a worker: the pickle starts nothing, and all that the suite makes at its import stays usable."""
    file = tmp_path / "env.pickle"
    env = make(name)
    file.write_bytes(cloudpickle.dumps(env))
    program = f"""
import cloudpickle, jax, numpy
from jax._src import xla_bridge
env = cloudpickle.load(open({str(file)!r}, "rb"))
assert not xla_bridge.backends_are_initialized()
state, shown = jax.jit(env.reset)(jax.random.key(1))
action = numpy.zeros({action_shape(env.action_space)}, {"float32" if isinstance(env.action_space, Box) else "int32"!r})
jax.jit(env.step)(state, action, jax.random.key(2))
numpy.save({str(tmp_path / "shown.npy")!r}, env.reset(jax.random.key(1))[1].observation)
"""
    subprocess.run([sys.executable, "-W", "error", "-W", f"ignore:{TORN_CACHE}", "-c", program], check=True)
    np.testing.assert_allclose(np.load(tmp_path / "shown.npy"), env.reset(jax.random.key(1))[1].observation, rtol=1e-6)


DRAWN = (
    *(f"jumanji/{name}" for name in jumanji_env.names() if name not in jumanji_env._INVISIBLE),
    *("navix/Navix-DoorKey-8x8-v0", "navix/Navix-Dynamic-Obstacles-6x6-Random-v0"),
    *("craftax/Craftax-Classic-Symbolic-v1", "craftax/Craftax-Symbolic-v1", "craftax/Craftax-Classic-Pixels-v1"),
    *("kinetix/s/h1_thrust_over_ball", "kinetix/l/hard_pinball"),
)


@pytest.mark.parametrize("name", mostly_slow(DRAWN, quick=["jumanji/Knapsack-v1", "navix/Navix-DoorKey-8x8-v0"]))
def test_an_episode_is_drawn(name: str, tmp_path: Path) -> None:
    env = make(name)
    assert env.render is not None
    states, _ = play(env, 6)
    file = env.render(states, tmp_path / "new folder" / "best.v1")
    assert file == tmp_path / "new folder" / "best.v1.gif"
    with Image.open(file) as image:
        assert image.n_frames > 1 and max(image.size) >= 100  # type: ignore[attr-defined]
        assert len(image.convert("RGB").getcolors(1 << 24) or ()) > 1
    with pytest.raises(ValueError, match="nothing to draw"):
        env.render([], tmp_path / "best")


@pytest.mark.parametrize("name", mostly_slow((*PAPER[5:], "jumanji/Sudoku-v0"), quick=["jumanji/Knapsack-v1"]))
def test_two_generations_train(name: str) -> None:
    evaluator = er.from_env(make(name), er.mlp(hidden=(16,)))
    strategy = er.eggroll(rank=1, sigma=0.1, optimizer=optax.adam(0.05))
    rows: list[Row] = []
    with er.Trainer(evaluator, strategy, population_size=4, workers=0, seed=0) as trainer:
        trainer.fit(generations=2, on_row=rows.append)
    assert len(rows) == 2 and all(np.isfinite(np.float64(row["fitness_mean"])) for row in rows)
