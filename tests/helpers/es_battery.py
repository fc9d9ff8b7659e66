"""The contract of `ES`: what every strategy must do, whatever its constructor and options."""

import functools
import json

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np

from eggroll_ray.es.leaves import Kind
from eggroll_ray.es.record import ES, ESState
from eggroll_ray.lowrank.parameter import LowRank, Noised, densify, is_perturbed

MEMBERS = 12
METRICS = {"gradient_norm", "update_norm", "update_ratio", "sigma", "invalid_members"}


def parameters():
    """One leaf of every sort: odd, twins of one shape, bfloat16, vector, integer."""
    rng = np.random.default_rng(7)

    def draw(shape, dtype=jnp.float32):
        return jnp.asarray(rng.normal(size=shape), dtype)

    return {
        "attention": {"kernel": draw((19, 17)), "twin": draw((19, 17))},
        "half": draw((23, 18), jnp.bfloat16),
        "layers": [draw((11,))],
        "table": jnp.arange(6, dtype=jnp.int32).reshape(2, 3),
    }


def float_leaves(tree):
    """Floating-point leaves as one float64 vector."""
    leaves = [x for x in jax.tree.leaves(tree) if jnp.issubdtype(x.dtype, jnp.floating)]
    return np.concatenate([np.asarray(x, np.float64).ravel() for x in leaves])


def former(es: ES, n: int):
    """A compiled function of a state: the formed parameters of its first n members, leaves `(n, ...)`."""
    return _former(es.perturb, n)


@functools.lru_cache(4)
def _former(perturb, n: int):
    @jax.jit
    def form(state: ESState):
        members = jnp.arange(n, dtype=jnp.int32)
        return jax.vmap(lambda i: densify(perturb(state, i)))(members)

    return form


def battery(es: ES) -> None:
    """Checks a strategy that freezes "table" (an integer leaf) of `parameters()`."""
    params = parameters()
    with jax.numpy_dtype_promotion("standard"):  # optax relies on it for a tree of mixed dtypes
        state = es.init(params, 3)
    form = former(es, MEMBERS)
    _check_init(es, params, state)
    _check_perturb(es, state, form)
    _check_noise(state, form)
    _check_update(es, state)


def _check_init(es, params, state):
    assert isinstance(state, ESState)
    assert (int(state.seed), int(state.generation)) == (3, 0)
    assert (state.seed.dtype, state.generation.dtype) == (jnp.uint32, jnp.int32)
    _same_bits(state.params, params)
    labels = es.label(params)
    assert [leaf.shape for leaf in labels] == [x.shape for x in jax.tree.leaves(params)]
    assert len({leaf.path for leaf in labels}) == len(labels)
    assert [leaf.path for leaf in labels if leaf.kind is Kind.FROZEN] == ["table"]
    assert es.label(jax.eval_shape(lambda: params)) == labels  # of shapes alone
    json.dumps(es.settings)
    assert cloudpickle.loads(cloudpickle.dumps(es)).settings == es.settings  # as workers get it
    for seed in (-1, 2**32):
        try:
            es.init(params, seed)
        except ValueError as error:
            assert str(seed) in str(error)
        else:
            raise AssertionError(f"seed {seed} was taken")


def _check_perturb(es, state, form):
    """Structure and types of one member, formed and not."""
    member = jax.eval_shape(es.perturb, state, jnp.int32(3))
    leaves = jax.tree.leaves(member, is_leaf=is_perturbed)
    for leaf, mean, label in zip(leaves, jax.tree.leaves(state.params), es.label(state.params), strict=True):
        if label.kind is Kind.FROZEN:
            assert (leaf.shape, leaf.dtype) == (mean.shape, mean.dtype)
        elif label.kind is Kind.LOW_RANK:
            assert isinstance(leaf, LowRank) and leaf.path == label.path
            assert leaf.a.dtype == leaf.b.dtype == mean.dtype
            assert (leaf.w.shape, leaf.w.dtype) == (mean.shape, mean.dtype)
        else:
            assert isinstance(leaf, Noised)
    formed = jax.device_get(form(state))
    assert _types(jax.tree.map(lambda x: x[3], formed)) == _types(state.params)
    np.testing.assert_array_equal(formed["table"], np.stack([state.params["table"]] * MEMBERS))


def _check_noise(state, form):
    """Twins mirror each other; pairs, leaves, generations and seeds differ; the parameters do not matter."""
    zero = state._replace(params=jax.tree.map(jnp.zeros_like, state.params))
    formed = jax.device_get(form(zero))
    for leaf in jax.tree.leaves(formed):
        np.testing.assert_array_equal(leaf[0::2], -leaf[1::2])
    numbers = formed["attention"]["kernel"]
    assert len(np.unique(numbers[0::2].reshape(MEMBERS // 2, -1), axis=0)) == MEMBERS // 2
    assert not np.array_equal(numbers, formed["attention"]["twin"])
    for other in (zero._replace(seed=jnp.uint32(4)), zero._replace(generation=jnp.int32(100))):
        assert not np.array_equal(form(other)["attention"]["kernel"], numbers)
    mean = jax.tree.map(lambda x: np.stack([x] * MEMBERS), jax.device_get(state.params))
    at_mean = float_leaves(form(state)) - float_leaves(mean)
    np.testing.assert_allclose(at_mean, float_leaves(formed), atol=0.05)  # bfloat16 rounds the sum


def _check_update(es, state):
    traces = []

    @jax.jit
    def update(state, fitness):
        traces.append(1)
        with jax.numpy_dtype_promotion("standard"):
            return es.update(state, fitness)

    rng, types = np.random.default_rng(0), _types(state)
    for generation in range(3):
        before, fitness = state, jnp.asarray(rng.normal(size=MEMBERS), jnp.float32)
        state, metrics = update(state, fitness)
        assert _types(state) == types
        assert (int(state.generation), int(state.seed)) == (generation + 1, 3)
        assert METRICS <= set(metrics)
        assert all(np.shape(x) == () and np.isfinite(float(x)) for x in metrics.values())
        assert int(metrics["invalid_members"]) == 0
        assert np.isfinite(float_leaves(state.params)).all()
        for (path, x), y in zip(
            jax.tree_util.tree_flatten_with_path(before.params)[0], jax.tree.leaves(state.params), strict=True
        ):
            frozen = path[0].key == "table"
            assert np.array_equal(np.asarray(x), np.asarray(y)) == frozen, jax.tree_util.keystr(path)
    assert len(traces) == 1, "the second generation was traced anew"

    lost = jnp.full((MEMBERS,), jnp.nan)
    after, metrics = update(state, lost)
    assert np.isfinite(float_leaves(after.params)).all()
    assert float(metrics["gradient_norm"]) == 0 and int(metrics["invalid_members"]) == MEMBERS


def _types(tree):
    return jax.tree.structure(tree), [(x.shape, x.dtype) for x in jax.tree.leaves(tree)]


def _same_bits(one, two):
    assert jax.tree.structure(one) == jax.tree.structure(two)
    for x, y in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        x, y = np.asarray(x), np.asarray(y)
        assert (x.dtype, x.shape, x.tobytes()) == (y.dtype, y.shape, y.tobytes())
