"""Mutates one module after the other, and counts which changes a fast choice of its tests notices.

    make mutation MODULE=es.shaping    # or: python -m tests.mutation es.shaping [--most 60] [--minutes 10]

The mutants are those of cosmic-ray: one operator, comparison, number or condition is another. They are made in a copy
of the package. This process has imported JAX, but computed nothing, and forks for each mutant, which saves most of its
time. What is found goes into `docs/mutation.json`, and with what is said there of survivors into `docs/mutation.md`.
"""

import argparse
import ast
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import NamedTuple

from tests import conftest  # first: it says how JAX is to be set up

# isort: split
import cosmic_ray.plugins
import jax  # noqa: F401 - what all mutants need is imported before the fork
import numpy  # noqa: F401
import optax  # noqa: F401
import pytest
import safetensors.numpy  # noqa: F401
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "docs" / "mutation.json"
SEED = 0

# module below eggroll_ray -> its tests below `tests/`, the quickest first
TESTS = {
    "es.digest": ["es/test_digest.py"],
    "es.eggroll": ["es/test_eggroll.py"],
    "es.noise": ["es/test_noise.py"],
    "es.optimizers": ["es/test_optimizers.py"],
    "es.random": ["es/test_random.py", "es/test_noise.py"],
    "es.shaping": ["es/test_shaping.py"],
    "evaluators.data": ["evaluators/test_data.py"],
    "evaluators.returned": ["evaluators/test_returned.py"],
    "lowrank.rules_combine": ["lowrank/test_interpreter.py"],
    "lowrank.rules_move": ["lowrank/test_interpreter.py"],
    "lowrank.rules_product": ["lowrank/test_interpreter.py"],
    "rl.normalize": ["rl/test_normalize.py"],
    "runs.checkpoint": ["runs/test_checkpoint.py"],
    "runs.fitness_log": ["runs/test_fitness_log.py"],
    "runs.rows": ["workers/test_results.py", "evaluators/test_returned.py"],
    "workers.fitness_vector": ["workers/test_fitness_vector.py", "workers/test_results.py"],
    "workers.results": ["workers/test_results.py"],
}
_BINARY = "Add_Sub Sub_Add Mul_Div Div_Mul FloorDiv_Mul Mod_Mul Pow_Mul RShift_LShift LShift_RShift BitOr_BitAnd"
_COMPARISON = "Eq_NotEq NotEq_Eq Lt_LtE Lt_GtE LtE_Lt LtE_Gt Gt_GtE Gt_LtE GtE_Gt GtE_Lt Is_IsNot IsNot_Is"
OPERATORS = (  # one change of each kind is enough: most others raise at once
    *(f"core/ReplaceBinaryOperator_{name}" for name in _BINARY.split()),
    *(f"core/ReplaceComparisonOperator_{name}" for name in _COMPARISON.split()),
    *("core/ReplaceUnaryOperator_USub_UAdd", "core/ReplaceUnaryOperator_Delete_Not", "core/AddNot"),
    *("core/ReplaceUnaryOperator_Delete_Invert", "core/ReplaceTrueWithFalse", "core/ReplaceFalseWithTrue"),
    *("core/ReplaceAndWithOr", "core/ReplaceOrWithAnd", "core/ReplaceBreakWithContinue"),
    *(
        "core/ReplaceBinaryOperator_BitAnd_BitOr",
        "core/ReplaceContinueWithBreak",
        "core/NumberReplacer",
        "core/ZeroIterationForLoop",
    ),
)


class Mutant(NamedTuple):
    """One change of a module."""

    line: int
    before: str  # the line as it was
    after: str
    code: str  # of the whole module


def mutants_of(code: str) -> list[Mutant]:
    """All that the operators make of a module, in the order of its lines; types are left alone."""
    annotations = [(node.lineno, node.col_offset, node.end_lineno, node.end_col_offset) for node in _annotations(code)]
    tree, lines, found = get_ast(code), code.splitlines(), {}
    for name in OPERATORS:
        operator = cosmic_ray.plugins.get_operator(name)()
        places = [start for node in ast_nodes(tree) for start, _ in operator.mutation_positions(node)]
        for occurrence, (line, column) in enumerate(places):
            if any((a, b) <= (line, column) <= (c or a, d or b) for a, b, c, d in annotations):
                continue
            changed = mutate_code(code, operator, occurrence)
            if changed is None or changed in found:
                continue
            after = [new for old, new in zip(lines, changed.splitlines(), strict=False) if old != new]
            found[changed] = Mutant(line, lines[line - 1].strip(), after[0].strip() if after else "", changed)
    return sorted(found.values(), key=lambda mutant: (mutant.line, mutant.after))


def _annotations(code: str) -> list[ast.expr]:
    nodes = [getattr(node, name, None) for node in ast.walk(ast.parse(code)) for name in ("annotation", "returns")]
    return [node for node in nodes if isinstance(node, ast.expr)]


