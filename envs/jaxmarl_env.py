"""JaxMARL's environments (particles, Overcooked, Hanabi, SMAX, STORM, several-agent brax) as `Env` records.

An `Env` made here holds only a name and options; each process builds the suite's object when it
first needs it. So a pickled environment is small, and loading one starts no JAX backend.
"""

import contextlib
import functools
import inspect
import io
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from eggroll_ray.rl.env import Box, Discrete, Env, Space, Timestep, action_shape
from envs.foreign import Options, building, frozen, lenient, strong

_PARTICLES = (
    *("MPE_simple_v3", "MPE_simple_adversary_v3", "MPE_simple_crypto_v3", "MPE_simple_push_v3"),
    *("MPE_simple_reference_v3", "MPE_simple_speaker_listener_v4", "MPE_simple_spread_v3", "MPE_simple_tag_v3"),
    *("MPE_simple_world_comm_v3", "MPE_simple_facmac_v1", "MPE_simple_facmac_3a_v1", "MPE_simple_facmac_6a_v1"),
    "MPE_simple_facmac_9a_v1",
)
_BODIES = ("ant_4x2", "halfcheetah_6x1", "hopper_3x1", "humanoid_9|8", "walker2d_2x3")
_BATTLES = ("SMAX", "HeuristicEnemySMAX")
_KITCHENS = ("overcooked", "overcooked_v2")
# Environments whose last step of an episode gives no reward and returns the first state of another episode.
_RESTARTING = ("coin_game", "storm", "storm_2p", "storm_np")
_ROBOTARIUM = "it is part of the package jaxrobotarium, not jaxmarl, and pip does not find that package"
UNSUPPORTED = {
    "LearnedPolicyEnemySMAX": "it needs a Flax policy and its parameters, which cannot be given by name; train both "
    "sides of jaxmarl/SMAX, or play against jaxmarl/HeuristicEnemySMAX",
    **{
        f"JaxRobotarium_{task}": _ROBOTARIUM
        for task in ("navigation", "discovery", "material_transport", "warehouse", "arctic_transport", "foraging")
    },
    **{f"JaxRobotarium_{task}": _ROBOTARIUM for task in ("rware", "predator_prey")},
}

_INVISIBLE = {"hanabi", "switch_riddle", "coin_game"}  # the suite can at most print them, not draw them
# Numeric options of the particles' constructors that are not in their signatures. They ignore any unknown option.
_UNNAMED = {"damping", "contact_force", "contact_margin"}


class JaxmarlState(NamedTuple):
    """The suite's state, the agents that were already done, and the number of steps."""

    suite_state: Any
    gone: Bool[Array, " a"]
    time: Int[Array, ""]


class _Config(NamedTuple):
    """Everything from which an environment is made. It is sent to workers in place of the environment."""

    name: str
    options: Options
    max_steps: int
    shaping: float


class _Layout(NamedTuple):
    agents: tuple[str, ...]
    each: tuple[tuple[Box, Space], ...]  # observation and action space of each agent
    box: Box  # the largest of them
    space: Space
    masked: bool


def names() -> tuple[str, ...]:
    """Returns the ids that work, without importing jaxmarl."""
    return (*_PARTICLES, *_BODIES, *_BATTLES, *_KITCHENS, *_RESTARTING, "hanabi", "jaxnav", "switch_riddle")


