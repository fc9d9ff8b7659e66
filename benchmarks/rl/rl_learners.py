"""The three algorithms of the RL comparison behind one interface: one update at a time, and a test of the mean policy.

ES is this package's trainer in this process; PPO is rejax's. All are tested by the same rollouts.
"""

import dataclasses
import math
import warnings
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

import eggroll_ray as er
from benchmarks.rl.as_gymnax import AsGymnax
from benchmarks.rl.rl_settings import HIDDEN, ESSettings, PPOSettings, Settings
from eggroll_ray.cli.build import make_strategy
from eggroll_ray.cli.options import StrategyOptions
from eggroll_ray.es.random import stream_key
from eggroll_ray.rl import actions
from eggroll_ray.rl.env import Space
from envs.foreign import lenient

# Actions are cut off at their bounds in all three, as in rejax's PPO.
_MODE, _SAMPLE = actions.DeterministicHead(actions.clip), actions.SamplingHead(actions.clip)


class Learner(Protocol):
    """An algorithm in an environment."""

    def advance(self) -> int:
        """Does one update, and returns the steps of environments that it took."""
        ...

    def test(self, episodes: int, most_likely: bool = False) -> np.ndarray:
        """Returns of the mean policy in fresh episodes, `(episodes,)`, none of which counts as training.

        Args:
          episodes: how many.
          most_likely: take the most likely action where training samples.
        """
        ...


class MostLikely(NamedTuple):
    """A head for outputs that `SamplingHead` samples from: takes the most likely action instead."""

    def outputs(self, space: Space) -> int:
        return _SAMPLE.outputs(space)

    def action(self, space: Space, outputs: Array, key: PRNGKeyArray) -> Array:
        if isinstance(space, er.Box):
            outputs = jnp.split(outputs, 2)[0]
        return _MODE.action(space, outputs, key)


def make_learner(env: er.Env, settings: Settings, seed: int, block_size: int | None = None) -> Learner:
    """Makes the algorithm that the settings are of.

    Args:
      env: the environment.
      settings: of EGGROLL, OpenAI-ES or PPO.
      seed: of everything random.
      block_size: members evaluated together, for ES; None: the trainer's default.

    Raises:
      ValueError: when they do not fit, before any work starts.
    """
    if isinstance(settings, PPOSettings):
        return RejaxPPO(env, settings, seed)
    return Evolution(env, settings, seed, block_size)


class Evolution:
    """EGGROLL or OpenAI-ES with the paper's settings; several agents act by one set of parameters."""

    def __init__(
        self,
        env: er.Env,
        settings: ESSettings,
        seed: int,
        block_size: int | None = None,
        network: er.Policy = er.mlp(HIDDEN, er.pqn),  # noqa: B008 - immutable
    ):
        policy, agents = network, er.Agents(er.shared)
        if not settings.deterministic and isinstance(env.action_space, er.Box):
            policy = er.with_log_std(policy)
        head = _MODE if settings.deterministic else _SAMPLE
        self._evaluator = er.from_env(env, policy, episodes=settings.episodes, head=head, agents=agents)
        self._likely = self._evaluator
        if not settings.deterministic:
            self._likely = er.from_env(env, policy, head=MostLikely(), agents=agents)
        self._seed = seed
        self._trainer = er.Trainer(
            self._evaluator,
            make_strategy(strategy_options(settings)),
            population_size=settings.population_size,
            seed=seed,
            workers=0,
            block_size=block_size,
            watch=er.Watch(every=0),
        )
        self._generations = 0
        self._params = self._trainer.result().params

    def advance(self) -> int:
        rows: list[er.Row] = []
        result = self._trainer.fit(self._generations + 1, rows.append)
        if result.status == "stopped":  # the trainer has taken the signal for itself
            raise KeyboardInterrupt
        self._generations, self._params = result.generations, result.params
        return rows[0]["steps"]

    def test(self, episodes: int, most_likely: bool = False) -> np.ndarray:
        evaluator = self._likely if most_likely else self._evaluator
        return evaluator.test(self._params, (), _test_key(self._seed, self._generations), episodes)


