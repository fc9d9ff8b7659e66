"""`lift` against the oracle: the same function on explicitly formed matrices."""

import collections
import dataclasses
import functools
import math
import re
from collections.abc import Callable
from typing import Any
from unittest import mock

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from jax.interpreters import partial_eval
from lifted_policies import (
    POLICIES,
    mlp_apply,
    mlp_params,
    perturb,
    transformer_apply,
    transformer_params,
)
from marks import mostly_slow

from eggroll_ray.compiling.jaxprs import called
from eggroll_ray.lowrank.interpreter import lift
from eggroll_ray.lowrank.parameter import LowRank, Noised, densify, is_perturbed, low_rank, member_axes, twin_axes
from eggroll_ray.lowrank.rule import UnsupportedPrimitiveError
from eggroll_ray.lowrank.tuning import CPU, TUNINGS
from eggroll_ray.models import policies

pytestmark = pytest.mark.usefixtures("compile_quickly")

MEMBERS, STEPS = 3, 2
# Compilation is nearly all of the time of these tests.
quick_jit = functools.partial(
    jax.jit,
    compiler_options={
        "xla_backend_optimization_level": 0,
        "xla_llvm_disable_expensive_passes": True,
    },
)


class Case:
    """A policy on perturbed arrays: lifted, and the dense oracle compiled once."""

    def __init__(self, name: str):
        policy = POLICIES[name]()
        arrays, static = eqx.partition(policy.params, eqx.is_array)

        def full(perturbed: Any) -> Any:
            return eqx.combine(perturbed, static, is_leaf=is_perturbed)

        def oracle(perturbed: Any, *inputs: Any) -> Any:
            return policy.fn(full(densify(perturbed)), *inputs)

        def draw(key: Any) -> Any:
            return perturb(arrays, key, policy.stacked)

        self.axes = member_axes(jax.eval_shape(draw, jax.random.key(0)))
        self.lifted = lambda perturbed, *inputs: lift(policy.fn)(full(perturbed), *inputs)
        self.oracle = quick_jit(oracle)
        self.inputs, self.tolerance = policy.inputs, policy.tolerance
        keys = jax.random.split(jax.random.key(8), MEMBERS)
        self.stacked = quick_jit(jax.vmap(draw, out_axes=self.axes))(keys)

    def member(self, index: int) -> Any:
        """The perturbed parameters of one member, taken out of those of all."""
        axes = jax.tree.leaves(self.axes, is_leaf=lambda x: x is None)
        # None stands for an absent leaf, too: pair the axes with leaves of a tree that keeps them.
        leaves, tree = jax.tree.flatten(self.stacked, is_leaf=lambda x: x is None)
        taken = [
            leaf if axis is None else jnp.asarray(np.asarray(leaf)[index])
            for leaf, axis in zip(leaves, axes, strict=True)
        ]
        return jax.tree.unflatten(tree, taken)


case = functools.cache(Case)


def stack(trees: list[Any]) -> Any:
    return jax.tree.map(lambda *xs: np.stack([np.asarray(x) for x in xs]), *trees)


def assert_close(actual: Any, expected: Any, tolerance: float = 1e-4) -> None:
    for x, y in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        wide = np.complex64 if np.iscomplexobj(x) else np.float32
        x, y = np.asarray(x, wide), np.asarray(y, wide)
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)


OF_OTHER_RANKS = (  # products and sums of whose weights have other ranks than these
    "norms",
    "low_rank_adapters",
    "own_products",
    "s5",
    "weight_norm",
    "linen_weight_norm",
    "nnx_weight_norm",
    "eqx_weight_norm",
)
SLOW_TO_COMPILE = (
    *("linen_conv", "linen_lstm", "linen_gru", "linen_attention", "linen_dense", "nnx", "eqx_conv"),
    *("transformer", "transformer_bf16", "conv_bf16"),
    *OF_OTHER_RANKS,
    "positions",
)


@pytest.mark.parametrize(
    "name", mostly_slow(POLICIES, quick=[name for name in POLICIES if name not in SLOW_TO_COMPILE])
)
def test_matches_dense(name: str):
    one = case(name)
    perturbed = one.member(0)
    expected = one.oracle(perturbed, *one.inputs)
    assert_close(quick_jit(one.lifted)(perturbed, *one.inputs), expected, one.tolerance)


