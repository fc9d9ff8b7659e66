"""Checks of a run that need neither JAX, Ray nor the environment, and take a few tenths of a second."""

import contextlib
import importlib.util
import netrc
import os
import socket
import urllib.parse
from pathlib import Path

from eggroll_ray.cli.options import TrainOptions, make_workers
from eggroll_ray.cli.own_names import check_own
from eggroll_ray.cli.rates import check_rates
from eggroll_ray.cli.say import UsageError, usage
from eggroll_ray.cli.targets import watch_of
from eggroll_ray.compiling.folder import cache_folder
from eggroll_ray.runs.folder import check_new_run
from eggroll_ray.workers.here import lacking_here
from eggroll_ray.workers.options import Workers
from eggroll_ray.workers.plan import make_plan

_ANSWER_SECONDS = 2.0  # to wait for the answer of a server


def check_run(run: Path, resume: bool) -> None:
    """Raises UsageError if a new run folder is taken or cannot be written, or a folder to resume is no run folder."""
    with usage():
        if not resume:
            check_new_run(run)
        elif not (run / "config.json").exists():
            beside = sorted(path.parent.name for path in run.parent.glob("*/config.json"))[:5]
            advice = f" Beside it there are {', '.join(beside)}." if beside else ""
            raise UsageError(f"{run / 'config.json'} is missing: {run} is not a run folder.{advice}")


def check_numbers(options: TrainOptions) -> None:
    """Raises UsageError if a number is out of range. Checks only what does not depend on the environment."""
    with usage():
        check_own(options)
        block_size = options.worker.block_size
        make_plan(
            options.population_size,
            None if block_size == "auto" else block_size,
            options.seed,
            1 if options.test_episodes is None else options.test_episodes,
        )
        watch_of(options)
        check_rates(options.strategy)
        cache_folder()
        for name, value, good in (
            ("sigma", options.es.sigma, 0.1),
            ("learning_rate", options.es.learning_rate, 0.05),
        ):
            if not value > 0:
                raise ValueError(f"{name}={value} must be positive; try {good}.")
        if not options.policy.hidden or min(options.policy.hidden) < 1:
            raise ValueError(f"hidden={options.policy.hidden} must name at least one positive width, such as 64 64.")
        if options.generations < 0:
            raise ValueError(f"generations={options.generations} must be at least 0.")
        if options.checkpoint_every < 1:
            raise ValueError(f"checkpoint_every={options.checkpoint_every} must be at least 1 generation.")
        for text in options.env_options:
            if "=" not in text:
                raise ValueError(f"environment option {text!r} must read name=value, such as episode_length=500.")


def check_start(options: TrainOptions) -> None:
    """Raises UsageError for a kept optimiser that there is nothing to take from, or whose schedule would go on."""
    if options.init_optimizer != "kept":
        return
    if options.init_from is None:
        raise UsageError("init_optimizer=kept needs --init-from with the run folder to take the optimiser from.")
    for name, none in (("schedule", "constant"), ("warmup", 0), ("decay", 1)):
        value = getattr(options.es, f"learning_rate_{name}")
        if value != none:
            raise UsageError(
                f"learning_rate_{name}={value} does not go with init_optimizer=kept: a kept optimiser keeps its count "
                "of generations, so the learning rate would go on where the old run was; leave it out, or give "
                "--init-optimizer fresh."
            )


def check_surroundings(options: TrainOptions) -> None:
    """Raises UsageError if Ray, the machines or the trackers that the run needs are not available."""
    with usage():
        workers = make_workers(options.worker)
    _check_workers(workers)
    _check_trackers(options)


def _check_workers(workers: Workers) -> None:
    """Raises UsageError if Ray is not installed, nothing answers at its address, or this machine is too small."""
    if workers.count == 0:
        return
    if importlib.util.find_spec("ray") is None:
        raise UsageError("workers are processes of Ray, which is not installed: pip install ray, or give --workers 0.")
    address = workers.address or os.environ.get("RAY_ADDRESS")
    if not address:
        if (lacking := lacking_here(workers)) is not None:
            raise UsageError(lacking)
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _ANSWER_SECONDS).close()
    except TimeoutError:
        pass  # the network may be slow, and Ray itself waits longer
    except OSError as error:
        raise UsageError(
            f"nothing answers at {address} ({error}); give the address that `ray start --head` printed, or none for a "
            "local Ray."
        ) from error


def _check_trackers(options: TrainOptions) -> None:
    """Raises UsageError for a tracker that is not installed, has no login, or does not answer."""
    for name, value in (("wandb", options.wandb), ("mlflow", options.mlflow)):
        if value is not None and importlib.util.find_spec(name) is None:
            raise UsageError(f"--{name} {value} needs a package: pip install 'eggroll-ray[{name}]'.")
    if options.wandb is not None and not _wandb_login():
        raise UsageError(
            f"--wandb {options.wandb}: wandb has no API key: run `wandb login`, or set WANDB_MODE=offline."
        )
    if options.mlflow is not None:
        _check_mlflow(options.mlflow)


def _wandb_login() -> bool:
    """Whether wandb will find an API key. Importing wandb to ask it would take seconds."""
    variables = ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE")
    if os.environ.get("WANDB_MODE", "online") != "online" or any(os.environ.get(name) for name in variables):
        return True
    host = urllib.parse.urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).netloc
    places = [os.environ["NETRC"]] if os.environ.get("NETRC") else ["~/.netrc", "~/_netrc"]
    for place in places:
        with contextlib.suppress(OSError, netrc.NetrcParseError):
            if netrc.netrc(os.path.expanduser(place)).authenticators(host):
                return True
    for folder in (os.environ.get("WANDB_CONFIG_DIR", "~/.config/wandb"), "wandb"):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if "api_key" in Path(folder, "settings").expanduser().read_text():
                return True
    return False


def _check_mlflow(experiment: str) -> None:
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not uri.startswith(("http://", "https://")):
        return  # files, a database, or a service with a login of its own
    import urllib.error
    import urllib.request  # a tenth of a second

    try:
        urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=_ANSWER_SECONDS).close()
    except urllib.error.HTTPError:
        return  # a server answers
    except (urllib.error.URLError, TimeoutError, OSError) as error:
        raise UsageError(
            f"--mlflow {experiment}: nothing answers at MLFLOW_TRACKING_URI={uri} ({error}); start the server, or "
            "unset it to write files into the run folder."
        ) from error
