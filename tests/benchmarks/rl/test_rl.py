"""The RL comparison: the paper's tables, the translation of settings, what counts as a step, rows, page and figure."""

import dataclasses
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eggroll_ray as er
import envs
from benchmarks.rl import rl, rl_figures, rl_rank, rl_rows, rl_search
from benchmarks.rl.as_gymnax import AsGymnax
from benchmarks.rl.rl_learners import Evolution, MostLikely, RejaxPPO, strategy_options
from benchmarks.rl.rl_run import Limits, Stopwatch, covered, run
from benchmarks.rl.rl_settings import ALGORITHMS, TASKS, Algorithm, ESSettings, PPOSettings, find_task, ranges
from eggroll_ray.cli.build import make_strategy

pytestmark = pytest.mark.usefixtures("compile_quickly")

LENGTH = 5  # of an episode of the environments below
SETTINGS = ESSettings(True, 0.1, 1.0, 3, 8, "adam", 1, True, 0.1, 1.0)
PPO = PPOSettings(0.2, 0.0, 0.9, 0.9, 1e-3, 1.0, 4, 2, 2, 8, 0.5)


def walk(box: bool) -> er.Env:
    """A state that counts its steps and remembers the key of its reset; pays the action."""

    def reset(key: jax.Array) -> tuple[Any, er.Timestep]:
        state = {"time": jnp.int32(0), "key": key}
        return state, er.Timestep(jnp.zeros(2), jnp.float32(0), jnp.bool_(False))

    def step(state: Any, action: jax.Array, key: jax.Array) -> tuple[Any, er.Timestep]:
        del key
        time = state["time"] + 1
        observation = jnp.stack([time.astype(jnp.float32), jnp.float32(1)])
        reward = action.reshape(()).astype(jnp.float32)
        return {"time": time, "key": state["key"]}, er.Timestep(observation, reward, time >= LENGTH)

    space = er.Box.of((1,), -1, 1) if box else er.Discrete(2)
    return er.Env("walk", reset, step, er.Box.of((2,)), space, LENGTH)


# --- The tables.


@pytest.mark.parametrize(
    ("env", "algorithm", "expected"),
    [
        ("brax/ant", "eggroll", (False, 0.01, 0.9995, 1, 2048, "adam", 1, False, 0.05, 0.9995)),
        ("brax/humanoid", "openai_es", (False, 0.1, 0.995, 8, 1024, "sgd", None, True, 0.2, 0.995)),
        ("navix/Navix-FourRooms-v0", "eggroll", (False, 0.01, 0.999, 4, 2048, "sgd", 4, True, 0.05, 0.9995)),
        ("kinetix/l/hard_pinball", "openai_es", (True, 0.01, 1, 1, 512, "sgd", None, True, 0.5, 0.9995)),
        ("craftax/Craftax-Symbolic-AutoReset-v1", "ppo", (0.2, 0, 0.9, 0.95, 3e-4, 2, 256, 4, 32, 64, 0.75)),
        ("jumanji/Snake-v1", "ppo", (0.3, 1e-3, 0.95, 0.999, 1e-4, 0.5, 128, 4, 16, 128, 0.75)),
    ],
)
def test_settings_are_those_of_the_paper(env: str, algorithm: Algorithm, expected: tuple[Any, ...]) -> None:
    task = find_task(env)
    assert task is not None
    assert dataclasses.astuple(task.settings(algorithm)) == expected


def test_every_setting_lies_in_the_paper_s_search_range() -> None:
    assert [task.table for task in TASKS] == list(range(17, 33))
    for task in TASKS:
        for algorithm in ALGORITHMS:
            for name, values in ranges(algorithm).items():
                assert getattr(task.settings(algorithm), name) in values, (task.env, algorithm, name)


def test_the_paper_s_final_returns_average_to_those_of_its_figure() -> None:
    means = np.mean([task.paper_final for task in TASKS], axis=0)
    np.testing.assert_allclose(means, (0.551, 0.461), atol=6e-4)


def test_every_environment_is_one_of_ours() -> None:
    ids = {f"{entry.suite}/{name}" for entry in envs.catalogue() for name in entry.names}
    assert {task.env for task in TASKS} <= ids


# --- The translation of settings.


