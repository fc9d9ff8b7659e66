"""Imports run one way, cost little, start nothing, and need no Ray."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "eggroll_ray"

# Every module, from the bottom up: a module may import those before it, never one after it.
ORDER = """
    files text digest threads program_cache jaxprs shared_program env columns packing messages erf_inv noise fitness
    lowrank rules sums products lift leaves observation heads policies metrics sinks trackers ray_metrics checkpoint
    fitness_log lock es optimizers block_program evaluate blocking cast trained rollout host selfplay worker league
    gather pool cluster schedule alike crew fleet plan work accelerators block_search cost calibrate forecast
    signals record rows trainer driver tune check_spaces check_env check_host_env doctor history page figures matrix
    timeline swimlanes report progress options plan_command cli
""".split()


def imported(path: Path) -> set[str]:
    """All modules that a file imports, as far as they are named in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_every_module_has_its_place():
    assert sorted(ORDER) == sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", ORDER)
def test_no_module_imports_one_above_it(name):
    own = {module.split(".")[1] for module in imported(PACKAGE / f"{name}.py") if module.startswith("eggroll_ray.")}
    above = own & set(ORDER[ORDER.index(name) :])
    if name == "trainer":
        above -= {"driver"}  # inside a function, where workers are asked for
    assert not above


@pytest.mark.parametrize("name", ORDER)
def test_only_the_driver_imports_ray(name):
    roots = {module.split(".")[0] for module in imported(PACKAGE / f"{name}.py")}
    assert ("ray" in roots) == (name == "driver")
    assert not roots & {"gymnax", "brax", "flax", "equinox"}
    assert "envs" not in roots or name == "cli"


def test_environments_import_only_the_record():
    for path in (ROOT / "envs").glob("*.py"):
        own = {module for module in imported(path) if module.startswith("eggroll_ray.")}
        assert {module.split(".")[1] for module in own} <= {"env"}, path


def run(code: str) -> str:
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=280)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_importing_starts_nothing_and_needs_no_ray():
    out = run(
        "import sys; sys.modules['ray'] = None\n"  # as if it were not installed
        "import jax, eggroll_ray, envs\n"
        "from jax._src import xla_bridge\n"
        "suites = {'gymnax', 'brax', 'matplotlib', 'flax'} & {*sys.modules}\n"
        "print(xla_bridge.backends_are_initialized(), sorted(suites))"
    )
    assert out.split() == ["False", "[]"]


def test_training_in_process_needs_no_ray():
    out = run(
        "import sys; sys.modules['ray'] = None\n"
        "import eggroll_ray as er, numpy as np\n"
        "f = er.from_fitness(lambda p, k: -(p['b'] ** 2).sum(), {'b': np.ones(4, np.float32)})\n"
        "print(er.Trainer(f, population_size=8, workers=0).fit(2).generations)"
    )
    assert out.strip() == "2"


def test_import_costs_little_beyond_jax():
    """Not a test of speed: a module that pulls in a suite, Ray or a plotting library costs whole seconds."""
    out = run(
        "import time, jax, optax\nstart = time.process_time(); import eggroll_ray; print(time.process_time() - start)"
    )
    assert float(out) < 0.5