def make(name: str, max_steps: int | None = None, shaping: float = 0.0, **options: Any) -> Env:
    """Makes one JaxMARL environment, without its auto-reset.

    Agents have the suite's names and order. The mask is the suite's if it has one (legal moves in Hanabi, available
    actions in SMAX). If agents have different action spaces, the mask excludes the actions that an agent lacks. A unit
    of SMAX that has died cannot act, but still receives its team's reward, as in the suite. In all other environments
    an agent that is done gets reward 0 from then on. In the four `facmac` ids the prey, `agent_*`, moves by itself, and
    its action is ignored.

    In JaxMARL 0.2 the particles and SMAX run one step longer than their `max_steps`; here they end exactly then. The
    coin game and STORM end one step earlier than in the suite, because the suite's last step always gives reward 0 and
    already shows another episode.

    Args:
        name: JaxMARL's id, such as `MPE_simple_spread_v3`.
        max_steps: largest number of steps in an episode; default: the suite's own, or in Hanabi the longest game.
        shaping: weight of the suite's shaped reward, which is added to the reward in `overcooked` and `overcooked_v2`.
        **options: arguments of the environment's constructor. Examples are `action_type="Continuous"` of the particles
            and "continuous" of SMAX (most are discrete by default, see the suite), `num_agents=4`,
            `layout="asymm_advantages"` of `overcooked` and `overcooked_v2`, and `scenario="3s5z"` of SMAX.

    Returns:
        The environment. Observations are float32; shorter ones are padded with zeros.
    """
    if max_steps is not None and max_steps < 1:
        raise ValueError(f"max_steps={max_steps} of jaxmarl/{name} must be at least 1")
    if shaping and name not in _KITCHENS:
        raise ValueError(f"shaping={shaping} of jaxmarl/{name} must be 0: only overcooked has shaped rewards")
    if max_steps is not None and name in _BODIES:
        options["episode_length"] = max_steps
    elif max_steps is not None and name in (*_BATTLES, *_KITCHENS, "jaxnav"):
        options["max_steps"] = max_steps
    fixed = frozen(name, options)
    config = _Config(name, fixed, _limit(name, _build(name, fixed), max_steps), float(shaping))
    layout = _layout(name, fixed)
    differ = any((box.shape, _size(space)) != (layout.box.shape, _size(layout.space)) for box, space in layout.each)
    return Env(
        name=f"jaxmarl/{name}",
        reset=functools.partial(_reset, config),
        step=functools.partial(_step, config),
        observation_space=layout.box,
        action_space=layout.space,
        max_steps=config.max_steps,
        agents=layout.agents,
        agent_spaces=layout.each if differ else (),
        render=None if name in _INVISIBLE else functools.partial(_render, config),
    )


