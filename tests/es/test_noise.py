"""The noise against its definition, and every known noise fault of the field against the doctor."""

import functools
from collections.abc import Callable
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marks import mostly_slow

from eggroll_ray import eggroll, fitness, noise, openai_es
from eggroll_ray.es import doctor
from eggroll_ray.es import eggroll as es
from eggroll_ray.es.leaves import LeafRules
from eggroll_ray.es.record import ES

pytestmark = pytest.mark.usefixtures("compile_quickly")

PARAMS = {
    "first": jnp.full((24, 20), 0.3),
    "second": jnp.full((24, 20), 0.3),
    "stack": jnp.full((2, 11, 30), 0.3),
    "bias": jnp.full((7,), 0.3),
}
STACKED = LeafRules(stacked={"stack": 1})


def as_bfloat16(params):
    return jax.tree.map(lambda x: x.astype(jnp.bfloat16), params)


# The stream itself.


def test_golden_stream():
    """A change here changes the meaning of every fitness log: rename NOISE_STREAM with it."""
    assert noise.NOISE_STREAM == "threefry2x32/1"

    @jax.jit
    def stream():
        key = noise.pair_key(noise.leaf_key(7, "layers/0/kernel", 3), 5)
        return jax.random.key_data(key), noise.normal(key, (5,)), noise.rademacher(key, (37,))

    key, normal, signs = stream()
    assert key.tolist() == GOLDEN_KEY
    # erf_inv may differ in the last bit between devices; another stream differs in all of them.
    np.testing.assert_allclose(normal, GOLDEN_NORMAL, rtol=2e-6)
    assert "".join("+" if sign > 0 else "-" for sign in signs.tolist()) == GOLDEN_SIGNS


GOLDEN_KEY = [4192685552, 722058864]
GOLDEN_NORMAL = [-2.7057154, 0.04402741, 0.71957809, -0.35300633, 0.053711891]
GOLDEN_SIGNS = "--+++++-+--+-+-+-----+--++++++++-+-+-"


def test_golden_factors():
    unit = noise.low_rank_noise((2,), 3, 2, 2, jnp.float32)
    factors = jax.jit(lambda: unit.draw(noise.leaf_key(7, "w", 0)))()
    np.testing.assert_allclose(factors.a[1, 0], GOLDEN_A, rtol=2e-6)
    np.testing.assert_allclose(factors.b[1, 0], GOLDEN_B, rtol=2e-6)


GOLDEN_A = [-0.54155511, -0.60665137, -0.25799292]
GOLDEN_B = [-0.76088792, -0.13313766]


def test_streams_ignore_the_users_generator():
    wanted = noise.normal(noise.leaf_key(1, "w", 2), (3,))
    with jax.default_prng_impl("rbg"):
        np.testing.assert_array_equal(noise.normal(noise.leaf_key(1, "w", 2), (3,)), wanted)


@pytest.mark.parametrize("shape", [(), (1,), (33,), (3, 7), (2, 5, 9)])
def test_numbers_are_those_of_jax(shape):
    """Our threefry is unrolled for speed; that it is threefry is shown by JAX's own."""
    with jax.threefry_partitionable(True):
        for name in ("first", "second"):
            found, wanted = numbers(name, shape), numbers_of_jax(name, shape)
            np.testing.assert_array_equal(found[0], wanted[0])
            np.testing.assert_array_equal(found[1], wanted[1])
            np.testing.assert_allclose(found[2], wanted[2], rtol=2e-6)


@functools.partial(jax.jit, static_argnums=(0, 1))
def numbers(name, shape):
    """The key of a pair, and the bits and the numbers that are drawn from it."""
    key = noise.pair_key(noise.leaf_key(2**32 - 1, name, 2), 2**31 + 5)
    return jax.random.key_data(key), noise.normal.bits(key, shape), noise.normal(key, shape)


