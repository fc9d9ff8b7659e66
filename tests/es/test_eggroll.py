"""The estimator against an explicit dense sum over members, the true gradient, and its contract."""

import dataclasses
import functools

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from es_battery import battery, former, parameters
from marks import mostly_slow

from eggroll_ray import fitness, noise
from eggroll_ray.es.eggroll import eggroll, openai_es
from eggroll_ray.es.leaves import Kind, LeafRules
from eggroll_ray.es.optimizers import clipup
from eggroll_ray.lowrank.parameter import LowRank, Noised, densify

pytestmark = pytest.mark.usefixtures("compile_quickly")

RANKS = (1, 2, 4, 8)


def every_kind(*quick):
    """Of ranks and laws; a rank of None is OpenAI-ES."""
    kinds = [*[(rank, noise.normal) for rank in (*RANKS, None)], *[(rank, noise.rademacher) for rank in (1, 4, None)]]
    return pytest.mark.parametrize(
        ("rank", "law"), mostly_slow(kinds, quick), ids=lambda value: getattr(value, "name", str(value))
    )


FREEZE = LeafRules(frozen=("table",))
INJECTED_ADAM = optax.inject_hyperparams(optax.adam, static_args=("b1", "b2", "eps", "eps_root"))(learning_rate=0.1)


# Every row passes the whole battery.
STRATEGIES = {
    "eggroll": lambda: eggroll(leaves=FREEZE),
    "rank 8, noise reuse, sgd": lambda: eggroll(rank=8, noise_reuse=3, optimizer=optax.sgd(0.1), leaves=FREEZE),
    "rademacher, raw": lambda: eggroll(rank=2, law=noise.rademacher, shaping=fitness.raw, leaves=FREEZE),
    "z-score, momentum": lambda: eggroll(
        shaping=fitness.z_score, optimizer=optax.sgd(0.1, momentum=0.9), leaves=FREEZE
    ),
    "groups, adamw": lambda: eggroll(
        shaping=fitness.group_z_score(4), optimizer=optax.adamw(0.1, weight_decay=0.1), leaves=FREEZE
    ),
    "sign, lion": lambda: eggroll(shaping=fitness.antithetic_sign, optimizer=optax.lion(0.1), leaves=FREEZE),
    "clipup": lambda: eggroll(optimizer=clipup(0.1), leaves=FREEZE),
    "schedules, clip": lambda: eggroll(
        sigma=lambda g: 0.2 * 0.9 ** g.astype(jnp.float32),
        optimizer=optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.exponential_decay(0.1, 1, 0.9))),
        leaves=FREEZE,
    ),
    "leaf rules": lambda: eggroll(
        rank=2,
        leaves=LeafRules(
            frozen=("table",), dense=("attention/twin",), densify=("attention/kernel",), stacked={"half": 0}
        ),
    ),
    "openai_es": lambda: openai_es(leaves=FREEZE),
    "openai_es, rademacher, sgd": lambda: openai_es(
        law=noise.rademacher, optimizer=optax.sgd(0.1), shaping=fitness.z_score, leaves=FREEZE
    ),
}


@pytest.mark.parametrize("name", mostly_slow(STRATEGIES, quick=["eggroll", "groups, adamw", "leaf rules", "openai_es"]))
def test_battery(name):
    battery(STRATEGIES[name]())


@pytest.mark.parametrize("es", [eggroll(rank=2, leaves=FREEZE), openai_es(leaves=FREEZE)], ids=["eggroll", "openai_es"])
def test_a_member_alone_is_the_member_of_the_batch(es):
    state = es.init(parameters(), 3)
    batch = former(es, 8)(state)
    perturb = jax.jit(lambda state, i: densify(es.perturb(state, i)))
    for i in (0, 5):
        row = jax.tree.map(lambda x, i=i: x[i], batch)
        assert_close(jax.device_get(perturb(state, jnp.int32(i))), row, 1e-2)  # bfloat16
    assert perturb._cache_size() == 1


def test_a_strategy_that_was_shipped_updates_by_the_same_program():
    es = eggroll(leaves=FREEZE, shaping=fitness.group_z_score(4), sigma=lambda g: 0.1 + 0.0 * g.astype(jnp.float32))
    params = {name: x for name, x in parameters().items() if name != "half"}
    state, fits = es.init(params, 3), jnp.arange(N, dtype=jnp.float32)
    there = cloudpickle.loads(cloudpickle.dumps(es))
    copy = jax.tree.map(jnp.asarray, jax.device_get(state))
    programs = [str(jax.make_jaxpr(f)(s, fits)) for f, s in ((es.update, state), (there.update, copy))]
    assert programs[0] == programs[1]


