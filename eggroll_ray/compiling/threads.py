"""How many threads XLA computes with on the CPU: never one alone.

A program that XLA compiles for one thread sums the rows of an array in another order than one for two threads or any
higher number, which are all alike (measured with 1, 2, 3, 8 and 16; `docs/log.md`, 2026-11-26). A worker with one core
would therefore not compute the same bits as one with two.
"""

import os


def cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def xla_threads() -> int:
    """Returns with how many threads XLA computes if it starts now: NPROC of the environment, or else all cores."""
    given = os.environ.get("NPROC", "")
    return int(given) if given.isdecimal() else cores()


def use_two_or_more() -> None:
    """Lets XLA use two threads where it would use one, if its backend has not started yet."""
    if xla_threads() == 1:
        os.environ["NPROC"] = "2"
