"""The paper's RL comparison: EGGROLL, OpenAI-ES and PPO in 16 environments, at the same number of environment steps.

    python -m benchmarks.rl.rl --env brax/ant --algo eggroll --budget 1e7 --seeds 3   # adds rows to docs/rl.json
    python -m benchmarks.rl.rl --render --paper-curves .../fig14_rl_per_env.csv       # docs/rl.md and docs/rl.png
    python -m benchmarks.rl.rl --env brax/ant --algo ppo --search 20 --budget 1e6     # docs/rl_search/brax_ant-ppo.json
    python -m benchmarks.rl.rl --env brax/ant --algo ppo --settings docs/rl_search/brax_ant-ppo.json --budget 1e7
    python -m benchmarks.rl.rl --env brax/inverted_double_pendulum --rank-sensitivity --seeds 5 --budget 1e6
    python -m benchmarks.rl.rl --env brax/ant --algo openai_es --try-blocks 4 8 32    # the fastest block size here

An environment may have options: --env "brax/halfcheetah backend=spring". A run that exists with the same settings is
not repeated.
"""

import dataclasses
import functools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tyro

import eggroll_ray as er
import envs
from benchmarks.rl import rl_figures, rl_rank, rl_rows, rl_search
from benchmarks.rl.rl_learners import make_learner
from benchmarks.rl.rl_run import Limits, Stopwatch, describe, run
from benchmarks.rl.rl_settings import ALGORITHMS, TASKS, Algorithm, ESSettings, PPOSettings, Settings, find_task
from benchmarks.shared.measured import provenance
from benchmarks.shared.page import DOCS, write_page

# Members evaluated together, the fastest on 2 cores in CartPole-v1: dense noise is one copy of the weights per member,
# and few of them fit into the processor's cache.
BLOCK_SIZES = {"eggroll": 128, "openai_es": 8}
_SUITE_OPTIONS: dict[str, dict[str, Any]] = {"jumanji": {"mask": False}}  # as in the paper: no action is ruled out


@dataclasses.dataclass(frozen=True)
class Options:
    """Trains, searches, or renders what was found."""

    env: tuple[str, ...] = tuple(task.env for task in TASKS)
    """Environment ids, with options as name=value after a space; all 16 of the paper by default."""
    algo: tuple[Algorithm, ...] = ALGORITHMS
    """Algorithms."""
    budget: float = 1e6
    """Environment steps of a run, of the whole population; the update that reaches it is the last one."""
    seeds: int = 3
    """Runs of each, with the seeds 0, 1, ..."""
    minutes: float | None = None
    """Wall time of a run, compiling and tests included; the update under way is ended first."""
    points: int = 30
    """Tests of the mean policy on the way, about."""
    test_episodes: int = 128
    """Episodes of each test."""
    population: int | None = None
    """Population size instead of the table's."""
    block_size: int | None = None
    """Members evaluated together (ES), an even divisor of the population."""
    settings: Path | None = None
    """Settings instead of the paper's: a JSON file that --search wrote."""
    search: int = 0
    """Random settings to try once each with Ray Tune, in place of the comparison; the best are written to a file."""
    trial_cpus: float = 1.0
    """Cores of each trial of the search."""
    rank_sensitivity: bool = False
    """EGGROLL at ranks 1 to 16, in place of the comparison: docs/rank.json, docs/rank.md."""
    try_blocks: tuple[int, ...] = ()
    """Block sizes to time for two generations each, in place of the comparison."""
    render: bool = False
    """Write the page and the figure of the rows there are."""
    paper_curves: Path | None = None
    """The curves of the paper's Figure 14 as CSV, to be drawn under ours."""
    cache: Path | None = None
    """Folder of JAX's compilation cache, so that the next seed need not compile again; or JAX_COMPILATION_CACHE_DIR."""
    docs: Path = DOCS
    """Where the results are."""


@dataclasses.dataclass(frozen=True)
class Job:
    """One environment and algorithm, with its settings and where these come from."""

    env: str
    algo: Algorithm
    settings: Settings
    source: str
    block_size: int | None  # None for PPO


def main(options: Options) -> None:
    """Does what the options say."""
    if options.seeds < 1:
        raise ValueError(f"seeds={options.seeds} must be at least 1.")
    path = options.docs / "rl.json"
    if options.cache is not None:
        _use_cache(options.cache)
    if options.render:
        record = rl_rows.load(path)
        paper = None if options.paper_curves is None else rl_figures.read_paper_curves(options.paper_curves)
        rl_figures.draw(record, options.docs / "rl.png", paper)
        write_page(options.docs / "rl.md", rl_rows.page(record))
    elif options.search:
        for job in _jobs(options):
            _search(job, options)
    elif options.rank_sensitivity:
        for job in _jobs(dataclasses.replace(options, algo=("eggroll",))):
            rl_rank.measure(job.env, job.settings, options.docs, options.seeds, _trainer(job, options))
    elif options.try_blocks:
        for job in _jobs(options):
            _try_blocks(job, options.try_blocks)
    else:
        for job in _jobs(options):
            _compare(job, options, path)


