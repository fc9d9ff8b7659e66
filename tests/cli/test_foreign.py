"""A run folder of somebody else names no machine that is talked to, no code that is run, and no file but its own."""

import dataclasses
import io
import json
import logging
import shlex
import sys
from pathlib import Path

import pytest

import envs
from eggroll_ray.cli import app, fit, foreign, options
from eggroll_ray.cli.app import main
from eggroll_ray.cli.say import say
from eggroll_ray.runs.checkpoint import CheckpointError


@pytest.fixture
def edited(tmp_path):
    """Makes the folder of a run with some options."""

    def edit(env="gymnax/CartPole-v1", **changes) -> Path:
        chosen = dataclasses.asdict(options.TrainOptions(env, population_size=8))
        worker = changes.pop("worker", {})
        config = {
            "options": chosen | changes | {"worker": chosen["worker"] | worker},
            "settings": {"population_size": 8, "block_size": 8},
        }
        folder = tmp_path / "theirs"
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(config))
        return folder

    return edit


COMMANDS = ("resume", "eval", "replay", "export", "league")


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module that says by a file that it was imported."""
    (tmp_path / "trap_of_theirs.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "sprung"
    sys.modules.pop("trap_of_theirs", None)


@pytest.mark.parametrize(
    ("command", "env"),
    [
        *((command, "gym/trap_of_theirs:Trap-v0") for command in ("resume", "replay", "train")),
        *((command, "pettingzoo/trap_of_theirs") for command in ("eval", "league")),
    ],
)
def test_no_module_that_a_folder_names_is_imported_unasked(edited, module, capsys, monkeypatch, command, env):
    pytest.importorskip("gymnasium" if env.startswith("gym/") else "pettingzoo")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    folder = edited(env=env)
    command = ["train", "--config", str(folder / "config.json")] if command == "train" else [command, str(folder)]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "imports the module 'trap_of_theirs'" in error and f"add --trust-env {env}" in error
    assert not module.exists()
    assert main([*command, "--trust-env", "gym/other:Env-v0"]) == 2 and not module.exists()
    assert main([*command, "--trust-env", env]) == 2 and module.exists()  # it is imported, and has no environment


def test_what_a_folder_names_is_quoted_in_lines_to_paste(caplog):
    evil = "m'$(touch x):f"
    chosen = options.TrainOptions("", wandb=evil, task=options.TaskOptions(evil, "m:p"))
    with pytest.raises(CheckpointError) as caught:
        foreign.check_env(chosen, Path("theirs"), None, envs.imports)
    said, _, line = str(caught.value).partition("if you trust it, add ")
    assert shlex.split(line) == ["--trust-env", f"{evil},m:p"]
    assert said.startswith(f"theirs names the fitness {evil!r}, the parameters 'm:p', which imports the module")
    foreign.without_addresses(chosen, Path("theirs"))
    assert f"--wandb {shlex.quote(evil)}, which is not used" in caplog.text


def test_a_terminal_is_asked(edited, module, monkeypatch, capsys):
    folder = edited(env="gym/trap_of_theirs:Trap-v0")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    for answer, sprung in (("\n", False), ("no\n", False), ("y\n", True)):
        monkeypatch.setattr(sys.stdin, "readline", lambda answer=answer: answer)
        assert main(["eval", str(folder)]) == 2
        assert "Go on? [y/N]" in capsys.readouterr().err and module.exists() == sprung


def test_what_is_known_needs_no_question():
    for name in (
        "gymnax/CartPole-v1",
        "gym/CartPole-v1",
        "gym/ALE/Pong-v5",
        "gym/Mine-v0",
        "pettingzoo/sisl.pursuit_v5",
    ):
        assert envs.imports(name) is None
    for name in ("pettingzoo/mpe2.simple_v3", "pettingzoo/classic.go_v9", "nothing/at-all", "nothing"):
        assert envs.imports(name) is None
    assert envs.imports("gym/os.path:Env-v0") == "os.path" and envs.imports("pettingzoo/os.path") == "os.path"


def test_an_option_that_may_be_a_file_is_asked_for(tmp_path):
    chosen = options.TrainOptions("gym/Ant-v5", ("xml_file=/home/me/secret.xml", "max_episode_steps=9"))
    with pytest.raises(CheckpointError, match=r"'xml_file=/home/me/secret.xml', which may name files.*--trust-env"):
        foreign.check_env(chosen, tmp_path, None, envs.imports)
    foreign.check_env(chosen, tmp_path, "gym/Ant-v5", envs.imports)
    foreign.check_env(dataclasses.replace(chosen, env_options=("a=1",)), tmp_path, None, envs.imports)


@pytest.mark.parametrize("name", ["address", "wandb", "mlflow"])
def test_no_address_is_taken_from_a_folder(edited, monkeypatch, capsys, caplog, name):
    folder = edited(**({"worker": {"address": "evil:6379"}} if name == "address" else {name: "evil/project"}))
    given = []

    def make_trainer(options, make_env, run, resume):
        given.append({"address": options.worker.address, "wandb": options.wandb, "mlflow": options.mlflow})
        raise ValueError("far enough")

    monkeypatch.setenv("WANDB_MODE", "offline")  # a login is not what this is about
    monkeypatch.setattr(fit, "make_trainer", make_trainer)
    for command in (["resume", str(folder)], ["train", "--config", str(folder / "config.json")]):
        assert main(command) == 2 and "far enough" in capsys.readouterr().err
        assert given.pop() == {"address": None, "wandb": None, "mlflow": None}
        assert f"names --{name} evil" in caplog.text
        assert main([*command, f"--{name}", "mine"]) == 2
        assert given.pop() == {"address": None, "wandb": None, "mlflow": None, name: "mine"}


@pytest.mark.parametrize("place", ["metrics.jsonl", "lock", "fitness/log.bin", "episodes", "deep/er/one"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_link_that_leads_out_of_the_folder_is_refused(edited, tmp_path, capsys, command, place):
    folder, secret = edited(), tmp_path / "secret"
    secret.write_text("mine")
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).symlink_to(secret)
    assert main([command, str(folder)]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert f"{place} is a link that leads out of" in error and secret.read_text() == "mine"


RED = "\x1b[31mred\x1b[0m\x00\x07"


def test_no_text_of_a_folder_controls_the_terminal(edited, capsys):
    folder = edited(env=f"gymnax/{RED}")
    for command in COMMANDS:
        assert main([command, str(folder)]) == 2
        shown = capsys.readouterr()
        assert "red" in shown.err and not {"\x1b", "\x00", "\x07"} & {*shown.err, *shown.out}
    say(RED)
    assert capsys.readouterr().out == "red  \n"
    record = logging.LogRecord("any", logging.WARNING, "file", 1, "of %s", (RED,), None)
    assert app._Printable("%(message)s").format(record) == "of red  "


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"population_size": "8"}, "population_size='8'"),
        ({"population_size": [8]}, "population_size="),
        ({"env_options": 7}, "env_options=7"),
        ({"target": "high"}, "target='high'"),
        ({"test_every": None}, "test_every=None"),
        ({"es": 7}, "es=7"),
        ({"es": {"rank": "1"}}, "rank='1'"),
        ({"es": {"optimizer": "mine"}}, "optimizer='mine'"),
        ({"policy": {"hidden": ["64"]}}, "hidden="),
        ({"policy": {"normalize_observations": 1}}, "normalize_observations=1"),
        ({"worker": {"workers": "some"}}, "workers='some'"),
        ({"more": 1}, "more"),
    ],
)
def test_an_option_of_another_kind_is_named(edited, capsys, changes, message):
    assert main(["eval", str(edited(**changes))]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert message in error and "config.json" in error


def test_options_read_back_as_they_were(tmp_path):
    chosen = options.TrainOptions(
        "gymnax/CartPole-v1",
        ("a=1",),
        target=3,
        es=options.StrategyOptions(sigma=1),
        policy=options.PolicyOptions(hidden=(3, 4), window=7),
        worker=options.WorkerOptions("auto", gpus_per_worker=0.5, block_size=8),
    )
    (tmp_path / "config.json").write_text(json.dumps({"options": dataclasses.asdict(chosen)}))
    assert options.load_options(tmp_path / "config.json") == chosen
