"""Runs as trials of Ray Tune: what is reported, stopped, taken over and left behind; the same bits as in process."""

import contextlib
import functools
import json
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import optax
import pytest
from evaluating import bound_once

import eggroll_ray as er
from eggroll_ray import tune as er_tune

GENERATIONS = 8
GOOD = {"sigma": 0.1, "learning_rate": 0.3, "rank": 1}
BAD = {**GOOD, "learning_rate": 0.0}


def product(params):
    return np.eye(6, dtype=np.float32) @ params["w"]


def objective(params, key):
    del key
    return -((product(params) - 1.0) ** 2).sum()


def batched_objective(members):
    return -((np.asarray(members.apply(product)) - 1.0) ** 2).sum((1, 2))


def start() -> dict:
    return {"w": np.zeros((6, 5), np.float32)}


def strategy(config) -> er.ES:
    optimizer = optax.sgd(config["learning_rate"])
    return er.eggroll(sigma=config["sigma"], rank=config["rank"], optimizer=optimizer)


def make_trainer(config, evaluator=None, workers=0, **options) -> er.Trainer:
    evaluator = evaluator or er.from_fitness(objective, start())
    return er.Trainer(evaluator, strategy(config), population_size=64, block_size=16, workers=workers, **options)


@functools.cache
def matrix() -> er.Evaluator:
    return bound_once(er.from_fitness(objective, start()))


strategy_of = functools.cache(lambda **config: strategy(config))


def trainer_here(config, **options) -> er.Trainer:
    """A trainer in this process, where those of one strategy share what is compiled."""
    return er.Trainer(matrix(), strategy_of(**config), population_size=64, block_size=16, **options)


class FakeCheckpoint:
    """A folder with metadata beside it, as `ray.tune.Checkpoint`."""

    def __init__(self, folder: Path | str):
        self.folder, self.metadata = Path(folder), {}

    def as_directory(self):
        return contextlib.nullcontext(self.folder)

    def set_metadata(self, metadata):
        self.metadata = metadata

    def get_metadata(self):
        return self.metadata


class FakeTune:
    """What a trial asks of `ray.tune`, without Ray: keeps the reports, and which of them had a checkpoint."""

    Checkpoint = SimpleNamespace(from_directory=FakeCheckpoint)

    def __init__(self, given: FakeCheckpoint | None = None):
        self.reports: list[dict] = []
        self.saved: list[int] = []  # reports with a checkpoint, counted from 1
        self.get_checkpoint = lambda: given

    def report(self, metrics, checkpoint=None):
        self.reports.append(metrics)
        if checkpoint is not None:
            (folder,) = (checkpoint.folder / "checkpoints").iterdir()
            assert int(folder.name) == metrics["generation"] + (not metrics.get("done"))  # updates
            assert checkpoint.metadata == {"mean_policy_return": metrics["mean_policy_return"]}
            self.saved.append(len(self.reports))


def run_trial(monkeypatch, trainer: er.Trainer, tune: FakeTune, metric="mean_policy_return", every=3) -> FakeTune:
    monkeypatch.setattr(er_tune, "_ray_tune", lambda: tune)
    with trainer:
        er_tune._Trial(trainer, GENERATIONS, metric, every).run()
    return tune


def test_a_trial_reports_once_a_generation_and_last_what_it_came_to(monkeypatch):
    tune = run_trial(monkeypatch, trainer_here(GOOD), FakeTune())
    with trainer_here(GOOD) as trainer:
        rows: list = []
        result = trainer.fit(GENERATIONS, rows.append)
    assert len(tune.reports) == GENERATIONS
    for report, row in zip(tune.reports[:-1], rows, strict=False):
        assert report["digest"] == row["digest"] and report["fitness_mean"] == row["fitness_mean"]
        assert "done" not in report
    last = tune.reports[-1]
    assert last["digest"] == result.digest and last["status"] == "finished" and last["done"]
    assert result.test is not None and last["mean_policy_return"] == result.test.mean()
    assert last["mean_policy_return"] > tune.reports[-2]["mean_policy_return"]
    assert tune.saved == [3, 6, GENERATIONS]


