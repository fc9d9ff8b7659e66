"""PettingZoo environments as `HostEnv` records, both parallel ones and those that are played in turns (AEC).

The axis of agents follows the order of `possible_agents`. An agent that is not present observes zeros, its action is
ignored, and its reward is 0. In a game played in turns, each step is one turn. All agents observe and act, but only the
action of the agent whose turn it is has an effect, and only its mask restricts actions.
"""

import contextlib
import functools
import importlib
import inspect
import io
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from eggroll_ray.rl.env import HostEnv
from envs.host.agents import Team, team
from envs.host.batch import Game, Shown, flag, host_env, names_argument

OPEN = True  # any other module with `parallel_env` or `env` may be used, by its dotted name
_NAMES = (
    *("mpe2.simple_v3", "mpe2.simple_adversary_v3", "mpe2.simple_crypto_v3", "mpe2.simple_push_v3"),
    *("mpe2.simple_reference_v3", "mpe2.simple_speaker_listener_v4", "mpe2.simple_spread_v3", "mpe2.simple_tag_v3"),
    *("mpe2.simple_world_comm_v3", "classic.chess_v6", "classic.connect_four_v3", "classic.go_v5"),
    *("classic.hanabi_v5", "classic.leduc_holdem_v4", "classic.rps_v2", "classic.texas_holdem_no_limit_v6"),
    *("classic.texas_holdem_v4", "classic.tictactoe_v3", "butterfly.cooperative_pong_v6"),
    *("butterfly.knights_archers_zombies_v11", "butterfly.pistonball_v6", "sisl.multiwalker_v9", "sisl.pursuit_v5"),
)
UNSUPPORTED: dict[str, str] = {}
_FAMILIES = ("atari", "butterfly", "classic", "mpe", "sisl")  # of PettingZoo's own package
# Largest number of steps in an episode, for all versions; in games played in turns, of turns. For games that end by
# themselves this leaves some margin, but long games of chess and go are cut off.
_LIMITS = {
    **{"classic.chess": 500, "classic.connect_four": 42, "classic.go": 800, "classic.hanabi": 200},
    **{"classic.leduc_holdem": 50, "classic.texas_holdem": 100, "classic.texas_holdem_no_limit": 100},
    **{"classic.rps": 15, "classic.tictactoe": 9, "butterfly.cooperative_pong": 900, "butterfly.pistonball": 125},
    **{"butterfly.knights_archers_zombies": 900, "sisl.multiwalker": 500, "sisl.pursuit": 500, "sisl.waterworld": 500},
}
# These environments also remove agents that die from `possible_agents`, so that the next episode lacks them.
_LEAKING = {"butterfly.knights_archers_zombies"}

Make = Callable[..., Any]


def names() -> tuple[str, ...]:
    """Returns well-known ids that work, without importing PettingZoo."""
    return _NAMES


def imports(name: str) -> str | None:
    """Returns the module that an id imports, None where it is part of PettingZoo."""
    return None if name.partition(".")[0] in _FAMILIES else name


def make(name: str, *, max_steps: int | None = None, renew: bool | None = None, **options: Any) -> HostEnv:
    """Makes one PettingZoo environment, as a parallel one if the module offers that.

    Observations become arrays as in `envs.gym_env`. If agents have different shapes, their observations are flattened
    and padded, and the mask excludes actions that an agent lacks. An `action_mask` in a dictionary of observations or
    in the infos becomes the mask.

    Args:
        name: family and module, such as `classic.tictactoe_v3` or `sisl.multiwalker_v9`, or the full name of any
            module with `parallel_env` or `env`, such as `mpe2.simple_spread_v3`.
        max_steps: largest number of steps in an episode; in a game played in turns, of turns. The default is the
            option `max_cycles` or its default, multiplied by the number of agents if the game is played in turns.
        renew: whether to make a new environment for each episode. Set it if an episode depends on earlier ones, which
            `check_host_env` finds. By default it is set for the environments in `names()` that need it.
        **options: arguments of the environment's constructor, such as `N=5`.

    Returns:
        The environment.

    Raises:
        ValueError: when it cannot be made, has spaces that cannot be used, or has no limit of steps.
    """
    versionless = name.rpartition("_v")[0]
    limit = max_steps or (None if "max_cycles" in options else _LIMITS.get(versionless))
    renew = versionless in _LEAKING if renew is None else renew
    game = functools.partial(_imported, name, options)
    return _host_env(f"pettingzoo/{name}", game, limit, renew=renew, cycles=options.get("max_cycles"))


