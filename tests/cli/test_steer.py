"""Steering a run from the command line: schedules, changes where it is resumed, targets, plateaus."""

import json
import shlex
from pathlib import Path

import pytest

from eggroll_ray.cli import fit
from eggroll_ray.cli.app import main
from eggroll_ray.cli.options import TrainOptions, load_options
from eggroll_ray.runs.metrics import read_metrics

SMALL = """--env gymnax/CartPole-v1 --population-size 16 --hidden 8 --workers 0 --test-episodes 4 --checkpoint-every 2
    --no-render""".split()

pytestmark = pytest.mark.usefixtures("without_report")


@pytest.fixture
def without_report(monkeypatch):
    monkeypatch.setattr(fit, "write_report", lambda run: "not drawn")


def train(run: Path, *more: str) -> int:
    return main(["train", *SMALL, "--run", str(run), *more])


def resume(run: Path, *more: str) -> int:
    return main(["resume", str(run), "--no-render", *more])


def rows(run: Path) -> list[dict]:
    return [row for row in read_metrics(run / "metrics.jsonl") if "event" not in row]


def changes(run: Path) -> list[tuple]:
    lines = (run / "fitness/changes.jsonl").read_text().splitlines()
    return [tuple(json.loads(line).values()) for line in lines]


def test_rates_are_changed_where_a_run_is_resumed_and_it_is_replayed(tmp_path, capsys):
    run = tmp_path / "run"
    given = ["--generations", "2", "--sigma", "0.2", "--sigma-schedule", "linear", "--sigma-end", "0.5"]
    assert train(run, *given, "--learning-rate", "0.04", "--target", "none") == 0
    begun = (run / "config.json").read_bytes()
    assert resume(run, "--generations", "4", "--learning-rate", "0.01", "--sigma", "0.1") == 0
    assert resume(run, "--generations", "6", "--learning-rate", "0.02") == 0  # relative to the 0.04 of the beginning
    assert changes(run) == [
        (2, "scales/learning_rate", 0.25),
        (2, "scales/sigma", 0.5),
        (4, "scales/learning_rate", 0.5),
    ]
    # Of the update before: the schedule takes the two generations that the run was begun with, and stays at its end.
    seen = {row["generation"]: round(row["sigma"], 6) for row in rows(run) if row.get("sigma")}
    assert seen == {1: 0.2, 3: 0.1, 5: 0.05}
    assert (run / "config.json").read_bytes() == begun
    assert main(["replay", str(run)]) == 0 and "bit for bit" in capsys.readouterr().out
    assert resume(run, "--sigma", "0.1", "--generations", "6") == 2
    assert "the run has already done its 6 generations" in capsys.readouterr().err
    assert resume(run, "--generations", "7", "--sigma", "-1") == 2
    assert "sigma=-1.0 must be positive" in capsys.readouterr().err


def test_an_accepted_target_is_taken_and_said_and_missing_it_is_no_failure(tmp_path, capsys):
    one, two = tmp_path / "one", tmp_path / "two"
    assert train(one, "--generations", "1") == 0
    said = capsys.readouterr()
    assert "Target 475, the reward threshold of Gymnasium for gymnax/CartPole-v1; --target none trains" in said.err
    assert "The target of 475 was not reached." in said.out
    config = json.loads((one / "config.json").read_text())
    assert config["target"] == 475 and config["options"]["target"] == "auto"
    assert json.loads((one / "result.json").read_text())["target"] == 475
    assert resume(one, "--target", "1000") == 1  # the user's own
    assert resume(one, "--target", "none") == 0
    assert "target" not in capsys.readouterr().out.partition("reached.")[2].lower()
    assert resume(one, "--target", "1", "--generations", "3") == 0
    assert json.loads((one / "result.json").read_text())["status"] == "solved"
    capsys.readouterr()
    options = "--env-options", "max_steps_in_episode=9"
    assert train(two, "--generations", "0", *options) == 0 and "target" not in str(capsys.readouterr()).lower()


def test_a_run_ends_on_a_plateau(tmp_path, capsys):
    run = tmp_path / "run"
    still = "--patience", "2", "--min-delta", "1000"
    assert train(run, "--generations", "9", *still, "--target", "480") == 1
    assert len(rows(run)) == 3 and json.loads((run / "result.json").read_text())["status"] == "plateau"
    assert "Plateau: mean policy" in (said := capsys.readouterr().out)
    assert "No test was better in 2 generations. The target of 480 was not reached." in said
    assert resume(run, "--patience", "3", "--target", "none") == 0 and len(rows(run)) == 4
    assert resume(run, "--patience", "none", "--target", "none", "--generations", "6") == 0 and len(rows(run)) == 6


def test_mistakes_are_told_before_any_work(tmp_path, capsys):
    run = tmp_path / "run"
    for options, message in (
        (["--sigma-end", "0.5"], "sigma_end=0.5 needs sigma_schedule"),
        (["--learning-rate-schedule", "linear", "--learning-rate-warmup", "500"], "learning_rate_warmup=500 must be"),
        (["--patience", "0"], "patience=0 must be at least 1"),
        (["--patience", "3", "--test-every", "0"], "patience=3 needs tests"),
        (["--patience", "3", "--self-play", "--env", "pgx/tic_tac_toe"], "patience=3 does not go with self-play"),
    ):
        assert train(run, *options) == 2
        error = capsys.readouterr().err
        assert message in error and "loading" not in error and not run.exists()


def test_configs_of_earlier_versions_have_no_target_and_no_schedule(tmp_path):
    config = tmp_path / "config.json"
    old = {"env": "gymnax/CartPole-v1", "target": None, "es": {"sigma": 0.2, "sigma_decay": 0.9}}
    config.write_text(json.dumps({"options": old}))
    options = load_options(config)
    assert options.target == "none" and options.patience is None
    assert (options.es.sigma_schedule, options.es.sigma_decay) == ("constant", 0.9)


def test_the_line_that_continues_a_run_is_one_that_a_shell_reads_as_it_is_meant():
    line = fit._to_continue(TrainOptions(wandb="my team/$(x)"), Path("runs/my run"))  # pyright: ignore[reportPrivateUsage]
    assert shlex.split(line) == ["eggroll-ray", "resume", "runs/my run", "--wandb", "my team/$(x)"]
