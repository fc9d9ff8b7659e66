"""The doctor: checks by measurement on this machine that the noise and the estimate are correct.

A check takes noise as a `Draw`, or a strategy as an `ES`, so that tests can give it a faulty one. Independence is
judged by |sum x| <= c sqrt(sum x^2). For symmetric terms, Hoeffding's inequality then bounds the probability of a false
alarm by `_FALSE_ALARM`, for all comparisons of a check together.

Letters in shapes: `n` members, `p` pairs, `s` streams, `d` numbers.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from eggroll_ray.es import noise
from eggroll_ray.es.eggroll import eggroll, openai_es
from eggroll_ray.es.leaves import Kind, LeafRules
from eggroll_ray.es.random import normal, rademacher
from eggroll_ray.es.record import ES, ESState
from eggroll_ray.es.shaping import raw
from eggroll_ray.lowrank.parameter import LowRank, Noised, densify, is_perturbed

Params = Any
Range = Sequence[int] | np.ndarray

_FALSE_ALARM = 1e-6
_BLOCK = 256  # number of members drawn at a time, always the same so that only one program is compiled
_PREFIX = 64  # how many numbers of each stream are correlated with those of each other stream
_MEMBERS = 512  # population size for checks of updates; some use four times as many
_SIGMAS = (0.01, 1.0)  # sigma of even and of odd generations in checks of the estimate
_FAR = 1 << 18  # distance to pairs that another worker would draw


@dataclasses.dataclass(frozen=True)
class Finding:
    """The result of one check, or a fact about the machine, which always passes and expects nothing."""

    name: str
    measured: float | str
    expected: str
    passed: bool
    detail: str = ""


class Sample(NamedTuple):
    """The noise of some members, by name, in float64."""

    noise: dict[str, np.ndarray]  # leaf -> (n, d): E with the sign of the member
    streams: dict[str, np.ndarray]  # stream -> (n, d): the independent numbers from which E is computed


# Draws noise: (seed, generation, member numbers (n,)) -> Sample.
Draw = Callable[[int, int, Range], Sample]


def example_params() -> Params:
    """Returns a small tree with all relevant shapes: equal and unequal matrices, a vector, a scalar, four axes."""
    layer = {"kernel": jnp.zeros((16, 16)), "bias": jnp.zeros(16)}
    return {
        "embedding": jnp.zeros((96, 8)),
        "layers": [layer, dict(layer)],
        "convolution": jnp.zeros((2, 2, 8, 8)),
        "scale": jnp.zeros(()),
    }


def diagnose(strategy: ES, params: Params, seed: int = 0, population_size: int = 256) -> list[Finding]:
    """Runs every check.

    Args:
      strategy: the user's strategy. The estimate is measured with its noise, but with plain gradient ascent.
      params: a small tree with fewer than a hundred thousand numbers. It may be small, because noise depends on paths
        and shapes alone.
      seed: seed of the noise that is measured. Other seeds are compared with it.
      population_size: any size that the strategy's shaping accepts; a few hundred are enough.

    Returns:
      Facts about the machine, followed by one finding per check. All of them pass if nothing is wrong.
    """
    draw = sampler(strategy, params, population_size)
    reuse = int(strategy.settings.get("noise_reuse", 1))
    findings = [
        *facts(),
        *check_moments(draw, seed, _ranks(strategy, params), _precision(strategy, params), _kurtosis(strategy), reuse),
        check_twins(draw, seed),
        check_pairs(draw, seed),
        check_streams(draw, seed),
        check_generations(draw, seed, reuse),
        check_seeds(draw, seed, reuse),
        check_overlap(draw, (seed,), reuse),
        check_overlap(draw, _neighbours(seed), reuse),
        check_layouts(strategy, params, seed),
        *check_ascent(strategy, draw, params, seed, population_size),
    ]
    plain = _plain(strategy)
    if plain is None:
        unknown = "the strategy was not made by eggroll() or openai_es() with a law of this package"
        return [*findings, Finding("estimate", "not measured", "", True, unknown)]
    return [
        *findings,
        check_equal_fitness(plain, params, seed),
        check_transpose(plain, draw, params, seed),
        *check_estimate(plain, draw, params, seed),
    ]


def facts() -> list[Finding]:
    """Returns the platform and the versions for which the measurements are valid."""
    devices = jax.local_devices()
    names = f"{len(devices)} x {devices[0].device_kind}"
    return [
        Finding("platform", devices[0].platform, "", True, names),
        Finding("jax", jax.__version__, "", True),
        Finding("noise stream", noise.NOISE_STREAM, "", True),
    ]


def sampler(strategy: ES, params: Params, population_size: int = 256) -> Draw:
    """Returns a `Draw` of the strategy's noise. It applies `perturb` to parameters that are all zero."""
    zeros = jax.tree.map(jnp.zeros_like, params)
    start = strategy.init(zeros, 0)
    paths = [leaf.path for leaf in strategy.label(zeros)]

    @jax.jit
    def run(state: ESState, members: jax.Array) -> Any:
        def one(member: jax.Array) -> Any:
            perturbed = strategy.perturb(state, member)
            leaves = jax.tree.leaves(perturbed, is_leaf=is_perturbed)
            return jax.tree.leaves(densify(perturbed)), [_numbers(leaf) for leaf in leaves]

        _, metrics = strategy.update(state, jnp.zeros(population_size, jnp.float32))
        return *jax.vmap(one)(members), metrics["sigma"]

    def draw(seed: int, generation: int, members: Range) -> Sample:
        state = start._replace(seed=jnp.uint32(seed), generation=jnp.int32(generation))
        formed, numbers, sigma = jax.device_get(run(state, jnp.asarray(members, jnp.int32)))
        found, streams = {}, {}
        for path, array, parts in zip(paths, formed, numbers, strict=True):
            if parts:
                found[path] = np.asarray(array, np.float64).reshape(len(array), -1) / float(sigma)
                streams |= _streams(path, parts, float(sigma))
        return Sample(found, streams)

    return draw


