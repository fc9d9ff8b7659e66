"""Tic-tac-toe by self-play: a policy that plays against its own past, checked against every possible opponent.

Run: python examples/self_play.py [--generations 200] [--workers 2] [--run runs/tic-tac-toe]

The opponents are earlier generations, which often move at random so that members meet many different positions. At the
end the policy plays against all sequences of an opponent's moves, and a picture of one game is written.
"""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tyro

import eggroll_ray as er
import envs

LINES = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]
IN_LINE = np.array([[cell in line for cell in range(9)] for line in LINES], np.float32)  # (lines, cells)
Board = tuple[int, ...]  # nine cells: 1 is whoever moves next, -1 the other, 0 free


def network(width: int = 16) -> er.Policy:
    """Makes a network that passes messages from cells to lines and back, twice. Each cell gives one output."""
    shapes = {"lines 0": (2, width), "cells 0": (2 + width, width), "lines 1": (width, width)}
    shapes |= {"cells 1": (2 * width, width), "out": (width, 1)}

    def init(key, observation, outputs):
        keys = zip(jax.random.split(key, len(shapes)), shapes.items(), strict=True)
        weights = {name: jax.random.normal(k, shape) / np.sqrt(shape[0]) for k, (name, shape) in keys}
        return {"weights": weights, "bias": {name: jnp.zeros((1, width)) for name in shapes if name != "out"}}

    def apply(params, observation):
        def layer(name, x):
            return jax.vmap(er.pqn)(x @ params["weights"][name] + params["bias"][name])

        cells = observation.reshape(9, 2)
        for i in range(2):
            lines = layer(f"lines {i}", IN_LINE @ cells)
            cells = layer(f"cells {i}", jnp.concatenate([cells, IN_LINE.T @ lines], axis=1))
        return (cells @ params["weights"]["out"])[:, 0]

    return er.feedforward(init, apply)


def careful(env: er.Env) -> er.Env:
    """The same game, but a loss costs twice what a win earns, so relying on an opponent's mistakes does not pay."""

    def step(state, action, key):
        state, shown = env.step(state, action, key)
        return state, shown._replace(reward=jnp.minimum(shown.reward, 2 * shown.reward))

    return env._replace(step=step)


def moves(board: Board) -> dict[int, Board]:
    """The free cells, and the board after taking each, as the other player sees it."""
    cells = [cell for cell in range(9) if board[cell] == 0]
    return {cell: tuple(-(1 if i == cell else value) for i, value in enumerate(board)) for cell in cells}


def lost(board: Board) -> bool:
    return any(all(board[cell] == -1 for cell in line) for line in LINES)


@functools.cache  # the result of perfect play for whoever moves next: -1, 0 or 1
def value(board: Board) -> int:
    return -1 if lost(board) else max((-value(after) for after in moves(board).values()), default=0)


def best(board: Board) -> list[int]:
    return [cell for cell, after in moves(board).items() if -value(after) == value(board)]


def outcomes(choose, opponent, board: Board, own_move: bool) -> np.ndarray:
    """Chances that the policy loses, draws and wins, over all games against an opponent's equally likely moves."""
    if lost(board) or not moves(board):
        return np.eye(3)[1 + lost(board) * (-1 if own_move else 1)]
    cells = [choose(board)] if own_move else opponent(board)
    return np.mean([outcomes(choose, opponent, moves(board)[cell], not own_move) for cell in cells], axis=0)


def main(
    generations: int = 200,
    population_size: int = 512,
    workers: int = 0,
    seed: int = 0,
    run: str | None = None,
    picture: Path = Path("tic-tac-toe"),
) -> None:
    env = envs.make("pgx/tic_tac_toe")
    evaluator = er.self_play(careful(env), network(), rivals=er.Rivals(count=8, every=5, explore=0.6), episodes=32)
    rate, sigma = optax.cosine_decay_schedule(0.02, generations), optax.exponential_decay(0.1, generations, 0.3)
    strategy = er.eggroll(sigma=sigma, optimizer=optax.adam(rate))
    options = {"population_size": population_size, "seed": seed, "workers": workers, "run": run}
    with er.Trainer(evaluator, strategy, watch=er.Watch(every=0), **options) as trainer:
        result = trainer.fit(generations, on_row=lambda row: print(row["generation"], row["fitness_mean"]))

    @functools.cache
    def choose(board: Board) -> int:
        seen = np.stack([np.array(board) == side for side in (1, -1)], axis=-1).reshape(3, 3, 2)
        both, masks = np.stack([seen, seen]).astype(np.float32), np.stack([np.array(board) == 0] * 2)
        return int(result.policy(both, mask=masks)[0])

    for name, opponent in (("random", moves), ("perfect", best)):
        for begins, order in ((True, "first"), (False, "second")):
            losses, draws, wins = 100 * outcomes(choose, opponent, (0,) * 9, begins)
            print(f"against a {name} player, moving {order}: {wins:.1f}% won, {draws:.1f}% drawn, {losses:.1f}% lost")

    states, _ = er.record_episode(env, result.policy, jax.random.key(seed))
    assert env.render is not None
    print(f"one game against itself: {env.render(states, picture)}")


if __name__ == "__main__":
    tyro.cli(main)
