"""The blocking form of a fitness: plain Python in a process of its own, with a time limit.

A process can be ended when the user's code hangs; a thread cannot. The child process shares nothing with this process
but a pipe, so the user's `__main__` is not run again and JAX's threads are not forked. It leads its own process group.
Processes that the fitness starts, such as a simulator, may run from one call to the next, and end with the child.
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
from eggroll_ray.evaluators.data import Data, HeldOut
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

_START_SECONDS = 120.0  # time for a child to import what the fitness needs
_PARENT_CHECK_SECONDS = 1.0
_DIED = "its process died (out of memory, or os._exit)"


class _Outcome(NamedTuple):
    """The result of one call: a number, or the reason why there is none."""

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
    """The form of a fitness in plain Python, `fn(params, seed) -> float`, which is called once per member.

    `params` are the member's own parameters as NumPy arrays; `seed` is an int in [0, 2**32). Processes that `fn` starts
    may run between calls. They end together with the process that runs `fn`: when a call runs out of time, and at the
    end of the run.

    Args:
      time_limit: seconds that a call may take before its process, and all that it started, is ended. None: no limit.
      on_error: how to treat a call that raises, runs out of time or ends its process.
      on_nan: how to treat a fitness that is not finite.
      processes: number of calls that run at the same time on each worker.
      shared_by: number of consecutive members that get the same seed (common random numbers). 2 means twins, 1 means
        that no members share a seed, None means that all members of a generation do.

    Raises:
      ValueError: for a limit or a number of processes that is not positive.
    """
    if time_limit is not None and not time_limit > 0:
        raise ValueError(f"time_limit={time_limit} must be positive seconds, or None to wait for ever.")
    if processes < 1:
        raise ValueError(f"processes={processes} must be at least 1; each runs one call at a time.")

    check_shared_by(shared_by)
    on_error, on_nan = Invalid(on_error), Invalid(on_nan)

    def make(fn: Callable[..., Any], params: Params, data: Data, held_out: HeldOut | None = None) -> Evaluator:
        if held_out is not None:
            raise ValueError(
                "test and test_data do not go with blocking(), which has one function in its processes; leave them "
                "out, and test the parameters of a row or of the result yourself."
            )
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
    except Exception as error:  # raised by any object that the function refers to
        raise ValueError(
            f"the fitness cannot be sent to another process: {error}; create the objects that it refers to (files, "
            "locks, connections) inside the function."
        ) from error


def _collect(
    outcomes: list[_Outcome], state: ESState, members: np.ndarray, on_error: Invalid
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Returns the numbers (0 if a call failed) and the texts of the failures. Raises instead with `Invalid.RAISE`."""
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
    """One process that runs the fitness."""

    def __init__(self, fitness: bytes):
        self.connection, theirs = Pipe()
        # The worker uses the accelerator, so the child must not.
        environment = {**os.environ, **switch_variables(), "JAX_PLATFORMS": "cpu"}
        code = "from eggroll_ray.evaluators.blocking import _child_main; _child_main()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, str(theirs.fileno()), str(os.getpid())],
            pass_fds=[theirs.fileno()],
            env=environment | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # so that Ctrl-C reaches only the parent, and the whole group can be ended
        )
        theirs.close()
        self.connection.send_bytes(fitness)
        self.deadline = time.monotonic() + _START_SECONDS
        self.call: int | None = None
        self.arguments: Any = None  # arguments of the call
        self.started = False

    def send_call(self, deadline: float) -> None:
        """Sends the call. The child must have loaded the fitness before."""
        self.deadline = deadline
        with contextlib.suppress(OSError):  # if the child has died, reading from the connection will show it
            self.connection.send_bytes(cloudpickle.dumps(self.arguments))

    def has_died(self) -> bool:
        """Whether its process is gone. The pipe may stay open, if a process forked by the fitness inherited it."""
        return self._process.poll() is not None

    def end(self) -> None:
        """Ends the process, if it has not ended by itself, and all processes that it started."""
        if self.connection.closed:
            return
        self.connection.close()
        # Do this before `wait`, because until then the number of the group cannot be reused.
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS raises the latter for zombies
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def __del__(self) -> None:
        self.end()


class _Children:
    """The processes that run the fitness. They start at the first call, and are not pickled with the evaluator."""

    def __init__(self, fitness: bytes, time_limit: float | None, processes: int):
        self._fitness, self._time_limit, self._processes = fitness, time_limit, processes
        self._children: list[_Child] = []

    def __reduce__(self) -> Any:
        return _Children, (self._fitness, self._time_limit, self._processes)

    def map(self, calls: Any) -> list[_Outcome]:
        """Runs the calls, as many at a time as there are processes, and returns the outcomes in the same order."""
        while len(self._children) < self._processes:
            self._children.append(_Child(self._fitness))
        try:
            return self._map(enumerate(calls))
        except BaseException:
            # End the children, so that a late answer cannot be mistaken for the answer to a later call.
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
        """Takes the answer of a child, or replaces the child if its time has run out or it has died."""
        child = self._children[i]
        assert child.call is not None
        outcome = None
        if ready:
            try:
                answer = cloudpickle.loads(child.connection.recv_bytes())
            except (EOFError, OSError):
                outcome = _Outcome(None, _DIED)
            else:
                if not child.started and answer.error is None:  # the first answer says that the fitness is loaded
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
    """Runs in the child process: loads the fitness, then answers calls until the pipe closes."""
    connection, parent = Connection(int(sys.argv[1])), int(sys.argv[2])
    atexit.register(_end_group)  # registered first, so called last
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
    """Ends this process and all that it started once its parent is gone, even while the fitness hangs."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    _end_group()


def _end_group() -> None:
    """Ends all processes of the group that this process leads, itself included."""
    os.killpg(os.getpid(), signal.SIGKILL)
