"""The trainer in process: resume and replay give the same bits, bad input is refused before any work."""

import dataclasses
import functools
import itertools
import json
import os
import signal

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from evaluating import bound_once

import eggroll_ray as er
from eggroll_ray.comparison.scores import read_scores
from eggroll_ray.evaluators.members import noise_bytes
from eggroll_ray.rl.rollout import Play
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.runs.fitness_log import FitnessLog
from eggroll_ray.runs.metrics import read_metrics
from eggroll_ray.workers.messages import WorkerError
from eggroll_ray.workers.plan import make_plan

START = {"w": np.ones((6, 5), np.float32), "b": np.zeros(5, np.float32)}


def objective(params, key):
    noise = jax.random.normal(key, (5,))
    rows = jnp.eye(params["w"].shape[0]) @ params["w"]  # in a product, as a policy's matrix is
    return -(rows**2).sum() - ((params["b"] - 1.0) ** 2).sum() + 0.1 * (noise * params["b"]).sum()


EGGROLL = er.eggroll()


@functools.cache
def evaluator(fn) -> er.Evaluator:
    """One for all trainers of a fitness."""
    return bound_once(er.from_fitness(fn, START))


MADE: list[er.Trainer] = []


@pytest.fixture(autouse=True)
def close_all():
    yield
    while MADE:
        MADE.pop().close()


def trainer(run=None, fn=objective, strategy=None, **options) -> er.Trainer:
    defaults = {"population_size": 16, "block_size": 8, "seed": 5, "workers": 0}
    made = er.Trainer(evaluator(fn), strategy or EGGROLL, run=run, **(defaults | options))
    MADE.append(made)
    return made


def test_resume_equals_the_uninterrupted_run(tmp_path):
    whole = trainer().fit(20)
    first = trainer(tmp_path / "run")
    first.fit(10)
    first.close()
    for every in (1, 50):  # with and without a checkpoint to start from
        resumed = trainer(er.Run(tmp_path / "run", resume=True, checkpoint_every=every))
        result = resumed.fit(20)
        resumed.close()
        assert result.digest == whole.digest
        np.testing.assert_array_equal(result.params["w"], whole.params["w"])
    rows = [row for row in read_metrics(tmp_path / "run/metrics.jsonl") if "event" not in row]
    assert [row["generation"] for row in rows] == list(range(20))
    assert rows[-1]["total_episodes"] == 20 * 16
    assert all(a["time"] <= b["time"] for a, b in itertools.pairwise(rows))


@pytest.mark.parametrize("ask", [er.Trainer.stop, lambda made: os.kill(os.getpid(), signal.SIGINT)])
def test_a_result_that_is_asked_for_after_a_stop_does_not_undo_it(ask):
    one = trainer(watch=er.Watch(every=0))
    assert one.fit(6, lambda row: (ask(one), one.result())).status == "stopped"
    assert one.generation == 1 and one.fit(3).status == "finished" and one.generation == 3


@pytest.mark.parametrize("loop", [False, True])
def test_a_result_while_a_run_goes_on_is_not_recorded_as_its_end(tmp_path, loop):
    run = tmp_path / "run"
    one = trainer(er.Run(run, report=False), watch=er.Watch(episodes=2))
    rows, seen = iter(one), []

    def look(row):
        seen.append(one.result().status)
        seen.append(read_scores(run).status)

    if loop:
        look(next(rows))
        rows.close()
    else:
        seen.append(one.fit(2, look).status)
        assert seen[2:] == ["unfinished", "unfinished", "finished"]
    assert seen[:2] == ["unfinished", "unfinished"]
    assert one.result().status == json.loads((run / "result.json").read_text())["status"] == "finished"


def test_after_a_stop_the_result_stays_that_of_a_stopped_run():
    one = trainer(watch=er.Watch(every=0))
    assert one.fit(6, lambda row: one.stop()).status == one.result().status == "stopped"
    assert one.fit(2).status == one.result().status == "finished"


def test_resume_without_any_checkpoint_replays_the_log(tmp_path):
    whole = trainer().fit(7)
    first = trainer(tmp_path / "run")
    for row in first:
        if row["generation"] == 4:
            break  # as if the process had been killed: no checkpoint was written
    first.close()
    assert not list((tmp_path / "run/checkpoints").iterdir())
    assert trainer(er.Run(tmp_path / "run", resume=True)).fit(7).digest == whole.digest


