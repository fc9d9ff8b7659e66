import builtins
import html
import html.parser
import json
import math
import re
import sys

import numpy as np
import pytest
from marks import mostly_slow

pytest.importorskip("matplotlib")

from matplotlib.layout_engine import ConstrainedLayoutEngine

from eggroll_ray.league import League
from eggroll_ray.report.write import write_report
from eggroll_ray.runs.metrics import MetricsWriter

EVIL = "<script>alert('x')</script>\"onload="
CONFIG = {
    "env": "gymnax/CartPole-v1",
    "population_size": 1024,
    "generations": 200,
    "target": 475.0,
    "strategy": {"name": "eggroll", "optimizer": {"betas": [0.9, 0.999], EVIL: EVIL}},
    "versions": {"jax": "0.10.2"},
    "machine": {"cores": 16},
}
RESULT = {
    "status": "solved",
    "generations": 5,
    "mean_policy_return": 500.0,
    "mean_policy_return_std": 0.0,
    "episodes": 128,
    "target": 475.0,
    "seconds": 41.2,
    "total_steps": 1_000_000,
    "total_episodes": 4000,
    "digest": "0123abcd",
    "message": "",
}
PNG = b"\x89PNG\r\n\x1a\n picture"
VOID = {"meta", "img", "br", "hr", "input", "link"}


@pytest.fixture
def laid_out():
    """For a page whose figures are drawn as in every report."""


@pytest.fixture(autouse=True)
def without_layout(request, monkeypatch):
    """Leaves the parts of other figures where they happen to be: to place them takes half of the time."""
    if "laid_out" not in request.fixturenames:
        monkeypatch.setattr(ConstrainedLayoutEngine, "execute", lambda self, figure: None)


def row(generation, every=1, **changes):
    level = 400 / (1 + math.exp(10 - generation / 10))
    tested = generation % every == 0
    return {
        "generation": generation,
        "time": generation * 0.5,
        "fitness_mean": level,
        "fitness_min": level - 100,
        "fitness_q25": level - 10,
        "fitness_median": level,
        "fitness_q75": level + 10,
        "fitness_max": level + 100,
        "invalid_members": 0,
        "mean_policy_return": level + 5 if tested else None,
        "mean_policy_return_std": 3.0 if tested else None,
        "steps": 4000,
        "total_steps": 4000 * generation,
        "total_episodes": 100 * generation,
        "member_steps_per_second": 1e6,
        "time_update": 0.1,
        "time_evaluate": 0.3,
        "time_driver": 0.1,
        "gradient_norm": 1.0 + generation,
        "update_ratio": 0.01,
        "sigma": 0.05,
        "workers": 8,
        "digest": "9f3a",
        **changes,
    }


def event(name, time, worker=None, detail="", generation=0):
    return {"event": name, "generation": generation, "time": time, "detail": detail, "worker": worker}


def distributed(generation, alive, **changes):
    """A row of a generation of two seconds that `alive` workers evaluated."""
    values = {
        "time": 3.0 + 2 * generation,
        "workers": len(alive),
        "worker_failures": 0,
        "requeued_blocks": 0,
        "results_skipped": 0,
        "idle_share": 0.05,
        "idle_seconds": dict.fromkeys(alive, 0.1),
        "bytes_down": 1000 * len(alive),
        "bytes_up": 20_000 * len(alive),
        "time_generation": 2.0,
    }
    return row(generation, **values | changes)


def three_workers():
    """Two sessions in which everything happens once."""
    three = ("0", "1", "2")
    return [
        *(event("worker joined", 0.5, name) for name in three),
        *(distributed(g, three) for g in range(30)),
        event("worker lost", 62.0, "1", "worker 1: the actor died; 2 left", 30),
        distributed(30, "02", requeued_blocks=4, idle_share=0.25),
        event("worker joined", 64.0, "3", "worker 3", 31),
        event("worker quarantined", 64.5, "0", "worker 0: digest 01bc", 31),
        distributed(31, "023"),
        event("deadline passed", 66.0, "2", "2 blocks", 32),
        distributed(32, "023", requeued_blocks=2, results_skipped=1),
        event("worker back", 68.5, "2", "", 33),
        *(distributed(g, "023") for g in range(33, 60)),
        event("resumed", 123.0, detail="from generation 60", generation=60),
        *(event("worker joined", 123.5, name, "", 60) for name in three),
        *(distributed(g, three) for g in range(60, 90)),
        event("worker preempted", 184.0, "1", "drained", 90),
        event("worker left", 184.5, "2", "scaled down", 90),
        distributed(90, "0"),
    ]