def test_a_users_default_generator_does_not_change_the_noise():
    es = eggroll(leaves=FREEZE)
    state = es.init(parameters(), 3)
    member = jax.jit(es.perturb)(state, jnp.int32(5))
    with jax.default_prng_impl("rbg"):
        other = jax.jit(es.perturb)(state, jnp.int32(5))
    assert jax.tree.all(jax.tree.map(lambda x, y: (np.asarray(x) == np.asarray(y)).all(), member, other))


# --- the estimate is the explicit sum ------------------------------------------------------------

SHAPES = {
    "bias": (11,),
    "conv": (3, 3, 5, 21),  # 45 x 21
    "heads": (24, 3, 19),  # 24 x 57
    "layers": (3, 19, 17),
    "nested": (2, 3, 18, 18),
    "odd": (37, 23),
    "small": (3, 2),  # no larger than its factors: dense
}
STACKED = LeafRules(stacked={"*layers": 1, "*nested": 2})
FEW = {name: SHAPES[name] for name in ("bias", "layers", "odd")}
FEW_STACKED = LeafRules(stacked={"*layers": 1})
SIGMA = 0.25  # a power of two, so that bfloat16 holds the scaled factors exactly
N = 12


def constructor(rank, **options):
    """OpenAI-ES for a rank of None."""
    return openai_es(**options) if rank is None else eggroll(rank=rank, **options)


def plain(rank=1, **options):
    """A strategy whose update adds the estimate to the parameters."""
    given = {"sigma": SIGMA, "optimizer": optax.sgd(1.0), "shaping": fitness.raw, "leaves": FEW_STACKED}
    return constructor(rank, **{**given, **options})


def zeros(dtype=jnp.float32, shapes=SHAPES):
    return {name: jnp.zeros(shape, dtype) for name, shape in shapes.items()}


def normals(seed, shapes=SHAPES):
    rng = np.random.default_rng(seed)
    return {name: jnp.asarray(rng.normal(size=shape), jnp.float32) for name, shape in shapes.items()}


def fits_of(seed, n=N):
    return jnp.asarray(np.random.default_rng(seed).normal(size=n), jnp.float32)


def units(es, state, n, sigma):
    """E_i of all members, float64 `(n, ...)` per leaf, from the very parameters that are evaluated."""
    zero = state._replace(params=jax.tree.map(jnp.zeros_like, state.params))
    return jax.tree.map(lambda x: np.asarray(x, np.float64) / sigma, former(es, n)(zero))


def explicit(weights, noises, sigma, n=None):
    """The estimate as the paper writes it: 1 / (n sigma) sum_i F_i E_i."""
    weights = np.asarray(weights, np.float64)
    return jax.tree.map(lambda e: np.tensordot(weights, e, 1) / ((n or len(weights)) * sigma), noises)


def assert_close(found, expected, rtol=1e-5):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for (path, x), y in zip(jax.tree_util.tree_flatten_with_path(expected)[0], jax.tree.leaves(found), strict=True):
        name, x, y = jax.tree_util.keystr(path), np.asarray(x, np.float64), np.asarray(y, np.float64)
        assert np.isfinite(y).all(), name
        np.testing.assert_allclose(y, x, rtol=rtol, atol=rtol * np.abs(x).max(), err_msg=name)