def test_a_checkpoint_at_the_end_alone(monkeypatch):
    assert run_trial(monkeypatch, trainer_here(GOOD), FakeTune(), every=0).saved == [GENERATIONS]


def test_a_metric_that_is_not_measured_each_generation_is_repeated(monkeypatch):
    tune = run_trial(monkeypatch, trainer_here(GOOD, watch=er.Watch(every=3)), FakeTune())
    returns = [report["mean_policy_return"] for report in tune.reports]
    assert len(returns) == GENERATIONS and returns[0] == returns[2] < returns[3] == returns[5] < returns[6]


def test_a_solved_trial_ends_early(monkeypatch):
    tune = run_trial(monkeypatch, trainer_here(GOOD, watch=er.Watch(target=-8.0)), FakeTune())
    assert tune.reports[-1]["status"] == "solved" and len(tune.reports) < GENERATIONS
    assert tune.reports[-1]["mean_policy_return"] >= -8.0


def test_a_trial_goes_on_from_a_checkpoint_with_other_settings(monkeypatch, tmp_path):
    other = {"sigma": 0.2, "learning_rate": 0.05, "rank": 3}
    with trainer_here(GOOD, seed=5) as trainer:
        given = trainer.fit(3).digest
        trainer.save(tmp_path)
    checkpoint = FakeCheckpoint(tmp_path)
    checkpoint.set_metadata({"mean_policy_return": -11.0})
    trainer = trainer_here(other, seed=5, watch=er.Watch(every=4))
    tune = run_trial(monkeypatch, trainer, FakeTune(checkpoint))
    assert [report["generation"] for report in tune.reports] == [3, 4, 5, 6, GENERATIONS]
    assert tune.reports[0]["digest"] == given and tune.reports[1]["sigma"] == np.float32(0.2)
    assert tune.reports[0]["mean_policy_return"] == -11.0 != tune.reports[1]["mean_policy_return"]  # measured in 4
    with trainer_here(other, seed=5) as trainer:
        trainer.restore(tmp_path)
        assert tune.reports[-1]["digest"] == trainer.fit(GENERATIONS).digest


@pytest.mark.parametrize(
    ("metric", "watch", "message"),
    [
        ("mean_return", er.Watch(), "'mean_return' is not in a row.*mean_policy_return"),
        ("mean_policy_return", er.Watch(every=0), "no generation .*fitness_mean.*every=1"),
    ],
)
def test_a_metric_that_never_comes_is_an_error(monkeypatch, metric, watch, message):
    with pytest.raises(ValueError, match=message):
        run_trial(monkeypatch, trainer_here(GOOD, watch=watch), FakeTune(), metric)


def test_without_the_extra_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray.tune", None)
    for call in (lambda: er_tune.trainable(make_trainer, 3), lambda: er_tune.resources(2)):
        with pytest.raises(ImportError, match=r"pip install 'eggroll-ray\[tune\]'"):
            call()


@pytest.mark.parametrize("generations, every", [(0, 1), (3, -1)])
def test_values_out_of_range(generations, every):
    with pytest.raises(ValueError, match="at least"):
        er_tune.trainable(make_trainer, generations, checkpoint_every=every)


@pytest.mark.parametrize("options", [{"workers": -1}, {"cpus": 0.0}, {"gpus": -1.0}, {"driver_cpus": 0.0}])
def test_resources_out_of_range(options):
    with pytest.raises(ValueError, match="positive"):
        er_tune.resources(**{"workers": 1, **options})