def make_env(text: str) -> er.Env:
    """Makes an environment of an id and its options, `brax/halfcheetah backend=spring`.

    Raises:
      ValueError: for an unknown id or option, or an option without a value.
    """
    name, *pairs = text.split()
    made = dict(_SUITE_OPTIONS.get(name.partition("/")[0], {}))
    for pair in pairs:
        option, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"option {pair!r} of environment {text!r} must read name=value, such as backend=spring.")
        made[option] = _parsed(value)
    return envs.make(name, **made)


def train(job: Job, limits: Limits, settings: Settings, seed: int) -> dict[str, Any]:
    """Does one run.

    Returns:
      Its row.
    """
    learner = make_learner(make_env(job.env), settings, seed, job.block_size)
    return identity(job, limits, settings, seed) | {"source": job.source} | run(learner, limits) | _provenance(job)


def identity(job: Job, limits: Limits, settings: Settings, seed: int) -> dict[str, Any]:
    """The part of a row that is known before the run."""
    return {
        "env": job.env,
        "algo": job.algo,
        "seed": seed,
        "budget": limits.budget,
        "minutes": limits.minutes,
        "test_episodes": limits.test_episodes,
        "settings": dataclasses.asdict(settings),
        "block_size": job.block_size,
    }


def _compare(job: Job, options: Options, path: Path) -> None:
    """Runs all seeds, and says in the file why there is no row where it cannot."""
    limits = _limits(options)
    for seed in range(options.seeds):
        if rl_rows.is_done(rl_rows.load(path), identity(job, limits, job.settings, seed)):
            print(f"{job.env} {job.algo} seed {seed}: is there already")
            continue
        try:
            row = train(job, limits, job.settings, seed)
        except (ValueError, er.FitnessError) as error:
            reason = str(error).splitlines()[0]
            print(f"{job.env} {job.algo}: {reason}")
            rl_rows.save(path, reasons={f"{job.env} {job.algo}": reason})
            return
        rl_rows.save(path, [row])
        print(describe(row), flush=True)


def _search(job: Job, options: Options) -> None:
    fixed = {"population_size": options.population} if options.population and job.algo != "ppo" else {}
    found = rl_search.search(_trainer(job, options), job.algo, options.search, 0, options.trial_cpus, fixed)
    found |= {"budget": int(options.budget), "minutes": options.minutes} | _provenance(job)
    path = options.docs / "rl_search" / f"{job.env.replace('/', '_').replace(' ', '_')}-{job.algo}.json"
    rl_search.write_settings(path, job.env, job.algo, found)
    print(f"{job.env} {job.algo}: return {found['final_return']:.4g} with {found['settings']}; {path}")


def _try_blocks(job: Job, sizes: tuple[int, ...]) -> None:
    if job.algo == "ppo":
        return
    for size in sizes:
        learner = make_learner(make_env(job.env), job.settings, 0, size)
        watch, steps = Stopwatch(), 0
        for _ in range(2):
            with watch:
                steps += learner.advance()
        print(f"{job.env} {job.algo} blocks of {size}: {steps / watch.seconds:,.0f} steps/s", flush=True)


def _jobs(options: Options) -> Iterator[Job]:
    """Those that can be run. All are checked before the first one runs."""
    _limits(options)
    jobs = [_job(env, algo, options) for env in options.env for algo in options.algo]
    for job in jobs:
        try:
            make_env(job.env)
        except ValueError as error:
            reason = str(error).splitlines()[0]
            print(f"{job.env}: {reason}")
            rl_rows.save(options.docs / "rl.json", reasons={job.env: reason})
        else:
            yield job


def _job(env: str, algo: Algorithm, options: Options) -> Job:
    name, *given = env.split()
    task = find_task(name)
    if task is not None:
        env = " ".join([task.env, *given])
    if options.settings is not None:
        settings, source = rl_search.read_settings(options.settings, algo), options.settings.name
    elif task is not None:
        settings, source = task.settings(algo), task.source(algo)
    else:
        raise ValueError(f"environment {env!r} is none of the paper's 16; give its settings: --settings FILE.")
    if isinstance(settings, PPOSettings):
        return Job(env, algo, settings, source, None)
    if options.population is not None and options.population != settings.population_size:
        settings = dataclasses.replace(settings, population_size=options.population)
        source += f", population {options.population}"
    return Job(env, algo, settings, source, _block_size(algo, settings, options))


def _block_size(algo: Algorithm, settings: ESSettings, options: Options) -> int:
    """The one that was asked for; or the largest even divisor of the population up to the algorithm's."""
    if options.block_size is not None:
        return options.block_size
    size = settings.population_size
    return max((s for s in range(2, BLOCK_SIZES[algo] + 1, 2) if size % s == 0), default=size)


def _limits(options: Options) -> Limits:
    return Limits(int(options.budget), options.minutes, options.points, options.test_episodes)


def _trainer(job: Job, options: Options) -> Any:
    return functools.partial(train, job, _limits(options))


def _provenance(job: Job) -> dict[str, Any]:
    suite = job.env.partition("/")[0]
    names = {"jax", "optax", {"kinetix": "kinetix-env"}.get(suite, suite)} | ({"rejax"} if job.algo == "ppo" else set())
    return provenance(*sorted(names))


def _use_cache(folder: Path) -> None:
    import jax

    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder.absolute())  # for the trials of a search
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.2"
    jax.config.update("jax_compilation_cache_dir", str(folder.absolute()))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
