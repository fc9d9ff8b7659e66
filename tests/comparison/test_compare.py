"""Comparing runs: how they are grouped, what their numbers are, and that none is dropped without a word."""

import json
import re

import numpy as np
import pytest
from scipy.stats import trim_mean

import eggroll_ray as er
from eggroll_ray.cli.app import main
from eggroll_ray.comparison.statistics import interquartile_mean, interval

pytest.importorskip("matplotlib")

from matplotlib.layout_engine import ConstrainedLayoutEngine

OPTIONS = {
    "env": "gymnax/CartPole-v1",
    "generations": 3,
    "target": 90.0,
    "wandb": None,
    "es": {"sigma": 0.1, "optimizer": "adam"},
    "worker": {"workers": 0},
}


@pytest.fixture(autouse=True)
def without_layout(monkeypatch):
    """Leaves the parts of a figure where they happen to be: to place them takes half of the time."""
    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", lambda self, figure: None)


def write_run(path, scores, seed=0, status="finished", options=(), **changes):
    """A run folder with a test in each generation and one at the end."""
    options = {**OPTIONS, **dict(options), "seed": seed}
    config = {"env": options["env"], "generations": options["generations"], "target": options["target"]}
    config |= {"options": options, "settings": {"seed": seed, "population_size": 8}, **changes}
    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps(config))
    rows = [
        {
            "generation": g,
            "time": 2.0 * (g + 1),
            "steps": 100,
            "total_steps": 100 * (g + 1),
            "mean_policy_return": score,
            "digest": f"{seed}-{score}",
        }
        for g, score in enumerate(scores[:-1])
    ]
    (path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    if status is not None:
        result = {"status": status, "generations": len(rows), "seconds": 50.0, "total_steps": 100 * len(rows)}
        result |= {"mean_policy_return": scores[-1], "target": options["target"], "message": "too hot"}
        if status == "solved":
            result["generations"] -= 1
        (path / "result.json").write_text(json.dumps(result))
    return path


def seeds(folder, finals, **changes):
    for seed, final in enumerate(finals):
        write_run(folder / f"seed-{seed}", [0.0, 10.0, 20.0, final], seed, **changes)
    return folder


def faster(**es):
    return {"es": {**OPTIONS["es"], **es}}


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 11])
def test_the_interquartile_mean_is_that_of_rliable(n):
    scores = np.random.default_rng(n).normal(size=(n, 3))
    np.testing.assert_allclose(interquartile_mean(scores), trim_mean(scores, 0.25, axis=0))


def test_the_interval_is_the_percentile_bootstrap_of_seeds_as_a_whole():
    scores = np.random.default_rng(1).normal(size=(7, 2))
    low, high = interval(scores)
    drawn = np.random.default_rng(0).integers(7, size=(2000, 7))
    means = np.array([trim_mean(scores[each], 0.25, axis=0) for each in drawn])
    np.testing.assert_allclose((low, high), np.percentile(means, [2.5, 97.5], axis=0))
    assert interval(scores[:2]) is None


def test_runs_that_differ_only_in_the_seed_and_in_who_computed_are_one_group(tmp_path):
    seeds(tmp_path / "a", [30.0, 40.0])
    write_run(tmp_path / "a" / "seed-9", [0.0, 1.0, 2.0, 50.0], 9, options={"worker": {"workers": 4}, "wandb": "me"})
    seeds(tmp_path / "b", [60.0, 70.0], options=faster(optimizer="sgd"))
    found = er.compare(tmp_path)
    first, second = found.scores
    assert (first["group"], second["group"]) == ("optimizer adam", "optimizer sgd")
    assert first["seeds"] == [0, 1, 9] and second["seeds"] == [0, 1]
    assert found.differences == [
        {"group": "optimizer adam", "optimizer": "adam"},
        {"group": "optimizer sgd", "optimizer": "sgd"},
    ]
    assert first["final"] == 40.0 and first["statistic"] == "interquartile mean" and first["final_low"] == 30.0
    assert second["final"] == 65.0 and second["statistic"] == "mean" and second["final_low"] is None


def test_seeds_are_in_the_order_of_their_numbers(tmp_path):
    for seed in (10, 9, 0):
        write_run(tmp_path / f"seed-{seed}", [1.0, 2.0], seed)
    assert [run["path"].rpartition("-")[2] for run in er.compare(tmp_path).runs] == ["0", "9", "10"]