def test_resources_are_a_bundle_for_the_driver_and_one_for_each_worker():
    pytest.importorskip("pyarrow", reason="needs the extra tune")
    assert er_tune.resources(2, cpus=4, gpus=1).bundles == [
        {"CPU": 1.0},
        {"CPU": 4.0, "GPU": 1.0},
        {"CPU": 4.0, "GPU": 1.0},
    ]
    assert er_tune.resources(1, cpus=0.5, driver_cpus=0.1).bundles == [{"CPU": 0.1}, {"CPU": 0.5}]
    assert er_tune.resources(0, cpus=2, gpus=1).bundles == [{"CPU": 2.0, "GPU": 1.0}]


# On a real local Ray.

SESSION = f"EGGROLL_TUNE_SESSION={os.getpid()}"
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


@pytest.fixture(scope="module")
def local_ray():
    """One Ray for the module, whose processes are marked, and in which nothing but the trial chooses JAX's device."""
    ray = pytest.importorskip("ray")
    pytest.importorskip("pyarrow", reason="needs the extra tune")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(*SESSION.split("="))
        patch.delenv("JAX_PLATFORMS")
        er_tune.connect()
        yield
        ray.shutdown()


def processes() -> dict[int, Path]:
    """Processes of this module's Ray, by their numbers."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if SESSION.encode() in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = folder
    return found


def listening() -> set[str]:
    """Addresses that Ray's processes and this one listen on, as /proc writes them."""
    inodes = set()
    for folder in [Path("/proc/self"), *processes().values()]:
        with contextlib.suppress(OSError):
            inodes |= {os.readlink(link) for link in (folder / "fd").iterdir()}
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()]
    return {fields[1].rpartition(":")[0] for fields in lines if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes}


def noted_trainer(folder: Path, workers: er.Workers | int):
    """A `make_trainer` whose trials and workers write down what they are."""

    def note(role: str, trial: str) -> None:
        import ray

        group = ray.util.get_current_placement_group()
        facts = {"role": role, "trial": trial, "group": group and group.id.hex(), "jax": jax.config.jax_platforms}  # type: ignore
        (folder / str(os.getpid())).write_text(json.dumps(facts))

    def make(config):
        trial = str(config)

        def fitness(members, keys):
            del keys
            note("worker", trial)
            return batched_objective(members)

        if workers != 0:
            note("driver", trial)
        return make_trainer(config, er.from_fitness(fitness, start(), er.batched()), workers, seed=3)

    return make


def fit(trial, space, scheduler, folder: Path, callbacks=(), max_failures=0, **options):
    from ray import tune

    tuner = tune.Tuner(
        tune.with_resources(trial, options.pop("resources", er_tune.resources(0))),
        param_space=space,
        tune_config=tune.TuneConfig(metric="mean_policy_return", mode="max", scheduler=scheduler, **options),
        run_config=tune.RunConfig(
            storage_path=str(folder),
            verbose=0,
            callbacks=list(callbacks),
            failure_config=tune.FailureConfig(max_failures=max_failures),
        ),
    )
    return tuner.fit()


