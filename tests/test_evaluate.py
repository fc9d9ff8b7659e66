"""Evaluators: three forms of a fitness and rollouts in hand-made environments, against explicit members."""

import functools
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from marks import mostly_slow

from eggroll_ray import fitness as shapings
from eggroll_ray import observation
from eggroll_ray.blocking import blocking
from eggroll_ray.env import Box, Discrete, Env, Timestep
from eggroll_ray.es import eggroll, openai_es
from eggroll_ray.evaluate import (
    FitnessError,
    Invalid,
    batched,
    from_fitness,
    generation_key,
    jittable,
    member_keys,
    perturb_block,
)
from eggroll_ray.heads import SamplingHead
from eggroll_ray.leaves import LeafRules
from eggroll_ray.lowrank import densify
from eggroll_ray.policies import Policy, cnn, feedforward, gru, mlp
from eggroll_ray.rollout import from_env
from eggroll_ray.trained import record_episode

N = 8
MODEL = {"b": jnp.zeros(3), "w": jnp.linspace(-1, 1, 28).reshape(7, 4)[:, :3]}
X = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
SLOPE = {"w": jnp.zeros(1)}  # a member is its noise: twins are of opposite sign


def strategy(**options):
    return eggroll(**{"sigma": 0.5, "optimizer": optax.sgd(1.0), "shaping": shapings.raw, **options})


def members(start=0, stop=N):
    return np.arange(start, stop, dtype=np.int32)


def formed(es, state, n=N):
    """The explicit parameters of all members, float32 on the host, leaves `(n, ...)`."""
    form = jax.vmap(lambda i: densify(es.perturb(state, i)))
    return jax.device_get(jax.jit(form)(jnp.arange(n, dtype=jnp.int32)))


def start(evaluator, es, seed=1, generation=2):
    return es.init(evaluator.init(seed), seed)._replace(generation=jnp.int32(generation))


def evaluate(evaluator, es=None, numbers=None, **at):
    """One block of a fresh evaluator, or all members."""
    es = es or strategy()
    block = evaluator.bind(es.perturb)
    return block(start(evaluator, es, **at), evaluator.statistics, members() if numbers is None else numbers)


# --- the three forms of a fitness ----------------------------------------------------------------


def in_jax(params, key):
    del key
    return -jnp.mean(jnp.tanh(jnp.asarray(X) @ params["w"] + params["b"][None, :]) ** 2)


def in_numpy(params, seed):
    del seed
    return -np.mean(np.tanh(X @ params["w"] + params["b"]) ** 2)


