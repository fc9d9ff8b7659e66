"""The features of a run that can be combined: tiny runs that have any of them, and one battery for all.

A case is a place, where members get their fitness, and some of the options. `docs/features.md` is the table of them.
"""

import functools
import itertools
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from evaluating import bound_once
from toy_games import team_env, walks

import eggroll_ray as er
from eggroll_ray import trainer
from eggroll_ray.evaluators import engine
from eggroll_ray.models.policies import Policy
from eggroll_ray.replay import Replay
from eggroll_ray.rl.env import Box, Env, HostEnv, Timestep
from eggroll_ray.workers.backend import WorkerLost
from eggroll_ray.workers.coordinator import Coordinator
from eggroll_ray.workers.options import Workers
from eggroll_ray.workers.worker import Worker
from envs import gym_env, pettingzoo_env

gymnasium = pytest.importorskip("gymnasium")
pettingzoo = pytest.importorskip("pettingzoo")

GENERATIONS = 4
STOP = 3  # where a run is stopped: in the middle of an episode of two windows, and after a checkpoint
DIES = 1  # the generation in which a worker dies
_WIDTH = 6

PLACES = {
    "fitness": "a fitness in JAX",
    "data": "a fitness in JAX that reads data",
    "batched": "a fitness in Python, called once a block",
    "blocking": "a fitness in plain Python, in processes of its own",
    "env": "an environment in JAX",
    "team": "an environment in JAX with several agents",
    "self-play": "a game in JAX against means of earlier generations",
    "gymnasium": "an environment of Gymnasium",
    "parallel": "a parallel environment of PettingZoo",
    "self-play on the host": "a game in Python against means of earlier generations",
}
OPTIONS = {
    "normalised": "observations are normalised by running statistics",
    "memory": "the policy is recurrent",
    "groups": "agents have parameters and a fitness of their own",
    "truncation": "episodes are cut off before their last step",
    "lost": "some members have no fitness",
    "windows": "an episode is spread over two generations",
    "reused": "generations share one draw of noise",
    "persistent": "noise is summed over the generations of an episode",
    "signs": "a pair's result is one sign",
    "schedules": "sigma and learning rate change with the generation",
    "steered": "sigma and learning rate are changed while the run goes on",
    "rademacher": "noise of signs, of rank 2",
    "clipup": "an optimiser that looks at all parameters",
    "frozen": "a leaf is frozen",
    "densified": "a leaf is formed for each member",
    "stacked": "a leaf stacks layers",
    "bfloat16": "a leaf is bfloat16",
}
_NO_ENV = ("fitness", "data", "batched", "blocking")
_ONE_GROUP = (*_NO_ENV, "env", "gymnasium", "self-play", "self-play on the host")
_ONE_END = ("env", "team", "self-play", "self-play on the host")
_IN_ONE_PIECE = ("gymnasium", "parallel", "self-play", "self-play on the host")
# What cannot be combined, and why.
APART = {
    **{frozenset((place, "normalised")): "there are no observations" for place in _NO_ENV},
    **{frozenset((place, "memory")): "there are no steps" for place in _NO_ENV},
    **{frozenset((place, "groups")): "one set of parameters" for place in _ONE_GROUP},
    **{frozenset((place, "truncation")): "there are no episodes" for place in _NO_ENV},
    **{frozenset((place, "truncation")): "it knows one kind of end" for place in _ONE_END},
    **{frozenset((place, "windows")): "there are no episodes" for place in _NO_ENV},
    **{frozenset((place, "windows")): "episodes are played in one piece" for place in _IN_ONE_PIECE},
    **{frozenset((place, "persistent")): "it needs windows" for place in (*_NO_ENV, *_IN_ONE_PIECE)},
    frozenset(("persistent", "reused")): "with one draw for an episode nothing is summed",
    **{frozenset((option, "truncation")): "no place has both" for option in ("windows", "persistent")},
}


class Case(NamedTuple):
    """A run with some features."""

    place: str
    options: frozenset[str]

    def __str__(self) -> str:
        return " + ".join([self.place, *sorted(self.options)])

    def pairs(self) -> set[frozenset[str]]:
        """All pairs of its features."""
        return set(map(frozenset, itertools.combinations([self.place, *self.options], 2)))


def options_of(place: str) -> frozenset[str]:
    """All options that go with a place."""
    return frozenset(option for option in OPTIONS if frozenset((place, option)) not in APART)


