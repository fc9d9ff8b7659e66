"""Policies that `lift` must run unchanged, each with parameters and one set of inputs."""

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from flax import nnx
from jax import lax

from eggroll_ray.lowrank.parameter import Noised, low_rank

RANK = 2


class Policy(NamedTuple):
    """`fn(params, *inputs)`; parameters whose path contains a name in `stacked` have a lead axis."""

    fn: Callable[..., Any]
    params: Any
    inputs: tuple[Any, ...]
    stacked: tuple[str, ...] = ()
    tolerance: float = 1e-4


def perturb(params: Any, key: Any, stacked: tuple[str, ...] = (), rank: int = RANK) -> Any:
    """Parameters of one member: matrices low-rank, vectors noised, the rest as it is."""
    leaves, tree = jax.tree_util.tree_flatten_with_path(params)
    names = [jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in leaves]
    perturbed = []
    for i, (name, (_, leaf)) in enumerate(zip(names, leaves, strict=True)):
        is_float = eqx.is_inexact_array(leaf)
        lead = int(any(part in name for part in stacked))
        leaf_key = jax.random.fold_in(key, i)
        perturbed.append(_perturb_leaf(leaf, leaf_key, lead, rank, name) if is_float else leaf)
    return jax.tree.unflatten(tree, perturbed)


