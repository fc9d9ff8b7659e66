"""Where several processes of a machine want one program, one compiles it and the others load it."""

import fcntl
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import eggroll_ray as er
import envs
from eggroll_ray import noise
from eggroll_ray.compiling import program as shared_program
from eggroll_ray.compiling.program import SharedProgram

NUMBERS = jnp.arange(4.0)


@pytest.fixture
def folder(tmp_path):
    """The folder where JAX keeps programs."""
    before = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    yield tmp_path
    jax.config.update("jax_compilation_cache_dir", before)


def locks(folder: Path) -> list[Path]:
    return list(folder.glob("compiling-*"))


def started(program: SharedProgram) -> threading.Thread:
    thread = threading.Thread(target=program, args=(NUMBERS,), daemon=True)
    thread.start()
    return thread


def hold(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def test_it_computes_what_its_function_does_and_its_lock_is_free_afterwards(folder):
    program = SharedProgram(lambda x: 2.0 * x)
    assert program(NUMBERS).tolist() == [0.0, 2.0, 4.0, 6.0]
    assert program(jnp.arange(2.0)).tolist() == [0.0, 2.0], "other shapes are compiled as usual"
    (lock,) = locks(folder)
    os.close(hold(lock))


def test_it_travels(folder):
    program = SharedProgram(lambda x: 2.0 * x)
    program(NUMBERS)
    travelled = cloudpickle.loads(cloudpickle.dumps(program))
    assert travelled(NUMBERS).tolist() == [0.0, 2.0, 4.0, 6.0]
    assert travelled.trace(NUMBERS).fun_name == "<lambda>"


@pytest.fixture
def asked_anew():
    shared_program.compiler_options.cache_clear()
    yield
    shared_program.compiler_options.cache_clear()


def test_this_xla_knows_every_option(asked_anew):
    found = shared_program.compiler_options()
    assert found == shared_program._OPTIONS, "see how long programs compile, and how fast they run, without it"


@pytest.mark.parametrize("known", [{}, shared_program.WIDE_VECTORS])
def test_an_option_that_xla_does_not_know_is_left_out(asked_anew, monkeypatch, known):
    monkeypatch.setattr(shared_program, "_OPTIONS", {"xla_cpu_of_another_time": True, **known})
    assert shared_program.compiler_options() == known
    assert SharedProgram(lambda x: 2.0 * x)(NUMBERS).tolist() == [0.0, 2.0, 4.0, 6.0]


@pytest.mark.filterwarnings("ignore:JAXopt is no longer maintained:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Accessing .* directly from `Data`:DeprecationWarning")
@pytest.mark.parametrize(("env", "wide"), [("gymnax/CartPole-v1", True), ("brax/inverted_double_pendulum", False)])
def test_only_a_short_environment_is_compiled_for_wide_vectors(monkeypatch, env, wide):
    asked = []
    jit = jax.jit
    monkeypatch.setattr(jax, "jit", lambda fn, **given: asked.append(given.get("compiler_options")) or jit(fn, **given))
    evaluator, strategy = er.from_env(envs.make(env), er.mlp()), er.eggroll()
    block = evaluator.bind(strategy.perturb)
    block.trace(er.Given(strategy.init(evaluator.init(0), 0), evaluator.statistics, np.arange(4, dtype=np.int32)))
    narrow = {"xla_cpu_use_fusion_emitters": False}
    assert asked[-1] == (narrow | shared_program.WIDE_VECTORS if wide else narrow)


def test_what_steps_no_environment_is_compiled_for_wide_vectors_however_long_it_is(monkeypatch):
    monkeypatch.setattr(shared_program, "_MOST_OPERATIONS", 0)
    everything = shared_program.compiler_options()
    narrow = {k: v for k, v in everything.items() if k not in shared_program.WIDE_VECTORS}

    def looped(x):
        return jax.lax.fori_loop(0, 3, lambda _, x: 2.0 * x, x)

    assert SharedProgram(looped)._options(NUMBERS) == everything
    assert SharedProgram(lambda x: 2.0 * x, simulates=True)._options(NUMBERS) == everything, "what is in no loop"
    travelled = cloudpickle.loads(cloudpickle.dumps(SharedProgram(looped, simulates=True)))
    assert travelled._options(NUMBERS) == narrow
    assert travelled(NUMBERS).tolist() == [0.0, 8.0, 16.0, 24.0]


@pytest.mark.parametrize("law", [noise.normal, noise.rademacher], ids=lambda law: law.name)
def test_its_noise_and_its_update_have_the_bits_of_any_other_program(law):
    unit = noise.low_rank_noise((), 24, 40, 2, jnp.float32, law)
    key, weights = noise.leaf_key(3, "w", 5), jnp.linspace(-1.0, 1.0, 300)
    for fn, given in ((unit.draw, noise.pair_key(key, 7)), (lambda key: unit.weighted_sum(key, weights), key)):
        for one, other in zip(
            jax.tree.leaves(SharedProgram(fn)(given)), jax.tree.leaves(jax.jit(fn)(given)), strict=True
        ):
            assert np.asarray(one).tobytes() == np.asarray(other).tobytes()


def test_it_waits_while_another_compiles_and_then_shares_the_lock_with_those_that_waited(folder):
    def doubled(x):
        return 2.0 * x

    SharedProgram(doubled)(NUMBERS)
    (lock,) = locks(folder)
    other = hold(lock)
    waiting = [started(SharedProgram(doubled)) for _ in range(2)]
    time.sleep(0.3)
    assert all(thread.is_alive() for thread in waiting)
    os.close(other)
    for thread in waiting:
        thread.join(60)
        assert not thread.is_alive()
    with shared_program._first_alone(lock):  # alone
        with pytest.raises(BlockingIOError):
            hold(lock)
        late = threading.Thread(target=enter, args=(lock,), daemon=True)
        late.start()
        late.join(0.3)
        assert late.is_alive()
    late.join(60)
    assert not late.is_alive()
    shared = os.open(lock, os.O_RDWR)
    fcntl.flock(shared, fcntl.LOCK_SH)
    beside = threading.Thread(target=enter, args=(lock,), daemon=True)  # another that has waited
    beside.start()
    beside.join(60)
    assert not beside.is_alive()
    os.close(shared)


def test_a_lock_is_free_even_if_a_fork_still_has_its_file_open(folder):
    lock = folder / "compiling-1"
    with shared_program._first_alone(lock):
        (descriptor,) = [name for name in os.listdir("/proc/self/fd") if is_open(name, lock)]
        copy = os.dup(int(descriptor))  # as a forked process would have it
    os.close(hold(lock))
    os.close(copy)


def is_open(descriptor: str, path: Path) -> bool:
    try:
        return os.path.realpath(f"/proc/self/fd/{descriptor}") == str(path.resolve())
    except OSError:
        return False


@jax.tree_util.register_pytree_node_class
class Unnamed:
    """A tree that prints as another one each time, as those do that print their address."""

    printed = itertools.count()

    def __init__(self, numbers):
        self.numbers = numbers

    def __repr__(self):
        return f"tree {next(self.printed)}"

    def tree_flatten(self):
        return (self.numbers,), None

    @classmethod
    def tree_unflatten(cls, _, children):
        return cls(*children)


def test_the_lock_goes_by_function_and_shapes_alone(folder):
    def doubled(tree):
        return 2.0 * tree.numbers

    for _ in range(3):
        assert SharedProgram(doubled)(Unnamed(NUMBERS)).tolist() == [0.0, 2.0, 4.0, 6.0]
    assert len(locks(folder)) == 1
    for length in (2, 3, 5):
        SharedProgram(doubled)(Unnamed(jnp.zeros(length)))
    assert len(locks(folder)) > 1


def enter(lock: Path) -> None:
    with shared_program._first_alone(lock):
        pass


def test_a_process_that_is_killed_while_it_compiles_holds_nobody_up(folder):
    lock = folder / "compiling-1"
    code = (
        "import sys, time; from pathlib import Path; from eggroll_ray.compiling.program import _first_alone\n"
        "with _first_alone(Path(sys.argv[1])):\n    print('in', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "in\n"
        with pytest.raises(BlockingIOError):
            hold(lock)
        process.send_signal(signal.SIGKILL)
    os.close(hold(lock))


def test_one_that_is_stopped_holds_nobody_up_for_ever(folder, monkeypatch):
    monkeypatch.setattr(shared_program, "_WAIT_SECONDS", 0.1)
    lock = folder / "compiling-1"
    lock.touch()
    other = hold(lock)
    enter(lock)
    os.close(other)


def test_without_a_folder_or_locks_it_compiles_at_once(folder, monkeypatch):
    def refuse(descriptor, operation):
        raise OSError("no locks available")

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", refuse)
        assert SharedProgram(lambda x: 3.0 * x)(NUMBERS).tolist() == [0.0, 3.0, 6.0, 9.0]
    jax.config.update("jax_compilation_cache_dir", str(folder / "gone"))
    enter(folder / "gone" / "compiling-1")
    before = locks(folder)
    monkeypatch.chdir(folder)
    jax.config.update("jax_compilation_cache_dir", "")
    assert SharedProgram(lambda x: 5.0 * x)(NUMBERS).tolist() == [0.0, 5.0, 10.0, 15.0]
    jax.config.update("jax_compilation_cache_dir", None)
    assert SharedProgram(lambda x: 4.0 * x)(NUMBERS).tolist() == [0.0, 4.0, 8.0, 12.0]
    assert locks(folder) == before


TWO = """
import json, sys
import jax, jax.numpy as jnp
from jax._src import monitoring
from eggroll_ray.compiling.program import SharedProgram
hits = []
monitoring.register_event_listener(lambda name, **_: hits.append(name.rpartition("/")[2]))
def slow(x):
    for _ in range(60):  # of loops that XLA does not merge
        x = jnp.sort(jnp.sin(x) @ x)
    return x
program = SharedProgram(slow)
numbers = jnp.ones((8, 8))
hits.clear()
print("ready", flush=True)
sys.stdin.readline()
program(numbers)
before = len(hits)
program(numbers)
print(json.dumps([hits.count("cache_hits"), hits.count("cache_misses"), len(hits) - before]))
"""


def test_of_two_processes_that_begin_at_once_one_compiles(tmp_path):
    environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(tmp_path), "JAX_PLATFORMS": "cpu"}
    environment["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.2"
    start = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    both = [subprocess.Popen([sys.executable, "-c", TWO], **start) for _ in range(2)]
    for process in both:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    found = sorted(json.loads(process.communicate(timeout=200)[0]) for process in both)
    assert found == [[0, 1, 0], [1, 0, 0]], "hits, misses, and what a second call of the program asks for"
    assert len(list(tmp_path.glob("jit_slow-*-cache"))) == 1