def run_tests(folder: Path, tests: list[str], seconds: float) -> int | None:
    """Runs tests in a process of their own that is forked here; returns pytest's exit status, None out of time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of forking with JAX imported: nothing was computed, there are no threads
        child = os.fork()
    if not child:
        status = 70
        try:
            status = _run_here(folder, tests)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)  # whatever happens: what this process unwinds is its parent's
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _run_here(folder: Path, tests: list[str]) -> int:
    os.setsid()
    output = os.open(folder / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(folder)
    sys.path[:] = [str(folder), *(path for path in sys.path if path and Path(path).resolve() != ROOT)]
    for name in [name for name in sys.modules if name == "tests" or name.startswith("tests.")]:
        del sys.modules[name]
    imported = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
    options = ["-q", "-x", "-p", "no:cacheprovider", "-m", "not slow", "-W", imported]
    return int(pytest.main([*options, *(f"tests/{test}" for test in tests)]))


def mutate(module: str, most: int, minutes: float) -> dict:
    """Tries mutants of a module, a sample of them where there are many, until the time is over."""
    began, tests = time.monotonic(), TESTS[module]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in ("eggroll_ray", "envs", "tests", "docs"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", folder)
        path = folder / "eggroll_ray" / f"{module.replace('.', '/')}.py"
        code = path.read_text()
        before = time.monotonic()
        if run_tests(folder, tests, 600) != 0:
            raise SystemExit(f"{module}: the tests fail as it is:\n{(folder / 'output.txt').read_text()}")
        limit = 20 + 5 * (time.monotonic() - before)
        mutants = mutants_of(code)
        chosen = random.Random(SEED).sample(mutants, min(most, len(mutants)))
        killed, survived = 0, []
        for mutant in chosen:
            if time.monotonic() - began > 60 * minutes:
                break
            path.write_text(mutant.code)
            if run_tests(folder, tests, limit) == 0:
                survived.append(mutant)
            else:  # a test failed, the module cannot be imported, or it runs for ever
                killed += 1
            sys.stdout.write(f"\r{module}: {killed} killed, {len(survived)} survived, of {len(chosen)} ")
            sys.stdout.flush()
    sys.stdout.write("\n")
    told = {(one["before"], one["after"]): one["verdict"] for one in recorded().get(module, {}).get("survivors", [])}
    return {
        "mutants": len(mutants),
        "tried": killed + len(survived),
        "killed": killed,
        "seconds": round(time.monotonic() - began),
        "survivors": [
            {
                "line": mutant.line,
                "before": mutant.before,
                "after": mutant.after,
                "verdict": told.get((mutant.before, mutant.after), ""),
            }
            for mutant in sorted(survived)
        ],
    }


def recorded() -> dict:
    return json.loads(RECORD.read_text()) if RECORD.exists() else {}


def page(record: dict) -> str:
    """The text of `docs/mutation.md`."""
    lines = [
        "# Mutants of modules, and which tests notice",
        "",
        "`make mutation MODULE=es.shaping` (`tests/mutation.py`: operators of cosmic-ray 8.7, a fixed sample where a",
        "module has many; a mutant is killed by a fast choice of the module's tests). What is said of a survivor is",
        "written into `docs/mutation.json`.",
        "",
        "| module | mutants | tried | killed | survived | of these equivalent | score | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for module, found in sorted(record.items()):
        equal = sum(one["verdict"].startswith("equivalent") for one in found["survivors"])
        score = found["killed"] / max(1, found["tried"] - equal)
        cells = (found["mutants"], found["tried"], found["killed"], len(found["survivors"]), equal, f"{score:.0%}")
        lines.append(f"| {module} | {' | '.join(map(str, cells))} | {found['seconds']} |")
    missing = ", ".join(module for module in TESTS if module not in record)
    lines += ["", f"Not run yet: {missing or 'none'}.", "", "Score: killed, of those tried that are not equivalent."]
    for module, found in sorted(record.items()):
        if found["survivors"]:
            lines += ["", f"## {module}", ""]
        for one in found["survivors"]:
            verdict = one["verdict"] or "not looked at yet"
            lines.append(f"- line {one['line']}, `{one['before']}` as `{one['after']}`: {verdict}")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="below eggroll_ray; none: only the page is written")
    parser.add_argument("--most", type=int, default=60, help="mutants of a module")
    parser.add_argument("--minutes", type=float, default=10.0, help="for a module")
    arguments = parser.parse_args()
    try:
        for module in arguments.modules:
            found = mutate(module, arguments.most, arguments.minutes)
            RECORD.write_text(json.dumps(recorded() | {module: found}, indent=1) + "\n")
    finally:
        conftest.pytest_unconfigure()
    (ROOT / "docs" / "mutation.md").write_text(page(recorded()))


if __name__ == "__main__":
    main()
