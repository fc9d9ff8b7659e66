"""The process that draws an episode of an environment in Python: what it has started ends with it."""

import os
import sys
import time

import pytest

from envs.host import render

# A simulator that holds the pipe of errors open, and a process that hangs beside it, fails or is done.
DRAWS = """
import subprocess, sys, time
told, how = sys.argv[1:]
with open(told, "w") as file:
    file.write(str(subprocess.Popen(["sleep", "3600"]{pipes}).pid))
assert sys.stdin.read() == "job"
if how == "hangs":
    time.sleep(3600)
sys.exit("no display" if how == "fails" else 0)
"""


@pytest.mark.parametrize("how", ["hangs", "fails", "is done"])
def test_what_the_process_that_draws_has_started_ends_with_it(tmp_path, monkeypatch, how):
    monkeypatch.setattr(render, "_TIME_LIMIT_S", 3.0 if how == "hangs" else 60.0)
    told = tmp_path / "told"
    code = DRAWS.format(pipes="" if how == "hangs" else ", stderr=subprocess.DEVNULL")
    command = [sys.executable, "-c", code, str(told), how]
    if how == "hangs":
        with pytest.raises(render.subprocess.TimeoutExpired):
            render._run(command, b"job", dict(os.environ))
    else:
        assert render._run(command, b"job", dict(os.environ)) == ((1, b"no display\n") if how == "fails" else (0, b""))
    deadline = time.monotonic() + 20
    while _is_alive(int(told.read_text())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_alive(int(told.read_text()))


def _is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