@pytest.mark.parametrize("name", ["mlp", "transformer", "cond", "scales", "while_carry"])
def test_matches_dense_outside_jit(name: str):
    one = case(name)
    perturbed = one.member(0)
    expected = one.oracle(perturbed, *one.inputs)
    assert_close(one.lifted(perturbed, *one.inputs), expected, one.tolerance)


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_complex_products_of_any_rank(rank: int):
    policy = POLICIES["complex"]()
    perturbed = perturb(policy.params, jax.random.key(0), rank=rank)
    assert_close(quick_jit(lift(policy.fn))(perturbed, *policy.inputs), policy.fn(densify(perturbed), *policy.inputs))


@pytest.mark.parametrize("name", POLICIES)
def test_members_in_rollout(name: str):
    """`vmap` over members of a scan over steps, each member with inputs of its own."""
    one = case(name)

    def input_at(x: Any, member: int, step: int) -> Any:
        x = np.asarray(x)
        return x if x.dtype.kind == "i" else (x * (1 + 0.1 * member + 0.2 * step)).astype(x.dtype)

    def inputs_at(member: int, step: int) -> Any:
        return jax.tree.map(lambda x: input_at(x, member, step), one.inputs)

    def rollout(perturbed: Any, inputs: Any) -> Any:
        return lax.scan(lambda c, x: (c, one.lifted(perturbed, *x)), None, inputs)[1]

    inputs = stack([stack([inputs_at(m, t) for t in range(STEPS)]) for m in range(MEMBERS)])
    actual = quick_jit(jax.vmap(rollout, (one.axes, 0)))(one.stacked, inputs)
    for m in range(MEMBERS):
        expected = stack([one.oracle(one.member(m), *inputs_at(m, t)) for t in range(STEPS)])
        assert_close(jax.tree.map(lambda x: x[m], actual), expected, one.tolerance)  # noqa: B023


@pytest.mark.parametrize(
    "name",
    mostly_slow(POLICIES, quick=["mlp", "gathers", "scales", "sums", "conv_scaled", "eqx_mlp", "low_rank_adapters"]),
)
def test_twins_share_factors(name: str):
    """A pair's factors are held once, and each twin gets what its own explicit arrays give, whatever `fn` does."""
    one = case(name)
    signs = jnp.array([1.0, -1.0])

    def twins(perturbed: Any) -> Any:
        def member(sign: Any) -> Any:
            return jax.tree.map(lambda x: with_sign(x, sign), perturbed, is_leaf=is_perturbed)

        axes = twin_axes(jax.eval_shape(member, signs[0]))
        return jax.vmap(member, out_axes=axes)(signs), axes

    perturbed, axes = twins(one.member(0))
    in_axes = (axes, *(None for _ in one.inputs))
    actual = quick_jit(jax.vmap(one.lifted, in_axes))(perturbed, *one.inputs)
    both = [
        jax.tree.map(lambda x, sign=sign: with_sign(x, sign), one.member(0), is_leaf=is_perturbed) for sign in signs
    ]
    assert_close(actual, stack([one.oracle(member, *one.inputs) for member in both]), one.tolerance)


def with_sign(leaf: Any, sign: Any) -> Any:
    if isinstance(leaf, Noised):
        return Noised(leaf.value * (1 + 0.1 * sign).astype(leaf.value.dtype))
    return dataclasses.replace(leaf, sign=sign) if isinstance(leaf, LowRank) else leaf


@pytest.mark.parametrize("name", ["mlp", "transformer", "linen_conv", "gathers", "scales"])
def test_members_with_shared_inputs(name: str):
    one = case(name)
    in_axes = (one.axes, *(None for _ in one.inputs))
    actual = quick_jit(jax.vmap(one.lifted, in_axes))(one.stacked, *one.inputs)
    expected = stack([one.oracle(one.member(m), *one.inputs) for m in range(MEMBERS)])
    assert_close(actual, expected, one.tolerance)


# --- what is compiled ----------------------------------------------------------------------------


def compiled(fn: Callable[..., Any], axes: Any, *args: Any) -> Any:
    return quick_jit(jax.vmap(fn, (axes, 0))).lower(*args).compile()


def largest_array(text: str) -> int:
    shapes = re.findall(r"\b(?:f|bf|s|u|c|pred)\d*\[([\d,]+)\]", text)
    return max(math.prod(map(int, shape.split(","))) for shape in shapes)


def _big_mlp(members: int) -> tuple[Any, Any, Any, Any, int]:
    params = mlp_params((48, 64, 56))
    return mlp_apply, params, jnp.ones((members, 2, 48)), (), 48 * 64


def _big_transformer(members: int) -> tuple[Any, Any, Any, Any, int]:
    params = transformer_params(vocabulary=96, width=48)
    return transformer_apply, params, jnp.zeros((members, 3), jnp.int32), ("layers",), 48 * 48


