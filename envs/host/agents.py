"""Puts agents with different spaces into arrays of one shape, by padding and by masks for actions that an agent lacks.

Letters in shapes: `b` environments, `a` agents (no axis for a single one), `o` observation axes, `k` entries of a mask.
"""

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from eggroll_ray.rl.env import Box, Discrete, MultiDiscrete, Space
from envs.host.batch import Layout, number
from envs.host.spaces import Acted, Observed, acted, choices, observed, read_mask, starts, vector

_MASK = "action_mask"


class Team(NamedTuple):
    """Agents whose observations and actions share arrays."""

    layout: Layout
    observers: dict[str, Observed]
    spaces: dict[str, Space]  # each agent's own action space
    # For each agent, the indices of its own choices in the common mask, in order.
    own: dict[str, np.ndarray]
    # For each agent, `(k,)` bool: its own choices, and the first entry of each choice that it does not have, so that
    # every choice has a possible entry.
    possible: dict[str, np.ndarray]

    def observations(self, raw: dict[str, Any]) -> np.ndarray:
        """Returns observations `([a], *o)`, given each agent's in its suite's form; zeros for an absent agent."""
        layout = self.layout
        shown = np.zeros((len(layout.agents), *layout.observation_space.shape), layout.dtype)
        for index, agent in enumerate(layout.agents):
            if agent in raw:
                one = self.observers[agent].encode(raw[agent])
                target = shown[index] if one.shape == shown.shape[1:] else shown[index, : one.size]
                target[...] = one
        return self._axis(shown)

    def mask(self, raw: dict[str, Any]) -> np.ndarray:
        """Returns masks `([a], k)` bool, given each agent's in its suite's form; all its actions if it has none."""
        shown = np.stack([self.possible[agent] for agent in self.layout.agents])
        for index, agent in enumerate(self.layout.agents):
            if raw.get(agent) is not None:
                shown[index, self.own[agent]] = read_mask(self.spaces[agent], raw[agent])
        return self._axis(shown)

    def encode(self, raw: dict[str, Any]) -> tuple[np.ndarray, Any]:
        """Encodes {agent: what it observes}, and reads the action masks in it; see `HostEnv.encode`.

        Raises:
            ValueError: an agent that is not known.
        """
        if unknown := sorted({*raw} - {*self.layout.agents}):
            raise ValueError(f"agents {unknown} are not among {list(self.layout.agents)}")
        masks = {agent: raw[agent][_MASK] for agent in raw if isinstance(raw[agent], dict) and _MASK in raw[agent]}
        return self.observations(raw), self.mask(masks) if self.layout.masked else ()

    def rewards(self, raw: dict[str, Any]) -> np.ndarray:
        """Returns rewards `([a],)`; 0 for an agent that got none."""
        given = [number(raw.get(agent, 0), f"reward of {agent}") for agent in self.layout.agents]
        return self._axis(np.array(given, np.float32))

    def _axis(self, array: np.ndarray) -> np.ndarray:
        return array if len(self.layout.agents) > 1 else array[0]


def team(observation_spaces: dict[str, Any], action_spaces: dict[str, Any], masked: bool) -> Team:
    """Makes a team of agents.

    Args:
        observation_spaces: Gymnasium's observation space of each agent.
        action_spaces: Gymnasium's action space of each agent.
        masked: whether the environment gives action masks in other ways than in dictionaries of observations.

    Raises:
        ValueError: when a space cannot be used, or when some agents have discrete actions and others a Box.
    """
    agents = tuple(observation_spaces)
    if not agents:
        raise ValueError("possible_agents is empty; it must list all agents that may take part")
    observers = {agent: observed(observation_spaces[agent]) for agent in agents}
    actors = {agent: acted(action_spaces[agent]) for agent in agents}
    own_spaces = [(observers[agent].box, actors[agent].space) for agent in agents]
    if len({(one.dtype, one.box.shape) for one in observers.values()}) > 1:
        observers = {agent: vector(one) for agent, one in observers.items()}
        own_spaces = [(observers[agent].box, actors[agent].space) for agent in agents]
    differ = not all(_same(own_spaces[0], own) for own in own_spaces)
    common = _common([own for _, own in own_spaces])
    # If boxes of different shapes are flattened, flatten each agent's box too.
    own_spaces = [(box, _laid(space, common)) for box, space in own_spaces]
    own = {agent: _own(actors[agent].space, common) for agent in agents}
    possible = {agent: _possible(actors[agent].space, common) for agent in agents}
    first = observers[agents[0]]
    partial = not all(array.all() for array in possible.values())
    layout = Layout(
        observation_space=_holds_zero(_hull([box for box, _ in own_spaces])) if len(agents) > 1 else first.box,
        action_space=common,
        dtype=first.dtype,
        decode=functools.partial(_decode, list(actors.values())),
        masked=bool(choices(common)) and (masked or partial or any(one.masked for one in observers.values())),
        agents=agents,
        agent_spaces=tuple(own_spaces) if differ else (),
    )
    players = Team(layout, observers, {agent: one.space for agent, one in actors.items()}, own, possible)
    return players._replace(layout=layout._replace(encode=players.encode))