def test_blocks_in_any_order_give_the_same_bits():
    whole = trainer().fit(5)
    shuffled = trainer()
    shuffled._start()
    worker, rng = shuffled._pool._worker, np.random.default_rng(0)
    step = worker.step

    def disordered(request, cancelled):
        blocks = list(request.blocks)
        rng.shuffle(blocks)
        return step(dataclasses.replace(request, blocks=tuple(blocks)), cancelled)

    worker.step = disordered
    assert shuffled.fit(5).digest == whole.digest


def test_parameters_that_change_while_they_are_evaluated_are_an_error_and_leave_no_wrong_bits(tmp_path):
    broken = trainer(tmp_path / "run")
    broken._start()
    worker = broken._pool._worker
    engine, evaluate = worker._engine, worker._engine._evaluate

    def change(given):
        if worker.number == 3:
            params = jax.tree.map(lambda x: x * (1 + 2**-23), given.state.params)
            engine._state = given.state._replace(params=params)
        return evaluate(given)

    engine._evaluate = change
    with pytest.raises(WorkerError, match=r"changed while generation 3 was evaluated.*resume"):
        broken.fit(6)
    broken.close()
    assert trainer(er.Run(tmp_path / "run", resume=True)).fit(6).digest == trainer().fit(6).digest


def test_fit_in_parts_equals_fit_at_once():
    parts = trainer()
    parts.fit(3)
    assert parts.fit(8).digest == trainer().fit(8).digest
    looped = trainer()
    for row in looped:
        if row["generation"] == 8:
            break
    assert looped.result().digest == trainer().fit(8).digest


def test_between_two_rows_the_result_is_what_the_last_row_is_about():
    whole, looped = trainer().fit(4), trainer(watch=er.Watch(every=2, episodes=3))
    for row in looped:
        result = looped.result()
        assert (result.generations, result.digest) == (row["generation"], row["digest"])
        if row["generation"] % 2 == 0:
            assert result.test.mean() == row["mean_policy_return"]
        assert result.test.shape == (3,)  # what was not tested for a row is tested for the result
        if row["generation"] == 4:
            break
    assert result.digest == whole.digest
    assert looped.fit(5).digest == trainer().fit(5).digest  # and nothing was missed or done twice


def test_the_target_is_confirmed_and_the_parameters_that_reached_it_are_returned():
    run = trainer(watch=er.Watch(target=-5.0))
    result = run.fit(500)
    assert result.status == "solved" and result.test.mean() >= -5.0
    assert trainer().fit(result.generations).digest == result.digest


def test_stop_ends_in_order_with_a_checkpoint(tmp_path):
    run = trainer(tmp_path / "run")

    def stop(row):
        if row["generation"] == 3:
            run.stop()

    result = run.fit(1000, stop)
    assert (result.status, result.generations) == ("stopped", 4)
    run.close()
    assert json.loads((tmp_path / "run/result.json").read_text())["status"] == "stopped"
    assert trainer(er.Run(tmp_path / "run", resume=True)).fit(6).digest == trainer().fit(6).digest


def test_the_record_holds_what_was_run(tmp_path):
    run = trainer(er.Run(tmp_path / "run", config={"name": "mine"}))
    result = run.fit(2)
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert config["name"] == "mine" and config["settings"]["seed"] == 5
    assert config["settings"]["strategy"]["rank"] == 1
    assert config["settings"]["parameters"]["w"] == "float32[6, 5], low rank"
    row = read_metrics(tmp_path / "run/metrics.jsonl")[-1]
    assert row["fitness_min"] <= row["fitness_median"] <= row["fitness_max"] and row["gradient_norm"] > 0
    assert result.run == tmp_path / "run"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 6}, "seed=5, now it is 6"),
        ({"population_size": 32}, "population_size=16, now it is 32"),
        ({"block_size": 4}, "block_size=8, now it is 4"),
    ],
)
def test_a_resumed_run_must_be_the_same_run(tmp_path, change, message):
    trainer(tmp_path / "run").fit(2)
    with pytest.raises(CheckpointError, match=message):
        trainer(er.Run(tmp_path / "run", resume=True), **change)