FORMS = {
    "jittable": (in_jax, jittable()),
    "batched": (lambda members, keys: members.apply(in_jax, keys), batched()),
    "blocking": (in_numpy, blocking()),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_gives_the_fitness_of_the_explicit_member(name):
    fn, form = FORMS[name]
    evaluator = from_fitness(fn, MODEL, form)
    es = strategy(rank=1)
    result = evaluate(evaluator, es)
    explicit = formed(es, start(evaluator, es))
    expected = [in_numpy(jax.tree.map(lambda x, i=i: x[i], explicit), 0) for i in range(N)]
    np.testing.assert_allclose(result.fitness, expected, rtol=1e-5)
    assert result.fitness.dtype == np.float32 and (result.steps, result.failures) == (0, ())
    assert np.unique(result.fitness).size == N
    found = evaluator.test(MODEL, evaluator.statistics, jax.random.key(0), 2)
    np.testing.assert_allclose(found, [in_numpy(jax.device_get(MODEL), 0)] * 2, rtol=1e-5)
    json.dumps(evaluator.settings)


@pytest.mark.parametrize("es", [strategy(rank=1), openai_es(sigma=0.5)], ids=["eggroll", "openai_es"])
def test_any_blocks_give_the_same_fitness_and_one_block_size_the_same_bits(es):
    # Both terms are of one sign: where they cancelled, a relative bound would measure the cancellation.
    evaluator = from_fitness(lambda params, key: in_jax(params, key) - jax.random.uniform(key), MODEL)
    state, block = start(evaluator, es), evaluator.bind(es.perturb)
    whole = block(state, (), members()).fitness
    for size in (2, 4):
        starts = list(range(0, N, size))
        blocks = {i: block(state, (), members(i, i + size)).fitness for i in starts}
        again = {i: block(state, (), members(i, i + size)).fitness for i in reversed(starts)}
        fresh = evaluator.bind(es.perturb)  # another worker, which gets the second half only
        for i in starts:
            assert blocks[i].tobytes() == again[i].tobytes()
            if i >= N // 2:
                assert blocks[i].tobytes() == fresh(state, (), members(i, i + size)).fitness.tobytes()
        np.testing.assert_allclose(np.concatenate([blocks[i] for i in starts]), whole, rtol=1e-5)


sharing = pytest.mark.parametrize(
    ("shared_by", "distinct"), mostly_slow([(None, 1), (4, 2), (2, 4), (1, N)], quick=[(None, 1), (2, 4)])
)


@sharing
@pytest.mark.parametrize("form", [jittable, batched])
def test_members_share_their_key_or_have_one_each(form, shared_by, distinct):
    def one(params, key):
        return jax.random.uniform(key) + 0.0 * params["w"].sum()

    fn = one if form is jittable else lambda members, keys: members.apply(one, keys)
    evaluator = from_fitness(fn, SLOPE, form(shared_by=shared_by))
    draws = np.stack([evaluate(evaluator, generation=g, seed=s).fitness for g, s in ((0, 1), (1, 1), (0, 2))])
    assert [len(np.unique(row)) for row in draws] == [distinct] * 3
    assert len(np.unique(draws)) == 3 * distinct
    assert (draws.reshape(3, distinct, -1) == draws[:, :: N // distinct, None]).all()  # consecutive members


def test_keys_depend_on_the_member_and_the_generation_alone():
    key = jax.random.key(0)
    keys = [jax.random.key_data(member_keys(key, jnp.arange(a, b), 2)) for a, b in ((0, 8), (4, 8))]
    np.testing.assert_array_equal(keys[0][-4:], keys[1])
    state = strategy().init(SLOPE, 0)
    generations = [generation_key(state._replace(generation=jnp.int32(g))) for g in (0, 0, 1)]
    first, again, second = (jax.random.key_data(key).tolist() for key in generations)
    assert first == again != second


@pytest.mark.parametrize("form", [jittable, batched, blocking])
def test_sharing_by_less_than_one_is_refused(form):
    with pytest.raises(ValueError, match="shared_by=0 must be at least 1"):
        form(shared_by=0)
    with pytest.raises(ValueError, match="shared_by=-1 must be at least 1"):
        from_env(one_step, CONSTANT, shared_by=-1)


def test_a_block_holds_the_mean_parameters_once():
    es = strategy()
    block = jax.eval_shape(lambda: perturb_block(es.perturb, es.init(MODEL, 0), jnp.arange(N)))
    low = block.params["w"]
    assert low.w.shape == (7, 3) and low.a.shape == (N, 1, 7) and low.b.shape == (N, 1, 3)
    assert block.params["b"].value.shape == (N, 3)


def test_a_batched_fitness_needs_no_keys_for_the_test_either():
    evaluator = from_fitness(lambda members, keys: members.apply(lambda params: in_jax(params, None)), MODEL, batched())
    assert evaluate(evaluator).fitness.shape == (N,)
    np.testing.assert_allclose(evaluator.test(MODEL, (), jax.random.key(0), 2), in_jax(MODEL, None))


def test_evaluators_can_be_shipped():
    for name, (fn, form) in FORMS.items():
        evaluator = from_fitness(fn, MODEL, form)
        there = cloudpickle.loads(cloudpickle.dumps(evaluator))
        assert there.settings == evaluator.settings
        if name != "blocking":  # its processes start at the first call
            np.testing.assert_array_equal(evaluate(there).fitness, evaluate(evaluator).fitness)


# --- what a fitness may not return ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("fn", "found"),
    [
        (lambda params, key: params["w"], r"float32\[7, 3\]"),
        (lambda params, key: params["b"][:1], r"float32\[1\]"),
        (lambda params, key: (1.0, 2.0), "tuple"),
        (lambda params, key: None, "NoneType"),
        (lambda params, key: params["b"][0] > 0, r"bool\[\]"),
    ],
)
def test_a_jittable_fitness_of_another_shape_is_refused_before_any_work(fn, found):
    with pytest.raises(ValueError, match=f"returned {found}; a jittable fitness returns one number"):
        from_fitness(fn, MODEL)


def test_a_batched_fitness_of_another_shape_is_refused():
    evaluator = from_fitness(lambda members, keys: np.zeros((len(keys), 1)), MODEL, batched())
    text = r"returned shape \(8, 1\) for 8 members; return one number per member, shape \(8,\)"
    with pytest.raises(ValueError, match=text):
        evaluate(evaluator)


@pytest.mark.parametrize("leaf", [1.0, "relu", jnp.tanh])
def test_parameters_that_are_no_arrays_are_refused(leaf):
    with pytest.raises(ValueError, match=f"leaf 'act' of params is a {type(leaf).__name__}, not an array; keep"):
        from_fitness(in_jax, {"w": jnp.zeros(3), "act": leaf})


# --- a fitness that is not finite ----------------------------------------------------------------


def bad_when_positive(value):
    return lambda params, key: jnp.where(params["w"][0] > 0, jnp.float32(value), 1.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("form", [jittable, batched])
def test_policies_for_a_fitness_that_is_not_finite(form, value):
    fn = bad_when_positive(value)
    if form is batched:
        one, fn = fn, lambda members, keys: members.apply(one, keys)
    es = strategy()
    bad = formed(es, start(from_fitness(fn, SLOPE, form()), es))["w"][:, 0] > 0
    assert bad.sum() == N // 2  # one of each pair
    for policy, expected in ((Invalid.DROP_PAIR, np.nan), (Invalid.WORST, -np.inf)):
        found = evaluate(from_fitness(fn, SLOPE, form(on_nan=policy)), es).fitness
        np.testing.assert_array_equal(found, np.where(bad, expected, 1.0).astype(np.float32))
    first = np.flatnonzero(bad)[0]
    text = f"member {first} of generation 2 has fitness {np.float32(value)}; return a finite number, or choose"
    with pytest.raises(FitnessError, match=text):
        evaluate(from_fitness(fn, SLOPE, form(on_nan=Invalid.RAISE)), es)
    with pytest.raises(FitnessError, match=f"member {np.flatnonzero(bad)[-1]} of"):
        evaluate(from_fitness(fn, SLOPE, form(on_nan=Invalid.RAISE)), es, np.flatnonzero(bad)[-1:].astype(np.int32))


# --- blocking --------------------------------------------------------------------------------------

PAIR = members(0, 2)


def positive_member(es):
    """Which of the first two members has a positive parameter."""
    evaluator = from_fitness(lambda params, key: params["w"][0], SLOPE)
    return int(np.argmax(evaluate(evaluator, es, PAIR).fitness))


def when_positive(act):
    """Python that acts in one of two twins, and returns 1 in the other."""

    def fitness(params, seed):
        if params["w"][0] > 0:
            return act()
        return 1.0

    return fitness


def is_alive(pid):
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


def assert_dead(pid, seconds):
    deadline = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(pid)


def fail():
    raise RuntimeError("the simulator has lost its licence")


@pytest.mark.parametrize("policy", [Invalid.DROP_PAIR, Invalid.WORST])
def test_an_exception_is_a_fitness_under_the_policy(policy):
    es, lost = strategy(), {Invalid.DROP_PAIR: np.nan, Invalid.WORST: -np.inf}[policy]
    evaluator = from_fitness(when_positive(fail), SLOPE, blocking(on_error=policy, on_nan=Invalid.RAISE))
    result = evaluate(evaluator, es, PAIR)
    bad = positive_member(es)
    np.testing.assert_array_equal(result.fitness, np.where(PAIR == bad, np.float32(lost), 1))
    (text,) = result.failures
    assert text.startswith(f"member {bad} of generation 2: Traceback")
    assert "in fail" in text and "RuntimeError: the simulator has lost its licence" in text


def test_an_exception_stops_the_run_and_names_the_member_and_the_line():
    es = strategy()
    evaluator = from_fitness(when_positive(fail), SLOPE, blocking())
    with pytest.raises(FitnessError) as caught:
        evaluate(evaluator, es, PAIR)
    text = str(caught.value)
    assert f"the fitness failed on member {positive_member(es)} of generation 2: Traceback" in text
    assert "in fail" in text and "RuntimeError: the simulator has lost its licence" in text
    assert text.endswith("or choose on_error=Invalid.DROP_PAIR or Invalid.WORST.")


def spin():
    while True:
        pass


@pytest.mark.parametrize("act", [pytest.param(functools.partial(time.sleep, 3600), marks=pytest.mark.slow), spin])
def test_a_call_beyond_its_time_is_ended_and_the_next_one_runs(act):
    es, limit = strategy(), 1.5
    form = blocking(time_limit=limit, on_error=Invalid.DROP_PAIR)
    evaluator = from_fitness(when_positive(act), SLOPE, form)
    result = evaluate(evaluator, es, np.array([0, 1, 0, 1], np.int32))
    bad = positive_member(es)
    np.testing.assert_array_equal(np.isnan(result.fitness), [bad == 0, bad == 1] * 2)
    assert len(result.failures) == 2
    for text in result.failures:
        assert text == f"member {bad} of generation 2: the call ran out of its time limit of 1.5 s"


def test_a_process_that_dies_is_a_failure_of_its_member():
    es = strategy()
    form = blocking(on_error=Invalid.DROP_PAIR)
    evaluator = from_fitness(when_positive(lambda: os._exit(0)), SLOPE, form)
    result = evaluate(evaluator, es, PAIR)
    bad = positive_member(es)
    np.testing.assert_array_equal(np.isnan(result.fitness), PAIR == bad)
    assert result.failures == (f"member {bad} of generation 2: its process died (out of memory, or os._exit)",)


def test_a_process_that_died_between_generations_is_replaced():
    es = strategy()
    evaluator = from_fitness(lambda params, seed: os.getpid(), SLOPE, blocking(on_error=Invalid.DROP_PAIR))
    block, state = evaluator.bind(es.perturb), start(evaluator, es)
    pid = int(block(state, (), PAIR).fitness[0])
    os.kill(pid, signal.SIGKILL)
    assert_dead(pid, 5)
    time.sleep(1)  # its other threads keep the pipe open a little longer
    assert block(state, (), PAIR).fitness.shape == (2,)


def test_a_fitness_that_cannot_be_pickled_is_refused_at_once():
    lock = threading.Lock()
    with pytest.raises((TypeError, ValueError), match="pickle"):
        from_fitness(lambda params, seed: lock.locked(), SLOPE, blocking())


class Unloadable:
    def __call__(self, params, seed):
        return 1.0

    def __reduce__(self):
        return fail, ()


def test_a_fitness_that_cannot_be_loaded_says_why():
    evaluator, es = from_fitness(Unloadable(), SLOPE, blocking()), strategy()

    def perturb(state, member):
        time.sleep(5)  # as long compilation does: the process has ended before it is given its first call
        return es.perturb(state, member)

    with pytest.raises(FitnessError, match="RuntimeError: the simulator has lost its licence"):
        evaluator.bind(perturb)(start(evaluator, es), (), PAIR)


STUCK = """
import importlib, time
import jax.numpy as jnp, numpy as np
import eggroll_ray as er

importlib.import_module("eggroll_ray.blocking")._START_SECONDS = 2.0

class Stuck:
    def __call__(self, params, seed):
        return 1.0
    def __reduce__(self):
        return time.sleep, (3600,)

evaluator = er.from_fitness(Stuck(), {"w": jnp.zeros(10**6)}, er.blocking(on_error=er.Invalid.DROP_PAIR))
es = er.openai_es()
result = evaluator.bind(es.perturb)(es.init(evaluator.init(0), 0), (), np.arange(1, dtype=np.int32))
assert "ran out of 2.0 s to start" in result.failures[0]
"""


@pytest.mark.slow
def test_a_process_that_never_starts_runs_out_of_time_also_with_many_parameters():
    subprocess.run([sys.executable, "-c", STUCK], check=True, timeout=40)


@pytest.mark.parametrize(
    ("value", "found"), [(np.zeros(2), r"ndarray of shape \(2,\)"), ("1", "str"), (None, "NoneType")]
)
def test_a_blocking_fitness_of_another_type_is_refused(value, found):
    evaluator = from_fitness(lambda params, seed: value, SLOPE, blocking())
    with pytest.raises(FitnessError, match=f"the fitness returned {found}.* returns one number"):
        evaluate(evaluator, numbers=PAIR)


def test_a_blocking_fitness_that_is_not_finite_follows_its_own_policy():
    es, lost = strategy(), float("nan")
    form = blocking(on_nan=Invalid.WORST, on_error=Invalid.RAISE)
    result = evaluate(from_fitness(when_positive(lambda: lost), SLOPE, form), es, PAIR)
    assert result.fitness[positive_member(es)] == -np.inf and result.failures == ()
    form = blocking(on_nan=Invalid.RAISE)
    with pytest.raises(FitnessError, match=f"member {positive_member(es)} of generation 2 has fitness nan"):
        evaluate(from_fitness(when_positive(lambda: lost), SLOPE, form), es, PAIR)


def test_printing_a_closure_and_several_processes_do_not_disturb_the_answers(capfd):
    scale, es = 3.0, strategy()

    def chatty(params, seed):
        print("fitness", "x" * 5000)  # noqa: T201
        os.write(1, b"\x80\x04raw bytes")
        assert isinstance(params["w"], np.ndarray) and type(seed) is int
        time.sleep(0.2 if params["w"][0] > 0 else 0)  # answers come out of order
        return scale * float(params["w"][0])

    evaluator = from_fitness(chatty, SLOPE, blocking(processes=2))
    block, state = evaluator.bind(es.perturb), start(evaluator, es)
    expected = 3.0 * formed(es, state)["w"][:, 0]
    for _ in range(2):
        np.testing.assert_allclose(block(state, (), members()).fitness, expected, rtol=1e-6)
    assert "raw bytes" in capfd.readouterr().out


@sharing
def test_seeds_are_shared_or_own_and_change_with_the_generation(shared_by, distinct):
    evaluator = from_fitness(lambda params, seed: seed % 2**20, SLOPE, blocking(shared_by=shared_by))
    es = strategy()
    block = evaluator.bind(es.perturb)
    first, again, second = (block(start(evaluator, es, generation=g), (), members()).fitness for g in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert len(np.unique(first)) == distinct and len(np.unique([first, second])) == 2 * distinct


def test_processes_end_with_their_evaluator():
    evaluator = from_fitness(lambda params, seed: os.getpid(), SLOPE, blocking())
    pid = int(evaluate(evaluator, numbers=PAIR).fitness[0])
    assert is_alive(pid)
    del evaluator
    gc.collect()
    assert_dead(pid, 2)


ORPHANS = """
import os, time
import jax.numpy as jnp, numpy as np
import eggroll_ray as er

def hang(params, seed):
    os.write(1, b"%d\\n" % os.getpid())
    while params["w"][0] > 0:
        pass
    time.sleep(3600)

evaluator = er.from_fitness(hang, {"w": jnp.zeros(1)}, er.blocking(processes=2))
es = er.eggroll()
evaluator.bind(es.perturb)(es.init(evaluator.init(0), 0), (), np.arange(2, dtype=np.int32))
"""


def test_processes_end_when_their_parent_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", ORPHANS], stdout=subprocess.PIPE, start_new_session=True)
    assert parent.stdout is not None
    pids = [int(parent.stdout.readline()) for _ in range(2)]  # one spins, one sleeps
    assert all(map(is_alive, pids))
    parent.kill()
    parent.wait()
    for pid in pids:
        assert_dead(pid, 10)  # within a second or two on a machine that is not busy
    parent.stdout.close()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"time_limit": 0}, "time_limit=0 must be positive seconds, or None to wait for ever"),
        ({"time_limit": -1.0}, "time_limit=-1.0 must be positive"),
        ({"processes": 0}, "processes=0 must be at least 1"),
    ],
)
def test_blocking_refuses_values_out_of_range(options, text):
    with pytest.raises(ValueError, match=text):
        blocking(**options)


