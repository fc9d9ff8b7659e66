"""The blocking form of a fitness: plain Python in a process of its own, with a time limit.

A process can be ended when the user's code hangs; a thread cannot. The child shares nothing with this
process but a pipe, so the user's `__main__` is not run again and JAX's threads are not forked. It leads a process group
of its own: what the fitness has started, such as a simulator, may stay from call to call, and ends with it.
"""

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any, NamedTuple

import cloudpickle
import jax
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from eggroll_ray.compiling.program import SharedProgram
from eggroll_ray.compiling.switches import switch_variables
from eggroll_ray.es.record import ESState, Perturbation
from eggroll_ray.evaluators.data import Data
from eggroll_ray.evaluators.functions import FitnessForm
from eggroll_ray.evaluators.members import check_shared_by, generation_key, member_keys
from eggroll_ray.evaluators.record import (
    NO_PAST,
    Earlier,
    EvaluateBlock,
    Evaluation,
    Evaluator,
    FitnessError,
    Given,
    Invalid,
    Params,
)
from eggroll_ray.evaluators.returned import evaluation_of, real_numbers
from eggroll_ray.lowrank.parameter import densify

_START_SECONDS = 120.0  # for a child to import what the fitness needs
_PARENT_CHECK_SECONDS = 1.0
_DIED = "its process died (out of memory, or os._exit)"


class _Outcome(NamedTuple):
    """Of one call: a number, or the reason why there is none."""

    value: Any
    error: str | None = None


def blocking(
    *,
    time_limit: float | None = None,
    on_error: Invalid = Invalid.RAISE,
    on_nan: Invalid = Invalid.DROP_PAIR,
    processes: int = 1,
    shared_by: int | None = 2,
) -> FitnessForm:
    """The form of plain Python, `fn(params, seed) -> float`, called once per member.

    `params` is the member's own parameters as NumPy arrays, `seed` an int in [0, 2**32). Processes that `fn` starts may
    stay between calls. They end with the process that it runs in: when a call is out of time, and with the run.

    Args:
      time_limit: seconds a call may take before its process is ended, and what it has started; None waits for ever.
      on_error: policy for a call that raises, runs out of time or ends its process.
      on_nan: policy for a fitness that is not finite.
      processes: calls that run at a time on each worker.
      shared_by: how many consecutive members get the same seed (common random numbers): 2 is twins, 1 is
        each its own, None is all members of a generation.

    Raises:
      ValueError: for a limit or a number of processes that is not positive.
    """
    if time_limit is not None and not time_limit > 0:
        raise ValueError(f"time_limit={time_limit} must be positive seconds, or None to wait for ever.")
    if processes < 1:
        raise ValueError(f"processes={processes} must be at least 1; each runs one call at a time.")

    check_shared_by(shared_by)
    on_error, on_nan = Invalid(on_error), Invalid(on_nan)

    def make(fn: Callable[..., Any], params: Params, data: Data) -> Evaluator:
        host = data.host
        fitness = _pickled((lambda params, seed: fn(params, *host, seed)) if host else fn)
        children = _Children(fitness, time_limit, processes)

        def bind(perturb: Perturbation) -> EvaluateBlock:
            form_member = SharedProgram(lambda state, member: densify(perturb(state, member)))

            @SharedProgram
            def draw_seeds(state: ESState, members: Array) -> Array:
                keys = member_keys(generation_key(state), members, shared_by)
                return jax.vmap(lambda key: jax.random.bits(key, (), np.uint32))(keys)

            def evaluate(given: Given) -> Evaluation:
                state, _, members, _ = given
                seeds = np.asarray(draw_seeds(state, members))
                calls = (
                    (jax.device_get(form_member(state, member)), int(seed))
                    for member, seed in zip(members, seeds, strict=True)
                )
                outcomes = children.map(calls)
                values, failures = _collect(outcomes, state, members, on_error)
                found = evaluation_of(values, state, members, on_nan)
                worst = on_error is Invalid.WORST
                failed = np.array([outcome.error is not None for outcome in outcomes])
                fitness = np.where(failed, np.float32(-np.inf if worst else np.nan), found.fitness)
                return found._replace(fitness=fitness, failures=failures + found.failures)

            return evaluate

        def test(
            params: Params, _: Any, key: PRNGKeyArray, episodes: int, past: Mapping[int, Earlier] = NO_PAST
        ) -> np.ndarray:
            del past
            keys = jax.random.split(key, episodes)
            host = jax.device_get(params)
            seeds = [int(jax.random.bits(key, (), np.uint32)) for key in keys]
            outcomes = children.map((host, seed) for seed in seeds)
            return np.array([np.nan if o.error else o.value for o in outcomes], float)

        settings = {
            "fitness": getattr(fn, "__name__", type(fn).__name__),
            "form": "blocking",
            "time_limit": time_limit,
            "on_error": on_error.value,
            "on_nan": on_nan.value,
            **data.settings(),
        }
        return Evaluator(lambda _: params, bind, test, 1, settings, compiled=False)

    return make


