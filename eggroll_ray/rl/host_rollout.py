"""Rollouts in environments that run in Python: Gymnasium, PettingZoo, or any `HostEnv`.

All members of a block act in one compiled call per step, each with its own perturbation. Between these calls the
environments are stepped in Python.

Letters in shapes: `n` members, `e` episodes per member, `b = n e` environments, `a` agents, `g` groups.
"""

import contextlib
import logging
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PRNGKeyArray

from eggroll_ray.compiling.program import SharedProgram
from eggroll_ray.es.random import fold_in, normal
from eggroll_ray.es.record import ESState
from eggroll_ray.evaluators.members import Members, generation_key, member_keys, perturb_block
from eggroll_ray.evaluators.record import (
    NO_PAST,
    Earlier,
    EvaluateBlock,
    Evaluation,
    Evaluator,
    FitnessError,
    Given,
    Invalid,
    Params,
    Perturbation,
    judge,
)
from eggroll_ray.models.policies import Policy
from eggroll_ray.rl.actions import DeterministicHead, Head
from eggroll_ray.rl.agents import Agents, Shown, make_groups
from eggroll_ray.rl.env import HostBatch, HostEnv, HostTimestep
from eggroll_ray.rl.recipe import describe
from eggroll_ray.rl.rollout import Cast, Everyone, Play, check_kind, context_of_test, make_evaluator, split_keys
from eggroll_ray.rl.trained_policy import TrainedPolicy

_log = logging.getLogger(__name__)
_TEST = "a test of the mean parameters"


class _Episodes(NamedTuple):
    """The results of a batch of episodes."""

    totals: np.ndarray  # sums of rewards, (b,) or (b, a) float32
    steps: int  # number of steps of all environments together
    sums: Any  # sums over the observations, if observations are normalised
    failed: Mapping[int, str]  # index in the batch -> what that environment raised


def from_host_env(
    env: HostEnv,
    policy: Policy | Mapping[str, Policy] | None = None,
    *,
    episodes: int = 1,
    head: Head = DeterministicHead(),  # noqa: B008 - immutable
    normalize_observations: bool = False,
    shared_by: int | None = 2,
    on_nan: Invalid = Invalid.DROP_PAIR,
    on_error: Invalid = Invalid.DROP_PAIR,
    agents: Agents = Agents(),  # noqa: B008 - frozen
) -> Evaluator:
    """Makes an evaluator that evolves a policy in a Python environment. The fitness of a member is its mean return.

    Each worker has one environment for each episode of a block, and steps them in its own process.

    Args:
      env: the environment.
      on_error: how to treat a member whose environment raises an exception. Other members are not affected.

    The other arguments and the errors are those of `from_env`.
    """
    play = Play(episodes, shared_by, Invalid(on_nan))
    check_kind("from_host_env", env, HostEnv, policy)
    groups = make_groups(env, policy, head, agents, normalize_observations)
    common = {"normalize_observations": normalize_observations, **play.recipe(), "on_error": Invalid(on_error).value}
    recipe = describe("from_host_env", env, policy, head, agents, common)
    return play_host_env(env, Everyone(groups), play, Invalid(on_error))._replace(recipe=recipe)


