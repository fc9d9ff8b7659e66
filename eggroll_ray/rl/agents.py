"""Casts: they decide which parameters act for which agent. One policy acts for all, or each group has its own.

A cast does not depend on whether an environment runs inside a compiled program or in Python.

Letters in shapes: `n` members, `e` episodes per member, `b = n e` environments, `a` agents, `o` observation axes, `k`
entries of a mask, `g` groups.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, PRNGKeyArray

from eggroll_ray.evaluators.members import Members
from eggroll_ray.evaluators.record import Params
from eggroll_ray.models.policies import Policy, default_policy
from eggroll_ray.rl import normalize as observation
from eggroll_ray.rl.actions import Head, choices, forbid, squash
from eggroll_ray.rl.env import AnyEnv, Box, Discrete, MultiDiscrete, Space, action_shape
from eggroll_ray.rl.normalize import BlockMoments, Moments, Normalizer, Statistics, Sums

# The fitness of a group: (returns of all agents (b, a), indices of the group's agents) -> (b,).
Credit = Callable[[Any, tuple[int, ...]], Any]
# Names of the agents -> {group: its agents}.
Grouping = Callable[[tuple[str, ...]], Mapping[str, Sequence[str]]]


def own(returns: Float[Array | np.ndarray, "b a"], agents: tuple[int, ...]) -> Float[Array | np.ndarray, " b"]:
    """Credit by which a group's fitness is the mean return of its own agents."""
    return returns[:, np.array(agents)].mean(axis=1)


def team(returns: Float[Array | np.ndarray, "b a"], agents: tuple[int, ...]) -> Float[Array | np.ndarray, " b"]:
    """Credit by which every group's fitness is the mean return of all agents."""
    del agents
    return returns.mean(axis=1)


