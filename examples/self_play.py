"""Tic-tac-toe by self-play: a policy that plays against its own past, checked against every possible opponent.

Run: python examples/self_play.py [--generations 600] [--workers 2] [--run runs/tic-tac-toe]

Opponents are the mean parameters of earlier generations. At the end the policy plays whole game trees: all moves of an
opponent that moves at random, and all best moves of one that plays perfectly. A picture of one game is written beside.
"""

import functools
from pathlib import Path

import jax
import numpy as np
import optax
import tyro

import eggroll_ray as er
import envs

LINES = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]
Board = tuple[int, ...]  # nine cells: 1 is whoever moves next, -1 the other, 0 free


def over(board: Board) -> int | None:
    """The result for whoever moves next: -1 lost, 0 draw, None not over."""
    if any(all(board[cell] == -1 for cell in line) for line in LINES):
        return -1
    return None if 0 in board else 0


def after(board: Board, cell: int) -> Board:
    return tuple(-(1 if i == cell else value) for i, value in enumerate(board))


def free(board: Board) -> list[int]:
    return [cell for cell in range(9) if board[cell] == 0]


@functools.cache
def value(board: Board) -> int:
    """The result of perfect play."""
    result = over(board)
    return max(-value(after(board, cell)) for cell in free(board)) if result is None else result


def random_moves(board: Board) -> list[int]:
    return free(board)


def best_moves(board: Board) -> list[int]:
    return [cell for cell in free(board) if -value(after(board, cell)) == value(board)]


def outcomes(choose, opponent, begins: bool) -> np.ndarray:
    """Chances that the policy loses, draws and wins, over all games against an opponent's equally likely moves."""

    def play(board: Board, own_move: bool) -> np.ndarray:
        if (result := over(board)) is not None:
            return np.eye(3)[1 + (result if own_move else -result)]
        cells = [choose(board)] if own_move else opponent(board)
        return np.mean([play(after(board, cell), not own_move) for cell in cells], axis=0)

    return play((0,) * 9, begins)


def main(
    generations: int = 600,
    population_size: int = 512,
    workers: int = 0,
    seed: int = 0,
    run: str | None = None,
    picture: Path = Path("tic-tac-toe"),
) -> None:
    env = envs.make("pgx/tic_tac_toe")
    trainer = er.Trainer(
        er.self_play(env, er.mlp((64, 64)), rivals=er.Rivals(count=8, every=5), head=er.SamplingHead()),
        er.eggroll(sigma=0.1, optimizer=optax.adam(optax.cosine_decay_schedule(0.02, generations))),
        population_size=population_size,
        seed=seed,
        workers=workers,
        run=run,
        watch=er.Watch(every=50),
    )
    with trainer:
        result = trainer.fit(generations, on_row=show)

    likeliest = er.self_play(env, er.mlp((64, 64))).policy  # the likeliest move, not a sample
    assert likeliest is not None
    policy = likeliest(result.params, ())

    @functools.cache
    def choose(board: Board) -> int:
        seen = np.stack([np.array(board) == side for side in (1, -1)], axis=-1).reshape(3, 3, 2)
        mask = np.array(board) == 0
        both = policy(np.stack([seen, seen]).astype(np.float32), mask=np.stack([mask, mask]))
        return int(both[0])

    for name, opponent in (("random", random_moves), ("perfect", best_moves)):
        for begins in (True, False):
            lost, drawn, won = 100 * outcomes(choose, opponent, begins)
            who = "first" if begins else "second"
            print(f"against a {name} player, moving {who}: {won:.1f}% won, {drawn:.1f}% drawn, {lost:.1f}% lost")

    states, _ = er.record_episode(env, policy, jax.random.key(seed))
    assert env.render is not None
    print(f"one game against itself: {env.render(states, picture)}")


def show(row: dict) -> None:
    if row["mean_policy_return"] is not None:
        print(f"generation {row['generation']:3}  mean result against its past {row['mean_policy_return']:+.2f}")


if __name__ == "__main__":
    tyro.cli(main)
