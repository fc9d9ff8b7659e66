"""All public names of `eggroll_ray`, which loads this module when the first of them is used."""

from eggroll_ray.ask_tell import AskTell
from eggroll_ray.comparison.compare import Comparison, compare
from eggroll_ray.es import noise
from eggroll_ray.es import shaping as fitness
from eggroll_ray.es.eggroll import eggroll, openai_es
from eggroll_ray.es.leaves import LeafRules
from eggroll_ray.es.optimizers import clipup
from eggroll_ray.es.record import ES, ESState, NotFiniteError
from eggroll_ray.evaluators.blocking import blocking
from eggroll_ray.evaluators.functions import batched, from_fitness, jittable
from eggroll_ray.evaluators.members import Members, perturb_block
from eggroll_ray.evaluators.record import Earlier, Evaluation, Evaluator, FitnessError, Given, Invalid
from eggroll_ray.exporting.write import export
from eggroll_ray.forecast.block_size import fastest_block_size
from eggroll_ray.forecast.predict import Forecast, predict
from eggroll_ray.league import League, play_league, spread_out
from eggroll_ray.loading import load, load_params
from eggroll_ray.lowrank.interpreter import lift
from eggroll_ray.lowrank.parameter import LowRank, Noised, densify
from eggroll_ray.models.policies import Policy, cnn, feedforward, gru, mlp, nature_cnn, pqn, with_log_std
from eggroll_ray.rl.actions import DeterministicHead, SamplingHead
from eggroll_ray.rl.agents import Agents, by_agent, by_role, own, shared, team
from eggroll_ray.rl.checks.env import check_env
from eggroll_ray.rl.checks.host_env import check_host_env
from eggroll_ray.rl.env import Box, Discrete, Env, HostBatch, HostEnv, HostTimestep, MultiDiscrete, Timestep
from eggroll_ray.rl.host_rollout import from_host_env
from eggroll_ray.rl.jax_rollout import from_env
from eggroll_ray.rl.self_play import Rivals, self_play
from eggroll_ray.rl.trained_policy import TrainedPolicy, record_episode
from eggroll_ray.runs.checkpoint import CheckpointError
from eggroll_ray.runs.metrics import Row
from eggroll_ray.runs.recorder import Run
from eggroll_ray.runs.result import Best, Result
from eggroll_ray.runs.warm_start import Start
from eggroll_ray.runs.watch import Watch
from eggroll_ray.trainer import Trainer
from eggroll_ray.workers.messages import WorkerError
from eggroll_ray.workers.options import Workers

__all__ = [
    # Training.
    "Trainer",
    "AskTell",
    "Result",
    "Best",
    "Start",
    "Watch",
    "Run",
    "Row",
    "Workers",
    "CheckpointError",
    "WorkerError",
    # What is optimised.
    "from_env",
    "from_host_env",
    "self_play",
    "from_fitness",
    "jittable",
    "batched",
    "blocking",
    "Evaluator",
    "Evaluation",
    "Given",
    "Earlier",
    "Members",
    "perturb_block",
    "Invalid",
    "FitnessError",
    "NotFiniteError",
    # Strategies, noise and shaping.
    "eggroll",
    "openai_es",
    "ES",
    "ESState",
    "LeafRules",
    "clipup",
    "noise",
    "fitness",
    # Policies.
    "Policy",
    "mlp",
    "gru",
    "cnn",
    "nature_cnn",
    "feedforward",
    "with_log_std",
    "pqn",
    "DeterministicHead",
    "SamplingHead",
    "TrainedPolicy",
    "record_episode",
    "export",
    # Environments and agents.
    "Env",
    "HostEnv",
    "HostBatch",
    "Timestep",
    "HostTimestep",
    "Box",
    "Discrete",
    "MultiDiscrete",
    "check_env",
    "check_host_env",
    "Agents",
    "by_role",
    "by_agent",
    "shared",
    "own",
    "team",
    "Rivals",
    # Functions on perturbed weights.
    "lift",
    "LowRank",
    "Noised",
    "densify",
    # Before and after a run.
    "load",
    "load_params",
    "predict",
    "Forecast",
    "fastest_block_size",
    "compare",
    "Comparison",
    "League",
    "play_league",
    "spread_out",
]