@functools.partial(jax.jit, static_argnums=(0, 1))
def numbers_of_jax(name, shape):
    key = jax.random.fold_in(noise.leaf_key(2**32 - 1, name, 2), 2**31 + 5)
    return jax.random.key_data(key), jax.random.bits(key, shape, jnp.uint32), jax.random.normal(key, shape)


def test_streams_ignore_the_users_partition_of_threefry():
    key = noise.leaf_key(1, "w", 2)
    with jax.threefry_partitionable(True):
        wanted = noise.rademacher(key, (40,))
    with jax.threefry_partitionable(False):
        np.testing.assert_array_equal(noise.rademacher(key, (40,)), wanted)


def test_noise_of_too_many_numbers_is_refused():
    with pytest.raises(ValueError, match=r"\(65536, 65536\) has 2\*\*32 numbers or more in one pair; split the leaf"):
        jax.eval_shape(lambda: noise.normal(noise.leaf_key(0, "w", 0), (1 << 16, 1 << 16)))


def test_rademacher_is_signs_of_any_shape():
    for shape in ((), (1,), (31,), (32,), (3, 33)):
        signs = jax.jit(lambda shape=shape: noise.rademacher(noise.leaf_key(0, "w", 0), shape))()
        assert signs.shape == shape and signs.dtype == jnp.float32
        assert set(np.unique(signs)) <= {-1.0, 1.0}


# The transpose: weighted_sum against the explicit sum of what `draw` gives.


def explicit_sum(unit: noise.Noise, key, weights) -> np.ndarray:
    total, draw = 0.0, jax.jit(lambda pair: unit.draw(noise.pair_key(key, pair)))
    for pair, weight in enumerate(np.asarray(weights, np.float64)):
        drawn = draw(np.uint32(pair))
        if isinstance(drawn, noise.Factors):
            a, b = np.asarray(drawn.a, np.float64), np.asarray(drawn.b, np.float64)
            drawn = np.einsum("...rm,...rk->...mk", a, b)
        total = total + weight * np.asarray(drawn, np.float64)
    return np.asarray(total)


DTYPES = st.sampled_from([jnp.float32, jnp.bfloat16])
LAW = st.sampled_from([noise.normal, noise.rademacher])


@pytest.mark.slow
@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    lead=st.sampled_from([(), (3,), (2, 2)]),
    rows=st.integers(1, 9),
    columns=st.integers(1, 9),
    rank=st.sampled_from([1, 2, 4, 8]),
    pairs=st.integers(1, 9),
    chunk=st.sampled_from([1, 40, 100, 1 << 20]),
    dtype=DTYPES,
    law=LAW,
)
def test_low_rank_sum_is_the_explicit_one(lead, rows, columns, rank, pairs, chunk, dtype, law):
    unit = noise.low_rank_noise(lead, rows, columns, rank, dtype, law)
    check_sum(unit, pairs, chunk)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(
    shape=st.sampled_from([(), (1,), (7,), (3, 5), (2, 3, 4)]),
    pairs=st.integers(1, 9),
    chunk=st.sampled_from([1, 13, 1 << 20]),
    dtype=DTYPES,
    law=LAW,
)
def test_dense_sum_is_the_explicit_one(shape, pairs, chunk, dtype, law):
    check_sum(noise.dense_noise(shape, dtype, law), pairs, chunk)


def check_sum(unit: noise.Noise, pairs: int, chunk: int) -> None:
    key = noise.leaf_key(3, "w", 1)
    weights = jnp.asarray(np.random.default_rng(pairs).normal(size=pairs), jnp.float32)
    with mock.patch.object(noise, "_CHUNK_NUMBERS", chunk):
        total = jax.jit(unit.weighted_sum)(key, weights)
    assert total.dtype == jnp.float32
    np.testing.assert_allclose(total, explicit_sum(unit, key, weights), rtol=2e-5, atol=2e-5)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 2**31 - 1), min_size=6, max_size=6))
