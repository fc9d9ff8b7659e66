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
    """Low-rank noise, or dense noise as the baseline."""
    rank: int = 1
    """Rank of the perturbation of each matrix (eggroll only)."""
    sigma: float = 0.1
    """Standard deviation of each entry of the perturbation, in units of the parameters."""
    sigma_decay: float = 1.0
    """Factor on sigma per generation, in (0, 1]."""
    sigma_schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How sigma falls to its end over schedule_generations."""
    sigma_end: float | None = None
    """With sigma_schedule: where sigma ends, as a share of sigma in (0, 1]; by default 0.1."""
    sigma_warmup: int = 0
    """Generations in which sigma first rises to its value, in equal steps."""
    learning_rate: float = 0.05
    """Step size of the optimiser; of clipup, the longest step: a third of sigma is a good start."""
    learning_rate_decay: float = 1.0
    """Factor on the learning rate per generation, in (0, 1]."""
    learning_rate_schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How the learning rate falls to its end over schedule_generations."""
    learning_rate_end: float | None = None
    """With learning_rate_schedule: where it ends, as a share of learning_rate in [0, 1]; by default 0.1."""
    learning_rate_warmup: int = 0
    """Generations in which the learning rate first rises to its value, in equal steps."""
    schedule_generations: int | None = None
    """Generations that the schedules take, warm-up included; by default those that the run is begun with."""
    optimizer: Literal["adam", "adamw", "sgd", "clipup"] = "adam"
    """The optimiser that takes the estimate: one of optax, or ClipUp, of which groups of parameters have one each."""
    shaping: Literal["centred-rank", "z-score", "group-z-score", "antithetic-sign", "none"] = "centred-rank"
    """How fitness becomes weights."""
    group_size: int = 2
    """Members per group of group-z-score, even."""
    law: Literal["normal", "rademacher"] = "normal"
    """Law of the noise: normal numbers, or signs."""
    noise_reuse: int = 1
    """Generations that share one draw of noise; with window, those of an episode: noise-reuse ES."""
    persistent: int = 1
    """With window: generations of an episode, over which a member's noise is summed: persistent ES."""


@dataclasses.dataclass(frozen=True)
class PolicyOptions:
    """The policy."""

    policy: str = "auto"
    """The network: auto, mlp, gru, cnn, nature-cnn, or module:attribute of your own; auto is a cnn for images
    (nature-cnn for large ones) and mlp otherwise."""
    hidden: tuple[int, ...] = (64, 64)
    """Widths of the mlp's hidden layers; the others take the first as their width."""
    activation: Literal["tanh", "relu", "pqn"] = "tanh"
    """Activation of the mlp; pqn is relu(layer_norm(x)), the paper's."""
    stochastic: bool = False
    """Sample actions instead of taking the most likely one."""
    episodes: int = 1
    """Episodes per member and generation."""
    normalize_observations: bool = False
    """Normalise observations by their running mean and standard deviation."""
    bound: Literal["squash", "clip"] = "squash"
    """How outputs become continuous actions: tanh between the bounds, or cut off at them."""
    log_std: Literal["output", "parameter"] = "output"
    """Where the spread of stochastic continuous actions comes from: the network, or a vector of its own."""
    window: int | None = None
    """Steps of an episode per generation; by default all of them (JAX environments only)."""


@dataclasses.dataclass(frozen=True)
class AgentOptions:
    """Several agents in one environment."""

    groups: Literal["role", "agent", "shared"] = "role"
    """Who shares parameters: agents of the same name but for its number, nobody, or all."""
    credit: Literal["own", "team"] = "own"
    """What a group is paid for: the mean return of its own agents, or of all."""
    identify: bool = False
    """Append to each observation which agent of its group it is."""
    self_play: bool = False
    """Play against the mean parameters of earlier generations."""
    rivals: int = 4
    """With self-play: opponents per generation."""
    rivals_every: int = 10
    """With self-play: generations between those that may be opponents."""
    rivals_explore: float = 0.0
    """With self-play: share of the opponents' moves that are random."""