def make(path, rows=(), config=CONFIG, result=None):
    path.mkdir(exist_ok=True)
    (path / "config.json").write_text(json.dumps(config))
    with MetricsWriter(path / "metrics.jsonl") as writer:
        for each in rows:
            writer.write(each)
    if result is not None:
        (path / "result.json").write_text(json.dumps(result))
    return path


class Checker(html.parser.HTMLParser):
    """Collects the text and what the page would fetch; insists on closed tags and single ids."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.urls, self.words, self.tags, self.attributes = [], [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        self.urls += [value for name, value in attrs if name in ("src", "href", "xlink:href", "srcset", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def read(path):
    page = write_report(path).read_text()
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    assert len(checker.ids) == len(set(checker.ids))
    for url in checker.urls:
        assert url.startswith(("#", "data:image/", "episodes/"))
        assert not url.startswith("#") or url[1:] in checker.ids
    assert re.findall(r"url\((?!#)[^)]*\)|@import", page) == []
    assert set(re.findall(r"url\(#([^)]*)\)", page)) <= set(checker.ids)
    assert "script" not in checker.tags
    assert not any(name.startswith("on") for name in checker.attributes)
    assert not any("nan" in path for path in re.findall(r'\bd="([^"]*)"', page))
    return page, checker


@pytest.mark.parametrize("count", mostly_slow([0, 1, 2, 200], quick=[0, 1, 200]))
@pytest.mark.parametrize("finished", mostly_slow([False, True], quick=[True]))
def test_any_number_of_rows_with_and_without_a_result(tmp_path, count, finished, laid_out):
    run = make(tmp_path, map(row, range(count)), result=RESULT if finished else None)
    page, checker = read(run)
    assert ("Solved" if finished else "Unfinished") in checker.text
    assert checker.tags.count("svg") == (6 if count else 0)
    assert page.count('role="img"') == page.count("<svg")
    assert ("No generation has been recorded" in checker.text) == (count == 0)
    assert not list(tmp_path.glob("*.tmp"))


def test_everything_of_the_run_is_on_the_page(tmp_path, laid_out):
    events = [{"event": "worker lost", "generation": 3, "time": 1.5, "detail": EVIL}]
    run = make(tmp_path, [*map(row, range(5)), *events], result=RESULT)
    page, checker = read(run)
    for part in (
        "Solved : mean policy 500.0 over 128 fresh episodes after 5 generations, 41 s",
        "gymnax/CartPole-v1",
        "Target 475.0",
        "Environment steps 1M",
        "strategy.optimizer.betas [0.9, 0.999]",
        "worker lost " + EVIL,
        f"strategy.optimizer.{EVIL} {EVIL}",
        "jax 0.10.2",
        "cores 16",
        "0123abcd",
    ):
        assert part in checker.text
    assert "prefers-color-scheme: dark" in page and 'lang="en"' in page
    assert "var(--blue)" in page and "#040404" not in page


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"status": "stopped", "generations": 12},
            "Stopped at generation 12 of 200; resume with eggroll-ray resume",
        ),
        ({"status": "failed", "message": EVIL}, f"Failed at generation 5 of 200: {EVIL}"),
        ({"status": "finished"}, "5 generations, 41 s; the target 475.0 was not reached"),
        ({"episodes": 0, "generations": 1}, "Solved : mean policy 500.0 after 1 generation, 41 s"),
        ({"mean_policy_return": None}, "Solved : mean policy - over 128"),
        ({"status": EVIL}, EVIL.capitalize()),
    ],
)
def test_the_outcome_in_one_sentence(tmp_path, change, sentence):
    assert sentence in read(make(tmp_path, result=RESULT | change))[1].text


def test_a_run_folder_with_a_space_can_be_resumed_by_pasting(tmp_path):
    run = make(tmp_path / "my run")
    assert f"eggroll-ray resume '{run}'" in read(run)[1].text


def test_a_custom_fitness_counts_evaluations(tmp_path):
    config = {"fitness": {"name": EVIL}, "population_size": 100}
    rows = [row(g, every=7, steps=0, total_steps=0, member_steps_per_second=None) for g in range(20)]
    _, checker = read(make(tmp_path, rows, config))
    assert EVIL in checker.text
    assert "Evaluations / s 200.0 median" in checker.text
    assert "Environment steps" not in checker.text


@pytest.mark.parametrize("windows", [1, 2])
def test_fitness_of_a_window_is_called_so(tmp_path, windows):
    rows = [row(g, episodes=8 if g % windows == 0 else 0) for g in range(4)]
    _, checker = read(make(tmp_path, rows, {}))
    assert ("population median of a window" in checker.text) == (windows > 1)


def test_missing_numbers_and_missing_files_are_no_obstacle(tmp_path, laid_out):
    known = ("generation", "time", "workers")
    rows = [{key: value if key in known else None for key, value in row(g).items()} for g in range(3)]
    read(make(tmp_path / "empty", rows, {}))
    read(make(tmp_path / "bare", [{"generation": 0}], {}))
    (tmp_path / "nothing").mkdir()
    assert "nothing" in read(tmp_path / "nothing")[1].text


def test_one_wild_member_does_not_flatten_the_figure(tmp_path):
    rows = [row(generation) for generation in range(50)]
    rows[20]["fitness_min"] = -1e12
    page, _ = read(make(tmp_path, rows))
    assert "G</text>" not in page


def test_a_long_run_makes_a_page_of_bounded_size(tmp_path, laid_out):
    run = make(tmp_path, (row(g, every=3) for g in range(5000)))
    assert write_report(run).stat().st_size < 1.2e6


def test_pictures_are_embedded_and_pages_linked(tmp_path):
    run = make(tmp_path, [row(0)])
    episodes = run / "episodes"
    episodes.mkdir()
    (episodes / "one.gif").write_bytes(b"GIF89a")
    (episodes / 'two "2".png').write_bytes(PNG)
    (episodes / "three #3.html").write_text("<p>viewer")
    (episodes / "four.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (episodes / "notes.txt").write_text("not shown")
    page, checker = read(run)
    assert "data:image/gif;base64,R0lGODlh" in page
    assert "data:image/png;base64,iVBORw0K" in page
    assert "episodes/three%20%233.html" in checker.urls
    assert 'alt="Episode two &quot;2&quot;"' in page
    assert 'sandbox="allow-scripts"' in page
    assert "notes" not in checker.text


def test_a_second_report_replaces_the_first_and_equals_it(tmp_path, laid_out):
    run = make(tmp_path, map(row, range(3)))
    first = write_report(run).read_bytes()
    assert write_report(run).read_bytes() == first


def test_pyplot_and_the_global_style_are_left_alone(tmp_path):
    import matplotlib

    before, pyplot = matplotlib.rcParams.copy(), "matplotlib.pyplot" in sys.modules
    write_report(make(tmp_path, [row(0)]))
    assert matplotlib.rcParams.copy() == before
    assert ("matplotlib.pyplot" in sys.modules) == pyplot


def test_without_matplotlib_the_message_says_what_to_install(tmp_path, monkeypatch):
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match=r"pip install 'eggroll-ray\[report\]'"):
        write_report(make(tmp_path, [row(0)]))
    assert not (tmp_path / "report.html").exists()


def test_wrong_input_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        write_report(tmp_path / "absent")
    (make(tmp_path) / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"config\.json is not JSON"):
        write_report(tmp_path)


def test_the_workers_and_what_happened_to_them(tmp_path, laid_out):
    page, checker = read(make(tmp_path, three_workers(), result=RESULT))
    for part in (
        "4 workers over 3 min 04 s: lost 1, preempted 1, quarantined 1, deadline passed 1, back after a deadline 1, "
        "left 1, joined 7, run resumed 1.",
        "Workers were idle 5.2 % of their time, at most 25 % of a generation. 6 blocks handed out again. "
        "1 result came twice or late. 270 kB went to the workers, 5.4 MB came back.",
        "idle share of the workers' time, %",
        "number of workers",
        "blocks of a generation handed out again",
        "minutes since the start",
    ):
        assert part in checker.text
    for swatch in (
        "cross red",
        "down orange",
        "diamond violet",
        "square blue",
        "up green",
        "left muted",
        "right green",
    ):
        assert f'class="mark {swatch}"' in page
    assert 'class="upright muted"' in page
    assert checker.tags.count("svg") == 8
    assert page.count('role="img"') == page.count("<svg")
    assert "left out" not in checker.text
    assert "#080808" not in page


def test_of_many_workers_the_most_eventful_are_drawn(tmp_path):
    names = [f"gpu-{i}" for i in range(64)]
    lost = [event("worker lost", 9.0 + i / 9, name) for i, name in enumerate(names[40:57])]
    records = [
        *(event("worker joined", 0.1, name) for name in names),
        *(distributed(g, names) for g in range(4)),
        *lost,
    ]
    page, checker = read(make(tmp_path, records))
    assert "the 20 most eventful of 64 workers" in checker.text
    assert "The 20 most eventful workers are drawn, 44 are left out." in checker.text
    drawn = {name for name in names if f">{name}</text>" in page}
    assert len(drawn) == 20 and set(names[40:57]) < drawn
    assert "handed out again" not in checker.text  # none was


def test_workers_are_left_out_where_there_were_none_or_none_had_names(tmp_path):
    in_process = {"requeued_blocks": 0, "idle_share": None, "idle_seconds": {}, "bytes_down": 0, "workers": 0}
    local = [row(0, **in_process), event("resumed", 1.0), row(1, **in_process)]
    old = [row(0), {"event": "worker lost", "generation": 1, "time": 0.5, "detail": "worker 5: died; 7 left"}, row(1)]
    for name, records in (("local", local), ("old", old)):
        page, checker = read(make(tmp_path / name, records))
        assert "<h2>Workers</h2>" not in page
        assert checker.tags.count("svg") == 6
    assert "worker 5: died; 7 left" in checker.text


def test_workers_before_the_first_generation_and_rows_without_events(tmp_path):
    records = [event("worker joined", 0.0, "0"), event("no worker left", 0.0)]
    assert "1 worker over 0 s: joined 1, no worker left 1." in read(make(tmp_path / "early", records))[1].text
    rows = [{"generation": g, "time": g, "idle_share": 0.5} for g in range(3)]
    text = read(make(tmp_path / "rows", rows))[1].text
    assert "Workers were idle 50 % of their time" in text
    never = [{"generation": g, "time": g, "idle_share": 0.0} for g in range(3)]
    assert "idle" not in read(make(tmp_path / "never", never))[1].text


def test_names_and_details_may_be_anything(tmp_path, laid_out):
    names = [EVIL, "$x^$", "\ud800", "\x1b[31mred", "", "\n", "#010101", 7, "g" * 5000, "9" * 5000]
    detail = f"{EVIL}\x1b[2J\x1b]0;title\x07\x00\ud800</td></table>"
    records = [
        *(event("worker joined", 1.0, name, detail) for name in names),
        event(EVIL, 1.0, EVIL, detail),
        {"event": None, "time": 2.0},
        distributed(0, ["$x^$", "<b>"], idle_seconds={"<b>": None}),
    ]
    page, checker = read(make(tmp_path, records))
    assert EVIL + " </td></table>" in checker.text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", page)
    assert "#010101</text>" in page and ">$x^$</text>" in page and "ggggg\u2026" in page


def test_thousands_of_events_are_folded_and_keep_the_page_small(tmp_path):
    records, time = [], 0.0
    for generation in range(400):
        for i in range(15):
            time += 0.1
            worker = str((15 * generation + i) % 37)
            records.append(event("worker joined", time, worker, "", generation))
            records.append(event("worker lost", time + 0.05, worker, f"{EVIL} {len(records)}", generation))
        records.append(event("resumed", time, generation=generation))
        records.append(distributed(generation, "01", time=time))
    page, checker = read(make(tmp_path, records, {}))
    assert len(page) < 1.6e6
    assert checker.tags.count("details") == 1
    assert "12360 earlier events (the last 2000 here, all in metrics.jsonl)" in checker.text
    assert "lost 6000, joined 6000, run resumed 400." in checker.text
    rows = page.split("</summary>")[1].split("</table>")
    assert [part.count("<tr><td>") for part in rows] == [2000, 40, 0]


@pytest.mark.parametrize(("count", "folds"), [(40, 0), (41, 1)])
def test_a_long_table_of_events_is_folded(tmp_path, count, folds):
    events = [event("fitness failed", float(i), detail=f"no {i}.") for i in range(count)]
    page, checker = read(make(tmp_path, events, {}))
    assert checker.tags.count("details") == folds
    assert ("1 earlier event Generation" in checker.text) == bool(folds)
    assert all(f"<td>no {i}.</td>" in page for i in range(count))


@pytest.mark.parametrize("groups", [(), ("hunter", "prey")])
def test_generations_against_each_other_are_drawn_with_their_numbers(tmp_path, groups):
    score = np.array([[0.5, 0.25, 0.0], [0.75, 0.5, 0.125], [1.0, 0.875, 0.5]])
    ratings = np.zeros(0) if groups else np.array([0.0, 150.0, 480.0])
    run = make(tmp_path, [row(i) for i in range(3)])
    assert "Generations against each other" not in write_report(run).read_text()
    second = np.zeros((0, 0)) if not groups else -3.0 - score
    League((0, 413, 827), 32, score, second, groups, ratings).save(run)
    page = write_report(run).read_text()
    assert "Generations against each other" in page
    assert ("0.125" if groups else ">88<") in page and ("hunter" in page) == bool(groups)
    assert ("3.12" in page) == bool(groups)  # the prey's own
    assert page.count(">827<") == (8 if groups else 4)  # on both axes, in the wide and the narrow drawing
    assert ("rating of the last is 480 above the first" in page) == (not groups)
    assert ("Elo" in page) == (not groups)


def test_each_setting_stands_once_and_what_was_decided_in_place_of_what_was_not_given(tmp_path):
    options = {
        "env": "brax/ant",
        "es": {"strategy": "eggroll", "shaping": "centred-rank"},
        "worker": {"block_size": None},
    }
    strategy = {"name": "eggroll", "shaping": "centred_rank", "noise_stream": "n/1"}
    config = {
        "env": "brax/ant",
        "options": options,
        "settings": {"block_size": 64, "strategy": strategy, "parameters": {"b": "float32[8, 2], dense"}},
        "functions": {"versions": {"jax": "1"}, "law": {"what": "normal", "numbers": [1.0], "fingerprint": "ab12"}},
    }
    page, checker = read(make(tmp_path, config=config))
    words = checker.text[checker.text.index("Configuration") :]
    for part in (
        "5 settings Setting Value env brax/ant strategy eggroll shaping centred-rank block_size 64 strategy.noise_str",
        "1 parameter array of 16 numbers",
        "law normal, fingerprint ab12",
    ):
        assert part in words
    assert page.count("<details>") == 3 and "<details open" not in page


def test_the_lines_to_copy_stand_on_top(tmp_path):
    run = make(tmp_path / "my run", [row(0)])
    page = write_report(run, f"eggroll-ray train --env '{EVIL}'").read_text()
    top = re.sub("</?span>", "", page[page.index("<header") : page.index("<main")])
    assert html.escape(f"eggroll-ray train --env '{EVIL}'") in top
    assert html.escape(f"policy = er.load({str(run)!r})") in top
    without_steps = read(make(tmp_path / "fitness", [row(0, steps=0)]))[1].text
    assert "params = er.load_params(" in without_steps and "eggroll-ray train" not in without_steps


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"evaluator": {"rivals": {"count": 4}}}, "against earlier generations of the same run"),
        ({"groups": 2}, "the mean of 2 groups that learn at the same time"),
        ({"groups": 1}, None),
    ],
)
def test_a_score_against_moving_opponents_is_called_so(tmp_path, settings, why):
    text = read(make(tmp_path, [row(0), row(1)], {**CONFIG, "settings": settings}))[1].text
    assert ("against opponents that change" in text) == (why is not None) and (why or "") in text
    assert ("Best test" in text) == ("rivals" not in str(settings))


def test_changes_of_rates_are_drawn_and_listed(tmp_path):
    changed = event("changed", 1.0, detail="learning_rate = 0.01 from the update of generation 3 on", generation=3)
    checker = read(make(tmp_path, [*map(row, range(5)), changed]))[1]
    assert "rate or sigma changed" in checker.text and "learning_rate = 0.01 from" in checker.text
    assert "rate or sigma changed" not in read(make(tmp_path / "without", [row(0)]))[1].text


def test_a_target_out_of_reach_does_not_flatten_the_figure(tmp_path):
    page, _ = read(make(tmp_path, map(row, range(30)), {**CONFIG, "target": 1e6}))
    learning = page[page.index("<h2>Learning") : page.index("<h2>Speed")]
    assert "target 1M \N{UPWARDS ARROW}" in learning and "k</text>" not in learning