# --- environments: each tests one thing (after Andy Jones) -----------------------------------------


def make_env(reset, step, *, actions=None, shape=(1,), max_steps=5, name="probe"):
    """An environment of a dict state; after its end it shows garbage, which must not be used."""

    def on_reset(key):
        state, seen = reset(key)
        state = {**state, "t": jnp.int32(0), "over": jnp.bool_(False)}
        return state, Timestep(seen, jnp.float32(0), jnp.bool_(False))

    def on_step(state, action, key):
        t = state["t"] + 1
        after, seen, reward, done = step({**state, "t": t}, action, key)
        over = state["over"]
        seen, reward = jnp.where(over, jnp.nan, seen), jnp.where(over, 1e9, reward)
        done = (done | (t >= max_steps)) & ~over
        return {**after, "t": t, "over": over | done}, Timestep(seen, reward.astype(jnp.float32), done)

    return Env(name, on_reset, on_step, Box.of(shape), actions or Box.of((1,)), max_steps)


ZERO = jnp.zeros(1)
# Its only output is its parameter, so a member's action is its noise.
CONSTANT = feedforward(lambda key, observation, outputs: {"w": jnp.full(outputs, 2.0)}, lambda params, x: params["w"])

one_step = make_env(lambda key: ({}, ZERO), lambda s, a, k: (s, ZERO, jnp.float32(1), jnp.bool_(True)))
sees_coin = make_env(
    lambda key: ({"coin": jax.random.normal(key)}, ZERO),
    lambda s, a, k: (s, ZERO, s["coin"], jnp.bool_(True)),
)
pays_action = make_env(lambda key: ({}, ZERO), lambda s, a, k: (s, ZERO, -((a[0] - 0.5) ** 2), jnp.bool_(True)))
delayed = make_env(
    lambda key: ({"kept": jnp.float32(0)}, ZERO),
    lambda s, a, k: (
        {**s, "kept": jnp.where(s["t"] == 1, a[0], s["kept"])},
        ZERO,
        jnp.where(s["t"] == 2, s["kept"], 0.0),
        s["t"] == 2,
    ),
)
# Lasts as many steps as the action says; shows the time.
as_long_as = make_env(
    lambda key: ({}, jnp.zeros(2)),
    lambda s, a, k: (
        s,
        jnp.stack([1.0, -3.0]) * s["t"].astype(jnp.float32),
        jnp.float32(1),
        s["t"].astype(jnp.float32) >= a[0],
    ),
    shape=(2,),
    max_steps=9,
)


