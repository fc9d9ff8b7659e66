"""Checks the contract of `Env`, for any environment, including a user's own."""

import re
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from eggroll_ray.rl.actions import choices
from eggroll_ray.rl.checks.spaces import (
    Limits,
    agents_axis,
    broken,
    check_declaration,
    check_shapes,
    check_values,
    limits,
    starts,
)
from eggroll_ray.rl.env import Box, Discrete, Env, Timestep

_BATCH = 4  # episodes in one vmapped batch, each compared with the same episode played alone
_REGROUPED = (1, 0, 3, 0)  # the same episodes in another order, for a batch with other neighbours
_COMPARED = 3  # number of steps compared, because chaotic physics amplifies rounding in later steps
_TOLERANCE = 1e-3  # of these comparisons, because different programs round differently


class _Episode(NamedTuple):
    start: Any  # state after reset
    before: Any  # state before the last step, which gave done
    end: Any  # state after the last step
    first: Timestep
    steps: Timestep  # `max_steps` timesteps, stacked; those after done are meaningless


def check_env(env: Env, key_seed: int = 0) -> None:
    """Checks that an environment keeps the contract of `Env`, by playing random episodes.

    It checks the spaces, the shapes and dtypes of all that `reset` and `step` return, the range of the observations,
    padding and masks, repeatability, `jit`, `vmap`, the end of an episode, and that there is no hidden auto-reset. It
    plays random actions that the mask allows.

    Args:
        env: the environment.
        key_seed: seed of all randomness in the check.

    Raises:
        ValueError: for the first broken rule, with the value found and what to change.
    """
    key = jax.random.key(key_seed)
    check_declaration(env)
    known = limits(env)
    _check_types(env, known, key)
    _check_repeatable_trace(env, key)

    keys = jax.random.split(key, _BATCH)
    play = jax.jit(lambda key: _play(env, key))
    singles = [_numbers(play(one)) for one in keys]
    play_batch = jax.jit(jax.vmap(lambda key: _play(env, key)))
    batch = _numbers(play_batch(keys))
    _check_same_bits(env, singles[0], _numbers(play(keys[0])))
    regrouped = _numbers(play_batch(keys[np.array(_REGROUPED)]))
    lasts = [_check_episode(env, known, single) for single in singles]
    _check_batch(env, [_row(batch, index) for index in range(_BATCH)], singles, lasts)
    for index, source in enumerate(_REGROUPED):
        _check_undisturbed(env, _row(batch, source), _row(regrouped, index), lasts[source])
    for single, last in zip(singles, lasts, strict=True):
        _check_no_reset(env, single, batch.start, last)


def _check_types(env: Env, known: Limits, key: jax.Array) -> None:
    """Checks shapes, dtypes and structures by tracing alone."""
    try:
        state, first = jax.eval_shape(env.reset, key)
        check_shapes(env, "reset", first, known)
        action = jax.eval_shape(lambda key, mask: _sample(env, mask, key), key, first.mask)
        after, shown = jax.eval_shape(env.step, state, action, key)
    except jax.errors.JAXTypeError as error:
        remedy = "use jnp and jax.lax instead of NumPy and Python's if, int() and float()"
        raise broken(env, f"reset or step cannot run under jit: {error}", remedy) from error
    check_shapes(env, "step", shown, known)
    masked = [where for where, one in (("reset", first), ("step", shown)) if jax.tree.leaves(one.mask)]
    if len(masked) == 1:
        raise broken(env, f"only {masked[0]} gives a mask", "give one in every timestep or in none")
    _check_stable(env, state, after)


def _check_stable(env: Env, old: Any, new: Any) -> None:
    """Checks that the state keeps its structure, shapes and dtypes. Otherwise it could not be the carry of a loop."""
    structures = jax.tree.structure(old), jax.tree.structure(new)
    if structures[0] != structures[1]:
        found = f"the state is {structures[0]} after reset and {structures[1]} after step"
        raise broken(env, found, "return the same pytree from both")
    for (path, one), two in zip(jax.tree_util.tree_flatten_with_path(old)[0], jax.tree.leaves(new), strict=True):
        if (one.shape, one.dtype) != (two.shape, two.dtype):
            kinds = [f"{leaf.dtype}{list(leaf.shape)}" for leaf in (one, two)]
            found = f"state{jax.tree_util.keystr(path)} is {kinds[0]} after reset and {kinds[1]} after step"
            raise broken(env, found, "give it one shape and dtype in both")


