"""A trained policy is loaded from its run folder, in another process too, and what is missing is named."""

import collections
import json
import pickle
import shutil
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from toy_games import higher_card

import eggroll_ray as er
import envs
from eggroll_ray.es.recipe import from_json, recipe_of, to_json
from eggroll_ray.models.policies import policy_from
from eggroll_ray.rl.from_recipe import evaluator_from

pytestmark = pytest.mark.usefixtures("compile_quickly")

STRATEGY = er.eggroll(optimizer=optax.adam(0.1))
SEEN = np.array([1.0, 0.5, -1.0], np.float32)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of Python with an environment of `envs.make` and a network of ours, and what came of it."""
    folder = tmp_path_factory.mktemp("load") / "run"
    env = envs.make("gymnax/Pendulum-v1")
    evaluator = er.from_env(env, er.mlp((4,), jnp.tanh), normalize_observations=True)
    watch, record = er.Watch(episodes=2), er.Run(folder, checkpoint_every=4)
    with er.Trainer(evaluator, STRATEGY, population_size=4, run=record, watch=watch) as trainer:
        result = trainer.fit(7)
        middle = 2 if result.best.generation == 3 else 3  # which no file holds
        [mean] = trainer.means_at([middle])
    return folder, result, middle, evaluator.policy(*mean)


def test_a_policy_is_loaded_from_the_files_of_its_run(run):
    folder, result, _, _ = run
    np.testing.assert_array_equal(er.load(folder)(SEEN), result.policy(SEEN))
    np.testing.assert_array_equal(er.load(str(folder), 7)(SEEN), result.policy(SEEN))
    np.testing.assert_array_equal(er.load(folder, "best")(SEEN), result.best.policy(SEEN))
    assert er.load(folder, 4).normalizer is not None
    np.testing.assert_array_equal(er.load_params(folder)["layer_0"]["kernel"], result.params["layer_0"]["kernel"])


def test_a_generation_without_a_checkpoint_is_rebuilt_by_the_strategy_of_the_run_alone(run):
    folder, _, middle, policy = run
    np.testing.assert_array_equal(er.load(folder, middle, strategy=STRATEGY)(SEEN), policy(SEEN))
    np.testing.assert_array_equal(er.load(folder, middle)(SEEN), policy(SEEN))  # found: the record has its fingerprint
    with pytest.raises(er.CheckpointError, match=r"optimizer of the run .* with the number -0\.1 .* now"):
        er.load(folder, middle, strategy=er.eggroll(optimizer=optax.adam(0.2)))


def test_a_pickled_policy_acts_in_a_process_that_has_nothing_else(run, tmp_path):
    (tmp_path / "policy").write_bytes(pickle.dumps(er.load(run[0])))
    code = (
        "import pickle, sys\n"
        f"policy = pickle.load(open({str(tmp_path / 'policy')!r}, 'rb'))\n"
        f"print(policy({SEEN.tolist()}).tolist(), 'gymnax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    action, suite = done.stdout.split()
    np.testing.assert_allclose(json.loads(action), run[1].policy(SEEN), rtol=1e-6)  # compiled in another way there
    assert suite == "False"


def test_a_damaged_checkpoint_is_passed_over(run, tmp_path, caplog):
    folder = shutil.copytree(run[0], tmp_path / "run")
    (folder / "checkpoints/00000007/arrays.safetensors").write_bytes(b"none")
    np.testing.assert_array_equal(er.load(folder)(SEEN), er.load(run[0], 4)(SEEN))
    assert "00000007 is damaged" in caplog.text


def test_a_module_that_a_folder_names_is_not_imported_without_the_users_word(run, tmp_path):
    folder = shutil.copytree(run[0], tmp_path / "run")
    config = json.loads((folder / "config.json").read_text())
    config["recipe"]["env"]["name"] = "gym/no_such_module_here:Mine-v0"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(er.CheckpointError, match=r"no_such_module_here.*trust_env='gym/no_such_module_here:Mine-v0'\)"):
        er.load(folder)
    config["recipe"]["policy"] = {"name": "os.system", "arguments": {"command": "true"}}
    config["recipe"]["env"]["name"] = "gymnax/Pendulum-v1"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="the recipe of no policy"):
        er.load(folder)


def test_code_of_a_users_own_has_to_be_given_and_the_message_says_how(tmp_path):
    evaluator = er.self_play(higher_card(), er.mlp((4,)), rivals=er.Rivals(count=1))
    own = er.eggroll(optimizer=optax.rmsprop(0.1))
    with er.Trainer(evaluator, own, population_size=4, run=tmp_path / "run", watch=er.Watch(every=0)) as trainer:
        result = trainer.fit(2)
    with pytest.raises(er.CheckpointError, match=r"code of its own \(env\).*evaluator=er\.self_play\(env, policy\)\)"):
        er.load(tmp_path / "run")
    seen = np.ones((2, 1), np.float32)
    loaded = er.load(tmp_path / "run", evaluator=evaluator)
    np.testing.assert_array_equal(loaded(seen), result.policy(seen))
    with pytest.raises(
        er.CheckpointError, match=r"no checkpoint of generation 1 is .*er\.load\('.*strategy=er\.eggroll"
    ):
        er.load(tmp_path / "run", 1, evaluator=evaluator)
    assert er.load(tmp_path / "run", 1, evaluator=evaluator, strategy=own)(seen).shape == (2,)
    with pytest.raises(er.CheckpointError, match=r"self-play.*league"):
        er.load(tmp_path / "run", "best", evaluator=evaluator)
    other = er.self_play(higher_card(), er.mlp((5,)), rivals=er.Rivals(count=1))
    with pytest.raises(er.CheckpointError, match=r"layer_0/bias.*use the evaluator"):
        er.load(tmp_path / "run", evaluator=other)
    normalizing = er.self_play(higher_card(), er.mlp((4,)), rivals=er.Rivals(count=1), normalize_observations=True)
    with pytest.raises(er.CheckpointError, match=r"statistics/.*normalize_observations"):
        er.load(tmp_path / "run", evaluator=normalizing)


Pair = collections.namedtuple("Pair", ["w", "b"])


@pytest.mark.parametrize(
    ("params", "known"),
    [
        ({"w": [np.ones(2, np.float32), (np.zeros(3, np.float32),)]}, True),
        (np.ones(3, np.float32), True),
        (Pair(np.ones(2, np.float32), np.zeros(1, np.float32)), False),
    ],
    ids=["dict", "array", "named tuple"],
)
def test_the_parameters_of_a_fitness_are_loaded(tmp_path, params, known):
    evaluator = er.from_fitness(lambda p, key: -sum((x**2).sum() for x in jax.tree.leaves(p)), params)
    with er.Trainer(evaluator, population_size=4, run=tmp_path / "run") as trainer:
        result = trainer.fit(2)
    if not known:
        with pytest.raises(
            er.CheckpointError, match=r"er\.load_params\('.*', evaluator=er\.from_fitness\(fitness, par"
        ):
            er.load_params(tmp_path / "run")
    loaded = er.load_params(tmp_path / "run", evaluator=None if known else evaluator)
    jax.tree.map(np.testing.assert_array_equal, loaded, result.params)
    with pytest.raises(er.CheckpointError, match=r"no policy: er\.load_params\("):
        er.load(tmp_path / "run", evaluator=evaluator)


def test_a_record_that_was_changed_after_it_was_made_has_no_recipe():
    env = envs.make("gymnax/CartPole-v1")
    assert recipe_of(env) == {"name": "gymnax/CartPole-v1", "arguments": {}}
    assert recipe_of(env._replace(max_steps=7)) is None
    assert er.from_env(env._replace(max_steps=7)).recipe == {"caller": "from_env", "missing": ["env"]}
    own = er.feedforward(lambda *_: {}, lambda params, x: x[:2])
    assert er.from_env(env, own).recipe["missing"] == ["policy"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: er.mlp((3, 2), er.pqn),
        lambda: er.gru(3),
        lambda: er.cnn(2, 3),
        lambda: er.nature_cnn(5),
        lambda: er.with_log_std(er.mlp((3,))),
    ],
)
def test_a_network_of_ours_is_made_again(make):
    recipe = json.loads(json.dumps(recipe_of(make())))
    assert recipe_of(policy_from(recipe)) == recipe
    assert recipe_of(er.mlp((3,), lambda x: x)) is None


def test_an_evaluator_is_made_again_with_all_that_it_was_given():
    env = envs.make("gymnax/Pendulum-v1")
    given = er.from_env(env, head=er.SamplingHead(), episodes=3, shared_by=None, on_nan=er.Invalid.WORST, window=50)
    again = evaluator_from(json.loads(json.dumps(given.recipe)), envs.make)
    assert again.settings == given.settings and again.recipe == given.recipe and again.windows == given.windows
    with pytest.raises(ValueError, match="the recipe of no evaluator"):
        evaluator_from({**json.loads(json.dumps(given.recipe)), "surplus": 1}, envs.make)


def test_json_gives_back_what_it_was_given():
    value = {"a": (1, [2.5, None]), "b": {"c": ((True,),)}, "d": np.float32(0.5)}
    assert from_json(json.loads(json.dumps(to_json(value)))) == {**value, "d": 0.5}
    for unknown in (object(), {1: 2}, {"()": 1}):
        with pytest.raises(TypeError):
            to_json(unknown)
