"""The commands that only show something: `report`, `envs`, `doctor` and `plan`."""

import dataclasses

from rich.console import Console
from rich.table import Table

import envs as suites
from eggroll_ray.cli.build import make_strategy
from eggroll_ray.cli.folder import RunFolder
from eggroll_ray.cli.forecast import PlanCommand, plan_run
from eggroll_ray.cli.options import StrategyOptions
from eggroll_ray.cli.page import write_report
from eggroll_ray.cli.say import say, usage
from eggroll_ray.es.doctor import diagnose, example_params
from eggroll_ray.runs import checkpoint


@dataclasses.dataclass(frozen=True)
class Report:
    """Write a run's report.html again."""

    run: RunFolder
    """The run folder."""


@dataclasses.dataclass(frozen=True)
class Envs:
    """List the environments, what is installed, and what an extra would add."""


@dataclasses.dataclass(frozen=True)
class Doctor:
    """Check by measurement that the noise and the estimate are right on this machine."""

    es: StrategyOptions = dataclasses.field(default_factory=StrategyOptions)
    seed: int = 0
    """Seed of the noise that is measured."""


def report(command: Report) -> int:
    checkpoint.refuse_links(command.run)
    with usage():
        say(str(write_report(command.run)))
    return 0


def envs(_: Envs) -> int:
    table = Table("suite", "environments", "", box=None, pad_edge=False)
    for entry in suites.catalogue():
        state = "installed" if entry.installed else entry.install
        table.add_row(entry.suite, "\n".join(f"{entry.suite}/{name}" for name in entry.names), state)
    Console(highlight=False).print(table)
    return 0


def doctor(command: Doctor) -> int:
    with usage():
        strategy = make_strategy(command.es)
        findings = diagnose(strategy, example_params(), command.seed, 128 * command.es.group_size)
    table = Table("check", "measured", "expected", "verdict", box=None, pad_edge=False)
    for finding in findings:
        verdict = "" if not finding.expected else "[green]pass[/]" if finding.passed else "[red]FAIL[/]"
        table.add_row(finding.name, str(finding.measured), str(finding.expected), verdict)
    Console(highlight=False).print(table)
    failed = [finding.name for finding in findings if not finding.passed]
    say(f"{len(failed)} of {len(findings)} checks failed: {', '.join(failed)}." if failed else "All checks pass.")
    return int(bool(failed))


def plan_ahead(command: PlanCommand) -> int:
    with usage():
        say(plan_run(command, suites.make))
    return 0
