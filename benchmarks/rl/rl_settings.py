"""The settings of the paper's RL experiments (arXiv 2511.16652 v2, App. N.1 and N.4) as data.

Selected settings of the 16 environments (Tables 17-34), the ranges they were searched in (Tables 15-16), the
multi-agent settings (Tables 5-9), and the final returns of Figure 14. `NOT_IN_TABLES` says what the paper leaves open.
"""

import dataclasses
from typing import Any, Literal

HIDDEN = (256, 256, 256)  # of every policy and value network, with the activation pqn (p. 71, Tables 17-34)

NOT_IN_TABLES = {
    "what learning_rate multiplies": "taken as in HyperscaleES, whose SGD step is lr sigma sqrt(n) mean(F E)",
    "unit of the decays": "taken as a factor per update",
    "shaping": "rank_transform is taken as centred ranks in [-0.5, 0.5]; without it, as z-scores",
    "weight decay of adamw": "optax's default, 1e-4",
    "normalised observations of ES": "not mentioned; not done (PPO does)",
    "continuous head": "taken as in HyperscaleES and rejax: a Gaussian with one log standard deviation per action, "
    "a vector of parameters that starts at 0; actions are cut off at their bounds",
    "deterministic_policy": "taken as: the most likely action, in training and in tests",
    "schedule of PPO": "none; max_grad_norm is what rejax makes of it, a bound on each entry of the gradient",
    "Figure 14 where PPO's return is negative": "the rule of normalisation is not stated",
    "number of layers": "3 x 256 as the text says; HyperscaleES's own model has one more, without bias, at the input",
}


@dataclasses.dataclass(frozen=True)
class ESSettings:
    """Settings of EGGROLL, or of OpenAI-ES, under the paper's meaning of the learning rate."""

    deterministic: bool
    learning_rate: float
    learning_rate_decay: float
    episodes: int  # n_parallel_evaluations: per member and generation
    population_size: int
    optimizer: Literal["adam", "adamw", "sgd"]
    rank: int | None  # None: dense noise, OpenAI-ES
    rank_transform: bool
    sigma: float
    sigma_decay: float


@dataclasses.dataclass(frozen=True)
class PPOSettings:
    """Settings of PPO, named as in rejax; observations are normalised, rewards are not (Tables 33-34)."""

    clip_eps: float
    ent_coef: float
    gae_lambda: float
    gamma: float
    learning_rate: float
    max_grad_norm: float
    num_envs: int
    num_epochs: int
    num_minibatches: int
    num_steps: int
    vf_coef: float


Settings = ESSettings | PPOSettings
Algorithm = Literal["eggroll", "openai_es", "ppo"]
ALGORITHMS: tuple[Algorithm, ...] = ("eggroll", "openai_es", "ppo")


@dataclasses.dataclass(frozen=True)
class Task:
    """One of the 16 environments."""

    env: str  # our id
    paper_id: str  # as in the title of its table
    figure_name: str  # in the data read from Figure 14
    table: int  # of the ES settings; those of PPO are in Tables 33-34
    eggroll: ESSettings
    openai_es: ESSettings
    ppo: PPOSettings
    # Final return of EGGROLL and OpenES over PPO's, mean of the last 5 % of 5e8 steps, 10 seeds (Figure 14, read from
    # its vector graphics).
    paper_final: tuple[float, float]

    def settings(self, algorithm: Algorithm) -> Settings:
        """The paper's settings of one algorithm."""
        return {"eggroll": self.eggroll, "openai_es": self.openai_es, "ppo": self.ppo}[algorithm]

    def source(self, algorithm: Algorithm) -> str:
        """Where those settings come from."""
        return "Tables 33-34" if algorithm == "ppo" else f"Table {self.table}"