def _big_scaled(members: int) -> tuple[Any, Any, Any, Any, int]:
    """Scales and vectors of the member's own, a predicate too: none may make `w` the member's."""

    def fn(params: Any, x: Any) -> Any:
        y = x @ (params["w"] * params["g"][None] * x.sum()) @ (params["u"] + params["b"][None])
        return lax.cond(y.sum() > 0, lambda y: y @ params["u"].T, lambda y: y @ params["u"].T, y)

    params = {"w": jnp.ones((48, 64)), "g": jnp.ones(64), "u": jnp.ones((64, 56))}
    return fn, {**params, "b": jnp.ones(56)}, jnp.ones((members, 2, 48)), (), 48 * 64


def _big_joined(members: int) -> tuple[Any, Any, Any, Any, int]:
    """A row of biases in the matrix, and products of the matrix with constants."""
    constant = np.ones((40, 48), np.float32)

    def fn(params: Any, x: Any) -> Any:
        one = jnp.concatenate([x, x[:, :1]], axis=1) @ jnp.concatenate([params["w"], params["b"][None]])
        gates = jax.nn.softmax(x[0, :3])
        experts = x @ jnp.einsum("e,emk->mk", gates, params["experts"]), x[0] @ (params["experts"].T @ gates).T
        return one, experts, jnp.einsum("bq,qk->bk", x[:, :40], jnp.einsum("qm,mk->qk", constant, params["w"]) * 2)

    params = {"w": jnp.ones((48, 64)), "b": jnp.ones(64), "experts": jnp.ones((3, 48, 64))}
    return fn, params, jnp.ones((members, 2, 48)), (), 40 * 64


@pytest.mark.parametrize(
    "make", [_big_joined, _big_mlp, pytest.param(_big_transformer, marks=pytest.mark.slow), _big_scaled]
)
@pytest.mark.parametrize("rank", [1, 4])
def test_no_matrix_per_member(make: Callable[..., Any], rank: int):
    members = 128
    fn, params, inputs, stacked, matrix = make(members)
    axes = member_axes(perturb(params, jax.random.key(0), stacked, rank))
    keys = jax.random.split(jax.random.key(0), members)
    draw = jax.vmap(lambda key: perturb(params, key, stacked, rank), out_axes=axes)
    perturbed = jax.eval_shape(draw, keys)
    lifted = compiled(lift(fn), axes, perturbed, inputs)
    assert largest_array(lifted.as_text()) < members * matrix
    if rank == 1:  # the same measure sees the matrices where they are formed
        dense = compiled(lambda p, x: fn(densify(p), x), axes, perturbed, inputs)
        assert largest_array(dense.as_text()) >= members * matrix
    if rank == 1 and make in (_big_mlp, _big_transformer):
        plain = compiled(fn, None, params, inputs)
        flops = [program.cost_analysis()["flops"] for program in (lifted, plain)]
        assert flops[0] < 1.3 * flops[1]


@pytest.mark.parametrize(
    ("name", "rank"),
    mostly_slow(
        [(name, rank) for name in OF_OTHER_RANKS for rank in (1, 4)],
        [(OF_OTHER_RANKS[0], 4), *((name, 1) for name in OF_OTHER_RANKS)],
    ),
)
def test_models_of_other_ranks_form_no_matrix(name: str, rank: int):
    """Their low-rank weights have at least 64 x 80 entries."""
    members, policy = 64, POLICIES[name]()
    arrays, static = eqx.partition(policy.params, eqx.is_array)

    def draw(key: Any) -> Any:
        return perturb(arrays, key, policy.stacked, rank)

    def fn(perturbed: Any) -> Any:
        return policy.fn(eqx.combine(perturbed, static, is_leaf=is_perturbed), *policy.inputs)

    axes, keys = member_axes(draw(jax.random.key(0))), jax.random.split(jax.random.key(0), members)
    perturbed = quick_jit(jax.vmap(draw, out_axes=axes))(keys)
    lifted = quick_jit(jax.vmap(lift(fn), (axes,))).lower(perturbed).compile()
    assert largest_array(lifted.as_text()) < members * 64 * 80
    expected = quick_jit(jax.vmap(lambda key: fn(densify(draw(key)))))(keys)
    assert_close(lifted(perturbed), expected, policy.tolerance)


ODD_RANK = 13  # of no axis, so that no factor looks like a matrix


