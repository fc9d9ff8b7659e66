"""Runs the test battery `dieharder` (Robert G. Brown; in the Debian package of that name) on a stream of words.

The words are written to its standard input. It is a separate program under the GPL, and none of its code is copied or
linked.
"""

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from scipy import stats

_COLUMNS = ("test_name", "ntuple", "tsamples", "psamples", "pvalues", "assessment")
_STDIN_RAW = "200"  # its generator that reads words from the standard input
PASSED, WEAK, FAILED = "PASSED", "WEAK", "FAILED"
WEAK_BELOW = 0.005  # and as far from 1


class Assessment(NamedTuple):
    """One p-value and what the battery says of it.

    WEAK is a p-value in the outer hundredth, which one test in a hundred has by chance, FAILED one nearer to 0 or 1
    than one in a million.
    """

    name: str
    ntuple: int
    p: float
    verdict: str


def check_installed() -> None:
    """Raises RuntimeError where the program is missing."""
    if shutil.which("dieharder") is None:
        raise RuntimeError(
            "the program dieharder is not there; install it (Debian, Ubuntu: apt-get install dieharder)."
        )


def version() -> str:
    """What the program says of its version."""
    said = subprocess.run(["dieharder", "-l"], capture_output=True, text=True).stdout
    found = re.search(r"version (\S+)", said)
    return found[1] if found else "of unknown version"


def run(test: int, chunks: Iterable[bytes]) -> tuple[list[Assessment], int]:
    """Runs one test on as much of a stream as it takes.

    Args:
      test: its number in `dieharder -l`.
      chunks: raw words of 32 bits; enough of them.

    Returns:
      The assessments, and how many chunks were begun.

    Raises:
      RuntimeError: when it ends with an error, or the chunks do not suffice.
      ValueError: when it says something else than assessments.
    """
    command = ["dieharder", "-g", _STDIN_RAW, "-d", str(test), "-c", "|"]
    for column in _COLUMNS:
        command += ["-D", column]
    begun = 0
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        with contextlib.suppress(BrokenPipeError):  # it has seen enough
            for chunk in chunks:
                begun += 1
                process.stdin.write(chunk)
            process.kill()
            raise RuntimeError(f"{' '.join(command)} wants more than {begun} chunks.")
        with contextlib.suppress(BrokenPipeError):  # closing writes what is buffered
            process.stdin.close()
        said, errors = process.stdout.read(), process.stderr.read()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {errors.decode().strip()}")
    return parse(said.decode()), begun


def parse(said: str) -> list[Assessment]:
    """Reads lines of `name|ntuple|tsamples|psamples|p-value|assessment`.

    Raises:
      ValueError: for a line of another form, or no line at all.
    """
    found = []
    for line in filter(str.strip, said.splitlines()):
        cells = [cell.strip() for cell in line.split("|")]
        verdict = {"PASSED": PASSED, "WEAK": WEAK, "FAILED": FAILED}.get(cells[-1])
        if len(cells) != len(_COLUMNS) or verdict is None:
            raise ValueError(f"dieharder said {line!r}, which is no assessment.")
        found.append(Assessment(cells[0], int(cells[1]), float(cells[4]), verdict))
    if not found:
        raise ValueError("dieharder said nothing; its version may have no such test.")
    return found


def weak_on_one_side(p_values: Sequence[float]) -> int:
    """How many are weak, or worse, on the side where more of them are."""
    return max(sum(p < WEAK_BELOW for p in p_values), sum(p > 1 - WEAK_BELOW for p in p_values))


def chance(weak: int, runs: int) -> float:
    """That fair noise is weak at least so often on one side or the other in so many runs: binomial; at most 1."""
    return min(1.0, 2 * float(stats.binom.sf(weak - 1, runs, WEAK_BELOW)))