NARROW = {
    "vector": (eggroll, LeafRules(), (700,)),
    "matrix of OpenAI-ES": (openai_es, LeafRules(), (30, 25)),
    "formed matrix": (eggroll, LeafRules(densify=("w",)), (30, 25)),
}


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16, jnp.float8_e4m3fn])
@pytest.mark.parametrize("name", NARROW)
def test_members_see_noise_that_is_far_below_the_precision_of_a_narrow_type(name, dtype):
    """To the nearest, an eighth of the distance between numbers would hardly ever move one."""
    make, rules, shape = NARROW[name]
    distance = float(jnp.finfo(dtype).eps)
    es = make(sigma=distance / 8, optimizer=optax.sgd(1.0), leaves=rules)
    with jax.numpy_dtype_promotion("standard"):
        state = es.init({"w": (1.25 + 0.5 * jnp.linspace(0, 1, np.prod(shape)).reshape(shape)).astype(dtype)}, 3)
    seen = np.asarray(former(es, 256)(state)["w"], np.float64) - np.asarray(state.params["w"], np.float64)
    drawn = jax.jit(jax.vmap(lambda pair: es.perturb.draw(state, pair)[0]))(jnp.arange(128))
    unit = np.repeat(unit_noise(drawn), 2, axis=0) * np.tile([1, -1], 128).reshape(-1, *[1] * len(shape))
    slope = (seen * unit).sum() / (unit * unit).sum() / es.settings["sigma"]
    assert abs(slope - 1) < 0.05
    assert (np.abs(seen).sum(axis=0) > 0).mean() > 0.99  # every entry moves in some members
    assert np.abs(seen).max() <= 2 * distance
    np.testing.assert_array_equal(seen[0::2], -seen[1::2])  # twins by the same


def unit_noise(drawn):
    """E of pairs, of the very numbers that the update sums."""
    if isinstance(drawn, noise.Factors):
        return np.einsum("prm,prk->pmk", np.asarray(drawn.a, np.float64), np.asarray(drawn.b, np.float64))
    return np.asarray(drawn.noise, np.float64)


@every_kind((1, noise.normal), (None, noise.normal))
def test_update_is_the_explicit_sum_over_members(rank, law):
    es = plain(rank, law=law, leaves=STACKED)
    state = es.init({"f32": zeros(), "bf16": zeros(jnp.bfloat16, {"odd": (37, 23)})}, 5)
    raw = fits_of(1)
    with jax.numpy_dtype_promotion("standard"):  # a tree of mixed dtypes
        after, metrics = jax.jit(es.update)(state, raw)
    expected = explicit(raw, units(es, state, N, SIGMA), SIGMA)
    assert_close(after.params["f32"], expected["f32"], 1e-5)
    assert_close(after.params["bf16"], expected["bf16"], 2e-2)
    norm = np.sqrt(sum((x**2).sum() for x in jax.tree.leaves(expected)))
    np.testing.assert_allclose(float(metrics["gradient_norm"]), norm, rtol=1e-3)
    assert float(metrics["sigma"]) == SIGMA


@pytest.mark.parametrize(
    ("optimizer", "dtypes"),
    [
        (optax.sgd(1.0), [jnp.bfloat16]),
        (optax.sgd(1.0), [jnp.float32, jnp.bfloat16]),
        (INJECTED_ADAM, [jnp.float32, jnp.bfloat16]),
    ],
)
def test_bfloat16_updates_under_strict_promotion(optimizer, dtypes):
    es = plain(optimizer=optimizer, leaves=LeafRules())
    state = es.init([jnp.zeros((9, 7), dtype) for dtype in dtypes], 5)
    jax.eval_shape(es.update, state, jnp.arange(N, dtype=jnp.float32))


@pytest.mark.parametrize("rank", [4, None])
def test_the_sum_in_chunks_is_the_same_sum(rank, monkeypatch):
    es = plain(rank)
    state = es.init(zeros(shapes=FEW), 5)
    raw = fits_of(1, 2 * 7)
    whole, _ = jax.jit(es.update)(state, raw)
    monkeypatch.setattr(noise, "_CHUNK_NUMBERS", 900)  # 1, 3 or all 7 pairs at a time
    chunked, _ = jax.jit(lambda state, raw: es.update(state, raw))(state, raw)
    assert_close(chunked.params, whole.params, 1e-5)


SHAPINGS = {
    "raw": fitness.raw,
    "centred_rank": fitness.centred_rank,
    "z_score": fitness.z_score,
    "group_z_score": fitness.group_z_score(4),
    "antithetic_sign": fitness.antithetic_sign,
}


@functools.cache
def shaped(name):
    """State, compiled update and unit noise of a strategy with that shaping."""
    es = plain(2, shaping=SHAPINGS[name])
    state = es.init(zeros(shapes=FEW), 5)
    return state, jax.jit(es.update), units(es, state, N, SIGMA)


