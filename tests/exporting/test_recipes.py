"""The recipes of the guide give the policy's actions in a process without this package and the environments."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import envs
from eggroll_ray.exporting.write import export
from eggroll_ray.models.policies import mlp
from eggroll_ray.rl.jax_rollout import from_env
from eggroll_ray.trainer import Trainer

GUIDE = Path(__file__).parents[2] / "docs/guides/use_a_policy.md"
OBSERVATIONS = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32) * 3


@pytest.fixture(scope="module")
def exported(tmp_path_factory, compile_quickly):
    """A folder with `exported/`, of a policy that was trained for two generations, and with its actions."""
    folder = tmp_path_factory.mktemp("recipes")
    evaluator = from_env(envs.make("gymnax/Pendulum-v1"), mlp((16, 16)), normalize_observations=True)
    with Trainer(evaluator, population_size=16, run=folder / "run") as trainer:
        policy = trainer.fit(2).policy
    assert policy is not None
    export(policy, folder / "exported")
    np.savez(folder / "actions.npz", observations=OBSERVATIONS, actions=policy(OBSERVATIONS))
    return folder


def blocks(text: str) -> list[str]:
    """The blocks of Python of the guide's section, in order."""
    section = text.split("## Run it without this package")[1]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


def recipes() -> dict[str, str]:
    """File that is read -> the block that reads it, with what it needs of those before it."""
    npz, safe, stablehlo, onnx = (block for block in blocks(GUIDE.read_text()) if "exported/policy." in block)
    return {"npz": npz, "safetensors": npz + safe, "stablehlo": stablehlo, "onnx": onnx}


CHECK = """
given = np.load("actions.npz")
np.testing.assert_allclose(act(given["observations"]), given["actions"], rtol=1e-5, atol=1e-5)
print("the same actions")
"""


def run(name: str, folder: Path) -> None:
    """Runs a recipe where what it must not need cannot be imported."""
    recipe = recipes()[name]
    assert f"exported/policy.{name}" in recipe and "eggroll" not in recipe
    absent = ["eggroll_ray", "envs", *(() if name == "stablehlo" else ("jax",))]
    code = f"import sys\nfor name in {absent}:\n    sys.modules[name] = None\n{recipe}{CHECK}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, timeout=200)
    assert done.returncode == 0, done.stderr
    assert "the same actions" in done.stdout and not done.stderr


@pytest.mark.parametrize("name", [name for name in recipes() if name != "onnx"])
def test_a_recipe_gives_the_actions_of_the_policy_without_this_package(name, exported):
    run(name, exported)


ONNX = """
import eggroll_ray as er

er.export(er.load("run"), "exported", ["npz", "onnx"])
"""


@pytest.mark.slow
def test_the_recipe_of_onnx_gives_the_actions_of_the_policy_without_this_package(exported):
    pytest.importorskip("onnxruntime")
    # In a process of its own: jax2onnx replaces functions of JAX.
    subprocess.run([sys.executable, "-c", ONNX], check=True, cwd=exported, timeout=280)
    run("onnx", exported)