def test_each_environment_is_a_panel_and_labels_go_through_all(tmp_path):
    for env in ("gymnax/CartPole-v1", "gymnax/Pendulum-v1"):
        for sigma in (0.1, 0.2):
            seeds(tmp_path / env / str(sigma), [1.0], options={"env": env, "target": None, **faster(sigma=sigma)})
    found = er.compare([tmp_path / "gymnax"])
    assert [panel.environment for panel in found.grouped.panels] == ["gymnax/CartPole-v1", "gymnax/Pendulum-v1"]
    assert [row["group"] for row in found.scores] == ["sigma 0.1", "sigma 0.2"] * 2
    assert [group.number for panel in found.grouped.panels for group in panel.groups] == [0, 1, 0, 1]


def test_names_label_the_groups(tmp_path):
    a, b = seeds(tmp_path / "a", [1.0]), seeds(tmp_path / "b", [2.0], options=faster(sigma=0.3))
    found = er.compare({"ours": a, "theirs": b})
    assert [row["group"] for row in found.scores] == ["ours", "theirs"]
    assert found.differences[1] == {"group": "theirs", "sigma": "0.3"}


def test_scores_over_steps_are_those_before_the_steps_of_the_generation(tmp_path):
    run = write_run(tmp_path / "run", [1.0, 2.0, 3.0])
    for by, x in (("steps", [0, 100, 200]), ("time", [2, 4, 50]), ("generations", [0, 1, 2])):
        (curve,) = er.compare(run, by=by).curves
        assert curve["x"].tolist() == x and curve["score"].tolist() == [1.0, 2.0, 3.0]
    assert er.compare(run).by == "steps"


def test_curves_of_different_places_are_interpolated_and_end_with_the_first_run(tmp_path):
    write_run(tmp_path / "seed-0", [0.0, 10.0, 20.0, 30.0], 0)
    write_run(tmp_path / "seed-1", [10.0, 20.0, 30.0], 1)
    (curve,) = er.compare(tmp_path, by="generations").curves
    assert curve["x"][[0, -1]].tolist() == [0, 2] and curve["x"].shape == (201,)
    np.testing.assert_allclose(curve["score"], 5 + 10 * curve["x"])


def test_a_run_that_its_target_has_ended_keeps_its_score_and_the_confirmed_one_counts(tmp_path):
    write_run(tmp_path / "seed-0", [50.0, 99.0, 91.0], 0, status="solved")  # 99 by luck
    for seed in (1, 2):
        write_run(tmp_path / f"seed-{seed}", [50.0, 60.0, 99.0, 70.0], seed)  # never confirmed
    found = er.compare(tmp_path, by="generations")
    assert found.curves[0]["runs"][0, [0, 66, -1]].round().tolist() == [50, 91, 91]
    row = found.scores[0]
    assert (row["target"], row["reached"], row["seconds_to_target"]) == (90.0, 1, None)
    row = er.compare(tmp_path, target=65).scores[0]
    assert (row["reached"], row["generations_to_target"], row["seconds_to_target"]) == (3, 2.0, 6.0)


def test_runs_that_did_not_end_are_named_and_not_counted(tmp_path):
    seeds(tmp_path / "a", [10.0, 20.0, 30.0])
    write_run(tmp_path / "a" / "seed-7", [0.0, 900.0, 0.0], 7, status="failed")
    write_run(tmp_path / "a" / "seed-8", [0.0, 900.0, 0.0], 8, status=None)
    found = er.compare(tmp_path)
    (row,) = found.scores
    assert (row["runs"], row["counted"], row["final"], row["best"]) == (5, 3, 20.0, 70 / 3)
    remarks = dict(found.remarks)
    assert "failed at generation 2 of 3: too hot; it is not in curves" in remarks[str(tmp_path / "a" / "seed-7")]
    assert "unfinished at generation 2 of 3" in remarks[str(tmp_path / "a" / "seed-8")]


def test_a_result_that_is_older_than_the_rows_is_not_the_end(tmp_path):
    run = write_run(tmp_path / "run", [1.0, 2.0, 3.0])
    (run / "result.json").write_text((run / "result.json").read_text().replace('"generations": 2', '"generations": 0'))
    assert er.compare(run).runs[0]["status"] == "unfinished"


