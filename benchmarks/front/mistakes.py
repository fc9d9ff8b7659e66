"""Mistakes at the command line: what is said, how soon, with which exit status, and whether a process is left.

Each is made in a process of its own, in a folder with a small run and a module of the user's. Writes
docs/mistakes.json and docs/mistakes.md.
"""

import argparse
import dataclasses
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from benchmarks.shared import measured
from benchmarks.shared.page import DOCS, ROOT, source_of_record, table, write_record
from eggroll_ray.compiling.threads import cores
from eggroll_ray.runs.files import replace_file

LIMIT_SECONDS = 3.0
_ABANDON_SECONDS = 300.0
_LONGEST = 320  # characters of a message on the page
_CARTPOLE = "train --env gymnax/CartPole-v1"
_LOCAL = f"{_CARTPOLE} --workers 0"
_MARK = "EGGROLL_RAY_MISTAKE"  # in the environment of a command, and so of all processes that it starts

MODULE = """
import numpy as np

weights = {"x": np.zeros(3, np.float32)}


def score(params, key):
    return -((params["x"] - 1.0) ** 2).sum()


def not_an_environment():
    return 3
"""


@dataclasses.dataclass(frozen=True)
class Mistake:
    """A command that is wrong.

    Attributes:
      command: its arguments.
      variables: of the environment.
      early: whether it is told before JAX is imported.
    """

    command: str
    variables: tuple[tuple[str, str], ...] = ()
    early: bool = False

    @property
    def shown(self) -> str:
        """The command as it is typed."""
        return " ".join([*(f"{name}={value}" for name, value in self.variables), f"eggroll-ray {self.command}".strip()])


def _early(*commands: str) -> list[Mistake]:
    return [Mistake(command, early=True) for command in commands]


MISTAKES = [
    *_early("", "trian", "train", "train gymnax/CartPole-v1", "train --env"),
    *_early(f"{_CARTPOLE} --lr 0.1", f"{_CARTPOLE} --popsize 64", f"{_CARTPOLE} --total-timesteps 100000"),
    *_early(f"{_CARTPOLE} --populationsize 64", f"{_CARTPOLE} --population-size many", f"{_CARTPOLE} --optimizer lion"),
    *_early(
        f"{_CARTPOLE} --policy mpl", f"{_LOCAL} --population-size 7", f"{_LOCAL} --population-size 10 --block-size 4"
    ),
    *_early(f"{_LOCAL} --seed=-1", f"{_LOCAL} --env-options oops", f"{_LOCAL} --target 100 --test-every 0"),
    *_early(f"{_CARTPOLE} --workers 99", f"{_CARTPOLE} --workers 2 --min-workers 3"),
    *_early(f"{_CARTPOLE} --workers 1 --gpus-per-worker 1", f"{_CARTPOLE} --address 127.0.0.1:9"),
    Mistake(f"{_LOCAL} --wandb mine", (("WANDB_MODE", "online"),), early=True),
    Mistake(f"{_LOCAL} --mlflow mine", (("MLFLOW_TRACKING_URI", "http://127.0.0.1:9"),), early=True),
    *_early(f"{_LOCAL} --run run", f"{_LOCAL} --run my_task.py/run", f"{_LOCAL} --render --norender"),
    *_early("resume nothing-here", "resume", "train --fitness score", f"{_LOCAL} --fitness my_task:score"),
    *_early(f"{_LOCAL} --learning-rate=-1", f"{_LOCAL} --sigma 0", f"{_LOCAL} --hidden 0"),
    Mistake(f"{_LOCAL} --hidden 8 --rank 9"),
    Mistake(f"{_LOCAL} --policy cnn"),
    Mistake(f"{_LOCAL} --self-play"),
    Mistake(f"{_LOCAL} --env-options colour=red"),
    Mistake("train --env gymnax/CartPole --workers 0"),
    Mistake("train --env CartPole-v1 --workers 0"),
    Mistake("train --env brax/antt --workers 0"),
    Mistake("train --env nosuite/Thing --workers 0"),
    Mistake("train --env my_task:Maze --workers 0"),
    Mistake("train --env my_tusk:Maze --workers 0"),
    Mistake("train --env my_task:not_an_environment --workers 0"),
    Mistake("train --fitness my_task:score --workers 0"),
    *_early("train --config nothing.json"),
    Mistake("train --config edited.json --run new"),
    *_early("eval nothing-here"),
    Mistake("eval theirs"),
    *_early("report nothing-here"),
    Mistake("replay run --generation 99"),
    Mistake("league run"),
    Mistake("compare"),
    Mistake(_LOCAL, (("EGGROLL_RAY_CACHE", "relative/folder"),), early=True),
]


def prepare(folder: Path) -> None:
    """Puts into a folder what the commands refer to: a run, a module, a damaged config and a run of somebody else."""
    (folder / "my_task.py").write_text(MODULE)
    small = "--population-size 8 --generations 2 --workers 0 --no-render --run"
    for command in (f"{_CARTPOLE} --hidden 4 --test-episodes 2 {small} run",):
        subprocess.run(_command(command), cwd=folder, env=_environment(), check=True, capture_output=True)
    config = json.loads((folder / "run" / "config.json").read_text())
    write_config(folder / "edited.json", config, lambda options: options["es"].update(learning_rat=0.1))
    (folder / "theirs").mkdir()
    write_config(folder / "theirs" / "config.json", config, lambda options: options.update(env="my_task:Maze"))


