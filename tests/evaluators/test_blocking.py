"""Plain Python in processes of its own: failures, limits of time, seeds, and what is left behind."""

import dataclasses
import functools
import gc
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from evaluating import SLOPE, evaluate, formed, members, plain, sharing, start
from marks import mostly_slow

from eggroll_ray.evaluators.blocking import blocking
from eggroll_ray.evaluators.functions import from_fitness
from eggroll_ray.evaluators.record import FitnessError, Given, Invalid

pytestmark = pytest.mark.usefixtures("compile_quickly")

pytestmark = pytest.mark.usefixtures("compile_quickly")

PAIR = members(0, 2)
FIRST_NUMBER = from_fitness(lambda params, key: params["w"][0], SLOPE)


def positive_member(es):
    """Which of the first two members has a positive parameter."""
    return int(np.argmax(evaluate(FIRST_NUMBER, es, PAIR).fitness))


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


def assert_dead(pid):
    """It ends within a second or two, on a machine that is not busy."""
    deadline = time.monotonic() + 20
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(pid)


def fail():
    raise RuntimeError("the simulator has lost its licence")


@pytest.mark.parametrize("policy", mostly_slow([Invalid.DROP_PAIR, Invalid.WORST], quick=[Invalid.WORST]))
def test_an_exception_is_a_fitness_under_the_policy(policy):
    es, lost = plain(), {Invalid.DROP_PAIR: np.nan, Invalid.WORST: -np.inf}[policy]
    evaluator = from_fitness(when_positive(fail), SLOPE, blocking(on_error=policy, on_nan=Invalid.RAISE))
    result = evaluate(evaluator, es, PAIR)
    bad = positive_member(es)
    np.testing.assert_array_equal(result.fitness, np.where(PAIR == bad, np.float32(lost), 1))
    (text,) = result.failures
    assert text.startswith(f"member {bad} of generation 2: Traceback")
    assert "in fail" in text and "RuntimeError: the simulator has lost its licence" in text


def test_an_exception_stops_the_run_and_names_the_member_and_the_line():
    es = plain()
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
    es, limit = plain(), 3.0
    form = blocking(time_limit=limit, on_error=Invalid.DROP_PAIR)
    evaluator = from_fitness(when_positive(act), SLOPE, form)
    result = evaluate(evaluator, es, np.array([0, 1, 0, 1], np.int32))
    bad = positive_member(es)
    np.testing.assert_array_equal(np.isnan(result.fitness), [bad == 0, bad == 1] * 2)
    assert len(result.failures) == 2
    for text in result.failures:
        assert text == f"member {bad} of generation 2: the call ran out of its time limit of 3.0 s"


def test_a_process_that_dies_is_a_failure_of_its_member():
    es = plain()
    form = blocking(on_error=Invalid.DROP_PAIR)
    evaluator = from_fitness(when_positive(lambda: os._exit(0)), SLOPE, form)
    result = evaluate(evaluator, es, PAIR)
    bad = positive_member(es)
    np.testing.assert_array_equal(np.isnan(result.fitness), PAIR == bad)
    assert result.failures == (f"member {bad} of generation 2: its process died (out of memory, or os._exit)",)


def test_a_process_that_died_between_generations_is_replaced():
    es = plain()
    evaluator = from_fitness(lambda params, seed: os.getpid(), SLOPE, blocking(on_error=Invalid.DROP_PAIR))
    block, state = evaluator.bind(es.perturb), start(evaluator, es)
    pid = int(block(Given(state, (), PAIR)).fitness[0])
    os.kill(pid, signal.SIGKILL)
    assert_dead(pid)
    time.sleep(1)  # its other threads keep the pipe open a little longer
    assert block(Given(state, (), PAIR)).fitness.shape == (2,)


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
    evaluator, es = from_fitness(Unloadable(), SLOPE, blocking()), plain()

    def draw(state, pair):
        time.sleep(5)  # as long compilation does: the process has ended before it is given its first call
        return es.perturb.draw(state, pair)

    perturb = dataclasses.replace(es.perturb, draw=draw)

    with pytest.raises(FitnessError, match="RuntimeError: the simulator has lost its licence"):
        evaluator.bind(perturb)(Given(start(evaluator, es), (), PAIR))


STUCK = """
import importlib, time
import jax.numpy as jnp, numpy as np
import eggroll_ray as er

importlib.import_module("eggroll_ray.evaluators.blocking")._START_SECONDS = 2.0

class Stuck:
    def __call__(self, params, seed):
        return 1.0
    def __reduce__(self):
        return time.sleep, (3600,)

evaluator = er.from_fitness(Stuck(), {"w": jnp.zeros(10**6)}, er.blocking(on_error=er.Invalid.DROP_PAIR))
es = er.openai_es()
result = evaluator.bind(es.perturb)(er.Given(es.init(evaluator.init(0), 0), (), np.arange(1, dtype=np.int32)))
assert "ran out of 2.0 s to start" in result.failures[0]
"""


@pytest.mark.slow
def test_a_process_that_never_starts_runs_out_of_time_also_with_many_parameters():
    subprocess.run([sys.executable, "-c", STUCK], check=True, timeout=200)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (np.zeros(2), r"ndarray of shape \(2,\)"),
        pytest.param("1", "str 1; a fitness must be a real number", marks=pytest.mark.slow),
    ],
)
def test_a_blocking_fitness_of_another_type_is_refused(value, found):
    evaluator = from_fitness(lambda params, seed: value, SLOPE, blocking())
    with pytest.raises(FitnessError, match=f"the fitness returned {found}"):
        evaluate(evaluator, numbers=PAIR)


