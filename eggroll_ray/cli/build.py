"""What the options of the command line build: environment, policy, evaluator, strategy, workers, trainer."""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import optax

from eggroll_ray.cli import schedules
from eggroll_ray.cli.options import AgentOptions, PolicyOptions, StrategyOptions, TrainOptions, make_workers
from eggroll_ray.cli.own_code import is_own_code
from eggroll_ray.cli.own_names import check_own, is_own_env
from eggroll_ray.cli.own_task import own_environment, own_fitness, own_policy
from eggroll_ray.cli.targets import target_of, watch_of
from eggroll_ray.compiling.phases import ENVIRONMENT, phase
from eggroll_ray.es import shaping as fitness
from eggroll_ray.es.eggroll import eggroll, openai_es
from eggroll_ray.es.optimizers import clipup
from eggroll_ray.es.random import normal, rademacher
from eggroll_ray.es.record import ES
from eggroll_ray.evaluators.record import Evaluator
from eggroll_ray.models import policies
from eggroll_ray.rl import actions
from eggroll_ray.rl.agents import Agents, by_agent, by_role, own, shared, team
from eggroll_ray.rl.env import HostEnv
from eggroll_ray.rl.host_rollout import from_host_env
from eggroll_ray.rl.jax_rollout import from_env
from eggroll_ray.rl.self_play import Rivals, self_play
from eggroll_ray.runs.metrics import Sink
from eggroll_ray.runs.recorder import Run
from eggroll_ray.runs.sinks.mlflow import MLflow
from eggroll_ray.runs.sinks.wandb import Wandb
from eggroll_ray.runs.warm_start import Start
from eggroll_ray.trainer import Trainer

# Given by the command line, so that this package needs none of the suites: id, options -> Env.
MakeEnv = Callable[..., Any]


def make_trainer(options: TrainOptions, make_env: MakeEnv, run: Path | None, resume: bool) -> Trainer:
    """Builds the trainer of some options; see `Trainer` for what it raises."""
    record = None
    if run is not None:
        config = {
            "env": options.title,
            "generations": options.generations,
            "population_size": options.population_size,
            "target": target_of(options),
            "options": dataclasses.asdict(options),
        }
        # The report waits for the episode that is drawn after training.
        record = Run(run, resume, options.checkpoint_every, config, _sinks(options, run, config), report=False)
    evaluator = make_evaluator(options, make_env)
    return Trainer(
        evaluator,
        make_strategy(options.strategy, evaluator.groups),
        population_size=options.population_size,
        seed=options.seed,
        workers=make_workers(options.worker),
        block_size=options.worker.block_size,
        run=record,
        watch=watch_of(options),
        # What is continued has what it was begun with in its own folder.
        init=None if resume or options.init_from is None else Start(options.init_from, options.init_optimizer),
    )


def _sinks(options: TrainOptions, run: Path, config: Mapping[str, Any]) -> tuple[Sink, ...]:
    sinks: list[Sink] = []
    if options.wandb is not None:
        sinks.append(Wandb(run, options.wandb, config=config))
    if options.mlflow is not None:
        sinks.append(MLflow(run, options.mlflow, config=config))
    return tuple(sinks)


def make_environment(options: TrainOptions, make_env: MakeEnv) -> Any:
    """Builds the environment."""
    given = dict(_parse_option(text) for text in options.env_options)
    with phase(ENVIRONMENT):
        return own_environment(options.env, given) if is_own_env(options.env) else make_env(options.env, **given)


