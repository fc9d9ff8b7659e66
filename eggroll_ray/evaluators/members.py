"""The members of a block: their perturbed parameters, which are not formed, and their random keys.

Letters in shapes: `n` members of a block.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key, PRNGKeyArray

from eggroll_ray.es.random import fold_in, stream_key
from eggroll_ray.es.record import ESState, Perturbation, sign_of
from eggroll_ray.evaluators.record import Params
from eggroll_ray.lowrank.interpreter import lift
from eggroll_ray.lowrank.parameter import LowRank, Noised, is_perturbed, member_axes, twin_axes


class Members:
    """The perturbed parameters of the members of a block. `apply` uses them without forming them.

    Arrays that differ between members have the members on axis 0. With `twins`, axis 0 is that of pairs, whose two
    members share their factors, and arrays that differ between twins (signs, noised arrays) have the two on axis 1.
    """

    def __init__(self, params: Params, size: int, twins: bool = False):
        self.params = params
        self.twins = twins
        self._size = size

    def __len__(self) -> int:
        return self._size

    def beside(self, shared: Any) -> "Members":
        """Returns the members with arrays that all of them share: `apply` passes `(parameters, shared)` to `fn`."""
        return Members((self.params, shared), self._size, self.twins)

    def apply(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Runs `fn(params_i, *args_i)` for every member `i`. Arguments and results have the members on axis 0."""
        lifted, given = lift(fn), [0] * len(args)
        if not self.twins:
            return jax.vmap(lifted, (member_axes(self.params), *given), axis_size=self._size)(self.params, *args)
        both = jax.vmap(lifted, (twin_axes(self.params), *given), axis_size=2)
        count = self._size // 2
        pairs = jax.vmap(both, (member_axes(self.params), *given), axis_size=count)
        paired = jax.tree.map(lambda x: x.reshape(count, 2, *x.shape[1:]), args)
        return jax.tree.map(lambda x: x.reshape(self._size, *x.shape[2:]), pairs(self.params, *paired))


jax.tree_util.register_pytree_node(
    Members,
    lambda members: ((members.params,), (len(members), members.twins)),
    lambda kept, children: Members(*children, *kept),
)


def perturb_block(perturb: Perturbation, state: ESState, members: Int[Array, " n"]) -> Members:
    """Draws the noise of a block: the factors of each pair, or those of each member for an odd number of members.

    Args:
      perturb: the perturbation of the strategy.
      state: the state of the strategy.
      members: numbers of the members. Either pairs of twins side by side, `2p, 2p + 1, 2q, 2q + 1, ...`, or an odd
        number of arbitrary members. If an even number contains neighbours that are not twins, their parameters become
        NaN, so that no member silently gets the noise of another.
    """
    n = members.shape[0]
    one = jax.eval_shape(perturb, state, members[0])
    if n % 2:
        return Members(jax.vmap(perturb, (None, 0), member_axes(one))(state, members), n)
    pairs = (members // 2).reshape(-1, 2)
    twins = jnp.all(pairs[:, :1] == pairs, axis=1, keepdims=True)
    signs = jnp.where(twins, sign_of(members).reshape(-1, 2), jnp.nan)
    drawn = jax.vmap(perturb.draw, (None, 0))(state, pairs[:, 0])
    both = jax.vmap(perturb.apply, (None, None, 0), twin_axes(one))
    return Members(jax.vmap(both, (None, 0, 0), member_axes(one))(state, drawn, signs), n, twins=True)


def noise_bytes(perturb: Perturbation, state: ESState) -> int:
    """Returns the bytes of noise that a block holds for each member.

    These are the factors, of which twins share one copy, and the leaves with dense noise.

    Args:
      perturb: the perturbation of the strategy.
      state: the state of the strategy, or its shapes.
    """
    member = jax.eval_shape(perturb, state, jnp.int32(0))
    leaves = jax.tree.leaves(member, is_leaf=is_perturbed)
    factors = sum(_nbytes(x) for leaf in leaves if isinstance(leaf, LowRank) for x in (leaf.a, leaf.b))
    noised = sum(_nbytes(leaf.value) for leaf in leaves if isinstance(leaf, Noised))
    return noised + factors // 2


def _nbytes(array: Any) -> int:
    return array.size * array.dtype.itemsize


def generation_key(state: ESState) -> PRNGKeyArray:
    """Returns the key of everything random in a generation except the noise."""
    return fold_in(stream_key(state.seed, "evaluation"), state.generation)


def member_keys(key: PRNGKeyArray, members: Int[Array, " n"], shared_by: int | None) -> Key[Array, " n"]:
    """Returns a key for each member, `(n,)`. `shared_by` consecutive members share a key; None: all members do."""
    if shared_by is None:
        return jnp.broadcast_to(key, members.shape)
    return jax.vmap(fold_in, (None, 0))(key, members // shared_by)


def check_shared_by(shared_by: int | None) -> None:
    """Raises ValueError if `shared_by` is neither None nor a positive number."""
    if shared_by is not None and shared_by < 1:
        raise ValueError(
            f"shared_by={shared_by} must be at least 1: the number of consecutive members that get the same random "
            "numbers. 2 means twins, 1 means that no members share them, None means that all do."
        )
