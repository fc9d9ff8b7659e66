"""The options of the command line, as a run's `config.json` holds them. Importing this module imports no JAX."""

import dataclasses
import difflib
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import tyro

from eggroll_ray.workers.options import Workers

RunFolder = Annotated[Path, tyro.conf.Positional]


@dataclasses.dataclass(frozen=True)
class StrategyOptions:
    """The evolution strategy."""

    strategy: Literal["eggroll", "openai-es"] = "eggroll"
    """eggroll perturbs matrices with low-rank noise; openai-es, the baseline, with dense noise."""
    rank: int = 1
    """Rank of the perturbation of each matrix; only eggroll uses it."""
    sigma: float = 0.1
    """Standard deviation of each entry of the perturbation, in units of the parameters."""
    sigma_decay: float = 1.0
    """Sigma is multiplied by this factor after each generation; in (0, 1], where 1 means no decay."""
    sigma_schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How sigma goes to sigma_end over schedule_generations; with constant, only sigma_decay changes it."""
    sigma_end: float | None = None
    """With sigma_schedule: the final sigma, as a fraction of sigma in (0, 1]; by default 0.1."""
    sigma_warmup: int = 0
    """Warm-up: number of generations over which sigma first rises to its value in equal steps."""
    learning_rate: float = 0.05
    """Step size of the optimiser.
    For clipup it is the length of the longest step, and a third of sigma is a good start."""
    learning_rate_decay: float = 1.0
    """The learning rate is multiplied by this factor after each generation; in (0, 1], where 1 means no decay."""
    learning_rate_schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How the learning rate goes to learning_rate_end over schedule_generations.
    With constant, only learning_rate_decay changes it."""
    learning_rate_end: float | None = None
    """With learning_rate_schedule: the final rate, as a fraction of learning_rate in [0, 1]; by default 0.1."""
    learning_rate_warmup: int = 0
    """Warm-up: number of generations over which the learning rate first rises to its value in equal steps."""
    schedule_generations: int | None = None
    """Generations that both schedules take, with the warm-up; by default those that the run is started with."""
    optimizer: Literal["adam", "adamw", "sgd", "clipup"] = "adam"
    """The optimiser that turns the estimated gradient into a step: adam, adamw or sgd of optax, or clipup.
    With several groups of agents, each group has a clipup of its own."""
    shaping: Literal["centred-rank", "z-score", "group-z-score", "antithetic-sign", "none"] = "centred-rank"
    """Fitness shaping: how the raw fitness of a population is turned into the weights of its members."""
    group_size: int = 2
    """With shaping group-z-score: members per group; must be even."""
    law: Literal["normal", "rademacher"] = "normal"
    """Distribution of the noise: normal (Gaussian), or rademacher (-1 or 1 with equal probability)."""
    noise_reuse: int = 1
    """Number of generations that share one draw of noise.
    With window, set it to the generations of an episode to get noise-reuse ES."""
    persistent: int = 1
    """With window: the number of generations that an episode spans.
    Above 1, each member's noise is summed over them, which is persistent ES."""


@dataclasses.dataclass(frozen=True)
class PolicyOptions:
    """The policy."""

    policy: str = "auto"
    """The network: auto, mlp, gru, cnn, nature-cnn, or your own as module:attribute.
    auto chooses a cnn for images (nature-cnn for large ones), and an mlp otherwise."""
    hidden: tuple[int, ...] = (64, 64)
    """Widths of the mlp's hidden layers. The other networks use the first number as their width."""
    activation: Literal["tanh", "relu", "pqn"] = "tanh"
    """Activation of the mlp; pqn is relu(layer_norm(x)), which the paper uses."""
    stochastic: bool = False
    """Sample actions instead of taking the most likely one."""
    episodes: int = 1
    """Episodes per member and generation."""
    normalize_observations: bool = False
    """Normalise observations by their running mean and standard deviation."""
    bound: Literal["squash", "clip"] = "squash"
    """How the network's outputs become continuous actions.
    squash applies tanh and scales to the bounds; clip cuts off at the bounds."""
    log_std: Literal["output", "parameter"] = "output"
    """Where the log standard deviation of stochastic continuous actions comes from.
    output is an output of the network; parameter is a separate parameter vector."""
    window: int | None = None
    """Number of steps of an episode that one generation runs; by default the whole episode. JAX environments only."""


