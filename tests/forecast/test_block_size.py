"""`block_size="auto"`: what fits and is fastest is chosen, kept for the next run, and recorded with the run."""

import functools
import itertools
import json
import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from evaluating import bound_once
from toy_games import constant_policy, higher_card, team_env, walks

import eggroll_ray as er
from eggroll_ray.cli import app, fit, options
from eggroll_ray.compiling.cache import cache_folder
from eggroll_ray.forecast import block_size as block_search
from eggroll_ray.forecast.block_size import cached, candidates, choose
from eggroll_ray.workers import plan
from eggroll_ray.workers.plan import make_plan
from eggroll_ray.workers.worker import Worker

pytestmark = pytest.mark.usefixtures("compile_quickly")

START = {"w": np.ones((6, 5), np.float32), "b": np.zeros(5, np.float32)}
EGGROLL = er.eggroll()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The cache folder of a test, never the user's."""
    monkeypatch.setenv("EGGROLL_RAY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "blocks"


class Fake:
    """A size with a known need of memory and known times, which notes when it is measured."""

    def __init__(self, needs, times, log):
        self._needs, self._times, self._log = needs, itertools.cycle(np.atleast_1d(times)), log

    def needed_bytes(self):
        return self._needs

    def seconds(self):
        self._log.append(self._needs)
        return float(next(self._times))


def chosen(times, default=None, memory_bytes=10**9, needs=lambda size: size, log=None):
    log = [] if log is None else log
    return choose(list(times), default, memory_bytes, lambda size: Fake(needs(size), times[size], log))


def objective(params, key):
    rows = jnp.eye(params["w"].shape[0]) @ params["w"]
    return -(rows**2).sum() - ((params["b"] - 1.0) ** 2).sum() + 0.1 * jax.random.normal(key, ())


@functools.cache
def matrix():
    """One evaluator for all runs."""
    return bound_once(er.from_fitness(objective, START))


def trainer(run=None, block_size="auto", evaluator=None, **given):
    return er.Trainer(
        evaluator or matrix(), EGGROLL, population_size=32, block_size=block_size, seed=5, run=run, **given
    )


def kept(folder):
    (path,) = folder.iterdir()
    return path, json.loads(path.read_text())


def choose_always(monkeypatch, size):
    """Spares tests the time of measuring; returns the list of what was asked."""
    asked = []
    monkeypatch.setattr(block_search, "choose", lambda sizes, *_: asked.append(sorted(sizes)) or size)
    return asked


def test_candidates_are_even_divisors_of_the_population_near_the_wanted_sizes():
    wanted = (16, 32, 64, 128, 256, 512, 1024)
    assert candidates(4096, wanted) == list(wanted)
    assert candidates(1000, wanted) == [20, 40, 50, 100, 250, 500, 1000]
    assert candidates(2 * 509, wanted) == [2, 1018]
    assert candidates(6, wanted) == [6] and candidates(2, wanted) == [2]


def test_the_fastest_is_chosen_and_the_first_measurement_does_not_count():
    assert chosen({16: 2.0, 64: 1.0, 256: 1.5}) == 64
    log = []
    assert chosen({16: [0.1, *[2.0] * 5], 64: [9.0, *[1.0] * 5]}, log=log) == 64
    assert log == [16, 64] * 6  # by turns


def test_one_slow_measurement_does_not_decide():
    assert chosen({16: [1.0, 1.0, 1.0, 9.0, 1.0, 1.0], 64: 1.2}) == 16


def test_among_equals_the_default_is_chosen_or_else_the_smallest():
    times = {16: 1.029, 64: 1.0, 256: 1.02, 512: 1.031}
    assert chosen(times) == 16
    assert chosen(times, default=256) == 256
    assert chosen(times, default=512) == 16


def test_what_does_not_fit_is_neither_measured_nor_chosen():
    log = []
    assert chosen({16: 3.0, 64: 2.0, 256: 1.0}, memory_bytes=64, log=log) == 64
    assert set(log) == {16, 64}
    assert chosen({16: 3.0, 64: 2.0, 256: 1.0}, memory_bytes=1, needs=lambda size: None) == 256  # nobody knows
    with pytest.raises(ValueError, match=r"blocks of 16 members take 16 bytes, but only 15 .* set block_size"):
        chosen({16: 3.0, 64: 2.0}, memory_bytes=15)


def test_a_size_that_runs_out_of_memory_is_left_out_with_those_above_it(monkeypatch):
    def fail(self):
        if self._needs >= 64:
            raise jax.errors.JaxRuntimeError(message)
        return 1.0

    monkeypatch.setattr(Fake, "seconds", fail)
    message = "RESOURCE_EXHAUSTED: out of memory"
    assert chosen({16: 3.0, 64: 2.0, 256: 1.0}) == 16
    with pytest.raises(jax.errors.JaxRuntimeError, match="RESOURCE"):
        chosen({64: 2.0, 256: 1.0})
    message = "INTERNAL: a fault"
    with pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"):
        chosen({16: 3.0, 64: 2.0})


def test_a_single_size_is_not_measured(folder, monkeypatch):
    asked = choose_always(monkeypatch, 8)
    assert er.fastest_block_size(er.from_fitness(objective, START), er.eggroll(), 16) == 16
    assert not asked and not folder.exists()


def test_a_size_is_kept_under_its_key_and_found_again(folder):
    calls = []

    def search():
        calls.append(1)
        return 64

    assert cached({"model": "a", "rank": 1}, [16, 64], search) == 64
    assert cached({"rank": 1, "model": "a"}, [16, 64], search) == 64 and len(calls) == 1
    assert cached({"model": "b", "rank": 1}, [16, 64], search) == 64 and len(calls) == 2
    assert folder.stat().st_mode & 0o777 == folder.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "content", ["", "[]", "{", "\0\xff", '{"block_size": 64}', '{"key": {"a": 2}, "block_size": 64}']
)
def test_a_damaged_or_foreign_file_is_measured_anew_and_replaced(folder, content):
    assert cached({"a": 1}, [16, 64], lambda: 16) == 16
    path, whole = kept(folder)
    path.write_text(content)
    assert cached({"a": 1}, [16, 64], lambda: 16) == 16
    assert kept(folder)[1] == whole