def from_function(make: Make, *, name: str, max_steps: int, renew: bool = False) -> HostEnv:
    """Makes a `HostEnv` of your own PettingZoo environment.

    Args:
        make: returns a new ParallelEnv or AECEnv. It is called in each process, so it must survive cloudpickle. If it
            takes an argument `render_mode`, episodes can be drawn with "rgb_array".
        name: what to call it.
        max_steps: the most steps of an episode, of an AECEnv the most turns.
        renew: see `make`.

    Raises:
        ValueError: it cannot be made, or has spaces that cannot be used.
    """
    parameters = inspect.signature(make).parameters.values()
    drawable = any(one.name == "render_mode" or one.kind is one.VAR_KEYWORD for one in parameters)
    return _host_env(name, functools.partial(_called, make, drawable), max_steps, drawable, renew)


def _host_env(
    name: str,
    make: Make,
    limit: int | None,
    drawable: bool = True,
    renew: bool = False,
    cycles: int | None = None,
) -> HostEnv:
    try:
        with _building():
            env = make(None)
            infos = _reset(env, 0)[1] if _is_parallel(env) else _reset_turns(env, 0)
            # A cycle is a round in which every agent acts once.
            rounds: int = cycles or getattr(env.unwrapped, "max_cycles", None) or 0
            limit = limit or (rounds if _is_parallel(env) else rounds * len(env.possible_agents))
            env.close()
    except Exception as error:
        raise ValueError(f"{name} cannot be made: {type(error).__name__}: {error}") from error
    if not limit:
        raise ValueError(f"{name} does not say when an episode ends at the latest; give max_steps=500 or so")
    masked = any("action_mask" in (info or {}) for info in infos.values())
    return host_env(name, functools.partial(_game, make, masked), limit, drawable=drawable, renew=renew)


