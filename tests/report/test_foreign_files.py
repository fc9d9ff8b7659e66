"""The report of files that are damaged, foreign or made to harm: a page of what is sound in them, or a clear error."""

import json
import re
import xml.dom.minidom
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure

from eggroll_ray.league import League, load_league
from eggroll_ray.report import figures
from eggroll_ray.report.write import write_report
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.runs.history import load_history

CONFIG = {"env": "gymnax/CartPole-v1", "population_size": 8, "generations": 2, "target": 9.0, "versions": {"jax": "1"}}
RESULT = {
    "status": "solved",
    "generations": 2,
    "mean_policy_return": 9.0,
    "episodes": 4,
    "seconds": 1.5,
    "digest": "ab",
}
RESULT |= {"mean_policy_return_std": 1.0, "total_steps": 80, "total_episodes": 16, "message": "", "target": 9.0}
NUMBERS = ("fitness_min", "fitness_q25", "fitness_median", "fitness_q75", "fitness_max", "mean_policy_return", "steps")
NUMBERS += ("mean_policy_return_std", "gradient_norm", "update_ratio", "sigma", "time_update", "time_evaluate", "time")
NUMBERS += ("time_driver", "time_generation", "workers", "idle_share", "bytes_down", "requeued_blocks", "total_steps")
ROW = {"generation": 0, "digest": "ab", "idle_seconds": {"0": 0.1}} | dict.fromkeys(NUMBERS, 1.0)
EVENT = {"event": "worker lost", "generation": 0, "time": 0.5, "worker": "0", "detail": "it died"}

STRANGE = {
    "nothing": None,
    "true": True,
    "text": "\x1b[31m$\\frac$ \x00 [bold]",
    "half a letter": "\ud800",
    "a list": [1],
    "an object": {"name": {"a": 1}},
    "negative": -1,
    "huge": 10**400,
    "too large to square": -1e308,
    "deep": json.loads("[" * 25 + "]" * 25),
}


def written(run: Path, config=CONFIG, result=RESULT, records=(ROW, EVENT, ROW | {"generation": 1})) -> Path:
    run.mkdir(exist_ok=True)
    (run / "config.json").write_text(json.dumps(config))
    (run / "result.json").write_text(json.dumps(result))
    (run / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return run


@pytest.fixture
def sketched(monkeypatch):
    """Draws each figure once, and into nothing."""

    def sketch(name, draw, size, alt, narrow):
        if not narrow:
            draw(Figure(), narrow)
        return ""

    monkeypatch.setattr(figures, "_svg", sketch)


@pytest.mark.parametrize("kind", STRANGE)
def test_a_strange_value_anywhere_is_no_obstacle(tmp_path, sketched, kind):
    strange = STRANGE[kind]
    run = written(tmp_path / "run")
    for name in ("config", "result"):
        values = {"config": CONFIG, "result": RESULT}[name]
        written(run, **{name: dict.fromkeys(values, strange)})
        write_report(run)
    for changed in (dict.fromkeys(ROW, strange), dict.fromkeys(ROW, strange) | {"generation": 0, "time": 1.0}):
        written(run, records=(changed, ROW | {"generation": 1}, changed | {"event": "worker lost"}))
        write_report(run)
    written(run, records=(ROW, dict.fromkeys(EVENT, strange), EVENT | dict.fromkeys(("worker", "detail"), strange)))
    page = write_report(run).read_text()
    assert "\x1b" not in page and "\x00" not in page


@pytest.mark.parametrize("file", ["config.json", "result.json", "metrics.jsonl", "league.json"])
@pytest.mark.parametrize("text", ["[" * 10**5, "[1]", "7", '{"a"', "\x00", "{}", '{"a": ' * 40 + "1" + "}" * 40])
def test_a_file_that_is_not_what_it_should_be_is_named(tmp_path, sketched, file, text):
    run = written(tmp_path / "run")
    (run / file).write_text(text + "\n" + text + "\n" * (file == "metrics.jsonl"))
    if text == "{}" and file == "metrics.jsonl":
        assert load_history(run).records == []
        return
    if text == "{}":
        (run / file).write_text(text)
    if text != "{}" or file == "league.json":
        with pytest.raises(ValueError, match=re.escape(file)):
            write_report(run)
    else:
        write_report(run)


def league(**changes):
    fields = {"generations": [0, 1], "games": 4, "score": [[0.5, 0.2], [0.8, 0.5]], "second_score": [], "groups": []}
    return fields | {"elo": [0.0, 90.0]} | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"generations": [0]},
        {"generations": 7},
        {"generations": ["a", "b"]},
        {"games": "four"},
        {"score": [[1.0]]},
        {"score": [[1.0, 0.0], [1.0]]},
        {"score": [["a", "b"], ["c", "d"]]},
        {"score": [[10**400, 0.0], [0.0, 0.0]]},
        {"score": [[float("nan"), 0.0], [0.0, 0.0]]},
        {"elo": [0.0]},
        {"groups": ["one"]},
        {"groups": ["one", "two"]},
        {"groups": None},
    ],
)
def test_a_league_whose_parts_do_not_fit_is_refused(tmp_path, changes):
    (tmp_path / "league.json").write_text(json.dumps(league()))
    found = load_league(tmp_path)
    assert found is not None and found.elo.tolist() == [0.0, 90.0]
    (tmp_path / "league.json").write_text(json.dumps(league(**changes)))
    with pytest.raises(CheckpointError, match=r"league.json is no league"):
        load_league(tmp_path)


BOTH = [[1.0, 2.0], [3.0, 4.0]]


def test_a_league_that_was_saved_is_loaded(tmp_path):
    (tmp_path / "league.json").write_text(json.dumps(league()))
    kept = load_league(tmp_path)
    assert isinstance(kept, League)
    kept.save(tmp_path)
    assert load_league(tmp_path).score.tolist() == kept.score.tolist()
    (tmp_path / "league.json").write_text(json.dumps(league(groups=["a", "b"], second_score=BOTH, elo=[], score=BOTH)))
    assert load_league(tmp_path).groups == ("a", "b")


def test_the_names_of_groups_are_text_in_the_drawing(tmp_path):
    run, evil = written(tmp_path / "run"), "$\\frac$\x1b]0;x\x07\x00\x08\u202e<b>"
    (run / "league.json").write_text(json.dumps(league(groups=[evil, "$x$ $y"], second_score=BOTH, elo=[], score=BOTH)))
    page = write_report(run).read_text()
    assert r"$\frac$" in page and "$x$ $y" in page
    assert all(letter == "\n" or letter.isprintable() for letter in page)
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        xml.dom.minidom.parseString(svg)


def test_a_link_among_the_pictures_is_not_followed(tmp_path, sketched):
    run, secret = written(tmp_path / "run"), tmp_path / "secret"
    secret.write_bytes(b"mine")
    (run / "episodes").mkdir()
    (run / "episodes/of-the-run.png").write_bytes(b"theirs")
    (run / "episodes/link.png").symlink_to(secret)
    (run / "episodes/folder.png").mkdir()
    page = write_report(run).read_text()
    assert "dGhlaXJz" in page and "bWluZQ" not in page and "link" not in re.findall(r"<figcaption>(.*?)<", page)
    (run / "episodes").rename(run / "elsewhere")
    (run / "episodes").symlink_to(run / "elsewhere")
    assert "dGhlaXJz" not in write_report(run).read_text()
