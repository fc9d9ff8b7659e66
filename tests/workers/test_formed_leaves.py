"""Which leaves are formed because an operation without a low-rank rule uses them, and what is said of it."""

import jax
import jax.numpy as jnp
import pytest
from jax import lax

import eggroll_ray as er
from eggroll_ray.es.leaves import Kind
from eggroll_ray.lowrank.rule import UnsupportedPrimitiveError
from eggroll_ray.workers.formed_leaves import check_evaluation, describe

PARAMS = {name: jnp.ones((6, 5)) for name in ("w", "u", "w[0]")} | {"b": jnp.ones(5), "small": jnp.ones((5, 3))}
X = jnp.ones(6)


def strategy(**rules):
    return er.eggroll(leaves=er.LeafRules(on_unsupported="densify", **rules))


def changed_carry(p):
    return (X @ lax.scan(lambda w, _: (w * 0.5, None), p["w"], None, length=2)[0]).sum()


def inside(p):
    body = jax.checkpoint(lambda c, _: (c + X @ jnp.exp(p["w"]), None))
    return lax.scan(body, jnp.zeros(5), None, length=2)[0].sum() + (X @ p["u"]).sum()


def branch(p):
    return (X @ lax.cond(p["b"].sum() > 0, lambda: p["w"], lambda: -p["w"])).sum()


# What is done, and the leaves that must be formed for it.
USES = {
    "nothing": (lambda p: (X @ p["w"]).sum() + (p["u"] ** 2).sum(), ()),
    "magnitudes": (lambda p: jnp.abs(p["w"]).sum() + (X @ p["u"]).sum(), ("w",)),
    "mask": (lambda p: (X @ (p["w"] * jnp.tril(jnp.ones((6, 5))))).sum() + (X @ p["u"]).sum(), ("w",)),
    "tril": (lambda p: (X @ jnp.tril(p["w"])).sum() + jnp.where(jnp.eye(6, 5) > 0, p["u"], 0.0).sum(), ("u", "w")),
    "exp": (lambda p: (X @ -jnp.exp(p["w[0]"])).sum() + (X @ p["w"]).sum(), ("w[0]",)),
    "softmax": (lambda p: (X @ jax.nn.softmax(p["w"], axis=0)).sum() + (X @ p["u"]).sum(), ("w",)),
    "of a sum": (lambda p: jnp.exp(p["w"] + 2 * p["u"]).sum() + (X @ p["w[0]"]).sum(), ("u", "w")),
    "of a square": (lambda p: jnp.sqrt(p["w"] ** 2 + p["u"] * p["u"] + 1).sum(), ("u", "w")),
    "merged": (lambda p: p["w"].reshape(30)[:7].sum() + (X @ p["u"]).sum(), ("w",)),
    "carry": (changed_carry, ("w",)),
    "branch": (branch, ("w",)),
    "inside": (inside, ("w",)),
    "one after the other": (lambda p: jnp.einsum("mk,kj->mkj", p["w"], p["small"]).sum(), ("small", "w")),
}


@pytest.mark.parametrize("name", USES)
def test_those_are_formed_that_need_it(name):
    fn, expected = USES[name]
    evaluator = er.from_fitness(lambda params, key: fn(params), PARAMS)
    shapes = jax.eval_shape(lambda: strategy().init(PARAMS, 0))
    settled, formed = check_evaluation(evaluator, strategy(), shapes)
    assert tuple(leaf.path for leaf in formed) == expected
    assert {leaf.path for leaf in settled.label(PARAMS) if leaf.kind is Kind.DENSIFIED} == set(expected)
    assert settled.settings == strategy(densify=expected).settings
    evaluator.check(settled.perturb, shapes)
    if expected:
        with pytest.raises(UnsupportedPrimitiveError):
            check_evaluation(evaluator, er.eggroll(), shapes)


def test_it_says_which_why_and_how_many_bytes_and_refuses_too_many():
    evaluator = er.from_fitness(lambda params, key: jnp.abs(params["w"]).sum(), PARAMS)
    shapes = jax.eval_shape(lambda: strategy().init(PARAMS, 0))
    settled, formed = check_evaluation(evaluator, strategy(densify_limit=8 * 6 * 5 * 4), shapes)
    text = describe(settled, formed, 8)
    assert text == "'w' [6, 5]: primitive 'abs' has no low-rank rule. For the 8 members of a block they take 960 bytes"
    with pytest.raises(ValueError, match=r"1,200 bytes, more than densify_limit=960. Choose a smaller block_size"):
        describe(settled, formed, 10)


def test_settings_name_it_only_where_it_is_used():
    assert set(er.eggroll().settings["leaves"]) == {"frozen", "dense", "densify", "stacked"}
    assert strategy().settings["leaves"]["on_unsupported"] == "densify"
    assert "densify_limit" not in strategy().settings["leaves"]


@pytest.mark.parametrize(("rules", "message"), [({"on_unsupported": "form"}, "'form'"), ({"densify_limit": -1}, "-1")])
def test_values_out_of_range(rules, message):
    with pytest.raises(ValueError, match=message):
        er.LeafRules(**rules)