@pytest.mark.slow
@pytest.mark.ray
def test_asha_stops_the_bad_trial_whose_workers_were_in_its_group(local_ray, tmp_path):
    from ray import tune
    from ray.tune.schedulers import AsyncHyperBandScheduler

    notes, listened = tmp_path / "notes", set()
    notes.mkdir()

    class Listen(tune.Callback):
        def on_trial_result(self, iteration, trials, trial, result, **info):
            if result["training_iteration"] == 2:
                listened.update(listening())

    make = noted_trainer(notes, er.Workers("auto", cpus=0.4))
    found = fit(
        er_tune.trainable(make, GENERATIONS),
        {**GOOD, "learning_rate": tune.grid_search([0.3, 0.0])},
        AsyncHyperBandScheduler(max_t=GENERATIONS, grace_period=3, reduction_factor=2),
        tmp_path,
        [Listen()],
        resources=er_tune.resources(2, cpus=0.4, driver_cpus=0.2),
        max_concurrent_trials=1,
    )
    good, bad = found
    assert good.metrics["training_iteration"] == GENERATIONS and bad.metrics["training_iteration"] == 3
    assert found.get_best_result().config == GOOD
    assert listened and listened <= LOOPBACK

    facts = {int(path.name): json.loads(path.read_text()) for path in notes.iterdir()}
    for config in (GOOD, BAD):
        mine = [fact for fact in facts.values() if fact["trial"] == str(config)]
        assert sorted(fact["role"] for fact in mine) == ["driver", "worker", "worker"]
        assert len({fact["group"] for fact in mine}) == 1 and mine[0]["group"]
    assert {fact["jax"] for fact in facts.values()} == {"cpu"}
    deadline = time.monotonic() + 60
    while (alive := facts.keys() & processes().keys()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not alive, "trials or workers live on"

    with noted_trainer(notes, 0)(GOOD) as trainer:
        assert trainer.fit(GENERATIONS).digest == good.metrics["digest"]
        assert good.metrics["workers"] == 2


@pytest.mark.ray
@pytest.mark.slow
def test_a_trial_that_fails_goes_on_from_its_checkpoint_with_the_same_bits(local_ray, tmp_path):
    failed = tmp_path / "failed"

    def make(config):
        def fitness(members, keys):
            fitness.calls += 1
            if fitness.calls > 20 and not failed.exists():  # of 4 blocks: in generation 5
                failed.touch()
                raise RuntimeError("boom")
            return batched_objective(members)

        fitness.calls = 0
        evaluator = er.from_fitness(fitness, start(), er.batched())
        return make_trainer(config, evaluator, watch=er.Watch(every=100))

    trial = er_tune.trainable(make, GENERATIONS, checkpoint_every=2, metric="mean_policy_return")
    (result,) = fit(trial, GOOD, None, tmp_path, max_failures=1)
    assert failed.exists()
    history = result.metrics_dataframe
    assert list(history["training_iteration"]) == [1, 2, 3, 4, 5, 6, 7, 8]
    with make(GOOD) as trainer:
        assert trainer.fit(GENERATIONS).digest == result.metrics["digest"]


@pytest.mark.slow
@pytest.mark.ray
def test_population_based_training_takes_over_the_better_trial(local_ray, tmp_path):
    from ray import tune
    from ray.tune.schedulers import PopulationBasedTraining

    changed = {"sigma": 0.2, "learning_rate": 0.05, "rank": 2}
    scheduler = PopulationBasedTraining(
        time_attr="training_iteration",
        perturbation_interval=4,
        quantile_fraction=0.5,
        hyperparam_mutations={"learning_rate": tune.uniform(0.0, 0.1)},
        custom_explore_fn=lambda config: {**config, **changed},
        synch=True,
    )
    space = {**GOOD, "learning_rate": tune.grid_search([0.3, 0.0])}
    trial = er_tune.trainable(make_trainer, GENERATIONS, checkpoint_every=4)
    better, worse = fit(trial, space, scheduler, tmp_path, resources=er_tune.resources(0, cpus=0.5), reuse_actors=True)
    assert better.config == GOOD and worse.config == changed

    digests = [dict(zip(run["generation"], run["digest"], strict=True)) for run in map(read, (better, worse))]
    assert digests[0][3] != digests[1][3]  # each had gone its own way
    assert digests[0][4] == digests[1][4]  # the state that was taken over
    assert digests[0][5] != digests[1][5]

    with make_trainer(GOOD) as first, make_trainer(changed) as second:
        first.fit(4)
        first.save(tmp_path / "first")
        assert first.fit(GENERATIONS).digest == better.metrics["digest"]
        second.restore(tmp_path / "first")
        assert second.fit(GENERATIONS).digest == worse.metrics["digest"]


def read(result):
    """The last report of each generation."""
    return result.metrics_dataframe.drop_duplicates("generation", keep="last")
