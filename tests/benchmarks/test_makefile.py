"""The commands of the Makefile name benchmarks that there are."""

import importlib.util
import re
from pathlib import Path

MAKEFILE = (Path(__file__).parents[2] / "Makefile").read_text()


def test_every_benchmark_of_the_makefile_exists():
    (parts,) = re.findall(r"for part in (.*); do", MAKEFILE)
    named = re.findall(r"-m (benchmarks\.[a-z_.]+[a-z]) ", MAKEFILE) + [f"benchmarks.{part}" for part in parts.split()]
    assert len(named) >= 8
    for name in named:
        found = importlib.util.find_spec(name)
        assert found is not None and found.submodule_search_locations is None, f"{name} is no program"
