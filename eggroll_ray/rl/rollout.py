"""The common parts of rollouts in JAX and in Python: who acts, how they play, and the evaluator for both.

Letters in shapes: `n` members, `e` episodes per member, `b = n e` environments, `a` agents, `g` groups.
"""

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PRNGKeyArray

from eggroll_ray.es.numbers import make_plain
from eggroll_ray.es.random import stream_key
from eggroll_ray.es.record import ESState, Function, Perturbation
from eggroll_ray.evaluators.members import Members, check_shared_by
from eggroll_ray.evaluators.record import Earlier, EvaluateBlock, Evaluator, Invalid, TestMean, evaluation_rules
from eggroll_ray.lowrank.interpreter import lift
from eggroll_ray.models.policies import Policy
from eggroll_ray.rl.agents import Groups, Shown
from eggroll_ray.rl.env import AnyEnv, Env, HostEnv
from eggroll_ray.rl.trained_policy import TrainedPolicy


class Cast(Protocol):
    """Decides who acts in an environment, and what a member's fitness is. `rl.agents.Groups` documents the methods."""

    learners: Groups  # the agents that act with the evolved parameters
    multiple: int  # the number of episodes per member must be a multiple of this

    def carry(self, members: int, episodes: int) -> Any: ...

    def act(
        self, members: Members, context: Any, shown: Shown, carry: Any, keys: Key[Array, "n e"], /
    ) -> tuple[Array, Any]: ...

    def returns(self, totals: Any, episodes: int) -> Any: ...

    def context(self, statistics: Any, past: Mapping[int, Earlier], seed: int, generation: int) -> Any:
        """Returns what acting needs in addition to the members: observation normalisers, opponents. Not compiled."""
        ...

    def keeps(self) -> Callable[[int], Collection[int]] | None:
        """See `Evaluator.keeps`."""
        ...


@dataclasses.dataclass(frozen=True)
class Play:
    """How the members of a generation play.

    Attributes:
      episodes: `e`, episodes per member and generation, at least 1.
      shared_by: number of consecutive members that play the same episodes (common random numbers). 2 means twins, 1
        means that no members share episodes, None means that all members of a generation do.
      on_nan: how to treat a return that is not finite.
      window: number of steps of an episode that one generation plays; None: whole episodes.
    """

    episodes: int = 1
    shared_by: int | None = 2
    on_nan: Invalid = Invalid.DROP_PAIR
    window: int | None = None

    def __post_init__(self) -> None:
        make_plain(self)
        if self.episodes < 1:
            raise ValueError(f"episodes={self.episodes} must be at least 1, the episodes that each member plays.")
        if self.window is not None and self.window < 1:
            raise ValueError(f"window={self.window} must be at least 1 step, or None for whole episodes.")
        check_shared_by(self.shared_by)
        Invalid(self.on_nan)

    def recipe(self) -> dict[str, Any]:
        """What every evaluator that plays takes of it, in JSON."""
        return {"episodes": self.episodes, "shared_by": self.shared_by, "on_nan": Invalid(self.on_nan).value}


def check_kind(caller: str, env: Any, kind: Any, policy: Any) -> None:
    """Raises ValueError if `env` is not an environment of the right kind, or `policy` is not a policy."""
    maker = "envs.make('gymnax/CartPole-v1')" if kind is Env else "envs.make('gym/CartPole-v1')"
    if isinstance(env, Env | HostEnv):
        maker += f", or call {'from_env' if isinstance(env, Env) else 'from_host_env'}"
    elif kind is not Env and hasattr(env, "reset") and hasattr(env, "step"):
        maker = "envs.gym_env.from_function(make, name='mine', max_steps=1000), where make() returns such a one"
    for value, wanted, remedy in (
        (env, kind, maker),
        (policy, Policy | Mapping | None, "mlp(), or feedforward(init, apply) around your own network"),
    ):
        if not isinstance(value, wanted):
            raise ValueError(f"{caller} was given {value!r}, a {type(value).__name__}; give {remedy}.")


class Everyone:
    """The cast in which all agents act with the evolved parameters."""

    def __init__(self, groups: Groups):
        self.learners, self.multiple = groups, 1
        self.carry, self.act = groups.carry, groups.act

    def returns(self, totals: Any, episodes: int) -> Any:
        del episodes
        return self.learners.returns(totals)

    def context(self, statistics: Any, past: Mapping[int, Earlier], seed: int, generation: int) -> Any:
        del past, seed, generation
        return self.learners.freeze(statistics)

    def keeps(self) -> None:
        return None


def context_of_test(cast: Cast, statistics: Any, past: Mapping[int, Earlier], key: PRNGKeyArray) -> Any:
    """Returns the context for a test of the mean parameters. Opponents are drawn as for the newest kept generation."""
    if cast.keeps() is None:
        return cast.context(statistics, past, 0, 0)
    seed = int(jax.random.bits(jax.random.fold_in(key, 0), (), jnp.uint32))
    return cast.context(statistics, past, seed, max(past))


def make_evaluator(
    env: AnyEnv, cast: Cast, play: Play, bind: Callable[[Perturbation], EvaluateBlock], test: TestMean
) -> Evaluator:
    """Makes the evaluator of any environment.

    Args:
      env: the environment.
      cast: who acts.
      play: how members play.
      bind: makes the function that evaluates a block; see `Evaluator.bind`.
      test: tests the mean parameters.
    """
    learners = cast.learners

    def check(perturb: Perturbation, state: ESState) -> object:
        def one(state: ESState) -> Any:
            params = perturb(state, jnp.int32(0))
            return [
                lift(group.policy.apply)(learners.part(params, group), group.observed(), group.initial_carry())
                for group in learners.groups
            ]

        return jax.eval_shape(one, state)

    def functions(params: Any) -> dict[str, Function]:
        found = {"evaluation": evaluation_rules(play.shared_by, Invalid(play.on_nan))}
        for group in learners.groups:
            given = (learners.part(params, group), group.observed(), group.policy.initial_carry())
            name = f"policy of {group.name}" if learners.names else "policy"
            found[name] = Function("a network", jax.make_jaxpr(group.policy.apply)(*given))
        return found

    settings = {
        "env": env.name,
        "episodes": play.episodes,
        "normalize_observations": learners.normalize,
        "shared_by": play.shared_by,
        **learners.settings(),
        # Recorded only if it is used, so that runs from before this option existed can be resumed.
        **({} if play.window is None else {"window": play.window}),
    }
    return Evaluator(
        init=lambda seed: learners.init(stream_key(seed, "policy")),
        bind=bind,
        test=test,
        test_episodes=128,
        settings=settings,
        episodes=play.episodes,
        statistics=learners.statistics(),
        moments=learners.moments(),
        total=learners.total,
        merge=learners.merge,
        policy=lambda params, statistics: TrainedPolicy(learners, params, learners.freeze(statistics)),
        check=check,
        groups=learners.names,
        keeps=cast.keeps(),
        functions=functions,
    )


def split_keys(keys: Key[Array, " n"], episodes: int) -> Key[Array, "n e"]:
    """Splits the keys of members, `(n,)`, into keys of episodes, `(n, e)`."""
    return jax.vmap(lambda key: jax.random.split(key, episodes))(keys)