def page() -> str:
    """The text of `docs/features.md`."""
    places = list(PLACES)
    lines = [
        "# What can be combined",
        "",
        "Whatever is combined, a run has the same bits in one piece, with two workers of which one dies, when it is",
        "resumed, and when it is replayed from its seed and its fitness log. `tests/test_features.py` trains tiny runs",
        "in which all pairs that go together are found: of a place, where members get their fitness, with an option",
        "(x), and of two options. The battery is `tests/helpers/features.py`, which also writes this page:",
        "`PYTHONPATH=.:tests/helpers python -m features`.",
        "",
        "| place | |",
        "|---|---|",
        *(f"| {name} | {what} |" for name, what in PLACES.items()),
        "",
        "| option | | " + " | ".join(places) + " |",
        "|---|---|" + "---|" * len(places),
    ]
    for option, what in OPTIONS.items():
        marks = ("x" if option in options_of(place) else "" for place in places)
        lines.append(f"| {option} | {what} | {' | '.join(marks)} |")
    lines += ["", "Not combined:", ""]
    order, reasons = [*PLACES, *OPTIONS], {}
    for pair, why in APART.items():
        other, option = sorted(pair, key=order.index)
        reasons.setdefault((option, why), []).append(other)
    lines += [f"- {option} with {', '.join(others)}: {why}." for (option, why), others in reasons.items()]
    return "\n".join(lines) + "\n"


# --- what a case is made of --------------------------------------------------------------------------------------


def _params(key: Any, inputs: int, outputs: int, options: frozenset[str]) -> Any:
    shapes = {"in": (inputs, _WIDTH), "mix": (_WIDTH, _WIDTH), "scale": (_WIDTH,), "out": (_WIDTH, outputs)}
    shapes |= {"layers": (2, _WIDTH, _WIDTH)} if "stacked" in options else {}
    keys = dict(zip(shapes, jax.random.split(key, len(shapes)), strict=True))
    params = {name: 0.4 * jax.random.normal(keys[name], shape) for name, shape in shapes.items()}
    return params | ({"mix": params["mix"].astype(jnp.bfloat16)} if "bfloat16" in options else {})


def _network(options: frozenset[str], params: Any, x: Any, carry: Any = None) -> tuple[Any, Any]:
    hidden = jnp.tanh(x @ params["in"]) * params["scale"]
    if "stacked" in options:
        hidden, _ = jax.lax.scan(lambda h, w: (jnp.tanh(h @ w), None), hidden, params["layers"])
    mix = jnp.sin(params["mix"]) if "densified" in options else params["mix"]  # sin has no low-rank rule
    mixed = (hidden.astype(mix.dtype) @ mix).astype(jnp.float32)
    if carry is not None:
        carry = mixed = jnp.tanh(mixed + 0.5 * carry)
    return mixed @ params["out"], carry


@functools.cache
def _policy(options: frozenset[str]) -> Policy:
    def init(key: Any, observation: Any, outputs: int) -> Any:
        return _params(key, observation.size, outputs, options)

    if "memory" in options:
        apply = functools.partial(_network, options)
        return Policy(init, apply, lambda: jnp.zeros(_WIDTH))
    return er.feedforward(init, lambda params, observation: _network(options, params, observation)[0])


def _drift() -> Env:
    """A point that the action moves, for three or four steps."""

    def shown(place: Any, time: Any, limit: Any) -> Timestep:
        return Timestep(jnp.stack([place, time.astype(jnp.float32)]), -((place - 1.0) ** 2), time >= limit)

    def reset(key: Any) -> Any:
        place, limit = jax.random.normal(key), 3 + jax.random.bernoulli(key).astype(jnp.int32)
        return (place, jnp.int32(0), limit), shown(place, jnp.int32(0), limit)

    def step(state: Any, action: Any, key: Any) -> Any:
        place, time, limit = state
        place, time = place + 0.3 * action[0] + 0.1 * jax.random.normal(key), time + 1
        return (place, time, limit), shown(place, time, limit)

    return Env("toy/drift", reset, step, Box.of((2,)), Box.of((1,)), 4)


