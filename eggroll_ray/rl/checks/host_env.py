"""Checks the contract of `HostEnv`, for any environment, including a user's own.

Letters in shapes: `b` environments, `a` agents (no axis for a single one), `o` observation axes, `k` entries of a mask.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from eggroll_ray.rl.actions import choices
from eggroll_ray.rl.checks.spaces import Limits, agents_axis, broken, check_declaration, check_values, limits, starts
from eggroll_ray.rl.env import Box, Discrete, HostBatch, HostEnv, HostTimestep, Space, Timestep, action_shape

_BATCH = 4  # episodes played together
_REGROUPED = (1, 0, 3, 0)  # the same episodes at other indices of the same batch, one of them twice
_ALONE = 2  # index of the episode that is played once more in a batch of its own
_REACH = 10  # actions without bounds are drawn from -10 .. 10


class _Fingerprint(NamedTuple):
    """Hashes of the arrays that one environment returned in one step."""

    observation: int
    reward: int
    done: int
    mask: int


_Episode = list[_Fingerprint]


def check_host_env(env: HostEnv, seed: int = 0) -> None:
    """Checks that an environment keeps the contract of `HostEnv`, by playing random episodes to their end.

    It checks the shapes and dtypes of all that `reset` and `step` return, the range of the observations, the masks and
    the end of an episode. It also checks that the bits of an episode depend on its seed and actions alone: not on
    earlier episodes, its index in the batch, or the other environments of the batch. Only then is the result of a run
    the same for any number of workers.

    Args:
        env: the environment.
        seed: seed of all randomness in the check, 0 .. 2^32 - 1.

    Raises:
        ValueError: for the first broken rule, with the value found and what to change.
    """
    check_declaration(env)
    # Try the largest seed too, because some suites take only signed seeds.
    seeds = np.random.default_rng(seed).integers(0, 2**32, _BATCH, np.uint32)
    seeds[-1] = 2**32 - 1
    batch = env.make(_BATCH)
    try:
        episodes = _play(env, batch, seeds)
        again = _play(env, batch, seeds[list(_REGROUPED)])
    finally:
        batch.close()
    for place, source in enumerate(_REGROUPED):
        found = f"was played again at place {place} of the batch, after and beside others"
        _check_same(env, episodes[source], again[place], int(seeds[source]), found)
    single = env.make(1)
    try:
        (alone,) = _play(env, single, seeds[[_ALONE]])
    finally:
        single.close()
    _check_same(env, episodes[_ALONE], alone, int(seeds[_ALONE]), "was played in a batch of its own")


def _play(env: HostEnv, batch: HostBatch, seeds: np.ndarray) -> list[_Episode]:
    """Plays an episode for each seed. Its actions are random, but depend on the seed alone."""
    known = limits(env)
    rngs = [np.random.default_rng(int(seed)) for seed in seeds]
    alive = np.ones(len(seeds), bool)
    first = shown = batch.reset(seeds.copy())
    _check_step(env, known, "reset", shown, alive)
    if shown.done.any() or shown.reward.any():
        found = f"reset gives reward {shown.reward.tolist()} and done {shown.done.tolist()}"
        raise broken(env, found, "they must be 0 and False")
    episodes = [[_fingerprint(row)] for row in _rows(shown)]
    for time in range(1, env.max_steps + 1):
        shown = batch.step(_actions(env, shown, rngs, alive), alive.copy())
        _check_alike(env, f"step {time}", shown, first)
        _check_step(env, known, f"step {time}", shown, alive)
        for place, row in enumerate(_rows(shown)):
            if alive[place]:
                episodes[place].append(_fingerprint(row))
        alive &= ~shown.done
        if not alive.any():
            return episodes
    found = f"an episode did not end within max_steps = {env.max_steps} steps"
    raise broken(env, found, "give done at the time limit, or raise max_steps")


def _check_step(env: HostEnv, known: Limits, where: str, shown: HostTimestep, alive: np.ndarray) -> None:
    _check_arrays(env, known, where, shown, len(alive))
    unasked = [place for place in shown.failed if not 0 <= place < len(alive) or not alive[place]]
    if unasked:
        found = f"{where} reports failures at indices {unasked} of the batch, which should not have been stepped"
        raise broken(env, found, "do not step environments that have ended")
    for place, text in shown.failed.items():
        raise broken(env, f"{where} failed at index {place} of the batch: {text}", "correct the cause of this error")
    for place, row in enumerate(_rows(shown)):
        if alive[place]:
            check_values(env, where, row, known)


def _check_arrays(env: HostEnv, known: Limits, where: str, shown: HostTimestep, size: int) -> None:
    axes = (size, *agents_axis(env))
    expected = [
        ("observation", shown.observation, (*axes, *env.observation_space.shape), (np.float32, np.uint8)),
        ("reward", shown.reward, axes, (np.float32,)),
        ("done", shown.done, (size,), (np.bool_,)),
    ]
    if _is_masked(shown):
        if isinstance(env.action_space, Box):
            remedy = "leave the mask (), and exclude impossible actions by the bounds of the Box"
            raise broken(env, f"{where} gives a mask for actions in a Box", remedy)
        expected.append(("mask", shown.mask, (*axes, sum(choices(env.action_space))), (np.bool_,)))
    elif known.lacking.any():
        found = f"{where} gives no mask, but by agent_spaces some agents have fewer actions than action_space"
        raise broken(env, found, "give a mask that excludes the actions that an agent lacks")
    for name, value, shape, dtypes in expected:
        if not isinstance(value, np.ndarray):
            raise broken(env, f"{where} gives {name} as {type(value).__name__}", "it must be a NumPy array")
        if value.shape != shape or value.dtype not in dtypes:
            wanted = " or ".join(f"{np.dtype(one)}{list(shape)}" for one in dtypes)
            found = f"{where} gives {name} as {value.dtype}{list(value.shape)}"
            raise broken(env, found, f"it must be {wanted}")


def _check_alike(env: HostEnv, where: str, shown: HostTimestep, first: HostTimestep) -> None:
    kinds = [(np.asarray(one.observation).dtype, _is_masked(one)) for one in (shown, first)]
    if kinds[0] != kinds[1]:
        found, wanted = (f"{dtype} observations and {'a' if masked else 'no'} mask" for dtype, masked in kinds)
        raise broken(env, f"{where} gives {found}", f"give the same as reset: {wanted}")


def _check_same(env: HostEnv, one: _Episode, two: _Episode, seed: int, how: str) -> None:
    for step, (a, b) in enumerate(zip(one, two, strict=False)):
        if a != b:
            names = [name for name, x, y in zip(_Fingerprint._fields, a, b, strict=True) if x != y]
            found = f"{f'step {step}' if step else 'reset'} of the episode with seed {seed} gives another "
            found += f"{' and another '.join(names)} when it {how}"
            remedy = "draw all random numbers from the seed, and let reset clear everything from earlier episodes"
            raise broken(env, found, remedy)


def _actions(env: HostEnv, shown: HostTimestep, rngs: list[np.random.Generator], alive: np.ndarray) -> np.ndarray:
    """Draws actions `(b, [a], ...)` that the masks allow. Environments that have ended get zeros."""
    kind = np.float32 if isinstance(env.action_space, Box) else np.int32
    axis = agents_axis(env)
    actions = np.zeros((len(rngs), *axis, *action_shape(env.action_space)), kind)
    for place in np.flatnonzero(alive):
        for agent in np.ndindex(axis):
            mask = shown.mask[place, *agent] if _is_masked(shown) else None
            actions[place, *agent] = _sample(env.action_space, mask, rngs[place])
    return actions


def _sample(space: Space, mask: np.ndarray | None, rng: np.random.Generator) -> Any:
    if isinstance(space, Box):
        low, high = np.clip(space.low, -_REACH, _REACH), np.clip(space.high, -_REACH, _REACH)
        return rng.uniform(low, high).astype(np.float32)
    possible = np.ones(sum(choices(space)), bool) if mask is None else mask
    drawn = [rng.choice(np.flatnonzero(part)) for part in np.split(possible, starts(space)[1:])]
    return drawn[0] if isinstance(space, Discrete) else drawn


def _rows(shown: HostTimestep) -> Iterator[Timestep]:
    """The timestep of each environment."""
    for place in range(len(shown.done)):
        mask = shown.mask[place] if _is_masked(shown) else ()
        yield Timestep(shown.observation[place], shown.reward[place], shown.done[place], mask)


def _fingerprint(row: Timestep) -> _Fingerprint:
    return _Fingerprint(*(hash(np.asarray(array).tobytes()) for array in row))


def _is_masked(shown: HostTimestep) -> bool:
    return not (isinstance(shown.mask, tuple) and not shown.mask)
