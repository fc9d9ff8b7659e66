"""eggroll_ray: evolution strategies with low-rank perturbations, distributed with Ray, in JAX.

Importing it neither imports Ray nor starts a JAX backend.
"""

from eggroll_ray import fitness as fitness
from eggroll_ray import noise as noise
from eggroll_ray.block_search import fastest_block_size as fastest_block_size
from eggroll_ray.blocking import blocking as blocking
from eggroll_ray.cast import Agents as Agents
from eggroll_ray.cast import by_agent as by_agent
from eggroll_ray.cast import by_role as by_role
from eggroll_ray.cast import own as own
from eggroll_ray.cast import shared as shared
from eggroll_ray.cast import team as team
from eggroll_ray.check_env import check_env as check_env
from eggroll_ray.check_host_env import check_host_env as check_host_env
from eggroll_ray.checkpoint import CheckpointError as CheckpointError
from eggroll_ray.env import Box as Box
from eggroll_ray.env import Discrete as Discrete
from eggroll_ray.env import Env as Env
from eggroll_ray.env import HostBatch as HostBatch
from eggroll_ray.env import HostEnv as HostEnv
from eggroll_ray.env import HostTimestep as HostTimestep
from eggroll_ray.env import MultiDiscrete as MultiDiscrete
from eggroll_ray.env import Timestep as Timestep
from eggroll_ray.es import ES as ES
from eggroll_ray.es import ESState as ESState
from eggroll_ray.es import eggroll as eggroll
from eggroll_ray.es import openai_es as openai_es
from eggroll_ray.evaluate import Earlier as Earlier
from eggroll_ray.evaluate import Evaluation as Evaluation
from eggroll_ray.evaluate import Evaluator as Evaluator
from eggroll_ray.evaluate import FitnessError as FitnessError
from eggroll_ray.evaluate import Invalid as Invalid
from eggroll_ray.evaluate import Members as Members
from eggroll_ray.evaluate import batched as batched
from eggroll_ray.evaluate import from_fitness as from_fitness
from eggroll_ray.evaluate import jittable as jittable
from eggroll_ray.evaluate import perturb_block as perturb_block
from eggroll_ray.forecast import Forecast as Forecast
from eggroll_ray.forecast import predict as predict
from eggroll_ray.heads import DeterministicHead as DeterministicHead
from eggroll_ray.heads import SamplingHead as SamplingHead
from eggroll_ray.host import from_host_env as from_host_env
from eggroll_ray.league import League as League
from eggroll_ray.league import play_league as play_league
from eggroll_ray.league import spread_out as spread_out
from eggroll_ray.leaves import LeafRules as LeafRules
from eggroll_ray.lift import lift as lift
from eggroll_ray.lowrank import LowRank as LowRank
from eggroll_ray.lowrank import Noised as Noised
from eggroll_ray.lowrank import densify as densify
from eggroll_ray.messages import WorkerError as WorkerError
from eggroll_ray.metrics import Row as Row
from eggroll_ray.optimizers import clipup as clipup
from eggroll_ray.policies import Policy as Policy
from eggroll_ray.policies import cnn as cnn
from eggroll_ray.policies import feedforward as feedforward
from eggroll_ray.policies import gru as gru
from eggroll_ray.policies import mlp as mlp
from eggroll_ray.policies import nature_cnn as nature_cnn
from eggroll_ray.policies import pqn as pqn
from eggroll_ray.policies import with_log_std as with_log_std
from eggroll_ray.pool import Workers as Workers
from eggroll_ray.record import Run as Run
from eggroll_ray.rollout import from_env as from_env
from eggroll_ray.selfplay import Rivals as Rivals
from eggroll_ray.selfplay import self_play as self_play
from eggroll_ray.threads import use_two_or_more
from eggroll_ray.trained import TrainedPolicy as TrainedPolicy
from eggroll_ray.trained import record_episode as record_episode
from eggroll_ray.trainer import Result as Result
from eggroll_ray.trainer import Trainer as Trainer
from eggroll_ray.trainer import Watch as Watch

use_two_or_more()  # before any backend starts
