"""Evolution strategies as records of pure functions: EGGROLL, and OpenAI-ES with dense noise as the baseline.

The estimate (paper Eq 4-6, each constant written once; Gaussian score approximation S(E) = -E):

    g = 1 / (n sigma) * sum_i F_i E_i,    theta_i = theta + sigma E_i,    E_{2p+1} = -E_{2p}

For every population size, its expectation E[F(theta + sigma E) E] / sigma is

    grad F(theta) + sigma^2 / 6 * D^3 F(theta)[M] + terms of sigma^4,    M = E[E x E x E x E].

For every rank and law, the entries of E have mean 0 and the identity as covariance. The expectation is therefore the
gradient of F if F is at most quadratic. With dense normal noise it is the gradient of the smoothed
E[F(theta + sigma E)] for every F. Low-rank noise has other fourth moments M, which differ from those of dense normal
noise by terms of order 1 / rank. With the kurtosis k of the law, 3 (normal) or 1 (Rademacher), these moments differ:

    of one entry                              3 + (k^2 - 3) / r  instead of 3
    of two entries in one row or column       1 + (k - 1) / r    instead of 1
    of the four corners of a rectangle        1 / r              instead of 0

All others are the same. For example, if F is the cube of an entry, the sigma^2 term is 3 + 6 / r (normal) or 3 - 2 / r
(Rademacher), where Gaussian smoothing has 3.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key, UInt

from eggroll_ray.es import finite, noise
from eggroll_ray.es.leaves import Kind, Leaf, LeafRules, label_leaves
from eggroll_ray.es.numbers import make_plain, whole
from eggroll_ray.es.precision import Step, init_step, take_step, widened
from eggroll_ray.es.random import Law, normal
from eggroll_ray.es.record import ES, Densify, ESState, Fitness, Function, Params, Perturbation, Scales, Schedule
from eggroll_ray.es.shaping import Shaping, Weigh, as_shaping, centred_rank
from eggroll_ray.es.steering import ADJUSTABLE
from eggroll_ray.lowrank.parameter import Noised, densify, low_rank
from eggroll_ray.lowrank.rounding import is_narrow, round_at_random, words_of_member


@dataclasses.dataclass(frozen=True)
class _Options:
    """The options that EGGROLL and OpenAI-ES share."""

    rank: int | None
    sigma: float | Schedule
    optimizer: optax.GradientTransformation
    shaping: Shaping
    law: Law
    noise_reuse: int
    persistent: int
    leaves: LeafRules

    def __post_init__(self) -> None:
        make_plain(self)


def eggroll(
    *,
    rank: int = 1,
    sigma: float | Schedule = 0.1,
    optimizer: optax.GradientTransformation | None = None,
    shaping: Shaping | Weigh = centred_rank,
    law: Law = normal,
    noise_reuse: int = 1,
    persistent: int = 1,
    leaves: LeafRules = LeafRules(),  # noqa: B008 - frozen
) -> ES:
    """EGGROLL: every matrix is perturbed by `sigma A B^T / sqrt(rank)` (paper Algorithm 1).

    Vectors, and matrices that are no larger than their factors, get dense noise of the same law.

    Args:
      rank: rank of the perturbation of a matrix, at least 1.
      sigma: standard deviation of every entry of the perturbation, or a schedule that maps a generation to it.
      optimizer: any optax transformation; it receives the negated estimate, since optax minimises. By default
        `optax.adam(0.05)`. A schedule of the learning rate counts generations. `Trainer.change` changes the learning
        rate and sigma while a run goes on.
      shaping: turns the raw fitness into weights: one of `eggroll_ray.fitness`, or a similar function of your own.
      law: distribution of the entries of the factors: `noise.normal` or `noise.rademacher`.
      noise_reuse: number of generations that share one draw of noise; 1 draws new noise in each generation. If episodes
        have this number of windows (`from_env(window=...)`), this is the noise-reuse estimator (Li et al. 2023;
        ES-Single, Vicol 2023). It is unbiased if sigma stays the same within an episode.
      persistent: for episodes in windows, the number of generations that an episode spans. Above 1, the estimate
        correlates a window's fitness with the sum of a member's noise since its episode began (PES, Vicol et al. 2021,
        Eq 7).
      leaves: which leaves are frozen, get dense noise, are formed per member or are stacked; and how leaves of types
        narrower than float32 are updated.

    Raises:
      ValueError: if a value is out of range. `init` raises it if the rank is too large for every matrix.
    """
    rank = whole("rank", rank)
    if rank < 1:
        raise ValueError(f"rank={rank} must be at least 1; choose 1, or openai_es for dense noise.")
    optimizer, shaped_by = optimizer or optax.adam(0.05), as_shaping(shaping)
    options = _Options(rank, sigma, optimizer, shaped_by, law, noise_reuse, persistent, leaves)
    return _strategy("eggroll", options)


def openai_es(
    *,
    sigma: float | Schedule = 0.1,
    optimizer: optax.GradientTransformation | None = None,
    shaping: Shaping | Weigh = centred_rank,
    law: Law = normal,
    noise_reuse: int = 1,
    persistent: int = 1,
    leaves: LeafRules = LeafRules(),  # noqa: B008 - frozen
) -> ES:
    """OpenAI-ES with antithetic pairs (Salimans et al. 2017): dense noise on every leaf, the baseline.

    It holds a complete copy of the parameters for each member of a block. For the arguments see `eggroll`.
    """
    optimizer, shaped_by = optimizer or optax.adam(0.05), as_shaping(shaping)
    options = _Options(None, sigma, optimizer, shaped_by, law, noise_reuse, persistent, leaves)
    return _strategy("openai_es", options)


def _check_optimizer(optimizer: Any) -> None:
    if not (hasattr(optimizer, "init") and hasattr(optimizer, "update")):
        remedy = "call it with a learning rate" if callable(optimizer) else "give one, such as optax.adam(0.05)"
        raise ValueError(f"optimizer={optimizer!r} is no transformation of optax; {remedy}.")


def _strategy(name: str, options: _Options) -> ES:
    _check_optimizer(options.optimizer)
    if not callable(options.sigma) and not options.sigma > 0:
        raise ValueError(f"sigma={options.sigma} must be positive; try 0.1, or 0.001 for a large model.")
    for at in ("noise_reuse", "persistent"):
        whole(at, getattr(options, at))
    if options.noise_reuse < 1:
        raise ValueError(
            f"noise_reuse={options.noise_reuse} must be at least 1, the number of generations that share "
            "one draw; 1 draws anew each generation."
        )
    if options.persistent < 1 or (options.persistent > 1 and options.noise_reuse > 1):
        raise ValueError(
            f"persistent={options.persistent} must be at least 1, the number of generations that an episode spans, and "
            f"does not go with noise_reuse={options.noise_reuse}: with one draw for a whole episode nothing has to be "
            "summed; leave one of them at 1."
        )

    def label(params: Params) -> list[Leaf]:
        return label_leaves(params, options.rank, options.leaves)

    def init(params: Params, seed: int) -> ESState:
        leaves = label(params)
        if not 0 <= seed < 2**32:
            raise ValueError(f"seed={seed} must be in [0, 2**32); choose a smaller one.")
        params = jax.tree.map(jnp.asarray, params)
        opt_state = init_step(options.optimizer, leaves, _trainable(leaves, params))
        scales = Scales(jnp.float32(1), jnp.float32(1))
        return ESState(params, opt_state, jnp.uint32(seed), jnp.int32(0), scales)

    def draw(state: ESState, pair: Int[Array, ""]) -> list[Any]:
        leaves = label(state.params)
        keys = jax.vmap(noise.pair_key, (0, None))(_keys(options, leaves, state), pair)
        drawn: list[Any] = [None] * len(leaves)
        for leaf, places in _alike(leaves).items():
            stacked = jax.vmap(functools.partial(_draw_leaf, options, leaf))(keys[np.array(places)])
            for i, place in enumerate(places):
                drawn[place] = jax.tree.map(lambda x, i=i: x[i], stacked)
        return drawn

    def apply(state: ESState, drawn: list[Any], sign: Any) -> Params:
        sigma = _sigma(options, state)
        arrays, treedef = jax.tree.flatten(state.params)
        leaves = zip(label(state.params), arrays, drawn, strict=True)
        return treedef.unflatten([_perturb_leaf(leaf, array, unit, sigma, sign) for leaf, array, unit in leaves])

    def update(state: ESState, fitness: Fitness) -> tuple[ESState, dict[str, Array]]:
        return _update(options, label(state.params), state, fitness)

    def functions(state: ESState, fitness: Fitness) -> dict[str, Function]:
        return _functions(options, _trainable(label(state.params), state.params), fitness)

    def explain(state: ESState, fitness: Fitness) -> str | None:
        leaves = label(state.params)
        return finite.explain(leaves, int(state.generation), lambda: _stages(options, leaves, state, fitness))

    return ES(
        init,
        Perturbation(draw, apply),
        update,
        label,
        _settings(name, options),
        signs_only=options.shaping.signs_only,
        noise_reuse=options.noise_reuse,
        persistent=options.persistent,
        densify=_densify(name, options),
        functions=functions,
        explain=explain,
    )


def _densify(name: str, options: _Options) -> Densify | None:
    rules = options.leaves
    if rules.on_unsupported == "raise":
        return None

    def these(paths: Sequence[str]) -> ES:
        more = dataclasses.replace(rules, densify=(*rules.densify, *paths))
        return _strategy(name, dataclasses.replace(options, leaves=more))

    return Densify(these, rules.densify_limit)


def _trainable(leaves: list[Leaf], params: Params) -> Params:
    """Returns the parameters with None for frozen leaves, for which the optimiser then keeps no state."""
    arrays, treedef = jax.tree.flatten(params)
    return treedef.unflatten(
        [None if leaf.kind is Kind.FROZEN else array for leaf, array in zip(leaves, arrays, strict=True)]
    )


def _sigma(options: _Options, state: ESState) -> Float[Array, ""]:
    given = options.sigma(state.generation) if callable(options.sigma) else options.sigma
    sigma = jnp.asarray(given, jnp.float32)
    return sigma * state.scales.sigma if isinstance(state.scales, Scales) else sigma


def _leaf_noise(options: _Options, leaf: Leaf) -> noise.Noise:
    if leaf.kind is Kind.DENSE:
        return noise.dense_noise(leaf.shape, leaf.dtype, options.law)
    assert options.rank is not None
    rows, columns = leaf.matrix_shape
    return noise.low_rank_noise(leaf.shape[: leaf.lead], rows, columns, options.rank, leaf.dtype, options.law)


class _Dithered(NamedTuple):
    """Dense noise for a leaf of a narrow type, and random words that round leaf plus noise. A pair shares both."""

    noise: Array
    words: UInt[Array, "..."]


def _draw_leaf(options: _Options, leaf: Leaf, key: Any) -> Any:
    drawn = _leaf_noise(options, leaf).draw(key)
    dithers = leaf.kind is Kind.DENSE and is_narrow(leaf.dtype)
    return _Dithered(drawn, noise.rounding_words(key, leaf.shape)) if dithers else drawn


def _keys(options: _Options, leaves: list[Leaf], state: ESState) -> Key[Array, " leaves"]:
    return noise.leaf_keys(state.seed, [leaf.path for leaf in leaves], state.generation // options.noise_reuse)


def _alike(leaves: list[Leaf], by_path: bool = False) -> dict[Leaf, list[int]]:
    """Groups the places of leaves that differ only in their path, so that code for them is compiled once."""
    groups: dict[Leaf, list[int]] = {}
    for place, leaf in enumerate(leaves):
        if leaf.kind is not Kind.FROZEN:
            groups.setdefault(leaf if by_path else dataclasses.replace(leaf, path=""), []).append(place)
    return groups


def _noise_sums(
    options: _Options, leaves: list[Leaf], state: ESState, weights: Float[Array, "columns p"], columns: list[int]
) -> list[Array | None]:
    """Returns, for each leaf, the sum over pairs of weight (of the leaf's column) times noise; None if it is frozen."""
    keys, own = _keys(options, leaves, state), jnp.asarray(columns, jnp.int32)
    sums: list[Array | None] = [None] * len(leaves)
    # With `persistent` the sum needs the leaf's keys of earlier draws, and therefore its path.
    for leaf, places in _alike(leaves, by_path=options.persistent > 1).items():

        def total(key_and_column: Any, leaf: Leaf = leaf) -> Array:
            key, column = key_and_column
            return _noise_sum(options, leaf, state, weights[column], key)

        at = np.array(places)
        found = jax.lax.map(total, (keys[at], own[at])) if len(at) > 1 else [total((keys[at[0]], own[at[0]]))]
        for place, one in zip(places, found, strict=True):
            sums[place] = one
    return sums


def _noise_sum(options: _Options, leaf: Leaf, state: ESState, weights: Float[Array, " p"], key: Any) -> Array:
    """Returns the sum over pairs of weight times noise; with `persistent`, of all noise since the episode began."""
    drawn = _leaf_noise(options, leaf)
    first = drawn.weighted_sum(key, weights)
    if options.persistent == 1:
        return first

    def add(age: Array, total: Array) -> Array:
        then = state._replace(generation=state.generation - age)
        # A window's noise must be divided by its own sigma, but the estimate divides by the current one.
        scale = _sigma(options, state) / _sigma(options, then)
        return total + scale * drawn.weighted_sum(_keys(options, [leaf], then)[0], weights)

    return jax.lax.fori_loop(1, 1 + state.generation % options.persistent, add, first)


def _perturb_leaf(leaf: Leaf, array: Array, drawn: Any, sigma: Array, sign: Array) -> Any:
    if leaf.kind is Kind.FROZEN:
        return array
    if isinstance(drawn, _Dithered):
        total = array.astype(jnp.float32) + sign * sigma * drawn.noise.astype(jnp.float32)
        return Noised(round_at_random(total, words_of_member(drawn.words, sign), array.dtype))
    if leaf.kind is Kind.DENSE:
        return Noised(array + (sign * sigma * drawn.astype(jnp.float32)).astype(array.dtype))
    split = len(leaf.shape) - leaf.columns
    lead, rows, columns = leaf.shape[: leaf.lead], leaf.shape[leaf.lead : split], leaf.shape[split:]
    a = (sigma * drawn.a.astype(jnp.float32)).astype(array.dtype)
    a = a.reshape(*lead, -1, *rows)
    b = drawn.b.reshape(*lead, -1, *columns)
    perturbed = low_rank(array, a, b, leaf.lead, leaf.path, sign)
    return Noised(densify(perturbed)) if leaf.kind is Kind.DENSIFIED else perturbed


class _Column(NamedTuple):
    """The weights of one fitness of the population, ready for the estimate."""

    weights: Float[Array, " p"]  # of pairs: the two members of a pair share E up to its sign
    scale: Float[Array, ""]  # 1 / (n sigma), where n counts the valid members
    invalid: Int[Array, ""]


def _column(options: _Options, state: ESState, fitness: Float[Array, " n"]) -> _Column:
    shaped = options.shaping(fitness)
    weights = shaped.weights[0::2] - shaped.weights[1::2]
    members = jnp.maximum(jnp.sum(shaped.valid, dtype=jnp.float32), 1.0)
    sigma = _sigma(options, state)
    scale = 1.0 / (members * sigma)
    return _Column(weights, scale, jnp.sum(~shaped.valid, dtype=jnp.int32))


def _columns_of_leaves(fitness: Fitness, params: Params) -> list[int]:
    """Returns, for each leaf of the parameters, the number of the fitness column that updates it."""
    treedef = jax.tree.structure(fitness)
    try:
        numbered = jax.tree.broadcast(treedef.unflatten(range(treedef.num_leaves)), params)
    except ValueError as error:
        raise ValueError(
            f"the fitness is of {treedef}, which is no prefix of the parameters {jax.tree.structure(params)}; give "
            "one array for all, or {group: (n,)} for parameters {group: ...}."
        ) from error
    return jax.tree.leaves(numbered)


class _Estimate(NamedTuple):
    """The estimate of the gradient, a tree with None in place of frozen leaves, and the columns it was made from."""

    columns: list[_Column]
    own: list[int]  # the column of each leaf
    gradient: Params


def _estimate(options: _Options, leaves: list[Leaf], state: ESState, fitness: Fitness) -> _Estimate:
    columns = [_column(options, state, column) for column in jax.tree.leaves(fitness)]
    own = _columns_of_leaves(fitness, state.params)
    weights = jnp.stack([column.weights for column in columns])
    sums = _noise_sums(options, leaves, state, weights, own)
    gradient = [
        None if total is None else columns[i].scale * total.reshape(leaf.shape)
        for leaf, i, total in zip(leaves, own, sums, strict=True)
    ]
    return _Estimate(columns, own, jax.tree.structure(state.params).unflatten(gradient))


def _step(options: _Options, leaves: list[Leaf], state: ESState, gradient: Params) -> Step:
    descent = jax.tree.map(jnp.negative, gradient)  # optax minimises
    return take_step(options.optimizer, leaves, state, _trainable(leaves, state.params), descent)


def _update(
    options: _Options, leaves: list[Leaf], state: ESState, fitness: Fitness
) -> tuple[ESState, dict[str, Array]]:
    columns, _, gradient = _estimate(options, leaves, state, fitness)
    step = _step(options, leaves, state, gradient)
    treedef = jax.tree.structure(state.params)
    moved = zip(jax.tree.leaves(state.params), treedef.flatten_up_to(step.params), strict=True)
    params = treedef.unflatten([old if new is None else new for old, new in moved])
    update_norm, params_norm = _norm(step.updates), _norm(_trainable(leaves, state.params))
    metrics = {
        "gradient_norm": _norm(gradient),
        "update_norm": update_norm,
        "params_norm": params_norm,
        "update_ratio": update_norm / jnp.maximum(params_norm, jnp.finfo(jnp.float32).tiny),
        "sigma": _sigma(options, state),
        "invalid_members": sum((column.invalid for column in columns), jnp.int32(0)),
        "not_finite": ~finite.all_finite(step.params),
    }
    return state._replace(params=params, opt_state=step.opt_state, generation=state.generation + 1), metrics


def _stages(options: _Options, leaves: list[Leaf], state: ESState, fitness: Fitness) -> finite.Stages:
    """Repeats the update and returns its intermediate results."""
    columns, own, gradient = _estimate(options, leaves, state, fitness)
    step = _step(options, leaves, state, gradient)
    weights = [columns[i].weights for i, leaf in zip(own, leaves, strict=True) if leaf.kind is not Kind.FROZEN]
    return finite.Stages(_trainable(leaves, state.params), weights, gradient, step.updates, step.params)


def _norm(tree: Params) -> Float[Array, ""]:
    return optax.tree.norm(jax.tree.map(lambda x: x.astype(jnp.float32), tree))


def _rules_settings(rules: LeafRules) -> dict[str, Any]:
    settings = dataclasses.asdict(rules)
    del settings["densify_limit"]  # it does not affect the bits
    if rules.on_unsupported == "raise":
        del settings["on_unsupported"]  # so that runs from before it existed can be continued
    for name in ("stochastic", "master"):
        if not settings[name]:
            del settings[name]  # for the same reason
    return settings


def _functions(options: _Options, params: Params, fitness: Fitness) -> dict[str, Function]:
    """Returns the options that are functions, of which `_settings` holds only the names."""
    optimizer, sigma, key = options.optimizer, options.sigma, jax.eval_shape(lambda: jax.random.key(0))

    def optimize(params: Params, descent: Params, state: Any) -> Any:
        return optimizer.init(params), optimizer.update(descent, state, params)

    params = jax.eval_shape(widened, params)  # as the optimiser sees them
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        state = jax.eval_shape(optimizer.init, params)
        found = {
            "optimizer": Function(_described(state), jax.make_jaxpr(optimize)(params, params, state)),
            "shaping": Function(options.shaping.what, jax.make_jaxpr(options.shaping)(jax.tree.leaves(fitness)[0])),
            "law": Function(options.law.name, jax.make_jaxpr(lambda key: options.law(key, (8,)))(key)),
        }
        if callable(sigma):
            found["sigma"] = Function("a schedule", jax.make_jaxpr(sigma)(jax.ShapeDtypeStruct((), jnp.int32)))
    return found


def _described(opt_state: Any) -> str:
    """Describes an optimiser by the names of its parts' states."""
    names: list[str] = []

    def look(node: Any) -> bool:
        if hasattr(node, "_fields"):
            names.append(type(node).__name__.removesuffix("State"))
        return False

    jax.tree.leaves(opt_state, is_leaf=look)
    return " + ".join(name for name in dict.fromkeys(names) if name != "Empty") or "one without state"


def _settings(name: str, options: _Options) -> dict[str, Any]:
    def describe(value: Any) -> Any:
        return getattr(value, "__name__", type(value).__name__) if callable(value) else value

    return {
        "name": name,
        "rank": options.rank,
        "sigma": describe(options.sigma),
        "shaping": options.shaping.name,
        "law": options.law.name,
        "noise_reuse": options.noise_reuse,
        "leaves": _rules_settings(options.leaves),
        "noise_stream": noise.NOISE_STREAM,
        ADJUSTABLE: True,
        # Recorded only if it is used, so that runs from before it existed can be continued.
        **({} if options.persistent == 1 else {"persistent": options.persistent}),
    }
