"""One owner of a run at a time, named to whoever comes second."""

import errno
import fcntl
import getpass
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from eggroll_ray.runs.checkpoint import LOCK, CheckpointError
from eggroll_ray.runs.lock import RunLock

HOLD = """
import sys, time
from pathlib import Path
from eggroll_ray.runs.lock import RunLock
lock = RunLock(Path(sys.argv[1]))
print("locked", flush=True)
time.sleep(300)
"""


@pytest.fixture
def owner(tmp_path):
    """Another process that holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "locked\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_owner_is_refused_until_the_first_is_gone_however_it_went(tmp_path, owner):
    for _ in range(2):  # and the refusal does not take the lock away
        with pytest.raises(CheckpointError, match="still going on") as refused:
            RunLock(tmp_path)
    assert f"process {owner.pid} of {getpass.getuser()} on {socket.gethostname()}, since 20" in str(refused.value)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    RunLock(tmp_path).close()
    assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()


def test_a_second_owner_in_this_process_is_refused(tmp_path):
    lock = RunLock(tmp_path)
    with pytest.raises(CheckpointError, match="another trainer of this process, which is not closed"):
        RunLock(tmp_path)
    lock.close()
    lock.close()
    RunLock(tmp_path).close()


def test_the_name_of_an_earlier_owner_leaves_nothing_behind(tmp_path):
    (tmp_path / LOCK).write_text(json.dumps({"pid": 1, "host": "a host with a very long name" * 20}))
    lock = RunLock(tmp_path)
    with pytest.raises(CheckpointError, match="another trainer of this process"):
        RunLock(tmp_path)
    lock.close()


@pytest.mark.parametrize("text", ["", '{"pid": 1'])
def test_an_owner_that_has_not_said_who_it_is_is_another_process(tmp_path, text):
    lock = RunLock(tmp_path)
    (tmp_path / LOCK).write_text(text)
    with pytest.raises(CheckpointError, match="another process"):
        RunLock(tmp_path)
    lock.close()


def test_a_process_started_by_the_owner_does_not_hold_the_lock(tmp_path):
    lock = RunLock(tmp_path)
    child = subprocess.Popen(["sleep", "60"])
    try:
        lock.close()
        RunLock(tmp_path).close()
    finally:
        child.kill()
        child.wait()


def test_a_file_system_without_locks_is_warned_of(tmp_path, monkeypatch, caplog):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with caplog.at_level(logging.WARNING):
        RunLock(tmp_path).close()
    assert re.search(f"{tmp_path} cannot be locked .*No locks available", caplog.text)


def test_a_folder_that_is_gone_is_refused(tmp_path):
    with pytest.raises(CheckpointError):
        RunLock(tmp_path / "gone")
