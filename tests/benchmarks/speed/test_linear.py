"""The linear-layer benchmark: each way computes what it claims, the paper's formulas, and the page."""

import json
import math
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eggroll_ray as er
from benchmarks.speed import linear, roofline
from benchmarks.speed.linear_pages import BARS, draw, fastest, page, percent
from eggroll_ray import noise

pytestmark = pytest.mark.usefixtures("compile_quickly")
TINY = linear.Setting(dimension=6, dtype="float32", batch=8, dense_batch=4, copy_bytes=1 << 12, repeats=2)


def dense_products(strategy: er.ES, w: jax.Array, x: jax.Array) -> np.ndarray:
    """The outputs of all members, by matrices that are formed one by one."""
    state = strategy.init({"w": w}, 0)
    form = jax.jit(lambda member: er.densify(strategy.perturb(state, member))["w"])
    matrices = [np.asarray(form(jnp.int32(i))) for i in range(len(x))]
    assert not np.allclose(matrices[0], w, atol=1e-4)
    return np.stack([matrix @ np.asarray(x[i]) for i, matrix in enumerate(matrices)])


def outputs(way: linear.Way) -> np.ndarray:
    return np.concatenate([np.asarray(part) for part in way.run()])


@pytest.mark.parametrize("rank", [1, 4])
def test_eggroll_in_any_way_is_the_dense_product_of_its_members(rank: int) -> None:
    w, x = linear.layer(TINY)
    strategy = er.eggroll(rank=rank, law=noise.rademacher, sigma=0.3)
    wanted = dense_products(strategy, w, x)
    with ThreadPoolExecutor(2) as threads:
        blocks = [linear.Blocks(8), linear.Blocks(4, threads)]
        ways = list(linear.evolution(strategy, w, x, blocks, {"way": "EGGROLL"}))
        assert len({way.name for way in ways}) == len(ways) == 8
        for way in ways:
            np.testing.assert_allclose(outputs(way), wanted, rtol=1e-5, atol=1e-5)


def test_dense_es_is_the_product_of_the_weights_plus_each_members_whole_noise() -> None:
    w, x = linear.layer(TINY)
    strategy = er.openai_es(sigma=0.3)
    wanted = dense_products(strategy, w, x[:4])
    for way in linear.evolution(strategy, w, x[:4], [linear.Blocks(4)], {"way": "dense ES"}):
        np.testing.assert_allclose(outputs(way), wanted, rtol=1e-5, atol=1e-5)


def test_inference_in_any_way_is_the_unperturbed_product() -> None:
    w, x = linear.layer(TINY)
    with ThreadPoolExecutor(2) as threads:
        for way in linear.inference(w, x, [linear.Blocks(8), linear.Blocks(2, threads)]):
            np.testing.assert_allclose(outputs(way), np.asarray(x) @ np.asarray(w).T, rtol=1e-5, atol=1e-6)