def make_evaluator(options: TrainOptions, make_env: MakeEnv) -> Evaluator:
    """Builds the evaluator: the environment and the policy in it, or the fitness."""
    check_own(options)
    if options.task.fitness is not None:
        return own_fitness(options.task)
    env, chosen, agents = make_environment(options, make_env), options.policy, options.agents
    bound = {"squash": actions.squash, "clip": actions.clip}[chosen.bound]
    common: dict[str, Any] = {
        "head": actions.SamplingHead(bound) if chosen.stochastic else actions.DeterministicHead(bound),
        "normalize_observations": chosen.normalize_observations,
    }
    flat = agents.identify and len(env.agents) > 1  # observations are laid flat to append who it is
    policy = _make_policy(chosen, (1,) if flat else env.observation_space.shape)
    on_host = isinstance(env, HostEnv)
    if chosen.window is not None and (on_host or agents.self_play):
        raise ValueError(
            f"window={chosen.window} needs a JAX environment, and does not go with self-play; leave it out."
        )
    if agents.self_play:
        _check_self_play(agents)
        if isinstance(policy, Mapping):
            raise ValueError(f"policy={chosen.policy!r} is several, but in self-play all act by one; give a Policy.")
        rivals = Rivals(agents.rivals, agents.rivals_every, explore=agents.rivals_explore)
        each = rivals.count * len(env.agents)  # a member meets every opponent in every seat
        return self_play(env, policy, rivals=rivals, episodes=each * chosen.episodes, **common)
    grouping = {"role": by_role, "agent": by_agent, "shared": shared}[agents.groups]
    credit = {"own": own, "team": team}[agents.credit]
    common |= {"episodes": chosen.episodes, "agents": Agents(grouping, credit, agents.identify)}
    if on_host:
        return from_host_env(env, policy, **common)
    return from_env(env, policy, window=chosen.window, **common)


def _check_self_play(agents: AgentOptions) -> None:
    names = ("groups", "credit", "identify")
    given = [
        f"{name}={getattr(agents, name)}" for name in names if getattr(agents, name) != getattr(AgentOptions, name)
    ]
    if given:
        raise ValueError(f"{', '.join(given)} does not go with self-play, where all act by one policy; leave it out.")


def make_strategy(options: StrategyOptions, groups: Sequence[str] = ()) -> ES:
    """Builds the strategy, for parameters of these groups, if they are of several.

    Args:
      options: of a run, with the generations of its schedules: `TrainOptions.strategy`.
      groups: names of the groups.

    Raises:
      ValueError: for options that are out of range or contradict each other.
    """
    optimizers = {"adam": optax.adam, "adamw": optax.adamw, "sgd": optax.sgd, "clipup": clipup}
    optimizer = optimizers[options.optimizer](schedules.learning_rate(options))
    if groups and options.optimizer == "clipup":  # whose norm would make one group's steps depend on the others
        optimizer = optax.partition(dict.fromkeys(groups, optimizer), {group: group for group in groups})
    shapings: dict[str, fitness.Shaping] = {
        "centred-rank": fitness.centred_rank,
        "z-score": fitness.z_score,
        "antithetic-sign": fitness.antithetic_sign,
        "none": fitness.raw,
    }
    shaping = shapings.get(options.shaping) or fitness.group_z_score(options.group_size)
    arguments: dict[str, Any] = {
        "sigma": schedules.sigma(options),
        "optimizer": optimizer,
        "shaping": shaping,
        "law": {"normal": normal, "rademacher": rademacher}[options.law],
        "noise_reuse": options.noise_reuse,
        "persistent": options.persistent,
    }
    if options.strategy == "openai-es":
        return openai_es(**arguments)
    return eggroll(rank=options.rank, **arguments)


def _make_policy(options: PolicyOptions, shape: tuple[int, ...]) -> policies.Policy | Mapping[str, policies.Policy]:
    if is_own_code(options.policy):
        made = own_policy(options.policy)
        if options.log_std == "output":
            return made
        if isinstance(made, policies.Policy):
            return policies.with_log_std(made)
        return {name: policies.with_log_std(one) for name, one in made.items()}
    if not options.hidden or min(options.hidden) < 1:
        raise ValueError(f"hidden={options.hidden} must name at least one positive width, such as 64 64.")
    activations = {"tanh": jnp.tanh, "relu": policies.relu, "pqn": policies.pqn}
    if options.policy == "gru":
        made = policies.gru(options.hidden[0])
    elif options.policy == "nature-cnn":
        made = policies.nature_cnn(options.hidden[0])
    elif options.policy == "cnn" or (options.policy == "auto" and policies.is_image(shape)):
        large = options.policy == "auto" and policies.is_large_image(shape)
        made = policies.nature_cnn() if large else policies.cnn(hidden=options.hidden[0])
    else:
        made = policies.mlp(options.hidden, activations[options.activation])
    if options.log_std == "parameter":
        return policies.with_log_std(made)
    return made


def _parse_option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"environment option {text!r} must read name=value, such as episode_length=500.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