@pytest.mark.parametrize("size", ["64", 64.0, 48, None, [64]])
def test_a_kept_size_that_is_none_of_the_sizes_is_not_taken(folder, size):
    cached({"a": 1}, [16, 64], lambda: 16)
    path, whole = kept(folder)
    path.write_text(json.dumps(whole | {"block_size": size}))
    assert cached({"a": 1}, [16, 64], lambda: 16) == 16


def test_the_cache_can_be_off_elsewhere_or_not_writable(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("EGGROLL_RAY_CACHE", "off")
    assert cache_folder() is None and cached({}, [16], lambda: 16) == 16
    monkeypatch.delenv("EGGROLL_RAY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "eggroll_ray"
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    monkeypatch.setenv("EGGROLL_RAY_CACHE", str(tmp_path / "file"))
    assert cached({}, [16], lambda: 16) == 16 and "could not be stored" in caplog.text
    monkeypatch.setenv("EGGROLL_RAY_CACHE", "here")
    with pytest.raises(ValueError, match="EGGROLL_RAY_CACHE='here' must be"):
        cached({}, [16], lambda: 16)


def test_a_search_measures_once_for_a_model_and_device(folder, monkeypatch):
    evaluator = matrix()
    measured = []
    seconds = block_search._WorkerProbe.seconds
    monkeypatch.setattr(block_search._WorkerProbe, "seconds", lambda probe: measured.append(1) or seconds(probe))
    size = er.fastest_block_size(evaluator, EGGROLL, 32)
    assert size in (16, 32) and len(measured) == 2 * (1 + block_search._REPEATS)
    path, found = kept(folder)
    assert found["block_size"] == size and found["key"]["parameters"]["w"] == "float32[6, 5]"
    path.write_text(json.dumps(found | {"block_size": 48 - size}))  # the other one
    assert er.fastest_block_size(evaluator, er.eggroll(sigma=0.5), 32) == 48 - size
    assert len(measured) == 2 * (1 + block_search._REPEATS)


@pytest.mark.parametrize(
    "change",
    [
        {"threads": 1},
        {"workers": 3},
        {"memory_bytes": 10**9},
        {"population_size": 64},
        {"strategy": er.eggroll(rank=2)},
    ],
)
def test_whatever_changes_the_speed_is_searched_anew(monkeypatch, change):
    evaluator = er.from_fitness(objective, START)
    asked = choose_always(monkeypatch, 32)
    given = {"strategy": er.eggroll(), "population_size": 32, "threads": 2, "memory_bytes": 10**8}
    for now in (given, given, given | change):
        er.fastest_block_size(evaluator, **now)
    assert len(asked) == 2


def test_the_memory_of_a_program_grows_with_the_block_and_with_the_blocks_at_once():
    width = 64

    def wide(params, key):
        return jnp.sort(jax.random.normal(key, (1000, width)) @ params["w"], axis=0).sum()

    evaluator = er.from_fitness(wide, {"w": np.ones((width, width), np.float32)})

    def needed(size, threads=1):
        return Worker(er.eggroll(), evaluator, make_plan(32, size, 0, 1), threads).block_bytes()

    one = 4 * 1000 * width  # bytes of a member's products at least
    assert 2 * one < needed(2) < needed(16) and 16 * one < needed(16)
    assert needed(16, threads=2) > 1.9 * needed(16)
    with pytest.raises(ValueError, match=r"blocks of 16 members take .* but only 1,000"):
        er.fastest_block_size(evaluator, er.eggroll(), 32, memory_bytes=1000)


@pytest.mark.parametrize(("name", "value"), [("threads", 0), ("workers", -1), ("memory_bytes", 0)])
def test_numbers_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name}={value} must be at least 1"):
        er.fastest_block_size(er.from_fitness(objective, START), er.eggroll(), 32, **{name: value})


def test_auto_is_a_number_from_the_start_and_trains_to_the_bits_of_that_number(tmp_path):
    with trainer(tmp_path / "run") as auto:
        size = json.loads((tmp_path / "run/config.json").read_text())["settings"]["block_size"]
        found = auto.fit(2)
    assert size in (16, 32)
    with trainer(block_size=size) as fixed:
        assert fixed.fit(2).digest == found.digest


def test_a_resumed_run_takes_its_recorded_size_whatever_would_be_chosen_now(tmp_path, monkeypatch):
    choose_always(monkeypatch, 8)
    with trainer(tmp_path / "run") as first:
        first.fit(2)
    monkeypatch.setenv("EGGROLL_RAY_CACHE", str(tmp_path / "other"))
    asked = choose_always(monkeypatch, 16)
    with trainer(er.Run(tmp_path / "run", resume=True)) as resumed:
        found = resumed.fit(4)
    assert not asked
    with trainer(block_size=8) as whole, trainer() as now:
        assert whole.fit(4).digest == found.digest
        assert now._plan.block_size == 16


def test_a_run_keeps_the_default_of_its_time(tmp_path, monkeypatch):
    with trainer(tmp_path / "run", block_size=None) as first:
        first.fit(1)
        assert first._plan.block_size == 32
    monkeypatch.setattr(plan, "_DEFAULT_BLOCK", 16)
    monkeypatch.setattr(plan, "_SMALLEST_DEFAULT_BLOCK", 16)
    with trainer(block_size=None) as now, trainer(er.Run(tmp_path / "run", resume=True), block_size=None) as resumed:
        assert (now._plan.block_size, resumed._plan.block_size) == (16, 32)
    with pytest.raises(er.CheckpointError, match="population_size=32, now it is 64"):
        er.Trainer(er.from_fitness(objective, START), population_size=64, run=er.Run(tmp_path / "run", resume=True))


def test_a_folder_that_will_not_do_and_nonsense_are_refused_before_the_search(tmp_path, monkeypatch):
    asked = choose_always(monkeypatch, 16)
    (tmp_path / "run").mkdir()
    (tmp_path / "run/config.json").touch()
    with pytest.raises(er.CheckpointError, match="exists"):
        trainer(tmp_path / "run")
    with pytest.raises(ValueError, match=r"block_size='fast' must be an even divisor .* 'auto'. Choose None"):
        trainer(tmp_path / "other", block_size="fast")
    with pytest.raises(ValueError, match="population_size=7 must be even"):
        er.Trainer(er.from_fitness(objective, START), population_size=7, block_size="auto")
    with pytest.raises(er.CheckpointError, match="not a run folder"):
        trainer(er.Run(tmp_path / "none", resume=True))
    assert not asked and not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    "evaluator",
    [
        er.from_fitness(lambda members, keys: np.zeros(len(members)), START, er.batched()),
        er.from_fitness(lambda params, seed: 1 / 0, START, er.blocking()),
        er.from_host_env(walks(), er.mlp((4,))),
    ],
)
def test_python_is_not_run_for_its_time_alone(evaluator, monkeypatch, caplog):
    asked = choose_always(monkeypatch, 16)
    with caplog.at_level(logging.WARNING), trainer(evaluator=evaluator, workers=2) as made:
        assert made._plan.block_size == 32 and not asked
    assert "this fitness or environment is Python. Using the default of 32" in caplog.text


