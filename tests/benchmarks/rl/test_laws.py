"""The comparison of the laws of noise: its statistics, what it concludes, its runs and its page."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import eggroll_ray as er
from benchmarks.rl import laws
from benchmarks.rl.laws import Task, compare, interval, last_quarter, learned, whole_curve
from benchmarks.shared import kept_rows

pytestmark = pytest.mark.usefixtures("compile_quickly")

TINY = Task("gymnax/CartPole-v1", generations=2, population_size=8, hidden=(4,))


def ramp(end: float, start: float = 0.0) -> list[list[float]]:
    """A curve of five tests that is at its end from the second on."""
    return [[0, start], *([at, end] for at in (100, 200, 300, 400))]


@pytest.mark.parametrize("sizes", [(5, 5), (2, 7), (3, 4)])
def test_the_interval_is_that_of_welch(sizes: tuple[int, int]) -> None:
    random = np.random.default_rng(sum(sizes))
    one, other = random.normal(2.0, 1.0, sizes[0]), random.normal(3.0, 5.0, sizes[1])
    wanted = stats.ttest_ind(other, one, equal_var=False).confidence_interval(0.95)
    np.testing.assert_allclose(interval(list(one), list(other)), (wanted.low, wanted.high), rtol=1e-12)
    assert interval([1.0, 1.0], [4.0, 4.0]) == (3.0, 3.0)


def test_what_was_learned_is_the_mean_gain_where_its_interval_is_above_zero() -> None:
    gains = [10.0, 12.0, 17.0]
    assert learned([ramp(gain) for gain in gains]) == pytest.approx(13.0)
    low, high = stats.t.interval(0.95, 2, np.mean(gains), stats.sem(gains))
    below, above = ([ramp(gain - at) for gain in gains] for at in (low + 0.01, low - 0.01))
    assert learned(below) is None and learned(above) is not None and high > low
    assert learned([ramp(0.0)] * 5) is None and learned([ramp(-5.0)] * 5) is None and learned([ramp(5.0)]) is None


def test_measures_of_a_curve() -> None:
    curve = [[0, 0.0], [100, 4.0], [200, 8.0], [300, 12.0], [400, 20.0]]
    assert whole_curve(curve) == 8.8
    assert last_quarter(curve) == 16.0  # the tests at 300 and 400


@pytest.mark.parametrize(
    ("normal", "rademacher", "words"),
    [
        ([100, 102, 98], [100, 103, 97], "as well, within 6%"),
        ([100, 105, 95], [100, 110, 90], "no difference beyond the interval of 21%"),
        ([100, 120, 80], [100, 120, 80], "too few seeds to tell"),
        ([100, 101, 99], [80, 81, 79], "Rademacher lower by 18% to 22%"),
        ([100, 101, 99], [120, 121, 119], "Rademacher higher by 18% to 22%"),
        ([0, 0, 0], [0, 0, 0], "nothing was learned"),
        ([-20, 0, 20], [100, 100, 100], "nothing was learned"),
        ([500, 500, 500], [500, 500, 500], "as well, within 0%"),
    ],
)
def test_verdicts(normal: list[float], rademacher: list[float], words: str) -> None:
    found = compare([ramp(x) for x in normal], [ramp(x) for x in rademacher], last_quarter)
    assert found is not None and found.verdict == words
    assert found.difference == pytest.approx(np.mean(rademacher) - np.mean(normal))
    assert found.low <= found.difference <= found.high
    assert (found.share is None) == (words == "nothing was learned")


def test_one_seed_says_nothing() -> None:
    assert compare([ramp(100)], [ramp(100)], whole_curve) is None


@pytest.mark.slow
def test_runs_are_kept_and_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(laws, "TASKS", (TINY,))
    laws.main(seeds=1, env=(TINY.env,), docs=tmp_path)
    rows = kept_rows.load(tmp_path / "laws.json")
    normal, rademacher = (row["curve"] for row in rows)
    assert [row["law"] for row in rows] == ["normal", "rademacher"]
    assert [at for at, _ in normal] == [at for at, _ in rademacher] == [0, 8, 16]
    assert normal[0] == rademacher[0] and normal[1:] != rademacher[1:]  # one start, other noise
    assert "too few seeds to tell" in (tmp_path / "laws.md").read_text()
    assert (tmp_path / "laws.png").stat().st_size > 5_000
    text = (tmp_path / "laws.json").read_text()
    monkeypatch.setattr(laws, "train", lambda *_: pytest.fail("it is there already"))
    laws.main(seeds=1, env=(TINY.env,), docs=tmp_path)
    assert (tmp_path / "laws.json").read_text() == text and "is there already" in capsys.readouterr().out


def test_a_run_that_a_signal_ended_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laws, "TASKS", (TINY,))
    fit = er.Trainer.fit

    def stopped(trainer: er.Trainer, generations: int, on_row: Callable[..., object]) -> er.Result:
        return fit(trainer, generations, lambda row: (on_row(row), trainer.stop()))

    monkeypatch.setattr(er.Trainer, "fit", stopped)
    with pytest.raises(KeyboardInterrupt, match="after 1 generations; it is not kept"):
        laws.main(seeds=1, env=(TINY.env,), docs=tmp_path)
    assert not (tmp_path / "laws.json").exists()


def test_a_run_with_other_settings_takes_the_place_of_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(laws, "train", lambda *_: {"curve": ramp(1.0)})
    for generations in (2, 3, 3):
        task = Task(TINY.env, generations)
        for seed in (0, 1):
            laws.run(tmp_path / "laws.json", task, "normal", seed)
    rows = json.loads((tmp_path / "laws.json").read_text())
    assert [(row["seed"], row["settings"]["generations"]) for row in rows] == [(0, 3), (1, 3)]


def test_wrong_requests_are_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"env='gym/Ant-v5' has no settings here; choose from gymnax/CartPole-v1, "):
        laws.main(env=("gym/Ant-v5",), docs=tmp_path / "none")
    with pytest.raises(ValueError, match=r"no runs in .*laws.json"):
        laws.main(render=True, docs=tmp_path)
    (tmp_path / "laws.json").write_text("{}")
    with pytest.raises(ValueError, match=r"is no list of rows"):
        laws.main(docs=tmp_path)


def test_the_page_says_what_was_measured(tmp_path: Path) -> None:
    common = {"machine": "abacus", "versions": {"jax": "0.1"}, "commit": "abc", "date": "2026-01-02"}
    found = {"normal": [100.0, 102.0, 98.0], "rademacher": [100.0, 103.0, 97.0]}
    for env in (laws.TASKS[1].env, laws.TASKS[0].env):
        for law, ends in found.items():
            for seed, end in enumerate(ends):
                settings = {
                    "population_size": 8,
                    "generations": 2,
                    "learning_rate": 0.1,
                    "sigma": 0.2,
                    "hidden": [4, 4],
                }
                settings["normalize_observations"] = env == laws.TASKS[1].env
                row = {"env": env, "law": law, "seed": seed, "settings": settings, "curve": ramp(end)}
                kept_rows.save(tmp_path / "laws.json", row | common, laws.key)
    laws.main(render=True, docs=tmp_path)
    lines = (tmp_path / "laws.md").read_text().splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1 and len(table) == 6
    wanted = "| gymnax/CartPole-v1 | 400 | last quarter | 3/3 | 100 | 100 | +0 [-6.133, +6.133] |"
    assert table[3] == f"{wanted} +0% [-6%, +6%] | as well, within 6% |"
    assert table[4].startswith("| gymnax/Pendulum-v1 | 400 | whole curve | 3/3 | 80 | 80 |")
    assert any(
        "Pendulum-v1: 8 members, 2 generations, learning rate 0.1, sigma 0.2, layers 4 x 4, norm" in x for x in lines
    )
    assert lines[-1] == "Measured up to 2026-01-02 on abacus; jax 0.1; commit abc."
    assert "one at least of 6 such intervals would miss the truth in 26% of" in " ".join(lines)
    assert (tmp_path / "laws.png").stat().st_size > 5_000
    path = tmp_path / "laws.json"
    rows = kept_rows.load(path)
    kept_rows.save(path, rows[0] | {"settings": rows[0]["settings"] | {"sigma": 0.3}}, laws.key)
    with pytest.raises(ValueError, match=r"runs of gymnax/Pendulum-v1 differ in sigma \(0.2 and 0.3\)"):
        laws.main(render=True, docs=tmp_path)