@pytest.mark.parametrize("name", mostly_slow(SHAPINGS, quick=["group_z_score"]))
def test_the_weights_of_a_shaping_enter_as_documented(name):
    state, update, noises = shaped(name)
    fits = 100.0 + 7.0 * fits_of(1)
    after, _ = update(state, fits)
    assert_close(after.params, explicit(jax.jit(SHAPINGS[name])(fits).weights, noises, SIGMA), 1e-4)


@pytest.mark.parametrize("name", mostly_slow(SHAPINGS, quick=["group_z_score"]))
def test_a_lost_member_and_its_twin_are_as_if_they_had_never_been(name):
    state, update, noises = shaped(name)
    fits = 100.0 + 7.0 * np.asarray(fits_of(1))
    kept = np.setdiff1d(np.arange(N), (4, 5, 6, 7))  # a whole group of four, so that the others' groups stay
    weights = jax.jit(SHAPINGS[name])(jnp.asarray(fits[kept])).weights
    expected = explicit(weights, jax.tree.map(lambda e: e[kept], noises), SIGMA)
    for lost in (np.nan, np.inf, -np.inf):
        broken = fits.copy()
        broken[[4, 7]] = lost
        after, metrics = update(state, jnp.asarray(broken))
        assert_close(after.params, expected, 1e-4)
        assert int(metrics["invalid_members"]) == 4
    after, metrics = update(state, jnp.full(N, jnp.nan))
    assert_close(after.params, state.params, 0)
    assert float(metrics["gradient_norm"]) == float(metrics["update_norm"]) == 0
    assert int(metrics["invalid_members"]) == N


# --- the estimate is the gradient -----------------------------------------------------------------

SMALL = {"conv": (3, 3, 2, 7), "layers": (2, 19, 17), "odd": (23, 19), "bias": (5,)}
SEEDS, POPULATION = 48, 128  # 3,072 pairs in all


def estimates(es, params, objective, seeds=SEEDS, population=POPULATION, generation=0):
    """The estimate for each of many seeds, leaves `(seeds, ...)`."""

    @jax.jit
    def estimate(seed):
        state = es.init(params, 0)._replace(seed=seed, generation=jnp.int32(generation))
        members = jnp.arange(population, dtype=jnp.int32)
        fits = jax.lax.map(lambda i: objective(densify(es.perturb(state, i))), members, batch_size=32)
        after, _ = es.update(state, fits)
        return jax.tree.map(jnp.subtract, after.params, params)

    rows = [estimate(jnp.uint32(seed)) for seed in range(seeds)]
    return jax.tree.map(lambda *x: np.stack([np.asarray(y, np.float64) for y in x]), *rows)


def flat(tree, lead):
    leaves = [np.asarray(x, np.float64) for x in jax.tree.leaves(tree)]
    return np.concatenate([x.reshape(*x.shape[:lead], -1) for x in leaves], axis=-1)


def assert_unbiased(rows, gradient):
    """Each entry within its standard error as a whole, and the projection on the gradient within 5."""
    rows, gradient = flat(rows, 1), flat(gradient, 0)
    error = rows.std(axis=0, ddof=1) / np.sqrt(len(rows))
    z = (rows.mean(axis=0) - gradient) / error
    assert np.abs(z).max() < 6
    assert abs((z**2).mean() - 1) < 0.3  # of about 1,200 entries; t distributed with 47 degrees of freedom
    share = rows @ gradient / (gradient @ gradient)
    assert abs(share.mean() - 1) < 5 * share.std(ddof=1) / np.sqrt(len(rows))
    assert share.std(ddof=1) / np.sqrt(len(rows)) < 0.05  # sharp enough to see a wrong constant


def linear(slope):
    return lambda params: (
        3.0 + sum(jnp.vdot(c, p) for c, p in zip(jax.tree.leaves(slope), jax.tree.leaves(params), strict=True))
    )


def quadratic(curvature, target):
    """-1/2 sum h (p - t)^2, of gradient -h (p - t) at any sigma."""

    def objective(params):
        parts = jax.tree.map(lambda h, t, p: -0.5 * jnp.sum(h * (p - t) ** 2), curvature, target, params)
        return sum(jax.tree.leaves(parts))

    return objective


@every_kind((4, noise.rademacher), (None, noise.normal))
def test_estimate_of_a_linear_fitness_is_its_slope(rank, law):
    slope, params = normals(1, SMALL), normals(2, SMALL)
    rows = estimates(plain(rank=rank, law=law), params, linear(slope))
    assert_unbiased(rows, slope)