def _reset(env: Any, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Resets a parallel environment. The interface from before PettingZoo 1.23 returns no infos."""
    shown = env.reset(seed=seed)
    observations, infos = shown if isinstance(shown, tuple) else (shown, {})
    return observations, infos or {}


def _reset_turns(env: Any, seed: int) -> dict[str, Any]:
    env.reset(seed=seed)
    return env.infos


def _imported(name: str, options: dict[str, Any], render_mode: str | None) -> Any:
    family = name.partition(".")[0]
    module = importlib.import_module(f"pettingzoo.{name}" if family in _FAMILIES else name)
    constructor = getattr(module, "parallel_env", None) or module.env
    if render_mode is not None or names_argument(constructor, "render_mode"):
        options = {"render_mode": render_mode} | options
    return constructor(**options)


def _called(make: Make, drawable: bool, render_mode: str | None) -> Any:
    return make(render_mode=render_mode) if drawable else make()


@contextlib.contextmanager
def _building() -> Iterator[None]:
    """Hides pygame's greeting and warnings about a suite's own code, which would appear for each environment."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def _is_parallel(env: Any) -> bool:
    from pettingzoo import ParallelEnv

    return isinstance(env, ParallelEnv)


def _game(make: Make, masked: bool, render_mode: str | None) -> Game:
    with _building():
        env = make(render_mode)
        agents = list(env.possible_agents)
        observation_spaces = {agent: env.observation_space(agent) for agent in agents}
        action_spaces = {agent: env.action_space(agent) for agent in agents}
        players = team(observation_spaces, action_spaces, masked)
    return _Parallel(env, players) if _is_parallel(env) else _Turns(env, players)


class _Parallel:
    """A game in which all agents act at once; see `envs.host.batch.Game`."""

    def __init__(self, env: Any, players: Team):
        self._env, self._team, self.layout = env, players, players.layout
        self.metadata = env.metadata

    def reset(self, seed: int) -> Shown:
        observations, infos = _reset(self._env, seed)
        return self._shown(observations, {}, infos, bool(self._env.agents))

    def step(self, action: tuple[Any, ...]) -> Shown:
        chosen = dict(zip(self.layout.agents, action, strict=True))
        chosen = {agent: chosen[agent] for agent in self._env.agents}
        found = self._env.step(chosen)
        if not isinstance(found, tuple) or len(found) not in (4, 5):
            what = f"{len(found)} values" if isinstance(found, tuple) else f"a {type(found).__name__}"
            raise TypeError(f"step returned {what}; return (observations, rewards, terminations, truncations, infos)")
        observations, rewards, *ends, infos = found
        left = [one for one in self._env.agents if not any(flag(end.get(one, False), "end") for end in ends)]
        return self._shown(observations, rewards, infos or {}, bool(left))

    def draw(self) -> Any:
        return self._env.render()

    def close(self) -> None:
        self._env.close()

    def _shown(self, observations: Any, rewards: Any, infos: Any, goes_on: bool) -> Shown:
        present = _known(self._env.agents, self.layout.agents)
        blind = [agent for agent in present if agent not in observations]
        if blind:
            raise RuntimeError(f"agents {blind} are present, but get no observation")
        _known(rewards, self.layout.agents)
        observations = {agent: observations[agent] for agent in present}
        masks = {agent: _raw_mask(observations[agent], infos.get(agent)) for agent in present if goes_on}
        mask = self._team.mask(masks) if self.layout.masked else None
        return Shown(self._team.observations(observations), self._team.rewards(rewards), not goes_on, mask)


class _Turns:
    """A game that is played in turns (AEC); see `envs.host.batch.Game`."""

    def __init__(self, env: Any, players: Team):
        self._env, self._team, self.layout = env, players, players.layout
        self.metadata = env.metadata

    def reset(self, seed: int) -> Shown:
        self._env.reset(seed=seed)
        self._skip_the_dead()
        return self._shown({})

    def step(self, action: tuple[Any, ...]) -> Shown:
        turn = self._env.agent_selection
        self._env.step(action[self.layout.agents.index(turn)])
        rewards = dict(self._env.rewards)  # copied now, because the steps of dead agents clear them
        self._skip_the_dead()
        return self._shown(rewards)

    def draw(self) -> Any:
        return self._env.render()

    def close(self) -> None:
        self._env.close()

    def _skip_the_dead(self) -> None:
        """Removes agents that are done. PettingZoo removes such an agent when it takes the action None in its turn."""
        env = self._env
        while env.agents and (env.terminations[env.agent_selection] or env.truncations[env.agent_selection]):
            agent = env.agent_selection
            env.step(None)
            if agent in env.agents:
                raise RuntimeError(f"agent {agent!r} is done, but is still present after its step with action None")

    def _shown(self, rewards: dict[str, Any]) -> Shown:
        env = self._env
        present = _known(env.agents, self.layout.agents)
        _known(rewards, self.layout.agents)
        observations = {agent: env.observe(agent) for agent in present}
        masks = {}
        if present:
            turn = env.agent_selection
            masks[turn] = _raw_mask(observations[turn], env.infos.get(turn))
        mask = self._team.mask(masks) if self.layout.masked else None
        return Shown(self._team.observations(observations), self._team.rewards(rewards), not present, mask)


def _known(names: Any, possible: tuple[str, ...]) -> list[str]:
    unknown = [agent for agent in names if agent not in possible]
    if unknown:
        raise RuntimeError(f"agents {unknown} are not among possible_agents {list(possible)}; list all agents there")
    return list(names)


def _raw_mask(observation: Any, info: dict[str, Any] | None) -> Any:
    if isinstance(observation, dict) and "action_mask" in observation:
        return observation["action_mask"]
    return (info or {}).get("action_mask")