def _zoo() -> dict[str, Callable[[], tuple[Any, Any, Any]]]:
    """For each model, made when asked for: what is lifted, perturbed parameters, inputs."""

    def lifted_policy(name: str) -> Callable[[], tuple[Any, Any, Any]]:
        def make() -> tuple[Any, Any, Any]:
            policy = POLICIES[name]()
            arrays, static = eqx.partition(policy.params, eqx.is_array)
            draw = functools.partial(perturb, arrays, stacked=policy.stacked, rank=ODD_RANK)
            fn = lambda p, *inputs: policy.fn(eqx.combine(p, static, is_leaf=is_perturbed), *inputs)  # noqa: E731
            return fn, draw, policy.inputs

        return make

    def model(policy: Any, *observation: int) -> Callable[[], tuple[Any, Any, Any]]:
        def make() -> tuple[Any, Any, Any]:
            x = jnp.ones(observation)
            params = jax.eval_shape(lambda: policy.init(jax.random.key(0), x, 6))
            params = jax.tree.map(lambda leaf: jnp.ones(leaf.shape, leaf.dtype), params)
            return (
                lambda p, *xs: policy.apply(p, *xs)[0],
                functools.partial(perturb, params, rank=ODD_RANK),
                (x, policy.initial_carry()),
            )

        return make

    models = {
        "mlp model": model(policies.mlp((19, 23)), 17),
        "gru model": model(policies.gru(19), 17),
        "cnn model": model(policies.cnn(7, 29), 8, 9, 3),
        "nature cnn model": model(policies.nature_cnn(31), 36, 40, 3),
        "log std model": model(policies.with_log_std(policies.mlp((19,))), 17),
    }
    return {**{name: lifted_policy(name) for name in POLICIES}, **models}


ZOO = _zoo()


@pytest.mark.parametrize("name", ZOO)
def test_no_model_of_the_zoo_has_an_array_of_its_matrix_for_every_member(name: str):
    fn, draw, inputs = ZOO[name]()
    members = 97
    keys = jax.random.split(jax.random.key(0), members)
    axes = member_axes(jax.eval_shape(draw, keys[0]))
    perturbed = jax.eval_shape(jax.vmap(draw, out_axes=axes), keys)
    stacked = jax.tree.map(lambda x: jnp.broadcast_to(x, (members, *x.shape)), inputs)
    plain = jax.tree.map(
        lambda x: x.w if isinstance(x, LowRank) else x, perturbed, is_leaf=lambda x: isinstance(x, LowRank)
    )
    own = jax.tree.map(lambda x: x.value if isinstance(x, Noised) else x, plain, is_leaf=is_perturbed)
    inside = [0 if isinstance(x, Noised) else None for x in jax.tree.leaves(plain, is_leaf=is_perturbed)]
    in_axes = jax.tree.unflatten(jax.tree.structure(own), inside)
    lows = [x for x in jax.tree.leaves(perturbed, is_leaf=is_perturbed) if isinstance(x, LowRank)]
    matrices = {_dims(x.shape, members) for x in lows if min(x.extent("row"), x.extent("col")) > 1}
    seen = _shapes_of_members(jax.vmap(lift(fn), (axes, *(0 for _ in inputs))), members, perturbed, *stacked)
    usual = _shapes_of_members(jax.vmap(fn, (in_axes, *(0 for _ in inputs))), members, own, *stacked)
    found = [
        dims for dims in seen - usual if any(not collections.Counter(m) - collections.Counter(dims) for m in matrices)
    ]
    assert not found, (found, matrices)


def _dims(shape: tuple[int, ...], members: int) -> tuple[int, ...]:
    return tuple(sorted(size for size in shape if size not in (1, members)))


def _shapes_of_members(fn: Callable[..., Any], members: int, *args: Any) -> set[tuple[int, ...]]:
    """The axes, sorted, of all arrays that a program makes for every member; what nothing uses is left out."""
    shapes: set[tuple[int, ...]] = set()

    def look(jaxpr: Any) -> None:
        for eqn in jaxpr.eqns:
            made = [var.aval.shape for var in eqn.outvars if hasattr(var.aval, "shape")]
            shapes.update(_dims(shape, members) for shape in made if members in shape)
            for inner in called(eqn.params):
                look(inner)

    jaxpr = jax.make_jaxpr(fn)(*args).jaxpr
    look(partial_eval.dce_jaxpr(jaxpr, [True] * len(jaxpr.outvars))[0])
    return shapes


# --- shapes and roles ----------------------------------------------------------------------------

_LETTERS = "abcdefg"