def test_runs_that_cannot_be_read_are_named(tmp_path):
    seeds(tmp_path / "a", [10.0])
    write_run(tmp_path / "damaged", [1.0, 2.0], 5)
    (tmp_path / "damaged" / "metrics.jsonl").write_text("{\nnothing\n{}")
    write_run(tmp_path / "untested", [None, None], 6, status=None)
    (tmp_path / "a" / "seed-3").mkdir()
    write_run(tmp_path / "again", [0.0, 1.0], 0)  # seed 0 with the same settings
    write_run(tmp_path / "other", [0.0, 7.0, 1.0], 0)  # and with other bits
    found = er.compare(tmp_path)
    assert len(found.runs) == 1
    left_out = dict(found.left_out)
    assert "expected a JSON object" in left_out[str(tmp_path / "damaged")]
    assert "never tested" in left_out[str(tmp_path / "untested")]
    assert "was not begun" in left_out[str(tmp_path / "a" / "seed-3")]
    assert "the same bits" in left_out[str(tmp_path / "again")]
    assert "but not its bits: after 1 update they" in left_out[str(tmp_path / "other")]


@pytest.mark.parametrize("edited", ["fitness", "init", "change"])
def test_runs_of_the_same_options_and_seed_are_told_apart_by_what_the_options_do_not_say(tmp_path, edited):
    for name, number in (("a", 1.0), ("b", 2.0)):
        fitness = {"what": "f", "numbers": [number if edited == "fitness" else 0.0], "program": "p"}
        fitness["fingerprint"] = str(fitness["numbers"])
        settings = {"seed": 0, "evaluator": {"init": f"d{number:g}" if edited == "init" else "d"}}
        run = write_run(tmp_path / name, [0.0, 1.0], settings=settings, functions={"fitness": fitness})
        write_run(
            tmp_path / f"{name}-1", [0.0, 1.0], 1, settings=settings | {"seed": 1}, functions={"fitness": fitness}
        )
        if edited == "change" and name == "b":
            event = {"event": "changed", "generation": 0, "time": 0.0, "detail": "rate = 2"}
            with (run / "metrics.jsonl").open("a") as file:
                file.write(json.dumps(event) + "\n")
    found = er.compare(tmp_path)
    assert [row["group"] for row in found.scores] == {
        "fitness": ["fitness f with 1", "fitness f with 2"],
        "init": ["initial parameters d1", "initial parameters d2"],
        "change": ["changed -", "changed rate = 2"],
    }[edited]
    twice = [str(tmp_path / "b-1")] if edited == "change" else []  # seed 1 was not changed
    assert [path for path, _ in found.left_out] == twice


def test_what_cannot_be_compared_at_all_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        er.compare(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match="holds no run"):
        er.compare(tmp_path)
    write_run(tmp_path / "untested", [None, None], 6, status=None)
    with pytest.raises(ValueError, match=r"none of the 1 runs can be compared.*never tested"):
        er.compare(tmp_path)
    with pytest.raises(ValueError, match="by='weeks' must be one of"):
        er.compare(tmp_path, by="weeks")  # pyright: ignore[reportArgumentType]


def test_options_that_only_some_versions_record_are_named_and_not_compared(tmp_path):
    write_run(tmp_path / "old", [1.0, 2.0], 0)
    write_run(tmp_path / "new", [1.0, 2.0], 1, options={"warm_up": 5})
    found = er.compare(tmp_path)
    assert len(found.scores) == 1 and found.remarks[-1][1].endswith("not compared: warm_up")


def test_runs_begun_in_python_are_told_apart_by_their_functions(tmp_path):
    for rate in (0.1, 0.2):
        for seed in (0, 1):
            sgd = {"what": "sgd", "numbers": [-1.0, rate], "program": "ab", "fingerprint": f"f{rate}"}
            functions = {"versions": {"jax": "1"}, "optimizer": sgd}
            settings = {"seed": seed, "evaluator": {"fitness": "distance"}, "parameters": {"w": "float32[4, 2], dense"}}
            run = write_run(tmp_path / f"{rate}-{seed}", [1.0, 2.0], seed)
            (run / "config.json").write_text(json.dumps({"settings": settings, "functions": functions}))
    found = er.compare(tmp_path)
    assert [(row["environment"], row["runs"]) for row in found.scores] == [("distance", 2)] * 2
    assert [row["group"] for row in found.scores] == ["optimizer sgd with 0.1", "optimizer sgd with 0.2"]