def test_a_resumed_run_must_have_the_same_strategy_and_parameters(tmp_path):
    trainer(tmp_path / "run").fit(2)
    run = er.Run(tmp_path / "run", resume=True)
    with pytest.raises(CheckpointError, match="strategy="):
        trainer(run, strategy=er.eggroll(sigma=0.2))
    wider = START | {"w": np.ones((7, 5), np.float32)}
    with pytest.raises(CheckpointError, match="parameters="):
        er.Trainer(
            er.from_fitness(objective, wider),
            er.eggroll(),
            population_size=16,
            block_size=8,
            seed=5,
            run=run,
        )


def test_a_resumed_run_must_have_the_same_functions(tmp_path):
    trainer(tmp_path / "run").fit(2)
    run = er.Run(tmp_path / "run", resume=True)
    with pytest.raises(CheckpointError, match=r"the optimizer of the run in .* -0.05 .* -0.1 .*trainer.change"):
        trainer(run, strategy=er.eggroll(optimizer=optax.adam(0.1)))
    MADE.pop().close()
    same = er.eggroll(optimizer=optax.chain(optax.scale_by_adam(), optax.scale(-0.05)), shaping=er.fitness.centred_rank)
    assert trainer(run, strategy=same).result().generations == 2  # not what it is called


def test_a_run_that_was_recorded_without_its_functions_is_continued_and_says_so(tmp_path, caplog):
    trainer(tmp_path / "run").fit(1)
    path = tmp_path / "run/config.json"
    config = json.loads(path.read_text())
    del config["functions"]
    config["settings"]["population_size"] = "16"  # as one of NumPy was written
    path.write_text(json.dumps(config))
    MADE.pop().close()
    trainer(er.Run(tmp_path / "run", resume=True)).fit(2)
    events = [row["event"] for row in read_metrics(tmp_path / "run/metrics.jsonl") if "event" in row]
    assert events == ["resumed", "functions differ"] and "keeps nothing of its optimiser" in caplog.text


def test_an_existing_run_is_not_overwritten(tmp_path):
    trainer(tmp_path / "run").fit(1)
    with pytest.raises(CheckpointError, match="exists"):
        trainer(tmp_path / "run")
    with pytest.raises(CheckpointError, match="not a run folder"):
        trainer(er.Run(tmp_path / "other", resume=True))


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_a_folder_without_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(CheckpointError, match="cannot be written"):
        trainer(tmp_path / "run")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"population_size": 7}, "population_size=7 must be even .* choose 8"),
        ({"population_size": 0}, "population_size=0 must be even and at least 2"),
        ({"population_size": -2}, "population_size=-2"),
        ({"block_size": 6}, "population_size=16 is no multiple of block_size=6"),
        ({"block_size": 1}, "block is odd"),
        ({"seed": -1}, "seed=-1 must be in"),
        ({"seed": 2**32}, "seed=4294967296 must be in"),
        ({"workers": -1}, "workers=-1 must be 'auto' or a number"),
        ({"workers": "many"}, "workers='many' must be 'auto'"),
    ],
)
def test_values_out_of_range_are_refused_before_any_work(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        trainer(tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: er.eggroll(rank=0), "rank=0 must be at least 1"),
        (lambda: er.eggroll(sigma=0.0), "sigma=0.0 must be positive"),
        (lambda: er.openai_es(sigma=-1.0), "sigma=-1.0 must be positive"),
        (lambda: er.eggroll(sigma=float("nan")), "sigma=nan must be positive"),
        (lambda: er.eggroll(noise_reuse=0), "noise_reuse=0 must be at least 1"),
        (lambda: er.Watch(every=0, target=1.0), "target=1.0 needs tests"),
        (lambda: er.Watch(every=-1), "every=-1"),
        (lambda: er.Workers(cpus=0), "cpus=0"),
        (lambda: er.Run("x", checkpoint_every=0), "checkpoint_every=0"),
    ],
)
def test_options_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_rank_above_every_matrix_is_refused():
    with pytest.raises(ValueError, match=r"rank=6 is above min\(m, k\) = 5"):
        er.Trainer(er.from_fitness(objective, START), er.eggroll(rank=6), population_size=16, workers=0)


