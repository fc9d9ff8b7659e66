"""The doctor as a whole: real strategies pass, and what it cannot measure it says."""

import jax.numpy as jnp
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