@dataclasses.dataclass(frozen=True)
class AgentOptions:
    """Several agents in one environment."""

    groups: Literal["role", "agent", "shared"] = "role"
    """Which agents share parameters: shared (all), agent (none), or role (names that differ only in a number)."""
    credit: Literal["own", "team"] = "own"
    """Fitness of a group: own is the mean return of the group's agents, team the mean return of all agents."""
    identify: bool = False
    """Append the agent's place in its group to each observation, so that agents with shared parameters can differ."""
    self_play: bool = False
    """Train against opponents that act by the mean parameters of earlier generations."""
    rivals: int = 4
    """With self-play: number of opponents per generation."""
    rivals_every: int = 10
    """With self-play: only every so many-th generation may become an opponent."""
    rivals_explore: float = 0.0
    """With self-play: fraction of the opponents' moves that are random."""


@dataclasses.dataclass(frozen=True)
class TaskOptions:
    """A fitness function of your own, instead of an environment."""

    fitness: str | None = None
    """The function to maximise, as module:function. The module must be in the current folder, or installed."""
    params: str | None = None
    """Initial parameters, as module:attribute: arrays, or a function without arguments that returns them."""
    fitness_kind: Literal["jax", "batched", "python"] = "jax"
    """How the fitness is called: jax as f(params, key), batched as f(members, keys), python as f(params, seed)."""
    data: str | None = None
    """Data set that the fitness receives as a further argument after the parameters, as module:attribute."""
    time_limit: float | None = None
    """With fitness-kind python: a call that takes longer than this number of seconds is stopped."""


@dataclasses.dataclass(frozen=True)
class WorkerOptions:
    """Where the members are evaluated."""

    workers: int | Literal["auto"] = "auto"
    """Number of Ray workers. 0 evaluates in this process, without Ray; auto uses all that the cluster has room for."""
    cpus_per_worker: float = 1.0
    """CPU cores of each worker; may be a fraction."""
    gpus_per_worker: float | None = None
    """GPUs of each worker; by default 1 if workers is auto and the cluster has GPUs, and 0 otherwise."""
    address: str | None = None
    """Address of a Ray cluster; by default the one in RAY_ADDRESS, or else a new one on this machine."""
    min_workers: int = 1
    """The run fails at the start if fewer workers than this can be started."""
    max_workers: int | None = None
    """Upper limit for workers auto. A cluster with an autoscaler is asked for room for this number of workers."""
    nodes: int | None = None
    """The run fails at the start if the cluster has fewer machines than this."""
    wait_seconds: float | None = None
    """How many seconds to wait for a cluster that is too small.
    By default 20 at the start, and 300 when all workers are lost during the run."""
    resync_every: int | None = None
    """Every so many generations, all workers copy the state of one of them.
    This allows workers on different kinds of devices.
    The bits of the result then depend on which worker evaluates what."""
    block_size: int | Literal["auto"] | None = None
    """Number of members that are evaluated together; must be even and divide the population size.
    By default the largest up to 256, or less if the noise of a block would not fit into a core's cache.
    On a GPU choose thousands. auto times several sizes on a worker and takes the fastest.
    The block size affects the last bits of the result, and auto may choose differently on another machine."""


@dataclasses.dataclass(frozen=True)
class TrainOptions:
    """What is trained, for how long, and where it is recorded."""

    env: str = ""
    """Environment id, such as gymnax/CartPole-v1 (`eggroll-ray envs` lists all), or your own as module:attribute."""
    env_options: tuple[str, ...] = ()
    """Options of the environment as name=value, such as episode_length=500."""
    generations: int = 200
    """Total number of generations. The run ends earlier if it reaches the target."""
    target: float | Literal["auto", "none"] = "auto"
    """The run stops when a test of the mean policy reaches this mean return and a second test confirms it.
    auto takes the accepted target of the environment, if there is one. none never stops."""
    patience: int | None = None
    """The run stops after this number of generations without a better test of the mean policy; by default never."""
    min_delta: float = 0.0
    """With patience: a test counts as better only if it exceeds the best one so far by more than this."""
    population_size: int = 512
    """Members per generation; must be even."""
    seed: int = 0
    """Seed of everything random. The same seed gives the same bits for any number of workers."""
    test_every: int = 1
    """Test the mean policy every so many generations; 0 never tests."""
    test_episodes: int | None = None
    """Fresh episodes per test; by default 128 in an environment. A fitness of your own has its own default."""
    checkpoint_every: int = 50
    """Write a checkpoint every so many generations."""
    wandb: str | None = None
    """Also log to Weights & Biases, to this project or entity/project."""
    mlflow: str | None = None
    """Also log to MLflow, to this experiment."""
    init_from: str | None = None
    """Start from the parameters in the newest checkpoint of this run folder, or in this safetensors file."""
    init_optimizer: Literal["fresh", "kept"] = "fresh"
    """If init-from is a run folder: start with a fresh optimiser, or keep the optimiser state of that run.
    A kept optimiser does not go with a schedule, warm-up or decay of the learning rate."""
    es: StrategyOptions = dataclasses.field(default_factory=StrategyOptions)
    policy: PolicyOptions = dataclasses.field(default_factory=PolicyOptions)
    agents: AgentOptions = dataclasses.field(default_factory=AgentOptions)
    worker: WorkerOptions = dataclasses.field(default_factory=WorkerOptions)
    task: TaskOptions = dataclasses.field(default_factory=TaskOptions)

    @property
    def title(self) -> str:
        """What is trained: the environment, or the fitness."""
        return self.env or self.task.fitness or "run"

    @property
    def strategy(self) -> StrategyOptions:
        """The strategy's options, with the number of generations that its schedules take."""
        given = self.es.schedule_generations
        return dataclasses.replace(self.es, schedule_generations=self.generations if given is None else given)

    def with_schedules_of(self, begun: "TrainOptions") -> "TrainOptions":
        """Returns them with the schedules' generations of the run that they continue, unless they name a number."""
        if self.es.schedule_generations is not None:
            return self
        generations = begun.strategy.schedule_generations
        return dataclasses.replace(self, es=dataclasses.replace(self.es, schedule_generations=generations))