@pytest.mark.slow
@pytest.mark.parametrize("rank", [None, 2])
def test_sgd_makes_the_step_of_the_paper_s_code(rank: int | None) -> None:
    """Three updates, whose learning rate and sigma both decay."""
    settings = ESSettings(True, 0.3, 0.9, 1, 16, "sgd", rank, False, 0.2, 0.7)
    strategy = make_strategy(strategy_options(settings))
    state = strategy.init({"w": jnp.ones((6, 5))}, 3)
    for generation in range(3):
        sigma = 0.2 * 0.7**generation
        fitness = jax.random.normal(jax.random.key(generation), (16,))
        before = state.params["w"]
        members = [er.densify(_value(strategy.perturb(state, jnp.int32(i))["w"])) for i in range(16)]
        noise = (np.stack([np.asarray(member) for member in members]) - np.asarray(before)) / sigma
        scored = (np.asarray(fitness) - fitness.mean()) / np.asarray(fitness).std()
        rate = 0.3 * 0.9**generation * sigma * math.sqrt(16)
        state, _ = strategy.update(state, fitness)
        expected = before + rate * np.tensordot(scored, noise, 1) / 16
        np.testing.assert_allclose(state.params["w"], expected, rtol=1e-3, atol=1e-5)


def _value(leaf: Any) -> Any:
    return leaf.value if isinstance(leaf, er.Noised) else leaf


def test_adam_takes_the_paper_s_learning_rate_and_decays_unchanged() -> None:
    task = find_task("brax/ant")
    assert task is not None
    options = strategy_options(task.openai_es)
    assert (options.strategy, options.learning_rate, options.learning_rate_decay) == ("openai-es", 0.1, 0.995)
    assert (options.sigma, options.sigma_decay, options.shaping) == (0.05, 0.9995, "z-score")
    assert strategy_options(task.eggroll).rank == 1


# --- What counts, and when a run ends.


CASES = [(box, deterministic) for box in (False, True) for deterministic in (False, True)]


@pytest.mark.slow
@pytest.mark.parametrize(("box", "deterministic"), CASES)
def test_steps_are_those_of_the_whole_population(box: bool, deterministic: bool) -> None:
    learner = Evolution(walk(box), dataclasses.replace(SETTINGS, deterministic=deterministic), seed=0)
    assert learner.advance() == 8 * 3 * LENGTH
    for most_likely in (False, True):
        assert learner.test(128, most_likely).shape == (128,)
    # The walk pays the action, and twins always differ: what is likely earns more after a few updates.
    for _ in range(10):
        learner.advance()
    assert learner.test(128, most_likely=True).mean() > 0.9 * LENGTH


class _Counter:
    """Takes seven steps an update; its return is the number of updates."""

    def __init__(self) -> None:
        self.updates = 0

    def advance(self) -> int:
        self.updates += 1
        return 7

    def test(self, episodes: int, most_likely: bool = False) -> np.ndarray:
        return np.full(episodes, self.updates + 100 * most_likely, np.float32)


def test_a_run_ends_with_the_update_that_reaches_the_budget() -> None:
    row = run(_Counter(), Limits(budget=30, points=3))
    assert (row["steps"], row["generations"], row["ended_by"]) == (35, 5, "budget")
    assert row["curve"] == [[0, 0.0], [14, 2.0], [21, 3.0], [35, 5.0]]  # the first update beyond 10, 20 and 30
    assert (row["final_return"], row["final_return_most_likely"]) == (5.0, 105.0)
    assert run(_Counter(), Limits(budget=1))["generations"] == 1
    row = run(_Counter(), Limits(budget=10**9, minutes=1e-9))
    assert (row["generations"], row["ended_by"]) == (1, "minutes")
    with pytest.raises(ValueError, match="minutes=0"):
        Limits(10, minutes=0)


def test_compiling_is_timed_apart() -> None:
    assert covered([(3.0, 4.0), (0.0, 2.0), (0.5, 1.0), (1.5, 2.5)]) == 3.5
    watch, fn = Stopwatch(), jax.jit(lambda x: jnp.sin(x) @ jax.jit(jnp.cos)(x))
    with watch:
        fn(jnp.ones((3, 3)))
    first = watch.compile_seconds
    assert 0 < first <= (watch.first_seconds or 0)
    with watch:
        fn(jnp.ones((3, 3)))
    assert watch.compile_seconds - first < 0.5 * first


