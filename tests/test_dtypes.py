"""Runs whose parameters, or whose optimiser's state, are not all float32: trained, resumed, replayed and sent on."""

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import eggroll_ray as er
from eggroll_ray.es.digest import digest
from eggroll_ray.replay import Replay
from eggroll_ray.runs.checkpoint import checkpoints, read_json, write_json
from eggroll_ray.workers.prepare import prepare
from eggroll_ray.workers.worker import Worker

pytestmark = pytest.mark.usefixtures("compile_quickly")

FROZEN = {
    "keys": jax.random.split(jax.random.key(7), 2),  # frozen as they are
    "other generator": jax.random.key(7, impl="rbg"),
    "int4": np.arange(-2, 3).astype(jnp.int4),
    "float8": np.arange(-2, 3).astype(jnp.float8_e4m3fn),
    "mask": np.array([-np.inf, 0.0], np.float32),
}


TRAINED = {"wide": np.float32, "half": jnp.bfloat16, "master": jnp.bfloat16, "random": jnp.float16}


def fitness(params, key):
    moved = sum(jnp.sum(params[name].astype(jnp.float32) ** 2) for name in TRAINED)
    return jax.random.normal(params["keys"][1]) - moved + params["float8"].astype(jnp.float32).sum()


EVALUATOR = er.from_fitness(fitness, {**{name: np.ones(4, dtype) for name, dtype in TRAINED.items()}, **FROZEN})
STRATEGY = er.eggroll(
    optimizer=optax.noisy_sgd(0.1, 0.01, key=jax.random.key(5)),  # keeps a key, and draws from it
    leaves=er.LeafRules(frozen=("int4", "float8", "mask"), stochastic=("random",), master=("master",)),
)


def train(generations, run):
    with er.Trainer(EVALUATOR, STRATEGY, population_size=8, block_size=8, seed=3, run=run) as trainer:
        return trainer.fit(generations)


def test_a_run_is_resumed_and_replayed_to_the_bit(tmp_path):
    folder = tmp_path / "run"
    whole = train(4, er.Run(folder, checkpoint_every=2))
    for name, array in FROZEN.items():
        assert digest(whole.params[name]) == digest(array) and whole.params[name].dtype == array.dtype
    train(3, er.Run(tmp_path / "part", checkpoint_every=2))
    assert train(4, er.Run(tmp_path / "part", resume=True)).digest == whole.digest
    plan = prepare(EVALUATOR, STRATEGY, 8, block_size=8, seed=3).plan
    past = Replay(folder, EVALUATOR, STRATEGY, plan)
    assert past.worker_at(4, from_start=True).digest() == past.worker_at(4).digest() == whole.digest
    there = Worker(STRATEGY, EVALUATOR, plan)
    there.catch_up(cloudpickle.loads(cloudpickle.dumps(past.worker_at(3).snapshot())), list(past.log.read(3, 4)))
    assert there.digest() == whole.digest
    # A run of before optimisers saw float32 would go on with other bits.
    config = read_json(folder / "config.json")
    assert "updated in float32" in config["settings"]["parameters"]["half"]
    config["settings"]["parameters"]["half"] = "bfloat16[4], dense"
    write_json(folder / "config.json", config)
    with pytest.raises(er.CheckpointError, match=r"parameters=.*bfloat16.4., dense'.* now it is .*updated in float32"):
        train(5, er.Run(folder, resume=True))


class TestNotFinite:
    """A learning rate that becomes infinite in the third update."""

    RATES = staticmethod(lambda count: jnp.asarray([0.1, 0.1, jnp.inf], jnp.float32)[count])
    TEXT = "after the update of generation 2, leaf 'w' is not finite: the estimate was finite, but the step that"

    def trainer(self, run, **options):
        given = er.from_fitness(lambda p, key: -jnp.sum(p["w"] ** 2), {"w": np.ones(4, np.float32)})
        strategy = er.eggroll(optimizer=optax.sgd(self.RATES))
        return er.Trainer(given, strategy, population_size=8, block_size=8, run=run, **options)

    @pytest.mark.parametrize("generations", [3, 6])  # the update is the last one, or not
    def test_a_run_ends_with_what_happened_and_keeps_what_was_good(self, generations, tmp_path):
        rows, run = [], er.Run(tmp_path / "run", checkpoint_every=1)
        with pytest.raises(er.NotFiniteError, match=self.TEXT), self.trainer(run) as trainer:
            trainer.fit(generations, rows.append)
        result = read_json(run.path / "result.json")
        assert result["status"] == "failed" and self.TEXT in result["message"]
        assert [row["generation"] for row in rows] == [0, 1, 2]
        assert checkpoints(run.path)[-1] == 2
        with self.trainer(er.Run(tmp_path / "run", resume=True)) as trainer:
            with pytest.raises(er.NotFiniteError, match=self.TEXT):
                trainer.fit(6)
            (good,) = trainer.means_at([2])
        assert np.isfinite(good.params["w"]).all()

    def test_a_run_of_what_is_not_finite_does_not_begin(self):
        given = er.from_fitness(lambda p, key: -jnp.sum(p["w"] ** 2), {"w": np.full(4, np.nan, np.float32)})
        with pytest.raises(
            er.NotFiniteError, match="the initial parameters: leaf 'w' holds 4 numbers of 4 that are not"
        ):
            er.Trainer(given, population_size=8).fit(1)