def _perturb_leaf(leaf: Any, key: Any, lead: int, rank: int, name: str) -> Any:
    keys = jax.random.split(key)
    if leaf.ndim - lead < 2:
        return Noised(leaf + 0.3 * jax.random.normal(key, leaf.shape, leaf.dtype))
    shape, first = leaf.shape[lead:], leaf.shape[lead]
    last = shape[-1]
    size = int(np.prod(shape))
    rows = 1 if min(first, size // first) > min(last, size // last) else len(shape) - 1
    sides = (shape[:rows], shape[rows:])
    dtype = leaf.dtype if jnp.issubdtype(leaf.dtype, jnp.complexfloating) else jnp.float32
    a, b = (jax.random.normal(k, (*leaf.shape[:lead], rank, *side), dtype) for k, side in zip(keys, sides, strict=True))
    return low_rank(leaf, 0.3 * a, b, lead, name)


def _normal(seed: int, *shape: int, dtype: Any = jnp.float32) -> jax.Array:
    scale, draw = shape[0] ** -0.5, np.random.default_rng(seed)
    numbers = draw.normal(size=shape)
    if jnp.issubdtype(dtype, jnp.complexfloating):
        numbers = numbers + 1j * draw.normal(size=shape)
    return jnp.asarray(scale * numbers, dtype)


def _filled(shapes: Any) -> Any:
    """Random arrays in place of shapes: compiling the initialisers would take most of the time."""
    rng = np.random.default_rng(0)

    def fill(x: Any) -> Any:
        if not isinstance(x, jax.ShapeDtypeStruct):
            return x
        scale = np.prod(x.shape[:-1]) ** -0.5 if x.ndim > 1 else 1
        return jnp.asarray(scale * rng.normal(size=x.shape), x.dtype)

    return jax.tree.map(fill, shapes)


def mlp_params(sizes: tuple[int, ...] = (5, 8, 3), dtype: Any = jnp.float32) -> Any:
    return [
        {"kernel": _normal(i, m, k, dtype=dtype), "bias": _normal(i + 9, k, dtype=dtype)}
        for i, (m, k) in enumerate(itertools.pairwise(sizes))
    ]


def mlp_apply(params: Any, x: Any) -> Any:
    for layer in params[:-1]:
        x = jnp.tanh(x @ layer["kernel"] + layer["bias"][None])
    return x @ params[-1]["kernel"] + params[-1]["bias"][None]


def _mlp(dtype: Any = jnp.float32) -> Policy:
    x, tolerance = _normal(1, 4, 5, dtype=dtype), 1e-4 if dtype == jnp.float32 else 5e-2
    return Policy(mlp_apply, mlp_params(dtype=dtype), (x,), (), tolerance)


def _left() -> Policy:
    def fn(params: Any, x: Any) -> Any:
        w, u = params["w"], params["u"]
        return u.T @ jax.nn.relu(w @ x), params["one"] @ (w @ x[:, 0])

    params = {"w": _normal(0, 6, 5), "u": _normal(1, 6, 3), "one": _normal(3, 1, 6)}
    return Policy(fn, params, (_normal(2, 5, 4),))


def _einsum_heads() -> Policy:
    def fn(params: Any, x: Any) -> Any:
        per_agent = jax.nn.tanh(jnp.einsum("hik,bhi->bhk", params["heads"], x))
        one = jax.vmap(lambda w, y: y @ w, in_axes=(0, 1))(params["heads"], x)
        mixed = jnp.einsum("hik,bhi->bk", params["heads"], x)
        joint = jnp.einsum("bk,kio,bi->bo", mixed, params["bilinear"], x[:, 0])
        return per_agent, one, mixed, joint

    params = {"heads": _normal(0, 3, 5, 4), "bilinear": _normal(4, 4, 5, 6)}
    return Policy(fn, params, (_normal(2, 7, 3, 5),), ("heads",))


def transformer_params(vocabulary: int = 11, width: int = 8, layers: int = 2, dtype: Any = jnp.float32) -> Any:
    return {
        "embedding": _normal(0, vocabulary, width, dtype=dtype),
        "layers": {
            "qkv": _normal(1, width, layers, 3 * width, dtype=dtype).swapaxes(0, 1),
            "out": _normal(2, width, layers, width, dtype=dtype).swapaxes(0, 1),
            "up": _normal(3, width, layers, 2 * width, dtype=dtype).swapaxes(0, 1),
            "down": _normal(4, 2 * width, layers, width, dtype=dtype).swapaxes(0, 1),
            "norm": jnp.ones((layers, width), dtype),
        },
    }


def transformer_apply(params: Any, tokens: Any, heads: int = 2) -> Any:
    def normed(x: Any, scale: Any) -> Any:
        return x / jnp.sqrt((x * x).mean(-1, keepdims=True) + 1) * scale[None]

    @jax.checkpoint
    def block(x: Any, layer: Any) -> tuple[Any, None]:
        t, d = x.shape
        qkv = (normed(x, layer["norm"]) @ layer["qkv"]).reshape(t, 3, heads, d // heads)
        q, k, v = qkv[:, 0], qkv[:, 1], qkv[:, 2]
        scores = jnp.einsum("thd,shd->hts", q, k)
        mask = jnp.tril(jnp.ones((t, t), bool))[None]
        weights = jax.nn.softmax(jnp.where(mask, scores, -1e9), axis=-1)
        x = x + jnp.einsum("hts,shd->thd", weights, v).reshape(t, d) @ layer["out"]
        x = x + jax.nn.relu(normed(x, layer["norm"]) @ layer["up"]) @ layer["down"]
        return x, None

    x, _ = lax.scan(block, params["embedding"][tokens], params["layers"])
    return x @ params["embedding"].T


def _transformer(dtype: Any = jnp.float32) -> Policy:
    tokens, tolerance = jnp.array([3, 1, 4, 1, 5]), 2e-4 if dtype == jnp.float32 else 0.1
    return Policy(transformer_apply, transformer_params(dtype=dtype), (tokens,), ("lay",), tolerance)


def _linen(module: nn.Module, *inputs: Any, method: Any = None, tolerance: float = 1e-4) -> Policy:
    params = _filled(jax.eval_shape(lambda: module.init(jax.random.key(0), *inputs, method=method)))

    def fn(params: Any, *args: Any) -> Any:
        return module.apply(params, *args, method=method)

    return Policy(fn, params, inputs, (), tolerance)


class _Conv(nn.Module):
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Any) -> Any:
        options = {"dtype": self.dtype, "param_dtype": self.dtype}
        x = nn.relu(nn.Conv(8, (3, 3), strides=(2, 1), **options)(x))
        x = nn.relu(nn.Conv(8, (3, 2), feature_group_count=4, padding="VALID", **options)(x))
        x = nn.Conv(16, (2, 3), feature_group_count=8, kernel_dilation=(1, 2), **options)(x)
        x = nn.Conv(1, (2, 2), input_dilation=(1, 2), padding=1, **options)(nn.relu(x))
        return x.mean((1, 2))


class _Embed(nn.Module):
    @nn.compact
    def __call__(self, tokens: Any) -> Any:
        table = nn.Embed(7, 6)
        return table.attend(jnp.tanh(table(tokens)))


def _nnx() -> Policy:
    class Net(nnx.Module):
        def __init__(self, rngs: nnx.Rngs):
            self.first = nnx.Linear(5, 8, rngs=rngs)
            self.last = nnx.Linear(8, 3, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.last(nnx.relu(self.first(x)))

    graph, params = nnx.split(Net(nnx.Rngs(0)))
    return Policy(lambda params, x: nnx.merge(graph, params)(x), params, (_normal(1, 4, 5),))


def _equinox(make: Callable[[Any], Any], *inputs: Any, batched: bool = False) -> Policy:
    """The module itself is the parameters: its functions are leaves, which stay as they are."""
    module = _filled(eqx.filter_eval_shape(make, jax.random.key(0)))
    fn = (lambda m, *xs: jax.vmap(m)(*xs)) if batched else (lambda m, *xs: m(*xs))
    return Policy(fn, module, inputs)


def _conv_oihw() -> Policy:
    def make(key: Any) -> Any:
        first = eqx.nn.Conv2d(2, 4, 3, stride=2, padding=1, key=key)
        last = eqx.nn.Conv2d(4, 6, 2, groups=2, key=key)
        return eqx.nn.Sequential([first, eqx.nn.Lambda(jax.nn.relu), last])

    return _equinox(make, _normal(1, 2, 7, 6))


def _while_carry() -> Policy:
    def fn(params: Any, x: Any) -> Any:
        def advance(state: Any) -> Any:
            params, x, step = state
            return params, jnp.tanh(x @ params["w"]) + params["b"][None], step + 1

        def unfinished(state: Any) -> Any:
            return (state[2] < 3) & ((state[1] @ state[0]["w"]).sum() < 1e6)

        return lax.while_loop(unfinished, advance, (params, x, 0))[1]

    return Policy(fn, {"w": _normal(0, 5, 5), "b": _normal(1, 5)}, (_normal(2, 4, 5),))


def _scan_carry() -> Policy:
    def fn(params: Any, xs: Any) -> Any:
        def step(state: Any, x: Any) -> Any:
            params, h = state
            h = jax.jit(lambda p, h: jnp.tanh(h @ p["w"]))(params, h) + x
            return (params, h), h

        return lax.scan(step, (params, jnp.zeros(5)), xs, reverse=True)[1]

    return Policy(fn, {"w": _normal(0, 5, 5)}, (_normal(2, 4, 5),))


def _scan_rows() -> Policy:
    """Scans over the rows, over the columns, and over the layers of one stack of matrices."""

    def fn(params: Any, x: Any) -> Any:
        _, rows = lax.scan(lambda c, row: (c, row * 2), None, params["w"])
        _, cols = lax.scan(lambda c, col: (c, x @ col), None, params["w"].T)
        cube = params["cube"].transpose(2, 0, 1)
        _, kept = lax.scan(lambda c, m: (c, x[:, :3] @ m), None, cube)
        return rows, cols, kept

    return Policy(fn, {"w": _normal(0, 5, 4), "cube": _normal(1, 3, 4, 6)}, (_normal(2, 2, 5),))


def _cond() -> Policy:
    def fn(params: Any, x: Any) -> Any:
        y = x @ params["w"]
        big = lambda p, x: jnp.tanh(x @ p["u"])  # noqa: E731
        y = lax.cond(y.sum() > 0, lambda p, x: x @ p["w"], big, params, x)
        branches = [big, lambda p, x: x, lambda p, x: x @ p["w"] + 1]
        return lax.switch((y.sum() * 10).astype(jnp.int32), branches, params, y)

    return Policy(fn, {"w": _normal(0, 5, 5), "u": _normal(1, 5, 5)}, (_normal(2, 4, 5),))


def _index() -> Policy:
    def fn(params: Any, x: Any, i: Any) -> Any:
        x = lax.fori_loop(0, 3, lambda j, x: jnp.tanh(x @ params["layers"][j]), x)
        row = params["w"][i] + params["b"]
        rest = lax.dynamic_slice(params["w"], (i, 0), (2, 5)), params["w"][1:5:2, ::2]
        return x @ params["layers"][-1], row, params["w"][:, 1], x[:, :2] @ rest[0], rest[1].sum()

    params = {"layers": _normal(0, 3, 5, 5), "w": _normal(1, 6, 5), "b": _normal(2, 5)}
    return Policy(fn, params, (_normal(2, 4, 5), jnp.int32(4)), ("layers",))


def _scales() -> Policy:
    constant = np.linspace(1, 2, 4, dtype=np.float32)

    def fn(params: Any, x: Any, t: Any) -> Any:
        w, u, g, s = (params[name] for name in ("w", "u", "g", "s"))
        halves = x @ (2.0 * w / np.float32(3)) - x @ -w
        learned = (x @ (w * g[None])) @ (u / g[:, None])
        scalar = x @ (s * (w * constant[None])) + (w * s[None, None])[1][None]
        twice = jnp.einsum("k,mk->km", g, w * x[0][:, None]) @ x.T
        table = (w * g[None] * t)[jnp.array([0, 4, 9])]
        layers = jnp.einsum("lmk,bm->blk", params["stack"] * jnp.arange(1.0, 4)[:, None, None], x)
        by_col = w * g[None]
        sums = by_col.sum(0), (w * x[0][:, None]).sum(1), (params["stack"] * g[None, None]).sum(1)
        padded = (
            x @ jnp.pad(by_col, ((0, 0), (1, 2))),
            (by_col.T @ x)[:, :1] + jnp.pad(by_col, ((2, 0), (0, 0)))[3][:, None],
        )
        shifted = x @ (by_col + g[None]) + x @ (1.5 - by_col) + x @ (x[0][:, None] + by_col)
        return halves, learned, scalar, twice, table, layers, sums, padded, shifted

    params = {
        "w": _normal(0, 5, 4),
        "u": _normal(1, 4, 5),
        "g": 1 + _normal(2, 4) ** 2,
        "s": jnp.float32(0.5),
        "stack": _normal(3, 3, 5, 4),
    }
    return Policy(fn, params, (_normal(4, 5, 5), jnp.float32(3.0)), ("stack",))


def _conv_scaled() -> Policy:
    def fn(params: Any, x: Any) -> Any:
        kernel = params["kernel"] * params["g"][:, None, None] * params["s"]
        return lax.conv_general_dilated(x, kernel, (1,), "SAME")

    params = {"kernel": _normal(0, 4, 3, 2), "g": 1 + _normal(1, 4) ** 2, "s": jnp.float32(2)}
    return Policy(fn, params, (_normal(2, 2, 3, 6),))


def _sums() -> Policy:
    def fn(params: Any, x: Any) -> Any:
        w, u, b = params["w"], params["u"], params["b"]
        both = x @ (w + u), x @ (w - u) @ (1.5 - w).T
        shifted = x @ (w + b[None]) + x @ (x[0][:, None] - w) + x @ (jnp.ones((5, 4)) - w)
        wide = x @ jnp.concatenate([w, jnp.ones((5, 1)), u], axis=1)
        tall = jnp.concatenate([w, u], axis=0) @ b
        padded = x @ jnp.pad(w, ((0, 0), (1, 2)), constant_values=0.5), jnp.pad(u, ((1, 1), (0, 0)))[2]
        pieces = [x @ piece for piece in jnp.split(w, 2, axis=1)]
        stacked = jnp.einsum("bm,smk->sbk", x, jnp.stack([w, u]))
        flipped = x @ w[::-1] + x @ jnp.flip(u, 1)
        return both, shifted, wide, tall, padded, pieces, stacked, flipped, w.mean(0), w.sum()

    params = {"w": _normal(0, 5, 4), "u": _normal(1, 5, 4), "b": _normal(2, 4)}
    return Policy(fn, params, (_normal(3, 5, 5),))


def _shared_products() -> Policy:
    """Constants and rows of the member's own that are joined to a weight: it stays low-rank."""
    constant = np.random.default_rng(5).normal(size=(7, 5)).astype(np.float32)

    def fn(params: Any, x: Any, y: Any) -> Any:
        w, b, frozen = params["w"], params["b"], params["frozen"].astype(jnp.float32)
        bias = jnp.concatenate([x, jnp.ones((3, 2))], axis=1) @ jnp.concatenate([w, b[None], x[0, :4][None]])
        wide = x @ jnp.concatenate([w, x[0][:, None], jnp.ones((5, 1))], axis=1)
        made = constant @ w
        products = (
            y @ made,
            (2 * made + b[None]).T @ y.T,
            jnp.einsum("qk,bq->kb", jnp.einsum("qm,mk->qk", constant, w), y),
        )
        chosen = y[:, :3] @ made[2:5], y[:, :2] @ made[jnp.array([6, 1])], jnp.tanh(made).sum(0)
        _, scanned = lax.scan(lambda c, row: (c, row @ made), None, y)
        transposed = (w @ constant[:4]) @ y[0, :5], jnp.einsum("e,emk->mk", constant[0, :3], params["stack"]).T @ x.T
        return bias, wide, products, chosen, scanned, transposed, x @ (w + frozen[:, None] * frozen[None, :4])

    params = {"w": _normal(0, 5, 4), "b": _normal(1, 4), "frozen": jnp.arange(5), "stack": _normal(2, 3, 5, 4)}
    return Policy(fn, params, (_normal(3, 3, 5), _normal(4, 3, 7)))


def _experts() -> Policy:
    """Sums over experts, which are not declared as stacked, with weights of the member's own."""

    def fn(params: Any, x: Any) -> Any:
        experts, gates = params["experts"], jax.nn.softmax(x[:, :3], axis=-1)
        one = x[:1] @ jnp.einsum("e,emk->mk", gates[0], experts), jnp.tensordot(gates[0], experts, 1).T @ x[0]
        own = jnp.einsum("bm,bmk->bk", x, jnp.einsum("be,emk->bmk", gates, experts))
        three = jnp.einsum("be,emk,bm->bk", gates, experts, x)
        return one, own, three, jnp.tanh(jnp.tensordot(gates[0], experts, 1)).sum(0)

    return Policy(fn, {"experts": _normal(0, 3, 9, 8)}, (_normal(1, 2, 9),))


def _shapes() -> Policy:
    def fn(params: Any, x: Any) -> Any:
        w = params["w"].reshape(2, 3, 4)  # rows split
        split = jnp.einsum("bij,ijk->bk", x.reshape(-1, 2, 3), w)
        merged = x @ w.reshape(6, 1, 2, 2).reshape(6, 4)
        batched = jnp.einsum("bm,bmk->bk", x, jnp.broadcast_to(params["w"][None], (5, 6, 4)))
        thin = x @ params["thin"] + params["thin"].reshape(6)[None, :1] + params["thin"].squeeze(1)[0]
        cast = x.astype(jnp.bfloat16) @ params["w"].astype(jnp.bfloat16)
        barrier, kept = lax.optimization_barrier((params["w"], x))
        stopped = kept @ lax.stop_gradient(jnp.copy(barrier))
        return split, merged, batched, thin, cast.astype(jnp.float32) * 1e-3, stopped

    return Policy(fn, {"w": _normal(0, 6, 4), "thin": _normal(1, 6, 1)}, (_normal(2, 5, 6),))


def _gathers() -> Policy:
    def fn(params: Any, i: Any) -> Any:
        w, stack = params["w"], params["layers"]
        outside = i + 4  # some are out of range
        filled = w.at[outside].get(mode="fill", fill_value=7.0)
        nan = jnp.nan_to_num(w.at[:, outside].get(mode="fill"), nan=3.0)
        rows = w[i], w.at[outside].get(mode="clip"), w.at[i].get(mode="promise_in_bounds")
        vmapped = jax.vmap(jax.vmap(lambda j: w[j]))(i), w.T[i % 4], w[i[0], i[1] % 4]
        pairs = stack[i % 2, i], jnp.einsum("bi,bik->bk", jnp.ones((3, 6)), stack[i[0] % 2])
        element = jnp.take(w, 2, axis=1), w[i[0, 0], i[0, 1]]
        fixed = jnp.take(stack, jnp.int32(1), axis=0) @ jnp.ones(4)
        return filled, nan, rows, vmapped, pairs, element, fixed

    params = {"w": _normal(0, 6, 4), "layers": _normal(1, 2, 6, 4)}
    return Policy(fn, params, (jnp.array([[0, 3, 5], [1, 1, 2]]),), ("layers",))


def _with_promotion(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Mixes dtypes as JAX does unless told otherwise."""

    def promoting(*args: Any) -> Any:
        with jax.numpy_dtype_promotion("standard"):
            return fn(*args)

    return promoting


def _complex() -> Policy:
    """Complex activations on real weights, weights made complex in every way, and complex weights."""

    def fn(params: Any, z: Any) -> Any:
        w, v, c, g = (params[name] for name in ("w", "v", "c", "g"))
        plain = (z @ w).imag, w.T @ z[0], jnp.einsum("bm,mk->kb", z, w), lax.dot_general(z, w, (((1,), (0,)), ((), ())))
        wide = w.astype(z.dtype)
        made = (
            z @ lax.complex(w, v),
            z @ lax.complex(w, 2 * jnp.ones((5, 4))),
            z @ (wide * (0.5 + 1j)) + z @ (wide * 2j),
        )
        scaled = z @ (w * g[None]) + z.real @ (wide * z[0][:, None]) @ (wide * g[None]).T @ wide
        rows = jnp.einsum("m,mk->mk", z[0], w).T @ z[1], (wide * 1j)[jnp.array([0, 2])]
        own = z @ c, z.real @ c, z @ c.conj(), z @ jnp.conj(w), z @ c.real, z.real @ c.imag, c.T.conj() @ z[1]
        convolved = lax.conv_general_dilated(z[None].swapaxes(1, 2), c.T[:, :, None], (1,), "SAME")
        return plain, made, scaled, rows, own, convolved

    params = {"w": _normal(0, 5, 4), "v": _normal(1, 5, 4), "c": _normal(2, 5, 4, dtype=jnp.complex64)}
    params["g"] = 1 + _normal(3, 4) ** 2
    return Policy(_with_promotion(fn), params, (_normal(4, 3, 5, dtype=jnp.complex64),))


def _whole_inputs() -> Policy:
    """Inputs of whole numbers and of half precision, on weights with scales of the member's own."""

    def fn(params: Any, i: Any) -> Any:
        w = params["w"] * params["g"][None] * params["h"][:, None]
        half = i.astype(jnp.bfloat16)
        rows = jnp.einsum("m,mk->mk", half[0] * 0.25, params["w"], preferred_element_type=jnp.float32)
        return i @ w, w.T @ i[0], half @ w, i @ rows

    params = {"w": _normal(0, 5, 4), "g": 1 + _normal(1, 4) ** 2, "h": 1 + _normal(2, 5) ** 2}
    return Policy(_with_promotion(fn), params, (jnp.array([[0, 3, 5, 1, 1], [2, 0, 4, 0, 7]]),))


def _custom_rules() -> Policy:
    @jax.custom_jvp
    def swish(w: Any, x: Any) -> Any:
        return jax.nn.sigmoid(x @ w)

    swish.defjvp(lambda primals, tangents: (swish(*primals), tangents[1]))

    @jax.custom_vjp
    def dense(w: Any, x: Any) -> Any:
        return x @ w

    dense.defvjp(lambda w, x: (x @ w, None), lambda _, g: (g, g))

    def fn(params: Any, x: Any) -> Any:
        return jax.nn.silu(dense(params["u"], jax.nn.relu(swish(params["w"], x))))

    return Policy(fn, {"w": _normal(0, 5, 6), "u": _normal(1, 6, 3)}, (_normal(2, 4, 5),))


def _norms() -> Policy:
    """Norms, L2 terms, variances and other sums of products of two weights, of all entries and along axes."""

    def fn(params: Any, x: Any) -> Any:
        w, v, stack = params["w"], params["v"], params["layers"]
        sums = (w**2).sum(), (w**2.0).mean(), jnp.square(w - 0.5).sum(0), (w * v).T.sum(0), (w * w - v * v + 3.0).sum()
        norms = jnp.linalg.norm(w), jnp.linalg.norm(w, axis=0, keepdims=True), jnp.linalg.norm(v, axis=1)
        library = optax.tree.norm(params), optax.l2_loss(w).sum()
        spread = w.var(0), w.std(1), w.std(), ((w - w.mean(1, keepdims=True)) ** 2).sum(1)
        inner = jnp.einsum("mk,mk->", w, v), jnp.tensordot(w, w, 2), jnp.einsum("mk,mk->k", w, v)
        flat = (
            jnp.vdot(w, w),
            jnp.vdot(w, v),
            w.reshape(-1) @ np.linspace(0, 0.1, 64 * 80, dtype=np.float32),
            w.ravel().sum(),
        )
        scaled = (2 * w * w / np.linspace(1, 2, 64, dtype=np.float32)[:, None]).sum(), (-(w * v)).sum()
        rowwise = jnp.square(w[2]).sum(), (w[:3] * v[2:5])[1].sum()
        layers = jnp.linalg.norm(stack, axis=(1, 2)), (stack**2).sum(), (stack * stack).sum(2)
        return x * sums[0], sums, norms, library, spread, inner, flat, scaled, rowwise, layers

    params = {"w": _normal(0, 64, 80), "v": _normal(1, 64, 80), "layers": _normal(2, 3, 64, 80)}
    return Policy(fn, params, (_normal(3, 2),), ("layers",))


def _low_rank_adapters() -> Policy:
    """`W + A @ B` with all three trained, other products of two weights, and DoRA: magnitude times direction."""

    def fn(params: Any, x: Any) -> Any:
        w, a, b, g = (params[name] for name in ("w", "a", "b", "g"))
        adapted = w + 0.5 * (a @ b)
        direction = adapted / jnp.linalg.norm(adapted, axis=0, keepdims=True)
        layers = params["layers"] + jnp.einsum("lmr,lrk->lmk", params["down"], params["up"])
        twice = 1e-3 * x @ (w @ w.T) @ adapted, 1e-3 * ((w.T @ w - jnp.eye(80)) ** 2).sum(), (a @ b).sum(0)
        return x @ adapted, adapted.T @ x[0], x @ (direction * g[None]), twice, jnp.einsum("bm,lmk->blk", x, layers)

    params = {"w": _normal(0, 64, 80), "a": _normal(1, 64, 6), "b": _normal(2, 6, 80), "g": 1 + _normal(3, 80) ** 2}
    stacked = {"layers": _normal(4, 2, 64, 80), "down": _normal(5, 2, 64, 6), "up": _normal(6, 2, 6, 80)}
    return Policy(fn, {**params, **stacked}, (_normal(7, 3, 64),), tuple(stacked), tolerance=1e-3)


def _weight_norm() -> Policy:
    """Weights of unit length along either axis, standardised ones, and ones of unit norm."""

    def fn(params: Any, x: Any) -> Any:
        w, g = params["w"], params["g"]
        columns = x @ (w * lax.rsqrt((w * w).sum(0, keepdims=True) + 1e-6) * g[None])
        rows = columns @ (w / jnp.linalg.norm(w, axis=1, keepdims=True)).T
        standard = (w - w.mean(0, keepdims=True)) / (w.std(0, keepdims=True) + 1e-3)
        return columns, rows, x @ standard, x @ (w / jnp.linalg.norm(w)), x @ (w / w.std())

    return Policy(fn, {"w": _normal(0, 64, 80), "g": 1 + _normal(1, 80) ** 2}, (_normal(2, 3, 64),))


def _s5() -> Policy:
    """A complex state-space layer whose weights are pairs of real arrays, discretised by the member's own steps."""

    def fn(params: Any, u: Any) -> Any:
        rates = -jnp.exp(params["log_rate"]) + 1j * params["frequency"]
        inputs = params["b_re"] + 1j * params["b_im"]
        outputs = params["c"][..., 0] + 1j * params["c"][..., 1]
        decay = jnp.exp(rates * jnp.exp(params["log_step"]))
        inputs = ((decay - 1) / rates)[:, None] * inputs

        def step(state: Any, now: Any) -> tuple[Any, Any]:
            state = decay * state + inputs @ now
            return state, (outputs @ state).real

        return lax.scan(step, jnp.zeros(64, jnp.complex64), u)[1]

    vectors = {name: _normal(i, 64) for i, name in enumerate(("log_rate", "frequency", "log_step"))}
    matrices = {"b_re": _normal(3, 64, 80), "b_im": _normal(4, 64, 80), "c": _normal(5, 80, 64, 2)}
    return Policy(_with_promotion(fn), vectors | matrices, (_normal(6, 3, 80),), tolerance=1e-3)


def _positions() -> Policy:
    """Learned positions that are added to activations of one sequence, before and after, of all or the first places."""

    def fn(params: Any, x: Any) -> Any:
        pos, w = params["positions"], params["w"]
        h = jnp.tanh(x @ w + pos)
        h = h * jax.nn.sigmoid(0.1 * pos - h @ w)
        short = h[:16] + pos[:16] * params["scale"][None]
        shown = constant @ w + pos  # of a product that is low-rank: a product with it is still
        few = jnp.tanh(x[:, :2] @ params["few"] + pos) + jnp.tanh(constant[:, :2] @ params["few"] + pos)
        rest = jnp.sin(short - h[:16]), (pos + h @ w).std(-1), few
        return h, jax.nn.standardize(shown), h[:, :64] @ shown, rest

    constant = _normal(5, 64, 80)
    params = {"positions": _normal(0, 64, 80), "w": _normal(1, 80, 80), "scale": _normal(2, 80)}
    params["few"] = _normal(4, 2, 80)
    return Policy(fn, params, (_normal(3, 64, 80),))


def _own_products() -> Policy:
    """Products of the member's own, added to a weight: `outer(u, v)`, and `A @ B` with a small side."""

    def fn(params: Any, x: Any) -> Any:
        w, u, v, a = (params[name] for name in ("w", "u", "v", "a"))
        down = jnp.stack([u, 2 * u, u * u], axis=1)
        up = jnp.stack([v, v * v, -v])
        outer = x @ (w + jnp.outer(u, v)), x @ (u[:, None] * v[None] - w), (w.T - jnp.einsum("k,m->km", v, u)) @ x[0]
        adapted = x @ (w + 0.5 * (down @ up) / v[None]), x @ (w - (up.T @ down.T).T), x @ (w + -(a @ (up * v[None])))
        layers = {"w": jnp.stack([w, 2 * w]), "down": jnp.stack([down, 2 * down]), "up": jnp.stack([up, -up])}
        _, scanned = lax.scan(lambda _, one: (None, x @ (one["w"] + one["down"] @ one["up"])), None, layers)
        return outer, adapted, scanned, jnp.linalg.norm(w + u[:, None] / (1 + v[None] ** 2), axis=0)

    params = {"w": _normal(0, 64, 80), "u": _normal(1, 64), "v": 1 + _normal(2, 80) ** 2, "a": _normal(3, 64, 3)}
    return Policy(fn, params, (_normal(4, 3, 64),), tolerance=1e-3)


def _nnx_weight_norm() -> Policy:
    graph, params = nnx.split(nnx.WeightNorm(nnx.Linear(64, 80, rngs=nnx.Rngs(0)), rngs=nnx.Rngs(0)))
    return Policy(lambda params, x: nnx.merge(graph, params)(x), params, (_normal(1, 3, 64),))


POLICIES: dict[str, Callable[[], Policy]] = {
    "mlp": _mlp,
    "left": _left,
    "einsum_heads": _einsum_heads,
    "transformer": _transformer,
    "linen_dense": lambda: _linen(nn.Sequential([nn.Dense(8), nn.gelu, nn.LayerNorm(), nn.Dense(3)]), _normal(1, 4, 5)),
    "linen_gru": lambda: _linen(nn.RNN(nn.GRUCell(6)), _normal(1, 2, 4, 5)),
    "linen_lstm": lambda: _linen(nn.RNN(nn.OptimizedLSTMCell(6)), _normal(1, 2, 4, 5)),
    "linen_attention": lambda: _linen(nn.MultiHeadDotProductAttention(num_heads=2, qkv_features=8), _normal(1, 4, 6)),
    "linen_conv": lambda: _linen(_Conv(), _normal(1, 2, 7, 6, 3)),
    "linen_embed": lambda: _linen(_Embed(), jnp.array([0, 3, 6])),
    "nnx": _nnx,
    "eqx_mlp": lambda: _equinox(lambda key: eqx.nn.MLP(5, 3, 8, 2, key=key), _normal(1, 5)),
    "eqx_gru": lambda: _equinox(lambda key: eqx.nn.GRUCell(5, 4, key=key), _normal(1, 5), _normal(2, 4)),
    "eqx_conv": _conv_oihw,
    "eqx_embedding": lambda: _equinox(lambda key: eqx.nn.Embedding(7, 4, key=key), jnp.array([0, 3, 6]), batched=True),
    "mlp_bf16": lambda: _mlp(jnp.bfloat16),
    "transformer_bf16": lambda: _transformer(jnp.bfloat16),
    "conv_bf16": lambda: _linen(_Conv(jnp.bfloat16), _normal(1, 2, 7, 6, 3, dtype=jnp.bfloat16), tolerance=5e-2),
    "while_carry": _while_carry,
    "scan_carry": _scan_carry,
    "scan_rows": _scan_rows,
    "cond": _cond,
    "index": _index,
    "scales": _scales,
    "conv_scaled": _conv_scaled,
    "sums": _sums,
    "shared_products": _shared_products,
    "experts": _experts,
    "shapes": _shapes,
    "gathers": _gathers,
    "complex": _complex,
    "whole_inputs": _whole_inputs,
    "custom_rules": _custom_rules,
    "norms": _norms,
    "low_rank_adapters": _low_rank_adapters,
    "weight_norm": _weight_norm,
    "own_products": _own_products,
    "positions": _positions,
    "s5": _s5,
    "linen_weight_norm": lambda: _linen(nn.WeightNorm(nn.Dense(80)), _normal(1, 3, 64)),
    "nnx_weight_norm": _nnx_weight_norm,
    "eqx_weight_norm": lambda: _equinox(lambda key: eqx.nn.WeightNorm(eqx.nn.Linear(64, 80, key=key)), _normal(1, 64)),
}
