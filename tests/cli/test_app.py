"""The command line from end to end, in process: what it prints, what it leaves, what it refuses."""

import ast
import dataclasses
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file
from toy_games import team_env

import eggroll_ray as er
from eggroll_ray.cli import build, fit, folder, looks, options, past, train
from eggroll_ray.cli.app import main
from eggroll_ray.rl.env import Box
from eggroll_ray.runs.metrics import read_metrics

SMALL = """--env gymnax/CartPole-v1 --population-size 16 --hidden 8 --workers 0 --test-episodes 4 --generations 4
    --checkpoint-every 2""".split()


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A finished run of four generations, with a report and a rendered episode."""
    path = tmp_path_factory.mktemp("cli") / "run"
    assert main(["train", *SMALL, "--run", str(path)]) == 0
    return path


@pytest.fixture
def without_report(monkeypatch):
    """For runs whose report nobody reads: to draw it takes longer than to train."""
    monkeypatch.setattr(fit, "write_report", lambda run: "not drawn")


def digests(run: Path) -> dict[int, str]:
    rows = read_metrics(run / "metrics.jsonl")
    return {row["generation"]: row["digest"] for row in rows if "event" not in row}


def test_train_leaves_a_run_folder(run):
    assert {path.name for path in run.iterdir()} >= {"config.json", "metrics.jsonl", "result.json", "report.html"}
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == ["00000002", "00000004"]
    assert [path.suffix for path in (run / "episodes").iterdir()] == [".gif"]
    page = (run / "report.html").read_text()
    assert "<span>--env</span> <span>gymnax/CartPole-v1</span>" in page and "er.load(" in page


def test_export_writes_the_policy_of_a_generation(run, tmp_path, capsys):
    assert main(["export", str(run), "--format", "npz", "--generation", "2", "--output", str(tmp_path / "out")]) == 0
    about = json.loads((tmp_path / "out" / "policy.json").read_text())
    assert (about["environment"], about["run"], about["generation"]) == ("gymnax/CartPole-v1", "run", 2)
    saved = load_file(run / "checkpoints" / "00000002" / "arrays.safetensors")
    found = np.load(tmp_path / "out" / "policy.npz")
    assert (found["layer_0/kernel"] == saved["state/params/layer_0/kernel"]).all()
    assert "policy.npz" in capsys.readouterr().out


def test_a_config_starts_the_same_run_again(run, tmp_path, without_report):
    again = tmp_path / "again"
    command = ["train", "--config", str(run / "config.json"), "--run", str(again), "--no-render"]
    assert main(command) == 0
    assert digests(again) == digests(run)
    assert (
        json.loads((again / "config.json").read_text())["options"]
        == json.loads((run / "config.json").read_text())["options"]
    )
    other = tmp_path / "other"
    assert main([*command[:-3], "--run", str(other), "--no-render", "--seed", "1", "--generations", "1"]) == 0
    assert digests(other)[0] != digests(run)[0]


def test_a_config_is_read_however_it_is_given(run, monkeypatch):
    config, started = run / "config.json", []
    monkeypatch.setattr(fit, "fit", lambda options, *rest: started.append(options) or 0)
    for given in (["--config", str(config)], [f"--config={config}"], ["--config=other.json", f"--config={config}"]):
        assert main(["train", *given, "--env", "gymnax/Pendulum-v1"]) == 0
    expected = dataclasses.replace(options.load_options(config), env="gymnax/Pendulum-v1")
    assert started == [expected] * 3 and expected.population_size == 16


def test_resume_goes_on_with_the_same_bits(run, tmp_path, capsys, without_report):
    short = tmp_path / "short"
    options = ["--no-render", "--run", str(short)]
    assert main(["train", *SMALL, "--generations", "2", *options]) == 0
    assert main(["resume", str(short), "--generations", "4", "--no-render"]) == 0
    assert digests(short) == digests(run)
    assert main(["train", *SMALL, *options]) == 2
    assert "exists; name another, or continue it with --resume" in capsys.readouterr().err
    assert main(["train", *SMALL, *options, "--resume"]) == 0


def test_replay_rebuilds_any_generation(run, tmp_path, capsys):
    assert main(["replay", str(run), "--generation", "3", "--output", str(tmp_path / "params.safetensors")]) == 0
    out = capsys.readouterr().out
    assert digests(run)[3] in out and "bit for bit" in out
    assert (tmp_path / "params.safetensors").stat().st_size > 100
    assert main(["replay", str(run)]) == 0
    out = capsys.readouterr().out
    assert json.loads((run / "result.json").read_text())["digest"] in out and "bit for bit" in out
    assert "Earlier recorded states that are the same as well: 4." in out
    assert main(["replay", str(run), "--generation", "9"]) == 2
    assert "holds generations 0 .. 3" in capsys.readouterr().err


def test_replay_says_where_nothing_was_recorded_to_compare_with(run, tmp_path, capsys):
    path = tmp_path / "run"
    shutil.copytree(run, path)
    (path / "result.json").unlink()
    shutil.rmtree(path / "checkpoints")
    assert main(["replay", str(path)]) == 0
    out = capsys.readouterr().out
    assert "No state was recorded for this generation" in out and "the same, bit for bit: 4." in out


def test_replay_writes_all_that_the_policy_acts_by(tmp_path, without_report):
    path, output = tmp_path / "run", tmp_path / "policy.safetensors"
    small = ["--generations", "1", "--normalize-observations", "--no-render"]
    assert main(["train", *SMALL, *small, "--run", str(path)]) == 0
    assert main(["replay", str(path), "--output", str(output)]) == 0
    arrays = load_file(output)
    policy = er.load(path, 1)
    assert np.abs(arrays["normalizer/mean"]).max() > 0
    np.testing.assert_array_equal(arrays["normalizer/mean"], policy.normalizer.mean)
    np.testing.assert_array_equal(arrays["normalizer/std"], policy.normalizer.std)
    assert len(arrays) == 2 + len(jax.tree.leaves(policy.params))


def test_replay_tells_by_its_exit_status_that_the_end_is_another(run, tmp_path, capsys):
    other = shutil.copytree(run, tmp_path / "other")
    result = json.loads((other / "result.json").read_text())
    (other / "result.json").write_text(json.dumps(result | {"digest": "0123456789abcdef"}))
    assert main(["replay", str(other)]) == 1
    out = capsys.readouterr().out
    assert "Generation 4 is the first that differs" in out and "instead of 0123456789abcdef" in out


def test_eval_plays_fresh_episodes(run, capsys):
    assert main(["eval", str(run), "--episodes", "4"]) == 0
    out = capsys.readouterr().out
    assert "after 4 generations: return" in out and ".gif" in out
    assert main(["eval", str(run), "--episodes", "4", "--generation", "1", "--no-render"]) == 0
    assert "after 1 generations" in capsys.readouterr().out


@pytest.mark.slow
def test_self_play_leaves_a_run_whose_generations_play_against_each_other(tmp_path, capsys):
    path = str(tmp_path / "run")
    small = "--population-size 16 --hidden 8 --workers 0 --test-episodes 4 --generations 4 --rivals-every 1".split()
    assert main(["train", "--env", "pgx/tic_tac_toe", "--self-play", "--rivals", "2", *small, "--run", path]) == 0
    assert main(["eval", path, "--episodes", "4", "--no-render"]) == 0
    capsys.readouterr()
    assert main(["league", path, "--entries", "3", "--games", "4"]) == 0
    out = capsys.readouterr().out
    assert "Elo" in out and "Points of row from column, 4 games each" in out
    found = json.loads((tmp_path / "run" / "league.json").read_text())
    assert found["generations"] == [0, 2, 4] and len(found["elo"]) == 3
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Generations against each other" in page and "image/svg+xml" in page


def test_an_episode_that_cannot_be_drawn_does_not_end_the_run(tmp_path, capsys, monkeypatch):
    def broken(*arguments):
        raise RuntimeError("no display")

    monkeypatch.setattr(folder, "record_episode", broken)
    assert main(["train", *SMALL, "--generations", "1", "--run", str(tmp_path / "run")]) == 0
    shown = capsys.readouterr()
    assert "No picture: no display" in shown.out + shown.err
    assert (tmp_path / "run" / "report.html").exists()


def test_images_that_tell_who_an_agent_is_are_laid_flat():
    chosen = options.TrainOptions(env="toy", agents=options.AgentOptions(identify=True))
    env = team_env()._replace(observation_space=Box.of((8, 8, 3)), agent_spaces=())

    def reset(key):
        state, shown = team_env().reset(key)
        return state, shown._replace(observation=jnp.zeros((3, 8, 8, 3)))

    evaluator = build.make_evaluator(chosen, lambda name: env._replace(reset=reset))
    shapes = {leaf.shape for leaf in jax.tree.leaves(evaluator.init(0)["hunter"])}
    assert (64, 8 * 8 * 3 + 2) in shapes or (8 * 8 * 3 + 2, 64) in shapes  # which of two hunters


def test_only_what_has_opponents_has_a_league(run, capsys):
    assert main(["league", str(run)]) == 2
    assert "in self-play, or where two groups of agents" in capsys.readouterr().err


def test_report_and_envs(run, capsys):
    (run / "report.html").unlink()
    assert main(["report", str(run)]) == 0
    assert (run / "report.html").exists()
    assert main(["envs"]) == 0
    assert "gymnax/CartPole-v1" in capsys.readouterr().out


@pytest.mark.slow
def test_doctor_gives_a_verdict(capsys):
    assert main(["doctor", "--rank", "2"]) == 0
    assert "pass" in capsys.readouterr().out


@pytest.mark.parametrize("module", [options, train, past, looks])
def test_every_option_has_a_help_text_and_the_help_shows_it(module, capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    shown = "".join(re.findall(r"\w", capsys.readouterr().out))
    for node in ast.parse(Path(module.__file__).read_text()).body:
        if not isinstance(node, ast.ClassDef):
            continue
        for field, text in itertools.zip_longest(node.body, node.body[1:]):
            nested = isinstance(field, ast.AnnAssign) and ast.unparse(field.annotation).endswith("Options")
            if isinstance(field, ast.AnnAssign) and not nested:
                assert isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant), ast.unparse(field)
                if module is options:
                    assert "".join(re.findall(r"\w", text.value.value)) in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--population-size", "7"], "population_size=7 must be even"),
        (["--block-size", "6"], "no multiple of block_size=6"),
        (["--sigma", "0"], "sigma=0.0 must be positive"),
        (["--learning-rate", "-1"], "learning_rate=-1.0 must be positive"),
        (["--sigma-decay", "1.5"], "sigma_decay=1.5 must be in (0, 1]"),
        (["--rank", "9"], "rank=9 is above min(m, k)"),
        (["--env", "gymnax/CartPole"], "gymnax/CartPole-v1"),
        (["--env", "atari/Pong"], "unknown environment"),
        (["--policy", "cnn"], "does not fit gymnax/CartPole-v1"),
        (["--episodes", "0"], "episodes=0 must be at least 1"),
        (["--hidden", "0"], "hidden=(0,)"),
        (["--env-options", "oops"], "must read name=value"),
        (["--target", "10", "--test-every", "0"], "needs tests"),
        (["--self-play"], "self_play needs a game of several agents"),
        (["--self-play", "--identify", "--credit", "team"], "credit=team, identify=True does not go with self-play"),
        (["--window", "9", "--self-play"], "window=9 needs a JAX environment"),
        (["--persistent", "3"], "persistent=3 of the strategy must be 1, the windows of an episode"),
    ],
)
def test_bad_input_is_refused_in_one_line_before_any_work(tmp_path, capsys, options, message):
    path = tmp_path / "run"
    assert main(["train", *SMALL, "--run", str(path), *options]) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
    assert not path.exists()


def test_a_folder_that_is_no_run_is_refused(tmp_path, capsys):
    for command in ("resume", "eval", "replay"):
        assert main([command, str(tmp_path)]) == 2
        assert "not a run folder" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "missing")]) == 2


def test_the_target_that_is_missed_is_told_by_the_exit_status(tmp_path, capsys, without_report):
    assert main(["train", *SMALL, "--run", str(tmp_path / "run"), "--no-render", "--target", "499"]) == 1
    assert "The target of 499 was not reached" in capsys.readouterr().out


@pytest.mark.slow
def test_each_group_has_a_clipup_of_its_own_when_a_run_is_made_and_when_it_is_replayed(tmp_path, capfd):
    pytest.importorskip("jaxmarl")  # which puts the process's own stdout back: capfd
    path, options = tmp_path / "run", ["--optimizer", "clipup", "--workers", "0", "--hidden", "4", "--no-render"]
    sizes = ["--population-size", "8", "--generations", "3", "--checkpoint-every", "2"]
    assert main(["train", "--env", "jaxmarl/MPE_simple_tag_v3", *options, *sizes, "--run", str(path)]) == 0
    capfd.readouterr()
    assert main(["replay", str(path), "--generation", "2"]) == 0  # from the fitness log
    assert "the recorded state, bit for bit" in capfd.readouterr().out.replace("\n", " ")
    assert main(["eval", str(path), "--episodes", "2", "--no-render"]) == 0  # from a checkpoint and the log


@pytest.mark.slow
def test_ctrl_c_leaves_a_run_that_goes_on(tmp_path):
    path = tmp_path / "run"
    command = [
        sys.executable,
        "-m",
        "eggroll_ray.cli.app",
        "train",
        *SMALL,
        "--generations",
        "100000",
        "--run",
        str(path),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    metrics = path / "metrics.jsonl"
    while process.poll() is None and (not metrics.exists() or len(metrics.read_text().splitlines()) < 3):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=200)
    assert process.returncode == 130, err
    assert f"eggroll-ray resume {path}" in out.replace("\n", " ") and "Traceback" not in err
    generations = json.loads((path / "result.json").read_text())["generations"]
    assert main(["replay", str(path), "--generation", str(generations)]) == 0
