"""Kinetix levels (tasks in a 2-D rigid-body world) as `Env` records.

An `Env` made here holds only a name and options; each process builds the suite's object when it
first needs it. So a pickled environment is small, and loading one starts no JAX backend.

kinetix-env requires an older JAX than it needs. Install it without its dependencies; see `envs.install_command`.
"""

import dataclasses
import functools
import inspect
import types
import warnings
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eggroll_ray.rl.env import Box, Discrete, Env, MultiDiscrete, Space, Timestep
from envs.foreign import Options, building, frozen, lenient, strong
from envs.render.frames import save_gif, thinned

_SMALL = (
    *("h0_weak_thrust", "h1_thrust_over_ball", "h2_one_wheel_car", "h3_point_the_thruster", "h4_thrust_aim"),
    *("h5_rotate_fall", "h6_unicycle_right", "h7_unicycle_left", "h8_unicycle_balance"),
    "h9_explode_then_thrust_over",
)
_MEDIUM = (
    *("arm_hard", "arm_left", "arm_right", "arm_up", "h0_unicycle", "h1_car_left", "h2_car_right", "h3_car_thrust"),
    *("h4_thrust_the_needle", "h5_angry_birds", "h6_thrust_over", "h7_car_flip", "h8_weird_vehicle"),
    *("h9_spin_the_right_way", "h10_thrust_right_easy", "h11_thrust_left_easy", "h12_thrustfall_left"),
    *("h13_thrustfall_right", "h14_thrustblock", "h15_thrustshoot", "h16_thrustcontrol_right"),
    *("h17_thrustcontrol_left", "h18_thrust_right_very_easy", "h19_thrust_left_very_easy"),
)
_LARGE = (
    *("car_launch", "car_swing_around", "chain_lander", "chain_thrust", "gears", "grasp_easy", "grasp_hard"),
    *("h0_angrybirds", "h1_car_left", "h2_car_ramp", "h3_car_right", "h4_cartpole", "h5_flappy_bird", "h6_lorry"),
    *("h7_maze_1", "h8_maze_2", "h9_morph_direction", "h10_morph_direction_2", "h11_obstacle_avoidance"),
    *("h12_platformer_1", "h13_platformer_2", "h14_simple_thruster", "h15_swing_up", "h16_thruster_goal"),
    *("h17_unicycle", "hard_beam_balance", "hard_cartpole_thrust", "hard_cartpole_wheels", "hard_lunar_lander"),
    *("hard_pinball", "lever_puzzle", "mjc_half_cheetah", "mjc_half_cheetah_easy", "mjc_hopper", "mjc_hopper_easy"),
    *("mjc_swimmer", "mjc_walker", "mjc_walker_easy", "pr", "rail"),
)
_NAMES = tuple(f"{size}/{level}" for size, levels in (("s", _SMALL), ("m", _MEDIUM), ("l", _LARGE)) for level in levels)
UNSUPPORTED: dict[str, str] = {}

_ACTIONS = ("continuous", "discrete", "multi_discrete")


def names() -> tuple[str, ...]:
    """Returns the levels that ship with kinetix, without importing it."""
    return _NAMES


def make(name: str, action_type: str = "continuous", **options: Any) -> Env:
    """Makes one level, without kinetix's auto-reset. Every episode starts in the same state.

    Observations are kinetix's `symbolic_flat`: the features of all shapes, joints and thrusters in one vector, clipped
    to -10 .. 10.

    Args:
        name: the level by its name in kinetix's folders, such as `s/h1_thrust_over_ball`.
        action_type: `continuous` (the setting of the paper), `discrete` (one motor or thruster at a time) or
            `multi_discrete`.
        **options: fields of kinetix's `EnvParams`, such as `max_timesteps=128`, the largest number of steps in an
            episode, or `dense_reward_scale=0.0` for a reward only on success.

    Returns:
        The environment.
    """
    if action_type not in _ACTIONS:
        raise ValueError(f"action_type={action_type!r} of kinetix/{name} must be one of {', '.join(_ACTIONS)}")
    fixed = frozen(name, {"action_type": action_type, **options})
    suite_env, params, level = _build(name, fixed)
    if params.max_timesteps < 1:
        raise ValueError(f"max_timesteps={params.max_timesteps} of kinetix/{name} must be at least 1")
    with lenient():
        shape = jax.eval_shape(suite_env.get_obs, level).shape
    return Env(
        name=f"kinetix/{name}",
        reset=functools.partial(_reset, name, fixed),
        step=functools.partial(_step, name, fixed),
        observation_space=Box.of(shape, -10, 10),
        action_space=_space(suite_env.action_space(params)),
        max_steps=int(params.max_timesteps),
        render=functools.partial(_render, name, fixed),
    )