def _pickled(fn: Callable[..., Any]) -> bytes:
    try:
        return cloudpickle.dumps(fn)
    except Exception as error:  # of whatever the function refers to
        raise ValueError(
            f"the fitness cannot be sent to another process: {error}; make what it refers to (files, locks, "
            "connections) inside the function."
        ) from error


def _collect(
    outcomes: list[_Outcome], state: ESState, members: np.ndarray, on_error: Invalid
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Numbers (0 where a call failed) and the texts of the failures; raises where the policy says so."""
    failures = []
    for member, outcome in zip(members, outcomes, strict=True):
        if outcome.error is None:
            continue
        text = f"member {member} of generation {int(state.generation)}: {outcome.error}"
        if on_error is Invalid.RAISE:
            raise FitnessError(
                f"the fitness failed on {text}\nCorrect it, or choose on_error=Invalid.DROP_PAIR or Invalid.WORST."
            )
        failures.append(text)
    values = [0.0 if outcome.error else outcome.value for outcome in outcomes]
    return np.array(values), tuple(failures)


def _number(value: Any) -> float:
    number = real_numbers(value, "the fitness")
    if number.shape != ():
        raise ValueError(
            f"the fitness returned {type(value).__name__} of shape {number.shape}; a blocking fitness returns "
            "one number."
        )
    return float(number)


class _Child:
    """One process that runs the fitness; it can be ended."""

    def __init__(self, fitness: bytes):
        self.connection, theirs = Pipe()
        # The accelerator belongs to the worker.
        environment = {**os.environ, **switch_variables(), "JAX_PLATFORMS": "cpu"}
        code = "from eggroll_ray.evaluators.blocking import _child_main; _child_main()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, str(theirs.fileno()), str(os.getpid())],
            pass_fds=[theirs.fileno()],
            env=environment | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # a Ctrl-C at the terminal is the parent's to handle; and a group to be ended
        )
        theirs.close()
        self.connection.send_bytes(fitness)
        self.deadline = time.monotonic() + _START_SECONDS
        self.call: int | None = None
        self.arguments: Any = None  # of the call
        self.started = False

    def send_call(self, deadline: float) -> None:
        """Hands over the call; a child that is still loading the fitness, or dead, would not take it."""
        self.deadline = deadline
        with contextlib.suppress(OSError):  # the end of its connection then says that it died
            self.connection.send_bytes(cloudpickle.dumps(self.arguments))

    def has_died(self) -> bool:
        """Whether its process is gone; the pipe does not say so where what the fitness has forked has it open."""
        return self._process.poll() is not None

    def end(self) -> None:
        """Ends the process, if it has not ended by itself, and whatever it has started."""
        if self.connection.closed:
            return
        self.connection.close()
        # Before it is waited for, or at once after that: its number is that of no other group.
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def __del__(self) -> None:
        self.end()


class _Children:
    """A few processes that run the fitness, started at the first call; not shipped with the evaluator."""

    def __init__(self, fitness: bytes, time_limit: float | None, processes: int):
        self._fitness, self._time_limit, self._processes = fitness, time_limit, processes
        self._children: list[_Child] = []

    def __reduce__(self) -> Any:
        return _Children, (self._fitness, self._time_limit, self._processes)

    def map(self, calls: Any) -> list[_Outcome]:
        """Runs the calls, as many at a time as there are processes; outcomes come in order of the calls."""
        while len(self._children) < self._processes:
            self._children.append(_Child(self._fitness))
        try:
            return self._map(enumerate(calls))
        except BaseException:
            # An answer that is still under way must not be taken for one of the next calls.
            for child in self._children:
                child.end()
            self._children.clear()
            raise

    def _map(self, queue: Any) -> list[_Outcome]:
        outcomes: dict[int, _Outcome] = {}
        for i in range(len(self._children)):
            self._give(i, queue)
        while any(child.call is not None for child in self._children):
            busy = {child.connection: i for i, child in enumerate(self._children) if child.call is not None}
            nearest = min(self._children[i].deadline for i in busy.values())
            ready = wait(list(busy), timeout=min(max(nearest - time.monotonic(), 0.0), 1.0))
            for i in busy.values():
                self._attend(i, self._children[i].connection in ready, queue, outcomes)
        return [outcomes[i] for i in range(len(outcomes))]

    def _give(self, i: int, queue: Any) -> None:
        child = self._children[i]
        child.call, child.arguments = next(queue, (None, None))
        if child.call is not None and child.started:
            child.send_call(self._call_deadline())

    def _call_deadline(self) -> float:
        return time.monotonic() + (self._time_limit or float("inf"))

    def _attend(self, i: int, ready: bool, queue: Any, outcomes: dict[int, _Outcome]) -> None:
        """Takes the answer of a child, or ends it if its time has run out or it has died."""
        child = self._children[i]
        assert child.call is not None
        outcome = None
        if ready:
            try:
                answer = cloudpickle.loads(child.connection.recv_bytes())
            except (EOFError, OSError):
                outcome = _Outcome(None, _DIED)
            else:
                if not child.started and answer.error is None:  # the first answer: the fitness is loaded
                    child.started = True
                    child.send_call(self._call_deadline())
                    return
                if child.started:
                    outcomes[child.call] = answer
                    self._give(i, queue)
                    return
                outcome = answer
        elif child.has_died() and not child.connection.poll():
            outcome = _Outcome(None, _DIED)
        elif time.monotonic() >= child.deadline:
            limit = f"its time limit of {self._time_limit} s" if child.started else f"{_START_SECONDS} s to start"
            outcome = _Outcome(None, f"the call ran out of {limit}")
        if outcome is not None:
            outcomes[child.call] = outcome
            child.end()
            self._children[i] = _Child(self._fitness)
            self._give(i, queue)


def _child_main() -> None:
    """Runs in the child: load the fitness, then answer calls until the pipe closes."""
    connection, parent = Connection(int(sys.argv[1])), int(sys.argv[2])
    atexit.register(_end_group)  # the first to be registered is the last to be called
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    try:
        fitness = cloudpickle.loads(connection.recv_bytes())
    except Exception:
        connection.send_bytes(cloudpickle.dumps(_Outcome(None, traceback.format_exc())))
        return
    connection.send_bytes(cloudpickle.dumps(_Outcome(None)))
    while True:
        try:
            call = connection.recv_bytes()
        except EOFError:
            return
        params, seed = cloudpickle.loads(call)
        connection.send_bytes(cloudpickle.dumps(_call(fitness, params, seed)))


def _call(fitness: Callable[..., Any], params: Any, seed: int) -> _Outcome:
    try:
        return _Outcome(_number(fitness(params, seed)))
    except Exception:
        return _Outcome(None, traceback.format_exc())


def _end_with(parent: int) -> None:
    """Ends this process and what it has started when its parent is gone, even while the fitness hangs."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    _end_group()


def _end_group() -> None:
    """Ends this process, which leads its group, with all others of the group."""
    os.killpg(os.getpid(), signal.SIGKILL)
