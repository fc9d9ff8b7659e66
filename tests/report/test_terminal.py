import io
import logging
import sys

import pytest
from rich.console import Console

from eggroll_ray.compiling.durations import Durations
from eggroll_ray.compiling.phases import phase
from eggroll_ray.report.terminal import Progress
from eggroll_ray.runs.metrics import Sink


def row(generation, **changes):
    return {
        "generation": generation,
        "time": 2.0 * generation + 2.0,
        "fitness_min": 9.0,
        "fitness_q25": 20.5,
        "fitness_median": 101.0,
        "fitness_q75": 250.0,
        "fitness_max": 500.0,
        "invalid_members": 0,
        "mean_policy_return": 100.0 + generation,
        "mean_policy_return_std": 12.5,
        "steps": 4000,
        "member_steps_per_second": 1_250_000.0,
        "time_update": 0.1,
        "time_evaluate": 0.8,
        "time_driver": 0.1,
        "gradient_norm": 3.25,
        "update_ratio": 0.0123,
        "sigma": 0.05,
        "workers": 8,
        **changes,
    }


def terminal(width=100):
    return Console(force_terminal=True, file=io.StringIO(), width=width, height=40, legacy_windows=False)


def log():
    return Console(force_terminal=False, file=io.StringIO(), width=40)


def text(console):
    return console.file.getvalue()


def last_frame(console):
    plain = Console(force_terminal=False, file=io.StringIO(), width=100)
    from rich.text import Text

    plain.print(Text.from_ansi(text(console)))
    return text(plain).rsplit("\N{BOX DRAWINGS LIGHT ARC DOWN AND RIGHT}", 1)[1]


def test_a_log_gets_plain_lines():
    console = log()
    with Progress(10, target=475.0, title="env[x]", console=console, plain_seconds=0) as progress:
        progress(row(0))
        progress(row(1, mean_policy_return=None, invalid_members=3, worker_failures=2))
        progress.message("a \x1b[31mred\x1b[0m word\x07\x1b]0;title\x07\tend\r\nnext\rline")
    lines = text(console).splitlines()
    assert len(lines) == 4
    rest = "mean policy 100.0, best 100.0, target 475.0"
    assert lines[0] == f"env[x]: generation 1/10 | {rest} | 1.25M member-steps/s"
    assert lines[1] == f"generation 2/10 | {rest} | 3 invalid members | 2 lost"
    assert lines[2:] == ["a red word  end", "next line"]


def test_a_log_says_all_that_is_known_where_that_is_asked_for():
    console = log()
    with Progress(10, 475.0, "env[x]", console=console, plain_seconds=0, verbose=True) as progress:
        progress(row(0))
        progress(row(1, workers=0, invalid_members=3))
    lines = text(console).splitlines()
    assert lines[0].startswith("env[x]: generation 1/10 | elapsed 0:00:02 | fitness 9.00/20.50/")
    assert "mean policy 100.0 +- 12.50, best 100.0, target 475.0 | 1.25M member-steps/s" in lines[0]
    assert lines[0].endswith("update 10%, evaluate 80%, driver 10% | update ratio 0.0123 | 8 workers")
    assert "worker" not in lines[1] and lines[1].endswith("3 invalid members")


def test_a_line_of_a_log_fits_into_a_terminal():
    console = log()
    huge = {"mean_policy_return": -123456.7, "worker_failures": 1234, "invalid_members": 123456}
    with Progress(1_000_000, -1.23e9, "suite/AnEnvironment-v5" * 3, console=console, plain_seconds=0) as progress:
        for generation in range(3):
            progress(row(999_000 + generation, **huge))
    assert all(len(line) <= 100 and "mean policy" in line for line in text(console).splitlines())


def test_the_time_left_does_not_count_the_generations_that_compile(monkeypatch):
    console, now = log(), [0.0]
    monkeypatch.setattr("eggroll_ray.report.terminal.time.monotonic", lambda: now[0])
    with Progress(100, console=console, plain_seconds=0) as progress:
        for generation, seconds in enumerate((3600.0, 60.0, 1.0, 1.0)):
            now[0] += seconds
            progress(row(generation))
    lines = text(console).splitlines()
    assert "left" not in lines[0] + lines[1]
    assert "| left 0:01:37 |" in lines[2] and "| left 0:01:36 |" in lines[3]


