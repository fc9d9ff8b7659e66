"""The number of threads that XLA uses on the CPU, which must be at least two.

A program that XLA compiles for one thread sums the rows of an array in another order than a program for several
threads. Programs for two or more threads all use the same order (measured with 1, 2, 3, 8 and 16; `docs/log.md`,
2026-11-26). A worker with one thread would therefore not compute the same bits as one with two.
"""

import os


def cores() -> int:
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def xla_threads() -> int:
    """Returns the number of threads that XLA would start with now: NPROC in the environment, or else all cores."""
    given = os.environ.get("NPROC", "")
    return int(given) if given.isdecimal() else cores()


def use_two_or_more() -> None:
    """Makes XLA use two threads if it would use one. It has no effect once XLA's backend has started."""
    if xla_threads() == 1:
        os.environ["NPROC"] = "2"