def play_host_env(env: HostEnv, cast: Cast, play: Play, on_error: Invalid) -> Evaluator:
    """Makes the evaluator of a cast in a Python environment."""
    batches = Batches(env)

    def bind(perturb: Perturbation) -> EvaluateBlock:
        player = Player(env, cast, batches)

        @SharedProgram
        def prepare(state: ESState, members: Array) -> tuple[Members, Key[Array, "n e"]]:
            keys = split_keys(member_keys(generation_key(state), members, play.shared_by), play.episodes)
            return perturb_block(perturb, state, members), keys

        def evaluate(given: Given) -> Evaluation:
            state, statistics, members, past = given
            context = cast.context(statistics, past, int(state.seed), int(state.generation))
            perturbed, keys = prepare(state, members)
            whose = f"members {members[0]} to {members[-1]} of generation {int(state.generation)}"
            found = player.play(perturbed, keys, context, whose)
            returns = cast.returns(found.totals, play.episodes)
            returns = returns.reshape(len(members), play.episodes, *returns.shape[1:])
            failures = _failures(found.failed, state, members, play.episodes, on_error)
            failed = np.zeros(returns.shape[:2], bool)
            failed.reshape(-1)[list(found.failed)] = True
            finite = judge(np.where(_like(failed, returns), 0.0, returns).mean(axis=1), state, members, play.on_nan)
            worst = np.float32(-np.inf if on_error is Invalid.WORST else np.nan)
            fitness = np.where(_like(failed.any(axis=1), finite), worst, finite)
            failures += _not_finite(returns, failed, state, members)
            return Evaluation(fitness, found.steps, cast.learners.block_moments(found.sums, statistics), failures)

        return evaluate

    tester = Player(env, cast, batches)

    def test(
        params: Params, statistics: Any, key: PRNGKeyArray, episodes: int, past: Mapping[int, Earlier] = NO_PAST
    ) -> np.ndarray:
        whole = -(-episodes // cast.multiple) * cast.multiple
        context = context_of_test(cast, statistics, past, key)
        found = tester.play(Members(params, 1), split_keys(key[None], whole), context, _TEST)
        sound = np.array([place for place in range(episodes) if place not in found.failed], np.int64)
        if not len(sound):
            raise _failed_test(env, found)
        if len(sound) < episodes:
            _log.warning("%d of %d episodes are missing from a test: %s", episodes - len(sound), episodes, found.failed)
        return np.asarray(cast.returns(found.totals, whole))[sound]

    evaluator = make_evaluator(env, cast, play, bind, test)
    return evaluator._replace(settings={**evaluator.settings, "on_error": on_error.value})


def mean_host_player(
    env: HostEnv, cast: Cast, batches: "Batches"
) -> Callable[[Params, Any, Key[Array, "1 e"]], np.ndarray]:
    """Makes a function that plays episodes of unperturbed parameters.

    It takes parameters, context and keys, and gives the returns, `(e,)` or `(e, a)`.
    """
    player = Player(env, cast, batches)

    def play(params: Params, context: Any, keys: Key[Array, "1 e"]) -> np.ndarray:
        found = player.play(Members(params, 1), keys, context, _TEST)
        if found.failed:
            raise _failed_test(env, found)
        return found.totals

    return play


def _failed_test(env: HostEnv, found: _Episodes) -> FitnessError:
    place, text = next(iter(found.failed.items()))
    return FitnessError(f"{env.name} failed in episode {place} of {_TEST}: {text}")


def acting(policy: TrainedPolicy, key: PRNGKeyArray) -> Callable[[HostTimestep], np.ndarray]:
    """Makes the `act` that `HostEnv.render` takes: it gives a policy's actions in one episode, `(1, ...)`."""
    carry, time = policy.initial_carry(), 0
    step = jax.jit(policy.step)

    def act(shown: HostTimestep) -> np.ndarray:
        nonlocal carry, time
        mask = jax.tree.map(lambda x: x[0], shown.mask)
        action, carry = step(shown.observation[0], carry, jax.random.fold_in(key, time + 1), mask)
        time += 1
        return np.asarray(action)[None]

    return act


class Batches:
    """Batches of environments by their size. They are made when first needed, and not pickled with the evaluator."""

    def __init__(self, env: HostEnv):
        self._env = env
        self._batches: dict[int, HostBatch] = {}
        # Not in __del__, because at the end of the process the suites' modules may be gone before it is called.
        weakref.finalize(self, _close, self._batches)

    def __reduce__(self) -> Any:
        return Batches, (self._env,)

    def of(self, size: int) -> HostBatch:
        if size not in self._batches:
            self._batches[size] = self._env.make(size)
        return self._batches[size]


def _close(batches: dict[int, HostBatch]) -> None:
    for batch in batches.values():
        batch.close()


class Player:
    """Plays episodes, and holds the compiled programs for that."""

    def __init__(self, env: HostEnv, cast: Cast, batches: Batches):
        self._env, self._cast, self._batches = env, cast, batches

        @SharedProgram
        def act(
            members: Members, context: Any, shown: Shown, carry: Any, keys: Array, time: Array, alive: Array, sums: Any
        ) -> tuple[Array, Any, Any]:
            use = jax.vmap(fold_in, (0, None))(keys.reshape(-1), time).reshape(keys.shape)
            actions, carry = cast.act(members, context, shown, carry, use)
            return actions, carry, cast.learners.observe(sums, shown, alive)

        @SharedProgram
        def seeds(keys: Array) -> Array:
            # Key 0 derived from an episode's key is for its seed, key t + 1 for the action at time t.
            first = jax.vmap(fold_in, (0, None))(keys.reshape(-1), 0)
            return jax.vmap(lambda key: normal.bits(key, ()))(first)  # one 32-bit word per key

        self._act, self._seeds = act, seeds

    def play(self, members: Members, keys: Key[Array, "n e"], context: Any, whose: str) -> _Episodes:
        """Plays one episode for each key. The seed of an episode is a function of its key alone.

        Args:
          members: the members that act.
          keys: the keys of their episodes.
          context: what acting needs in addition to the members; see `Cast.context`.
          whose: names the members in an error message.

        Raises:
          FitnessError: when the batch of environments as a whole raises an exception.
        """
        with _naming(self._env, whose):
            batch = self._batches.of(keys.shape[0] * keys.shape[1])
            shown = batch.reset(np.asarray(self._seeds(keys)))
        failed = dict(shown.failed)
        alive, totals, steps = ~shown.done, np.zeros_like(shown.reward, np.float32), 0
        carry, sums = self._cast.carry(*keys.shape), self._cast.learners.sums(len(alive))
        for time in range(self._env.max_steps):
            if not alive.any():
                break
            seen = Shown(jnp.asarray(shown.observation), shown.mask)
            actions, carry, sums = self._act(members, context, seen, carry, keys, jnp.uint32(time + 1), alive, sums)
            with _naming(self._env, whose):
                shown = batch.step(np.asarray(actions), alive)
            totals += np.where(_like(alive, shown.reward), shown.reward, np.float32(0))
            steps += int(alive.sum())
            failed |= shown.failed
            alive = alive & ~shown.done
        return _Episodes(totals, steps, jax.device_get(sums), failed)


@contextlib.contextmanager
def _naming(env: HostEnv, whose: str) -> Iterator[None]:
    """Turns an exception of a batch of environments into an error that names the members."""
    try:
        yield
    except Exception as error:
        raise FitnessError(
            f"{env.name} failed as a whole in {whose}: {type(error).__name__}: {error}\nIf only one environment fails, "
            "report that in HostTimestep.failed, so that only its member is lost."
        ) from error


def _like(flags: Any, values: np.ndarray) -> np.ndarray:
    """Adds axes of size 1 to flags until they have as many axes as values."""
    return flags.reshape(*flags.shape, *(1,) * (values.ndim - flags.ndim))


def _not_finite(returns: np.ndarray, failed: np.ndarray, state: ESState, members: np.ndarray) -> tuple[str, ...]:
    """A text for each member whose return, `(n, e)` or `(n, e, g)`, is not finite although no environment failed."""
    totals = returns.reshape(*failed.shape, -1).sum(axis=(1, 2))
    places = np.flatnonzero(~np.isfinite(totals) & ~failed.any(axis=1))
    return tuple(f"member {int(members[i])} of generation {int(state.generation)}: return {totals[i]}" for i in places)


def _failures(
    failed: Mapping[int, str], state: ESState, members: np.ndarray, episodes: int, on_error: Invalid
) -> tuple[str, ...]:
    """A text for each member that failed, with the first failed episode. Raises instead with `Invalid.RAISE`."""
    texts: dict[int, str] = {}
    for place in sorted(failed):
        member, episode = int(members[place // episodes]), place % episodes
        text = f"member {member} of generation {int(state.generation)}, episode {episode}: {failed[place]}"
        if on_error is Invalid.RAISE:
            raise FitnessError(
                f"the environment failed for {text}\nCorrect it, or choose on_error=Invalid.DROP_PAIR or Invalid.WORST."
            )
        texts.setdefault(member, text)
    return tuple(texts.values())