def test_an_operation_without_a_rule_is_refused_before_any_work(tmp_path):
    def magnitudes(params, key):
        return -jnp.abs(params["w"]).sum()

    with pytest.raises(NotImplementedError, match=r"'abs' has no low-rank rule on .* 'w' .*LeafRules.densify"):
        trainer(tmp_path / "run", fn=magnitudes)
    assert not (tmp_path / "run").exists()


def test_a_leaf_of_such_an_operation_is_formed_where_the_rules_say_so(tmp_path):
    def magnitudes(params, key):
        return -jnp.abs(params["w"]).sum()

    by_hand = trainer(fn=magnitudes, strategy=er.eggroll(leaves=er.LeafRules(densify=("w",)))).fit(1)
    found = er.eggroll(leaves=er.LeafRules(on_unsupported="densify"))
    with trainer(tmp_path / "formed", fn=magnitudes, strategy=found) as formed:
        assert formed.fit(1).digest == by_hand.digest
    trainer(er.Run(tmp_path / "formed", resume=True), fn=magnitudes, strategy=found).close()
    config = json.loads((tmp_path / "formed/config.json").read_text())["settings"]
    assert config["strategy"]["leaves"]["densify"] == ["w"] and "formed per member" in config["parameters"]["w"]
    events = [row for row in read_metrics(tmp_path / "formed/metrics.jsonl") if "event" in row]
    assert "'w' [6, 5]: primitive 'abs' has no low-rank rule" in events[0]["detail"]
    few = er.eggroll(leaves=er.LeafRules(on_unsupported="densify", densify_limit=99))
    with pytest.raises(ValueError, match="more than densify_limit=99"):
        trainer(tmp_path / "run", fn=magnitudes, strategy=few)
    assert not (tmp_path / "run").exists()


def test_a_fitness_that_is_never_finite_is_an_error_and_is_recorded(tmp_path):
    run = trainer(tmp_path / "run", fn=lambda params, key: params["b"].sum() * jnp.nan)
    with pytest.raises(er.FitnessError, match="no pair of generation 0 has a finite fitness"):
        run.fit(3)
    assert json.loads((tmp_path / "run/result.json").read_text())["status"] == "failed"


def test_now_and_then_nan_is_dropped_and_counted(tmp_path):
    def sometimes(params, key):
        return jnp.where(params["b"][0] > 0.1, jnp.nan, objective(params, key))

    rows = []
    with trainer(tmp_path / "run", fn=sometimes) as one:
        one.fit(3, rows.append)
    log = FitnessLog(tmp_path / "run", one._plan, writable=False)
    for row, logged in zip(rows, log.read(0, 3), strict=True):
        assert row["invalid_members"] == np.isnan(logged.fitness).sum() and np.isfinite(row["fitness_mean"])
    assert rows[0]["invalid_members"] > 0


def test_the_default_block_divides_the_population():
    assert make_plan(1024, None, 0, 1).block_size == 256
    assert make_plan(1000, None, 0, 1).block_size == 250
    with pytest.raises(ValueError, match=r"population_size=1018 has no even divisor from 32 to 256 .* choose 1024"):
        make_plan(2 * 509, None, 0, 1)
    assert make_plan(2 * 509, 2, 0, 1).block_size == 2
    assert make_plan(6, None, 0, 1).block_size == 6


@pytest.mark.parametrize(
    ("population_size", "block_size"),
    [(2048, 256), (512, 128), (256, 64), (300, 60), (128, 64), (100, 50), (64, 64), (130, 130), (254, 254)],
)
def test_the_default_makes_four_blocks_where_they_are_not_too_small_and_as_before_where_it_cannot(
    population_size, block_size
):
    assert make_plan(population_size, None, 0, 1).block_size == block_size


def test_the_default_block_is_smaller_where_the_noise_of_more_would_not_stay_in_the_cache():
    sizes = [make_plan(1024, None, 0, 1, member_bytes=own).block_size for own in (8192, 8200, 16384, 10**6)]
    assert sizes == [256, 128, 128, 64]
    with pytest.raises(ValueError, match=r"no even divisor from 32 to 64 .* choose 1024"):
        make_plan(2 * 509, None, 0, 1, member_bytes=10**6)
    strategy, params = er.eggroll(rank=2), {"w": jnp.zeros((6, 5)), "b": jnp.zeros(3)}
    factors, vector = 6 + 5, 3  # of rank 2, which two twins share
    assert noise_bytes(strategy.perturb, strategy.init(params, 0)) == 4 * (factors + vector)