def noise_of(evaluator, es):
    return formed(es, start(evaluator, es))["w"][:, 0]


@pytest.mark.parametrize("episodes", [1, 3])
def test_one_step_of_reward_one(episodes):
    result = evaluate(from_env(one_step, CONSTANT, episodes=episodes))
    np.testing.assert_array_equal(result.fitness, 1)
    assert result.steps == N * episodes and result.moments == ()


def test_the_reward_is_the_members_own():
    evaluator, es = from_env(pays_action, CONSTANT), strategy()
    expected = -((noise_of(evaluator, es) - 0.5) ** 2)
    np.testing.assert_allclose(evaluate(evaluator, es).fitness, expected, rtol=1e-5)


def test_a_delayed_reward_belongs_to_the_first_action():
    evaluator, es = from_env(delayed, CONSTANT), strategy()
    result = evaluate(evaluator, es)
    np.testing.assert_allclose(result.fitness, noise_of(evaluator, es), rtol=1e-6)
    assert result.steps == 2 * N


def test_the_action_depends_on_what_is_seen():
    follow = make_env(
        lambda key: ({}, jax.random.normal(key, (1,))),
        lambda s, a, k: (s, ZERO, a[0], jnp.bool_(True)),
    )
    policy = feedforward(lambda key, x, outputs: {"w": jnp.ones(1)}, lambda params, x: params["w"] * x)
    evaluator, es = from_env(follow, policy, episodes=2, shared_by=None), strategy()
    key = generation_key(start(evaluator, es))
    seen = np.mean([episode_start(follow, k)[1].observation[0] for k in jax.random.split(key, 2)])
    np.testing.assert_allclose(evaluate(evaluator, es).fitness, seen * noise_of(evaluator, es), rtol=1e-5)


