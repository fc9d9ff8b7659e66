"""Runs that were recorded once have the same bits today; a change that is to change them records them anew."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("golden_runs.py")
ROOT = Path(__file__).parents[2]
RECORDED = json.loads(PROGRAM.with_suffix(".json").read_text())


def outcomes():
    """What the runs come to in a process of their own: with no option of JAX that these tests set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XLA_", "NPROC"))}
    done = subprocess.run(
        [sys.executable, PROGRAM],
        cwd=ROOT,
        env=kept | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_recorded_runs_have_the_same_bits():
    """On a kind of machine whose digests were never recorded, the numbers are compared alone.

    It is one test, as processes that share tests between them would each run all again.
    """
    found = outcomes()
    runs, numbers = found["runs"], RECORDED["numbers"]
    assert sorted(runs) == sorted(numbers)
    for name, expected in numbers.items():
        assert runs[name]["first_fitness"] == pytest.approx(expected["first_fitness"], rel=0.05, abs=1e-3), name
        assert runs[name]["moved"] == pytest.approx(expected["moved"], rel=0.2), name
    digests = RECORDED["digests"].get(found["machine"])
    if digests is not None:
        changed = [name for name in digests if runs[name]["digest"] != digests[name]]
        assert not changed, f"{changed} have other bits: `git log` the record, and see golden_runs.py"