def test_the_step_of_ppo_goes_along_the_policy_gradient_where_nothing_is_clipped() -> None:
    w, x = linear.layer(TINY)
    random = np.random.default_rng(3)
    errors = random.normal(size=x.shape).astype(np.float32)
    advantages = random.normal(size=8).astype(np.float32)
    actions = np.asarray(x @ w.T) + errors
    moved, to_inputs = linear.ppo_step(w, x, actions, linear.log_likelihood(w, x, actions), advantages)
    weighted = -advantages[:, None] * errors / 8  # the gradient to the outputs
    np.testing.assert_allclose((w - moved) / linear.LEARNING_RATE, weighted.T @ np.asarray(x), rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(to_inputs, weighted @ np.asarray(w), rtol=1e-4, atol=1e-5)


def test_ppo_in_blocks_makes_the_step_of_the_whole_batch() -> None:
    w, x = linear.layer(TINY)
    with ThreadPoolExecutor(2) as threads:
        whole, blocks = linear.ppo(w, x, [linear.Blocks(8), linear.Blocks(4, threads)])
        (moved, to_inputs), (moved_too, parts) = whole.run(), blocks.run()
    gradient, too = ((np.asarray(w - new) / linear.LEARNING_RATE) for new in (moved, moved_too))
    assert np.abs(gradient).max() > 0.1 and len(parts) == 2
    np.testing.assert_allclose(too, gradient, rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(np.concatenate(parts), to_inputs, rtol=1e-4, atol=1e-5)


def test_the_loss_of_ppo_is_clipped() -> None:
    w, x = linear.layer(TINY)
    actions = x @ w.T
    before = linear.log_likelihood(w, x, actions) - 1.0  # each action is now e times as likely
    gain = linear.surrogate(w, x, actions, before, np.ones(8, np.float32))
    loss = linear.surrogate(w, x, actions, before, -np.ones(8, np.float32))
    assert gain == pytest.approx(-1 - linear.CLIP) and loss == pytest.approx(math.e, rel=1e-5)


def test_intensities_are_those_of_the_papers_formulas() -> None:
    m, batch, r = 8192, 700, 3
    paper = {
        "inference": (roofline.inference(m, 2), batch * m / (2 * batch + m)),
        "eggroll": (roofline.eggroll(m, r, 2), (m + 2 * r + 0.5) / (2 + r * (2 + 2 / m) + m / batch)),
        "dense": (roofline.dense(m, 2), m / (2 + m)),
    }
    for work, intensity in paper.values():
        assert work.intensity(batch) == pytest.approx(intensity)
    assert math.ceil(roofline.inference(m, 2).batch_for(300)) == 324
    assert math.ceil(roofline.eggroll(m, 1, 2).batch_for(300)) == 352
    assert roofline.dense(m, 2).batch_for(300) == math.inf


def test_a_bound_is_of_operations_or_of_bytes_whichever_takes_longer() -> None:
    work = roofline.Work(operations=10.0, bytes=1.0, shared_bytes=6.0)
    assert work.seconds(4, roofline.Balance(operations=20.0, bytes=100.0)) == 2.0
    assert work.seconds(4, roofline.Balance(operations=400.0, bytes=5.0)) == 2.0
    machine = roofline.machine(4, "float32", 1 << 10)
    assert machine.balance(2.0, 4.0) == roofline.Balance(operations=64.0, bytes=512.0)
    np.testing.assert_array_equal(machine.cases["copy"](), -np.ones(256, np.float32))


def one_strategy_and_form(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(linear, "RANKS", (1,))
    patch.setattr(linear, "LAWS", (noise.normal,))
    patch.setattr(linear, "FORMS", {"w @ x": linear.FORMS["w @ x"]})


@pytest.fixture(scope="module")
def tiny_record() -> dict:
    with pytest.MonkeyPatch.context() as patch:
        one_strategy_and_form(patch)
        found = linear.measure(TINY)
    head = {"command": "count", "date": "2026-01-02", "machine": "abacus", "versions": {"jax": "0.1"}}
    return json.loads(json.dumps(head | {"name": "linear", "layers": [found]}))


@pytest.mark.slow
def test_all_ways_are_measured(tiny_record: dict) -> None:
    (layer,) = tiny_record["layers"]
    for _, facts in BARS.values():
        if facts.get("law") != "rademacher":
            assert fastest(layer, **facts)["seconds"]["median"] > 0
    hows = {way["how"] for way in layer["ways"] if way["way"] == "EGGROLL"}
    assert hows == {"one program", "blocks of 8"}
    assert percent(layer, fastest(layer, way="inference"))["median"] == 100
    for way in ("inference", "PPO-like", "dense ES"):
        assert {own["how"].split()[0] for own in layer["ways"] if own["way"] == way} == {"one", "blocks"}, way


def test_times_are_scaled_to_one_call_of_the_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    one_strategy_and_form(monkeypatch)
    second = dict.fromkeys(("first", "median", "low", "high"), 1.0)
    monkeypatch.setattr(linear, "interleave", lambda cases, repeats: dict.fromkeys(cases, second))
    found = linear.measure(TINY._replace(calls=5))
    assert {way["members"] for way in found["ways"]} == {TINY.dense_batch, TINY.batch}
    for way in found["ways"]:
        seconds = {4: 2 / 5, 8: 1 / 5}[way["members"]]
        assert way["seconds"] == pytest.approx({"median": seconds, "low": seconds, "high": seconds})
    assert found["balance"]["bytes"] == pytest.approx(5 * 2 * TINY.copy_bytes)


@pytest.mark.slow
def test_the_page_says_what_was_measured(tiny_record: dict, tmp_path) -> None:
    pytest.importorskip("matplotlib")
    (layer,) = tiny_record["layers"]
    layer["balance"] = {"operations": 4e9, "bytes": 1e9}
    drawn = [way for way in layer["ways"] if way["way"] == "EGGROLL"]
    layer["ways"] += [way | change for way in drawn for change in ({"rank": 4}, {"law": "rademacher"})]
    for i, way in enumerate(layer["ways"]):
        slow = {"inference": 1.0, "EGGROLL": 1.25, "PPO-like": 3.0, "dense ES": 100.0}[way["way"]] + i / 1e6
        way["seconds"] = {"median": slow, "low": slow, "high": 2 * slow}
    text = page(tiny_record)
    assert "`count`, 2026-01-02, abacus, jax 0.1." in text
    assert "| EGGROLL, noise held | 91 | 80 [40, 80] |" in text
    assert "| OpenAI-ES, noise drawn on the fly | 0.054 | 1 [0.5, 1] |" in text
    assert "6, float32, batch 8: 4 billion operations and 1.0 GB a second, 4.0 operations per byte." in text
    draw(tiny_record, tmp_path / "linear.png")
    assert (tmp_path / "linear.png").stat().st_size > 5_000


def test_the_committed_page_is_of_its_data() -> None:
    record = json.loads((linear.DOCS / "linear.json").read_text())
    assert (linear.DOCS / "linear.md").read_text() == page(record)
    assert [(layer["dimension"], layer["batch"]) for layer in record["layers"]] == [(1024, 1024), (2048, 1024)]
    for layer in record["layers"]:
        assert percent(layer, fastest(layer, way="dense ES", noise="on the fly"))["median"] < 1  # 0.054 in the paper