def _numbers(leaf: Any) -> tuple[jax.Array, ...]:
    """The drawn numbers of a perturbed leaf: its factors with the stacked axes as one, or its value."""
    if isinstance(leaf, Noised):
        return (leaf.value,)
    if not isinstance(leaf, LowRank):
        return ()
    layers = leaf.extent("lead")
    return tuple(factor.reshape(layers, leaf.rank, -1) for factor in (leaf.a, leaf.b))


def _streams(path: str, parts: tuple[Any, ...], sigma: float) -> dict[str, np.ndarray]:
    if len(parts) == 1:
        return {path: np.asarray(parts[0], np.float64).reshape(len(parts[0]), -1) / sigma}
    a, b = (np.asarray(part, np.float64) for part in parts)
    a = a * (math.sqrt(a.shape[2]) / sigma)
    return {
        f"{path}[{layer}].{side}": factor[:, layer].reshape(len(factor), -1)
        for side, factor in (("a", a), ("b", b))
        for layer in range(factor.shape[1])
    }


def check_moments(
    draw: Draw,
    seed: int,
    ranks: Mapping[str, int | None],
    precision: float = 1e-6,
    kurtosis: float | None = 3.0,
    reuse: int = 1,
) -> list[Finding]:
    """Checks that every entry of E has mean 0, variance 1, third moment 0, and the fourth moment for its rank.

    Args:
      draw: draws the noise.
      seed: seed of the noise.
      ranks: the rank of each leaf; None for dense noise.
      precision: relative rounding error of the parameters.
      kurtosis: kurtosis of the factors' distribution, which gives a fourth moment of 3 + (kurtosis^2 - 3) / rank; None
        if unknown.
      reuse: number of generations that share their noise.
    """
    samples = [draw(seed, epoch * reuse, _firsts()) for epoch in range(8)]
    entries = {path: np.concatenate([sample.noise[path] for sample in samples]) for path in ranks}

    def fourth(rank: int | None) -> float:
        assert kurtosis is not None
        return kurtosis if rank is None else 3.0 + (kurtosis**2 - 3.0) / rank

    findings = []
    for power, name in enumerate(("mean", "variance", "third moment", "fourth moment"), 1):
        if power == 4 and kurtosis is None:
            break
        wanted = {path: (0.0, 1.0, 0.0)[power - 1] if power < 4 else fourth(ranks[path]) for path in ranks}
        scores = {path: _score(np.mean(e**power, axis=1), wanted[path], precision) for path, e in entries.items()}
        worst = max(scores, key=lambda path: abs(scores[path]))
        measured = float(np.mean(entries[worst] ** power))
        text = f"{measured:.3f}, {scores[worst]:.1f} standard errors off"
        # The terms are not symmetric, so Hoeffding's bound is not exact. Therefore add some tolerance.
        passed = abs(scores[worst]) <= _bound(len(scores)) + 1.0
        findings.append(Finding(f"{name} of E", text, f"{wanted[worst]:.3g}", passed, f"worst leaf: {worst}"))
    return findings


