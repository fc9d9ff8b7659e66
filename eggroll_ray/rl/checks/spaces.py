"""Checks the parts of an environment's contract that need no playing: its declaration and the form of its timesteps.

Letters in shapes: `o` observation axes, `a` agents, `k` entries of an action mask.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from eggroll_ray.rl.actions import choices
from eggroll_ray.rl.env import AnyEnv, Box, Discrete, Env, Space, Timestep

_SLACK = 1e-4  # relative tolerance of the bounds of observations


class Limits(NamedTuple):
    """The spaces of all agents as arrays. There is no axis of agents if there is only one."""

    low: np.ndarray  # lower bounds of observations, (a, *o)
    high: np.ndarray  # upper bounds of observations, (a, *o)
    padded: np.ndarray  # (a, *o) bool: the entries of the observation that an agent does not have
    lacking: np.ndarray  # (a, k) bool: the entries of the mask whose actions an agent does not have


def broken(env: AnyEnv, found: str, remedy: str) -> ValueError:
    """Returns an error that names the environment, the problem that was found, and the remedy."""
    return ValueError(f"environment {env.name!r}: {found}; {remedy}")


def agents_axis(env: AnyEnv) -> tuple[int, ...]:
    """Returns the axes in front of every array: one axis of agents if there are several, otherwise none."""
    return (len(env.agents),) if len(env.agents) > 1 else ()


def starts(space: Space) -> np.ndarray:
    """Returns the index in a mask at which the entries of each choice begin."""
    sizes = () if isinstance(space, Box) else choices(space)
    return np.cumsum((0, *sizes[:-1]))


def check_declaration(env: AnyEnv) -> None:
    """Checks everything that an environment declares.

    Raises:
        ValueError: for the first broken rule, with the value found and what to change.
    """
    if env.max_steps < 1:
        raise broken(env, f"max_steps is {env.max_steps}", "it must be at least 1")
    if not env.agents:
        raise broken(env, "agents is empty", "name at least one")
    if len(set(env.agents)) < len(env.agents):
        raise broken(env, f"agents are {env.agents}", "give each agent a different name")
    _check_space(env, "observation_space", env.observation_space)
    _check_space(env, "action_space", env.action_space)
    if len(env.agent_spaces) not in (0, len(env.agents)):
        found = f"agent_spaces has {len(env.agent_spaces)} entries for {len(env.agents)} agents"
        raise broken(env, found, "give one pair for each agent, in the order of agents, or none at all")
    for agent, (observed, acted) in zip(env.agents, env.agent_spaces, strict=False):
        for kind, space, joint in (
            ("observation", observed, env.observation_space),
            ("action", acted, env.action_space),
        ):
            _check_space(env, f"{kind} space of {agent!r}", space)
            if not _fits(space, joint):
                found = f"the {kind} space of {agent!r}, {_describe(space)}, does not fit into that of all agents, "
                remedy = f"make {kind}_space the largest of all agents"
                raise broken(env, found + _describe(joint), remedy)


def _check_space(env: AnyEnv, name: str, space: Space) -> None:
    if not isinstance(space, Box):
        sizes = choices(space)
        if not sizes or min(sizes) < 1:
            n = space.n if isinstance(space, Discrete) else sizes
            raise broken(env, f"{name} has n = {n}", "it must be at least 1")
        return
    if space.low.shape != space.shape or space.high.shape != space.shape:
        found = f"{name} of shape {space.shape} has bounds of shape {space.low.shape}"
        raise broken(env, found, "make it with Box.of, which broadcasts the bounds")
    if not (space.low <= space.high).all():
        raise broken(env, f"{name} has a low above its high", "swap the bounds")


def _fits(space: Space, joint: Space) -> bool:
    """Whether everything that one agent can observe or choose fits into the space of all agents."""
    if isinstance(space, Box) and isinstance(joint, Box):
        shorter = len(space.shape) == len(joint.shape) == 1 and space.shape < joint.shape
        if space.shape != joint.shape and not shorter:
            return False
        part = tuple(map(slice, space.shape))
        return bool((space.low >= joint.low[part]).all() and (space.high <= joint.high[part]).all())
    if isinstance(space, Box) or isinstance(joint, Box):
        return False
    if isinstance(joint, Discrete) and not isinstance(space, Discrete):
        return False
    own, all_ = choices(space), choices(joint)
    return len(own) <= len(all_) and all(n <= m for n, m in zip(own, all_, strict=False))


def _describe(space: Space) -> str:
    if isinstance(space, Box):
        return (
            f"Box{space.shape} with bounds {np.min(space.low, initial=np.inf)} .. {np.max(space.high, initial=-np.inf)}"
        )
    return f"{type(space).__name__}({space.n})"


def limits(env: AnyEnv) -> Limits:
    """Returns the limits of what each agent can observe and do. `check_declaration` must accept the environment."""
    spaces = env.agent_spaces or ((env.observation_space, env.action_space),) * len(env.agents)
    each = [_agent_limits(env, *pair) for pair in spaces]
    return Limits(*map(np.stack, zip(*each, strict=True))) if len(each) > 1 else each[0]


def _agent_limits(env: AnyEnv, observed: Box, acted: Space) -> Limits:
    shape, joint = env.observation_space.shape, env.action_space
    own = tuple(map(slice, observed.shape))
    low, high, padded = np.zeros(shape, np.float32), np.zeros(shape, np.float32), np.ones(shape, bool)
    low[own], high[own], padded[own] = observed.low, observed.high, False
    if isinstance(joint, Box) or isinstance(acted, Box):
        return Limits(low, high, padded, np.zeros(0, bool))
    # A choice that the agent does not have has the single value 0.
    had = choices(acted) + (1,) * (len(choices(joint)) - len(choices(acted)))
    lacking = [np.arange(large) >= small for large, small in zip(choices(joint), had, strict=True)]
    return Limits(low, high, padded, np.concatenate(lacking))


def check_shapes(env: Env, where: str, shown: Any, known: Limits) -> None:
    """Checks the shapes and dtypes of one timestep, of arrays or abstract values.

    Args:
        env: the environment.
        where: the function that returned the timestep, `reset` or `step`, for the error message.
        shown: the timestep.
        known: `limits(env)`.

    Raises:
        ValueError: for the first broken rule, with the value found and what to change.
    """
    if not isinstance(shown, Timestep):
        raise broken(env, f"{where} gives a {type(shown).__name__}", "return the state and a Timestep")
    axis = agents_axis(env)
    wanted = {
        "observation": (axis + env.observation_space.shape, jnp.float32),
        "reward": (axis, jnp.float32),
        "done": ((), jnp.bool_),
    }
    if jax.tree.leaves(shown.mask):
        if isinstance(env.action_space, Box):
            remedy = "leave the mask (), and exclude impossible actions by the bounds of the Box"
            raise broken(env, f"{where} gives a mask for actions in a Box", remedy)
        wanted["mask"] = ((*axis, sum(choices(env.action_space))), jnp.bool_)
    elif known.lacking.any():
        found = f"{where} gives no mask, but by agent_spaces some agents have fewer actions than action_space"
        raise broken(env, found, "give a mask that excludes the actions that an agent lacks")
    for name, (shape, dtype) in wanted.items():
        value = getattr(shown, name)
        if not jax.tree_util.all_leaves([value]):
            raise broken(env, f"{where} gives {name} as {jax.tree.structure(value)}", "it must be one array")
        if (jnp.shape(value), jnp.result_type(value)) != (shape, jnp.dtype(dtype)):
            found = f"{where} gives {name} as {jax.typeof(value).str_short()}"
            remedy = f"it must be {jax.typeof(jax.ShapeDtypeStruct(shape, dtype)).str_short()}"
            raise broken(env, found, remedy + _why(env))


def _why(env: AnyEnv) -> str:
    return f", as there are {len(env.agents)} agents" if len(env.agents) > 1 else ""


def check_values(env: AnyEnv, where: str, shown: Timestep, known: Limits) -> None:
    """Checks the values of one timestep, given as NumPy arrays that have passed `check_shapes`.

    Args:
        env: the environment.
        where: what returned the timestep, such as `reset` or `step 7`, for the error message.
        shown: the timestep.
        known: `limits(env)`.

    Raises:
        ValueError: for the first broken rule, with the value found and what to change.
    """
    for name, value in (("observation", shown.observation), ("reward", shown.reward)):
        if not np.isfinite(value).all():
            found = f"{where} gives {name} {value}"
            raise broken(env, found, "it must be finite; clip it, or end the episode earlier")
    observation = np.asarray(shown.observation)
    at = _first(known.padded & (observation != 0))
    if at is not None:
        found = f"{where} gives observation{list(at)} = {observation[at]}, which {_whose(env, at)} does not have"
        raise broken(env, found, "pad shorter observations with zeros, or widen the agent's space in agent_spaces")
    slack = _SLACK * np.maximum(1, np.abs(observation))
    at = _first((observation < known.low - slack) | (observation > known.high + slack))
    if at is not None:
        found = f"{where} gives observation{list(at)} = {observation[at]}, outside its bounds "
        found += f"{known.low[at]} .. {known.high[at]}"
        raise broken(env, found, "widen the bounds of observation_space, which may be infinite")
    if jax.tree.leaves(shown.mask) and not shown.done:
        _check_mask(env, where, np.asarray(shown.mask), known)


def _check_mask(env: AnyEnv, where: str, mask: np.ndarray, known: Limits) -> None:
    possible = np.logical_or.reduceat(mask, starts(env.action_space), axis=-1)
    at = _first(~possible)
    if at is not None:
        found = f"{where} gives a mask that excludes every action of {_whose(env, at)}"
        if not isinstance(env.action_space, Discrete):
            found += f" in choice {at[-1]}"
        raise broken(env, found, "allow at least one action in each timestep that is not done")
    at = _first(mask & known.lacking)
    if at is not None:
        found = f"{where} gives a mask that allows entry {at[-1]}, an action that {_whose(env, at)} does not have"
        raise broken(env, found, "exclude the actions that an agent lacks")


def _whose(env: AnyEnv, at: tuple[int, ...]) -> str:
    """The agent to which an index of an array belongs."""
    return repr(env.agents[at[0] if len(env.agents) > 1 else 0])


def _first(wrong: np.ndarray) -> tuple[int, ...] | None:
    """The first index at which an array is true."""
    places = np.argwhere(wrong)
    return tuple(map(int, places[0])) if len(places) else None