def strategy_options(settings: ESSettings) -> StrategyOptions:
    """Translates the paper's settings into ours.

    With Adam the learning rate is the same. The SGD step of the paper's code is `lr sigma sqrt(n) mean(F E)`, ours is
    `lr / sigma mean(F E)`: ours is `lr sigma^2 sqrt(n)`, and it decays with the square of sigma too.
    """
    rate, decay = settings.learning_rate, settings.learning_rate_decay
    if settings.optimizer == "sgd":
        rate *= settings.sigma**2 * math.sqrt(settings.population_size)
        decay *= settings.sigma_decay**2
    return StrategyOptions(
        strategy="openai-es" if settings.rank is None else "eggroll",
        rank=settings.rank or 1,
        sigma=settings.sigma,
        sigma_decay=settings.sigma_decay,
        learning_rate=rate,
        learning_rate_decay=decay,
        optimizer=settings.optimizer,
        shaping="centred-rank" if settings.rank_transform else "z-score",
    )


class RejaxPPO:
    """PPO of rejax, with the paper's networks."""

    def __init__(self, env: er.Env, settings: PPOSettings, seed: int):
        if settings.num_envs * settings.num_steps % settings.num_minibatches:
            raise ValueError(
                f"num_minibatches={settings.num_minibatches} must divide num_envs * num_steps = "
                f"{settings.num_envs} * {settings.num_steps}."
            )
        with lenient():
            self.begin(_make_ppo(env, settings), settings.num_envs * settings.num_steps, seed)
        policy = er.Policy(self._init, self._apply)
        self._sampled = er.from_env(env, policy, head=_SAMPLE)
        self._likely = er.from_env(env, policy, head=MostLikely())

    def begin(self, ppo: Any, steps: int, seed: int) -> None:
        """Draws the parameters of an agent of rejax, whose updates take so many steps of environments."""
        self._ppo, self._steps, self._seed, self._updates = ppo, steps, seed, 0
        self._advance = jax.jit(ppo.train_iteration)
        self._state = jax.jit(ppo.init_state)(jax.random.key(seed))

    def advance(self) -> int:
        with lenient():
            self._state = jax.block_until_ready(self._advance(self._state))
        self._updates += 1
        return self._steps

    def test(self, episodes: int, most_likely: bool = False) -> np.ndarray:
        evaluator = self._likely if most_likely else self._sampled
        return evaluator.test(self.mean_params(), (), _test_key(self._seed, self._updates), episodes)

    def mean_params(self) -> Any:
        """The actor's parameters, and mean and variance of the observations."""
        statistics = self._state.obs_rms_state
        return self._state.actor_ts.params, statistics.mean, statistics.var

    def _init(self, key: PRNGKeyArray, observation: Array, outputs: int) -> Any:
        del outputs
        with lenient():
            actor = self._ppo.actor.init(key, observation[None], key)
        return actor, jnp.zeros_like(observation), jnp.ones_like(observation)

    def _apply(self, params: Any, observation: Array, carry: Any) -> tuple[Array, Any]:
        """The outputs that `SamplingHead` takes, of one observation."""
        actor, mean, variance = params
        with lenient():
            observation = (observation - mean) / jnp.sqrt(variance + 1e-8)  # rejax's, which does not clip
            return self._ppo.actor.apply(actor, observation[None], method=actor_outputs)[0], carry


def import_rejax() -> tuple[Any, Any]:
    """Imports rejax and its networks; what they import uses names that JAX has deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import rejax
        from rejax import networks
    return rejax, networks


def _make_ppo(env: er.Env, settings: PPOSettings) -> Any:
    rejax, networks = import_rejax()
    adapted: Any = AsGymnax(env)  # rejax asks for gymnax's class, and uses no more than is there
    activation = jnp.vectorize(er.pqn, signature="(n)->(n)")
    space = adapted.action_space(())
    if isinstance(env.action_space, er.Discrete):
        actor = networks.DiscretePolicy(space.n, HIDDEN, activation)
    else:
        actor = networks.GaussianPolicy(math.prod(space.shape), (space.low, space.high), HIDDEN, activation)
    return rejax.PPO(
        env=adapted,
        env_params=(),
        eval_callback=lambda *_: None,  # tests are between the updates, by our rollouts
        actor=actor,
        critic=networks.VNetwork(HIDDEN, activation),
        normalize_observations=True,
        normalize_rewards=False,
        **dataclasses.asdict(settings),
    )


def actor_outputs(actor: Any, observations: Array) -> Array:
    """Logits, or means and log standard deviations, of one of rejax's policy networks."""
    features = actor.features(observations)
    if hasattr(actor, "action_logits"):
        return actor.action_logits(features)
    means = actor.action_mean(features)
    return jnp.concatenate([means, jnp.broadcast_to(actor.action_log_std, means.shape)], axis=-1)


def _test_key(seed: int, updates: int) -> PRNGKeyArray:
    return jax.random.fold_in(stream_key(seed, "test"), updates)
