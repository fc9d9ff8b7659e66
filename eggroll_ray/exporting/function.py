"""The function that an export holds: a trained policy as arrays in, arrays out, with its normaliser inside.

It draws no random numbers. A policy that samples its actions takes the noise from its caller, in whatever language.

Letters in shapes: `n` environments, `a` agents, `m` agents of a group, `o` observation axes, `k` entries of a mask.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from eggroll_ray.evaluators.record import Params
from eggroll_ray.rl import stepping
from eggroll_ray.rl.actions import SamplingHead, choices, draws, forbid
from eggroll_ray.rl.agents import Group
from eggroll_ray.rl.env import AnyEnv, Box, Env, Space, action_shape
from eggroll_ray.rl.trained_policy import TrainedPolicy


class Port(NamedTuple):
    """An input or an output of the function."""

    name: str
    shape: tuple[int, ...]  # without the axis `n`, which stands in front
    dtype: np.dtype
    initial: np.ndarray | None = None  # of a recurrent state: its value at the start of an episode

    def spec(self, batch: Any) -> jax.ShapeDtypeStruct:
        """The shape and type for a number of environments, which may be symbolic."""
        return jax.ShapeDtypeStruct((batch, *self.shape), self.dtype)


class PolicyFunction(NamedTuple):
    """A policy as a pure function of arrays.

    `call(*inputs)` returns a tuple of `outputs`; all have an axis of environments in front. The inputs are, in this
    order, `observation`; `mask`, where the environment says which actions are possible; `noise`, where actions are
    sampled; and the recurrent state, `carry_0, carry_1, ...`. The outputs are `action` and the next recurrent state.
    """

    call: Callable[..., tuple[Array, ...]]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    def specs(self, batch: Any) -> list[jax.ShapeDtypeStruct]:
        """Shapes and types of the inputs for a number of environments."""
        return [port.spec(batch) for port in self.inputs]


def policy_function(policy: TrainedPolicy) -> PolicyFunction:
    """Makes the function of a policy; of several agents it acts for all of them, as the policy itself does.

    Raises:
      ValueError: for a head of the user's own that draws random numbers.
    """
    cast = policy.cast
    for group in cast.groups:
        _check_head(group)
    first = _first_shown(cast.env)
    carries, structure = jax.tree.flatten(jax.device_get(cast.carry(1, 1)))
    start = [array[0] if cast.axis else array[0, 0] for array in carries]
    agents = (len(cast.env.agents),) if cast.axis else ()
    inputs = [Port("observation", first.observation.shape, _seen_as(first.observation.dtype))]
    if jax.tree.leaves(first.mask):
        inputs.append(Port("mask", first.mask.shape, np.dtype(bool)))
    if any(isinstance(group.head, SamplingHead) for group in cast.groups):
        inputs.append(Port("noise", (*agents, _choices(cast.env.action_space)), np.dtype(np.float32)))
    states = [Port(f"carry_{i}", array.shape, array.dtype, array) for i, array in enumerate(start)]
    one = _one_environment(policy, structure, [port.name for port in inputs])
    inputs += states
    action = jax.eval_shape(one, *(jax.ShapeDtypeStruct(port.shape, port.dtype) for port in inputs))[0]
    outputs = Port("action", action.shape, action.dtype), *(port._replace(name=f"next_{port.name}") for port in states)
    return PolicyFunction(jax.vmap(one), tuple(inputs), outputs)


def _one_environment(policy: TrainedPolicy, carries: Any, names: list[str]) -> Callable[..., tuple[Array, ...]]:
    """The function for one environment: arrays of these names and the leaves of the carries -> action, next leaves.

    Agents act one after the other, each on vectors of its own: jax2onnx converts some operations on arrays that have
    an axis of agents wrongly, picking by an array of places and slices among them.
    """
    cast, count = policy.cast, len(policy.cast.env.agents)
    params, frozen = jax.tree.map(jnp.asarray, (policy.params, policy.normalizer))

    def one(*arrays: Array) -> tuple[Array, ...]:
        shown = [_apart(x, count) if cast.axis else [x] for x in arrays[: len(names)]]
        actions, after = {}, []
        for group, before in zip(cast.groups, carries.unflatten(arrays[len(names) :]), strict=True):
            own, normalizer = cast.part(params, group), cast.part(frozen, group)
            leaves, structure = jax.tree.flatten(before)
            states = [_apart(x, len(group.agents)) if cast.axis else [x] for x in leaves]
            ends = []
            for number, place in enumerate(group.agents):
                given = dict(zip(names, (x[place] for x in shown), strict=True))
                carry = structure.unflatten([x[number] for x in states])
                actions[place], end = _act(group, number, own, normalizer, given, carry)
                ends.append(jax.tree.leaves(end))
            after += [_together(x) if cast.axis else x[0] for x in zip(*ends, strict=True)]
        if not cast.axis:
            return actions[0], *after
        shape = action_shape(cast.env.action_space)
        return _together([_padded(actions[place], shape) for place in range(count)]), *after

    return one


def _act(
    group: Group, number: int, params: Params, frozen: Any, given: dict[str, Array], carry: Any
) -> tuple[Array, Any]:
    """How the agent of this number in its group acts, with the arrays of all ports that are given by their names."""
    space = group.action_space
    seen, own = given["observation"], group.observation_space.shape
    seen = seen if seen.shape == own else _first(seen, own[0])
    if frozen is not None:
        seen = frozen(seen)
    if group.identify:
        seen = jnp.concatenate([seen.astype(jnp.float32).reshape(-1), jnp.eye(len(group.agents))[number]])
    outputs, carry = group.policy.apply(params, seen, carry)
    if "mask" in given:
        outputs = forbid(outputs, _first(given["mask"], _choices(space)))
    if isinstance(group.head, SamplingHead):
        return group.head.action_of_noise(space, outputs, _first(given["noise"], _choices(space))), carry
    return group.head.action(space, outputs, jax.random.key(0)), carry


def _apart(x: Array, count: int) -> list[Array]:
    return [jnp.squeeze(part, 0) for part in jnp.split(x, count)]


def _together(parts: Sequence[Array]) -> Array:
    return jnp.concatenate([x[None] for x in parts])


def _first(x: Array, size: int) -> Array:
    """The first entries of the last axis."""
    return x if x.shape[-1] == size else jnp.split(x, [size], axis=-1)[0]


def _padded(action: Array, shape: tuple[int, ...]) -> Array:
    if action.shape == shape:
        return action
    return jnp.pad(action, [(0, large - small) for small, large in zip(action.shape, shape, strict=True)])


def _choices(space: Space) -> int:
    """How many numbers of noise, or entries of a mask, an action has."""
    return int(space.low.size) if isinstance(space, Box) else sum(choices(space))


def _check_head(group: Group) -> None:
    """Raises ValueError for a head whose action depends on a key, which no caller outside of JAX has."""
    head, space = group.head, group.action_space
    if not isinstance(head, SamplingHead) and draws(head, space):
        raise ValueError(
            f"the head {type(head).__name__} draws random numbers from a key of JAX, which an exported policy is not "
            "given; use SamplingHead, whose noise the caller draws, or a head that ignores the key."
        )


def _first_shown(env: AnyEnv) -> Any:
    """What one environment shows after a reset: arrays, or their shapes and types."""
    if isinstance(env, Env):
        return jax.eval_shape(lambda: stepping.reset(env, jax.random.key(0)))[1]
    batch = env.make(1)
    try:
        shown = batch.reset(np.zeros(1, np.uint32))
    finally:
        batch.close()
    return jax.tree.map(lambda x: x[0], shown._replace(failed=()))


def _seen_as(dtype: Any) -> np.dtype:
    """The type in which a trained policy takes observations: bytes of images, float32 otherwise."""
    return np.dtype(np.uint8 if dtype == np.uint8 else np.float32)