@dataclasses.dataclass(frozen=True)
class TaskOptions:
    """A fitness of your own, in the place of an environment."""

    fitness: str | None = None
    """Function to be maximised, as module:function; the module is in this folder, or installed."""
    params: str | None = None
    """Its initial parameters, as module:attribute: arrays, or a function without arguments that returns them."""
    fitness_kind: Literal["jax", "batched", "python"] = "jax"
    """How it is called: jax as f(params, key), batched as f(members, keys), python as f(params, seed)."""
    data: str | None = None
    """Data set that it is called with after the parameters, as module:attribute."""
    time_limit: float | None = None
    """With --fitness-kind python: seconds after which a call is ended."""


@dataclasses.dataclass(frozen=True)
class WorkerOptions:
    """Who does the work."""

    workers: int | Literal["auto"] = "auto"
    """Ray workers; 0 runs in this process, auto takes what the cluster has."""
    cpus_per_worker: float = 1.0
    """Cores of each worker; may be a fraction."""
    gpus_per_worker: float | None = None
    """GPUs of each worker; by default 1 where auto finds GPUs, else 0."""
    address: str | None = None
    """Address of a Ray cluster; by default the running one (RAY_ADDRESS), or a new one on this machine."""
    min_workers: int = 1
    """Fewer workers than these at the start are an error."""
    max_workers: int | None = None
    """The most that auto takes; a cluster that scales by itself is asked for room for so many."""
    nodes: int | None = None
    """Machines that the cluster must have at the start; fewer are an error."""
    wait_seconds: float | None = None
    """How long to wait for a cluster that has too little; by default 20 s at the start, 300 s later."""
    resync_every: int | None = None
    """Generations after which all workers take over the parameters of one; it lets different devices work together,
    and gives up the same bits."""
    block_size: int | Literal["auto"] | None = None
    """Members evaluated together, an even divisor of the population; by default the largest up to 256, or fewer
    where those would not stay in the cache; on a GPU choose thousands. auto times which is fastest on a worker: another
    machine may choose another, and then has other last bits."""


@dataclasses.dataclass(frozen=True)
class TrainOptions:
    """What is trained, for how long, and where it is recorded."""

    env: str = ""
    """Environment id, such as gymnax/CartPole-v1 or brax/ant (`eggroll-ray envs` lists them), or module:attribute of
    your own."""
    env_options: tuple[str, ...] = ()
    """Options of the environment as name=value, such as episode_length=500."""
    generations: int = 200
    """Generations in all; the run ends earlier when the target is reached."""
    target: float | Literal["auto", "none"] = "auto"
    """Mean return at which the run stops, confirmed on fresh episodes; auto: the accepted one, if any; none: never."""
    patience: int | None = None
    """Generations without a better test of the mean policy after which the run stops; by default it does not."""
    min_delta: float = 0.0
    """With patience: by how much a test must exceed the best one to count as better."""
    population_size: int = 512
    """Members per generation, even."""
    seed: int = 0
    """Of everything random; the same seed gives the same bits for any number of workers."""
    test_every: int = 1
    """Generations between tests of the mean policy; 0 never tests."""
    test_episodes: int | None = None
    """Fresh episodes per test; by default 128 in an environment, and what suits it for a fitness of your own."""
    checkpoint_every: int = 50
    """Generations between checkpoints."""
    wandb: str | None = None
    """Also log to Weights & Biases, to this project or entity/project."""
    mlflow: str | None = None
    """Also log to MLflow, to this experiment."""
    init_from: str | None = None
    """Begin with the parameters of this run folder, its newest checkpoint, or of this safetensors file."""
    init_optimizer: Literal["fresh", "kept"] = "fresh"
    """With init-from a run folder: begin with a fresh optimiser, or with the state that it has there."""
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
