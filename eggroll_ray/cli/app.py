"""The command line: `eggroll-ray train | resume | eval | replay | report | league | envs | doctor | plan`."""

import argparse
import contextlib
import dataclasses
import importlib.util
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

import envs
from eggroll_ray.cli.build import make_environment, make_evaluator, make_strategy, make_trainer
from eggroll_ray.cli.forecast import PlanCommand, plan_run
from eggroll_ray.cli.foreign import check_env, without_addresses
from eggroll_ray.cli.options import StrategyOptions, TrainOptions, load_options, options_of_run
from eggroll_ray.compiling.cache import keep_programs
from eggroll_ray.es.doctor import diagnose, example_params
from eggroll_ray.es.random import stream_key
from eggroll_ray.es.record import NotFiniteError
from eggroll_ray.evaluators.record import Earlier, Evaluator, FitnessError
from eggroll_ray.league import play_league, spread_out
from eggroll_ray.replay import Replay as Replayed
from eggroll_ray.report.terminal import Progress
from eggroll_ray.report.text import printable
from eggroll_ray.report.write import write_report
from eggroll_ray.rl.env import HostEnv
from eggroll_ray.rl.host_rollout import acting
from eggroll_ray.rl.trained_policy import record_episode
from eggroll_ray.runs import checkpoint
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.runs.rows import episode_returns
from eggroll_ray.trainer import Result
from eggroll_ray.workers.messages import WorkerError
from eggroll_ray.workers.prepare import prepare

RunFolder = Annotated[Path, tyro.conf.Positional]

_STOPPED = 130  # exit status after SIGINT or SIGTERM


@dataclasses.dataclass(frozen=True)
class Train(TrainOptions):
    """Train a policy in an environment, and write a run folder with a report."""

    run: Path | None = None
    """The run folder; by default runs/<environment>-<date>."""
    resume: bool = False
    """Continue the run in that folder, if it was begun already."""
    config: Path | None = None
    """Take the options of this config.json, except those given here."""
    render: bool = True
    """Record one episode of the trained policy for the report, where the suite can."""
    trust_env: str | None = None
    """Environment id of the config whose module may be imported, where it is not one that is known here."""


@dataclasses.dataclass(frozen=True)
class Resume:
    """Continue a run that was stopped, bit for bit."""

    run: RunFolder
    """The run folder."""
    generations: int | None = None
    """Generations in all; by default what the run was started with."""
    workers: int | str | None = None
    """Ray workers; by default what the run was started with. Any number gives the same bits."""
    address: str | None = None
    """Address of a Ray cluster; by default the running one (RAY_ADDRESS), or a new one on this machine."""
    wandb: str | None = None
    """Also log to Weights & Biases, to this project or entity/project; what the folder names is not used."""
    mlflow: str | None = None
    """Also log to MLflow, to this experiment; what the folder names is not used."""
    render: bool = True
    """Record one episode of the trained policy for the report, where the suite can."""
    trust_env: str | None = None
    """Environment id of the folder whose module may be imported, where it is not one that is known here."""


@dataclasses.dataclass(frozen=True)
class Eval:
    """Evaluate a run's policy on fresh episodes, and render one."""

    run: RunFolder
    """The run folder."""
    episodes: int = 128
    """Number of episodes."""
    generation: int | None = None
    """Parameters after so many updates; by default those of the newest checkpoint."""
    seed: int = 0
    """Of the episodes; these are never those of training."""
    render: bool = True
    """Write a picture, animation or page of one episode into the run folder."""
    trust_env: str | None = None
    """Environment id of the folder whose module may be imported, where it is not one that is known here."""


@dataclasses.dataclass(frozen=True)
class Replay:
    """Rebuild the parameters of any generation from the seed and the fitness log alone."""

    run: RunFolder
    """The run folder."""
    generation: int | None = None
    """Number of updates; by default all that the log has."""
    output: Path | None = None
    """Write the parameters to this safetensors file, and beside them normalizer/mean and normalizer/std, if
    observations were normalised."""
    trust_env: str | None = None
    """Environment id of the folder whose module may be imported, where it is not one that is known here."""


@dataclasses.dataclass(frozen=True)
class Report:
    """Write a run's report.html anew."""

    run: RunFolder
    """The run folder."""