def _contest() -> Env:
    """Two guess a number that each sees, disturbed; who is nearer is paid what the other lacks."""

    def shown(seen: Any, reward: Any, done: bool) -> Timestep:
        return Timestep(seen, reward, jnp.bool_(done))

    def reset(key: Any) -> Any:
        number, seen = jax.random.normal(key), jax.random.normal(jax.random.fold_in(key, 1), (2, 2))
        return number, shown(0.2 * seen + number, jnp.zeros(2), False)

    def step(number: Any, action: Any, key: Any) -> Any:
        off = (action[:, 0] - 0.5 * number) ** 2
        return number, shown(jnp.zeros((2, 2)), off[::-1] - off, True)

    return Env("toy/contest", reset, step, Box.of((2,)), Box.of((1,)), 1, ("player_0", "player_1"))


def _losing(env: Env, share: float) -> Env:
    """The same, where a share of the episodes pays what is no number."""

    def reset(key: Any) -> Any:
        state, shown = env.reset(key)
        return (state, jax.random.uniform(jax.random.fold_in(key, 7)) < share), shown

    def step(state: Any, action: Any, key: Any) -> Any:
        state, lost = state
        state, shown = env.step(state, action, key)
        return (state, lost), shown._replace(reward=jnp.where(lost, jnp.nan, shown.reward))

    return env._replace(reset=reset, step=step)


class _Drift(gymnasium.Env):
    """The same in Python. It ends after four steps, or is cut off after two or three."""

    observation_space = gymnasium.spaces.Box(-10, 10, (2,), np.float64)
    action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)

    def __init__(self, truncated: bool, lost: bool):
        self._truncated, self._lost = truncated, lost

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self._time, self._place, self._limit = 0, self.np_random.normal(), int(self.np_random.integers(2, 4))
        return self._seen(), {}

    def step(self, action: Any) -> Any:
        if self._lost and self.np_random.uniform() < 0.05:
            raise RuntimeError("the floor is gone")
        self._time, self._place = self._time + 1, self._place + 0.3 * float(action[0]) + 0.1 * self.np_random.normal()
        cut = self._truncated and self._time >= self._limit
        return self._seen(), -((self._place - 1.0) ** 2), self._time >= 4, cut, {}

    def _seen(self) -> np.ndarray:
        return np.array([self._place, self._time])


class _Drifts(pettingzoo.ParallelEnv):
    """Two of these that act at once, each with a goal of its own."""

    metadata = {"name": "drifts", "render_modes": []}  # noqa: RUF012
    possible_agents = ["left", "right"]  # noqa: RUF012

    def __init__(self, truncated: bool, lost: bool):
        self._made = {agent: _Drift(truncated, lost and agent == "left") for agent in self.possible_agents}
        self.render_mode = None

    def observation_space(self, agent: str) -> Any:
        return _Drift.observation_space

    def action_space(self, agent: str) -> Any:
        return _Drift.action_space

    def reset(self, seed: int | None = None, options: Any = None) -> Any:
        self.agents = list(self.possible_agents)
        seen = {agent: env.reset(seed=seed)[0] for agent, env in self._made.items()}
        return seen, {agent: {} for agent in self.agents}

    def step(self, actions: dict[str, Any]) -> Any:
        found = {agent: self._made[agent].step(action) for agent, action in actions.items()}
        seen, paid, ended, cut, info = ({agent: one[i] for agent, one in found.items()} for i in range(5))
        self.agents = [agent for agent in self.agents if not ended[agent] and not cut[agent]]
        return seen, paid, ended, cut, info


def _host_game(lost: bool) -> HostEnv:
    return walks(steps=3, agents=2, **({"raises": 100} if lost else {}))


def _of_params(place: str, options: frozenset[str]) -> er.Evaluator:
    """Evaluators of a fitness function."""
    table = np.linspace(-1.0, 1.0, 8, dtype=np.float32).reshape(4, 2)
    lost = "lost" in options

    def in_jax(params: Any, data: Any, key: Any) -> Any:
        x = data + 0.1 * jax.random.normal(key, (4, 2))
        outputs = jax.vmap(lambda row: _network(options, params, row)[0])(x)
        score = -jnp.mean((outputs - x[:, :1]) ** 2)
        return jnp.where(jax.random.uniform(key) < 0.2, jnp.nan, score) if lost else score

    def batched(members: Any, keys: Any) -> np.ndarray:
        return np.asarray(apply(members, keys))

    @jax.jit
    def apply(members: Any, keys: Any) -> Any:
        return members.apply(lambda params, key: in_jax(params, table, key), keys)

    def blocking(params: Any, seed: int) -> float:
        if lost and seed % 5 == 0:
            raise RuntimeError("the simulator has lost its licence")
        return -float(sum(np.abs(np.float32(leaf)).sum() for leaf in params.values())) + seed % 3

    params = jax.jit(lambda: _params(jax.random.key(5), 2, 1, options))()
    if place == "data":
        return er.from_fitness(in_jax, params, data=table)
    if place == "batched":
        return er.from_fitness(batched, params, er.batched())
    if place == "blocking":
        return er.from_fitness(blocking, params, er.blocking(on_error=er.Invalid.DROP_PAIR))
    return er.from_fitness(lambda params, key: in_jax(params, table, key), params)


