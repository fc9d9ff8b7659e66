"""One run of one program of `benchmarks.peers.end_to_end`: its settings, its timing, and its output.

It uses only the standard library, because it also runs in the environments of evosax and EvoTorch, in which this
package is not installed.
"""

import contextlib
import dataclasses
import json
import sys
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any, Protocol

PREFIX = "end_to_end "  # prefix of the lines that are read; libraries print other lines
WARM_UP = 2  # generations that are run and then undone, so that everything is compiled and every actor is running
# ClipUp's longest step for an Adam's rate, as the root mean square over parameters. Adam's steps are about 0.23 rates
# where gradients are noise. At a rate of 0.03 and sigma 0.1 it is a thirteenth of the search distribution's radius,
# where ClipUp's authors advise a fifteenth.
CLIPUP_STEP = 0.25
_CONFIRMATION = 1_000_000  # added to a generation's number: other test episodes


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a program is told."""

    env: str  # with its suite, "gymnax/CartPole-v1"
    seed: int
    sigma: float
    learning_rate: float  # of Adam, or of what makes steps as long
    began: float  # time.monotonic() of the parent when it started this process: one clock for all processes on Linux
    workers: int = 0  # 0 is in this process
    population_size: int = 512
    hidden: tuple[int, ...] = (64, 64)
    target: float | None = None  # mean return of the mean policy
    seconds: float = 60.0  # limits, of training alone without tests, after warming up
    generations: int = 1_000_000
    test_episodes: int = 128  # 0: no tests
    optimizer: str = "adam"  # "adam" or "clipup"; a peer has its own
    common_episode: bool = True  # of ours, that a whole generation plays; otherwise twins have one
    max_steps: int | None = None  # of an episode, where it is shorter than the environment's own


class Learner(Protocol):
    """A program under test."""

    def advance(self) -> None:
        """Does one generation, and waits until its mean parameters are there."""
        ...

    def rewind(self) -> None:
        """Goes back to the untrained parameters, and keeps what is compiled and whoever works."""
        ...

    def test(self, episodes: int, stream: int) -> Sequence[float]:
        """Returns the return of the mean policy in each of some fresh episodes; other streams are other episodes."""
        ...

    def close(self) -> None:
        """Ends whoever works."""
        ...


def read_settings(argument: str) -> Settings:
    """Reads what `write_settings` wrote."""
    given = json.loads(argument)
    return Settings(**{**given, "hidden": tuple(given["hidden"])})


def write_settings(settings: Settings) -> str:
    """Returns the one argument of a program."""
    return json.dumps(dataclasses.asdict(settings))


def events(text: str) -> list[dict[str, Any]]:
    """Reads the events among what a program printed; a last line that was cut off is left out."""
    lines = text.split("\n")[:-1]
    return [json.loads(line.removeprefix(PREFIX)) for line in lines if line.startswith(PREFIX)]


def main(make: Callable[[Settings], Learner], *packages: str) -> None:
    """Runs a program with the settings that are its argument, and prints its events.

    Args:
      make: makes it.
      packages: whose `{"versions"}` are its first event.
    """
    settings = read_settings(sys.argv[1])
    _print_event({"versions": {name: metadata.version(name) for name in packages}})
    with contextlib.closing(make(settings)) as learner:
        train(settings, learner, _print_event)


def train(settings: Settings, learner: Learner, emit: Callable[[dict[str, Any]], object]) -> None:
    """Warms up, goes back to the start, and trains until the target is confirmed, or a limit is reached.

    Emits, in order:
      `{"start_seconds"}`: from the start of the process to the end of warming up, tests left out.
      `{"generation", "seconds", "member_episodes", "return"}`: of each generation, the untrained one first; seconds
        since then, tests left out.
      `{"ended_by", "confirmed"}`: "target", "seconds" or "generations"; the return of the episodes that confirm.
    """
    testing = 0.0

    def test(stream: int) -> float | None:
        nonlocal testing
        if not settings.test_episodes:
            return None
        before = time.monotonic()
        returns = [float(value) for value in learner.test(settings.test_episodes, stream)]
        testing += time.monotonic() - before
        return sum(returns) / len(returns)

    for _ in range(WARM_UP):
        learner.advance()
    test(0)
    start_seconds = time.monotonic() - settings.began - testing
    learner.rewind()
    emit({"start_seconds": start_seconds})
    generation, seconds, ended_by, confirmed = 0, 0.0, None, None
    while ended_by is None:
        if generation:
            before = time.monotonic()
            learner.advance()
            seconds += time.monotonic() - before
        mean = test(generation)
        played = generation * settings.population_size
        emit({"generation": generation, "seconds": seconds, "member_episodes": played, "return": mean})
        if settings.target is not None and mean is not None and mean >= settings.target:
            confirmed = test(_CONFIRMATION + generation)
            if confirmed is not None and confirmed >= settings.target:
                ended_by = "target"
        if ended_by is None and (seconds >= settings.seconds or generation >= settings.generations):
            ended_by = "seconds" if seconds >= settings.seconds else "generations"
        generation += 1
    emit({"ended_by": ended_by, "confirmed": confirmed})


def _print_event(event: dict[str, Any]) -> None:
    sys.stdout.write(f"{PREFIX}{json.dumps(event)}\n")
    sys.stdout.flush()
