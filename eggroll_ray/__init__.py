"""eggroll_ray: evolution strategies with low-rank perturbations, distributed with Ray, in JAX.

Importing it neither imports Ray nor starts a JAX backend.
"""

from eggroll_ray.compiling.threads import use_two_or_more
from eggroll_ray.es import noise as noise
from eggroll_ray.es import shaping
from eggroll_ray.es.eggroll import eggroll as eggroll
from eggroll_ray.es.eggroll import openai_es as openai_es
from eggroll_ray.es.leaves import LeafRules as LeafRules
from eggroll_ray.es.optimizers import clipup as clipup
from eggroll_ray.es.record import ES as ES
from eggroll_ray.es.record import ESState as ESState
from eggroll_ray.evaluators.blocking import blocking as blocking
from eggroll_ray.evaluators.functions import batched as batched
from eggroll_ray.evaluators.functions import from_fitness as from_fitness
from eggroll_ray.evaluators.functions import jittable as jittable
from eggroll_ray.evaluators.members import Members as Members
from eggroll_ray.evaluators.members import perturb_block as perturb_block
from eggroll_ray.evaluators.record import Earlier as Earlier
from eggroll_ray.evaluators.record import Evaluation as Evaluation
from eggroll_ray.evaluators.record import Evaluator as Evaluator
from eggroll_ray.evaluators.record import FitnessError as FitnessError
from eggroll_ray.evaluators.record import Given as Given
from eggroll_ray.evaluators.record import Invalid as Invalid
from eggroll_ray.forecast.block_size import fastest_block_size as fastest_block_size
from eggroll_ray.forecast.predict import Forecast as Forecast
from eggroll_ray.forecast.predict import predict as predict
from eggroll_ray.league import League as League
from eggroll_ray.league import play_league as play_league
from eggroll_ray.league import spread_out as spread_out
from eggroll_ray.lowrank.interpreter import lift as lift
from eggroll_ray.lowrank.parameter import LowRank as LowRank
from eggroll_ray.lowrank.parameter import Noised as Noised
from eggroll_ray.lowrank.parameter import densify as densify
from eggroll_ray.models.policies import Policy as Policy
from eggroll_ray.models.policies import cnn as cnn
from eggroll_ray.models.policies import feedforward as feedforward
from eggroll_ray.models.policies import gru as gru
from eggroll_ray.models.policies import mlp as mlp
from eggroll_ray.models.policies import nature_cnn as nature_cnn
from eggroll_ray.models.policies import pqn as pqn
from eggroll_ray.models.policies import with_log_std as with_log_std
from eggroll_ray.rl.actions import DeterministicHead as DeterministicHead
from eggroll_ray.rl.actions import SamplingHead as SamplingHead
from eggroll_ray.rl.agents import Agents as Agents
from eggroll_ray.rl.agents import by_agent as by_agent
from eggroll_ray.rl.agents import by_role as by_role
from eggroll_ray.rl.agents import own as own
from eggroll_ray.rl.agents import shared as shared
from eggroll_ray.rl.agents import team as team
from eggroll_ray.rl.checks.env import check_env as check_env
from eggroll_ray.rl.checks.host_env import check_host_env as check_host_env
from eggroll_ray.rl.env import Box as Box
from eggroll_ray.rl.env import Discrete as Discrete
from eggroll_ray.rl.env import Env as Env
from eggroll_ray.rl.env import HostBatch as HostBatch
from eggroll_ray.rl.env import HostEnv as HostEnv
from eggroll_ray.rl.env import HostTimestep as HostTimestep
from eggroll_ray.rl.env import MultiDiscrete as MultiDiscrete
from eggroll_ray.rl.env import Timestep as Timestep
from eggroll_ray.rl.host_rollout import from_host_env as from_host_env
from eggroll_ray.rl.jax_rollout import from_env as from_env
from eggroll_ray.rl.self_play import Rivals as Rivals
from eggroll_ray.rl.self_play import self_play as self_play
from eggroll_ray.rl.trained_policy import TrainedPolicy as TrainedPolicy
from eggroll_ray.rl.trained_policy import record_episode as record_episode
from eggroll_ray.runs.checkpoint import CheckpointError as CheckpointError
from eggroll_ray.runs.metrics import Row as Row
from eggroll_ray.runs.recorder import Run as Run
from eggroll_ray.trainer import Result as Result
from eggroll_ray.trainer import Trainer as Trainer
from eggroll_ray.trainer import Watch as Watch
from eggroll_ray.workers.messages import WorkerError as WorkerError
from eggroll_ray.workers.options import Workers as Workers

fitness = shaping  # its public name

use_two_or_more()  # before any backend starts