def _drawn_low_rank(data: Any, max_axes: int = 4) -> LowRank:
    """Any number of axes of any roles in any order; sizes are small and may be 1."""
    count = data.draw(st.integers(2, max_axes))
    roles = [
        "row",
        "col",
        *data.draw(st.lists(st.sampled_from(["lead", "row", "col"]), min_size=count - 2, max_size=count - 2)),
    ]
    roles = data.draw(st.permutations(roles))
    sizes = data.draw(st.lists(st.integers(1, 3), min_size=count, max_size=count))
    rng = np.random.default_rng(0)

    def factor(side: str) -> Any:
        lead = [n for n, role in zip(sizes, roles, strict=True) if role == "lead"]
        own = [n for n, role in zip(sizes, roles, strict=True) if role == side]
        return rng.normal(size=(*lead, 2, *own)).astype(np.float32)

    w = rng.normal(size=sizes).astype(np.float32)
    return LowRank(w, factor("row"), factor("col"), tuple(roles), ("drawn",))


def explicit(low: LowRank) -> np.ndarray:
    """The matrix by NumPy, from the definition."""
    rank_axis = low.ndim
    ids = [[rank_axis if i is None else i for i in low.factor_axes(side)] for side in ("row", "col")]
    a, b = np.asarray(low.a), np.asarray(low.b)
    return np.asarray(low.w) + np.einsum(a, ids[0], b, ids[1], list(range(low.ndim)))


# With few lanes the small arrays drawn here take the way of large ones.
@pytest.mark.parametrize(("lanes", "narrow"), [(32, 16), (2, 1)])
@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_any_dot_general(lanes: int, narrow: int, data: Any):
    with mock.patch.dict(TUNINGS, cpu=CPU._replace(lanes=lanes, narrow=narrow)):
        _check_dot_general(data)


def _check_dot_general(data: Any) -> None:
    low = _drawn_low_rank(data)
    axes = data.draw(st.permutations(range(low.ndim)))
    summed = data.draw(st.integers(1, low.ndim))
    batch = data.draw(st.integers(0, low.ndim - summed))
    w_sum, w_batch = axes[:summed], axes[summed : summed + batch]
    free = data.draw(st.integers(0, 2))
    order = data.draw(st.permutations([*w_sum, *w_batch, *(-1 - i for i in range(free))]))
    shape = [low.shape[i] if i >= 0 else 2 - i for i in order]
    x: Any = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    x_sum, x_batch = ([order.index(i) for i in group] for group in (w_sum, w_batch))
    flipped = data.draw(st.booleans())

    def fn(w: Any, x: Any) -> Any:
        if flipped:
            return lax.dot_general(w, x, ((w_sum, x_sum), (w_batch, x_batch)))
        return lax.dot_general(x, w, ((x_sum, w_sum), (x_batch, w_batch)))

    kept_rows, kept_cols = (
        math.prod(low.shape[i] for i in low.axes(side) if i in w_sum) == 1 for side in ("row", "col")
    )
    if kept_rows and kept_cols and min(low.extent("row"), low.extent("col")) > 1:
        with pytest.raises(UnsupportedPrimitiveError, match="dot_general"):
            lift(fn)(low, x)
    else:
        ids: Any = [i if i >= 0 else low.ndim - i for i in order]
        kept = [i for i in range(low.ndim) if i not in w_sum and i not in w_batch]
        rest, every = [i for i in ids if i > low.ndim], list(range(low.ndim))
        out: Any = [*w_batch, *((*kept, *rest) if flipped else (*rest, *kept))]
        expected = np.einsum(x, ids, explicit(low), every, out)
        assert_close(quick_jit(lift(fn))(low, x), expected)


@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize("rows", [1, 4, 5])
@pytest.mark.parametrize("size", [31, 32, 33, 64, 100])
def test_a_sum_of_any_length_is_whole(size: int, rows: int, rank: int):
    rng = np.random.default_rng(0)
    shapes = (rows, size), (size, 40), (rank, size), (rank, 40)
    x, w, a, b = (jnp.asarray(rng.normal(size=shape), jnp.float32) for shape in shapes)
    expected = np.asarray(x, np.float64) @ (np.asarray(w) + np.asarray(a, np.float64).T @ np.asarray(b))
    np.testing.assert_allclose(jax.jit(lift(jnp.matmul))(x, low_rank(w, a, b)), expected, rtol=1e-4, atol=1e-4)