def test_any_optimizer_resumes(tmp_path):
    strategy = er.eggroll(optimizer=optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.1, momentum=0.9)))

    def with_momentum(run=None):
        return trainer(run, strategy=strategy)

    with with_momentum(tmp_path / "run") as first:
        first.fit(3)
    assert with_momentum(er.Run(tmp_path / "run", resume=True)).fit(6).digest == with_momentum().fit(6).digest


NUMBERS = {"population_size": 16, "block_size": 8, "seed": 5, "workers": 0}
OF_STRATEGY = {"rank": 2, "sigma": 0.5, "noise_reuse": 2}


@pytest.mark.parametrize("kind", [np.int64, jnp.int32], ids=["NumPy", "JAX"])
def test_numbers_of_numpy_are_the_same_settings_as_those_of_python(tmp_path, kind):
    """A run that was made with them is continued with either, and its record holds numbers."""
    number = {int: kind, float: np.float64}

    def made(run, numbers, es):
        return trainer(run, strategy=er.eggroll(**es, leaves=er.LeafRules(stacked={"w": es["rank"] - 2})), **numbers)

    numbers = {name: kind(value) for name, value in NUMBERS.items()}
    es = {name: number[type(value)](value) for name, value in OF_STRATEGY.items()}
    run = er.Run(tmp_path / "run", checkpoint_every=kind(1), config={"mine": kind(3)})
    with made(run, numbers, es) as first:
        first.fit(2)
    for again in ((NUMBERS, OF_STRATEGY), (numbers, es)):
        with made(er.Run(tmp_path / "run", resume=True), *again) as resumed:
            assert resumed._number == 0 and resumed.result().generations == 2
    found = json.loads((tmp_path / "run/config.json").read_text())
    assert found["settings"]["population_size"] == 16 and found["settings"]["strategy"]["rank"] == 2
    assert found["mine"] == 3 and found["settings"]["strategy"]["leaves"]["stacked"] == {"w": 0}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: trainer(population_size=16.0), "population_size=16.0 must be a whole number"),
        (lambda: trainer(block_size=8.0), "block_size=8.0 must be a whole number"),
        (lambda: trainer(seed=np.float32(1)), "seed=1.0 must be a whole number"),
        (lambda: er.eggroll(rank=1.5), "rank=1.5 must be a whole number"),
        (lambda: er.eggroll(noise_reuse=2.0), "noise_reuse=2.0 must be a whole number"),
        (lambda: er.fitness.group_z_score(2.0), "group_size=2.0 must be a whole number"),
        (lambda: er.Run("x", checkpoint_every=2.5), "checkpoint_every=2.5 must be a whole number"),
    ],
)
def test_what_is_counted_is_a_whole_number(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_options_hold_plain_numbers():
    workers = er.Workers(np.int64(2), cpus=np.float32(0.5), min_workers=np.int8(1), nodes=np.int64(1))
    watch = er.Watch(np.int64(2), np.int64(3), np.float32(0.5))
    rivals, play = er.Rivals(np.int64(2), np.int64(3), explore=np.float64(0.5)), Play(np.int64(2), np.int64(4))
    for record in (workers, watch, rivals, play):
        values = [getattr(record, field.name) for field in dataclasses.fields(record)]
        assert not any(isinstance(value, np.generic) for value in values)
    assert workers.count == 2 and watch.target == 0.5 and rivals.every == 3 and play.shared_by == 4


def test_every_test_and_its_confirmation_have_episodes_of_their_own():
    """A fitness that is its key: what is drawn in one generation is never drawn again."""
    luck = er.from_fitness(lambda params, key: jax.random.uniform(key) + 0 * params["w"][0], {"w": np.zeros(1, "f4")})
    watch = er.Watch(episodes=3, target=0.0)  # reached at once, so it is confirmed
    with er.Trainer(luck, population_size=4, watch=watch) as trainer:
        rows = []
        result = trainer.fit(1, rows.append)
    assert result.status == "solved" and result.test.mean() != rows[0]["mean_policy_return"]
    with er.Trainer(luck, population_size=4, watch=er.Watch(episodes=3)) as trainer:
        rows = []
        trainer.fit(3, rows.append)
    assert len({row["mean_policy_return"] for row in rows}) == 3
