"""The members of a block: their perturbed parameters, which are never formed, and their random numbers.

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
    """The perturbed parameters of a block, to be used through `apply` without ever forming them.

    Their own arrays have the members on axis 0; of twins that share their factors, the pairs, and what differs between
    twins (signs, noised arrays) has the two of a pair on axis 1.
    """

    def __init__(self, params: Params, size: int, twins: bool = False):
        self.params = params
        self.twins = twins
        self._size = size

    def __len__(self) -> int:
        return self._size

    def beside(self, shared: Any) -> "Members":
        """The same with arrays that all members have in common: `apply` gives `fn` the pair of parameters and these."""
        return Members((self.params, shared), self._size, self.twins)

    def apply(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Runs `fn(params_i, *args_i)` for every member i, with the members on axis 0 of every arg."""
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
    """Draws the noise of a block: factors of each pair, or `(n, ...)` of members that are no twins; the mean once.

    Args:
      perturb: of a strategy.
      state: of the strategy.
      members: twins side by side, `2p, 2p + 1, 2q, 2q + 1, ...`, or an odd number of any members. An even number of
        members that are not twins get parameters of NaN, never another's noise.
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
    """Returns the bytes of noise that a block holds for each member: its factors, of which twins share one copy, and
    the leaves with dense noise.

    Args:
      perturb: of a strategy.
      state: of the strategy, or its shapes.
    """
    member = jax.eval_shape(perturb, state, jnp.int32(0))
    leaves = jax.tree.leaves(member, is_leaf=is_perturbed)
    factors = sum(_nbytes(x) for leaf in leaves if isinstance(leaf, LowRank) for x in (leaf.a, leaf.b))
    noised = sum(_nbytes(leaf.value) for leaf in leaves if isinstance(leaf, Noised))
    return noised + factors // 2


def _nbytes(array: Any) -> int:
    return array.size * array.dtype.itemsize


def generation_key(state: ESState) -> PRNGKeyArray:
    """Returns the key of everything random in a generation but the noise."""
    return fold_in(stream_key(state.seed, "evaluation"), state.generation)


def member_keys(key: PRNGKeyArray, members: Int[Array, " n"], shared_by: int | None) -> Key[Array, " n"]:
    """One key `(n,)` per member: the same for `shared_by` consecutive members, for all where it is None."""
    if shared_by is None:
        return jnp.broadcast_to(key, members.shape)
    return jax.vmap(fold_in, (None, 0))(key, members // shared_by)


def check_shared_by(shared_by: int | None) -> None:
    """Raises ValueError where it is neither None nor a positive number."""
    if shared_by is not None and shared_by < 1:
        raise ValueError(
            f"shared_by={shared_by} must be at least 1, the number of consecutive members that get the same random "
            "numbers: 2 is twins, 1 is each its own, None is all."
        )
