"""Pgx's games (board games, cards, 2048, MinAtar) as `Env` records.

An `Env` made here holds only a name and options; each process builds the suite's object when it
first needs it. So a pickled environment is small, and loading one starts no JAX backend.
"""

import functools
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from eggroll_ray.rl.env import Box, Discrete, Env, Timestep
from envs.foreign import Options, building, frozen, lenient, strong
from envs.render.frames import save_gif, thinned

# Number of steps of the longest game that the rules allow, or after which pgx ends a game.
_LONGEST = {
    "animal_shogi": 256,
    "chess": 512,
    "connect_four": 42,
    "gardner_chess": 256,
    "go_19x19": 722,
    "go_9x9": 162,
    "hex": 122,  # each of 121 cells once, and the swap
    "kuhn_poker": 3,
    "leduc_holdem": 8,  # two rounds, each of at most check, raise, raise, call
    "othello": 120,  # 60 discs, and at most as many passes
    "shogi": 512,
    "sparrow_mahjong": 28,  # one for each drawn tile
    "tic_tac_toe": 9,
}
# Games that may go on forever. They are cut off after this number of steps unless `max_steps` is given.
_ENDLESS = {
    "2048": 10_000,
    "backgammon": 1000,
    **{f"minatar-{game}": 1000 for game in ("asterix", "breakout", "freeway", "seaquest", "space_invaders")},
}
UNSUPPORTED = {"bridge_bidding": "pgx needs a file of dealt and solved hands for it, which it downloads"}

_ARGUMENTS = {"go_9x9": {"size": 9}, "go_19x19": {"size": 19}}  # arguments that `pgx.make` passes to constructors
# For each entry of backgammon's board (points, bar, off), its index on the other player's board. The sign changes too.
_OTHER_SIDE = np.array([*range(23, -1, -1), 25, 24, 27, 26])


class PgxState(NamedTuple):
    """The suite's state and the number of steps."""

    suite_state: Any
    time: Int[Array, ""]


def names() -> tuple[str, ...]:
    """Returns the ids that work, without importing pgx."""
    return tuple(sorted((*_LONGEST, *_ENDLESS)))


def make(name: str, max_steps: int | None = None, **options: Any) -> Env:
    """Makes one game.

    The agents are pgx's player ids, `player_0`, `player_1` and so on. The reset draws which player begins. A player is
    therefore not tied to a colour or a seat, and plays both sides of the game over its episodes. In every step each
    player observes the board from its own point of view. The mask allows the legal actions to the player whose turn it
    is, and only action 0, which is ignored, to the others. A player that takes an illegal action anyway loses: as in
    pgx, it gets -1 (-3 in backgammon), and each other player gets 1 (3) times the number of other players.

    Rewards are pgx's: usually 1 for the winner and -1 for the loser, in the step that ends the game. A game that is cut
    off at `max_steps` gives no reward for that.

    Args:
        name: pgx's id, such as `connect_four`.
        max_steps: largest number of steps in an episode, of all players together. The default is a length that no game
            exceeds. For games that may go on forever it is 1000 (backgammon and MinAtar) or 10 000 (2048).
        **options: arguments of the game's constructor, such as `komi=6.5` of `go_9x9` or `sticky_action_prob=0.0` of
            `minatar-breakout`.

    Returns:
        The environment. Observations are float32 of pgx's shape, boards `(rows, columns, planes)`.
    """
    fixed = frozen(name, options)
    longest = options.get("max_terminal_steps") or (_LONGEST | _ENDLESS)[name]  # an option of go
    limit = longest if max_steps is None else max_steps
    if limit < 1:
        raise ValueError(f"max_steps={limit} of pgx/{name} must be at least 1")
    suite_env = _build(name, fixed)
    with lenient():
        shown = jax.eval_shape(suite_env.init, jax.random.key(0))
        observation = jax.eval_shape(suite_env._observe, shown, jnp.int32(0))
    bounds = (0, 1) if observation.dtype == bool else (-np.inf, np.inf)
    return Env(
        name=f"pgx/{name}",
        reset=functools.partial(_reset, name, fixed),
        step=functools.partial(_step, name, fixed, limit),
        observation_space=Box.of(observation.shape, *bounds),
        action_space=Discrete(int(shown.legal_action_mask.shape[0])),
        max_steps=limit,
        agents=tuple(f"player_{player}" for player in range(suite_env.num_players)),
        render=functools.partial(_render, name, fixed),
    )


