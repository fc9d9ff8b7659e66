"""The engine: all that decides the rest of a run is in its digest, and comes back from a snapshot."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eggroll_ray as er
from eggroll_ray.evaluators.engine import Engine
from eggroll_ray.evaluators.record import Earlier
from eggroll_ray.runs import checkpoint

pytestmark = pytest.mark.usefixtures("compile_quickly")

FITNESS = np.arange(8, dtype=np.float32)
EVALUATOR = er.from_fitness(lambda params, key: -jnp.sum(params["w"] ** 2), {"w": np.ones(6, np.float32)})._replace(
    statistics={"count": np.zeros(3)},
    merge=lambda statistics, moments: {"count": statistics["count"] + 1.0},
    keeps=lambda generation: {max(0, generation - 1), generation},
)
STRATEGY = er.eggroll(optimizer=er.clipup(0.1))


@pytest.fixture(scope="module")
def trained(compile_quickly):
    """An engine after two updates."""
    engine = Engine(STRATEGY, EVALUATOR, seed=3)
    for _ in range(2):
        engine.update(FITNESS, ())
    return engine


def whole(engine):
    """A snapshot with the past, as it travels."""
    return engine.digest_and_snapshot()[1]


def test_there_is_something_to_lose(trained):
    state, statistics = whole(trained)["state"], whole(trained)["statistics"]
    assert np.abs(state.opt_state.velocity["w"]).min() > 0 and (statistics["count"] == 2).all()
    assert (int(state.opt_state.step), int(state.generation), int(state.seed)) == (2, 2, 3)
    assert set(whole(trained)["past"]) == {1, 2}


def test_all_comes_back_from_a_checkpoint(trained, tmp_path):
    checkpoint.create_run(tmp_path / "run")
    saved = trained.snapshot()
    checkpoint.save_checkpoint(tmp_path / "run", saved, 2, trained.digest())
    fresh = Engine(STRATEGY, EVALUATOR, seed=3)
    loaded = checkpoint.load_checkpoint(tmp_path / "run", 2, fresh.snapshot())
    fresh.restore({**loaded, "past": trained.past()})
    for before, after in zip(jax.tree.leaves(whole(trained)), jax.tree.leaves(whole(fresh)), strict=True):
        np.testing.assert_array_equal(before, after)
    assert fresh.digest() == trained.digest() != Engine(STRATEGY, EVALUATOR, seed=3).digest()


def test_a_change_of_any_array_is_another_digest(trained):
    given, other = whole(trained), Engine(STRATEGY, EVALUATOR, seed=3)
    leaves, treedef = jax.tree.flatten(given)
    found = {trained.digest()}
    for place, leaf in enumerate(leaves):
        changed = [*leaves[:place], leaf + np.ones((), leaf.dtype), *leaves[place + 1 :]]
        other.restore(treedef.unflatten(changed))
        found.add(other.digest())
        assert other.digest_and_snapshot()[0] == other.digest()
    names = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_flatten_with_path(given)[0]]
    assert len(names) == 12 and {"['state'].generation", "['state'].opt_state.velocity['w']"} <= set(names), names
    # The newest of the past is the state itself, whatever was given.
    assert len(found) == 1 + len(leaves) - sum("['past'][2]" in name for name in names)


def test_the_past_is_the_means_of_the_generations_that_are_kept(trained):
    again = Engine(STRATEGY, EVALUATOR, seed=3)
    means = [again.mean()]
    for _ in range(2):
        again.update(FITNESS, ())
        means.append(again.mean())
    assert all(isinstance(mean, Earlier) for mean in means)
    for number, kept in trained.past().items():
        np.testing.assert_array_equal(kept.params["w"], means[number].params["w"])
        np.testing.assert_array_equal(kept.statistics["count"], np.full(3, number))