# --- PPO's view of our environments.


@pytest.mark.parametrize("size", [3, 20])  # below and above the number that is reset together
def test_an_episode_that_has_ended_starts_anew_and_no_other(size: int) -> None:
    env = AsGymnax(walk(box=False))
    keys = jax.random.split(jax.random.key(1), size)
    observation, state = jax.vmap(env.reset, (0, None))(keys, ())
    state["time"] = jnp.arange(size, dtype=jnp.int32) % LENGTH  # one in five ends with the next step
    step = jax.jit(jax.vmap(env.step, (0, 0, 0, None)))
    observation, after, reward, done, _ = step(keys, state, jnp.ones(size, jnp.int32), ())
    ended = np.arange(size) % LENGTH == LENGTH - 1
    np.testing.assert_array_equal(done, ended)
    np.testing.assert_array_equal(after["time"], np.where(ended, 0, np.arange(size) % LENGTH + 1))
    np.testing.assert_array_equal(observation[:, 1], np.where(ended, 0, 1))
    np.testing.assert_array_equal(reward, np.ones(size))
    # What a batch does is what each does alone, to the key of the new episode.
    for place in range(0, size, 2):
        alone = env.step(keys[place], jax.tree.map(lambda x, p=place: x[p], state), jnp.int32(1), ())[1]
        assert jax.random.key_data(alone["key"]).tolist() == jax.random.key_data(after["key"][place]).tolist()


