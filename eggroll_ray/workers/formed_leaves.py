"""Leaves that are formed for every member because an operation without a low-rank rule uses them.

Which they are follows from the model alone, so all workers of a run agree, and its record says it.
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
    nbytes: int  # for a member
    why: str


def check_evaluation(evaluator: Evaluator, strategy: ES, shapes: ESState) -> tuple[ES, list[FormedLeaf]]:
    """Traces the evaluation of a member, and returns the strategy that it can be evaluated with.

    Args:
      evaluator: what is optimised.
      strategy: how.
      shapes: of its state.

    Returns:
      The strategy, with more leaves formed where it says so of operations without a low-rank rule, and these leaves.

    Raises:
      ValueError: for what an evaluation would raise when it is traced; so other errors of the traced function.
      UnsupportedPrimitiveError: for an operation without a low-rank rule, where the strategy does not form leaves.
    """
    if strategy.densify is None:
        evaluator.check(strategy.perturb, shapes)
        return strategy, []
    whys: dict[str, str] = {}
    settled = strategy
    while True:  # what is formed may then meet another leaf, for which the error proposed to form this one
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
    """Says which leaves are formed, why, and how many bytes a block needs for them.

    Raises:
      ValueError: when that is more than the strategy allows.
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
