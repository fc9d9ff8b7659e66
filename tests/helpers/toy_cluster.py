"""A `Backend` in virtual time, with toy workers whose faults are scripted: no Ray, no JAX, no waiting."""

import dataclasses
import math
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from eggroll_ray.workers.backend import WorkerLost
from eggroll_ray.workers.coordinator import Coordinator
from eggroll_ray.workers.fitness_vector import PackedPairs, pack_fitness
from eggroll_ray.workers.messages import Outcome, Reply, Request, Work
from eggroll_ray.workers.options import Workers
from eggroll_ray.workers.plan import Plan
from eggroll_ray.workers.worker import _spread

FACTS = {"platform": "cpu", "code": "1"}
FOREVER = math.inf

# What becomes of a call: "die" | "preempt" | "corrupt" | "noticed" (it is corrupted, and the worker knows) |
# seconds that it takes longer | an exception to raise.
Fault = str | float | BaseException


class State(NamedTuple):
    generation: int
    value: int


class ToyWorker:
    """What an actor of `workers.ray.backend` is, with an integer for parameters."""

    def __init__(self, plan: Plan, wrong: Callable[[int], int] = lambda block: 0):
        self._plan, self._wrong = plan, wrong
        self.state = State(0, 17)
        self.metrics: dict[str, float] = {}

    def advance(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if outcome.number >= self.state.generation:
                self.update(outcome)

    def update(self, outcome: Outcome) -> None:
        if outcome.number != self.state.generation:
            raise RuntimeError(f"asked to apply generation {outcome.number} at generation {self.state.generation}.")
        fitness = outcome.fitness
        data = fitness.data if isinstance(fitness, PackedPairs) else fitness
        self.state = State(outcome.number + 1, zlib.crc32(data.tobytes(), self.state.value))
        self.metrics = {"gradient_norm": float(self.state.value)}

    def digest(self) -> str:
        return "{}:{:08x}".format(*self.state)

    def digest_and_snapshot(self) -> tuple[str, dict[str, Any]]:
        return self.digest(), {"state": self.state, "statistics": ()}

    def peek(self) -> tuple[int, str, dict[str, Any]]:
        return (self.state.generation, *self.digest_and_snapshot())

    def test(self, stream: str = "test") -> np.ndarray:
        return np.array([zlib.crc32(f"{self.state} {stream}".encode()) % 1000], np.float32)

    def join(self, snapshot: dict[str, Any] | None, *log: Outcome) -> tuple[str, float]:
        self.state = State(0, 17) if snapshot is None else snapshot["state"]
        for outcome in log:
            self.update(outcome)
        return self.digest(), 0.0

    def ask(self, method: str, args: tuple[Any, ...], *outcomes: Outcome) -> Any:
        self.advance(outcomes)
        return getattr(self, method)(*args)

    def reply(self, number: int, work: Work, times: dict[str, Any]) -> Reply:
        """Evaluates what it is asked to."""
        if number != self.state.generation:
            raise RuntimeError(f"asked for generation {number}, but this worker is at {self.state.generation}.")
        each = [self._fitness(block) for block in work.blocks]
        checks = {block: self._fitness(block) for block in work.checks}
        fitness = np.concatenate([np.zeros(0, np.float32), *each])
        return Reply(
            number=number,
            digest=self.digest(),
            blocks=np.array(work.blocks, np.int32),
            fitness=pack_fitness(fitness) if self._plan.signs_only else fitness,
            spread=np.array([_spread(values, 0) for values in each]).reshape(-1, 6),
            steps=np.array([10 + block for block in work.blocks], np.int64),
            moments=tuple(np.float32([block, number]) for block in work.blocks),
            failures=(),
            test=self.test() if work.test else None,
            metrics=self.metrics,
            fingerprints={
                block: zlib.crc32(found.tobytes())
                for block, found in [*zip(work.blocks, each, strict=True), *checks.items()]
                if work.compare
            },
            **times,
        )

    def fingerprints(self, block: int, times: int) -> tuple[int, ...]:
        return tuple(zlib.crc32(self._fitness(block).tobytes()) for _ in range(times))

    def _fitness(self, block: int) -> np.ndarray:
        members = [f"{self.state} {member}".encode() for member in self._plan.members(block)]
        return np.array([zlib.crc32(text) % 100_003 for text in members], np.float32) + np.float32(self._wrong(block))


@dataclasses.dataclass(eq=False)
class Place:
    """A worker with its process, as the cluster sees it."""

    index: int
    worker: ToyWorker
    alive: bool = True
    calls: dict[Any, int] = dataclasses.field(default_factory=dict)  # how often it was called, by kind
    warm: set[str] = dataclasses.field(default_factory=set)


@dataclasses.dataclass(eq=False)
class Call:
    """A call under way. That of a step ends earlier when blocks are cancelled."""

    place: Place
    method: str
    args: tuple[Any, ...]
    started: float
    fault: Fault | None
    cancels: list[tuple[float, Work | None]] = dataclasses.field(default_factory=list)
    answer: Any = None


@dataclasses.dataclass
class ToyCluster:
    """Virtual machines.

    Attributes:
      plan: of the run.
      count: target number of workers, or a function of the time.
      block_seconds: of a worker's block, by (worker, block); the block None is the test of the mean parameters.
      faults: by (worker, method or asked method, number of that call of this worker; of a step its generation).
      facts: of workers that are unlike the others.
      deadly: (generation, block) that end whoever evaluates them.
      wrong: workers that compute something else: worker -> what is added to the fitness of a block each time.
      deaf: workers that cancellations reach too late.
      compile_seconds: that a worker's first block, and its first update, take longer.
    """

    plan: Plan
    count: int | Callable[[float], int] = 3
    block_seconds: Callable[[int, int | None], float] = lambda worker, block: 1.0
    update_seconds: float = 0.1
    compile_seconds: float = 0.5
    start_seconds: float = 1.0
    faults: dict[tuple[int, str, int], Fault] = dataclasses.field(default_factory=dict)
    facts: dict[int, dict[str, str]] = dataclasses.field(default_factory=dict)
    deadly: set[tuple[int, int]] = dataclasses.field(default_factory=set)
    wrong: dict[int, Callable[[int], int]] = dataclasses.field(default_factory=dict)
    deaf: set[int] = dataclasses.field(default_factory=set)

    now: float = 0.0
    turns: int = 0
    places: list[Place] = dataclasses.field(default_factory=list)
    sent: list[tuple[float, int, str, tuple[Any, ...]]] = dataclasses.field(default_factory=list)
    steps: dict[tuple[int, int], Call] = dataclasses.field(default_factory=dict)
    on_call: Callable[[int, str, tuple[Any, ...]], object] = lambda worker, method, args: None

    def clock(self) -> float:
        return self.now

    def alive(self) -> list[int]:
        return [place.index for place in self.places if place.alive]

    # The protocol.

    def target(self) -> int:
        return self.count(self.now) if callable(self.count) else self.count

    def start(self, index: int) -> Place:
        self.places.append(Place(index, ToyWorker(self.plan, self.wrong.get(index, lambda block: 0))))
        return self.places[-1]

    def put(self, value: Any) -> Any:
        return value

    def call(self, worker: Place, label: str, method: str, *args: Any) -> Any:
        del label
        self.sent.append((self.now, worker.index, method, args))
        self.on_call(worker.index, method, args)
        if method == "cancel":
            serial, work = args
            if (step := self.steps.get((worker.index, serial))) is not None and worker.index not in self.deaf:
                step.cancels.append((self.now, work))
            return None
        kind = args[0] if method == "ask" else method
        number = args[1] if method == "step" else worker.calls.get(kind, 0)
        worker.calls[kind] = worker.calls.get(kind, 0) + 1
        call = Call(worker, method, args, self.now, self.faults.get((worker.index, kind, number)))
        if method == "step":
            self.faults.pop((worker.index, kind, number), None)  # the first step of this generation alone
            if any((number, block) in self.deadly for block in args[2].blocks):
                call.fault = "die"
            self.steps[worker.index, args[0]] = call
        return call

    def wait(self, calls: Sequence[Call], seconds: float) -> list[Call]:
        self.turns += 1
        assert self.turns < 100_000, f"it hangs at {self.now:.0f} s: {self.sent[-5:]}"
        ends = {call: self._end(call) for call in calls}
        until = max(self.now, min([self.now + seconds, *ends.values()]))
        self.now = until if until > self.now or any(end <= until for end in ends.values()) else self.now + seconds
        return sorted((call for call, end in ends.items() if end <= self.now), key=lambda call: ends[call])

    def result(self, call: Call) -> Any:
        place = call.place
        if not place.alive:
            raise WorkerLost("its process is gone")
        if call.fault in ("die", "preempt"):
            place.alive = False
            raise WorkerLost("its process ended", preempted=call.fault == "preempt")
        if isinstance(call.fault, BaseException):  # of the evaluation, which comes after the update
            place.worker.advance(call.args[3:] if call.method == "step" else ())
            raise call.fault
        return self._answer(call)

    def kill(self, worker: Place) -> None:
        worker.alive = False

    def close(self) -> None:
        for place in self.places:
            place.alive = False

    # Time.

    def _end(self, call: Call) -> float:
        if not call.place.alive:
            return self.now
        if call.fault in ("die", "preempt"):  # in the middle of it
            return call.started + 0.5 * (self._seconds(call) or 1.0)
        return call.started + self._seconds(call) + (call.fault if isinstance(call.fault, int | float) else 0.0)

    def _seconds(self, call: Call) -> float:
        if call.method == "step":
            return self._timeline(call)[2]
        if call.method == "facts":
            return self.start_seconds
        return 0.01 + self.update_seconds * len(call.args[1 if call.method == "join" else 2 :])

    def _timeline(self, call: Call) -> tuple[dict[int | None, float], float, float]:
        """Seconds of each block (None: of the test; ~block: of one evaluated for comparison), of the update, of all."""
        place, work, outcomes = call.place, call.args[2], call.args[3:]
        update = 0.0
        if any(outcome.number >= place.worker.state.generation for outcome in outcomes):
            update = self.update_seconds + ("update" not in place.warm) * self.compile_seconds
        at, times, warm = call.started + update, {}, "block" in place.warm
        parts: dict[int | None, Work] = {block: Work((block,)) for block in work.blocks}
        parts |= {~block: Work(checks=(block,)) for block in work.checks} | (
            {None: Work(test=True)} if work.test else {}
        )
        for block, part in parts.items():
            if any(since <= at and (which is None or which.overlaps(part)) for since, which in call.cancels):
                continue
            times[block] = (
                self.block_seconds(place.index, block if block is None or block >= 0 else ~block)
                + (not warm) * self.compile_seconds
            )
            at, warm = at + times[block], True
        return times, update, at - call.started

    def _answer(self, call: Call) -> Any:
        worker = call.place.worker
        if call.method == "facts":
            return FACTS | self.facts.get(call.place.index, {})
        if call.method == "step":
            times, update, seconds = self._timeline(call)
            worker.advance(call.args[3:])
            self._corrupt(call)
            call.place.warm |= ({"update"} if update else set()) | ({"block"} if times else set())
            numbers = [block for block in times if block is not None]
            checks = tuple(~block for block in numbers if block < 0)
            done = Work(tuple(block for block in numbers if block >= 0), None in times, checks, call.args[2].compare)
            shown = {
                "update_seconds": update,
                "block_seconds": np.array([times[block] for block in done.blocks], np.float32),
                "check_seconds": sum(times[~block] for block in checks),
                "test_seconds": times.get(None, 0.0),
                "seconds": seconds,
            }
            return dataclasses.replace(worker.reply(call.args[1], done, shown), changed=call.fault == "noticed")
        if call.method == "ask":
            worker.advance(call.args[2:])
        if call.method == "peek":  # a step begins with its updates
            for step in (step for (index, _), step in self.steps.items() if index == call.place.index):
                worker.advance(step.args[3:])
        if call.method in ("ask", "peek"):
            self._corrupt(call)
        answer = getattr(worker, call.method)(*call.args)
        if call.method == "join":
            self._corrupt(call)
            answer = (worker.digest(), answer[1])
        return answer

    def _corrupt(self, call: Call) -> None:
        if call.fault in ("corrupt", "noticed"):
            state = call.place.worker.state
            call.place.worker.state = state._replace(value=state.value ^ (1 << call.place.index))


@dataclasses.dataclass
class Ended:
    """What a run came to."""

    digest: str
    fitness: list[Any]
    tests: list[Any]
    pools: list[dict[str, Any]]
    events: list[tuple[str, str, str | None]]
    alive: list[int] = dataclasses.field(default_factory=list)

    @property
    def bits(self) -> tuple[Any, ...]:
        """What must not depend on faults."""
        return self.digest, [_bytes(fitness) for fitness in self.fitness], [test.tobytes() for test in self.tests]

    def names(self, worker: int | None = None) -> list[str]:
        """Names of the events, of one worker or all, but of joining."""
        mine = [name for name, _, who in self.events if worker is None or who == str(worker)]
        return [name for name in mine if name != "worker joined"]


def _bytes(fitness: Any) -> bytes:
    return fitness.data.tobytes() if isinstance(fitness, PackedPairs) else fitness.tobytes()


PLAN = Plan(population_size=16, block_size=2, seed=0, test_episodes=1)


def make_coordinator(cluster: ToyCluster, **workers: Any) -> tuple[Coordinator, list[tuple[str, str, str | None]]]:
    events: list[tuple[str, str, str | None]] = []
    options = Workers(count=cluster.target() or 1, **workers)
    coordinator = Coordinator(cluster, cluster.plan, options, lambda *event: events.append(event), cluster.clock)
    return coordinator, events


def train(
    cluster: ToyCluster,
    generations: int = 6,
    on_generation: Callable[[Coordinator, int], object] = lambda coordinator, number: None,
    **workers: Any,
) -> Ended:
    """Runs as the trainer does, and returns what came of it."""
    coordinator, events = make_coordinator(cluster, **workers)
    outcomes: tuple[Outcome, ...] = ()
    ended = Ended("", [], [], [], events)
    for number in range(generations):
        blocks = tuple(range(cluster.plan.blocks))
        found = coordinator.step(Request(number, outcomes, blocks, test=True), lambda: False)
        assert found.complete
        outcomes = (Outcome(number, found.fitness, found.moments),)
        ended.fitness.append(found.fitness)
        ended.tests.append(found.test)
        ended.pools.append(found.pool)
        on_generation(coordinator, number)
    coordinator.update(outcomes[0])
    ended.digest, ended.alive = coordinator.digest(), cluster.alive()
    coordinator.close()
    return ended
