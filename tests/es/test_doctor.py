"""The doctor as a whole: real strategies pass, and what it cannot measure it says."""

import jax.numpy as jnp
import numpy as np
import pytest

from eggroll_ray import eggroll, noise, openai_es
from eggroll_ray.es import doctor
from eggroll_ray.es.leaves import LeafRules

pytestmark = pytest.mark.usefixtures("compile_quickly")

# A little of everything: stacked, a vector, a frozen integer, a scalar.
PARAMS = {
    "stack": jnp.full((2, 11, 30), 0.3),
    "bias": jnp.full((7,), 0.3),
    "steps": jnp.arange(3),
    "scale": jnp.float32(1.0),
}
RULES = LeafRules(frozen=("steps",), stacked={"stack": 1})

STRATEGIES = {
    "normal, rank 1": lambda: eggroll(rank=1, leaves=RULES),
    "rademacher, rank 4, reused": lambda: eggroll(rank=4, law=noise.rademacher, noise_reuse=3, leaves=RULES),
    "openai_es": lambda: openai_es(leaves=RULES),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", STRATEGIES)
def test_real_strategies_are_well(name):
    findings = doctor.diagnose(STRATEGIES[name](), PARAMS, population_size=64)
    assert [finding for finding in findings if not finding.passed] == []
    names = [finding.name for finding in findings]
    assert len(set(names)) == len(names) >= 20
    assert {"platform", "jax", "noise stream", "seeds", "batch layouts", "higher is better"} <= set(names)
    assert sum(name.startswith("estimate, ") for name in names) == 4


def laplace_number(words):
    uniform = (words >> 9).astype(jnp.float32) * jnp.float32(2.0**-22) - (1.0 - 2.0**-23)
    return -jnp.sign(uniform) * jnp.log1p(-jnp.abs(uniform)) / jnp.sqrt(jnp.float32(2.0))


laplace = noise.Law("laplace", noise.normal.bits, laplace_number)


def test_a_faulty_strategy_is_found(monkeypatch):
    real = noise.leaf_keys
    monkeypatch.setattr(noise, "leaf_keys", lambda seed, paths, epoch: real(seed, [""] * len(paths), 0))
    params = {"first": jnp.zeros((12, 10)), "second": jnp.zeros((12, 10))}
    findings = doctor.diagnose(eggroll(law=laplace), params, population_size=64)
    failed = {finding.name for finding in findings if not finding.passed}
    assert {"leaves, layers and factors", "generations", "overlap of streams"} <= failed


def test_an_unknown_law_is_not_called_measured():
    findings = doctor.diagnose(eggroll(law=laplace), {"w": jnp.zeros((12, 10))}, population_size=64)
    assert [finding for finding in findings if not finding.passed] == []
    assert findings[-1].name == "estimate" and findings[-1].measured == "not measured"
    assert "fourth moment of E" not in [finding.name for finding in findings]


# --- the parts of its checks, by hand --------------------------------------------------------------


def test_the_bound_is_hoeffdings_for_all_comparisons_together():
    for comparisons in (1, 1000):
        alarm = 2 * comparisons * np.exp(-(doctor._bound(comparisons) ** 2) / 2)
        assert alarm == pytest.approx(1e-6)


def test_a_score_is_in_standard_errors_beyond_what_rounding_explains():
    values = np.array([1.0, 3.0, 1.0, 3.0])  # mean 2, standard error 1/2
    assert doctor._score(values, 1.5, 0.0) == pytest.approx(1.0)
    assert doctor._score(values, 4.0, 0.0) == pytest.approx(-4.0)
    assert doctor._score(values, 4.0, 1 / 32) == pytest.approx(-2.0)  # 8 / 32 of 4 may be rounding
    assert doctor._score(values, 2.25, 1 / 64) == 0
    assert doctor._score(values, 0.5, 1 / 32) == pytest.approx(2.5)  # of what is below 1: 8 / 32


@pytest.mark.parametrize("lag", [-2, 0, 3])
def test_correlations_are_of_every_stream_with_every_one_so_many_pairs_on(lag):
    x, y = np.random.default_rng(0).normal(size=(2, 2, 6, 5))
    found = doctor._scores(x, y, lag)
    for one in range(2):
        for other in range(2):
            terms = [x[one, p] * y[other, p + lag] for p in range(6) if 0 <= p + lag < 6]
            expected = np.sum(terms) / np.sqrt(np.sum(np.square(terms)))
            assert found[one, other] == pytest.approx(expected)


def test_the_worst_correlation_is_named_and_judged():
    quiet, loud = np.zeros((2, 2)), np.array([[0.5, -9.0], [1.0, 2.0]])
    found = doctor._independent("pairs", {"near": quiet, "far": loud}, ["first", "second"])
    assert not found.passed and found.measured == "9.0 standard errors"
    assert found.detail == "worst: first with second, far"
    assert found.expected == f"<= {doctor._bound(8):.1f}"
    assert doctor._independent("pairs", {"near": quiet, "far": loud / 2}, ["first", "second"]).passed


def test_runs_are_found_at_any_offset_also_mirrored():
    rows = np.array([[5, 1, 2, 3, 9, 8], [7, -1, -2, -3, 4, 6]])
    first, second = doctor._window_hashes(rows, 3).reshape(2, 4)
    assert first[1] == second[1] and len({*first.tolist(), *second.tolist()}) == 7
    assert len(doctor._window_hashes(rows, 6)) == 2 and len(doctor._window_hashes(rows, 7)) == 0


def test_streams_are_the_numbers_that_the_noise_is_made_of():
    params = {"stack": jnp.full((2, 12, 30), 0.3), "off": jnp.ones(3), "vector": jnp.ones(7)}
    es = eggroll(rank=4, sigma=0.2, leaves=LeafRules(stacked={"stack": 1}, frozen=("off",)))
    sample = doctor.sampler(es, params, 8)(5, 3, np.arange(200))
    assert set(sample.noise) == {"stack", "vector"}
    assert set(sample.streams) == {"vector", *(f"stack[{layer}].{side}" for layer in range(2) for side in "ab")}
    for name, x in sample.streams.items():
        assert abs(x[::2].var() - 1) < 0.15, name
    for layer in range(2):
        a, b = (sample.streams[f"stack[{layer}].{side}"].reshape(200, 4, -1) for side in "ab")
        sign = np.where(np.arange(200) % 2, -1, 1)[:, None, None]
        formed = sign * np.einsum("nrm,nrk->nmk", a, b) / 2
        np.testing.assert_allclose(sample.noise["stack"].reshape(200, 2, 12, 30)[:, layer], formed, atol=1e-4)
    np.testing.assert_allclose(np.abs(sample.noise["vector"]), np.abs(sample.streams["vector"]), atol=1e-6)
    assert doctor._vector(es, params).shape == (2 * 12 * 30 + 7,)


def test_prefixes_are_padded_and_what_is_joined_is_thinned():
    sample = doctor.Sample({}, {"short": np.ones((3, 10)), "long": np.full((3, 2000), 2.0)})
    found = doctor._prefixes(sample)
    assert found.shape == (2, 3, 64) and (found[0, :, :10] == 1).all() and not found[0, :, 10:].any()
    assert (found[1] == 2).all()
    assert doctor._joined(sample).shape == (1, 3, 503)  # every fourth of 2010


@pytest.mark.parametrize(
    ("fault", "worst"),
    [("mean", "mean"), ("variance", "variance"), ("skew", "third moment"), ("fourth", "fourth moment")],
)
def test_each_moment_is_judged(fault, worst):
    def draw(seed, generation, members):
        rng = np.random.default_rng((seed, generation))
        x = rng.normal(size=(len(members), 100))
        if fault == "mean":
            x = x + 0.05
        elif fault == "variance":
            x = 1.05 * x
        elif fault == "skew":
            x = (rng.gamma(100.0, size=x.shape) - 100.0) / 10.0
        else:  # the fourth moment of a matrix of rank 1, 9
            x = x * rng.normal(size=x.shape)
        return doctor.Sample({"w": x}, {})

    findings = doctor.check_moments(draw, 0, {"w": None})
    assert next(finding.name for finding in findings if not finding.passed) == f"{worst} of E"
    assert [finding.expected for finding in findings] == ["0", "1", "0", "3"]
    if fault == "fourth":
        assert all(finding.passed for finding in doctor.check_moments(draw, 0, {"w": 1}))
        of_rank = [
            doctor.check_moments(draw, 0, {"w": rank}, kurtosis=k)[-1].expected for rank, k in ((2, 3.0), (2, 1.0))
        ]
        assert of_rank == ["6", "2"]