def test_ppo_refuses_what_it_cannot_step() -> None:
    pytest.importorskip("rejax")
    with pytest.raises(ValueError, match="2 agents"):
        AsGymnax(walk(False)._replace(agents=("a", "b")))
    with pytest.raises(ValueError, match="num_minibatches=3 must divide"):
        RejaxPPO(walk(False), dataclasses.replace(PPO, num_minibatches=3), seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("box", [False, True])
def test_rejax_learns_in_our_environment(box: bool) -> None:
    pytest.importorskip("rejax")
    learner = RejaxPPO(walk(box), PPO, seed=0)
    before = learner.test(128).mean()
    assert [learner.advance() for _ in range(30)] == [4 * 8] * 30
    assert learner.test(128).mean() > before
    assert learner.test(128, most_likely=True).mean() > 0.8 * LENGTH


def test_the_most_likely_action_of_a_sampling_policy() -> None:
    outputs = jnp.array([0.3, -5.0, 1.0, 1.0])
    box = er.Box.of((2,), -1, 1)
    assert MostLikely().outputs(box) == 4
    np.testing.assert_allclose(MostLikely().action(box, outputs, jax.random.key(0)), [0.3, -1.0])
    assert MostLikely().action(er.Discrete(4), outputs, jax.random.key(0)) == 2


# --- The command line, rows, page and figure.


def options(docs: Path, **changes: Any) -> rl.Options:
    chosen: dict[str, Any] = {"env": ("gymnax/CartPole-v1",), "budget": 2e4, "seeds": 1, "population": 64, "points": 3}
    chosen |= changes
    return rl.Options(docs=docs, **chosen)


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_run_becomes_a_row_once(algorithm: Algorithm, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("gymnax")
    if algorithm == "ppo":
        pytest.importorskip("rejax")
    rl.main(options(tmp_path, algo=(algorithm,)))
    text = (tmp_path / "rl.json").read_text()
    (row,) = json.loads(text)["rows"]
    numbers = [row[name] for name in row if isinstance(row[name], float)] + [y for _, y in row["curve"]]
    assert np.isfinite(numbers).all() and row["steps"] >= 2e4 and row["compile_seconds"] > 0
    assert 1 <= row["final_return"] <= 500 and row["test_episodes"] == 128
    if algorithm != "ppo":
        assert row["settings"]["population_size"] == 64 and row["source"] == "Table 17, population 64"
    capsys.readouterr()
    rl.main(options(tmp_path, algo=(algorithm,)))
    assert "is there already" in capsys.readouterr().out
    assert (tmp_path / "rl.json").read_text() == text


def row_of(env: str, algo: Algorithm, seed: int, final: float, **changes: Any) -> dict[str, Any]:
    task = find_task(env)
    assert task is not None
    row = {"env": env, "algo": algo, "seed": seed, "budget": 1000, "minutes": None, "block_size": None}
    row |= {"settings": {"sigma": 0.1}, "source": task.source(algo), "ended_by": "budget", "steps_per_second": 10.0}
    row |= {"steps": 1000, "test_episodes": 128, "date": "2026-01-02", "machine": "abacus", "versions": {"jax": "0.1"}}
    row |= {"final_return": final, "final_return_most_likely": final}
    return row | {"curve": [[0, -1.0], [500, final / 2], [1000, final]]} | changes


def test_rows_are_merged_by_what_they_are_of(tmp_path: Path) -> None:
    path = tmp_path / "rl.json"
    rl_rows.save(path, reasons={"brax/ant": "too slow", "gymnax/CartPole-v1 ppo": "missing"})
    rl_rows.save(path, [row_of("brax/ant", "ppo", 1, 3.0), row_of("gymnax/CartPole-v1", "eggroll", 0, 5.0)])
    rl_rows.save(path, [row_of("brax/ant", "ppo", 1, 4.0), row_of("brax/ant", "ppo", 1, 6.0, budget=2000)])
    record = rl_rows.load(path)
    assert [(row["env"], row["budget"], row["final_return"]) for row in record["rows"]] == [
        ("gymnax/CartPole-v1", 1000, 5.0),
        ("brax/ant", 1000, 4.0),
        ("brax/ant", 2000, 6.0),
    ]
    assert record["reasons"] == {"gymnax/CartPole-v1 ppo": "missing"}
    same = row_of("brax/ant", "ppo", 1, 0.0)
    assert rl_rows.is_done(record, same)
    assert not rl_rows.is_done(record, same | {"seed": 2})
    assert not rl_rows.is_done(record, same | {"settings": {"sigma": 0.2}})
    cut = rl_rows.merge(record, [same | {"ended_by": "minutes", "minutes": 5.0}])
    assert rl_rows.is_done(cut, same | {"minutes": 5.0})
    assert not rl_rows.is_done(cut, same | {"minutes": 9.0}) and not rl_rows.is_done(cut, same)
    path.write_text("[]")
    with pytest.raises(ValueError, match="no rows and reasons"):
        rl_rows.load(path)


def test_returns_are_divided_by_ppo_s() -> None:
    positive = [row_of("brax/ant", "eggroll", 0, 3.0), *(row_of("brax/ant", "ppo", s, 4.0 + 4 * s) for s in (0, 1))]
    assert rl_rows.over_ppo(positive)["eggroll"] == [0.5]
    assert rl_rows.over_ppo(positive[:1]) == {}
    start = [[0, -1200.0], [500, -600.0]]
    negative = [
        row_of("gymnax/Pendulum-v1", "openai_es", 0, -400.0, curve=start),
        row_of("gymnax/Pendulum-v1", "ppo", 0, -200.0, curve=start),
    ]
    assert rl_rows.over_ppo(negative) == {"eggroll": [], "openai_es": [0.8], "ppo": [1.0]}


def test_the_page_and_the_figure_say_what_the_rows_say(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    rows = [row_of("brax/ant", algo, seed, 4.0 + seed) for algo in ALGORITHMS for seed in (0, 1)]
    rows[0] |= {"source": "found.json", "ended_by": "minutes", "steps": 600, "curve": [[0, 0.0], [600, 3.0]]}
    rl_rows.save(tmp_path / "rl.json", rows, {"brax/humanoid": "takes 9 h", "gymnax/CartPole-v1 ppo": "broke"})
    curves = tmp_path / "curves.csv"
    header = "env,method,steps_1e8(approx: curve span scaled to 0..5),ppo_normalised_return"
    curves.write_text(f"{header}\nAnt,EGGROLL,0.0,0.1\nAnt,EGGROLL,5.0,0.4\nAnt,OpenES,0.0,0.1\nAnt,OpenES,5.0,0.0\n")
    rl.main(rl.Options(render=True, docs=tmp_path, paper_curves=curves))
    page = (tmp_path / "rl.md").read_text()
    line = "| brax/ant | 1e+03 | 2 | 4.5 +- 0.5 (t, 6e+02) | 4.5 +- 0.5 | 4.5 +- 0.5 | 4.5 +- 0.5 | 600 "
    assert line + "| 2.75 / 2.25 / 2.25 | 10 / 10 / 10 | 1.000 / 1.000 | 0.388 / -0.003 |" in page
    assert "| brax/humanoid | takes 9 h |" in page and "- PPO gymnax/CartPole-v1: broke" in page
    assert "- brax/ant, EGGROLL: found.json" in page
    assert "Measured up to 2026-01-02 on abacus; jax 0.1." in page and "![Curves](rl.png)" in page
    assert (tmp_path / "rl.png").stat().st_size > 10_000
    assert rl_figures.read_paper_curves(curves)["Ant", "EGGROLL"] == [(0.0, 0.1), (5e8, 0.4)]
    with pytest.raises(ValueError, match="no rows to draw"):
        rl_figures.draw({"rows": [], "reasons": {}}, tmp_path / "none.png")


def test_what_cannot_be_run_is_said_in_the_file(tmp_path: Path) -> None:
    pytest.importorskip("gymnax")
    rl.main(options(tmp_path, env=("gymnax/CartPole-v1 no_such_option=1",), algo=("eggroll",)))
    record = rl_rows.load(tmp_path / "rl.json")
    assert record["rows"] == [] and "no_such_option" in record["reasons"]["gymnax/CartPole-v1 no_such_option=1"]
    with pytest.raises(ValueError, match="--settings FILE"):
        rl.main(options(tmp_path, env=("brax/hopper",)))


def test_settings_found_by_a_search_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    rl_search.write_settings(path, "walk", "ppo", {"settings": dataclasses.asdict(PPO), "final_return": 1.0})
    assert rl_search.read_settings(path, "ppo") == PPO
    with pytest.raises(ValueError, match="settings of 'ppo', not 'eggroll'"):
        rl_search.read_settings(path, "eggroll")


def test_a_trial_whose_return_is_no_number_is_not_the_best() -> None:
    metrics = {"final_return": math.nan, "steps": 1, "generations": 1, "seconds": 0.0, "ended_by": "budget"}
    result = SimpleNamespace(config={"sigma": 0.5}, error=None, metrics=metrics)
    assert rl_search._trial(result) == {"settings": {"sigma": 0.5}, "error": "its return is nan"}
    metrics["final_return"] = 2.0
    assert rl_search._trial(result) == {"settings": {"sigma": 0.5}, **metrics}


@pytest.mark.slow
@pytest.mark.ray
def test_a_search_with_ray_tune_finds_the_best_of_its_trials(tmp_path: Path) -> None:
    pytest.importorskip("ray.tune")
    import ray

    def train(settings: Any, seed: int) -> dict[str, Any]:
        if settings.sigma == 0.5:
            raise ValueError("such noise is too much")
        rest = {"steps": 1, "generations": 1, "seconds": 0.0, "ended_by": "budget"}
        return {"final_return": float(settings.population_size + seed), **rest}

    try:
        found = rl_search.search(train, "eggroll", trials=6, seed=7, fixed={"rank": 2})
    finally:
        ray.shutdown()
    assert len(found["trials"]) == 6 and found["settings"]["rank"] == 2
    finished = [trial for trial in found["trials"] if "error" not in trial]
    assert found["final_return"] == max(trial["final_return"] for trial in finished)
    assert found["final_return"] == found["settings"]["population_size"] + 7
    for trial in found["trials"]:
        assert ("error" in trial) == (trial["settings"]["sigma"] == 0.5)


def test_rank_sensitivity_keeps_one_row_per_rank_and_seed(tmp_path: Path) -> None:
    def train(settings: Any, seed: int) -> dict[str, Any]:
        return row_of("brax/ant", "eggroll", seed, settings.rank + seed, settings=dataclasses.asdict(settings))

    for _ in range(2):
        rl_rank.measure("brax/ant", SETTINGS, tmp_path, 2, train)
    assert len(json.loads((tmp_path / "rank.json").read_text())) == 2 * len(rl_rank.RANKS)
    assert (
        "| brax/ant | Table 19 | 1e+03 | 16 | 2 | 16.5 +- 0.5 | 0.707 | 16 | 17 | 10 |"
        in (tmp_path / "rank.md").read_text()
    )
    with pytest.raises(ValueError, match="needs settings of EGGROLL"):
        rl_rank.measure("brax/ant", PPO, tmp_path, 1, train)