@pytest.mark.parametrize(
    ("rank", "sigma", "population"),
    mostly_slow([(1, 0.03, 128), (2, 0.7, 32), (8, 2.0, 64), (None, 0.3, 128)], quick=[(2, 0.7, 32)]),
)
def test_estimate_of_a_quadratic_does_not_depend_on_sigma_rank_or_population(rank, sigma, population):
    curvature = jax.tree.map(jnp.abs, normals(1, SMALL))
    params, target = normals(2, SMALL), normals(3, SMALL)
    gradient = jax.tree.map(lambda h, t, p: -h * (p - t), curvature, target, params)
    seeds = SEEDS * POPULATION // population
    rows = estimates(
        plain(rank=rank, sigma=sigma), params, quadratic(curvature, target), seeds, population, generation=3
    )
    assert_unbiased(rows, gradient)


@every_kind((1, noise.normal), (4, noise.rademacher))
def test_entries_of_the_perturbation_have_variance_sigma_squared(rank, law):
    es = plain(rank=rank, sigma=0.5, law=law)
    state = es.init(zeros(shapes=SMALL), 0)
    for name, e in units(es, state, 4096, 0.5).items():
        e = e[0::2].reshape(2048, -1)
        assert abs(e.mean()) < 5 / np.sqrt(e.size / 8), name
        # Entries of one low-rank matrix are uncorrelated, but the squares are not.
        error = (e**2).mean(axis=1).std(ddof=1) / np.sqrt(len(e))
        assert abs((e**2).mean() - 1) <= 5 * error + 1e-6, name
        if law is noise.rademacher and (rank in (1, None) or name == "bias"):
            np.testing.assert_array_equal(np.abs(e), 1)
        first = np.corrcoef(e[:, :6].T) - np.eye(min(6, e.shape[1]))
        assert np.abs(first).max() < 5 / np.sqrt(len(e)) * 2, name


def test_leaves_pairs_generations_and_seeds_have_independent_noise():
    shapes = {"a": (20, 20), "b": (20, 20), "c": (40,), "d": (40,)}
    for es in (plain(leaves=LeafRules()), plain(None, leaves=LeafRules())):
        state = es.init(zeros(shapes=shapes), 0)
        form = former(es, 400)
        draws = {}
        for seed, generation in ((0, 0), (0, 1), (1, 0)):
            formed = form(state._replace(seed=jnp.uint32(seed), generation=jnp.int32(generation)))
            for name, x in formed.items():
                draws[seed, generation, name] = np.asarray(x, np.float64)[0::2].reshape(200, -1) / SIGMA
        for matrices in (("a", "b"), ("c", "d")):
            rows = [
                x[shift : shift + 199, :40].ravel()
                for (_, _, name), x in draws.items()
                if name in matrices
                for shift in (0, 1)  # a pair, and the next one
            ]
            correlation = np.corrcoef(rows) - np.eye(len(rows))
            assert np.abs(correlation).max() < 0.1  # 8,000 numbers, of 200 independent pairs


# --- ascent, schedules, reuse ----------------------------------------------------------------------


@pytest.mark.parametrize("rank", mostly_slow([1, 4, None], quick=[1, None]))
def test_fitness_rises(rank):
    shapes = {"bias": (5,), "kernel": (12, 9)}
    curvature = jax.tree.map(jnp.ones_like, zeros(shapes=shapes))
    objective = quadratic(curvature, normals(3, shapes))
    es = constructor(rank, sigma=0.05, optimizer=optax.adam(0.1))

    @jax.jit
    def step(state, _):
        fits = jax.vmap(lambda i: objective(densify(es.perturb(state, i))))(jnp.arange(64))
        return es.update(state, fits)[0], objective(state.params)

    _, curve = jax.lax.scan(step, es.init(zeros(shapes=shapes), 0), None, 60)
    assert curve[0] < -30
    assert curve[20] > 0.6 * curve[0]
    assert curve[-1] > 0.05 * curve[0]


