"""Navix environments (MiniGrid in JAX) as `Env` records.

An `Env` made here holds only a name and options; each process builds the suite's object when it
first needs it. So a pickled environment is small, and loading one starts no JAX backend.
"""

import functools
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from eggroll_ray.rl.env import Box, Discrete, Env, Timestep
from envs.foreign import Options, building, frozen, lenient, strong
from envs.render.frames import save_gif, thinned

_NAMES = (
    *(f"Navix-Empty-{size}-v0" for size in ("5x5", "6x6", "8x8", "16x16")),
    *(f"Navix-Empty-Random-{size}-v0" for size in ("5x5", "6x6", "8x8", "16x16")),
    *(f"Navix-DoorKey-{size}-v0" for size in ("5x5", "6x6", "8x8", "16x16")),
    *(f"Navix-DoorKey-Random-{size}-v0" for size in ("5x5", "6x6", "8x8", "16x16")),
    "Navix-FourRooms-v0",
    *(f"Navix-KeyCorridor{size}-v0" for size in ("S3R1", "S3R2", "S3R3", "S4R3", "S5R3", "S6R3")),
    *(f"Navix-LavaGap{size}-v0" for size in ("S5", "S6", "S7")),
    *(f"Navix-SimpleCrossing{size}-v0" for size in ("S9N1", "S9N2", "S9N3", "S11N5")),
    *(f"Navix-Dynamic-Obstacles-{size}-v0" for size in ("5x5", "5x5-Random", "6x6", "6x6-Random", "8x8", "16x16")),
    *("Navix-DistShift1-v0", "Navix-DistShift2-v0"),
    *(f"Navix-GoToDoor-{size}-v0" for size in ("5x5", "6x6", "8x8")),
)
UNSUPPORTED: dict[str, str] = {}


class NavixState(NamedTuple):
    """The suite's state without its cache of pictures, and the number of steps, which the suite keeps elsewhere."""

    suite_state: Any
    time: Int[Array, ""]


def names() -> tuple[str, ...]:
    """Returns the ids that work, without importing navix."""
    return _NAMES


def make(name: str, max_steps: int = 100, **options: Any) -> Env:
    """Makes one navix environment, without navix's auto-reset.

    Args:
        name: navix's id, such as `Navix-DoorKey-8x8-v0`.
        max_steps: largest number of steps in an episode; the default is navix's own.
        **options: arguments of the environment's constructor, such as
            `observation_fn=navix.observations.symbolic_first_person`. The default, `symbolic`, shows the whole grid as
            `(height, width, 3)`: the kind, colour and state of each cell's content.

    Returns:
        The environment. All observations, including images, are cast to float32.
    """
    if max_steps < 1:
        raise ValueError(f"max_steps={max_steps} of navix/{name} must be at least 1")
    fixed = frozen(name, {"max_steps": max_steps, **options})
    suite_env = _build(name, fixed)
    with lenient():
        observation = jax.eval_shape(suite_env.reset, jax.random.key(0)).observation
    return Env(
        name=f"navix/{name}",
        reset=functools.partial(_reset, name, fixed),
        step=functools.partial(_step, name, fixed),
        observation_space=Box.of(observation.shape),
        action_space=Discrete(len(suite_env.action_set)),
        max_steps=max_steps,
        render=functools.partial(_render, name, fixed),
    )


@functools.lru_cache(maxsize=64)
def _build(name: str, options: Options) -> Any:
    # Its agents import distrax, and with it TensorFlow Probability, which causes deprecation warnings of JAX.
    with warnings.catch_warnings(), building():
        warnings.simplefilter("ignore")
        import navix

        arguments: dict[str, Any] = dict(options)
        try:
            return navix.make(name, **arguments)
        except TypeError as error:
            raise ValueError(f"navix/{name} refuses its options {arguments}: {error}") from error


def _reset(name: str, options: Options, key: Any) -> tuple[NavixState, Timestep]:
    with lenient():
        shown = _build(name, options).reset(key)
    return _result(shown, jnp.zeros((), bool))


def _step(name: str, options: Options, state: NavixState, action: Any, key: Any) -> tuple[NavixState, Timestep]:
    del key  # the suite's state has its own
    suite_env = _build(name, options)
    import navix  # after `_build`, because importing it makes arrays, which must not happen inside a trace

    with lenient():
        cache = navix.rendering.cache.RenderingCache.init(state.suite_state.grid)  # XLA removes it if it is not used
        unused: Any = ()
        before = navix.Timestep(
            state.time, unused, unused, unused, unused, state=state.suite_state.replace(cache=cache)
        )
        shown = suite_env._step(before, action)  # not `step`, which resets episodes that have ended
    return _result(shown, shown.is_done())


def _result(shown: Any, done: Any) -> tuple[NavixState, Timestep]:
    state = NavixState(shown.state.replace(cache=None), jnp.asarray(shown.t, jnp.int32))
    return strong(state), Timestep(
        jnp.asarray(shown.observation, jnp.float32), jnp.asarray(shown.reward, jnp.float32), done
    )


def _render(name: str, options: Options, states: list[NavixState], path: Path) -> Path:
    _build(name, options)
    import navix

    def picture(state: NavixState) -> jax.Array:
        cache = navix.rendering.cache.RenderingCache.init(state.suite_state.grid)
        return navix.observations.rgb(state.suite_state.replace(cache=cache))

    shown = thinned(f"navix/{name}", states)
    with lenient():
        batch = jax.tree.map(lambda *leaves: jnp.stack(leaves), *shown)
        pictures = jax.jit(jax.vmap(picture))(batch)
    return save_gif(list(np.asarray(pictures)), path)
