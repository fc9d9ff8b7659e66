"""Craftax environments (with ideas of Crafter and NetHack, in JAX) as `Env` records.

An `Env` made here holds only a name and options; each process builds the suite's object when it
first needs it. So a pickled environment is small, and loading one starts no JAX backend.

When pixels are first used on a machine, as observations or by `render`, craftax prepares its textures. That takes some
minutes. It stores them in its own folder, which must be writable. Make one such environment on each machine before you
start workers there.
"""

import contextlib
import dataclasses
import functools
import io
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eggroll_ray.rl.env import Box, Discrete, Env, Timestep
from envs.foreign import Options, building, frozen, lenient, strong
from envs.render.frames import save_gif, thinned

_GAMES = ("Craftax-Classic-Symbolic", "Craftax-Classic-Pixels", "Craftax-Symbolic", "Craftax-Pixels")
_NAMES = (*(f"{game}-v1" for game in _GAMES), *(f"{game}-AutoReset-v1" for game in _GAMES))
UNSUPPORTED: dict[str, str] = {}


def names() -> tuple[str, ...]:
    """Returns the ids that work, without importing craftax."""
    return _NAMES


def make(name: str, **options: Any) -> Env:
    """Makes one craftax environment, without craftax's auto-reset.

    Compiling one takes minutes.

    Args:
        name: craftax's id, such as `Craftax-Classic-Symbolic-v1`. `Craftax-Classic-Symbolic-AutoReset-v1` is the same
            environment under the name that the paper uses.
        **options: fields of the environment's params, such as `max_timesteps=1000`, the largest number of steps in an
            episode. Craftax's own limits are 10 000 in the classic game and 100 000 in the other.

    Returns:
        The environment. Symbolic observations are one vector; pixels are `(height, width, 3)` in 0 .. 1.
    """
    fixed = frozen(name, options)
    suite_env, params = _build(name, fixed)
    if params.max_timesteps < 1:
        raise ValueError(f"max_timesteps={params.max_timesteps} of craftax/{name} must be at least 1")
    shape = suite_env.observation_space(params).shape
    return Env(
        name=f"craftax/{name}",
        reset=functools.partial(_reset, name, fixed),
        step=functools.partial(_step, name, fixed),
        observation_space=Box.of(shape, 0, 1) if "Pixels" in name else Box.of(shape),
        action_space=Discrete(int(suite_env.num_actions)),
        max_steps=int(params.max_timesteps),
        render=functools.partial(_render, name, fixed),
    )


@functools.lru_cache(maxsize=64)
def _build(name: str, options: Options) -> tuple[Any, Any]:
    with contextlib.redirect_stdout(io.StringIO()), building():
        from craftax import craftax_env

        suite_env = craftax_env.make_craftax_env_from_name(name.replace("-AutoReset", ""), auto_reset=False)
        params = suite_env.default_params
        fields = sorted(field.name for field in dataclasses.fields(params))
        unknown = sorted(set(dict(options)) - set(fields))
        if unknown:
            raise ValueError(f"craftax/{name} has no option among {unknown}; its parameters are {fields}")
        return suite_env, dataclasses.replace(params, **dict(options))


def _reset(name: str, options: Options, key: Any) -> tuple[Any, Timestep]:
    suite_env, params = _build(name, options)
    with lenient():
        observation, state = suite_env.reset_env(key, params)
    shown = Timestep(jnp.asarray(observation, jnp.float32), jnp.zeros((), jnp.float32), jnp.zeros((), bool))
    return strong(state), shown


def _step(name: str, options: Options, state: Any, action: Any, key: Any) -> tuple[Any, Timestep]:
    suite_env, params = _build(name, options)
    with lenient():
        observation, state, reward, done, _ = suite_env.step_env(key, state, action, params)
    shown = Timestep(jnp.asarray(observation, jnp.float32), jnp.asarray(reward, jnp.float32), jnp.asarray(done, bool))
    return strong(state), shown


def _render(name: str, options: Options, states: list[Any], path: Path) -> Path:
    _build(name, options)
    draw = jax.jit(_renderer("Classic" in name))
    shown = thinned(f"craftax/{name}", states)
    with lenient():
        return save_gif([np.asarray(draw(state)).astype(np.uint8) for state in shown], path)


@functools.cache
def _renderer(classic: bool) -> Any:
    with contextlib.redirect_stdout(io.StringIO()), building():
        if classic:
            from craftax.craftax_classic import constants, renderer
        else:
            from craftax.craftax import constants, renderer
        return renderer.make_craftax_pixel_renderer(constants.BLOCK_PIXEL_SIZE_IMG)
