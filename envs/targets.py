"""Returns at which an environment is taken for solved, where its makers, or the field, have said one.

Importing this module imports no suite and no JAX.
"""

import importlib
import importlib.util
from typing import NamedTuple


class Target(NamedTuple):
    """A mean return per episode that is taken for a solution, and who says so."""

    value: float
    source: str


_GYMNASIUM = "the reward threshold of Gymnasium"
# What gymnax has taken over from Gymnasium, with the same rewards and the same most steps: as of Gymnasium 1.3.
_GYMNAX = {
    "CartPole-v1": 475.0,
    "Acrobot-v1": -100.0,
    "MountainCar-v0": -110.0,
    "MountainCarContinuous-v0": 90.0,
}
_OUT_OF_REACH = ("Pusher-v4", "Pusher-v5")  # whose threshold is 0, while every reward is below it


def target(name: str) -> Target | None:
    """Returns the target of an environment that is made without options of its own, None where there is none.

    It runs no code of the environment's own: the id of a module (`gym/module:Id`) has no target.

    Args:
        name: `suite/id`, as `envs.make` takes it.
    """
    suite, _, short = name.partition("/")
    if suite == "gymnax" and short in _GYMNAX:
        return Target(_GYMNAX[short], _GYMNASIUM)
    if suite == "gym" and ":" not in short and short not in _OUT_OF_REACH and importlib.util.find_spec("gymnasium"):
        spec = importlib.import_module("gymnasium").registry.get(short)
        if spec is not None and spec.reward_threshold is not None:
            return Target(float(spec.reward_threshold), _GYMNASIUM)
    return None
