"""From the start of a program to a policy that solves its task: ours, evosax and EvoTorch.

The peers live in environments of their own:

    python3.11 -m venv E && E/bin/pip install evosax==0.3.2 jax==0.10.2 gymnax==1.0.1 brax==0.14.2 six
    python3.11 -m venv T && T/bin/pip install evotorch==0.6.1 "gymnasium[classic-control]==1.3.0" ray==2.60.0
    PEERS="--evosax-python E/bin/python --evotorch-python T/bin/python"

    python -m benchmarks.peers.end_to_end tune $PEERS    # eight settings each: docs/end_to_end_tuning.json
    python -m benchmarks.peers.end_to_end race $PEERS    # five seeds each with the best of them: docs/end_to_end.json
    python -m benchmarks.peers.end_to_end ant $PEERS     # generations per second in brax/ant: docs/end_to_end_ant.json
    python -m benchmarks.peers.end_to_end render         # docs/end_to_end.md and docs/end_to_end.png

Every run is a process of its own, with both cores for itself; only `tune` may share them, as it counts member-episodes
and no seconds. Each writes its row when it ends, and a run that is there already is not repeated, so that all can be
stopped and continued; one that crashed is tried again. A peer without a Python is left out.

`tune` tries every setting with three seeds, but for one that has missed the target with two of them, and then the best
three with seven more. Three alone do not tell a setting that half of the seeds solve from one that all of them do.
"""

import dataclasses
import functools
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import tyro

from benchmarks.peers import end_to_end_pages, end_to_end_rows
from benchmarks.peers.end_to_end_rows import (
    ANT,
    ANT_ENTRANTS,
    EVOSAX,
    EVOTORCH,
    FILES,
    GRID,
    OURS,
    TASKS,
    Entrant,
    Row,
    choose,
    describe,
    finalists,
    is_done,
    is_lost,
    key,
)
from benchmarks.peers.end_to_end_run import Settings, events, write_settings
from benchmarks.shared import kept_rows
from benchmarks.shared.measured import provenance
from benchmarks.shared.page import DOCS, ROOT

_TUNING_SEED = 1000  # the first of them: none of the race's
_TUNING_SECONDS = 900.0  # more than any number of generations in TASKS takes
_ANT_STEPS = 100
_CACHES = ("JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE")  # of this process, not of what it starts
_STDERR = 2_000  # characters of the end of what a crashed program wrote


@dataclasses.dataclass(frozen=True)
class Options:
    """Measures one part, or renders all."""

    what: tyro.conf.Positional[Literal["tune", "race", "ant", "render"]]
    """The part."""
    evosax_python: Path | None = None
    """Python of an environment with evosax."""
    evotorch_python: Path | None = None
    """Python of an environment with EvoTorch."""
    env: tuple[str, ...] = tuple(task.env for task in TASKS)
    """Environments of `tune` and `race`."""
    seeds: int = 5
    """Runs of each entrant in `race`, processes of each in `ant`, with the seeds 0, 1, ..."""
    tuning_seeds: int = 3
    """Runs of each setting in `tune`, with the seeds 1000, 1001, ..."""
    final_seeds: int = 7
    """Runs of the best three of them, with the seeds that follow."""
    population_size: int = 512
    """Members of a generation in `tune` and `race`."""
    ant_population_sizes: tuple[int, ...] = (256, 1024)
    """Members of a generation in `ant`."""
    ant_generations: int = 5
    """Generations that a process of `ant` is timed for."""
    docs: Path = DOCS
    """Where the results are."""

    @property
    def pythons(self) -> Mapping[str, Path | None]:
        """The Python of each module."""
        theirs = {EVOSAX.module: self.evosax_python, EVOTORCH.module: self.evotorch_python}
        return {OURS.module: Path(sys.executable)} | theirs


Job = tuple[Entrant, Settings]


def main(options: Options) -> None:
    """Does what the options say.

    Raises:
      ValueError: for options out of range, a Python that is not there, or a race of what has not been tuned.
    """
    _check(options)
    if options.what == "render":
        end_to_end_pages.render(options.docs)
        return
    path = options.docs / FILES[options.what]
    for entrant, settings in {"tune": _tuning, "race": _race, "ant": _ant}[options.what](options):
        python = options.pythons[entrant.module]
        rows = kept_rows.load(path)
        if python is None or is_done(rows, entrant, settings):
            continue
        if options.what == "tune" and is_lost(rows, entrant, settings, _first_seeds(options)):
            continue
        row = {"entrant": entrant.name, "settings": describe(settings)} | run(python, entrant.module, settings)
        row |= {"measured": provenance()}  # it has its own versions
        kept_rows.save(path, row, functools.partial(key, options.what))
        print(_line(row), flush=True)


