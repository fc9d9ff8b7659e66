"""Which cases of a test are run by `make test`, and which by `make test-slow` alone; which warning is no error."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest

# JAX writes an entry of its cache in place, so that another process can read half of it. It warns and compiles anew.
TORN_CACHE = "Error reading persistent compilation cache entry"


def mostly_slow(cases: Iterable[Any], quick: Collection[Any]) -> list[Any]:
    """Marks all cases but the quick ones as slow.

    Args:
      cases: arguments of `parametrize`; a tuple holds a value for each name.
      quick: those of them that `make test` runs; it is an error if one is not among the cases.
    """
    cases = list(cases)
    missing = [case for case in quick if case not in cases]
    assert not missing, f"no such cases: {missing}"
    return [case if case in quick else pytest.param(*_values(case), marks=pytest.mark.slow) for case in cases]


def _values(case: Any) -> tuple[Any, ...]:
    return case if isinstance(case, tuple) else (case,)
