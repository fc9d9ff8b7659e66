"""Independent PPO for several agents: rejax's PPO, in which each agent counts as an environment of its own.

All agents share one actor and one critic, as in JaxMARL's IPPO for the particles. Observations are padded to the length
of the longest, and each agent receives its own reward.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

import eggroll_ray as er
from benchmarks.rl.as_gymnax import AgentsAsGymnax
from benchmarks.rl.rl_learners import MostLikely, RejaxPPO, actor_outputs, import_rejax
from benchmarks.rl.rl_settings import IPPO, IPPO_FIXED, MULTI_AGENT_HIDDEN
from eggroll_ray.rl.env import Discrete
from envs.foreign import lenient

NUM_STEPS = 128  # of a rollout between two updates: not stated in the paper, JaxMARL's default for the particles
ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "pqn": er.pqn}


class RejaxIPPO(RejaxPPO):
    """Independent PPO with the paper's settings."""

    def __init__(self, env: er.Env, settings: IPPO, num_envs: int, budget: int, seed: int):
        """Draws the parameters.

        Args:
          env: with several agents whose actions are `Discrete`.
          settings: of Tables 7-9.
          num_envs: environments that are stepped at once.
          budget: environment steps of the run, over which the learning rate falls to 0.
          seed: of everything random.
        """
        with lenient():
            self.begin(_make_ippo(env, settings, num_envs, budget), num_envs * NUM_STEPS, seed)
        roles = er.by_role(env.agents)
        spaces = dict(zip(env.agents, env.agent_spaces or [(None, env.action_space)] * len(env.agents), strict=True))
        policies = {role: self._policy(env, spaces[agents[0]][1]) for role, agents in roles.items()}
        policy = policies if len(policies) > 1 else next(iter(policies.values()))
        self._roles = tuple(policies)
        team = er.Agents(credit=er.team)
        self._sampled = er.from_env(env, policy, head=er.SamplingHead(), agents=team)
        self._likely = er.from_env(env, policy, head=MostLikely(), agents=team)

    def test(self, episodes: int, most_likely: bool = False) -> np.ndarray:
        found = super().test(episodes, most_likely)
        return found if len(self._roles) == 1 else found[:, 0]  # every role has the mean of all agents

    def mean_params(self) -> Any:
        """The actor's parameters for each role."""
        actor = self._state.actor_ts.params
        return dict.fromkeys(self._roles, actor) if len(self._roles) > 1 else actor

    def _policy(self, env: er.Env, space: Any) -> er.Policy:
        """The actor as the policy of a role, whose observations may be shorter than all, and its actions fewer."""
        length = env.observation_space.shape[0]

        def init(key: Array, observation: Array, outputs: int) -> Any:
            del outputs
            with lenient():
                return self._ppo.actor.init(key, jnp.zeros((1, length), observation.dtype), key)

        def apply(params: Any, observation: Array, carry: Any) -> tuple[Array, Any]:
            padded = jnp.pad(observation, (0, length - observation.shape[0]))
            with lenient():
                logits = self._ppo.actor.apply(params, padded[None], method=actor_outputs)[0]
            return fold(logits, space.n), carry

        return er.Policy(init, apply)


def fold(logits: Array, n: int) -> Array:
    """Logits of `min(action, n - 1)` for those of an action: how `AgentsAsGymnax` reads actions that are none."""
    return jnp.append(logits[: n - 1], jax.nn.logsumexp(logits[n - 1 :]))


def _make_ippo(env: er.Env, settings: IPPO, num_envs: int, budget: int) -> Any:
    rejax, networks = import_rejax()

    class Rows(rejax.PPO):
        """rejax's PPO over environments that are batches already."""

        @property
        def vmap_reset(self) -> Any:
            return self.env.reset

        @property
        def vmap_step(self) -> Any:
            return self.env.step

    fixed = {name: value for name, value in IPPO_FIXED.items() if name != "optimizer"}
    updates = int(np.ceil(budget / (num_envs * NUM_STEPS)))
    gradient_steps = updates * fixed["num_epochs"] * fixed["num_minibatches"]
    adapted = AgentsAsGymnax(env)
    space = env.action_space
    assert isinstance(space, Discrete)
    activation = ACTIVATIONS[settings.activation]
    return Rows(
        env=adapted,
        env_params=(),
        eval_callback=lambda *_: None,  # tests are between the updates, by our rollouts
        actor=networks.DiscretePolicy(space.n, MULTI_AGENT_HIDDEN, activation),
        critic=networks.VNetwork(MULTI_AGENT_HIDDEN, activation),
        normalize_observations=False,
        normalize_rewards=False,
        num_envs=num_envs * len(env.agents),
        num_steps=NUM_STEPS,
        learning_rate=optax.linear_schedule(settings.learning_rate, 0.0, gradient_steps),
        ent_coef=settings.ent_coef,
        **fixed,
    )