# Columns of the pairs, EGGROLL and OpenES: deterministic_policy, learning_rate, lr_decay, n_parallel_evaluations,
# population, optimizer, rank, rank_transform, sigma, sigma_decay. Of PPO: in the order of `PPOSettings`.
F, T = False, True
TASKS = (
    Task(
        *("gymnax/CartPole-v1", "CartPole-v1", "CartPole", 17),
        ESSettings(F, 0.1, 0.9995, 1, 2048, "sgd", 4, F, 0.2, 0.999),
        ESSettings(T, 0.1, 0.9995, 4, 512, "adamw", None, T, 0.5, 0.9995),
        PPOSettings(0.2, 1e-4, 0.9, 0.995, 3e-4, 0.5, 256, 4, 32, 128, 0.5),
        (1.003, 1.003),
    ),
    Task(
        *("gymnax/Pendulum-v1", "Pendulum-v1", "Pendulum", 18),
        ESSettings(F, 0.01, 0.995, 1, 4096, "adam", 4, F, 0.05, 0.995),
        ESSettings(T, 0.01, 0.995, 4, 4096, "adamw", None, F, 0.05, 1.0),
        PPOSettings(0.1, 1e-3, 0.95, 0.999, 3e-4, 1.0, 256, 16, 16, 256, 1.0),
        (0.913, 0.848),
    ),
    Task(
        *("brax/ant", "brax/ant", "Ant", 19),
        ESSettings(F, 0.01, 0.9995, 1, 2048, "adam", 1, F, 0.05, 0.9995),
        ESSettings(F, 0.1, 0.995, 8, 512, "adam", None, F, 0.05, 0.9995),
        PPOSettings(0.2, 0.0, 0.95, 0.995, 3e-4, 0.5, 64, 8, 32, 128, 1.0),
        (0.388, -0.003),
    ),
    Task(
        *("brax/humanoid", "brax/humanoid", "Humanoid", 20),
        ESSettings(T, 0.1, 1.0, 8, 4096, "adam", 1, T, 0.2, 0.9995),
        ESSettings(F, 0.1, 0.995, 8, 1024, "sgd", None, T, 0.2, 0.995),
        PPOSettings(0.3, 1e-4, 0.9, 0.95, 1e-4, 2.0, 256, 4, 64, 64, 0.75),
        (0.488, 0.777),
    ),
    Task(
        *("brax/inverted_double_pendulum", "brax/inverted_double_pendulum", "IDP", 21),
        ESSettings(T, 0.1, 1.0, 1, 2048, "adam", 2, T, 0.5, 0.995),
        ESSettings(T, 0.1, 0.995, 1, 4096, "adam", None, T, 0.05, 1.0),
        PPOSettings(0.1, 1e-4, 0.98, 0.99, 1e-3, 2.0, 64, 4, 64, 128, 1.0),
        (1.160, 0.814),
    ),
    Task(
        *("craftax/Craftax-Classic-Symbolic-v1", "craftax/Craftax-Classic-Symbolic-AutoReset-v1", "CraftaxClassic", 22),
        ESSettings(F, 0.01, 0.995, 4, 2048, "sgd", 1, F, 0.05, 1.0),
        ESSettings(F, 0.001, 0.995, 8, 4096, "adamw", None, F, 0.05, 0.995),
        PPOSettings(0.2, 1e-4, 0.98, 0.95, 1e-3, 2.0, 128, 4, 32, 128, 0.5),
        (0.274, 0.220),
    ),
    Task(
        *("craftax/Craftax-Symbolic-v1", "craftax/Craftax-Symbolic-AutoReset-v1", "CraftaxSymbolic", 23),
        ESSettings(F, 0.01, 0.999, 1, 512, "sgd", 4, T, 0.05, 0.999),
        ESSettings(F, 0.1, 0.995, 4, 1024, "adam", None, F, 0.5, 1.0),
        PPOSettings(0.2, 0.0, 0.9, 0.95, 3e-4, 2.0, 256, 4, 32, 64, 0.75),
        (0.228, 0.116),
    ),
    Task(
        *("jumanji/Game2048-v1", "jumanji/Game2048-v1", "Game2048", 24),
        ESSettings(F, 0.1, 1.0, 4, 1024, "adamw", 1, F, 0.5, 0.9995),
        ESSettings(T, 0.01, 0.999, 4, 1024, "adamw", None, T, 0.05, 0.9995),
        PPOSettings(0.3, 1e-3, 0.9, 0.99, 3e-4, 2.0, 64, 8, 16, 64, 0.75),
        (0.547, 0.583),
    ),
    Task(
        *("jumanji/Knapsack-v1", "jumanji/Knapsack-v1", "Knapsack", 25),
        ESSettings(F, 0.1, 0.999, 4, 1024, "sgd", 4, T, 0.05, 1.0),
        ESSettings(F, 0.01, 1.0, 1, 2048, "adamw", None, T, 0.5, 0.995),
        PPOSettings(0.1, 1e-4, 0.9, 0.99, 1e-4, 0.5, 256, 4, 64, 128, 0.75),
        (0.201, 0.591),
    ),
    Task(
        *("jumanji/Snake-v1", "jumanji/Snake-v1", "Snake", 26),
        ESSettings(F, 0.001, 0.9995, 8, 4096, "adam", 1, T, 0.05, 0.9995),
        ESSettings(F, 0.001, 1.0, 1, 2048, "sgd", None, F, 0.2, 1.0),
        PPOSettings(0.3, 1e-3, 0.95, 0.999, 1e-4, 0.5, 128, 4, 16, 128, 0.75),
        (0.005, 0.002),
    ),
    Task(
        *("kinetix/l/hard_pinball", "kinetix/l/hard_pinball", "HardPinball", 27),
        ESSettings(T, 0.01, 0.995, 8, 2048, "sgd", 4, T, 0.05, 0.999),
        ESSettings(T, 0.01, 1.0, 1, 512, "sgd", None, T, 0.5, 0.9995),
        PPOSettings(0.1, 1e-4, 0.9, 0.99, 1e-4, 1.0, 256, 16, 16, 64, 0.5),
        (-0.015, -0.008),
    ),
    Task(
        *("kinetix/m/h17_thrustcontrol_left", "kinetix/m/h17_thrustcontrol_left", "ThrustLeft", 28),
        ESSettings(F, 0.1, 0.9995, 4, 512, "sgd", 4, T, 0.5, 1.0),
        ESSettings(F, 0.001, 1.0, 1, 1024, "adam", None, T, 0.5, 0.999),
        PPOSettings(0.2, 1e-4, 0.9, 0.995, 1e-4, 2.0, 256, 16, 32, 128, 0.5),
        (1.347, 0.371),
    ),
    Task(
        *("kinetix/s/h1_thrust_over_ball", "kinetix/s/h1_thrust_over_ball", "ThrustBall", 29),
        ESSettings(F, 0.1, 0.995, 1, 512, "adamw", 1, T, 0.5, 0.9995),
        ESSettings(F, 0.01, 0.995, 1, 2048, "sgd", None, T, 0.05, 1.0),
        PPOSettings(0.2, 1e-4, 0.95, 0.999, 1e-4, 0.5, 64, 16, 16, 64, 0.5),
        (1.000, 1.000),
    ),
    Task(
        *("navix/Navix-DoorKey-8x8-v0", "navix/Navix-DoorKey-8x8-v0", "DoorKey", 30),
        ESSettings(F, 0.01, 0.9995, 1, 1024, "adamw", 1, F, 0.05, 1.0),
        ESSettings(F, 0.01, 1.0, 8, 2048, "adam", None, T, 0.05, 1.0),
        PPOSettings(0.1, 1e-4, 0.98, 0.95, 3e-4, 0.5, 64, 16, 64, 256, 0.75),
        (0.418, 0.166),
    ),
    Task(
        *("navix/Navix-Dynamic-Obstacles-6x6-Random-v0", "navix/Navix-Dynamic-Obstacles-6x6-Random-v0", "DynObs", 31),
        ESSettings(F, 0.01, 0.999, 4, 512, "adam", 2, F, 0.05, 1.0),
        ESSettings(F, 0.01, 1.0, 1, 4096, "adam", None, F, 0.2, 0.995),
        PPOSettings(0.1, 1e-3, 0.98, 0.999, 1e-3, 1.0, 128, 4, 16, 128, 0.5),
        (0.734, 0.770),
    ),
    Task(
        *("navix/Navix-FourRooms-v0", "navix/Navix-FourRooms-v0", "FourRooms", 32),
        ESSettings(F, 0.01, 0.999, 4, 2048, "sgd", 4, T, 0.05, 0.9995),
        ESSettings(F, 0.001, 0.9995, 4, 2048, "adam", None, F, 0.05, 0.9995),
        PPOSettings(0.1, 1e-3, 0.9, 0.99, 1e-3, 1.0, 256, 8, 32, 256, 0.75),
        (0.122, 0.125),
    ),
)

