"""Imports run one way between packages, cost little, start nothing, and need no Ray."""

import ast
import importlib.metadata
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import eggroll_ray as er
from eggroll_ray import api

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "eggroll_ray"

# The packages and the modules beside them, floor by floor. A room may use those on the floors below its own, never one
# on its own floor or above it.
FLOORS = (
    ("compiling", "lowrank"),
    ("es",),
    ("models", "evaluators"),
    ("rl", "workers"),
    ("runs",),
    ("forecast", "replay", "league", "exporting", "ask_tell"),
    ("report", "past"),
    ("trainer",),
    ("tune", "comparison"),
    ("cli",),
    ("loading",),
    ("api",),
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS, 1) for room in rooms}
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")
USES_RAY = ("workers/ray/", "tune.py", "runs/sinks/prometheus.py")


def imported(path: Path) -> set[str]:
    """All modules that a file imports, as far as they are named in it: also inside functions and by importlib."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            found |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    return found


def room(module: Path | str) -> str:
    """The package, or the module beside the packages, that a file or a dotted name of ours lies in."""
    return module.parts[0].removesuffix(".py") if isinstance(module, Path) else module.split(".")[1]


def test_every_room_has_its_floor():
    assert sorted(FLOOR_OF) == sorted({room(module) for module in MODULES})


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_run_down_the_floors(module):
    rooms = {room(name) for name in imported(PACKAGE / module) if name.startswith("eggroll_ray.")}
    own = room(module)
    wrong = {used for used in rooms - {own} if used in FLOOR_OF and FLOOR_OF[used] >= FLOOR_OF[own]}
    assert not wrong, f"{module} is on floor {FLOOR_OF[own]}; {wrong} are not below it: see FLOORS"


def test_no_file_of_a_package_imports_one_that_imports_it():
    """Also within a package there is an order: a cycle would be two files that are one concept."""
    names = {".".join(("eggroll_ray", *module.with_suffix("").parts)): module for module in MODULES}
    below = {name: {used for used in imported(PACKAGE / path) if used in names} for name, path in names.items()}
    while leaves := {name for name, used in below.items() if not used}:
        below = {name: used - leaves for name, used in below.items() if name not in leaves}
    assert not below


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_only_the_ray_package_and_what_ray_itself_calls_import_ray(module):
    roots = {name.split(".")[0] for name in imported(PACKAGE / module)}
    assert "ray" not in roots or str(module).startswith(USES_RAY)
    assert "ray" in roots or str(module) not in ("tune.py", "runs/sinks/prometheus.py")  # no exception without need
    assert not roots & {"gymnax", "brax", "flax", "equinox"}
    assert "envs" not in roots or module.parts[0] == "cli"


def test_environments_import_only_the_record():
    for path in (ROOT / "envs").rglob("*.py"):
        own = {name for name in imported(path) if name.startswith("eggroll_ray.")}
        assert all(name == "eggroll_ray.rl.env" or name.startswith("eggroll_ray.rl.env.") for name in own), path


def test_code_in_strings_imports_what_there_is():
    """Other processes are given code as text, which no other check reads."""
    for folder in ("eggroll_ray", "envs", "benchmarks", "tests", "launch", "examples"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text()
            for module, names in re.findall(r"from ((?:eggroll_ray|envs|benchmarks)[\w.]*) import ([\w, ]+)", text):
                spec = importlib.util.find_spec(module)
                assert spec is not None and spec.origin is not None, f"{path}: {module}"
                source = Path(spec.origin).read_text()
                if module == "eggroll_ray":
                    source += (PACKAGE / "api.py").read_text()
                for name in (name.split(" as ")[0].strip() for name in names.split(",") if name.strip()):
                    there = re.search(rf"\b{name}\b", source) or (Path(spec.origin).parent / f"{name}.py").exists()
                    assert there or (Path(spec.origin).parent / name).is_dir(), f"{path}: {module} has no {name}"


def run(code: str) -> str:
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=280)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_importing_starts_nothing_and_needs_no_ray():
    out = run(
        "import sys; sys.modules['ray'] = None\n"  # as if it were not installed
        "import jax, eggroll_ray.api, envs\n"
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
        "import time, jax, optax\n"
        "start = time.process_time(); import eggroll_ray.api; print(time.process_time() - start)"
    )
    assert float(out) < 0.5


def test_the_package_alone_imports_almost_nothing():
    """What the command line says first must not wait for JAX."""
    out = run("import sys, eggroll_ray\nprint({'jax', 'numpy', 'optax', 'rich'} & {*sys.modules}, eggroll_ray.Trainer)")
    assert out.startswith("set() <class")


def test_the_public_names_are_those_that_are_listed():
    public = {name for name, value in vars(api).items() if not name.startswith("_")}
    assert public == set(er.__all__) and len(er.__all__) == len(set(er.__all__))
    assert public <= set(dir(er)) and all(getattr(er, name) is getattr(api, name) for name in public)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = er.nothing
    assert er.__version__ == importlib.metadata.version("eggroll-ray")


def test_the_list_of_public_names_stands_in_the_groups_that_comments_name():
    text = (PACKAGE / "api.py").read_text().partition("__all__ = [")[2]
    assert text.lstrip().startswith("# ") and text.count("    # ") >= 6