def episode_start(env, key):
    return env.reset(jax.random.fold_in(key, 0))


@sharing
def test_members_share_their_episodes_or_have_their_own(shared_by, distinct):
    evaluator = from_env(sees_coin, CONSTANT, episodes=2, shared_by=shared_by)
    es = strategy()
    found = evaluate(evaluator, es).fitness
    keys = member_keys(generation_key(start(evaluator, es)), jnp.arange(N), shared_by)
    coins = [[float(episode_start(sees_coin, k)[0]["coin"]) for k in jax.random.split(key, 2)] for key in keys]
    np.testing.assert_allclose(found, np.mean(coins, axis=1), rtol=1e-5)
    assert len(np.unique(found)) == distinct
    assert not np.isin(evaluate(evaluator, es, generation=3).fitness, found).any()


def test_episodes_end_each_in_its_own_time():
    evaluator, es = from_env(as_long_as, CONSTANT, episodes=2), strategy(sigma=8.0)
    lengths = np.clip(np.ceil(noise_of(evaluator, es)), 1, 9)
    assert len(np.unique(lengths)) > 3 and lengths.max() == 9 and lengths.min() == 1
    result = evaluate(evaluator, es)
    np.testing.assert_array_equal(result.fitness, lengths)
    assert result.steps == 2 * lengths.sum()


