"""Training with several seeds: what is run, what is left as it is, and the line that goes on."""

import dataclasses
import json
import shlex

import pytest
import tyro

from eggroll_ray.cli import options as cli
from eggroll_ray.cli.app import main
from eggroll_ray.cli.command_line import command_line
from eggroll_ray.cli.say import UsageError
from eggroll_ray.cli.seeds import train_seeds
from eggroll_ray.cli.train import Train
from eggroll_ray.es.record import NotFiniteError

OPTIONS = cli.TrainOptions("gymnax/CartPole-v1", target=9.0, seed=3, generations=2, worker=cli.WorkerOptions(workers=0))


class Fits:
    """Trains nothing: writes what a run folder needs, with the status that is set for a seed."""

    def __init__(self, **statuses):
        self.calls, self.statuses = [], statuses

    def __call__(self, options, folder, resume):
        self.calls.append((options.seed, folder.name, resume))
        status = self.statuses.get(f"seed_{options.seed}", "solved")
        folder.mkdir(parents=True, exist_ok=True)
        config = {"env": options.env, "options": dataclasses.asdict(options), "settings": {"seed": options.seed}}
        (folder / "config.json").write_text(json.dumps(config))
        row = {"generation": 0, "steps": 5, "total_steps": 5, "time": 1.0, "mean_policy_return": float(options.seed)}
        (folder / "metrics.jsonl").write_text(json.dumps(row) + "\n")
        if status == "broken":
            raise NotFiniteError("generation 0: all is NaN")
        (folder / "result.json").write_text(json.dumps({"status": status, "generations": 1, "target": 9.0}))
        return {"solved": 0, "finished": 1, "stopped": 130}[status]


@pytest.fixture(autouse=True)
def compared(monkeypatch):
    """The seeds that were compared, without a page of them: to draw it takes longer than all else."""
    found = []
    seen = lambda comparison, folder: found.append((folder, [run["seed"] for run in comparison.runs]))  # noqa: E731
    monkeypatch.setattr("eggroll_ray.comparison.compare.Comparison.write", seen)
    return found


def test_each_seed_has_a_run_of_its_own_and_all_are_compared(tmp_path, compared):
    fits = Fits(seed_4="finished")
    assert train_seeds(OPTIONS, 3, tmp_path / "runs", False, fits) == 1  # one missed the target
    assert fits.calls == [(3, "seed-3", False), (4, "seed-4", False), (5, "seed-5", False)]
    assert compared == [(tmp_path / "runs", [3, 4, 5])]


def test_what_has_ended_is_left_and_what_was_begun_is_continued_only_if_asked(tmp_path):
    train_seeds(OPTIONS, 2, tmp_path, False, Fits(seed_3="finished", seed_4="stopped"))
    with pytest.raises(UsageError, match=r"seed-4 holds a run that was begun.*continue it with --resume"):
        train_seeds(OPTIONS, 3, tmp_path, False, Fits())
    fits = Fits()
    assert train_seeds(OPTIONS, 3, tmp_path, True, fits) == 1  # seed 3 has missed the target long ago
    assert fits.calls == [(4, "seed-4", True), (5, "seed-5", False)]


def test_other_options_are_refused_before_anything_is_trained(tmp_path):
    train_seeds(OPTIONS, 2, tmp_path, False, Fits())
    fits = Fits()
    other = dataclasses.replace(OPTIONS, es=dataclasses.replace(OPTIONS.es, sigma=0.2))
    with pytest.raises(UsageError, match=r"seed-3 holds a run with sigma=0.1, now it is 0.2"):
        train_seeds(other, 3, tmp_path, True, fits)
    elsewhere = dataclasses.replace(OPTIONS, worker=dataclasses.replace(OPTIONS.worker, cpus_per_worker=2.0))
    assert train_seeds(elsewhere, 2, tmp_path, True, fits) == 0 and not fits.calls
    with pytest.raises(UsageError, match="is a run of its own"):
        train_seeds(OPTIONS, 2, tmp_path / "seed-3", True, fits)
    with pytest.raises(UsageError, match="seeds=0 must be at least 1"):
        train_seeds(OPTIONS, 0, tmp_path, True, fits)


def test_a_stop_ends_all_and_says_the_line_that_goes_on(tmp_path, capsys):
    fits = Fits(seed_3="stopped")
    run = tmp_path / "my runs"
    assert train_seeds(OPTIONS, 2, run, False, fits) == 130 and len(fits.calls) == 1
    line = capsys.readouterr().out.partition("Continue with all seeds: eggroll-ray train ")[2]
    again = tyro.cli(tyro.conf.OmitArgPrefixes[Train], args=shlex.split(line))
    assert (again.run, again.seeds, again.resume, again.seed, again.target) == (run, 2, True, 3, 9.0)


def test_one_that_fails_does_not_keep_the_others_from_running(tmp_path, capsys):
    fits = Fits(seed_3="broken")
    assert train_seeds(OPTIONS, 2, tmp_path, False, fits) == 2 and len(fits.calls) == 2
    assert "Seed 3 (1 of 2) failed; the other seeds continue: generation 0: all is NaN" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options",
    [
        cli.TrainOptions("brax/ant"),
        cli.TrainOptions(
            "gymnasium/Odd name'\"$x",
            env_options=("a=1", 'b={"c": 2}'),
            target=-1e-7,
            es=cli.StrategyOptions("openai-es", learning_rate=1 / 3, sigma=1e-5, shaping="none"),
            policy=cli.PolicyOptions(hidden=(3, 4), stochastic=True, window=7),
            agents=cli.AgentOptions(self_play=True),
            worker=cli.WorkerOptions(workers=2, block_size="auto", gpus_per_worker=0.5),
        ),
    ],
    ids=["defaults", "many"],
)
def test_the_command_line_of_options_gives_these_options(options):
    line = command_line(options, "--run", "a b")
    assert line.startswith("eggroll-ray train --env ")
    found = tyro.cli(tyro.conf.OmitArgPrefixes[Train], args=shlex.split(line)[2:])
    assert {name: getattr(found, name) for name in vars(options)} == vars(options)


def test_addresses_of_other_machines_are_written_only_if_asked():
    options = dataclasses.replace(OPTIONS, wandb="me/mine", worker=cli.WorkerOptions(address="ray://host:1"))
    assert "me/mine" not in command_line(options) and "host" not in command_line(options)
    assert {"me/mine", "ray://host:1"} <= {*shlex.split(command_line(options, addresses=True))}


@pytest.mark.slow
@pytest.mark.ray
def test_seeds_on_ray_share_one_ray(tmp_path, monkeypatch):
    import ray

    started, real = [], ray.init
    monkeypatch.setattr(ray, "init", lambda *given, **named: started.append(1) or real(*given, **named))
    small = "--env gymnax/CartPole-v1 --population-size 8 --hidden 4 --test-episodes 2 --generations 2 --no-render"
    command = ["train", *small.split(), "--workers", "1", "--seeds", "2", "--run", str(tmp_path)]
    assert main(command) == 0
    assert started == [1] and not ray.is_initialized()
    results = [json.loads((tmp_path / f"seed-{n}" / "result.json").read_text()) for n in (0, 1)]
    alone = ["train", *small.split(), "--workers", "0", "--seed", "1", "--run", str(tmp_path / "alone")]
    assert main(alone) == 0
    assert json.loads((tmp_path / "alone" / "result.json").read_text())["digest"] == results[1]["digest"]
