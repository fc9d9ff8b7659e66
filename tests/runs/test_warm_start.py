"""A run that begins with parameters of another one: the same bits for any number of workers, resumed and replayed."""

import jax
import numpy as np
import optax
import pytest
from safetensors.numpy import save_file
from toy_games import team_env

import eggroll_ray as er
from eggroll_ray.es.digest import digest

pytestmark = pytest.mark.usefixtures("compile_quickly")

FITNESS = er.from_fitness(lambda p, key: -((p["b"] - 1.0) ** 2).sum(), {"b": np.zeros(3, np.float32)})
STRATEGY = er.eggroll(optimizer=optax.adam(0.1))
GIVEN = {"b": np.array([3.0, 2.0, 1.0], np.float32)}


def trainer(run=None, **options):
    return er.Trainer(FITNESS, STRATEGY, population_size=8, block_size=4, seed=3, run=run, **options)


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """The folder and the result of a run to begin with."""
    folder = tmp_path_factory.mktemp("warm") / "other"
    with trainer(folder) as made:
        return folder, made.fit(4)


def test_a_run_begins_with_what_it_is_given_and_is_resumed_and_replayed_without_it(tmp_path):
    with trainer(tmp_path / "run", init=GIVEN) as made:
        np.testing.assert_array_equal(made.result().params["b"], GIVEN["b"])
        made.fit(2)
    with trainer(er.Run(tmp_path / "run", resume=True)) as made:
        result = made.fit(4)
        assert made._replay(made._run).worker_at(4, from_start=True).digest() == result.digest
    with trainer(init=GIVEN) as made:
        assert made.fit(4).digest == result.digest
    loaded = er.load_params(tmp_path / "run", 3, evaluator=FITNESS, strategy=STRATEGY)
    assert loaded["b"].shape == (3,)
    with pytest.raises(er.CheckpointError, match="init"):
        trainer(er.Run(tmp_path / "run", resume=True), init={"b": GIVEN["b"] + 1})


def test_a_run_folder_gives_its_optimiser_too_where_it_is_kept(other):
    folder, result = other
    with trainer(init=folder) as fresh, trainer(init=er.Start(folder, "kept")) as kept:
        np.testing.assert_array_equal(fresh.result().params["b"], result.params["b"])
        assert fresh.result().digest != kept.result().digest
        assert fresh.fit(2).digest != kept.fit(2).digest


def test_the_normaliser_of_a_run_folder_comes_along(tmp_path):
    evaluator = er.from_env(team_env(), er.mlp((4,)), normalize_observations=True)
    options = {"population_size": 8, "watch": er.Watch(episodes=2)}
    with er.Trainer(evaluator, STRATEGY, run=tmp_path / "old", **options) as old:
        policy = old.fit(2).policy
    with er.Trainer(evaluator, STRATEGY, seed=1, init=tmp_path / "old", **options) as new:
        begun = new.result().policy
    with er.Trainer(evaluator, STRATEGY, seed=1, **options) as fresh:
        untouched = fresh.result().policy
    assert digest(begun.normalizer) == digest(policy.normalizer) != digest(untouched.normalizer)


def test_a_kept_optimiser_takes_the_rate_of_the_new_run(tmp_path):
    def made(rate, run=None, **options):
        strategy = er.eggroll(optimizer=optax.inject_hyperparams(optax.sgd)(rate, momentum=0.5))
        return er.Trainer(FITNESS, strategy, population_size=8, block_size=4, run=run, **options)

    with made(0.5, tmp_path / "old") as old:
        old.change(learning_rate_scale=4.0)
        before = old.fit(2).params["b"]
    with made(1e-30, tmp_path / "new", init=er.Start(tmp_path / "old", "kept")) as new:
        state = new._strategy.init(new.result().params, 0)
        assert float(state.opt_state.hyperparams["learning_rate"]) == np.float32(1e-30)
        assert float(state.scales.learning_rate) == 1  # not the old run's factor
        assert int(state.opt_state.count) == 2
        moved = new.fit(1).params["b"] - before
    trace = jax.tree.leaves(state.opt_state.inner_state)[0]
    assert np.abs(trace).max() > 0  # the momentum is kept
    np.testing.assert_array_equal(moved, 0)


def test_a_file_of_arrays_is_read(tmp_path):
    save_file(GIVEN, tmp_path / "given.safetensors")
    with trainer(init=str(tmp_path / "given.safetensors")) as made:
        np.testing.assert_array_equal(made.result().params["b"], GIVEN["b"])


@pytest.mark.parametrize(
    ("init", "message"),
    [
        ({"b": np.zeros(4, np.float32)}, r"b is of shape \(4,\), and of shape \(3,\) here"),
        ({**GIVEN, "d": GIVEN["b"], "c": GIVEN["b"]}, r"c, d is not among the parameters of this run, which are b;"),
        ({"c": np.zeros(3, np.float32)}, r"b is missing, and of shape \(3,\) here"),
        (er.Start(GIVEN, "kept"), "needs a run folder"),
        ("no/such/folder", "holds no whole checkpoint"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_starts(tmp_path, init, message):
    with pytest.raises(ValueError, match=message):
        trainer(tmp_path / "run", init=init)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("normalize", "remedy"),
    [
        (True, "but not the statistics that it is made of; give the run folder"),
        (False, "trained on normalised observations, and this run does not normalise them"),
    ],
)
def test_an_export_with_a_normaliser_is_refused(tmp_path, normalize, remedy):
    path = tmp_path / "policy.safetensors"
    evaluator = FITNESS._replace(statistics=np.zeros(3) if normalize else ())
    save_file({**GIVEN, "normalizer/mean": np.zeros(3), "normalizer/std": np.ones(3)}, path)
    with pytest.raises(ValueError, match=rf"\(normalizer/mean, normalizer/std\), .*{remedy}"):
        er.Trainer(evaluator, STRATEGY, population_size=8, init=path)


@pytest.mark.ray
@pytest.mark.slow
def test_workers_of_ray_begin_with_the_same(other):
    with trainer(init=er.Start(other[0], "kept")) as alone, trainer(init=er.Start(other[0], "kept"), workers=2) as two:
        assert alone.fit(3).digest == two.fit(3).digest
