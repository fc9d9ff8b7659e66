"""Machines for tests: namespaces of Linux, with processes, a network, a host name and a /tmp/ray of their own.

`ray stop`, with which `ray symmetric-run` ends, stops every Ray that it sees, and a Ray that `ray start` starts listens
on every network that it sees. Here it sees nothing but its own, nobody else reaches it, and all that was started in
there ends with the first process.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

_UNSHARE = ["unshare", "--user", "--map-root-user", "--net", "--pid", "--mount", "--uts", "--fork", "--kill-child"]
# Bash stays the first process: the first process has to reap what daemons leave.
_INSIDE = 'ip link set lo up && mkdir -p /tmp/ray && mount -t tmpfs none /tmp/ray && "$@"; exit $?'


def run_isolated(command: list[str], env: dict[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
    """Runs a command on a machine of its own, in the repository's root, and raises when it fails."""
    done = subprocess.run(
        [*_UNSHARE, "--mount-proc", "bash", "-c", _INSIDE, "bash", *command],
        env=env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout
    return done


def environment(home: Path) -> dict[str, str]:
    """Environment variables of a user with that home folder, who has a token and this checkout's code."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_") and name != "TMPDIR"}
    (home / ".ray").mkdir(parents=True, exist_ok=True)
    (home / ".ray" / "auth_token").write_text("0123456789abcdef" * 2)
    return kept | {
        "HOME": str(home),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "RAY_AUTH_MODE": "token",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_enable_metrics_collection": "0",
    }


def _available() -> bool:
    try:
        run_isolated(["true"], dict(os.environ), 60)
    except (OSError, AssertionError, subprocess.TimeoutExpired):
        return False
    return True


needs_machines = pytest.mark.skipif(not _available(), reason="needs namespaces: unshare of Linux, and leave to use it")