def test_moments_are_numpys_over_the_steps_of_living_episodes():
    evaluator = from_env(as_long_as, CONSTANT, episodes=2, normalize_observations=True)
    es = strategy(sigma=8.0)
    block, state = evaluator.bind(es.perturb), start(evaluator, es)
    lengths = np.clip(np.ceil(noise_of(evaluator, es)), 1, 9).astype(int)
    times = np.concatenate([np.arange(length) for length in lengths for _ in range(2)])
    data = np.stack([times, -3.0 * times], axis=1)
    statistics, seen = evaluator.statistics, []
    for _ in range(2):  # the second time around the mean of the first
        moments = [block(state, statistics, members(i, i + 4)).moments for i in (0, 4)]
        assert jax.tree.structure(moments[0]) == jax.tree.structure(evaluator.moments)
        statistics = evaluator.merge(statistics, moments)
        seen.append(data)
        every = np.concatenate(seen)
        assert statistics.samples == len(every)
        np.testing.assert_allclose(statistics.mean, every.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(statistics.squares / len(every), every.var(axis=0), rtol=1e-5)


def test_any_blocks_of_a_rollout_give_the_same_numbers():
    noisy = make_env(
        lambda key: ({}, jax.random.normal(key, (3,))),
        lambda s, a, k: (s, jax.random.normal(k, (3,)), a[0] * jax.random.normal(k), jax.random.bernoulli(k, 0.2)),
        shape=(3,),
    )
    evaluator = from_env(noisy, mlp((8,)), episodes=2, normalize_observations=True, shared_by=1)
    es = strategy()
    state, block = start(evaluator, es), evaluator.bind(es.perturb)
    whole = block(state, evaluator.statistics, members())
    halves = [block(state, evaluator.statistics, members(i, i + 4)) for i in (0, 4)]
    again = [block(state, evaluator.statistics, members(i, i + 4)) for i in (4, 0)][::-1]
    for one, two in zip(jax.tree.leaves(halves), jax.tree.leaves(again), strict=True):
        assert np.asarray(one).tobytes() == np.asarray(two).tobytes()
    np.testing.assert_allclose(np.concatenate([half.fitness for half in halves]), whole.fitness, rtol=1e-4, atol=1e-5)
    assert sum(half.steps for half in halves) == whole.steps
    merged = [evaluator.merge(evaluator.statistics, [r.moments for r in results]) for results in (halves, [whole])]
    for one, two in zip(*merged, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-4)


COUNTER = Policy(
    lambda key, observation, outputs: {"w": jnp.ones(1)},
    lambda params, observation, carry: (carry[None], carry + 1.0 + 0.0 * params["w"][0]),
    lambda: jnp.float32(1),
)


def test_the_recurrent_state_starts_anew_in_each_episode():
    sums = make_env(lambda key: ({}, ZERO), lambda s, a, k: (s, ZERO, a[0], jnp.bool_(False)), max_steps=4)
    evaluator = from_env(sums, COUNTER, episodes=3)
    es = strategy()
    block, state = evaluator.bind(es.perturb), start(evaluator, es)
    for _ in range(2):
        np.testing.assert_array_equal(block(state, (), members()).fitness, 1 + 2 + 3 + 4)
    np.testing.assert_array_equal(evaluator.test(state.params, (), jax.random.key(0), 2), 10)


walk = make_env(
    lambda key: ({"x": jax.random.normal(key, (2,))}, jnp.zeros(2)),
    lambda s, a, k: (
        {**s, "x": 0.9 * s["x"] + 0.1 * jnp.tanh(a)},
        s["x"],
        -jnp.sum(s["x"] ** 2),
        jnp.sum(s["x"] ** 2) < 0.3,
    ),
    actions=Box.of((2,), -1, 1),
    shape=(2,),
    max_steps=12,
)
STATISTICS = observation.Statistics(np.asarray(50.0), np.array([0.3, -0.2]), np.array([30.0, 90.0]))


@pytest.mark.parametrize("policy", [pytest.param(mlp((8,)), id="mlp", marks=pytest.mark.slow), gru(6)])
def test_the_trained_policy_is_the_one_that_was_rolled_out(policy):
    evaluator = from_env(walk, policy, normalize_observations=True)
    params, key = evaluator.init(3), jax.random.key(5)
    returns = evaluator.test(params, STATISTICS, key, 3)
    trained = evaluator.policy(params, STATISTICS)
    for episode, expected in zip(jax.random.split(key, 3), returns, strict=True):
        states, total = record_episode(walk, trained, episode)
        np.testing.assert_allclose(total, expected, rtol=1e-4)
        state, shown = episode_start(walk, episode)
        carry, by_hand, step = trained.initial_carry(), 0.0, jax.jit(walk.step)
        for t in range(len(states) - 1):
            if policy.initial_carry is tuple:
                action = trained(shown.observation)
            else:
                action, carry = trained.step(shown.observation, carry, key)
            state, shown = step(state, action, jax.random.fold_in(episode, t + 1))
            by_hand += float(shown.reward)
            assert bool(shown.done) == (t == len(states) - 2)
        np.testing.assert_allclose(by_hand, expected, rtol=1e-4)
    plain = evaluator.policy(params, evaluator.statistics)
    seen = jnp.asarray([0.4, 2.0])
    frozen = observation.normalizer(STATISTICS)
    np.testing.assert_allclose(
        trained.step(seen, trained.initial_carry(), key)[0],
        plain.step(frozen(seen), plain.initial_carry(), key)[0],
        rtol=1e-5,
    )


def test_a_recurrent_policy_must_be_given_its_state():
    evaluator = from_env(walk, gru(4))
    with pytest.raises(ValueError, match=r"this policy is recurrent: call step\(observation, carry, key\)"):
        evaluator.policy(evaluator.init(0), ())(jnp.zeros(2))


NO_LOGITS = feedforward(lambda key, x, outputs: {"w": jnp.zeros(outputs)}, lambda params, x: params["w"])


def lottery(steps=200):
    """Pays where a number drawn by the environment is the action."""
    return make_env(
        lambda key: ({}, ZERO),
        lambda s, a, k: (s, ZERO, jnp.float32(a == jax.random.categorical(k, jnp.zeros(4))), jnp.bool_(False)),
        actions=Discrete(4),
        max_steps=steps,
    )


def test_sampled_actions_are_independent_of_the_environment():
    evaluator = from_env(lottery(), NO_LOGITS, head=SamplingHead())
    returns = evaluator.test(evaluator.init(0), (), jax.random.key(0), 20) / 200
    assert abs(returns.mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 4000)


def test_a_recorded_episode_is_the_one_of_the_rollout_also_where_steps_are_random():
    evaluator = from_env(lottery(40), CONSTANT_CHOICE)
    key = jax.random.key(0)
    returns = evaluator.test(evaluator.init(0), (), key, 2)
    trained = evaluator.policy(evaluator.init(0), ())
    recorded = [record_episode(lottery(40), trained, k)[1] for k in jax.random.split(key, 2)]
    np.testing.assert_allclose(recorded, returns)


CONSTANT_CHOICE = feedforward(
    lambda key, x, outputs: {"w": jnp.arange(outputs, dtype=jnp.float32)}, lambda params, x: params["w"]
)


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_a_return_that_is_not_finite_follows_the_policy(value):
    broken = make_env(
        lambda key: ({}, ZERO), lambda s, a, k: (s, ZERO, jnp.where(a[0] > 2, value, 1.0), jnp.bool_(True))
    )
    es = strategy()
    bad = noise_of(from_env(broken, CONSTANT), es) > 2
    assert bad.sum() == N // 2
    for policy, expected in ((Invalid.DROP_PAIR, np.nan), (Invalid.WORST, -np.inf)):
        found = evaluate(from_env(broken, CONSTANT, on_nan=policy), es).fitness
        np.testing.assert_array_equal(found, np.where(bad, expected, 1).astype(np.float32))
    with pytest.raises(FitnessError, match=f"member {np.flatnonzero(bad)[0]} of generation 2"):
        evaluate(from_env(broken, CONSTANT, on_nan=Invalid.RAISE), es)


def test_frozen_and_low_rank_parameters_are_rolled_out_as_they_are_formed():
    evaluator = from_env(walk, mlp((8, 8)), shared_by=None)
    es = strategy(leaves=LeafRules(frozen=("layer_2/*",)))
    found = evaluate(evaluator, es).fitness
    explicit = formed(es, start(evaluator, es))
    (episode,) = jax.random.split(generation_key(start(evaluator, es)), 1)
    for i in (0, 5):
        trained = evaluator.policy(jax.tree.map(lambda x, i=i: jnp.asarray(x[i]), explicit), ())
        np.testing.assert_allclose(record_episode(walk, trained, episode)[1], found[i], rtol=1e-4)


# --- policies that do not fit ----------------------------------------------------------------------


def test_the_default_policy_fits():
    assert evaluate(from_env(walk)).fitness.shape == (N,)


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        (cnn(), r"does not fit probe \(observations \(2,\), actions of shape \(2,\), so 2 outputs\): cnn needs"),
        (
            feedforward(lambda key, x, outputs: {"w": jnp.zeros(5)}, lambda params, x: params["w"]),
            r"so 2 outputs\): it returns outputs of shape \(5,\), not \(2,\)",
        ),
        (
            feedforward(lambda key, x, outputs: {"w": jnp.zeros((7, 2))}, lambda params, x: x @ params["w"]),
            r"observations \(2,\).*got \(2,\) and \(7,\)",
        ),
        (
            Policy(lambda key, x, outputs: {"w": jnp.zeros(2)}, lambda params, x, c: (params["w"], (c, c)), tuple),
            r"the carry it returns is \(\(\), \(\)\), its initial_carry\(\) is \(\)",
        ),
    ],
)
def test_a_policy_that_does_not_fit_is_refused_with_the_shapes(policy, text):
    with pytest.raises(ValueError, match=text):
        from_env(walk, policy)


def test_a_carry_that_changes_its_shape_is_refused_with_the_shapes():
    policy = Policy(
        lambda key, x, outputs: {"w": jnp.zeros(2)},
        lambda params, x, c: (params["w"], jnp.concatenate([c, c])),
        lambda: jnp.zeros(3),
    )
    with pytest.raises(ValueError, match="carry"):
        from_env(walk, policy)


class FlatHead:
    def outputs(self, space):
        return 2

    def action(self, space, outputs, key):
        return outputs.sum()


def test_a_head_that_does_not_fit_is_refused_with_the_shapes():
    with pytest.raises(ValueError, match=r"FlatHead makes actions of shape \(\) for probe, which takes \(2,\)"):
        from_env(walk, mlp(), head=FlatHead())


def test_no_episodes_are_refused():
    with pytest.raises(ValueError, match="episodes=0 must be at least 1"):
        from_env(walk, mlp(), episodes=0)


def test_settings_of_a_rollout_can_be_recorded():
    evaluator = from_env(walk, mlp(), episodes=3, head=SamplingHead())
    assert evaluator.episodes == 3
    assert json.loads(json.dumps(evaluator.settings))["env"] == "probe"
