"""Every example runs from the command line, most with a tiny budget, and prints a finite result."""

import ast
import math
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
PICTURE = ("--picture", "example")
TINY = ("--generations", "2", "--population-size", "16")

# Example -> its arguments, and what it prints with the result as the only group.
RUNS = {
    "ask_tell.py": (("--generations", "3", "--population-size", "16"), r"mean squared error (\S+),"),
    "brax_ant.py": (
        (*TINY, "--task", "brax/fast", "--episode-length", "5", "--hidden", "8", "8", "--test-episodes", "4"),
        r"mean return (\S+) \+- \S+ in 4 episodes",
    ),
    "cartpole.py": ((), r"solved after .* mean return (\S+)"),
    "custom_fitness.py": (TINY, r"blocking: fitness of the mean parameters \S+ at first, (\S+) after 2"),
    "digits.py": ((), r"after 100 generations: held-out accuracy (\S+)"),
    "eggroll_in_100_lines.py": ((), r"mean return of the evolved parameters in 128 episodes: (\S+) of 500"),
    "equinox_policy.py": (TINY, r"gru in CartPole without velocities: .* mean return (\S+)"),
    "flax_policy.py": (TINY, r"nnx: .* mean return (\S+)"),
    "marl_pettingzoo.py": ((*TINY, *PICTURE), r"after 2 generations: mean return (\S+)"),
    "marl_spread.py": ((*TINY, *PICTURE), r"after 2 generations: mean return of an agent (\S+)"),
    "predator_prey.py": (
        (*TINY, *PICTURE, "--entries", "2", "--games", "4"),
        r"one episode of 25 steps, returns \[(\S+), ",
    ),
    "self_play.py": ((*TINY, *PICTURE), r"against a random player, moving first: (\S+)% won"),
    "tune_cartpole.py": (("--trials", "2", "--generations", "3"), r"best: .* mean return (\S+)"),
}


def run(name: str, *arguments: str, timeout: float = 280) -> str:
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    with tempfile.TemporaryDirectory() as folder:  # for what it writes
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=timeout, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def result(pattern: str, output: str) -> float:
    found = re.search(pattern, output)
    assert found, f"no line like {pattern!r} in\n{output}"
    return float(found.group(1))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("ask_tell.py", marks=pytest.mark.slow),
        pytest.param("brax_ant.py", marks=pytest.mark.slow),
        pytest.param("custom_fitness.py", marks=pytest.mark.slow),
        pytest.param("equinox_policy.py", marks=pytest.mark.slow),
        pytest.param("flax_policy.py", marks=pytest.mark.slow),
        pytest.param("marl_pettingzoo.py", marks=pytest.mark.slow),
        pytest.param("marl_spread.py", marks=pytest.mark.slow),
        pytest.param("predator_prey.py", marks=pytest.mark.slow),
        pytest.param("self_play.py", marks=pytest.mark.slow),
        pytest.param("tune_cartpole.py", marks=[pytest.mark.slow, pytest.mark.ray]),
    ],
)
def test_example_prints_a_finite_result(name):
    arguments, pattern = RUNS[name]
    assert math.isfinite(result(pattern, run(name, *arguments)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cartpole.py", "eggroll_in_100_lines.py"])
def test_cart_pole_is_learned_with_default_settings(name):
    _, pattern = RUNS[name]
    assert result(pattern, run(name)) >= 475.0


@pytest.mark.slow
def test_digits_are_told_apart():
    _, pattern = RUNS["digits.py"]
    assert result(pattern, run("digits.py")) > 0.95


def test_every_example_is_run_and_short():
    examples = {path.name: path for path in EXAMPLES.glob("*.py")}
    assert set(examples) == set(RUNS)
    for name, path in examples.items():
        text = path.read_text()
        assert len(text.splitlines()) < 120, f"{name} is too long"
        docstring = ast.get_docstring(ast.parse(text))
        assert docstring and f"python examples/{name}" in docstring, f"{name} does not say how to run it"


def test_one_page_example_stands_alone():
    tree = ast.parse((EXAMPLES / "eggroll_in_100_lines.py").read_text())
    modules = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert set(modules) <= {"itertools", "jax", "jax.numpy", "numpy", "optax", "tyro"}


@pytest.mark.slow
def test_custom_fitness_improves_in_every_form():
    lines = run("custom_fitness.py").splitlines()
    changes = [re.search(r"parameters (\S+) at first, (\S+) after", line) for line in lines]
    assert len(changes) == 3
    for change in changes:
        assert change is not None and float(change.group(2)) > float(change.group(1))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nobody_wins_a_game_of_tic_tac_toe_against_the_trained_policy(tmp_path):
    output = run("self_play.py", "--picture", str(tmp_path / "game"), timeout=1700)
    found = re.findall(r"against a (\w+) player, .* (\S+)% drawn, (\S+)% lost", output)
    assert [(name, lost) for name, _, lost in found] == [(name, "0.0") for name in ("random",) * 2 + ("perfect",) * 2]
    assert [drawn for name, drawn, _ in found if name == "perfect"] == ["100.0"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("network", ["mlp", "gru"])
def test_equinox_policy_is_solved(network):
    assert "solved after" in run("equinox_policy.py", "--network", network)


@pytest.mark.slow
def test_ant_runs():
    arguments, pattern = RUNS["brax_ant.py"]
    assert math.isfinite(result(pattern, run("brax_ant.py", *arguments, "--task", "brax/ant")))


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.parametrize("name", ["custom_fitness.py", "equinox_policy.py"])
def test_example_prints_the_same_with_workers(name):
    arguments, pattern = RUNS[name]
    alone, distributed = (run(name, *arguments, "--workers", workers) for workers in ("0", "2"))
    assert result(pattern, alone) == result(pattern, distributed)