@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_any_transpose_and_reshape(data: Any):
    """Transposes, splits axes in two, moves on, merges them again and sums with all of `x`."""
    low = _drawn_low_rank(data)
    order = data.draw(st.permutations(range(low.ndim)))
    groups: list[list[int]] = []
    for i in order:
        if groups and data.draw(st.booleans()):
            groups[-1].append(i)
        else:
            groups.append([i])
    shape = [math.prod(low.shape[i] for i in group) for group in groups]
    shape.insert(data.draw(st.integers(0, len(shape))), 1)
    split = [low.shape[i] for i in order]
    mixed = any(len({low.roles[i] for i in g if low.shape[i] > 1}) > 1 for g in groups)
    x = np.arange(math.prod(shape), dtype=np.float32).reshape(split) + 1

    def fn(w: Any) -> Any:
        merged = w.transpose(order).reshape(shape)
        return jnp.tensordot(merged.reshape(split), x, axes=len(split)), merged[None].sum()

    if mixed and min(low.extent("row"), low.extent("col")) > 1:
        with pytest.raises(UnsupportedPrimitiveError, match="merges axes of different roles"):
            lift(fn)(low)
    elif not low.axes("lead"):
        dense = explicit(low).transpose(order)
        assert_close(quick_jit(lift(fn))(low), ((dense * np.asarray(x)).sum(), dense.sum()), 1e-3)


# --- narrow types --------------------------------------------------------------------------------

NARROW = {
    "product": lambda w, x: x @ w,
    "product from the left": lambda w, x: w.T @ x.T,
    "convolution": lambda w, x: lax.conv_general_dilated(x.T[None], w.T[:, :, None], (1,), "SAME"),
    "rows": lambda w, x: w[jnp.arange(60)],
}


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
@pytest.mark.parametrize("name", NARROW)
def test_a_term_far_below_the_precision_of_a_narrow_type_is_seen(name: str, dtype: Any):
    """Outcomes move on average as float64 says; rounded to the nearest twice, most would not move at all."""
    members, rng, fn = 24, np.random.default_rng(0), NARROW[name]
    w, x = jnp.asarray(rng.normal(size=(60, 40)), dtype), jnp.asarray(rng.normal(size=(50, 60)), dtype)
    distance = float(jnp.finfo(dtype).eps)
    a = jnp.asarray(distance / 10 * rng.normal(size=(members, 1, 60)), dtype)
    b = jnp.asarray(rng.normal(size=(members, 1, 40)), dtype)
    axes = member_axes(low_rank(w, a[0], b[0], sign=jnp.float32(1)))

    def seen(sign: float) -> np.ndarray:
        signs = jnp.full(members, sign)
        perturbed = jax.vmap(lambda a, b, sign: low_rank(w, a, b, sign=sign), out_axes=axes)(a, b, signs)
        return np.asarray(quick_jit(jax.vmap(lift(fn), (axes, None)))(perturbed, x), np.float64)

    terms = np.einsum("nrm,nrk->nmk", np.asarray(a, np.float64), np.asarray(b, np.float64))
    exact = np.stack([np.asarray(fn(jnp.asarray(term, jnp.float32), x.astype(jnp.float32))) for term in terms])
    slope = ((seen(1.0) - seen(-1.0)) * exact).sum() / 2 / (exact**2).sum()
    assert abs(slope - 1) < 0.1


# --- errors --------------------------------------------------------------------------------------


def _matrix(path: str = "layers/0/kernel", m: int = 4, k: int = 4) -> LowRank:
    return low_rank(jnp.ones((m, k)), jnp.ones((2, m)), jnp.ones((2, k)), path=path)