_IN_JAX_GAMES = {"env": _drift, "team": team_env, "self-play": _contest}


def evaluator_of(case: Case) -> er.Evaluator:
    place, options = case
    if place in _NO_ENV:
        return _of_params(place, options)
    lost, cut, policy = "lost" in options, "truncation" in options, _policy(options)
    common: dict[str, Any] = {"normalize_observations": "normalised" in options}
    if place in _IN_JAX_GAMES:
        env = _IN_JAX_GAMES[place]()
        env = _losing(env, 0.05 if place == "self-play" else 0.2) if lost else env
    window = 2 if "windows" in options else None
    if place == "env":
        return er.from_env(env, policy, window=window, **common)
    if place == "gymnasium":
        env = gym_env.from_function(functools.partial(_Drift, cut, lost), name="drift", max_steps=5)
        return er.from_host_env(env, policy, **common)
    rivals = er.Rivals(count=2, every=1)
    if place == "self-play":
        return er.self_play(env, policy, rivals=rivals, **common)
    if place == "self-play on the host":
        return er.self_play(_host_game(lost), policy, rivals=rivals, **common)
    common["agents"] = er.Agents(groups=er.by_role if "groups" in options else er.shared)
    if place == "team":
        return er.from_env(env, policy, window=window, **common)
    env = pettingzoo_env.from_function(functools.partial(_Drifts, cut, lost), name="drifts", max_steps=5)
    return er.from_host_env(env, policy, **common)