def test_a_start_says_what_it_is_busy_with_and_how_long_that_took_the_last_time(monkeypatch, tmp_path):
    monkeypatch.setenv("EGGROLL_RAY_CACHE", str(tmp_path))
    now = [100.0]
    monkeypatch.setattr("eggroll_ray.report.start.time.monotonic", lambda: now[0])
    monkeypatch.setattr("eggroll_ray.compiling.phases.time.monotonic", lambda: now[0])
    for told, shown in (("", ""), (" (35 s the last time)",) * 2):
        console = log()
        progress = Progress(5, title="env", console=console, durations=Durations("cartpole"))
        with progress, phase("evaluating"):
            for _ in range(2):
                with phase("compiling"):
                    now[0] += 17.5
                    assert progress._start.text().removeprefix("compiling, ") in (f"18 s{shown}", f"35 s{shown}")
            assert progress._start.text().startswith("evaluating, 35 s")
        progress(row(0))
        lines = text(console).splitlines()
        assert lines[:2] == [f"env: evaluating{told}", f"env: compiling{told}"]
    assert Durations("another").last == {}


def test_a_start_that_fails_leaves_nothing_in_the_terminal():
    console = terminal()
    with pytest.raises(ValueError), Progress(5, title="env", console=console), phase("compiling"):
        raise ValueError
    assert text(console).count("starting") == 2 and text(console).endswith("\n\x1b[?25h\r\x1b[1A\x1b[2K\x1b[?25h")


def test_a_log_is_not_flooded_but_ends_with_the_last_generation():
    console = log()
    with Progress(1000, console=console, plain_seconds=3600) as progress:
        for generation in range(500):
            progress(row(generation))
    lines = text(console).splitlines()
    assert [line.split(" | ")[0] for line in lines] == ["generation 1/1000", "generation 500/1000"]
    progress.close()
    assert text(console).splitlines() == lines


