"""The end-to-end benchmark: how runs are timed, what a crash is, what is not run again, what is chosen, the page."""

import dataclasses
import functools
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import optax
import pytest

import eggroll_ray as er
import envs
from benchmarks.peers import end_to_end, end_to_end_pages, end_to_end_rows
from benchmarks.peers.end_to_end_rows import EVOSAX, GRID, OURS, OURS_ON_RAY, choose, outcome, seconds
from benchmarks.peers.end_to_end_run import PREFIX, WARM_UP, Settings, events, read_settings, train, write_settings
from benchmarks.shared import kept_rows
from benchmarks.shared.kept_rows import Row, save

RACE = functools.partial(end_to_end_rows.key, "race")
CARTPOLE, PENDULUM = "gymnax/CartPole-v1", "gymnax/Pendulum-v1"
SETTINGS = Settings(env=CARTPOLE, seed=3, sigma=0.1, learning_rate=0.1, began=0.0, target=475.0)


class Fake:
    """Returns what it was given, generation by generation; the episodes that confirm are those of `confirms`."""

    def __init__(self, returns: Sequence[float], confirms: Sequence[float] = (), slow: float = 0.0):
        self.returns, self.confirms, self.slow = returns, list(confirms), slow
        self.generation, self.advanced, self.streams = 0, 0, []

    def advance(self) -> None:
        self.generation += 1
        self.advanced += 1
        time.sleep(self.slow)

    def rewind(self) -> None:
        self.generation = 0

    def test(self, episodes: int, stream: int) -> Sequence[float]:
        self.streams.append(stream)
        value = self.returns[self.generation] if stream == self.generation or stream == 0 else self.confirms.pop(0)
        return [value - 1, value + 1] * (episodes // 2)

    def close(self) -> None:
        pass


def ran(learner: Fake, **changes: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    train(dataclasses.replace(SETTINGS, began=time.monotonic(), **changes), learner, found.append)
    return found


def test_a_run_ends_when_other_episodes_confirm_the_target():
    learner = Fake([9.0, 480.0, 490.0, 500.0], confirms=[470.0, 476.0])
    start, *points, end = ran(learner)
    assert [point["generation"] for point in points] == [0, 1, 2]
    assert [point["return"] for point in points] == [9.0, 480.0, 490.0]
    assert [point["member_episodes"] for point in points] == [0, 512, 1024]
    assert end == {"ended_by": "target", "confirmed": 476.0} and set(start) == {"start_seconds"}
    assert learner.advanced == WARM_UP + 2, "the warm-up is undone"
    assert len(set(learner.streams[1:])) == len(learner.streams) - 1, "no test plays the episodes of another"


def test_a_run_ends_at_its_limits_and_tests_are_not_timed():
    class Thorough(Fake):
        def test(self, episodes: int, stream: int) -> Sequence[float]:
            time.sleep(0.02)
            return super().test(episodes, stream)

    learner = Thorough([0.0] * 50, slow=0.01)
    began = time.monotonic()
    start, *points, end = ran(learner, seconds=0.05)
    elapsed = time.monotonic() - began
    assert end["ended_by"] == "seconds" and end["confirmed"] is None
    assert points[-1]["seconds"] >= 0.05 > points[-2]["seconds"]
    assert start["start_seconds"] >= 0.01 * WARM_UP
    assert start["start_seconds"] + points[-1]["seconds"] <= elapsed - 0.02 * len(learner.streams)
    *_, last, end = ran(Fake([0.0] * 50), generations=2)
    assert end["ended_by"] == "generations" and last["generation"] == 2


def test_going_back_to_the_start_is_no_part_of_the_start():
    class Slow(Fake):
        def rewind(self) -> None:
            time.sleep(0.5)
            super().rewind()

    start, *_ = ran(Slow([0.0] * 5), generations=1)
    assert start["start_seconds"] < 0.5


def test_without_tests_nothing_is_tested():
    learner = Fake([])
    *_, last, end = ran(learner, test_episodes=0, generations=1, target=None)
    assert last["return"] is None and not learner.streams and end["ended_by"] == "generations"


def test_settings_travel_as_one_argument_and_other_lines_are_no_events():
    assert read_settings(write_settings(SETTINGS)) == SETTINGS
    assert events(f'hello\n{PREFIX}{{"generation": 1}}\nwarning\n{PREFIX}{{"gener') == [{"generation": 1}]


@pytest.mark.slow
@pytest.mark.usefixtures("compile_quickly")
def test_ours_starts_again_after_warming_up_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("gymnax")
    monkeypatch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "true")
    settings = dataclasses.replace(SETTINGS, population_size=8, hidden=(4,), generations=2, test_episodes=4)
    row = end_to_end.run(Path(sys.executable), "ours", settings)
    assert row["ended_by"] == "generations", row.get("stderr")
    assert [point[0] for point in row["curve"]] == [0, 1, 2]
    assert [point[2] for point in row["curve"]] == [0, 8, 16]
    times = [point[1] for point in row["curve"]]
    assert times[0] == 0 < times[1] < times[2] < row["start_seconds"] and "jax" in row["versions"]
    # The same without a warm-up.
    evaluator = er.from_env(envs.make(CARTPOLE), er.mlp((4,)), shared_by=None)
    strategy = er.eggroll(rank=1, sigma=0.1, optimizer=optax.adam(0.1))
    trainer = er.Trainer(evaluator, strategy, population_size=8, seed=3, watch=er.Watch(every=0))
    key = jax.random.fold_in(jax.random.key(3), 2)
    assert row["curve"][2][3] == pytest.approx(evaluator.test(trainer.fit(2).params, (), key, 4).mean())


def test_a_program_that_fails_has_crashed_whatever_it_printed(tmp_path: Path):
    script = tmp_path / "python"
    event = '{"generation": 0, "seconds": 0.0, "member_episodes": 0, "return": 9.0}'
    said = 'File "/a/b.py", line 2: no /home/me/.data/x.so, see file:///tmp/me/log'
    script.write_text(f"#!/bin/sh\necho '{PREFIX}{event}'\necho '{said}' >&2\nexit 3\n")
    script.chmod(0o755)
    row = end_to_end.run(script, "ours", SETTINGS)
    assert row["ended_by"] == "crash" and row["curve"] == [[0, 0.0, 0, 9.0]]
    assert row["stderr"] == 'exit status 3: File "b.py", line 2: no x.so, see file://log'
    script.write_text("#!/bin/sh\nexit 0\n")
    assert end_to_end.run(script, "ours", SETTINGS)["stderr"].startswith("ended without a result")


def test_no_program_finds_what_others_have_compiled_or_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("JAX_ENABLE_COMPILATION_CACHE", "false")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    script = tmp_path / "python"
    told = "$EGGROLL_RAY_CACHE|$JAX_COMPILATION_CACHE_DIR|$JAX_ENABLE_COMPILATION_CACHE|$RAY_ADDRESS|"
    event = '{"ended_by": "target", "told": "TOLD", "left": "LEFT"}'.replace("TOLD", f"'\"{told}\"'")
    event = event.replace("LEFT", "'$(ls -A $EGGROLL_RAY_CACHE)'")
    script.write_text(f"#!/bin/sh\necho '{PREFIX}{event}'\ntouch $EGGROLL_RAY_CACHE/program\n")
    script.chmod(0o755)
    caches = set()
    for _ in range(2):
        row = end_to_end.run(script, "ours", SETTINGS)
        cache, *rest = row["told"].split("|")
        caches.add(cache)
        assert row["left"] == "" and rest == ["", "", "", ""] and not Path(cache).exists()
    assert len(caches) == 2


def row_of(
    entrant: str, env: str, seed: int, took: float, ended_by: str = "target", setting: tuple[float, float] = GRID[0]
) -> Row:
    """A run of three generations that took so long once compiled, and 10 s before; its best return is 100."""
    settings = dataclasses.replace(SETTINGS, env=env, seed=seed, sigma=setting[0], learning_rate=setting[1])
    curve = [[i, took * i / 3, 512 * i, value] for i, value in enumerate((9.0, 50.0, 100.0, 90.0))]
    row = {"entrant": entrant, "settings": end_to_end_rows.describe(settings), "ended_by": ended_by, "curve": curve}
    row |= {"start_seconds": 10.0, "versions": {"jax": "0.1"}, "measured": {"date": "2026-01-02", "machine": "abacus"}}
    return row | {"stderr": "exit status 1: Traceback\n  it broke"} if ended_by == "crash" else row


def test_seconds_from_the_start_count_the_generations_of_the_warm_up_once():
    row = row_of(OURS.name, CARTPOLE, 0, 30.0)
    assert seconds(row, compiled=True) == 30.0
    assert seconds(row, compiled=False) == pytest.approx(10.0 + 30.0 - 20.0)
    row["curve"] = row["curve"][:2]  # solved before the warm-up had ended
    assert seconds(row, compiled=False) == 10.0


def test_the_setting_that_is_solved_soonest_is_chosen():
    rows = [
        row_of(EVOSAX.name, PENDULUM, 0, 40.0, setting=GRID[0]),
        row_of(EVOSAX.name, PENDULUM, 0, 20.0, setting=GRID[1]),
        row_of(EVOSAX.name, PENDULUM, 0, 5.0, "seconds", setting=GRID[2]),
        row_of(EVOSAX.name, PENDULUM, 0, 1.0, "crash", setting=GRID[3]),
        row_of(EVOSAX.name, CARTPOLE, 0, 2.0, setting=GRID[4]),
        row_of(OURS.name, PENDULUM, 0, 2.0, setting=GRID[5]),
    ]
    rows[1]["curve"].pop()  # it took fewer generations
    assert choose(rows, EVOSAX.name, PENDULUM) == GRID[1]
    rows += [row_of(EVOSAX.name, PENDULUM, seed, 1.0, setting=GRID[0]) for seed in (1, 2)]
    rows += [row_of(EVOSAX.name, PENDULUM, seed, 9.0, "seconds", setting=GRID[1]) for seed in (1, 2)]
    assert choose(rows, EVOSAX.name, PENDULUM) == GRID[0], "the median of the seeds counts"
    del rows[-4:]
    for row in rows[:2]:
        row["ended_by"] = "seconds"
    rows[0]["curve"][1][3] = 101.0
    assert choose(rows, EVOSAX.name, PENDULUM) == GRID[0], "where none is solved, the best return"
    with pytest.raises(ValueError, match="has not been tuned in gymnax/CartPole-v1"):
        choose(rows, OURS.name, CARTPOLE)


def test_rows_that_are_there_are_not_run_again_and_crashes_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[Settings] = []
    crash = {"ended_by": "crash", "curve": [], "stderr": "exit status 1: broken"}
    fine = {"ended_by": "target", "curve": [[0, 0.0, 0, 9.0], [1, 2.0, 512, 480.0]], "start_seconds": 3.0}

    def run(python: Path, module: str, settings: Settings) -> Row:
        asked.append(settings)
        return crash if len(asked) == 4 else fine

    monkeypatch.setattr(end_to_end, "run", run)
    options = end_to_end.Options("tune", env=(CARTPOLE,), docs=tmp_path, tuning_seeds=1, final_seeds=0)
    end_to_end.main(options)
    tried = [(one.sigma, one.learning_rate, one.optimizer, one.common_episode) for one in asked]
    assert tried == [(*setting, *kind) for kind in (("adam", True), ("clipup", False)) for setting in GRID]
    rows = kept_rows.load(tmp_path / "end_to_end_tuning.json")
    assert [outcome(row) for row in rows].count("crashed") == 1 and len(rows) == len(asked)
    tuned = len(asked)
    end_to_end.main(options)
    assert asked[tuned:] == [asked[3]], "the one that crashed"
    end_to_end.main(options)
    assert len(asked) == tuned + 1
    end_to_end.main(dataclasses.replace(options, what="race", seeds=2))
    raced = asked[tuned + 1 :]
    each = [(0, "adam"), (2, "adam"), (0, "clipup")]
    assert [(one.seed, one.workers, one.optimizer) for one in raced] == [
        (seed, *kind) for seed in (0, 1) for kind in each
    ]
    assert {(one.sigma, one.learning_rate) for one in raced} == {GRID[0]}
    end_to_end.main(dataclasses.replace(options, what="race", seeds=3))
    assert [one.seed for one in asked[tuned + 1 + len(raced) :]] == [2, 2, 2]
    asked.clear()
    end_to_end.main(dataclasses.replace(options, env=("gym/CartPole-v1",)))
    assert not asked, "ours is tuned in gymnax"
    end_to_end.main(dataclasses.replace(options, what="race", env=("gym/CartPole-v1",), seeds=1))
    ran = [(one.workers, one.optimizer, one.sigma, one.learning_rate) for one in asked]
    assert ran == [(2, "clipup", *GRID[0]), (0, "clipup", *GRID[0])]
    measured = kept_rows.load(tmp_path / "end_to_end.json")[-1]["measured"]
    assert {"machine", "commit", "date"} <= measured.keys()


def test_a_setting_that_the_median_has_lost_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[tuple[int, tuple[float, float]]] = []

    def run(python: Path, module: str, settings: Settings) -> Row:
        setting = (settings.sigma, settings.learning_rate)
        adam = settings.optimizer == "adam"
        if adam:
            asked.append((settings.seed, setting))
        missed = adam and (setting == GRID[0] or (setting == GRID[1] and settings.seed == 1000))
        return {"ended_by": "generations" if missed else "target", "curve": [[0, 0.0, 0, 9.0]], "start_seconds": 3.0}

    monkeypatch.setattr(end_to_end, "run", run)
    end_to_end.main(end_to_end.Options("tune", env=(CARTPOLE,), docs=tmp_path, final_seeds=0))
    assert [seed for seed, setting in asked if setting == GRID[0]] == [1000, 1001]
    for setting in GRID[1:]:
        assert [seed for seed, tried in asked if tried == setting] == [1000, 1001, 1002]


def test_the_best_three_settings_are_run_with_more_seeds_and_the_best_of_them_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[tuple[int, tuple[float, float]]] = []

    def run(python: Path, module: str, settings: Settings) -> Row:
        setting = (settings.sigma, settings.learning_rate)
        if settings.optimizer == "clipup":
            asked.append((settings.seed, setting))
        place = GRID.index(setting)
        missed = place == 2 and settings.seed > 1002  # the best by luck
        generations = {2: 1, 3: 2, 4: 3}.get(place, 9)
        curve = [[i, float(i), 512 * i, 9.0] for i in range(generations + 1)]
        return {"ended_by": "generations" if missed else "target", "curve": curve, "start_seconds": 3.0}

    monkeypatch.setattr(end_to_end, "run", run)
    options = end_to_end.Options("tune", env=(PENDULUM,), docs=tmp_path, final_seeds=4)
    end_to_end.main(options)
    seeds = {place: [seed for seed, tried in asked if tried == GRID[place]] for place in range(len(GRID))}
    more = list(range(1000, 1007))
    assert seeds == {place: more if place in (2, 3, 4) else more[:3] for place in seeds}
    before = len(asked)
    end_to_end.main(options)
    assert len(asked) == before, "all runs are there"
    rows = kept_rows.load(tmp_path / "end_to_end_tuning.json")
    assert choose(rows, "eggroll_ray, ClipUp", PENDULUM) == GRID[3]


def test_a_row_takes_the_place_of_its_like_and_other_files_are_refused(tmp_path: Path):
    path = tmp_path / "end_to_end.json"
    for took in (5.0, 6.0):
        save(path, row_of(OURS.name, CARTPOLE, 0, took), RACE)
    save(path, row_of(OURS.name, CARTPOLE, 1, 7.0), RACE)
    assert [seconds(row, compiled=True) for row in kept_rows.load(path)] == [6.0, 7.0]
    path.write_text('{"rows": []}')
    with pytest.raises(ValueError, match="not a file of this benchmark"):
        save(path, row_of(OURS.name, CARTPOLE, 0, 5.0), RACE)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": 0}, "seeds=0"),
        ({"tuning_seeds": 0}, "tuning_seeds=0"),
        ({"final_seeds": -1}, "final_seeds=-1"),
        ({"env": ("gymnax/Acrobot-v1",)}, "must be among"),
        ({"evosax_python": Path("/nowhere/python")}, "is no program"),
    ],
)
def test_options_are_checked_first(changes: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        end_to_end.main(dataclasses.replace(end_to_end.Options("tune"), **changes))


def test_the_page_tells_crashed_from_never_reached(tmp_path: Path):
    pytest.importorskip("matplotlib")
    race = [row_of(OURS.name, CARTPOLE, seed, took) for seed, took in enumerate((3.0, 6.0, 9.0))]
    race += [row_of(EVOSAX.name, CARTPOLE, 0, 30.0), row_of(EVOSAX.name, CARTPOLE, 1, 60.0, "seconds")]
    race += [row_of(EVOSAX.name, CARTPOLE, 2, 0.0, "crash")]
    race += [row_of(OURS_ON_RAY.name, CARTPOLE, seed, 2.0) for seed in range(3)]
    tune = [row_of(EVOSAX.name, CARTPOLE, seed, 4.0) for seed in range(3)]
    tune += [row_of(EVOSAX.name, CARTPOLE, 0, 60.0, ended, GRID[1]) for ended in ("generations", "crash")]
    tune[0]["curve"].pop()
    page = end_to_end_pages.page(race, [], tune)
    assert "| eggroll_ray | 0.1, 0.03 | 3 of 3 | 12.0 [11.0, 13.0] | 6.0 [3.0, 9.0] | 1,536 " in page
    theirs = "| evosax | 0.1, 0.03 | 1 of 3, 1 crashed | > 25.0 [20.0, > 30.0] | > 45.0 [30.0, > 60.0] | > 1,536 "
    assert theirs in page
    assert "| > 2.1 / > 7.5 | 2 / 2 of 2; 2 / 2 of 2 |" in page, "of ours in process, and on Ray"
    assert "| eggroll_ray, 2 workers | 0.1, 0.03 | 3 of 3 | 10.7 [10.7, 10.7] | 2.0 [2.0, 2.0] " in page
    assert "| 0.9 / 0.3 |  |" in page, "ours is not counted against ours"
    slow = [row_of(OURS.name, CARTPOLE, seed, 90.0) for seed in range(3)]
    lost = end_to_end_pages.page([*slow, row_of(EVOSAX.name, CARTPOLE, 0, 30.0)], [], [])
    assert "| 0.5 / 0.3 | 0 / 0 of 1 |" in lost, "ours does not always win"
    assert "- evosax in gymnax/CartPole-v1, seed 2: exit status 1: Traceback ... `it broke`" in page
    assert "| evosax | gymnax/CartPole-v1 | 0 to 3 | **3 [2, 3]** | > 3 [> 3, > 3], 1 crashed |" in page
    assert "gym/Pendulum" not in page and "## brax/ant" not in page
    assert "Measured up to 2026-01-02 on abacus; jax 0.1." in page
    for row in race:
        save(tmp_path / "end_to_end.json", row, RACE)
    end_to_end_pages.render(tmp_path)
    assert (tmp_path / "end_to_end.md").read_text().startswith("# End to end")
    assert (tmp_path / "end_to_end.png").stat().st_size > 5_000


def test_ant_is_reported_in_generations_per_second():
    rows = []
    for entrant, took in ((OURS, 3.0), (EVOSAX, 6.0)):
        row = row_of(entrant.name, "brax/ant", 0, took, "generations")
        row["settings"] |= {"max_steps": 100, "population_size": 256}
        row["curve"] = [[*point[:3], None] for point in row["curve"]]
        rows.append(row)
    page = end_to_end_pages.page([], rows, [])
    assert "| 256 | eggroll_ray | 1 | 3 | 1 [1, 1] | 10 | 1.00 |" in page
    assert "| 256 | evosax | 1 | 3 | 0.5 [0.5, 0.5] | 10 | 0.50 |" in page
    assert "| ready after (with 2 generations), s |" in page


def test_nothing_measured_is_said():
    assert "Nothing has been measured yet." in end_to_end_pages.page([], [], [])
