"""Any generation is rebuilt from the seed and the fitness log, with a checkpoint or without, to the recorded bits."""

import json
import shutil

import jax.numpy as jnp
import numpy as np
import pytest

import eggroll_ray as er
from eggroll_ray.replay import Replay
from eggroll_ray.runs.checkpoint import CheckpointError, checkpoints
from eggroll_ray.runs.metrics import read_metrics
from eggroll_ray.workers.prepare import prepare

pytestmark = pytest.mark.usefixtures("compile_quickly")


EVALUATOR = er.from_fitness(
    lambda p, key: -jnp.sum((jnp.ones(4) @ p["w"] - 1.0) ** 2), {"w": np.zeros((4, 3), np.float32)}
)


def with_statistics(evaluator: er.Evaluator) -> er.Evaluator:
    """Adds statistics of each block's fitness, and to the fitness of each pair what has come of them so far."""

    def bind(perturb):
        evaluate = evaluator.bind(perturb)

        def block(given):
            found = evaluate(given)
            extra = np.float32(given.statistics["seen"]) * np.sin(given.members.astype(np.float32))
            return found._replace(fitness=found.fitness + extra, moments=found.fitness.mean(dtype=np.float32))

        return block

    def merge(statistics, moments):
        return {"seen": statistics["seen"] / 2 + np.float64(sum(moments))}

    def total(blocks):
        return np.float64(sum(blocks))

    statistics, moments = {"seen": np.float64(0)}, np.zeros(())
    return evaluator._replace(bind=bind, total=total, merge=merge, statistics=statistics, moments=moments)


@pytest.fixture(scope="module", params=["floats", "signs", "statistics"])
def recorded(request, tmp_path_factory):
    """The past of a run of five generations with two checkpoints on the way, and its rows."""
    shaping = er.fitness.antithetic_sign if request.param == "signs" else er.fitness.centred_rank
    evaluator = with_statistics(EVALUATOR) if request.param == "statistics" else EVALUATOR
    strategy, folder = er.eggroll(shaping=shaping), tmp_path_factory.mktemp("replay") / "run"
    run = er.Run(folder, checkpoint_every=2)
    with er.Trainer(evaluator, strategy, population_size=16, block_size=8, seed=3, run=run) as trainer:
        rows = []
        trainer.fit(5, rows.append)
    plan = prepare(evaluator, strategy, 16, block_size=8, seed=3).plan
    return Replay(folder, evaluator, strategy, plan), rows, folder


@pytest.mark.parametrize("from_start", [False, True])
def test_every_generation_has_the_digest_that_was_recorded(recorded, from_start):
    past, rows, _ = recorded
    found = [past.worker_at(number, from_start=from_start).digest() for number in range(5)]
    assert found == [row["digest"] for row in rows] and len(set(found)) == 5


def test_a_checkpoint_saves_the_way(recorded):
    past, _, folder = recorded
    assert checkpoints(folder) == [2, 4, 5] and past.newest() == 5
    template = past.worker_at(0).snapshot()
    for generation, first in ((1, None), (2, 2), (3, 2), (5, 5)):
        snapshot, outcomes = past.state_before(generation, template)
        assert (None if snapshot is None else int(snapshot["state"].generation)) == first
        assert [outcome.number for outcome in outcomes] == list(range(first or 0, generation))


def test_means_are_those_of_the_generations(recorded):
    past, _, _ = recorded
    for number, mean in zip((0, 3, 5), past.means([0, 3, 5]), strict=True):
        np.testing.assert_array_equal(mean.params["w"], past.worker_at(number).mean().params["w"])
    with pytest.raises(ValueError, match=r"generations=\[3, 3\] must rise; give \[3\]"):
        past.means([3, 3])


def test_a_generation_that_was_never_reached_is_refused(recorded):
    past, _, _ = recorded
    with pytest.raises(CheckpointError, match=r"the log holds generations 0 \.\. 4, not 5 \.\. 5"):
        past.worker_at(6)