def test_noise_depends_on_the_pair_alone(pairs):
    key, draw = noise.leaf_key(5, "w", 2), noise.low_rank_noise((2,), 5, 3, 2, jnp.float32).draw
    together = BLOCK(key, jnp.asarray(pairs, jnp.uint32))
    for i, pair in enumerate(pairs):
        alone = ALONE(key, jnp.uint32(pair))
        for one, other in zip(jax.tree.leaves(together), jax.tree.leaves(alone), strict=True):
            np.testing.assert_array_equal(one[i], other)
    assert jax.eval_shape(draw, key).a.shape == (2, 2, 5)


ALONE = jax.jit(lambda key, pair: noise.low_rank_noise((2,), 5, 3, 2, jnp.float32).draw(noise.pair_key(key, pair)))
BLOCK = jax.jit(lambda key, pairs: jax.vmap(ALONE, (None, 0))(key, pairs))


# The real strategies pass the doctor's checks of the noise.

REAL = {
    "normal, rank 1": (lambda: eggroll(rank=1, leaves=STACKED), PARAMS),
    "rademacher, rank 2": (lambda: eggroll(rank=2, law=noise.rademacher, leaves=STACKED), PARAMS),
    "normal, rank 4, reused": (lambda: eggroll(rank=4, noise_reuse=3), PARAMS),
    "rademacher, rank 8": (lambda: eggroll(rank=8, law=noise.rademacher), PARAMS),
    "bfloat16": (lambda: eggroll(rank=2, sigma=0.05), as_bfloat16(PARAMS)),
    "formed and frozen": (
        lambda: eggroll(rank=2, leaves=LeafRules(densify=("first",), frozen=("bias",))),
        PARAMS,
    ),
    "dense": (lambda: openai_es(law=noise.rademacher), PARAMS),
}


@pytest.mark.parametrize("name", mostly_slow(REAL, quick=["normal, rank 1", "rademacher, rank 2"]))
def test_real_noise_passes(name):
    make, params = REAL[name]
    strategy = make()
    reuse = strategy.settings["noise_reuse"]
    draw = doctor.sampler(strategy, params)
    seed = 2**32 - 1
    ranks, precision = doctor._ranks(strategy, params), doctor._precision(strategy, params)
    findings = [
        *doctor.check_moments(draw, seed, ranks, precision, doctor._kurtosis(strategy), reuse),
        doctor.check_twins(draw, seed),
        doctor.check_pairs(draw, seed),
        doctor.check_streams(draw, seed),
        doctor.check_generations(draw, seed, reuse),
        doctor.check_seeds(draw, seed, reuse),
        doctor.check_overlap(draw, (seed,), reuse),
        doctor.check_overlap(draw, doctor._neighbours(seed), reuse),
    ]
    assert [finding for finding in findings if not finding.passed] == []


# Faulty noise in NumPy, each fault that of a published code, and the check that must fail on it.


def hashed(*counters) -> np.ndarray:
    """Splitmix64 over counters that broadcast: sound noise to build faulty noise from."""
    state = np.uint64(0x1234)
    with np.errstate(over="ignore"):
        for counter in counters:
            state = state ^ np.asarray(counter).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return state