@functools.lru_cache(maxsize=64)
def _build(name: str, options: Options) -> tuple[Any, Any, Any]:
    """Returns the suite's environment, its params, and the state in which the level starts."""
    _import_mended()
    from kinetix.environment import ActionType, ObservationType, make_kinetix_env
    from kinetix.util.saving import load_from_json_file

    chosen: dict[str, Any] = dict(options)
    action_type = chosen.pop("action_type")
    with building():
        level, static_params, params = load_from_json_file(f"{name}.json")
        fields = sorted(field.name for field in dataclasses.fields(params))
        unknown = sorted(set(chosen) - set(fields))
        if unknown:
            raise ValueError(f"kinetix/{name} has no option among {unknown}; its parameters are {fields}")
        params = dataclasses.replace(params, **chosen)
        suite_env = make_kinetix_env(
            ActionType.from_string(action_type),
            ObservationType.SYMBOLIC_FLAT,
            reset_fn=lambda key: level,  # also makes levels unequal, since kinetix caches by equality
            env_params=params,
            static_env_params=static_params,
            auto_reset=False,
        )
    return suite_env, params, strong(level)


def _import_mended() -> None:
    """Imports kinetix and makes it work: jax2d 1.0 calls `clip` with keywords that JAX 0.10 no longer has."""
    # Its networks import distrax, and with it TensorFlow Probability, which causes deprecation warnings of JAX.
    with warnings.catch_warnings(), building():
        warnings.simplefilter("ignore")
        import kinetix.environment  # noqa: F401
        from jax2d import collision, engine

    if engine.jnp is jnp and "a_min" not in inspect.signature(jnp.clip).parameters:
        mended: Any = types.SimpleNamespace(**{**vars(jnp), "clip": _clip})
        engine.jnp = collision.jnp = mended


def _clip(array: Any, a_min: Any = None, a_max: Any = None) -> jax.Array:
    return jnp.clip(array, a_min, a_max)


def _space(space: Any) -> Space:
    from gymnax.environments import spaces
    from kinetix import environment

    if isinstance(space, environment.MultiDiscrete):
        return MultiDiscrete(tuple(map(int, space.number_of_dims_per_distribution)))
    if isinstance(space, spaces.Discrete):
        return Discrete(int(space.n))
    return Box.of(tuple(space.shape), -1, 1)


def _reset(name: str, options: Options, key: Any) -> tuple[Any, Timestep]:
    del key  # a level always starts in the same state
    suite_env, _, level = _build(name, options)
    with lenient():
        observation = suite_env.get_obs(level)
    return level, Timestep(observation, jnp.zeros((), jnp.float32), jnp.zeros((), bool))


def _step(name: str, options: Options, state: Any, action: Any, key: Any) -> tuple[Any, Timestep]:
    suite_env, params, _ = _build(name, options)
    with lenient():
        observation, state, reward, done, _ = suite_env.step_env(key, state, action, params)
    return strong(state), Timestep(observation, jnp.asarray(reward, jnp.float32), done)


def _render(name: str, options: Options, states: list[Any], path: Path) -> Path:
    suite_env, params, _ = _build(name, options)
    from kinetix.render import make_render_pixels

    shown = thinned(f"kinetix/{name}", states)
    with building():
        draw = jax.jit(make_render_pixels(params, suite_env.static_env_params.replace(downscale=2)))
    with lenient():
        pictures = [np.asarray(draw(state)) for state in shown]
    # The suite's axes are (across, up).
    return save_gif([picture.transpose(1, 0, 2)[::-1].astype(np.uint8) for picture in pictures], path)