@functools.cache
def strategy_of(options: frozenset[str]) -> er.ES:
    rate = optax.exponential_decay(0.05, 1, 0.9) if "schedules" in options else 0.05

    def decaying(generation: Any) -> Any:
        return jnp.float32(0.2) * jnp.float32(0.9) ** (generation // 2).astype(jnp.float32)

    rademacher = "rademacher" in options
    return er.eggroll(
        rank=2 if rademacher else 1,
        law=er.noise.rademacher if rademacher else er.noise.normal,
        sigma=decaying if "schedules" in options else 0.2,
        optimizer=er.clipup(rate) if "clipup" in options else optax.adam(rate),
        shaping=er.fitness.antithetic_sign if "signs" in options else er.fitness.centred_rank,
        noise_reuse=2 if "reused" in options else 1,
        persistent=2 if "persistent" in options else 1,
        leaves=er.LeafRules(
            frozen=("*in",) if "frozen" in options else (),
            densify=("*mix",) if "densified" in options else (),
            stacked={"*layers": 1} if "stacked" in options else {},
        ),
    )


# --- two workers in this process ---------------------------------------------------------------------------------


class _Here:
    """A `Backend` of workers in this process, which answer at once. The first one dies."""

    def __init__(self, make: Any):
        self._make, self._now = make, 0.0
        self.made: list[Any] = []

    def clock(self) -> float:
        return self._now

    def target(self) -> int:
        return 2

    def start(self, index: int) -> Any:
        from eggroll_ray.workers.ray.backend import _Actor  # a plain class, and what Ray's workers are

        self.made.append(_Actor(self._make))
        return self.made[-1]

    def put(self, value: Any) -> Any:
        return value

    def call(self, worker: Any, label: str, method: str, *args: Any) -> Any:
        if worker is self.made[0] and method == "step" and args[1] == DIES:
            return lambda: _lose()
        answer = getattr(worker, method)(*args)
        return lambda: answer

    def wait(self, calls: Any, seconds: float) -> Any:
        self._now += 0.5  # so that a worker that is lost is soon replaced
        return calls

    def result(self, call: Any) -> Any:
        return call()

    def kill(self, worker: Any) -> None:
        pass

    def close(self) -> None:
        pass


def _lose() -> None:
    raise WorkerLost("its process ended")


class _TwoWorkers(er.Trainer):
    """A trainer with a coordinator and two workers in this process."""

    def _start(self) -> None:
        with mock.patch.object(trainer, "start_pool", _two_workers):
            super()._start()


def _two_workers(strategy: er.ES, evaluator: er.Evaluator, plan: Any, workers: Any, on_event: Any) -> Coordinator:
    """In place of `workers.start.start_pool`."""
    del workers
    backend = _Here(lambda: Worker(strategy, evaluator, plan))
    return Coordinator(backend, plan, Workers(2), on_event, backend.clock)


# --- the battery -------------------------------------------------------------------------------------------------


def battery(case: Case, folder: Path) -> None:
    """Trains in one piece; with two workers, of which one dies; resumed; replayed: always the same bits."""
    # Of windows, all workers share what is held of episodes; it is used by none but the one that played them.
    evaluator, strategy = bound_once(evaluator_of(case)), strategy_of(case.options)
    with mock.patch.object(engine, "SharedProgram", functools.cache(engine.SharedProgram)):  # the update, once
        _battery(case, evaluator, strategy, folder)


def _battery(case: Case, evaluator: er.Evaluator, strategy: er.ES, folder: Path) -> None:
    def begin(kind: type[er.Trainer] = er.Trainer, **options: Any) -> er.Trainer:
        return kind(evaluator, strategy, population_size=8, block_size=4, seed=3, watch=er.Watch(every=0), **options)

    def steer(run: er.Trainer, rows: list[er.Row]) -> Any:
        def on_row(row: er.Row) -> None:
            rows.append(row)
            if "steered" in case.options and row["generation"] == 0:
                run.change(learning_rate_scale=0.7, sigma_scale=1.5)

        return on_row

    rows: list[er.Row] = []
    with begin() as whole:
        start = whole.result().params
        result = whole.fit(GENERATIONS, steer(whole, rows))
    _check_values(case, evaluator, start, result, rows)
    digests = [row["digest"] for row in rows] + [result.digest]

    parts: list[er.Row] = []
    with begin(_TwoWorkers, run=er.Run(folder, checkpoint_every=2)) as begun:
        assert begun.fit(STOP, steer(begun, parts)).digest == digests[STOP]
        assert len(begun._pool._backend.made) == 3  # pyright: ignore[reportOptionalMemberAccess]
    with begin(run=er.Run(folder, resume=True)) as resumed:
        assert resumed.fit(GENERATIONS, parts.append).digest == result.digest
        past = Replay(folder, evaluator, strategy, resumed._plan)
    assert [row["digest"] for row in parts] + [result.digest] == digests
    names = ("fitness_mean", "fitness_min", "steps", "failed_members", "tied_members")
    assert [[row[name] for name in names] for row in parts] == [[row[name] for name in names] for row in rows]

    worker = past.worker_at(0, from_start=True)
    for number, digest in enumerate(digests):
        worker.advance(past.log.read(worker.number, number))
        assert worker.digest() == digest


def _check_values(case: Case, evaluator: er.Evaluator, start: Any, result: er.Result, rows: list[er.Row]) -> None:
    """What the features are for: that each of them is on, and only where it should be."""
    flat, _ = jax.tree_util.tree_flatten_with_path(start)
    for (path, before), after in zip(flat, jax.tree.leaves(result.params), strict=True):
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        assert np.isfinite(np.float32(after)).all(), name
        moved = not np.array_equal(before, after)
        assert moved == (not name.endswith("in") or "frozen" not in case.options), name
        assert after.dtype == ("bfloat16" if name.endswith("mix") and "bfloat16" in case.options else np.float32)
    invalid = sum(row["invalid_members"] for row in rows)
    assert (invalid > 0) == ("lost" in case.options), [row["invalid_members"] for row in rows]
    sigma = 0.18 if "schedules" in case.options else 0.2  # of the update that row 3 tells of
    assert np.isclose(rows[3]["sigma"], sigma * (1.5 if "steered" in case.options else 1.0)), rows[3]["sigma"]
    assert len(evaluator.groups) == {"team": 2, "parallel": 2}.get(case.place, 0) * ("groups" in case.options)
    if result.policy is not None:
        normalizer = result.policy.normalizer
        assert (normalizer is not None) == ("normalised" in case.options)
        assert all(np.any(mean != 0) for mean in jax.tree.leaves(normalizer)[::2])
    if case.place in ("env", "gymnasium", "parallel") and not case.options & {"lost", "windows"}:
        assert all((row["steps"] < 4 * 8) == (case.place == "env" or "truncation" in case.options) for row in rows)


if __name__ == "__main__":
    (Path(__file__).parents[2] / "docs" / "features.md").write_text(page())