@dataclasses.dataclass(frozen=True)
class League:
    """Let generations of a run play against each other: win rates and Elo in self-play, returns between two groups."""

    run: RunFolder
    """The run folder."""
    entries: int = 8
    """Generations that take part, evenly spaced; their parameters are rebuilt from the fitness log."""
    games: int = 64
    """Games of each pair, in each direction."""
    seed: int = 0
    """Of the games."""
    trust_env: str | None = None
    """Environment id of the folder whose module may be imported, where it is not one that is known here."""


@dataclasses.dataclass(frozen=True)
class Envs:
    """List the environments, what is installed, and what an extra would add."""


@dataclasses.dataclass(frozen=True)
class Doctor:
    """Measure on this machine that noise and estimate can be trusted."""

    es: StrategyOptions = dataclasses.field(default_factory=StrategyOptions)
    seed: int = 0
    """Of the noise that is measured."""


_Others = (
    Resume | Eval | Replay | Report | League | Envs | Doctor | Annotated[PlanCommand, tyro.conf.subcommand("plan")]
)


class _UsageError(Exception):
    """What the user asked for cannot be done; the message is all that they need."""


class _Printable(logging.Formatter):
    """What a log line quotes may be of a folder of somebody else, and must not control the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit status: 0, 1 (not reached, not passed), 2 (error), 130 (stopped)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Printable("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        command = tyro.cli(
            tyro.conf.OmitArgPrefixes[_command_type(arguments)],  # pyright: ignore[reportArgumentType]
            prog="eggroll-ray",
            description="Evolution strategies with low-rank perturbations (EGGROLL), in JAX, on Ray.",
            args=arguments,
        )
        with _usage():
            keep_programs()
        return _COMMANDS[type(command)](command)
    except (_UsageError, CheckpointError, FitnessError, NotFiniteError, WorkerError) as error:
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(printable(f"eggroll-ray: {error}"), style="red", markup=False)
        return 2
    except KeyboardInterrupt:
        return _STOPPED


def _command_type(arguments: list[str]) -> Any:
    """The union of commands, with the defaults of `train --config FILE` taken from that file."""
    config = _config_file(arguments)
    if config is None:
        return Train | _Others
    options = without_addresses(load_options(config), config)
    default = Train(**{field.name: getattr(options, field.name) for field in dataclasses.fields(options)})
    return Annotated[Train, tyro.conf.subcommand("train", default=default)] | _Others


def _config_file(arguments: list[str]) -> Path | None:
    """What `train` is given as `--config FILE` or `--config=FILE`, None if nothing; of several the last counts."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config", nargs="?", type=Path)  # without a file it is tyro that complains
    return parser.parse_known_args(arguments)[0].config if arguments[:1] == ["train"] else None


def _train(command: Train) -> int:
    folder = f"{command.env.replace('/', '-')}-{time.strftime('%Y%m%d-%H%M%S')}"
    run = command.run or Path("runs") / folder
    if command.config is not None and command.env == load_options(command.config).env:
        check_env(command, command.config, command.trust_env, envs.imports)
    return _fit(_plain(command), run, command.resume and (run / "config.json").exists(), command.render)


def _resume(command: Resume) -> int:
    options = _options_of(command)
    if command.generations is not None:
        options = dataclasses.replace(options, generations=command.generations)
    options = dataclasses.replace(options, wandb=command.wandb, mlflow=command.mlflow)
    for name in ("workers", "address"):
        if (value := getattr(command, name)) is not None:
            options = dataclasses.replace(options, worker=dataclasses.replace(options.worker, **{name: value}))
    return _fit(options, command.run, True, command.render)


def _fit(options: TrainOptions, run: Path, resume: bool, render: bool) -> int:
    if options.worker.workers != 0:
        jax.config.update("jax_platforms", "cpu")  # accelerators belong to the workers
    if importlib.util.find_spec("matplotlib") is None:
        _say("No report will be written: it needs matplotlib, pip install 'eggroll-ray[report]'.")
    with _usage():
        trainer = make_trainer(options, envs.make, run, resume)
    with trainer:
        with Progress(options.generations, options.target, options.env) as progress:
            result = trainer.fit(options.generations, progress)
        unsaved = trainer.unsaved
        if result.status != "stopped" and render and unsaved is None:
            _render(options, result.policy, run, result.generations, options.seed)
    _say(_outcome(options, result))
    if unsaved is not None:
        raise CheckpointError(f"{unsaved}; state {result.digest} is lost, continue from what is there with resume.")
    if importlib.util.find_spec("matplotlib") is not None:
        _say(f"Report: {write_report(run)}")
    if result.status == "stopped":
        again = {"address": options.worker.address, "wandb": options.wandb, "mlflow": options.mlflow}
        more = [f" --{name} {value}" for name, value in again.items() if value is not None]
        _say(f"Continue it with: eggroll-ray resume {run}{''.join(more)}")
        return _STOPPED
    return int(options.target is not None and result.status != "solved")