def test_self_play_is_called_a_moving_measure(tmp_path):
    settings = {"seed": 0, "evaluator": {"rivals": {"count": 4}}}
    run = write_run(tmp_path / "run", [0.0, 1.0], settings=settings)
    assert "does not say how good" in er.compare(run).write(tmp_path / "out").read_text()


def test_the_page_is_whole_fetches_nothing_and_is_the_same_each_time(tmp_path):
    evil = "<script>alert('$x^$')</script>\x1b[31m"
    seeds(tmp_path / "a", [10.0, 20.0, 30.0], options={"env": evil})
    seeds(tmp_path / "b", [1e9], options={"env": evil, **faster(optimizer=evil)})
    write_run(tmp_path / "c", [None, None], 6, status=None)
    page = er.compare(tmp_path).write(tmp_path / "out")
    text, made = page.read_text(), {path.name: path.read_bytes() for path in page.parent.iterdir()}
    assert made.keys() == {"comparison.html", "comparison.png", "comparison.pdf"}
    assert "<script" not in text and "\x1b" not in text and not re.search(r'(?:src|href)="(?!#)', text)
    for part in ("optimizer adam", "20.00 [10.00, 30.00]", "0 of 3", "never tested", "2108.13264", "var(--orange)"):
        assert part in text
    assert re.findall(r"#0[1-8]0\d0\d\b", text) == []  # stand-ins for colours
    assert b"/FontFile2" in made["comparison.pdf"] and b"/Type3" not in made["comparison.pdf"]
    er.compare(tmp_path).write(tmp_path / "out")
    assert {path.name: path.read_bytes() for path in page.parent.iterdir()} == made


def test_the_figure_has_a_panel_for_each_environment_and_one_legend(tmp_path):
    for env in ("one", "two", "three"):
        for sigma in (0.1, 0.2):
            seeds(
                tmp_path / env / str(sigma),
                [1.0, 2.0, 3.0],
                options={"env": env, "target": None, **faster(sigma=sigma)},
            )
    figure = er.compare(tmp_path).figure(width=5.5)
    assert [axes.get_title(loc="left").partition(":")[0] for axes in figure.axes] == ["one", "three", "two"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["sigma 0.1", "sigma 0.2"]
    assert figure.get_figwidth() == 5.5


def test_a_target_out_of_reach_is_an_arrow_and_does_not_flatten_the_curve(tmp_path):
    run = write_run(tmp_path / "run", [1.0, 2.0, 3.0], options={"target": 1e6})
    (axes,) = er.compare(run).figure().axes
    assert axes.get_ylim()[1] < 4
    assert [text.get_text() for text in axes.texts] == ["target 1M \N{UPWARDS ARROW}"]
    (axes,) = er.compare(run, target=3.5).figure().axes
    assert axes.get_ylim()[1] > 3.5 and [text.get_text() for text in axes.texts] == ["target 3.50"]


def test_the_command_writes_into_the_folder_of_seeds_and_prints_the_scores(tmp_path, capsys, monkeypatch):
    folder = seeds(tmp_path / "a", [10.0, 20.0, 30.0])
    write_run(folder / "seed-9", [0.0, 1.0], 9, status=None)
    assert main(["compare", str(folder)]) == 0
    assert (folder / "comparison.html").exists()
    out = capsys.readouterr().out
    assert "20.00 [10.00, 30.00]" in out and "0 of 4" in out and "unfinished" in out
    monkeypatch.chdir(tmp_path)
    assert main(["compare", "ours=a", "b=c", "--by", "time"]) == 2
    assert "c is not a folder" in capsys.readouterr().err
    assert main(["compare", "ours=a", "a/seed-0"]) == 0
    assert "ours" in capsys.readouterr().out and (tmp_path / "comparison" / "comparison.pdf").exists()
    assert main(["compare"]) == 2 and "no run is given" in capsys.readouterr().err
