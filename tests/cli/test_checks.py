"""What is wrong with a run is told before JAX is imported, the environment made or Ray started."""

import os
import socket
import subprocess
import sys

import pytest

from eggroll_ray.cli import checks
from eggroll_ray.cli.app import main
from eggroll_ray.cli.options import TrainOptions, WorkerOptions
from eggroll_ray.cli.say import UsageError
from eggroll_ray.workers import here


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    """A machine with four cores and no GPU, and a user without logins."""
    monkeypatch.setattr(here.os, "cpu_count", lambda: 4)
    monkeypatch.setattr(here, "_DEVICES", ())
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("RAY_ADDRESS", "NETRC", "WANDB_API_KEY", "WANDB_MODE", "WANDB_CONFIG_DIR", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def refused(**given) -> str:
    with pytest.raises(UsageError) as told:
        checks.check_surroundings(TrainOptions("a/b", **given))
    return str(told.value)


def test_a_cluster_of_this_machine_alone_does_not_grow():
    assert "this machine has 4 CPUs, room for 4" in refused(worker=WorkerOptions(5))
    assert "4 CPUs and no GPU, room for 0" in refused(worker=WorkerOptions("auto", gpus_per_worker=1))
    assert "give --address" in refused(worker=WorkerOptions(2, nodes=2))
    for fits in (WorkerOptions(4), WorkerOptions(0, gpus_per_worker=1), WorkerOptions(8, cpus_per_worker=0.5)):
        checks.check_surroundings(TrainOptions("a/b", worker=fits))


def test_a_gpu_is_not_refused_where_there_may_be_one(monkeypatch):
    monkeypatch.setattr(here, "_DEVICES", ("null",))  # which is there
    checks.check_surroundings(TrainOptions("a/b", worker=WorkerOptions(1, gpus_per_worker=1)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "no GPU" in refused(worker=WorkerOptions(1, gpus_per_worker=1))


def test_an_address_where_nothing_listens_is_refused(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        checks.check_surroundings(TrainOptions("a/b", worker=WorkerOptions(99, address=address)))
    assert f"nothing answers at {address}" in refused(worker=WorkerOptions(1, address=address))
    monkeypatch.setenv("RAY_ADDRESS", address)
    assert f"nothing answers at {address}" in refused(worker=WorkerOptions(1))


def test_a_tracker_needs_a_package_and_a_login(monkeypatch, tmp_path):
    local = WorkerOptions(0)
    monkeypatch.setattr(checks.importlib.util, "find_spec", lambda name: None)
    assert "pip install 'eggroll-ray[wandb]'" in refused(worker=local, wandb="mine")
    monkeypatch.setattr(checks.importlib.util, "find_spec", lambda name: "there")
    assert "run `wandb login`" in refused(worker=local, wandb="mine")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert "nothing answers at MLFLOW_TRACKING_URI=http://127.0.0.1:9" in refused(worker=local, mlflow="mine")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mine.db")
    (tmp_path / ".netrc").write_text("machine api.wandb.ai login user password 0123\n")
    checks.check_surroundings(TrainOptions("a/b", worker=local, wandb="mine", mlflow="mine"))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (["--init-optimizer", "kept"], "init_optimizer=kept needs --init-from"),
        (
            "--init-from a --init-optimizer kept --learning-rate-schedule linear".split(),
            "learning_rate_schedule=linear",
        ),
        ("--init-from a --init-optimizer kept --learning-rate-warmup 3".split(), "learning_rate_warmup=3"),
        ("--init-from a --init-optimizer kept --learning-rate-decay 0.9".split(), "learning_rate_decay=0.9"),
    ],
)
def test_a_kept_optimiser_does_not_go_with_a_schedule_of_the_learning_rate(given, text, capsys):
    assert main(["train", "--env", "gymnax/CartPole-v1", "--workers", "0", *given]) == 2
    told = capsys.readouterr().err
    assert text in " ".join(told.split())
    assert "--init-from" in told or "--init-optimizer fresh" in " ".join(told.split())


def test_a_run_folder_is_judged_without_making_it(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot be written: .*file is a file; name another"):
        checks.check_run(tmp_path / "file" / "run", resume=False)
    (tmp_path / "taken" / "here").mkdir(parents=True)
    with pytest.raises(UsageError, match="exists; name another"):
        checks.check_run(tmp_path / "taken", resume=False)
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "config.json").write_text("{}")
    with pytest.raises(UsageError, match=r"is not a run folder\. Beside it there are good\."):
        checks.check_run(tmp_path / "goood", resume=True)
    checks.check_run(tmp_path / "new" / "run", resume=False)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--population-size 7", "population_size=7 must be even"),
        ("--block-size 6", "no multiple of block_size=6"),
        ("--seed -1", "seed=-1 must be in"),
        ("--generations -1", "generations=-1 must be at least 0"),
        ("--checkpoint-every 0", "checkpoint_every=0 must be at least 1"),
        ("--target 9 --test-every 0", "target=9.0 needs tests"),
        ("--env-options oops", "must read name=value"),
        ("--workers 2 --min-workers 3", "min_workers=3 is above workers=2"),
    ],
)
def test_numbers_are_judged_before_the_environment_is_asked_for(capsys, given, said):
    assert main(["train", "--env", "no/such", *given.split()]) == 2
    assert said in capsys.readouterr().err


def test_a_mistake_needs_no_jax(tmp_path):
    """Which alone takes two seconds to import."""
    code = (
        "import sys; sys.modules['jax'] = None\n"
        "from eggroll_ray.cli.app import main\n"
        "for given in ('train --lr 3', 'trian', 'train --env a/b --population-size 7 --workers 0', 'resume none'):\n"
        "    assert main(given.split()) == 2, given"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ})
    assert found.returncode == 0 and found.stderr.count("\n") == 4, found.stderr