def _outcome(options: TrainOptions, result: Result) -> str:
    done = f"after {result.generations} generations, state {result.digest}"
    if result.test is None:
        return f"{result.status.capitalize()} {done}."
    tested = f"mean policy {result.test.mean():.1f} over {len(result.test)} fresh episodes"
    if result.status == "solved":
        return f"Solved: {tested} {done}."
    missed = f" The target of {options.target:g} was not reached." if options.target is not None else ""
    return f"{result.status.capitalize()}: {tested} {done}.{missed}"


def _eval(command: Eval) -> int:
    options, evaluator, past = _replay_of(command)
    worker = past.worker_at(past.newest() if command.generation is None else command.generation)
    params, statistics = worker.mean()
    key = stream_key(command.seed, "evaluation of a finished run")
    returns = episode_returns(worker.test_on(key, command.episodes))
    quantiles = np.quantile(returns, (0.0, 0.25, 0.5, 0.75, 1.0))
    _say(
        f"{options.env} after {worker.number} generations: return {returns.mean():.2f} +- {returns.std():.2f} over "
        f"{command.episodes} fresh episodes (min, quartiles, max: {', '.join(f'{q:.1f}' for q in quantiles)})"
    )
    if command.render and evaluator.policy is not None:
        _render(options, evaluator.policy(params, statistics), command.run, worker.number, command.seed)
    return 0


def _replay(command: Replay) -> int:
    options, evaluator, past = _replay_of(command)
    generation = len(past.log) if command.generation is None else command.generation
    rebuilt = past.rebuild(generation)
    worker = rebuilt.worker
    digest = worker.digest()
    _say(f"Generation {worker.number}, rebuilt from seed {options.seed} and the fitness log: state {digest}")
    if command.output is not None:
        checkpoint.save_arrays(command.output, _policy_arrays(evaluator, worker.mean()))
        _say(f"Parameters: {command.output}")
    if rebuilt.differ:
        first, recorded, found = rebuilt.differ[0]
        _say(
            f"It is not the state that was recorded: generation {first} is the first that differs, {found} instead of "
            f"{recorded}: another machine, JAX version or code."
        )
        return 1
    before = sum(number < worker.number for number in rebuilt.compared)
    if worker.number in rebuilt.compared:
        _say("It is the state that was recorded, bit for bit.")
        if before:
            _say(f"So are those of {before} generations before it.")
    else:
        _say(
            f"No state of it was recorded to compare it with. {before} generations before it have the states that were "
            "recorded, bit for bit."
        )
    return 0


def _policy_arrays(evaluator: Evaluator, mean: Earlier) -> dict[str, np.ndarray]:
    """All that a policy acts by: its parameters and its observation normaliser, by their paths."""
    frozen = None if evaluator.policy is None else evaluator.policy(*mean).normalizer
    return checkpoint.named_arrays(mean.params) | checkpoint.named_arrays({"normalizer": frozen})


def _report(command: Report) -> int:
    checkpoint.refuse_links(command.run)
    with _usage():
        _say(str(write_report(command.run)))
    return 0


def _league(command: League) -> int:
    _, evaluator, past = _replay_of(command)
    with _usage():
        _play_league(command, evaluator, past)
        if importlib.util.find_spec("matplotlib") is not None:
            _say(f"Report: {write_report(command.run)}")
    return 0


def _play_league(command: League, evaluator: Evaluator, past: Replayed) -> None:
    numbers = spread_out(len(past.log), command.entries)
    found = play_league(evaluator, past.means(numbers), numbers, command.games, command.seed)
    path = found.save(command.run)
    if found.groups:
        first, second = found.groups
        _say(f"{found.games} games each. Mean return of {first} (rows) against {second} (columns):")
        _print_matrix(numbers, [[f"{value:.3g}" for value in row] for row in found.score])
        _say(f"Mean return of {second} (columns) in the same games:")
        _print_matrix(numbers, [[f"{value:.3g}" for value in row] for row in found.second_score])
    else:
        _say(f"Points of row from column, {found.games} games each:")
        shares = [[f"{100 * value:.0f}%" for value in row] for row in found.score]
        rows = [[*row, f"{rating:+.0f}"] for row, rating in zip(shares, found.elo, strict=True)]
        _print_matrix(numbers, rows, "Elo")
    _say(f"League: {path}")


