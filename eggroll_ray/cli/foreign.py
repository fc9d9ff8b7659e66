"""What a run folder may not decide by itself, since it may be somebody else's: whom we talk to, what code we run."""

import dataclasses
import logging
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from eggroll_ray.cli.options import TrainOptions
from eggroll_ray.cli.own_names import own_texts
from eggroll_ray.report.text import printable
from eggroll_ray.runs.folder import CheckpointError

_log = logging.getLogger(__name__)

# Environment id -> the module that making it imports beyond what this package knows, None if there is none.
Imports = Callable[[str], str | None]
# What the user trusts, as `--trust-env` takes it -> what to do to say so, for a message.
Remedy = Callable[[str], str]


def without_addresses(options: TrainOptions, source: Path) -> TrainOptions:
    """Returns the options of a folder or a file without those that lead to other machines, and says which they are.

    A cluster is sent our modules and runs our code; a tracker is sent the numbers of the run, by our account.
    """
    found = {"address": options.worker.address, "wandb": options.wandb, "mlflow": options.mlflow}
    for name, value in found.items():
        if value is not None:
            _log.warning(
                "%s names --%s %s, which is not used: give it again if it is yours", source, name, shlex.quote(value)
            )
    return dataclasses.replace(
        options, wandb=None, mlflow=None, worker=dataclasses.replace(options.worker, address=None)
    )


def check_env(options: TrainOptions, source: Path, trusted: str | None, imports: Imports) -> None:
    """Asks, in a terminal, before a module is imported, or a file is read, that a folder or a file names.

    Args:
      options: of the folder or file.
      source: which it is.
      trusted: what the user trusts, as `--trust-env` gives it: the environment id, or all of module:attribute that the
        options name, with commas between.
      imports: see `Imports`.

    Raises:
      CheckpointError: when it is not trusted; the message says what to add.
    """
    check_options(options, source, trusted, imports, add_option)


def add_option(trusted: str) -> str:
    """The remedy at the command line: a text of somebody else's, quoted so that a shell takes it as one word."""
    return f"add --trust-env {shlex.quote(trusted)}"


def check_options(options: TrainOptions, source: Path, trusted: str | None, imports: Imports, remedy: Remedy) -> None:
    """Does what `check_env` does, with a remedy of one's own; code of a user's own, module:attribute, asks as well.

    Raises:
      CheckpointError: see `check_trusted`.
    """
    texts = own_texts(options)
    own = list(texts)
    if not own:
        return check_trusted(options.env, options.env_options, source, trusted, imports, remedy)
    modules = list(dict.fromkeys(text.partition(":")[0] for text in own))
    beside = [options.env] if options.env and options.env not in own else []
    known = ",".join([*beside, *own])
    named = [*(f"the environment {env!r}" for env in beside), *(f"{_KINDS[texts[text]]} {text!r}" for text in own)]

    def imported(_: str) -> str:
        more = imports(options.env) if beside else None
        return ", ".join([*modules, *([] if more is None else [more])])

    return check_trusted(known, options.env_options, source, trusted, imported, remedy, ", ".join(named))


_KINDS = {
    "--env": "the environment",
    "--policy": "the policy",
    "--fitness": "the fitness",
    "--params": "the parameters",
    "--data": "the data",
}


def check_trusted(
    env: str,
    given: Sequence[str],
    source: Path,
    trusted: str | None,
    imports: Imports,
    remedy: Remedy,
    named: str | None = None,
) -> None:
    """Does what `check_env` does, for an environment by its id and the texts that it is given.

    Args:
      env: the id, or all that is to be trusted, with commas between.
      given: the texts.
      source, trusted, imports, remedy: see `check_env` and `Remedy`.
      named: what the folder or file names, in words; by default the environment.

    Raises:
      CheckpointError: when it is not trusted; the message ends with the remedy.
    """
    reasons = []
    if (module := imports(env)) is not None:
        reasons.append(f"imports the module {module!r}, whose code runs with your rights")
    if paths := [text for text in given if {"/", "\\"} & {*text}]:
        reasons.append(f"is given {', '.join(map(repr, paths))}, which may name files of yours")
    if not reasons or trusted == env:
        return
    what = f"{source} names {named or f'the environment {env!r}'}, which {' and '.join(reasons)}"
    if not (trusted is None and sys.stdin.isatty() and sys.stderr.isatty() and _asked(what)):
        raise CheckpointError(f"{what}: if you trust it, {remedy(env)}")


def _asked(what: str) -> bool:
    sys.stderr.write(f"{' '.join(printable(what).split())}. Go on? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