def _same(one: tuple[Box, Space], two: tuple[Box, Space]) -> bool:
    return all(
        a.shape == b.shape and (a.low == b.low).all() and (a.high == b.high).all()
        if isinstance(a, Box) and isinstance(b, Box)
        else a == b
        for a, b in zip(one, two, strict=True)
    )


def _hull(boxes: list[Box]) -> Box:
    """The smallest box that contains all boxes. If their shapes differ, they are flattened and padded."""
    if len({box.shape for box in boxes}) > 1:
        size = max(math.prod(box.shape) for box in boxes)
        boxes = [_padded(box, size) for box in boxes]
    low, high = np.min([box.low for box in boxes], axis=0), np.max([box.high for box in boxes], axis=0)
    return Box(boxes[0].shape, low, high)


def _laid(space: Space, common: Space) -> Space:
    if not (isinstance(space, Box) and isinstance(common, Box)) or len(space.shape) == len(common.shape):
        return space
    return _padded(space, space.low.size)


def _padded(box: Box, size: int) -> Box:
    low, high = (np.pad(bound.ravel(), (0, size - bound.size)) for bound in (box.low, box.high))
    return Box((size,), low, high)


def _holds_zero(box: Box) -> Box:
    """Extends a box so that it contains zeros, which absent agents observe."""
    return Box(box.shape, np.minimum(box.low, 0), np.maximum(box.high, 0))


def _common(spaces: list[Space]) -> Space:
    boxes = [space for space in spaces if isinstance(space, Box)]
    if len(boxes) == len(spaces):
        return _hull(boxes)
    if boxes:
        raise ValueError(
            f"some agents have discrete actions and others a Box: {spaces}; wrap the environment so that all have the "
            "same kind"
        )
    sizes = [choices(space) for space in spaces]
    if all(isinstance(space, Discrete) for space in spaces):
        return Discrete(max(size for (size,) in sizes))
    longest = max(map(len, sizes))
    return MultiDiscrete(tuple(max(one[at] for one in sizes if at < len(one)) for at in range(longest)))


def _own(space: Space, common: Space) -> np.ndarray:
    begin = starts(choices(common))
    entries = [np.arange(n) + begin[at] for at, n in enumerate(choices(space))]
    return np.concatenate(entries) if entries else np.zeros(0, int)


def _possible(space: Space, common: Space) -> np.ndarray:
    sizes = choices(common)
    possible = np.zeros(sum(sizes), bool)
    possible[_own(space, common)] = True
    possible[starts(sizes)[len(choices(space)) :]] = True
    return possible


def _decode(actors: list[Acted], actions: np.ndarray) -> list[tuple[Any, ...]]:
    """Turns actions `(b, [a], ...)` into a tuple of agents' actions, as their spaces expect, per environment."""
    by_agent = actions if len(actors) > 1 else actions[:, None]
    decoded = [_own_action(actor, by_agent[:, index]) for index, actor in enumerate(actors)]
    return list(zip(*decoded, strict=True))


def _own_action(actor: Acted, actions: np.ndarray) -> np.ndarray:
    space = actor.space
    if isinstance(space, Discrete):
        return actor.decode(actions if actions.ndim == 1 else actions[:, 0])
    size = math.prod(space.shape) if isinstance(space, Box) else len(space.n)
    if actions.shape[1:] != (space.shape if isinstance(space, Box) else (size,)):
        actions = actions.reshape(len(actions), -1)[:, :size]
    return actor.decode(actions)