def _print_matrix(numbers: Sequence[int], rows: list[list[str]], *further: str) -> None:
    """Prints rows and columns that are named after generations, and further columns."""
    table = Table("generation", *map(str, numbers), *further, box=None)
    for number, row in zip(numbers, rows, strict=True):
        table.add_row(str(number), *row)
    Console(highlight=False).print(table)


def _envs(_: Envs) -> int:
    table = Table("suite", "environments", "", box=None, pad_edge=False)
    for entry in envs.catalogue():
        state = "installed" if entry.installed else entry.install
        table.add_row(entry.suite, "\n".join(f"{entry.suite}/{name}" for name in entry.names), state)
    Console(highlight=False).print(table)
    return 0


def _doctor(command: Doctor) -> int:
    with _usage():
        strategy = make_strategy(command.es)
        findings = diagnose(strategy, example_params(), command.seed, 128 * command.es.group_size)
    table = Table("check", "measured", "expected", "verdict", box=None, pad_edge=False)
    for finding in findings:
        verdict = "" if not finding.expected else "[green]pass[/]" if finding.passed else "[red]FAIL[/]"
        table.add_row(finding.name, str(finding.measured), str(finding.expected), verdict)
    Console(highlight=False).print(table)
    failed = [finding.name for finding in findings if not finding.passed]
    _say(f"{len(failed)} of {len(findings)} checks failed: {', '.join(failed)}." if failed else "All checks pass.")
    return int(bool(failed))


def _plan_ahead(command: PlanCommand) -> int:
    with _usage():
        _say(plan_run(command, envs.make))
    return 0


def _options_of(command: Resume | Eval | Replay | League) -> TrainOptions:
    """The options of a run folder, which may be somebody else's."""
    checkpoint.refuse_links(command.run)
    options = without_addresses(options_of_run(command.run), command.run)
    check_env(options, command.run, command.trust_env, envs.imports)
    return options


def _replay_of(command: Eval | Replay | League) -> tuple[TrainOptions, Evaluator, Replayed]:
    """The options of a run, what they build, and its past."""
    options, run = _options_of(command), command.run
    block_size = options.worker.block_size
    assert block_size != "auto"  # in a record it is a number: options_of_run
    with _usage():
        evaluator = make_evaluator(options, envs.make)
        strategy = make_strategy(options.es, evaluator.groups)
        plan = prepare(
            evaluator,
            strategy,
            options.population_size,
            block_size=block_size,
            seed=options.seed,
            test_episodes=options.test_episodes,
        ).plan
    return options, evaluator, Replayed(run, evaluator, strategy, plan)


def _render(options: TrainOptions, policy: Any, run: Path, generation: int, seed: int) -> None:
    with _usage():
        env = make_environment(options, envs.make)
    if env.render is None:
        _say(f"{options.env} cannot be rendered.")
        return
    folder = run / "episodes"
    folder.mkdir(exist_ok=True)
    path, key = folder / f"generation-{generation:08d}", stream_key(seed, "rendered episode")
    try:
        if isinstance(env, HostEnv):
            _say(f"Episode: {env.render(acting(policy, key), seed, path)}")
            return
        states, total = record_episode(env, policy, key)
        path = env.render(states, path)
    except (ImportError, RuntimeError) as error:  # a package is missing, or a display, or the episode failed
        _say(f"No picture: {error}")
        return
    returned = ", ".join(f"{value:.1f}" for value in np.atleast_1d(total))
    _say(f"Episode of {len(states) - 1} steps with return {returned}: {path}")


def _plain(command: Train) -> TrainOptions:
    """The options alone, which config.json keeps."""
    return TrainOptions(**{f.name: getattr(command, f.name) for f in dataclasses.fields(TrainOptions)})


@contextlib.contextmanager
def _usage() -> Iterator[None]:
    """What is raised while a command is put together is the user's to mend, and needs no traceback."""
    try:
        yield
    except (ValueError, ImportError, FileNotFoundError) as error:
        raise _UsageError(str(error)) from error


def _say(text: str) -> None:
    Console(highlight=False, soft_wrap=True).print(printable(text), markup=False)


_COMMANDS: dict[type, Callable[[Any], int]] = {
    Train: _train,
    Resume: _resume,
    Eval: _eval,
    Replay: _replay,
    Report: _report,
    League: _league,
    Envs: _envs,
    Doctor: _doctor,
    PlanCommand: _plan_ahead,
}


if __name__ == "__main__":
    sys.exit(main())