def check_twins(draw: Draw, seed: int) -> Finding:
    """Checks that members 2p and 2p + 1 have exactly opposite noise."""
    sample = draw(seed, 0, np.arange(_BLOCK)).noise
    bad = [path for path, e in sample.items() if not np.array_equal(e[0::2], -e[1::2]) or not e.any()]
    return Finding("twins are opposite", f"{len(bad)} leaves differ", "0", not bad, ", ".join(bad[:3]))


def check_pairs(draw: Draw, seed: int) -> Finding:
    """Checks that no two pairs share noise, whether the same worker draws them or different ones."""
    members = _firsts()
    near = _joined(draw(seed, 0, members))
    far = _joined(draw(seed, 0, members + 2 * _FAR))
    lags = range(1, len(members) // 2)
    scores = {f"{lag} apart": _scores(near, near, lag) for lag in lags}
    scores |= {f"{_FAR + lag} apart": _scores(near, far, lag) for lag in range(-8, 9)}
    return _independent("pairs", scores, ["all streams"])


def check_streams(draw: Draw, seed: int) -> Finding:
    """Checks that leaves, stacked layers and the two factors of a leaf share no noise, not even a prefix of it."""
    sample = draw(seed, 0, _firsts())
    x, names = _prefixes(sample), list(sample.streams)
    scores = {f"{lag} pairs apart": _scores(x, x, lag) for lag in range(-8, 9)}
    np.fill_diagonal(scores["0 pairs apart"], 0.0)
    return _independent("leaves, layers and factors", scores, names)


def check_generations(draw: Draw, seed: int, reuse: int = 1) -> Finding:
    """Checks that every noise epoch has new noise, and that all generations of one epoch share it."""
    members = _firsts()
    samples = {epoch: draw(seed, epoch * reuse, members) for epoch in (0, 1, 2, 1000)}
    last = draw(seed, 2 * reuse - 1, members)
    if not all(np.allclose(e, last.noise[path], 0.02, 0.02) for path, e in samples[1].noise.items()):
        detail = f"generations {reuse} and {2 * reuse - 1} are of one epoch, but their noise differs"
        return Finding("generations", "noise changes within an epoch", "constant", False, detail)
    x = {epoch: _prefixes(sample) for epoch, sample in samples.items()}
    scores = {
        f"epochs {one} and {two}, {lag} pairs apart": _scores(x[one], x[two], lag)
        for one, two in ((0, 1), (0, 2), (1, 2), (0, 1000))
        for lag in range(-2, 3)
    }
    names = list(last.streams)
    return _independent("generations", scores, names)


def check_seeds(draw: Draw, seed: int, reuse: int = 1) -> Finding:
    """Checks that different seeds give different noise, even if pair, leaf or generation is shifted."""
    members = _firsts()
    sample = draw(seed, 0, members)
    others = {*_neighbours(seed), 0, 42, seed ^ (1 << 31)} - {seed}
    x, names = _prefixes(sample), list(sample.streams)
    scores = {}
    for other in sorted(others):
        for epoch in (0, 1):
            y = _prefixes(draw(other, epoch * reuse, members))
            for lag in range(-4, 5):
                scores[f"seed {other}, epoch {epoch}, {lag} pairs apart"] = _scores(x, y, lag)
    return _independent("seeds", scores, names)


def check_overlap(draw: Draw, seeds: Sequence[int], reuse: int = 1) -> Finding:
    """Checks that no sequence of numbers occurs twice, at any offset, in the streams of seeds, epochs and pairs."""
    samples = [draw(seed, epoch * reuse, _firsts()) for seed in seeds for epoch in range(3)]
    # Round the numbers to find copies that differ by rounding. `_window_hashes` ignores signs to find negated copies.
    rows = [np.rint(x[:64] * 4096).astype(np.int64) for sample in samples for x in sample.streams.values()]
    _, counts = np.unique(np.concatenate([x.ravel() for x in rows]), return_counts=True)
    bits = -math.log2(max(float(np.sum((counts / counts.sum()) ** 2)), 1e-300)) or 1e-3
    size = min(math.ceil(73 / bits), max(x.shape[1] for x in rows))
    hashes = np.concatenate([_window_hashes(x, size) for x in rows])
    copies = len(hashes) - len(np.unique(hashes))
    chance = len(hashes) ** 2 / 2 * 2.0 ** (1 - bits * size)
    name = "overlap of streams" if len(seeds) == 1 else "overlap with neighbouring seeds"
    detail = f"{len(hashes)} runs of {size} numbers"
    return Finding(name, copies, f"{chance:.1g} by chance", copies <= 2 * chance + 6 * math.sqrt(chance), detail)


def check_layouts(strategy: ES, params: Params, seed: int) -> Finding:
    """Checks that a member has the same noise if drawn alone, in blocks of any size, in a loop, or on another device.

    Compilers may round the last bit differently. A larger difference means that other numbers were drawn.
    """
    state = strategy.init(jax.tree.map(jnp.zeros_like, params), seed)
    order = sorted(range(len(strategy.label(params))), key=lambda i: jax.tree.leaves(params)[i].size)
    chosen = {order[0], order[-1]}  # the smallest and the largest leaf alone, which compile within seconds

    def numbers(state: ESState, member: jax.Array) -> list[Any]:
        leaves = jax.tree.leaves(strategy.perturb(state, member), is_leaf=is_perturbed)
        return [_numbers(leaf) for i, leaf in enumerate(leaves) if i in chosen]

    alone, block = jax.jit(numbers), jax.jit(jax.vmap(numbers, (None, 0)))
    loop = jax.jit(lambda state, members: jax.lax.map(lambda member: numbers(state, member), members))
    members, device = jnp.arange(12, dtype=jnp.int32), jax.local_devices()[-1]
    layouts = {
        "one by one": [jax.tree.map(lambda x: x[None], alone(state, member)) for member in members],
        "blocks of 4": [block(state, members[i : i + 4]) for i in (0, 4, 8)],
        "in a loop": [loop(state, members)],
        f"on {device}": [block(*jax.device_put((state, members), device))],
    }
    wanted = _flat([block(state, members)])
    scale = float(np.max(np.abs(wanted)))
    differ = {name: float(np.max(np.abs(_flat(parts) - wanted))) / scale for name, parts in layouts.items()}
    worst = max(differ, key=lambda name: differ[name])
    exact = sum(difference == 0 for difference in differ.values())
    detail = f"{exact} of {len(differ)} layouts agree to the last bit; worst: {worst}"
    tolerance = 4 * _precision(strategy, params)
    return Finding("batch layouts", differ[worst], f"<= {tolerance:.1g}", differ[worst] <= tolerance, detail)


def check_ascent(strategy: ES, draw: Draw, params: Params, seed: int, population_size: int = 256) -> list[Finding]:
    """Checks that a linear fitness rises within a few updates, even if that of one member is NaN or infinite."""
    start, update = strategy.init(params, seed), jax.jit(strategy.update)
    noise = [_population(draw, seed, generation, population_size) for generation in range(5)]
    gradient = _directions(seed, noise[0].shape[1], 1)[0]

    def rise(spoiled: float | None) -> float:
        state = start
        for e in noise:
            fitness = np.asarray(e @ gradient + _vector(strategy, state.params) @ gradient, np.float32)
            if spoiled is not None:
                fitness[3] = spoiled
            state, _ = update(state, jnp.asarray(fitness))
        return float((_vector(strategy, state.params) - _vector(strategy, start.params)) @ gradient)

    risen = rise(None)
    bad = [name for name in ("nan", "inf", "-inf") if not rise(float(name)) > 0]
    return [
        Finding("higher is better", f"{risen:+.3g}", "the fitness rises", risen > 0),
        Finding("fitness not finite", f"{len(bad)} of 3 stop the ascent", "0", not bad, ", ".join(bad)),
    ]


def check_equal_fitness(plain: ES, params: Params, seed: int) -> Finding:
    """Checks that the parameters keep all their bits if all members have the same fitness.

    Args:
      plain: a strategy with raw fitness whose step is the estimate itself, `optax.sgd(1.0)`.
      params: the parameters.
      seed: seed of the noise.
    """
    start = plain.init(params, seed)
    state, _ = jax.jit(plain.update)(start, jnp.full(_MEMBERS, 3.0, jnp.float32))
    leaves = zip(jax.tree.leaves(start.params), jax.tree.leaves(state.params), strict=True)
    moved = sum(not np.array_equal(before, after) for before, after in leaves)
    return Finding("equal fitness", f"{moved} leaves move", "0", not moved)


def check_transpose(plain: ES, draw: Draw, params: Params, seed: int) -> Finding:
    """Checks that the update sums the same noise that members were perturbed with: (1 / (n sigma)) sum_i F_i E_i."""
    start = plain.init(jax.tree.map(jnp.zeros_like, params), seed)._replace(generation=jnp.int32(5))
    fitness = np.random.default_rng(seed).normal(size=_MEMBERS).astype(np.float32)
    state, metrics = jax.jit(plain.update)(start, jnp.asarray(fitness))
    blocks = [draw(seed, 5, np.arange(_BLOCK) + first).noise for first in range(0, _MEMBERS, _BLOCK)]
    sample = {path: np.concatenate([block[path] for block in blocks]) for path in blocks[0]}
    errors = {}
    for leaf, moved in zip(plain.label(params), jax.tree.leaves(state.params), strict=True):
        if leaf.path in sample:
            wanted = fitness.astype(np.float64) @ sample[leaf.path] / (_MEMBERS * float(metrics["sigma"]))
            error = np.linalg.norm(np.asarray(moved, np.float64).ravel() - wanted) / np.linalg.norm(wanted)
            errors[leaf.path] = float(error) / float(jnp.finfo(leaf.dtype).eps)
    worst = max(errors, key=lambda path: errors[path])
    passed = errors[worst] <= 32
    return Finding("update uses the same noise", errors[worst], "<= 32 roundings", passed, f"worst leaf: {worst}")


def check_estimate(plain: ES, draw: Draw, params: Params, seed: int) -> list[Finding]:
    """Checks that the estimate for a linear or quadratic fitness is its gradient, for several sigmas and populations.

    The projections of the estimate on the gradient and on random directions are compared with those of the gradient,
    in standard errors of the mean over pairs.

    Args:
      plain: a strategy with raw fitness whose step is the estimate itself, `optax.sgd(1.0)`, and whose sigma changes
        with the generation.
      draw: draws its noise, which is that of the examined strategy.
      params: the parameters.
      seed: seed of the noise.
    """
    zeros = jax.tree.map(jnp.zeros_like, params)
    findings, many = [], 4 * _MEMBERS
    for curvature, generation, n in ((0.0, 0, _MEMBERS), (0.0, 1, many), (1.0, 0, many), (1.0, 1, many)):
        start = plain.init(zeros, seed)._replace(generation=jnp.int32(generation))
        sigma = _SIGMAS[generation]
        e = _population(draw, seed, generation, n)
        gradient, *others = u = _directions(seed, e.shape[1], 16)
        theta = sigma * e
        fitness = theta @ gradient - curvature / 2 * theta**2 @ np.abs(others[0])
        fitness = fitness.astype(np.float32)
        state, _ = jax.jit(plain.update)(start, jnp.asarray(fitness))
        estimate = _vector(plain, state.params)
        change = (fitness[0::2].astype(np.float64) - fitness[1::2]) / (2 * sigma)
        terms = change[:, None] * (e[0::2] @ u.T)
        error = terms.std(axis=0, ddof=1) / math.sqrt(len(terms)) + 1e-9
        worst = float(np.max(np.abs(u @ (estimate - gradient)) / error))
        cosine = float(estimate @ gradient / np.linalg.norm(estimate))
        bound = _bound(len(u)) + 1.0
        name = f"estimate, {'quadratic' if curvature else 'linear'}, sigma {sigma:g}, {n} members"
        detail = f"cosine with the gradient {cosine:.2f}, in {len(gradient)} dimensions"
        measured = f"{worst:.1f} standard errors off"
        findings.append(Finding(name, measured, f"<= {bound:.1f}", worst <= bound, detail))
    return findings


def _plain(strategy: ES) -> ES | None:
    """A strategy with the same noise, raw fitness, the estimate as its step, and alternating `_SIGMAS`."""
    settings = strategy.settings
    laws = {"normal": normal, "rademacher": rademacher}
    makers = {"eggroll": eggroll, "openai_es": openai_es}
    if settings.get("law") not in laws or settings.get("name") not in makers:
        return None
    rank = {} if settings["rank"] is None else {"rank": settings["rank"]}
    return makers[settings["name"]](
        sigma=lambda generation: jnp.where(generation % 2 == 0, *map(jnp.float32, _SIGMAS)),
        optimizer=optax.sgd(1.0),
        shaping=raw,
        law=laws[settings["law"]],
        noise_reuse=settings["noise_reuse"],
        leaves=LeafRules(**settings["leaves"]),
        **rank,
    )


def _population(draw: Draw, seed: int, generation: int, n: int) -> np.ndarray:
    """The unit noise (n, d) of all members, with the leaves concatenated."""
    blocks = [draw(seed, generation, np.arange(_BLOCK) + first).noise for first in range(0, n, _BLOCK)]
    return np.concatenate([np.concatenate(list(block.values()), axis=1) for block in blocks])[:n]


def _vector(strategy: ES, params: Params) -> np.ndarray:
    """The parameters that are not frozen, with the leaves concatenated."""
    leaves = zip(strategy.label(params), jax.tree.leaves(params), strict=True)
    return np.concatenate([np.asarray(x, np.float64).ravel() for leaf, x in leaves if leaf.kind is not Kind.FROZEN])


def _precision(strategy: ES, params: Params) -> float:
    """The largest relative rounding error of the parameters."""
    return max(float(jnp.finfo(leaf.dtype).eps) for leaf in _noisy(strategy, params))


def _noisy(strategy: ES, params: Params) -> list[Any]:
    return [leaf for leaf in strategy.label(params) if leaf.kind is not Kind.FROZEN]


def _ranks(strategy: ES, params: Params) -> dict[str, int | None]:
    rank = strategy.settings.get("rank")
    return {leaf.path: None if leaf.kind is Kind.DENSE else rank for leaf in _noisy(strategy, params)}


def _kurtosis(strategy: ES) -> float | None:
    return {"normal": 3.0, "rademacher": 1.0}.get(str(strategy.settings.get("law")))


def _neighbours(seed: int) -> tuple[int, ...]:
    return seed, (seed + 1) % 2**32, (seed + 2) % 2**32


def _directions(seed: int, size: int, number: int) -> np.ndarray:
    """Random unit vectors (number, size)."""
    u = np.random.default_rng(seed).normal(size=(number, size))
    return u / np.linalg.norm(u, axis=1, keepdims=True)


def _firsts() -> np.ndarray:
    """The first members of the first pairs."""
    return 2 * np.arange(_BLOCK)


def _prefixes(sample: Sample) -> np.ndarray:
    """The first numbers of every stream, (s, p, _PREFIX). Shorter streams are padded with zeros."""
    streams = [x[:, :_PREFIX] for x in sample.streams.values()]
    padded = [np.concatenate([x, np.zeros((len(x), _PREFIX - x.shape[1]))], axis=1) for x in streams]
    return np.stack(padded)


def _joined(sample: Sample) -> np.ndarray:
    """About 512 numbers from all streams, (1, p, d)."""
    numbers = np.concatenate(list(sample.streams.values()), axis=1)
    return numbers[None, :, :: -(-numbers.shape[1] // 512)]


def _scores(x: np.ndarray, y: np.ndarray, lag: int) -> np.ndarray:
    """Standardised correlation (s, s) of each stream of pair p in `x` with each stream of pair p + lag in `y`."""
    x, y = (x[:, : x.shape[1] - lag], y[:, lag:]) if lag >= 0 else (x[:, -lag:], y[:, :lag])
    x, y = x.reshape(len(x), -1), y.reshape(len(y), -1)
    return x @ y.T / np.sqrt(np.maximum((x * x) @ (y * y).T, 1e-300))


def _independent(name: str, scores: dict[str, np.ndarray], streams: list[str]) -> Finding:
    """The finding for standardised correlations, which passes if none is larger than expected by chance."""
    where = max(scores, key=lambda key: float(np.max(np.abs(scores[key]))))
    one, other = np.unravel_index(int(np.argmax(np.abs(scores[where]))), scores[where].shape)
    worst = abs(float(scores[where][one, other]))
    bound = _bound(sum(score.size for score in scores.values()))
    detail = f"worst: {streams[one]} with {streams[other]}, {where}"
    return Finding(name, f"{worst:.1f} standard errors", f"<= {bound:.1f}", worst <= bound, detail)


def _bound(comparisons: int) -> float:
    return math.sqrt(2.0 * math.log(2.0 * comparisons / _FALSE_ALARM))


def _score(values: np.ndarray, wanted: float, precision: float) -> float:
    """By how many standard errors the mean is off, beyond the effect of rounding."""
    off = float(np.mean(values)) - wanted
    beyond = max(0.0, abs(off) - 8 * precision * max(1.0, wanted))
    return math.copysign(beyond, off) / (float(np.std(values)) / math.sqrt(len(values)) + 1e-12)


def _window_hashes(rows: np.ndarray, size: int) -> np.ndarray:
    """Hashes of all sequences of `size` numbers inside the rows. A sequence and its negative have the same hash."""
    windows = rows.shape[1] - size + 1
    if windows < 1:
        return np.zeros(0, np.uint64)
    multipliers = np.random.default_rng(0).integers(1, 2**63, size, np.uint64)
    numbers = rows.astype(np.uint64)
    hashes = sum(numbers[:, i : i + windows] * multipliers[i] for i in range(size))
    signed = np.where(rows[:, :windows] < 0, -np.asarray(hashes, np.uint64), np.asarray(hashes, np.uint64))
    return signed.ravel()


def _flat(parts: Iterable[Any]) -> np.ndarray:
    """The numbers of the parts of a block, concatenated over members, then over leaves."""
    columns = zip(*(jax.tree.leaves(part) for part in parts), strict=True)
    joined = [np.concatenate([np.asarray(x, np.float64) for x in column]) for column in columns]
    return np.concatenate([column.ravel() for column in joined])