def flip(path, place: int = -1) -> None:
    """Changes one bit of a file."""
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


@pytest.fixture
def copied(recorded, tmp_path):
    """The same past, to be spoiled, and what it says of damage."""
    past, rows, folder = recorded
    run, told = tmp_path / "run", []
    shutil.copytree(folder, run)
    spoiled = Replay(run, past._evaluator, past._strategy, past._plan, lambda *event: told.append(event))
    return spoiled, rows, run, told


def test_a_damaged_checkpoint_is_passed_over_for_an_earlier_one_and_then_for_the_start(copied):
    past, rows, run, told = copied
    for damaged, start in ((4, 2), (2, 0)):
        flip(run / f"checkpoints/{damaged:08d}/arrays.safetensors")
        assert past.worker_at(4).digest() == rows[4]["digest"]
        event, detail = told[-1]
        assert event == "checkpoint damaged" and f"rebuilt from generation {start} on" in detail
    named = [detail.partition(" is damaged")[0][-8:] for _, detail in told]
    assert named == ["00000004", "00000004", "00000002"]
    flip(run / "fitness/log.bin", 20)
    with pytest.raises(
        CheckpointError, match=r"00000004 is damaged.*00000002 is damaged.*generation \d in .*log.bin is"
    ):
        past.worker_at(4)


def test_a_damaged_checkpoint_is_an_event_of_the_run_that_goes_on(copied):
    past, _, run, _ = copied
    flip(run / "checkpoints/00000005/arrays.safetensors")
    options = {"population_size": 16, "block_size": 8, "seed": 3}
    with er.Trainer(past._evaluator, past._strategy, run=er.Run(run, resume=True), **options) as resumed:
        digest = resumed.fit(6).digest
    with er.Trainer(past._evaluator, past._strategy, **options) as whole:
        assert whole.fit(6).digest == digest
    events = {row["event"]: row["detail"] for row in read_metrics(run / "metrics.jsonl") if "event" in row}
    assert "00000005 is damaged" in events["checkpoint damaged"]


def test_restoring_passes_over_a_damaged_checkpoint_and_says_so(copied, caplog):
    past, _, run, _ = copied
    flip(run / "checkpoints/00000005/arrays.safetensors")
    with er.Trainer(past._evaluator, past._strategy, population_size=16, block_size=8, seed=3) as other:
        other.restore(run)
        assert other.result().generations == 4 and "00000005 is damaged" in caplog.text
        for number in (2, 4):
            flip(run / f"checkpoints/{number:08d}/arrays.safetensors")
        with pytest.raises(CheckpointError, match=r"there is no whole checkpoint in .*00000005 is damaged"):
            other.restore(run)


def test_a_run_that_is_rebuilt_is_compared_with_all_that_was_recorded_of_it(copied):
    past, rows, run, _ = copied
    result = json.loads((run / "result.json").read_text())
    assert result["generations"] == 5  # which no row has
    found = past.rebuild(5)
    assert found.compared == (0, 1, 2, 3, 4, 5) and not found.differ and found.worker.digest() == result["digest"]
    assert past.rebuild(3).compared == (0, 1, 2, 3)
    (run / "result.json").write_text(json.dumps(result | {"digest": "f" * 16}))
    assert past.rebuild(5).differ == ((5, "f" * 16, result["digest"]),)
    text = (run / "metrics.jsonl").read_text()
    (run / "metrics.jsonl").write_text(text.replace(rows[1]["digest"], "e" * 16))
    assert past.rebuild(5).differ[0] == (1, "e" * 16, rows[1]["digest"])
    (run / "checkpoints/00000004/manifest.json").write_text("{")  # says nothing, and is in nobody's way
    assert past.rebuild(4).compared == (0, 1, 2, 3, 4) and past.newest() == 5
    shutil.rmtree(run / "checkpoints")
    (run / "checkpoints").mkdir()
    assert past.newest() == 5  # the end of the log
    (run / "result.json").unlink()
    (run / "metrics.jsonl").unlink()
    assert past.rebuild(5).compared == ()
