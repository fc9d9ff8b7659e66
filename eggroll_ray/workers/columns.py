"""Fitness of several groups as one vector, in which twins are neighbours: how it travels and is logged.

Letters in shapes: `n` members, `g` groups. Of pair `p` and group `j` the twins are numbers `2 (p g + j)` and the next
one. With one group the vector is the fitness in member order.
"""

import numpy as np


def flatten(fitness: np.ndarray) -> np.ndarray:
    """(n,) or (n, g) -> (n g,)."""
    if fitness.ndim == 1:
        return fitness
    groups = fitness.shape[1]
    return fitness.reshape(-1, 2, groups).transpose(0, 2, 1).reshape(-1)


def unflatten(vector: np.ndarray, groups: int) -> np.ndarray:
    """(n g,) -> (n, g)."""
    return vector.reshape(-1, groups, 2).transpose(0, 2, 1).reshape(-1, groups)