def write_config(path: Path, config: Any, change: Any) -> None:
    """Writes a copy of a run's config.json with changed options."""
    copy = json.loads(json.dumps(config))
    change(copy["options"])
    path.write_text(json.dumps(copy))


def make(mistake: Mistake, folder: Path) -> dict[str, Any]:
    """Makes a mistake, and returns what came of it."""
    mark = uuid.uuid4().hex
    variables = {**_environment(), **dict(mistake.variables), _MARK: mark}
    with tempfile.TemporaryFile("w+") as said:
        started = time.perf_counter()
        process = subprocess.Popen(
            _command(mistake.command), cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        status, usage = _wait(process)
        seconds = time.perf_counter() - started
        said.seek(0)
        text = said.read()
    return {
        "command": mistake.shown,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(usage, 2),
        "status": status,
        "said": plain(text.replace(str(folder), "FOLDER")),
        "traceback": "Traceback" in text,
        "left": _left(mark),
    }


def plain(text: str) -> str:
    """The message of a command, in one line, without what it was busy with before."""
    told = [line for line in text.splitlines() if line.startswith("eggroll-ray: ")]
    message = " ".join([told[-1], *text.rpartition(told[-1])[2].splitlines()]) if told else text
    return " ".join(message.removeprefix("eggroll-ray: ").split())


def _shortened(text: str) -> str:
    """Cuts a message that would fill a page, such as the list of all commands. The data has the whole of it."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rpartition(' ')[0]} ..."


def page(record: dict[str, Any]) -> str:
    """Returns docs/mistakes.md."""
    rows = record["rows"]
    late = [row for row in rows if row["seconds"] > LIMIT_SECONDS]
    lines = [
        "# Mistakes at the command line",
        "",
        source_of_record(record),
        "",
        f"{len(rows)} mistakes, each made in a process of its own. None shows a traceback, none leaves a process. "
        f"{len(rows) - len(late)} are told within {LIMIT_SECONDS:g} seconds, "
        f"{sum(row['cpu_seconds'] <= 1 for row in rows)} take less than one CPU second.",
        "",
        "What can be known without JAX is told before JAX is imported: options, numbers, the run folder, workers,",
        "logins, and code of the user's own.",
        "Importing JAX takes most of the time of the others. CPU seconds are those of the process and of its children.",
        f"Load of the machine: {record['load']:g} on {record['cores']} cores. Where it is above the number of cores,",
        "seconds are longer than on a machine of one's own; `--again` measures anew those that took too long.",
        "",
    ]
    cells = [
        (
            f"`{row['command']}`",
            _shortened(row["said"]).replace("|", "\\|").replace("<", "&lt;"),
            f"{row['seconds']:.1f}",
            f"{row['cpu_seconds']:.1f}",
            row["status"],
        )
        for row in rows
    ]
    return "\n".join([*lines, *table(("command", "message", "seconds", "CPU seconds", "exit"), cells), ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--docs", type=Path, default=DOCS, help="where the page and its data are written")
    parser.add_argument("--again", action="store_true", help="make only those again that took longer than 3 s")
    parser.add_argument("--render-only", action="store_true", help="write the page of the data that is there")
    chosen = parser.parse_args()
    path = chosen.docs / "mistakes.json"
    old = json.loads(path.read_text()) if chosen.again or chosen.render_only else {"rows": []}
    before = {row["command"]: row for row in old["rows"]}
    if not chosen.render_only:
        rows = []
        with tempfile.TemporaryDirectory() as made:
            prepare(Path(made))
            for mistake in MISTAKES:
                row = before.get(mistake.shown)
                if row is None or row["seconds"] > LIMIT_SECONDS:
                    found = make(mistake, Path(made))
                    row = found if row is None or found["seconds"] < row["seconds"] else row
                    print(f"{row['seconds']:6.2f} {row['status']} {row['command']}: {row['said'][:100]}", flush=True)
                rows.append(row)
        head = measured.head("python -m benchmarks.front.mistakes", "jax", "ray")
        old = {**head, "load": round(os.getloadavg()[1], 1), "cores": cores(), "rows": rows}
        write_record(path, old)
    replace_file(chosen.docs / "mistakes.md", page(old).encode())


def _command(arguments: str) -> list[str]:
    return [sys.executable, "-m", "eggroll_ray.cli.app", *shlex.split(arguments)]


def _environment() -> dict[str, str]:
    """That of a user without logins, whose cache is their own."""
    dropped = ("RAY_ADDRESS", "NETRC", "WANDB_API_KEY", "WANDB_CONFIG_DIR", "MLFLOW_TRACKING_URI", "WANDB_MODE")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "PYTHONPATH": str(ROOT), "HOME": tempfile.gettempdir(), "COLUMNS": "100"}


def _wait(process: subprocess.Popen[Any]) -> tuple[int, float]:
    """Exit status, and CPU seconds of the process and of the children that it has waited for."""
    deadline = time.monotonic() + _ABANDON_SECONDS
    while True:
        found, status, usage = os.wait4(process.pid, os.WNOHANG)
        if found:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage.ru_utime + usage.ru_stime
        if time.monotonic() > deadline:
            process.send_signal(signal.SIGKILL)
        time.sleep(0.01)


def _left(mark: str) -> int:
    """Number of processes that a command has left, some seconds after it has ended."""
    for attempt in range(20):
        count = 0
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                count += bool(re.search(rf"{_MARK}={mark}".encode(), path.read_bytes()))
            except OSError:
                continue
        if not count or attempt == 19:
            return count
        time.sleep(0.2)
    raise AssertionError


if __name__ == "__main__":
    main()
