"""Gymnasium environments as `HostEnv` records, made from any id that Gymnasium knows or from a function.

Only the name and the options, or the function, are sent to workers. Each process makes its own environments.
"""

import contextlib
import functools
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from eggroll_ray.rl.env import HostEnv
from envs.host import envpool_batch
from envs.host.batch import Layout, Shown, flag, host_env, names_argument, number
from envs.host.spaces import acted, choices, encode_with_mask, observed, read_mask

OPEN = True  # other ids that Gymnasium knows may be made too, such as ids that a package registers when imported
_NAMES = (
    *("CartPole-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Pendulum-v1", "Acrobot-v1"),
    *("Blackjack-v1", "FrozenLake-v1", "FrozenLake8x8-v1", "CliffWalking-v1", "CliffWalkingSlippery-v1", "Taxi-v4"),
    *("LunarLander-v3", "LunarLanderContinuous-v3", "BipedalWalker-v3", "BipedalWalkerHardcore-v3", "CarRacing-v3"),
    *("Reacher-v5", "Pusher-v5", "InvertedPendulum-v5", "InvertedDoublePendulum-v5", "HalfCheetah-v5", "Hopper-v5"),
    *("Swimmer-v5", "Walker2d-v5", "Ant-v5", "Humanoid-v5", "HumanoidStandup-v5"),
    *("ALE/Pong-v5", "ALE/Breakout-v5", "ALE/SpaceInvaders-v5", "ALE/Seaquest-v5", "ALE/Qbert-v5", "ALE/BeamRider-v5"),
)
UNSUPPORTED = {
    f"{name}-{version}": "it is not part of Gymnasium any more; use version v5"
    for name in ("Ant", "HalfCheetah", "Hopper", "Humanoid", "Swimmer", "Walker2d", "Reacher", "Pusher")
    for version in ("v2", "v3")
}
# Limits of steps for Gymnasium's own environments that declare none. A hand of Blackjack ends by itself long before.
_LIMITS = {"Blackjack-v1": 50, "CliffWalking-v1": 200, "CliffWalkingSlippery-v1": 200}

Make = Callable[..., Any]
Wrappers = Sequence[Callable[[Any], Any]]


def names() -> tuple[str, ...]:
    """Returns well-known ids that work, without importing Gymnasium."""
    return _NAMES


def imports(name: str) -> str | None:
    """Returns the module that an id imports, which is `module` in `module:Id-v0`, or None if it imports none."""
    return name.rpartition(":")[0] or None


def make(name: str, *, envpool: bool = False, wrappers: Wrappers = (), renew: bool = False, **options: Any) -> HostEnv:
    """Makes one Gymnasium environment.

    If your script has registered the environment, its entry point is sent to the workers.

    Observations become float32 arrays. Only arrays of bytes with at least two axes (images) stay uint8; see
    `envs.host.spaces.observed`. An `action_mask` in the info of reset and step, or in a dictionary of observations,
    becomes the mask. Images keep the order of their axes. For the usual preprocessing of Atari, use
    `wrappers=(AtariPreprocessing,)` from `gymnasium.wrappers` with `frameskip=1`.

    Args:
        name: Gymnasium's id, such as `CartPole-v1`, `ALE/Pong-v5`, or `module:Id-v0` to import a module first.
        envpool: whether to use the environment of that name in the EnvPool library, which steps in C++ and has its own
            options; see `envs.host.envpool_batch`.
        wrappers: functions that take an environment and return another one, applied in order.
        renew: whether to make a new environment for each episode. Set it if an episode depends on earlier ones, which
            `check_host_env` finds. The environments in `names()` do not need it.
        **options: arguments of `gymnasium.make`, such as `max_episode_steps=200`, the largest number of steps in an
            episode.

    Returns:
        The environment.

    Raises:
        ValueError: when it cannot be made, has spaces that cannot be used, or has no limit of steps.
    """
    if name in _LIMITS:
        options = {"max_episode_steps": _LIMITS[name]} | options
    if envpool:
        if wrappers:
            raise ValueError(f"gym/{name} has wrappers={wrappers}, which EnvPool cannot apply; leave out envpool=True")
        return envpool_batch.make(name, **options)
    make = functools.partial(_registered, name, tuple(wrappers), options, _own_spec(name))
    return _host_env(f"gym/{name}", make, renew=renew)


def from_function(make: Make, *, name: str, max_steps: int | None = None, renew: bool = False) -> HostEnv:
    """Makes a `HostEnv` of your own Gymnasium environment, also of one with the interface that Gym had before 0.26.

    Args:
        make: returns a new environment. It is called in each process, so it must survive cloudpickle. If it takes an
            argument `render_mode`, episodes can be drawn with "rgb_array".
        name: what to call it.
        max_steps: the most steps of an episode; default: what the environment's spec says.
        renew: see `make`.

    Raises:
        ValueError: it cannot be made, has spaces that cannot be used, or has no limit of steps.
    """
    parameters = inspect.signature(make).parameters.values()
    drawable = any(one.name == "render_mode" or one.kind is one.VAR_KEYWORD for one in parameters)
    return _host_env(name, functools.partial(_called, make, drawable), max_steps, drawable, renew)


def _host_env(
    name: str, make: Make, max_steps: int | None = None, drawable: bool = True, renew: bool = False
) -> HostEnv:
    try:
        with _building():
            env = make(None)
            _, info = _reset(env, 0)
            limit = max_steps or _limit(env.spec)
            env.close()
    except Exception as error:
        raise ValueError(f"{name} cannot be made: {type(error).__name__}: {error}") from error
    if not limit:
        raise ValueError(
            f"{name} does not say when an episode ends at the latest; give max_episode_steps=1000 or so, or "
            "max_steps=1000 to from_function"
        )
    return host_env(name, functools.partial(_Game, make, "action_mask" in info), limit, drawable=drawable, renew=renew)