# Tables 15 and 16: 20 random configurations were run once each, and the one with the best final return of the mean
# parameters was run again with 10 seeds.
ES_RANGES: dict[str, tuple[Any, ...]] = {
    "deterministic": (T, F),
    "learning_rate": (1e-3, 1e-2, 1e-1),
    "learning_rate_decay": (0.995, 0.999, 0.9995, 1.0),
    "episodes": (1, 4, 8),
    "population_size": (512, 1024, 2048, 4096),
    "optimizer": ("adamw", "sgd", "adam"),
    "rank": (1, 2, 4),
    "rank_transform": (T, F),
    "sigma": (0.05, 0.2, 0.5),
    "sigma_decay": (0.995, 0.999, 0.9995, 1.0),
}
PPO_RANGES: dict[str, tuple[Any, ...]] = {
    "clip_eps": (0.1, 0.2, 0.3),
    "ent_coef": (0.0, 1e-4, 1e-3),
    "gae_lambda": (0.9, 0.95, 0.98),
    "gamma": (0.95, 0.99, 0.995, 0.999),
    "learning_rate": (1e-4, 3e-4, 1e-3),
    "max_grad_norm": (0.5, 1.0, 2.0),
    "num_envs": (64, 128, 256),
    "num_epochs": (4, 8, 16),
    "num_minibatches": (16, 32, 64),
    "num_steps": (64, 128, 256),
    "vf_coef": (0.5, 0.75, 1.0),
}