def _check_repeatable_trace(env: Env, key: jax.Array) -> None:
    """Finds random numbers and state in Python, which `jit` would turn into constants."""
    traces = [jax.make_jaxpr(lambda key: _play(env, key, 1))(key) for _ in range(2)]
    # Two traces of the same program differ only in the addresses of Python functions.
    texts = [re.sub("0x[0-9a-f]+", "", str(trace)) for trace in traces]
    consts = [[np.asarray(const) for const in trace.consts] for trace in traces]
    same_consts = all(map(_equal_bits, *consts)) if len(consts[0]) == len(consts[1]) else False
    if texts[0] != texts[1] or not same_consts:
        found = "reset or step gives a different program when it is traced a second time"
        raise broken(env, found, "draw random numbers from the given key, and keep memory in the state")


def _check_same_bits(env: Env, one: _Episode, two: _Episode) -> None:
    if not all(map(_equal_bits, jax.tree.leaves(one), jax.tree.leaves(two))):
        found = "the same key gives different bits the second time"
        raise broken(env, found, "draw random numbers from the given key, and keep memory in the state")


def _check_episode(env: Env, known: Limits, episode: _Episode) -> int:
    """Checks the values of every timestep, and returns the index of the last one."""
    first, steps = episode.first, episode.steps
    check_values(env, "reset", first, known)
    if first.reward.any() or first.done:
        found = f"reset gives reward {first.reward} and done {first.done}"
        raise broken(env, found, "they must be 0 and False")
    if not steps.done.any():
        found = f"an episode did not end within max_steps = {env.max_steps} steps"
        raise broken(env, found, "give done at the time limit, or raise max_steps")
    last = int(np.argmax(steps.done))
    for index in range(last + 1):
        shown = jax.tree.map(lambda leaf, index=index: leaf[index], steps)
        check_values(env, f"step {index + 1}", shown, known)
    return last


def _check_batch(env: Env, rows: list[_Episode], singles: list[_Episode], lasts: list[int]) -> None:
    """Compares a vmapped batch with the same episodes played alone.

    These are two different programs, which round differently, and one step of a stiff contact can amplify the
    difference 40 000 times (measured in brax/ant). So up to half of the episodes may differ after the reset.
    """
    remedy = "let vmap mean the same as a loop: look at custom_vmap rules and at callbacks"
    starts = [_distance(row.first, one.first) for row, one in zip(rows, singles, strict=True)]
    if max(starts) > _TOLERANCE:
        found = f"under vmap, reset differs by {max(starts):.2g} from reset alone"
        raise broken(env, found, remedy)
    steps = [_step_distance(*three) for three in zip(rows, singles, lasts, strict=True)]
    differing = sum(distance > _TOLERANCE for distance in steps)
    if 2 * differing > _BATCH:
        found = f"under vmap, step differs from step alone in {differing} of {_BATCH} episodes"
        raise broken(env, f"{found}, by up to {max(steps):.2g}", remedy)


def _check_undisturbed(env: Env, row: _Episode, regrouped: _Episode, last: int) -> None:
    """Compares an episode with the same one among other episodes. One program plays both, so rounding is the same."""
    distance = max(_distance(row.first, regrouped.first), _step_distance(row, regrouped, last))
    if distance > _TOLERANCE:
        found = f"an episode differs by {distance:.2g} when other episodes are in its vmapped batch"
        raise broken(env, found, "reset and step must treat each environment independently")


def _step_distance(one: _Episode, two: _Episode, last: int) -> float:
    compared = min(last + 1, _COMPARED)
    return _distance(*(jax.tree.map(lambda x: x[:compared], e.steps) for e in (one, two)))


def _distance(one: Timestep, two: Timestep) -> float:
    """Returns the largest difference of any number, relative for numbers above 1; infinite for NaN."""
    distances = []
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        a, b = np.float64(a), np.float64(b)
        difference = np.abs(a - b) / np.maximum(1, np.abs(b))
        distances.append(np.nan_to_num(difference, nan=np.inf).max(initial=0))
    return float(max(distances))