def by_role(agents: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Groups agents by their name without its number: `adversary_0` and `adversary_1` have the role `adversary`."""
    groups: dict[str, tuple[str, ...]] = {}
    for agent in agents:
        role = agent.rstrip("0123456789").rstrip("_") or agent
        groups[role] = (*groups.get(role, ()), agent)
    return groups


def by_agent(agents: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Makes a group for each agent."""
    return {agent: (agent,) for agent in agents}


def shared(agents: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Makes one group of all agents."""
    return {"all": agents}


@dataclasses.dataclass(frozen=True)
class Agents:
    """How several agents share parameters and reward.

    Attributes:
      groups: which agents share parameters: `by_role` (agents whose names differ only in their number), `by_agent`,
        `shared`, or a mapping {group: names of its agents} in which every agent occurs once.
      credit: the fitness of a group: `own` (the mean return of its agents) or `team` (that of all agents). If opponents
        in a zero-sum game share parameters, both are always 0: use `self_play` instead.
      identify: whether to append to each observation a one-hot vector that says which agent of its group it is.
        Observations are then flattened.
    """

    groups: Grouping | Mapping[str, Sequence[str]] = by_role
    credit: Credit = own
    identify: bool = False


class Group(NamedTuple):
    """Agents that share one set of parameters."""

    name: str
    agents: tuple[int, ...]  # their indices on the axis of agents
    policy: Policy
    head: Head
    observation_space: Box  # of each agent
    action_space: Space
    identify: bool

    def observed(self) -> Array:
        """Returns an example of the policy's input: zeros."""
        if not self.identify:
            return jnp.zeros(self.observation_space.shape, jnp.float32)
        return jnp.zeros(int(np.prod(self.observation_space.shape)) + len(self.agents), jnp.float32)

    def initial_carry(self) -> Any:
        """Returns the recurrent state at the start of an episode, with Python numbers turned into arrays."""
        return jax.tree.map(lambda x: jnp.asarray(x, jnp.result_type(x)), self.policy.initial_carry())

    def init(self, key: PRNGKeyArray) -> Params:
        return self.policy.init(key, self.observed(), self.head.outputs(self.action_space))


class Shown(NamedTuple):
    """The input of a cast. There is no axis `a` if the environment has a single agent."""

    observation: Float[Array, "b a *o"]
    mask: Any  # (b, a, k) bool, or () if every action is possible


class Groups:
    """The cast in which every agent acts with the parameters of its group.

    Parameters, statistics and normalisers are `{group: ...}`. With a single group they are those of the group itself.
    """

    def __init__(self, env: AnyEnv, groups: tuple[Group, ...], credit: Credit, normalize: bool):
        self.env, self.groups = env, groups
        self._credit, self.normalize = credit, normalize
        self.axis = len(env.agents) > 1  # whether there is an axis of agents

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the groups; () if there is one set of parameters with one fitness."""
        return tuple(sorted(group.name for group in self.groups)) if len(self.groups) > 1 else ()

    def settings(self) -> dict[str, Any]:
        """Returns the settings that the cast was made with, for the run's record."""
        head = self.groups[0].head
        bound = getattr(head, "bound", squash)
        settings: dict[str, Any] = {"head": type(head).__name__}
        # Recorded only if it is not the default, so that runs from before this option existed can be resumed.
        if bound is not squash:
            settings["bound"] = getattr(bound, "__name__", type(bound).__name__)
        if self.axis:
            settings["groups"] = {group.name: [self.env.agents[i] for i in group.agents] for group in self.groups}
            settings["credit"] = getattr(self._credit, "__name__", type(self._credit).__name__)
            settings["identify"] = [group.name for group in self.groups if group.identify]
        return settings

    def init(self, key: PRNGKeyArray) -> Params:
        """Draws initial parameters."""
        if not self.names:
            return self.groups[0].init(key)
        keys = jax.random.split(key, len(self.groups))
        return {group.name: group.init(k) for group, k in zip(self.groups, keys, strict=True)}

    def carry(self, members: int, episodes: int) -> Any:
        """Returns the recurrent state of each group at the start of episodes, `(n, e a, ...)`."""

        def start(group: Group) -> Any:
            shape = (members, episodes * len(group.agents))
            return jax.tree.map(lambda x: jnp.broadcast_to(x, (*shape, *x.shape)), group.initial_carry())

        return tuple(start(group) for group in self.groups)

    def act(
        self, members: Members, frozen: Any, shown: Shown, carry: Any, keys: Key[Array, "n e"]
    ) -> tuple[Array, Any]:
        """Lets every agent act once, with the parameters of its member and group.

        Returns:
          The actions `(b, a, ...)`, and the next carry.
        """
        count = keys.shape[0] * keys.shape[1]
        actions, carries = [], []
        for group, before in zip(self.groups, carry, strict=True):
            own = Members(self.part(members.params, group), len(members), members.twins)
            action, after = self._act(group, own, self.part(frozen, group), shown, before, keys)
            actions.append(action)
            carries.append(after)
        if not self.axis:
            return actions[0][:, 0], tuple(carries)
        shape = (count, len(self.env.agents), *action_shape(self.env.action_space))
        joint = jnp.zeros(shape, actions[0].dtype)
        for group, action in zip(self.groups, actions, strict=True):
            widths = [(0, large - small) for small, large in zip(action.shape[2:], shape[2:], strict=True)]
            joint = joint.at[:, np.array(group.agents)].set(jnp.pad(action, [(0, 0), (0, 0), *widths]))
        return joint, tuple(carries)

    def returns(self, totals: Any) -> Any:
        """Turns returns of agents `(b, a)` into those of groups: `(b,)`, or `(b, g)` in the order of `names`."""
        if not self.axis:
            return totals
        paid = {group.name: self._credit(totals, group.agents) for group in self.groups}
        stack = np.stack if isinstance(totals, np.ndarray) else jnp.stack
        return stack([paid[name] for name in self.names], axis=-1) if self.names else paid[self.groups[0].name]

    def statistics(self) -> Any:
        """Returns statistics of no observations; () if observations are not normalised."""
        return self._each(lambda group: observation.no_observations(group.observation_space.shape))

    def moments(self) -> Any:
        """Returns moments of no observations; () if observations are not normalised."""
        return self._each(lambda group: observation.no_moments(group.observation_space.shape))

    def sums(self, environments: int) -> Any:
        """Returns sums of no observations for a number of environments; () if observations are not normalised."""

        def none(group: Group) -> Sums:
            return observation.no_sums(environments * len(group.agents), group.observation_space.shape)

        return self._each(none)

    def freeze(self, statistics: Any) -> Any:
        """Turns statistics into normalisers; None if observations are not normalised."""
        if not self.normalize:
            return None
        return self._each(lambda group: observation.normalizer(self.part(statistics, group)))

    def block_moments(self, sums: Any, statistics: Any) -> Any:
        """Returns what a block adds to the statistics, as NumPy arrays: its sums around the mean of the statistics."""

        def add_up(group: Group) -> BlockMoments:
            return observation.block_moments(self.part(sums, group), self.part(statistics, group))

        return self._each(add_up)

    def total(self, blocks: Sequence[Any]) -> Any:
        """Sums the moments of the blocks of a generation, in any order."""

        def total(group: Group) -> Moments:
            return observation.total([self.part(block, group) for block in blocks])

        return self._each(total)

    def merge(self, statistics: Any, moments: Sequence[Any]) -> Any:
        """Adds the moments of a generation; see `normalize.merge`."""

        def merge(group: Group) -> Statistics:
            return observation.merge(self.part(statistics, group), [self.part(one, group) for one in moments])

        return self._each(merge)

    def observe(self, sums: Any, shown: Shown, alive: Any) -> Any:
        """Adds the observations of the environments that are `alive`, `(b,)`, to the sums.

        With several agents, an agent whose observation is all zeros counts as absent.
        """
        if not self.normalize:
            return sums

        def add(group: Group) -> Sums:
            seen = self._rows(group, shown.observation)
            flat = seen.reshape(-1, *seen.shape[2:])
            counted = jnp.repeat(alive, len(group.agents))
            if self.axis:
                counted &= (flat != 0).reshape(len(flat), -1).any(axis=1)
            return observation.observe(self.part(sums, group), flat, counted)

        return self._each(add)

    def part(self, tree: Any, group: Group) -> Any:
        """Returns the part of a tree that belongs to a group."""
        return tree[group.name] if self.names and tree is not None else tree

    def _each(self, make: Callable[[Group], Any]) -> Any:
        if not self.normalize:
            return ()
        return {group.name: make(group) for group in self.groups} if self.names else make(self.groups[0])

    def _rows(self, group: Group, x: Any) -> Any:
        """Selects a group's observations, without padding, from those of all agents (b, a, *o) or one agent (b, *o)."""
        x = x[:, np.array(group.agents)] if self.axis else x[:, None]
        own, joint = group.observation_space.shape, self.env.observation_space.shape
        return x if own == joint else x[..., : own[0]]

    def _mask(self, group: Group, mask: Any) -> Any:
        if not jax.tree.leaves(mask):
            return ()
        mask = mask[:, np.array(group.agents)] if self.axis else mask[:, None]
        assert not isinstance(group.action_space, Box)
        return mask[..., : sum(choices(group.action_space))]

    def _act(
        self, group: Group, members: Members, frozen: Normalizer | None, shown: Shown, carry: Any, keys: Array
    ) -> tuple[Array, Any]:
        seen, many = self._rows(group, shown.observation), len(group.agents)
        if frozen is not None:
            seen = frozen(seen)
        if group.identify:
            who = jnp.broadcast_to(jnp.eye(many, dtype=jnp.float32), (len(seen), many, many))
            seen = jnp.concatenate([seen.astype(jnp.float32).reshape(len(seen), many, -1), who], axis=-1)
        agent_keys = keys.reshape(-1, 1)
        if self.axis:
            fold = jax.vmap(jax.vmap(jax.random.fold_in, (None, 0)), (0, None))
            agent_keys = fold(agent_keys[:, 0], jnp.asarray(group.agents, jnp.uint32))

        def by_member(x: Array) -> Array:
            return x.reshape(keys.shape[0], keys.shape[1] * many, *x.shape[2:])

        args = jax.tree.map(by_member, (seen, self._mask(group, shown.mask), agent_keys))
        chosen, carry = members.apply(jax.vmap(agent_act(group), (None, 0, 0, 0, 0)), *args, carry)
        return chosen.reshape(len(seen), many, *chosen.shape[2:]), carry


def agent_act(group: Group) -> Callable[..., tuple[Array, Any]]:
    """Makes a function that lets one agent act.

    It takes parameters, (normalised) observation, mask, key and carry, and returns the action and the next carry.
    """

    def act(params: Params, seen: Array, mask: Any, key: PRNGKeyArray, carry: Any) -> tuple[Array, Any]:
        outputs, carry = group.policy.apply(params, seen, carry)
        if jax.tree.leaves(mask):
            outputs = forbid(outputs, mask)
        return group.head.action(group.action_space, outputs, key), carry

    return act


def make_groups(
    env: AnyEnv, policy: Policy | Mapping[str, Policy] | None, head: Head, agents: Agents, normalize: bool
) -> Groups:
    """Makes the cast of an environment.

    Args:
      env: the environment.
      policy: the policy of every group, or {group: policy}. None means a default that fits the observations.
      head: the head of every group.
      agents: how agents share parameters and reward.
      normalize: whether observations are normalised by running statistics.

    Raises:
      ValueError: when agents and groups do not match, or when policy, head and environment do not fit together.
    """
    chosen = {env.agents[0]: env.agents} if len(env.agents) == 1 else _chosen(env, agents)
    if isinstance(policy, Mapping) and set(policy) != set(chosen):
        raise ValueError(f"policies are given for {sorted(policy)}, but the groups are {sorted(chosen)}.")
    spaces = env.agent_spaces or ((env.observation_space, env.action_space),) * len(env.agents)
    groups = []
    for name, members in chosen.items():
        places = tuple(env.agents.index(agent) for agent in members)
        observed, acted = _common(env, [spaces[place] for place in places])
        identify = agents.identify and len(places) > 1
        network = policy[name] if isinstance(policy, Mapping) else policy
        network = network or default_policy((1,) if identify else observed.shape)
        group = Group(name, places, network, head, observed, acted, identify)
        _check_fit(env, group)
        groups.append(group)
    return Groups(env, tuple(groups), agents.credit, normalize)


def _chosen(env: AnyEnv, agents: Agents) -> dict[str, tuple[str, ...]]:
    groups = agents.groups(env.agents) if callable(agents.groups) else agents.groups
    named = [agent for members in groups.values() for agent in members]
    if sorted(named) != sorted(env.agents) or not all(groups.values()):
        raise ValueError(
            f"groups {dict(groups)} must name every agent of {env.name} once, and no group may be empty; its agents "
            f"are {', '.join(env.agents)}."
        )
    return {name: tuple(members) for name, members in groups.items()}


def _common(env: AnyEnv, spaces: list[tuple[Box, Space]]) -> tuple[Box, Space]:
    """The spaces of a group: those of its agents if they are all the same, otherwise the padded ones of all agents."""
    first = spaces[0]
    same = all(box.shape == first[0].shape and _same(space, first[1]) for box, space in spaces)
    return first if same and _begins(first[1], env.action_space) else (env.observation_space, env.action_space)


def _begins(space: Space, joint: Space) -> bool:
    """Whether actions and masks of `space` are the first part of those of `joint`, the space of all agents."""
    if isinstance(space, MultiDiscrete) and isinstance(joint, MultiDiscrete):
        return space.n == joint.n[: len(space.n)]
    return type(space) is type(joint)


def _same(one: Space, two: Space) -> bool:
    if isinstance(one, Box) and isinstance(two, Box):
        return np.array_equal(one.low, two.low) and np.array_equal(one.high, two.high)
    return one == two


def _check_fit(env: AnyEnv, group: Group) -> None:
    """Traces one action of the policy, and raises if environment, policy and head do not fit."""
    space, policy = group.action_space, group.policy
    shape = group.observed().shape
    outputs = group.head.outputs(space)

    def action() -> Array:
        params = group.init(jax.random.key(0))
        found, carry = policy.apply(params, jnp.zeros(shape), group.initial_carry())
        if found.shape != (outputs,):
            raise ValueError(f"it returns outputs of shape {found.shape}, not ({outputs},)")
        before, after = _shapes(group.initial_carry()), _shapes(carry)
        if before != after:
            raise ValueError(f"it returns a carry {after}, but its initial_carry() is {before}")
        return group.head.action(space, found, jax.random.key(0))

    try:
        result = jax.eval_shape(action)
    except (TypeError, ValueError) as error:
        of = f" of group {group.name!r}" if len(env.agents) > 1 else ""
        raise ValueError(
            f"the policy{of} does not fit {env.name} (observations {shape}, {_describe(space)}, so {outputs} outputs): "
            f"{error}"
        ) from error
    if result.shape != action_shape(space):
        raise ValueError(
            f"the head {type(group.head).__name__} makes actions of shape {result.shape}, but {env.name} takes actions "
            f"of shape {action_shape(space)}; choose another head."
        )


def _shapes(tree: Any) -> Any:
    return jax.tree.map(lambda x: f"{jnp.result_type(x)}{list(jnp.shape(x))}", tree)


def _describe(space: Space) -> str:
    if isinstance(space, Discrete):
        return f"{space.n} actions"
    if isinstance(space, MultiDiscrete):
        return f"{' x '.join(map(str, space.n))} actions"
    return f"actions of shape {space.shape}"
