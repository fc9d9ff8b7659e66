"""Machines with sshd for tests of clusters: `lab.sh` makes them of namespaces, and all of them end with this process.

Slow tests alone use them. They need root (several users, and namespaces without those of users), and Debian's packages
that `docs/clusters.md` names.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_LAB = Path(__file__).with_name("lab.sh")
_NAMESPACES = ["unshare", "--net", "--pid", "--mount", "--ipc", "--fork", "--kill-child", "--mount-proc"]
_CHECKOUT = (
    "pyproject.toml",
    "constraints.txt",
    "README.md",
    "LICENSE",
    "cluster.yaml",
    "launch",
    "eggroll_ray",
    "envs",
)


def skip_without_lab(*programs: str) -> None:
    """Skips the test where the machines cannot be made, or would lack one of the programs."""
    if os.geteuid() != 0:
        pytest.skip("needs root: machines of namespaces with users of their own")
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    wanted = ("sshd", "ssh", "rsync", "ip", "nsenter", "unshare", *programs)
    missing = [program for program in wanted if not shutil.which(program, path=path)]
    missing += [] if _debian_python() else ["python3 (3.11 or newer, in /usr) with venv"]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}; docs/clusters.md names the packages")
    if subprocess.run([*_NAMESPACES, "true"], capture_output=True).returncode:
        pytest.skip("needs namespaces: this root may not make them (a container without privileges?)")


def _debian_python() -> bool:
    """Whether /usr has a Python that the machines can use; they have nothing but /usr."""
    check = "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"
    try:
        return subprocess.run(["/usr/bin/python3", "-c", check], capture_output=True).returncode == 0
    except OSError:
        return False


class Lab:
    """Machines by name. A context manager: at its end nothing of them runs.

    Args:
      folder: for their files; what it holds as `wheels` is what they can install.
      machines: the address of each.
      user: the name of the user that all have.
      homes: a folder that all have as /home, as from a file server; by default each has its own.
    """

    def __init__(self, folder: Path, machines: Mapping[str, str], user: str, homes: Path | None = None):
        self._folder, self._machines, self._user = folder, machines, user
        self._env = {**os.environ, "LAB": str(folder), "WHEELS": str(folder / "wheels"), "HOMES": str(homes or "")}
        self._env["PATH"] += ":/usr/sbin:/sbin"
        self._server: subprocess.Popen | None = None
        self._started: list[subprocess.Popen] = []

    def __enter__(self) -> "Lab":
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self._folder / "key"], check=True)
        (self._folder / "hosts").write_text("".join(f"{ip} {name}\n" for name, ip in self._machines.items()))
        self._server = subprocess.Popen(
            [*_NAMESPACES, "bash", _LAB, "serve"],
            env=self._env,
            stdin=subprocess.PIPE,  # never written to: it ends with this process, however that ends
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._server.stdout is not None and self._server.stdout.readline() == "ready\n"
        (child,) = Path(f"/proc/{self._server.pid}/task/{self._server.pid}/children").read_text().split()
        self._env["SERVER"] = child
        for name in self._machines:
            self._lab("make", name, self._user)
        return self

    def __exit__(self, *error: object) -> None:
        assert self._server is not None and self._server.stdin is not None
        self._server.stdin.close()
        assert self._server.stdout is not None
        self._server.stdout.close()
        try:
            self._server.wait(20)
        except subprocess.TimeoutExpired:
            self._server.kill()
        for process in (self._server, *self._started):  # the latter have ended with the former
            process.wait()

    def boot(self, name: str) -> None:
        self._lab("boot", name, self._machines[name])

    def pull_the_plug(self, name: str) -> None:
        self._lab("kill", name)

    def file(self, name: str, path: str) -> Path:
        """A file or folder of a machine's home, /etc or /var, as seen from here."""
        return self._folder / name / path.lstrip("/")

    def run(self, name: str, command: str, timeout: float = 60, check: bool = True, user: str | None = None) -> str:
        """Runs a command of bash in a user's home folder on a machine; returns what it said."""
        done = subprocess.run(
            self._in(name, command, user),
            env=self._env,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def start(self, name: str, command: str, log: Path) -> subprocess.Popen:
        """Starts a command on a machine, which ends with the machines; what it says goes to a file."""
        with log.open("w") as out:
            process = subprocess.Popen(
                self._in(name, command, None),
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self._started.append(process)
        return process

    def _in(self, name: str, command: str, user: str | None) -> list[str]:
        return ["bash", str(_LAB), "in", name, user or self._user, "bash", "-c", command]

    def _lab(self, *words: str) -> None:
        done = subprocess.run(["bash", _LAB, *words], env=self._env, timeout=60, capture_output=True, text=True)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"


def wait_for(happened: Callable[[], object], seconds: float, what: Callable[[], str] = lambda: "") -> None:
    """Looks every second, and fails after so many with what is the case instead."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what()}"
        time.sleep(1)


def generations(metrics: Path) -> list[dict]:
    """The rows of a run's generations, without events and a last line that is being written."""
    lines = metrics.read_text().split("\n")[:-1] if metrics.exists() else []
    return [row for line in lines if "workers" in (row := json.loads(line))]


def copy_checkout(folder: Path) -> None:
    """Copies of this checkout what a user needs."""
    folder.mkdir(parents=True)
    for name in _CHECKOUT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)


def download_wheels(folder: Path) -> None:
    """Fills a folder with the wheels that an installation of this package needs."""
    subprocess.run(["/usr/bin/python3", "-m", "venv", folder / "venv"], check=True)
    pip = [folder / "venv/bin/python", "-m", "pip", "--quiet", "download", "--no-deps", "--dest", folder / "wheels"]
    locked = ["--require-hashes", "--requirement", ROOT / "launch/locked/base.txt"]
    for what in (locked, ["editables", "setuptools"]):
        subprocess.run([*pip, *what], check=True)