@functools.lru_cache(maxsize=64)
def _build(name: str, options: Options) -> Any:
    if name == "hex" and dict(options).get("size", 11) != 11:
        raise ValueError(f"size={dict(options)['size']} of pgx/hex must be 11: pgx starts on a board of that size")
    with building():
        import pgx

        suite_env: Any = pgx.make(name)  # pyright: ignore[reportArgumentType]
        if not options:
            return suite_env
        try:
            return type(suite_env)(**_ARGUMENTS.get(name, {}), **dict(options))
        except TypeError as error:
            raise ValueError(f"pgx/{name} refuses its options {dict(options)}: {error}") from error


def _reset(name: str, options: Options, key: Any) -> tuple[PgxState, Timestep]:
    suite_env = _build(name, options)
    with lenient():
        suite_state = suite_env.init(key)
        return _result(suite_env, suite_state, jnp.zeros((), jnp.int32), jnp.zeros((), bool))


def _step(
    name: str, options: Options, max_steps: int, state: PgxState, action: Any, key: Any
) -> tuple[PgxState, Timestep]:
    suite_env = _build(name, options)
    time = state.time + 1
    with lenient():
        turn = state.suite_state.current_player
        taken = action if suite_env.num_players == 1 else action[turn]
        suite_state = suite_env.step(state.suite_state, taken, key)
        return _result(suite_env, suite_state, time, time >= max_steps)


def _result(suite_env: Any, suite_state: Any, time: Any, truncated: Any) -> tuple[PgxState, Timestep]:
    players = range(suite_env.num_players)
    observation = jnp.stack([_observe(suite_env, suite_state, player) for player in players]).astype(jnp.float32)
    legal = suite_state.legal_action_mask
    waiting = jnp.arange(legal.shape[0]) == 0
    mask = jnp.stack([jnp.where(suite_state.current_player == player, legal, waiting) for player in players])
    reward = jnp.asarray(suite_state.rewards, jnp.float32)
    if len(players) == 1:
        observation, mask, reward = observation[0], mask[0], reward[0]
    done = suite_state.terminated | suite_state.truncated | truncated
    return strong(PgxState(suite_state, time)), Timestep(observation, reward, done, mask)


def _observe(suite_env: Any, suite_state: Any, player: int) -> Any:
    # The public `observe` warns if it is given the player whose view is wanted.
    observation = suite_env._observe(suite_state, jnp.int32(player))
    if suite_env.id != "backgammon":
        return observation
    # To a waiting player, pgx shows the other player's board, so convert it.
    other = jnp.concatenate([-observation[_OTHER_SIDE], observation[_OTHER_SIDE.size :]])
    return jnp.where(suite_state.current_player == player, observation, other)


def _render(name: str, options: Options, states: list[PgxState], path: Path) -> Path:
    suite_states = [state.suite_state for state in thinned(f"pgx/{name}", states)]
    if name.startswith("minatar-"):
        return save_gif([_paint(np.asarray(state.observation)) for state in suite_states], path)
    import pgx

    path.parent.mkdir(parents=True, exist_ok=True)
    svg = path.with_name(path.name + ".svg")
    with lenient():
        if name == "backgammon":  # drawing it needs JAX arrays
            suite_states = jax.tree.map(jnp.asarray, suite_states)
        pgx.save_svg_animation(suite_states, svg, frame_duration_seconds=0.5)
    return svg


def _paint(planes: np.ndarray) -> np.ndarray:
    """Paints each plane of `(rows, columns, planes)` in a different colour, later planes on top."""
    import matplotlib

    picture = np.zeros((*planes.shape[:2], 3), np.uint8)
    colours = matplotlib.colormaps["tab10"](np.arange(planes.shape[2]))[:, :3]
    for index, colour in enumerate(colours):
        picture[planes[..., index] > 0] = np.uint8(255 * colour)
    return picture