@pytest.mark.parametrize("kind", ["environment", "windows", "self-play"])
def test_every_compiled_evaluator_can_be_measured(kind, monkeypatch):
    monkeypatch.setattr(block_search, "_REPEATS", 1)
    if kind == "self-play":
        evaluator = er.self_play(higher_card(), constant_policy(), rivals=er.Rivals(count=2, every=2))
    else:
        evaluator = er.from_env(team_env(), er.mlp((4,)), window=2 if kind == "windows" else None)
    assert er.fastest_block_size(evaluator, er.eggroll(), 32) in (16, 32)


SMALL = """--env gymnax/CartPole-v1 --population-size 32 --hidden 8 --workers 0 --test-episodes 4 --generations 2
    --block-size auto --no-render""".split()


def test_the_command_line_takes_auto_and_goes_by_the_recorded_number_afterwards(tmp_path, monkeypatch, capsys):
    run, config = str(tmp_path / "run"), tmp_path / "run/config.json"
    monkeypatch.setattr(fit, "write_report", lambda run: run)  # figures take longer than all the rest
    choose_always(monkeypatch, 8)
    assert app.main(["train", *SMALL, "--run", run]) == 0
    asked = choose_always(monkeypatch, 16)
    assert json.loads(config.read_text())["options"]["worker"]["block_size"] == "auto"
    assert options.load_options(config).worker.block_size == 8  # what --config goes by
    assert options.options_of_run(config.parent).worker.block_size == 8  # and resume, eval and replay
    assert app.main(["replay", run, "--generation", "1"]) == 0
    assert "bit for bit" in capsys.readouterr().out and not asked
    assert app.main(["train", *SMALL, "--run", run, "--block-size", "fast"]) == 2
    assert "--block-size: 'fast' is not a whole number or auto." in capsys.readouterr().err