@functools.lru_cache(maxsize=64)
def _build(name: str, options: Options) -> Any:
    chosen = dict(options)
    with building(), _silence():
        import jaxmarl

        if name in _BODIES:
            chosen["auto_reset"] = False
        if name == "overcooked" and "layout" in chosen:
            from jaxmarl.environments import overcooked_layouts

            chosen["layout"] = _named(name, "layout", chosen["layout"], overcooked_layouts)
        if name in _BATTLES and "scenario" in chosen:
            from jaxmarl.environments.smax.smax_env import MAP_NAME_TO_SCENARIO

            chosen["scenario"] = _named(name, "scenario", chosen["scenario"], MAP_NAME_TO_SCENARIO)
        try:
            suite_env: Any = jaxmarl.make(name, **chosen)
        except (TypeError, AssertionError, ValueError, NotImplementedError) as error:
            raise ValueError(f"jaxmarl/{name} refuses its options {dict(options)}: {error}") from error
        except ImportError as error:
            raise ValueError(f"jaxmarl/{name} needs brax; run: pip install 'eggroll-ray[brax]'") from error
        if name in _PARTICLES:
            _check_known(name, suite_env, chosen)
        if name.startswith("storm"):
            from envs.jaxmarl_storm import Storm

            return Storm(suite_env)
        return suite_env


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Hides what JaxMARL prints, and its warnings, when it is imported and when it makes an environment."""
    sink, original = io.StringIO(), (sys.__stdout__, sys.__stderr__)
    with warnings.catch_warnings(), contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
        warnings.simplefilter("ignore")
        # Importing JaxMARL sets `sys.stdout` to `sys.__stdout__` and then prints, so replace that too.
        sys.__stdout__ = sys.__stderr__ = sink  # pyright: ignore[reportAttributeAccessIssue, reportConstantRedefinition]
        try:
            yield
        finally:
            sys.__stdout__, sys.__stderr__ = original  # pyright: ignore[reportConstantRedefinition]


@contextlib.contextmanager
def _calling() -> Iterator[None]:
    """Like `lenient`. In addition, hides warnings about code of the suite that later JAX and MuJoCo will refuse."""
    with lenient(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _check_known(name: str, suite_env: Any, options: dict[str, Any]) -> None:
    """Raises ValueError for options of particle environments that their constructors would silently ignore."""
    makers = [vars(of)["__init__"] for of in type(suite_env).__mro__ if "__init__" in vars(of)]
    known = _UNNAMED.union(*(inspect.signature(maker).parameters for maker in makers)) - {"self", "args", "kwargs"}
    if not options.keys() <= known:
        raise ValueError(
            f"jaxmarl/{name} has no option among {sorted(options.keys() - known)}; it has {', '.join(sorted(known))}"
        )


def _named(name: str, option: str, value: Any, known: Any) -> Any:
    if value not in known:
        raise ValueError(f"{option}={value!r} of jaxmarl/{name} is unknown; it has {', '.join(sorted(known))}")
    return known[value]


def _limit(name: str, suite_env: Any, max_steps: int | None) -> int:
    """The largest number of steps in an episode."""
    if name in _PARTICLES:
        return max_steps or suite_env.max_steps
    if name in _BODIES:
        return suite_env.episode_length
    if name in _RESTARTING:
        counting = getattr(suite_env, "suite_env", suite_env)  # unwraps STORM
        own = counting.num_inner_steps * counting.num_outer_steps - 1
    elif name == "hanabi":
        # The longest game: draw every card by playing or discarding, use every token that exists or is won for a hint,
        # and play the last round.
        drawn = suite_env.deck_size - suite_env.num_agents * suite_env.hand_size
        tokens = suite_env.max_info_tokens + drawn + suite_env.num_colors
        own = int(drawn + tokens + suite_env.num_agents)
    else:
        own = suite_env.max_steps
    return min(own, max_steps or own)


@functools.lru_cache(maxsize=64)
def _layout(name: str, options: Options) -> _Layout:
    suite_env = _build(name, options)
    with building(), _silence():
        seen, _ = jax.eval_shape(suite_env.reset, jax.random.key(0))
        boxes = [_observed(suite_env, agent, seen[agent].shape) for agent in suite_env.agents]
        spaces = [_acted(suite_env.action_space(agent)) for agent in suite_env.agents]
    box = Box.of(
        max(box.shape for box in boxes), min(box.low.min() for box in boxes), max(box.high.max() for box in boxes)
    )
    space = max(spaces, key=_size)
    masked = isinstance(space, Discrete) and (
        name in (*_BATTLES, "hanabi") or any(_size(other) < space.n for other in spaces)
    )
    return _Layout(tuple(map(str, suite_env.agents)), tuple(zip(boxes, spaces, strict=True)), box, space, masked)


def _observed(suite_env: Any, agent: str, shape: tuple[int, ...]) -> Box:
    """The observation space of an agent, with the shape of real observations. Some of the suite's spaces are wrong."""
    from jaxmarl.environments import spaces

    space = suite_env.observation_space(agent)
    if isinstance(space, spaces.MultiDiscrete):
        return Box.of(shape, 0, np.asarray(space.num_categories) - 1)
    bounded = isinstance(space, spaces.Box) and np.ndim(space.low) == np.ndim(space.high) == 0
    return Box.of(shape, space.low, space.high) if bounded else Box.of(shape)


def _acted(space: Any) -> Space:
    from jaxmarl.environments import spaces

    if isinstance(space, spaces.Discrete):
        return Discrete(int(space.n))
    if isinstance(space, spaces.Box):
        return Box.of(tuple(space.shape), np.asarray(space.low), np.asarray(space.high))
    raise ValueError(f"jaxmarl's action space {space} is neither Discrete nor Box; wrap the environment so that it is")