def test_colour_forced_on_does_not_put_control_characters_into_a_log(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with Progress(2, title="env", plain_seconds=0) as progress:
        progress(row(0))
        progress.message("hello")
    out, err = capsys.readouterr()
    assert out == ""
    assert "\x1b" not in err and "\r" not in err
    assert "generation 1/2" in err and "hello" in err


def test_a_terminal_shows_the_numbers():
    console = terminal()
    with Progress(200, target=475.0, title="gymnax/CartPole-v1", console=console) as progress:
        for generation in range(37):
            progress(row(generation))
        progress.message("checkpoint [written]")
    shown = last_frame(console)
    for part in (
        "gymnax/CartPole-v1",
        "generation 37 / 200",
        "elapsed 0:01:14",
        "mean policy  136.0 ± 12.50, best 136.0, target 475.0",
        "min 9.00  q25 20.50  median 101.0  q75 250.0  max 500.0",
        "1.25M member-steps/s  update 10%  evaluate 80%  driver 10%",
        "ratio 0.0123  gradient 3.25  sigma 0.05",
        "8 alive  invalid members 0",
        "▁",
        "█",
    ):
        assert part in shown
    assert "checkpoint [written]" in text(console)


def test_evaluations_and_missing_values_are_shown_as_such():
    console = terminal()
    with Progress(5, console=console) as progress:
        progress(row(0, steps=0, mean_policy_return=None, fitness_min=None, time_evaluate=None))
    shown = last_frame(console)
    assert "1.25M evaluations/s" in shown
    assert "mean parameters  -" in shown
    assert "min -" in shown


@pytest.mark.parametrize("width", [20, 48, 200])
def test_any_width_and_no_rows_are_fine(width):
    console = terminal(width)
    with Progress(0, console=console) as progress:
        pass
    with Progress(3, target=1.0, title="t", console=console) as progress:
        progress(row(0))
        progress(row(1))
    assert "\N{BOX DRAWINGS LIGHT ARC DOWN AND RIGHT}" in text(console)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_the_terminal_is_in_order_after_an_exception(error):
    console, stderr = terminal(), sys.stderr
    handler = logging.StreamHandler(stderr)
    logging.getLogger().addHandler(handler)
    try:
        with pytest.raises(error), Progress(5, console=console) as progress:
            progress(row(0))
            assert handler.stream is sys.stderr is not stderr
            raise error
    finally:
        logging.getLogger().removeHandler(handler)
    assert text(console).rindex("\x1b[?25h") > text(console).rindex("\x1b[?25l")
    assert sys.stderr is stderr is handler.stream
    assert progress._live is None


def test_events_become_messages_and_progress_is_a_sink():
    console = log()
    sink: Sink = Progress(5, console=console)
    sink({"event": "worker lost", "generation": 3, "time": 1.0, "detail": "worker-5"})
    sink.close()
    assert text(console) == "generation 3: worker lost: worker-5\n"


DISTRIBUTED = {
    "workers": 63,
    "worker_failures": 2,
    "requeued_blocks": 4,
    "results_skipped": 1,
    "idle_share": 0.083,
    "idle_seconds": {"0": 0.1},
    "bytes_down": 123_456,
    "bytes_up": 3.4e6,
    "time_generation": 2.0,
}


def test_a_log_tells_of_workers_what_there_is_to_tell():
    console = log()
    nothing = {"worker_failures": 0, "requeued_blocks": 0, "idle_share": 0.0, "bytes_down": 0, "bytes_up": 0}
    with Progress(10, verbose=True, console=console, plain_seconds=0) as progress:
        progress(row(0, **nothing))
        progress(row(1, **DISTRIBUTED, invalid_members=3) | {"requeued_blocks": 1})
        progress(row(2, **DISTRIBUTED))
        progress(row(3, idle_share=None, workers=1))
    ends = [line.split("update ratio 0.0123 | ")[1] for line in text(console).splitlines()]
    assert ends == [
        "8 workers",
        "63 workers, 2 lost, 1 block re-queued, idle 8%, 123 kB down, 3.4 MB up | 3 invalid members",
        "63 workers, 2 lost, 5 blocks re-queued, idle 8%, 123 kB down, 3.4 MB up",
        "1 worker, 5 blocks re-queued",
    ]


def test_blocks_handed_out_again_between_two_lines_are_counted():
    console = log()
    with Progress(1000, verbose=True, console=console, plain_seconds=3600) as progress:
        for generation in range(100):
            progress(row(generation, **DISTRIBUTED))
    assert "400 blocks re-queued" in text(console).splitlines()[-1]


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (100, ["63 alive  2 lost  4 blocks re-queued  idle 8%  123 kB down  3.4 MB up", "invalid members 0"]),
        (60, ["63 alive  2 lost  4 blocks re-queued", "idle 8%  123 kB down  3.4 MB up", "invalid members 0"]),
    ],
)
def test_the_panel_shows_the_workers_and_breaks_lines_between_items(width, lines):
    console = terminal(width)
    with Progress(10, console=console) as progress:
        progress(row(0, **DISTRIBUTED))
    shown = [line.strip(" \N{BOX DRAWINGS LIGHT VERTICAL}") for line in last_frame(console).splitlines()]
    start = shown.index("workers      " + lines[0])
    assert shown[start + 1 : start + len(lines)] == lines[1:]


@pytest.mark.parametrize("make_console", [log, terminal])
def test_the_detail_of_an_event_cannot_control_the_terminal(make_console):
    console = make_console()
    with Progress(5, console=console) as progress:
        detail = "<b>[red]\x1b[2J\x1b]0;title\x07\x9b31m\x00\u202e[/]"
        progress({"event": "worker lost\x1b[1A", "generation": 3, "time": 1.0, "detail": detail, "worker": "\x1b[0m"})
    assert "generation 3: worker lost: <b>[red] 31m  [/]" in text(console)
    assert not {"\x9b", "\x00", "\x07", "\u202e"} & set(text(console))
    assert "\x1b[2J" not in text(console)
