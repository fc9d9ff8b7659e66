"""`eval`, `replay` and `resume` of runs that were begun from Python: by their records, or with code that is named."""

import shutil
import sys

import numpy as np
import optax
import pytest

import eggroll_ray as er
import envs
from eggroll_ray.cli.app import main
from eggroll_ray.report import at_end
from eggroll_ray.runs.history import load_history

pytestmark = pytest.mark.usefixtures("compile_quickly")

OWN = """
import numpy as np, optax
import eggroll_ray as er

def evaluator():
    return er.from_fitness(lambda p, key: -((p["b"] - 1.0) ** 2).sum(), {"b": np.zeros(3, np.float32)})

strategy = er.eggroll(optimizer=optax.rmsprop(0.1))

def train(run):
    with er.Trainer(evaluator(), strategy, population_size=8, seed=3, run=run) as trainer:
        return trainer.fit(3)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose environment, network and strategy are of this package."""
    folder = tmp_path_factory.mktemp("python") / "run"
    evaluator = er.from_env(envs.make("gymnax/CartPole-v1"), er.mlp((4,)))
    strategy = er.eggroll(optimizer=optax.adam(0.1))
    with er.Trainer(evaluator, strategy, population_size=4, run=folder, watch=er.Watch(episodes=2)) as trainer:
        trainer.fit(3)
    return folder


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A run of a module of the user's own, which lies in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "own_run.py").write_text(OWN)
    import own_run  # pyright: ignore[reportMissingImports]

    own_run.train(tmp_path / "run")
    yield tmp_path / "run"
    del sys.modules["own_run"]


def test_eval_tests_the_best_anew_and_tells_both_numbers(run, capsys):
    assert main(["eval", str(run), "--best", "--episodes", "3", "--no-render"]) == 0
    out, best = capsys.readouterr().out, load_history(run).best
    assert f"gymnax/CartPole-v1 after {best.generation} generations: return " in out and "over 3 fresh episodes" in out
    assert f"Its test in the run, the best of all: {best.mean:.2f} over 2 episodes." in out
    assert main(["eval", str(run), "--best", "--generation", "1"]) == 2


def test_replay_and_resume_find_a_strategy_of_ours_by_the_record(run, tmp_path, capsys):
    folder = shutil.copytree(run, tmp_path / "run")
    assert main(["resume", str(folder)]) == 2
    assert "add --generations N, the total. It has done 3." in capsys.readouterr().err
    assert main(["resume", str(folder), "--generations", "4"]) == 0
    assert main(["replay", str(folder), "--generation", "4"]) == 0
    out = capsys.readouterr().out
    assert "after 4 generations, state" in out and "This is the recorded state, bit for bit." in out


def test_code_of_the_users_own_is_named_on_the_command_line(own, capsys):
    assert main(["eval", str(own)]) == 2
    assert "--evaluator my_script:evaluator, where evaluator = er.from_fitness(" in capsys.readouterr().err
    code = ["--evaluator", "own_run:evaluator"]
    assert main(["eval", str(own), *code, "--episodes", "1"]) == 0
    assert main(["replay", str(own), *code]) == 2
    assert "--strategy my_script:strategy, where strategy = er.eggroll(...)" in capsys.readouterr().err
    assert main(["replay", str(own), *code, "--strategy", "own_run:strategy"]) == 0
    assert main(["replay", str(own), *code, "--strategy", "own_run:evaluator"]) == 2
    assert "'own_run:evaluator' is of type Evaluator; it must be an ES" in capsys.readouterr().err


def fitted(folder, **options):
    fitness = er.from_fitness(lambda p, key: -(p["b"] ** 2).sum(), {"b": np.ones(3, np.float32)})
    with er.Trainer(fitness, population_size=4, run=er.Run(folder, **options)) as trainer:
        return trainer.fit(2)


def test_fit_writes_a_report(tmp_path, with_reports):
    fitted(tmp_path / "run")
    assert "<svg" in (tmp_path / "run/report.html").read_text()
    fitted(tmp_path / "none", report=False)
    assert not (tmp_path / "none/report.html").exists()


def test_a_report_that_cannot_be_drawn_does_not_end_a_run(tmp_path, with_reports, monkeypatch, caplog):
    def broken(run):
        raise RuntimeError("no fonts")

    monkeypatch.setattr(at_end, "write_report", broken)
    assert fitted(tmp_path / "run").generations == 2
    assert "could not be written: RuntimeError: no fonts" in caplog.text


def test_many_short_fits_do_not_draw_for_longer_than_they_train(tmp_path, with_reports, monkeypatch):
    class Clock:
        now = 0.0

        def monotonic(self):
            return self.now

    clock, drawn = Clock(), []

    def draw(run):
        clock.now += 1.0
        drawn.append(clock.now)

    monkeypatch.setattr(at_end, "time", clock)
    monkeypatch.setattr(at_end, "write_report", draw)
    report = at_end.ReportAtEnd(tmp_path)
    for _ in range(45):
        clock.now += 1.0
        report.fitted()
    assert len(drawn) == 3
    report.close()
    assert len(drawn) == 4
    report.close()
    assert len(drawn) == 4