def test_a_blocking_fitness_that_is_not_finite_follows_its_own_policy():
    es, lost = plain(), float("nan")
    form = blocking(on_nan=Invalid.WORST, on_error=Invalid.RAISE)
    result = evaluate(from_fitness(when_positive(lambda: lost), SLOPE, form), es, PAIR)
    assert result.fitness[positive_member(es)] == -np.inf and result.failures == ()
    form = blocking(on_nan=Invalid.RAISE)
    with pytest.raises(FitnessError, match=f"member {positive_member(es)} of generation 2 has fitness nan"):
        evaluate(from_fitness(when_positive(lambda: lost), SLOPE, form), es, PAIR)


def test_printing_a_closure_and_several_processes_do_not_disturb_the_answers(capfd):
    scale, es = 3.0, plain()

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
        np.testing.assert_allclose(block(Given(state, (), members())).fitness, expected, rtol=1e-6)
    assert "raw bytes" in capfd.readouterr().out


@sharing
def test_seeds_are_shared_or_own_and_change_with_the_generation(shared_by, distinct):
    evaluator = from_fitness(lambda params, seed: seed % 2**20, SLOPE, blocking(shared_by=shared_by))
    es = plain()
    block = evaluator.bind(es.perturb)
    first, again, second = (block(Given(start(evaluator, es, generation=g), (), members())).fitness for g in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert len(np.unique(first)) == distinct and len(np.unique([first, second])) == 2 * distinct


def test_processes_end_with_their_evaluator():
    evaluator = from_fitness(lambda params, seed: os.getpid(), SLOPE, blocking())
    es = plain()
    pid = int(evaluator.bind(es.perturb)(Given(start(evaluator, es), (), PAIR)).fitness[0])
    assert is_alive(pid)
    del evaluator
    gc.collect()
    assert_dead(pid)


def simulator():
    """Starts a process that runs for ever and has the pipes of whoever started it; returns its number."""
    return subprocess.Popen(["sleep", "3600"]).pid


def hang_beside_a_simulator(told):
    with open(told, "a") as file:
        print(simulator(), os.fork() or os.getpid(), file=file)  # one that has the pipe to the worker open as well
    time.sleep(3600)


def die_beside_a_simulator(told):
    with open(told, "a") as file:
        print(simulator(), file=file)
    if os.fork() == 0:
        time.sleep(3600)
    os._exit(1)


@pytest.mark.parametrize(
    ("act", "failure"),
    [
        (hang_beside_a_simulator, "the call ran out of its time limit of 2.0 s"),
        (die_beside_a_simulator, "its process died (out of memory, or os._exit)"),
    ],
)
def test_what_a_fitness_has_started_ends_with_it(tmp_path, act, failure):
    es, told = plain(), tmp_path / "told"
    limit = 2.0 if act is hang_beside_a_simulator else None
    form = blocking(time_limit=limit, on_error=Invalid.DROP_PAIR)
    evaluator = from_fitness(when_positive(functools.partial(act, told)), SLOPE, form)
    result = evaluate(evaluator, es, PAIR)
    assert result.failures == (f"member {positive_member(es)} of generation 2: {failure}",)
    pids = [int(pid) for pid in told.read_text().split()]
    assert pids
    for pid in pids:
        assert_dead(pid)


def test_what_a_fitness_has_started_stays_between_calls_and_ends_with_the_evaluator():
    started = []

    def fitness(params, seed):
        if not started:
            started.append(simulator())
        return started[0]

    evaluator, es = from_fitness(fitness, SLOPE, blocking()), plain()
    pids = {int(pid) for pid in evaluator.bind(es.perturb)(Given(start(evaluator, es), (), members())).fitness}
    (pid,) = pids
    assert is_alive(pid)
    del evaluator
    gc.collect()
    assert_dead(pid)


PARENT = """
import os, signal, subprocess, sys, time
import jax.numpy as jnp, numpy as np
import eggroll_ray as er

how = sys.argv[1]
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what it starts with & ignore it

def fitness(params, seed):
    os.write(1, b"%d %d\\n" % (os.getpid(), subprocess.Popen(["sleep", "3600"]).pid))
    while how != "exits" and params["w"][0] > 0:
        pass
    time.sleep(0 if how == "exits" else 3600)
    return 1.0

evaluator = er.from_fitness(fitness, {"w": jnp.zeros(1)}, er.blocking(processes=2))
es = er.eggroll()
block = evaluator.bind(es.perturb)
block(er.Given(es.init(evaluator.init(0), 0), (), np.arange(2, dtype=np.int32)))
os.write(1, b"done\\n")
kept = [block]
kept.append(kept)  # a cycle, which the interpreter does not take apart when it ends
"""


@pytest.mark.parametrize("how", ["is killed", "is interrupted", "exits"])
def test_processes_end_with_their_parent_however_it_ends(how):
    """Until the last of them has ended its standard output is not at its end either."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, how], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    assert parent.stdout is not None
    # One spins, one sleeps; each has a simulator.
    pids = [int(pid) for _ in range(2) for pid in parent.stdout.readline().split()]
    assert len(pids) == 4
    if how != "exits":
        assert all(map(is_alive, pids))
        os.killpg(parent.pid, signal.SIGKILL if how == "is killed" else signal.SIGINT)
    rest, _ = parent.communicate(timeout=60)
    assert rest == (b"done\n" if how == "exits" else b"")
    for pid in pids:
        assert_dead(pid)


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