def _limit(spec: Any) -> int | None:
    """The limit of steps that an environment declares. Atari's limit counts frames, so it is converted."""
    if spec is None:
        return None
    frames, skip = spec.kwargs.get("max_num_frames_per_episode"), spec.kwargs.get("frameskip", 1)
    if spec.max_episode_steps or not frames:
        return spec.max_episode_steps
    return -(-frames // (skip if isinstance(skip, int) else min(skip)))


def _own_spec(name: str) -> Any:
    """The spec of an environment that was registered in this process only; None if Gymnasium itself registers it."""
    import gymnasium

    spec = gymnasium.registry.get(name)
    at = spec and spec.entry_point
    return None if spec is None or (isinstance(at, str) and at.startswith(("gymnasium.", "ale_py."))) else spec


def _registered(name: str, wrappers: Wrappers, options: dict[str, Any], spec: Any, render_mode: str | None) -> Any:
    import gymnasium

    if name.startswith("ALE/"):
        try:
            import ale_py
        except ImportError as error:
            raise ImportError("it needs ale-py; run: pip install 'eggroll-ray[atari]'") from error
        gymnasium.register_envs(ale_py)
    options = {"disable_env_checker": True} | options
    found = spec or gymnasium.registry.get(name)
    if render_mode is not None or found is None or _names_render_mode(found):
        options = {"render_mode": render_mode} | options
    env = gymnasium.make(spec or name, **options)
    for wrapper in wrappers:
        env = wrapper(env)
    return env


def _names_render_mode(spec: Any) -> bool:
    from gymnasium.envs.registration import load_env_creator

    at = spec.entry_point
    return at is None or names_argument(load_env_creator(at) if isinstance(at, str) else at, "render_mode")


def _reset(env: Any, seed: int) -> tuple[Any, dict[str, Any]]:
    """Resets an environment, also one with Gym's old interface, which returns an observation without an info.

    Raises:
        TypeError: when it cannot be seeded.
    """
    try:
        shown = env.reset(seed=seed)
    except TypeError as error:
        if "'seed'" not in str(error):
            raise
        if not hasattr(env, "seed"):
            raise TypeError(
                f"{error}; write reset(self, *, seed=None, options=None), whose seed decides all random numbers"
            ) from error
        env.seed(seed)
        shown = env.reset()
    if isinstance(shown, tuple) and len(shown) == 2 and (shown[1] is None or isinstance(shown[1], dict)):
        return shown[0], shown[1] or {}
    return shown, {}


def _step(env: Any, action: Any) -> tuple[Any, float, bool, dict[str, Any]]:
    """Steps an environment, also one with Gym's old interface, which returns four values.

    Returns:
        Observation, reward, whether the episode has ended, and info.
    """
    found = env.step(action)
    if not isinstance(found, tuple) or len(found) not in (4, 5):
        what = f"{len(found)} values" if isinstance(found, tuple) else f"a {type(found).__name__}"
        raise TypeError(f"step returned {what}; return (observation, reward, terminated, truncated, info)")
    observation, reward, *ends, info = found
    names = ("terminated", "truncated") if len(ends) == 2 else ("done",)
    done = [flag(end, name) for end, name in zip(ends, names, strict=True)]
    return observation, number(reward), any(done), info or {}


def _called(make: Make, drawable: bool, render_mode: str | None) -> Any:
    return make(render_mode=render_mode) if drawable else make()


@contextlib.contextmanager
def _building() -> Iterator[None]:
    """Hides a suite's warnings about its own models and versions, which would appear once for each environment."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mujoco = sys.modules.get("mujoco")
        if mujoco is None:
            yield
            return
        # MuJoCo prints its warnings without Python, and appends them to a file in the working directory.
        handler = mujoco.get_mju_user_warning()
        mujoco.set_mju_user_warning(lambda _: None)
        try:
            yield
        finally:
            mujoco.set_mju_user_warning(handler)


class _Game:
    """One environment; see `envs.host.batch.Game`."""

    def __init__(self, make: Make, mask_in_info: bool, render_mode: str | None):
        with _building():
            self._env = make(render_mode)
        self.metadata = self._env.metadata
        self._observed = observed(self._env.observation_space)
        action = acted(self._env.action_space)
        masked = bool(choices(action.space)) and (mask_in_info or self._observed.masked)
        encode = functools.partial(encode_with_mask, self._observed, action.space)
        self.layout = Layout(
            self._observed.box, action.space, self._observed.dtype, action.decode, masked, encode=encode
        )

    def reset(self, seed: int) -> Shown:
        observation, info = _reset(self._env, seed)
        return self._shown(observation, 0.0, False, info)

    def step(self, action: Any) -> Shown:
        return self._shown(*_step(self._env, action))

    def draw(self) -> Any:
        return self._env.render()

    def close(self) -> None:
        self._env.close()

    def _shown(self, observation: Any, reward: Any, done: bool, info: dict[str, Any]) -> Shown:
        mask = None
        if self.layout.masked and not done:
            raw = observation["action_mask"] if self._observed.masked else info.get("action_mask")
            mask = None if raw is None else read_mask(self.layout.action_space, raw)
        return Shown(self._observed.encode(observation), reward, done, mask)
