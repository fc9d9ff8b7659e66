"""Self-play: members play against the mean parameters of earlier generations.

The pool of opponents depends on the generation alone. Workers keep the parameters of the pool. A worker that joins, and
a run that is resumed, rebuild them from the fitness log.

Letters in shapes: `n` members, `e` episodes per member, `a` agents (seats), `p` opponents, `o` observation axes.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PRNGKeyArray

from eggroll_ray.es.numbers import make_plain
from eggroll_ray.evaluators.members import Members
from eggroll_ray.evaluators.record import Earlier, Evaluator, Invalid, Params
from eggroll_ray.models.policies import Policy
from eggroll_ray.rl.actions import DeterministicHead, Head, SamplingHead, forbid
from eggroll_ray.rl.agents import Agents, Groups, Shown, agent_act, make_groups, shared
from eggroll_ray.rl.env import AnyEnv, Box, Env, HostEnv
from eggroll_ray.rl.episodes import mean_player
from eggroll_ray.rl.host_rollout import Batches, mean_host_player, play_host_env
from eggroll_ray.rl.jax_rollout import play_env
from eggroll_ray.rl.recipe import describe
from eggroll_ray.rl.rollout import Play, check_kind, split_keys


@dataclasses.dataclass(frozen=True)
class Rivals:
    """Which earlier generations are the opponents.

    Attributes:
      count: `p`, number of opponents in a generation. One is the newest in the pool; the others are drawn from the
        whole pool, independently. All members of a generation play against the same opponents.
      every: number of generations between those whose mean parameters enter the pool; generation 0 is the first.
      most: largest number of generations in the pool. When there would be more, every second one is removed.
      explore: share of the opponents' moves that are random, for discrete actions. A deterministic opponent can be
        beaten by a single sequence of moves; with random moves a member has to answer many.
    """

    count: int = 4
    every: int = 10
    most: int = 64
    explore: float = 0.0

    def __post_init__(self) -> None:
        make_plain(self)
        if min(self.count, self.every, self.most - 1) < 1:
            raise ValueError(
                f"count={self.count} (opponents per generation) and every={self.every} (generations between those in "
                f"the pool) must be at least 1, and most={self.most} (generations in the pool) at least 2."
            )
        if not 0 <= self.explore <= 1:
            raise ValueError(f"explore={self.explore} must be a share of moves, from 0 to 1.")

    def pool(self, generation: int) -> range:
        """Returns the generations in the pool at a generation, ascending."""
        stride = self.every
        while generation // stride >= self.most:
            stride *= 2
        return range(0, generation + 1, stride)

    def draw(self, seed: int, generation: int) -> list[int]:
        """Returns the `p` generations that are the opponents at a generation. The first is the newest in the pool."""
        pool = self.pool(generation)
        generator = np.random.Generator(np.random.Philox(key=[seed, generation]))
        return [pool[-1], *(pool[i] for i in generator.integers(0, len(pool), self.count - 1))]


def self_play(
    env: AnyEnv,
    policy: Policy | None = None,
    *,
    rivals: Rivals = Rivals(),
    episodes: int | None = None,
    head: Head = DeterministicHead(),  # noqa: B008 - immutable
    normalize_observations: bool = False,
    shared_by: int | None = 2,
    on_nan: Invalid = Invalid.DROP_PAIR,
) -> Evaluator:
    """Makes an evaluator that evolves a policy in a symmetric game against the means of earlier generations.

    The fitness of a member is its mean return. In each episode the member has one seat, and one opponent has all other
    seats. In episode `j` the member has seat `j % a` and plays against opponent `(j // a) % p`.

    Args:
      env: an `Env` or a `HostEnv` with several agents, all with the same spaces.
      rivals: which earlier generations are the opponents.
      episodes: episodes per member and generation, a multiple of `a p`; default: `a p`.
      policy, head, normalize_observations, shared_by, on_nan: as in `from_env`. If an environment raises an exception,
        its member and the member's twin are dropped.

    Raises:
      ValueError: when the environment is not such a game, or when policy, head and environment do not fit together.
    """
    check_kind("self_play", env, Env | HostEnv, policy)
    if len(env.agents) < 2 or env.agent_spaces:
        raise ValueError(
            f"self_play needs a game of several agents with the same spaces; {env.name} has the agents "
            f"{', '.join(env.agents)}{' with different spaces' if env.agent_spaces else ''}: use "
            f"{'from_host_env' if isinstance(env, HostEnv) else 'from_env'} with groups of agents."
        )
    if rivals.explore and isinstance(env.action_space, Box):
        raise ValueError(f"explore={rivals.explore} needs discrete actions, which {env.name} does not have; choose 0.")
    learners = make_groups(env, policy, head, Agents(groups=shared), normalize_observations)
    cast = Duel(learners, rivals)
    play = Play(cast.multiple if episodes is None else episodes, shared_by, Invalid(on_nan))
    if play.episodes % cast.multiple:
        raise ValueError(
            f"episodes={play.episodes} must be a multiple of {cast.multiple}, so that a member meets each of the "
            f"{rivals.count} opponents in each of the {len(env.agents)} seats equally often."
        )
    evaluator = (
        play_host_env(env, cast, play, Invalid.DROP_PAIR) if isinstance(env, HostEnv) else play_env(env, cast, play)
    )
    settings = {**evaluator.settings, "rivals": dataclasses.asdict(rivals)}
    common = {"normalize_observations": normalize_observations, **play.recipe()}
    recipe = describe("self_play", env, policy, head, None, {**common, "rivals": dataclasses.asdict(rivals)})
    return evaluator._replace(settings=settings, duel=_Duels(learners, rivals.explore), recipe=recipe)


class _Duels:
    """Implements `Evaluator.duel`. The number of games is rounded up to a multiple of the seats.

    The others explore as rivals do in training. Otherwise deterministic players would repeat the same match in games
    without randomness. Compiled programs are not pickled.
    """

    def __init__(self, learners: Groups, explore: float):
        self._learners, self._explore = learners, explore
        self._made: dict[int, tuple[Duel, Callable[..., np.ndarray]]] = {}  # number of opponents -> cast and player

    def __reduce__(self) -> Any:
        return _Duels, (self._learners, self._explore)

    def __call__(self, one: Earlier, others: Sequence[Earlier], key: PRNGKeyArray, games: int) -> np.ndarray:
        cast, play = self._against(len(others))
        episodes = -(-games // cast.seats) * cast.multiple
        totals = play(one.params, cast.against(one.statistics, list(others)), split_keys(key[None], episodes))
        own, best = cast.returns(totals, episodes), cast.best_of_others(totals, episodes)
        points = np.where(own > best, 1.0, np.where(own == best, 0.5, 0.0))
        return points.reshape(-1, len(others), cast.seats).transpose(1, 0, 2).reshape(len(others), -1)

    def _against(self, count: int) -> tuple["Duel", Callable[..., np.ndarray]]:
        if count not in self._made:
            cast, env = Duel(self._learners, Rivals(count, explore=self._explore)), self._learners.env
            on_host = isinstance(env, HostEnv)
            play = mean_host_player(env, cast, Batches(env)) if on_host else mean_player(env, cast)
            self._made[count] = cast, play
        return self._made[count]


class Duel:
    """The cast in which a member has one seat, and an opponent with other parameters has all other seats."""

    def __init__(self, learners: Groups, rivals: Rivals):
        self.learners, self.rivals = learners, rivals
        self.seats = len(learners.env.agents)
        self.multiple = self.seats * rivals.count
        self._group = learners.groups[0]

    def keeps(self) -> Callable[[int], set[int]]:
        return lambda generation: {*self.rivals.pool(generation), generation}

    def context(self, statistics: Any, past: Mapping[int, Earlier], seed: int, generation: int) -> Any:
        drawn = [past[number] for number in self.rivals.draw(seed, generation)]
        return self.against(statistics, drawn)

    def against(self, statistics: Any, opponents: list[Earlier]) -> Any:
        """Returns the context of games against these `p` opponents."""
        assert len(opponents) == self.rivals.count
        params = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(one.params for one in opponents))
        frozen = [self.learners.freeze(one.statistics) for one in opponents]
        return self.learners.freeze(statistics), params, jax.tree.map(lambda *leaves: np.stack(leaves), *frozen)

    def carry(self, members: int, episodes: int) -> Any:
        start = self._group.initial_carry()
        others = members * episodes * (self.seats - 1) // self.rivals.count

        def of(*shape: int) -> Any:
            return jax.tree.map(lambda x: jnp.broadcast_to(x, (*shape, *x.shape)), start)

        return of(members, episodes), of(self.rivals.count, others)

    def act(
        self, members: Members, context: Any, shown: Shown, carry: Any, keys: Key[Array, "n e"]
    ) -> tuple[Array, Any]:
        own_frozen, params, frozen = context
        one = agent_act(self._group)

        def answer(params: Params, frozen: Any, seen: Array, mask: Any, key: Array, carry: Any) -> tuple[Array, Any]:
            action, carry = one(params, seen if frozen is None else frozen(seen), mask, key, carry)
            return self._explored(action, mask, key), carry

        own_rows, other_rows = self._split(shown, keys)
        seen, mask, own_keys = own_rows
        seen = seen if own_frozen is None else own_frozen(seen)
        own_carry, other_carry = carry
        action, own_carry = members.apply(jax.vmap(one, (None, 0, 0, 0, 0)), seen, mask, own_keys, own_carry)
        each = jax.vmap(jax.vmap(answer, (None, None, 0, 0, 0, 0)))
        seen, mask, other_keys = other_rows
        answers, other_carry = each(params, frozen, seen, mask, other_keys, other_carry)
        return self._join(action, answers), (own_carry, other_carry)

    def _explored(self, action: Array, mask: Any, key: Key[Array, ""]) -> Array:
        """The action; with probability `explore`, a possible action drawn uniformly."""
        space, head = self._group.action_space, SamplingHead()
        if not self.rivals.explore or isinstance(space, Box):
            return action
        whether, which = jax.random.split(jax.random.fold_in(key, 1))
        logits = jnp.zeros(head.outputs(space))
        logits = forbid(logits, mask) if jax.tree.leaves(mask) else logits
        return jnp.where(jax.random.bernoulli(whether, self.rivals.explore), head.action(space, logits, which), action)

    def returns(self, totals: Any, episodes: int) -> Any:
        """Selects the members' returns `(b,)` from the returns of all seats `(b, a)`."""
        seats, _ = self._places(episodes)
        return totals.reshape(-1, episodes, self.seats)[:, np.arange(episodes), seats].reshape(-1)

    def best_of_others(self, totals: np.ndarray, episodes: int) -> np.ndarray:
        """Selects the highest return of the opponent `(b,)` from the returns of all seats `(b, a)`."""
        _, others = self._places(episodes)
        by_episode = totals.reshape(-1, episodes, self.seats)
        return by_episode[:, np.arange(episodes)[:, None], others].max(axis=-1).reshape(-1)

    def _places(self, episodes: int) -> tuple[np.ndarray, np.ndarray]:
        """The seat of the member `(e,)` and those of its opponent `(e, a - 1)` in each episode."""
        seats = np.arange(episodes) % self.seats
        others = (seats[:, None] + 1 + np.arange(self.seats - 1)) % self.seats
        return seats, others

    def _split(self, shown: Shown, keys: Key[Array, "n e"]) -> tuple[Any, Any]:
        """Splits observations, masks and keys into those of members `(n, e, ...)` and opponents `(p, rows, ...)`."""
        agents = jnp.arange(self.seats, dtype=jnp.uint32)
        agent_keys = jax.vmap(jax.vmap(jax.random.fold_in, (None, 0)), (0, None))(keys.reshape(-1), agents)
        seats, others = self._places(keys.shape[1])
        episodes = np.arange(keys.shape[1])

        def by_opponent(x: Array) -> Array:
            x = x[:, episodes[:, None], others]  # (n, e, a - 1, ...)
            x = x.reshape(keys.shape[0], -1, self.rivals.count, self.seats * (self.seats - 1), *x.shape[3:])
            return jnp.moveaxis(x, 2, 0).reshape(self.rivals.count, -1, *x.shape[4:])

        rows = jax.tree.map(lambda x: x.reshape(*keys.shape, *x.shape[1:]), (*shown, agent_keys))
        return jax.tree.map(lambda x: x[:, episodes, seats], rows), jax.tree.map(by_opponent, rows)

    def _join(self, action: Array, answers: Array) -> Array:
        """Joins the actions of members and opponents, shaped as by `_split`, to those of all seats `(b, a, ...)`."""
        (count, episodes), rest = action.shape[:2], action.shape[2:]
        seats, others = self._places(episodes)
        answers = answers.reshape(self.rivals.count, count, -1, self.seats * (self.seats - 1), *rest)
        answers = jnp.moveaxis(answers, 0, 2).reshape(count, episodes, self.seats - 1, *rest)
        joint = jnp.zeros((count, episodes, self.seats, *rest), action.dtype)
        joint = joint.at[:, np.arange(episodes), seats].set(action)
        joint = joint.at[:, np.arange(episodes)[:, None], others].set(answers)
        return joint.reshape(-1, self.seats, *rest)
