"""Finds the leaves whose perturbed weight is formed for every member.

A leaf is formed when an operation without a low-rank rule uses it. Which leaves these are follows from the model alone,
so all workers of a run find the same ones. The record of the run lists them.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from eggroll_ray.es.record import ES, ESState
from eggroll_ray.evaluators.record import Evaluator
from eggroll_ray.lowrank.interpreter import collecting_unsupported


class FormedLeaf(NamedTuple):
    """A leaf that is formed, and why."""

    path: str
    shape: tuple[int, ...]
    nbytes: int  # bytes for one member
    why: str


def check_evaluation(evaluator: Evaluator, strategy: ES, shapes: ESState) -> tuple[ES, list[FormedLeaf]]:
    """Traces the evaluation of a member, and returns a strategy with which it can be evaluated.

    Args:
      evaluator: what is optimised.
      strategy: how it is optimised.
      shapes: shapes of the strategy's state.

    Returns:
      The strategy and the leaves that it forms. If the strategy allows it, these are the leaves that operations
      without a low-rank rule use.

    Raises:
      ValueError: what tracing the evaluation raises. Other errors of the traced function pass through as well.
      UnsupportedPrimitiveError: for an operation without a low-rank rule, if the strategy does not form leaves.
    """
    if strategy.densify is None:
        evaluator.check(strategy.perturb, shapes)
        return strategy, []
    whys: dict[str, str] = {}
    settled = strategy
    # Repeat, because forming one leaf may reveal another: a formed leaf may be combined with a leaf that is not formed.
    while True:
        with collecting_unsupported() as errors:
            evaluator.check(settled.perturb, shapes)
        if not errors:
            break
        known = len(whys)
        for error in errors:
            for path in error.paths:
                whys.setdefault(path, error.why)
        if len(whys) == known:
            raise errors[0]
        settled = strategy.densify.these(sorted(whys))
    leaves = {leaf.path: leaf for leaf in settled.label(shapes.params)}
    formed = [leaves[path] for path in sorted(whys)]
    return settled, [
        FormedLeaf(leaf.path, leaf.shape, math.prod(leaf.shape) * leaf.dtype.itemsize, whys[leaf.path])
        for leaf in formed
    ]


def describe(strategy: ES, formed: Sequence[FormedLeaf], block_size: int) -> str:
    """Describes in words which leaves are formed, why, and how many bytes a block needs for them.

    Raises:
      ValueError: when they need more bytes than the strategy allows.
    """
    each = [f"{leaf.path!r} {list(leaf.shape)}: {leaf.why}" for leaf in formed]
    total = block_size * sum(leaf.nbytes for leaf in formed)
    text = f"{'; '.join(each)}. For the {block_size} members of a block they take {total:,} bytes"
    if strategy.densify is not None and total > strategy.densify.limit:
        raise ValueError(
            f"leaves would be formed for every member: {text}, more than densify_limit={strategy.densify.limit:,}. "
            "Choose a smaller block_size or a larger LeafRules(densify_limit=...), or freeze them."
        )
    return text