def uniform(words: np.ndarray) -> np.ndarray:
    return ((words >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53


def gaussian(words: np.ndarray) -> np.ndarray:
    return np.sqrt(-2 * np.log(uniform(words))) * np.cos(2 * np.pi * uniform(hashed(words, 1)))


def draw_with(
    key: Callable = lambda s, g, p, leaf, layer: (s, g, p, leaf, layer),
    numbers: Callable = lambda key, j: gaussian(hashed(*key, j)),
    twins: float = -1.0,
    same_factors: bool = False,
    scale: float = 1.0,
) -> doctor.Draw:
    """Noise of rank 1 whose key (a tuple of counters) or numbers can be made faulty."""
    leaves = {"first": (1, 12, 8), "second": (1, 12, 8), "wide": (1, 12, 30), "stack": (2, 9, 9)}

    def draw(seed, generation, members):
        pairs = (np.asarray(members) // 2)[:, None]
        sign = np.where(np.asarray(members) % 2 == 0, 1.0, twins)[:, None]
        units, streams = {}, {}
        for index, (name, (layers, m, k)) in enumerate(leaves.items()):
            formed = []
            for layer in range(layers):
                both = scale * numbers(key(seed, generation, pairs, index, layer), np.arange(m + k)[None])
                a, b = sign * both[:, :m], both[:, :k] if same_factors else both[:, m:]
                streams |= {f"{name}[{layer}].a": a, f"{name}[{layer}].b": b}
                formed.append((a[:, :, None] * b[:, None, :]).reshape(len(pairs), -1))
            units[name] = np.concatenate(formed, axis=1)
        units["bias"] = streams["bias"] = (
            sign * scale * numbers(key(seed, generation, pairs, len(leaves), 0), np.arange(6)[None])
        )
        return doctor.Sample(units, streams)

    return draw


TABLE = gaussian(hashed(np.arange(1 << 18)))
RANKS = {"first": 1, "second": 1, "wide": 1, "stack": 1, "bias": None}


def table_slices(key, j):
    """Slices of one table at random places: 256 pairs times 6 streams overlap."""
    return TABLE[(hashed(*key) % np.uint64(len(TABLE) - 64)).astype(np.int64) + j]


def moments(index: int) -> Callable:
    return lambda draw: doctor.check_moments(draw, 0, RANKS)[index]


CHECKS = {
    "mean": moments(0),
    "variance": moments(1),
    "third moment": moments(2),
    "fourth moment": moments(3),
    "twins": lambda draw: doctor.check_twins(draw, 0),
    "pairs": lambda draw: doctor.check_pairs(draw, 0),
    "streams": lambda draw: doctor.check_streams(draw, 0),
    "generations": lambda draw: doctor.check_generations(draw, 0),
    "reuse": lambda draw: doctor.check_generations(draw, 0, reuse=3),
    "seeds": lambda draw: doctor.check_seeds(draw, 0),
    "overlap": lambda draw: doctor.check_overlap(draw, (0,)),
    "neighbours": lambda draw: doctor.check_overlap(draw, (0, 1, 2)),
}

FAULTS = {
    "es-at-scale: one seed for every tensor": ({"key": lambda s, g, p, leaf, layer: (s, g, p)}, "streams"),
    "eggroll-trainer: no layer in the key": ({"key": lambda s, g, p, leaf, layer: (s, g, p, leaf)}, "streams"),
    "one stream for both factors": ({"same_factors": True}, "streams"),
    "neighbouring leaves share by a shift of the pair": (
        {"key": lambda s, g, p, leaf, layer: (s, g, p + leaf, layer)},
        "streams",
    ),
    "HyperscaleES: the same noise for ever": (
        {"key": lambda s, g, p, leaf, layer: (s, p, leaf, layer)},
        "generations",
    ),
    "the generation wraps": (
        {"key": lambda s, g, p, leaf, layer: (s, g % 2, p, leaf, layer)},
        "generations",
    ),
    "generation and pair in one counter": (
        {"key": lambda s, g, p, leaf, layer: (s, g + p, leaf, layer)},
        "generations",
    ),
    "noise_reuse has no effect": ({}, "reuse"),
    "eggroll-trainer: the seed is overwritten": (
        {"key": lambda s, g, p, leaf, layer: (g, p, leaf, layer)},
        "seeds",
    ),
    "es-at-scale: seed or 42": ({"key": lambda s, g, p, leaf, layer: (s or 42, g, p, leaf, layer)}, "seeds"),
    "eggroll-vllm: seed + consecutive index": (
        {"key": lambda s, g, p, leaf, layer: (s + 5 * (p + 4096 * g) + leaf, layer)},
        "seeds",
    ),
    "eggroll-vllm, at any offset": (
        {"key": lambda s, g, p, leaf, layer: (s + 5 * (p + 4096 * g) + leaf, layer)},
        "neighbours",
    ),
    "seed and generation in one counter": (
        {"key": lambda s, g, p, leaf, layer: (s + g, p, leaf, layer)},
        "neighbours",
    ),
    "nano-egg: slices of one table": ({"numbers": table_slices}, "overlap"),
    "RLlib: workers count from the same seed": (
        {"key": lambda s, g, p, leaf, layer: (s, g, p - p.min(), leaf, layer)},
        "pairs",
    ),
    "pair numbers of 16 bits": ({"key": lambda s, g, p, leaf, layer: (s, g, p % 65536, leaf, layer)}, "pairs"),
    "few distinct pairs": ({"key": lambda s, g, p, leaf, layer: (s, g, p % 100, leaf, layer)}, "pairs"),
    "eggroll-trainer: twins are not opposite": ({"twins": 1.0}, "twins"),
    "no noise at all": ({"scale": 0.0}, "twins"),
    "not centred": ({"numbers": lambda key, j: gaussian(hashed(*key, j)) + 0.1}, "mean"),
    "vllm: 1/sqrt(rank) is missing": ({"scale": 2**0.25}, "variance"),
    "a skewed law": ({"numbers": lambda key, j: -1 - np.log(uniform(hashed(*key, j)))}, "third moment"),
    "uniform called normal": (
        {"numbers": lambda key, j: np.sqrt(12) * (uniform(hashed(*key, j)) - 0.5)},
        "fourth moment",
    ),
}


@pytest.mark.parametrize("name", CHECKS)
def test_sound_noise_passes(name):
    if name == "reuse":
        draw = draw_with(key=lambda s, g, p, leaf, layer: (s, g // 3, p, leaf, layer))
    else:
        draw = draw_with()
    finding = CHECKS[name](draw)
    assert finding.passed, finding


@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_noise_fails(fault):
    options, check = FAULTS[fault]
    finding = CHECKS[check](draw_with(**options))
    assert not finding.passed, finding


# Faulty strategies: the layout, the update and its direction.

SMALL = {"w": jnp.full((12, 10), 0.3), "b": jnp.full((5,), 0.7)}


def plain_strategy(**options) -> ES:
    strategy = doctor._plain(eggroll(**options))
    assert strategy is not None
    return strategy


@pytest.mark.slow
def test_generator_that_depends_on_the_batch_fails():
    """Under `vmap` the generator `rbg` draws other numbers than alone (JAX documents it)."""
    assert doctor.check_layouts(eggroll(), SMALL, 0).passed

    def stream_keys(seed, names):
        key = jax.random.key(jnp.asarray(seed, jnp.uint32), impl="rbg")
        return jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.array([len(name) for name in names]))

    with mock.patch.object(noise, "stream_keys", stream_keys):
        assert not doctor.check_layouts(eggroll(), SMALL, 0).passed


def scaled(factor: Callable) -> Callable[[ES], ES]:
    """Multiplies the step by `factor(sigma, number of members)`."""

    def fault(strategy: ES) -> ES:
        def update(state, fitness):
            new, metrics = strategy.update(state, fitness)
            by = factor(metrics["sigma"], fitness.shape[0])
            params = jax.tree.map(lambda x, y: x + by * (y - x), state.params, new.params)
            return new._replace(params=params), metrics

        return strategy._replace(update=update)

    return fault


def with_fitness(change: Callable) -> Callable[[ES], ES]:
    return lambda strategy: strategy._replace(update=lambda state, fitness: strategy.update(state, change(fitness)))


def later_noise(strategy: ES) -> ES:
    def update(state, fitness):
        new, metrics = strategy.update(state._replace(generation=state.generation + 2), fitness)
        return new._replace(generation=state.generation + 1), metrics

    return strategy._replace(update=update)


def restored_by_subtraction(strategy: ES) -> ES:
    def update(state, fitness):
        drifted = jax.tree.map(lambda x: (x + jnp.sqrt(x)) - jnp.sqrt(x), state.params)
        return strategy.update(state._replace(params=drifted), fitness)

    return strategy._replace(update=update)


def odd_members_dropped(fitness):
    return jnp.where(jnp.arange(fitness.shape[0]) % 2 == 0, 2 * fitness, 0.0)


BAD_STRATEGIES = {
    "HyperscaleES: the step grows with sigma": (scaled(lambda sigma, n: sigma**2), "estimate"),
    "HyperscaleES: the step grows with sqrt(n)": (scaled(lambda sigma, n: n**0.5), "estimate"),
    "half the estimate": (scaled(lambda sigma, n: 0.5), "estimate"),
    "evosax: it minimises": (scaled(lambda sigma, n: -1.0), "estimate"),
    "the update draws other noise": (later_noise, "transpose"),
    "a shifted member order": (with_fitness(lambda f: jnp.roll(f, 2)), "transpose"),
    "EvoX: raw fitness without twins": (with_fitness(odd_members_dropped), "equal fitness"),
    "es-at-scale: noise added and taken off": (restored_by_subtraction, "equal fitness"),
}


@functools.cache
def real_draw() -> doctor.Draw:
    return doctor.sampler(plain_strategy(rank=2), SMALL)


def check_strategy(strategy: ES, check: str) -> list[doctor.Finding]:
    draw = real_draw()  # every fault below is in the update
    if check == "estimate":
        return doctor.check_estimate(strategy, draw, SMALL, 0)
    if check == "transpose":
        return [doctor.check_transpose(strategy, draw, SMALL, 0)]
    return [doctor.check_equal_fitness(strategy, SMALL, 0)]


@pytest.mark.parametrize("check", ["estimate", "transpose", "equal fitness"])
def test_sound_strategy_passes(check):
    assert all(finding.passed for finding in check_strategy(plain_strategy(rank=2), check))


@pytest.mark.parametrize(
    "fault",
    mostly_slow(
        BAD_STRATEGIES,
        quick=["half the estimate", "the update draws other noise", "es-at-scale: noise added and taken off"],
    ),
)
def test_faulty_strategy_fails(fault):
    spoil, check = BAD_STRATEGIES[fault]
    assert not all(finding.passed for finding in check_strategy(spoil(plain_strategy(rank=2)), check))


@pytest.mark.slow
def test_ascent_fails_where_the_sign_or_a_nan_is_mistreated():
    def careless(values):
        return fitness.Shaped(values - values.mean(), jnp.ones(values.shape, bool))

    draw = real_draw()
    for shaping, sign, wanted in (
        (fitness.centred_rank, 1.0, (True, True)),
        (fitness.centred_rank, -1.0, (False, False)),
        (careless, 1.0, (True, False)),
    ):
        strategy = eggroll(rank=2, shaping=shaping, optimizer=optax.sgd(sign))
        findings = doctor.check_ascent(strategy, draw, SMALL, 0)
        assert tuple(finding.passed for finding in findings) == wanted


def test_faults_inside_the_real_code_are_found():
    """The same through `perturb`: the path or the epoch missing from the key of a leaf."""
    real = noise.leaf_keys
    faults = {
        "streams": lambda seed, paths, epoch: real(seed, [""] * len(paths), epoch),
        "generations": lambda seed, paths, epoch: real(seed, paths, 0),
        "seeds": lambda seed, paths, epoch: real(0, paths, epoch),
    }
    for check, leaf_keys in faults.items():
        with mock.patch.object(es.noise, "leaf_keys", leaf_keys):
            draw = doctor.sampler(eggroll(), {"first": SMALL["w"], "second": SMALL["w"]})
            assert not CHECKS[check](draw).passed, check