ERRORS = {
    "exp": (lambda w, x: x @ jnp.exp(w), "'exp'"),
    "mask": (lambda w, x: x @ (w * x), "varies along rows and columns"),
    "square": (lambda w, x: x @ (w * w), "'dot_general' has no low-rank rule"),
    "cube": (lambda w, x: (w**3).sum(), "only the power 2 has a rule"),
    "product of three": (lambda w, x: (w * w * w).sum(), "not linear"),
    "square of a scaled one": (lambda w, x: ((w * x[0][None]) ** 2).sum(), "scaled by a value"),
    "square scanned": (lambda w, x: lax.scan(lambda c, v: (c, v.sum()), 0, w * w)[1], "held in parts"),
    "square and a weight": (lambda w, x: (w * w + w).sum(), "only squares and plain arrays"),
    "inverse": (lambda w, x: x / w, "not linear"),
    "two kept": (lambda w, x: jnp.einsum("mk,mk->mk", w, w), "rows and columns remain"),
    "outer": (lambda w, x: jnp.einsum("mk,i->mki", w, x[0]), "no row or column axis is summed"),
    "merge": (lambda w, x: w.reshape(2, 8), "merges axes of different roles"),
    "slice of a vector": (lambda w, x: w.reshape(16)[:3] @ x[0, :3], "'slice' has no low-rank rule"),
    "outer product of a vector": (lambda w, x: jnp.tensordot(w.reshape(16), x[0], 0), "laid out as one vector"),
    "cast": (lambda w, x: w.astype(jnp.int32), "neither a float nor complex"),
    "stacked": (lambda w, x: lax.scan(lambda c, _: (c, w), 0, x)[1], "stacked as an output"),
    "branch": (lambda w, x: lax.cond(x.sum() > 0, lambda: w, lambda: -w), "a branch returns it"),
    "input of convolution": (
        lambda w, x: lax.conv_general_dilated(w[None], x[None], (1,), "SAME"),
        "not the kernel",
    ),
    "kernel of batch groups": (
        lambda w, x: lax.conv_general_dilated(
            x[None].repeat(4, 0), w[None].transpose(1, 2, 0), (1,), "SAME", batch_group_count=4
        ),
        "batch_group_count",
    ),
    "other roles": (lambda w, x: w + w.T, "roles"),
    "other roles joined": (lambda w, x: jnp.concatenate([w, w.T]), "roles"),
    "scaled sum": (lambda w, x: w * x[0][None] + w, "scaled by a value that is not a constant"),
}


def _parts(lead: int, rows: int, *shape: int) -> LowRank:
    """A parameter with so many lead axes, then row axes."""
    split = lead + rows
    return low_rank(
        jnp.ones(shape), jnp.ones((*shape[:lead], 2, *shape[lead:split])), jnp.ones((*shape[:lead], 2, *shape[split:])),
        lead, "layers/0/kernel",
    )  # fmt: skip


def _convolve(x: Any, w: Any) -> Any:
    return lax.conv_general_dilated(x[None], w, (1,), "SAME")


# Each without its guard would give numbers, and wrong ones, or end somewhere inside.
GUARDS = {
    "sum along a scale": (_matrix(), lambda w, x: (w * x[0][:, None]).sum(0), "scaled by a value"),
    "sum over layers": (_parts(1, 1, 2, 4, 3), lambda w, x: x @ w.sum(0), "sums over a lead axis"),
    "scaled padding": (
        _matrix(),
        lambda w, x: x @ jnp.pad(w * x[0][None], ((0, 0), (1, 0)), constant_values=0.5),
        "scaled by a value",
    ),
    "matrix added to a scaled one": (_matrix(), lambda w, x: x @ (w * x[0][None] + jnp.eye(4)), "scaled by a value"),
    "scaled, joined": (_matrix(), lambda w, x: x @ jnp.concatenate([w * x[0][None], w], axis=1), "scaled by a value"),
    "scaled rows, filled": (
        _matrix(),
        lambda w, x: (w * x[0][None]).at[jnp.array([0, 9])].get(mode="fill", fill_value=7.0),
        "scaled by a value",
    ),
    "rows of every layer": (
        _parts(1, 1, 2, 4, 3),
        lambda w, x: jax.vmap(lambda w, i: w[i])(w, jnp.array([[0, 1], [2, 3]])),
        "batching dimensions",
    ),
    "the same for every index": (
        _matrix(),
        lambda w, x: jax.vmap(lambda i: lax.dynamic_slice(w, (i, 0), (4, 4)))(jnp.arange(2)),
        "repeats the whole parameter",
    ),
    "padding of the member's own": (
        _matrix(),
        lambda w, x: x @ jnp.pad(w, ((0, 0), (1, 0)), constant_values=x[0, 0]),
        "may differ between members",
    ),
    "matrix of the member's own, joined": (
        _matrix(),
        lambda w, x: x @ jnp.concatenate([w, x], axis=1),
        "may differ between members",
    ),
    "kernel of layers": (_parts(1, 1, 4, 4, 2), lambda w, x: _convolve(x, w), "lead axes"),
    "kernel with features in one factor": (_parts(0, 2, 4, 4, 2), lambda w, x: _convolve(x, w), "in the same factor"),
    "kernel with scaled places": (
        _parts(0, 1, 4, 4, 2),
        lambda w, x: _convolve(x, w * x[0, :2][None, None]),
        "not all, axes along which",
    ),
    "product over a part of what is scaled": (
        _parts(0, 2, 4, 2, 3),
        lambda w, x: jnp.einsum("bi,ijk->bjk", x, w * x[:, :2][:, :, None]),
        "not all, axes along which",
    ),
}