def make_workers(options: WorkerOptions) -> Workers:
    """Says who evaluates."""
    return Workers(
        options.workers,
        options.cpus_per_worker,
        options.gpus_per_worker,
        options.address,
        min_workers=options.min_workers,
        max_workers=options.max_workers,
        nodes=options.nodes,
        wait_seconds=options.wait_seconds,
        resync_every=options.resync_every,
    )


def load_options(config: Path) -> TrainOptions:
    """Reads the options out of a run's `config.json`; a block size that was searched for it is then a number.

    Raises:
      CheckpointError: when the file holds no options of the command line, or unknown ones.
    """
    from eggroll_ray.runs.checkpoint import CheckpointError, read_object

    found = read_object(config).get("options")
    if found is None:
        raise CheckpointError(
            f"{config} has no options of the command line: the run was started from Python; continue it there with "
            "Run(path, resume=True)."
        )
    if isinstance(found, Mapping) and found.get("target", "none") is None:
        found = {**found, "target": "none"}  # as earlier versions wrote it
    try:
        options = _from_dict(TrainOptions, found)
    except TypeError as error:
        raise CheckpointError(f"{config} was written by another version of eggroll_ray, or edited: {error}") from error
    return _with_recorded_block_size(options, config) if options.worker.block_size == "auto" else options


def options_of_run(run: Path) -> TrainOptions:
    """Reads the options of a run folder that is to be continued or looked at, with the block size that it has.

    Raises:
      CheckpointError: see `load_options`.
    """
    config = run / "config.json"
    # The default, too: it may be another in this version.
    return _with_recorded_block_size(load_options(config), config)


def _with_recorded_block_size(options: TrainOptions, config: Path) -> TrainOptions:
    from eggroll_ray.runs.settings import recorded_block_size

    block_size = recorded_block_size(config, options.population_size)
    return dataclasses.replace(options, worker=dataclasses.replace(options.worker, block_size=block_size))


def _from_dict(kind: Any, values: Any) -> Any:
    """Makes options of what JSON holds of them.

    Raises:
      TypeError: for a name that is unknown, and for a value of another kind.
    """
    if not isinstance(values, Mapping):
        raise TypeError(f"{str(values)[:60]} is in the place of {kind.__name__}.")
    kinds, made = get_type_hints(kind), {}
    for name, value in values.items():
        if name not in kinds:
            near = difflib.get_close_matches(name, kinds, 1)
            raise TypeError(f"there is no option {name!r}" + (f"; did you mean {near[0]!r}?" if near else "."))
        wanted = kinds[name]
        if dataclasses.is_dataclass(wanted):
            if not isinstance(value, Mapping):
                raise TypeError(f"{name}={str(value)[:60]} holds no options.")
            made[name] = _from_dict(wanted, value)
        else:
            made[name] = tuple(value) if isinstance(value, list) else value
            if not _is(made[name], wanted):
                raise TypeError(f"{name}={repr(made[name])[:60]} is none that this option takes.")
    return kind(**made)


def _is(value: Any, kind: Any) -> bool:
    """Whether a value is of the kind of an option."""
    if get_origin(kind) in (Union, UnionType):
        return any(_is(value, one) for one in get_args(kind))
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(_is(item, get_args(kind)[0]) for item in value)
    if kind is float:
        return type(value) in (int, float)
    return type(value) is kind if kind is not type(None) else value is None