def ranges(algorithm: Algorithm) -> dict[str, tuple[Any, ...]]:
    """The search ranges of an algorithm; OpenAI-ES has no rank."""
    if algorithm == "ppo":
        return dict(PPO_RANGES)
    return ES_RANGES | ({"rank": (None,)} if algorithm == "openai_es" else {})


def find_task(env: str) -> Task | None:
    """The paper's task of an environment, by our id or the paper's; None for any other environment."""
    return next((task for task in TASKS if env in (task.env, task.paper_id)), None)


# --- Multi-agent tasks of JaxMARL (Tables 5-9, Figure 12): 64 x 3 networks, 5e8 steps, one A100.


@dataclasses.dataclass(frozen=True)
class MultiAgentES:
    """EGGROLL at rank 1, or OpenES; always deterministic, adamw."""

    activation: Literal["tanh", "pqn"]
    learning_rate: float
    learning_rate_decay: float  # in {.3, .7, 1}, so no factor per update; its unit is not stated
    rank_transform: bool
    sigma: float


@dataclasses.dataclass(frozen=True)
class IPPO:
    """Independent PPO; what all three tasks share is in `IPPO_FIXED`."""

    activation: Literal["tanh", "relu"]
    learning_rate: float
    ent_coef: float


@dataclasses.dataclass(frozen=True)
class MultiAgentTask:
    """One of the three tasks; results are in the order IPPO, OpenES, EGGROLL."""

    name: str
    table: int
    population_size: int  # of ES; the number of environments of IPPO
    eggroll: MultiAgentES
    openai_es: MultiAgentES
    ippo: IPPO
    paper_final: tuple[float, float, float]  # returns (Figure 12, read from its vector graphics)
    paper_minutes: tuple[float, float, float]


MULTI_AGENT_HIDDEN = (64, 64, 64)  # Table 8 prints n_layers 64 for IPPO, taken as a slip
IPPO_FIXED = {
    "optimizer": "adam, learning rate falling linearly",
    "num_minibatches": 4,
    "num_epochs": 4,
    "gamma": 0.99,
    "gae_lambda": 0.95,
    "clip_eps": 0.2,
    "vf_coef": 0.5,
    "max_grad_norm": 0.5,
}
# Which of Tables 7-9 is which task follows their order. Not stated: seeds, episodes per member, whether agents share
# parameters.
MULTI_AGENT_TASKS = (
    MultiAgentTask(
        *("jaxmarl/MPE_simple_spread_v3", 7, 128),
        MultiAgentES("tanh", 0.01, 0.7, F, 0.5),
        MultiAgentES("tanh", 0.01, 0.7, F, 0.5),
        IPPO("tanh", 0.001, 0.01),
        (-24.1, -42.1, -47.2),
        (12.4, 14.0, 13.0),
    ),
    MultiAgentTask(
        *("jaxmarl/MPE_simple_speaker_listener_v4", 8, 512),
        MultiAgentES("tanh", 0.01, 0.7, T, 0.5),
        MultiAgentES("tanh", 0.01, 0.3, T, 0.5),
        IPPO("relu", 0.001, 0.005),
        (-17.8, -21.7, -24.3),
        (2.90, 4.59, 3.24),
    ),
    MultiAgentTask(
        *("jaxmarl/MPE_simple_reference_v3", 9, 4096),
        MultiAgentES("pqn", 0.01, 0.3, F, 0.1),
        MultiAgentES("tanh", 0.01, 0.3, T, 0.3),
        IPPO("relu", 0.001, 0.01),
        (-37.0, -36.5, -36.4),
        (1.47, 2.35, 0.62),
    ),
)
MULTI_AGENT_ES_RANGES: dict[str, tuple[Any, ...]] = {
    "activation": ("pqn", "tanh"),
    "population_size": (128, 512, 1024, 2048, 4096),
    "learning_rate": (0.01, 0.05, 0.1, 0.5),
    "learning_rate_decay": (0.3, 0.7, 1.0),
    "sigma": (0.1, 0.2, 0.3, 0.4, 0.5),
    "rank_transform": (T, F),
}
IPPO_RANGES: dict[str, tuple[Any, ...]] = {
    "activation": ("relu", "tanh"),
    "num_envs": (128, 512, 1024, 2048, 4096),
    "learning_rate": (5e-5, 1e-4, 2.5e-4, 1e-3),
    "ent_coef": (0.001, 0.005, 0.01),
}
