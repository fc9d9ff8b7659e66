"""Accepted targets: those of Gymnasium for its environments and their copies, and none where nobody has said one."""

import subprocess
import sys

import pytest

from envs.targets import target


def test_copies_of_gymnasium_have_its_targets():
    gymnasium = pytest.importorskip("gymnasium")
    for name in ("CartPole-v1", "Acrobot-v1", "MountainCar-v0", "MountainCarContinuous-v0"):
        found = target(f"gymnax/{name}")
        assert found is not None and found == target(f"gym/{name}")
        assert found.value == gymnasium.spec(name).reward_threshold and "Gymnasium" in found.source
    assert target("gym/HalfCheetah-v5").value == 4800.0


@pytest.mark.parametrize(
    "name", ["gymnax/Pendulum-v1", "gym/Pendulum-v1", "brax/ant", "gym/Pusher-v5", "gym/Nothing-v0", "CartPole-v1"]
)
def test_others_have_none(name):
    assert target(name) is None


def test_no_code_of_an_environment_is_run():
    code = "import sys; from envs.targets import target; print(target('gym/this:Env-v0'), 'jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "False"]