def run(python: Path, module: str, settings: Settings) -> Row:
    """Runs a program in a process of its own.

    Returns:
      What it came to: `ended_by`, `confirmed`, `start_seconds`, `versions` and a `curve` of (generation, seconds,
      member-episodes, return); or, where `ended_by` is "crash", as much of that as there is, and `stderr`.
    """
    settings = dataclasses.replace(settings, began=time.monotonic())
    command = [str(python.absolute()), "-m", f"benchmarks.peers.end_to_end_{module}", write_settings(settings)]
    patience = 300 + 5 * settings.seconds  # tests, compiling and the start are no part of the limit
    # None joins a Ray that is there already.
    environment = {name: value for name, value in os.environ.items() if name not in ("RAY_ADDRESS", *_CACHES)}
    with (
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as errors,
        # No program finds what an earlier one has compiled; of its own processes each may find what others have.
        tempfile.TemporaryDirectory(prefix="eggroll-ray-", ignore_cleanup_errors=True) as cache,
    ):
        environment["EGGROLL_RAY_CACHE"] = cache
        start = functools.partial(subprocess.Popen, cwd=ROOT, env=environment, start_new_session=True)
        with start(command, stdout=out, stderr=errors) as process:
            try:
                failure = f"exit status {status}" if (status := process.wait(patience)) else None
            except subprocess.TimeoutExpired:
                failure = f"did not end within {patience:g} s"
            finally:
                _end(process)
        texts = []
        for file in (out, errors):
            file.seek(0)
            texts.append(file.read())
    return _result(events(texts[0]), failure, texts[1])


def _result(found: list[dict[str, Any]], failure: str | None, errors: str) -> Row:
    names = ("generation", "seconds", "member_episodes", "return")
    row: Row = {"ended_by": "crash", "curve": [[event[n] for n in names] for event in found if "generation" in event]}
    for event in found:
        row |= {name: value for name, value in event.items() if "generation" not in event}
    if failure is None and row["ended_by"] == "crash":
        failure = "ended without a result"
    if failure is not None:
        shown = re.sub(r"(?:/[^\s/:'\"]+)+/", "", errors.strip())  # where it was installed is nobody's business
        row |= {"ended_by": "crash", "stderr": f"{failure}: {shown[-_STDERR:]}"}
    return row


def _end(process: subprocess.Popen[Any]) -> None:
    """Ends a program and what it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _first_seeds(options: Options) -> range:
    return range(_TUNING_SEED, _TUNING_SEED + options.tuning_seeds)


def _tuning(options: Options) -> Iterator[Job]:
    """The runs of all settings, and then, by what has come of these, those of the best."""
    first = _first_seeds(options)
    tasks = [task for task in TASKS if task.env in options.env]
    tuned = [(task, one) for task in tasks for one in task.entrants if task.tuned_as(one) == (one.name, task.env)]
    for seed in range(first.start, first.stop + options.final_seeds):
        for task, entrant in tuned:
            rows = kept_rows.load(options.docs / FILES["tune"])
            for sigma, rate in GRID if seed in first else finalists(rows, entrant.name, task.env, first):
                settings = _settings(options, task, entrant, seed, sigma, rate, _TUNING_SECONDS)
                yield entrant, dataclasses.replace(settings, generations=task.tuning_generations)


def _race(options: Options) -> list[Job]:
    """All runs at once: what has not been tuned is an error before the first of them."""
    rows, jobs = kept_rows.load(options.docs / FILES["tune"]), []
    for seed in range(options.seeds):
        for task in (task for task in TASKS if task.env in options.env):
            for entrant in task.entrants:
                if options.pythons[entrant.module] is not None:
                    sigma, rate = choose(rows, *task.tuned_as(entrant))
                    jobs.append((entrant, _settings(options, task, entrant, seed, sigma, rate, task.seconds)))
    return jobs


def _settings(
    options: Options, task: end_to_end_rows.Task, entrant: Entrant, seed: int, sigma: float, rate: float, limit: float
) -> Settings:
    return Settings(
        env=task.env,
        seed=seed,
        sigma=sigma,
        learning_rate=rate,
        began=0.0,
        workers=entrant.workers,
        population_size=options.population_size,
        target=task.target,
        seconds=limit,
        optimizer=entrant.optimizer,
        common_episode=entrant.common_episode,
    )


def _ant(options: Options) -> Iterator[Job]:
    for seed in range(options.seeds):
        for size in options.ant_population_sizes:
            for entrant in ANT_ENTRANTS:
                yield (
                    entrant,
                    Settings(
                        env=ANT,
                        seed=seed,
                        sigma=0.1,
                        learning_rate=0.01,
                        began=0.0,
                        population_size=size,
                        seconds=600,
                        generations=options.ant_generations,
                        test_episodes=0,
                        max_steps=_ANT_STEPS,
                    ),
                )


def _check(options: Options) -> None:
    for name, least in (("seeds", 1), ("tuning_seeds", 1), ("final_seeds", 0), ("ant_generations", 1)):
        if (value := getattr(options, name)) < least:
            raise ValueError(f"{name}={value} must be at least {least}.")
    for env in options.env:
        if env not in {task.env for task in TASKS}:
            raise ValueError(f"env={env!r} must be among {[task.env for task in TASKS]}.")
    for module, python in options.pythons.items():
        if python is not None and not os.access(python, os.X_OK):
            raise ValueError(
                f"{python} for {module} is no program; make its environment first, see the top of {__file__}."
            )


def _line(row: Row) -> str:
    asked = row["settings"]
    about = f"{asked['env']} {row['entrant']} seed {asked['seed']} sigma {asked['sigma']:g}, {asked['learning_rate']:g}"
    if end_to_end_rows.outcome(row) == "crashed":
        return f"{about}: crashed; {row['stderr'][-300:]}"
    whole, compiled = (end_to_end_rows.seconds(row, compiled) for compiled in (False, True))
    last = row["curve"][-1]
    return (
        f"{about}: {row['ended_by']} after {whole:.1f} s, {compiled:.1f} s once compiled; {last[0]} generations, "
        f"return {last[3]}"
    )


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