@pytest.mark.parametrize("name", [*ERRORS, *GUARDS])
def test_unsupported_operations_name_the_leaf_and_the_remedy(name: str):
    low, fn, message = GUARDS[name] if name in GUARDS else (_matrix(), *ERRORS[name])
    with pytest.raises(UnsupportedPrimitiveError, match=message) as caught:
        lift(fn)(low, jnp.ones((4, 4)))
    assert "layers/0/kernel" in str(caught.value)
    assert "densify=" in str(caught.value)


MEETINGS = {
    "product": lambda w, u: jnp.einsum("mk,kj->mkj", w, u),
    "product, the smaller first": lambda w, u: jnp.einsum("kj,km->jkm", u, w),
    "joined": lambda w, u: jnp.concatenate([w, u.T]),
    "convolution": lambda w, u: lax.conv_general_dilated(w[None], u.T[:, :, None], (1,), "SAME"),
}


@pytest.mark.parametrize("name", MEETINGS)
def test_where_two_parameters_meet_the_smaller_is_to_be_formed(name: str):
    with pytest.raises(UnsupportedPrimitiveError, match=r"densify=\('small',\)"):
        lift(MEETINGS[name])(_matrix("large"), _matrix("small", 4, 2))


def test_a_matrix_of_the_members_own_that_is_no_product_is_not_added():
    params = {"w": _matrix(), "own": Noised(jnp.ones((4, 4)))}
    with pytest.raises(UnsupportedPrimitiveError, match=r"'add' .*may differ between members.*'layers/0/kernel'"):
        lift(lambda p, x: x @ (p["w"] + jnp.tanh(p["own"])))(params, jnp.ones((4, 4)))


def test_returned_parameter_raises():
    with pytest.raises(ValueError, match="returns the low-rank parameter 'layers/0/kernel'"):
        lift(lambda params, x: (x, params))({"w": _matrix()}, jnp.ones(3))


@pytest.mark.parametrize("loop", ["scan", "while"])
def test_changed_carry_raises(loop: str):
    def fn(w: Any, x: Any) -> Any:
        if loop == "scan":
            return x @ lax.scan(lambda w, _: (w * 0.5, None), w, None, length=2)[0]
        return x @ lax.while_loop(lambda c: c[1] < 2, lambda c: (-c[0], c[1] + 1), (w, 0))[0]

    with pytest.raises(UnsupportedPrimitiveError, match=rf"'{loop}' .*its carry changes it.* 'layers/0/kernel'"):
        lift(fn)(_matrix(), jnp.ones((4, 4)))


def test_factors_that_do_not_fit_raise():
    with pytest.raises(ValueError, match=r"'w'.*\(2, 5\)"):
        low_rank(jnp.ones((4, 4)), jnp.ones((2, 5)), jnp.ones((2, 4)), path="w")


def test_member_axes_share_the_matrix():
    tree = {"w": _matrix(), "b": Noised(jnp.ones(3)), "c": jnp.ones(2)}
    axes = member_axes(tree)
    assert (axes["w"].w, axes["w"].a, axes["w"].b) == (None, 0, 0)
    assert (axes["b"].value, axes["c"]) == (0, None)
    assert twin_axes(tree)["w"].a is None and twin_axes(tree)["b"].value == 0


# --- arguments -----------------------------------------------------------------------------------


def test_arguments_pass_as_they_are():
    """Any argument may hold perturbed leaves; what is no array stays what it is."""

    def fn(x: Any, config: Any, *, params: Any) -> Any:
        assert config["mode"] == "twice" and type(config["n"]) is int
        for _ in range(config["n"]):
            x = config["activation"](x @ params["w"] + params["b"][None])
        return {"y": x, "none": None}

    params = {"w": _matrix(), "b": Noised(jnp.ones(4))}
    config = {"mode": "twice", "n": 2, "activation": jnp.tanh}
    actual = lift(fn)(jnp.ones((1, 4)), config, params=params)
    expected = fn(jnp.ones((1, 4)), config, params=densify(params))
    assert actual["none"] is None
    assert_close(actual["y"], expected["y"])


def test_untouched_equations_keep_their_derivative():
    """A custom derivative of a function that takes no parameter is bound, not run in place."""

    def fn(w: Any, x: Any) -> Any:
        return (jax.nn.relu(x) @ w).sum()

    x = jnp.array([[0.0, 1.0, -1.0, 2.0]])
    slope = jax.grad(lambda x: lift(fn)(_matrix(), x))(x)
    assert slope[0, 0] == 0.0  # relu's own rule at 0; the derivative of max would be half
    assert_close(slope, jax.grad(lambda x: fn(densify(_matrix()), x))(x))
