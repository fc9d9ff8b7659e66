"""How leaves are labelled, by path and shape alone, and what is refused with which words."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eggroll_ray.es.eggroll import eggroll
from eggroll_ray.es.leaves import Kind, Leaf, LeafRules, label_leaves
from eggroll_ray.lowrank.interpreter import lift
from eggroll_ray.lowrank.rule import UnsupportedPrimitiveError


def struct(*shape, dtype=jnp.float32):
    return jax.ShapeDtypeStruct(shape, dtype)


def label(params, rank=1, **rules):
    leaves = label_leaves(params, rank, LeafRules(**rules))
    return {leaf.path: leaf for leaf in leaves}


def kinds(params, rank=1, **rules):
    return {path: leaf.kind for path, leaf in label(params, rank, **rules).items()}


# --- kinds ---------------------------------------------------------------------------------------


def test_leaves_come_in_the_order_of_jax_and_are_named_by_their_path():
    params = {"b": [struct(3), {"x": struct(9, 9)}], "a": (struct(4),)}
    leaves = label_leaves(params, 1, LeafRules())
    assert [leaf.path for leaf in leaves] == ["a/0", "b/0", "b/1/x"]
    assert [leaf.shape for leaf in leaves] == [x.shape for x in jax.tree.leaves(params)]
    assert label_leaves(struct(9, 9), 1, LeafRules())[0].path == ""


def test_arrays_of_any_sort_are_labelled_like_their_shapes():
    for params in (np.zeros((9, 7), np.float32), jnp.zeros((9, 7)), struct(9, 7)):
        leaf = label_leaves({"w": params}, 2, LeafRules())[0]
        assert (leaf.path, leaf.shape, leaf.kind) == ("w", (9, 7), Kind.LOW_RANK)
        assert jnp.dtype(leaf.dtype) == jnp.float32


@pytest.mark.parametrize(
    ("shape", "rank", "kind"),
    [
        ((), 1, Kind.DENSE),
        ((7,), 1, Kind.DENSE),
        ((1, 9), 1, Kind.DENSE),  # r (m + k) = 10 >= 9
        ((2, 2), 1, Kind.DENSE),  # 4 >= 4: no smaller
        ((2, 3), 1, Kind.LOW_RANK),  # 5 < 6
        ((8, 8), 4, Kind.DENSE),  # 64 >= 64
        ((8, 9), 4, Kind.LOW_RANK),  # 68 < 72
        ((8, 8), 3, Kind.LOW_RANK),
        ((64, 64), None, Kind.DENSE),
        ((4, 4, 4), 1, Kind.LOW_RANK),
        ((0, 5), 1, Kind.DENSE),
    ],
)
def test_a_matrix_is_low_rank_where_its_factors_are_smaller(shape, rank, kind):
    assert kinds({"w": struct(*shape), "other": struct(64, 64)}, rank)["w"] is kind


def test_rules_come_first_and_in_order():
    params = {"a": {"kernel": struct(9, 9), "bias": struct(9)}, "b": {"kernel": struct(9, 9)}, "c": struct(9, 9)}
    assert kinds(params, frozen=("*bias",), dense=("b/*",), densify=("c",)) == {
        "a/bias": Kind.FROZEN,
        "a/kernel": Kind.LOW_RANK,
        "b/kernel": Kind.DENSE,
        "c": Kind.DENSIFIED,
    }
    assert kinds(params, frozen=("b*",), dense=("b*",), densify=("b*",))["b/kernel"] is Kind.FROZEN
    assert kinds(params, dense=("b*",), densify=("b*",))["b/kernel"] is Kind.DENSE
    assert kinds({"w": struct(2, 2), "c": struct(9, 9)}, densify=("w",))["w"] is Kind.DENSIFIED  # however small
    assert set(kinds(params, None, densify=("c",)).values()) == {Kind.DENSE}


def test_a_pattern_matches_across_slashes_and_by_case():
    params = {"Layer": {"0": {"kernel": struct(9, 9)}}, "layer": struct(9, 9)}
    assert kinds(params, frozen=("Layer*",)) == {"Layer/0/kernel": Kind.FROZEN, "layer": Kind.LOW_RANK}
    assert kinds(params, frozen=("*/?/*",))["Layer/0/kernel"] is Kind.FROZEN


ODD_PATHS = (
    "w[0]",
    "w0",
    "w[1-3]",
    "w2",
    "a*b",
    "a/b",
    "axb",
    "what?",
    "whats",
    "['q']",
    'x"y',
    "l.0.w",
    "lx0xw",
    "\\d",
    "5",
)


@pytest.mark.parametrize("path", ODD_PATHS)
def test_the_path_of_a_leaf_is_a_pattern_that_names_it_alone(path):
    """As the messages propose: whatever the path holds, and whatever other leaves are called."""
    params = dict.fromkeys(ODD_PATHS, struct(9, 9))
    found = kinds(params, frozen=(path,))
    assert [name for name, kind in found.items() if kind is Kind.FROZEN] == [path]
    assert label(params, stacked={path: 1, "*": 0})[path].lead == 1


def test_brackets_stand_for_themselves():
    assert "matches no leaf; the leaves are w0. Brackets" in refused({"w0": struct(9, 9)}, frozen=("w[0]",))
    params = {"w[0]": struct(9, 9), "w[1]": struct(9, 9), "w0": struct(9, 9)}
    assert [k for k, kind in kinds(params, frozen=("w[*",)).items() if kind is Kind.FROZEN] == ["w[0]", "w[1]"]


@pytest.mark.parametrize("path", ODD_PATHS)
def test_the_pattern_that_an_error_proposes_ends_the_error(path):
    params = {**dict.fromkeys(ODD_PATHS, jnp.ones((9, 9))), "ids": jnp.ones(3, jnp.int32), "off[0]": jnp.ones(3, int)}
    with pytest.raises(ValueError) as caught:
        label_leaves(params, 1, LeafRules())
    assert proposed(caught.value).frozen == ("ids",)
    with pytest.raises(ValueError) as caught:
        label_leaves(params, 1, LeafRules(frozen=("ids",)))
    assert proposed(caught.value).frozen == ("off[0]",)
    es = eggroll(leaves=LeafRules(frozen=("ids", "off[0]")))
    member = jax.eval_shape(lambda: es.perturb(es.init(params, 0), jnp.int32(0)))
    for fn in (lambda p: jnp.exp(p[path]), lambda p: p[path], _changed_carry(path)):
        with pytest.raises((UnsupportedPrimitiveError, ValueError)) as caught:
            jax.eval_shape(lift(fn), member)
        rules = dataclasses.replace(proposed(caught.value), frozen=("ids", "off[0]"))
        leaves = label_leaves(params, 1, rules)
        assert [leaf.path for leaf in leaves if leaf.kind is Kind.DENSIFIED] == [path]


def test_the_error_of_a_combination_proposes_each_of_its_leaves():
    params = {"w[0]": jnp.ones((9, 9)), "w[1]": jnp.ones((9, 9))}
    es = eggroll()
    member = jax.eval_shape(lambda: es.perturb(es.init(params, 0), jnp.int32(0)))
    for join in (jnp.add, lambda x, y: jnp.concatenate([x, y])):
        with pytest.raises(UnsupportedPrimitiveError) as caught:
            jax.eval_shape(lift(lambda p: jnp.exp(join(p["w[0]"], p["w[1]"]))), member)  # noqa: B023
        assert proposed(caught.value).densify == ("w[0]", "w[1]")


def _changed_carry(path):
    return lambda p: jax.lax.scan(lambda w, _: (w * 0.5, None), p[path], None, length=2)[0] @ jnp.ones(9)


def proposed(error):
    """The rules that a message says to use."""
    return eval(re.search(r"LeafRules\(\w+=\(.*?\)\)", str(error))[0], {"LeafRules": LeafRules})


def test_an_integer_leaf_may_be_frozen():
    params = {"ids": struct(9, 9, dtype=jnp.int32), "w": struct(9, 9, dtype=jnp.bfloat16)}
    assert kinds(params, frozen=("ids",)) == {"ids": Kind.FROZEN, "w": Kind.LOW_RANK}


# --- the split into a matrix ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "matrix"),
    [
        ((6, 10), (6, 10)),
        ((3, 3, 16, 32), (144, 32)),  # HWIO: a convolution of Flax
        ((5, 16, 32), (80, 32)),  # WIO
        ((3, 3, 1, 32), (9, 32)),  # depthwise, HWIO
        ((32, 16, 3, 3), (32, 144)),  # OIHW: PyTorch, Equinox
        ((32, 1, 3, 3), (32, 9)),  # depthwise, OIHW
        ((64, 4, 16), (64, 64)),  # attention, query: width x (heads x width of a head)
        ((4, 16, 64), (64, 64)),  # attention, output: (heads x width of a head) x width
        ((8, 8, 8), (64, 8)),
    ],
)
def test_kernels_are_factored_as_a_matrix(shape, matrix):
    leaf = label({"w": struct(*shape)})["w"]
    assert leaf.matrix_shape == matrix
    assert (leaf.kind, leaf.lead) == (Kind.LOW_RANK, 0)
    assert np.prod(shape[: len(shape) - leaf.columns]) == matrix[0]


@pytest.mark.parametrize(
    ("shape", "lead", "matrix"),
    [
        ((12, 64, 32), 1, (64, 32)),
        ((12, 64, 4, 16), 1, (64, 64)),
        ((12, 3, 3, 16, 32), 1, (144, 32)),
        ((2, 6, 64, 32), 2, (64, 32)),
    ],
)
def test_stacked_layers_keep_their_leading_axes(shape, lead, matrix):
    leaf = label({"layers": {"w": struct(*shape)}}, 4, stacked={"layers/*": lead})["layers/w"]
    assert (leaf.kind, leaf.lead, leaf.matrix_shape) == (Kind.LOW_RANK, lead, matrix)


def test_stacked_vectors_are_dense_and_the_size_of_one_layer_decides():
    params = {"layers": {"bias": struct(12, 64), "tiny": struct(12, 2, 2), "w": struct(12, 64, 32)}}
    found = label(params, stacked={"layers/*": 1})
    assert [leaf.kind for leaf in found.values()] == [Kind.DENSE, Kind.DENSE, Kind.LOW_RANK]
    assert (
        label({"layers": {"scale": struct(12, 64)}})["layers/scale"].kind is Kind.LOW_RANK
    )  # a matrix, unless stacked


def test_a_leaf_called_bias_is_dense_whatever_its_shape():
    params = {
        "q": {"bias": struct(8, 64), "biases": struct(8, 64)},
        "bias": struct(9, 9, 9),
        "bias_scale": struct(8, 64),
    }
    dense = [path for path, kind in kinds(params).items() if kind is Kind.DENSE]
    assert dense == ["bias", "q/bias"]


def test_the_first_of_two_stacking_patterns_counts():
    params = {"layers": {"w": struct(2, 6, 64, 32)}}
    assert label(params, stacked={"layers/w": 2, "*": 1})["layers/w"].lead == 2


def test_matrix_shape_of_a_vector_is_one_column():
    assert Leaf("b", (7,), jnp.float32, Kind.DENSE).matrix_shape == (7, 1)
    assert Leaf("s", (), jnp.float32, Kind.DENSE).matrix_shape == (1, 1)


# --- what is refused: the value, the rule and the remedy -------------------------------------------


def refused(params, rank=1, **rules):
    with pytest.raises(ValueError) as caught:
        label(params, rank, **rules)
    return str(caught.value)


def test_a_rank_above_everything():
    text = refused({"a": struct(6, 4), "b": struct(5, 3), "bias": struct(100)}, 5)
    assert text == (
        "rank=5 is above min(m, k) = 4 of the largest matrix; choose a rank of at most 4, or openai_es for dense noise."
    )
    assert label({"a": struct(6, 4)}, 4)["a"].kind is Kind.DENSE
    assert label({"bias": struct(100)}, 5)["bias"].kind is Kind.DENSE  # no matrix at all: nothing to warn of


def test_a_rank_is_compared_with_the_matrix_of_a_kernel():
    label({"w": struct(3, 3, 5, 21)}, 21)
    assert "min(m, k) = 21" in refused({"w": struct(3, 3, 5, 21)}, 22)
    assert "min(m, k) = 8" in refused({"w": struct(50, 8, 9)}, 9, stacked={"w": 1})


def test_a_frozen_matrix_does_not_make_room_for_a_rank():
    assert "rank=50 is above" in refused({"a": struct(6, 4), "off": struct(99, 99)}, 50, frozen=("off",))


@pytest.mark.parametrize("name", ["frozen", "dense", "densify"])
def test_a_pattern_that_matches_nothing(name):
    text = refused({"layer": {"kernel": struct(6, 4), "bias": struct(4)}}, **{name: ("layers/*",)})
    assert text == "pattern 'layers/*' matches no leaf; the leaves are layer/bias, layer/kernel."


def test_a_stacking_pattern_that_matches_nothing():
    assert "pattern 'x' matches no leaf" in refused({"w": struct(6, 4)}, stacked={"x": 1})


@pytest.mark.parametrize("dtype", [jnp.int8, jnp.int32, jnp.uint32, jnp.bool_, jnp.complex64])
def test_a_leaf_that_cannot_carry_noise(dtype):
    text = refused({"w": struct(6, 4), "ids": struct(3, dtype=dtype)})
    assert text == (
        f"leaf 'ids' has dtype {jnp.dtype(dtype)}, which cannot carry noise; "
        "freeze it with LeafRules(frozen=('ids',)) or keep it out of params."
    )


@pytest.mark.parametrize("leaf", [1.5, "relu", jnp.tanh])
def test_a_leaf_that_is_no_array(leaf):
    text = refused({"w": struct(6, 4), "other": leaf})
    assert text.startswith(f"leaf 'other' is a {type(leaf).__name__}, not an array; keep what is not an array out ")
    assert "eqx.partition(model, eqx.is_inexact_array)" in text


def test_two_leaves_of_one_path():
    text = refused({"a": {"b": struct(6, 4)}, "a/b": struct(6, 4)})
    assert text == "two leaves are called 'a/b'; rename one: noise is keyed by the path."


@pytest.mark.parametrize("name", ["frozen", "dense", "densify"])
def test_a_string_in_place_of_a_tuple(name):
    with pytest.raises(ValueError) as caught:
        LeafRules(**{name: "layer/*"})
    assert str(caught.value) == f"{name}='layer/*' must be a tuple of patterns; write ('layer/*',)."


def test_every_leaf_frozen():
    text = refused({"b": struct(4), "w": struct(6, 4)}, frozen=("*",))
    assert text == "every leaf is frozen (b, w): there is nothing to evolve."


@pytest.mark.parametrize("params", [{}, [], None, {"a": None}])
def test_no_parameters(params):
    text = refused(params)
    assert text == "params has no arrays: there is nothing to evolve; pass the model's parameters."


@pytest.mark.parametrize("lead", [-1, 3])
def test_more_stacked_axes_than_there_are_or_fewer_than_none(lead):
    assert str(lead) in refused({"w": struct(6, 4)}, stacked={"w": lead})


def test_random_keys_are_frozen_as_they_are():
    keys = {
        "one": jax.random.key(0),
        "shape": jax.eval_shape(lambda: jax.random.split(jax.random.key(0, impl="rbg"), 3)),
    }
    found = label({"w": struct(9, 9), **keys})
    assert [found[name].kind for name in ("one", "shape", "w")] == [Kind.FROZEN, Kind.FROZEN, Kind.LOW_RANK]
    assert found["shape"].shape == (3,)
    with pytest.raises(ValueError, match="leaf 'old' has dtype uint32, which cannot carry noise"):
        label({"w": struct(9, 9), "old": jax.random.PRNGKey(0)})  # could be anything