def test_schedules_take_the_value_of_their_generation():
    def sigma(generation):
        return jnp.asarray([0.5, 0.25, 1.0, 0.125], jnp.float32)[generation]

    rates = optax.piecewise_constant_schedule(1.0, {1: 0.5, 2: 0.1, 3: 7.0})
    optimizer = optax.adam(rates)
    es = plain(2, sigma=sigma, optimizer=optimizer)
    state = es.init(zeros(shapes=FEW), 5)
    update = jax.jit(es.update)
    params, reference = zeros(shapes=FEW), optimizer.init(zeros(shapes=FEW))
    for generation in range(4):
        now = float(sigma(generation))
        fits = fits_of(generation)
        gradient = explicit(fits, units(es, state, N, now), now)
        descent = jax.tree.map(lambda g: jnp.asarray(-g, jnp.float32), gradient)
        with jax.numpy_dtype_promotion("standard"):
            step, reference = optimizer.update(descent, reference, params)
        params = optax.apply_updates(params, step)
        state, metrics = update(state, fits)
        assert float(metrics["sigma"]) == now
        assert_close(state.params, params, 1e-3)


def test_sigma_schedule_scales_the_perturbation():
    es = plain(2, sigma=lambda generation: 0.5 / (1.0 + generation.astype(jnp.float32)), noise_reuse=10)
    state = es.init(zeros(shapes=FEW), 5)
    form = former(es, 4)
    first, third = form(state), form(state._replace(generation=jnp.int32(2)))
    assert_close(jax.tree.map(lambda x: 3.0 * x, third), first, 1e-5)


