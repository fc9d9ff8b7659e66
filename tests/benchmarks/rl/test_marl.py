"""The multi-agent comparison: how rejax's PPO sees several agents, what an update takes, rows and page."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eggroll_ray as er
from benchmarks.rl import marl, rl_rows
from benchmarks.rl.as_gymnax import AgentsAsGymnax
from benchmarks.rl.marl_learners import NUM_STEPS, RejaxIPPO, fold
from benchmarks.rl.rl_learners import Evolution
from benchmarks.rl.rl_settings import ALGORITHMS, IPPO, MULTI_AGENT_TASKS, Algorithm, ESSettings

pytestmark = pytest.mark.usefixtures("compile_quickly")

LENGTH = 4  # of an episode
AGENTS = ("boss", "worker_0", "worker_1")


def office(same_spaces: bool = False) -> er.Env:
    """Each agent is paid its own action; the boss has two, the workers have four. Observations tell who and when."""

    def shown(time: jax.Array, reward: jax.Array) -> er.Timestep:
        observation = jnp.stack([jnp.arange(3.0), jnp.full(3, time, jnp.float32)], axis=1)
        return er.Timestep(observation, reward, time >= LENGTH, () if same_spaces else mask)

    def reset(key: jax.Array) -> tuple[Any, er.Timestep]:
        return {"time": jnp.int32(0), "key": key}, shown(jnp.int32(0), jnp.zeros(3))

    def step(state: Any, action: jax.Array, key: jax.Array) -> tuple[Any, er.Timestep]:
        del key
        time = state["time"] + 1
        return {"time": time, "key": state["key"]}, shown(time, action.astype(jnp.float32))

    mask = jnp.array([[True, True, False, False], [True] * 4, [True] * 4])
    spaces = ((er.Box.of((1,)), er.Discrete(2)), *((er.Box.of((2,)), er.Discrete(4)),) * 2)
    each = () if same_spaces else spaces
    return er.Env("office", reset, step, er.Box.of((2,)), er.Discrete(4), LENGTH, AGENTS, each)


def test_every_agent_is_a_row_of_its_environment() -> None:
    env, count = AgentsAsGymnax(office()), 5
    keys = jax.random.split(jax.random.key(0), count * len(AGENTS))
    observation, state = env.reset(keys, ())
    np.testing.assert_array_equal(observation, np.tile([[0, 0], [1, 0], [2, 0]], (count, 1)))
    state["time"] = jnp.arange(count, dtype=jnp.int32)  # the last but one ends with the next step
    actions = jnp.tile(jnp.array([3, 2, 1], jnp.int32), count)  # the boss has no action 3: its last one is 1
    observation, after, reward, done, _ = env.step(keys, state, actions, ())
    ended = np.arange(count) >= LENGTH - 1
    np.testing.assert_array_equal(reward, np.tile([1, 2, 1], count))
    np.testing.assert_array_equal(done, np.repeat(ended, 3))
    times = np.where(ended, 0, np.arange(count) + 1)
    np.testing.assert_array_equal(after["time"], times)
    np.testing.assert_array_equal(observation[:, 1], np.repeat(times, 3))
    with pytest.raises(ValueError, match="must be Discrete"):
        AgentsAsGymnax(office(same_spaces=True)._replace(action_space=er.Box.of((1,))))


def test_folded_logits_are_those_of_the_action_that_counts() -> None:
    logits = jnp.array([0.3, -1.0, 2.0, 0.5])
    chances = np.asarray(jax.nn.softmax(logits))
    folded = np.asarray(jax.nn.softmax(fold(logits, 2)))
    np.testing.assert_allclose(folded, [chances[0], chances[1:].sum()], rtol=1e-5)
    np.testing.assert_allclose(jax.nn.softmax(fold(logits, 4)), chances, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("same_spaces", [True, False])
def test_independent_ppo_learns_for_every_agent(same_spaces: bool) -> None:
    pytest.importorskip("rejax")
    updates, envs = 30, 4
    learner = RejaxIPPO(office(same_spaces), IPPO("tanh", 3e-3, 0.0), envs, budget=updates * envs * NUM_STEPS, seed=0)
    before = learner.test(128).mean()
    assert learner.test(128).shape == (128,)
    assert [learner.advance() for _ in range(updates)] == [envs * NUM_STEPS] * updates
    best = LENGTH * ((3 if same_spaces else 1) + 3 + 3) / 3
    assert before < 0.8 * best < 0.95 * best < learner.test(128, most_likely=True).mean() <= best * 1.0001


@pytest.mark.slow
def test_evolution_of_several_agents_has_one_network() -> None:
    settings = ESSettings(True, 0.1, 1.0, 1, 32, "adamw", 1, True, 0.3, 1.0)
    learner = Evolution(office(), settings, seed=0, network=er.mlp((8,)))
    assert learner.advance() == 32 * LENGTH
    for _ in range(20):
        learner.advance()
    assert learner.test(128).mean() > 0.9 * LENGTH * 7 / 3


def test_the_settings_are_those_of_the_paper() -> None:
    spread, listener, reference = MULTI_AGENT_TASKS
    assert [task.population_size for task in MULTI_AGENT_TASKS] == [128, 512, 4096]
    assert (spread.ippo.activation, listener.ippo.ent_coef, reference.eggroll.sigma) == ("tanh", 0.005, 0.1)
    assert marl.find_task("MPE_simple_spread_v3") is spread is marl.find_task("jaxmarl/MPE_simple_spread_v3")
    with pytest.raises(ValueError, match="none of the paper's: jaxmarl/MPE_simple_spread_v3"):
        marl.find_task("MPE_simple_tag_v3")


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_run_becomes_a_row_once(algorithm: Algorithm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("jaxmarl")
    pytest.importorskip("rejax")
    env = "MPE_simple_speaker_listener_v4"
    options = marl.Options(env=(env,), algo=(algorithm,), budget=2e4, seeds=1, points=2, docs=tmp_path)
    marl.main(options)
    text = (tmp_path / "marl.json").read_text()
    (row,) = json.loads(text)["rows"]
    assert row["steps"] >= 2e4 and np.isfinite(row["final_return"])
    assert row["settings"]["population_size"] == 512 and row["source"] == "Table 8"
    monkeypatch.setattr(marl, "run", lambda *_: pytest.fail("it is there already"))
    with contextlib.redirect_stdout(io.StringIO()) as said:  # not capsys: importing JaxMARL puts sys.stdout back
        marl.main(options)
    assert "is there already" in said.getvalue()
    assert (tmp_path / "marl.json").read_text() == text


def test_the_page_says_what_the_rows_say(tmp_path: Path) -> None:
    pytest.importorskip("jaxmarl")
    pytest.importorskip("matplotlib")
    common = {
        "env": "jaxmarl/MPE_simple_speaker_listener_v4",
        "budget": 1000,
        "ended_by": "budget",
        "date": "2026-01-02",
    }
    common |= {
        "steps": 1000,
        "test_episodes": 128,
        "steps_per_second": 1000.0,
        "machine": "abacus",
        "versions": {"jax": "0.1"},
        "settings": {},
    }
    rows = []
    for algo in ALGORITHMS:
        for seed in (0, 1):
            own = {"algo": algo, "seed": seed, "final_return": -20.0 - seed, "seconds": 60.0, "compile_seconds": 30.0}
            rows.append(common | own | {"curve": [[0, -90.0], [1000, -20.0 - seed]]})
    rl_rows.save(tmp_path / "marl.json", rows)
    marl.main(marl.Options(render=True, docs=tmp_path))
    page = (tmp_path / "marl.md").read_text()
    start, numbers = "| MPE_simple_speaker_listener_v4 | 1e+03 |", "| 2 | -20.5 +- 0.5 | -41 | 1.50 | 1,000 |"
    assert f"{start} EGGROLL {numbers} -24.3 | 3.24 |" in page
    assert f"{start} OpenAI-ES {numbers} -21.7 | 4.59 |" in page
    assert f"{start} IPPO {numbers} -17.8 | 2.9 |" in page
    assert "Measured up to 2026-01-02 on abacus; jax 0.1." in page
    assert (tmp_path / "marl.png").stat().st_size > 5_000