def _row(batch: _Episode, index: int) -> _Episode:
    return jax.tree.map(lambda leaf: leaf[index], batch)


def _check_no_reset(env: Env, episode: _Episode, starts: Any, last: int) -> None:
    """Finds environments whose last step returns the first state of a new episode."""
    # Leaves such as counters and scores: the same after every reset, but different before the last step.
    counters = [
        (start, end)
        for many, start, before, end in zip(
            *map(jax.tree.leaves, (starts, episode.start, episode.before, episode.end)), strict=True
        )
        if (many == start).all() and not _equal_bits(start, before)
    ]
    restarted = bool(counters) and all(_equal_bits(start, end) for start, end in counters)
    # A continuous observation does not take the same bits again, unless it was stored and copied.
    first, shown = episode.first.observation, episode.steps.observation
    moved = last > 0 and not _equal_bits(first, shown[last - 1])
    continuous = bool((first != np.round(first)).any())
    if restarted or (moved and continuous and _equal_bits(first, shown[last])):
        found = f"step {last + 1} gives done together with the state of a new episode"
        remedy = "remove the auto-reset; if the task really ends where it began, count the steps in "
        raise broken(env, found, remedy + "the state")


def _play(env: Env, key: jax.Array, length: int | None = None) -> _Episode:
    """Plays one random episode, of `length` steps if given."""

    def step(carry: tuple[Any, Any, Any, jax.Array], key: jax.Array) -> tuple[Any, Timestep]:
        before, state, mask, done = carry
        action_key, step_key = jax.random.split(key)
        stepped, shown = env.step(state, _sample(env, mask, action_key), step_key)
        old, new = (before, state, mask), (state, stepped, shown.mask)
        before, state, mask = jax.tree.map(lambda old, new: jnp.where(done, old, new), old, new)
        return (before, state, mask, done | shown.done), shown

    reset_key, key = jax.random.split(key)
    start, first = env.reset(reset_key)
    step_keys = jax.random.split(key, length or env.max_steps)
    (before, end, _, _), steps = jax.lax.scan(step, (start, start, first.mask, first.done), step_keys)
    return _Episode(start, before, end, first, steps)


def _sample(env: Env, mask: Any, key: jax.Array) -> jax.Array:
    """Draws uniform actions of all agents that the mask allows. A Box without bounds is sampled from -10 .. 10."""
    space, axis = env.action_space, agents_axis(env)
    if isinstance(space, Box):
        low, high = (jnp.asarray(np.clip(bound, -10, 10)) for bound in _bounds(env, space))
        return low + (high - low) * jax.random.uniform(key, low.shape)
    entries = jnp.ones((*axis, sum(choices(space))), bool) if not jax.tree.leaves(mask) else mask
    parts = jnp.split(jnp.where(entries, 0.0, -jnp.inf), starts(space)[1:], axis=-1)
    keys = jax.random.split(key, len(parts))
    chosen = [jax.random.categorical(key, part).astype(jnp.int32) for key, part in zip(keys, parts, strict=True)]
    return chosen[0] if isinstance(space, Discrete) else jnp.stack(chosen, axis=-1)


def _bounds(env: Env, space: Box) -> tuple[np.ndarray, np.ndarray]:
    """The bounds of each agent's actions, from its own space if it has one."""
    low, high = (np.broadcast_to(bound, (*agents_axis(env), *space.shape)).copy() for bound in (space.low, space.high))
    for index, (_, own) in enumerate(env.agent_spaces):
        assert isinstance(own, Box)
        part = (index, *map(slice, own.shape)) if len(env.agents) > 1 else tuple(map(slice, own.shape))
        low[part], high[part] = own.low, own.high
    return low, high


def _numbers(tree: Any) -> Any:
    """Copies a pytree to NumPy arrays, and random keys to their integers."""

    def number(leaf: jax.Array) -> np.ndarray:
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.random.key_data(leaf)
        return np.asarray(leaf)

    return jax.tree.map(number, tree)


def _equal_bits(one: Any, two: Any) -> bool:
    return one.shape == two.shape and one.tobytes() == two.tobytes()