def _size(space: Space) -> int:
    """Number of entries of a mask for this space, or of an action in a box."""
    return space.n if isinstance(space, Discrete) else space.low.size if isinstance(space, Box) else sum(space.n)


def _reset(config: _Config, key: Any) -> tuple[JaxmarlState, Timestep]:
    suite_env, layout = _build(config.name, config.options), _layout(config.name, config.options)
    count = len(layout.agents)
    with _calling():
        seen, suite_state = suite_env.reset(key)
        timestep = Timestep(
            _stacked(layout, seen), _alone(jnp.zeros(count)), jnp.zeros((), bool), _mask(config, layout, suite_state)
        )
    return strong(JaxmarlState(suite_state, jnp.zeros(count, bool), jnp.zeros((), jnp.int32))), timestep


def _step(config: _Config, state: JaxmarlState, action: Any, key: Any) -> tuple[JaxmarlState, Timestep]:
    suite_env, layout = _build(config.name, config.options), _layout(config.name, config.options)
    time = state.time + 1
    with _calling():
        actions = _actions(suite_env, layout, action)
        seen, suite_state, rewards, dones, infos = suite_env.step_env(key, state.suite_state, actions)
        reward = jnp.stack([jnp.asarray(rewards[agent], jnp.float32) for agent in suite_env.agents])
        if config.shaping:
            shaped = [infos["shaped_reward"][agent] for agent in suite_env.agents]
            reward = reward + config.shaping * jnp.stack(shaped).astype(jnp.float32)
        if config.name not in _BATTLES:
            reward = jnp.where(state.gone, 0, reward)
        gone = state.gone | jnp.stack([jnp.asarray(dones.get(agent, False)) for agent in suite_env.agents])
        ended = time >= config.max_steps
        if config.name not in _PARTICLES:  # particles end by time alone, and the suite allows one step too many
            ended |= dones["__all__"]
        timestep = Timestep(_stacked(layout, seen), _alone(reward), ended, _mask(config, layout, suite_state))
    return strong(JaxmarlState(suite_state, gone, time)), timestep


def _alone(values: Any) -> Any:
    """Removes the axis of agents if there is only one agent."""
    return values[0] if len(values) == 1 else values


def _stacked(layout: _Layout, seen: dict[Any, Any]) -> Any:
    rows = [jnp.asarray(seen[agent], jnp.float32) for agent in layout.agents]
    return _alone(jnp.stack([_padded(row, layout.box.shape) for row in rows]))


def _padded(row: Any, shape: tuple[int, ...]) -> Any:
    return jnp.pad(row, [(0, large - small) for small, large in zip(row.shape, shape, strict=True)])


def _actions(suite_env: Any, layout: _Layout, action: Any) -> dict[Any, Any]:
    rows = action[None] if len(layout.agents) == 1 else action
    each = zip(suite_env.agents, layout.each, rows, strict=True)
    return {agent: row[tuple(map(slice, action_shape(space)))] for agent, (_, space), row in each}


def _mask(config: _Config, layout: _Layout, suite_state: Any) -> Any:
    if not layout.masked:
        return ()
    suite_env = _build(config.name, config.options)
    if config.name in _BATTLES:
        legal = suite_env.get_avail_actions(suite_state)
    elif config.name == "hanabi":
        legal = suite_env.get_legal_moves(suite_state)
    else:
        legal = {agent: jnp.ones(_size(space)) for agent, (_, space) in zip(layout.agents, layout.each, strict=True)}
    return _alone(jnp.stack([_padded(legal[agent] > 0, (_size(layout.space),)) for agent in layout.agents]))


def _render(config: _Config, states: list[JaxmarlState], path: Path) -> Path:
    from envs.render import jaxmarl as jaxmarl_render

    suite_env = _build(config.name, config.options)
    with lenient():
        return jaxmarl_render.render(config.name, suite_env, [state.suite_state for state in states], path)