@pytest.mark.parametrize("reuse", [1, 3])
def test_noise_is_drawn_anew_every_noise_reuse_generations(reuse):
    es = plain(2, noise_reuse=reuse)
    form = former(es, 2)
    state = es.init(zeros(shapes=FEW), 5)
    draws = [np.asarray(form(state._replace(generation=jnp.int32(g)))["odd"]) for g in range(7)]
    for g in range(7):
        for h in range(7):
            assert np.array_equal(draws[g], draws[h]) == (g // reuse == h // reuse)
    state = state._replace(generation=jnp.int32(4))
    fits = fits_of(1)
    after, _ = jax.jit(es.update)(state, fits)
    assert_close(after.params, explicit(fits, units(es, state, N, SIGMA), SIGMA), 1e-5)


# --- optimisers and frozen leaves ----------------------------------------------------------------


def test_frozen_leaves_have_no_noise_no_update_no_state_and_no_decay():
    params = {**normals(2, FEW), "ids": jnp.arange(4), "off": jnp.ones((19, 17))}
    rules = LeafRules(frozen=("ids", "off"))
    es = plain(optimizer=optax.adamw(0.1, weight_decay=0.5), leaves=rules)
    state = es.init(params, 0)

    def check_member(state, number):
        member = es.perturb(state, number)
        assert member["ids"] is state.params["ids"] and member["off"] is state.params["off"]

    jax.eval_shape(check_member, state, jnp.int32(3))
    shapes = [x.shape for x in jax.tree.leaves(state.opt_state)]
    assert shapes.count((19, 17)) == shapes.count((4,)) == 0
    assert len(shapes) == 1 + 2 * len(FEW)  # Adam's count and two moments a leaf
    after, metrics = jax.jit(es.update)(state, jnp.full(N, jnp.nan))  # decay alone
    for name in ("ids", "off"):
        np.testing.assert_array_equal(after.params[name], params[name])
    assert_close({k: after.params[k] for k in FEW}, {k: 0.95 * params[k] for k in FEW}, 1e-6)
    size = np.sqrt(sum((np.asarray(params[k]) ** 2).sum() for k in FEW))
    np.testing.assert_allclose(float(metrics["update_norm"]), 0.05 * size, rtol=1e-5)
    np.testing.assert_allclose(float(metrics["update_ratio"]), 0.05, rtol=1e-5)


def test_the_kinds_of_leaves_are_perturbed_as_they_are_labelled():
    rules = dataclasses.replace(STACKED, frozen=("odd",), dense=("conv",), densify=("heads",))
    es = plain(2, leaves=rules)
    state = es.init(zeros(), 0)
    member = jax.jit(es.perturb)(state, jnp.int32(0))
    low = {name for name, leaf in member.items() if isinstance(leaf, LowRank)}
    noised = {name for name, leaf in member.items() if isinstance(leaf, Noised)}
    assert low == {"layers", "nested"}
    assert noised == {"bias", "conv", "heads", "small"}
    assert [leaf.path for leaf in es.label(state.params) if leaf.kind is Kind.FROZEN] == ["odd"]
    assert np.linalg.matrix_rank(np.asarray(member["heads"].value).reshape(24, 57), 1e-5) == 2
    assert np.linalg.matrix_rank(np.asarray(member["conv"].value).reshape(45, 21), 1e-5) == 21
    formed = densify(member)["layers"]
    assert np.linalg.matrix_rank(np.asarray(formed), 1e-5).tolist() == [2, 2, 2]
    assert not np.allclose(formed[0], formed[1])


def test_formed_low_rank_noise_is_the_noise_that_is_not_formed():
    state = plain(2).init(zeros(shapes=FEW), 0)
    formed = former(plain(2, leaves=dataclasses.replace(FEW_STACKED, densify=("odd",))), 4)(state)
    assert_close(formed, former(plain(2), 4)(state), 1e-6)


OPTIMIZERS = {
    "sgd": optax.sgd(0.1),
    "momentum": optax.sgd(0.1, momentum=0.9, nesterov=True),
    "adam": optax.adam(0.1),
    "adamw": optax.adamw(0.1, weight_decay=0.01),
    "clip": optax.chain(optax.clip_by_global_norm(0.5), optax.adam(0.1)),
    "lion": optax.lion(0.1),
    "rmsprop": optax.rmsprop(0.1),
    "adafactor": optax.adafactor(0.1),
    "clipup": clipup(0.1),
    "schedule": optax.adam(optax.cosine_decay_schedule(0.1, 10)),
    "injected": INJECTED_ADAM,
    "injected schedule": optax.inject_hyperparams(optax.sgd)(learning_rate=optax.linear_schedule(0.1, 0.01, 9)),
}


@pytest.mark.parametrize("name", mostly_slow(OPTIMIZERS, quick=["adam", "adafactor", "injected"]))
def test_any_optimizer_keeps_types_and_is_traced_once(name):
    check_types_and_traces(OPTIMIZERS[name])


def test_an_optimizer_that_promotes_its_state_is_traced_once():
    check_types_and_traces(optax.inject_hyperparams(optax.adam)(learning_rate=0.1))


def check_types_and_traces(optimizer):
    es = plain(optimizer=optimizer, leaves=LeafRules(frozen=("off",)))
    params = {"bias": jnp.ones(5), "kernel": jnp.ones((9, 7), jnp.bfloat16), "off": jnp.ones((9, 7))}
    with jax.numpy_dtype_promotion("standard"):
        state = es.init(params, 0)
    types = jax.tree.map(lambda x: (x.shape, x.dtype), state)
    traces = []

    @jax.jit
    def update(state, fits):
        traces.append(1)
        with jax.numpy_dtype_promotion("standard"):  # optax relies on it for bfloat16
            return es.update(state, fits)

    for generation in range(3):
        before = state
        state, metrics = update(state, fits_of(generation))
        assert jax.tree.map(lambda x: (x.shape, x.dtype), state) == types
        assert float(metrics["update_norm"]) > 0
        assert (state.params["kernel"] != before.params["kernel"]).any()
        assert (state.params["off"] == 1).all()
    assert len(traces) == 1


# --- what it refuses -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"rank": 0}, "rank=0 must be at least 1; choose 1, or openai_es"),
        ({"sigma": 0.0}, "sigma=0.0 must be positive; try 0.1"),
        ({"sigma": -1.0}, "sigma=-1.0 must be positive"),
        ({"sigma": float("nan")}, "sigma=nan must be positive"),
        ({"noise_reuse": 0}, "noise_reuse=0 must be at least 1"),
    ],
)
def test_values_out_of_range_are_refused_at_once(options, text):
    with pytest.raises(ValueError, match=text):
        eggroll(**options)
    if "rank" not in options:
        with pytest.raises(ValueError, match=text):
            openai_es(**options)


def test_a_rank_above_every_matrix_is_refused_at_init():
    es = eggroll(rank=10)
    with pytest.raises(ValueError, match=r"rank=10 is above min\(m, k\) = 9 of the largest matrix"):
        es.init({"kernel": jnp.zeros((12, 9))}, 0)
    openai_es().init({"kernel": jnp.zeros((12, 9))}, 0)


def test_a_group_size_that_does_not_divide_the_population_is_refused():
    es = plain(shaping=fitness.group_z_score(8))
    state = es.init(zeros(shapes=FEW), 0)
    with pytest.raises(ValueError, match="does not divide the population of 12"):
        jax.jit(es.update)(state, jnp.zeros(N))
